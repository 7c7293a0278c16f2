package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

func face(pairs ...string) Face {
	return FaceOf(canopy.User, user(pairs...).Attrs)
}

// TestCompare: what speaks for and against two objects being one person.
func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b []string
		rank int
		want string
	}{
		{[]string{"employeeID", "17", "displayName", "Anna Berg"}, []string{"employeeID", "17", "displayName", "Berg, Anna"}, 80, "the same employee ID, the same name"},
		{[]string{"employeeID", "17", "displayName", "Anna Berg"}, []string{"employeeID", "18", "displayName", "Anna Berg"}, 0, "other employee IDs, the same name"},
		{[]string{"sAMAccountName", "aberg"}, []string{"sAMAccountName", "ABERG"}, 30, "the same account name"},
		{[]string{"sAMAccountName", "aberg", "displayName", "Anna Berg"}, []string{"sAMAccountName", "aberg", "displayName", "Axel Berg"}, 15, "the same account name, other names"},
		{[]string{"displayName", "Anna Berg"}, []string{"displayName", "anna berg"}, 20, "the same name"},
		{[]string{"displayName", "Anna"}, []string{"displayName", "Anna"}, 0, "other names"},
		{[]string{"displayName", "A. Berg", "givenName", "Anna", "sn", "Berg"}, []string{"displayName", "Anna Berg"}, 20, "the same name"},
		{[]string{"displayName", "Anna Berg", "telephoneNumber", "+44 20 7946 0815"}, []string{"displayName", "Anna Berg", "mobile", "020-79460815"}, 45, "the same name, the same telephone number"},
		{[]string{"telephoneNumber", "0815"}, []string{"telephoneNumber", "0815"}, 0, ""},
		{[]string{"proxyAddresses", "SMTP:a@x.com", "proxyAddresses", "smtp:b@x.com"}, []string{"mail", "B@x.com"}, 50, "an address of one is a secondary one of the other"},
		{[]string{"proxyAddresses", "SMTP:a@x.com"}, []string{"mail", "A@x.com"}, 60, "the same primary address"},
		{[]string{"targetAddress", "SMTP:a@x.com", "mail", "a@y.com"}, []string{"mail", "A@x.com"}, 50, "the target address of one is an address of the other"},
		{[]string{"userPrincipalName", "a@x.com"}, []string{"userPrincipalName", "A@x.com"}, 50, "the same sign-in name"},
		{[]string{"userPrincipalName", "a@x.com"}, []string{"mail", "A@x.com"}, 35, "the sign-in name of one is an address of the other"},
		{[]string{"mailNickname", "a"}, []string{"alias", "A"}, 15, "the same alias"},
		{nil, nil, 0, ""},
	} {
		a, b := face(c.a...), face(c.b...)
		for _, swap := range []bool{false, true} {
			if swap {
				a, b = b, a
			}
			rank, evidence := Compare(&a, &b)
			var got []string
			for _, e := range evidence {
				got = append(got, e.Text)
			}
			if rank != c.rank || strings.Join(got, ", ") != c.want {
				t.Errorf("%v and %v: got %d by %q, want %d by %q", c.a, c.b, rank, got, c.rank, c.want)
			}
		}
	}
	a, b := face("displayName", "Anna Berg"), face("displayName", "Anna Berg")
	a.Manager, b.Manager = 7, 7
	if rank, _ := Compare(&a, &b); rank != 40 {
		t.Errorf("one name and one manager: got %d, want 40", rank)
	}
	b.Group = true
	if rank, _ := Compare(&a, &b); rank != 0 {
		t.Errorf("a person and a group: got %d, want 0", rank)
	}
}

// TestLikely: the pairs of a set, without those that are one person already, those of one side, and what a crowd shares.
func TestLikely(t *testing.T) {
	t.Parallel()
	var faces []Face
	add := func(person canopy.MetaID, side int, pairs ...string) {
		f := face(pairs...)
		f.Person, f.Side = person, side
		faces = append(faces, f)
	}
	add(1, 0, "employeeID", "17", "displayName", "Anna Berg")
	add(2, 0, "employeeID", "17", "displayName", "Anna Berg")
	add(2, 0, "employeeID", "17", "displayName", "Anna Berg")
	add(3, 1, "employeeID", "18")
	add(4, 1, "employeeID", "18")
	add(5, 2, "employeeID", "18")
	for i := range crowd + 1 {
		add(canopy.MetaID(100+i), 0, "sAMAccountName", "admin")
	}
	var got []string
	for _, p := range Likely(faces, 30) {
		got = append(got, fmt.Sprint(p.A, p.B, p.Rank))
	}
	if d := cmp.Diff([]string{"0 1 80", "0 2 80", "3 5 60", "4 5 60"}, got); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
}

// TestLikelyFindsAll: nobody is missed for not being compared.
func TestLikelyFindsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var faces []Face
		for i := range rapid.IntRange(2, 8).Draw(t, "faces") {
			faces = append(faces, FaceOf(canopy.User, drawObject(t, i).Attrs))
		}
		found := map[[2]int]int{}
		for _, p := range Likely(faces, 30) {
			found[[2]int{p.A, p.B}] = p.Rank
		}
		for a := range faces {
			for b := a + 1; b < len(faces); b++ {
				if rank, _ := Compare(&faces[a], &faces[b]); rank >= 30 && found[[2]int{a, b}] != rank {
					t.Errorf("%d and %d have rank %d and were found with %d", a, b, rank, found[[2]int{a, b}])
				}
			}
		}
	})
}
