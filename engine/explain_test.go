package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "anna", "anna@x.com", "department=A")
	b := w.user("fabrikam", "anna", "anna@x.com", "department=B", "title=Head")
	boss := w.user("contoso", "boss", "boss@x.com")
	w.link(a, canopy.AttrManager, boss)
	w.sync()
	setAttrs(a, "department=A2")
	tr, err := New(w.rules, w.set).Explain(context.Background(), w, a.Meta)
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Entries) != 2 || !tr.Entries[0].InScope || tr.Entries[0].Party.Name != a.DN || len(tr.Entries[0].Asks) == 0 {
		t.Errorf("entries: got %+v", tr.Entries)
	}
	if joins := tr.Entries[0].Joins; len(joins) != 1 || joins[0].On != tr.Entries[0].Asks[0] || len(joins[0].Hits) != 1 || joins[0].Hits[0].Entry != b.ID {
		t.Errorf("join attempts: got %+v, want that each finds the other", joins)
	}
	holds := map[bool]int{}
	for _, r := range slices.Concat(tr.Entries[0].Rules, tr.Targets[0].Rules) {
		met := len(r.Scope) == 0
		for _, group := range r.Scope {
			all := true
			for _, c := range group {
				all = all && c.Holds
				holds[c.Holds]++
			}
			met = met || all
		}
		if met != r.InScope {
			t.Errorf("rule %s: in scope %v, and its conditions say %v: %+v", r.Rule, r.InScope, met, r.Scope)
		}
	}
	if holds[true] == 0 || holds[false] == 0 {
		t.Errorf("conditions: %v, want some that hold and some that do not", holds)
	}
	dep := tr.attr("department")
	if len(dep.Winners) != 1 || dep.Winners[0].Party.Entry != a.ID || dep.Winners[0].Values[0].Str() != "A2" || dep.Winners[0].Rule != "r30-user-common" {
		t.Errorf("winner: got %+v", dep.Winners)
	}
	if len(dep.Losers) != 1 || dep.Losers[0].Party.Entry != b.ID || dep.Losers[0].Values[0].Str() != "B" || !strings.HasPrefix(dep.Losers[0].Reason, "lower precedence than rule r30-user-common") {
		t.Errorf("losers: got %+v", dep.Losers)
	}
	title := tr.attr("title")
	if len(title.Losers) != 1 || title.Losers[0].Reason != "nothing to contribute" || title.Winners[0].Party.Entry != b.ID {
		t.Errorf("title: got %+v", title)
	}
	outside := slices.IndexFunc(tr.attr("mailNickname").Losers, func(g Give) bool {
		return g.Rule == "r20-user-exchange" && strings.HasPrefix(g.Reason, "rule out of scope because ") && len(g.Reason) > 28
	})
	if outside < 0 {
		t.Errorf("out of scope: got %+v", tr.attr("mailNickname").Losers)
	}
	if len(tr.Targets) != 1 || !tr.Targets[0].Wanted || tr.Targets[0].Entry == 0 || tr.Targets[0].Anchor == "" {
		t.Fatalf("targets: got %+v", tr.Targets)
	}
	d := tr.Targets[0].attr("department")
	if !d.Desired.Equal(canopy.Texts("A2")) || !d.Holds.Equal(canopy.Texts("A")) || d.Origin.Entry != a.ID || d.Winner == nil || d.Winner.Rule != "r71-out-user-mail" {
		t.Errorf("target: got %+v", d)
	}
	if len(tr.Item.Exports) != 1 {
		t.Errorf("item: got %s", describe(tr.Item))
	}
	if _, err := json.Marshal(tr); err != nil {
		t.Errorf("as JSON: %v", err)
	}
}

func TestExplain_heldAndGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	a := w.user("contoso", "a", "same@x.com")
	b := w.user("fabrikam", "b", "same@x.com")
	w.sync()
	e := New(w.rules, w.set)
	tr, err := e.Explain(context.Background(), w, b.Meta)
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Targets[0].Held) == 0 || !strings.Contains(tr.Targets[0].attr("mail").Note, a.DN) {
		t.Errorf("got %+v", tr.Targets[0])
	}
	a.State = canopy.Gone
	if tr, err = e.Explain(context.Background(), w, a.Meta); err != nil || tr.Entries[0].Why != whyGone || tr.Targets[0].Why != whyDead {
		t.Errorf("got %+v, %v", tr, err)
	}
	if _, err = e.Explain(context.Background(), w, 4711); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("an unknown meta: got %v", err)
	}
}

func TestExplainEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	out := w.user("contoso", "out", "", "adminDescription=User_1")
	fresh := w.user("contoso", "anna", "anna@x.com")
	b1, b2 := w.user("fabrikam", "b1", "b@x.com"), w.user("fabrikam", "b2", "b@x.com")
	w.user("tailspin", "b3", "b@x.com")
	e := New(w.rules, w.set)
	explain := func(x *canopy.Entry) *Trace {
		t.Helper()
		tr, err := e.ExplainEntry(context.Background(), w, x.ID)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	if tr := explain(out); tr.Entries[0].InScope || !strings.Contains(tr.Entries[0].Why, "cloud") || tr.Item.Entries[0].Outcome != canopy.NotInScope {
		t.Errorf("out of scope: got %+v", tr)
	}
	if tr := explain(fresh); len(tr.Item.Exports) != 1 || len(tr.Attrs) == 0 {
		t.Errorf("to be projected: got %+v", tr)
	}
	if tr := explain(b1); len(tr.Item.Held) == 0 || !slices.ContainsFunc(tr.Item.Held[0].Others, func(p canopy.Party) bool { return p.Entry == b2.ID }) {
		t.Errorf("ambiguous: got %+v", tr.Item)
	}
}
