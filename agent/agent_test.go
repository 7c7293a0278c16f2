package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/auth"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/link"
)

const (
	patience = 30 * time.Second
	password = "Agent-only-0-secret"
)

// place is a service, a forest, and the directory of an agent between them.
type place struct {
	t         *testing.T
	auth      *auth.Auth
	authority *link.Authority
	hub       *link.Hub
	forest    *forest.Server
	url       string
	opt       Options

	mu sync.Mutex
	by time.Duration
}

func (p *place) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.by)
}

func (p *place) forward(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by += d
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t}
	dir := t.TempDir()
	var err error
	p.forest, err = forest.Start(t.Context(), forest.Options{Domain: "contoso.test"})
	p.ok(err)
	t.Cleanup(func() { p.ok(p.forest.Close()) })
	p.ok(p.forest.AddAccount(forest.Account{Name: "reader", Password: password, Rights: forest.Rights{Replicate: true, Deleted: true}}))
	p.auth, err = auth.Open(t.Context(), filepath.Join(dir, auth.FileName), auth.Options{Clock: p.now, Volatile: true})
	p.ok(err)
	p.authority, err = link.OpenAuthority(dir, p.now())
	p.ok(err)
	p.hub = link.NewHub(link.HubOptions{Authority: p.authority, Registry: p.auth, Names: []string{"127.0.0.1"}, Clock: p.now, Log: slog.New(slog.DiscardHandler),
		Sweep: 10 * time.Millisecond, Every: 10 * time.Millisecond, Hand: patience, Grace: patience, Pulse: link.Pulse{Idle: patience, Answer: patience}})
	p.hub.Forest("contoso.test")
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	p.ok(err)
	p.url = "https://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.hub.Serve(ctx, ln) }()
	t.Cleanup(func() { cancel(); p.ok(<-ended); p.ok(p.auth.Close()) })
	p.opt = Options{Dir: filepath.Join(dir, "agent"), Version: "1.2.3", Clock: p.now, Look: 10 * time.Millisecond, Pause: time.Millisecond,
		Pulse: link.Pulse{Idle: patience, Answer: patience}}
	return p
}

// configure writes agent.yaml beside the files that it names.
func (p *place) configure(word string) {
	p.t.Helper()
	p.ok(os.MkdirAll(p.opt.Dir, 0o700))
	for name, text := range map[string]string{"ca.pem": string(p.forest.CA()), "password": word + "\n", ConfigName: fmt.Sprintf(
		"forests:\n- name: contoso.test\n  servers: [%s]\n  ca: ca.pem\n  bind: {account: CONTOSO\\reader, password_file: password}\n", p.forest.URL())} {
		p.ok(os.WriteFile(filepath.Join(p.opt.Dir, name), []byte(text), 0o600))
	}
}

func (p *place) enrol(again bool) (string, error) {
	p.t.Helper()
	token, hash, err := p.authority.NewToken()
	p.ok(err)
	p.ok(p.auth.AddToken(p.t.Context(), hash, []canopy.ConnectorID{"contoso.test"}, time.Hour))
	return Enrol(p.t.Context(), p.opt, p.url, token, again)
}

// run runs the agent until the test ends or stop is called.
func (p *place) run() (stop func()) {
	p.t.Helper()
	a, err := Open(p.opt)
	p.ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); p.ok(<-ended); p.ok(a.Close()) })
	p.t.Cleanup(stop)
	return stop
}

func (p *place) until(what string, is func() bool) {
	p.t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.NewTimer(patience)
	defer tick.Stop()
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			p.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (p *place) agent(id string) canopy.Agent {
	p.t.Helper()
	a, err := p.auth.Agent(p.t.Context(), id)
	p.ok(err)
	return a
}

func request() canopy.ReadRequest {
	return canopy.ReadRequest{Classes: []canopy.Class{canopy.User, canopy.Group}, Attrs: []canopy.Attr{"sAMAccountName", "member"}}
}

// TestAgentServes: what is asked of the service's connector is answered from the forest, and the forest's password is in
// nothing that the service gets, nor in what the agent keeps beside it.
func TestAgentServes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.configure(password)
	id, err := p.enrol(false)
	p.ok(err)
	p.run()
	f := p.hub.Forest("contoso.test")
	var got []any
	about, err := f.Describe(t.Context())
	p.ok(err)
	people := 0
	p.ok(f.Read(t.Context(), request(), func(b canopy.Batch) error {
		got = append(got, b, string(b.Cursor))
		people += len(b.Changes)
		return nil
	}))
	found, err := f.Search(t.Context(), canopy.SearchRequest{Name: "Administrator", Classes: request().Classes, Attrs: request().Attrs})
	p.ok(err)
	checked, err := f.Check(t.Context())
	p.ok(err)
	if about.Kind != "ad" || people == 0 || len(found) != 1 || len(checked) == 0 {
		t.Errorf("got kind %q, %d objects, %d found, %d findings", about.Kind, people, len(found), len(checked))
	}
	p.until("it is known which controller it reaches", func() bool {
		a := p.agent(id)
		return len(a.Contact.Forests) == 1 && len(a.Contact.Forests[0].Reached) == 1 && a.Contact.Version == "1.2.3"
	})
	got = append(got, about, found, checked, p.agent(id))
	text, err := json.Marshal(got)
	p.ok(err)
	kept, err := os.ReadFile(filepath.Join(p.opt.Dir, IdentityName))
	p.ok(err)
	if strings.Contains(string(text), password) || strings.Contains(string(kept), password) {
		t.Error("the forest's password is in what was sent or kept")
	}
}

// TestWrongPassword: the error tells of it, and not what it was.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const wrong = "Wrong-but-secret-1"
	p.configure(wrong)
	_, err := p.enrol(false)
	p.ok(err)
	p.run()
	err = p.hub.Forest("contoso.test").Read(t.Context(), request(), func(canopy.Batch) error { return nil })
	if canopy.KindOf(err) != canopy.Credentials || strings.Contains(fmt.Sprintf("%+v", err), wrong) {
		t.Errorf("got %v", err)
	}
}

// TestIdentityIsKept: for its owner's eyes only, and not replaced unasked.
func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.configure(password)
	if _, err := Open(p.opt); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("before it is enrolled: got %v", err)
	}
	first, err := p.enrol(false)
	p.ok(err)
	info, err := os.Stat(filepath.Join(p.opt.Dir, IdentityName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := p.enrol(false); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("a second time: got %v", err)
	}
	second, err := p.enrol(true)
	if err != nil || second == first {
		t.Errorf("again: got %s after %s, %v", second, first, err)
	}
	files, err := os.ReadDir(p.opt.Dir)
	if err != nil || len(files) != 4 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	p.ok(os.WriteFile(filepath.Join(p.opt.Dir, IdentityName), []byte("{}"), 0o600))
	var e *canopy.Error
	if _, err := Open(p.opt); !errors.As(err, &e) || e.Code != "identity" {
		t.Errorf("got %v", err)
	}
}

// TestRenews: the certificate is renewed when a third of its life is left, for another key, and the agent serves on past
// the end of the old one.
func TestRenews(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.configure(password)
	id, err := p.enrol(false)
	p.ok(err)
	before, err := loadIdentity(p.opt.Dir)
	p.ok(err)
	p.run()
	p.until("the agent is ready", func() bool { a := p.agent(id); return a.State(p.now()) == canopy.AgentReady })
	expires := p.agent(id).Expires
	p.forward(4 * 24 * time.Hour)
	if got, err := loadIdentity(p.opt.Dir); err != nil || got.Certificate != before.Certificate {
		t.Errorf("it was renewed too early, or %v", err)
	}
	p.forward(24 * time.Hour)
	p.until("the certificate is renewed", func() bool { return p.agent(id).Expires.After(expires.Add(4 * 24 * time.Hour)) })
	p.until("it is kept", func() bool {
		got, err := loadIdentity(p.opt.Dir)
		return err == nil && got.Certificate != before.Certificate && got.Key != before.Key && got.Agent == id
	})
	p.forward(3 * 24 * time.Hour) // past the end of the first
	if _, err := p.hub.Forest("contoso.test").Describe(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCheck: what is in order is said, and what is not.
func TestCheck(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.configure(password)
	id, err := p.enrol(false)
	p.ok(err)
	check := func() []canopy.Finding {
		a, err := Open(p.opt)
		p.ok(err)
		defer a.Close()
		found, err := a.Check(t.Context())
		p.ok(err)
		return found
	}
	for _, f := range check() {
		if f.Severity == canopy.Severe {
			t.Errorf("got %+v", f)
		}
	}
	p.ok(p.auth.Revoke(t.Context(), id))
	p.configure("wrong")
	var severe []string
	for _, f := range check() {
		if f.Severity == canopy.Severe {
			severe = append(severe, f.Code)
			if f.Next == "" {
				t.Errorf("it does not say what to do: %+v", f)
			}
		}
	}
	if len(severe) < 2 || severe[0] != "service-unreachable" {
		t.Errorf("with a revoked agent and a wrong password: got %v", severe)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "at least one forest",
		"forests: [{}]":                      "name is missing",
		"forests: []\nother: 1":              "other",
		"proxy: http://u:p@h:1\nforests: []": "a password must not stand in this file",
		"proxy: socks5://h:1\nforests: []":   "not the address of a proxy",
		"forests: [{name: a, servers: [ldap://x], bind: {account: a, password: b}}]":                                                              "a password must not stand in this file",
		"forests: [{name: a, servers: [ldap://x], bind: {account: a, keytab: b}}, {name: a, servers: [ldap://x], bind: {account: a, keytab: b}}]": "there is a forest \"a\" already",
		"forests: [{name: a, scope: {include: [x]}, servers: [ldap://x], bind: {account: a, keytab: b}}]":                                         "scope",
	} {
		if _, err := parseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
