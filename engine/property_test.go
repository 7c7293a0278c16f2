package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"pgregory.net/rapid"
)

// object is a source's object as it is drawn, before it has a number.
type object struct {
	forest canopy.ConnectorID
	class  canopy.Class
	name   string
	attrs  []string
	links  []string // names of other objects of the forest
	state  canopy.EntryState
}

func (o *object) key() string { return string(o.forest) + "/" + o.name }

var (
	drawMail    = rapid.SampledFrom([]string{"", "m1@x.com", "m2@x.com", "m3@x.com", "m4@x.com", "m5@x.com", "m6@x.com"})
	drawUPN     = rapid.SampledFrom([]string{"u1@x.com", "u2@x.com", "u3@x.com", "u4@x.com", "u5@x.com", "u6@x.com", "u7@x.com"})
	drawForest  = rapid.SampledFrom(testForests)
	drawClass   = rapid.SampledFrom([]canopy.Class{canopy.User, canopy.User, canopy.User, canopy.Contact, canopy.Group, canopy.ForeignSecurityPrincipal})
	drawOneIn10 = rapid.Custom(func(t *rapid.T) bool { return rapid.IntRange(0, 9).Draw(t, "of ten") == 9 })
)

// drawAttrs draws an object's values out of few, so that many clash.
func drawAttrs(t *rapid.T, class canopy.Class) []string {
	a := []string{"displayName=" + rapid.StringMatching(`[a-z]{3}`).Draw(t, "name")}
	mail, extra := drawMail.Draw(t, "mail"), drawMail.Draw(t, "extra")
	addresses := []string{}
	if mail != "" {
		addresses = append(addresses, "SMTP:"+mail)
	}
	if extra != "" && extra != mail {
		addresses = append(addresses, "smtp:"+extra)
	}
	sid := fmt.Sprint("S-1-5-21-1-1-1-", rapid.IntRange(1, 5).Draw(t, "sid"))
	if class == canopy.ForeignSecurityPrincipal {
		return []string{"objectSid=" + sid}
	}
	if class == canopy.User {
		a = append(a, "userPrincipalName="+drawUPN.Draw(t, "upn"), "objectSid="+sid, "department="+rapid.SampledFrom([]string{"A", "B"}).Draw(t, "department"))
		for _, x := range []string{"msExchMailboxGuid=box", "isCriticalSystemObject=TRUE", "adminDescription=User_1", "userAccountControl=514", "title=bad", "mailNickname=nick"} {
			if drawOneIn10.Draw(t, x) {
				a = append(a, x)
			}
		}
	}
	return append(a, "mail="+mail, "proxyAddresses="+strings.Join(addresses, "|"))
}

func drawObjects(t *rapid.T) []*object {
	var all []*object
	n := rapid.IntRange(1, 14).Draw(t, "objects")
	for i := range n {
		o := &object{forest: drawForest.Draw(t, "forest"), class: drawClass.Draw(t, "class"), name: fmt.Sprint("o", i)}
		o.attrs = drawAttrs(t, o.class)
		all = append(all, o)
	}
	for _, o := range all {
		drawLinks(t, o, all)
	}
	return all
}

func drawLinks(t *rapid.T, o *object, all []*object) {
	o.links = nil
	for range rapid.IntRange(0, 3).Draw(t, "links") {
		to := all[rapid.IntRange(0, len(all)-1).Draw(t, "link")]
		if to.forest == o.forest && !slices.Contains(o.links, to.key()) {
			o.links = append(o.links, to.key())
		}
	}
	if o.class == canopy.User && len(o.links) > 1 {
		o.links = o.links[:1]
	}
}

// drawChange changes some of the objects.
func drawChange(t *rapid.T, all []*object) []*object {
	for _, o := range all {
		switch rapid.IntRange(0, 9).Draw(t, "change") {
		case 0:
			o.state = canopy.Gone
		case 1:
			o.state = rapid.SampledFrom([]canopy.EntryState{canopy.OutOfScope, canopy.Missing, canopy.Present}).Draw(t, "state")
		case 2, 3, 4:
			o.attrs = drawAttrs(t, o.class)
		case 5:
			drawLinks(t, o, all)
		}
	}
	if rapid.Bool().Draw(t, "another") {
		o := &object{forest: drawForest.Draw(t, "forest"), class: drawClass.Draw(t, "class"), name: fmt.Sprint("n", len(all))}
		o.attrs = drawAttrs(t, o.class)
		all = append(all, o)
	}
	return all
}

// load brings objects into a world, in the order given.
func (w *world) load(all []*object, byKey map[string]*canopy.Entry) {
	for _, o := range all {
		e := byKey[o.key()]
		if e == nil {
			if o.state == canopy.Gone {
				continue
			}
			e = w.entry(o.forest, o.class, o.name)
			byKey[o.key()] = e
		}
		if w.entries[e.ID] == nil {
			continue // it went, and what went does not come back
		}
		for _, name := range []canopy.Attr{"msExchMailboxGuid", "isCriticalSystemObject", "adminDescription", "title", "mailNickname"} {
			delete(e.Attrs, name)
		}
		if o.class == canopy.User {
			setAttrs(e, "userAccountControl=512")
		}
		setAttrs(e, o.attrs...)
		e.State = o.state
	}
	for _, o := range all {
		e := byKey[o.key()]
		if e == nil || w.entries[e.ID] == nil {
			continue
		}
		var to []*canopy.Entry
		for _, k := range o.links {
			if x := byKey[k]; x != nil {
				to = append(to, x)
			}
		}
		if o.class == canopy.Group {
			w.link(e, canopy.AttrMember, to...)
		} else if o.class == canopy.User {
			w.link(e, canopy.AttrManager, to...)
		}
	}
}

// state shows a world without numbers: the metas by their entries, and the tenant by source anchors.
func (w *world) state() string {
	groups := map[canopy.MetaID][]string{}
	name := map[canopy.EntryID]string{}
	for _, e := range w.entries {
		if w.isSource(e) {
			name[e.ID] = string(e.Anchor)
			groups[e.Meta] = append(groups[e.Meta], string(e.Anchor))
		} else {
			name[e.ID] = e.SourceAnchor
		}
	}
	var lines []string
	for id, list := range groups {
		slices.Sort(list)
		line := strings.Join(list, "+")
		if m := w.metas[id]; m != nil {
			for _, a := range slices.Sorted(maps.Keys(m.Attrs)) {
				line += fmt.Sprintf(" %s=%v<%s", a, m.Attrs[a].Values, name[m.Attrs[a].Origins[0].Entry])
			}
			for _, h := range m.Held {
				line += fmt.Sprintf(" held %s %s %q %v", h.Reason, h.Attr, h.Value, h.Whole)
			}
		}
		lines = append(lines, line)
	}
	for _, e := range w.entries {
		if w.isSource(e) {
			continue
		}
		line := "tenant " + string(e.Class) + " " + e.SourceAnchor
		for _, a := range slices.Sorted(maps.Keys(e.Attrs)) {
			line += fmt.Sprintf(" %s=%v", a, e.Attrs[a])
		}
		for owner, set := range w.desired {
			if owner.entry == e.ID {
				var to []string
				for id := range set {
					to = append(to, name[id])
				}
				slices.Sort(to)
				line += fmt.Sprintf(" %s->%v", owner.attr, to)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// sane fails when a world is what it must never be.
func (w *world) sane() {
	w.t.Helper()
	w.onlyOneKept()
	used := map[linkOwner]*canopy.Entry{}
	for _, e := range w.entries {
		if e.Meta == 0 || e.Class == canopy.ForeignSecurityPrincipal {
			continue
		}
		key := linkOwner{canopy.EntryID(e.Meta), canopy.Attr(e.Connector)}
		if o := used[key]; o != nil {
			w.t.Fatalf("meta %d has two entries of %s: %s and %s", e.Meta, e.Connector, o.DN, e.DN)
		}
		used[key] = e
	}
	for id, m := range w.metas {
		if m.ID != id {
			w.t.Fatalf("meta %d says it is %d", id, m.ID)
		}
	}
}

// letGo plans once more when a meta died under entries that only join, since those look for another one in the next
// plan, and when an object of the tenant was replaced by one of another class, since links to it are then made anew.
func (w *world) letGo() {
	for i := range w.applied {
		if x := w.applied[i].Exports; len(x) > 1 && x[0].Export.Op == canopy.Delete {
			w.sync()
			return
		}
		for _, j := range w.applied[i].Joins {
			if w.applied[i].Dies && j.Why == whyDead && w.entries[j.Entry] != nil {
				w.sync()
				return
			}
		}
	}
}

// testing.TB has a method that rapid.T has not.
type rapidTB struct {
	testing.TB
	r *rapid.T
}

func (t rapidTB) Fatal(args ...any)            { t.r.Helper(); t.r.Fatal(args...) }
func (t rapidTB) Fatalf(f string, args ...any) { t.r.Helper(); t.r.Fatalf(f, args...) }
func (t rapidTB) Errorf(f string, args ...any) { t.r.Helper(); t.r.Errorf(f, args...) }
func (t rapidTB) Error(args ...any)            { t.r.Helper(); t.r.Error(args...) }
func (t rapidTB) Helper()                      { t.r.Helper() }

func TestProperty_orderAndBatchesDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		all := drawObjects(r)
		people := rapid.SampledFrom([]string{"mail", "sid", "none"}).Draw(r, "people")
		losers := rapid.Bool().Draw(r, "losers wait")
		like := rapid.SampledFrom([]string{"", "", LikeProvisioning2020}).Draw(r, "like")
		make := func(order []*object, batch int, listed []Connector) string {
			w := newWorld(rapidTB{t, r}, people)
			if listed != nil {
				w.set.Connectors = listed
			}
			w.set.LosersWait, w.set.Like = losers, like
			w.refuses = like == ""
			w.load(order, map[string]*canopy.Entry{})
			w.apply(w.plan(batch))
			w.sane()
			w.settled()
			return w.state()
		}
		want := make(all, 1000, nil)
		forests := rapid.Permutation(newWorld(rapidTB{t, r}, people).set.Connectors).Draw(r, "forests")
		got := make(rapid.Permutation(all).Draw(r, "order"), rapid.IntRange(1, 5).Draw(r, "batch"), forests)
		if got != want {
			r.Fatalf("another order gives another result:\n%s\n--- want\n%s", got, want)
		}
	})
}

func TestProperty_aSecondPlanIsEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(rapidTB{t, r}, rapid.SampledFrom([]string{"mail", "sid", "none"}).Draw(r, "people"))
		w.set.LosersWait = rapid.Bool().Draw(r, "losers wait")
		all := drawObjects(r)
		byKey := map[string]*canopy.Entry{}
		for range rapid.IntRange(1, 4).Draw(r, "rounds") {
			w.load(all, byKey)
			w.apply(w.plan(rapid.IntRange(1, 20).Draw(r, "batch")))
			w.sane()
			w.letGo()
			w.settled()
			all = drawChange(r, all)
		}
	})
}

func TestProperty_withObjectsOfTheTenantsOwn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(rapidTB{t, r}, "mail")
		var own []*canopy.Entry
		for i := range rapid.IntRange(1, 4).Draw(r, "own") {
			class := rapid.SampledFrom([]canopy.Class{canopy.User, canopy.Group, canopy.Contact}).Draw(r, "class")
			e := w.cloud(class, fmt.Sprint("own", i), "userPrincipalName="+drawUPN.Draw(r, "upn"), "proxyAddresses=SMTP:"+drawMail.Draw(r, "mail"))
			if class != canopy.User {
				delete(e.Attrs, canopy.AttrUPN)
			}
			own = append(own, e)
			for _, o := range own[:len(own)-1] {
				if w.entries[o.ID] != nil && slices.ContainsFunc(w.rules.EntryClaims("tenant", o), func(c canopy.Claim) bool {
					return slices.Contains(w.rules.EntryClaims("tenant", e), c)
				}) {
					delete(w.entries, e.ID) // the tenant would not have both
				}
			}
		}
		all := drawObjects(r)
		byKey := map[string]*canopy.Entry{}
		for range rapid.IntRange(1, 3).Draw(r, "rounds") {
			w.load(all, byKey)
			for n := 0; ; n++ {
				changes := false
				items := w.plan(10)
				for i := range items {
					changes = changes || items[i].Changes()
				}
				if !changes {
					break
				}
				if n > 5 {
					r.Fatalf("it does not come to rest:\n%s", describeAll(items))
				}
				w.apply(items)
				w.sane()
			}
			all = drawChange(r, all)
		}
		for _, e := range own {
			if e.SourceAnchor == "" && e.Meta != 0 {
				r.Fatalf("an object of the tenant's own belongs to meta %d", e.Meta)
			}
		}
	})
}

func TestProperty_atRestEachMetaAloneIsAtRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		all := drawObjects(r)
		byKey := map[string]*canopy.Entry{}
		w := newWorld(rapidTB{t, r}, "mail")
		for range 2 {
			w.load(all, byKey)
			w.sync()
			w.letGo()
			all = drawChange(r, all)
		}
		for _, id := range slices.Sorted(maps.Keys(w.metas)) {
			tr, err := New(w.rules, w.set).Explain(t.Context(), w, id)
			w.ok(err)
			if tr.Item.Changes() || tr.Item.Dies {
				r.Fatalf("got %safter\n%s", describe(tr.Item), describeAll(w.applied))
			}
		}
	})
}
