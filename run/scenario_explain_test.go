package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
)

// explain prints where the values of one attribute of an object come from, and which others lost.
func (w *world) explain(ctx context.Context, object string, attr canopy.Attr) {
	x, err := w.local.Explain(ctx, object)
	if err != nil {
		w.fault(err)
		return
	}
	if x.Trace == nil {
		w.printf("  no trace\n")
		return
	}
	for _, e := range x.Trace.Entries {
		w.printf("  %s %s: in scope %t %s\n", e.Party.Connector, e.Party.Name, e.InScope, e.Why)
	}
	for _, a := range x.Trace.Attrs {
		if a.Attr != attr {
			continue
		}
		w.printf("  %s is %s\n", a.Attr, list(a.Values))
		w.gives("won", a.Winners)
		w.gives("lost", slices.DeleteFunc(slices.Clone(a.Losers), func(g engine.Give) bool { return len(g.Values) == 0 }))
	}
	for _, t := range x.Trace.Targets {
		if t.Authority != "" {
			w.printf("  %s: %s\n", t.Connector, t.Authority)
		}
		for _, a := range t.Attrs {
			if a.Attr == attr {
				w.printf("  %s: desired %s, holds %s, from %s by %s %s\n", t.Connector, list(a.Desired), list(a.Holds), a.Origin.Connector, a.Origin.Rule, a.Note)
			}
		}
	}
}

func (w *world) gives(what string, gives []engine.Give) {
	var lines []string
	for _, g := range gives {
		lines = append(lines, fmt.Sprintf("    %s: %s of %s %s by %s %s", what, list(g.Values), g.Party.Connector, g.Party.Name, g.Rule, g.Reason))
	}
	slices.Sort(lines)
	for _, l := range lines {
		w.printf("%s\n", l)
	}
}
