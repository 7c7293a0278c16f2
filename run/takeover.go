package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/rule/connect"
	"github.com/canopy-sync/canopy/store"
	"github.com/canopy-sync/canopy/tenant"
)

// Takeover is what an export of another product's server becomes here.
type Takeover struct {
	Export     *connect.Export
	Conversion *connect.Conversion
	Settings   []connect.Setting
	Scopes     []connect.ForestScope
}

// ReadConnect reads a Connect Sync server's export, a folder or one script of rules, and makes rules of it. It writes
// nothing. forests names connectors of the configuration for forests of the export.
func ReadConnect(path string, forests map[string]canopy.ConnectorID) (*Takeover, error) {
	f, done, err := openTree(path)
	if err != nil {
		return nil, err
	}
	defer done()
	t := &Takeover{}
	if t.Export, err = connect.Read(f); err != nil {
		return nil, err
	}
	o := connect.Options{Forests: forests, Takes: tenant.Takes}
	if t.Conversion, err = connect.Convert(t.Export, o); err != nil {
		return nil, err
	}
	t.Settings, t.Scopes = t.Export.Settings(o), t.Export.Scopes(o)
	return t, nil
}

// openTree opens a folder so that nothing outside of it is reached, also not by links; for a file it is the folder with
// that file alone.
func openTree(path string) (fs.FS, func(), error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, &canopy.Error{Kind: canopy.NotFound, Code: "connect-export", Object: path, Text: "it cannot be opened", Err: err, Next: "name the folder of the export, or a script of rules"}
	}
	dir, only := path, ""
	if !info.IsDir() {
		dir, only = filepath.Dir(path), filepath.Base(path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, &canopy.Error{Kind: canopy.Invalid, Code: "connect-export", Object: path, Text: "the folder cannot be opened", Err: err, Next: "let this account read it"}
	}
	done := func() { _ = root.Close() } // only read
	if only == "" {
		return root.FS(), done, nil
	}
	return single{root.FS(), only}, done, nil
}

// single is a folder with one of its files alone.
type single struct {
	fs.FS
	name string
}

// ReadDir lists the one file.
func (s single) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(s.FS, s.name)
	if err != nil || name != "." {
		return nil, errors.Join(err, fs.ErrNotExist)
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}

// Write puts the rule files into the state directory. A file of the same name that says something else is an error,
// unless replace is set. When the rules cannot be loaded together with what is there, everything is as before.
func (t *Takeover) Write(dir string, replace bool) ([]string, error) {
	lock, err := Lock(dir, "canopy import")
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	w, err := writeRules(dir, t.Conversion.Files, replace)
	if err != nil {
		return nil, err
	}
	return w.written, nil
}

// ruleWriter writes rule files, and can take that back.
type ruleWriter struct {
	dir     string
	before  map[string][]byte // what was there, nil: nothing
	written []string
}

// writeRules writes files among the rules of a state directory. When they cannot be loaded together with what is there,
// everything is as before.
func writeRules(dir string, files rule.Files, replace bool) (*ruleWriter, error) {
	w := &ruleWriter{dir: filepath.Join(dir, RulesName), before: map[string][]byte{}}
	if err := w.write(files, replace); err != nil {
		return nil, errors.Join(err, w.undo())
	}
	if _, err := LoadRules(dir, ""); err != nil {
		return nil, errors.Join(err, w.undo())
	}
	return w, nil
}

func (w *ruleWriter) write(files rule.Files, replace bool) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of rules: %w", err)
	}
	names := slices.Sorted(maps.Keys(files))
	var others []string
	for _, name := range names {
		old, err := os.ReadFile(filepath.Join(w.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("read the rule file %s: %w", name, err)
		case !bytes.Equal(old, files[name]):
			others = append(others, name)
		}
	}
	if len(others) > 0 && !replace {
		return &canopy.Error{Kind: canopy.Conflict, Code: "rules-there", Object: w.dir, Other: strings.Join(others, ", "), Text: "rule files of these names are there and say something else",
			Next: "move them away, or write over them with --replace"}
	}
	for _, name := range names {
		if err := w.one(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func (w *ruleWriter) one(name string, text []byte) error {
	path := filepath.Join(w.dir, name)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the rule file %s: %w", name, err)
	}
	if err == nil && bytes.Equal(old, text) {
		return nil
	}
	w.before[name] = old
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write the rule file %s: %w", name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the rule file %s: %w", name, err)
	}
	w.written = append(w.written, name)
	return nil
}

func (w *ruleWriter) undo() error {
	var errs []error
	for name, old := range w.before {
		path := filepath.Join(w.dir, name)
		if old == nil {
			errs = append(errs, os.Remove(path))
			continue
		}
		errs = append(errs, os.WriteFile(path, old, 0o600))
	}
	w.written = nil
	return errors.Join(errs...)
}

// ScopeChange is how the scope of a forest would differ from the one of the configuration.
type ScopeChange struct {
	connect.ForestScope
	Configured bool         `json:"configured"` // the configuration has a forest of this name
	Present    *ScopeByName `json:"present,omitempty"`
	Base       []string     `json:"presentBase,omitempty"`
	Same       bool         `json:"same"`
	Adds       ScopeObjects `json:"adds"`
	Loses      ScopeObjects `json:"loses"`
	// Unknown is how many objects outside of the present scope are known by their anchor alone.
	Unknown int `json:"unknown"`
	// Read says that the store has objects of the forest.
	Read bool `json:"read"`
}

// ScopeObjects are objects that a scope adds or loses.
type ScopeObjects struct {
	Count    int      `json:"count"`
	Examples []string `json:"examples,omitempty"`
}

const scopeExamples = 20

func (s *ScopeObjects) add(dn string) {
	if s.Count++; len(s.Examples) < scopeExamples {
		s.Examples = append(s.Examples, dn)
	}
}

// Scopes compares the export's scopes with the configuration's, and says which of the objects that the store knows
// come in or go. st may be nil: then nothing is counted.
func Scopes(ctx context.Context, scopes []connect.ForestScope, cfg *Config, st *store.Store) ([]ScopeChange, error) {
	out := make([]ScopeChange, 0, len(scopes))
	for _, s := range scopes {
		c := ScopeChange{ForestScope: s}
		for i := range cfg.Forests {
			if f := &cfg.Forests[i]; canopy.Fold(string(f.Name)) == canopy.Fold(string(s.Name)) {
				c.Configured, c.Present, c.Base, c.Name = true, &f.Scope, f.Base, f.Name
			}
		}
		if c.Configured {
			c.Same = alikeDNs(c.Present.Include, s.Include) && alikeDNs(c.Present.Exclude, s.Exclude) && alikeDNs(c.Present.Groups, s.Groups) &&
				(len(c.Base) == 0 || alikeDNs(c.Base, s.Base))
		}
		if c.Configured && !c.Same && st != nil {
			if err := c.count(ctx, st); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// count walks the forest's entries.
func (c *ScopeChange) count(ctx context.Context, st *store.Store) error {
	err := st.EachEntry(ctx, c.Name, func(e *canopy.Entry) error {
		if e.Class == canopy.Container || e.State == canopy.Gone {
			return nil
		}
		c.Read = true
		if e.DN == "" {
			c.Unknown++
			return nil
		}
		was := e.State != canopy.OutOfScope
		is := within(e.DN, c.ForestScope.Base, c.Include, c.Exclude)
		switch {
		case was && !is:
			c.Loses.add(e.DN)
		case is && !was:
			c.Adds.add(e.DN)
		}
		return nil
	})
	if canopy.KindOf(err) == canopy.NotFound {
		return nil // the forest was never read
	}
	return err
}

// within tells whether a DN is in a scope by its containers: the nearest one that is listed decides.
func within(dn string, base, include, exclude []string) bool {
	at := canopy.Fold(dn)
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(x string) bool { return canopy.Fold(x) == at })
	}
	for at != "" {
		switch {
		case in(exclude):
			return false
		case in(include):
			return true
		case len(include) == 0 && in(base):
			return true
		}
		at = parentDN(at)
	}
	return len(include) == 0 && len(base) == 0
}

// parentDN is what stands behind the first comma of a DN that is not escaped.
func parentDN(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[i+1:]
		}
	}
	return ""
}

// alikeDNs tells whether two lists name the same objects, in whatever order.
func alikeDNs(a, b []string) bool {
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = canopy.Fold(s)
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(fold(a), fold(b))
}
