package twin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// entry is an object of the files: where it stands, and what the order of objects depends on.
type entry struct {
	id      canopy.Anchor
	class   canopy.Class
	at      place
	extra   place // in the companion; size 0: nowhere
	number  int64
	made    time.Time
	changed time.Time
	managed bool
	roles   []string
}

// tie is a link as Graph tells it.
type tie struct {
	from int32 // an entry
	to   canopy.Anchor
	attr canopy.Attr
}

// reading is a folder of which everything is known but the objects' values.
type reading struct {
	*folder
	conf     tenant.WholeTenant
	complete bool // the companion tells everything
	extras   map[canopy.Anchor]extra
	entries  []*entry
	byID     map[canopy.Anchor]int32
	ties     []tie // sorted by from
	boxes    []place
}

// readFolder reads what a folder has.
func readFolder(dir string) (*reading, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	r := &reading{folder: f, byID: map[canopy.Anchor]int32{}, extras: map[canopy.Anchor]extra{}}
	for _, step := range []func() error{r.needed, r.companion, r.itself, r.objects, r.number, r.strangers, r.behaviours, r.roles, r.links} {
		if err := step(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return r, nil
}

// needed refuses a folder without users.
func (r *reading) needed() error {
	if len(r.files[users]) > 0 {
		return nil
	}
	return &canopy.Error{Kind: canopy.NotFound, Object: r.dir, Text: "the folder has no users: no file users.json, users.jsonl or users-*.json",
		Next: "canopy tenant export writes such a folder, and so does canopy tenant import URL --keep FOLDER"}
}

// basic is what the first look at an object reads.
type basic struct {
	shown
	Removed json.RawMessage `json:"@removed"`
	Manager *named          `json:"manager"`
	// Members and owners are those of an expansion, or of a page of changes.
	Members      []named `json:"members"`
	MembersDelta []named `json:"members@delta"`
	Owners       []named `json:"owners"`
	OwnersDelta  []named `json:"owners@delta"`
}

type named struct {
	ID      string          `json:"id"`
	Removed json.RawMessage `json:"@removed"`
}

// objects finds the objects. What is there twice counts as it is there last.
func (r *reading) objects() error {
	for _, k := range []struct {
		kind  kind
		class canopy.Class
	}{{users, canopy.User}, {groups, canopy.Group}, {contacts, canopy.Contact}, {deleted, canopy.User}} {
		err := r.each(k.kind, func(p place, text []byte) error {
			var b basic
			if err := json.Unmarshal(text, &b); err != nil {
				return r.about(p, "", misfit(err))
			}
			if b.ID == "" {
				return r.damaged(p, "the object has no id", nil)
			}
			return r.object(k.kind, k.class, p, &b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) object(k kind, class canopy.Class, p place, b *basic) error {
	id := canopy.Anchor(strings.ToLower(b.ID))
	at, twice := r.byID[id]
	if b.Removed != nil {
		if twice {
			r.entries[at].at.size = 0
		}
		return nil
	}
	if twice && r.entries[at].class != class {
		return r.damaged(p, fmt.Sprintf("the object %s is a %s already", id, r.entries[at].class), nil)
	}
	if !twice {
		at = int32(len(r.entries))
		r.byID[id] = at
		r.entries = append(r.entries, &entry{id: id, class: class})
	}
	e := r.entries[at]
	e.at, e.made = p, given(b.Created)
	if e.changed = e.made; b.Synced != nil && *b.Synced && b.LastSync != nil {
		e.changed = given(b.LastSync)
	}
	if k == deleted {
		return nil
	}
	if b.Manager != nil && b.Manager.ID != "" {
		r.tie(at, canopy.AttrManager, *b.Manager)
	}
	r.tieAll(at, b)
	return nil
}

func (r *reading) tieAll(at int32, b *basic) {
	for _, list := range []struct {
		attr  canopy.Attr
		named []named
	}{{canopy.AttrMember, b.Members}, {canopy.AttrMember, b.MembersDelta}, {tenant.AttrOwner, b.Owners}, {tenant.AttrOwner, b.OwnersDelta}} {
		for _, n := range list.named {
			r.tie(at, list.attr, n)
		}
	}
}

func (r *reading) tie(from int32, attr canopy.Attr, to named) {
	if to.Removed == nil && to.ID != "" {
		r.ties = append(r.ties, tie{from, canopy.Anchor(strings.ToLower(to.ID)), attr})
	}
}

// links reads the files of members and owners: with the group in each object, or in the name of the file.
func (r *reading) links() error {
	for k, attr := range map[kind]canopy.Attr{members: canopy.AttrMember, owners: tenant.AttrOwner} {
		err := r.each(k, func(p place, text []byte) error {
			var b basic
			if err := json.Unmarshal(text, &b); err != nil {
				return r.about(p, "", misfit(err))
			}
			if group, ok := groupOf(r.names[p.file]); ok {
				at, known := r.byID[group]
				if !known {
					return r.damaged(p, "the file is named after the group "+string(group)+", which is not among the groups", nil)
				}
				r.tie(at, attr, named{ID: b.ID, Removed: b.Removed})
				return nil
			}
			if at, known := r.byID[canopy.Anchor(strings.ToLower(b.ID))]; known {
				r.tieAll(at, &b)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(r.ties, func(a, b tie) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.attr, b.attr), cmp.Compare(a.to, b.to))
	})
	r.ties = slices.Compact(r.ties)
	return nil
}

// groupOf is the group that a file like members/GROUP.json is named after.
func groupOf(name string) (canopy.Anchor, bool) {
	_, name, ok := strings.Cut(name, "/")
	name, _, _ = strings.Cut(name, ".")
	return canopy.Anchor(strings.ToLower(name)), ok
}

// tiesOf are the links of one entry.
func (r *reading) tiesOf(at int32) []tie {
	from, _ := slices.BinarySearchFunc(r.ties, at, func(t tie, at int32) int { return cmp.Compare(t.from, at) })
	to := from
	for to < len(r.ties) && r.ties[to].from == at {
		to++
	}
	return r.ties[from:to]
}

// number gives the objects their numbers: the companion's, else that of the place, else one behind all.
func (r *reading) number() error {
	r.entries = slices.DeleteFunc(r.entries, func(e *entry) bool { return e.at.size == 0 })
	clear(r.byID)
	taken := map[int64]bool{}
	var last int64
	for i, e := range r.entries {
		r.byID[e.id] = int32(i)
		x := r.extras[e.id]
		if e.extra, e.number = x.place, x.number; e.number == 0 {
			continue
		}
		if taken[e.number] {
			return r.damaged(e.extra, fmt.Sprintf("the number %d is given twice", e.number), nil)
		}
		taken[e.number] = true
		last = max(last, e.number)
	}
	last = max(last, int64(len(r.entries)))
	for i, e := range r.entries {
		if e.number != 0 {
			continue
		}
		if e.number = int64(i) + 1; taken[e.number] {
			last++
			e.number = last
		}
		taken[e.number] = true
	}
	return nil
}

// behaviours reads who masters what came from a forest.
func (r *reading) behaviours() error {
	return r.each(behaviours, func(p place, text []byte) error {
		var b struct {
			ID      string `json:"id"`
			Managed bool   `json:"isCloudManaged"`
		}
		if err := json.Unmarshal(text, &b); err != nil {
			return r.about(p, "", misfit(err))
		}
		if at, known := r.byID[canopy.Anchor(strings.ToLower(b.ID))]; known {
			r.entries[at].managed = b.Managed
		}
		return nil
	})
}

// roles reads who holds directory roles.
func (r *reading) roles() error {
	err := r.each(roles, func(p place, text []byte) error {
		var b struct {
			Name    string  `json:"displayName"`
			Members []named `json:"members"`
		}
		if err := json.Unmarshal(text, &b); err != nil {
			return r.about(p, "", misfit(err))
		}
		for _, m := range b.Members {
			if at, known := r.byID[canopy.Anchor(strings.ToLower(m.ID))]; known && b.Name != "" && !strings.Contains(b.Name, "\n") {
				r.entries[at].roles = append(r.entries[at].roles, b.Name)
			}
		}
		return nil
	})
	for _, e := range r.entries {
		slices.Sort(e.roles)
		e.roles = slices.Compact(e.roles)
	}
	return err
}

// about is an error with its place, and the object when it is known.
func (r *reading) about(p place, object canopy.Anchor, err error) error {
	var e *canopy.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	if out.Object = r.where(p); object != "" {
		out.Object += " (" + string(object) + ")"
	}
	return &out
}

// extra is where the companion tells of an object.
type extra struct {
	place
	number int64
}

// companion finds what the companion says, and where.
func (r *reading) companion() error {
	return r.each(companion, func(p place, text []byte) error {
		l, err := readLine(text)
		if err != nil {
			return r.about(p, "", err)
		}
		switch {
		case l.Mailbox != nil:
			r.boxes = append(r.boxes, p)
		case l.Version > 0:
			if r.complete = l.Complete; l.Tenant != nil {
				r.conf = *l.Tenant
			}
		case l.ID != "":
			if _, twice := r.extras[l.ID]; twice {
				return r.damaged(p, "the companion tells of "+string(l.ID)+" twice", nil)
			}
			r.extras[l.ID] = extra{p, l.Number}
		}
		return nil
	})
}

// strangers refuses a companion that tells of objects which are not there.
func (r *reading) strangers() error {
	for _, id := range slices.Sorted(maps.Keys(r.extras)) {
		if _, known := r.byID[id]; !known {
			return r.damaged(r.extras[id].place, "the companion tells of "+string(id)+", which is not among the objects", nil)
		}
	}
	return nil
}
