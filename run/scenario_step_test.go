package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/forest"
)

// do carries out a step: lines of commands, each with the indented lines that belong to it.
func (w *world) do(ctx context.Context, name, text string) {
	for _, b := range blocks(text) {
		w.at = name + ": " + b.line
		word, rest, _ := strings.Cut(b.line, " ")
		if f := w.forest(word); f != nil {
			w.change(f, rest, &b)
			continue
		}
		switch word {
		case "tenant":
			w.administer(ctx, rest, &b)
		case "show":
			w.show(ctx, rest)
		default:
			w.verb(ctx, word, strings.Fields(rest), b.line)
		}
	}
}

// change is what an administrator of a forest does, or what befalls the forest.
func (w *world) change(f *land, line string, b *block) {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	var err error
	switch verb {
	case "add":
		w.fill(f, []block{{line: rest, body: b.body}})
	case "modify":
		w.modify(f, rest, b)
	case "rename":
		from, to, _ := strings.Cut(rest, " -> ")
		w.rename(f, from, to)
	case "delete":
		err = f.server.Delete(f.dn(rest))
	case "undelete":
		err = f.server.Undelete("<GUID="+string(f.where[canopy.Fold(f.dn(rest))])+">", f.dn(rest))
		if err == nil && len(b.body) > 0 {
			w.modify(f, rest, b)
		}
	case "down":
		f.server.SetFault(func(forest.Request) forest.Fault { return forest.Fault{Drop: true} })
		f.server.Disconnect()
	case "up":
		f.server.SetFault(nil)
	case "empty":
		f.conn.empty = true
	case "hide":
		f.conn.hidden = append(f.conn.hidden, f.dn(rest))
	case "omit":
		f.conn.omitted = append(f.conn.omitted, f.dn(rest))
	case "whole":
		f.conn.empty, f.conn.hidden, f.conn.omitted = false, nil, nil
	default:
		w.failf("a forest knows no %q", verb)
	}
	if err != nil {
		w.failf("%v", err)
	}
}

// verb is what a person does with the product.
func (w *world) verb(ctx context.Context, word string, args []string, line string) {
	w.tick()
	w.printf("> %s\n", line)
	var err error
	switch word {
	case "run", "plan":
		err = w.cycle(ctx, word == "plan", args)
	case "preview":
		err = w.preview(ctx)
	case "execute":
		err = w.execute(ctx)
	case "approve", "reject":
		err = w.decidePlan(ctx, word)
	case "join", "release", "exclude":
		err = w.decide(ctx, word, line)
	case "forget":
		err = w.local.Undecide(ctx, w.object(strings.TrimPrefix(line, "forget ")))
	case "retry":
		err = w.store.Retry(ctx, canopy.Tenant)
	case "rule":
		w.shut()
		err = w.install(args[0])
		w.open(ctx)
	case "include", "join-by":
		w.shut()
		if word == "include" {
			w.set.Scope = map[canopy.ConnectorID]ScopeByName{canopy.ConnectorID(args[0]): {Include: args[1:]}}
		} else {
			w.set.Join = args[0]
		}
		w.open(ctx)
	case "restart":
		w.shut()
		w.open(ctx)
	case "wait":
		d, bad := time.ParseDuration(args[0])
		if bad != nil {
			w.failf("%v", bad)
		}
		w.pass(d)
	case "unsettled":
		w.unsettled = true // the reason stands in the scenario
	default:
		w.failf("there is no verb %q", word)
	}
	w.fault(err)
}

// install puts a rule file of the archive, later/NAME, among the rules.
func (w *world) install(name string) error {
	if err := os.MkdirAll(filepath.Join(w.dir, RulesName), 0o700); err != nil {
		return err
	}
	return os.Rename(filepath.Join(w.dir, "later", name), filepath.Join(w.dir, RulesName, name))
}

// fault prints an error as a person sees it.
func (w *world) fault(err error) {
	if err == nil {
		return
	}
	w.printf("  error (%s): %v\n", canopy.KindOf(err), err)
	var e *canopy.Error
	if errors.As(err, &e) && e.Next != "" {
		w.printf("  next: %s\n", e.Next)
	}
}

func (w *world) cycle(ctx context.Context, planOnly bool, args []string) error {
	o := Options{PlanOnly: planOnly}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "full":
			o.Full = true
		case args[i] == "all":
			o.All = true
		case args[i] == "no-import":
			o.NoImport = true
		case args[i] == "without" && i+1 < len(args):
			i++
			o.Without = append(o.Without, canopy.ConnectorID(args[i]))
		case args[i] == "accept-missing" && i+1 < len(args):
			i++
			o.AcceptMissing = append(o.AcceptMissing, canopy.ConnectorID(args[i]))
		default:
			w.failf("a run knows no %q", args[i])
		}
	}
	report, err := w.local.Cycle(ctx, o)
	if report != nil {
		w.report(ctx, report, planOnly)
	}
	return err
}

// preview computes a plan and compares the store before and after.
func (w *world) preview(ctx context.Context) error {
	before := w.tables()
	var items []canopy.PlanItem
	totals, err := w.local.Preview(ctx, Options{}, func(part []canopy.PlanItem) error {
		items = append(items, part...)
		return nil
	})
	if err != nil {
		return err
	}
	w.items(ctx, items, totals)
	if after := w.tables(); after != before {
		w.t.Errorf("%s: the preview left a trace:\n%s", w.at, difference(before, after))
	}
	w.printf("  every table is as it was\n")
	return nil
}

func (w *world) execute(ctx context.Context) error {
	plan, err := w.store.LatestPlan(ctx)
	if err != nil {
		return err
	}
	report, err := w.local.Execute(ctx, plan.ID, Options{})
	if report != nil {
		w.sent(ctx, report)
	}
	return err
}

func (w *world) decidePlan(ctx context.Context, word string) error {
	plan, err := w.store.LatestPlan(ctx)
	if err != nil {
		return err
	}
	state := canopy.PlanApproved
	if word == "reject" {
		state = canopy.PlanRefused
	}
	return w.store.DecidePlan(ctx, plan.ID, state, "olga", "because")
}

// decide is "join OBJECT with OTHER", "release OBJECT" or "exclude OBJECT"; DNs may be given as FOREST:DN.
func (w *world) decide(ctx context.Context, word, line string) error {
	_, rest, _ := strings.Cut(line, " ")
	object, other, _ := strings.Cut(rest, " with ")
	kind := engine.DecideJoin
	switch word {
	case "release":
		kind = engine.DecideSeparate
	case "exclude":
		kind = engine.DecideExclude
	}
	return w.local.Decide(ctx, kind, w.object(object), w.object(other), "because")
}

// object completes FOREST:DN; anything else stays as it is.
func (w *world) object(text string) string {
	name, dn, ok := strings.Cut(text, ":")
	if f := w.forest(name); ok && f != nil {
		return f.dn(dn)
	}
	return text
}
