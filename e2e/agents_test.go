package e2e

import (
	"context"
	"debug/elf"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/agent"
	"github.com/canopy-sync/canopy/auth"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/link"
	"github.com/canopy-sync/canopy/run"
)

// build makes the agent as it is given out.
func build(t *testing.T, goos string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "canopy-agent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../cmd/canopy-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", goos, err, out)
	}
	return path
}

// TestAgentBinary: the agent is small, needs no library of the system, and builds for Windows too.
func TestAgentBinary(t *testing.T) {
	t.Parallel()
	const most = 20 << 20
	for _, goos := range []string{"linux", "windows"} {
		path := build(t, goos)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() >= most {
			t.Errorf("the agent for %s has %d bytes, more than %d", goos, info.Size(), most)
		}
		if goos != "linux" {
			continue
		}
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		libs, err := f.ImportedLibraries()
		if err != nil || len(libs) > 0 || f.Section(".interp") != nil {
			t.Errorf("the agent needs %v (%v)", libs, err)
		}
		f.Close()
	}
}

// tap is a way to the service on which a fault can happen after so many bytes that the agent sent.
type tap struct {
	t       *testing.T
	to      string
	address string

	mu    sync.Mutex
	left  int // bytes until the fault; negative: none is to happen
	fault func()
	conns map[net.Conn]bool // true: nothing is carried from it any more
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &tap{t: t, to: to, address: ln.Addr().String(), left: -1, conns: map[net.Conn]bool{}}
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { x.carry(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); x.cut(); busy.Wait() })
	return x
}

func (x *tap) carry(c net.Conn) {
	var d net.Dialer
	s, err := d.DialContext(context.Background(), "tcp", x.to)
	if err != nil {
		c.Close()
		return
	}
	x.mu.Lock()
	x.conns[c], x.conns[s] = false, false
	x.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(c, s); c.Close(); s.Close() }()
	b := make([]byte, 1<<10)
	for {
		n, err := c.Read(b)
		if n > 0 && x.count(c, n) {
			_, err = s.Write(b[:n])
		}
		if err != nil {
			break
		}
	}
	c.Close()
	s.Close()
	<-done
	x.mu.Lock()
	delete(x.conns, c)
	delete(x.conns, s)
	x.mu.Unlock()
}

// count counts what an agent sent, lets the fault happen when it is time, and tells whether this is to be carried on.
func (x *tap) count(c net.Conn, n int) bool {
	x.mu.Lock()
	var fault func()
	if x.left >= 0 {
		if x.left -= n; x.left < 0 {
			fault = x.fault
		}
	}
	x.mu.Unlock()
	if fault != nil {
		fault()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.conns[c]
}

func (x *tap) arm(after int, fault func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left, x.fault = after, fault
}

// mute carries nothing more on the connections that there are: what is on its way from a process that was stopped does
// not count for it.
func (x *tap) mute() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		x.conns[c] = true
	}
}

// cut ends every connection.
func (x *tap) cut() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		c.Close()
	}
}

// beside is one agent process.
type beside struct {
	dir, id string
	forest  canopy.ConnectorID
	tap     *tap
	cmd     *exec.Cmd
	dead    bool
	asleep  bool
}

// agents are a service with six of them.
type agents struct {
	t      *testing.T
	binary string
	lab    *lab.Lab
	auth   *auth.Auth
	hub    *link.Hub
	local  *run.Local
	oracle *run.Local // of the same forests, without agents
	churn  *lab.Churn
	all    []*beside
}

func newAgents(t *testing.T) *agents {
	t.Helper()
	s := &agents{t: t, binary: build(t, "linux")}
	var err error
	if s.lab, err = lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), People: 150, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.lab.Stop)
	s.churn = lab.NewChurn(lab.Population{Seed: s.lab.Seed, People: s.lab.People})
	s.oracle, err = run.Open(t.Context(), run.OpenOptions{Dir: s.lab.Dir})
	s.ok(err)
	t.Cleanup(func() { s.ok(s.oracle.Close()) })
	dir := t.TempDir()
	cfg := *s.lab.Config
	cfg.Forests = nil
	for _, f := range s.lab.Config.Forests {
		x := run.Forest{Agent: true, Scope: f.Scope}
		x.Name = f.Name
		cfg.Forests = append(cfg.Forests, x)
	}
	text, err := yaml.Marshal(cfg)
	s.ok(err)
	s.ok(os.WriteFile(filepath.Join(dir, run.ConfigName), text, 0o600))
	if strings.Contains(string(text), "password") || strings.Contains(string(text), "ldaps:") {
		t.Errorf("the service's configuration knows more than it needs:\n%s", text)
	}
	authority, err := link.OpenAuthority(dir, time.Now())
	s.ok(err)
	s.auth, err = auth.Open(t.Context(), filepath.Join(dir, auth.FileName), auth.Options{})
	s.ok(err)
	s.hub = link.NewHub(link.HubOptions{Authority: authority, Registry: s.auth, Names: []string{"127.0.0.1"}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Grace: time.Minute, Hand: time.Minute, Pulse: link.Pulse{Idle: time.Second, Answer: 5 * time.Second}})
	s.local, err = run.Open(t.Context(), run.OpenOptions{Dir: dir, Remote: func(id canopy.ConnectorID) canopy.Connector { return s.hub.Forest(id) }})
	s.ok(err)
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	s.ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.hub.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		s.ok(<-served)
		s.ok(s.local.Close())
		s.ok(s.auth.Close())
	})
	for _, f := range s.lab.Config.Forests {
		for range 2 {
			s.enrol(f, authority, ln.Addr().String())
		}
	}
	return s
}

func (s *agents) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// enrol makes an agent for a forest of the lab and starts it.
func (s *agents) enrol(f run.Forest, authority *link.Authority, service string) {
	s.t.Helper()
	x := &beside{dir: s.t.TempDir(), forest: f.Name, tap: newTap(s.t, service)}
	f.RelativeTo(s.lab.Dir) // a copy
	text, err := yaml.Marshal(map[string]any{"forests": []any{f.Section}})
	s.ok(err)
	s.ok(os.WriteFile(filepath.Join(x.dir, agent.ConfigName), text, 0o600))
	token, hash, err := authority.NewToken()
	s.ok(err)
	s.ok(s.auth.AddToken(s.t.Context(), hash, []canopy.ConnectorID{f.Name}, time.Hour))
	cmd := exec.CommandContext(s.t.Context(), s.binary, "enrol", "--dir", x.dir, "--service", "https://"+x.tap.address, "--token-file", "-", "--json")
	cmd.Stdin = strings.NewReader(token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("enrol: %v\n%s", err, out)
	}
	var said struct{ Agent string }
	s.ok(yaml.Unmarshal(out, &said)) // JSON is YAML
	x.id = said.Agent
	if out, err := exec.CommandContext(s.t.Context(), s.binary, "check", "--dir", x.dir).CombinedOutput(); err != nil {
		s.t.Errorf("check: %v\n%s", err, out)
	}
	s.all = append(s.all, x)
	s.start(x)
}

// start starts an agent's process; it ends with the test at the latest.
func (s *agents) start(x *beside) {
	s.t.Helper()
	cmd := exec.Command(s.binary, "run", "--dir", x.dir)
	log, err := os.OpenFile(filepath.Join(x.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.ok(err)
	cmd.Stderr = log
	s.ok(cmd.Start())
	x.cmd = cmd
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone
		_ = cmd.Wait()
		log.Close()
		if s.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			s.t.Logf("agent %s:\n%s", x.id, text)
		}
	})
	s.ready(x)
}

func (s *agents) ready(x *beside) {
	s.t.Helper()
	s.until("agent "+x.id+" is ready", func() bool {
		a, err := s.auth.Agent(s.t.Context(), x.id)
		s.ok(err)
		return a.State(time.Now()) == canopy.AgentReady
	})
}

func (s *agents) until(what string, is func() bool) {
	s.t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.NewTimer(2*time.Minute)
	defer tick.Stop()
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			s.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// fault is what happens to an agent.
type fault func(*beside)

func kill(x *beside) {
	x.dead = true
	_ = x.cmd.Process.Kill() // the test sees what becomes of it
	x.tap.cut()              // what it had sent and nobody has received is lost with its machine
}

func stop(x *beside) {
	x.asleep = true
	_ = x.cmd.Process.Signal(syscall.SIGSTOP) // the test sees what becomes of it
	x.tap.mute()
}

func cut(x *beside) { x.tap.cut() }

// strikes lets a fault happen to each forest, while it is read, to whichever of its agents sends so many bytes first.
type strikes struct {
	s      *agents
	faults map[canopy.ConnectorID]fault
	after  int

	mu   sync.Mutex
	done map[canopy.ConnectorID]*beside
}

// progress is told when a forest's read begins: then the faults are armed.
func (k *strikes) progress(e run.Event) {
	do := k.faults[e.Connector]
	if e.Step != "read" || e.End || e.Done > 0 || do == nil {
		return
	}
	var once sync.Once
	for _, x := range k.s.all {
		if x.forest == e.Connector {
			x.tap.arm(k.after, func() {
				once.Do(func() {
					do(x)
					k.mu.Lock()
					defer k.mu.Unlock()
					k.done[e.Connector] = x
				})
			})
		}
	}
}

// content is what a tenant holds, by source anchor.
func content(t *testing.T, l *run.Local) map[string][]string {
	t.Helper()
	about, err := l.Target.Connector.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req := canopy.ReadRequest{Classes: []canopy.Class{canopy.User, canopy.Group, canopy.Contact}}
	for _, a := range slices.Sorted(maps.Keys(about.Schema.Attributes)) {
		if !strings.HasPrefix(string(a), "cloud") {
			req.Attrs = append(req.Attrs, a)
		}
	}
	var all []canopy.Change
	if err := l.Target.Connector.Read(t.Context(), req, func(b canopy.Batch) error { all = append(all, b.Changes...); return nil }); err != nil {
		t.Fatal(err)
	}
	names := map[canopy.Anchor]string{}
	for _, c := range all {
		names[c.Anchor] = string(c.Class) + " " + c.Attrs.Text(canopy.AttrSourceAnchor)
	}
	got := map[string][]string{}
	for _, c := range all {
		var lines []string
		for _, a := range c.Attrs.Names() {
			v := c.Attrs[a].Strings()
			slices.Sort(v)
			lines = append(lines, fmt.Sprintf("%s = %q", a, v))
		}
		for a, l := range c.Links {
			for _, r := range l.Added {
				lines = append(lines, fmt.Sprintf("%s -> %s", a, names[r.Anchor]))
			}
		}
		slices.Sort(lines)
		if got[names[c.Anchor]] != nil {
			t.Errorf("%s is there twice", names[c.Anchor])
		}
		got[names[c.Anchor]] = lines
	}
	return got
}

// cycles runs them until nothing is left to do.
func cycles(t *testing.T, l *run.Local, first run.Progress) {
	t.Helper()
	for range 6 {
		r, err := l.Cycle(t.Context(), run.Options{Progress: first})
		first = nil
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Failures() {
			t.Fatalf("%s was not read: %s", f.Connector, f.Error)
		}
		if len(r.Stopped) > 0 {
			t.Fatalf("stopped: %+v", r.Stopped)
		}
		if r.Plan == 0 && r.Exports.Unconfirmed == 0 {
			return
		}
	}
	t.Fatal("it does not come to rest")
}

// TestSixAgents: three forests behind two agents each, as processes of their own. In the middle of the first read one
// agent is killed, one stopped and one cut off, and again in the middle of changes. The tenant is what it is when the
// same forests are read without agents, and nothing is left to do.
func TestSixAgents(t *testing.T) {
	t.Parallel()
	s := newAgents(t)
	forests := s.lab.Config.Forests
	for round, faults := range [][]fault{{kill, stop, cut}, {stop, cut, kill}} {
		k := &strikes{s: s, after: []int{2000, 200}[round], faults: map[canopy.ConnectorID]fault{}, done: map[canopy.ConnectorID]*beside{}}
		for i, f := range faults {
			k.faults[forests[i].Name] = f
		}
		cycles(t, s.local, k.progress)
		k.mu.Lock()
		happened := len(k.done)
		k.mu.Unlock()
		if happened != len(faults) {
			t.Fatalf("round %d: faults happened in %d forests, want %d", round, happened, len(faults))
		}
		s.compare(fmt.Sprint("round ", round))
		s.heal()
		for range 40 {
			ch := s.churn.Next()
			s.ok(s.lab.Apply(t.Context(), ch))
			s.churn.Applied(ch)
		}
	}
	cycles(t, s.local, nil)
	s.compare("the end")
	r, err := s.local.Cycle(t.Context(), run.Options{Full: true, All: true})
	s.ok(err)
	if n := run.Sum(r.Totals); n > 0 {
		t.Errorf("a full read planned %d exports more", n)
	}
	for _, i := range r.Imports {
		if i.Missing+i.Gone+i.Waiting > 0 {
			t.Errorf("%s: a full read missed %d objects", i.Connector, i.Missing)
		}
	}
}

// heal starts again what died, and wakes what sleeps.
func (s *agents) heal() {
	s.t.Helper()
	for _, x := range s.all {
		x.tap.arm(-1, nil)
		if x.dead {
			_ = x.cmd.Wait() // it was killed
			x.dead = false
			s.start(x)
		}
		if x.asleep {
			s.ok(x.cmd.Process.Signal(syscall.SIGCONT))
			x.asleep = false
		}
	}
	for _, x := range s.all {
		s.ready(x)
	}
}

// compare compares with the tenant of forests that are read directly.
func (s *agents) compare(when string) {
	s.t.Helper()
	cycles(s.t, s.oracle, nil)
	want, got := content(s.t, s.oracle), content(s.t, s.local)
	if len(want) < 100 {
		s.t.Fatalf("only %d objects to compare", len(want))
	}
	if d := cmp.Diff(want, got); d != "" {
		s.t.Errorf("%s (-without agents +with):\n%s", when, d)
	}
}
