package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
)

// documented are the command lines of docs/migration.md, by the heading of the first order above them.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	out, under := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			under = strings.TrimSpace(title)
		}
		if command, ok := strings.CutPrefix(line, "    canopy "); ok {
			command, _, _ = strings.Cut(command, " #")
			out[under] = append(out[under], strings.TrimSpace(command))
		}
	}
	return out
}

// labWith starts the lab's forests for the length of a test; the state directory knows them.
func labWith(t *testing.T, dir string) *lab.Lab {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, People: lab.MinPeople, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	return l
}

// TestMigrationDocument runs every command of docs/migration.md, in its order, beside running forests and a tenant that
// holds what the old product wrote.
func TestMigrationDocument(t *testing.T) {
	t.Parallel()
	all := documented(t)
	if len(all["Moving from Connect Sync"]) < 6 || len(all["Moving from Cloud Sync"]) < 6 {
		t.Fatalf("got %q, want the commands of both ways", all)
	}
	for title, commands := range all {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			dir, files := t.TempDir(), t.TempDir()
			labWith(t, dir)
			must(t, dir, "run")
			newer, err := os.ReadFile(sampleSchema)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(files, "newer.json"), newer, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(files, "rules"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, line := range commands {
				line = strings.NewReplacer("~/export", sampleExport, "~/rules", filepath.Join(files, "rules"), "newer.json", filepath.Join(files, "newer.json"), "schema.json", sampleSchema,
					"anna@contoso.com", "CN=IT,OU=Groups,DC=contoso,DC=lab").Replace(line)
				line, to, redirected := strings.Cut(line, " > ")
				code, out, errs := command(t, dir, strings.Fields(line)...)
				// The rules of the sample are for fewer classes than the built-in ones: the document says what happens then.
				fewer := line == "plan" && code == exitFailed && strings.Contains(errs, "--accept-missing")
				if code != exitDone && !fewer {
					t.Errorf("canopy %s: exit code %d\n%s", line, code, errs)
				}
				if redirected {
					if err := os.WriteFile(filepath.Join(files, to), []byte(out), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestMigrationByContainer cuts over container by container: a new state directory meets a tenant that another product
// has filled, with one container in scope and then with the next. Nobody is made anew, and nothing is deleted.
func TestMigrationByContainer(t *testing.T) {
	t.Parallel()
	old, dir := t.TempDir(), t.TempDir()
	labWith(t, old)
	must(t, old, "run")
	files, err := filepath.Glob(filepath.Join(old, run.TenantName+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of the tenant, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := run.LoadConfig(filepath.Join(old, run.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Forests = cfg.Forests[:1]
	var met int
	for _, include := range [][]string{{"OU=Staff,DC=contoso,DC=lab"}, {"OU=Staff,DC=contoso,DC=lab", "OU=Groups,DC=contoso,DC=lab"}} {
		cfg.Forests[0].Scope.Include = include
		text, err := yaml.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, run.ConfigName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := command(t, dir, "plan", "--json")
		plan := decode[struct {
			Plan   int
			Totals struct {
				Entries map[string]map[string]int
				Exports map[string]map[string]int
			}
		}](t, out)
		if code != exitDone && code != exitStopped { // another scope is a plan of its own, which waits for an approval
			t.Fatalf("%q: canopy plan: exit code %d\n%s%s", include, code, out, errs)
		}
		adds := 0
		for what, n := range plan.Totals.Exports["tenant"] {
			if strings.HasPrefix(what, "delete ") && n > 0 {
				t.Errorf("%q: the plan would %s %d times", include, what, n)
			}
			if strings.HasPrefix(what, "add ") {
				adds += n
			}
		}
		shown := must(t, dir, "plan", "show", fmt.Sprint(plan.Plan), "--all", "--json")
		if met := strings.Count(shown, `"match":{`); met != adds || adds == 0 {
			t.Errorf("%q: %d of %d objects meet one that the tenant has, want all:\n%.2000s", include, met, adds, shown)
		}
		seen := plan.Totals.Entries["contoso.lab"]["planned"] + plan.Totals.Entries["contoso.lab"]["unchanged"]
		if seen == 0 {
			t.Errorf("%q: nobody is taken over: %v", include, plan.Totals.Entries)
		}
		met += seen
		number := fmt.Sprint(plan.Plan)
		if code == exitStopped {
			must(t, dir, "plan", "approve", number)
		}
		if code, out, errs = command(t, dir, "run", "--plan", number); code != exitDone {
			t.Fatalf("%q: canopy run: exit code %d\n%s%s", include, code, out, errs)
		}
	}
	if met < 20 {
		t.Errorf("%d objects were taken over in two steps, want people and groups", met)
	}
}
