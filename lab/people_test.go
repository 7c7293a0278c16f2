package lab

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGenerateSameSeedSamePeople(t *testing.T) {
	t.Parallel()
	one, two := Generate(Population{Seed: 7, People: 300}), Generate(Population{Seed: 7, People: 300})
	if !reflect.DeepEqual(one, two) {
		t.Errorf("the same population differs (-first +second):\n%s", cmp.Diff(one, two))
	}
	if reflect.DeepEqual(one, Generate(Population{Seed: 8, People: 300})) {
		t.Error("another seed gave the same people")
	}
}

// TestGenerateIsSound checks, over any seed and size, what a directory would refuse and what a sync would stumble over.
func TestGenerateIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Population{Seed: rapid.Uint64().Draw(t, "seed"), People: rapid.IntRange(MinPeople, 600).Draw(t, "people")}
		dirs := Generate(p)
		people := 0
		for i := range dirs {
			people += sound(t, &dirs[i])
		}
		if people != p.People {
			t.Errorf("got %d people, want %d", people, p.People)
		}
		unique(t, dirs)
		joins(t, dirs)
	})
}

// sound checks one directory and counts its people.
func sound(t *rapid.T, d *Directory) (people int) {
	dns := map[string]bool{strings.ToLower(d.Base()): true, strings.ToLower("CN=ForeignSecurityPrincipals," + d.Base()): true}
	sams, guids, sids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range d.Objects {
		dn := strings.ToLower(o.DN)
		if dns[dn] || guids[o.GUID] || len(o.GUID) != 16 || o.SID != "" && sids[o.SID] {
			t.Errorf("%s: DN, GUID or SID is there twice", o.DN)
		}
		dns[dn], guids[o.GUID], sids[o.SID] = true, true, true
		if _, parent, _ := strings.Cut(strings.ReplaceAll(dn, `\,`, `\.`), ","); !dns[strings.ReplaceAll(parent, `\.`, `\,`)] {
			t.Errorf("%s: its container is not there yet", o.DN)
		}
		if sam := one(o, "sAMAccountName"); sam != "" {
			if sams[strings.ToLower(sam)] || o.Person() && len(sam) > 20 {
				t.Errorf("%s: sAMAccountName %q is there twice or too long", o.DN, sam)
			}
			sams[strings.ToLower(sam)] = true
		} else if o.Person() || o.Class() == "group" {
			t.Errorf("%s has no sAMAccountName", o.DN)
		}
		for a, v := range o.Attrs {
			if len(v) == 0 || slices.ContainsFunc(v, func(s string) bool { return s == "" || a != "msExchMailboxGuid" && !utf8.ValidString(s) }) {
				t.Errorf("%s: %s is %q", o.DN, a, v)
			}
		}
		for _, a := range append(slices.Clone(o.Attrs["proxyAddresses"]), one(o, "mail"), one(o, "userPrincipalName"), one(o, "mailNickname")) {
			if strings.ContainsFunc(a, func(r rune) bool {
				return r > '~' || r == ' ' && !strings.HasPrefix(a, "X500:") && o.Trouble != SpaceInAddress
			}) {
				t.Errorf("%s: address %q is not plain", o.DN, a)
			}
		}
		if o.Person() {
			people++
		}
	}
	seen := map[Link]bool{}
	for _, l := range d.Links {
		if !dns[strings.ToLower(l.DN)] || !dns[strings.ToLower(l.Target)] || seen[l] {
			t.Errorf("link %+v: an end is not there, or it is there twice", l)
		}
		seen[l] = true
	}
	return people
}

func one(o Object, attr string) string {
	if v := o.Attrs[attr]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// unique checks that sign-in names and addresses are nobody else's, but for the same person and the trouble.
func unique(t *rapid.T, dirs []Directory) {
	owner := map[string]string{}
	for _, d := range dirs {
		for _, o := range d.Objects {
			if o.Trouble == DuplicatePrimary || o.Trouble == AmbiguousPair || o.Trouble == Conflict {
				continue
			}
			who := one(o, "mail")
			if who == "" {
				who = o.DN
			}
			for _, v := range append(slices.Clone(o.Attrs["proxyAddresses"]), "upn:"+one(o, "userPrincipalName")) {
				key := strings.ToLower(v)
				if had, ok := owner[key]; ok && had != who && key != "upn:" {
					t.Errorf("%s: %s also belongs to %s", o.DN, v, had)
				}
				owner[key] = who
			}
		}
	}
}

// joins checks that a mail address is in one forest once, but for the trouble: else everybody would be ambiguous.
func joins(t *rapid.T, dirs []Directory) {
	for _, d := range dirs {
		seen := map[string]string{}
		for _, o := range d.Objects {
			mail := strings.ToLower(one(o, "mail"))
			if mail == "" || o.Trouble == AmbiguousPair || o.Internal {
				continue
			}
			if seen[mail] != "" {
				t.Errorf("%s: %s has the mail address too: %s", o.DN, seen[mail], mail)
			}
			seen[mail] = o.DN
		}
	}
}

func TestGenerateTrouble(t *testing.T) {
	t.Parallel()
	want := map[Trouble][]string{ // forest, class, DN's first name
		TwiceEnabled:     {"contoso.lab user Grace Bennett", "fabrikam.lab user Grace Bennett"},
		TwiceDisabled:    {"contoso.lab user Felix Hoffmann", "tailspin.lab user Felix Hoffmann"},
		MailUser:         {"contoso.lab user Astrid Dahl", "fabrikam.lab user Astrid Dahl"},
		DuplicatePrimary: {"contoso.lab user Jonas Berg", "fabrikam.lab user Berg, Jonas"},
		AmbiguousPair:    {"contoso.lab user Sam Taylor", "contoso.lab user Sam Taylor", "fabrikam.lab user Taylor, Sam"},
		SpaceInAddress:   {"contoso.lab user Ruth Hall"},
		ServiceAccount:   {"contoso.lab user svc-backup"},
		DisabledPerson:   {"contoso.lab user Callum Wright"},
		Conflict:         {"contoso.lab user Oliver Green", "contoso.lab user Oliver Green\nCNF"},
		UnroutableUPN:    {"tailspin.lab user Nuria Vega"},
		CriticalObject:   {"contoso.lab user CanopyReplicator"},
		ForeignMember: {"contoso.lab foreignSecurityPrincipal S-1-5-21", "contoso.lab group Merger Office",
			"fabrikam.lab user Holmgren, Ingrid"},
		ContactsOfOthers: {"contoso.lab contact Lindström, Søren", "contoso.lab contact Begoña Muñoz", "contoso.lab user Harriet Clarke",
			"fabrikam.lab contact Begoña Muñoz", "fabrikam.lab contact Harriet Clarke", "fabrikam.lab user Lindström, Søren",
			"tailspin.lab contact Harriet Clarke", "tailspin.lab contact Lindström, Søren", "tailspin.lab user Begoña Muñoz"},
	}
	for _, seed := range []uint64{1, 2, 99} {
		got := map[Trouble][]string{}
		for _, d := range Generate(Population{Seed: seed, People: MinPeople}) {
			for _, o := range d.Objects {
				if o.Trouble == "" {
					continue
				}
				name := one(o, "cn")
				if o.Trouble == AmbiguousPair || o.Trouble == ContactsOfOthers {
					name = strings.TrimRight(name, " 23")
				}
				if o.Class() == "foreignSecurityPrincipal" {
					name = name[:8]
				}
				name, _, _ = strings.Cut(name, ":")
				class := o.Class()
				if class == "inetOrgPerson" {
					class = "user"
				}
				got[o.Trouble] = append(got[o.Trouble], fmt.Sprintf("%s %s %s", d.Name, class, name))
			}
		}
		for _, list := range got {
			slices.Sort(list)
		}
		for _, list := range want {
			slices.Sort(list)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("seed %d (-want +got):\n%s", seed, d)
		}
	}
	for _, x := range Troubles() {
		if len(want[x.Trouble]) == 0 || x.Text == "" {
			t.Errorf("trouble %s is not tested or not explained", x.Trouble)
		}
	}
	if len(Troubles()) != len(want) {
		t.Errorf("%d troubles are explained, %d are there", len(Troubles()), len(want))
	}
}

func TestNamesBecomeAddresses(t *testing.T) {
	t.Parallel()
	for _, f := range forests {
		for _, o := range f.offices {
			for _, c := range o.cultures {
				for _, n := range slices.Concat(c.given, c.family) {
					if _, latin := split(n); latin == "" || strings.ContainsFunc(plain(latin), func(r rune) bool { return r > 'z' || r < 'A' }) {
						t.Errorf("name %q becomes %q", n, plain(latin))
					}
				}
			}
		}
	}
}

func TestManagersFormATree(t *testing.T) {
	t.Parallel()
	for _, d := range Generate(Population{Seed: 3, People: 400}) {
		boss := map[string]string{}
		for _, l := range d.Links {
			if l.Attr == "manager" {
				if boss[l.DN] != "" {
					t.Errorf("%s has two managers", l.DN)
				}
				boss[l.DN] = l.Target
			}
		}
		tops := map[string]bool{}
		for dn := range boss {
			steps := 0
			for boss[dn] != "" && steps < 100 {
				dn = boss[dn]
				steps++
			}
			tops[dn] = true
		}
		if len(tops) != 1 {
			t.Errorf("%s: %d people are above all others: %v", d.Name, len(tops), tops)
		}
	}
}

// TestGroupsNest: some do, and none in a loop; the loops that a sync must bear are made by tests, not by the population.
func TestGroupsNest(t *testing.T) {
	t.Parallel()
	for _, d := range Generate(Population{Seed: 3, People: 2000}) {
		groups, nested := map[string]bool{}, 0
		for _, o := range d.Objects {
			groups[o.DN] = o.Class() == "group"
		}
		in := map[string][]string{}
		for _, l := range d.Links {
			if l.Attr == "member" && groups[l.Target] {
				nested++
				in[l.DN] = append(in[l.DN], l.Target)
			}
		}
		if nested < 10 {
			t.Errorf("%s: %d groups are in groups, want some", d.Name, nested)
		}
		var walk func(dn string, depth int)
		walk = func(dn string, depth int) {
			if depth > 100 {
				t.Fatalf("%s: %s is in a loop", d.Name, dn)
			}
			for _, next := range in[dn] {
				walk(next, depth+1)
			}
		}
		for dn := range in {
			walk(dn, 0)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		Generate(Population{Seed: 1, People: 50_000})
	}
}

// TestExchangeLinks: every kind is there, they are few, and none leads nowhere, to itself or twice to the same.
func TestExchangeLinks(t *testing.T) {
	t.Parallel()
	for _, p := range []Population{{Seed: 1, People: MinPeople}, {Seed: 2, People: 300}, {Seed: 3, People: 2000}} {
		count := map[string]int{}
		for _, d := range Generate(p) {
			known, seen := map[string]bool{}, map[Link]bool{}
			for _, o := range d.Objects {
				known[o.DN] = true
			}
			for _, k := range d.Links {
				count[k.Attr]++
				if !known[k.DN] || !known[k.Target] || seen[k] || k.DN == k.Target {
					t.Errorf("%+v: %s has a link %+v that leads nowhere, to itself, or is there twice", p, d.Name, k)
				}
				seen[k] = true
			}
		}
		for _, attr := range []string{"authOrig", "dLMemSubmitPerms", "publicDelegates", "altRecipient"} {
			if n := count[attr]; n == 0 || n > 15+p.People/50 {
				t.Errorf("%+v: %d links %s, want some, and few", p, n, attr)
			}
		}
	}
}
