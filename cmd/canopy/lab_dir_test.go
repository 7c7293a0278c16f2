package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listener keeps what is written to it and ends a command when a text has come so many times.
type listener struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	text  string
	times int
	end   context.CancelFunc
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	if strings.Count(l.buf.String(), l.text) >= l.times {
		l.end()
	}
	return len(p), nil
}

// TestLabKeepsOut proves that the lab leaves a state directory alone that is not a lab's.
func TestLabKeepsOut(t *testing.T) {
	t.Parallel()
	const own = "forests:\n- {name: corp.example, servers: ['ldaps://dc1'], bind: {account: a, password_env: P}}\n"
	for name, files := range map[string]map[string]string{
		"configuration":          {"canopy.yaml": own},
		"configuration and more": {"canopy.yaml": own, "canopy.db": "mine", "tenant.db": "mine"},
		"store alone":            {"canopy.db": "mine"},
		"tenant alone":           {"tenant.db": "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for f, text := range files {
				if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, _, errs := command(t, dir, "lab", "--once", "--people", "40")
			if code != exitFailed || !strings.Contains(errs, dir) || !strings.Contains(errs, "canopy lab --dir") {
				t.Errorf("got exit code %d, want %d and the file and another directory named:\n%s", code, exitFailed, errs)
			}
			got := map[string]string{}
			found, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Name() == "lock" {
					continue
				}
				text, err := os.ReadFile(filepath.Join(dir, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got[f.Name()] = string(text)
			}
			if d := cmp.Diff(files, got); d != "" {
				t.Errorf("the directory was changed (-want +got):\n%s", d)
			}
		})
	}
}

// TestPrivateFiles proves that what is known of people is for the owner's eyes only, and that a lab may start again on
// what a lab left.
func TestPrivateFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "lab")
	must(t, dir, "lab", "--once", "--people", "40")
	seen := map[string]bool{}
	look := func() {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if d.IsDir() {
				want = 0o700
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has mode %o, want %o", path, got, want)
			}
			seen[d.Name()] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	beside := &listener{text: "\n", times: 1, end: look} // the databases are open, with what stands beside them
	app := App{Out: new(bytes.Buffer), Err: beside}
	if code := app.Run(ctx, []string{"lab", "--once", "--people", "40", "--dir", dir}); code != exitDone {
		t.Errorf("a second lab: got exit code %d, want %d\n%s", code, exitDone, beside.buf.String())
	}
	for _, name := range []string{"canopy.db", "canopy.db-wal", "canopy.db-shm", "tenant.db", "tenant.db-wal", "lock", "lab.json", "lab-password", "canopy.yaml", "contoso.lab.pem"} {
		if !seen[name] {
			t.Errorf("there was no %s", name)
		}
	}
}

// TestLabInterrupted: Ctrl-C in the midst is no error, and the same command goes on.
func TestLabInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"lab", "--once", "--people", "60", "--dir", dir}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := &listener{text: "plan ", times: 1, end: cancel}
	var out bytes.Buffer
	app := App{Out: &out, Err: errs}
	if code := app.Run(ctx, args); code != exitInterrupted {
		t.Fatalf("got exit code %d, want %d\n%s%s", code, exitInterrupted, out.String(), errs.buf.String())
	}
	if got, want := errs.buf.String(), "canopy: stopped; nothing is lost; the same command goes on from here\n"; !strings.HasSuffix(got, want) || strings.Contains(got, "canceled") {
		t.Errorf("got %q, want an end of %q", got, want)
	}
	if got := must(t, dir, args[:len(args)-2]...); !strings.Contains(got, "a second full run planned 0") {
		t.Errorf("the same command again:\n%s", got)
	}
}

// TestChurnJSON: every line is an object, until the lab is interrupted, which is how it ends.
func TestChurnJSON(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &listener{text: `"change"`, times: 3, end: cancel}
	var errs bytes.Buffer
	app := App{Out: out, Err: &errs}
	if code := app.Run(ctx, []string{"lab", "--churn", "--json", "--people", "40", "--pace", "1ms", "--dir", t.TempDir()}); code != exitDone {
		t.Fatalf("got exit code %d, want %d\n%s", code, exitDone, errs.String())
	}
	n := 0
	for line := range strings.Lines(out.buf.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("not an object: %v\n%s", err, line)
		}
		if v["change"] != nil {
			n++
		}
	}
	if n < 3 {
		t.Errorf("got %d changes, want 3 or more\n%s", n, out.buf.String())
	}
}
