package lab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// world is a directory as the steps leave it; it refuses what AD would.
type world struct {
	objects map[string]map[string][]string
	members map[Link]bool
}

func worlds(dirs []Directory) map[string]*world {
	all := map[string]*world{}
	for _, d := range dirs {
		w := &world{objects: map[string]map[string][]string{}, members: map[Link]bool{}}
		for _, o := range d.Objects {
			w.objects[strings.ToLower(o.DN)] = o.Attrs
		}
		for _, l := range d.Links {
			w.members[Link{strings.ToLower(l.DN), l.Attr, strings.ToLower(l.Target)}] = true
		}
		all[d.Name] = w
	}
	return all
}

func (w *world) take(t *rapid.T, s Step) {
	dn, to := strings.ToLower(s.DN), strings.ToLower(s.NewDN)
	if (w.objects[dn] != nil) == (s.Op == StepAdd) {
		t.Fatalf("%+v: there %v", s, s.Op == StepAdd)
	}
	switch s.Op {
	case StepAdd:
		w.objects[dn] = s.Attrs
	case StepDelete:
		delete(w.objects, dn)
		w.links(dn, "")
	case StepMove:
		if w.objects[to] != nil {
			t.Fatalf("%+v: the new DN is taken", s)
		}
		w.objects[to] = w.objects[dn]
		delete(w.objects, dn)
		w.links(dn, to)
	case StepModify:
	}
	for _, l := range append(append([]Link(nil), s.Add...), s.Remove...) {
		if l.DN != s.DN || w.objects[strings.ToLower(l.Target)] == nil {
			t.Fatalf("%+v: link %+v", s, l)
		}
	}
	for _, l := range s.Add {
		k := Link{strings.ToLower(l.DN), l.Attr, strings.ToLower(l.Target)}
		if w.members[k] {
			t.Fatalf("%+v: the link is there", s)
		}
		w.members[k] = true
	}
	for _, l := range s.Remove {
		k := Link{strings.ToLower(l.DN), l.Attr, strings.ToLower(l.Target)}
		if !w.members[k] {
			t.Fatalf("%+v: the link is not there", s)
		}
		delete(w.members, k)
	}
}

// links follows a move, or a deletion.
func (w *world) links(from, to string) {
	for l := range w.members {
		if l.Target == from {
			delete(w.members, l)
			if to != "" {
				w.members[Link{l.DN, l.Attr, to}] = true
			}
		}
	}
}

func TestChurnIsPossible(t *testing.T) {
	t.Parallel()
	kinds := map[ChangeKind]int{}
	rapid.Check(t, func(t *rapid.T) {
		p := Population{Seed: rapid.Uint64().Draw(t, "seed"), People: rapid.IntRange(MinPeople, 150).Draw(t, "people")}
		all, c := worlds(Generate(p)), NewChurn(p)
		for range rapid.IntRange(1, 150).Draw(t, "changes") {
			ch := c.Next()
			if len(ch.Steps) == 0 || ch.Text == "" {
				t.Fatalf("an empty change: %+v", ch)
			}
			if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
				continue // what the directory did not take is not there for the next change
			}
			for _, s := range ch.Steps {
				all[ch.Directory].take(t, s)
			}
			c.Applied(ch)
			kinds[ch.Kind]++
		}
	})
	for _, k := range []ChangeKind{Join, Leave, Delete, Relocate, Marry, Phone, Promotion, Membership} {
		if kinds[k] == 0 {
			t.Errorf("no change of kind %s was made", k)
		}
	}
}

func TestChurnSameSeedSameChanges(t *testing.T) {
	t.Parallel()
	run := func() (list []Change) {
		c := NewChurn(Population{Seed: 5, People: 200})
		for range 200 {
			ch := c.Next()
			c.Applied(ch)
			list = append(list, ch)
		}
		return list
	}
	if d := cmp.Diff(run(), run()); d != "" {
		t.Errorf("the same seed differs (-first +second):\n%s", d)
	}
}
