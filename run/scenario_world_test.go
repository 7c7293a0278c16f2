package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/e2e/postgres"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/store"
	"github.com/canopy-sync/canopy/tenant"
)

// setting is a scenario's file "config".
type setting struct {
	Join    string                             `yaml:"join"`
	Clash   string                             `yaml:"clash"`
	Wait    int                                `yaml:"wait"`
	Like    string                             `yaml:"like"`
	Guard   Limits                             `yaml:"guard"`
	Scope   map[canopy.ConnectorID]ScopeByName `yaml:"scope"`
	Domains []string                           `yaml:"domains"`
	Switch  map[string]bool                    `yaml:"switch"`
	Drop    []canopy.Attr                      `yaml:"drop"`
	GUIDs   []string                           `yaml:"guids"` // of new mailboxes
	Unique  tenant.Policy                      `yaml:"uniqueness"`
}

// world is what a scenario happens in: forests behind TLS, a tenant, and the product between them.
type world struct {
	t         *testing.T
	dir       string
	set       setting
	at        string // the step, for messages
	out       strings.Builder
	unsettled bool

	mu  sync.Mutex // guards now
	now time.Time
	ids int

	forests []*land
	tenant  *tenant.Tenant
	fails   int // every nth export is answered with Later, 0: none
	failed  int

	address string // of the store's database, "": it is a file
	store   *store.Store
	local   *Local
	close   []io.Closer
}

// land is one forest of a scenario.
type land struct {
	name   canopy.ConnectorID
	number int
	server *forest.Server
	conn   *blinkered
	made   map[canopy.Anchor]string // what the scenario made, by objectGUID, with its name
	where  map[string]canopy.Anchor // by folded DN, as it was last named
}

const password = "Scenario-1"

func newWorld(ctx context.Context, t *testing.T, a *archive) *world {
	w := &world{t: t, at: "config", dir: t.TempDir(), now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	for _, f := range a.files {
		switch kind, _, _ := strings.Cut(f.name, " "); {
		case f.name == "config":
			dec := yaml.NewDecoder(bytes.NewReader(f.data))
			dec.KnownFields(true)
			if err := dec.Decode(&w.set); err != nil && !errors.Is(err, io.EOF) {
				w.failf("%v", err)
			}
		case strings.HasPrefix(f.name, "rules/"), strings.HasPrefix(f.name, "later/"):
			path := filepath.Join(w.dir, f.name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.data, 0o600); err != nil {
				t.Fatal(err)
			}
		case kind == "do", kind == "want", f.name == "state":
		default:
			w.found(ctx, canopy.ConnectorID(f.name), string(f.data))
		}
	}
	w.open(ctx)
	t.Cleanup(func() {
		w.shut()
		for _, f := range w.forests {
			f.server.Close()
		}
	})
	return w
}

// clock stands still but for tick.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) tick() { w.pass(time.Minute) }

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// found starts a forest and fills it.
func (w *world) found(ctx context.Context, name canopy.ConnectorID, listing string) {
	w.at = string(name)
	s, err := forest.Start(ctx, forest.Options{Domain: string(name), Seed: uint64(len(w.forests) + 1), Clock: w.clock, Exchange: true, AdminPassword: password})
	if err != nil {
		w.t.Fatal(err)
	}
	f := &land{name: name, number: len(w.forests) + 1, server: s, made: map[canopy.Anchor]string{}, where: map[string]canopy.Anchor{}}
	w.forests = append(w.forests, f)
	w.fill(f, blocks(listing))
}

// place is where the store is: a file, or a schema of a PostgreSQL server where the run of tests asks for it.
func (w *world) place() string {
	if !postgres.Wanted() {
		return filepath.Join(w.dir, StoreName)
	}
	if w.address == "" {
		w.address = postgres.Address(w.t)
	}
	return w.address
}

// open opens the product as a process that starts does.
func (w *world) open(ctx context.Context) {
	w.t.Helper()
	opt := tenant.Options{Clock: w.clock, NewID: w.id, NewGUID: w.newGUID, Initial: "scenario.onmicrosoft.com", Drop: w.set.Drop, Fail: w.fail, Durability: tenant.Volatile}
	for _, d := range append([]string{"contoso.com", "fabrikam.com", "tailspin.com"}, w.set.Domains...) {
		opt.Domains = append(opt.Domains, tenant.Domain{Name: d, Verified: true})
	}
	if on, said := w.set.Switch["softMatchOnUpn"]; said && !on { // it cannot be switched off later
		opt.Switches = &tenant.Switches{}
	}
	if opt.Policy = w.set.Unique; opt.Policy == "" && w.set.Like != "" {
		opt.Policy = tenant.UniqueNone
	}
	var err error
	if w.tenant, err = tenant.Open(ctx, filepath.Join(w.dir, TenantName), opt); err != nil {
		w.t.Fatal(err)
	}
	w.close = append(w.close, w.tenant)
	w.switches(ctx)
	if w.store, err = store.Open(ctx, w.place(), store.Options{Clock: w.clock, Search: []canopy.Attr{"sAMAccountName"}}); err != nil {
		w.t.Fatal(err)
	}
	w.close = append(w.close, w.store)
	p := Parts{Store: w.store, Clock: w.clock, Clash: w.set.Clash, Wait: w.set.Wait, Like: w.set.Like, Owner: "scenario", Limits: limits(w.set.Guard),
		Read: engine.DefaultReadLimits(), Target: Space{ID: canopy.Tenant, Connector: w.tenant.Door()}, Tenant: w.tenant}
	if p.Rules, err = LoadRules(w.dir, w.set.Join); err != nil {
		w.t.Fatal(err)
	}
	if p.Memory, err = LoadMemory(filepath.Join(w.dir, MemoryName)); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range w.forests {
		p.Sources = append(p.Sources, w.source(f))
	}
	if w.local, err = New(ctx, p); err != nil {
		w.t.Fatal(err)
	}
}

// source is a forest as a source, through TLS.
func (w *world) source(f *land) Space {
	c, err := ad.Open(ad.Config{Name: f.name, Servers: []string{f.server.URL()}, Strict: true, CA: f.server.CA(), Clock: w.clock,
		Bind: ad.Bind{Account: "CN=Administrator,CN=Users," + f.server.Base(), Password: password}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.close = append(w.close, c)
	if f.conn == nil {
		f.conn = &blinkered{}
	}
	f.conn.Connector = c
	names := w.set.Scope[f.name]
	for _, list := range [...]*[]string{&names.Include, &names.Exclude, &names.Groups} {
		for i, dn := range *list {
			(*list)[i] = f.dn(dn)
		}
	}
	return Space{ID: f.name, Order: f.number, Connector: f.conn, Names: names}
}

// switches sets the tenant's switches as the scenario says.
func (w *world) switches(ctx context.Context) {
	s := w.tenant.Admin().Switches()
	for name, on := range w.set.Switch {
		into := map[string]*bool{"blockSoftMatch": &s.BlockSoftMatch, "blockCloudObjectTakeoverThroughHardMatch": &s.BlockHardMatchTakeover,
			"softMatchOnUpn": &s.SoftMatchOnUPN, "refuseMalformedAddresses": &s.RefuseMalformed, "refuseFederatedDomainChange": &s.RefuseFederatedChange,
			"denySynchronizationAccount": &s.DenyAccount}[name]
		if into == nil {
			w.failf("there is no switch %s", name)
		}
		*into = on
	}
	if err := w.tenant.Admin().SetSwitches(ctx, s); err != nil {
		w.t.Fatal(err)
	}
}

// shut closes what open opened.
func (w *world) shut() {
	for i := len(w.close) - 1; i >= 0; i-- {
		if err := w.close[i].Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
	w.close = nil
}

func (w *world) id() string {
	w.ids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.ids)
}

func (w *world) fail(int) canopy.ResultKind {
	if w.fails == 0 {
		return canopy.Done
	}
	if w.failed++; w.failed%w.fails == 0 {
		return canopy.Later
	}
	return canopy.Done
}

func (w *world) forest(name string) *land {
	for _, f := range w.forests {
		if string(f.name) == name {
			return f
		}
	}
	return nil
}

func (w *world) printf(format string, args ...any) { fmt.Fprintf(&w.out, format, args...) }

var address = regexp.MustCompile(`127\.\d+\.\d+\.\d+:\d+`)

// told is what was printed, with names in the place of numbers, and the domains' DNs shortened.
func (w *world) told() []byte {
	text := address.ReplaceAllString(w.out.String(), "SERVER")
	var pairs []string
	for _, f := range w.forests {
		pairs = append(pairs, ","+f.server.Base(), "@"+string(f.name))
		for guid, name := range f.made {
			short := "{" + name + " " + strings.TrimSuffix(string(f.name), ".lab") + "}"
			pairs = append(pairs, string(guid), short, anchorText(guid), short)
		}
	}
	return []byte(strings.NewReplacer(pairs...).Replace(text))
}
