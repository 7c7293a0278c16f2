package ad

import (
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// action is what is told of one object.
type action uint8

const (
	tellNothing action = iota
	tellDeleted
	tellLeft  // it is out of scope
	tellImage // all of it, as it came
	tellDelta // what came
	tellFetch // all of it, as a search gives it
	tellPlace // a container
)

// settle decides what is told of the objects that wait, asks the controller what it must know for that, all together,
// and tells it.
func (r *reader) settle(ctx context.Context) error {
	all := r.pending
	r.pending = r.pending[:0:0]
	if err := r.learnClasses(ctx, all); err != nil {
		return err
	}
	actions := make([]action, len(all))
	var fetch []GUID
	for i, o := range all {
		a, err := r.decide(ctx, o)
		if err != nil {
			return err
		}
		if actions[i] = a; a == tellFetch {
			fetch = append(fetch, o.guid)
		}
	}
	fetched, err := r.fetch(ctx, fetch)
	if err != nil {
		return err
	}
	for i, o := range all {
		a := actions[i]
		if a == tellFetch {
			if o = fetched[o.guid]; o == nil {
				continue // it is gone meanwhile, which the next read tells
			}
			// It may have moved since.
			if a, err = r.placed(ctx, o); err != nil {
				return err
			}
		}
		if err := r.tell(ctx, o, a); err != nil {
			return err
		}
	}
	return nil
}

// decide says what is to be told of an object. It keeps the tree and the members current on the way.
func (r *reader) decide(ctx context.Context, o *object) (action, error) {
	if o.deleted {
		return r.decideDeleted(o), nil
	}
	if o.undeleted || o.members || r.way == wayUSN && o.change.Class == canopy.Group {
		r.touched = true
	}
	if !o.known {
		return tellNothing, nil
	}
	if o.change.Class == canopy.Container {
		return r.decideContainer(ctx, o)
	}
	a, err := r.placed(ctx, o)
	if a != tellImage || err != nil {
		return a, err
	}
	switch {
	case r.full() && o.classes, r.way == wayUSN, o.created && !o.undeleted:
		return r.imageOrFetch(o), nil
	case o.undeleted, o.classes:
		return tellFetch, nil // it is back, or became another class
	case o.named && r.tree != nil:
		return tellFetch, nil // it may come from outside the scope
	case len(o.ranged) > 0:
		return tellFetch, nil
	}
	return tellDelta, nil
}

// imageOrFetch: links of which only a part came are fetched with the rest of the object.
func (r *reader) imageOrFetch(o *object) action {
	if len(o.ranged) > 0 {
		return tellFetch
	}
	return tellImage
}

func (r *reader) decideDeleted(o *object) action {
	if !strings.Contains(o.dn, `\0ADEL:`) {
		return tellNothing // the container of the deleted objects
	}
	if r.tree != nil {
		r.tree.remove(o.guid)
	}
	if r.groups.has(o.guid) {
		delete(r.groups, o.guid)
		r.touched = true
	}
	if r.full() && r.first {
		return tellNothing // it was never told
	}
	r.gone[o.guid] = struct{}{}
	return tellDeleted
}

// placed tells whether an object that is no container is in scope: tellImage or tellLeft.
func (r *reader) placed(ctx context.Context, o *object) (action, error) {
	if r.groups != nil && !r.groups.has(o.guid) {
		return tellLeft, nil
	}
	if r.tree == nil {
		return tellImage, nil
	}
	n, err := r.above(ctx, o)
	if err != nil {
		return tellNothing, err
	}
	if r.tree.in(n) {
		return tellImage, nil
	}
	return tellLeft, nil
}

// above finds the container that an object lies in; when it is not known to anybody, the nearest known one above it.
func (r *reader) above(ctx context.Context, o *object) (*node, error) {
	if n := r.tree.byGUID[o.parent]; n != nil {
		return n, nil
	}
	d, err := ParseDN(parentText(o.dn))
	if err != nil {
		return nil, err
	}
	if n, _ := r.tree.at(d); n != nil || len(d) == 0 {
		return n, nil
	}
	s, err := r.asker(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.tree.reach(ctx, s, d); err != nil {
		return nil, err
	}
	n, deepest := r.tree.at(d)
	if n == nil {
		return deepest, nil
	}
	return n, nil
}

// tell hands a change on.
func (r *reader) tell(ctx context.Context, o *object, a action) error {
	ch := o.change
	switch a {
	case tellNothing, tellFetch:
		return nil
	case tellDeleted:
		ch = canopy.Change{Kind: canopy.Deleted, Anchor: ch.Anchor}
	case tellLeft:
		ch = canopy.Change{Kind: canopy.LeftScope, Anchor: ch.Anchor}
	case tellPlace:
		if err := r.place(ctx, o, &ch); err != nil {
			return err
		}
		r.w.container(o, &ch)
	case tellImage:
		if err := r.place(ctx, o, &ch); err != nil {
			return err
		}
		whole(&ch)
	case tellDelta:
		ch.Kind = canopy.Delta
		delete(ch.Attrs, attrGUID) // it comes with every answer and never changes
		if o.named {
			if err := r.place(ctx, o, &ch); err != nil {
				return err
			}
		}
		if len(ch.Attrs) == 0 && len(ch.Links) == 0 && ch.DN == "" && ch.Failed == nil {
			return nil // only what was not asked for changed
		}
	}
	return r.out.add(ctx, ch)
}

// whole makes a full image of a change: what has no value is absent.
func whole(ch *canopy.Change) {
	ch.Kind = canopy.FullImage
	for n, v := range ch.Attrs {
		if len(v) == 0 {
			delete(ch.Attrs, n)
		}
	}
	for n, l := range ch.Links {
		if len(l.Added) == 0 {
			delete(ch.Links, n)
			continue
		}
		ch.Links[n] = canopy.LinkChange{Whole: true, Added: l.Added}
	}
}

// place sets a change's DN and parent, and the attributes that follow from the DN.
func (r *reader) place(ctx context.Context, o *object, ch *canopy.Change) error {
	if ch.Parent = o.parent.Anchor(); ch.Parent == "" && !r.w.facts.isBase(o.dn) {
		s, err := r.asker(ctx)
		if err != nil {
			return err
		}
		if ch.Parent, err = s.parentOf(ctx, r.parents, o.dn); err != nil {
			return err
		}
	}
	return r.w.place(o, ch)
}

// place sets a change's DN, and the attributes that follow from it.
func (w *wants) place(o *object, ch *canopy.Change) error {
	ch.DN = o.dn
	if w.dn {
		ch.Attrs[attrDN] = canopy.Texts(o.dn)
	}
	if len(w.rdn) == 0 {
		return nil
	}
	d, err := ParseDN(o.dn)
	if err != nil {
		return err
	}
	if n, ok := w.rdn[strings.ToUpper(d[0].Type)]; ok {
		ch.Attrs[n] = canopy.Texts(d[0].Value)
	}
	return nil
}

// container makes ch the image of a container, of which no attribute but its name is told.
func (w *wants) container(o *object, ch *canopy.Change) {
	ch.Attrs = canopy.Attrs{}
	if d, err := ParseDN(o.dn); err == nil && w.deliver[string(attrName)] != nil {
		ch.Attrs[attrName] = canopy.Texts(d.Name())
	}
	ch.Kind, ch.Class, ch.Links, ch.Failed = canopy.FullImage, canopy.Container, nil, nil
}

// parentOf finds an object's container by its DN, for controllers that do not tell it.
func (s *session) parentOf(ctx context.Context, known map[string]canopy.Anchor, dn string) (canopy.Anchor, error) {
	above := parentText(dn)
	if a, ok := known[above]; ok || above == "" {
		return a, nil
	}
	g, err := s.guidOf(ctx, above)
	if err != nil {
		return "", err
	}
	known[above] = g.Anchor()
	return g.Anchor(), nil
}

// isBase tells whether a DN's text is that of a naming context that is read.
func (f *facts) isBase(dn string) bool {
	return slices.ContainsFunc(f.bases, func(b DN) bool { return strings.EqualFold(b.String(), dn) })
}
