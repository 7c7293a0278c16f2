package run

import (
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// rekey brings what entries and metas are found by up to date with rules that have changed.
func (l *Local) rekey(ctx context.Context) error {
	if err := l.tellStore(ctx); err != nil {
		return err
	}
	hash := l.Rules.KeysHash()
	if l.Memory.keysBy() == hash {
		return nil
	}
	for _, s := range l.spaces() {
		if err := l.Store.Rederive(ctx, s.ID, l.derive(s)); err != nil {
			return err
		}
	}
	if err := l.Store.RekeyMetas(ctx, l.Rules.MetaKeys); err != nil {
		return err
	}
	return l.Memory.setKeysBy(hash)
}

// spaces are the sources and the target.
func (l *Local) spaces() []*Space {
	out := make([]*Space, 0, len(l.Sources)+1)
	for i := range l.Sources {
		out = append(out, &l.Sources[i])
	}
	return append(out, &l.Target)
}

// tellStore lets the store know what of the rules concerns it: the groups whose members are told apart, and what is not
// shown.
func (l *Local) tellStore(ctx context.Context) error {
	l.tellHidden()
	l.telling.Lock()
	defer l.telling.Unlock()
	var groups []string
	for i := range l.Sources {
		s := &l.Sources[i]
		groups = append(groups, l.Rules.Groups(kindOf(s, "ad"), s.ID, l.values(s))...)
	}
	slices.Sort(groups)
	if groups = slices.Compact(groups); slices.Equal(groups, l.groups) {
		return nil
	}
	l.groups = groups
	_, err := l.Store.TellMembers(ctx, canopy.AttrMember, groups)
	return err
}

// groupsKnown is an error while a rule asks for the members of a group that no forest shows: with none of them in scope, or
// all, the plan would be about other objects than those that are meant.
func (l *Local) groupsKnown() error {
	missing := l.Store.UnknownGroups()
	if len(missing) == 0 {
		return nil
	}
	return &canopy.Error{Kind: canopy.Unsafe, Code: "group-unknown", Object: strings.Join(missing, "; "), Text: "a scoping filter asks for the members of this group, and no forest shows such a group",
		Next: "correct the DN in the rule (canopy rule list shows the rules), or take the group into the scope of its forest"}
}
