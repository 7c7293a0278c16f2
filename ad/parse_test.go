package ad

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// entryMessage is a message with one object of a search's answer.
func entryMessage(id int64, dn string, attrs map[string][]string) []byte {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, dn, ""))
	list := ber.NewSequence("")
	for n, vs := range attrs {
		a := ber.NewSequence("")
		a.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, n, ""))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range vs {
			set.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, v, ""))
		}
		a.AppendChild(set)
		list.AppendChild(a)
	}
	op.AppendChild(list)
	m.AppendChild(op)
	return m.Bytes()
}

func TestMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dn := rapid.StringMatching(`[a-zA-Z,= ]{0,200}`).Draw(t, "dn")
		attrs := rapid.MapOfN(rapid.StringMatching(`[a-z;=0-9-]{1,30}`), rapid.SliceOfN(rapid.String(), 0, 5), 0, 5).Draw(t, "attrs")
		id := rapid.Int64Range(1, 1<<31-1).Draw(t, "id")
		raw := entryMessage(id, dn, attrs)
		msg, got, err := readMessage(bufio.NewReader(bytes.NewReader(raw)), func() []byte { return nil })
		if err != nil || got != id || !bytes.Equal(msg, raw) {
			t.Fatalf("read: %v, id %d, want %d", err, got, id)
		}
		tag, op, _, err := operation(msg)
		if err != nil || tag != tagEntry {
			t.Fatalf("operation: %#x, %v", tag, err)
		}
		var e entry
		if err := e.parse(op); err != nil {
			t.Fatal(err)
		}
		back := map[string][]string{}
		for i := range e.attrs {
			vs := []string{}
			for _, v := range e.of(&e.attrs[i]) {
				vs = append(vs, string(v))
			}
			back[string(e.attrs[i].name)] = vs
		}
		for n, vs := range attrs {
			if vs == nil {
				attrs[n] = []string{}
			}
		}
		if d := cmp.Diff(attrs, back); d != "" || e.dn != dn {
			t.Fatalf("dn %q, want %q; attributes (-want +got):\n%s", e.dn, dn, d)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(entryMessage(5, "CN=x", map[string][]string{"a": {"b", "c"}}))
	f.Add([]byte{0x30, 0x0c, 0x02, 0x01, 0x05, 0x65, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00})
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, _, err := readMessage(bufio.NewReader(bytes.NewReader(b)), func() []byte { return nil })
		if err != nil {
			return
		}
		tag, op, controls, err := operation(msg)
		if err != nil {
			return
		}
		var e entry
		if e.parse(op) == nil && tag == tagEntry {
			w := wantsOf(someFacts(), []canopy.Class{canopy.User}, []canopy.Attr{"department", "member", "when", "flag", "number", "sid"}, 100)
			w.decode(&e, true)
			w.decode(&e, false)
		}
		if d, err := parseDone(op, controls); err == nil {
			for _, v := range d.controls {
				_, _, _ = numbersAndCookie(v, 2)
			}
		}
	})
}

// FuzzNumbersAndCookie: the value of a paging or DirSync control is understood as it was written, and nothing else does harm.
func FuzzNumbersAndCookie(f *testing.F) {
	f.Add([]byte{0x30, 0x0c, 0x02, 0x01, 0x01, 0x02, 0x01, 0x00, 0x04, 0x04, 'M', 'S', 'D', 'S'}, 2)
	f.Add([]byte{0x30, 0x84, 0x00, 0x00, 0x00, 0x05, 0x02, 0x01, 0x00, 0x04, 0x00}, 1)
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02, 0x09, 0x04}, 2)
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		count = 1 + count&1 // of a paging control, of a DirSync control
		n, cookie, err := numbersAndCookie(b, count)
		if err != nil {
			return
		}
		if len(n) != count || len(cookie) > len(b) {
			t.Fatalf("of %x: %d numbers and a cookie of %d bytes", b, len(n), len(cookie))
		}
		p := ber.NewSequence("")
		for _, x := range n {
			p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, x, ""))
		}
		p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(cookie), ""))
		again, same, err := numbersAndCookie(p.Bytes(), count)
		if err != nil || !slices.Equal(again, n) || !bytes.Equal(same, cookie) {
			t.Fatalf("of %v and %x again: %v, %x, %v", n, cookie, again, same, err)
		}
	})
}

func TestMessageTooLarge(t *testing.T) {
	t.Parallel()
	for what, b := range map[string][]byte{"too large": {0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0}, "no message": []byte("HTTP/1.1 400 Bad Request"),
		"endless": {0x30, 0x80, 0, 0}} {
		if _, _, err := readMessage(bufio.NewReader(bytes.NewReader(b)), func() []byte { return nil }); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v, want an error", what, err)
		}
	}
}

// someFacts are a small schema.
func someFacts() *facts {
	f := &facts{attributes: map[string]*attribute{}, bases: []DN{{{"DC", "ad"}, {"DC", "test"}}}}
	for name, s := range map[canopy.Attr]shape{"department": shapeText, "member": shapeLink, "when": shapeTime, "flag": shapeTruth, "number": shapeNumber,
		"sid": shapeSID, "homeMTA": shapeDN, "photo": shapeOctets, "memberOf": shapeBack, "cn": shapeText, "objectGUID": shapeOctets, "name": shapeText} {
		a := &attribute{name: name, shape: s}
		f.attributes[string(name)], f.attributes[canopy.Fold(string(name))] = a, a
	}
	return f
}

func decoded(t *testing.T, dirSync bool, attrs map[string][]string) *object {
	t.Helper()
	w := wantsOf(someFacts(), []canopy.Class{canopy.User, canopy.Group}, []canopy.Attr{"department", "member", "when", "flag", "number", "sid", "homeMTA", "photo"}, 50)
	_, op, _, err := operation(entryMessage(1, "CN=x,DC=ad,DC=test", attrs))
	if err != nil {
		t.Fatal(err)
	}
	var e entry
	if err := e.parse(op); err != nil {
		t.Fatal(err)
	}
	return w.decode(&e, dirSync)
}

func TestDecodeFails(t *testing.T) {
	t.Parallel()
	for _, k := range []struct{ attr, value, code string }{
		{"department", "J\xfcrgen", "ad-value-utf8"},
		{"member", "CN=J\xfcrgen,DC=x", "ad-value-utf8"},
		{"homeMTA", "CN=\xff", "ad-value-utf8"},
		{"photo", strings.Repeat("x", 51), "ad-value-size"},
		{"when", "yesterday", "ad-value-time"},
		{"number", "many", "ad-value-number"},
		{"sid", "S-1-5", "ad-value-sid"},
		{"member", "<GUID=nonsense>;CN=x", "ad-value-dn"},
		{"member", "<GUID=", "ad-value-dn"},
	} {
		o := decoded(t, false, map[string][]string{k.attr: {k.value}, "flag": {"TRUE"}})
		f := o.change.Failed
		if f == nil || f.Code != k.code || string(f.Attr) != k.attr || f.Object != "CN=x,DC=ad,DC=test" || f.Text == "" || f.Next == "" {
			t.Errorf("%s %q: got %+v, want %s", k.attr, k.value, f, k.code)
		}
		if v, ok := o.change.Attrs.First("flag"); !ok || !v.True() {
			t.Errorf("%s: the other attribute is %v", k.attr, v)
		}
		if _, there := o.change.Attrs[canopy.Attr(k.attr)]; there {
			t.Errorf("%s: the value came in spite of the error", k.attr)
		}
	}
}

func TestDecodeLinks(t *testing.T) {
	t.Parallel()
	const guid = "717ad15f-82b7-46c3-8fbb-0cb151ba31d1"
	for _, k := range []struct {
		what    string
		dirSync bool
		attrs   map[string][]string
		want    canopy.LinkChange
		next    int // where the rest begins, 0: nothing is left
	}{
		{"extended", false, map[string][]string{"member": {"<GUID=" + guid + ">;<SID=S-1-5-21-1>;CN=a,DC=x"}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{{Anchor: guid, DN: "CN=a,DC=x"}}}, 0},
		{"in capitals", false, map[string][]string{"member": {"<GUID=717AD15F-82B7-46C3-8FBB-0CB151BA31D1>;CN=a,DC=x"}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{{Anchor: guid, DN: "CN=a,DC=x"}}}, 0},
		{"in hexadecimal", false, map[string][]string{"member": {"<GUID=5fd17a71b782c3468fbb0cb151ba31d1>;CN=a,DC=x"}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{{Anchor: guid, DN: "CN=a,DC=x"}}}, 0},
		{"plain", true, map[string][]string{"member": {"CN=a,DC=x"}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{{DN: "CN=a,DC=x"}}}, 0},
		{"emptied", true, map[string][]string{"member": {}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{}}, 0},
		{"added and removed", true, map[string][]string{"member;range=1-1": {"CN=a,DC=x"}, "member;range=0-0": {"CN=b,DC=x"}},
			canopy.LinkChange{Added: []canopy.Ref{{DN: "CN=a,DC=x"}}, Removed: []canopy.Ref{{DN: "CN=b,DC=x"}}}, 0},
		{"a range", false, map[string][]string{"member": {}, "member;range=0-1": {"CN=a,DC=x", "CN=b,DC=x"}},
			canopy.LinkChange{Whole: true, Added: []canopy.Ref{{DN: "CN=a,DC=x"}, {DN: "CN=b,DC=x"}}}, 2},
		{"a range in a delta", true, map[string][]string{"member;range=0-1": {"CN=a,DC=x", "CN=b,DC=x"}},
			canopy.LinkChange{Whole: true, Added: []canopy.Ref{{DN: "CN=a,DC=x"}, {DN: "CN=b,DC=x"}}}, 2},
		{"the last range", false, map[string][]string{"member;range=0-*": {"CN=a,DC=x"}}, canopy.LinkChange{Whole: true, Added: []canopy.Ref{{DN: "CN=a,DC=x"}}}, 0},
	} {
		for range 10 { // the order of attributes must not matter
			o := decoded(t, k.dirSync, k.attrs)
			if d := cmp.Diff(k.want, o.change.Links["member"]); d != "" || o.change.Failed != nil {
				t.Errorf("%s (-want +got, failed %v):\n%s", k.what, o.change.Failed, d)
			}
			next := 0
			for _, p := range o.ranged {
				next = p.next
			}
			if next != k.next || !o.members {
				t.Errorf("%s: the rest begins at %d, want %d; members seen %v", k.what, next, k.next, o.members)
			}
		}
	}
}

func TestStripDN(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CN=a,DC=x": "CN=a,DC=x", "<GUID=469b04d7bed23149aa887a44223e4851>;CN=Person,DC=x": "CN=Person,DC=x",
		"<GUID=1>;<SID=S-1-5>;CN=a": "CN=a", "B:8:00020000:<GUID=1>;CN=a": "B:8:00020000:CN=a", "B:8:00020000:CN=a": "B:8:00020000:CN=a",
		"<GUID=1": "<GUID=1", "a < b": "a < b", "": "", "<GUID=1>": "",
	} {
		if got := stripDN(in); got != want {
			t.Errorf("stripDN(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRefOf(f *testing.F) {
	f.Add([]byte("<GUID=717ad15f-82b7-46c3-8fbb-0cb151ba31d1>;<SID=S-1-5-21-1>;CN=a,DC=x"))
	f.Add([]byte("CN=a"))
	f.Add([]byte("<GUID=00000000-0000-0000-0000-000000000000>;CN=a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := refOf(string(b))
		if err != nil {
			return
		}
		if r.Anchor != "" {
			if g, err := ParseGUID(string(r.Anchor)); err != nil || g.Anchor() != r.Anchor {
				t.Fatalf("%q gives the anchor %q", b, r.Anchor)
			}
		}
	})
}

func TestRangeOf(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		in       string
		from, to int
		ok       bool
	}{{"range=0-1499", 0, 1499, true}, {"Range=1500-*", 1500, -1, true}, {"range=1-1", 1, 1, true}, {"", 0, 0, false}, {"range=", 0, 0, false},
		{"range=1", 0, 0, false}, {"range=a-b", 0, 0, false}, {"range=-1-2", 0, 0, false}, {"binary", 0, 0, false}} {
		from, to, ok := rangeOf(k.in)
		if ok != k.ok || ok && (from != k.from || to != k.to) {
			t.Errorf("rangeOf(%q) = %d, %d, %v", k.in, from, to, ok)
		}
	}
}

func FuzzEscapeFilter(f *testing.F) {
	f.Add("a*(b)\\c\x00d")
	f.Add("J\xfcrgen")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ldap.CompileFilter("(cn=" + escapeFilter(s) + ")")
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if p.Tag != ldap.FilterEqualityMatch && s != "" {
			t.Fatalf("%q became a filter of another kind: %d", s, p.Tag)
		}
		if len(p.Children) == 2 && p.Children[1].Data.String() != s {
			t.Fatalf("%q became %q", s, p.Children[1].Data.String())
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add((&cursor{Version: cursorVersion, Way: wayDirSync, USN: 5, Cookies: map[string][]byte{"dc=x": {1, 2}}, Members: make([]byte, 32)}).encode())
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCursor(b)
		if err != nil {
			return
		}
		again, err := parseCursor(c.encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.encode(), again.encode()); d != "" {
			t.Fatal(d)
		}
		parseMembers(c.Members)
	})
}

func TestMembers(t *testing.T) {
	t.Parallel()
	m := memberSet{{1}: {}, {2}: {}, {0, 1}: {}}
	if back := parseMembers(m.encode()); !cmp.Equal(m, back) {
		t.Errorf("got %v, want %v", back, m)
	}
	if got := (memberSet{}).encode(); len(got) != 0 {
		t.Errorf("the empty set: %v", got)
	}
}
