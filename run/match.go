package run

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
)

// MatchReport is what of the tenant and of the forests has nobody on the other side, and who may belong together.
type MatchReport struct {
	Cloud  []CloudObject  `json:"cloud"`  // objects of the tenant's own, without an object of a forest
	Forest []ForestObject `json:"forest"` // objects of forests that have none in the tenant: it is to be created, or held back
	Taken  []Matching     `json:"taken"`  // pairs that the next run joins
	Pairs  []Matching     `json:"pairs"`  // likely pairs that it does not join
}

// CloudObject is an object of the tenant's own.
type CloudObject struct {
	Name         string        `json:"name"`
	Class        canopy.Class  `json:"class"`
	Anchor       canopy.Anchor `json:"anchor"`
	Primary      string        `json:"primaryAddress,omitempty"`
	SourceAnchor string        `json:"sourceAnchor,omitempty"`
	// Unmatched says why it is never taken over, "" nothing.
	Unmatched string `json:"unmatched,omitempty"`
}

// ForestObject is an object of a forest without one in the tenant.
type ForestObject struct {
	Name         string             `json:"name"`
	Connector    canopy.ConnectorID `json:"connector"`
	Class        canopy.Class       `json:"class"`
	Entry        canopy.EntryID     `json:"entry"`
	UPN          string             `json:"userPrincipalName,omitempty"`
	Primary      string             `json:"primaryAddress,omitempty"`
	SourceAnchor string             `json:"sourceAnchor,omitempty"`
	// Out says why it is out of scope, Held why it is held back; "" that it is not.
	Out  string `json:"outOfScope,omitempty"`
	Held string `json:"heldBack,omitempty"`

	meta  canopy.MetaID
	takes canopy.EntryID // the tenant's object that it takes over with the next run
	how   string
}

// Matching is a pair of an object of the tenant and one of a forest.
type Matching struct {
	Cloud    CloudObject      `json:"cloud"`
	Forest   ForestObject     `json:"forest"`
	Rank     int              `json:"rank"`
	Evidence []check.Evidence `json:"evidence,omitempty"`
	How      string           `json:"how,omitempty"` // of one that the next run joins: by what
	Why      []string         `json:"why,omitempty"` // of another: why not
	Next     string           `json:"next,omitempty"`
}

// likelyMatch is the least rank of a pair that is told of, and most how many are for one object of the tenant.
const (
	likelyMatch = 30
	mostMatches = 3
)

// matcher gathers what a report needs.
type matcher struct {
	l       *Local
	cloud   map[canopy.EntryID]*CloudObject
	objects []ForestObject
	faces   []check.Face
	ids     []int // by face: the number of the object, or minus one minus the entry of the tenant
	owned   map[canopy.MetaID]bool
	out     map[canopy.EntryID]bool     // put out of scope by a person
	foresee map[canopy.EntryID]foreseen // by source entry
}

// foreseen is what the next plan does with an entry.
type foreseen struct {
	meta   canopy.MetaID
	anchor string
	held   string
	match  *canopy.PlannedMatch
}

// MatchReport compares the two sides. It stores nothing, and asks no directory: import first.
func (l *Local) MatchReport(ctx context.Context) (*MatchReport, error) {
	m, err := l.matcher(ctx)
	if err != nil {
		return nil, err
	}
	r := &MatchReport{}
	for _, c := range m.cloud {
		r.Cloud = append(r.Cloud, *c)
	}
	listed := map[canopy.MetaID]bool{0: false}
	for _, f := range m.objects {
		if f.Out == "" && !listed[f.meta] {
			r.Forest = append(r.Forest, f)
			listed[f.meta] = f.meta != 0 // the other entries of one person are the same object
		}
	}
	m.taken(r)
	m.pairs(r)
	slices.SortFunc(r.Cloud, func(a, b CloudObject) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Anchor, b.Anchor))
	})
	return r, nil
}

// matcher reads both sides of the store.
func (l *Local) matcher(ctx context.Context) (*matcher, error) {
	m := &matcher{l: l, cloud: map[canopy.EntryID]*CloudObject{}, owned: map[canopy.MetaID]bool{}}
	err := l.stored(ctx, l.Target.ID, func(e *canopy.Entry) error {
		switch {
		case e.State == canopy.Gone:
		case e.Meta != 0:
			m.owned[e.Meta] = true
		case e.State == canopy.Present:
			f := check.FaceOf(e.Class, e.Attrs)
			f.ID, f.Side = e.ID, 1
			m.faces, m.ids = append(m.faces, f), append(m.ids, -1-int(e.ID))
			m.cloud[e.ID] = &CloudObject{Name: cmp.Or(e.Attrs.Text(canopy.AttrUPN), e.Attrs.Text(canopy.AttrDisplayName), string(e.Anchor)), Class: e.Class, Anchor: e.Anchor,
				Primary: f.Primary, SourceAnchor: e.SourceAnchor, Unmatched: e.Attrs.Text(canopy.AttrUnmatched)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m.out, err = l.excluded(ctx); err != nil {
		return nil, err
	}
	if m.foresee, err = l.foresee(ctx); err != nil {
		return nil, err
	}
	for i := range l.Sources {
		s := &l.Sources[i]
		if err := l.stored(ctx, s.ID, func(e *canopy.Entry) error { return m.source(s, e) }); err != nil {
			return nil, err
		}
	}
	return m, m.complete(ctx)
}

// foresee computes what is planned next, and keeps of it who gets what in the target.
func (l *Local) foresee(ctx context.Context) (map[canopy.EntryID]foreseen, error) {
	view, err := l.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	out := map[canopy.EntryID]foreseen{}
	_, err = l.walk(ctx, view, func(items []canopy.PlanItem) error {
		for i := range items {
			note(out, &items[i], l.Target.ID)
		}
		return nil
	}, nil)
	return out, err
}

// note keeps what an item says of its entries.
func note(out map[canopy.EntryID]foreseen, item *canopy.PlanItem, target canopy.ConnectorID) {
	f := foreseen{meta: item.Meta}
	for i := range item.Exports {
		if x := &item.Exports[i]; x.Connector == target && x.Export.Op == canopy.Add {
			f.anchor, f.match = x.Export.SourceAnchor, x.Match
		}
	}
	if item.Image != nil {
		f.anchor = cmp.Or(f.anchor, item.Image.Value(canopy.AttrSourceAnchor))
	}
	for _, e := range item.Entries {
		x := f
		for _, h := range item.Held {
			if h.Whole && (h.Entry == 0 || h.Entry == e.Entry) {
				x.held = h.Text
			}
		}
		out[e.Entry] = x
	}
}

// source takes one object of a forest, unless the tenant has one for it.
func (m *matcher) source(s *Space, e *canopy.Entry) error {
	if e.State != canopy.Present && e.State != canopy.Missing || e.Class == canopy.Container || e.Class == canopy.ForeignSecurityPrincipal {
		return nil
	}
	next, planned := m.foresee[e.ID]
	o := ForestObject{Name: e.DN, Connector: s.ID, Class: e.Class, Entry: e.ID, meta: e.Meta}
	if planned {
		o.meta, o.SourceAnchor, o.Held = cmp.Or(next.meta, o.meta), next.anchor, next.held
		if next.match != nil {
			o.takes, o.how = next.match.Entry, next.match.How+" "+next.match.Value
		}
	}
	if m.owned[o.meta] {
		return nil
	}
	scoped, err := m.l.Rules.Scope(kindOf(s, "ad"), s.ID, rule.EntryObject(e, m.l.values(s)))
	switch {
	case err != nil:
		o.Held = cmp.Or(o.Held, err.Error())
	case m.out[e.ID]:
		o.Out = "a person excluded it"
	case !scoped.In:
		o.Out = cmp.Or(scoped.Why, "no sync rule takes it in")
	}
	f := check.FaceOf(e.Class, e.Attrs)
	f.ID, f.Side, f.Person = e.ID, 2, o.meta
	o.UPN, o.Primary = e.Attrs.Text(canopy.AttrUPN), f.Primary
	m.faces, m.ids = append(m.faces, f), append(m.ids, len(m.objects))
	m.objects = append(m.objects, o)
	return nil
}

// complete asks the rules about objects whose metas are due for nothing, and adds why they are held back.
func (m *matcher) complete(ctx context.Context) error {
	byEntry, byMeta, err := m.held(ctx)
	if err != nil {
		return err
	}
	var ids []canopy.MetaID
	for i := range m.objects {
		o := &m.objects[i]
		o.Held = cmp.Or(o.Held, byEntry[o.Entry])
		if o.meta > 0 {
			o.Held = cmp.Or(o.Held, byMeta[o.meta])
		}
		if o.meta > 0 && o.SourceAnchor == "" {
			ids = append(ids, o.meta)
		}
	}
	wants, err := m.l.wants(ctx, ids)
	if err != nil {
		return err
	}
	for i := range m.objects {
		o := &m.objects[i]
		w, ok := wants[o.meta]
		if !ok {
			continue
		}
		o.SourceAnchor, o.Held = cmp.Or(o.SourceAnchor, w.Anchor), cmp.Or(o.Held, w.Fault)
		if w.Class == "" && o.Out == "" && w.Fault == "" {
			o.Out = cmp.Or(w.Why, "no sync rule provisions it")
		}
	}
	return nil
}

// held are the reasons for which objects are held back whole, as of the last applied plan.
func (m *matcher) held(ctx context.Context) (map[canopy.EntryID]string, map[canopy.MetaID]string, error) {
	rows, err := m.l.Held(ctx, math.MaxInt32)
	if err != nil {
		return nil, nil, err
	}
	byEntry, byMeta := map[canopy.EntryID]string{}, map[canopy.MetaID]string{}
	for _, h := range rows {
		switch {
		case !h.Whole:
		case h.Meta != 0:
			byMeta[h.Meta] = h.Text
		case h.Entry != 0:
			byEntry[h.Entry] = h.Text
		}
	}
	return byEntry, byMeta, nil
}

// wants is what the rules want the target to hold for metas.
func (l *Local) wants(ctx context.Context, ids []canopy.MetaID) (map[canopy.MetaID]engine.Want, error) {
	out := map[canopy.MetaID]engine.Want{}
	if len(ids) == 0 {
		return out, nil
	}
	slices.Sort(ids)
	settings, err := l.settings(ctx)
	if err != nil {
		return nil, err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	e := engine.New(l.Rules, settings)
	for part := range slices.Chunk(slices.Compact(ids), batch) {
		list, err := e.Wants(ctx, view, part)
		if err != nil {
			return nil, err
		}
		for _, w := range list {
			out[w.Meta] = w
		}
	}
	return out, nil
}

// taken tells of the pairs that the next run joins.
func (m *matcher) taken(r *MatchReport) {
	told := map[canopy.EntryID]bool{}
	for _, o := range m.objects {
		if c := m.cloud[o.takes]; o.takes != 0 && c != nil && !told[o.takes] {
			told[o.takes] = true
			r.Taken = append(r.Taken, Matching{Cloud: *c, Forest: o, Rank: 100, How: o.how})
		}
	}
	slices.SortFunc(r.Taken, order)
}

// pairs finds likely pairs, the best ones for each object of the tenant.
func (m *matcher) pairs(r *MatchReport) {
	taken := map[canopy.EntryID]bool{}
	for _, o := range m.objects {
		taken[o.takes] = true
	}
	count := map[canopy.EntryID]int{}
	told := map[[2]int64]bool{}
	tenant := m.l.values(&m.l.Target)
	for _, p := range check.Likely(m.faces, likelyMatch) {
		a, b := p.A, p.B
		if m.ids[a] >= 0 {
			a, b = b, a
		}
		id := canopy.EntryID(-1 - m.ids[a])
		c, o := m.cloud[id], &m.objects[m.ids[b]]
		person := int64(o.meta)
		if person == 0 {
			person = int64(o.Entry) << 1
		}
		if taken[id] || count[id] == mostMatches || told[[2]int64{int64(id), person}] {
			continue
		}
		count[id]++
		told[[2]int64{int64(id), person}] = true
		x := Matching{Cloud: *c, Forest: *o, Rank: p.Rank, Evidence: p.Evidence}
		x.Why, x.Next = whyNot(c, o, &m.faces[a], &m.faces[b], tenant)
		r.Pairs = append(r.Pairs, x)
	}
	slices.SortFunc(r.Pairs, order)
}

func order(a, b Matching) int {
	return cmp.Or(b.Rank-a.Rank, cmp.Compare(a.Cloud.Name, b.Cloud.Name), cmp.Compare(a.Cloud.Anchor, b.Cloud.Anchor), cmp.Compare(a.Forest.Entry, b.Forest.Entry))
}
