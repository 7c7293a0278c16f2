package forest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// image is everything that a client can read, as text.
func image(c *client) string {
	var all strings.Builder
	for _, base := range []string{c.s.Base(), "CN=Configuration," + c.s.Base()} {
		r, err := c.ask(base, 2, "(objectClass=*)", []string{"*", "parentGUID"}, ldap.NewControlMicrosoftShowDeleted(), ldap.NewControlString(domainScopeOID, true, ""))
		c.must(err)
		for _, e := range r.Entries {
			for _, a := range e.Attributes {
				fmt.Fprintf(&all, "%s %s %q\n", e.DN, a.Name, a.Values)
			}
		}
	}
	lines := strings.Split(all.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestSameSeedSameForest(t *testing.T) {
	t.Parallel()
	images := map[string]string{}
	for _, run := range []struct {
		name string
		seed uint64
	}{{"first", 7}, {"second", 7}, {"other", 8}} {
		s := begin(t, func(o *Options) { o.Seed = run.seed })
		ou := town(t, s)
		c := admin(t, s)
		c.must(c.remove("CN=anna," + ou))
		c.must(c.add("CN=new,"+ou, "user", "sAMAccountName", "new"))
		images[run.name] = image(c)
	}
	if diff := cmp.Diff(images["first"], images["second"]); diff != "" {
		t.Errorf("the same seed gives another forest:\n%s", diff)
	}
	if images["first"] == images["other"] {
		t.Error("another seed gives the same forest")
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	_, first, err := c.sync("(objectClass=*)", nil, flagIncremental, nil)
	c.must(err)
	second, err := s.Copy(context.Background(), Copy{})
	c.must(err)
	t.Cleanup(func() { second.Close() })
	c2 := admin(t, second)
	if a, b := c.values("CN=anna,"+ou, "objectGUID"), c2.values("CN=anna,"+ou, "objectGUID"); a != b {
		t.Errorf("the copy has another objectGUID: %x and %x", a, b)
	}
	for _, test := range []struct{ what, a, b string }{
		{"invocation id", s.InvocationID(), second.InvocationID()}, {"URL", s.URL(), second.URL()},
		{"dnsHostName", c.values("", "dnsHostName"), c2.values("", "dnsHostName")},
	} {
		if test.a == test.b {
			t.Errorf("both have the same %s %s", test.what, test.a)
		}
	}
	full, _, err := c2.sync("(objectClass=*)", []string{"name"}, flagIncremental, first.Cookie)
	c.must(err)
	if len(full.Entries) != second.Count() {
		t.Errorf("a cookie of the other server: got %d entries, want all %d", len(full.Entries), second.Count())
	}
	for _, x := range []*client{c, c2} {
		x.must(x.add("CN=twin,"+ou, "user", "sAMAccountName", "twin", "manager", "CN=anna,"+ou))
		x.must(x.change("CN=inner,"+ou, "add", "member", "CN=twin,"+ou))
	}
	if a, b := c.values("CN=twin,"+ou, "objectGUID"), c2.values("CN=twin,"+ou, "objectGUID"); a != b {
		t.Errorf("the same addition gives different GUIDs: %x and %x", a, b)
	}
	c.must(c.remove("CN=anna," + ou))
	if got, want := c2.values("CN=inner,"+ou, "member"), "CN=anna,"+ou+" | CN=twin,"+ou; got != want {
		t.Errorf("what happens on one is seen on the other: got %q, want %q", got, want)
	}
}

// A server put back to an earlier state takes its newer cookies and tells nothing.
func TestRestored(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	old, err := s.Copy(context.Background(), Copy{Restored: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	c, c2 := admin(t, s), admin(t, old)
	for i := range 5 {
		c.must(c.change("CN=anna,"+ou, "replace", "title", fmt.Sprint(i)))
	}
	_, newer, err := c.sync("(objectClass=*)", nil, 0, nil)
	c.must(err)
	c2.must(c2.change("CN=anna,"+ou, "replace", "title", "other"))
	r, _, err := c2.sync("(objectClass=*)", nil, 0, newer.Cookie)
	if err != nil || len(r.Entries) != 0 {
		t.Errorf("newer cookie on an older copy: got %v with %d entries, want none", err, len(r.Entries))
	}
	if s.InvocationID() != old.InvocationID() {
		t.Error("a restored copy has another invocation id")
	}
	if old.HighestUSN() >= s.HighestUSN() {
		t.Errorf("the copy is not behind: %d and %d", old.HighestUSN(), s.HighestUSN())
	}
}

// watched waits until there are n change notifications.
func watched(t *testing.T, s *Server, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s.dir.mu.RLock()
		have := len(s.dir.watchers)
		s.dir.mu.RUnlock()
		if have == n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("got %d notifications, want %d", have, n)
		}
	}
}

func TestNotification(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c, w := admin(t, s), admin(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watch := func(base string, scope int, controls ...ldap.Control) ldap.Response {
		return w.SearchAsync(ctx, ldap.NewSearchRequest(base, scope, 0, 0, 0, false, "(objectClass=*)", []string{"title", "isDeleted"},
			append(controls, ldap.NewControlMicrosoftNotification())), 8)
	}
	alive, withDeleted := watch(ou, 2), watch(s.Base(), 2, ldap.NewControlMicrosoftShowDeleted())
	watched(t, s, 2)
	c.must(c.change("CN=Guest,CN=Users,"+s.Base(), "replace", "title", "elsewhere"))
	c.must(c.change("CN=anna,"+ou, "replace", "title", "seen"))
	if !alive.Next() || alive.Entry().DN != "CN=anna,"+ou || alive.Entry().GetAttributeValue("title") != "seen" {
		t.Errorf("got %+v, %v; want the change of anna", alive.Entry(), alive.Err())
	}
	c.must(c.remove("CN=anna," + ou))
	for i, want := range []string{"CN=Guest,CN=Users," + s.Base(), "CN=anna,OU=Town", "CN=anna\\0ADEL:"} {
		if !withDeleted.Next() {
			t.Fatalf("notification %d: %v", i, withDeleted.Err())
		}
		if got := withDeleted.Entry().DN; !strings.HasPrefix(got, want) && i != 1 {
			t.Errorf("notification %d: got %s, want %s...", i, got, want)
		}
		if withDeleted.Entry().GetAttributeValue("isDeleted") == "TRUE" {
			break
		}
	}
	for range 3 {
		watch(ou, 0)
	}
	watched(t, s, 5)
	if over := watch(ou, 0); over.Next() || code(over.Err()) != 11 {
		t.Errorf("one notification too many: got %v, want code 11", over.Err())
	}
}

// An abandoned search ends, and the connection is usable.
func TestAbandon(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := admin(t, s)
	for range 30 {
		ctx, cancel := context.WithCancel(context.Background())
		r := c.SearchAsync(ctx, ldap.NewSearchRequest(s.Base(), 2, 0, 0, 0, false, "(objectClass=*)", nil,
			[]ldap.Control{ldap.NewControlMicrosoftNotification()}), 1)
		cancel()
		for r.Next() {
		}
		if _, err := c.ask(s.Base(), 0, "(objectClass=*)", nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := begin(t)
	crowd(t, s, 50)
	search := func(c *client) (int, error) {
		r, err := c.ask("OU=Crowd,"+s.Base(), 2, "(objectClass=user)", nil)
		if r == nil {
			return 0, err
		}
		return len(r.Entries), err
	}
	for _, test := range []struct {
		name  string
		fault Fault
		n     int
		code  int
	}{
		{"none", Fault{}, 50, 0},
		{"busy", Fault{Code: 51, Text: "00002095: busy"}, 0, 51},
		{"slow", Fault{Delay: time.Millisecond}, 50, 0},
		{"drop", Fault{Drop: true}, 0, -1},
		{"drop after 10", Fault{DropAfter: 10}, 10, -1},
	} {
		c := admin(t, s)
		s.SetFault(func(r Request) Fault {
			if r.Op == "search" && r.DN == "OU=Crowd,"+s.Base() {
				return test.fault
			}
			return Fault{}
		})
		n, err := search(c)
		if got := code(err); n != test.n || got != test.code && !(test.code < 0 && got == ldap.ErrorNetwork) {
			t.Errorf("%s: got %d entries, %v; want %d, code %d", test.name, n, err, test.n, test.code)
		}
		s.SetFault(nil)
	}
	c := admin(t, s)
	s.SetFault(func(r Request) Fault {
		if r.Number%3 == 0 {
			return Fault{Code: 51}
		}
		return Fault{}
	})
	var codes []int
	for i := range 6 {
		codes = append(codes, code(c.change(fmt.Sprintf("CN=user %05d,OU=Crowd,%s", i, s.Base()), "replace", "title", "x")))
	}
	if want := []int{0, 0, 51, 0, 0, 51}; !slices.Equal(codes, want) {
		t.Errorf("every third request: got %v, want %v", codes, want)
	}
	s.SetFault(nil)
	s.Disconnect()
	if _, err := search(c); err == nil {
		t.Error("the connection outlives Disconnect")
	}
	if n, err := search(admin(t, s)); n != 50 || err != nil {
		t.Errorf("connected again: got %d, %v", n, err)
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	s := begin(t)
	people := "CN=Users," + s.Base()
	photo := strings.Repeat("x", 20<<20)
	for _, test := range []struct {
		name string
		err  error
		kind canopy.ErrorKind
	}{
		{"own GUID and SID", s.Add("CN=a,"+people, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"a"}, "objectGUID": {"01020304-0506-0708-090a-0b0c0d0e0f10"}, "objectSid": {"S-1-5-21-1-2-3-1105"}, "isCriticalSystemObject": {"TRUE"}, "whenCreated": {"20200101000000.0Z"}, "thumbnailPhoto": {photo}, "userPrincipalName": {"twice@contoso.lab"}}), canopy.Other},
		{"UPN taken", s.Add("CN=b,"+people, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"b"}, "userPrincipalName": {"twice@contoso.lab"}, "homeMTA": {"CN=elsewhere,DC=fabrikam,DC=lab"}}), canopy.Other},
		{"conflict object", s.Add("CN=b\\0ACNF:01020304-0506-0708-090a-0b0c0d0e0f11,"+people, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"$DUPLICATE-1"}}), canopy.Other},
		{"GUID taken", s.Add("CN=c,"+people, map[string][]string{"objectClass": {"user"}, "objectGUID": {"01020304-0506-0708-090a-0b0c0d0e0f10"}}), canopy.Invalid},
		{"name taken", s.Add("CN=a,"+people, map[string][]string{"objectClass": {"user"}}), canopy.Conflict},
		{"no container", s.Add("CN=a,OU=None,"+people, map[string][]string{"objectClass": {"user"}}), canopy.NotFound},
		{"unknown attribute", s.Add("CN=d,"+people, map[string][]string{"objectClass": {"user"}, "nosuch": {"1"}}), canopy.Invalid},
		{"modify", s.Modify("CN=a,"+people, Mod{"replace", "title", []string{"x"}}, Mod{"add", "manager", []string{"CN=b," + people}}), canopy.Other},
		{"modify nothing", s.Modify("CN=nobody,"+people, Mod{"replace", "title", []string{"x"}}), canopy.NotFound},
		{"modify oddly", s.Modify("CN=a,"+people, Mod{"increment", "title", nil}), canopy.Invalid},
		{"rename", s.Rename("CN=b,"+people, "CN=b2", ""), canopy.Other},
		{"move", s.Rename("CN=b2,"+people, "CN=b3", "CN=a,"+people), canopy.Invalid},
		{"move to nothing", s.Rename("CN=b2,"+people, "CN=b3", "OU=None,"+s.Base()), canopy.NotFound},
		{"delete nothing", s.Delete("CN=nobody," + people), canopy.NotFound},
		{"foreign security principal", s.Add("CN=S-1-5-21-1-2-3-1106,CN=ForeignSecurityPrincipals,"+s.Base(), map[string][]string{"objectClass": {"foreignSecurityPrincipal"}}), canopy.Other},
		{"account that is there", s.AddAccount(Account{"a", "Secret-1", Rights{Write: true}}), canopy.Other},
	} {
		if canopy.KindOf(test.err) != test.kind || (test.err == nil) != (test.kind == canopy.Other) {
			t.Errorf("%s: got %v, want kind %v", test.name, test.err, test.kind)
		}
	}
	got, ok := s.Object("CN=a,"+people, "title", "manager", "objectSid", "whenCreated", "thumbnailPhoto")
	want := map[string][]string{"title": {"x"}, "manager": {"CN=b2," + people}, "whenCreated": {"20200101000000.0Z"}, "thumbnailPhoto": {photo}}
	sid := sidText(got["objectSid"][0])
	delete(got, "objectSid")
	if !ok || !maps.EqualFunc(got, want, slices.Equal) || sid != "S-1-5-21-1-2-3-1105" {
		t.Errorf("got %d attributes and SID %s", len(got), sid)
	}
	c := dial(t, s)
	c.must(c.Bind("CONTOSO\\a", "Secret-1"))
	if got := c.values("CN=a,"+people, "thumbnailPhoto"); got != photo {
		t.Errorf("photo: got %d octets, want %d", len(got), len(photo))
	}
	if err := c.change("CN=a,"+people, "replace", "thumbnailPhoto", photo); err == nil {
		t.Error("a request of 20 MB is taken")
	}
	c = dial(t, s)
	c.must(c.Bind("CONTOSO\\a", "Secret-1"))
	if err := c.change("CN=a,"+people, "replace", "thumbnailPhoto", photo[:200<<10]); code(err) != 19 {
		t.Errorf("a photo larger than the schema allows: got %v, want code 19", err)
	}
	if got := c.names(people, `(cn=b\0aCNF:*)`); !strings.HasPrefix(got, "b") {
		t.Errorf("conflict object: got %q", got)
	}
	if _, ok := s.Object("CN=nobody," + people); ok {
		t.Error("nobody is an object")
	}
}
