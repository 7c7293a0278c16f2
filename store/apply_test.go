package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

// start is a world whose first cycle has run: anna, bert and a group of both, and dora in the other forest, who is anna.
func start(t *testing.T) (*world, *cloud) {
	t.Helper()
	return startIn(newWorld(t))
}

func startIn(w *world) (*world, *cloud) {
	w.t.Helper()
	c := newCloud()
	dora := person("d1", "dora", func(c *canopy.Change) { c.Attrs[canopy.AttrMail] = canopy.Texts("Anna@Contoso.lab") })
	w.read("contoso.lab", true, person("p1", "anna"), person("p2", "bert"), group("g1", "staff", "p1", "p2", "p9"))
	w.read("fabrikam.lab", true, dora)
	w.read(canopy.Tenant, true)
	w.equal("exports", w.cycle(c), 4)
	return w, c
}

func (w *world) quiet(c *cloud) {
	w.t.Helper()
	for range 2 { // what an import confirms may be looked at once more
		if n := w.cycle(c); n != 0 {
			w.t.Errorf("a further cycle sent %d exports", n)
		}
	}
	if e, m := w.due(); len(e)+len(m) > 0 {
		w.t.Errorf("still due: %v %v", e, m)
	}
	n := get(w.ExportCounts(w.ctx, canopy.Tenant))(w)
	w.equal("open exports", n, ExportCounts{})
}

func TestCycle(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  ", "staff sa-g1  anna,bert"})
	w.quiet(c)
	w.equal("counts", get(w.Counts(w.ctx))(w), Counts{People: 2, Groups: 1, Joined: 1})
	w.equal("waiting", len(get(w.WaitingLinks(w.ctx, 10))(w)), 1)
	if n := get(w.Stock(w.ctx, canopy.Tenant, canopy.User, ""))(w); n != 2 {
		t.Errorf("got a stock of %d", n)
	}
	e := w.entryOf("sa-p1")
	if e.State != canopy.Present || e.SourceAnchor != "sa-p1" || e.Meta == 0 || e.Via.Kind != canopy.Provisioned {
		t.Errorf("got %+v", e)
	}
	var steps []LogStep
	for _, r := range get(w.Log(w.ctx, LogFilter{Entry: e.ID}))(w) {
		steps = append([]LogStep{r.Step}, steps...)
	}
	w.equal("log", steps, []LogStep{LogJoin, LogPlan, LogExport, LogConfirm})
	// The member that was unknown turns up, and follows by itself.
	w.read("contoso.lab", false, person("p9", "carl"))
	w.equal("carl", w.cycle(c), 1)
	w.equal("his membership", w.cycle(c), 1)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  ", "carl sa-p9  ", "staff sa-g1  anna,bert,carl"})
}

// TestWhatATargetAddsIsToldWithItsConfirmation: a target that gives an object an attribute of its own has one row that says
// that it holds what it was sent, and what it added.
func TestWhatATargetAddsIsToldWithItsConfirmation(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), newCloud()
	w.read(canopy.Tenant, true)
	w.read("contoso.lab", true, person("p1", "anna"))
	w.apply(w.plan())
	w.send(c)
	for _, o := range c.objects {
		o.Attrs["createdDateTime"] = canopy.Texts("today")
	}
	w.read(canopy.Tenant, true, c.all()...)
	rows := get(w.Log(w.ctx, LogFilter{Entry: w.entryOf("sa-p1").ID, Connector: canopy.Tenant}))(w)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%s %s %v", r.Step, r.Op, r.Changes))
	}
	added := []canopy.AttrChange{{Attr: "createdDateTime", New: canopy.Texts("today")}}
	w.equal("the newest row", got[0], fmt.Sprintf("confirm confirmed %v", added))
	for _, line := range got[1:] {
		if strings.HasPrefix(line, "import") || strings.HasPrefix(line, "confirm") {
			t.Errorf("there is another row: %s", line)
		}
	}
}

func TestOneMemberIsAHandfulOfRows(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	w.quiet(c)
	d := canopy.Change{Kind: canopy.Delta, Class: canopy.Group, Anchor: "g1", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Removed: refs("p2")}}}
	w.read("contoso.lab", false, d)
	id := w.plan()
	items := get(w.Items(w.ctx, id, 0, 10))(w)
	if len(items) != 1 || len(items[0].Links) != 1 || items[0].Links[0].Removed != 1 || items[0].Links[0].Added != 0 || items[0].Links[0].Whole {
		t.Fatalf("got %+v", items)
	}
	w.apply(id)
	links := w.pending(canopy.PhaseLinks)
	if len(links) != 1 || len(links[0].Links[canopy.AttrMember].Removed) != 1 || links[0].Links[canopy.AttrMember].Added != nil || links[0].ID >= 0 {
		t.Fatalf("got %+v", links)
	}
	w.send(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  ", "staff sa-g1  anna"})
	w.read(canopy.Tenant, true, c.all()...)
	w.quiet(c)
}

func TestDeletedPeopleGo(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.Deleted, Anchor: "p2"}, canopy.Change{Kind: canopy.LeftScope, Anchor: "p1"})
	w.cycle(c)
	w.quiet(c)
	// anna lives on through the other forest, whose group does not exist; the first forest's group has lost her.
	w.equal("tenant", c.state(), []string{"dora sa-p1  ", "staff sa-g1  "})
	if w.find("contoso.lab", "p2") != nil {
		t.Error("bert's entry is still there")
	}
	// bert comes back with the same anchor.
	w.read("contoso.lab", false, person("p2", "bert"))
	if e := w.find("contoso.lab", "p2"); e.Known != "sa-p2" {
		t.Errorf("got known anchor %q", e.Known)
	}
	w.read("contoso.lab", false, group("g1", "staff", "p1", "p2", "p9"), person("p1", "anna"))
	w.cycle(c)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  ", "staff sa-g1  anna,bert"})
}

func TestTenantLosesAnObject(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	c.one(canopy.Export{Op: canopy.Delete, Ref: canopy.Ref{Anchor: w.entryOf("sa-p2").Anchor}})
	c.one(canopy.Export{Op: canopy.Delete, Ref: canopy.Ref{Anchor: w.entryOf("sa-g1").Anchor}})
	w.read(canopy.Tenant, false, canopy.Change{Kind: canopy.Deleted, Anchor: w.entryOf("sa-p2").Anchor}, canopy.Change{Kind: canopy.Deleted, Anchor: w.entryOf("sa-g1").Anchor})
	w.cycle(c)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  ", "staff sa-g1  anna,bert"})
}

// entryOf is the tenant's entry with a source anchor.
func (w *world) entryOf(source string) *canopy.Entry {
	w.t.Helper()
	for _, f := range get(w.Find(w.ctx, source))(w) {
		if f.Connector == canopy.Tenant && f.State != canopy.Gone {
			return get(w.Entry(w.ctx, f.Entry))(w)
		}
	}
	w.t.Fatalf("no entry has %s", source)
	return nil
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	c.one(canopy.Export{Op: canopy.Delete, Ref: canopy.Ref{Anchor: w.entryOf("sa-p2").Anchor}})
	w.read("contoso.lab", false, person("p2", "bert", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts("boss") }))
	w.apply(w.plan())
	w.send(c) // finds out
	w.equal("made again", w.cycle(c), 1)
	w.equal("and a member again", w.cycle(c), 1)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2 boss ", "staff sa-g1  anna,bert"})
}

func TestRefusedAndLater(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	w.quiet(c)
	title := func(text string) {
		t.Helper()
		w.read("contoso.lab", false, person("p2", "bert", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts(text) }))
	}
	answer := canopy.Result{Kind: canopy.Later, Code: "Busy", Text: "try again"}
	c.answer = func(canopy.Export) *canopy.Result { return &answer }
	title("a")
	w.equal("exports", w.cycle(c), 1)
	w.equal("counts", get(w.ExportCounts(w.ctx, canopy.Tenant))(w), ExportCounts{Pending: 1, Waiting: 1})
	w.equal("too early", len(w.pending(canopy.PhaseObjects)), 0)
	*w.at = w.at.Add(firstWait)
	w.equal("due again", len(w.pending(canopy.PhaseObjects)), 1)
	answer = canopy.Result{Kind: canopy.Refused, Code: "InvalidTitle", Text: "no such title"}
	w.equal("exports", w.send(c), 1)
	w.equal("counts", get(w.ExportCounts(w.ctx, canopy.Tenant))(w), ExportCounts{Refused: 1})
	l := get(w.Refusals(w.ctx, canopy.Tenant, 10))(w)
	if len(l) != 1 || l[0].Code != "InvalidTitle" || l[0].Name != "bert" || l[0].Tries != 2 || l[0].Export.Set["title"][0].Str() != "a" || l[0].Export.Ref.Anchor == "" {
		t.Errorf("got %+v", l)
	}
	// The same again is not sent again, another value is.
	w.ok(w.MarkAllDue(w.ctx))
	w.equal("exports", w.cycle(c), 0)
	title("b")
	w.equal("exports", w.cycle(c), 1)
	// What is wanted no more is not sent any more.
	title("")
	w.read("contoso.lab", false, person("p2", "bert"))
	w.equal("exports", w.cycle(c), 0)
	w.equal("counts", get(w.ExportCounts(w.ctx, canopy.Tenant))(w), ExportCounts{})
	c.answer = nil
	w.quiet(c)
}

func TestRefusedComesAgain(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	c.answer = func(canopy.Export) *canopy.Result { return &canopy.Result{Kind: canopy.Denied, Code: "Forbidden"} }
	w.read("contoso.lab", false, person("p2", "bert", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts("x") }))
	w.cycle(c)
	*w.at = w.at.Add(23 * time.Hour)
	w.equal("too early", len(w.pending(canopy.PhaseObjects)), 0)
	w.ok(w.Retry(w.ctx, canopy.Tenant))
	w.equal("asked for", len(w.pending(canopy.PhaseObjects)), 1)
	c.answer = nil
	w.equal("sent", w.send(c), 1)
	w.equal("refusals", len(get(w.Refusals(w.ctx, canopy.Tenant, 10))(w)), 0)
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	title := person("p2", "bert", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts("boss") })
	w.read("contoso.lab", false, title)
	for n := 1; n <= 2; n++ {
		w.apply(w.plan())
		w.equal("sent", w.send(c), 1)
		for _, o := range c.objects {
			delete(o.Attrs, "title") // something in the tenant takes it back
		}
		counts := w.read(canopy.Tenant, true, c.all()...)
		if counts.Confirmed != 1 || counts.NotKept != 1 {
			t.Errorf("got %+v", counts)
		}
		w.equal("times", w.entryOf("sa-p2").NotKept, map[canopy.Attr]int{"title": n})
	}
	w.equal("counts", get(w.ExportCounts(w.ctx, canopy.Tenant))(w), ExportCounts{NotKept: 1})
	w.cycle(c)
	w.equal("kept in the end", w.entryOf("sa-p2").NotKept, map[canopy.Attr]int(nil))
	w.quiet(c)
}

func TestLostAnswerIsFoundAgain(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), newCloud()
	w.read("contoso.lab", true, person("p1", "anna"))
	w.apply(w.plan())
	c.write(w.pending(canopy.PhaseObjects)) // and nobody keeps the answer
	w.read(canopy.Tenant, true, c.all()...)
	e := w.entryOf("sa-p1")
	if e.Anchor != "t1" || e.Meta == 0 || e.State != canopy.Present {
		t.Errorf("got %+v", e)
	}
	w.quiet(c)
	if len(c.objects) != 1 {
		t.Errorf("there are %d objects", len(c.objects))
	}
	// An object of the tenant's own that was taken over unrecorded.
	w.read("contoso.lab", false, person("p2", "bert"))
	w.read(canopy.Tenant, false, canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: "own", Attrs: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Bert")}})
	w.apply(w.plan())
	c.objects["own"] = &canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: "own", Attrs: canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts("sa-p2")}}
	w.read(canopy.Tenant, true, c.all()...)
	if e := w.find(canopy.Tenant, "own"); e.Meta == 0 || e.Via.Kind != canopy.Matched || e.SourceAnchor != "sa-p2" {
		t.Errorf("got %+v", e)
	}
	w.cycle(c)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "bert sa-p2  "})
}

func TestAnswerNamesAnObjectOfTheTenantsOwn(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), newCloud()
	own := &canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: "own", Attrs: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Anna"), canopy.AttrUPN: canopy.Texts("anna@contoso.lab")}}
	c.objects["own"] = own
	w.read(canopy.Tenant, true, c.all()...)
	w.read("contoso.lab", true, person("p1", "anna"), group("g1", "staff", "p1"))
	c.answer = func(e canopy.Export) *canopy.Result {
		if e.SourceAnchor != "sa-p1" || e.Op != canopy.Add {
			return nil
		}
		own.Attrs[canopy.AttrSourceAnchor] = canopy.Texts(e.SourceAnchor)
		for name, v := range e.Set {
			own.Attrs[name] = v
		}
		return &canopy.Result{Kind: canopy.Done, Anchor: "own", Match: "upn"}
	}
	w.cycle(c)
	if e := w.find(canopy.Tenant, "own"); e.Meta == 0 || e.Via.Kind != canopy.Matched {
		t.Errorf("got %+v", e)
	}
	w.cycle(c) // the UPN that the tenant had is cleared by this planner
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1  ", "staff sa-g1  anna"})
}

func TestStaleItemsAreNotApplied(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	w.quiet(c)
	with := func(title string) canopy.Change {
		return person("p1", "anna", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts(title) })
	}
	w.read("contoso.lab", false, with("a"), person("p2", "bert", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts("b") }), person("p3", "carl"), person("p4", "eve"))
	id := w.plan()
	w.read("contoso.lab", false, with("newer"), person("p3", "carl", func(c *canopy.Change) { c.Attrs["title"] = canopy.Texts("newer") }))
	if stale := w.apply(id); len(stale) != 1 || stale[0] != w.find("contoso.lab", "p1").Meta {
		t.Errorf("got stale %v", stale)
	}
	entries, metas := w.due()
	w.equal("due entries", entries, []string{"p3"})
	w.equal("due metas", metas, []canopy.MetaID{w.find("contoso.lab", "p1").Meta})
	w.cycle(c)
	w.quiet(c)
	w.equal("tenant", c.state(), []string{"anna sa-p1 newer ", "bert sa-p2 b ", "carl sa-p3 newer ", "eve sa-p4  ", "staff sa-g1  anna,bert"})
}

func TestPlanStates(t *testing.T) {
	t.Parallel()
	w, _ := start(t)
	kind := func(err error) canopy.ErrorKind { return canopy.KindOf(err) }
	first := w.plan()
	second := get(w.NewPlan(w.ctx, canopy.Plan{Rules: "x"}))(w)
	if p := get(w.Plan(w.ctx, first))(w); p.State != canopy.PlanRefused || p.Decided == "" {
		t.Errorf("got %+v", p)
	}
	if _, err := w.Apply(w.ctx, first, 1); kind(err) != canopy.Conflict {
		t.Errorf("a refused plan: %v", err)
	}
	if _, err := w.Apply(w.ctx, second, 1); kind(err) != canopy.Conflict {
		t.Errorf("a plan that is not sealed: %v", err)
	}
	breaches := []canopy.Breach{{RegretCount: canopy.RegretCount{Regret: canopy.RegretDelete, Count: 7, Of: 9}, Limit: 3, Text: "too many"}}
	totals := canopy.Totals{Made: 3, Links: canopy.Tally{"added": 2}}
	w.ok(w.SealPlan(w.ctx, second, totals, breaches, canopy.PlanStopped))
	if _, err := w.Apply(w.ctx, second, 1); kind(err) != canopy.Conflict {
		t.Errorf("a plan that was stopped: %v", err)
	}
	if err := w.AddItems(w.ctx, second, []canopy.PlanItem{{}}); kind(err) != canopy.Conflict {
		t.Errorf("items after the seal: %v", err)
	}
	w.ok(w.DecidePlan(w.ctx, second, canopy.PlanApproved, "root", "we know"))
	p := get(w.LatestPlan(w.ctx))(w)
	w.equal("plan", p, canopy.Plan{ID: second, State: canopy.PlanApproved, Made: *w.at, Rules: "x", Totals: totals, Guard: breaches, Decided: "root: we know"})
	w.apply(second)
	if err := w.DecidePlan(w.ctx, second, canopy.PlanRefused, "root", ""); kind(err) != canopy.Conflict {
		t.Errorf("a decision about an applied plan: %v", err)
	}
	if _, err := w.Plan(w.ctx, 99); kind(err) != canopy.NotFound {
		t.Errorf("no such plan: %v", err)
	}
	w.equal("plans", len(get(w.Plans(w.ctx, 10))(w)), 3)
}

func TestItemsComeBackWhole(t *testing.T) {
	t.Parallel()
	w, _ := start(t)
	o := canopy.Origin{Connector: "contoso.lab", Entry: 1, Rule: "in-user"}
	item := canopy.PlanItem{Meta: 1, Version: 4, Class: canopy.Person, Label: "Anna", Where: "OU=x", Dies: false,
		Entries: []canopy.EntryOutcome{{Entry: 1, Connector: "contoso.lab", Class: canopy.User, Outcome: canopy.HeldBack, Why: "why"}},
		Joins:   []canopy.EntryJoin{{Entry: 1, Via: canopy.Joined{Kind: canopy.JoinedHand, Rule: "r", On: "mail"}}},
		Image: &canopy.Meta{ID: 1, Class: canopy.Person, Version: 4, Attrs: map[canopy.Attr]canopy.Sourced{"a": {Values: canopy.Values{canopy.Int(3), canopy.Bool(true)}, Origins: []canopy.Origin{o}}},
			Held: []canopy.Held{{Reason: canopy.HeldClaim, Others: []canopy.Party{{Name: "x"}}}}},
		Keys:   []canopy.Key{{Name: "meta:mail", Value: "x"}},
		Claims: []canopy.Claimant{{Claim: canopy.Claim{Kind: canopy.ClaimUPN, Value: "x"}, Kept: true, Order: 3, Anchor: "p"}},
		Exports: []canopy.PlannedExport{{Connector: canopy.Tenant, Entry: 3, Phase: canopy.PhaseRelease, Regrets: []canopy.Regret{canopy.RegretClear}, Why: "w",
			Export:  canopy.Export{Op: canopy.Modify, Class: canopy.User, SourceAnchor: "s", Set: canopy.Attrs{"when": {canopy.Instant(time.Unix(5, 0))}}, Clear: []canopy.Attr{"b"}, Compare: canopy.Attrs{"c": {canopy.Bytes([]byte{1})}}},
			Changes: []canopy.AttrChange{{Attr: "when", Old: canopy.Texts("x"), New: canopy.Values{canopy.Instant(time.Unix(5, 0))}, Origin: o}},
			Match:   &canopy.PlannedMatch{Entry: 3, How: "upn"}}},
		Links: []canopy.LinkFlow{{Connector: canopy.Tenant, Attr: "member", FromAttr: "member", Added: 3, Samples: []canopy.LinkWait{{Why: "deleted"}}}},
		Held:  []canopy.Held{{Reason: canopy.HeldError, Whole: true, Text: "t"}}}
	id := get(w.NewPlan(w.ctx, canopy.Plan{}))(w)
	w.ok(w.AddItems(w.ctx, id, []canopy.PlanItem{item, {Label: "second"}}))
	w.ok(w.AddItems(w.ctx, id, []canopy.PlanItem{{Label: "third"}}))
	items := get(w.Items(w.ctx, id, 0, 2))(w)
	item.Plan = id
	w.equal("item", items[0], item)
	items = get(w.Items(w.ctx, id, 2, 10))(w)
	if len(items) != 1 || items[0].Label != "third" {
		t.Errorf("got %+v", items)
	}
}
