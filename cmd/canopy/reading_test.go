package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReading proves that commands that only show need nothing but the store: no certificate, no password, no tenant,
// no forest, not even one that was added to the configuration since.
func TestReading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	for _, pattern := range []string{"*.pem", "lab-password", "tenant.db*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: got %v, %v, want files", pattern, found, err)
		}
		for _, f := range found {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := filepath.Join(dir, "canopy.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	further := "forests:\n    - {name: later.lab, servers: ['ldaps://127.0.0.1:1'], ca: none.pem, bind: {account: a, password_env: CANOPY_NOT_SET}}\n"
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "forests:\n", further, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	const who = "grace.bennett@contoso.com"
	for _, args := range [][]string{{"explain", who}, {"explain", who, "displayName"}, {"entry", "show", who}, {"meta", "show", who}, {"log"}, {"log", who},
		{"log", "--runs"}, {"log", "--refused"}, {"plan", "list"}, {"plan", "show", "1"}, {"rule", "list"}} {
		if out := must(t, dir, args...); out == "" {
			t.Errorf("canopy %s printed nothing", strings.Join(args, " "))
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tenant.db")); err == nil {
		t.Error("reading made a tenant")
	}
}

// TestReadingElsewhere proves that a mistyped directory is told of, and not made.
func TestReadingElsewhere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mistyped")
	code, _, errs := command(t, dir, "explain", "anybody")
	if code != exitFailed || !strings.Contains(errs, dir) || !strings.Contains(errs, "what to do:") {
		t.Errorf("exit code %d, want %d, and the directory named:\n%s", code, exitFailed, errs)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}
