package run_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
	"github.com/canopy-sync/canopy/tenant"
)

// propTime is a clock that goes on by a millisecond with each look.
type propTime struct{ at atomic.Int64 }

func newPropTime() *propTime {
	c := &propTime{}
	c.at.Store(time.Date(2031, 3, 4, 8, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *propTime) now() time.Time          { return time.UnixMilli(c.at.Add(1)).UTC() }
func (c *propTime) forward(d time.Duration) { c.at.Add(d.Milliseconds()) }

// propTB is what both a test and a property can be told.
type propTB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// propBench is directories in memory, a tenant, and the product between them. The directories outlive the product,
// which may be dropped and opened again.
type propBench struct {
	t       *testing.T // for what makes directories; must end after the bench
	dir     string
	clock   *propTime
	names   []string
	forests []*connectortest.Memory
	hide    []func(canopy.Ref) bool // by forest
	rules   *rule.Set
	limits  engine.Limits
	read    engine.ReadLimits
	people  string
	scope   []canopy.Scope // by forest

	storeFail  func(string) error
	tenantFail func(int) canopy.ResultKind
	wrap       func(canopy.ConnectorID, canopy.Connector) canopy.Connector

	tenant *tenant.Tenant
	store  *store.Store
	local  *run.Local
	left   []func() error // stores that were dropped and not closed
	before []canopy.Change
}

// propRules are the built-in rules, loaded once.
var propRules = sync.OnceValues(func() (*rule.Set, error) { return rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}}) })

// newPropBench makes empty directories with these names, which are read in small batches. Nothing is open yet.
func newPropBench(t *testing.T, dir string, names ...string) *propBench {
	t.Helper()
	return newPropBenchOf(t, dir, 7, names...)
}

func newPropBenchOf(t *testing.T, dir string, batch int, names ...string) *propBench {
	t.Helper()
	b := &propBench{t: t, dir: dir, clock: newPropTime(), names: names, limits: engine.Limits{}, read: engine.DefaultReadLimits(),
		hide: make([]func(canopy.Ref) bool, len(names)), scope: make([]canopy.Scope, len(names))}
	for i, n := range names {
		b.forests = append(b.forests, connectortest.NewMemory(connectortest.Options{Name: n + ".test", Batch: batch,
			Hide: func(r canopy.Ref) bool { return b.hide[i] != nil && b.hide[i](r) }}))
	}
	var err error
	if b.rules, err = propRules(); err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens the tenant and the store, and puts the product between them and the directories.
func (b *propBench) open(ctx context.Context) error {
	var err error
	if b.tenant == nil {
		b.tenant, err = tenant.Open(ctx, filepath.Join(b.dir, "tenant.db"), tenant.Options{Clock: b.clock.now, Initial: "prop.onmicrosoft.com",
			Domains: []tenant.Domain{{Name: "one.test", Verified: true}, {Name: "two.test", Verified: true}, {Name: "a.test", Verified: true},
				{Name: "b.test", Verified: true}, {Name: "c.test", Verified: true}},
			Durability: tenant.Volatile, Fail: func(n int) canopy.ResultKind {
				if b.tenantFail == nil {
					return canopy.Done
				}
				return b.tenantFail(n)
			}})
		if err != nil {
			return err
		}
	}
	b.store, err = store.Open(ctx, filepath.Join(b.dir, "canopy.db"), store.Options{Clock: b.clock.now, CacheMiB: 4, Fail: b.storeFail})
	if err != nil {
		return err
	}
	wrap := b.wrap
	if wrap == nil {
		wrap = func(_ canopy.ConnectorID, c canopy.Connector) canopy.Connector { return c }
	}
	p := run.Parts{Store: b.store, Rules: b.rules, Limits: b.limits, Read: b.read, Owner: "test", Clock: b.clock.now,
		Target: run.Space{ID: canopy.Tenant, Connector: wrap(canopy.Tenant, b.tenant.Door())}}
	for i, n := range b.names {
		id := canopy.ConnectorID(n)
		p.Sources = append(p.Sources, run.Space{ID: id, Order: i + 1, Connector: wrap(id, b.forests[i]), Scope: b.scope[i]})
	}
	b.local, err = run.New(ctx, p)
	return err
}

func (b *propBench) mustOpen(t propTB) {
	t.Helper()
	if err := b.open(context.Background()); err != nil {
		t.Fatalf("open: %v", err)
	}
}

// drop forgets the store as a process does that is killed: nothing is closed before the bench ends.
func (b *propBench) drop() {
	if b.store != nil {
		b.left = append(b.left, b.store.Close)
	}
	b.store, b.local = nil, nil
}

func (b *propBench) close(t propTB) {
	t.Helper()
	b.drop()
	var errs []error
	for _, end := range b.left {
		errs = append(errs, end())
	}
	if b.tenant != nil {
		errs = append(errs, b.tenant.Close())
	}
	b.left, b.tenant = nil, nil
	if err := errors.Join(errs...); err != nil {
		t.Errorf("close: %v", err)
	}
}

// cycle runs one cycle in which nothing may go wrong.
func (b *propBench) cycle(t propTB, o run.Options) *run.Report {
	t.Helper()
	r, err := b.local.Cycle(context.Background(), o)
	if err != nil {
		t.Fatalf("cycle: %v", err)
	}
	for _, f := range r.Failures() {
		t.Fatalf("import %s: %s", f.Connector, f.Error)
	}
	return r
}

// settle runs cycles until nothing is left to do, and tells how many writes that took. A bench that does not come to
// rest is a failure.
func (b *propBench) settle(t propTB) (written int) {
	t.Helper()
	const most = 8
	for range most {
		r := b.cycle(t, run.Options{})
		if len(r.Stopped) > 0 {
			t.Fatalf("the guard stopped a plan: %+v", r.Stopped)
		}
		written += r.Exports.Written + r.Exports.Links
		if run.Sum(r.Totals) == 0 && r.Exports.Written+r.Exports.Links+r.Exports.Later+r.Exports.Unconfirmed == 0 {
			return written
		}
	}
	t.Fatalf("not at rest after %d cycles: %s", most, b.restless())
	return written
}

// restless says what keeps the bench busy.
func (b *propBench) restless() string {
	ctx := context.Background()
	counts, err := b.store.ExportCounts(ctx, canopy.Tenant)
	text := fmt.Sprintf("%+v %v", counts, err)
	entries, metas, err := b.store.DueCount(ctx)
	text += fmt.Sprintf("; due %d %d %v", entries, metas, err)
	refusals, err := b.store.Refusals(ctx, canopy.Tenant, 5)
	text += fmt.Sprintf("; refusals %+v %v", refusals, err)
	if p, err := b.store.LatestPlan(ctx); err == nil {
		items, err := b.store.Items(ctx, p.ID, 0, 3)
		text += fmt.Sprintf("; last plan %+v, items %+v %v", p, items, err)
	}
	return text
}

// quiet proves that looking at everything again plans nothing.
func (b *propBench) quiet(t propTB) {
	t.Helper()
	for _, o := range []run.Options{{}, {Full: true, All: true}} {
		r := b.cycle(t, o)
		if n := run.Sum(r.Totals); n > 0 || r.Exports.Written+r.Exports.Links > 0 {
			t.Fatalf("a further run (%+v) planned %d writes and sent %d: %+v\n%s", o, n, r.Exports.Written+r.Exports.Links, r.Totals, b.restless())
		}
	}
}

// live are the tenant's objects, as full images.
func (b *propBench) live(t propTB) (all []canopy.Change) {
	t.Helper()
	req := canopy.ReadRequest{Classes: []canopy.Class{canopy.User, canopy.Group, canopy.Contact},
		Attrs: []canopy.Attr{canopy.AttrSourceAnchor, canopy.AttrUPN, canopy.AttrMail, canopy.AttrDisplayName, canopy.AttrAddresses,
			canopy.AttrAccountEnabled, canopy.AttrManager, canopy.AttrMember, "telephoneNumber", "department"}}
	err := b.tenant.Door().Read(context.Background(), req, func(x canopy.Batch) error {
		all = append(all, x.Changes...)
		return nil
	})
	if err != nil {
		t.Fatalf("read the tenant: %v", err)
	}
	return all
}

// compare compares the tenant with what the directories as they are now make of it, and keeps it for the next time.
func (b *propBench) compare(t propTB) {
	t.Helper()
	got := b.live(t)
	if diff := e2e.Compare(e2e.Expect(b.world(t)), got); len(diff) > 0 {
		t.Fatalf("%d differences between the tenant and what is wanted:\n%s", len(diff), strings.Join(diff[:min(len(diff), 20)], "\n"))
	}
	b.before = got
}
