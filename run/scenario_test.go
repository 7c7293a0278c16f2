package run

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

// TestScenarios plays the archives in testdata/scenarios; docs/scenarios.md says what is in one. Each ends with a further
// full cycle that looks at everything again and must plan nothing.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scenarios/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			playFile(t, path)
		})
	}
}

func playFile(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := parse(text)
	played := play(t, a)
	got := played.format()
	if bytes.Equal(got, text) {
		return
	}
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s (-want +got), rewritten by go test ./run -run TestScenarios -update:\n%s", path, cmp.Diff(string(text), string(got)))
}

// play carries out an archive and gives it back with what was seen in the place of what was expected.
func play(t *testing.T, a *archive) *archive {
	t.Helper()
	ctx := t.Context()
	w := newWorld(ctx, t, a)
	out := &archive{comment: a.comment}
	for _, f := range a.files {
		kind, name, _ := strings.Cut(f.name, " ")
		if kind == "want" || f.name == "state" {
			continue
		}
		out.files = append(out.files, f)
		if kind != "do" {
			continue
		}
		w.out.Reset()
		w.do(ctx, f.name, string(f.data))
		out.files = append(out.files, file{name: "want " + name, data: w.told()})
	}
	w.out.Reset()
	w.state(ctx)
	out.files = append(out.files, file{name: "state", data: w.told()})
	w.settled(ctx)
	return out
}

// settled fails when a further full cycle would write anything, when the one after it has any meta to look at, or when one
// that looks at everything again would write, but for what the target refused; or when its counts are wrong.
func (w *world) settled(ctx context.Context) {
	w.t.Helper()
	if w.unsettled {
		return
	}
	refused, err := w.store.Refusals(ctx, canopy.Tenant, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	w.further(ctx, Options{Full: true}, 0)
	if r := w.further(ctx, Options{}, 0); r.Plan != 0 {
		w.out.Reset()
		w.plan(ctx, r.Plan)
		w.t.Errorf("a cycle after one that wrote nothing looks at metas, want none:\n%s", w.told())
	}
	w.countsAddUp(ctx, w.further(ctx, Options{Full: true, All: true}, len(refused)))
}

// further runs one more cycle that may plan so many exports.
func (w *world) further(ctx context.Context, o Options, most int) *Report {
	w.t.Helper()
	w.tick()
	report, err := w.local.Cycle(ctx, o)
	if err != nil {
		w.t.Fatalf("a further full cycle: %v", err)
	}
	if n := Sum(report.Totals); n > most || len(report.Stopped) > 0 {
		w.out.Reset()
		w.plan(ctx, report.Plan)
		w.t.Errorf("a further full cycle plans %d exports, want at most %d:\n%s", n, most, w.told())
	}
	for _, r := range report.Imports {
		if r.Error != "" {
			w.t.Errorf("a further full cycle: import of %s: %s", r.Connector, r.Error)
		}
	}
	return report
}

// countsAddUp: a plan over everything says of each entry that was read what becomes of it, once.
func (w *world) countsAddUp(ctx context.Context, report *Report) {
	w.t.Helper()
	for _, r := range report.Imports {
		tally, ok := report.Totals.Entries[r.Connector]
		if !ok {
			continue
		}
		sum := 0
		for _, n := range tally {
			sum += n
		}
		if read := r.Counts.Read; sum != read {
			w.t.Errorf("%s: %d objects were read and %d have an outcome: %v", r.Connector, read, sum, tally)
		}
	}
}

// failf ends a scenario that is written wrongly.
func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s: %s", w.at, fmt.Sprintf(format, args...))
}
