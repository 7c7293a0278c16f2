package forest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/canopy-sync/canopy"
)

// Server is one domain controller. All its methods may be called from several goroutines.
type Server struct {
	opt       Options
	dir       *directory
	ca        *authority
	tlsConfig *tls.Config
	secure    net.Listener
	plain     net.Listener
	cancel    context.CancelFunc
	wait      sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool

	faultMu  sync.Mutex
	hook     func(Request) Fault
	requests int
}

// Start makes a forest of one domain and serves it until ctx ends or Close is called. What is wrong with the options is
// a *canopy.Error of kind Invalid, an address that is taken one of kind Conflict.
func Start(ctx context.Context, opt Options) (*Server, error) {
	if err := opt.complete(); err != nil {
		return nil, err
	}
	d := newDirectory(&opt)
	if err := d.provision(); err != nil {
		return nil, fmt.Errorf("start forest %s: %w", opt.Domain, err)
	}
	ca, err := newAuthority(opt.Domain)
	if err != nil {
		return nil, fmt.Errorf("start forest %s: %w", opt.Domain, err)
	}
	s := &Server{opt: opt, dir: d, ca: ca}
	if opt.AdminPassword != "" {
		if err := s.SetPassword("CN=Administrator,CN=Users,"+s.Base(), opt.AdminPassword); err != nil {
			return nil, err
		}
	}
	for _, a := range opt.Accounts {
		if err := s.AddAccount(a); err != nil {
			return nil, err
		}
	}
	return s, s.listen(ctx)
}

// listen opens both listeners and begins to serve.
func (s *Server) listen(ctx context.Context) (err error) {
	if s.secure, err = listenOn(ctx, s.opt.Addr); err != nil {
		return err
	}
	if s.plain, err = listenOn(ctx, s.opt.Plain); err != nil {
		s.secure.Close()
		return err
	}
	if s.tlsConfig, err = s.ca.server(s.opt.Host, s.opt.Domain, s.secure.Addr()); err != nil {
		s.secure.Close()
		s.plain.Close()
		return err
	}
	s.conns = map[net.Conn]bool{}
	ctx, s.cancel = context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, s.shut)
	s.wait.Add(2)
	go func() {
		defer s.wait.Done()
		defer stop()
		s.accept(ctx, s.secure, true)
	}()
	go func() {
		defer s.wait.Done()
		s.accept(ctx, s.plain, false)
	}()
	return nil
}

func listenOn(ctx context.Context, addr string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Conflict, Object: addr, Text: "cannot listen", Err: err, Next: "choose another address, or port 0 for a free one"}
	}
	return l, nil
}

// accept takes connections until the listener is closed.
func (s *Server) accept(ctx context.Context, l net.Listener, secure bool) {
	for {
		n, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		if !s.enter(n) {
			n.Close()
			return
		}
		s.wait.Add(1)
		go func() {
			defer s.wait.Done()
			defer s.leave(n)
			c := newConn(s, n, secure)
			if secure {
				t := tls.Server(n, s.tlsConfig)
				if t.HandshakeContext(ctx) != nil {
					return
				}
				c = newConn(s, t, true)
			}
			c.serve(ctx)
		}()
	}
}

func (s *Server) enter(n net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[n] = true
	}
	return !s.closed
}

func (s *Server) leave(n net.Conn) {
	n.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, n)
}

// shut closes listeners and connections.
func (s *Server) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.secure.Close()
	s.plain.Close()
	for n := range s.conns {
		n.Close()
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close ends all connections and waits until nothing of the server is running. The content is lost.
func (s *Server) Close() error {
	s.cancel()
	s.shut()
	s.wait.Wait()
	return nil
}

// Disconnect ends all connections there are; new ones are taken.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.conns {
		n.Close()
	}
}

// URL is where LDAPS is served: "ldaps://127.0.0.1:40123".
func (s *Server) URL() string { return "ldaps://" + s.secure.Addr().String() }

// PlainURL is where LDAP is served, for StartTLS: "ldap://127.0.0.1:40124".
func (s *Server) PlainURL() string { return "ldap://" + s.plain.Addr().String() }

// CA is the certificate that the server's is signed with, as PEM.
func (s *Server) CA() []byte { return slices.Clone(s.ca.pem) }

// Base is the DN of the domain: "DC=contoso,DC=lab".
func (s *Server) Base() string { return s.dir.main.head.dn }

// InvocationID is the GUID that DirSync cookies of this server carry, as dashed text.
func (s *Server) InvocationID() string { return s.dir.self.String() }
