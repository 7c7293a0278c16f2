package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulePlan: what other rules would do is shown over everybody before they are in force, and leaves nothing; in force, the
// next run stops with it, and what was approved is carried out and nothing else.
func TestRulePlan(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	text := strings.NewReplacer("[title]), ", "[title])", "  - {to: roomNumber, expression: 'CNum([cn])'}\n", "", ", {attr: cn, op: ISNOTNULL}", "").Replace(ownRule)
	if err := os.WriteFile(filepath.Join(other, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plans := must(t, dir, "plan", "list")
	shown := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("it lacks %q:\n%s", w, out)
			}
		}
	}
	shown(must(t, dir, "rule", "plan"), "It writes nothing.")
	shown(must(t, dir, "rule", "plan", other), " user changed title in tenant\n", " -> ", "and ", "The guard would stop it", "nothing was stored")
	shown(must(t, dir, "rule", "plan", other, "--json", "--all"), `"what":"changed","connector":"tenant","class":"user","attribute":"title"`)
	shown(must(t, dir, "rule", "plan", "--join", "none"), "user")
	if code, _, errs := command(t, dir, "rule", "plan", other+"/none"); code != exitFailed || !strings.Contains(errs, "there is no such folder") {
		t.Errorf("a folder that there is not: exit code %d, %s", code, errs)
	}
	if again := must(t, dir, "plan", "list"); again != plans {
		t.Errorf("the rehearsals left a trace:\n%s\nbefore:\n%s", again, plans)
	}
	if err := os.CopyFS(filepath.Join(dir, "rules"), os.DirFS(other)); err != nil {
		t.Fatal(err)
	}
	code, out, _ := command(t, dir, "plan", "--no-import")
	if code != exitStopped {
		t.Errorf("with new rules: exit code %d, want %d", code, exitStopped)
	}
	shown(out, " user changed title in tenant\n", "the rules, joins or scopes are others")
	number := strings.Fields(out[strings.Index(out, "Plan ")+len("Plan "):])[0]
	shown(must(t, dir, "plan", "show", number, "--groups"), " user changed title in tenant\n")
	must(t, dir, "plan", "approve", number)
	must(t, dir, "rule", "disable", "own-title")
	if code, _, errs := command(t, dir, "run", "--plan", number); code != exitFailed || !strings.Contains(errs, "are others now") {
		t.Errorf("a plan of other rules: exit code %d, %s", code, errs)
	}
	must(t, dir, "rule", "enable", "own-title")
	must(t, dir, "run", "--plan", number)
	shown(must(t, dir, "rule", "plan"), "It writes nothing.")
}
