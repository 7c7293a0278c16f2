package connect

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// special are built-in rules that the old product has no counterpart of, with their precedences beside taken rules.
var special = map[canopy.RuleID]int{"in-ad-user-mailbox-owner": 1_000_000}

// builtins writes the files that switch off the built-in rules.
func (c *converter) builtins(builtin *rule.Set) {
	for _, r := range builtin.All() {
		if p, ok := special[r.ID]; ok {
			own := *r
			own.Precedence = p
			c.out.Files[string(r.ID)+".yaml"] = own.Format()
			continue
		}
		c.out.Files[string(r.ID)+".yaml"] = rule.Switch(r.ID, true)
	}
}

// load puts the set together as it will be in force. A rule that the loader faults is switched off, or left out, with
// the loader's words.
func (c *converter) load() error {
	for {
		for _, r := range c.out.Rules {
			c.out.Files[string(r.ID)+".yaml"] = r.Format()
		}
		set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin(), c.out.Files}})
		var faults rule.Faults
		if err == nil || !errors.As(err, &faults) {
			c.out.Set = set
			return err
		}
		if !c.drop(faults[0]) {
			return err
		}
	}
}

// drop takes a rule with a fault out of force.
func (c *converter) drop(f rule.Fault) bool {
	for i, r := range c.out.Rules {
		if string(r.ID)+".yaml" != f.File {
			continue
		}
		in := &Rule{Name: r.Name, Place: f.File}
		for j := range c.e.Rules {
			if c.e.Rules[j].Name == r.Name {
				in = &c.e.Rules[j]
			}
		}
		if !r.Disabled {
			c.off(in, r, "", "rule", "it cannot be in force: %s", f.Text)
			return true
		}
		c.note(in, "", "rule", Lost, "it cannot be kept as a rule file: %s", f.Text)
		c.out.Rules = slices.Delete(c.out.Rules, i, i+1)
		delete(c.out.Files, f.File)
		return true
	}
	return false
}
