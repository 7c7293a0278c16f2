package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/e2e/samba"
)

const (
	crowd   = 5000 // how many members the big group has
	people  = 50   // of these, from the first on
	leavers = 40   // of these, up to the last: people who leave all at once
)

// TestPlainForests: three forests without the Exchange schema.
func TestPlainForests(t *testing.T) {
	sites := startForests(t, 2, false, 60)
	r := newRig(t, sites)
	r.sync(t)
	r.settled(t)
	change(t, r)
	r.settled(t)
}

// TestExchangeForests: three forests with the Exchange schema and overlapping mailboxes, and everything that happens to
// directories, in one history.
func TestExchangeForests(t *testing.T) {
	sites := startForests(t, 2, true, 60)
	outside := "OU=Outside," + sites[0].Base()
	must(t, sites[0].Add(within(t), samba.Object{DN: outside, Attrs: map[string][]string{"objectClass": {"organizationalUnit"}}}))
	sites[0].exclude = []string{outside}
	r := newRig(t, sites)
	for _, step := range []struct {
		name string
		do   func(*testing.T, *rig)
	}{
		{"full sync", func(t *testing.T, r *rig) { r.sync(t) }},
		{"second run plans nothing", func(t *testing.T, r *rig) { r.settled(t) }},
		{"add, modify, rename, move, disable", change},
		{"5,000 come with a group of them all", func(t *testing.T, r *rig) { addCrowd(t, r.sites[0]); r.sync(t); r.settled(t) }},
		{"out of scope and back", outOfScope},
		{"one member of many", oneMember},
		{"delete and undelete", undelete},
		{"an anchor that the forest forgets, and one that it changes", anchorLost},
		{"the guard stops a mass deletion", massDeletion},
		{"restart in the middle", restart},
		{"second controller", secondController},
		{"nothing is left to do", func(t *testing.T, r *rig) { r.settled(t) }},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, r) }) {
			return // the history goes on from a state that nobody knows
		}
	}
}

// addCrowd gives a forest 5,000 more people and contacts, and a group of all of them. Who is changed later is a person;
// contacts take a controller less time to make.
func addCrowd(t *testing.T, s *site) {
	t.Helper()
	ou := "OU=Crowd," + s.Base()
	objects := []samba.Object{{DN: ou, Attrs: map[string][]string{"objectClass": {"organizationalUnit"}}}}
	var links []samba.Link
	for i := range crowd {
		name := fmt.Sprintf("crowd%04d", i)
		attrs := map[string][]string{"objectClass": {"contact"}, "mail": {name + "@contoso.com"}, "department": {"Crowd"}}
		if i < people || i >= crowd-leavers {
			attrs["objectClass"], attrs["sAMAccountName"], attrs["userAccountControl"] = []string{"user"}, []string{name}, []string{"512"}
			attrs["userPrincipalName"] = attrs["mail"]
		}
		objects = append(objects, samba.Object{DN: crowdMember(s, i), Attrs: attrs})
		links = append(links, samba.Link{DN: crowdGroup(s), Attr: "member", Target: crowdMember(s, i)})
	}
	objects = append(objects, samba.Object{DN: crowdGroup(s), Attrs: map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"The Crowd"}}})
	l, err := s.Load(within(t), objects, links)
	must(t, err)
	t.Logf("%d objects and %d links more in %v", l.Objects, l.Links, l.Took)
}

func crowdGroup(s *site) string { return "CN=The Crowd,OU=Crowd," + s.Base() }

func crowdMember(s *site, i int) string { return fmt.Sprintf("CN=crowd%04d,OU=Crowd,%s", i, s.Base()) }

// change does the plain things to people of all forests, and syncs after each.
func change(t *testing.T, r *rig) {
	contoso, fabrikam, tailspin := r.sites[0], r.sites[1], r.sites[2]
	ctx := within(t)
	nina := "CN=Newcomer\\, Nina,OU=Staff," + fabrikam.Base()
	must(t, fabrikam.Add(ctx, samba.Object{DN: nina, Attrs: map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"nina"},
		"userPrincipalName": {"nina@fabrikam.com"}, "mail": {"nina@fabrikam.com"}, "displayName": {"Nina Newcomer"}, "userAccountControl": {"544"},
		"proxyAddresses": {"SMTP:nina@fabrikam.com", "smtp:n@fabrikam.com"}}}))
	r.sync(t)
	anchor := anchorOf(t, fabrikam, nina)
	if r.byAnchor(t, anchor) == nil {
		t.Fatal("the added user is not in the tenant")
	}

	must(t, fabrikam.Replace(ctx, nina, map[string][]string{"displayName": {"Nina N. Newcomer"}, "telephoneNumber": {"+44 20 7946 0000"},
		"proxyAddresses": {"SMTP:nina.newcomer@fabrikam.com", "smtp:nina@fabrikam.com"}}))
	r.sync(t)
	if c := r.byAnchor(t, anchor); c == nil || c.Attrs.Text("telephoneNumber") != "+44 20 7946 0000" {
		t.Errorf("the telephone number: got %+v", c)
	}
	must(t, fabrikam.Replace(ctx, nina, map[string][]string{"telephoneNumber": nil, "manager": {"CN=svc-canopy,CN=Users," + fabrikam.Base()}}))
	r.sync(t)
	if c := r.byAnchor(t, anchor); c == nil || c.Attrs.Text("telephoneNumber") != "" {
		t.Errorf("the cleared telephone number: got %+v", c)
	}

	must(t, fabrikam.Move(ctx, nina, "CN=Nina Renamed", ""))
	must(t, fabrikam.Move(ctx, "CN=Nina Renamed,OU=Staff,"+fabrikam.Base(), "CN=Nina Renamed", "OU=Leavers,"+fabrikam.Base()))
	must(t, fabrikam.Move(ctx, "OU=Groups,"+fabrikam.Base(), "OU=All Groups", ""))
	r.sync(t)
	if got := anchorOf(t, fabrikam, "CN=Nina Renamed,OU=Leavers,"+fabrikam.Base()); got != anchor || r.byAnchor(t, anchor) == nil {
		t.Error("the moved user is not the same user in the tenant")
	}
	must(t, fabrikam.Replace(ctx, "CN=Nina Renamed,OU=Leavers,"+fabrikam.Base(), map[string][]string{"userAccountControl": {"546"}}))
	r.sync(t)

	// Everything at once, in several forests: one run.
	list := "CN=Late List,OU=Groups," + contoso.Base()
	must(t, contoso.Add(ctx, samba.Object{DN: list, Attrs: map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"late"}, "groupType": {"-2147483640"},
		"member": {"CN=svc-canopy,CN=Users," + contoso.Base()}}}))
	must(t, tailspin.Replace(ctx, "CN=svc-canopy,CN=Users,"+tailspin.Base(), map[string][]string{"displayName": {"Ünïcode 服务"}}))
	must(t, fabrikam.Delete(ctx, "CN=Nina Renamed,OU=Leavers,"+fabrikam.Base()))
	r.sync(t)
	if r.byAnchor(t, anchor) != nil {
		t.Error("the deleted user is still in the tenant")
	}
}

// outOfScope moves a person into an OU that is not read, and back.
func outOfScope(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	anchor := anchorOf(t, s, crowdMember(s, 7))
	must(t, s.Move(ctx, crowdMember(s, 7), "CN=crowd0007", s.exclude[0]))
	r.sync(t)
	if r.byAnchor(t, anchor) != nil {
		t.Error("who left the scope is still in the tenant")
	}
	must(t, s.Move(ctx, "CN=crowd0007,"+s.exclude[0], "CN=crowd0007", "OU=Crowd,"+s.Base()))
	r.sync(t)
	if r.byAnchor(t, anchor) == nil {
		t.Error("who came back into the scope is not in the tenant")
	}
	if got := r.members(t, anchorOf(t, s, crowdGroup(s))); !slices.Contains(got, anchor) {
		t.Error("who came back into the scope is not in the group again")
	}
}

// oneMember takes one member out of a group of 5,000 and puts one in; the tenant must see single values.
func oneMember(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	r.arrive(t)
	_, cursor := r.tenant(t, nil)
	for _, c := range []struct {
		name        string
		add, remove []string
	}{
		{"remove", nil, []string{crowdMember(s, 11)}},
		{"add", []string{crowdMember(s, 11)}, nil},
		{"both", []string{"CN=svc-canopy,CN=Users," + s.Base()}, []string{crowdMember(s, 12)}},
	} {
		must(t, s.Link(ctx, crowdGroup(s), "member", c.add, c.remove))
		a := r.sync(t)
		if got, want := a.Totals.Links, (canopy.Tally{"added": len(c.add), "removed": len(c.remove)}); got["added"] != want["added"] || got["removed"] != want["removed"] {
			t.Errorf("%s: the plan has links %v, want %v", c.name, got, want)
		}
		var changed []canopy.Change
		changed, cursor = r.tenant(t, cursor)
		if len(changed) != 1 || len(changed[0].Links[canopy.AttrMember].Added) != len(c.add) || len(changed[0].Links[canopy.AttrMember].Removed) != len(c.remove) {
			t.Errorf("%s: the tenant saw %d changes, want one with these values only", c.name, len(changed))
		}
	}
}

// undelete deletes a person and gives him back, with the attributes that Samba forgets in the same write.
func undelete(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	dn := crowdMember(s, 20)
	anchor := anchorOf(t, s, dn)
	guid, err := s.GUID(ctx, dn)
	must(t, err)
	before := r.byAnchor(t, anchor)
	must(t, s.Delete(ctx, dn))
	r.sync(t)
	if r.byAnchor(t, anchor) != nil {
		t.Error("the deleted user is still in the tenant")
	}
	must(t, s.Undelete(ctx, guid, dn, map[string][]string{"userPrincipalName": {"crowd0020@contoso.com"}, "mail": {"crowd0020@contoso.com"},
		"department": {"Crowd"}}))
	must(t, s.Link(ctx, crowdGroup(s), "member", []string{dn}, nil))
	r.sync(t)
	after := r.byAnchor(t, anchor)
	if after == nil || before == nil || after.Anchor != before.Anchor {
		t.Errorf("the undeleted user: got %+v, want the same object as before: %+v", after, before)
	}
}

// anchorLost gives a person an anchor by mS-DS-ConsistencyGuid, which an undelete forgets: the objectGUID is known, and
// the anchor stays. Then the forest names another one: the object is held as it is.
func anchorLost(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	dn, own := "CN=anchored,OU=Crowd,"+s.Base(), "an anchor of old"
	attrs := map[string][]string{"userPrincipalName": {"anchored@contoso.com"}, "mail": {"anchored@contoso.com"}}
	first := map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"anchored"}, "userAccountControl": {"544"}, "mS-DS-ConsistencyGuid": {own}}
	for n, v := range attrs {
		first[n] = v
	}
	must(t, s.Add(ctx, samba.Object{DN: dn, Attrs: first}))
	r.sync(t)
	anchor := base64.StdEncoding.EncodeToString([]byte(own))
	before := r.byAnchor(t, anchor)
	if before == nil {
		t.Fatal("the user is not in the tenant under the anchor that the forest gave")
	}
	guid, err := s.GUID(ctx, dn)
	must(t, err)
	must(t, s.Delete(ctx, dn))
	r.sync(t)
	must(t, s.Undelete(ctx, guid, dn, attrs))
	r.sync(t)
	if after := r.byAnchor(t, anchor); after == nil || after.Anchor != before.Anchor {
		t.Fatalf("the user who returned without his anchor: got %+v, want %s again", after, before.Anchor)
	}
	must(t, s.Replace(ctx, dn, map[string][]string{"mS-DS-ConsistencyGuid": {"another anchor.."}}))
	a := r.do(t, "run")
	if after := r.byAnchor(t, anchor); after == nil || after.Anchor != before.Anchor || a.Totals.Held[string(canopy.HeldAnchor)] != 1 {
		t.Errorf("the user with another anchor: got %+v and held %v, want him as he was and one held\n%s", after, a.Totals.Held, a.text)
	}
	must(t, s.Replace(ctx, dn, map[string][]string{"mS-DS-ConsistencyGuid": {own}}))
	r.sync(t)
}

// massDeletion deletes all leavers under a limit of 30: nothing may be written until a person approves.
func massDeletion(t *testing.T, r *rig) {
	s := r.sites[0]
	r.limits[canopy.RegretDelete] = limit{Number: 30, Percent: 1}
	r.configure(t, nil)
	must(t, s.Do(within(t), func(c *ldap.Conn) error {
		for i := range leavers {
			if err := c.Del(ldap.NewDelRequest(crowdMember(s, crowd-1-i), nil)); err != nil {
				return err
			}
		}
		return nil
	}))
	r.arrive(t)
	_, cursor := r.tenant(t, nil)
	a := r.do(t, "run")
	if a.exit != 3 || len(a.Stopped) == 0 {
		t.Fatalf("got exit %d and breaches %v, want 3 and the deletions\n%s", a.exit, a.Stopped, a.text)
	}
	if changed, _ := r.tenant(t, cursor); len(changed) > 0 {
		t.Fatalf("the guard stopped the plan and %d objects changed", len(changed))
	}
	if got := r.do(t, "plan", "approve", fmt.Sprint(a.Plan)); got.exit != 0 {
		t.Fatal(got.text)
	}
	if got := r.do(t, "run", "--plan", fmt.Sprint(a.Plan)); got.exit != 0 {
		t.Fatal(got.text)
	}
	r.compare(t)
	r.limits[canopy.RegretDelete] = limit{Number: 100000, Percent: 100}
	r.configure(t, nil)
}

// restart takes a controller away in the middle of a run. The run may fail, the next one is right.
func restart(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	must(t, s.Replace(ctx, "CN=svc-canopy,CN=Users,"+s.Base(), map[string][]string{"displayName": {"Before the restart"}}))
	must(t, s.Freeze()) // so that the run is under way for certain
	cmd, out, errs := r.command(t, ctx, "run", "--json")
	must(t, cmd.Start())
	waitConnected(t, cmd.Process.Pid, s.IP())
	must(t, s.Restart(ctx))
	err := cmd.Wait()
	t.Logf("the run beside the restart: %v\n%s%s", err, tail(out), tail(errs))
	if strings.Contains(errs.String(), "panic") {
		t.Fatal("the run panicked")
	}
	r.sync(t)
}

// waitConnected polls until a process has a connection to an address.
func waitConnected(t *testing.T, pid int, ip string) {
	t.Helper()
	var octets [4]byte
	if _, err := fmt.Sscanf(ip, "%d.%d.%d.%d", &octets[0], &octets[1], &octets[2], &octets[3]); err != nil {
		t.Fatal(err)
	}
	peer := fmt.Sprintf(" %02X%02X%02X%02X:", octets[3], octets[2], octets[1], octets[0]) // as /proc/net/tcp writes it
	poll(t, fmt.Sprintf("process %d to connect to %s", pid, ip), func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
		return err == nil && strings.Contains(string(text), peer)
	})
}

// secondController moves on to another controller of the same domain, which has the same objects and its own USNs.
func secondController(t *testing.T, r *rig) {
	s := r.sites[0]
	r.sync(t)
	two := samba.RunTwin(t, s.DC, samba.NetE2E.IP(9), "dc2")
	r.servers[s.name] = []string{two.URL()}
	r.configure(t, func(c *config) { c.Forests[0].CA = two.CA() })
	r.settled(t)
	ctx := within(t)
	must(t, two.Replace(ctx, crowdMember(s, 30), map[string][]string{"displayName": {"Seen on the second"}}))
	must(t, two.Delete(ctx, crowdMember(s, 31)))
	one := *s
	r.sites[0] = &site{DC: two, name: s.name, reader: s.reader, exclude: s.exclude}
	r.sync(t)

	// Both write from here on, as they would replicate; then the second dies and the first is named behind it.
	must(t, one.Replace(ctx, crowdMember(s, 30), map[string][]string{"displayName": {"Seen on the second"}}))
	must(t, one.Delete(ctx, crowdMember(s, 31)))
	bundle := bothCAs(t, r, two.CA(), one.CA())
	r.servers[s.name] = []string{two.URL(), one.URL()}
	r.configure(t, func(c *config) { c.Forests[0].CA = bundle })
	must(t, two.Stop())
	must(t, one.Replace(ctx, crowdMember(s, 32), map[string][]string{"displayName": {"Seen on the first"}}))
	r.sites[0] = &one
	r.sync(t)
	r.settled(t)
	delete(r.servers, s.name)
	r.configure(t, nil)
}

func bothCAs(t *testing.T, r *rig, files ...string) string {
	t.Helper()
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		all = append(all, text...)
	}
	name := r.dir + "/both.pem"
	must(t, os.WriteFile(name, all, 0o600))
	return name
}
