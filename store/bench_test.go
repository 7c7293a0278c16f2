package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/canopy-sync/canopy"
)

// crowd makes n people with 40 attributes, a tenth of them managers, and a group for every 50.
func crowd(n int) []canopy.Change {
	out := make([]canopy.Change, 0, n+n/50)
	for i := range n {
		c := canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: personAnchor(i), Parent: "ou-people",
			DN: fmt.Sprintf("CN=Person %d,OU=People,DC=contoso,DC=lab", i), Attrs: make(canopy.Attrs, 40)}
		mail := fmt.Sprintf("person.%d@contoso.lab", i)
		c.Attrs[canopy.AttrMail], c.Attrs[canopy.AttrUPN] = canopy.Texts(mail), canopy.Texts(mail)
		c.Attrs[canopy.AttrAddresses] = canopy.Texts("SMTP:"+mail, fmt.Sprintf("smtp:p%d@contoso.lab", i))
		c.Attrs[canopy.AttrDisplayName] = canopy.Texts(fmt.Sprintf("Person %d", i))
		c.Attrs["sAMAccountName"] = canopy.Texts(fmt.Sprintf("p%d", i))
		c.Attrs["objectGUID"] = canopy.Values{canopy.Bytes(fmt.Appendf(nil, "%016d", i))}
		c.Attrs["userAccountControl"] = canopy.Values{canopy.Int(512)}
		for k := len(c.Attrs); k < 40; k++ {
			c.Attrs[canopy.Attr(fmt.Sprintf("attribute%d", k))] = canopy.Texts(fmt.Sprintf("value %d of person %d", k, i%97))
		}
		c.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Whole: true, Added: []canopy.Ref{{Anchor: personAnchor(i / 10)}}}}
		out = append(out, c)
	}
	for g := range n / 50 {
		c := canopy.Change{Kind: canopy.FullImage, Class: canopy.Group, Anchor: canopy.Anchor(fmt.Sprintf("9%07d-0000-4000-8000-000000000000", g)),
			DN: fmt.Sprintf("CN=Group %d,OU=Groups,DC=contoso,DC=lab", g), Attrs: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(fmt.Sprintf("Group %d", g))}}
		var members []canopy.Ref
		for m := range 100 {
			members = append(members, canopy.Ref{Anchor: personAnchor((g*50 + m) % n)})
		}
		c.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Whole: true, Added: members}}
		out = append(out, c)
	}
	return out
}

func personAnchor(i int) canopy.Anchor {
	return canopy.Anchor(fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(i)*2654435761, i&0xffff, i))
}

func benchWorld(b *testing.B) *world {
	b.Helper()
	at := newClock()
	w := &world{t: b, ctx: context.Background(), path: place(b), at: &at, run: 1}
	var err error
	w.Store, err = Open(w.ctx, w.path, Options{Clock: w.clock, CacheMiB: 32, Search: []canopy.Attr{"sAMAccountName"}})
	w.ok(err)
	for _, c := range connectors() {
		w.ok(w.PutConnector(w.ctx, c))
	}
	return w
}

func (w *world) load(changes []canopy.Change) {
	w.t.Helper()
	const batch = 5000
	w.run++
	for i := 0; i < len(changes); i += batch {
		end := min(i+batch, len(changes))
		_, err := w.Import(w.ctx, ImportRequest{Connector: "contoso.lab", Run: w.run, ScopeHash: "scope", Full: true, Derive: derive,
			Batch: canopy.Batch{Full: true, Changes: changes[i:end], Cursor: []byte("c"), Done: end == len(changes)}})
		w.ok(err)
	}
}

func sizes(b *testing.B, do func(b *testing.B, n int)) {
	for _, n := range []int{10000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { do(b, n) })
	}
}

func rate(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkImport loads a forest for the first time, indexes included.
func BenchmarkImport(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		changes := crowd(n)
		for b.Loop() {
			b.StopTimer()
			w := benchWorld(b)
			b.StartTimer()
			w.load(changes)
			w.ok(w.index(w.ctx))
			b.StopTimer()
			w.ok(w.Close())
			b.StartTimer()
		}
		rate(b, len(changes))
	})
}

// BenchmarkUnchanged imports what is there already.
func BenchmarkUnchanged(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		changes := crowd(n)
		w := benchWorld(b)
		w.load(changes)
		w.ok(w.index(w.ctx))
		for b.Loop() {
			w.load(changes)
		}
		rate(b, len(changes))
		w.ok(w.Close())
	})
}

// BenchmarkPlan makes, keeps and applies a first plan, and records its exports as done.
func BenchmarkPlan(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		changes := crowd(n)
		for b.Loop() {
			b.StopTimer()
			w := benchWorld(b)
			w.load(changes)
			w.ok(w.index(w.ctx))
			items, err := w.items()
			w.ok(err)
			id := get(w.NewPlan(w.ctx, canopy.Plan{}))(w)
			b.StartTimer()
			w.keep(id, items)
			b.StopTimer()
			w.ok(w.Close())
			b.StartTimer()
		}
		rate(b, len(changes))
	})
}

// keep stores, seals and applies items in batches of 500, and answers their exports.
func (w *world) keep(id canopy.PlanID, items []canopy.PlanItem) {
	for i := 0; i < len(items); i += 500 {
		w.ok(w.AddItems(w.ctx, id, items[i:min(i+500, len(items))]))
	}
	w.ok(w.SealPlan(w.ctx, id, canopy.Totals{}, nil, canopy.PlanOpen))
	for done := false; !done; {
		res, err := w.Apply(w.ctx, id, 500)
		w.ok(err)
		done = res.Done
	}
	n := 0
	for _, phase := range []canopy.ExportPhase{canopy.PhaseObjects, canopy.PhaseLinks} {
		for pending := w.PendingExports(canopy.Tenant, phase); ; {
			exports := get(pending.Next(w.ctx, *w.at, 500))(w)
			if len(exports) == 0 {
				break
			}
			results := make([]canopy.Result, len(exports))
			for i, e := range exports {
				results[i] = canopy.Result{Export: e.ID, Kind: canopy.Done}
				if e.Op == canopy.Add {
					n++
					results[i].Anchor = canopy.Anchor(fmt.Sprintf("%08d-1111-4111-8111-%012d", n*7919%100000000, n))
				}
			}
			w.ok(w.RecordResults(w.ctx, w.run, canopy.Tenant, exports, results))
		}
	}
}

// BenchmarkIdle is what a cycle asks in which nothing changed.
func BenchmarkIdle(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		w := benchWorld(b)
		w.load(crowd(n))
		w.ok(w.index(w.ctx))
		w.clean()
		for b.Loop() {
			run := get(w.StartRun(w.ctx, "run", "me"))(w)
			for _, c := range connectors() {
				get(w.Cursor(w.ctx, c.ID))(w)
				_, err := w.Import(w.ctx, ImportRequest{Connector: c.ID, Run: run, ScopeHash: "scope", Derive: derive, Batch: canopy.Batch{Cursor: []byte("c"), Done: true}})
				w.ok(err)
			}
			_, _, err := w.DueCount(w.ctx)
			w.ok(err)
			_, err = w.LatestPlan(w.ctx)
			_ = err
			for phase := range canopy.PhaseLinks + 1 {
				get(w.PendingExports(canopy.Tenant, phase).Next(w.ctx, *w.at, 500))(w)
			}
			get(w.ExportCounts(w.ctx, canopy.Tenant))(w)
			w.ok(w.FinishRun(w.ctx, run, ""))
		}
		w.ok(w.Close())
	})
}

// BenchmarkOneMember adds one member to a group, and takes the change through plan, apply and export.
func BenchmarkOneMember(b *testing.B) {
	for _, n := range []int{10, 250000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := benchWorld(b)
			group := canopy.Change{Kind: canopy.FullImage, Class: canopy.Group, Anchor: "g", DN: "CN=g", Attrs: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("g")}}
			var members []canopy.Ref
			for i := range n {
				members = append(members, canopy.Ref{Anchor: personAnchor(i)})
			}
			group.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Whole: true, Added: members}}
			more := make([]canopy.Change, 2000)
			for i := range more {
				more[i] = person(string(personAnchor(n+i)), fmt.Sprint("more", i))
			}
			w.load(append(more, group))
			items, err := w.items()
			w.ok(err)
			w.keep(get(w.NewPlan(w.ctx, canopy.Plan{}))(w), items)
			i := 0
			for b.Loop() {
				w.read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Class: canopy.Group, Anchor: "g", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {
					Added: []canopy.Ref{{Anchor: personAnchor(n + i%2000)}}}}})
				i++
				items, err := w.items()
				w.ok(err)
				w.keep(get(w.NewPlan(w.ctx, canopy.Plan{}))(w), items)
			}
			w.ok(w.Close())
		})
	}
}
