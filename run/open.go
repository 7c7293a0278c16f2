package run

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
	"github.com/canopy-sync/canopy/tenant"
)

// The files of a state directory besides ConfigName and LockName.
const (
	StoreName  = "canopy.db"
	TenantName = "tenant.db"
	RulesName  = "rules"
)

// OpenOptions say what Open opens.
type OpenOptions struct {
	Dir     string // the state directory; it exists
	Config  string // the configuration; "": ConfigName in Dir
	Command string // what is being run, for others who find the lock
	// Locked says that the caller holds the lock already.
	Locked bool
	Who    string // the person, for the history
	// ReadOnly is for commands that show what is stored: it takes no lock, opens neither forests nor the tenant, and reads
	// no file that they need. What it gives has Spaces without a Connector.
	ReadOnly bool
	// Remote gives the connector of a forest that is not reached from here; nil: there is no way to such a forest.
	Remote   func(canopy.ConnectorID) canopy.Connector
	CacheMiB int // the store's cache; 0: its default
	Clock    func() time.Time
	Log      *slog.Logger
}

// Open opens a state directory: its lock, store, tenant and rules, and a connector for each forest of the
// configuration. No forest is contacted yet. The caller closes it.
func Open(ctx context.Context, o OpenOptions) (_ *Local, err error) {
	if o.Config == "" {
		o.Config = filepath.Join(o.Dir, ConfigName)
	}
	cfg, err := LoadConfig(o.Config)
	if err != nil {
		return nil, err
	}
	l := &Local{}
	defer func() {
		if err != nil {
			_ = l.Close() // the first error counts
		}
	}()
	if !o.ReadOnly && !o.Locked {
		lock, err := Lock(o.Dir, o.Command)
		if err != nil {
			return nil, err
		}
		l.closers = append(l.closers, lock.Close)
	}
	p := Parts{Clock: o.Clock, Log: o.Log, Clash: cfg.Clash, Like: cfg.Like, Wait: cfg.Duplicates.Wait, Owner: o.Who, Limits: limits(cfg.Guard), Read: engine.DefaultReadLimits()}
	if p.Rules, err = LoadRules(o.Dir, cfg.Join); err != nil {
		return nil, err
	}
	if p.Store, err = OpenStore(ctx, o.Dir, cfg, store.Options{Clock: o.Clock, CacheMiB: o.CacheMiB, ReadOnly: o.ReadOnly, Search: []canopy.Attr{"sAMAccountName"}}); err != nil {
		return nil, err
	}
	l.closers = append(l.closers, p.Store.Close)
	if p.Memory, err = LoadMemory(filepath.Join(o.Dir, MemoryName)); err != nil {
		return nil, err
	}
	p.Target, p.Sources = Space{ID: canopy.Tenant}, spaces(cfg)
	if !o.ReadOnly {
		if err := l.connect(ctx, &o, cfg, &p); err != nil {
			return nil, err
		}
	}
	made, err := New(ctx, p)
	if err != nil {
		return nil, err
	}
	made.closers = l.closers
	return made, nil
}

// LoadRules loads the built-in rules and what the state directory overrides.
func LoadRules(dir, people string) (*rule.Set, error) {
	sets := []fs.FS{rule.Builtin()}
	own := filepath.Join(dir, RulesName)
	if info, err := os.Stat(own); err == nil && info.IsDir() {
		sets = append(sets, os.DirFS(own))
	}
	set, err := rule.Load(rule.Options{FS: sets, People: people})
	if err != nil {
		if _, plain := rule.Load(rule.Options{FS: sets}); plain == nil { // it is not the rules
			return nil, &canopy.Error{Kind: canopy.Invalid, Code: "join-attribute", Object: ConfigName, Attr: "join", Text: err.Error(),
				Next: "name an attribute of the metaverse that an inbound rule fills, as in attribute:employeeID; it is spelled as canopy meta show has it"}
		}
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "rules", Object: own, Text: "the rules cannot be used", Err: err,
			Next: "correct the files named; canopy rule list shows the built-in ones"}
	}
	return set, nil
}

func (l *Local) openTarget(ctx context.Context, o *OpenOptions, cfg *Config) (*tenant.Tenant, error) {
	opt := tenant.Options{Clock: o.Clock, Initial: cfg.Target.Initial}
	path := filepath.Join(o.Dir, TenantName)
	if _, err := os.Stat(path); os.IsNotExist(err) && opt.Initial == "" {
		opt.Initial = "canopy.onmicrosoft.com"
	}
	for _, d := range cfg.Target.Domains {
		opt.Domains = append(opt.Domains, tenant.Domain{Name: d, Verified: true})
	}
	if opt.Policy = tenant.Policy(cfg.Target.Uniqueness); opt.Policy == "" && cfg.Like != "" {
		opt.Policy = tenant.UniqueNone
	}
	t, err := tenant.Open(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, t.Close)
	return t, nil
}

// spaces are the forests of a configuration, in its order.
func spaces(cfg *Config) []Space {
	all := make([]Space, len(cfg.Forests))
	for i := range cfg.Forests {
		all[i] = Space{ID: cfg.Forests[i].Name, Order: i + 1, Names: cfg.Forests[i].Scope}
	}
	return all
}

// connect gives each space its connector.
func (l *Local) connect(ctx context.Context, o *OpenOptions, cfg *Config, p *Parts) error {
	t, err := l.openTarget(ctx, o, cfg)
	if err != nil {
		return err
	}
	p.Tenant, p.Target.Connector, p.CountTarget = t, t.Door(), t.Counts
	for i := range cfg.Forests {
		f := &cfg.Forests[i]
		if f.Agent && o.Remote != nil {
			p.Sources[i].Connector = o.Remote(f.Name)
			continue
		}
		c, err := openForest(f, o)
		if err != nil {
			return err
		}
		l.closers = append(l.closers, c.Close)
		p.Sources[i].Connector = c
	}
	return nil
}

// openForest makes the connector of a forest that is reached from here.
func openForest(f *Forest, o *OpenOptions) (*ad.Conn, error) {
	if f.Agent {
		return nil, &canopy.Error{Kind: canopy.Unsupported, Code: "needs-service", Object: string(f.Name), Text: "this forest is read through agents",
			Next: "agents are with canopy serve: start it, and look at canopy agent list"}
	}
	return f.Open(o.Clock)
}

// limits are the guard's defaults with what the configuration says instead.
func limits(own Limits) engine.Limits {
	l := engine.DefaultLimits()
	for name, limit := range own {
		l[name] = engine.Limit{Number: limit.Number, Percent: limit.Percent}
	}
	return l
}
