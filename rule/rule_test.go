package rule

import (
	"io/fs"
	"testing"
)

func builtinSet(t testing.TB, people string) *Set {
	t.Helper()
	s, err := Load(Options{FS: []fs.FS{Builtin()}, People: people})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBuiltinRulesLoadWithNothingUnknown(t *testing.T) {
	t.Parallel()
	for _, people := range []string{"", "mail", "sid", "none", "attribute:employeeID", "attribute:sAMAccountName"} {
		for _, w := range builtinSet(t, people).Warnings() {
			t.Errorf("%s: %s: %s", people, w.Object, w.Text)
		}
	}
}
