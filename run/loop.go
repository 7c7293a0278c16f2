package run

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/store"
)

// LoopOptions say how a Loop goes.
type LoopOptions struct {
	Every time.Duration // the longest pause between two cycles
	Cycle Options
	// Each is told of every cycle, and of nothing else.
	Each func(*Report, error)
	// Decide is how often a plan that the guard stopped is looked at; 0: 5 s.
	Decide time.Duration
}

// Loop runs cycles until ctx ends: one after each pause, and one at once when a forest announces a change. While a plan
// waits for a person's decision nothing else is planned, since it would have the same in it; when it was approved it is
// carried out.
func (l *Local) Loop(ctx context.Context, o LoopOptions) {
	if o.Decide <= 0 {
		o.Decide = 5 * time.Second
	}
	changed := make(chan struct{}, 1)
	var busy sync.WaitGroup
	defer busy.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range l.Sources {
		s := &l.Sources[i]
		c, id := s.Connector, s.ID
		busy.Go(func() { l.watch(ctx, id, c, o.Every, changed) })
	}
	for {
		pause := l.turn(ctx, o)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-changed:
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// soon is the longest pause after something failed.
const soon = 30 * time.Second

// turn does what is due, and tells how long to wait then.
func (l *Local) turn(ctx context.Context, o LoopOptions) time.Duration {
	report, waits, err := l.due(ctx, o.Cycle)
	if ctx.Err() == nil && (report != nil || err != nil) {
		o.Each(report, err)
	}
	switch {
	case waits || report != nil && len(report.Stopped) > 0:
		return min(o.Decide, o.Every)
	case err != nil || len(report.Failures()) > 0:
		return min(soon, o.Every)
	}
	return o.Every
}

// due carries out a plan that was approved, or runs a cycle unless the last plan waits.
func (l *Local) due(ctx context.Context, o Options) (*Report, bool, error) {
	plan, err := l.Store.LatestPlan(ctx)
	if err != nil && canopy.KindOf(err) != canopy.NotFound {
		return nil, false, err
	}
	switch {
	case err == nil && plan.State == canopy.PlanStopped:
		return nil, true, nil
	case err == nil && plan.State == canopy.PlanApproved:
		r, err := l.Execute(ctx, plan.ID, o)
		return r, false, err
	}
	r, err := l.Cycle(ctx, o)
	return r, false, err
}

// watch rings when a forest announces a change. One that does not announce any is read by the clock alone.
func (l *Local) watch(ctx context.Context, id canopy.ConnectorID, c canopy.Connector, pause time.Duration, changed chan<- struct{}) {
	for {
		err := c.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // a cycle is due already
			}
		})
		if ctx.Err() != nil || canopy.KindOf(err) == canopy.Unsupported {
			return
		}
		l.Log.Warn("watch ended", "connector", id, "error", err)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Decide approves or rejects a plan of a state directory, also while another process works there: the decision is one
// row, and whoever carries the plan out looks at it first. Of the options Dir, Config and Who count.
func Decide(ctx context.Context, o OpenOptions, id canopy.PlanID, state canopy.PlanState, why string) error {
	if o.Config == "" {
		o.Config = filepath.Join(o.Dir, ConfigName)
	}
	cfg, err := LoadConfig(o.Config)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(o.Dir, StoreName)); err != nil && cfg.Database == nil {
		return &canopy.Error{Kind: canopy.NotFound, Code: "store-missing", Object: o.Dir, Text: "there is no store yet", Next: "run: canopy run, or canopy lab"}
	}
	s, err := OpenStore(ctx, o.Dir, cfg, store.Options{Clock: o.Clock})
	if err != nil {
		return err
	}
	err = s.DecidePlan(ctx, id, state, o.Who, why)
	if end := s.Close(); err == nil {
		err = end
	}
	return err
}
