package forest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// replica is what a reader of DirSync with incremental values holds, by objectGUID.
type replica map[string]map[string]map[string]bool

// apply works the entries of one whole read in. Cleared attributes go, links grow and shrink. DirSync does not tell that a
// deletion ended the object's own links and those to it; it is known from isDeleted, which is also there, cleared, when
// the object came back meanwhile. What the same read tells of links is later than that.
func (r replica) apply(entries []*ldap.Entry) {
	for _, e := range entries {
		if slices.ContainsFunc(e.Attributes, func(a *ldap.EntryAttribute) bool { return a.Name == "isDeleted" }) {
			r.unlink(e.GetAttributeValue("objectGUID"))
		}
	}
	for _, e := range entries {
		id := e.GetAttributeValue("objectGUID")
		if r[id] == nil {
			r[id] = map[string]map[string]bool{}
		}
		for _, a := range e.Attributes {
			r.attribute(r[id], a)
		}
	}
}

func (r replica) unlink(id string) {
	if r[id] != nil {
		r[id]["member"], r[id]["manager"] = nil, nil
	}
	for _, other := range r {
		delete(other["member"], "<GUID="+guid([]byte(id)).String())
		delete(other["manager"], "<GUID="+guid([]byte(id)).String())
	}
}

func (r replica) attribute(of map[string]map[string]bool, a *ldap.EntryAttribute) {
	name, option, _ := strings.Cut(a.Name, ";")
	if option == "" || of[name] == nil {
		of[name] = map[string]bool{}
	}
	for _, v := range a.Values {
		if option != "" {
			v, _, _ = strings.Cut(v, ">;") // a link is known by its target's GUID: its DN changes silently
		}
		if option == "range=0-0" {
			delete(of[name], v)
		} else {
			of[name][v] = true
		}
	}
}

// text writes the live objects.
func (r replica) text() string {
	var lines []string
	for id, attrs := range r {
		for name, vals := range attrs {
			live := slices.Sorted(maps.Keys(vals))
			if !attrs["isDeleted"]["TRUE"] && len(live) > 0 {
				lines = append(lines, fmt.Sprintf("%s %s %q", guid([]byte(id)), name, live))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Whoever applies all deltas, in pages or not, holds what a full read gives, whatever was done in between.
func TestDeltasMakeTheWhole(t *testing.T) {
	t.Parallel()
	attrs := []string{"name", "isDeleted", "parentGUID", "title", "otherTelephone", "manager", "member"}
	ext := ldap.NewControlString(extendedDNOID, true, "0\x03\x02\x01\x01")
	rapid.Check(t, func(rt *rapid.T) {
		s := begin(t, behave(Behave{DirSyncPage: rapid.SampledFrom([]int{0, 3, 10}).Draw(rt, "page")}))
		defer s.Close()
		c := admin(t, s)
		var cookie []byte
		held := replica{}
		read := func(into replica, cookie []byte) []byte {
			var entries []*ldap.Entry
			for {
				r, got, err := c.sync("(|(objectClass=user)(objectClass=group)(objectClass=organizationalUnit))", attrs, flagIncremental, cookie, ext)
				if err != nil {
					rt.Fatal(err)
				}
				entries = append(entries, r.Entries...)
				cookie = got.Cookie
				if got.Flags == 0 {
					into.apply(entries)
					return cookie
				}
			}
		}
		w := &world{s: s, places: []string{"CN=Users," + s.Base()}}
		for range rapid.IntRange(1, 6).Draw(rt, "reads") {
			for range rapid.IntRange(0, 12).Draw(rt, "changes") {
				w.change(rt)
			}
			cookie = read(held, cookie)
		}
		whole := replica{}
		read(whole, nil)
		if diff := cmp.Diff(whole.text(), held.text()); diff != "" {
			rt.Fatalf("the deltas do not make the whole (-full +deltas):\n%s", diff)
		}
	})
}

// world makes random changes.
type world struct {
	s              *Server
	places         []string
	people, groups []string
	gone           []string
	n              int
}

func (w *world) change(t *rapid.T) {
	pick := func(list []string) string {
		if len(list) == 0 {
			return "CN=Guest,CN=Users," + w.s.Base()
		}
		return rapid.SampledFrom(list).Draw(t, "which")
	}
	w.n++
	one := func(attr, op string, vals ...string) func(string) error {
		return func(dn string) error { return w.s.Modify(dn, Mod{op, attr, vals}) }
	}
	// Refusals (a member that is there, a value that is not) are part of the game.
	switch rapid.IntRange(0, 12).Draw(t, "what") {
	case 0:
		dn := fmt.Sprintf("OU=place %d,%s", w.n, w.s.Base())
		if w.s.Add(dn, map[string][]string{"objectClass": {"organizationalUnit"}}) == nil {
			w.places = append(w.places, dn)
		}
	case 1, 2:
		dn := fmt.Sprintf("CN=person %d,%s", w.n, pick(w.places))
		if w.s.Add(dn, map[string][]string{"objectClass": {"user"}, "title": {"new"}}) == nil {
			w.people = append(w.people, dn)
		}
	case 3:
		dn := fmt.Sprintf("CN=group %d,%s", w.n, pick(w.places))
		if w.s.Add(dn, map[string][]string{"objectClass": {"group"}, "member": {pick(w.people)}}) == nil {
			w.groups = append(w.groups, dn)
		}
	case 4:
		_ = one("title", "replace", rapid.SampledFrom([]string{"a", "b", "A"}).Draw(t, "title"))(pick(w.people))
	case 5:
		_ = one("otherTelephone", rapid.SampledFrom([]string{"add", "delete"}).Draw(t, "op"), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "number"))(pick(w.people))
	case 6:
		_ = one("title", "delete")(pick(w.people))
	case 7:
		_ = one("member", rapid.SampledFrom([]string{"add", "delete", "replace"}).Draw(t, "op"), pick(w.people))(pick(w.groups))
	case 8:
		_ = one("manager", "replace", pick(w.people))(pick(w.people))
	case 9:
		_ = one("manager", "delete")(pick(w.people))
	case 10:
		w.rename(pick(w.people), pick(w.places))
	case 11:
		dn := pick(w.people)
		if o, ok := w.s.Object(dn, "objectGUID"); ok && w.s.Delete(dn) == nil {
			w.gone = append(w.gone, guid([]byte(o["objectGUID"][0])).String())
		}
	case 12:
		if len(w.gone) > 0 {
			dn := fmt.Sprintf("CN=back %d,%s", w.n, pick(w.places))
			if w.s.Undelete("<GUID="+pick(w.gone)+">", dn) == nil {
				w.people = append(w.people, dn)
			}
		}
	}
}

func (w *world) rename(dn, place string) {
	name := fmt.Sprintf("CN=renamed %d", w.n)
	if w.s.Rename(dn, name, place) == nil {
		w.people = append(w.people, name+","+place)
	}
}

// A relation is a set, whatever is put and dropped, and its log tells what changed since.
func TestRelation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &relation{}
		objects := make([]*object, 60)
		for i := range objects {
			objects[i] = &object{}
		}
		present, changed := map[*object]bool{}, map[*object]uint64{}
		usn := uint64(0)
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			o := rapid.SampledFrom(objects).Draw(t, "object")
			usn++
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				r.put(o, usn, false)
				present[o], changed[o] = true, usn
			case 2:
				r.put(o, usn, true)
				present[o], changed[o] = false, usn
			case 3:
				r.drop(o)
				delete(present, o)
				delete(changed, o)
			}
		}
		live := 0
		for o, p := range present {
			if r.has(o) != p {
				t.Fatalf("has is %v, want %v", r.has(o), p)
			}
			if p {
				live++
			}
		}
		listed := 0
		r.each(func(o *object) bool {
			listed++
			return present[o]
		})
		after := rapid.Uint64Range(0, usn).Draw(t, "after")
		since, want := 0, 0
		for _, l := range r.since(after) {
			if l.to != nil {
				since++
			}
		}
		for _, u := range changed {
			if u > after {
				want++
			}
		}
		if r.live != live || listed != live || since != want {
			t.Fatalf("live %d, listed %d, want %d; changed since %d: %d, want %d", r.live, listed, live, after, since, want)
		}
	})
}
