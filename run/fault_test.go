package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// faultStory is a small history: two forests with somebody in both, somebody held back, a group with a nested one, a
// contact, and a user born in the cloud; then people change, come and go.
func faultStory(t *testing.T, b *propBench) (then func()) {
	t.Helper()
	person := func(mail string, manager int) propPerson {
		return propPerson{Class: canopy.User, Mail: mail, Addresses: []string{"SMTP:" + mail}, Manager: manager}
	}
	one := b.fill(t, 0, propSite{People: []propPerson{person("anna@one.test", 1), person("bert@one.test", 9)},
		Groups: []propGroup{{Security: true, Members: []int{0, 1, 3}}, {Mail: true, Members: []int{1}}}})
	rival := person("dora@two.test", 9)
	rival.Addresses = []string{"SMTP:bert@one.test"}
	contact := propPerson{Class: canopy.Contact, Mail: "carl@two.test", Addresses: []string{"SMTP:carl@two.test"}, Manager: 9}
	two := b.fill(t, 1, propSite{People: []propPerson{person("anna@one.test", 1), rival, contact}, Groups: []propGroup{{Security: true, Members: []int{0, 1}}}})
	return func() {
		b.forests[0].Modify(t, one.people[0], canopy.Attrs{"telephoneNumber": canopy.Texts("+49 99"), "displayName": canopy.Texts("Anna B")}, nil)
		b.forests[0].Modify(t, one.groups[0], nil, map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Removed: one.people[1:2]}})
		b.forests[0].Delete(t, one.people[1])
		b.forests[1].Delete(t, two.people[2])
		b.person(t, 1, two, person("emil@two.test", 9))
	}
}

// faultCycles lets the story be lived: its beginning, and what happens then.
func faultCycles(t propTB, b *propBench, then func(), mend func()) (failures int) {
	failures = faultLive(t, b, mend)
	then()
	return failures + faultLive(t, b, mend)
}

// faultLive runs cycles until all is at rest. After each one that fails the product is dropped, as a process is that is
// killed, mend is called, and it begins again.
func faultLive(t propTB, b *propBench, mend func()) (failures int) {
	const most = 20
	for cycles := 0; ; cycles++ {
		rest, err := b.faultCycle()
		if err != nil {
			failures++
			b.drop()
			mend()
			b.unique(t)
		}
		switch {
		case rest:
			return failures
		case cycles > most && err != nil:
			t.Fatalf("failed %d times: %v", failures, err)
		case cycles > most:
			t.Fatalf("not at rest after %d cycles: %s", cycles, b.restless())
		}
	}
}

// faultCycle opens what is not open and runs one cycle; rest tells that nothing was left to do.
func (b *propBench) faultCycle() (rest bool, err error) {
	ctx := context.Background()
	if b.local == nil {
		if err := b.open(ctx); err != nil {
			return false, err
		}
	}
	r, err := b.local.Cycle(ctx, run.Options{})
	if err != nil {
		return false, err
	}
	for _, f := range r.Failures() {
		return false, errors.New(f.Error)
	}
	return run.Sum(r.Totals)+r.Exports.Written+r.Exports.Links+r.Exports.Later+r.Exports.Unconfirmed == 0, nil
}

// faultReference lives the story without faults and tells what comes of it.
func faultReference(t *testing.T, b *propBench, story func(*testing.T, *propBench) func()) string {
	t.Helper()
	defer b.close(t)
	then := story(t, b)
	faultCycles(t, b, then, func() { t.Fatal("a cycle without faults failed") })
	b.compare(t)
	return b.image(t)
}

func faultBench(t *testing.T, dir string) *propBench {
	t.Helper()
	return newPropBench(t, dir, "a", "b")
}

var errFault = errors.New("the disk says no")

// faultStage is one half of the story as it goes without faults.
type faultStage struct {
	dir        string // the files that it begins with; "": none
	second     bool
	statements int64
	end        string
}

// faultStages lives the story without faults and keeps its halves.
func faultStages(t *testing.T) []faultStage {
	t.Helper()
	stages := []faultStage{{}, {dir: t.TempDir(), second: true}}
	for i := range stages {
		s := &stages[i]
		b := faultBegin(t, t.TempDir(), s)
		b.storeFail = func(string) error { atomic.AddInt64(&s.statements, 1); return nil }
		if faultLive(t, b, func() {}) > 0 {
			t.Fatal("a cycle without faults failed")
		}
		b.compare(t)
		s.end = b.image(t)
		b.close(t)
		if i == 0 {
			faultCopy(t, b.dir, stages[1].dir)
		}
	}
	return stages
}

// faultBegin makes a bench that stands where a stage begins.
func faultBegin(t *testing.T, dir string, s *faultStage) *propBench {
	t.Helper()
	b := faultBench(t, dir)
	then := faultStory(t, b)
	if s.second {
		faultCopy(t, s.dir, dir)
		then()
		b.clock.forward(time.Hour)
	}
	return b
}

func faultCopy(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{run.StoreName, run.TenantName} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaultEveryStatement lets the store fail from statement n on, for every n of a small history, drops it as it is and
// goes on with a new one: the end is the same, with one object for each person.
func TestFaultEveryStatement(t *testing.T) {
	t.Parallel()
	for i, s := range faultStages(t) {
		step := int64(1)
		if testing.Short() {
			step = 1 + s.statements/8
		}
		t.Logf("half %d: %d statements", i+1, s.statements)
		const parts = 2
		for part := range int64(parts) {
			t.Run(fmt.Sprintf("half %d, part %d", i+1, part+1), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				for n := 1 + part*step; n <= s.statements && !t.Failed(); n += parts * step {
					faultAt(t, propDir(t, dir, int(n)), &s, n)
				}
			})
		}
	}
}

func faultAt(t *testing.T, dir string, s *faultStage, n int64) {
	t.Helper()
	b := faultBegin(t, dir, s)
	defer b.close(t)
	var asked atomic.Int64
	at := ""
	b.storeFail = func(statement string) error {
		switch i := asked.Add(1); {
		case i < n:
			return nil
		case i == n:
			at = strings.Join(strings.Fields(statement), " ")
		}
		return errFault
	}
	if failures := faultLive(t, b, func() { b.storeFail = nil }); failures == 0 && asked.Load() >= n {
		t.Errorf("statement %d failed and nobody said so: %s", n, at)
	}
	if d := cmp.Diff(s.end, b.image(t)); d != "" {
		t.Errorf("after a failure at statement %d (%s) the end is another (-without +with):\n%s", n, at, d)
	}
	if n%20 == 0 {
		b.quiet(t)
	}
}

// faultCrowd is a story with enough people for the rare faults: 45 in each forest, some in both, and groups of many.
func faultCrowd(t *testing.T, b *propBench) (then func()) {
	t.Helper()
	var sites [2]propSite
	for i := range sites {
		for k := range 45 {
			mail := fmt.Sprintf("p%d.%d@one.test", i, k)
			if k%9 == 0 {
				mail = fmt.Sprintf("both.%d@one.test", k)
			}
			sites[i].People = append(sites[i].People, propPerson{Class: canopy.User, Mail: mail, Addresses: []string{"SMTP:" + mail}, Manager: (k + 1) % 45})
		}
		for g := range 3 {
			sites[i].Groups = append(sites[i].Groups, propGroup{Security: true, Mail: g == 0, Members: []int{g, g + 3, g + 6, g + 9, g + 12, 45 + (g+1)%3}})
		}
	}
	a := b.fill(t, 0, sites[0])
	b.fill(t, 1, sites[1])
	return func() {
		for k, p := range a.people[:20] {
			b.forests[0].Modify(t, p, canopy.Attrs{"telephoneNumber": canopy.Texts(fmt.Sprint("+49 7", k))}, nil)
		}
		b.forests[0].Delete(t, a.people[44])
	}
}

// faultDoor is a connector that fails in ways of its own.
type faultDoor struct {
	canopy.Connector
	mu     sync.Mutex
	writes int
	// lost tells of the nth call of Write how many of its exports are carried out before the answer is lost, -1 for a
	// call that goes well.
	lost func(n, exports int) int
	// cut tells of a read after how many batches it breaks off, -1 for one that does not.
	cut func() int
}

func (f *faultDoor) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	f.mu.Lock()
	f.writes++
	n := f.writes
	f.mu.Unlock()
	if f.lost == nil {
		return f.Connector.Write(ctx, exports)
	}
	carried := f.lost(n, len(exports))
	if carried < 0 {
		return f.Connector.Write(ctx, exports)
	}
	if _, err := f.Connector.Write(ctx, exports[:carried]); err != nil {
		return nil, err
	}
	return nil, &canopy.Error{Kind: canopy.Unreachable, Object: "tenant", Text: "the answer was lost", Next: "try again"}
}

func (f *faultDoor) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	left := -1
	if f.cut != nil {
		left = f.cut()
	}
	return f.Connector.Read(ctx, req, func(b canopy.Batch) error {
		if left == 0 {
			return &canopy.Error{Kind: canopy.Unreachable, Object: "the directory", Text: "died while it was read", Next: "try again"}
		}
		left--
		return each(b)
	})
}

// TestFaultTarget has the tenant refuse or put off some writes, and lose answers: in the end nothing is lost or doubled.
func TestFaultTarget(t *testing.T) {
	t.Parallel()
	want := faultReference(t, faultBench(t, t.TempDir()), faultCrowd)
	every := func(n int, kind canopy.ResultKind) func(*propBench) *atomic.Int64 {
		return func(b *propBench) *atomic.Int64 {
			var failed atomic.Int64
			b.tenantFail = func(i int) canopy.ResultKind {
				if i%n == 0 {
					failed.Add(1)
					return kind
				}
				return canopy.Done
			}
			return &failed
		}
	}
	losing := func(lost func(n, exports int) int) func(*propBench) *atomic.Int64 {
		return func(b *propBench) *atomic.Int64 {
			var failed atomic.Int64
			door := &faultDoor{lost: func(n, exports int) int {
				at := lost(n, exports)
				if at >= 0 {
					failed.Add(1)
				}
				return at
			}}
			b.wrap = func(id canopy.ConnectorID, c canopy.Connector) canopy.Connector {
				if id != canopy.Tenant {
					return c
				}
				door.Connector = c
				return door
			}
			return &failed
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*propBench) *atomic.Int64 // counts what went wrong
	}{
		{"every 40th write is put off", every(40, canopy.Later)},
		{"every 40th write is refused", every(40, canopy.Refused)},
		{"every 7th write is put off", every(7, canopy.Later)},
		{"every 40th write is denied", every(40, canopy.Denied)},
		{"the first answer is lost", losing(func(n, exports int) int { return map[bool]int{true: exports, false: -1}[n == 1] })},
		{"every other answer is lost", losing(func(n, exports int) int { return map[bool]int{true: exports, false: -1}[n%2 == 1] })},
		{"half of a batch is written", losing(func(n, exports int) int { return map[bool]int{true: exports / 2, false: -1}[n%2 == 1] })},
		{"the tenant is away at first", losing(func(n, _ int) int { return map[bool]int{true: 0, false: -1}[n < 4] })},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := faultBench(t, t.TempDir())
			defer b.close(t)
			failed := c.spoil(b)
			then := faultCrowd(t, b)
			for happened := false; ; {
				faultRest(t, b)
				if happened {
					break
				}
				then()
				happened = true
			}
			if failed.Load() == 0 {
				t.Error("nothing went wrong, so nothing is shown")
			}
			b.unique(t)
			b.compare(t)
			if d := cmp.Diff(want, b.image(t)); d != "" {
				t.Errorf("the end is another (-without +with faults):\n%s", d)
			}
			b.quiet(t)
		})
	}
}

// faultRest runs cycles, with days between, until the tenant holds what it should. A cycle may fail; then the product
// begins again.
func faultRest(t *testing.T, b *propBench) {
	t.Helper()
	ctx := context.Background()
	const most = 30
	for range most {
		if b.local == nil {
			b.mustOpen(t)
		}
		r, err := b.local.Cycle(ctx, run.Options{})
		b.unique(t)
		b.clock.forward(25 * time.Hour) // what was refused is tried again after a day
		if err != nil {
			if canopy.KindOf(err) != canopy.Unreachable {
				t.Fatalf("cycle: %v", err)
			}
			b.drop()
			continue
		}
		c, err := b.store.ExportCounts(ctx, canopy.Tenant)
		if err != nil {
			t.Fatal(err)
		}
		if run.Sum(r.Totals)+c.Pending+c.Refused+c.Unconfirmed+c.Links+c.LinksRefused == 0 {
			return
		}
	}
	t.Fatalf("not at rest after %d cycles: %s", most, b.restless())
}

// TestFaultReads breaks reads of sources and tenant off after k batches, for every k: what was read stays, nothing is
// taken for deleted, and the end is the same.
func TestFaultReads(t *testing.T) {
	t.Parallel()
	want := faultReference(t, faultBench(t, t.TempDir()), faultStory)
	for k := range 4 {
		t.Run(fmt.Sprint(k, " batches"), func(t *testing.T) {
			t.Parallel()
			b := faultBench(t, t.TempDir())
			defer b.close(t)
			var mu sync.Mutex
			left := map[canopy.ConnectorID]int{"a": 2, "b": 3, canopy.Tenant: 2}
			b.wrap = func(id canopy.ConnectorID, c canopy.Connector) canopy.Connector {
				return &faultDoor{Connector: c, cut: func() int {
					mu.Lock()
					defer mu.Unlock()
					if left[id]--; left[id] < 0 {
						return -1
					}
					return k
				}}
			}
			then := faultStory(t, b)
			if n := faultCycles(t, b, then, func() {}); k == 0 && n == 0 {
				t.Error("no read was cut off")
			}
			// And once more for the reads that look at everything again.
			mu.Lock()
			left = map[canopy.ConnectorID]int{"a": 1, "b": 1}
			mu.Unlock()
			if _, err := b.local.Cycle(context.Background(), run.Options{Full: true}); err != nil {
				t.Errorf("a full read that is cut off stopped the run: %v", err)
			}
			b.compare(t)
			if d := cmp.Diff(want, b.image(t)); d != "" {
				t.Errorf("the end is another (-without +with faults):\n%s", d)
			}
			b.quiet(t)
		})
	}
}

// TestFaultPlanned drops the product between a plan and its execution, and in the middle of applying it.
func TestFaultPlanned(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	want := faultReference(t, faultBench(t, t.TempDir()), faultStory)
	b := faultBench(t, t.TempDir())
	defer b.close(t)
	then := faultStory(t, b)
	b.mustOpen(t)
	r := b.cycle(t, run.Options{PlanOnly: true})
	if n := len(b.live(t)); n > 0 || run.Sum(r.Totals) == 0 {
		t.Fatalf("a plan of %d writes: the tenant has %d objects, want none", run.Sum(r.Totals), n)
	}
	b.drop()
	b.mustOpen(t)
	if _, err := b.store.Apply(ctx, r.Plan, 2); err != nil {
		t.Fatalf("apply a part: %v", err)
	}
	b.drop()
	b.mustOpen(t)
	b.settle(t)
	then()
	b.settle(t)
	b.compare(t)
	if d := cmp.Diff(want, b.image(t)); d != "" {
		t.Errorf("the end is another (-without +with):\n%s", d)
	}
	tables := propTables(t, filepath.Join(b.dir, "canopy.db"), "run", "step", "lease")
	b.quiet(t)
	if len(tables) == 0 {
		t.Error("the store has no tables")
	}
}
