package engine

import (
	"testing"

	"github.com/canopy-sync/canopy"
)

// members are the tenant's members of a group, by display name.
func (w *world) members(group string) map[string]bool {
	names := map[string]bool{}
	e := w.tenant("displayName", group)
	if e == nil {
		return nil
	}
	for id := range w.desired[linkOwner{e.ID, canopy.AttrMember}] {
		names[w.entries[id].Attrs.Text("displayName")] = true
	}
	return names
}

func TestLinks_cyclesOfManagersAndGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "a", "a@x.com")
	b := w.user("contoso", "b", "b@x.com")
	w.link(a, canopy.AttrManager, b)
	w.link(b, canopy.AttrManager, a)
	g := w.entry("contoso", canopy.Group, "g", "displayName=g")
	h := w.entry("contoso", canopy.Group, "h", "displayName=h")
	w.link(g, canopy.AttrMember, a, h)
	w.link(h, canopy.AttrMember, g)
	items := w.sync()
	item, _ := of(items, g)
	if len(item.Links) != 1 || item.Links[0].Added != 2 || item.Links[0].Total != 2 || item.Links[0].Waiting != 0 || item.Links[0].From != g.ID {
		t.Errorf("got %s", describe(*item))
	}
	if got := w.members("g"); len(got) != 2 || !got["a"] || !got["h"] {
		t.Errorf("members of g: got %v", got)
	}
	if m := w.desired[linkOwner{w.tenant("displayName", "a").ID, canopy.AttrManager}]; !m[w.tenant("displayName", "b").ID] {
		t.Errorf("manager of a: got %v", m)
	}
	w.settled()
}

// TestLinks_foreseen: what waits for an object is planned with the object, though nothing else makes its owner due.
func TestLinks_foreseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	late := w.user("contoso", "late", "late@x.com", "adminDescription=User_1")
	never := w.user("contoso", "never", "never@x.com", "adminDescription=User_1")
	contact := w.entry("fabrikam", canopy.Contact, "contact", "displayName=contact", "mail=c@x.com", "proxyAddresses=SMTP:c@x.com")
	g := w.entry("contoso", canopy.Group, "g", "displayName=g")
	h := w.entry("fabrikam", canopy.Group, "h", "displayName=h")
	w.link(g, canopy.AttrMember, late, never)
	w.link(h, canopy.AttrMember, contact)
	w.sync()
	if g.Meta == 0 || late.Meta != 0 || len(w.members("h")) != 1 {
		t.Fatalf("got metas %d and %d, members %v", g.Meta, late.Meta, w.members("h"))
	}

	setAttrs(late, "adminDescription=")
	items := w.planOf([]*canopy.Entry{copied(late)}, nil, 10)
	item, o := of(items, g)
	if item == nil || o.Outcome != canopy.PlannedOut || len(item.Links) != 1 || item.Links[0].Added != 1 || item.Links[0].Waiting != 0 {
		t.Fatalf("a group whose member comes: got %s", describeAll(items))
	}
	w.apply(items)
	if got := w.members("g"); len(got) != 1 || !got["late"] {
		t.Errorf("members of g: got %v", got)
	}

	person := w.user("tailspin", "contact", "c@x.com")
	items = w.planOf([]*canopy.Entry{copied(person)}, nil, 10)
	if item, _ = of(items, h); item == nil || len(item.Links) != 1 || item.Links[0].Added != 1 || item.Links[0].Removed != 0 {
		t.Fatalf("a group whose member becomes another object: got %s", describeAll(items))
	}
	if item, _ = of(items, g); item != nil {
		t.Errorf("a group that nothing happens to: got %s", describe(*item))
	}
	w.apply(items)
	if e := w.tenant("mail", "c@x.com"); e == nil || e.Class != canopy.User || !w.desired[linkOwner{w.tenant("displayName", "h").ID, canopy.AttrMember}][e.ID] {
		t.Errorf("the user: got %v", e)
	}
	w.settled()

	// What waits because its object is held back draws nobody in.
	taken := w.user("tailspin", "taken", "t@x.com", "userPrincipalName=contact@tailspin.lab", "adminDescription=User_1")
	w.link(h, canopy.AttrMember, contact, taken)
	w.sync()
	setAttrs(taken, "adminDescription=", "userPrincipalName="+person.Attrs.Text(canopy.AttrUPN))
	items = w.planOf([]*canopy.Entry{copied(taken)}, nil, 10)
	if item, _ = of(items, h); item != nil {
		t.Errorf("a member that is held back: got %s", describeAll(items))
	}
}

func TestLinks_differences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a, b, c := w.user("contoso", "a", "a@x.com"), w.user("contoso", "b", "b@x.com"), w.user("contoso", "c", "c@x.com")
	g := w.entry("contoso", canopy.Group, "g", "displayName=g")
	w.link(g, canopy.AttrMember, a, b)
	w.sync()
	w.link(g, canopy.AttrMember, b, c)
	items := w.plan(10)
	item, o := of(items, g)
	if l := item.Links[0]; l.Added != 1 || l.Removed != 1 || l.Total != 2 || l.Whole || o.Outcome != canopy.PlannedOut {
		t.Errorf("got %+v", l)
	}
	w.apply(items)
	w.settled()
	w.link(g, canopy.AttrMember)
	items = w.plan(10)
	if item, _ = of(items, g); item.Links[0].Removed != 2 || item.Links[0].Total != 0 || item.Links[0].From != g.ID {
		t.Errorf("emptied: got %+v", item.Links[0])
	}
	var emptied, removed int
	for _, r := range totalsOf(items).Regrets {
		switch {
		case r.Regret == canopy.RegretEmptied && r.Container == "":
			emptied = r.Count
		case r.Regret == canopy.RegretMembership && r.Container == "":
			removed = r.Count
		}
	}
	if emptied != 1 || removed != 2 {
		t.Errorf("regrets: %d emptied, %d removed", emptied, removed)
	}
	w.apply(items)
	if got := w.members("g"); len(got) != 0 {
		t.Errorf("members: got %v", got)
	}
	w.settled()
}

func TestLinks_waitingAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	a := w.user("contoso", "a", "a@x.com")
	held := w.user("fabrikam", "held", "a@x.com")
	out := w.user("contoso", "out", "", "adminDescription=User_1")
	gone := w.user("contoso", "gone", "")
	gone.State = canopy.Gone
	g := w.entry("contoso", canopy.Group, "g", "displayName=g")
	unknown := &canopy.Entry{ID: 999999}
	w.link(g, canopy.AttrMember, a, held, out, gone, unknown)
	item, _ := of(w.plan(10), g)
	l := item.Links[0]
	if l.Added != 1 || l.Waiting != 4 || l.Total != 5 || len(l.Samples) != 4 {
		t.Fatalf("got %+v", l)
	}
	want := map[string]string{held.DN: linkHeld, out.DN: linkOutside, gone.DN: linkDeleted, "unknown 999999": linkUnknown}
	for _, s := range l.Samples {
		if want[s.Ref.DN] != s.Why {
			t.Errorf("%s: got %q, want %q", s.Ref.DN, s.Why, want[s.Ref.DN])
		}
	}
	w.sync()
	// Of who takes no part, the view says whether it is held back.
	w.desired = map[linkOwner]map[canopy.EntryID]bool{}
	items := w.planOf(nil, []canopy.MetaID{g.Meta}, 10)
	item, _ = of(items, g)
	for _, s := range item.Links[0].Samples {
		if s.Ref.DN == held.DN && s.Why != linkHeld {
			t.Errorf("%s: got %q, want %q", s.Ref.DN, s.Why, linkHeld)
		}
	}
	// The link follows when the reason is gone.
	setAttrs(held, "mail=new@x.com", "proxyAddresses=SMTP:new@x.com")
	w.sync()
	w.sync()
	if got := w.members("g"); !got["held"] {
		t.Errorf("members: got %v", got)
	}
	w.settled()
}

func TestLinks_winnerChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "anna", "anna@x.com")
	b := w.user("fabrikam", "anna", "anna@x.com")
	m1 := w.user("contoso", "m1", "m1@x.com")
	m2 := w.user("fabrikam", "m2", "m2@x.com")
	w.link(b, canopy.AttrManager, m2)
	w.sync()
	manager := func() map[canopy.EntryID]bool {
		return w.desired[linkOwner{w.tenant("displayName", "anna").ID, canopy.AttrManager}]
	}
	if got := manager(); !got[w.tenant("displayName", "m2").ID] {
		t.Fatalf("got %v, want the only one", got)
	}
	w.link(a, canopy.AttrManager, m1)
	item, _ := of(w.plan(10), a)
	if l := item.Links[0]; !l.Whole || l.From != a.ID || l.Added != 1 || l.Removed != 1 || l.Origin.Entry != a.ID {
		t.Errorf("got %+v", l)
	}
	w.sync()
	if got := manager(); len(got) != 1 || !got[w.tenant("displayName", "m1").ID] {
		t.Errorf("got %v, want the first forest's", got)
	}
	w.settled()
	a.State = canopy.Gone
	w.link(b, canopy.AttrManager)
	w.sync()
	if got := manager(); len(got) != 0 {
		t.Errorf("nobody has links any more: got %v", got)
	}
	w.settled()
}
