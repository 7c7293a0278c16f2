package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/run"
)

// screen is what a terminal shows of a text with carriage returns, without what was overwritten with blanks.
func screen(text string) []string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		var cells []rune
		at := 0
		for _, r := range line {
			if r == '\r' {
				at = 0
				continue
			}
			if at == len(cells) {
				cells = append(cells, ' ')
			}
			cells[at] = r
			at++
		}
		lines = append(lines, strings.TrimRight(string(cells), " "))
	}
	return lines
}

// TestBars: forests that are read side by side share a bar, each leaves its line, and no bar stays behind.
func TestBars(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bars{out: &out, live: true}
	told := func(events ...run.Event) {
		for _, e := range events {
			b.tell(e)
		}
	}
	told(run.Event{Step: "read", Connector: "a.lab"}, run.Event{Step: "read", Connector: "b.lab"},
		run.Event{Step: "read", Connector: "b.lab", Done: 500},
		run.Event{Step: "read", Connector: "a.lab", Done: 700, Total: 700, End: true})
	if got := out.String(); !strings.Contains(got, "read ") || !strings.Contains(got, "objects") {
		t.Errorf("no bar was drawn: %q", got)
	}
	told(run.Event{Step: "read", Connector: "b.lab", Done: 800, Total: 800, End: true},
		run.Event{Step: "plan", Total: 90}, run.Event{Step: "plan", Done: 50, Total: 90}, run.Event{Step: "plan", Done: 90, Total: 90, End: true},
		run.Event{Step: "apply"}, run.Event{Step: "apply", Done: 20}) // and there it fails
	b.end()
	want := []string{"read a.lab               700", "read b.lab               800", "plan                     90", ""}
	if d := cmp.Diff(want, screen(out.String())); d != "" {
		t.Errorf("what stays on the screen (-want +got):\n%s\n%q", d, out.String())
	}
	if !strings.Contains(out.String(), "/90") {
		t.Errorf("the plan's bar does not show how many there are: %q", out.String())
	}
}

// TestBarsElsewhere: what is no terminal gets lines alone, and programs nothing.
func TestBarsElsewhere(t *testing.T) {
	t.Parallel()
	for quiet, want := range map[bool]string{false: "read a.lab               700\n", true: ""} {
		var out bytes.Buffer
		b := &bars{out: &out, quiet: quiet}
		b.tell(run.Event{Step: "read", Connector: "a.lab"})
		b.tell(run.Event{Step: "read", Connector: "a.lab", Done: 700, Total: 700, End: true})
		if got := out.String(); got != want {
			t.Errorf("quiet %v: got %q, want %q", quiet, got, want)
		}
	}
}
