package link_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/link"
)

func code(err error) string {
	var e *canopy.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// TestTokens: a token enrols one agent, once, in its time; what is made up enrols nobody.
func TestTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	enrol := func(token string) error {
		_, err := r.service.Enrol(t.Context(), token, "host", "1", r.key())
		return err
	}
	token := r.token()
	if err := enrol(token); err != nil {
		t.Fatal(err)
	}
	if err := enrol(token); code(err) != "token" || !strings.Contains(err.Error(), "used already") || canopy.KindOf(err) != canopy.Credentials {
		t.Errorf("a token that was used: got %v", err)
	}
	late := r.token()
	r.clock.forward(time.Hour + time.Second)
	if err := enrol(late); code(err) != "token" || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a token that has expired: got %v", err)
	}
	never, _, err := r.authority.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	if err := enrol(never); code(err) != "token" || !strings.Contains(err.Error(), "no such") {
		t.Errorf("a token that was never given out: got %v", err)
	}
	for _, bad := range []string{"", "x", token[:len(token)-2], "canopy-enrol-" + strings.Repeat("A", 10)} {
		if err := enrol(bad); code(err) != "token-form" {
			t.Errorf("token %q: got %v", bad, err)
		}
	}
	if all, err := r.auth.Agents(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("got %d agents, %v, want one", len(all), err)
	}
}

// TestTokenRace: of many who use one token at the same time one is let in.
func TestTokenRace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.token()
	var wait sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 8 {
		key := r.key()
		wait.Go(func() {
			_, err := r.service.Enrol(t.Context(), token, "host", "1", key)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				in++
			case code(err) != "token":
				t.Errorf("got %v", err)
			}
		})
	}
	wait.Wait()
	if in != 1 {
		t.Errorf("%d were let in", in)
	}
}

// TestTokenIsNotKept: what is on the service's disk does not let anybody in.
func TestTokenIsNotKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.token()
	secret, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "canopy-enrol-"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(r.auth.Path())
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", f.Name(), info.Mode())
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), string(secret[:32])) || strings.Contains(string(text), token) {
			t.Errorf("%s holds the token", f.Name())
		}
	}
}

// TestFalseService: an agent that enrols gives its token to nobody but the service that the token is of.
func TestFalseService(t *testing.T) {
	t.Parallel()
	real, false1 := newRig(t, nil), newRig(t, nil)
	token := real.token()
	if _, err := false1.service.Enrol(t.Context(), token, "host", "1", real.key()); code(err) != "service-certificate" {
		t.Errorf("a service of another authority: got %v", err)
	}
	other := newRig(t, func(o *link.HubOptions) {
		o.Authority, o.Registry, o.Names = real.authority, real.auth, []string{"elsewhere.test"}
	})
	if _, err := other.service.Enrol(t.Context(), token, "host", "1", real.key()); code(err) != "service-certificate" {
		t.Errorf("a service of another name: got %v", err)
	}
	_, key := real.enrol()
	if _, err := false1.service.Connect(t.Context(), key); code(err) != "service-certificate" {
		t.Errorf("connect to a service of another authority: got %v", err)
	}
	// An agent's own certificate does not make it a service.
	leaf := tls.Certificate{Certificate: [][]byte{der(t, key.Certificate), der(t, key.Authority)}, PrivateKey: key.Private}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: []string{"canopy-enrol/1", "canopy-link/1"}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if err := c.(*tls.Conn).HandshakeContext(t.Context()); err == nil {
				t.Error("the handshake with an agent as the service went through")
			}
			c.Close()
		}
	}()
	posing := link.Service{URL: "https://" + ln.Addr().String(), Clock: real.clock.now, Timeout: patience}
	if _, err := posing.Connect(t.Context(), key); code(err) != "service-certificate" {
		t.Errorf("an agent as the service: got %v", err)
	}
	if err := func() error { _, err := real.service.Enrol(t.Context(), token, "host", "1", real.key()); return err }(); err != nil {
		t.Errorf("after all that the token was used up: %v", err)
	}
}

func der(t *testing.T, text []byte) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(string(text), "-----BEGIN CERTIFICATE-----")
	body, _, _ := strings.Cut(rest, "-----END")
	b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(strings.TrimSpace(body), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refused tells whether a connection of an agent comes to nothing.
func refused(t *testing.T, r *rig, k *link.Key, m canopy.Connector) {
	t.Helper()
	conn, err := r.service.Connect(t.Context(), k)
	if err == nil { // TLS 1.3 tells the caller after its handshake
		end(map[canopy.ConnectorID]canopy.Connector{memory: m}, r.clock.now).Serve(t.Context(), conn, link.Pulse{Idle: patience, Answer: patience})
	}
	if _, err := r.service.Renew(t.Context(), k, "host", "1", r.key()); err == nil {
		t.Error("it was given a new certificate")
	}
}

// TestRevoked: a revoked agent is cut off at once, does not come back and gets no certificate.
func TestRevoked(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	r := newRig(t, func(o *link.HubOptions) { o.Sweep = 10 * time.Millisecond })
	id, key := r.enrol(memory)
	conn, err := r.service.Connect(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end(map[canopy.ConnectorID]canopy.Connector{memory: m}, r.clock.now).Serve(t.Context(), conn, link.Pulse{Idle: patience, Answer: patience})
	}()
	r.until("the agent is ready", func() bool { return r.state(id) == canopy.AgentReady })
	if err := r.auth.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	<-ended
	if got := r.state(id); got != canopy.AgentRevoked {
		t.Errorf("got state %s", got)
	}
	refused(t, r, key, m)
	if got := r.get(id); got.Contact.Open {
		t.Errorf("got %+v", got.Contact)
	}
}

// TestExpired: a certificate that has run out ends the connection that it opened, and opens none.
func TestExpired(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	r := newRig(t, func(o *link.HubOptions) { o.Life, o.Sweep = time.Hour, 10*time.Millisecond })
	id, key := r.enrol(memory)
	conn, err := r.service.Connect(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end(map[canopy.ConnectorID]canopy.Connector{memory: m}, r.clock.now).Serve(t.Context(), conn, link.Pulse{Idle: patience, Answer: patience})
	}()
	r.until("the agent is ready", func() bool { return r.state(id) == canopy.AgentReady })
	renewed, err := r.service.Renew(t.Context(), key, "host", "1", key.Private)
	if err != nil {
		t.Fatal(err)
	}
	r.clock.forward(59 * time.Minute)
	if _, err := r.service.Renew(t.Context(), key, "host", "1", r.key()); err != nil {
		t.Errorf("a certificate that is good for a minute more: %v", err)
	}
	r.clock.forward(2 * time.Minute)
	<-ended
	refused(t, r, key, m)
	key.Certificate = renewed.Certificate // it has run out as well
	refused(t, r, key, m)
}

// TestRenewal: a renewed certificate is for a key of its own, and the same agent.
func TestRenewal(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	r := newRig(t, nil)
	id, key := r.enrol(memory)
	before := r.get(id).Expires
	r.clock.forward(24 * time.Hour)
	next := r.key()
	made, err := r.service.Renew(t.Context(), key, "host", "1", next)
	if err != nil || made.Agent != id {
		t.Fatalf("got %+v, %v", made, err)
	}
	if after := r.get(id).Expires; after.Sub(before) < 23*time.Hour {
		t.Errorf("good until %v, and %v before", after, before)
	}
	r.connect(&link.Key{Private: next, Certificate: made.Certificate, Authority: made.Authority}, map[canopy.ConnectorID]canopy.Connector{memory: m})
	r.until("the agent is ready", func() bool { return r.state(id) == canopy.AgentReady })
}

// TestAnotherAgentsDomain: an agent serves no forest that it was not enrolled for, whatever it says.
func TestAnotherAgentsDomain(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	r := newRig(t, func(o *link.HubOptions) { o.Grace = 1 })
	id, key := r.enrol("other.test")
	r.connect(key, map[canopy.ConnectorID]canopy.Connector{memory: m, "other.test": m})
	r.until("it is seen what the agent offers", func() bool {
		a := r.get(id)
		return len(a.Contact.Forests) == 2 && !slices.ContainsFunc(a.Contact.Forests, func(f canopy.Served) bool { return f.Refused == "" })
	})
	for _, f := range r.get(id).Contact.Forests {
		if want := map[canopy.ConnectorID]string{memory: "not enrolled", "other.test": "no forest of that name"}[f.Forest]; !strings.Contains(f.Refused, want) {
			t.Errorf("%s was refused for %q, want %q", f.Forest, f.Refused, want)
		}
	}
	if _, err := r.hub.Forest(memory).Describe(t.Context()); code(err) != "no-agent" {
		t.Errorf("got %v", err)
	}
}

// TestNoCertificate: without a certificate there is nothing but the exchange of a token, in TLS 1.3 alone.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.authority.PEM())
	for name, cfg := range map[string]*tls.Config{
		"no certificate": {RootCAs: roots, NextProtos: []string{"canopy-link/1"}},
		"HTTP":           {RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}},
		"no protocol":    {RootCAs: roots},
		"TLS 1.2":        {RootCAs: roots, NextProtos: []string{"canopy-enrol/1"}, MaxVersion: tls.VersionTLS12},
	} {
		d := tls.Dialer{Config: cfg}
		conn, err := d.DialContext(t.Context(), "tcp", r.address)
		if err != nil {
			continue
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: got %d bytes", name, n)
		}
		conn.Close()
	}
}

// TestOversizeRequest: who is not known may send little, and a large frame is refused by its head.
func TestOversizeRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.authority.PEM())
	d := tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{"canopy-enrol/1"}}}
	conn, err := d.DialContext(t.Context(), "tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{3, 0, 3, 255, 255, 255}); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn) // nothing more needs to be sent
	if err != nil || !strings.Contains(string(answer), "a frame of 67108863 bytes") {
		t.Errorf("got %q, %v", answer, err)
	}
}

// TestSlowCallers: those who connect and say little are few, for a while, and do not keep agents out.
func TestSlowCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *link.HubOptions) { o.PerHost, o.Hand = 3, 500*time.Millisecond })
	var slow []net.Conn
	gone := 0
	for range 8 {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte{22, 3, 1}); err != nil { // a handshake's beginning
			gone++
		}
		slow = append(slow, c)
	}
	for _, c := range slow { // each is closed: some since there are too many, the others when their time is over
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	r.until("there is room again", func() bool {
		_, err := r.service.Enrol(t.Context(), r.token(), "host", "1", r.key())
		return err == nil
	})
}

// TestContact: what an agent tells of itself is kept, and asked again and again.
func TestContact(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *link.HubOptions) { o.Every = 10 * time.Millisecond })
	id, cut := r.agent(connectortest.NewMemory(connectortest.Options{}))
	a := r.get(id)
	if a.Contact.Version != "1.0" || a.Contact.Host != "host" || a.Contact.Skew.Abs() > patience || len(a.Contact.Forests) != 1 ||
		!slices.Equal(a.Contact.Forests[0].Reached, []string{"ldaps://dc1"}) {
		t.Errorf("got %+v", a.Contact)
	}
	r.until("it was asked again", func() bool { b := r.get(id); return b.Contact.At.After(a.Contact.At) })
	cut()
	r.until("the agent is silent", func() bool { return r.state(id) == canopy.AgentSilent })
	if got := r.get(id); got.Contact.Version != "1.0" {
		t.Errorf("what was known of it is lost: %+v", got.Contact)
	}
}

// TestNoCommonVersion: an agent with which the service has no version in common gets no work.
func TestNoCommonVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *link.HubOptions) { o.Grace = 1 })
	_, key := r.enrol(memory)
	conn, err := r.service.Connect(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // what a later agent may say
		body := `{"oldest":2,"newest":3,"version":"9","host":"h","time":"2030-01-01T00:00:00Z","forests":[{"forest":"memory.test"}],"new":1}`
		_, _ = w.Write(append([]byte{3, 0, 0, 0, 0, byte(len(body))}, body...))
		_, _ = w.Write([]byte{1, 0, 0, 0, 0, 0})
	})
	(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{Handler: h}) // until the service has closed it
	if _, err := r.hub.Forest(memory).Describe(t.Context()); code(err) != "no-agent" {
		t.Errorf("got %v", err)
	}
}

// TestProxy: the way leads through an HTTP proxy, with its own password, and nothing in the clear.
func TestProxy(t *testing.T) {
	t.Parallel()
	m := connectortest.NewMemory(connectortest.Options{})
	r := newRig(t, nil)
	p := newProxy(t)
	r.service.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://user:word@" + p.address) }
	r.agent(m)
	if _, err := r.hub.Forest(memory).Describe(t.Context()); err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) != 2 { // to enrol, and to serve
		t.Errorf("the proxy was asked %d times", len(p.asked))
	}
	for _, q := range p.asked {
		if q.Host != r.address || q.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("user:word")) {
			t.Errorf("the proxy was asked for %s with %v", q.Host, q.Header)
		}
	}
	r.service.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + p.address) }
	if _, err := r.service.Enrol(t.Context(), r.token(), "host", "1", r.key()); canopy.KindOf(err) != canopy.Unreachable || !strings.Contains(err.Error(), "407") {
		t.Errorf("without the proxy's password: got %v", err)
	}
}

type proxy struct {
	address string
	mu      sync.Mutex
	asked   []*http.Request
}

// newProxy is a forward proxy that wants a password.
func newProxy(t *testing.T) *proxy {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: ln.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	t.Cleanup(func() { cancel(); ln.Close(); busy.Wait() })
	busy.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { p.serve(ctx, c) })
		}
	})
	return p
}

func (p *proxy) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	if req.Method != http.MethodConnect || req.Header.Get("Proxy-Authorization") == "" {
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, req)
	p.mu.Unlock()
	var d net.Dialer
	to, err := d.DialContext(ctx, "tcp", req.Host)
	if err != nil {
		return
	}
	defer to.Close()
	stop := context.AfterFunc(ctx, func() { c.Close(); to.Close() })
	defer stop()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(to, c); to.Close() }()
	_, _ = io.Copy(c, to)
	c.Close()
	<-done
}

// TestAuthority: the key is its owner's alone, is made once, and what is none is refused.
func TestAuthority(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wait sync.WaitGroup
	pins := make([][32]byte, 4)
	for i := range pins {
		wait.Go(func() {
			a, err := link.OpenAuthority(dir, time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			pins[i] = a.Pin()
		})
	}
	wait.Wait()
	for _, p := range pins {
		if p != pins[0] {
			t.Error("two authorities were made")
		}
	}
	path := filepath.Join(dir, link.AuthorityName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := link.OpenAuthority(dir, time.Now()); code(err) != "authority" {
		t.Errorf("got %v", err)
	}
}
