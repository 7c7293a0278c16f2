package ad

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/e2e/samba"
	"github.com/canopy-sync/canopy/forest"
)

// counted counts who connects to an address, and never answers.
func counted(t *testing.T, addr string, contacts *atomic.Int32) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			contacts.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr()
}

// gate leads to a server until it is shut.
type gate struct {
	url string
	l   net.Listener
	mu  sync.Mutex
	all []net.Conn
	run sync.WaitGroup
}

func newGate(t *testing.T, url string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{l: l, url: "ldaps://" + l.Addr().String()}
	g.run.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.TrimPrefix(url, "ldaps://"))
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.all = append(g.all, in, out)
			g.mu.Unlock()
			for _, p := range [][2]net.Conn{{in, out}, {out, in}} {
				g.run.Go(func() {
					_, _ = io.Copy(p[0], p[1])
					_ = p[0].Close()
				})
			}
		}
	})
	t.Cleanup(g.shut)
	return g
}

func (g *gate) shut() {
	_ = g.l.Close()
	g.mu.Lock()
	for _, c := range g.all {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.run.Wait()
}

// TestStrict: with Strict no controller is contacted that was not named, though the directory knows it and the named one
// has died; nor is one looked up. Without Strict that one is tried.
func TestStrict(t *testing.T) {
	t.Parallel()
	s := needServer(t, "samba", theSamba)
	other := samba.NetAD.IP(77)
	var contacts atomic.Int32
	for _, port := range []string{"53", "88", "389", "636", "3268", "3269"} {
		counted(t, net.JoinHostPort(other, port), &contacts)
	}
	q := ldap.NewAddRequest("CN=DC7,OU=Domain Controllers,"+testBase, nil)
	for name, v := range map[string]string{"objectClass": "computer", "sAMAccountName": "DC7$", "userAccountControl": "8192", "dNSHostName": other} {
		q.Attribute(name, []string{v})
	}
	if err := s.admin.Add(q); err != nil {
		t.Fatal(err)
	}
	for _, strict := range []bool{true, false} {
		contacts.Store(0)
		var asked atomic.Int32
		g := newGate(t, s.url)
		c := s.open(t, func(cfg *Config) {
			cfg.Strict, cfg.Servers, cfg.Base, cfg.ServerName = strict, []string{g.url}, []string{testBase}, s.dc.IP()
			cfg.Lookup = func(context.Context, string) ([]string, error) {
				asked.Add(1)
				return []string{other}, nil
			}
		})
		cursor := read(t, c, request(nil)).cursor
		if _, err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if contacts.Load() > 0 {
			t.Errorf("strict %v: the other controller was contacted while the named one answered", strict)
		}
		if want := "ldaps://" + other + ":636"; slices.Contains(c.learned, want) == strict {
			t.Errorf("strict %v: learned %v", strict, c.learned)
		}
		g.shut()
		for what, do := range map[string]func() error{
			"read":     func() error { return c.Read(t.Context(), request(cursor), func(canopy.Batch) error { return nil }) },
			"describe": func() error { _, err := c.Describe(t.Context()); return err },
		} {
			if err := do(); canopy.KindOf(err) != canopy.Unreachable {
				t.Errorf("strict %v, %s: got %v, want an error of kind unreachable", strict, what, err)
			}
		}
		if got := contacts.Load() > 0; got == strict {
			t.Errorf("strict %v: the other controller was contacted %d times", strict, contacts.Load())
		}
		if got := asked.Load() > 0; got == strict {
			t.Errorf("strict %v: looked up %v", strict, got)
		}
	}
}

// TestReferralsNotFollowed: a referral is an answer, and nothing follows from it, nor from a reference behind a search.
func TestReferralsNotFollowed(t *testing.T) {
	t.Parallel()
	var contacts atomic.Int32
	other := counted(t, "127.0.0.1:0", &contacts)
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword, Behave: forest.Behave{Referrals: true, ReferTo: other.String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, strict := range []bool{true, false} {
		c := (&testServer{name: "referring", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.Strict = strict })
		err := c.with(t.Context(), func(x *session) error { // the referral does come, and names the other
			_, err := x.search(t.Context(), query{base: "DC=elsewhere,DC=test", filter: "(objectClass=*)"}, func(*entry) error { return nil })
			if !hasCode(err, ldap.LDAPResultReferral) {
				t.Errorf("got %v, want a referral", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		read(t, c, request(nil))
		_, err = c.Search(t.Context(), canopy.SearchRequest{DN: "CN=x,DC=elsewhere,DC=test", Classes: []canopy.Class{canopy.User}})
		if canopy.KindOf(err) != canopy.NotFound {
			t.Errorf("strict %v: a DN of another forest: got %v, want an error of kind not-found", strict, err)
		}
	}
	if contacts.Load() > 0 {
		t.Errorf("whom the referrals name was contacted %d times", contacts.Load())
	}
	c, err := net.DialTimeout("tcp", other.String(), time.Minute)
	if err != nil {
		t.Fatalf("nobody would have noticed: %v", err)
	}
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
	if contacts.Load() != 1 {
		t.Error("contacts are not counted")
	}
}
