package check

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/canopy-sync/canopy"
)

// Face is what an object shows of who it is.
type Face struct {
	ID canopy.EntryID
	// Person groups faces of one person, which are not compared. 0: the face stands alone.
	Person canopy.MetaID
	// Side keeps apart what is compared across only: where both faces have one, they are compared when it differs.
	Side      int
	Contact   bool
	Group     bool
	UPN       string
	Primary   string
	Addresses []string // all SMTP addresses, the primary and mail too
	Target    string   // where mail for it goes on to
	Alias     string
	Account   string
	Employee  string
	Name      string
	Given     string
	Surname   string
	Phones    []string
	Manager   canopy.MetaID // 0: none, or not looked up
}

// FaceOf reads a face of the attributes of a forest or of a tenant.
func FaceOf(class canopy.Class, a canopy.Attrs) Face {
	f := Face{Contact: class == canopy.Contact, Group: class == canopy.Group, UPN: canopy.Fold(a.Text(canopy.AttrUPN)), Alias: canopy.Fold(cmp.Or(a.Text(attrAlias), a.Text(canopy.AttrAlias))),
		Account: canopy.Fold(a.Text(attrAccount)), Employee: canopy.Fold(strings.TrimSpace(a.Text("employeeID"))), Name: a.Text(canopy.AttrDisplayName),
		Given: a.Text(attrGivenName), Surname: cmp.Or(a.Text(attrSurname), a.Text("surname"))}
	add := func(s string) {
		if s = canopy.Fold(s); s != "" && !slices.Contains(f.Addresses, s) {
			f.Addresses = append(f.Addresses, s)
		}
	}
	for _, v := range a[canopy.AttrAddresses] {
		if s := v.Str(); begins(s, []string{"smtp:"}) {
			if add(s[5:]); isPrimary(s) && f.Primary == "" {
				f.Primary = canopy.Fold(s[5:])
			}
		}
	}
	add(a.Text(canopy.AttrMail))
	f.Primary = cmp.Or(f.Primary, canopy.Fold(a.Text(canopy.AttrMail)))
	if s := a.Text(attrTarget); begins(s, []string{"smtp:"}) {
		f.Target = canopy.Fold(s[5:])
	}
	for _, name := range []canopy.Attr{"telephoneNumber", "mobile"} {
		if p := digits(a.Text(name)); p != "" {
			f.Phones = append(f.Phones, p)
		}
	}
	return f
}

// digits are the last nine digits of a number, "" for one that has fewer than six: an extension is many people's.
func digits(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	if len(s) < 6 {
		return ""
	}
	return s[max(0, len(s)-9):]
}

// Evidence is something that two faces have in common, or that tells them apart.
type Evidence struct {
	Text   string `json:"text"`
	Weight int    `json:"weight"`
}

// Pair are two faces that may be one person, with why. Rank is from 0 to 100.
type Pair struct {
	A        int        `json:"-"` // places in the list of faces, A before B
	B        int        `json:"-"`
	Rank     int        `json:"rank"`
	Evidence []Evidence `json:"evidence"`
}

// ManagerWeight is what one manager adds for two people of one name.
const ManagerWeight = 20

// likeness is a sentence of what counts for and against two faces being one.
var likeness = []struct {
	text   string
	weight int
	holds  func(a, b *Face) bool
}{
	{"the same employee ID", 60, func(a, b *Face) bool { return a.Employee != "" && a.Employee == b.Employee }},
	{"other employee IDs", -40, func(a, b *Face) bool { return a.Employee != "" && b.Employee != "" && a.Employee != b.Employee }},
	{"the same primary address", 60, func(a, b *Face) bool { return a.Primary != "" && a.Primary == b.Primary }},
	{"an address of one is a secondary one of the other", 50, SharesAddress},
	{"the target address of one is an address of the other", 50, func(a, b *Face) bool {
		return a.Target != "" && slices.Contains(b.Addresses, a.Target) || b.Target != "" && slices.Contains(a.Addresses, b.Target)
	}},
	{"the same sign-in name", 50, func(a, b *Face) bool { return a.UPN != "" && a.UPN == b.UPN }},
	{"the sign-in name of one is an address of the other", 35, func(a, b *Face) bool {
		return a.UPN != b.UPN && (a.UPN != "" && slices.Contains(b.Addresses, a.UPN) || b.UPN != "" && slices.Contains(a.Addresses, b.UPN))
	}},
	{"the same account name", 30, func(a, b *Face) bool { return a.Account != "" && a.Account == b.Account }},
	{"the same alias", 15, func(a, b *Face) bool { return a.Alias != "" && a.Alias == b.Alias }},
	{"the same name", 20, sameName},
	{"other names", -15, func(a, b *Face) bool { return a.Name != "" && b.Name != "" && !sameName(a, b) }},
	{"the same telephone number", 25, func(a, b *Face) bool {
		return slices.ContainsFunc(a.Phones, func(p string) bool { return slices.Contains(b.Phones, p) })
	}},
	{"the same manager", ManagerWeight, func(a, b *Face) bool { return a.Manager != 0 && a.Manager == b.Manager && sameName(a, b) }},
}

// sameName compares names without case, marks, order and punctuation: "Berg, Jonas" is "Jonas Berg".
func sameName(a, b *Face) bool {
	for _, x := range a.nameKeys() {
		if slices.Contains(b.nameKeys(), x) {
			return true
		}
	}
	return false
}

// nameKeys are the names of a face as they are compared; none for a single word.
func (f *Face) nameKeys() []string {
	var keys []string
	for _, s := range []string{f.Name, f.Given + " " + f.Surname} {
		words := strings.FieldsFunc(canopy.Fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '-' })
		slices.Sort(words)
		if k := strings.Join(words, " "); len(words) > 1 && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// SharesAddress tells whether two have an address in common that is not the primary one of both.
func SharesAddress(a, b *Face) bool {
	return slices.ContainsFunc(a.Addresses, func(s string) bool {
		return slices.Contains(b.Addresses, s) && !(s == a.Primary && s == b.Primary)
	})
}

// Compare weighs what speaks for two faces being one person and against it.
func Compare(a, b *Face) (rank int, evidence []Evidence) {
	if a.Group != b.Group {
		return 0, nil
	}
	for _, l := range likeness {
		if l.holds(a, b) {
			rank += l.weight
			evidence = append(evidence, Evidence{l.text, l.weight})
		}
	}
	return min(max(rank, 0), 100), evidence
}

// crowd is how many faces may share something that is still told of one person.
const crowd = 40

// Likely finds the pairs of faces of at least some rank, the highest first. Only faces that have something in common are
// compared; what more than a crowd has in common tells nothing.
func Likely(faces []Face, least int) []Pair {
	index := map[string][]int32{}
	for i := range faces {
		for _, k := range faces[i].keys() {
			index[k] = append(index[k], int32(i))
		}
	}
	seen := map[[2]int32]bool{}
	var out []Pair
	for _, list := range index {
		if len(list) < 2 || len(list) > crowd {
			continue
		}
		for n, i := range list {
			for _, k := range list[n+1:] {
				at := [2]int32{i, k}
				a, b := &faces[i], &faces[k]
				if seen[at] || a.Person != 0 && a.Person == b.Person || a.Side != 0 && a.Side == b.Side {
					continue
				}
				seen[at] = true
				if rank, evidence := Compare(a, b); rank >= least && rank > 0 {
					out = append(out, Pair{A: int(i), B: int(k), Rank: rank, Evidence: evidence})
				}
			}
		}
	}
	slices.SortFunc(out, func(x, y Pair) int { return cmp.Or(y.Rank-x.Rank, x.A-y.A, x.B-y.B) })
	return out
}

// keys are the texts that two faces must have one of in common to be compared.
func (f *Face) keys() []string {
	var keys []string
	add := func(space, s string) {
		if k := space + s; s != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	add("e:", f.Employee)
	add("c:", f.Account)
	add("n:", f.Alias)
	add("a:", f.UPN)
	add("a:", f.Target)
	for _, s := range f.Addresses {
		add("a:", s)
	}
	for _, s := range f.nameKeys() {
		add("p:", s)
	}
	return keys
}
