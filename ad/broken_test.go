package ad

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
)

// TestReadOtherController: another controller of the domain makes a full read, and loses nothing; the first one's cursor
// is good for it still.
func TestReadOtherController(t *testing.T) {
	t.Parallel()
	one, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if err := one.Add("CN=x,CN=Users,"+testBase, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"x"}}); err != nil {
		t.Fatal(err)
	}
	old, err := one.Copy(t.Context(), forest.Copy{Restored: true})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := one.Modify("CN=x,CN=Users,"+testBase, forest.Mod{Op: "replace", Attr: "department", Values: []string{"new"}}); err != nil {
		t.Fatal(err)
	}
	two, err := one.Copy(t.Context(), forest.Copy{Host: "dc2"})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	open := func(f ...*forest.Server) *Conn {
		s := &testServer{name: "switch", ca: one.CA()}
		return s.open(t, func(cfg *Config) {
			cfg.Servers = nil
			for _, x := range f {
				cfg.Servers = append(cfg.Servers, x.URL())
			}
		})
	}
	first := read(t, open(one), request(nil))
	if r := read(t, open(two), request(first.cursor)); !r.full {
		t.Error("another controller: got a delta")
	}
	if r := read(t, open(old), request(first.cursor)); !r.full {
		t.Error("a controller that was set back: got a delta")
	}
	// The cursor's controller comes first while it answers, and the next one after it does not.
	both := open(two, one)
	r := read(t, both, request(first.cursor))
	if r.full {
		t.Error("the cursor's controller answers, and another one was read")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	r = read(t, both, request(r.cursor))
	if !r.full || len(r.changes) == 0 {
		t.Errorf("after the controller's end: full %v with %d changes, want a full read of the other one", r.full, len(r.changes))
	}
}

// TestReadBroken: a controller that dies, or falls silent, in the middle is said to be unreachable, and the cursor from
// before is good.
func TestReadBroken(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword, Behave: forest.Behave{DirSyncPage: 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 100 {
		if err := f.Add(fmt.Sprintf("CN=x%d,CN=Users,%s", i, testBase), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {fmt.Sprint("x", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	c := (&testServer{name: "broken", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.Timeout, cfg.BatchSize = 300*time.Millisecond, 10 })
	whole := read(t, c, request(nil))
	for name, fault := range map[string]forest.Fault{"dies": {DropAfter: 5}, "falls silent": {Delay: time.Hour}} {
		var searches int
		f.SetFault(func(r forest.Request) forest.Fault {
			if r.Op == "search" && strings.EqualFold(r.DN, testBase) {
				if searches++; searches > 2 {
					return fault
				}
			}
			return forest.Fault{}
		})
		var batches []canopy.Batch
		err := c.Read(t.Context(), request(nil), func(b canopy.Batch) error {
			batches = append(batches, b)
			return nil
		})
		if canopy.KindOf(err) != canopy.Unreachable || len(batches) == 0 {
			t.Errorf("a controller that %s: got %v after %d batches, want an error of kind unreachable after some", name, err, len(batches))
		}
		for _, b := range batches {
			if b.Done || b.Cursor != nil {
				t.Errorf("a controller that %s: a batch of an incomplete full read has Done %v and a cursor of %d bytes", name, b.Done, len(b.Cursor))
			}
		}
		f.SetFault(nil)
		if r := read(t, c, request(whole.cursor)); r.full || len(r.changes) > 0 {
			t.Errorf("after a controller that %s: full %v, %d changes; want none", name, r.full, len(r.changes))
		}
		if r := read(t, c, request(nil)); len(r.changes) != len(whole.changes) {
			t.Errorf("after a controller that %s: %d changes, want %d", name, len(r.changes), len(whole.changes))
		}
	}
}

// TestReadSlowly: whoever takes the batches may take longer than a controller may be silent.
func TestReadSlowly(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const people = 3000
	for i := range people {
		if err := f.Add(fmt.Sprintf("CN=x%d,CN=Users,%s", i, testBase), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {fmt.Sprint("x", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	const silence = 500 * time.Millisecond
	c := (&testServer{name: "slow", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.Timeout, cfg.BatchSize = silence, 10 })
	seen := 0
	slow := true
	err = c.Read(t.Context(), request(nil), func(b canopy.Batch) error {
		for _, ch := range b.Changes {
			if ch.Class == canopy.User {
				seen++
			}
		}
		if slow {
			slow = false
			select { // what is waited for is the time itself
			case <-time.After(2 * silence):
			case <-t.Context().Done():
			}
		}
		return nil
	})
	if err != nil || seen < people {
		t.Errorf("got %d people and %v, want %d", seen, err, people)
	}
}

// TestReadContext: the end of a context ends a read that hangs.
func TestReadContext(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "hangs", url: f.URL(), ca: f.CA()}).open(t)
	read(t, c, request(nil))
	ctx, cancel := context.WithCancel(t.Context())
	f.SetFault(func(r forest.Request) forest.Fault {
		if strings.EqualFold(r.DN, testBase) {
			cancel()
			return forest.Fault{Delay: time.Hour}
		}
		return forest.Fault{}
	})
	err = c.Read(ctx, request(nil), func(canopy.Batch) error { return nil })
	if err == nil || ctx.Err() == nil {
		t.Errorf("got %v, want the context's error", err)
	}
}
