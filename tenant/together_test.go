package tenant

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// programs opens a tenant for tests of the door for programs.
func programs(t *testing.T) *Tenant {
	t.Helper()
	x, err := Open(t.Context(), filepath.Join(t.TempDir(), "tenant.db"), Options{Initial: "contoso.onmicrosoft.com", Durability: Volatile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func draftOf(upn, name string) Draft {
	return Draft{Set: canopy.Attrs{canopy.AttrUPN: canopy.Texts(upn), canopy.AttrDisplayName: canopy.Texts(name)}}
}

// TestTogether: of many programs that write at the same moment, each gets its own answer, and one that is refused leaves
// no trace and spoils nobody's write.
func TestTogether(t *testing.T) {
	t.Parallel()
	x := programs(t)
	d := x.Directory()
	const n = 60
	var wait sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wait.Go(func() {
			// every third wants a name that one of the others wants too
			_, errs[i] = d.Create(context.Background(), Actor{App: "t"}, canopy.User, draftOf(fmt.Sprintf("p%d@contoso.onmicrosoft.com", i/3*3+i%3%2), fmt.Sprintf("P %d", i)))
		})
	}
	wait.Wait()
	made := 0
	for i, err := range errs {
		switch {
		case err == nil:
			made++
		case canopy.KindOf(err) != canopy.Conflict:
			t.Errorf("%d: got %v, want a conflict", i, err)
		}
	}
	users, _, _, err := x.Counts(t.Context())
	if want := n / 3 * 2; err != nil || users != want || made != want {
		t.Errorf("got %d users and %d answers, want %d; %v", users, made, want, err)
	}
	audits := 0
	if err := d.Audits(t.Context(), 0, func(*Audit) bool { audits++; return true }); err != nil || audits != made {
		t.Errorf("got %d audits, want %d; %v", audits, made, err)
	}
}

// TestRefusedPartLeavesNoTrace: what a refused change did before it was refused is undone.
func TestRefusedPartLeavesNoTrace(t *testing.T) {
	t.Parallel()
	x := programs(t)
	d := x.Directory()
	u, err := d.Create(t.Context(), Actor{}, canopy.User, draftOf("a@contoso.onmicrosoft.com", "A"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := d.Seq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = d.Update(t.Context(), Actor{}, u.ID, Draft{Set: canopy.Attrs{"city": canopy.Texts("Lund")},
		Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Added: []canopy.Ref{{Anchor: "nobody"}}}}})
	if canopy.KindOf(err) != canopy.NotFound {
		t.Fatalf("got %v, want the manager not to be found", err)
	}
	after, err := d.Seq(t.Context())
	got, getErr := d.Get(t.Context(), u.ID)
	if err != nil || getErr != nil || after != before || got.Attrs.Text("city") != "" || got.Seq != u.Seq {
		t.Errorf("got change %d (was %d), city %q, %v %v", after, before, got.Attrs.Text("city"), err, getErr)
	}
}

// TestWalk: whatever the order, each object comes once, also when the walk is broken off and goes on anywhere.
func TestWalk(t *testing.T) {
	t.Parallel()
	x := programs(t)
	d := x.Directory()
	var all []canopy.Anchor
	for i := range 300 {
		u, err := d.Create(t.Context(), Actor{}, canopy.User, draftOf(fmt.Sprintf("p%03d@contoso.onmicrosoft.com", i*37%300), fmt.Sprintf("Name %d", i%7)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u.ID)
	}
	for name, by := range map[string]By{"as made": {Class: canopy.User}, "by name": {Class: canopy.User, Order: ByName}, "by name, backwards": {Class: canopy.User, Order: ByName, Desc: true},
		"by sign-in name": {Class: canopy.User, Order: ByUPN}, "by sign-in name, backwards": {Class: canopy.User, Order: ByUPN, Desc: true, Prefix: "P"}} {
		for _, step := range []int{7, 33, 1000} {
			seen := map[canopy.Anchor]int{}
			var from Position
			var keys []string
			for more := true; more; {
				more = false
				n := 0
				err := d.Walk(t.Context(), by, from, func(i *Item, at Position) bool {
					if n == step {
						more = true
						return false
					}
					n++
					seen[i.ID]++
					from, keys = at, append(keys, at.Key)
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range all {
				if seen[id] != 1 {
					t.Fatalf("%s, by %d: %s came %d times", name, step, id, seen[id])
				}
			}
			if len(seen) != len(all) {
				t.Errorf("%s, by %d: got %d objects, want %d", name, step, len(seen), len(all))
			}
			for i := 1; i < len(keys); i++ {
				if by.Order != "" && (keys[i] < keys[i-1]) != by.Desc && keys[i] != keys[i-1] {
					t.Fatalf("%s, by %d: %q comes after %q", name, step, keys[i], keys[i-1])
				}
			}
		}
	}
}

// TestAppsAreKeptAsHashes: a secret is known by its hash, and is in no file.
func TestAppsAreKeptAsHashes(t *testing.T) {
	t.Parallel()
	d := programs(t).Directory()
	made, secret, err := d.AddApp(t.Context(), "reader", []string{"User.Read.All", "Group.Read.All", "User.Read.All"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.App(t.Context(), "reader")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Group.Read.All", "User.Read.All"}, got.Roles); diff != "" || got.ID != made.ID {
		t.Error(diff, got.ID, made.ID)
	}
	if !got.Knows(secret) || got.Knows(secret+"x") || got.Knows("") {
		t.Error("the secret is not told from others")
	}
	var text []byte
	if err := d.row(t.Context(), `SELECT value FROM app WHERE id = ?`, got.ID).Scan(&text); err != nil {
		t.Fatal(err)
	}
	if want := string(text); len(want) == 0 || strings.Contains(want, secret) {
		t.Errorf("the secret is kept: %s", text)
	}
	if err := d.RemoveApp(t.Context(), got.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.App(t.Context(), "reader"); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v, want the app not to be found", err)
	}
}
