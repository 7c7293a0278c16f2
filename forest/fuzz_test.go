package forest

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// discard is a connection that takes everything and says nothing.
type discard struct{ io.Writer }

func (discard) Read([]byte) (int, error)         { return 0, io.EOF }
func (discard) Close() error                     { return nil }
func (discard) LocalAddr() net.Addr              { return nil }
func (discard) RemoteAddr() net.Addr             { return nil }
func (discard) SetDeadline(time.Time) error      { return nil }
func (discard) SetReadDeadline(time.Time) error  { return nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

// request is an LDAP message with an operation, as go-ldap would write it.
func request(op *ber.Packet, controls ...ldap.Control) []byte {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(7), ""))
	p.AppendChild(op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			list.AppendChild(c.Encode())
		}
		p.AppendChild(list)
	}
	return p.Bytes()
}

func text(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func sequence(tag ber.Tag, parts ...*ber.Packet) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	if tag == ber.TagSequence {
		p = ber.NewSequence("")
	}
	for _, x := range parts {
		p.AppendChild(x)
	}
	return p
}

func searchOp(base, filter string, scope int64, attrs ...string) *ber.Packet {
	f, err := ldap.CompileFilter(filter)
	if err != nil {
		panic(err)
	}
	number := func(tag ber.Tag, n int64) *ber.Packet {
		return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, tag, n, "")
	}
	list := ber.NewSequence("")
	for _, a := range attrs {
		list.AppendChild(text(a))
	}
	return sequence(3, text(base), number(ber.TagEnumerated, scope), number(ber.TagEnumerated, 0), number(ber.TagInteger, 0),
		number(ber.TagInteger, 0), ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""), f, list)
}

// No request, whatever it is made of, brings the server down or leaves it holding a lock.
func FuzzRequest(f *testing.F) {
	base := "DC=contoso,DC=lab"
	for _, seed := range [][]byte{
		nil, {0x30}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x80, 0, 0}, bytes.Repeat([]byte{0x30, 0x82}, 3000),
		request(searchOp(base, "(&(objectClass=user)(|(cn=a*b)(!(mail=*))(memberOf:1.2.840.113556.1.4.1941:=x)))", 2, "member;range=0-1", "*")),
		request(searchOp(base, "(uSNChanged>=1)", 2), ldap.NewControlPaging(3), ldap.NewControlMicrosoftShowDeleted()),
		request(searchOp(base, "(objectClass=*)", 2, "name"), ldap.NewRequestControlDirSync(flagIncremental, 0, cookie{objects: 5, values: 5}.encode(time.Unix(0, 0)))),
		request(sequence(8, text("CN=x,CN=Users,"+base), sequence(ber.TagSequence, sequence(ber.TagSequence, text("objectClass"), sequence(ber.TagSequence, text("user")))))),
		request(sequence(12, text("CN=Guest,CN=Users,"+base), text("CN=y"), ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, ""))),
		request(sequence(14, text("CN=Guest,CN=Users,"+base), sequence(ber.TagSequence, text("cn"), text("Guest")))),
		request(ber.NewString(ber.ClassApplication, ber.TypePrimitive, 10, "CN=Guest,CN=Users,"+base, ""), ldap.NewControlSubtreeDelete()),
		request(ber.NewString(ber.ClassApplication, ber.TypePrimitive, 16, "\x07", "")),
	} {
		f.Add(seed)
	}
	opt := Options{Domain: "contoso.lab", Seed: 1, Exchange: true}
	if err := opt.complete(); err != nil {
		f.Fatal(err)
	}
	d := newDirectory(&opt)
	if err := d.provision(); err != nil {
		f.Fatal(err)
	}
	whole := d.clone()
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{opt: opt, dir: whole}
		c := newConn(s, discard{io.Discard}, true)
		c.who = whole.account("CONTOSO\\Administrator")
		rest := bytes.NewReader(b)
		for {
			raw, err := readMessage(rest, rest, 1<<20)
			if err != nil {
				break
			}
			m, err := decodeMessage(raw)
			if err != nil || m.op.Tag == 23 || !c.dispatch(t.Context(), m) {
				break
			}
		}
		c.quiet()
		if !whole.mu.TryLock() {
			t.Fatal("the lock is still held")
		}
		if whole.usn > 5000 {
			whole.mu.Unlock()
			whole = d.clone()
			return
		}
		whole.mu.Unlock()
	})
}

// Every filter that go-ldap can write is understood, and evaluates on every object.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"(cn=a)", "(&(cn=*)(!(sn=x)))", "(cn=a*b*c)", "(objectGUID=\\01)", "(member:1.2.840.113556.1.4.1941:=CN=x)",
		"(userAccountControl:1.2.840.113556.1.4.803:=2)", "(cn:dn:=x)", "(whenCreated>=20200101000000.0Z)", "(anr=x)", "(objectSid=S-1-5-32)",
		"(uSNChanged<=5)", "(memberOf=CN=Users,CN=Builtin,DC=contoso,DC=lab)"} {
		f.Add(seed)
	}
	opt := Options{Domain: "contoso.lab", Seed: 1, Exchange: true}
	if err := opt.complete(); err != nil {
		f.Fatal(err)
	}
	d := newDirectory(&opt)
	if err := d.provision(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ldap.CompileFilter(s)
		if err != nil {
			return
		}
		x, r := d.compile(p, &view{}, 0)
		if r != nil {
			if strings.Count(s, "(") < filterDepth {
				t.Logf("%q is refused: %v", s, r)
			}
			return
		}
		found, indexed := x.candidates()
		among := map[*object]bool{}
		for _, o := range found {
			among[o] = true
		}
		for _, o := range d.byGUID {
			if x.match(o) == yes && indexed && !among[o] {
				t.Errorf("%q matches %s, which its index does not know", s, o.distinguished())
			}
		}
	})
}

// What is written from a parsed DN parses to the same.
func FuzzDN(f *testing.F) {
	for _, seed := range []string{"CN=a,DC=b", `CN=a\, b\+c \"q\" \#x,DC=b`, `CN=\20a\20,DC=b`, "CN=a\\0ADEL:x,DC=b", "cn=#0401ff,dc=b", "CN=a+SN=b,DC=c", "=,=", "CN=é,DC=b", "CN=a\\09,DC=b", "CN=a\\C2\\A0,DC=b", "CN=\u00a0a\u00a0,DC=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dn, ok := parseDN(s)
		if !ok {
			return
		}
		again, ok := parseDN(joinDN(dn))
		if !ok || len(again) != len(dn) {
			t.Fatalf("%q: %q does not parse", s, joinDN(dn))
		}
		for i := range dn {
			if again[i] != dn[i] {
				t.Fatalf("%q: component %d is %+v, then %+v", s, i, dn[i], again[i])
			}
		}
	})
}

// Cookies, SIDs and GUIDs of any form are read or refused.
func FuzzIdentity(f *testing.F) {
	f.Add(cookie{objects: 3, values: 2}.encode(time.Unix(0, 0)), "S-1-5-21-1-2-3-4")
	f.Add([]byte("MSDS"), "\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00")
	f.Add([]byte{}, "01020304-0506-0708-090a-0b0c0d0e0f10")
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		if c, ok := decodeCookie(b); ok && len(b) > 0 {
			if again, ok := decodeCookie(c.encode(time.Unix(0, 0))); !ok || again != c {
				t.Errorf("cookie %+v becomes %+v", c, again)
			}
		}
		if raw, err := parseSID(s); err == nil {
			if again, err := parseSID(sidText(raw)); err != nil || again != raw {
				t.Errorf("SID %x becomes %q, %v", raw, again, err)
			}
		}
		if g, ok := parseGUID(s); ok {
			if again, ok := parseGUID(g.String()); !ok || again != g {
				t.Errorf("GUID %v becomes %v", g, again)
			}
		}
		_, _ = parseTime(s)
	})
}
