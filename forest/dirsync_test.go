package forest

import (
	"encoding/binary"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

var (
	guidText = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	hexText  = regexp.MustCompile(`=[0-9a-f]{32,}`)
)

// namedAttrs is what a reader that wants people asks for.
var namedAttrs = []string{"name", "isDeleted", "parentGUID", "objectGUID", "member", "manager", "department", "description",
	"sAMAccountName", "userAccountControl", "userPrincipalName", "pwdLastSet"}

// withoutName is a list without name and isDeleted.
var withoutName = []string{"sAMAccountName", "description", "member", "userAccountControl"}

// syncer reads the same changes in the three ways.
type syncer struct {
	*client
	all, named, bare []byte
}

func newSyncer(c *client) *syncer {
	s := &syncer{client: c}
	s.read()
	return s
}

// read gives what came since the last read: all attributes, named ones with incremental values, and the list without
// names.
func (s *syncer) read() (all, named, bare string) {
	s.t.Helper()
	for _, way := range []struct {
		attrs  []string
		flags  int64
		cookie *[]byte
		out    *string
	}{{nil, 0, &s.all, &all}, {namedAttrs, flagIncremental, &s.named, &named}, {withoutName, 0, &s.bare, &bare}} {
		r, got, err := s.sync("(objectClass=*)", way.attrs, way.flags, *way.cookie)
		s.must(err)
		if got.Flags != 0 {
			s.t.Errorf("more is set: %d", got.Flags)
		}
		*way.cookie = got.Cookie
		*way.out = show(r.Entries, s.s.Base())
	}
	return all, named, bare
}

// The answers are those of a real domain controller to the same changes.
func TestDirSyncAnswers(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := admin(t, s)
	ou := "OU=DS," + s.Base()
	for _, dn := range []string{ou, "OU=A," + ou, "OU=B," + ou, "OU=C,OU=A," + ou} {
		c.must(c.add(dn, "organizationalUnit"))
	}
	for _, n := range []string{"inC1", "inC2", "inC3"} {
		c.must(c.add("CN="+n+",OU=C,OU=A,"+ou, "user", "sAMAccountName", n))
	}
	y := newSyncer(c)
	for _, step := range dirSyncSteps(ou) {
		before := s.HighestUSN()
		if err := step.do(c); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		polled, err := c.ask(s.Base(), 2, "(uSNChanged>="+itoa(before+1)+")", []string{"1.1"}, ldap.NewControlMicrosoftShowDeleted())
		c.must(err)
		if got, want := len(polled.Entries), strings.Count("\n"+strings.TrimLeft(step.all, "\n"), "\n  instanceType="); got != want {
			t.Errorf("%s: polling by uSNChanged gives %d objects, want %d", step.name, got, want)
		}
		all, named, bare := y.read()
		for _, got := range [...]struct{ kind, text, want string }{{"all", all, step.all}, {"named", named, step.named}, {"bare", bare, step.bare}} {
			if diff := cmp.Diff(strings.TrimLeft(got.want, "\n"), got.text); diff != "" {
				t.Errorf("%s, %s attributes (-want +got):\n%s", step.name, got.kind, diff)
			}
		}
	}
}

// A logon is told to who asks for everything, once in fourteen days.
func TestDirSyncLogon(t *testing.T) {
	t.Parallel()
	s := begin(t, func(o *Options) { o.Accounts = []Account{{Name: "anna", Password: "Secret-1"}} })
	y := newSyncer(admin(t, s))
	for i, want := range []string{"CN=anna,CN=Users\n  instanceType=4\n  lastLogonTimestamp=134168256000000000\n  objectGUID=<16 octets>\n", ""} {
		c := dial(t, s)
		c.must(c.Bind("CONTOSO\\anna", "Secret-1"))
		if all, named, bare := y.read(); all != want || named != "" || bare != "" {
			t.Errorf("logon %d: got %q, %q and %q, want %q with all attributes only", i, all, named, bare, want)
		}
	}
}

func TestDirSyncFull(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := admin(t, s)
	base := s.Base()
	c.must(c.add("CN=a,CN=Users,"+base, "user", "sAMAccountName", "a", "title", "x", "manager", "CN=Administrator,CN=Users,"+base,
		"homeMTA", "CN=Guest,CN=Users,"+base))
	c.must(c.add("CN=gone,CN=Users,"+base, "user", "sAMAccountName", "gone", "title", "x"))
	c.must(c.remove("CN=gone,CN=Users," + base))
	c.must(c.change("CN=a,CN=Users,"+base, "replace", "title"))
	for _, test := range []struct {
		name     string
		attrs    []string
		flags    int64
		controls []ldap.Control
		want     string
	}{
		{"incremental values show every link so", []string{"name", "manager", "title"}, flagIncremental, nil, `CN=a,CN=Users
  instanceType=4
  manager;range=1-1=CN=Administrator,CN=Users
  name=a
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`},
		{"links whole, links that are none with GUID", []string{"name", "manager", "homeMTA", "objectCategory"}, 0, nil, `CN=a,CN=Users
  homeMTA=<GUID=GUID>;<SID=S-1-5-21-DOMAIN-501>;CN=Guest,CN=Users
  instanceType=4
  manager=CN=Administrator,CN=Users
  name=a
  objectCategory=<GUID=HEX>;CN=Person,CN=Schema,CN=Configuration
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`},
		{"extended DNs as text", []string{"name", "manager"}, 0, []ldap.Control{ldap.NewControlString(extendedDNOID, true, "0\x03\x02\x01\x01")}, `<GUID=GUID>;<SID=S-1-5-21-DOMAIN-1002>;CN=a,CN=Users
  instanceType=4
  manager=<GUID=GUID>;<SID=S-1-5-21-DOMAIN-500>;CN=Administrator,CN=Users
  name=a
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`},
		{"nothing but what never changes is asked for", []string{"objectGUID"}, 0, nil, ""},
		{"computed ones are not told", []string{"cn", "distinguishedName", "memberOf", "uSNChanged", "whenChanged", "lastLogon", "canonicalName"}, 0, nil, ""},
	} {
		r, _, err := c.sync("(&(objectClass=user)(sAMAccountName=a))", test.attrs, test.flags, nil, test.controls...)
		c.must(err)
		got := strings.ReplaceAll(show(r.Entries, base), sidText(s.dir.sid), "S-1-5-21-DOMAIN")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	r, _, err := c.sync("(sAMAccountName=gone)", []string{"name", "isDeleted", "lastKnownParent", "title"}, 0, nil)
	c.must(err)
	want := `CN=gone/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  lastKnownParent=<GUID=GUID>;CN=Users
  name=gone/DEL:GUID
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`
	if diff := cmp.Diff(want, show(r.Entries, base)); diff != "" {
		t.Errorf("tombstones are in a full read (-want +got):\n%s", diff)
	}
}

func TestDirSyncRefusals(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := admin(t, s)
	c.must(c.add("OU=X,"+s.Base(), "organizationalUnit"))
	_, got, err := c.sync("(objectClass=*)", nil, 0, nil)
	c.must(err)
	good := got.Cookie
	if len(good) != cookieSize {
		t.Errorf("cookie has %d octets, want %d", len(good), cookieSize)
	}
	other := append([]byte(nil), good...)
	other[60] ^= 1
	newer := append([]byte(nil), good...)
	binary.LittleEndian.PutUint64(newer[28:], 1<<40)
	binary.LittleEndian.PutUint64(newer[44:], 1<<40)
	full := s.Count()
	for _, test := range []struct {
		name, base string
		flags      int64
		cookie     []byte
		more       []ldap.Control
		code, n    int
	}{
		{"nothing changed", s.Base(), 0, good, nil, 0, 0},
		{"garbage", s.Base(), 0, []byte("garbage"), nil, 12, 0},
		{"cut short", s.Base(), 0, good[:50], nil, 12, 0},
		{"of another server", s.Base(), 0, other, nil, 0, full},
		{"newer than the server", s.Base(), 0, newer, nil, 0, 0},
		{"a container as base", "OU=X," + s.Base(), 0, nil, nil, 50, 0},
		{"a container as base, object security", "OU=X," + s.Base(), 1, nil, nil, 53, 0},
		{"no base", "", 0, nil, nil, 32, 0},
		{"unknown base", "DC=nosuch,DC=lab", 0, nil, nil, 32, 0},
		{"with paging", s.Base(), 0, nil, []ldap.Control{ldap.NewControlPaging(50)}, 1, 0},
		{"other flags are taken", s.Base(), 0x2801, nil, nil, 0, full},
		{"one-level scope is a subtree", s.Base(), 0, nil, nil, 0, full},
	} {
		r, err := c.ask(test.base, ldap.ScopeSingleLevel, "(objectClass=*)", nil, append(test.more, ldap.NewRequestControlDirSync(test.flags, 0, test.cookie))...)
		n := 0
		if r != nil {
			n = len(r.Entries)
		}
		if code(err) != test.code || n != test.n {
			t.Errorf("%s: code %d with %d entries, want %d with %d (%v)", test.name, code(err), n, test.code, test.n, err)
		}
	}
	for _, nc := range []string{"CN=Configuration," + s.Base(), "CN=Schema,CN=Configuration," + s.Base()} {
		if r, err := c.ask(nc, 2, "(objectClass=*)", []string{"name"}, ldap.NewRequestControlDirSync(0, 0, nil)); err != nil || len(r.Entries) < 10 {
			t.Errorf("DirSync of %s: %v", nc, err)
		}
	}
}

// What leaves a filter is not told of; what enters it shows its changes only.
func TestDirSyncFilter(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := admin(t, s)
	anna := "CN=anna,CN=Users," + s.Base()
	c.must(c.add(anna, "user", "sAMAccountName", "anna", "department", "Sales", "title", "x"))
	const filter = "(&(objectClass=user)(department=Sales))"
	attrs := []string{"name", "isDeleted", "department", "title"}
	var cookie []byte
	read := func(f string) string {
		r, got, err := c.sync(f, attrs, 0, cookie)
		c.must(err)
		if f == filter {
			cookie = got.Cookie
		}
		return show(r.Entries, s.Base())
	}
	read(filter)
	c.must(c.change(anna, "replace", "department", "HR"))
	if got := read(filter); got != "" {
		t.Errorf("left the filter: got %s, want nothing", got)
	}
	c.must(c.change(anna, "replace", "department", "Sales"))
	if got, want := read(filter), "CN=anna,CN=Users\n  department=Sales\n  instanceType=4\n  objectGUID=<16 octets>\n"; got != want {
		t.Errorf("entered the filter: got %s, want %s", got, want)
	}
	c.must(c.remove(anna))
	if got := read("(|(isDeleted=TRUE)" + filter + ")"); !strings.Contains(got, "isDeleted=TRUE") {
		t.Errorf("deleted, asked for: got %s", got)
	}
	if got := read(filter); got != "" {
		t.Errorf("deleted in the filter: got %s, want nothing", got)
	}
}
