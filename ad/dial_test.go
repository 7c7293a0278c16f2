package ad

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
)

func TestDialEncryption(t *testing.T) {
	t.Parallel()
	other, err := forest.Start(t.Context(), forest.Options{Domain: "other.test", AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	for _, k := range servers[:2] {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := needServer(t, k.name, k.get)
			conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "ldaps://"), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].Raw)
			pin := hex.EncodeToString(sum[:])
			_ = conn.Close()
			for _, c := range []struct {
				what   string
				change func(*Config)
				kind   canopy.ErrorKind
				code   string // "": it works
			}{
				{"StartTLS", func(cfg *Config) { cfg.Servers = []string{s.plainURL} }, 0, ""},
				{"the right pin", func(cfg *Config) { cfg.CA, cfg.Pin = nil, pin }, 0, ""},
				{"the right pin with colons", func(cfg *Config) { cfg.CA, cfg.Pin = nil, strings.ToUpper(pin[:2])+":"+pin[2:] }, 0, ""},
				{"another authority", func(cfg *Config) { cfg.CA = other.CA() }, canopy.Credentials, "ad-tls"},
				{"the system's authorities", func(cfg *Config) { cfg.CA = nil }, canopy.Credentials, "ad-tls"},
				{"another pin", func(cfg *Config) { cfg.CA, cfg.Pin = nil, strings.Repeat("ab", 32) }, canopy.Credentials, "ad-tls"},
				{"another name", func(cfg *Config) { cfg.ServerName = "dc9.elsewhere" }, canopy.Credentials, "ad-tls"},
				{"another authority after StartTLS", func(cfg *Config) { cfg.Servers, cfg.CA = []string{s.plainURL}, other.CA() }, canopy.Credentials, "ad-tls"},
				{"clear text", func(cfg *Config) { cfg.Servers, cfg.Plain = []string{s.plainURL}, true }, canopy.Credentials, "LDAP8"},
				{"TLS on the port for clear text", func(cfg *Config) { cfg.Servers = []string{"ldaps" + strings.TrimPrefix(s.plainURL, "ldap")} }, canopy.Unreachable, "ad-unreachable"},
				{"clear text on the port for TLS", func(cfg *Config) {
					cfg.Servers, cfg.Timeout = []string{"ldap" + strings.TrimPrefix(s.url, "ldaps")}, time.Second
				}, canopy.Unreachable, "ad-unreachable"},
			} {
				x := s.open(t, c.change)
				_, err := x.Describe(t.Context())
				if c.code == "" {
					if err != nil {
						t.Errorf("%s: %v", c.what, err)
					}
					continue
				}
				wantFault(t, c.what, err, c.kind, c.code, hostOf(s.url))
			}
		})
	}
}

func TestDialPlain(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword, Behave: forest.Behave{PlainBind: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "plain", url: f.PlainURL()}).open(t, func(cfg *Config) { cfg.Plain = true })
	found, err := c.Check(t.Context())
	if err != nil || len(found) == 0 || found[0].Code != "ad-server" || found[0].Severity != canopy.Warning {
		t.Errorf("got %+v, %v, want a warning of clear text", found, err)
	}
}

func TestDialBase(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		for _, c := range []struct{ what, base string }{{"another domain", "DC=elsewhere,DC=test"}, {"a container", "CN=Users," + testBase}} {
			x := s.open(t, func(cfg *Config) { cfg.Base = []string{c.base} })
			_, err := x.Describe(t.Context())
			wantFault(t, c.what, err, canopy.NotFound, "ad-base", c.base)
			err = x.Read(t.Context(), request(nil), func(canopy.Batch) error { return nil })
			wantFault(t, c.what, err, canopy.NotFound, "ad-base", c.base)
		}
		x := s.open(t, func(cfg *Config) { cfg.Base = []string{strings.ToLower(testBase)} })
		if g := read(t, x, request(nil)); len(g.changes) == 0 {
			t.Error("the right base: nothing was read")
		}
	})
}

// silent listens and never answers.
func silent(t *testing.T) (url string, contacts *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	contacts = &atomic.Int32{}
	var all []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			contacts.Add(1)
			all = append(all, c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		for _, c := range all {
			_ = c.Close()
		}
	})
	return "ldaps://" + l.Addr().String(), contacts
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "ldaps://" + l.Addr().String()
}

func TestFailOver(t *testing.T) {
	t.Parallel()
	s := needServer(t, "forest", theForest)
	mute, contacts := silent(t)
	dead := nobody(t)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c := s.open(t, func(cfg *Config) {
		cfg.Servers, cfg.DialTimeout = []string{mute, dead, s.url}, 200*time.Millisecond
		cfg.Clock = func() time.Time { return now }
	})
	if _, err := c.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A server that did not answer comes last for a while.
	if got := c.servers(""); !slices.Equal(got, []string{s.url, mute, dead}) {
		t.Errorf("the order after two failed: %v", got)
	}
	now = now.Add(2 * downFor)
	if got := c.servers(""); !slices.Equal(got, []string{mute, dead, s.url}) {
		t.Errorf("the order later: %v", got)
	}
	if contacts.Load() != 1 {
		t.Errorf("the silent server was contacted %d times, want once", contacts.Load())
	}
	c = s.open(t, func(cfg *Config) { cfg.Servers, cfg.DialTimeout = []string{mute, dead}, 200*time.Millisecond })
	_, err := c.Describe(t.Context())
	wantFault(t, "no server answers", err, canopy.Unreachable, "ad-unreachable", dead)
	wantFault(t, "no server answers", err, canopy.Unreachable, "ad-unreachable", mute)
	c = s.open(t, func(cfg *Config) { cfg.Servers = []string{dead} })
	_, err = c.Describe(t.Context())
	wantFault(t, "the only server is dead", err, canopy.Unreachable, "ad-unreachable", dead)
}

// TestWrongPasswordOnce: a refused account is not tried on further controllers, or it would be locked.
func TestWrongPasswordOnce(t *testing.T) {
	t.Parallel()
	one, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := one.Copy(t.Context(), forest.Copy{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	var binds atomic.Int32
	count := func(r forest.Request) forest.Fault {
		if r.Op == "bind" {
			binds.Add(1)
		}
		return forest.Fault{}
	}
	one.SetFault(count)
	two.SetFault(count)
	for what, do := range map[string]func(*Conn) error{
		"describe": func(c *Conn) error { _, err := c.Describe(t.Context()); return err },
		"watch":    func(c *Conn) error { return c.Watch(t.Context(), func() {}) },
		"check":    func(c *Conn) error { _, err := c.Check(t.Context()); return err },
	} {
		binds.Store(0)
		c := (&testServer{name: "once", ca: one.CA()}).open(t, func(cfg *Config) {
			cfg.Servers, cfg.Bind.Password, cfg.Strict = []string{one.URL(), two.URL()}, "wrong", false
		})
		err := do(c)
		if what != "check" {
			wantFault(t, what, err, canopy.Credentials, "LDAP49-52e", "Administrator")
		}
		if binds.Load() != 1 {
			t.Errorf("%s: the account was tried %d times, want once", what, binds.Load())
		}
	}
}
