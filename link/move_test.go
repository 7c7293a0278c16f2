package link_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/link"
)

// through is a directory behind one agent, with a say in what happens on the way.
type through struct {
	canopy.Connector
	read  func(ctx context.Context, n int) error // before the nth batch, from 1
	write func(ctx context.Context) error        // after exports were written
	calls func(req canopy.ReadRequest)
}

func (x *through) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	if x.calls != nil {
		x.calls(req)
	}
	n := 0
	return x.Connector.Read(ctx, req, func(b canopy.Batch) error {
		n++
		if x.read != nil {
			if err := x.read(ctx, n); err != nil {
				return err
			}
		}
		return each(b)
	})
}

func (x *through) Write(ctx context.Context, list []canopy.Export) ([]canopy.Result, error) {
	r, err := x.Connector.Write(ctx, list)
	if x.write != nil {
		err = errors.Join(err, x.write(ctx))
	}
	return r, err
}

// image is what batches told, and what a full read showed.
type image struct {
	objects map[canopy.Anchor]string
	shown   map[canopy.Anchor]bool
	seen    int
	batches []canopy.Batch
}

func (i *image) take(b canopy.Batch) error {
	i.batches = append(i.batches, b)
	if b.Full && (i.shown == nil || b.Anew) {
		i.shown = map[canopy.Anchor]bool{}
	}
	for _, c := range b.Changes {
		i.seen++
		switch {
		case c.Kind == canopy.Deleted || c.Kind == canopy.LeftScope:
			delete(i.objects, c.Anchor)
		default:
			if v, ok := c.Attrs.First("department"); ok {
				i.objects[c.Anchor] = v.Str()
			}
			if i.shown != nil {
				i.shown[c.Anchor] = true
			}
		}
	}
	if b.Done && b.Full {
		for a := range i.objects {
			if !i.shown[a] {
				delete(i.objects, a)
			}
		}
	}
	if b.Done {
		i.shown = nil
	}
	return nil
}

func request(cursor []byte) canopy.ReadRequest {
	return canopy.ReadRequest{Cursor: cursor, Classes: []canopy.Class{canopy.User}, Attrs: []canopy.Attr{"department"}}
}

// people makes n persons.
func people(t *testing.T, m *connectortest.Memory, n int) (all []canopy.Ref) {
	for i := range n {
		all = append(all, m.Create(t, connectortest.Object{Class: canopy.User, Name: fmt.Sprintf("p%03d", i), Attrs: canopy.Attrs{"department": canopy.Texts("1")}}))
	}
	return all
}

// same compares an image with what the directory holds.
func same(t *testing.T, got *image, m *connectortest.Memory) {
	t.Helper()
	want := &image{objects: map[canopy.Anchor]string{}}
	if err := m.Read(t.Context(), request(nil), want.take); err != nil {
		t.Fatal(err)
	}
	if len(want.objects) == 0 || fmt.Sprint(got.objects) != fmt.Sprint(want.objects) {
		t.Errorf("got %d objects, want %d:\ngot  %v\nwant %v", len(got.objects), len(want.objects), got.objects, want.objects)
	}
}

// TestChangesGoOnAtAnotherAgent: an agent dies in the middle of many changes; the other one goes on after the last batch
// that came.
func TestChangesGoOnAtAnotherAgent(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{Batch: 5})
	all := people(t, m, 20)
	r := newRig(t, nil)
	f := r.hub.Forest(memory)
	var mu sync.Mutex
	var asked []string
	dies := &through{Connector: m}
	_, cut := r.agent(dies)
	got := &image{objects: map[canopy.Anchor]string{}}
	if err := f.Read(t.Context(), request(nil), got.take); err != nil {
		t.Fatal(err)
	}
	_, _ = r.agent(&through{Connector: m, calls: func(q canopy.ReadRequest) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, string(q.Cursor))
	}})
	for _, p := range all {
		m.Modify(t, p, canopy.Attrs{"department": canopy.Texts("2")}, nil)
	}
	m.Delete(t, all[3])
	from := got.batches[len(got.batches)-1].Cursor
	got.batches, got.seen = nil, 0
	dies.read = dieAt(3, cut)
	var last []byte
	err := f.Read(t.Context(), request(from), func(b canopy.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		if len(asked) == 0 {
			last = b.Cursor
		}
		return got.take(b)
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, m)
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 1 || asked[0] != string(last) || got.batches[0].Full {
		t.Errorf("the other agent was asked for %q, want what follows %q", asked, last)
	}
}

// dieAt ends an agent before its nth batch.
func dieAt(n int, cut func()) func(context.Context, int) error {
	return func(ctx context.Context, at int) error {
		if at < n {
			return nil
		}
		go cut()
		<-ctx.Done()
		return ctx.Err()
	}
}

// TestImageBeginsAnew: an agent dies in the middle of a complete image, and what it had shown is deleted before the other
// one reads. The rest of an image would not tell of it.
func TestImageBeginsAnew(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{Batch: 5})
	all := people(t, m, 20)
	r := newRig(t, nil)
	dies := &through{Connector: m}
	_, cut := r.agent(dies)
	dies.read = func(ctx context.Context, n int) error {
		if n == 3 {
			m.Delete(t, all[0])
			r.agent(m)
		}
		return dieAt(3, cut)(ctx, n)
	}
	got := &image{objects: map[canopy.Anchor]string{}}
	if err := r.hub.Forest(memory).Read(t.Context(), request(nil), got.take); err != nil {
		t.Fatal(err)
	}
	same(t, got, m)
	var anew []int
	for i, b := range got.batches {
		if b.Anew {
			anew = append(anew, i)
		}
		if !b.Full {
			t.Errorf("batch %d is no part of a complete image", i)
		}
	}
	if !slices.Equal(anew, []int{2}) {
		t.Errorf("batches %v began anew, want the third", anew)
	}
}

// TestSameAgentComesBack: with one agent alone, work waits for it to connect again.
func TestSameAgentComesBack(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{Batch: 5})
	people(t, m, 20)
	r := newRig(t, nil)
	_, key := r.enrol(memory)
	dies := &through{Connector: m}
	cut := r.connect(key, map[canopy.ConnectorID]canopy.Connector{memory: dies})
	dies.read = func(ctx context.Context, n int) error {
		if n < 2 {
			return nil
		}
		go func() {
			cut()
			r.connect(key, map[canopy.ConnectorID]canopy.Connector{memory: m})
		}()
		<-ctx.Done()
		return ctx.Err()
	}
	got := &image{objects: map[canopy.Anchor]string{}}
	if err := r.hub.Forest(memory).Read(t.Context(), request(nil), got.take); err != nil {
		t.Fatal(err)
	}
	same(t, got, m)
}

// TestWriteThatWasCutOff: nobody knows how far the agent came, so each export is to be tried again, and none is told to
// have failed for good.
func TestWriteThatWasCutOff(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	all := people(t, m, 2)
	r := newRig(t, nil)
	dies := &through{Connector: m}
	_, cut := r.agent(dies)
	dies.write = func(ctx context.Context) error { return dieAt(1, cut)(ctx, 1) }
	var list []canopy.Export
	for i, p := range all {
		list = append(list, canopy.Export{ID: canopy.ExportID(i + 1), Op: canopy.Modify, Class: canopy.User, Ref: p, Set: canopy.Attrs{"department": canopy.Texts("3")}})
	}
	got, err := r.hub.Forest(memory).Write(t.Context(), list)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, x := range got {
		if x.Export != list[i].ID || x.Kind != canopy.Later {
			t.Errorf("got %+v, want later", x)
		}
	}
	r.agent(m)
	again, err := r.hub.Forest(memory).Write(t.Context(), list)
	if err != nil || len(again) != 2 || again[0].Kind != canopy.Done || again[1].Kind != canopy.Done {
		t.Errorf("the second time: got %+v, %v", again, err)
	}
}

// TestAgentWithoutControllers: an agent that does not reach its domain controllers gives way to one that does, and an
// error of whoever takes the batches is nobody's but theirs.
func TestAgentWithoutControllers(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	people(t, m, 3)
	r := newRig(t, nil)
	away := &canopy.Error{Kind: canopy.Unreachable, Code: "ad-unreachable", Text: "no domain controller answers"}
	tries := 0
	r.agent(&through{Connector: m, read: func(context.Context, int) error { tries++; return away }})
	f := r.hub.Forest(memory)
	if err := f.Read(t.Context(), request(nil), func(canopy.Batch) error { return nil }); canopy.KindOf(err) != canopy.Unreachable || tries != 1 {
		t.Errorf("with that agent alone: got %v after %d tries", err, tries)
	}
	r.agent(m)
	for range 2 { // each of the two is first once
		got := &image{objects: map[canopy.Anchor]string{}}
		if err := f.Read(t.Context(), request(nil), got.take); err != nil {
			t.Fatal(err)
		}
		same(t, got, m)
	}
	n := 0
	if err := f.Read(t.Context(), request(nil), func(canopy.Batch) error { n++; return away }); !errors.Is(err, away) || n != 1 {
		t.Errorf("got %v after %d calls, want the callback's error after one", err, n)
	}
}

// TestWatchMoves: a watch goes on at another agent, and says that something may have been missed.
func TestWatchMoves(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	all := people(t, m, 1)
	r := newRig(t, nil)
	_, cut := r.agent(m)
	ctx, stop := context.WithCancel(t.Context())
	rings, ended := make(chan struct{}, 1000), make(chan error, 1)
	go func() { ended <- r.hub.Forest(memory).Watch(ctx, func() { rings <- struct{}{} }) }()
	n := 0
	ring := func() {
		r.until("the watch rings", func() bool {
			n++
			m.Modify(t, all[0], canopy.Attrs{"title": canopy.Texts(fmt.Sprint(n))}, nil)
			return len(rings) > 0
		})
		for len(rings) > 0 {
			<-rings
		}
	}
	ring()
	cut()
	<-rings
	r.agent(m)
	ring()
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestWatchWaitsForAnAgent: where there was none, the first one that comes is news.
func TestWatchWaitsForAnAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	rings, ended := make(chan struct{}, 1000), make(chan error, 1)
	go func() { ended <- r.hub.Forest(memory).Watch(ctx, func() { rings <- struct{}{} }) }()
	r.agent(connectortest.NewMemory(connectortest.Options{NoWatch: true}))
	err := <-ended // either it waited, and was told, or the agent was there first
	stop()
	if canopy.KindOf(err) != canopy.Unsupported || len(rings) > 1 {
		t.Errorf("got %v after %d rings", err, len(rings))
	}
}

// TestNoAgent: without an agent nothing hangs.
func TestNoAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *link.HubOptions) { o.Grace = 1 })
	_, err := r.hub.Forest(memory).Describe(t.Context())
	var e *canopy.Error
	if !errors.As(err, &e) || e.Code != "no-agent" || e.Kind != canopy.Unreachable {
		t.Errorf("got %v", err)
	}
}

// TestPanicIsAnAnswer: one request that goes wrong ends no other.
func TestPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	people(t, m, 1)
	r := newRig(t, nil)
	bad := &through{Connector: m, read: func(context.Context, int) error { panic("oh") }}
	id, _ := r.agent(bad)
	err := r.hub.Forest(memory).Read(t.Context(), request(nil), func(canopy.Batch) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "oh") {
		t.Errorf("got %v", err)
	}
	if _, err := r.hub.Forest(memory).Describe(t.Context()); err != nil || r.state(id) != canopy.AgentReady {
		t.Errorf("afterwards: %v", err)
	}
}
