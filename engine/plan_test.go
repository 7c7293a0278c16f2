package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestPlan_firstPersonIsAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@contoso.com", "department=Sales")
	items := w.sync()
	item, o := of(items, anna)
	if o.Outcome != canopy.PlannedOut || len(item.Exports) != 1 {
		t.Fatalf("got %s", describe(*item))
	}
	x := item.Exports[0]
	if x.Export.Op != canopy.Add || x.Export.Class != canopy.User || x.Phase != canopy.PhaseObjects || x.Export.SourceAnchor == "" {
		t.Errorf("got %+v, want an add of a user", x.Export)
	}
	if got := x.Export.Set.Text("department"); got != "Sales" {
		t.Errorf("department: got %q", got)
	}
	if got := x.Export.Set.Text("usageLocation"); got != "DE" {
		t.Errorf("a value given once: got %q", got)
	}
	for _, c := range x.Changes {
		if c.Attr == "department" && (c.Origin.Entry != anna.ID || c.Origin.Rule != "r30-user-common") {
			t.Errorf("origin of the department: got %+v", c.Origin)
		}
	}
	if item.Label != "anna" || item.Where != "OU=People,DC=contoso" {
		t.Errorf("got label %q in %q", item.Label, item.Where)
	}
	w.settled()
}

func TestPlan_differencesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@contoso.com", "department=Sales", "title=Head")
	w.sync()
	setAttrs(anna, "department=Service", "title=")
	w.tenant("displayName", "anna").Attrs["city"] = canopy.Texts("set in the cloud")
	delete(w.tenant("displayName", "anna").Attrs, "usageLocation")
	item, _ := of(w.plan(10), anna)
	if len(item.Exports) != 1 {
		t.Fatalf("got %s", describe(*item))
	}
	x := item.Exports[0]
	if x.Export.Op != canopy.Modify || len(x.Export.Set) != 1 || x.Export.Set.Text("department") != "Service" {
		t.Errorf("set: got %v", x.Export.Set)
	}
	if !slices.Equal(x.Export.Clear, []canopy.Attr{"title"}) || !slices.Equal(x.Regrets, []canopy.Regret{canopy.RegretClear}) {
		t.Errorf("clear: got %v, regrets %v", x.Export.Clear, x.Regrets)
	}
}

func TestPlan_regrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@contoso.com")
	w.sync()
	setAttrs(anna, "userAccountControl=514", "userPrincipalName=anna.new@contoso.lab")
	item, _ := of(w.plan(10), anna)
	got := item.Exports[0].Regrets
	if len(got) != 2 || !slices.Contains(got, canopy.RegretDisable) || !slices.Contains(got, canopy.RegretUPN) {
		t.Errorf("got %v", got)
	}
}

func TestPlan_leaving(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		leave func(*canopy.Entry)
		why   string
	}{
		{"deleted", func(e *canopy.Entry) { e.State = canopy.Gone }, whyGone},
		{"out of the containers in scope", func(e *canopy.Entry) { e.State = canopy.OutOfScope }, whyOutside},
		{"out of the rules' scope", func(e *canopy.Entry) { setAttrs(e, "adminDescription=User_1") }, "it came from the cloud"},
		{"out of the target's scope", func(e *canopy.Entry) { setAttrs(e, "isCriticalSystemObject=TRUE") }, "critical system object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "mail")
			anna := w.user("contoso", "anna", "anna@contoso.com")
			w.user("contoso", "otto", "otto@contoso.com")
			w.sync()
			tt.leave(anna)
			item, o := of(w.plan(10), anna)
			if o.Outcome != canopy.NotInScope || !strings.Contains(o.Why, tt.why) {
				t.Errorf("got %s %q, want why %q", o.Outcome, o.Why, tt.why)
			}
			if len(item.Exports) != 1 || item.Exports[0].Export.Op != canopy.Delete || item.Exports[0].Phase != canopy.PhaseRelease {
				t.Fatalf("got %s", describe(*item))
			}
			if got := item.Exports[0].Regrets; !slices.Equal(got, []canopy.Regret{canopy.RegretDelete}) {
				t.Errorf("regrets: got %v", got)
			}
			w.sync()
			if n := w.tenants(); n != 1 {
				t.Errorf("the tenant has %d objects, want 1", n)
			}
			w.settled()
		})
	}
}

func TestPlan_missingStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@contoso.com")
	w.sync()
	anna.State = canopy.Missing
	w.settled()
}

func TestPlan_failingObjectKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@contoso.com", "title=Head")
	otto := w.user("contoso", "otto", "otto@contoso.com", "title=Head")
	w.sync()
	setAttrs(anna, "title=bad", "department=Sales")
	setAttrs(otto, "title=Hand")
	bad := w.user("contoso", "bad", "bad@contoso.com", "title=bad")
	items := w.plan(10)
	item, o := of(items, anna)
	if o.Outcome != canopy.Failed || item.Changes() || len(item.Held) != 1 || item.Held[0].Reason != canopy.HeldError ||
		item.Held[0].Attr != "title" || !strings.Contains(item.Held[0].Text, "no such title") {
		t.Errorf("got %s", describe(*item))
	}
	if item, o = of(items, bad); o.Outcome != canopy.Failed || item.Meta != 0 || len(item.Joins) > 0 || item.Image != nil {
		t.Errorf("a new one: got %s", describe(*item))
	}
	if _, o = of(items, otto); o.Outcome != canopy.PlannedOut {
		t.Errorf("the other one: got %s", o.Outcome)
	}
	w.apply(items)
	if got := w.tenant("displayName", "anna").Attrs.Text("title"); got != "Head" {
		t.Errorf("title in the tenant: got %q", got)
	}
	if got := w.metas[anna.Meta].Value("department"); got != "" {
		t.Errorf("the image changed: department %q", got)
	}
	w.settled()
	setAttrs(anna, "title=Boss")
	w.sync()
	if got := w.tenant("displayName", "anna").Attrs.Text("department"); got != "Sales" {
		t.Errorf("after mending: department %q", got)
	}
	w.settled()
}

func TestPlan_precedence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "anna", "anna@x.com", "department=A", "otherTelephone=1|2")
	b := w.user("fabrikam", "anna", "anna@x.com", "department=B", "msExchMailboxGuid=m", "proxyAddresses=SMTP:anna@x.com|smtp:a@x.com", "otherTelephone=2|3")
	item, _ := of(w.plan(10), a)
	if got := item.Image.Value("department"); got != "A" {
		t.Errorf("department: got %q, want the first forest's", got)
	}
	if got := item.Image.Attrs["proxyAddresses"]; len(got.Values) != 2 || got.Origins[0].Entry != b.ID {
		t.Errorf("addresses: got %v, want the mailbox's", got)
	}
	tel := item.Image.Attrs["otherTelephone"]
	if !tel.Values.Equal(canopy.Texts("1", "2", "3")) || len(tel.Origins) != 3 || tel.Origins[2].Entry != b.ID || tel.Origins[1].Entry != a.ID {
		t.Errorf("merged values: got %v", tel)
	}
	w.sync()
	w.settled()
	b.State = canopy.Gone
	w.sync()
	if got := w.tenant("displayName", "anna").Attrs["proxyAddresses"]; len(got) != 1 {
		t.Errorf("after the mailbox went: got %v", got)
	}
	w.settled()
}

func TestPlan_sourceAnchorNeverChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("fabrikam", "anna", "anna@x.com")
	w.sync()
	before := w.tenant("displayName", "anna").SourceAnchor

	twin := w.user("contoso", "anna", "anna@x.com") // of a forest that goes first
	w.sync()
	if got := w.tenant("displayName", "anna").SourceAnchor; got != before || twin.Meta != anna.Meta {
		t.Errorf("a second forest: got anchor %q, want %q", got, before)
	}
	w.settled()

	anna.State = canopy.Gone
	w.sync()
	if got := w.tenant("displayName", "anna").SourceAnchor; got != before {
		t.Errorf("the first forest's object went: got anchor %q, want %q", got, before)
	}
	w.settled()

	setAttrs(twin, "mS-DS-ConsistencyGuid=other", "department=Sales")
	item, o := of(w.plan(10), twin)
	if o.Outcome != canopy.HeldBack || item.Held[0].Reason != canopy.HeldAnchor || !item.Held[0].Whole || item.Changes() {
		t.Errorf("the forest names another anchor: got %s", describe(*item))
	}
}

func TestPlan_knownAnchorIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		w := newWorld(t, "mail")
		anna := w.user("contoso", "anna", "anna@x.com")
		anna.Known = "b2xk"
		if named {
			setAttrs(anna, "mS-DS-ConsistencyGuid=new")
		}
		item, _ := of(w.plan(10), anna)
		if named {
			if len(item.Exports) != 0 || len(item.Held) == 0 || item.Held[0].Reason != canopy.HeldAnchor {
				t.Errorf("a differing anchor: got %s", describe(*item))
			}
			continue
		}
		if len(item.Exports) != 1 || item.Exports[0].Export.SourceAnchor != "b2xk" || item.Image.Value(canopy.AttrSourceAnchor) != "b2xk" {
			t.Errorf("got %s, want the anchor that it had", describe(*item))
		}
	}
}

func TestPlan_contactBecomesUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	c := w.entry("fabrikam", canopy.Contact, "anna", "displayName=anna", "mail=anna@x.com", "proxyAddresses=SMTP:anna@x.com")
	w.sync()
	if e := w.tenant("displayName", "anna"); e == nil || e.Class != canopy.Contact {
		t.Fatalf("got %v, want a contact", e)
	}
	u := w.user("contoso", "anna", "anna@x.com")
	item, _ := of(w.plan(10), u)
	if len(item.Exports) != 2 || item.Exports[0].Export.Op != canopy.Delete || item.Exports[0].Export.Class != canopy.Contact ||
		item.Exports[1].Export.Op != canopy.Add || item.Exports[1].Export.Class != canopy.User {
		t.Fatalf("got %s", describe(*item))
	}
	w.sync()
	if e := w.tenant("displayName", "anna"); e.Class != canopy.User || w.tenants() != 1 || c.Meta != u.Meta {
		t.Errorf("got %v", e)
	}
	w.settled()
}

func TestPlan_match(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		attrs []string
		class canopy.Class
		had   string
		how   string // "": no match
		held  canopy.HeldReason
	}{
		{"by address", []string{"proxyAddresses=SMTP:anna@x.com", "displayName=Old", "department=Cloud"}, canopy.User, "", "address", ""},
		{"by sign-in name", []string{"userPrincipalName=anna@contoso.lab"}, canopy.User, "", "upn", ""},
		{"never against another anchor", []string{"userPrincipalName=anna@contoso.lab"}, canopy.User, "b3RoZXI=", "", canopy.HeldClaim},
		{"never against another class", []string{"proxyAddresses=SMTP:anna@x.com"}, canopy.Group, "", "", canopy.HeldClaim},
		{"not by a secondary address", []string{"proxyAddresses=smtp:anna@x.com"}, canopy.User, "", "", canopy.HeldClaim},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "mail")
			cloud := w.cloud(tt.class, "c1", tt.attrs...)
			cloud.SourceAnchor = tt.had
			anna := w.user("contoso", "anna", "anna@x.com", "department=Sales")
			item, _ := of(w.plan(10), anna)
			if tt.how == "" {
				if len(item.Exports) != 0 || len(item.Held) == 0 || item.Held[0].Reason != tt.held || !item.Held[0].Whole || item.Held[0].Others[0].Entry != cloud.ID {
					t.Fatalf("got %s", describe(*item))
				}
				return
			}
			x := item.Exports[0]
			if x.Match == nil || x.Match.How != tt.how || x.Match.Anchor != cloud.Anchor || x.Entry != cloud.ID || x.Export.Op != canopy.Add {
				t.Fatalf("got %+v", x)
			}
			if !slices.Equal(x.Regrets, []canopy.Regret{canopy.RegretTakeover}) {
				t.Errorf("regrets: got %v", x.Regrets)
			}
			for _, c := range x.Changes {
				if want := cloud.Attrs[c.Attr]; !c.Old.Equal(want) {
					t.Errorf("%s: got old %v, want %v", c.Attr, c.Old, want)
				}
			}
			w.sync()
			if cloud.SourceAnchor == "" || w.tenants() != 1 {
				t.Errorf("it was not taken over: %d objects", w.tenants())
			}
			w.settled()
		})
	}
}

func TestPlan_deletedInTheTenantComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@x.com")
	team := w.entry("contoso", canopy.Group, "team", "displayName=team")
	w.link(team, canopy.AttrMember, anna)
	w.sync()
	w.tenant("displayName", "anna").State = canopy.Gone
	item, _ := of(w.plan(10), anna)
	if len(item.Exports) != 1 || item.Exports[0].Export.Op != canopy.Add || item.Exports[0].Entry != 0 {
		t.Fatalf("got %s", describe(*item))
	}
	w.sync()
	w.sync() // the group gets its member again
	w.settled()
}

func TestPlan_notKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@x.com", "department=Sales")
	w.sync()
	cloud := w.tenant("displayName", "anna")
	cloud.Attrs["department"] = canopy.Texts("Other")
	cloud.NotKept = map[canopy.Attr]int{"department": 3}
	items := w.sync()
	item, o := of(items, anna)
	if o.Outcome != canopy.HeldBack || item.Changes() || item.Held[0].Reason != canopy.HeldNotKept || item.Held[0].Value != "Sales" {
		t.Fatalf("got %s", describe(*item))
	}
	w.settled()
	setAttrs(anna, "department=Service")
	if item, _ = of(w.plan(10), anna); len(item.Exports) != 1 || item.Exports[0].Export.Set.Text("department") != "Service" {
		t.Errorf("another value has its chance: got %s", describe(*item))
	}
}

func TestPlan_foreignObjectsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	w.cloud(canopy.User, "admin", "userPrincipalName=admin@x.com", "displayName=admin")
	w.user("contoso", "anna", "anna@x.com")
	w.sync()
	for _, e := range w.entries {
		if w.isSource(e) {
			e.State = canopy.Gone
		}
	}
	w.sync()
	if w.tenants() != 1 || w.tenant("displayName", "admin") == nil {
		t.Errorf("the tenant has %d objects, want its own", w.tenants())
	}
}
