package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// world is a metaverse with its spaces in memory: the view of the tests, and what applying a plan does to it.
type world struct {
	t       testing.TB
	rules   *rule.Set
	set     Settings
	entries map[canopy.EntryID]*canopy.Entry
	metas   map[canopy.MetaID]*canopy.Meta
	claims  map[canopy.MetaID][]canopy.Claimant
	sources map[linkOwner][]canopy.EntryID        // links of sources
	desired map[linkOwner]map[canopy.EntryID]bool // links that a target's entry is to have
	planned map[linkOwner]map[canopy.EntryID]bool // links of sources that an applied plan has looked at
	last    int64
	refuses bool // duplicates in the tenant fail the test
	calls   map[string]int
	applied []canopy.PlanItem // what was applied last, for messages
}

type linkOwner struct {
	entry canopy.EntryID
	attr  canopy.Attr
}

var testForests = []canopy.ConnectorID{"contoso", "fabrikam", "tailspin"}

func newWorld(t testing.TB, people string, more ...map[string]string) *world {
	t.Helper()
	w := &world{t: t, rules: loadRules(t, people, more...), refuses: true,
		entries: map[canopy.EntryID]*canopy.Entry{}, metas: map[canopy.MetaID]*canopy.Meta{}, claims: map[canopy.MetaID][]canopy.Claimant{},
		sources: map[linkOwner][]canopy.EntryID{}, desired: map[linkOwner]map[canopy.EntryID]bool{},
		planned: map[linkOwner]map[canopy.EntryID]bool{}, calls: map[string]int{}}
	for i, f := range testForests {
		w.set.Connectors = append(w.set.Connectors, Connector{ID: f, Kind: "ad", Order: i + 1})
	}
	w.set.Connectors = append(w.set.Connectors, Connector{ID: canopy.Tenant, Kind: "tenant", Target: true})
	w.set.Owner = rule.MailboxOwner
	return w
}

func (w *world) next() int64 { w.last++; return w.last }

// guid makes an anchor of a name, and the bytes of an objectGUID.
func guid(name string) (canopy.Anchor, canopy.Values) {
	return canopy.Anchor("guid-" + name), canopy.Values{canopy.Bytes([]byte(name))}
}

// entry adds a source's object. Attributes are "name=value" texts; numbers and truths are typed.
func (w *world) entry(forest canopy.ConnectorID, class canopy.Class, name string, attrs ...string) *canopy.Entry {
	anchor, octets := guid(string(forest) + "-" + name)
	e := &canopy.Entry{ID: canopy.EntryID(w.next()), Connector: forest, Class: class, Anchor: anchor,
		DN: "CN=" + name + ",OU=People,DC=" + string(forest), Attrs: canopy.Attrs{"objectGUID": octets}, LinkCounts: map[canopy.Attr]int{}}
	if class == canopy.User {
		e.Attrs["userAccountControl"] = canopy.Values{canopy.Int(512)}
	}
	setAttrs(e, attrs...)
	w.entries[e.ID] = e
	return e
}

func setAttrs(e *canopy.Entry, attrs ...string) {
	for _, a := range attrs {
		name, value, _ := strings.Cut(a, "=")
		switch {
		case value == "":
			delete(e.Attrs, canopy.Attr(name))
		case name == "mS-DS-ConsistencyGuid" || name == "msExchMailboxGuid":
			e.Attrs[canopy.Attr(name)] = canopy.Values{canopy.Bytes([]byte(value))}
		case name == "isCriticalSystemObject":
			e.Attrs[canopy.Attr(name)] = canopy.Values{canopy.Bool(value == "TRUE")}
		case name == "userAccountControl":
			v, _ := canopy.ParseValue(canopy.Integer, value)
			e.Attrs[canopy.Attr(name)] = canopy.Values{v}
		default:
			e.Attrs[canopy.Attr(name)] = canopy.Texts(strings.Split(value, "|")...)
		}
	}
}

// user adds a person's account with a mail address that is its primary one, too.
func (w *world) user(forest canopy.ConnectorID, name, mail string, attrs ...string) *canopy.Entry {
	all := []string{"displayName=" + name, "userPrincipalName=" + name + "@" + string(forest) + ".lab"}
	if mail != "" {
		all = append(all, "mail="+mail, "proxyAddresses=SMTP:"+mail)
	}
	return w.entry(forest, canopy.User, name, append(all, attrs...)...)
}

// cloud adds an object of the tenant's own.
func (w *world) cloud(class canopy.Class, name string, attrs ...string) *canopy.Entry {
	e := &canopy.Entry{ID: canopy.EntryID(w.next()), Connector: canopy.Tenant, Class: class, Anchor: canopy.Anchor("oid-" + name), Attrs: canopy.Attrs{}}
	setAttrs(e, attrs...)
	w.entries[e.ID] = e
	return e
}

// link sets a link attribute of a source's object.
func (w *world) link(owner *canopy.Entry, attr canopy.Attr, to ...*canopy.Entry) {
	var ids []canopy.EntryID
	for _, e := range to {
		ids = append(ids, e.ID)
	}
	w.sources[linkOwner{owner.ID, attr}] = ids
	owner.LinkCounts[attr] = len(ids)
	if len(ids) == 0 {
		delete(owner.LinkCounts, attr)
	}
}

func (w *world) isSource(e *canopy.Entry) bool { return e.Connector != canopy.Tenant }

// plan plans everything that there is, in batches of a size.
func (w *world) plan(batch int) []canopy.PlanItem {
	w.t.Helper()
	var due []*canopy.Entry
	for _, id := range slices.Sorted(maps.Keys(w.entries)) {
		if e := w.entries[id]; e.Meta == 0 && w.isSource(e) {
			due = append(due, copied(e))
		}
	}
	return w.planOf(due, slices.Sorted(maps.Keys(w.metas)), batch)
}

// planOf plans some entries and metas.
func (w *world) planOf(due []*canopy.Entry, metas []canopy.MetaID, batch int) []canopy.PlanItem {
	w.t.Helper()
	ctx := context.Background()
	p := New(w.rules, w.set).NewPlanner(w)
	touched, items, err := p.Join(ctx, func(yield func(*canopy.Entry) error) error {
		for _, e := range due {
			if err := yield(e); err != nil {
				return err
			}
		}
		return nil
	})
	w.ok(err)
	ids := distinct(append(slices.Clone(metas), touched...))
	next := ids
	for round := 0; len(next) > 0; round++ {
		if round > 50 {
			w.t.Fatal("settling does not end")
		}
		for part := range slices.Chunk(next, batch) {
			w.ok(p.Survey(ctx, part))
		}
		more, err := p.Settle(ctx)
		w.ok(err)
		for _, m := range more {
			if slices.Contains(ids, m) {
				w.t.Fatalf("meta %d is drawn in twice", m)
			}
		}
		ids = append(ids, more...)
		next = more
	}
	for part := range slices.Chunk(distinct(ids), batch) {
		planned, err := p.Plan(ctx, part)
		w.ok(err)
		items = append(items, planned...)
	}
	return items
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sync plans and applies.
func (w *world) sync() []canopy.PlanItem {
	w.t.Helper()
	items := w.plan(100)
	w.apply(items)
	return items
}

// settled fails when a further plan changes anything.
func (w *world) settled() {
	w.t.Helper()
	for _, item := range w.plan(7) {
		if item.Changes() || item.Image != nil || len(item.Joins) > 0 || item.Dies {
			w.t.Fatalf("a further plan is not empty:\n%safter\n%s", describe(item), describeAll(w.applied))
		}
	}
}

// tenant finds a tenant's object by an attribute's value, nil when there is none.
func (w *world) tenant(attr canopy.Attr, value string) *canopy.Entry {
	for _, e := range w.entries {
		if !w.isSource(e) && slices.Contains(e.Attrs[attr], canopy.Text(value)) {
			return e
		}
	}
	return nil
}

func (w *world) tenants() int {
	n := 0
	for _, e := range w.entries {
		if !w.isSource(e) {
			n++
		}
	}
	return n
}

// of finds the item that tells of an entry.
func of(items []canopy.PlanItem, e *canopy.Entry) (*canopy.PlanItem, canopy.EntryOutcome) {
	for i := range items {
		for _, o := range items[i].Entries {
			if o.Entry == e.ID {
				return &items[i], o
			}
		}
	}
	return nil, canopy.EntryOutcome{}
}

func describeAll(items []canopy.PlanItem) string {
	var b strings.Builder
	for i := range items {
		b.WriteString(describe(items[i]))
	}
	return b.String()
}

// describe shows an item.
func describe(item canopy.PlanItem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "meta %d %s %q image=%v dies=%v\n", item.Meta, item.Class, item.Label, item.Image != nil, item.Dies)
	for _, o := range item.Entries {
		fmt.Fprintf(&b, "  entry %d %s %s\n", o.Entry, o.Outcome, o.Why)
	}
	for _, j := range item.Joins {
		fmt.Fprintf(&b, "  join %d %s %s %s\n", j.Entry, j.Via.Kind, j.Via.On, j.Why)
	}
	for _, x := range item.Exports {
		fmt.Fprintf(&b, "  export %d %s %s entry %d set=%v clear=%v regrets=%v\n", x.Phase, x.Export.Op, x.Export.Class, x.Entry, x.Export.Set, x.Export.Clear, x.Regrets)
	}
	for _, l := range item.Links {
		fmt.Fprintf(&b, "  link %+v\n", l)
	}
	for _, h := range item.Held {
		fmt.Fprintf(&b, "  held %+v\n", h)
	}
	for _, c := range item.Claims {
		fmt.Fprintf(&b, "  claim %+v\n", c)
	}
	return b.String()
}
