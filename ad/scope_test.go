package ad

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// TestTree: a tree that is changed step by step says the same as one that is built anew.
func TestTree(t *testing.T) {
	t.Parallel()
	base := DN{{"DC", "ad"}, {"DC", "test"}}
	rapid.Check(t, func(t *rapid.T) {
		guid := func(i int) GUID { return GUID{byte(i + 1)} }
		var scope canopy.Scope
		for i := range 6 {
			switch rapid.IntRange(0, 3).Draw(t, "ruling") {
			case 0:
				scope.Include = append(scope.Include, guid(i).Anchor())
			case 1:
				scope.Exclude = append(scope.Exclude, guid(i).Anchor())
			}
		}
		tr, err := newTree([]DN{base}, scope)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tr.put(base, GUID{0xff}); !ok {
			t.Fatal("the naming context was not taken")
		}
		parent := map[int]int{} // -1: the base
		name := map[int]string{}
		dn := func(i int) DN {
			var d DN
			for ; i >= 0; i = parent[i] {
				d = append(d, RDN{"OU", name[i]})
			}
			return append(d, base...)
		}
		in := func(i int) bool {
			for ; i >= 0; i = parent[i] {
				r := tr.rulings[guid(i)]
				if r != noRuling {
					return r == included
				}
			}
			return len(scope.Include) == 0
		}
		for step := range 20 {
			i := rapid.IntRange(0, 5).Draw(t, "container")
			to := rapid.IntRange(-1, 5).Draw(t, "parent")
			below := false
			for x := to; x >= 0; x = parent[x] {
				if _, there := name[x]; !there || x == i {
					below = true
					break
				}
			}
			if below {
				continue
			}
			parent[i], name[i] = to, fmt.Sprintf("n%d, %d", i, step%3)
			if _, ok := tr.put(dn(i), guid(i)); !ok {
				t.Fatalf("step %d: %s was not taken", step, dn(i))
			}
			for x := range name {
				n, _ := tr.at(dn(x))
				if n == nil || n.guid != guid(x) {
					t.Fatalf("step %d: %s is not found", step, dn(x))
				}
				if got, want := tr.in(n), in(x); got != want {
					t.Fatalf("step %d: %s in scope: got %v, want %v", step, dn(x), got, want)
				}
			}
		}
		for x := range name {
			tr.remove(guid(x))
		}
		if len(tr.byGUID) != 1 || len(tr.children) != 1 {
			t.Fatalf("after all were removed there are %d containers and %d names", len(tr.byGUID), len(tr.children))
		}
	})
}

func TestTreeRefuses(t *testing.T) {
	t.Parallel()
	base := DN{{"DC", "ad"}, {"DC", "test"}}
	if _, err := newTree([]DN{base}, canopy.Scope{Include: []canopy.Anchor{"x"}}); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("an anchor that is none: %v", err)
	}
	tr, err := newTree([]DN{base}, canopy.Scope{Include: []canopy.Anchor{GUID{1}.Anchor()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tr.put(mustDN(t, "OU=a,OU=b,DC=ad,DC=test"), GUID{1}); ok {
		t.Error("a container below one that is not known was taken")
	}
	if _, ok := tr.put(mustDN(t, "OU=a,DC=other"), GUID{1}); ok {
		t.Error("a container elsewhere was taken")
	}
	if err := tr.missing(); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("a container in scope that is not there: %v", err)
	}
}

// TestScopeGone: a full read stops when what is to be read is not there, since all below it would seem to be deleted.
func TestScopeGone(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c := s.open(t)
		gone := canopy.Ref{Anchor: "00000000-0000-4000-8000-00000000dead"}
		for what, scope := range map[string]canopy.Scope{"a container": {Include: []canopy.Anchor{gone.Anchor}}, "a group": {Groups: []canopy.Anchor{gone.Anchor}}} {
			req := request(nil)
			req.Scope = scope
			err := c.Read(t.Context(), req, func(canopy.Batch) error { return nil })
			wantFault(t, what, err, canopy.NotFound, "ad-scope", string(gone.Anchor))
		}
	})
}
