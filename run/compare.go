package run

import (
	"cmp"
	"context"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
)

// Comparison is how what two sets of rules want of the target differs, over the objects that the store knows.
type Comparison struct {
	Metas      int             `json:"metas"`
	Same       int             `json:"same"`
	Made       Differing       `json:"made"`   // objects that only the other set wants
	Unmade     Differing       `json:"unmade"` // objects that only the present set wants
	Attributes []AttrDiffering `json:"attributes,omitempty"`
	Entries    []EntryScope    `json:"entries,omitempty"` // that are joined to nothing, and that one set alone takes in
	EntryCount int             `json:"entryCount"`
	Faults     Differing       `json:"faults"` // objects that the other set cannot compute
}

// Differing are objects, with examples.
type Differing struct {
	Count    int       `json:"count"`
	Examples []Example `json:"examples,omitempty"`
}

// AttrDiffering is one attribute of the target in which objects differ.
type AttrDiffering struct {
	Class canopy.Class `json:"class"`
	Attr  canopy.Attr  `json:"attribute"`
	Differing
}

// attrKey names an attribute of a class.
type attrKey struct {
	class canopy.Class
	attr  canopy.Attr
}

// Example is one object that differs.
type Example struct {
	Object  string        `json:"object"`
	Present canopy.Values `json:"present,omitempty"`
	Other   canopy.Values `json:"other,omitempty"`
	Text    string        `json:"text,omitempty"`
}

// EntryScope is an entry that one set takes in and the other does not.
type EntryScope struct {
	Connector canopy.ConnectorID `json:"connector"`
	DN        string             `json:"dn"`
	TakenIn   bool               `json:"takenIn"` // by the other set
	Why       string             `json:"why,omitempty"`
}

// CompareOptions say what is compared.
type CompareOptions struct {
	// Rules are compared with the present ones; nil: what the target holds is.
	Rules    *rule.Set
	Examples int // of each difference; 0: five
}

func (d *Differing) add(e Example, most int) {
	if d.Count++; len(d.Examples) < most {
		d.Examples = append(d.Examples, e)
	}
}

// LoadOther loads a folder of rule files as a set of its own, or over the built-in ones.
func LoadOther(dir string, overBuiltin bool, people string) (*rule.Set, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "rules", Object: dir, Text: "the folder of rules cannot be opened", Err: err, Next: "name a folder that has rule files"}
	}
	defer root.Close()
	places := []fs.FS{root.FS()}
	if overBuiltin {
		places = []fs.FS{rule.Builtin(), root.FS()}
	}
	return rule.Load(rule.Options{FS: places, People: people})
}

// comparer compares while it walks.
type comparer struct {
	l             *Local
	o             CompareOptions
	view          engine.View
	present       *engine.Engine
	other         *engine.Engine
	out           *Comparison
	attrs         map[attrKey]*AttrDiffering
	targetEntries map[canopy.MetaID]*canopy.Entry
	names         map[canopy.MetaID]string
	writes        map[canopy.Attr]bool
}

// Compare evaluates the present rules and another set over all objects of the store, and lists where they differ. It
// writes nothing. Entries are taken as they are joined now.
func (l *Local) Compare(ctx context.Context, o CompareOptions) (*Comparison, error) {
	o.Examples = cmp.Or(o.Examples, 5)
	settings, err := l.settings(ctx)
	if err != nil {
		return nil, err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	c := &comparer{l: l, o: o, view: view, present: engine.New(l.Rules, settings), out: &Comparison{}, attrs: map[attrKey]*AttrDiffering{},
		writes: l.Rules.Writes("tenant")}
	if o.Rules != nil {
		c.other = engine.New(o.Rules, settings)
	}
	for after := canopy.MetaID(0); ; {
		ids, err := l.Store.MetaIDs(ctx, after, 500)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		if err := c.batch(ctx, ids); err != nil {
			return nil, err
		}
	}
	if o.Rules != nil {
		if err := c.unjoined(ctx, settings); err != nil {
			return nil, err
		}
	}
	for _, a := range c.attrs {
		c.out.Attributes = append(c.out.Attributes, *a)
	}
	slices.SortFunc(c.out.Attributes, func(a, b AttrDiffering) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Class, b.Class), cmp.Compare(a.Attr, b.Attr))
	})
	return c.out, nil
}

func (c *comparer) batch(ctx context.Context, ids []canopy.MetaID) error {
	now, err := c.present.Wants(ctx, c.view, ids)
	if err != nil {
		return err
	}
	if err := c.load(ctx, ids); err != nil {
		return err
	}
	var other []engine.Want
	if c.other != nil {
		if other, err = c.other.Wants(ctx, c.view, ids); err != nil {
			return err
		}
	}
	for i := range now {
		then := c.held(&now[i])
		if c.other != nil {
			then = other[i]
		}
		c.pair(&now[i], &then)
	}
	return nil
}

// load reads the names of a batch's metas, and what the target holds for them.
func (c *comparer) load(ctx context.Context, ids []canopy.MetaID) error {
	c.targetEntries, c.names = map[canopy.MetaID]*canopy.Entry{}, map[canopy.MetaID]string{}
	entries, err := c.view.EntriesOf(ctx, ids)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b *canopy.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range entries {
		if e.Connector == c.l.Target.ID {
			if e.State != canopy.Gone {
				c.targetEntries[e.Meta] = e
			}
			continue
		}
		if c.names[e.Meta] == "" {
			c.names[e.Meta] = e.DN
		}
	}
	return nil
}

// held is what the target holds, as if rules wanted it: of the attributes that rules write.
func (c *comparer) held(now *engine.Want) engine.Want {
	w := engine.Want{Meta: now.Meta, Target: now.Target, Attrs: canopy.Attrs{}}
	e := c.targetEntries[now.Meta]
	if e == nil {
		w.Why = "the target has no object for it"
		return w
	}
	w.Class, w.Anchor = e.Class, e.SourceAnchor
	for a, vs := range e.Attrs {
		if c.writes[a] && a != canopy.AttrSourceAnchor {
			w.Attrs[a] = vs
		}
	}
	return w
}

// pair compares what two sides want for one meta.
func (c *comparer) pair(now, then *engine.Want) {
	c.out.Metas++
	name := cmp.Or(c.names[now.Meta], now.Anchor, then.Anchor)
	most := c.o.Examples
	switch {
	case then.Fault != "" && now.Fault == "":
		c.out.Faults.add(Example{Object: name, Text: then.Fault}, most)
		return
	case now.Fault != "":
		if then.Fault == "" {
			c.out.Faults.add(Example{Object: name, Text: "the present rules cannot compute it: " + now.Fault}, most)
		} else {
			c.out.Same++
		}
		return
	case now.Class == "" && then.Class == "":
		c.out.Same++
		return
	case now.Class == "":
		c.out.Made.add(Example{Object: name, Text: now.Why}, most)
		return
	case then.Class == "":
		c.out.Unmade.add(Example{Object: name, Text: then.Why}, most)
		return
	}
	if !c.values(name, now, then) {
		c.out.Same++
	}
}

// values compares attribute by attribute, and tells whether one differs.
func (c *comparer) values(name string, now, then *engine.Want) bool {
	differs := false
	note := func(a canopy.Attr, e Example) {
		differs = true
		key := attrKey{now.Class, a}
		at := c.attrs[key]
		if at == nil {
			at = &AttrDiffering{Class: now.Class, Attr: a}
			c.attrs[key] = at
		}
		e.Object = name
		at.add(e, c.o.Examples)
	}
	if now.Class != then.Class {
		note("class", Example{Present: canopy.Texts(string(now.Class)), Other: canopy.Texts(string(then.Class))})
		return true // objects of two classes have little to compare
	}
	if now.Anchor != then.Anchor {
		note(canopy.AttrSourceAnchor, Example{Present: canopy.Texts(now.Anchor), Other: canopy.Texts(then.Anchor)})
	}
	all := map[canopy.Attr]bool{}
	for a := range now.Attrs {
		all[a] = true
	}
	for a := range then.Attrs {
		all[a] = true
	}
	for _, a := range slices.Sorted(maps.Keys(all)) {
		x, y := now.Attrs[a], then.Attrs[a]
		if slices.Contains(now.Keeps, a) || slices.Contains(then.Keeps, a) || sameValues(x, y) {
			continue
		}
		if c.hides(a) {
			x, y = hidden(x), hidden(y)
		}
		note(a, Example{Present: x, Other: y})
	}
	if c.other != nil {
		c.links(now, then, note)
	}
	return differs
}

// hides tells whether the values of an attribute of the target are not shown.
func (c *comparer) hides(a canopy.Attr) bool {
	return c.l.Rules.Hidden(tenantSide)[a] || c.o.Rules != nil && c.o.Rules.Hidden(tenantSide)[a]
}

// links compares where link attributes come from.
func (c *comparer) links(now, then *engine.Want, note func(canopy.Attr, Example)) {
	for a, from := range now.Links {
		if to, ok := then.Links[a]; !ok || to != from {
			note(a, Example{Text: "the present rules fill it from " + string(from) + ", the other from " + cmp.Or(string(to), "nothing")})
		}
	}
	for a, from := range then.Links {
		if _, ok := now.Links[a]; !ok {
			note(a, Example{Text: "the present rules fill it from nothing, the other from " + string(from)})
		}
	}
}

// sameValues tells whether two lists hold the same values, in whatever order.
func sameValues(a, b canopy.Values) bool {
	if len(a) != len(b) {
		return false
	}
	left := slices.Clone(b)
	for _, v := range a {
		i := slices.Index(left, v)
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// unjoined compares the scopes over entries that are joined to nothing.
func (c *comparer) unjoined(ctx context.Context, s engine.Settings) error {
	for i := range s.Connectors {
		conn := &s.Connectors[i]
		if conn.Target {
			continue
		}
		err := c.l.Store.EachEntry(ctx, conn.ID, func(e *canopy.Entry) error {
			if e.Meta != 0 || e.State != canopy.Present || e.Class == canopy.Container {
				return nil
			}
			o := rule.EntryObject(e, conn.Params)
			was, err := c.l.Rules.Scope(conn.Kind, conn.ID, o)
			if err != nil {
				return err
			}
			is, err := c.o.Rules.Scope(conn.Kind, conn.ID, o)
			if err != nil {
				return err
			}
			if was.In == is.In {
				return nil
			}
			if c.out.EntryCount++; len(c.out.Entries) < 4*c.o.Examples {
				c.out.Entries = append(c.out.Entries, EntryScope{Connector: conn.ID, DN: e.DN, TakenIn: is.In, Why: cmp.Or(is.Why, was.Why)})
			}
			return nil
		})
		if err != nil && canopy.KindOf(err) != canopy.NotFound {
			return err
		}
	}
	return nil
}
