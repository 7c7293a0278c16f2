package forest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// crowd adds n users and a group of them all.
func crowd(t testing.TB, s *Server, n int) (group string) {
	t.Helper()
	ou := "OU=Crowd," + s.Base()
	if err := s.Add(ou, map[string][]string{"objectClass": {"organizationalUnit"}}); err != nil {
		t.Fatal(err)
	}
	var members []string
	for i := range n {
		dn := fmt.Sprintf("CN=user %05d,%s", i, ou)
		members = append(members, dn)
		if err := s.Add(dn, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {fmt.Sprintf("user%05d", i)},
			"department": {"Sales"}, "mail": {fmt.Sprintf("user%05d@contoso.example", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	group = "CN=all," + ou
	if err := s.Add(group, map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"all"}, "member": members}); err != nil {
		t.Fatal(err)
	}
	return group
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := begin(t, behave(Behave{MaxPageSize: 40}))
	crowd(t, s, 100)
	c := admin(t, s)
	for _, test := range []struct{ asked, pages int }{{10, 11}, {30, 4}, {1000, 3}, {100, 3}} {
		paging := ldap.NewControlPaging(uint32(test.asked))
		seen, pages := map[string]bool{}, 0
		for {
			r, err := c.ask("OU=Crowd,"+s.Base(), 2, "(!(objectClass=organizationalUnit))", []string{"mail"}, paging)
			c.must(err)
			pages++
			for _, e := range r.Entries {
				if seen[e.DN] {
					t.Errorf("%s comes twice", e.DN)
				}
				seen[e.DN] = true
			}
			back, _ := ldap.FindControl(r.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if back == nil || len(back.Cookie) == 0 {
				break
			}
			paging.SetCookie(back.Cookie)
		}
		if len(seen) != 101 || pages != test.pages {
			t.Errorf("pages of %d: got %d objects in %d pages, want 101 in %d", test.asked, len(seen), pages, test.pages)
		}
	}
	r, err := c.ask("OU=Crowd,"+s.Base(), 2, "(objectClass=user)", nil)
	if code(err) != 4 || len(r.Entries) != 40 {
		t.Errorf("unpaged: got %v with %d entries, want code 4 with 40", err, len(r.Entries))
	}
	limited := ldap.NewSearchRequest("OU=Crowd,"+s.Base(), 2, 0, 7, 0, false, "(objectClass=user)", nil, nil)
	if r, err := c.Search(limited); code(err) != 4 || len(r.Entries) != 7 {
		t.Errorf("client's limit: got %v with %d entries, want code 4 with 7", err, len(r.Entries))
	}
	exact := ldap.NewSearchRequest("OU=Crowd,"+s.Base(), 2, 0, 1, 0, false, "(sAMAccountName=user00001)", nil, nil)
	if _, err := c.Search(exact); err != nil {
		t.Errorf("as many as the limit: %v", err)
	}
	wrong := ldap.NewControlPaging(10)
	wrong.SetCookie([]byte("page99"))
	if _, err := c.ask(s.Base(), 2, "(objectClass=user)", nil, wrong); code(err) != 12 {
		t.Errorf("unknown cookie: got %v, want code 12", err)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s := begin(t, behave(Behave{MaxValRange: 40}))
	group := crowd(t, s, 100)
	c := admin(t, s)
	for _, test := range []struct {
		asked, got string
		n          int
	}{
		{"member", "member;range=0-39", 40},
		{"member;range=0-*", "member;range=0-39", 40},
		{"member;range=40-*", "member;range=40-79", 40},
		{"member;range=80-*", "member;range=80-*", 20},
		{"member;range=10-19", "member;range=10-19", 10},
		{"member;range=90-120", "member;range=90-*", 10},
		{"member;range=100-*", "member;range=100-*", 0},
	} {
		r, err := c.ask(group, 0, "(objectClass=*)", []string{test.asked})
		c.must(err)
		a := r.Entries[0].Attributes
		if len(a) != 1 || a[0].Name != test.got || len(a[0].Values) != test.n {
			t.Errorf("%s: got %+v, want %s with %d values", test.asked, a, test.got, test.n)
		}
	}
	var all []string
	for from := 0; ; {
		r, err := c.ask(group, 0, "(objectClass=*)", []string{fmt.Sprintf("member;range=%d-*", from)})
		c.must(err)
		a := r.Entries[0].Attributes[0]
		all = append(all, a.Values...)
		if strings.HasSuffix(a.Name, "-*") {
			break
		}
		from += len(a.Values)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 100 {
		t.Errorf("all ranges together: got %d members, want 100", len(all))
	}
	r, err := c.ask("CN=user 00001,OU=Crowd,"+s.Base(), 0, "(objectClass=*)", nil)
	c.must(err)
	if len(r.Entries[0].GetAttributeValues("memberOf")) != 1 {
		t.Error("few values come with a range")
	}
	sync, _, err := c.sync("(sAMAccountName=all)", []string{"member"}, flagIncremental, nil)
	c.must(err)
	if a := sync.Entries[0].GetAttributeValues("member;range=1-1"); len(a) != 100 {
		t.Errorf("DirSync ranges: got %d values, want 100", len(a))
	}
}

// DirSync in pages gives everything once, also when objects change between the pages, and then nothing.
func TestDirSyncPages(t *testing.T) {
	t.Parallel()
	s := begin(t, behave(Behave{DirSyncPage: 30}))
	crowd(t, s, 100)
	c := admin(t, s)
	late := "CN=user 00002,OU=Crowd," + s.Base()
	held := map[string]map[string]string{}
	var cookie []byte
	disturbed := false
	read := func() (pages int) {
		for {
			r, got, err := c.sync("(objectClass=user)", []string{"name", "sAMAccountName", "mail", "department", "isDeleted"}, flagIncremental, cookie)
			c.must(err)
			pages++
			for _, e := range r.Entries {
				id := e.GetAttributeValue("objectGUID")
				if held[id] == nil {
					held[id] = map[string]string{}
				}
				for _, a := range e.Attributes {
					held[id][a.Name] = strings.Join(a.Values, "|")
				}
			}
			cookie = got.Cookie
			if got.Flags == 0 {
				return pages
			}
			if !disturbed {
				disturbed = true
				c.must(c.change(late, "replace", "department", "Late"))
				c.must(c.remove("CN=user 00099,OU=Crowd," + s.Base()))
			}
		}
	}
	if pages := read(); pages < 4 {
		t.Errorf("got %d pages, want at least 4", pages)
	}
	n := 0
	for _, attrs := range held {
		if attrs["mail"] == "user00002@contoso.example" && (attrs["department"] != "Late" || attrs["sAMAccountName"] != "user00002") {
			t.Errorf("changed between the pages: got %v", attrs)
		}
		if strings.HasPrefix(attrs["sAMAccountName"], "user") && attrs["isDeleted"] == "" {
			n++
		}
	}
	if n != 99 {
		t.Errorf("got %d users, want 99", n)
	}
	clear(held)
	if pages := read(); pages != 1 || len(held) != 0 {
		t.Errorf("nothing changed: got %d pages with %d objects", pages, len(held))
	}
	for i := range 50 {
		c.must(c.change(fmt.Sprintf("CN=user %05d,OU=Crowd,%s", i, s.Base()), "replace", "department", "HR"))
	}
	if pages := read(); pages != 2 || len(held) != 50 {
		t.Errorf("50 changed: got %d pages with %d objects", pages, len(held))
	}
	for _, attrs := range held {
		if attrs["department"] != "HR" || attrs["mail"] != "" {
			t.Errorf("a delta shows more than the change: %v", attrs)
		}
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	accounts := func(o *Options) {
		o.Accounts = []Account{
			{"nothing", "Secret-1", Rights{}},
			{"syncer", "Secret-1", Rights{Replicate: true}},
			{"undertaker", "Secret-1", Rights{Replicate: true, Deleted: true}},
			{"writer", "Secret-1", Rights{Write: true}},
		}
		o.Behave.HideAttrs = []string{"employeeID"}
	}
	for _, lifts := range []bool{false, true} {
		s := begin(t, accounts, func(o *Options) { o.Behave.Lifts = lifts })
		for _, name := range []string{"seen", "gone", "hidden"} {
			if err := s.Add("CN="+name+",CN=Users,"+s.Base(), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {name}, "employeeID": {"7"}, "department": {"D"}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete("CN=gone,CN=Users," + s.Base()); err != nil {
			t.Fatal(err)
		}
		s.opt.Behave.HideObjects = []string{"CN=hidden,CN=Users," + s.Base()}
		for _, test := range []struct {
			who   string
			flags int64
			want  string // "" is refused with code 50
		}{
			{"nothing", 0, ""}, {"nothing", 1, "seen"},
			{"syncer", 0, map[bool]string{false: "seen", true: "gone hidden seen +employeeID"}[lifts]},
			{"syncer", 1, "seen"},
			{"undertaker", 1, "gone seen"},
			{"Administrator", 0, "gone hidden seen +employeeID"},
		} {
			c := dial(t, s)
			password := "Secret-1"
			if test.who == "Administrator" {
				password = adminPassword
			}
			c.must(c.Bind("CONTOSO\\"+test.who, password))
			r, _, err := c.sync("(|(sAMAccountName=seen)(sAMAccountName=gone)(sAMAccountName=hidden))", []string{"sAMAccountName", "employeeID"}, test.flags, nil)
			if test.want == "" {
				if code(err) != 50 {
					t.Errorf("lifts %v, %s with flags %d: got %v, want code 50", lifts, test.who, test.flags, err)
				}
				continue
			}
			c.must(err)
			var got []string
			secret := ""
			for _, e := range r.Entries {
				got = append(got, e.GetAttributeValue("sAMAccountName"))
				if e.GetAttributeValue("employeeID") != "" {
					secret = " +employeeID"
				}
			}
			slices.Sort(got)
			if text := strings.Join(got, " ") + secret; text != test.want {
				t.Errorf("lifts %v, %s with flags %d: got %q, want %q", lifts, test.who, test.flags, text, test.want)
			}
		}
		c := dial(t, s)
		c.must(c.Bind("CONTOSO\\nothing", "Secret-1"))
		if err := c.change("CN=seen,CN=Users,"+s.Base(), "replace", "title", "x"); code(err) != 50 {
			t.Errorf("write without the right: got %v, want code 50", err)
		}
		if got := c.names(s.Base(), "(|(employeeID=7)(cn=hidden)(&(cn=seen)(!(employeeID=8))))"); got != "" {
			t.Errorf("what is hidden can be found: %q", got)
		}
		if got := c.values("CN=seen,CN=Users,"+s.Base(), "employeeID"); got != "" {
			t.Errorf("what is hidden is shown: %q", got)
		}
		if got := c.values("CN=hidden,CN=Users,"+s.Base(), "cn"); got != "code 32" {
			t.Errorf("a hidden object as base: got %q, want code 32", got)
		}
		c.must(c.Bind("CONTOSO\\writer", "Secret-1"))
		c.must(c.change("CN=seen,CN=Users,"+s.Base(), "replace", "title", "x"))
		if got := c.values("CN=seen,CN=Users,"+s.Base(), "allowedAttributesEffective"); !strings.Contains(got, "title") {
			t.Errorf("a writer may write nothing: %q", got)
		}
	}
}

func TestReferral(t *testing.T) {
	t.Parallel()
	s := begin(t, behave(Windows()))
	c := admin(t, s)
	if _, err := c.ask("OU=People,DC=fabrikam,DC=lab", 2, "(objectClass=*)", nil); code(err) != 10 {
		t.Errorf("another forest: got %v, want code 10", err)
	}
	if _, err := c.ask("OU=None,"+s.Base(), 2, "(objectClass=*)", nil); code(err) != 32 {
		t.Errorf("not in this forest: got %v, want code 32", err)
	}
}
