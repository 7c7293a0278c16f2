package connectortest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

// sharesNoMemory: spoiling what a connector gave, or was given, changes nothing.
func sharesNoMemory(t *testing.T, s *suite) {
	w := s.Words
	p := s.person(t, "mem", canopy.Attrs{w.Text: canopy.Texts("mine"), w.Multi: canopy.Texts("a", "b")})
	s.group(t, "memteam", p)
	before, _ := s.full(t)
	if err := s.Connector.Read(t.Context(), s.request(nil), func(b canopy.Batch) error {
		for i := range b.Changes {
			spoil(&b.Changes[i])
		}
		for i := range b.Cursor {
			b.Cursor[i] = 'x'
		}
		return nil
	}); err != nil {
		t.Fatalf("read: %v", err)
	}
	found := s.search(t, canopy.SearchRequest{Anchor: p.Anchor})
	for i := range found {
		spoil(&found[i])
	}
	d, err := s.Connector.Describe(t.Context())
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	for a := range d.Schema.Attributes {
		d.Schema.Attributes[a] = canopy.AttrType{Type: canopy.Boolean}
	}
	for i := range d.Schema.Classes {
		d.Schema.Classes[i] = "spoilt"
	}
	for k := range d.Values {
		d.Values[k] = "spoilt"
	}
	describe(t, s)
	after, _ := s.full(t)
	after.want(t, "after what was given out was spoilt", before)
	if s.can.Write {
		x := s.Export(w.Person, "memwrite", s.Base)
		x.Set[w.Multi] = canopy.Texts("a", "b")
		r := s.write(t, x)[0]
		for a, v := range x.Set {
			for i := range v {
				v[i] = canopy.Text("spoilt")
			}
			x.Set[a] = v[:0]
		}
		c := s.find(t, r.Anchor)
		if c == nil || !c.Attrs[w.Multi].Equal(canopy.Texts("a", "b")) {
			t.Errorf("after the export was spoilt: got %+v", c)
		}
	}
}

func spoil(c *canopy.Change) {
	for a, v := range c.Attrs {
		for i := range v {
			v[i] = canopy.Text("spoilt")
		}
		c.Attrs[a] = append(v, canopy.Text("more"))
	}
	for a, l := range c.Links {
		for i := range l.Added {
			l.Added[i] = canopy.Ref{Anchor: "spoilt"}
		}
		delete(c.Links, a)
	}
}

// cancel: a context that has ended stops every method, and one that ends during a read stops the read.
func cancel(t *testing.T, s *suite) {
	for i := range s.People {
		s.person(t, fmt.Sprintf("cancel%03d", i), nil)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	never := func(canopy.Batch) error { t.Error("a read with an ended context gave a batch"); return nil }
	if err := s.Connector.Read(ended, s.request(nil), never); !errors.Is(err, context.Canceled) {
		t.Errorf("read with an ended context: got %v, want context.Canceled", err)
	}
	if _, err := s.Connector.Search(ended, canopy.SearchRequest{Anchor: Unknown}); !errors.Is(err, context.Canceled) {
		t.Errorf("search with an ended context: got %v, want context.Canceled", err)
	}
	if s.can.Write {
		x := s.Export(s.Words.Person, "cancelled", s.Base)
		if got, err := s.Connector.Write(ended, []canopy.Export{x}); !errors.Is(err, context.Canceled) || len(got) > 0 {
			t.Errorf("write with an ended context: got %v, %v, want context.Canceled and no results", got, err)
		}
	}
	during, stop := context.WithCancel(t.Context())
	defer stop()
	after, last := 0, false
	err := s.Connector.Read(during, s.request(nil), func(b canopy.Batch) error {
		if during.Err() != nil {
			after++
		}
		last = b.Done
		stop()
		return nil
	})
	if after > 0 {
		t.Errorf("%d batches came after the context had ended", after)
	}
	if !last && !errors.Is(err, context.Canceled) {
		t.Errorf("read whose context ended on the way: got %v, want context.Canceled", err)
	}
}

// callbackError: the callback's error stops the read and comes back.
func callbackError(t *testing.T, s *suite) {
	for i := range s.People {
		s.person(t, fmt.Sprintf("callback%03d", i), nil)
	}
	stop, calls := errors.New("stop here"), 0
	err := s.Connector.Read(t.Context(), s.request(nil), func(canopy.Batch) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls, want the callback's error after one", err, calls)
	}
	s.full(t)
}

// beside: all methods may be called at the same time. It is the race detector that judges.
func beside(t *testing.T, s *suite) {
	for i := range 8 {
		s.person(t, fmt.Sprintf("beside%d", i), nil)
	}
	want, _ := s.full(t)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			m := s.mirror()
			batches := 0
			if err := s.Connector.Read(t.Context(), s.request(nil), func(b canopy.Batch) error {
				batches++
				m.apply(t, b)
				return nil
			}); err != nil {
				t.Errorf("read: %v", err)
			}
			m.want(t, fmt.Sprintf("reader %d", i), want)
		})
		wait.Go(func() {
			if _, err := s.Connector.Search(t.Context(), canopy.SearchRequest{Name: s.Words.Login("beside1")}); err != nil {
				t.Errorf("search: %v", err)
			}
			if _, err := s.Connector.Describe(t.Context()); err != nil {
				t.Errorf("describe: %v", err)
			}
		})
	}
	wait.Wait()
}

// watch: a change is announced, or Unsupported at once.
func watch(t *testing.T, s *suite) {
	p := s.person(t, "watched", canopy.Attrs{s.Words.Text: canopy.Texts("0")})
	ctx, stop := context.WithCancel(within(t))
	defer stop()
	changed, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- s.Connector.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}()
	if !s.can.Watch {
		if err := <-ended; canopy.KindOf(err) != canopy.Unsupported {
			t.Errorf("got %v, want an error of kind unsupported", err)
		}
		return
	}
	// Nothing says when the watch has begun, so the directory is changed until it is noticed.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 1; ; i++ {
		s.Puppet.Modify(t, p, canopy.Attrs{s.Words.Text: canopy.Texts(fmt.Sprint(i))}, nil)
		select {
		case <-changed:
			stop()
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("watch ended with %v, want nil or context.Canceled", err)
			}
			return
		case err := <-ended:
			t.Fatalf("watch ended by itself: %v", err)
		case <-tick.C:
		}
	}
}

// readOnly: a connector that does not write says so.
func readOnly(t *testing.T, s *suite) {
	x := canopy.Export{ID: 1, Op: canopy.Modify, Class: s.Words.Person, Ref: canopy.Ref{Anchor: Unknown},
		Set: canopy.Attrs{s.Words.Text: canopy.Texts("x")}}
	got, err := s.Connector.Write(t.Context(), []canopy.Export{x})
	if k := canopy.KindOf(err); k != canopy.Unsupported && k != canopy.Forbidden || len(got) > 0 {
		t.Errorf("got %v, %v, want no results and an error of kind unsupported or forbidden", got, err)
	}
}
