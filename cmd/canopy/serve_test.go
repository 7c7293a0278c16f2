package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/agent"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
)

// serving is a canopy serve in a test, and the lines that it prints.
type serving struct {
	t     *testing.T
	dir   string
	lab   *lab.Lab
	lines *bufio.Scanner
	errs  bytes.Buffer
	ended chan int
	stop  func()
}

// newServing starts canopy serve for the lab's forests, all of them behind agents.
func newServing(t *testing.T) *serving {
	t.Helper()
	s := &serving{t: t, dir: t.TempDir(), ended: make(chan int, 1)}
	var err error
	if s.lab, err = lab.Start(t.Context(), lab.Options{Dir: t.TempDir(), People: 60, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.lab.Stop)
	cfg := *s.lab.Config
	cfg.Forests, cfg.Guard = nil, run.Limits{canopy.RegretDisable: {}, canopy.RegretUPN: {}}
	for _, f := range s.lab.Config.Forests {
		x := run.Forest{Agent: true, Scope: f.Scope}
		x.Name = f.Name
		cfg.Forests = append(cfg.Forests, x)
	}
	s.yaml(filepath.Join(s.dir, run.ConfigName), cfg)
	out, in := io.Pipe()
	s.lines = bufio.NewScanner(out)
	s.lines.Buffer(nil, 16<<20)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		app := App{Out: in, Err: &s.errs}
		code := app.Run(ctx, []string{"serve", "--dir", s.dir, "--listen", "127.0.0.1:0", "--name", "127.0.0.1", "--every", "1h", "--json"})
		in.Close()
		s.ended <- code
	}()
	s.stop = cancel
	t.Cleanup(func() {
		cancel()
		_, _ = io.Copy(io.Discard, out) // so that it can end
	})
	return s
}

func (s *serving) yaml(path string, v any) {
	s.t.Helper()
	text, err := yaml.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// line reads the next line of which is says yes.
func (s *serving) line(what string, v any, is func() bool) {
	s.t.Helper()
	for s.lines.Scan() {
		if err := json.Unmarshal(s.lines.Bytes(), v); err != nil {
			s.t.Fatalf("%v: %s", err, s.lines.Text())
		}
		if is() {
			return
		}
	}
	s.t.Fatalf("it ended before %s: exit code %d\n%s", what, <-s.ended, s.errs.String())
}

// report reads on to a cycle of which is says yes.
func (s *serving) report(what string, is func(*run.Report) bool) run.Report {
	s.t.Helper()
	var r run.Report
	s.line(what, &r, func() bool {
		if is(&r) {
			return true
		}
		r = run.Report{}
		return false
	})
	return r
}

// agent enrols one agent for all forests and runs it.
func (s *serving) agent(address string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	var forests []any
	args := []string{"agent", "token", "--ttl", "1h", "--json"}
	for _, f := range s.lab.Config.Forests {
		args = append(args, "--domain", string(f.Name))
		f.RelativeTo(s.lab.Dir) // a copy
		forests = append(forests, f.Section)
	}
	s.yaml(filepath.Join(dir, agent.ConfigName), map[string]any{"forests": forests})
	var said struct{ Token string }
	if err := json.Unmarshal([]byte(must(s.t, s.dir, args...)), &said); err != nil {
		s.t.Fatal(err)
	}
	o := agent.Options{Dir: dir, Version: "test"}
	id, err := agent.Enrol(s.t.Context(), o, "https://"+address, said.Token, false)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := agent.Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		if err := a.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return id
}

// someone is a person of the first forest who is in the tenant.
func (s *serving) someone() (dn string) {
	s.t.Helper()
	for _, d := range lab.Generate(lab.Population{Seed: s.lab.Seed, People: s.lab.People}) {
		for i := range d.Objects {
			if o := &d.Objects[i]; d.Name == "contoso.lab" && o.Person() && strings.Contains(o.DN, "OU=") && len(o.Attrs["telephoneNumber"]) > 0 {
				return o.DN
			}
		}
	}
	s.t.Fatal("there is nobody")
	return ""
}

// TestServe: a service without any way to the forests keeps the tenant in step through an agent; what changes is written
// at once, what the guard stops waits for a person, and a revoked agent is out.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newServing(t)
	var first struct{ Listening string }
	s.line("it listens", &first, func() bool { return first.Listening != "" })
	id := s.agent(first.Listening)
	r := s.report("the first plan", func(r *run.Report) bool { return r.Plan > 0 })
	if len(r.Failures()) > 0 || r.Exports.Written < 60 {
		t.Errorf("the first cycle: %+v, failures %v", r.Exports, r.Failures())
	}
	var agents []agentView
	if err := json.Unmarshal([]byte(must(t, s.dir, "agent", "list", "--json")), &agents); err != nil {
		t.Fatal(err)
	}
	if len(agents) != 1 || agents[0].ID != id || agents[0].State != canopy.AgentReady || len(agents[0].Contact.Forests) != 3 || len(agents[0].Domains) != 3 {
		t.Errorf("got %+v", agents)
	}
	dn := s.someone()
	server := s.lab.Forest("contoso.lab").Server
	if err := server.Modify(dn, forest.Mod{Op: "replace", Attr: "telephoneNumber", Values: []string{"+1 555 0199"}}); err != nil {
		t.Fatal(err)
	}
	if r := s.report("the change", func(r *run.Report) bool { return r.Plan > 0 }); r.Exports.Written != 1 {
		t.Errorf("the change: %+v", r.Exports)
	}
	if err := server.Modify(dn, forest.Mod{Op: "replace", Attr: "userAccountControl", Values: []string{"514"}}); err != nil {
		t.Fatal(err)
	}
	stopped := s.report("the guard's word", func(r *run.Report) bool { return len(r.Stopped) > 0 })
	plan := num(int(stopped.Plan))
	must(t, s.dir, "plan", "approve", plan)
	if r := s.report("the approved plan", func(r *run.Report) bool { return r.Plan == stopped.Plan }); r.Exports.Written == 0 {
		t.Errorf("the approved plan: %+v", r.Exports)
	}
	if code, _, errs := command(t, s.dir, "agent", "revoke", id[:6]); code != exitUsage || !strings.Contains(errs, id) {
		t.Errorf("revoke by half a name: exit code %d\n%s", code, errs)
	}
	must(t, s.dir, "agent", "revoke", id)
	if out := must(t, s.dir, "agent", "show", id[:6]); !strings.Contains(out, "revoked") || !strings.Contains(out, "contoso.lab") {
		t.Errorf("got\n%s", out)
	}
	if code, _, errs := command(t, s.dir, "run"); code != exitFailed || !strings.Contains(errs, "another process") {
		t.Errorf("canopy run beside it: exit code %d\n%s", code, errs)
	}
	s.stop()
	for s.lines.Scan() { // what it says last
	}
	if code := <-s.ended; code != exitDone {
		t.Errorf("exit code %d\n%s", code, s.errs.String())
	}
	if code, _, errs := command(t, s.dir, "run"); code != exitFailed || !strings.Contains(errs, "canopy serve") {
		t.Errorf("canopy run without the service: exit code %d\n%s", code, errs)
	}
}

// TestAgentCommands: tokens and agents can be seen to before the service has ever run.
func TestAgentCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out := must(t, dir, "agent", "list"); !strings.Contains(out, "canopy agent token") {
		t.Errorf("got\n%s", out)
	}
	one, two := must(t, dir, "agent", "token"), must(t, dir, "agent", "token", "--domain", "a,b")
	if one == two || !strings.HasPrefix(one, "canopy-enrol-") || strings.Count(one, "\n") != 1 {
		t.Errorf("got %q and %q", one, two)
	}
	for _, args := range [][]string{{"agent", "show", "x"}, {"agent", "revoke", ""}} {
		if code, _, errs := command(t, dir, args...); code != exitFailed || !strings.Contains(errs, "canopy agent list") {
			t.Errorf("%v: exit code %d\n%s", args, code, errs)
		}
	}
	if code, _, _ := command(t, dir, "agent", "token", "--ttl", "-1s"); code != exitUsage {
		t.Errorf("a token that is never good: exit code %d", code)
	}
}

func TestReaches(t *testing.T) {
	t.Parallel()
	c := canopy.AgentContact{At: time.Unix(1, 0), Skew: -1500 * time.Millisecond, Forests: []canopy.Served{{Forest: "a", Reached: []string{"x", "y"}}, {Forest: "b"}, {Forest: "c", Refused: "no"}}}
	if got, want := reaches(c), "a (x y), b (no controller reached yet), c (refused: no)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := []string{skew(c), since(time.Unix(61, 0), c.At), since(time.Unix(61, 0), time.Time{})}; !slices.Equal(got, []string{"-1.5s", "1m0s ago", "never"}) {
		t.Errorf("got %q", got)
	}
}
