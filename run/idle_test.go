package run_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// TestFirstCycleLeavesNothing: what the confirming import of a first cycle shows is what was expected, so that the next
// run has no meta to look at.
func TestFirstCycleLeavesNothing(t *testing.T) {
	t.Parallel()
	const people = 60
	b := newPropBenchOf(t, propDir(t, t.TempDir(), people), 1000, "a", "b")
	defer b.close(t)
	for i := range b.forests {
		var s propSite
		for k := range people / 2 {
			mail := fmt.Sprintf("first%d.%d@one.test", i, k)
			s.People = append(s.People, propPerson{Class: canopy.User, Mail: mail, Addresses: []string{"SMTP:" + mail}, Manager: k / 10})
		}
		s.Groups = []propGroup{{Security: true, Members: []int{0, 1, 2, 3, 4}}}
		b.fill(t, i, s)
	}
	b.mustOpen(t)
	first := b.cycle(t, run.Options{})
	if first.Exports.Written < people || first.Exports.Links == 0 || first.Confirm == nil || first.Confirm.Counts.Confirmed < people {
		t.Fatalf("the first cycle wrote %+v, confirmed %+v", first.Exports, first.Confirm)
	}
	for range 2 {
		next := b.cycle(t, run.Options{})
		metas := 0
		for _, tally := range next.Totals.Entries {
			for _, n := range tally {
				metas += n
			}
		}
		if next.Plan != 0 || next.Followed != 0 || metas != 0 {
			t.Errorf("the cycle after the first: plan %d, followed %d, %d entries looked at; want none", next.Plan, next.Followed, metas)
		}
	}
}

// TestIdle: a run in which nothing changed writes the run itself and nothing else, with as many statements for two
// thousand people as for a hundred.
func TestIdle(t *testing.T) {
	t.Parallel()
	sizes := []int{100, 2000}
	if testing.Short() {
		sizes = []int{50, 400}
	}
	var counts []int64
	for _, people := range sizes {
		b := newPropBenchOf(t, propDir(t, t.TempDir(), people), 1000, "a", "b")
		defer b.close(t)
		for i := range b.forests {
			var s propSite
			for k := range people / 2 {
				mail := fmt.Sprintf("idle%d.%d@one.test", i, k)
				s.People = append(s.People, propPerson{Class: canopy.User, Mail: mail, Addresses: []string{"SMTP:" + mail}, Manager: k / 10})
			}
			s.Groups = []propGroup{{Security: true, Members: []int{0, 1, 2, 3, 4}}}
			b.fill(t, i, s)
		}
		var asked atomic.Int64
		b.storeFail = func(string) error { asked.Add(1); return nil }
		b.mustOpen(t)
		b.settle(t)
		path := filepath.Join(b.dir, run.StoreName)
		before, cloud := propTables(t, path, "run", "step", "lease", "counter", "cursor"), propTables(t, filepath.Join(b.dir, run.TenantName))
		for range 2 {
			asked.Store(0)
			r := b.cycle(t, run.Options{})
			if r.Plan != 0 || r.Confirm != nil || r.Exports.Written > 0 {
				t.Errorf("%d people: an idle run made plan %d, wrote %d, confirm %v", people, r.Plan, r.Exports.Written, r.Confirm)
			}
			counts = append(counts, asked.Load())
		}
		if changed := propChanged(before, propTables(t, path, "run", "step", "lease", "counter", "cursor")); len(changed) > 0 {
			t.Errorf("%d people: two idle runs changed the tables %q", people, changed)
		}
		if changed := propChanged(cloud, propTables(t, filepath.Join(b.dir, run.TenantName))); len(changed) > 0 {
			t.Errorf("%d people: two idle runs changed the tenant's tables %q", people, changed)
		}
	}
	for _, n := range counts {
		if n != counts[0] {
			t.Errorf("statements of idle runs of %v people, two each: got %v, want the same for all", sizes, counts)
			break
		}
	}
	t.Logf("%d writing statements for an idle run", counts[0])
}
