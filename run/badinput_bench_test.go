package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

const (
	badPassword = "Right-1-password"
	badObjects  = 10 // in the tenant: in each forest three people, the account that reads, and a group
)

// badBench is two forests behind TLS, and a state directory as an administrator has it.
type badBench struct {
	dir     string
	servers []*forest.Server
	config  run.Config
	local   *run.Local
}

// newBadBench starts the forests "alpha" and "beta" with a few people each, and writes a configuration.
func newBadBench(t *testing.T) *badBench {
	t.Helper()
	b := &badBench{dir: t.TempDir()}
	for i, name := range []string{"alpha", "beta"} {
		s, err := forest.Start(t.Context(), forest.Options{Domain: name + ".test", Seed: uint64(i + 1), Exchange: true, AdminPassword: "Admin-1",
			Accounts: []forest.Account{{Name: "reader", Password: badPassword, Rights: forest.Rights{Replicate: true, Deleted: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() }) // never fails
		b.servers = append(b.servers, s)
		b.must(t, s.Add("OU=People,"+s.Base(), map[string][]string{"objectClass": {"organizationalUnit"}}))
		for _, who := range []string{"anna", "bert", "carl"} {
			b.must(t, s.Add(b.dn(i, who), badPerson(who, name)))
		}
		b.must(t, s.Add(b.dn(i, "staff"), map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"staff"}, "groupType": {"-2147483646"},
			"displayName": {"Staff of " + name}, "member": {b.dn(i, "anna"), b.dn(i, "bert")}}))
		b.file(t, name+".pem", string(s.CA()))
	}
	b.file(t, "password", badPassword+"\n")
	b.reset()
	b.configure(t)
	t.Cleanup(func() {
		if b.local != nil {
			b.must(t, b.local.Close())
		}
	})
	return b
}

func badPerson(who, forest string) map[string][]string {
	mail := who + "@" + forest + ".test"
	return map[string][]string{"objectClass": {"user"}, "sAMAccountName": {who}, "userPrincipalName": {mail}, "mail": {mail}, "displayName": {who + " of " + forest},
		"proxyAddresses": {"SMTP:" + mail}, "userAccountControl": {"512"}, "telephoneNumber": {"1"}}
}

func (b *badBench) dn(i int, name string) string {
	return "CN=" + name + ",OU=People," + b.servers[i].Base()
}

func (b *badBench) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *badBench) file(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	b.must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	b.must(t, os.WriteFile(path, []byte(text), 0o600))
}

// reset is the right configuration.
func (b *badBench) reset() {
	b.config = run.Config{Target: run.Target{Initial: "bad.onmicrosoft.com", Domains: []string{"alpha.test", "beta.test"}},
		Guard: run.Limits{canopy.RegretRules: {Number: 1000, Percent: 100}}} // what is wrong here comes and goes with rules and scopes
	for i, name := range []string{"alpha", "beta"} {
		b.config.Forests = append(b.config.Forests, run.Forest{Section: ad.Section{Name: canopy.ConnectorID(name), Servers: []string{b.servers[i].URL()}, Strict: true,
			CA: name + ".pem", Bind: ad.Account{Account: "reader@" + name + ".test", PasswordFile: "password"}}})
	}
}

func (b *badBench) configure(t *testing.T) {
	t.Helper()
	text, err := yaml.Marshal(b.config)
	b.must(t, err)
	b.file(t, run.ConfigName, string(text))
}

// cycle opens the state directory as a process does, runs one cycle and closes it again. What it says of imports that
// did not go through is part of the error.
func (b *badBench) cycle(t *testing.T, o run.Options) (*run.Report, error) {
	t.Helper()
	ctx := context.Background()
	if b.local != nil {
		b.must(t, b.local.Close())
		b.local = nil
	}
	l, err := run.Open(ctx, run.OpenOptions{Dir: b.dir, Command: "test"})
	if err != nil {
		return nil, err
	}
	b.local = l
	r, err := l.Cycle(ctx, o)
	if r != nil {
		for _, f := range r.Failures() {
			err = errors.Join(err, &canopy.Error{Kind: badKind(f.Kind), Code: f.Code, Object: string(f.Connector), Text: f.Error, Next: f.Next})
		}
	}
	return r, err
}

// badKind is the kind of that name.
func badKind(name string) canopy.ErrorKind {
	for k := canopy.Other; k <= canopy.Unsupported; k++ {
		if k.String() == name {
			return k
		}
	}
	return canopy.Other
}

// good runs one cycle that must go through.
func (b *badBench) good(t *testing.T) *run.Report {
	t.Helper()
	r, err := b.cycle(t, run.Options{})
	if err != nil {
		t.Fatalf("a cycle with nothing wrong: %v", err)
	}
	return r
}

// phone changes a person's telephone number in its forest.
func (b *badBench) phone(t *testing.T, i int, who, number string) {
	t.Helper()
	b.must(t, b.servers[i].Modify(b.dn(i, who), forest.Mod{Op: "replace", Attr: "telephoneNumber", Values: []string{number}}))
}

// tenant gives the tenant's objects by UPN, or display name where they have none, each as text.
func (b *badBench) tenant(t *testing.T) map[string]string {
	t.Helper()
	ctx := context.Background()
	if b.local != nil {
		b.must(t, b.local.Close())
		b.local = nil
	}
	tn, err := tenant.Open(ctx, filepath.Join(b.dir, run.TenantName), tenant.Options{Initial: "bad.onmicrosoft.com"})
	b.must(t, err)
	all, members := map[string]string{}, map[canopy.Anchor]int{}
	err = tn.Door().Read(ctx, canopy.ReadRequest{Classes: []canopy.Class{canopy.Group}, Attrs: []canopy.Attr{canopy.AttrMember}}, func(x canopy.Batch) error {
		for _, c := range x.Changes {
			members[c.Anchor] = len(c.Links[canopy.AttrMember].Added)
		}
		return nil
	})
	b.must(t, err)
	err = tn.Admin().List(ctx, false, func(o *tenant.Object) error {
		name := o.Attrs.Text(canopy.AttrUPN)
		if name == "" {
			name = o.Attrs.Text(canopy.AttrDisplayName)
		}
		if all[name] != "" {
			t.Errorf("the tenant has two objects called %s", name)
		}
		all[name] = fmt.Sprintf("%s anchor=%s phone=%s members=%d", o.Attrs.Text(canopy.AttrDisplayName), o.SourceAnchor, o.Attrs.Text("telephoneNumber"), members[o.ID])
		return nil
	})
	b.must(t, errors.Join(err, tn.Close()))
	return all
}

// badSays checks an error: its kind, that it says all of the words, that it tells what to do, and that it keeps secrets.
func badSays(t *testing.T, err error, kind canopy.ErrorKind, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one of kind %s that says %q", kind, words)
		return
	}
	found, told := false, false
	for _, e := range badErrors(err) {
		found = found || e.Kind == kind
		told = told || e.Kind == kind && e.Next != ""
	}
	if !found || !told {
		t.Errorf("got %v, want an error of kind %s that tells what to do (kind %v, told %v)", err, kind, found, told)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want %q in it", err, w)
		}
	}
	if strings.Contains(err.Error(), badPassword) {
		t.Errorf("the error tells the password: %v", err)
	}
}

// badErrors are all errors for people in an error's tree.
func badErrors(err error) (all []*canopy.Error) {
	switch x := err.(type) {
	case nil:
	case *canopy.Error:
		all = append(all, x)
		all = append(all, badErrors(x.Err)...)
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			all = append(all, badErrors(e)...)
		}
	default:
		all = badErrors(errors.Unwrap(err))
	}
	return slices.Clip(all)
}
