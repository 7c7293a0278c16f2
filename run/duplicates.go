package run

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
)

// LikelyDuplicate is the least rank of a pair that is told of, when nothing else is asked for.
const LikelyDuplicate = 30

// Duplicate are two objects of forests that are likely one person, though no join criterion says so.
type Duplicate struct {
	Rank     int              `json:"rank"`
	Evidence []check.Evidence `json:"evidence"`
	A        DuplicateObject  `json:"a"`
	B        DuplicateObject  `json:"b"`
}

// DuplicateObject is one of the two.
type DuplicateObject struct {
	Name      string             `json:"name"`
	Connector canopy.ConnectorID `json:"connector"`
	Class     canopy.Class       `json:"class"`
	Entry     canopy.EntryID     `json:"entry"`
	Meta      canopy.MetaID      `json:"meta,omitempty"`
	// Waits says that it is not projected before a person has decided.
	Waits bool `json:"waits,omitempty"`

	person canopy.MetaID
	anchor canopy.Anchor
}

// person is who is compared: all people in scope, each with what it shows.
type people struct {
	l       *Local
	objects []DuplicateObject
	faces   []check.Face
	byName  map[canopy.ConnectorID]map[canopy.Anchor]canopy.MetaID
}

// Duplicates finds pairs of at least some rank among people of all forests that are not joined, nor will be by the next
// plan, and about which nobody has decided. It stores nothing.
func (l *Local) Duplicates(ctx context.Context, least int) ([]Duplicate, error) {
	p, err := l.people(ctx)
	if err != nil {
		return nil, err
	}
	return p.pairs(ctx, least)
}

// people gathers everybody who may be somebody else.
func (l *Local) people(ctx context.Context) (*people, error) {
	joined, err := l.joining(ctx)
	if err != nil {
		return nil, err
	}
	out, err := l.excluded(ctx)
	if err != nil {
		return nil, err
	}
	p := &people{l: l, byName: map[canopy.ConnectorID]map[canopy.Anchor]canopy.MetaID{}}
	for i := range l.Sources {
		s := &l.Sources[i]
		p.byName[s.ID] = map[canopy.Anchor]canopy.MetaID{}
		err := l.stored(ctx, s.ID, func(e *canopy.Entry) error {
			if out[e.ID] || e.State != canopy.Present && e.State != canopy.Missing || e.Class != canopy.User && e.Class != canopy.InetOrgPerson && e.Class != canopy.Contact {
				return nil
			}
			scoped, err := l.Rules.Scope(kindOf(s, "ad"), s.ID, rule.EntryObject(e, l.values(s)))
			if err != nil || !scoped.In {
				return nil // what cannot be evaluated is told by the plan
			}
			who := joined(e)
			f := check.FaceOf(e.Class, e.Attrs)
			f.ID, f.Person = e.ID, who
			p.faces = append(p.faces, f)
			p.objects = append(p.objects, DuplicateObject{Name: e.DN, Connector: s.ID, Class: e.Class, Entry: e.ID, Meta: e.Meta, person: who, anchor: e.Anchor})
			p.byName[s.ID][e.Anchor] = who
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// pairs finds the pairs of at least some rank. Managers are looked up only where they may lift one to it.
func (p *people) pairs(ctx context.Context, least int) ([]Duplicate, error) {
	decisions, err := p.l.Store.Decisions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Duplicate
	told := map[[2]canopy.MetaID]bool{}
	for _, x := range check.Likely(p.faces, max(1, least-check.ManagerWeight)) {
		a, b := &p.objects[x.A], &p.objects[x.B]
		if decided(decisions, a, b) {
			continue
		}
		for _, i := range []int{x.A, x.B} {
			if err := p.manager(ctx, i); err != nil {
				return nil, err
			}
		}
		rank, evidence := check.Compare(&p.faces[x.A], &p.faces[x.B])
		if rank < least {
			continue
		}
		if pair := [2]canopy.MetaID{min(a.person, b.person), max(a.person, b.person)}; a.person != 0 && b.person != 0 {
			if told[pair] { // other entries of the same two
				continue
			}
			told[pair] = true
		}
		d := Duplicate{Rank: rank, Evidence: evidence, A: *a, B: *b}
		wait := p.l.Wait
		d.A.Waits, d.B.Waits = wait > 0 && rank >= wait && a.Meta == 0, wait > 0 && rank >= wait && b.Meta == 0
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(x, y Duplicate) int {
		return cmp.Or(y.Rank-x.Rank, strings.Compare(x.A.Name, y.A.Name), strings.Compare(x.B.Name, y.B.Name))
	})
	return out, nil
}

// manager looks up whose manager one is.
func (p *people) manager(ctx context.Context, i int) error {
	if p.faces[i].Manager != 0 {
		return nil
	}
	refs, err := p.l.Store.LinksOf(ctx, p.objects[i].Entry, canopy.AttrManager, 1)
	if err != nil || len(refs) == 0 {
		return err
	}
	p.faces[i].Manager = p.byName[p.objects[i].Connector][refs[0].Anchor]
	return nil
}

// decided tells whether a person has said already who one of two is: an entry that was released is somebody of its own.
func decided(decisions []store.Decision, a, b *DuplicateObject) bool {
	return slices.ContainsFunc(decisions, func(d store.Decision) bool {
		return engine.DecisionKind(d.Kind) == engine.DecideSeparate && (d.Entry == a.Entry || d.Entry == b.Entry)
	})
}

// doubts are the entries that are not to be projected, since they are likely the same person as somebody else. Without the
// setting there are none, and nothing is looked up.
func (l *Local) doubts(ctx context.Context) (map[canopy.EntryID][]canopy.Party, error) {
	if l.Wait <= 0 {
		return nil, nil
	}
	entries, metas, err := l.Store.DueCount(ctx)
	if err != nil || entries+metas == 0 {
		return nil, err
	}
	return l.likely(ctx)
}

// likely is the same whether something is due or not.
func (l *Local) likely(ctx context.Context) (map[canopy.EntryID][]canopy.Party, error) {
	if l.Wait <= 0 {
		return nil, nil
	}
	p, err := l.people(ctx)
	if err != nil {
		return nil, err
	}
	pairs, err := p.pairs(ctx, l.Wait)
	if err != nil {
		return nil, err
	}
	out := map[canopy.EntryID][]canopy.Party{}
	note := func(one, other *DuplicateObject) {
		if !one.Waits {
			return
		}
		party := canopy.Party{Connector: other.Connector, Entry: other.Entry, Meta: other.Meta, Name: other.Name}
		if !slices.Contains(out[one.Entry], party) {
			out[one.Entry] = append(out[one.Entry], party)
		}
	}
	for i := range pairs {
		note(&pairs[i].A, &pairs[i].B)
		note(&pairs[i].B, &pairs[i].A)
	}
	return out, nil
}

// reconsider makes those due who wait as likely duplicates and need not any more.
func (l *Local) reconsider(ctx context.Context) error {
	held, err := l.Store.Held(ctx, 0, mostWaiting)
	if err != nil {
		return err
	}
	var waiting []canopy.EntryID
	for _, h := range held {
		if h.Entry != 0 && h.Meta == 0 && h.Held.Reason == canopy.HeldAmbiguous && strings.HasPrefix(h.Held.Text, engine.WhyLikely) {
			waiting = append(waiting, h.Entry)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	still := map[canopy.EntryID]bool{}
	if l.Wait > 0 {
		p, err := l.people(ctx)
		if err != nil {
			return err
		}
		pairs, err := p.pairs(ctx, l.Wait)
		if err != nil {
			return err
		}
		for _, d := range pairs {
			still[d.A.Entry], still[d.B.Entry] = true, true
		}
	}
	free := slices.DeleteFunc(waiting, func(id canopy.EntryID) bool { return still[id] })
	if len(free) == 0 {
		return nil
	}
	return l.Store.MarkDue(ctx, free, nil)
}

// mostWaiting is how many that wait are looked at in a run.
const mostWaiting = 100_000
