package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

var (
	binDir string // where TestMain has the binary put
	// binary builds the product once, when the first test asks for it.
	binary = sync.OnceValues(func() (string, error) {
		file := filepath.Join(binDir, "canopy")
		out, err := exec.Command("go", "build", "-o", file, "github.com/canopy-sync/canopy/cmd/canopy").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build the product: %w\n%s", err, out)
		}
		return file, nil
	})
)

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "canopy-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	templates = filepath.Join(binDir, "templates")
	code := m.Run()
	if err := os.RemoveAll(binDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// config is canopy.yaml as an administrator would write it.
type config struct {
	Forests []forestConfig          `yaml:"forests"`
	Join    string                  `yaml:"join,omitempty"`
	Target  map[string]any          `yaml:"target"`
	Guard   map[canopy.Regret]limit `yaml:"guard"`
}

type forestConfig struct {
	Name    string              `yaml:"name"`
	Servers []string            `yaml:"servers"`
	CA      string              `yaml:"ca"`
	Base    []string            `yaml:"base"`
	Bind    map[string]string   `yaml:"bind"`
	Scope   map[string][]string `yaml:"scope,omitempty"`
	Write   bool                `yaml:"write,omitempty"`
	// Exchange is what the forest's Exchange organisation decides.
	Exchange map[string]any `yaml:"exchange,omitempty"`
}

type limit struct {
	Number  int     `yaml:"number"`
	Percent float64 `yaml:"percent"`
}

// rig is the product on its way between real forests and its tenant.
type rig struct {
	dir     string
	sites   []*site
	servers map[string][]string // by connector; none: the site's own
	limits  map[canopy.Regret]limit
	before  []canopy.Change // the tenant as of the last comparison
	// known are the anchors that the forests once named, by forest and objectGUID.
	known map[string]string
}

func newRig(t *testing.T, sites []*site) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), sites: sites, servers: map[string][]string{}, limits: map[canopy.Regret]limit{}, known: map[string]string{}}
	for _, regret := range []canopy.Regret{canopy.RegretDelete, canopy.RegretDisable, canopy.RegretMembership, canopy.RegretEmptied,
		canopy.RegretClear, canopy.RegretAnchor, canopy.RegretUPN, canopy.RegretTakeover, canopy.RegretRules} {
		r.limits[regret] = limit{Number: 100000, Percent: 100}
	}
	r.configure(t, nil)
	return r
}

// configure writes canopy.yaml; change may alter it first.
func (r *rig) configure(t *testing.T, change func(*config)) {
	t.Helper()
	c := config{Guard: r.limits, Target: map[string]any{"initial": "contoso.onmicrosoft.com",
		"domains": []string{"contoso.com", "fabrikam.com", "tailspin.com"}}}
	for _, s := range r.sites {
		servers := r.servers[s.name]
		if servers == nil {
			servers = []string{s.URL()}
		}
		f := forestConfig{Name: s.name, Servers: servers, CA: s.CA(), Base: []string{s.Base()},
			Bind: map[string]string{"method": "simple", "account": s.reader.UPN, "password_env": passwordEnv(s)}}
		if len(s.exclude) > 0 {
			f.Scope = map[string][]string{"exclude": s.exclude}
		}
		c.Forests = append(c.Forests, f)
	}
	if change != nil {
		change(&c)
	}
	text, err := yaml.Marshal(c)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "canopy.yaml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func passwordEnv(s *site) string { return "CANOPY_TEST_" + strings.ToUpper(s.name) }

// command is the product with these words.
func (r *rig) command(t *testing.T, ctx context.Context, words ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(ctx, file, append(words, "--dir", r.dir)...)
	for _, s := range r.sites {
		cmd.Env = append(cmd.Env, passwordEnv(s)+"="+s.reader.Password)
	}
	cmd.Env = append(os.Environ(), cmd.Env...)
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// answer is what the product printed as JSON, and how it ended.
type answer struct {
	Plan    canopy.PlanID   `json:"plan"`
	Totals  canopy.Totals   `json:"totals"`
	Stopped []canopy.Breach `json:"stopped"`
	Imports []struct {
		Connector canopy.ConnectorID `json:"connector"`
		Error     string             `json:"error"`
	} `json:"imports"`
	Exports struct {
		Later, Refused, Unconfirmed, NotKept int
	} `json:"exports"`
	Error string `json:"error"`
	Kind  string `json:"kind"`
	Next  string `json:"next"`

	exit int
	text string
}

// planned is the number of writes that the plan of the run had.
func (a answer) planned() int {
	n := a.Totals.Links["added"] + a.Totals.Links["removed"]
	for _, tally := range a.Totals.Exports {
		for _, c := range tally {
			n += c
		}
	}
	return n
}

// ended is an error unless the run went through.
func (a answer) ended() error {
	if a.exit != 0 || a.said() != "" {
		return errors.New("the run did not go through\n" + a.text)
	}
	return nil
}

// said is every error of the answer.
func (a answer) said() string {
	said := a.Error
	for _, i := range a.Imports {
		said += i.Error
	}
	return said
}

// do runs the product and decodes the last line that it printed.
func (r *rig) do(t *testing.T, words ...string) answer {
	t.Helper()
	cmd, out, errs := r.command(t, within(t), append(words, "--json")...)
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("canopy %s: %v\n%s", strings.Join(words, " "), err, errs)
	}
	a := answer{exit: cmd.ProcessState.ExitCode(), text: fmt.Sprintf("canopy %s: exit %d\n%s%s", strings.Join(words, " "), cmd.ProcessState.ExitCode(), tail(out), tail(errs))}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &a); err != nil {
		t.Fatalf("%v: the last line is no answer\n%s", err, a.text)
	}
	return a
}

func tail(b *bytes.Buffer) string {
	s := b.String()
	return s[max(0, len(s)-3000):]
}

// sync runs the product once, in which nothing may go wrong, and compares the tenant with what is wanted.
func (r *rig) sync(t *testing.T) answer {
	t.Helper()
	a := r.do(t, "run")
	if a.exit != 0 || a.said() != "" || a.Exports.Refused+a.Exports.Later+a.Exports.Unconfirmed+a.Exports.NotKept > 0 {
		t.Fatalf("the run did not go through\n%s", a.text)
	}
	r.compare(t)
	return a
}

// settled proves that a further run has nothing to do, and does nothing.
func (r *rig) settled(t *testing.T) {
	t.Helper()
	r.arrive(t)
	_, cursor := r.tenant(t, nil)
	a := r.do(t, "run")
	if n := a.planned(); a.exit != 0 || n > 0 {
		t.Errorf("a second run: got %d planned writes, want none\n%s", n, a.text)
	}
	if changed, _ := r.tenant(t, cursor); len(changed) > 0 {
		t.Errorf("a second run changed %d objects of the tenant, the first: %+v", len(changed), changed[0])
	}
}

// compare compares the tenant with what the forests as they are now make of it.
func (r *rig) compare(t *testing.T) {
	t.Helper()
	want := Expect(r.world(t))
	got, _ := r.tenant(t, nil)
	if diff := Compare(want, got); len(diff) > 0 {
		t.Fatalf("%d differences between the tenant and what is wanted:\n%s", len(diff), strings.Join(diff[:min(len(diff), 20)], "\n"))
	}
	r.before = got
}

// world is what the forests hold, under the anchors that were given: an object that returns keeps its own.
func (r *rig) world(t *testing.T) World {
	t.Helper()
	w := world(t, r.sites)
	w.Before = r.before
	for _, f := range w.Forests {
		for _, o := range f.Objects {
			if own := o.first("ms-ds-consistencyguid"); own != "" && r.known[f.Name+o.GUID] == "" {
				r.known[f.Name+o.GUID] = own
			} else if known := r.known[f.Name+o.GUID]; known != "" {
				o.Attrs["ms-ds-consistencyguid"] = []string{known}
			}
		}
	}
	return w
}

// tenant reads the tenant through its native door: everything, or what changed since a cursor.
func (r *rig) tenant(t *testing.T, since []byte) (all []canopy.Change, cursor []byte) {
	t.Helper()
	ctx := within(t)
	tn, err := tenant.Open(ctx, filepath.Join(r.dir, "tenant.db"), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	req := canopy.ReadRequest{Cursor: since, Classes: []canopy.Class{canopy.User, canopy.Group, canopy.Contact},
		Attrs: []canopy.Attr{canopy.AttrSourceAnchor, canopy.AttrUPN, canopy.AttrMail, canopy.AttrDisplayName, canopy.AttrAddresses,
			canopy.AttrAccountEnabled, canopy.AttrManager, canopy.AttrMember, "telephoneNumber", "department"}}
	err = tn.Door().Read(ctx, req, func(b canopy.Batch) error {
		all, cursor = append(all, b.Changes...), b.Cursor
		return nil
	})
	if err := errors.Join(err, tn.Close()); err != nil {
		t.Fatalf("read the tenant: %v", err)
	}
	return all, cursor
}

// arrive lets everything that is on its way to Exchange arrive now, so that no later read of the tenant shows it.
func (r *rig) arrive(t *testing.T) {
	t.Helper()
	ctx := within(t)
	tn, err := tenant.Open(ctx, filepath.Join(r.dir, "tenant.db"), tenant.Options{})
	must(t, err)
	f, err := tn.Hurry(ctx, "")
	if err := errors.Join(err, tn.Close()); err != nil || f.Waiting > 0 {
		t.Fatalf("let changes arrive at Exchange: %d still on their way, %v", f.Waiting, err)
	}
}

// byAnchor gives the tenant's object with a source anchor, nil when there is none.
func (r *rig) byAnchor(t *testing.T, anchor string) *canopy.Change {
	t.Helper()
	all, _ := r.tenant(t, nil)
	for _, c := range all {
		if c.Attrs.Text(canopy.AttrSourceAnchor) == anchor {
			return &c
		}
	}
	return nil
}

// anchorOf is the source anchor of an object without one of its own.
func anchorOf(t *testing.T, s *site, dn string) string {
	t.Helper()
	e, err := s.Get(within(t), dn, "objectGUID")
	if err != nil || e == nil {
		t.Fatalf("read %s: %v %v", dn, e, err)
	}
	return base64.StdEncoding.EncodeToString(e.GetRawAttributeValue("objectGUID"))
}

// must ends the test on an error of a step.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// members are the source anchors of a group's members in the tenant, in order.
func (r *rig) members(t *testing.T, group string) []string {
	t.Helper()
	all, _ := r.tenant(t, nil)
	by, in := map[canopy.Anchor]string{}, map[string]bool{}
	for _, c := range all {
		by[c.Anchor] = c.Attrs.Text(canopy.AttrSourceAnchor)
	}
	for _, c := range all {
		for _, ref := range c.Links[canopy.AttrMember].Added {
			if c.Attrs.Text(canopy.AttrSourceAnchor) == group {
				in[by[ref.Anchor]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(in))
}
