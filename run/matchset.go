package run

import (
	"context"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/tenant"
)

// MatchPlan is what giving an object of the tenant the source anchor of a forest's object means. Nothing of it is done.
type MatchPlan struct {
	Cloud    CloudObject      `json:"cloud"`
	Forest   ForestObject     `json:"forest"`
	Anchor   string           `json:"sourceAnchor"`
	Rank     int              `json:"rank"`
	Evidence []check.Evidence `json:"evidence,omitempty"`
	// Changes are the values of the cloud object that the next run replaces, as far as it is known.
	Changes []canopy.AttrChange `json:"changes,omitempty"`
}

// PlanMatch says what giving an object of the tenant's own the source anchor of an object of a forest means, and refuses
// what a run would refuse. It changes nothing.
func (l *Local) PlanMatch(ctx context.Context, cloud, forest string) (*MatchPlan, error) {
	m, err := l.matcher(ctx)
	if err != nil {
		return nil, err
	}
	c, id, err := l.cloudSide(ctx, m, cloud)
	if err != nil {
		return nil, err
	}
	o, err := l.forestSide(ctx, m, forest)
	if err != nil {
		return nil, err
	}
	if err := l.refuse(ctx, c, o, id); err != nil {
		return nil, err
	}
	p := &MatchPlan{Cloud: *c, Forest: *o, Anchor: o.SourceAnchor}
	var cf, of *check.Face
	for i := range m.faces {
		switch {
		case m.faces[i].ID == id && m.ids[i] < 0:
			cf = &m.faces[i]
		case m.faces[i].ID == o.Entry && m.ids[i] >= 0:
			of = &m.faces[i]
		}
	}
	p.Rank, p.Evidence = check.Compare(cf, of)
	return p, l.overwrites(ctx, p, id)
}

func matchError(kind canopy.ErrorKind, object, other, text, next string) error {
	return &canopy.Error{Kind: kind, Code: "match", Object: object, Other: other, Text: text, Next: next}
}

// cloudSide finds the object of the tenant's own that a text names.
func (l *Local) cloudSide(ctx context.Context, m *matcher, text string) (*CloudObject, canopy.EntryID, error) {
	found, err := l.Store.Find(ctx, text)
	if err != nil {
		return nil, 0, err
	}
	var at canopy.EntryID
	for _, f := range found {
		if f.Connector != l.Target.ID || f.State == canopy.Gone {
			continue
		}
		if m.cloud[f.Entry] == nil {
			return nil, 0, matchError(canopy.Conflict, text, "", "the tenant's object belongs to an object of a forest already", "canopy explain shows to whom")
		}
		if at != 0 {
			return nil, 0, matchError(canopy.Conflict, text, "", "several objects of the tenant have it", "name one by its object id")
		}
		at = f.Entry
	}
	if at == 0 {
		return nil, 0, matchError(canopy.NotFound, text, "", "no object of the tenant has this sign-in name, address or object id", "canopy match report lists them; canopy plan imports what is new")
	}
	return m.cloud[at], at, nil
}

// forestSide finds the object of a forest that a text names.
func (l *Local) forestSide(ctx context.Context, m *matcher, text string) (*ForestObject, error) {
	found, err := l.Store.Find(ctx, text)
	if err != nil {
		return nil, err
	}
	var out *ForestObject
	for _, f := range found {
		if f.Connector == l.Target.ID || f.State == canopy.Gone {
			continue
		}
		i := slices.IndexFunc(m.objects, func(o ForestObject) bool { return o.Entry == f.Entry })
		if i < 0 {
			return nil, matchError(canopy.Conflict, text, "", "the tenant has an object for it already, or its class is not synchronised", "canopy explain shows which")
		}
		if out != nil && (out.meta == 0 || out.meta != m.objects[i].meta) {
			return nil, matchError(canopy.Conflict, text, out.Name+"; "+m.objects[i].Name, "several objects of the forests have it", "name one by its DN")
		}
		if out == nil {
			out = &m.objects[i]
		}
	}
	if out == nil {
		return nil, matchError(canopy.NotFound, text, "", "no object of a forest has this DN, sign-in name, address or GUID", "check the spelling, or import first: canopy plan")
	}
	return out, nil
}

// refusals are what stands against a match; the first that holds is told.
var refusals = []struct {
	holds func(c *CloudObject, o *ForestObject, tenant map[string]string) bool
	text  func(c *CloudObject, o *ForestObject, tenant map[string]string) string
	next  string
}{
	{func(c *CloudObject, o *ForestObject, _ map[string]string) bool {
		return !alikeClasses(c.Class, o.Class)
	},
		func(c *CloudObject, o *ForestObject, _ map[string]string) string {
			return "a " + string(c.Class) + " is never joined with a " + string(o.Class)
		}, "name two objects of one class"},
	{func(c *CloudObject, _ *ForestObject, _ map[string]string) bool { return c.Class != canopy.User },
		func(*CloudObject, *ForestObject, map[string]string) string {
			return "only a user can be given a source anchor"
		},
		"give both the same primary address: groups and contacts are matched by it"},
	{func(_ *CloudObject, o *ForestObject, _ map[string]string) bool { return o.Out != "" },
		func(_ *CloudObject, o *ForestObject, _ map[string]string) string {
			return "the object of the forest is out of scope: " + o.Out
		}, "take it into the scope first"},
	{func(c *CloudObject, _ *ForestObject, _ map[string]string) bool { return c.Unmatched != "" },
		func(c *CloudObject, _ *ForestObject, _ map[string]string) string { return c.Unmatched }, "do that, and try again"},
	{func(_ *CloudObject, _ *ForestObject, t map[string]string) bool {
		return t[canopy.Unmatched+"anchor"] != ""
	},
		func(_ *CloudObject, _ *ForestObject, t map[string]string) string { return t[canopy.Unmatched+"anchor"] }, "allow it in the tenant for as long as it takes"},
	{func(c *CloudObject, o *ForestObject, _ map[string]string) bool {
		return c.SourceAnchor != "" && c.SourceAnchor != o.SourceAnchor
	},
		func(c *CloudObject, _ *ForestObject, _ map[string]string) string {
			return "it has another source anchor: " + c.SourceAnchor
		}, "if that one is old, take it away: canopy tenant user set-immutable-id USER"},
	{func(_ *CloudObject, o *ForestObject, _ map[string]string) bool { return o.SourceAnchor == "" },
		func(_ *CloudObject, o *ForestObject, _ map[string]string) string {
			if o.Held != "" {
				return "the object of the forest has no source anchor, since it is held back: " + o.Held
			}
			return "the object of the forest has no source anchor"
		}, "canopy explain says why; canopy entry join and release decide about ambiguous ones"},
	{func(c *CloudObject, o *ForestObject, _ map[string]string) bool {
		return c.SourceAnchor == o.SourceAnchor
	},
		func(*CloudObject, *ForestObject, map[string]string) string {
			return "it has this source anchor already"
		}, "the next run takes it over: canopy plan"},
}

// refuse says what stands against a match, nil when nothing does.
func (l *Local) refuse(ctx context.Context, c *CloudObject, o *ForestObject, id canopy.EntryID) error {
	values := l.values(&l.Target)
	for _, r := range refusals {
		if r.holds(c, o, values) {
			return matchError(canopy.Forbidden, c.Name, o.Name, r.text(c, o, values), r.next)
		}
	}
	if o.takes != 0 && o.takes != id {
		return matchError(canopy.Conflict, c.Name, o.Name, "the next run joins the object of the forest with another object of the tenant, by "+o.how, "change that value on one side first")
	}
	if l.Tenant == nil {
		return matchError(canopy.Invalid, c.Name, o.Name, "the tenant is not at hand", "run it where the state directory's tenant is")
	}
	x, err := l.Tenant.Admin().Get(ctx, c.Anchor)
	if err != nil {
		return err
	}
	switch { // as it is now, whatever was imported
	case len(x.Roles) > 0:
		return matchError(canopy.Forbidden, c.Name, o.Name, "it holds a directory role and is never taken over", "take the role away first")
	case x.Authority.CloudManaged:
		return matchError(canopy.Forbidden, c.Name, o.Name, "the object was given to the cloud", "give it back first: canopy tenant user convert-authority "+string(c.Anchor)+" --to forest")
	case x.Synced || x.SourceAnchor != "":
		return matchError(canopy.Conflict, c.Name, o.Name, "it has a source anchor by now: "+x.SourceAnchor, "import first: canopy plan")
	}
	return nil
}

// overwrites finds the values that the next run replaces.
func (l *Local) overwrites(ctx context.Context, p *MatchPlan, id canopy.EntryID) error {
	if p.Forest.meta <= 0 {
		return nil // not known before it is joined
	}
	wants, err := l.wants(ctx, []canopy.MetaID{p.Forest.meta})
	if err != nil {
		return err
	}
	held, err := l.Store.Entry(ctx, id)
	if err != nil {
		return err
	}
	for _, w := range wants {
		for _, a := range w.Attrs.Names() {
			if old := held.Attrs[a]; len(old) > 0 && !old.Equal(w.Attrs[a]) {
				p.Changes = append(p.Changes, canopy.AttrChange{Attr: a, Old: old, New: w.Attrs[a]})
			}
		}
	}
	return nil
}

// Match gives the object of the tenant the source anchor: the next run takes it over.
func (l *Local) Match(ctx context.Context, p *MatchPlan) error {
	admin := l.Tenant.Admin().As(tenant.Actor{Name: l.Owner})
	if err := admin.SetAttributes(ctx, p.Cloud.Anchor, canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts(p.Anchor)}); err != nil {
		return err
	}
	return l.Store.MarkDue(ctx, []canopy.EntryID{p.Forest.Entry}, nil)
}
