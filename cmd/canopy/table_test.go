package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTablesFit: on a terminal of 80 columns no row is wrapped; with --wide, and for programs, nothing is cut.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "40")
	const who = "grace.bennett@contoso.com"
	for _, args := range [][]string{{"log", "--runs"}, {"log"}, {"log", who}, {"log", "--refused"}, {"plan", "list"}, {"rule", "list"}, {"entry", "show", who},
		{"meta", "show", who}} {
		run := func(columns int, more ...string) string {
			var out, errs bytes.Buffer
			app := App{Out: &out, Err: &errs, columns: columns}
			if code := app.Run(t.Context(), append(append(args, "--dir", dir), more...)); code != exitDone {
				t.Errorf("canopy %s: got exit code %d\n%s", strings.Join(args, " "), code, errs.String())
			}
			return out.String()
		}
		for line := range strings.Lines(run(80)) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("canopy %s: a row of %d columns, want 80 at most:\n%s", strings.Join(args, " "), n, line)
			}
		}
		if wide, piped := run(80, "--wide"), run(0); wide != piped {
			t.Errorf("canopy %s: --wide differs from what programs get", strings.Join(args, " "))
		}
	}
}

func TestTableCuts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := App{Out: &out, columns: 24}
	tab := a.table("NAME", "TEXT", "N")
	tab.row("Жанна", "a text that is much too long", "12")
	tab.row("red\x1b[31m", "", "")
	tab.end()
	want := "NAME       TEXT       N\nЖанна      a text t…  12\nred\\1B[3…\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
