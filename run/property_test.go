package run_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// propShuffled reads a directory in another order, in batches of other sizes, and is cut off a few times before it is
// read to the end.
type propShuffled struct {
	canopy.Connector
	rng  *rand.Rand
	cuts int
}

func (s *propShuffled) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	var all []canopy.Change
	var last canopy.Batch
	err := s.Connector.Read(ctx, req, func(b canopy.Batch) error {
		all, last = append(all, b.Changes...), b
		return nil
	})
	if err != nil {
		return err
	}
	if last.Full { // a delta's order means something
		s.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for n := 0; ; n++ {
		if s.cuts > 0 && s.rng.IntN(3) == 0 {
			s.cuts--
			return &canopy.Error{Kind: canopy.Unreachable, Object: "the directory", Text: "was cut off"}
		}
		size := min(len(all), s.rng.IntN(9))
		b := canopy.Batch{Full: last.Full, Changes: all[:size:size]}
		if all = all[size:]; len(all) == 0 {
			b.Cursor, b.Done = last.Cursor, true
		}
		if err := each(b); err != nil || b.Done {
			return err
		}
	}
}

// TestPropertyOrder: whatever order and batches the directories are read in before the first plan, and however often
// reading is cut off, metaverse and tenant come out the same, and as the oracle wants them.
func TestPropertyOrder(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		sites := rapid.SliceOfN(propSites(5), 2, 3).Draw(r, "sites")
		seed := rapid.Uint64().Draw(r, "seed")
		var images []string
		for shuffled := range 2 {
			n++
			b := newPropBench(t, propDir(t, dir, n), []string{"a", "b", "c"}[:len(sites)]...)
			defer b.close(r)
			for i, s := range sites {
				b.fill(r, i, s)
			}
			var doors []*propShuffled
			if shuffled > 0 {
				rng := rand.New(rand.NewPCG(seed, 1))
				b.wrap = func(id canopy.ConnectorID, c canopy.Connector) canopy.Connector {
					if id == canopy.Tenant {
						return c
					}
					doors = append(doors, &propShuffled{Connector: c, rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), cuts: rng.IntN(3)})
					return doors[len(doors)-1]
				}
			}
			b.mustOpen(r)
			for refused := 0; ; refused++ {
				_, err := b.local.Cycle(context.Background(), run.Options{})
				if err == nil {
					break
				}
				if canopy.KindOf(err) != canopy.Unsafe || refused > 9 {
					r.Fatalf("a cycle with forests that are cut off: %v", err)
				}
			}
			for _, d := range doors {
				d.cuts = 0
			}
			b.settle(r)
			b.compare(r)
			b.unique(r)
			images = append(images, b.image(r))
		}
		if d := cmp.Diff(images[0], images[1]); d != "" {
			r.Fatalf("another order of reading gives something else (-in order +shuffled):\n%s", d)
		}
	})
}

// propLife is what happens in the directories of a bench.
type propLife struct {
	b    *propBench
	made []*propMade
	mail []map[canopy.Anchor]string // of the people, by forest
	gone map[canopy.Anchor]bool
}

func newPropLife(t propTB, b *propBench, sites []propSite) *propLife {
	l := &propLife{b: b, gone: map[canopy.Anchor]bool{}}
	for i, s := range sites {
		m := b.fill(t, i, s)
		l.made, l.mail = append(l.made, m), append(l.mail, map[canopy.Anchor]string{})
		for k, p := range s.People {
			l.mail[i][m.people[k].Anchor] = p.Mail
		}
	}
	return l
}

// alone tells whether nobody else has the person's mail, so that joins are not concerned when it comes or goes.
func (l *propLife) alone(i int, who canopy.Ref) bool {
	mine, n := l.mail[i][who.Anchor], 0
	for _, all := range l.mail {
		for _, m := range all {
			if m == mine {
				n++
			}
		}
	}
	return mine == "" || mine == propOwn || n == 1
}

// step lets one thing happen, drawn by r.
func (l *propLife) step(r *rapid.T, t *testing.T) {
	i := rapid.IntRange(0, len(l.made)-1).Draw(r, "forest")
	made, m := l.made[i], l.b.forests[i]
	living := slices.DeleteFunc(slices.Clone(made.people), func(p canopy.Ref) bool { return l.gone[p.Anchor] })
	what := rapid.SampledFrom([]string{"phone", "name", "switch", "move", "delete", "join", "member", "manager", "address", "group"}).Draw(r, "what")
	if what == "join" || len(living) == 0 {
		p := propPeople().Draw(r, "person")
		p.Mail, p.Out = "", false
		p.Addresses = slices.DeleteFunc(p.Addresses, func(a string) bool { return strings.HasPrefix(a, "SMTP:") })
		l.mail[i][l.b.person(r, i, made, p).Anchor] = ""
		return
	}
	who := living[rapid.IntRange(0, len(living)-1).Draw(r, "who")]
	set := func(a canopy.Attr, v ...canopy.Value) { m.Modify(t, who, canopy.Attrs{a: v}, nil) }
	number := rapid.IntRange(0, 99).Draw(r, "number")
	switch what {
	case "phone":
		set("telephoneNumber", canopy.Text(fmt.Sprint("+49 ", number)))
	case "name":
		set("displayName", canopy.Text(fmt.Sprint("Name ", number)))
	case "switch":
		set("userAccountControl", canopy.Int(int64(512+2*(number%2))))
	case "address":
		list := canopy.Texts(fmt.Sprintf("smtp:%s%d@two.test", l.b.names[i], number))
		if mail := l.mail[i][who.Anchor]; strings.Contains(mail, "@") { // the oracle knows of no main address but this
			list = append(list, canopy.Text("SMTP:"+mail))
		}
		set("proxyAddresses", list...)
	case "manager":
		l.link(t, i, who, canopy.AttrManager, living[number%len(living)], true)
	case "member":
		if len(made.groups) > 0 {
			l.link(t, i, made.groups[number%len(made.groups)], canopy.AttrMember, who, number < 60)
		}
	case "group":
		g := l.b.group(r, i, made, propGroups().Draw(r, "group"))
		l.link(t, i, g, canopy.AttrMember, who, true)
	case "move":
		if l.alone(i, who) {
			name, _, _ := strings.Cut(strings.TrimPrefix(who.DN, "CN="), ",")
			m.Move(t, who, name, []canopy.Ref{made.in, made.out}[number%2])
		}
	case "delete":
		if l.alone(i, who) {
			m.Delete(t, who)
			l.gone[who.Anchor] = true
			delete(l.mail[i], who.Anchor)
		}
	}
}

func (l *propLife) link(t *testing.T, i int, owner canopy.Ref, attr canopy.Attr, to canopy.Ref, on bool) {
	c := canopy.LinkChange{Added: []canopy.Ref{to}, Whole: attr == canopy.AttrManager}
	if !on {
		c = canopy.LinkChange{Removed: []canopy.Ref{to}}
	}
	l.b.forests[i].Modify(t, owner, nil, map[canopy.Attr]canopy.LinkChange{attr: c})
}

// TestPropertyOracle: random directories, and whatever happens in them over several cycles, end with the tenant that the
// oracle wants, after which nothing is left to do.
func TestPropertyOracle(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		sites := rapid.SliceOfN(propSites(6), 1, 3).Draw(r, "sites")
		b := newPropBench(t, propDir(t, dir, n), []string{"a", "b", "c"}[:len(sites)]...)
		defer b.close(r)
		life := newPropLife(r, b, sites)
		b.mustOpen(r)
		for round := range rapid.IntRange(1, 4).Draw(r, "rounds") {
			if round > 0 {
				for range rapid.IntRange(1, 6).Draw(r, "steps") {
					life.step(r, t)
				}
			}
			b.settle(r)
			b.compare(r)
			b.unique(r)
		}
		b.quiet(r)
		b.compare(r)
	})
}

// TestPropertyPreview: a preview tells what the plan would be and leaves every table as it was.
func TestPropertyPreview(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		ctx := context.Background()
		sites := rapid.SliceOfN(propSites(5), 1, 2).Draw(r, "sites")
		b := newPropBench(t, propDir(t, dir, n), []string{"a", "b"}[:len(sites)]...)
		defer b.close(r)
		life := newPropLife(r, b, sites)
		b.mustOpen(r)
		if rapid.Bool().Draw(r, "not the first") {
			b.settle(r)
			for range 3 {
				life.step(r, t)
			}
		}
		planned := b.cycle(r, run.Options{PlanOnly: true})
		b.view(r)
		for _, file := range []string{"canopy.db", "tenant.db"} {
			before := propTables(r, b.dir+"/"+file)
			items := 0
			totals, err := b.local.Preview(ctx, run.Options{}, func(part []canopy.PlanItem) error { items += len(part); return nil })
			if err != nil {
				r.Fatalf("preview: %v", err)
			}
			if changed := propChanged(before, propTables(r, b.dir+"/"+file)); len(changed) > 0 {
				r.Fatalf("a preview of %d items changed tables of %s: %q", items, file, changed)
			}
			if d := cmp.Diff(planned.Totals, totals); planned.Plan != 0 && d != "" {
				r.Fatalf("the preview has other totals than the plan (-plan +preview):\n%s", d)
			}
		}
	})
}

// view opens and closes a view: the first one ever makes the indexes that a first load is spared.
func (b *propBench) view(t propTB) {
	t.Helper()
	v, err := b.store.View(context.Background())
	if err == nil {
		err = v.Close()
	}
	if err != nil {
		t.Fatalf("view: %v", err)
	}
}

// propCount counts what is written.
type propCount struct {
	canopy.Connector
	mu      sync.Mutex
	deletes map[canopy.Class]int
	all     int
}

func (c *propCount) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	c.mu.Lock()
	for _, x := range exports {
		c.all++
		if x.Op == canopy.Delete {
			c.deletes[x.Class]++
		}
	}
	c.mu.Unlock()
	return c.Connector.Write(ctx, exports)
}

func (c *propCount) reset() { c.deletes, c.all = map[canopy.Class]int{}, 0 }

// TestPropertyGuard: a run never deletes more than the guard allows: it writes nothing at all, until a person approves
// that very plan.
func TestPropertyGuard(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		ctx := context.Background()
		sites := rapid.SliceOfN(propSites(7), 1, 2).Draw(r, "sites")
		b := newPropBench(t, propDir(t, dir, n), []string{"a", "b"}[:len(sites)]...)
		defer b.close(r)
		count := &propCount{}
		b.wrap = func(id canopy.ConnectorID, c canopy.Connector) canopy.Connector {
			if id == canopy.Tenant {
				count.Connector = c
				return count
			}
			return c
		}
		life := newPropLife(r, b, sites)
		b.mustOpen(r)
		count.reset()
		b.settle(r)
		most := rapid.IntRange(0, 3).Draw(r, "most")
		b.local.Limits = engine.Limits{canopy.RegretDelete: {Number: most}}
		for i, m := range life.made {
			for _, p := range slices.Concat(m.people, m.groups) {
				if rapid.Bool().Draw(r, "goes") {
					b.forests[i].Delete(t, p)
				}
			}
		}
		before := b.cloud(r)
		count.reset()
		report := b.cycle(r, run.Options{})
		for class, deleted := range count.deletes {
			if deleted > most {
				r.Fatalf("deleted %d of class %s, the guard allows %d", deleted, class, most)
			}
		}
		if len(report.Stopped) == 0 {
			return
		}
		if count.all > 0 || b.cloud(r) != before {
			r.Fatalf("a stopped plan wrote %d exports", count.all)
		}
		if _, err := b.local.Execute(ctx, report.Plan, run.Options{}); canopy.KindOf(err) != canopy.Unsafe {
			r.Fatalf("executing a stopped plan: got %v, want an error of kind %v", err, canopy.Unsafe)
		}
		again := b.cycle(r, run.Options{})
		if len(again.Stopped) == 0 || count.all > 0 {
			r.Fatalf("the next run: stopped %v, wrote %d; want the same stop", again.Stopped, count.all)
		}
		if err := b.store.DecidePlan(ctx, again.Plan, canopy.PlanApproved, "test", "meant"); err != nil {
			r.Fatalf("approve: %v", err)
		}
		if _, err := b.local.Execute(ctx, again.Plan, run.Options{}); err != nil {
			r.Fatalf("execute the approved plan: %v", err)
		}
		if len(count.deletes) == 0 {
			r.Fatalf("the approved plan deleted nothing")
		}
	})
}

// TestPropertyForeign: objects that were born in the tenant and match nobody are never changed nor deleted, those that
// match are taken over and never doubled.
func TestPropertyForeign(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		sites := rapid.SliceOfN(propSites(5), 1, 2).Draw(r, "sites")
		b := newPropBench(t, propDir(t, dir, n), []string{"a", "b"}[:len(sites)]...)
		defer b.close(r)
		life := newPropLife(r, b, sites)
		b.mustOpen(r)
		own := b.foreign(r, rapid.SliceOfN(propMail(), 1, 5).Draw(r, "addresses"), rapid.Bool().Draw(r, "primary"))
		b.settle(r)
		b.unique(r)
		b.untouched(r, own)
		for i, m := range life.made {
			for _, p := range slices.Concat(m.people, m.groups) {
				b.forests[i].Delete(t, p)
			}
		}
		b.settle(r)
		b.untouched(r, own)
		if left := slices.DeleteFunc(b.live(r), func(c canopy.Change) bool { return c.Attrs.Text(canopy.AttrSourceAnchor) == "" }); len(left) > 0 {
			r.Fatalf("%d synced objects are left when all sources are gone: %+v", len(left), left[0])
		}
	})
}

// foreign makes cloud-born users that hold these addresses.
func (b *propBench) foreign(t propTB, addresses []string, primary bool) map[canopy.Anchor]*tenant.Object {
	t.Helper()
	ctx := context.Background()
	own := map[canopy.Anchor]*tenant.Object{}
	for i, a := range slices.Compact(slices.Sorted(slices.Values(addresses))) {
		upn := fmt.Sprintf("cloud%d@prop.onmicrosoft.com", i)
		list := canopy.Texts("SMTP:"+upn, "smtp:"+a)
		if primary {
			list = canopy.Texts("SMTP:"+a, "smtp:"+upn)
		}
		id, err := b.tenant.Admin().CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts(upn), canopy.AttrDisplayName: canopy.Texts("Cloud " + a),
			canopy.AttrAddresses: list, canopy.AttrAccountEnabled: {canopy.Bool(true)}})
		if err != nil {
			t.Fatalf("make a cloud user: %v", err)
		}
		if own[id], err = b.tenant.Admin().Get(ctx, id); err != nil {
			t.Fatalf("read a cloud user: %v", err)
		}
	}
	return own
}

// untouched fails when a cloud-born object that was not taken over is another than before, and forgets those that were.
func (b *propBench) untouched(t propTB, own map[canopy.Anchor]*tenant.Object) {
	t.Helper()
	for id, before := range own {
		now, err := b.tenant.Admin().Get(context.Background(), id)
		if err != nil {
			t.Fatalf("read the cloud user %s: %v", before.Attrs.Text(canopy.AttrUPN), err)
		}
		if now.Synced {
			delete(own, id)
			continue
		}
		now.Groups, before.Groups = nil, nil
		if d := cmp.Diff(before, now, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })); d != "" {
			t.Fatalf("a cloud-born object changed (-before +after):\n%s", d)
		}
	}
}
