package rule

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
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

// TestProperty_fileOrderDoesNotMatter: rule files say the same whatever they are called, and so in whatever order they are
// read.
func TestProperty_fileOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	want := builtinSet(t, "mail")
	names, err := fs.Glob(Builtin(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := make([][]byte, len(names))
	for i, name := range names {
		if texts[i], err = fs.ReadFile(Builtin(), name); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		files := fstest.MapFS{}
		for place, i := range rapid.Permutation(indexes(len(names))).Draw(r, "order") {
			files[fmt.Sprintf("%03d.yaml", place)] = &fstest.MapFile{Data: texts[i]}
		}
		got, err := Load(Options{FS: []fs.FS{files}, People: "mail"})
		if err != nil {
			r.Fatal(err)
		}
		if got.Hash() != want.Hash() || got.KeysHash() != want.KeysHash() {
			r.Fatal("the same files under other names are other rules")
		}
		for i, x := range got.All() {
			if y := want.All()[i]; x.ID != y.ID {
				r.Fatalf("the rule %s stands where %s is to stand", x.ID, y.ID)
			}
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
