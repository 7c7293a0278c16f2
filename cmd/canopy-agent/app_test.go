package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	app := App{Out: &o, Err: &e, Asked: func(ctx context.Context, do func(context.Context) error) error { return do(ctx) }}
	code = app.Run(t.Context(), append([]string{"--dir", t.TempDir()}, args...))
	return code, o.String(), e.String()
}

// TestHelp: every command says what it does, what it does not, and how it is called.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := (&App{}).root()
	for _, c := range append(root.Commands(), root) {
		if c.Name() == "completion" || c.Name() == "help" {
			continue // what cobra says of them
		}
		if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: short %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		if !strings.Contains(c.Long, " no ") && !strings.Contains(c.Long, " none") && !strings.Contains(c.Long, "nobody") {
			t.Errorf("%s: its help does not say what it does not do: %q", c.CommandPath(), c.Long)
		}
		for line := range strings.Lines(c.Example) {
			words := strings.Fields(line)
			sub, rest, err := (&App{}).root().Find(words[1:])
			if err == nil {
				err = sub.ParseFlags(rest)
			}
			if err != nil || words[0] != "canopy-agent" {
				t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("canopy-enrol-x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"enrol"}, exitUsage, "--service"},
		{[]string{"run", "now"}, exitUsage, "too much"},
		{[]string{"run", "--fast"}, exitUsage, "--help"},
		{[]string{"fly"}, exitFailed, "fly"},
		{[]string{"run"}, exitFailed, "there is no configuration"},
		{[]string{"check", "--json"}, exitFailed, `"code":"config-missing"`},
		{[]string{"enrol", "--service", "https://127.0.0.1:1", "--token-file", token}, exitFailed, "no enrolment token"},
		{[]string{"enrol", "--service", "https://127.0.0.1:1", "--token-file", token + "x"}, exitFailed, "read the token"},
	} {
		code, out, errs := command(t, x.args...)
		if code != x.code || !strings.Contains(out+errs, x.want) {
			t.Errorf("%v: exit code %d, want %d and %q\n%s%s", x.args, code, x.code, x.want, out, errs)
		}
	}
}
