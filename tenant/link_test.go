package tenant

import (
	"fmt"
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []canopy.Anchor
	for i := range 5 {
		ids = append(ids, w.done(add(canopy.User, fmt.Sprintf("u%d", i), "userPrincipalName", fmt.Sprintf("u%d@contoso.com", i))))
	}
	team := w.done(add(canopy.Group, "Rw==", "displayName", "Team"))
	contact := w.done(add(canopy.Contact, "Qw==", "displayName", "Carl"))
	held := func() []canopy.Ref {
		t.Helper()
		changes, _, _ := w.read(nil, canopy.AttrMember)
		for _, c := range changes {
			if c.Anchor == team {
				return c.Links[canopy.AttrMember].Added
			}
		}
		t.Fatal("no group")
		return nil
	}
	steps := []struct {
		name   string
		change canopy.LinkChange
		want   []canopy.Ref
		failed []canopy.Ref
		told   canopy.LinkChange // by the feed
	}{
		{"add", canopy.LinkChange{Added: refs(ids[0], ids[1])}, refs(ids[0], ids[1]), nil, canopy.LinkChange{Added: refs(ids[0], ids[1])}},
		{"add again", canopy.LinkChange{Added: refs(ids[1])}, refs(ids[0], ids[1]), nil, canopy.LinkChange{Added: refs(ids[1])}},
		{"add a group, a contact, nobody", canopy.LinkChange{Added: append(refs(team, contact), refs("nobody")...)},
			refs(ids[0], ids[1], team, contact), refs("nobody"), canopy.LinkChange{Added: refs(team, contact)}},
		{"remove", canopy.LinkChange{Removed: refs(ids[0], team)}, refs(ids[1], contact), nil, canopy.LinkChange{Removed: refs(ids[0], team)}},
		{"remove again", canopy.LinkChange{Removed: refs(ids[0])}, refs(ids[1], contact), nil, canopy.LinkChange{Removed: refs(ids[0])}},
		{"remove what never was", canopy.LinkChange{Removed: refs(ids[4])}, refs(ids[1], contact), nil, canopy.LinkChange{Removed: refs(ids[4])}},
		{"remove nobody", canopy.LinkChange{Removed: refs("nobody")}, refs(ids[1], contact), nil, canopy.LinkChange{}},
		{"whole", canopy.LinkChange{Whole: true, Added: refs(ids[1], ids[2])}, refs(ids[1], ids[2]), nil,
			canopy.LinkChange{Added: refs(ids[1], ids[2]), Removed: refs(contact)}},
		{"whole and empty", canopy.LinkChange{Whole: true}, nil, nil, canopy.LinkChange{Removed: refs(ids[1], ids[2])}},
	}
	for _, s := range steps {
		_, _, cursor := w.read(nil, canopy.AttrMember)
		r := w.write(members(team, s.change))[0]
		if r.Kind != canopy.Done {
			t.Errorf("%s: got %s %s", s.name, r.Kind, r.Text)
		}
		var failed []canopy.Ref
		for _, f := range r.Failed {
			failed = append(failed, f.Ref)
			if f.Attr != canopy.AttrMember || f.Code != CodeLinkTarget {
				t.Errorf("%s: got %+v", s.name, f)
			}
		}
		diff(t, s.name+": failed", failed, s.failed)
		diff(t, s.name, held(), s.want)
		changes, _, _ := w.read(cursor, canopy.AttrMember)
		if len(changes) != 1 || changes[0].Kind != canopy.Delta {
			t.Fatalf("%s: the feed gives %+v, want one delta", s.name, changes)
		}
		diff(t, s.name+": told", changes[0].Links[canopy.AttrMember], s.told)
	}
}

func TestManager(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.done(add(canopy.User, "u1", "userPrincipalName", "u1@contoso.com"))
	one := w.done(add(canopy.User, "u2", "userPrincipalName", "u2@contoso.com"))
	two := w.done(add(canopy.Contact, "u3", "displayName", "Two"))
	team := w.done(add(canopy.Group, "u4", "displayName", "Team"))
	manager := func(c canopy.LinkChange) canopy.Export {
		return canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: anna}, Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: c}}
	}
	steps := []struct {
		name string
		e    canopy.Export
		want []canopy.Ref
		fail string
	}{
		{"set", manager(canopy.LinkChange{Added: refs(one)}), refs(one), ""},
		{"replaced", manager(canopy.LinkChange{Added: refs(two)}), refs(two), ""},
		{"by difference", manager(canopy.LinkChange{Added: refs(one), Removed: refs(two)}), refs(one), ""},
		{"a group", manager(canopy.LinkChange{Added: refs(team)}), refs(one), CodeLinkType},
		{"nobody", manager(canopy.LinkChange{Added: refs("nobody")}), refs(one), CodeLinkTarget},
		{"removed", manager(canopy.LinkChange{Removed: refs(one)}), nil, ""},
		{"set again", manager(canopy.LinkChange{Added: refs(one)}), refs(one), ""},
		{"cleared", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: anna}, Clear: []canopy.Attr{canopy.AttrManager}}, nil, ""},
	}
	for _, s := range steps {
		r := w.write(s.e)[0]
		code := ""
		if len(r.Failed) > 0 {
			code = r.Failed[0].Code
		}
		if r.Kind != canopy.Done || code != s.fail {
			t.Errorf("%s: got %+v, want done with %q", s.name, r, s.fail)
		}
		changes, _, _ := w.read(nil)
		for _, c := range changes {
			if c.Anchor == anna {
				diff(t, s.name, c.Links[canopy.AttrManager].Added, s.want)
			}
		}
	}
}
