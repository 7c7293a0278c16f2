package ad

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// move is a container that has, or may have, a new place: what lies below it is not reported by the directory.
type move struct {
	guid GUID
	// same tells that what lies below is in scope, or not, just as before: only its DN is new.
	same bool
}

// decideContainer keeps the tree current and notes containers whose contents have new DNs.
func (r *reader) decideContainer(ctx context.Context, o *object) (action, error) {
	whole := r.full() && o.classes || o.created || o.undeleted || r.way == wayUSN
	if !whole && !o.named {
		return tellNothing, nil // neither its name nor its place changed
	}
	isNew := r.full() || r.way != wayUSN && o.created || r.way == wayUSN && o.usnCreated > r.old.USN
	if r.tree == nil {
		if !isNew {
			r.moved = append(r.moved, move{guid: o.guid, same: true})
		}
		return tellPlace, nil
	}
	before := r.tree.byGUID[o.guid]
	var was node
	wasIn := false
	if before != nil {
		was, wasIn = *before, r.tree.in(before)
	}
	n, err := r.putContainer(ctx, o)
	if err != nil {
		return tellNothing, err
	}
	in := n != nil && r.tree.in(n)
	if n != nil && !isNew {
		here := before != nil && was.parent == n.parent && was.rdn == n.rdn
		same := n.ruling != noRuling || r.history && before != nil && wasIn == in
		switch {
		case r.history && here && !o.undeleted: // nothing moved
		case same && !in && !r.tree.rulesBelow(n): // it was out of scope with all below, and still is
		default:
			r.moved = append(r.moved, move{guid: o.guid, same: same})
		}
	}
	if !in {
		return tellLeft, nil
	}
	return tellPlace, nil
}

// putContainer gives a container its place in the tree. It is nil when what is above it is not there any more.
func (r *reader) putContainer(ctx context.Context, o *object) (*node, error) {
	d, err := ParseDN(o.dn)
	if err != nil {
		return nil, err
	}
	if n, ok := r.tree.put(d, o.guid); ok {
		return n, nil
	}
	s, err := r.asker(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.tree.reach(ctx, s, d.Parent()); err != nil {
		return nil, err
	}
	n, _ := r.tree.put(d, o.guid)
	return n, nil
}

// below tells of everything below a container that moved: new DNs where nothing else changed, else the objects whole, or
// that they left the scope.
func (r *reader) below(ctx context.Context, m move) error {
	q := query{base: byGUID(m.guid.Anchor()), scope: ldap.ScopeWholeSubtree, filter: r.w.filter(), attrs: r.w.ask, controls: []ldap.Control{extendedDN()}}
	if m.same {
		q.attrs = []string{string(attrGUID), string(attrName), string(attrClass), "parentGUID"}
	}
	err := r.stream.paged(ctx, q, r.c.cfg.PageSize, func(e *entry) error {
		o := r.w.decode(e, false)
		if !o.known || o.guid == m.guid {
			return nil
		}
		a, err := r.belowMoved(ctx, o, m)
		if err != nil {
			return err
		}
		return r.tell(ctx, o, a)
	}, nil)
	if hasCode(err, ldap.LDAPResultNoSuchObject) {
		return nil // gone meanwhile, which the next read tells
	}
	return err
}

func (r *reader) belowMoved(ctx context.Context, o *object, m move) (action, error) {
	if o.change.Class == canopy.Container {
		if r.tree == nil {
			return tellPlace, nil
		}
		n, err := r.putContainer(ctx, o)
		switch {
		case err != nil || n == nil:
			return tellNothing, err
		case r.tree.in(n):
			return tellPlace, nil
		}
		return tellLeft, nil
	}
	a, err := r.placed(ctx, o)
	switch {
	case err != nil:
		return tellNothing, err
	case m.same && a == tellLeft:
		return tellNothing, nil
	case m.same:
		return tellDelta, nil
	case a == tellImage && len(o.ranged) > 0:
		s, err := r.asker(ctx)
		if err != nil {
			return tellNothing, err
		}
		return a, s.completeLinks(ctx, o)
	}
	return a, nil
}

// regroup compares what is in the groups of the scope now with what was when the read began.
func (r *reader) regroup(ctx context.Context) error {
	now, err := r.stream.membersOf(ctx, r.w.facts, r.req.Scope.Groups, r.c.cfg.PageSize)
	if err != nil {
		return err
	}
	before := r.groups
	r.groups = now
	var entered []GUID
	for g := range now {
		if !before.has(g) {
			entered = append(entered, g)
		}
	}
	found, err := r.fetch(ctx, entered)
	if err != nil {
		return err
	}
	for _, g := range entered {
		o := found[g]
		if o == nil || o.change.Class == canopy.Container {
			continue
		}
		a, err := r.placed(ctx, o)
		if err != nil {
			return err
		}
		if err := r.tell(ctx, o, a); err != nil {
			return err
		}
	}
	for g := range before {
		if now.has(g) || r.gone.has(g) {
			continue
		}
		if err := r.tell(ctx, &object{guid: g, change: canopy.Change{Anchor: g.Anchor()}}, tellLeft); err != nil {
			return err
		}
	}
	return nil
}
