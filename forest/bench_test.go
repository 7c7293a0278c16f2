package forest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// richPerson is a user with some forty attributes.
func richPerson(i int, base string) (string, map[string][]string) {
	n := fmt.Sprintf("%06d", i)
	a := map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"p" + n}, "userPrincipalName": {"p" + n + "@contoso.lab"},
		"mail": {"p" + n + "@contoso.example"}, "proxyAddresses": {"SMTP:p" + n + "@contoso.example", "smtp:alias" + n + "@contoso.example"},
		"mailNickname": {"p" + n}, "userAccountControl": {"512"}, "employeeID": {n}, "displayName": {"Person " + n}}
	for _, name := range []string{"givenName", "sn", "title", "department", "company", "telephoneNumber", "mobile", "l", "st", "streetAddress",
		"postalCode", "co", "physicalDeliveryOfficeName", "wWWHomePage", "info", "description", "homePhone", "initials", "pager", "ipPhone",
		"extensionAttribute1", "extensionAttribute2", "extensionAttribute3", "extensionAttribute4", "extensionAttribute5",
		"extensionAttribute6", "legacyExchangeDN", "targetAddress"} {
		a[name] = []string{name + " of " + n}
	}
	a["co"], a["department"] = []string{"Germany"}, []string{"Sales"}
	return "CN=Person " + n + ",OU=People," + base, a
}

// populate adds n people with forty attributes each, and a group of all of them.
func populate(t testing.TB, s *Server, n int) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Add("OU=People,"+s.Base(), map[string][]string{"objectClass": {"organizationalUnit"}}))
	var members []string
	for i := range n {
		dn, attrs := richPerson(i, s.Base())
		must(s.Add(dn, attrs))
		members = append(members, dn)
	}
	must(s.Add("CN=Everybody,OU=People,"+s.Base(), map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"everybody"}, "member": members}))
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		begun := time.Now()
		s := begin(b)
		populate(b, s, 20000)
		b.ReportMetric(20000/time.Since(begun).Seconds(), "objects/s")
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/20000, "B/object")
		runtime.KeepAlive(s)
		s.Close()
	}
}

// BenchmarkEncode writes all changed entries of a full DirSync, without a network.
func BenchmarkEncode(b *testing.B) {
	s := begin(b)
	populate(b, s, 20000)
	d := s.dir
	x := d.newChanges(nil, &view{admin: true, deleted: true}, flagIncremental, cookie{})
	list := d.main.since(0)
	e := encoder{b: make([]byte, 0, 1<<20)}
	n := 0
	b.ResetTimer()
	for b.Loop() {
		for _, o := range list {
			if len(e.b) > 64<<10 {
				e.b = e.b[:0]
			}
			d.delta(&e, 1, o, x)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkDirSync reads a full DirSync over TLS and throws the octets away.
func BenchmarkDirSync(b *testing.B) {
	s := begin(b)
	populate(b, s, 20000)
	n := 0
	b.ResetTimer()
	for b.Loop() {
		n += rawDirSync(b, s)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
}

// rawDirSync counts the messages of a full DirSync, reading no more of them than their lengths.
func rawDirSync(b *testing.B, s *Server) (n int) {
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.URL(), "ldaps://"), trust(b, s))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	write := func(op *ber.Packet, controls ...ldap.Control) {
		if _, err := conn.Write(request(op, controls...)); err != nil {
			b.Fatal(err)
		}
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	next := func() []byte {
		m, err := readMessage(in, in, 1<<30)
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	write(sequence(0, ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(3), ""), text("CONTOSO\\Administrator"),
		ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, adminPassword, "")))
	next()
	write(searchOp(s.Base(), "(|(objectClass=user)(objectClass=group)(objectClass=contact)(isDeleted=TRUE))", 2), ldap.NewRequestControlDirSync(flagIncremental, 0, nil))
	for {
		if m := next(); m[9] == 0x65 {
			return n
		}
		n++
	}
}

// BenchmarkEmptyDelta is a DirSync that finds nothing, by an open connection.
func BenchmarkEmptyDelta(b *testing.B) {
	for _, size := range []int{100, 20000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := begin(b)
			populate(b, s, size)
			c := admin(b, s)
			_, at, err := c.sync("(sAMAccountName=nobody)", []string{"name"}, flagIncremental, nil)
			c.must(err)
			for b.Loop() {
				r, _, err := c.sync("(objectClass=*)", []string{"name"}, flagIncremental, at.Cookie)
				if err != nil || len(r.Entries) != 0 {
					b.Fatal(err, len(r.Entries))
				}
			}
		})
	}
}

// BenchmarkOneMember adds and removes one member, and reads the delta, in a small and in a large group.
func BenchmarkOneMember(b *testing.B) {
	for _, size := range []int{10, 250000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := begin(b)
			add := func(dn string, attrs map[string][]string) {
				if err := s.Add(dn, attrs); err != nil {
					b.Fatal(err)
				}
			}
			add("OU=P,"+s.Base(), map[string][]string{"objectClass": {"organizationalUnit"}})
			var members []string
			for i := range size {
				dn := fmt.Sprintf("CN=%d,OU=P,%s", i, s.Base())
				add(dn, map[string][]string{"objectClass": {"contact"}})
				members = append(members, dn)
			}
			group := "CN=g,OU=P," + s.Base()
			add(group, map[string][]string{"objectClass": {"group"}, "member": members})
			c := admin(b, s)
			_, at, err := c.sync("(sAMAccountName=nobody)", []string{"name"}, flagIncremental, nil)
			c.must(err)
			for b.Loop() {
				c.must(c.change(group, "delete", "member", members[3]))
				c.must(c.change(group, "add", "member", members[3]))
				var r *ldap.SearchResult
				if r, at, err = c.sync("(objectClass=group)", []string{"member"}, flagIncremental, at.Cookie); err != nil || len(r.Entries) != 1 {
					b.Fatal(err, len(r.Entries))
				}
			}
		})
	}
}
