package link_test

import (
	"context"
	"crypto/ecdsa"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/auth"
	"github.com/canopy-sync/canopy/link"
)

const memory canopy.ConnectorID = "memory.test"

// patience is for what must happen; nothing is expected not to happen within a time.
const patience = 30 * time.Second

// clock can be set forward.
type clock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += d
}

// rig is a service in a test.
type rig struct {
	t         testing.TB
	auth      *auth.Auth
	authority *link.Authority
	hub       *link.Hub
	clock     *clock
	service   link.Service
	address   string
}

func newRig(t testing.TB, shape func(*link.HubOptions)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{}}
	dir := t.TempDir()
	var err error
	if r.auth, err = auth.Open(t.Context(), filepath.Join(dir, auth.FileName), auth.Options{Clock: r.clock.now, Volatile: true}); err != nil {
		t.Fatal(err)
	}
	if r.authority, err = link.OpenAuthority(dir, r.clock.now()); err != nil {
		t.Fatal(err)
	}
	// Other work on the machine must not look like a stalled agent.
	o := link.HubOptions{Authority: r.authority, Registry: r.auth, Names: []string{"127.0.0.1"}, Clock: r.clock.now, Log: slog.New(slog.DiscardHandler),
		Sweep: time.Hour, Every: time.Hour, Hand: patience, Grace: patience, Pulse: link.Pulse{Idle: patience, Answer: patience}}
	if shape != nil {
		shape(&o)
	}
	r.hub = link.NewHub(o)
	r.hub.Forest(memory)
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = ln.Addr().String()
	r.service = link.Service{URL: "https://" + r.address, Clock: r.clock.now, Timeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.hub.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := r.auth.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// token makes an enrolment token that is good for an hour.
func (r *rig) token(domains ...canopy.ConnectorID) string {
	r.t.Helper()
	token, hash, err := r.authority.NewToken()
	if err == nil {
		err = r.auth.AddToken(r.t.Context(), hash, domains, time.Hour)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

func (r *rig) key() *ecdsa.PrivateKey {
	r.t.Helper()
	key, err := link.NewKey()
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// enrol makes an agent for these forests.
func (r *rig) enrol(domains ...canopy.ConnectorID) (string, *link.Key) {
	r.t.Helper()
	key := r.key()
	made, err := r.service.Enrol(r.t.Context(), r.token(domains...), "host", "1.0", key)
	if err != nil {
		r.t.Fatalf("enrol: %v", err)
	}
	return made.Agent, &link.Key{Private: key, Certificate: made.Certificate, Authority: made.Authority}
}

// connect makes one connection of an agent and answers on it until cut is called.
func (r *rig) connect(k *link.Key, connectors map[canopy.ConnectorID]canopy.Connector) (cut func()) {
	r.t.Helper()
	conn, err := r.service.Connect(r.t.Context(), k)
	if err != nil {
		r.t.Fatalf("connect: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end(connectors, r.clock.now).Serve(ctx, conn, link.Pulse{Idle: patience, Answer: patience})
	}()
	cut = sync.OnceFunc(func() { cancel(); <-ended })
	r.t.Cleanup(cut)
	return cut
}

func end(connectors map[canopy.ConnectorID]canopy.Connector, now func() time.Time) *link.End {
	return &link.End{Connectors: connectors, Clock: now, About: func() link.About {
		a := link.About{Version: "1.0", Host: "host"}
		for name := range connectors {
			a.Forests = append(a.Forests, link.Serving{Forest: name, Reached: []string{"ldaps://dc1"}})
		}
		return a
	}}
}

// agent enrols and connects an agent that serves c as the forest.
func (r *rig) agent(c canopy.Connector) (id string, cut func()) {
	r.t.Helper()
	id, key := r.enrol(memory)
	cut = r.connect(key, map[canopy.ConnectorID]canopy.Connector{memory: c})
	r.until("the agent is ready", func() bool { return r.state(id) == canopy.AgentReady })
	return id, cut
}

func (r *rig) get(id string) canopy.Agent {
	r.t.Helper()
	a, err := r.auth.Agent(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *rig) state(id string) canopy.AgentState {
	a := r.get(id)
	return a.State(r.clock.now())
}

// until waits for what must come.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			r.t.Fatalf("waited in vain until %s", what)
		}
	}
}
