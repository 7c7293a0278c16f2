package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy/forest"
)

// Apply lets one change happen in its forest.
func (l *Lab) Apply(_ context.Context, ch Change) error {
	f := l.Forest(ch.Directory)
	if f == nil {
		return fmt.Errorf("%s: the lab has no such forest", ch.Directory)
	}
	for _, s := range ch.Steps {
		if err := f.take(s); err != nil {
			return fmt.Errorf("%s: %w", ch.Text, err)
		}
	}
	return nil
}

// take carries out one step.
func (f *Forest) take(s Step) error {
	switch s.Op {
	case StepAdd:
		if err := f.Server.Add(s.DN, s.Attrs); err != nil {
			return err
		}
		return f.relink(s)
	case StepModify:
		var mods []forest.Mod
		for _, name := range slices.Sorted(maps.Keys(s.Attrs)) {
			mods = append(mods, forest.Mod{Op: "replace", Attr: name, Values: s.Attrs[name]})
		}
		if len(mods) > 0 {
			if err := f.Server.Modify(s.DN, mods...); err != nil {
				return err
			}
		}
		return f.relink(s)
	case StepMove:
		rdn, parent, _ := strings.Cut(s.NewDN, ",")
		for strings.HasSuffix(rdn, `\`) { // an escaped comma
			more, rest, _ := strings.Cut(parent, ",")
			rdn, parent = rdn+","+more, rest
		}
		return f.Server.Rename(s.DN, rdn, parent)
	case StepDelete:
		return f.Server.Delete(s.DN)
	}
	return fmt.Errorf("%s: unknown step %d", s.DN, s.Op)
}

func (f *Forest) relink(s Step) error {
	for op, list := range map[string][]Link{"add": s.Add, "delete": s.Remove} {
		for _, k := range list {
			if err := f.Server.Modify(k.DN, forest.Mod{Op: op, Attr: k.Attr, Values: []string{k.Target}}); err != nil {
				return err
			}
		}
	}
	return nil
}
