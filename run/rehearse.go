package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
)

// Rehearsal says what other rules or another way to join people would do to everybody.
type Rehearsal struct {
	Totals canopy.Totals   `json:"totals"`
	Guard  []canopy.Breach `json:"guard,omitempty"` // what the guard would stop
}

// Rehearse plans everything that is known with the rules of a folder laid over those of the state directory ("": with those
// of the state directory as they are), and people joined as join says ("": as the configuration says). It does so on a copy
// of the store, so that nothing of it stays: rules that join otherwise are rehearsed whole. The items come as they are planned.
func Rehearse(ctx context.Context, o OpenOptions, folder, join string, each func([]canopy.PlanItem)) (_ *Rehearsal, err error) {
	if o.Config == "" {
		o.Config = filepath.Join(o.Dir, ConfigName)
	}
	cfg, err := LoadConfig(o.Config)
	if err != nil {
		return nil, err
	}
	if join == "" {
		join = cfg.Join
	}
	rules, err := rulesOver(o.Dir, folder, join)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "canopy-rehearsal-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := copyState(ctx, cfg, o.Dir, tmp); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, filepath.Join(tmp, StoreName), store.Options{Clock: o.Clock, CacheMiB: o.CacheMiB, Volatile: true, Search: []canopy.Attr{"sAMAccountName"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	memory, err := LoadMemory(filepath.Join(tmp, MemoryName))
	if err != nil {
		return nil, err
	}
	l, err := New(ctx, Parts{Store: s, Rules: rules, Sources: spaces(cfg), Target: Space{ID: canopy.Tenant}, Limits: limits(cfg.Guard), Read: engine.DefaultReadLimits(),
		Clash: cfg.Clash, Like: cfg.Like, Owner: o.Who, Memory: memory, Clock: o.Clock, Log: o.Log})
	if err != nil {
		return nil, err
	}
	r, err := l.Cycle(ctx, Options{NoImport: true, All: true, PlanOnly: true})
	if err != nil {
		return nil, err
	}
	for after := 0; each != nil && r.Plan != 0; {
		items, err := l.Items(ctx, r.Plan, after, batch)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			break
		}
		each(items)
		after += len(items)
	}
	return &Rehearsal{Totals: r.Totals, Guard: r.Stopped}, nil
}

// copyState copies what of a state directory a plan is made from.
func copyState(ctx context.Context, cfg *Config, dir, to string) error {
	s, err := OpenStore(ctx, dir, cfg, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = s.CopyTo(ctx, filepath.Join(to, StoreName))
	var known *canopy.Error
	if errors.As(err, &known) && known.Kind == canopy.Unsupported {
		known.Next = "put the rules into " + RulesName + "/ and make a plan (canopy plan --no-import): it stops before anything is written by them"
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, MemoryName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, MemoryName), text, 0o600)
}

// rulesOver are the rules of a state directory with those of a folder laid over them.
func rulesOver(dir, folder, join string) (*rule.Set, error) {
	if folder == "" {
		return LoadRules(dir, join)
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "directory-unknown", Object: folder, Text: "there is no such folder", Next: "name a folder with rule files in it"}
	}
	sets := []fs.FS{rule.Builtin()}
	if own := filepath.Join(dir, RulesName); own != folder {
		if info, err := os.Stat(own); err == nil && info.IsDir() {
			sets = append(sets, os.DirFS(own))
		}
	}
	set, err := rule.Load(rule.Options{FS: append(sets, os.DirFS(folder)), People: join})
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "rules", Object: folder, Text: "the rules cannot be used", Err: err, Next: "correct the files named"}
	}
	return set, nil
}
