package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// walk calls each with every command that a person can type.
func walk(c *cobra.Command, each func(*cobra.Command)) {
	each(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && !sub.Hidden {
			walk(sub, each)
		}
	}
}

// TestHelp: every command says what it does, what it does not, and how it is called.
func TestHelp(t *testing.T) {
	t.Parallel()
	n := 0
	walk((&App{}).root(), func(c *cobra.Command) {
		n++
		if c.Short == "" || c.Long == "" {
			t.Errorf("%s: its help lacks a text: short %q, long %q", c.CommandPath(), c.Short, c.Long)
		}
		if !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: its example does not call it: %q", c.CommandPath(), c.Example)
		}
		if strings.HasPrefix(c.CommandPath(), "canopy completion") {
			return // what cobra says of it
		}
		if !strings.Contains(c.Long, " not ") && !strings.Contains(c.Long, "othing") && !strings.Contains(c.Long, " no ") && !strings.Contains(c.Long, "never") &&
			!strings.Contains(c.Long, "None of") {
			t.Errorf("%s: its help does not say what it does not do: %q", c.CommandPath(), c.Long)
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 125 {
				t.Errorf("%s: a line of its help is too long: %q", c.CommandPath(), line)
			}
		}
		for line := range strings.Lines(c.Example) {
			parses(t, c, strings.TrimSpace(line))
		}
	})
	if n < 20 {
		t.Errorf("walked %d commands, want them all", n)
	}
}

// parses checks that a line of an example is a command with flags that there are.
func parses(t *testing.T, c *cobra.Command, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " && ")
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "canopy" {
		t.Errorf("%s: its example does not begin with canopy: %q", c.CommandPath(), line)
		return
	}
	sub, rest, err := (&App{}).root().Find(words[1:])
	if err != nil {
		t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
		return
	}
	if err := sub.ParseFlags(rest); err != nil {
		t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got, want := must(t, t.TempDir(), "--version"), "canopy version "; !strings.HasPrefix(got, want) || len(got) < len(want)+2 {
		t.Errorf("got %q, want %q and what it was built from", got, want)
	}
}

// TestMan: a page for each command, with its example.
func TestMan(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man1")
	must(t, t.TempDir(), "man", dir)
	walk((&App{}).root(), func(c *cobra.Command) {
		page := filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			return
		}
		for _, want := range []string{".TH \"CANOPY\" \"1\"", ".SH NAME", ".SH EXAMPLE"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", page, want)
			}
		}
		if strings.Contains(string(text), "Auto generated") {
			t.Errorf("%s says when it was made, so that it differs every day", page)
		}
	})
	if code, _, errs := command(t, t.TempDir(), "man"); code != exitUsage {
		t.Errorf("without a folder: got exit code %d, want %d\n%s", code, exitUsage, errs)
	}
}

// TestCompletion: a shell can read what it is given, and is told the commands and flags.
func TestCompletion(t *testing.T) {
	t.Parallel()
	script := must(t, t.TempDir(), "completion", "bash")
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatalf("the completion is tested with bash: %v", err)
	}
	c := exec.CommandContext(t.Context(), bash, "-n")
	c.Stdin = strings.NewReader(script)
	if said, err := c.CombinedOutput(); err != nil {
		t.Errorf("bash does not read it: %v\n%s", err, said)
	}
	for want, words := range map[string][]string{"explain": {"ex"}, "approve": {"plan", "app"}, "--accept-missing": {"run", "--acc"}} {
		if got := must(t, t.TempDir(), append([]string{"__complete"}, words...)...); !strings.HasPrefix(got, want) {
			t.Errorf("%v: got %q, want %s", words, got, want)
		}
	}
}
