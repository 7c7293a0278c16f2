package engine

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// testRules are a small set of the built-in rules' kind: people by account and mailbox, contacts, groups, foreign
// security principals, and a tenant that has all of them.
var testRules = map[string]string{
	"10-user-join": `
direction: in
connector: ad
source: [user]
target: person
link: provision
scope: [[{attr: adminDescription, op: NOTSTARTSWITH, value: "User_", because: "it came from the cloud"}]]
join: configured
flows:
  - {to: sourceAnchor, expression: 'IIF(IsPresent([mS-DS-ConsistencyGuid]), ConvertToBase64([mS-DS-ConsistencyGuid]), ConvertToBase64([objectGUID]))'}
  - {to: sourceAnchorBinary, from: mS-DS-ConsistencyGuid}
  - {to: sourceObjectType, constant: User}
  - {to: objectSidString, from: objectSid}
  - {to: accountEnabled, expression: 'BitAnd([userAccountControl], 2) = 0'}
  - {to: userPrincipalName, from: userPrincipalName, trim: true}
  - {to: mailboxOwner, expression: 'IIF(IsPresent([msExchMailboxGuid]), True, NULL)'}
  - {to: cloudFiltered, expression: 'IIF([isCriticalSystemObject] = True, True, NULL)'}
`,
	"20-user-exchange": `
direction: in
connector: ad
source: [user]
target: person
link: join
scope: [[{attr: msExchMailboxGuid, op: ISNOTNULL}]]
flows:
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: mailNickname, from: mailNickname}
`,
	"30-user-common": `
direction: in
connector: ad
source: [user]
target: person
link: join
flows:
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: mailNickname, from: mailNickname}
  - {to: displayName, from: displayName}
  - {to: department, from: department}
  - {to: title, expression: 'IIF([title] = "bad", Error("no such title"), [title])'}
  - {to: otherTelephone, from: otherTelephone, merge: merge-case-insensitive}
  - {to: manager, from: manager, link: true}
`,
	"40-contact-join": `
direction: in
connector: ad
source: [contact]
target: person
link: provision
join: [[{source: mail, target: mail}]]
flows:
  - {to: sourceAnchor, expression: 'ConvertToBase64([objectGUID])'}
  - {to: sourceObjectType, constant: Contact}
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: displayName, from: displayName}
`,
	"50-group-join": `
direction: in
connector: ad
source: [group]
target: group
link: provision
flows:
  - {to: sourceAnchor, expression: 'ConvertToBase64([objectGUID])'}
  - {to: displayName, from: displayName}
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: memberCount, expression: 'ValueCount("member")'}
  - {to: member, from: member, link: true}
`,
	"60-fsp-join": `
direction: in
connector: ad
source: [foreignSecurityPrincipal]
target: person
link: join
join: [[{source: objectSid, target: objectSidString}]]
flows: []
`,
	"70-out-user": `
direction: out
connector: tenant
source: [person]
target: user
link: provision
scope:
  - - {attr: sourceObjectType, op: EQUAL, value: User}
    - {attr: cloudFiltered, op: NOTEQUAL, value: "True", because: "critical system object"}
    - {attr: sourceAnchor, op: ISNOTNULL}
match:
  - {name: anchor, from: sourceAnchor, of: sourceAnchor}
  - {name: address, from: proxyAddresses, of: proxyAddresses}
  - {name: upn, from: userPrincipalName, of: userPrincipalName}
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: userPrincipalName, from: userPrincipalName, claim: upn}
  - {to: accountEnabled, from: accountEnabled}
  - {to: usageLocation, constant: DE, once: true}
`,
	"71-out-user-mail": `
direction: out
connector: tenant
source: [person]
target: user
link: join
scope: [[{attr: sourceObjectType, op: EQUAL, value: User}]]
flows:
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: alias, from: mailNickname, claim: alias}
  - {to: displayName, from: displayName}
  - {to: department, from: department}
  - {to: title, from: title}
  - {to: otherTelephone, from: otherTelephone}
  - {to: manager, from: manager, link: true}
`,
	"80-out-contact": `
direction: out
connector: tenant
source: [person]
target: contact
link: provision
scope: [[{attr: sourceObjectType, op: EQUAL, value: Contact}]]
match: [{name: address, from: proxyAddresses, of: proxyAddresses}]
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: displayName, from: displayName}
`,
	"90-out-group": `
direction: out
connector: tenant
source: [group]
target: group
link: provision
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: displayName, from: displayName}
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: member, from: member, link: true}
`,
}

// loadRules loads the test rules, and others over them.
func loadRules(t testing.TB, people string, more ...map[string]string) *rule.Set {
	t.Helper()
	places := make([]fs.FS, 0, 1+len(more))
	for _, files := range append([]map[string]string{testRules}, more...) {
		place := fstest.MapFS{}
		for id, text := range files {
			n, _, _ := strings.Cut(id, "-")
			place[id+".yaml"] = &fstest.MapFile{Data: []byte(fmt.Sprintf("id: r%s\nname: %s\nprecedence: %s\n%s", id, id, n, text))}
		}
		places = append(places, place)
	}
	set, err := rule.Load(rule.Options{FS: places, People: people})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

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
		sources: map[linkOwner][]canopy.EntryID{}, desired: map[linkOwner]map[canopy.EntryID]bool{}, calls: map[string]int{}}
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

// The view.

func (w *world) Metas(_ context.Context, ids []canopy.MetaID) ([]*canopy.Meta, error) {
	w.calls["metas"]++
	var out []*canopy.Meta
	for _, id := range ids {
		if m := w.metas[id]; m != nil {
			c := *m
			c.Attrs = maps.Clone(m.Attrs)
			out = append(out, &c)
		}
	}
	return out, nil
}

func (w *world) EntriesOf(_ context.Context, ids []canopy.MetaID) ([]*canopy.Entry, error) {
	w.calls["entries of"]++
	var out []*canopy.Entry
	for _, e := range w.entries {
		if e.Meta != 0 && slices.Contains(ids, e.Meta) {
			out = append(out, copied(e))
		}
	}
	return out, nil
}

func copied(e *canopy.Entry) *canopy.Entry {
	c := *e
	c.Attrs = e.Attrs.Clone()
	return &c
}

func (w *world) Entries(_ context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	w.calls["entries"]++
	var out []*canopy.Entry
	for _, id := range ids {
		if e := w.entries[id]; e != nil {
			out = append(out, copied(e))
		}
	}
	return out, nil
}

func (w *world) kind(e *canopy.Entry) string {
	if w.isSource(e) {
		return "ad"
	}
	return "tenant"
}

func (w *world) Lookup(_ context.Context, keys []canopy.Key) ([]canopy.Hit, error) {
	w.calls["lookup"]++
	wanted := make(map[canopy.Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	var hits []canopy.Hit
	for _, m := range w.metas {
		for _, k := range w.rules.MetaKeys(m) {
			if wanted[k] {
				hits = append(hits, canopy.Hit{Key: k, Meta: m.ID})
			}
		}
	}
	for _, e := range w.entries {
		if e.Meta != 0 && !w.isSource(e) {
			continue
		}
		own, err := w.rules.EntryKeys(w.kind(e), e, nil)
		if err != nil {
			continue
		}
		for _, k := range own {
			if wanted[k] {
				hits = append(hits, canopy.Hit{Key: k, Entry: e.ID, Meta: e.Meta, Connector: e.Connector})
			}
		}
	}
	return hits, nil
}

func (w *world) Claims(_ context.Context, claims []canopy.Claim) ([]canopy.Claimant, error) {
	w.calls["claims"]++
	wanted := map[canopy.Claim]bool{}
	for _, c := range claims {
		wanted[c] = true
	}
	var out []canopy.Claimant
	for _, list := range w.claims {
		for _, c := range list {
			if wanted[c.Claim] {
				out = append(out, c)
			}
		}
	}
	for _, e := range w.entries {
		if w.isSource(e) || e.State == canopy.Gone {
			continue
		}
		for _, c := range w.rules.EntryClaims("tenant", e) {
			if wanted[c] {
				out = append(out, canopy.Claimant{Claim: c, Meta: e.Meta, Entry: e.ID, Kept: true, Anchor: e.Anchor})
			}
		}
	}
	return out, nil
}

func (w *world) counterpart(meta canopy.MetaID, c canopy.ConnectorID) canopy.EntryID {
	for _, e := range w.entries {
		if meta != 0 && e.Meta == meta && e.Connector == c && e.State != canopy.Gone {
			return e.ID
		}
	}
	return 0
}

// leaving tells whether an entry leaves its meta with the next plan; the links to it are changed.
func (w *world) leaving(e *canopy.Entry) bool {
	if e.State == canopy.Gone || e.State == canopy.OutOfScope {
		return true
	}
	scoped, err := w.rules.Scope("ad", e.Connector, rule.EntryObject(e, nil))
	return err == nil && !scoped.In
}

func (w *world) Links(_ context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	w.calls["links"]++
	desired := w.desired[linkOwner{q.Target, q.TargetAttr}]
	wanted := map[canopy.EntryID]bool{}
	for _, id := range w.sources[linkOwner{q.Owner, q.Attr}] {
		e := w.entries[id]
		row := canopy.LinkRow{Ref: canopy.Ref{DN: fmt.Sprint("unknown ", id)}}
		if e != nil {
			row = canopy.LinkRow{Ref: canopy.Ref{Anchor: e.Anchor, DN: e.DN}, Entry: e.ID, State: e.State, Meta: e.Meta,
				Counterpart: w.counterpart(e.Meta, q.Connector)}
		}
		row.Desired = row.Counterpart != 0 && desired[row.Counterpart]
		wanted[row.Counterpart] = true
		if q.Changed && row.Desired && !w.leaving(e) {
			continue
		}
		if err := each(row); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(desired)) {
		if !wanted[id] {
			if err := each(canopy.LinkRow{Entry: id, Removed: true, Desired: true, Counterpart: id}); err != nil {
				return err
			}
		}
	}
	return nil
}

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

// apply does what a plan says, and sends its exports to the tenant at once.
func (w *world) apply(items []canopy.PlanItem) {
	w.t.Helper()
	w.applied = items
	number := map[canopy.MetaID]canopy.MetaID{}
	for i := range items {
		w.applyItem(&items[i], number)
	}
	adds := map[canopy.MetaID]canopy.EntryID{}
	for phase := canopy.PhaseRelease; phase <= canopy.PhaseLinks; phase++ {
		for i := range items {
			meta := cmp.Or(number[items[i].Meta], items[i].Meta)
			for k := range items[i].Exports {
				if x := &items[i].Exports[k]; x.Phase == phase {
					w.export(x, meta, adds)
				}
			}
		}
	}
	for i := range items {
		meta := cmp.Or(number[items[i].Meta], items[i].Meta)
		for _, l := range items[i].Links {
			w.applyLinks(l, cmp.Or(l.Entry, adds[meta]))
		}
	}
}

func (w *world) applyItem(item *canopy.PlanItem, number map[canopy.MetaID]canopy.MetaID) {
	id := item.Meta
	if id < 0 {
		id = canopy.MetaID(1000 + w.next())
		number[item.Meta] = id
	}
	for _, j := range item.Joins {
		e := w.entries[j.Entry]
		switch {
		case j.Via.Kind != canopy.NotJoined:
			e.Meta, e.Via = id, j.Via
		case e.Meta == id:
			e.Meta, e.Via = 0, canopy.Joined{}
		}
		if e.Meta == 0 && e.State == canopy.Gone {
			delete(w.entries, e.ID)
		}
	}
	if item.Image != nil {
		m := *item.Image
		m.ID, m.Version = id, m.Version+1
		w.metas[id] = &m
		w.claims[id] = nil
		for _, c := range item.Claims {
			c.Meta = id
			w.claims[id] = append(w.claims[id], c)
		}
	}
	if item.Dies {
		delete(w.metas, id)
		delete(w.claims, id)
	}
}

// export does what the tenant does with an export, and fails where the tenant would refuse.
func (w *world) export(x *canopy.PlannedExport, meta canopy.MetaID, adds map[canopy.MetaID]canopy.EntryID) {
	w.t.Helper()
	e := w.entries[x.Entry]
	switch x.Export.Op {
	case canopy.Add:
		if e == nil {
			e = &canopy.Entry{ID: canopy.EntryID(w.next()), Connector: x.Connector, Class: x.Export.Class, Attrs: canopy.Attrs{}}
			e.Anchor = canopy.Anchor(fmt.Sprint("oid-", e.ID))
			w.entries[e.ID] = e
		}
		if x.Export.SourceAnchor == "" {
			w.t.Errorf("an add without a source anchor: %+v", x.Export)
		}
		e.SourceAnchor, e.Meta, e.Via = x.Export.SourceAnchor, meta, canopy.Joined{Kind: canopy.Provisioned}
		adds[meta] = e.ID
	case canopy.Modify:
		if e == nil || e.SourceAnchor == "" || e.SourceAnchor != x.Export.SourceAnchor {
			w.t.Fatalf("a modification of an object that is not synchronised: %+v", x)
		}
	case canopy.Delete:
		if e == nil || e.SourceAnchor == "" {
			w.t.Fatalf("a delete of an object that is not synchronised: %+v", x)
		}
		delete(w.entries, e.ID)
		for owner, set := range w.desired {
			delete(set, e.ID)
			if owner.entry == e.ID {
				delete(w.desired, owner)
			}
		}
		return
	case canopy.Move:
		w.t.Fatal("a move in the tenant")
	}
	for name, v := range x.Export.Set {
		e.Attrs[name] = v
	}
	for _, name := range x.Export.Clear {
		delete(e.Attrs, name)
	}
	if w.refuses {
		w.unique(e)
	}
}

// unique fails when an object of the tenant has a value that another one has.
func (w *world) unique(e *canopy.Entry) {
	w.t.Helper()
	own := w.rules.EntryClaims("tenant", e)
	for _, o := range w.entries {
		if o.ID == e.ID || w.isSource(o) {
			continue
		}
		for _, c := range w.rules.EntryClaims("tenant", o) {
			if c.Kind != canopy.ClaimAlias && slices.Contains(own, c) {
				w.t.Fatalf("%s %q of %d %v is held by %d %v in\n%s", c.Kind, c.Value, e.ID, e.Attrs, o.ID, o.Attrs, describeAll(w.applied))
			}
		}
	}
}

func (w *world) applyLinks(l canopy.LinkFlow, target canopy.EntryID) {
	set := map[canopy.EntryID]bool{}
	for _, id := range w.sources[linkOwner{l.From, l.FromAttr}] {
		if e := w.entries[id]; e != nil {
			if c := w.counterpart(e.Meta, l.Connector); c != 0 {
				set[c] = true
			}
		}
	}
	w.desired[linkOwner{target, l.Attr}] = set
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
