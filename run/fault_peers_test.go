package run_test

import (
	"context"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// faultBlind shows a part of what a directory holds: as one that lost a replica, or rights, does.
type faultBlind struct {
	canopy.Connector
	blind func(canopy.Change) bool // nil: shows all
	deaf  bool                     // Search does not find what is hidden either
}

func (f *faultBlind) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	return f.Connector.Read(ctx, req, func(b canopy.Batch) error {
		if f.blind != nil {
			var seen []canopy.Change
			for _, c := range b.Changes {
				if !f.blind(c) {
					seen = append(seen, c)
				}
			}
			b.Changes = seen
		}
		return each(b)
	})
}

func (f *faultBlind) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	if f.blind != nil && f.deaf {
		return nil, nil
	}
	return f.Connector.Search(ctx, req)
}

// TestFaultPeers has happen what other products answer with mass deletion, doubled people or silence: nothing is lost,
// nothing is doubled, nothing is deleted.
func TestFaultPeers(t *testing.T) {
	t.Parallel()
	all := func(canopy.Change) bool { return true }
	people := func(c canopy.Change) bool { return c.Class != canopy.Container }
	half := func(c canopy.Change) bool {
		return c.Class != canopy.Container && strings.ContainsAny(string(c.Anchor[len(c.Anchor)-1:]), "13579")
	}
	for _, c := range []struct {
		name  string
		space canopy.ConnectorID
		blind func(canopy.Change) bool
		deaf  bool
		says  string // the import's error has it; "": the run goes on
	}{
		{"a source answers an empty list", "a", all, true, "were there before"},
		{"a source answers an empty list and finds what is asked for", "a", all, false, "were there before"},
		{"a source shows its containers alone", "a", people, true, "were there before"},
		{"a source shows half", "a", half, true, "were there before"},
		{"a source shows half and finds what is asked for", "b", half, false, "were there before"},
		{"the tenant answers an empty list", canopy.Tenant, all, true, "were there before"},
		{"the tenant shows half", canopy.Tenant, func(c canopy.Change) bool { return strings.ContainsAny(string(c.Anchor[:1]), "01234567") }, true, "were there before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := faultBench(t, t.TempDir())
			defer b.close(t)
			b.limits = engine.DefaultLimits()
			doors := map[canopy.ConnectorID]*faultBlind{}
			b.wrap = func(id canopy.ConnectorID, inner canopy.Connector) canopy.Connector {
				doors[id] = &faultBlind{Connector: inner}
				return doors[id]
			}
			faultCrowd(t, b)
			b.mustOpen(t)
			b.settle(t)
			b.compare(t)
			want := b.cloud(t)
			for _, o := range []run.Options{{Full: true}, {}, {Full: true, All: true}} {
				doors[c.space].blind, doors[c.space].deaf = c.blind, c.deaf
				r, err := b.local.Cycle(t.Context(), o)
				said := ""
				if err != nil {
					said = err.Error()
				}
				for _, f := range r.Failures() {
					said += f.Error
				}
				if o.Full && !strings.Contains(said, c.says) {
					t.Errorf("%+v: got %q, want an error that says %q", o, said, c.says)
				}
				if got := b.cloud(t); got != want {
					t.Fatalf("%+v: the tenant changed:\n%s", o, faultLines(want, got))
				}
			}
			doors[c.space].blind = nil
			b.settle(t)
			b.quiet(t)
			if got := b.cloud(t); got != want {
				t.Errorf("when all is shown again the tenant changed:\n%s", faultLines(want, got))
			}
		})
	}
}

// TestFaultByHand has somebody delete, for good or not, synced objects in the tenant: the next runs bring them back,
// each once, with what they had.
func TestFaultByHand(t *testing.T) {
	t.Parallel()
	for _, hard := range []bool{false, true} {
		t.Run(map[bool]string{false: "deleted", true: "deleted for good"}[hard], func(t *testing.T) {
			t.Parallel()
			b := faultBench(t, t.TempDir())
			defer b.close(t)
			faultCrowd(t, b)
			b.mustOpen(t)
			b.settle(t)
			b.compare(t)
			want := b.cloud(t)
			var victims []*tenant.Object
			if err := b.tenant.Admin().List(t.Context(), false, func(o *tenant.Object) error {
				if o.Class == canopy.Group || len(victims)%2 == 0 {
					victims = append(victims, o)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for _, o := range victims[:min(6, len(victims))] {
				if err := b.tenant.Admin().Delete(t.Context(), o.ID); err != nil {
					t.Fatal(err)
				}
				if hard && o.Class == canopy.User {
					if err := b.tenant.Admin().HardDelete(t.Context(), o.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			b.settle(t)
			b.unique(t)
			b.compare(t)
			if got := b.cloud(t); got != want {
				t.Errorf("what was deleted by hand came back otherwise:\n%s", faultLines(want, got))
			}
			b.quiet(t)
		})
	}
}
