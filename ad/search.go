package ad

import (
	"context"
	"errors"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// searchLimit is how many objects a search gives when the request names no limit.
const searchLimit = 1000

// errLimit ends a search that has found enough.
var errLimit = errors.New("enough found")

// Search finds objects by anchor, DN, name, or container.
func (c *Conn) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	var found []canopy.Change
	err := c.with(ctx, func(s *session) error {
		f, err := c.factsOf(ctx, s, req.Attrs)
		if err != nil {
			return err
		}
		x := &searcher{s: s, w: wantsOf(f, req.Classes, req.Attrs, c.cfg.MaxValue), req: &req, parents: map[string]canopy.Anchor{}}
		found, err = x.run(ctx, c.cfg.PageSize)
		return err
	})
	return found, wrap(err, "search", c.cfg.Name)
}

// searcher is one Search.
type searcher struct {
	s       *session
	w       *wants
	req     *canopy.SearchRequest
	parents map[string]canopy.Anchor
}

func (x *searcher) run(ctx context.Context, pageSize int) ([]canopy.Change, error) {
	queries, err := x.queries()
	if err != nil {
		return nil, err
	}
	limit := x.req.Limit
	if limit <= 0 {
		limit = searchLimit
	}
	var all []*object
	for _, q := range queries {
		q.attrs, q.controls = x.w.ask, []ldap.Control{extendedDN()}
		take := func(e *entry) error {
			if o := x.w.decode(e, false); o.known && o.guid != (GUID{}) && len(all) < limit {
				all = append(all, o)
			}
			return nil
		}
		enough := func() error {
			if len(all) >= limit {
				return errLimit
			}
			return nil
		}
		if err = x.s.paged(ctx, q, min(pageSize, limit), take, enough); errors.Is(err, errLimit) {
			break
		}
		if err != nil && !hasCode(err, ldap.LDAPResultNoSuchObject) {
			return nil, fault(err, x.s.server, q.base)
		}
	}
	return x.tell(ctx, all)
}

// queries are what to ask for a request.
func (x *searcher) queries() ([]query, error) {
	filter := x.w.filter()
	switch req := x.req; {
	case req.Anchor != "":
		if _, err := anchorGUID(req.Anchor); err != nil {
			return nil, nil // what has another form is nobody's anchor
		}
		return []query{{base: byGUID(req.Anchor), scope: ldap.ScopeBaseObject, filter: filter}}, nil
	case req.DN != "":
		d, err := ParseDN(req.DN)
		if err != nil {
			return nil, err
		}
		return []query{{base: d.String(), scope: ldap.ScopeBaseObject, filter: filter}}, nil
	case req.Children != "":
		if _, err := anchorGUID(req.Children); err != nil {
			return nil, nil
		}
		return []query{{base: byGUID(req.Children), scope: ldap.ScopeSingleLevel, filter: filter}}, nil
	case req.Name != "":
		var all []query
		for _, b := range x.w.facts.bases {
			all = append(all, query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: "(&" + filter + x.w.facts.named(req.Name) + ")"})
		}
		return all, nil
	}
	return nil, &canopy.Error{Kind: canopy.Invalid, Code: "ad-search", Text: "the search names nothing", Next: "give an anchor, a DN, a name or a container"}
}

// tell makes changes of what was found: images of what is in scope.
func (x *searcher) tell(ctx context.Context, all []*object) ([]canopy.Change, error) {
	in, err := x.inScope(ctx, all)
	if err != nil {
		return nil, err
	}
	var changes []canopy.Change
	for i, o := range all {
		ch := &o.change
		if !in[i] {
			changes = append(changes, canopy.Change{Kind: canopy.LeftScope, Anchor: ch.Anchor})
			continue
		}
		if err := x.s.completeLinks(ctx, o); err != nil {
			return nil, err
		}
		if ch.Parent = o.parent.Anchor(); ch.Parent == "" && !x.w.facts.isBase(o.dn) {
			if ch.Parent, err = x.s.parentOf(ctx, x.parents, o.dn); err != nil {
				return nil, err
			}
		}
		if err := x.w.place(o, ch); err != nil {
			return nil, err
		}
		whole(ch)
		if ch.Class == canopy.Container {
			x.w.container(o, ch)
		}
		changes = append(changes, *ch)
	}
	return changes, nil
}

// inScope tells which objects are in scope, by what the directory holds now.
func (x *searcher) inScope(ctx context.Context, all []*object) ([]bool, error) {
	in := make([]bool, len(all))
	for i := range in {
		in[i] = true
	}
	if scope := x.req.Scope; len(scope.Include)+len(scope.Exclude) > 0 {
		t, err := newTree(x.w.facts.bases, scope)
		if err != nil {
			return nil, err
		}
		for i, o := range all {
			if in[i], err = x.inContainers(ctx, t, o); err != nil {
				return nil, err
			}
		}
	}
	if len(x.req.Scope.Groups) == 0 {
		return in, nil
	}
	members, err := x.members(ctx, all)
	if err != nil {
		return nil, err
	}
	for i, o := range all {
		in[i] = in[i] && (o.change.Class == canopy.Container || members.has(o.guid))
	}
	return in, nil
}

// inContainers reads the containers above an object as far as the tree does not have them yet. A container counts as
// lying in itself.
func (x *searcher) inContainers(ctx context.Context, t *tree, o *object) (bool, error) {
	d, err := ParseDN(o.dn)
	if err != nil {
		return false, err
	}
	if err := t.reach(ctx, x.s, d.Parent()); err != nil {
		return false, err
	}
	if o.change.Class == canopy.Container {
		t.put(d, o.guid)
	} else {
		d = d.Parent()
	}
	n, deepest := t.at(d)
	if n == nil {
		n = deepest
	}
	return t.in(n), nil
}

// members finds which of some objects are within the groups in scope.
func (x *searcher) members(ctx context.Context, all []*object) (memberSet, error) {
	found := memberSet{}
	var among string
	for _, a := range x.req.Scope.Groups {
		g, err := anchorGUID(a)
		if err != nil {
			return nil, err
		}
		found[g] = struct{}{}
		dn, err := x.s.groupDN(ctx, a)
		if err != nil {
			return nil, err
		}
		among += within(dn)
	}
	for some := range slices.Chunk(all, fetchSize) {
		var guids []GUID
		for _, o := range some {
			guids = append(guids, o.guid)
		}
		for _, b := range x.w.facts.bases {
			_, err := x.s.search(ctx, query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: "(&" + anyOf(guids) + "(|" + among + "))",
				attrs: []string{string(attrGUID)}}, func(e *entry) error {
				if g, ok := GUIDOf(e.first(string(attrGUID))); ok {
					found[g] = struct{}{}
				}
				return nil
			})
			if err != nil {
				return nil, fault(err, x.s.server, b.String())
			}
		}
	}
	return found, nil
}

// Resolve finds the anchor of the object with a DN: configurations name containers and groups by DN, and they are known
// by anchor from then on. No such object is an error of kind NotFound.
func (c *Conn) Resolve(ctx context.Context, dn string) (canopy.Anchor, error) {
	d, err := ParseDN(dn)
	if err != nil {
		return "", err
	}
	var g GUID
	err = c.with(ctx, func(s *session) error {
		if g, err = s.guidOf(ctx, d.String()); err != nil || g != (GUID{}) {
			return err
		}
		return &canopy.Error{Kind: canopy.NotFound, Code: "ad-no-object", Object: dn, Other: s.server,
			Text: "there is no such object on this controller, or the account may not see it", Next: "check the DN; was the object renamed or moved?"}
	})
	return g.Anchor(), wrap(err, "resolve a DN in", c.cfg.Name)
}
