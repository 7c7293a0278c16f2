package ad

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// ruling is what a scope says of one container.
type ruling uint8

const (
	noRuling ruling = iota
	included
	excluded
)

// node is a container in the tree.
type node struct {
	guid   GUID
	parent *node
	rdn    string // folded
	ruling ruling
}

// childKey finds a container below another by its folded RDN; below nil are the naming contexts, by their whole DN.
type childKey struct {
	parent *node
	rdn    string
}

// tree are the containers of a forest, by objectGUID, with what a scope says of them. Names are kept component by
// component, so that renaming a container changes one node.
type tree struct {
	byGUID    map[GUID]*node
	children  map[childKey]*node
	bases     []DN
	otherwise bool // what holds where no container decides
	rulings   map[GUID]ruling
	asOf      string // the cursor up to which it is current; "" when that is not known
}

// newTree makes an empty tree for a scope.
func newTree(bases []DN, scope canopy.Scope) (*tree, error) {
	t := &tree{byGUID: map[GUID]*node{}, children: map[childKey]*node{}, bases: bases}
	return t, t.rule(scope)
}

// rule sets the scope.
func (t *tree) rule(scope canopy.Scope) error {
	t.otherwise = len(scope.Include) == 0
	t.rulings = map[GUID]ruling{}
	for r, anchors := range map[ruling][]canopy.Anchor{included: scope.Include, excluded: scope.Exclude} {
		for _, a := range anchors {
			g, err := anchorGUID(a)
			if err != nil {
				return err
			}
			t.rulings[g] = max(r, t.rulings[g]) // exclusion is the stronger one
		}
	}
	for g, n := range t.byGUID {
		n.ruling = t.rulings[g]
	}
	return nil
}

// split parts a DN into its components below a naming context, outermost first, and the context's own key. ok is false
// when it is below none.
func (t *tree) split(d DN) (context string, below DN, ok bool) {
	best := -1
	for i, b := range t.bases {
		if d.Under(b) && (best < 0 || len(b) > len(t.bases[best])) {
			best = i
		}
	}
	if best < 0 {
		return "", nil, false
	}
	below = slices.Clone(d[:len(d)-len(t.bases[best])])
	slices.Reverse(below)
	return t.bases[best].Key(), below, true
}

// at finds the container with a DN. When it is not known, deepest is the innermost known container above it.
func (t *tree) at(d DN) (found, deepest *node) {
	context, below, ok := t.split(d)
	if !ok {
		return nil, nil
	}
	n := t.children[childKey{nil, context}]
	for _, r := range below {
		if n == nil {
			return nil, deepest
		}
		deepest = n
		n = t.children[childKey{n, canopy.Fold(r.String())}]
	}
	if n == nil {
		return nil, deepest
	}
	return n, n
}

// put adds a container or gives it its new place. ok is false when the container above it is not known; then nothing
// changes.
func (t *tree) put(d DN, g GUID) (n *node, ok bool) {
	context, below, ok := t.split(d)
	if !ok {
		return nil, false
	}
	key := childKey{nil, context}
	if len(below) > 0 {
		above, _ := t.at(d.Parent())
		if above == nil {
			return nil, false
		}
		key = childKey{above, canopy.Fold(d[0].String())}
	}
	n = t.byGUID[g]
	if n == nil {
		n = &node{guid: g, ruling: t.rulings[g]}
		t.byGUID[g] = n
	} else if old := (childKey{n.parent, n.rdn}); t.children[old] == n {
		delete(t.children, old)
	}
	n.parent, n.rdn = key.parent, key.rdn
	t.children[key] = n
	return n, true
}

// remove takes a deleted container out.
func (t *tree) remove(g GUID) {
	n := t.byGUID[g]
	if n == nil {
		return
	}
	delete(t.byGUID, g)
	if key := (childKey{n.parent, n.rdn}); t.children[key] == n {
		delete(t.children, key)
	}
}

// in tells whether what lies directly in a container is in scope: the nearest container with a ruling decides.
func (t *tree) in(n *node) bool {
	for ; n != nil; n = n.parent {
		switch n.ruling {
		case included:
			return true
		case excluded:
			return false
		case noRuling:
		}
	}
	return t.otherwise
}

// rulesBelow tells whether a container somewhere below n has a ruling of its own.
func (t *tree) rulesBelow(n *node) bool {
	for g := range t.rulings {
		for x := t.byGUID[g]; x != nil; x = x.parent {
			if x.parent == n {
				return true
			}
		}
	}
	return false
}

// load reads all containers. A container in scope that is not there is an error: its objects would seem to be gone.
func (t *tree) load(ctx context.Context, s *session, pageSize int) error {
	type found struct {
		dn   DN
		guid GUID
	}
	var all []found
	for _, b := range t.bases {
		q := query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: containersOnly(), attrs: []string{string(attrGUID)}}
		err := s.paged(ctx, q, pageSize, func(e *entry) error {
			d, err := ParseDN(e.dn)
			if err != nil {
				return err
			}
			if g, ok := GUIDOf(e.first(string(attrGUID))); ok {
				all = append(all, found{d, g})
			}
			return nil
		}, nil)
		if err != nil {
			return fault(err, s.server, b.String())
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return len(a.dn) - len(b.dn) })
	for _, f := range all {
		if _, ok := t.put(f.dn, f.guid); ok {
			continue
		}
		if err := t.reach(ctx, s, f.dn); err != nil {
			return err
		}
	}
	return nil
}

// reach makes a container known, and those above it. What is not there any more, and what the account may not see,
// stays unknown.
func (t *tree) reach(ctx context.Context, s *session, d DN) error {
	for from := len(d) - 1; from >= 0; from-- {
		step := d[from:]
		if _, _, ok := t.split(step); !ok {
			continue
		}
		if n, _ := t.at(step); n != nil {
			continue
		}
		g, err := s.guidOf(ctx, step.String())
		if err != nil {
			return err
		}
		if g == (GUID{}) {
			return nil
		}
		t.put(step, g)
	}
	return nil
}

// missing names a container of the scope that is not there.
func (t *tree) missing() error {
	for g, r := range t.rulings {
		if r == included && t.byGUID[g] == nil {
			return &canopy.Error{Kind: canopy.NotFound, Code: "ad-scope", Object: g.String(), Text: "a container in scope is not there, or the account may not see it",
				Next: "give the account its right back, or take the container out of the scope"}
		}
	}
	return nil
}

// guidOf reads the objectGUID of the object with a DN, zero when there is none that the account sees.
func (s *session) guidOf(ctx context.Context, dn string) (GUID, error) {
	var g GUID
	err := s.one(ctx, query{base: dn, filter: "(objectClass=*)", attrs: []string{string(attrGUID)}}, func(e *entry) error {
		g, _ = GUIDOf(e.first(string(attrGUID)))
		return nil
	})
	if hasCode(err, ldap.LDAPResultNoSuchObject) {
		return GUID{}, nil
	}
	return g, fault(err, s.server, dn)
}

// membersOf finds what is in the groups of a scope, nested members and the groups themselves too.
func (s *session) membersOf(ctx context.Context, f *facts, groups []canopy.Anchor, pageSize int) (memberSet, error) {
	all := memberSet{}
	for _, a := range groups {
		g, err := anchorGUID(a)
		if err != nil {
			return nil, err
		}
		all[g] = struct{}{}
		dn, err := s.groupDN(ctx, a)
		if err != nil {
			return nil, err
		}
		for _, b := range f.bases {
			q := query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: within(dn), attrs: []string{string(attrGUID)}}
			err := s.paged(ctx, q, pageSize, func(e *entry) error {
				if g, ok := GUIDOf(e.first(string(attrGUID))); ok {
					all[g] = struct{}{}
				}
				return nil
			}, nil)
			if err != nil {
				return nil, fmt.Errorf("find the members of %s: %w", dn, fault(err, s.server, dn))
			}
		}
	}
	return all, nil
}

// within finds the members of a group, nested ones too.
func within(groupDN string) string {
	return "(memberOf:1.2.840.113556.1.4.1941:=" + escapeFilter(groupDN) + ")"
}

func (s *session) groupDN(ctx context.Context, a canopy.Anchor) (string, error) {
	dn := ""
	err := s.one(ctx, query{base: byGUID(a), filter: "(objectClass=*)", attrs: []string{string(attrGUID)}}, func(e *entry) error {
		dn = e.dn
		return nil
	})
	if err != nil && !hasCode(err, ldap.LDAPResultNoSuchObject) {
		return "", fault(err, s.server, string(a))
	}
	if dn == "" {
		return "", &canopy.Error{Kind: canopy.NotFound, Code: "ad-scope", Object: string(a), Text: "a group in scope is not there, or the account may not see it",
			Next: "give the account its right back, or take the group out of the scope"}
	}
	return dn, nil
}
