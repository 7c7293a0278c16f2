package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// SwitchRule turns a rule off or on in a state directory, and gives the file that says so. A rule of the directory's own
// is changed in its file, of which all else stays as it is written; a built-in one gets a file that does nothing else. Rules that
// then cannot be used are put back. people is how people are joined, see LoadRules.
func SwitchRule(dir, people string, id canopy.RuleID, disabled bool) (file string, changed bool, err error) {
	set, err := LoadRules(dir, people)
	if err != nil {
		return "", false, err
	}
	r, err := FindRule(set, id)
	if err != nil {
		return "", false, err
	}
	own := filepath.Join(dir, RulesName)
	file, before, err := fileOf(own, id)
	if err != nil || r.Disabled == disabled {
		return file, false, err
	}
	after := rule.SwitchText(id, disabled)
	if before != nil {
		if after, err = rule.Switched(before, disabled); err != nil {
			return file, false, &canopy.Error{Kind: canopy.Invalid, Code: "rule-file", Object: file, Text: "it cannot be rewritten", Err: err, Next: "write it into the file by hand"}
		}
	} else if err := os.MkdirAll(own, 0o700); err != nil {
		return file, false, err
	}
	if err := replaceFile(file, after); err != nil {
		return file, false, err
	}
	if _, err := LoadRules(dir, people); err != nil {
		return file, false, errors.Join(err, putBack(file, before))
	}
	return file, true, nil
}

// FindRule finds a rule by its id; an error suggests the nearest.
func FindRule(set *rule.Set, id canopy.RuleID) (*rule.Rule, error) {
	if r := set.Rule(id); r != nil {
		return r, nil
	}
	e := &canopy.Error{Kind: canopy.NotFound, Code: "rule-unknown", Object: string(id), Text: "there is no rule of this id", Next: "canopy rule list shows all"}
	if near := set.Nearest(id); near != "" {
		e.Next = "is " + string(near) + " meant?"
	}
	return nil, e
}

// fileOf finds the file of a folder that holds or switches a rule; text is nil when there is none, and file is then what it
// would be called.
func fileOf(folder string, id canopy.RuleID) (file string, text []byte, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		path := filepath.Join(folder, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return "", nil, err
		}
		if rule.IDOf(text) == id {
			return path, text, nil
		}
	}
	return filepath.Join(folder, string(id)+".yaml"), nil, nil
}

// replaceFile writes a file, whole or not at all.
func replaceFile(path string, text []byte) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.WriteFile(path+".new", text, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func putBack(path string, text []byte) error {
	if text == nil {
		return os.Remove(path)
	}
	return replaceFile(path, text)
}

// RuleTrial is what a rule does with one object.
type RuleTrial struct {
	Object  string
	Rule    *rule.Rule
	Applies string // "" or why the rule is not for this object at all: its class or connector
	InScope bool
	Scope   [][]rule.Truth
	Flows   []FlowTrial // empty when it does not apply
}

// FlowTrial is what a flow gives.
type FlowTrial struct {
	Flow    *rule.Flow
	Outcome rule.Outcome
	Err     error
}

// TryRule says what a rule does with one object of the store: with an entry when it is inbound, with a meta when it is outbound.
// Other rules are not looked at, so that a value shown here may lose by precedence. It writes nothing.
func (l *Local) TryRule(ctx context.Context, id canopy.RuleID, object string) (*RuleTrial, error) {
	r, err := FindRule(l.Rules, id)
	if err != nil {
		return nil, err
	}
	f, err := l.One(ctx, object)
	if err != nil {
		return nil, err
	}
	o, err := l.seen(ctx, f, r.Direction == rule.Out)
	if err != nil {
		return nil, err
	}
	taken := l.taken(ctx, f)
	o.Refused = func(c canopy.Claim) bool {
		has, err := taken(expr.Str(c.Value))
		return has || err != nil
	}
	o.Around = &rule.Around{Now: l.Clock().UnixMicro(), Secret: l.Memory.secret()}
	t := &RuleTrial{Object: f.Name, Rule: r, Applies: r.NotFor(o.Class), Scope: r.Truths(o)}
	if t.InScope, _, err = r.InScope(o); err != nil {
		return nil, err
	}
	if t.Applies != "" {
		return t, nil
	}
	for i := range r.Flows {
		x := FlowTrial{Flow: &r.Flows[i]}
		if x.Outcome, x.Err = x.Flow.Eval(o); x.Flow.Secret() {
			x.Outcome.Values = hidden(x.Outcome.Values)
		}
		t.Flows = append(t.Flows, x)
	}
	return t, nil
}

// RulesToCompare are the rules in force in another state directory, or with "" the built-in ones alone.
func RulesToCompare(dir, people string) (*rule.Set, error) {
	if dir == "" {
		return rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}, People: people})
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "directory-unknown", Object: dir, Text: "there is no such directory", Next: "name a state directory, the one that has " + RulesName + "/ in it"}
	}
	return LoadRules(dir, people)
}
