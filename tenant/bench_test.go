package tenant

import (
	"context"
	"fmt"
	"testing"

	"github.com/canopy-sync/canopy"
)

// person is an export as synchronisation sends it.
func person(n int) canopy.Export {
	name := fmt.Sprintf("person%d", n)
	e := add(canopy.User, fmt.Sprintf("%022d==", n), "userPrincipalName", name+"@contoso.com", "mail", name+"@contoso.com",
		"displayName", "Person "+name, "givenName", "Person", "surname", name, "alias", name, "city", "Graz", "country", "Austria",
		"company", "Contoso", "department", "Sales", "title", "Clerk", "telephoneNumber", "+43 1 234567", "streetAddress", "Main 1",
		"proxyAddresses", "SMTP:"+name+"@contoso.com", "proxyAddresses", "smtp:"+name+"@sales.contoso.com",
		"proxyAddresses", "X500:/o=contoso/cn="+name, "onPremisesSamAccountName", name)
	e.Set[canopy.AttrAccountEnabled] = canopy.Values{canopy.Bool(true)}
	return e
}

func BenchmarkWrite(b *testing.B) {
	for _, d := range []Durability{Durable, Buffered} {
		b.Run(string(d), func(b *testing.B) {
			w := newWorld(b, func(o *Options) { o.Durability, o.NewID = d, nil })
			n := 0
			for b.Loop() {
				batch := make([]canopy.Export, 500)
				for i := range batch {
					n++
					batch[i] = person(n)
				}
				for _, r := range w.write(batch...) {
					if r.Kind != canopy.Done {
						b.Fatal(r.Code, r.Text)
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

func BenchmarkModify(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.Durability, o.NewID = Durable, nil })
	batch := make([]canopy.Export, 500)
	for i := range batch {
		batch[i] = person(i)
	}
	results := w.write(batch...)
	n := 0
	for b.Loop() {
		for i := range batch {
			n++
			batch[i] = modify(results[i].Anchor, "telephoneNumber", fmt.Sprint(n))
		}
		w.write(batch...)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkMember adds and removes one member of a small and of a very large group.
func BenchmarkMember(b *testing.B) {
	for _, size := range []int{10, 250000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newWorld(b, func(o *Options) { o.NewID = nil })
			group := w.done(add(canopy.Group, "R1", "displayName", "All"))
			one := w.done(add(canopy.User, "U1", "userPrincipalName", "one@contoso.com"))
			_, err := w.file.write.ExecContext(context.Background(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				INSERT INTO link (owner, attr, target, state, cloud, seq) SELECT o.id, 'member', 1000000 + i, 1, 0, 1
				FROM object o, n WHERE o.oid = ?`, size, string(group))
			if err != nil {
				b.Fatal(err)
			}
			_, _, cursor := w.read(nil)
			for b.Loop() {
				w.done(members(group, canopy.LinkChange{Added: refs(one)}))
				w.done(members(group, canopy.LinkChange{Removed: refs(one)}))
				_, _, cursor = w.read(cursor)
			}
		})
	}
}

func BenchmarkReadNothing(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.NewID = nil })
	batch := make([]canopy.Export, 5000)
	for i := range batch {
		batch[i] = person(i)
	}
	w.write(batch...)
	_, _, cursor := w.read(nil)
	for b.Loop() {
		w.read(cursor)
	}
}

func BenchmarkReadAll(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.NewID = nil })
	batch := make([]canopy.Export, 5000)
	for i := range batch {
		batch[i] = person(i)
	}
	w.write(batch...)
	n := 0
	for b.Loop() {
		changes, _, _ := w.read(nil)
		n += len(changes)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkForward brings people with a mailbox in a forest to Exchange: what arrives for the first time.
func BenchmarkForward(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.NewID = nil })
	n := 0
	for b.Loop() {
		b.StopTimer()
		batch := make([]canopy.Export, 500)
		for i := range batch {
			n++
			batch[i] = person(n)
			batch[i].Set["msExchMailboxGuid"] = canopy.Values{canopy.Bytes(fmt.Appendf(nil, "%016d", n))}
		}
		w.write(batch...)
		b.StartTimer()
		must(w.Hurry(context.Background(), ""))(b)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}
