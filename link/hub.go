package link

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/canopy-sync/canopy"
)

// The protocols that a caller names in the TLS handshake. Both are on the one port.
const (
	protoLink  = "canopy-link/1"
	protoEnrol = "canopy-enrol/1"
)

// Registry keeps which agents there are.
type Registry interface {
	// Redeem uses up the enrolment token with this hash and keeps the agent, with the token's domains. An error of kind
	// Credentials: there is no such token, it has expired, or it was used.
	Redeem(ctx context.Context, token [sha256.Size]byte, a canopy.Agent) (canopy.Agent, error)
	// Agent finds an agent; NotFound when there is none.
	Agent(ctx context.Context, id string) (canopy.Agent, error)
	// Renewed keeps until when an agent's newest certificate is good.
	Renewed(ctx context.Context, id string, expires time.Time) error
	// Saw keeps a contact.
	Saw(ctx context.Context, id string, c canopy.AgentContact) error
}

// HubOptions are what a Hub needs. Durations and numbers that are zero have defaults.
type HubOptions struct {
	Authority *Authority
	Registry  Registry
	Names     []string // DNS names and addresses under which agents reach the service
	Clock     func() time.Time
	Log       *slog.Logger
	Pulse     Pulse
	Life      time.Duration // of agents' certificates; 0: AgentLife
	Every     time.Duration // how often an agent is asked how it is; 0: 10 s
	Sweep     time.Duration // how often it is looked whether one was revoked; 0: 1 s
	Hand      time.Duration // how long a caller may take until it is known who it is; 0: 10 s
	Pending   int           // callers that are not known yet, all together; 0: 256
	PerHost   int           // and from one address; 0: 16
	// Grace is how long work waits for an agent when none is there; 0: 10 s.
	Grace time.Duration
}

// Hub is the service's end: it takes agents in and hands out their forests as connectors.
type Hub struct {
	HubOptions

	mu      sync.Mutex
	forests map[canopy.ConnectorID]*Forest
	pending map[string]int // unknown callers by address
	waiting int
	cert    *tls.Certificate
}

// NewHub makes a hub. Agents are let in once it serves.
func NewHub(o HubOptions) *Hub {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Life, AgentLife)
	def(&o.Every, 10*time.Second)
	def(&o.Sweep, time.Second)
	def(&o.Hand, 10*time.Second)
	def(&o.Grace, 10*time.Second)
	if o.Pending <= 0 {
		o.Pending = 256
	}
	if o.PerHost <= 0 {
		o.PerHost = 16
	}
	return &Hub{HubOptions: o, forests: map[canopy.ConnectorID]*Forest{}, pending: map[string]int{}}
}

// Forest is a forest as a connector, whichever agents serve it. The same name gives the same connector.
func (h *Hub) Forest(name canopy.ConnectorID) *Forest {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.forests[name]
	if f == nil {
		f = &Forest{name: name, grace: h.Grace, changed: make(chan struct{})}
		h.forests[name] = f
	}
	return f
}

// known is the forest of that name, nil when the service reads none of it through agents.
func (h *Hub) known(name canopy.ConnectorID) *Forest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.forests[name]
}

// Serve takes callers in until ctx ends, and waits for what it began.
func (h *Hub) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() }) // Accept has its error
	defer stop()
	for {
		conn, err := ln.Accept()
		var soon interface{ Timeout() bool }
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.As(err, &soon) && soon.Timeout():
			continue
		case err != nil:
			return fmt.Errorf("take agents in: %w", err)
		}
		leave, ok := h.enter(conn)
		if !ok {
			_ = conn.Close() // there are too many of them; an agent comes again
			continue
		}
		busy.Go(func() {
			defer leave()
			if err := h.caller(ctx, conn, leave); err != nil && ctx.Err() == nil {
				h.Log.Info("caller turned away", "address", conn.RemoteAddr().String(), "error", err)
			}
		})
	}
}

// enter counts a caller among those that are not known yet; leave, which may be called again, counts it out.
func (h *Hub) enter(conn net.Conn) (leave func(), ok bool) {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		host = conn.RemoteAddr().String()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting >= h.Pending || h.pending[host] >= h.PerHost {
		return nil, false
	}
	h.waiting++
	h.pending[host]++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waiting--
		if h.pending[host]--; h.pending[host] == 0 {
			delete(h.pending, host)
		}
	}), true
}

// tlsConfig asks for a certificate, and does without one only where a token takes its place.
func (h *Hub) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: h.Authority.pool(), Time: h.Clock,
		NextProtos: []string{protoLink, protoEnrol}, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.certificate() }}
}

// certificate is the service's own, made again when a third of its life is left.
func (h *Hub) certificate() (*tls.Certificate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Clock()
	if h.cert == nil || h.cert.Leaf.NotAfter.Sub(now) < serverLife/3 || now.Before(h.cert.Leaf.NotBefore) {
		c, err := h.Authority.server(h.Names, now)
		if err != nil {
			return nil, err
		}
		h.cert = c
	}
	return h.cert, nil
}

// caller finds out who calls, and serves it.
func (h *Hub) caller(ctx context.Context, raw net.Conn, known func()) error {
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // whoever reads has its error
	defer stop()
	conn := tls.Server(raw, h.tlsConfig())
	defer func() { _ = conn.Close() }() // it is at its end, whatever it says
	if err := raw.SetDeadline(time.Now().Add(h.Hand)); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	state := conn.ConnectionState()
	id := ""
	if len(state.PeerCertificates) > 0 {
		var err error
		if id, err = agentOf(state.PeerCertificates[0]); err != nil {
			return err
		}
	}
	switch {
	case state.NegotiatedProtocol == protoEnrol:
		return h.enrol(ctx, conn, id)
	case state.NegotiatedProtocol != protoLink:
		return errors.New("the caller speaks no protocol of the service")
	case id == "":
		return errors.New("the caller shows no certificate")
	}
	agent, err := h.admit(ctx, id)
	if err != nil {
		return err
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clear the deadline: %w", err)
	}
	cc, closed, err := carry(conn, h.Pulse)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	s := &session{hub: h, agent: agent, carry: cc, closed: closed, expires: state.PeerCertificates[0].NotAfter, address: raw.RemoteAddr().String()}
	return s.serve(ctx, known)
}

// admit is the agent of a certificate, as long as it may come in.
func (h *Hub) admit(ctx context.Context, id string) (canopy.Agent, error) {
	a, err := h.Registry.Agent(ctx, id)
	if err != nil {
		return a, err
	}
	if !a.Revoked.IsZero() {
		return a, &canopy.Error{Kind: canopy.Credentials, Code: "agent-revoked", Object: id, Text: "the agent was revoked",
			Next: "if it is to come back, enrol it again with a new token"}
	}
	return a, nil
}

// session is one connection of one agent.
type session struct {
	hub     *Hub
	agent   canopy.Agent
	carry   *http2.ClientConn
	closed  <-chan struct{}
	expires time.Time
	address string
	version int // of the wire
}

func (s *session) remote(forest canopy.ConnectorID) *Remote {
	return &Remote{Carry: s.carry, Agent: s.agent.ID, Forest: forest}
}

// serve keeps an agent at the forests that it may serve, until its connection ends, its certificate does, or it is revoked.
func (s *session) serve(ctx context.Context, known func()) (err error) {
	h := s.hub
	defer func() { err = errors.Join(err, s.carry.Close()) }()
	contact, err := s.ask(ctx)
	if err != nil {
		return fmt.Errorf("agent %s: %w", s.agent.ID, err)
	}
	known()
	joined := s.join(&contact)
	log := h.Log.With("agent", s.agent.ID, "host", contact.Host)
	log.Info("agent ready", "version", contact.Version, "address", s.address)
	defer func() {
		for _, f := range joined {
			f.leave(s)
		}
		contact.Open = false
		err = errors.Join(err, h.Registry.Saw(context.WithoutCancel(ctx), s.agent.ID, contact))
		log.Info("agent gone")
	}()
	if err := h.Registry.Saw(ctx, s.agent.ID, contact); err != nil {
		return err
	}
	every, sweep := time.NewTicker(h.Every), time.NewTicker(h.Sweep)
	defer every.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return nil
		case <-sweep.C:
			if _, err := h.admit(ctx, s.agent.ID); err != nil {
				return err
			}
			if h.Clock().After(s.expires) {
				return &canopy.Error{Kind: canopy.Credentials, Code: "agent-expired", Object: s.agent.ID, Text: "the agent's certificate has expired",
					Next: "it renews by itself as long as it is good; now enrol it again"}
			}
		case <-every.C:
			next, err := s.ask(ctx)
			if err != nil {
				return err
			}
			for i := range next.Forests {
				next.Forests[i].Refused = s.refused(next.Forests[i].Forest)
			}
			contact = next
			if err := h.Registry.Saw(ctx, s.agent.ID, contact); err != nil {
				return err
			}
		}
	}
}

// ask asks the agent how it is.
func (s *session) ask(ctx context.Context) (canopy.AgentContact, error) {
	ctx, cancel := context.WithTimeout(ctx, s.hub.Hand)
	defer cancel()
	before := s.hub.Clock()
	about, err := s.remote("").About(ctx)
	after := s.hub.Clock()
	if err != nil {
		return canopy.AgentContact{}, err
	}
	if s.version = min(about.Newest, Newest); s.version < max(about.Oldest, Oldest) {
		return canopy.AgentContact{}, &canopy.Error{Kind: canopy.Unsupported, Code: "agent-version", Object: s.agent.ID,
			Text: fmt.Sprintf("the agent (%s) speaks versions %d to %d of the wire, the service %d to %d", about.Version, about.Oldest, about.Newest, Oldest, Newest),
			Next: "bring the older of the two to the other's version"}
	}
	c := canopy.AgentContact{At: after, Open: true, Version: about.Version, Host: about.Host, Address: s.address,
		Skew: about.Time.Sub(before.Add(after.Sub(before) / 2)).Round(time.Millisecond)}
	for _, f := range about.Forests {
		c.Forests = append(c.Forests, canopy.Served{Forest: f.Forest, Reached: f.Reached})
	}
	return c, nil
}

// refused says why an agent may not serve a forest here, "" when it may.
func (s *session) refused(forest canopy.ConnectorID) string {
	switch {
	case !s.agent.May(forest):
		return "the agent was not enrolled for it"
	case s.hub.known(forest) == nil:
		return "the service reads no forest of that name through agents"
	}
	return ""
}

// join puts the agent to work at the forests that it offers and may serve.
func (s *session) join(c *canopy.AgentContact) []*Forest {
	var joined []*Forest
	for i := range c.Forests {
		x := &c.Forests[i]
		if x.Refused = s.refused(x.Forest); x.Refused != "" {
			s.hub.Log.Warn("forest refused", "agent", s.agent.ID, "connector", x.Forest, "reason", x.Refused)
			continue
		}
		f := s.hub.known(x.Forest)
		f.enter(s)
		joined = append(joined, f)
	}
	return joined
}
