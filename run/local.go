package run

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
	"github.com/canopy-sync/canopy/tenant"
)

// Space is a connector with what a run must know of it.
type Space struct {
	ID        canopy.ConnectorID
	Order     int              // breaks ties of precedence; the target's does not matter
	Connector canopy.Connector // nil in a Local that only shows what is stored
	Scope     canopy.Scope
	// Names is the scope as an administrator wrote it; it becomes Scope when the forest is first met.
	Names ScopeByName
	// About is filled when the connector is first met.
	About canopy.Description
}

// Parts are what a Local is made of. It closes none of them.
type Parts struct {
	Store   *store.Store
	Rules   *rule.Set
	Sources []Space
	Target  Space
	// CountTarget counts the live objects of the target; nil where it cannot count.
	CountTarget func(context.Context) (users, groups, contacts int, err error)
	// Tenant is the target when it is the tenant of the state directory; nil for another one.
	Tenant *tenant.Tenant
	Limits engine.Limits
	Read   engine.ReadLimits
	Clash  string // see Config
	Like   string // see Config
	Wait   int    // see Config.Duplicates
	Owner  string // who runs it, for decisions and the lease
	Memory *Memory
	Clock  func() time.Time
	Log    *slog.Logger
}

// Local is the product in one process: a method for every verb. Its methods are not for concurrent use, but for those
// that only read the store.
type Local struct {
	Parts
	closers []func() error
	telling sync.Mutex // guards groups, and what sources said of themselves: forests are met side by side
	groups  []string   // whose members rules ask for
}

// New makes a Local from its parts. No connector is asked for anything yet.
func New(ctx context.Context, p Parts) (*Local, error) {
	if p.Clock == nil {
		p.Clock = time.Now
	}
	if p.Memory == nil {
		p.Memory = &Memory{}
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	l := &Local{Parts: p}
	for i := range l.Sources {
		if err := l.register(ctx, &l.Sources[i], "ad"); err != nil {
			return nil, err
		}
	}
	if err := l.register(ctx, &l.Target, "tenant"); err != nil {
		return nil, err
	}
	return l, l.tellStore(ctx)
}

// register makes a connector known to the store, unless nothing may be written.
func (l *Local) register(ctx context.Context, s *Space, kind string) error {
	if s.Connector == nil {
		return nil
	}
	return l.Store.PutConnector(ctx, store.Connector{ID: s.ID, Kind: kind, Order: s.Order, Name: string(s.ID)})
}

// Close ends everything that Open opened, in reverse order, and gives the first error.
func (l *Local) Close() error {
	var first error
	for i := len(l.closers) - 1; i >= 0; i-- {
		if err := l.closers[i](); err != nil && first == nil {
			first = err
		}
	}
	l.closers = nil
	return first
}
