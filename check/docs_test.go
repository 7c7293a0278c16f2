package check

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of rules in docs/checks.md anew")

// TestDocument: docs/checks.md lists the rules as they are.
func TestDocument(t *testing.T) {
	t.Parallel()
	const path, mark = "../docs/checks.md", "-update writes it. -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, got, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s has no %q", path, mark)
	}
	want := "\n" + table()
	if *update {
		if err := os.WriteFile(path, []byte(head+mark+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s is not what the rules are (-want +got):\n%s", path, d)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| rule | severity | attribute | what is wrong | what to do | the correction that is offered |\n|---|---|---|---|---|---|\n")
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for _, r := range Rules() {
		attr, fix := "several", "none"
		if r.Attr != "" {
			attr = "`" + string(r.Attr) + "`"
		}
		if r.Fix != "" {
			fix = r.Fix
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.ID, r.Severity, attr, cell(r.Text), cell(r.Next), cell(fix))
	}
	return b.String()
}
