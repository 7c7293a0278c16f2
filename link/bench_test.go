package link_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/forest"
)

// BenchmarkRead reads a forest directly and over the wire, in turn, and says how many times as long the wire takes.
func BenchmarkRead(b *testing.B) {
	const people = 2000
	f, err := forest.Start(b.Context(), forest.Options{Domain: "memory.test"})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.AddAccount(forest.Account{Name: "reader", Password: "Bench-only-1", Rights: forest.Rights{Replicate: true}}); err != nil {
		b.Fatal(err)
	}
	for i := range people {
		if err := f.Add(fmt.Sprintf("CN=Person %05d,CN=Users,%s", i, f.Base()), map[string][]string{"objectClass": {"top", "person", "organizationalPerson", "user"},
			"sAMAccountName": {fmt.Sprint("p", i)}, "displayName": {fmt.Sprintf("Person %05d", i)}, "telephoneNumber": {fmt.Sprint("+1 555 ", i)},
			"mail": {fmt.Sprintf("person.%d@memory.test", i)}, "department": {fmt.Sprint("Department ", i%40)}, "title": {"Engineer"}}); err != nil {
			b.Fatal(err)
		}
	}
	c, err := ad.Open(ad.Config{Name: "memory.test", Servers: []string{f.URL()}, CA: f.CA(), Bind: ad.Bind{Account: `MEMORY\reader`, Password: "Bench-only-1"}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := newRig(b, nil)
	r.agent(c)
	req := canopy.ReadRequest{Classes: []canopy.Class{canopy.User}, Attrs: []canopy.Attr{"sAMAccountName", "displayName", "telephoneNumber", "mail", "department", "title"}}
	read := func(from canopy.Connector) time.Duration {
		began, n := time.Now(), 0
		if err := from.Read(b.Context(), req, func(x canopy.Batch) error { n += len(x.Changes); return nil }); err != nil {
			b.Fatal(err)
		}
		if n < people {
			b.Fatalf("got %d objects, want %d", n, people)
		}
		return time.Since(began)
	}
	read(c)
	var direct, wire time.Duration
	for b.Loop() {
		direct += read(c)
		wire += read(r.hub.Forest(memory))
	}
	b.ReportMetric(float64(b.N*people)/direct.Seconds(), "direct-objects/s")
	b.ReportMetric(float64(b.N*people)/wire.Seconds(), "wire-objects/s")
	b.ReportMetric(wire.Seconds()/direct.Seconds(), "wire/direct")
}
