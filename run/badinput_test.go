package run_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
)

// TestBadConnection gives a forest that worked what administrators and networks get wrong. The error names it and says
// what to do; nobody of that forest is touched, the other forest is carried on with, and when it is mended all follows.
func TestBadConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *badBench)
		mend  func(*testing.T, *badBench) // besides the right configuration
		full  bool
		kind  canopy.ErrorKind
		says  []string
	}{
		{name: "wrong password", kind: canopy.Credentials, says: []string{"alpha", "reader@alpha.test", "password"},
			spoil: func(t *testing.T, b *badBench) {
				b.file(t, "other", "Wrong-1\n")
				b.config.Forests[0].Bind.PasswordFile = "other"
			}},
		{name: "expired account", kind: canopy.Credentials, says: []string{"alpha", "reader@alpha.test", "expired"},
			spoil: func(t *testing.T, b *badBench) {
				b.must(t, b.servers[0].Modify("CN=reader,CN=Users,"+b.servers[0].Base(), forest.Mod{Op: "replace", Attr: "accountExpires", Values: []string{"129000000000000000"}}))
			},
			mend: func(t *testing.T, b *badBench) {
				b.must(t, b.servers[0].Modify("CN=reader,CN=Users,"+b.servers[0].Base(), forest.Mod{Op: "replace", Attr: "accountExpires", Values: []string{"0"}}))
			}},
		{name: "wrong CA", kind: canopy.Credentials, says: []string{"alpha", "127.0.0.1", "certificate"},
			spoil: func(_ *testing.T, b *badBench) { b.config.Forests[0].CA = "beta.pem" }},
		{name: "wrong pin", kind: canopy.Credentials, says: []string{"alpha", "127.0.0.1", "pinned"},
			spoil: func(_ *testing.T, b *badBench) { b.config.Forests[0].Pin = strings.Repeat("ab", 32) }},
		{name: "wrong base", kind: canopy.NotFound, says: []string{"alpha", "DC=elsewhere,DC=test"},
			spoil: func(_ *testing.T, b *badBench) { b.config.Forests[0].Base = []string{"DC=elsewhere,DC=test"} }},
		{name: "nobody answers", kind: canopy.Unreachable, says: []string{"alpha", "127.0.0.1:1"},
			spoil: func(_ *testing.T, b *badBench) { b.config.Forests[0].Servers = []string{"ldaps://127.0.0.1:1"} }},
		{name: "dies while it is read", kind: canopy.Unreachable, full: true, says: []string{"alpha", "127.0.0.1"},
			spoil: func(_ *testing.T, b *badBench) {
				b.servers[0].SetFault(func(r forest.Request) forest.Fault {
					if r.Op == "search" && r.DN == b.servers[0].Base() {
						return forest.Fault{DropAfter: 20}
					}
					return forest.Fault{}
				})
			},
			mend: func(_ *testing.T, b *badBench) { b.servers[0].SetFault(nil) }},
		{name: "is busy", kind: canopy.Unreachable, says: []string{"alpha", "127.0.0.1"},
			spoil: func(_ *testing.T, b *badBench) {
				b.servers[0].SetFault(func(r forest.Request) forest.Fault {
					if r.Op == "search" && r.DN == b.servers[0].Base() {
						return forest.Fault{Code: 51, Text: "busy"}
					}
					return forest.Fault{}
				})
			},
			mend: func(_ *testing.T, b *badBench) { b.servers[0].SetFault(nil) }},
		{name: "malformed name in the scope", kind: canopy.Invalid, says: []string{"alpha", "People of alpha"},
			spoil: func(_ *testing.T, b *badBench) { b.config.Forests[0].Scope.Include = []string{"People of alpha"} }},
		{name: "unknown container in the scope", kind: canopy.NotFound, says: []string{"alpha", "OU=None,DC=alpha,DC=test"},
			spoil: func(_ *testing.T, b *badBench) {
				b.config.Forests[0].Scope.Exclude = []string{"OU=None,DC=alpha,DC=test"}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBadBench(t)
			b.good(t)
			before := b.tenant(t)
			if len(before) != badObjects {
				t.Fatalf("got %d objects in the tenant, want 6 people, 2 service accounts and 2 groups: %v", len(before), before)
			}
			b.phone(t, 0, "anna", "2")
			b.phone(t, 1, "anna", "2")
			c.spoil(t, b)
			b.configure(t)
			_, err := b.cycle(t, run.Options{Full: c.full})
			badSays(t, err, c.kind, c.says...)
			want := cloneMap(before)
			want["anna@beta.test"] = strings.Replace(want["anna@beta.test"], "phone=1", "phone=2", 1)
			if d := cmp.Diff(want, b.tenant(t)); d != "" {
				t.Errorf("the tenant while one forest is ill (-want +got):\n%s", d)
			}
			b.reset()
			b.configure(t)
			if c.mend != nil {
				c.mend(t, b)
			}
			b.good(t)
			want["anna@alpha.test"] = strings.Replace(want["anna@alpha.test"], "phone=1", "phone=2", 1)
			if d := cmp.Diff(want, b.tenant(t)); d != "" {
				t.Errorf("the tenant when all is mended (-want +got):\n%s", d)
			}
		})
	}
}

func cloneMap(m map[string]string) map[string]string {
	c := map[string]string{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// TestBadStart gives the product what stops it before it does anything. The error names file and place and says what to
// do; nothing is written, and with the fault mended the run goes through.
func TestBadStart(t *testing.T) {
	t.Parallel()
	newer := func(file string) func(*testing.T, *badBench) {
		return func(t *testing.T, b *badBench) {
			b.good(t)
			b.tenant(t) // closes everything
			badNewer(t, filepath.Join(b.dir, file), 1)
		}
	}
	older := func(file string) func(*testing.T, *badBench) {
		return func(t *testing.T, b *badBench) { badNewer(t, filepath.Join(b.dir, file), -1) }
	}
	const ruleHead = "id: in.ad.own\nname: Own\ndirection: in\nconnector: ad\nsource: [user]\ntarget: person\nlink: join\nprecedence: 77\n"
	noRules := func(t *testing.T, b *badBench) { b.must(t, os.RemoveAll(filepath.Join(b.dir, run.RulesName))) }
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *badBench)
		mend  func(*testing.T, *badBench)
		kind  canopy.ErrorKind
		says  []string
	}{
		{name: "no configuration", kind: canopy.NotFound, says: []string{run.ConfigName},
			spoil: func(t *testing.T, b *badBench) { b.must(t, os.Remove(filepath.Join(b.dir, run.ConfigName))) }},
		{name: "unknown key", kind: canopy.Invalid, says: []string{run.ConfigName, "line 2", "servrs"},
			spoil: func(t *testing.T, b *badBench) { b.file(t, run.ConfigName, "forests:\n  - servrs: []\n") }},
		{name: "broken YAML", kind: canopy.Invalid, says: []string{run.ConfigName, "line"},
			spoil: func(t *testing.T, b *badBench) { b.file(t, run.ConfigName, "forests: [\n  - : ]]\n") }},
		{name: "a password in the configuration", kind: canopy.Invalid, says: []string{"alpha", "password_file"},
			spoil: func(t *testing.T, b *badBench) { b.config.Forests[0].Bind.Password = badPassword; b.configure(t) }},
		{name: "malformed base", kind: canopy.Invalid, says: []string{"alpha.test"},
			spoil: func(t *testing.T, b *badBench) { b.config.Forests[0].Base = []string{"alpha.test"}; b.configure(t) }},
		{name: "no CA file", kind: canopy.Invalid, says: []string{"alpha", "none.pem"},
			spoil: func(t *testing.T, b *badBench) { b.config.Forests[0].CA = "none.pem"; b.configure(t) }},
		{name: "a filter with a syntax error", kind: canopy.Invalid, says: []string{"own.yaml:9", "LIKEWISE"}, mend: noRules,
			spoil: func(t *testing.T, b *badBench) {
				b.file(t, "rules/own.yaml", ruleHead+"scope: [[{attr: mail, op: LIKEWISE, value: x}]]\nflows:\n  - {to: department, from: department}\n")
			}},
		{name: "an expression with a syntax error", kind: canopy.Invalid, says: []string{"own.yaml:", "Trim"}, mend: noRules,
			spoil: func(t *testing.T, b *badBench) {
				b.file(t, "rules/own.yaml", ruleHead+"flows:\n  - {to: department, expression: 'Trim([department]'}\n")
			}},
		{name: "a store of a newer version", kind: canopy.Newer, says: []string{run.StoreName, "version"}, spoil: newer(run.StoreName), mend: older(run.StoreName)},
		{name: "a tenant of a newer version", kind: canopy.Newer, says: []string{run.TenantName, "version"}, spoil: newer(run.TenantName), mend: older(run.TenantName)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBadBench(t)
			c.spoil(t, b)
			_, err := b.cycle(t, run.Options{})
			badSays(t, err, c.kind, c.says...)
			if c.mend != nil {
				c.mend(t, b)
			}
			b.reset()
			b.configure(t)
			b.good(t)
			if all := b.tenant(t); len(all) != badObjects {
				t.Errorf("when all is mended the tenant has %d objects, want %d: %v", len(all), badObjects, all)
			}
		})
	}
}

// badNewer makes a file look as if it were newer by some versions.
func badNewer(t *testing.T, path string, by int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	statement := `DELETE FROM migration WHERE version = 9999`
	switch {
	case version > 0:
		statement = fmt.Sprintf(`PRAGMA user_version = %d`, version+by)
	case by > 0:
		statement = `INSERT INTO migration (version, name, checksum, at) VALUES (9999, 'later', 'unknown', 0)`
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestBadDisk lets the disk be full at some statement of the first run: it stops with an error that says so, and goes on
// when there is space, as if nothing had been.
func TestBadDisk(t *testing.T) {
	t.Parallel()
	want := faultReference(t, faultBench(t, t.TempDir()), faultStory)
	var all atomic.Int64
	b := faultBench(t, propDir(t, t.TempDir(), 0))
	b.storeFail = func(string) error {
		all.Add(1)
		return nil
	}
	faultStory(t, b)
	if _, err := b.faultCycle(); err != nil {
		t.Fatal(err)
	}
	b.close(t)
	for _, part := range []int64{0, 7, 20, 33, 67, 95} { // per cent of the statements
		at := 1 + all.Load()*part/100
		b := faultBench(t, propDir(t, t.TempDir(), int(at)))
		defer b.close(t)
		var asked atomic.Int64
		b.storeFail = func(string) error {
			if asked.Add(1) >= at {
				return &canopy.Error{Kind: canopy.Full, Code: "store-full", Object: run.StoreName, Text: "there is no space left for the store", Next: "free some space and run again"}
			}
			return nil
		}
		then := faultStory(t, b)
		_, err := b.faultCycle()
		badSays(t, err, canopy.Full, run.StoreName, "space")
		b.storeFail = nil
		b.drop()
		faultCycles(t, b, then, func() {})
		if d := cmp.Diff(want, b.image(t)); d != "" {
			t.Errorf("statement %d: with space again the end is another (-without +with):\n%s", at, d)
		}
	}
}
