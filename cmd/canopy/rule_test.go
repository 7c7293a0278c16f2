package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ownRule = `# Ours.
id: own-title   # keep this id
name: In from AD - title of our own
direction: in
connector: ad
source: user
target: person
link: join
precedence: 40
# Nobody without a title.
scope:
  - [{attr: title, op: ISNOTNULL}, {attr: cn, op: ISNOTNULL}]
flows:
  - {to: title, expression: 'UCase([title])'}   # loud
  - {to: roomNumber, expression: 'CNum([cn])'}
`

// TestRules walks through what an administrator does with a rule of the house.
func TestRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	if out := must(t, dir, "rule", "diff"); !strings.Contains(out, "No difference.") {
		t.Errorf("the lab's rules differ from the built-in ones: %s", out)
	}
	own := filepath.Join(dir, "rules", "own.yaml")
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, []byte(ownRule), 0o640); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"lint"}, exitDone, []string{"own.yaml:15: rule own-title: the attribute roomNumber is not among"}},
		{[]string{"lint", "--strict", "--json"}, exitFailed, []string{`"other":"own-title"`}},
		{[]string{"diff"}, exitDone, []string{"added: own-title (In from AD - title of our own)"}},
		{[]string{"diff", "--json"}, exitDone, []string{`"what":"added"`}},
		{[]string{"diff", dir}, exitDone, []string{"No difference."}},
		{[]string{"diff", dir + "/none"}, exitFailed, []string{"there is no such directory"}},
		{[]string{"show", "own-title"}, exitDone, []string{"# Ours.", "# loud", "from rules/own.yaml"}},
		{[]string{"show", "own-title", "--json"}, exitDone, []string{`"builtin":false`, `# loud`}},
		{[]string{"show", "own-titel"}, exitFailed, []string{"is own-title meant?"}},
		{[]string{"test", "own-title", "grace.bennett@contoso.com"}, exitFailed, []string{"title ISNOTNULL", "yes", "contributes", "UCase([title])", "an error", "CNum, argument 1"}},
		{[]string{"test", "own-title", "grace.bennett@contoso.com", "--json"}, exitFailed, []string{`"inScope":true`, `"gives":"error"`}},
		{[]string{"test", "out-tenant-user-identity", "grace.bennett@contoso.com"}, exitDone, []string{"surname", "Bennett"}},
		{[]string{"test", "in-ad-group-common", "grace.bennett@contoso.com"}, exitDone, []string{"It does not apply: the rule is for group, not for user."}},
		{[]string{"disable", "own-title"}, exitDone, []string{"Written to " + own}},
		{[]string{"disable", "own-title"}, exitDone, []string{"Nothing to do"}},
		{[]string{"list"}, exitDone, []string{"disabled"}},
		{[]string{"test", "own-title", "grace.bennett@contoso.com"}, exitFailed, []string{"It is disabled. If it were not:"}},
		{[]string{"enable", "own-title", "--json"}, exitDone, []string{`"changed":true`}},
		{[]string{"disable", "in-ad-user-telephony"}, exitDone, []string{"in-ad-user-telephony.yaml"}},
		{[]string{"diff"}, exitDone, []string{"disabled: in-ad-user-telephony"}},
		{[]string{"enable", "in-ad-user-telephony"}, exitDone, []string{"Written to"}},
		{[]string{"disable", "nothing"}, exitFailed, []string{"there is no rule of this id"}},
		{[]string{"disable"}, exitUsage, []string{"canopy rule disable --help"}},
	}
	for _, s := range steps {
		code, out, errs := command(t, dir, append([]string{"rule"}, s.args...)...)
		if code != s.code {
			t.Errorf("canopy rule %s: exit code %d, want %d\n%s%s", strings.Join(s.args, " "), code, s.code, out, errs)
		}
		for _, want := range s.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("canopy rule %s: %q is missing in\n%s%s", strings.Join(s.args, " "), want, out, errs)
			}
		}
	}
	text, err := os.ReadFile(own)
	want := strings.Replace(ownRule, "precedence: 40\n", "precedence: 40\ndisabled: false\n", 1)
	if err != nil || string(text) != want {
		t.Errorf("switched off and on the file is (%v)\n%s\nwant\n%s", err, text, want)
	}
	info, err := os.Stat(own)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode is %v, %v, want that it stays", info.Mode(), err)
	}
}

// TestARuleThatCannotBeEnabledIsPutBack: two rules of one precedence cannot both be in force.
func TestARuleThatCannotBeEnabledIsPutBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	twin := strings.Replace(strings.Replace(ownRule, "own-title", "own-twin", 1), "precedence: 40\n", "precedence: 40\ndisabled: true # for now\n", 1)
	for name, text := range map[string]string{"own.yaml": ownRule, "twin.yaml": twin} {
		if err := os.WriteFile(filepath.Join(dir, "rules", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := command(t, dir, "rule", "enable", "own-twin")
	if code != exitFailed || !strings.Contains(errs, "the precedence 40 is also that of the rule own-title") {
		t.Errorf("exit code %d, %s, want that the precedence is taken", code, errs)
	}
	text, err := os.ReadFile(filepath.Join(dir, "rules", "twin.yaml"))
	if err != nil || string(text) != twin {
		t.Errorf("the file was not put back: %s %v", text, err)
	}
	if err := os.Remove(filepath.Join(dir, "rules", "twin.yaml")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "rule", "lint")
}
