package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Actor is who does something: a person, or a program with its app.
type Actor struct {
	App  string `json:"app,omitempty"` // the program's id
	Name string `json:"name"`
	// Object is its service principal.
	Object canopy.Anchor `json:"object,omitempty"`
	// Request ties together what one request did.
	Request string `json:"request,omitempty"`
}

// Modified is one attribute of an audited change, with values as text.
type Modified struct {
	Attr canopy.Attr `json:"attr"`
	Old  []string    `json:"old,omitempty"`
	New  []string    `json:"new,omitempty"`
}

// Audit is one thing that somebody did to one object, or to the tenant itself, which has no Target.
type Audit struct {
	Number   int64         `json:"-"`
	ID       string        `json:"-"`
	At       time.Time     `json:"-"`
	Target   canopy.Anchor `json:"-"`
	Activity string        `json:"activity"`
	Actor    Actor         `json:"actor"`
	Class    canopy.Class  `json:"class"`
	Label    string        `json:"label"`
	Changed  []Modified    `json:"changed,omitempty"`
}

// audit notes in the transaction what it does. A nil record is the tenant itself.
func (x *tx) audit(by Actor, activity string, r *record, changed []Modified) error {
	a := Audit{Activity: activity, Actor: by, Label: x.conf.Initial, Changed: changed}
	target := ""
	if r != nil {
		a.Class, a.Label, target = r.class, r.label, string(r.oid)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	var last int64
	if err := x.row(`SELECT coalesce(max(id), 0) FROM audit`).Scan(&last); err != nil {
		return err
	}
	return x.exec(`INSERT INTO audit (id, oid, at, target, value) VALUES (?, ?, ?, ?, ?)`, last+1,
		fmt.Sprintf("Directory_%s_%d", x.conf.Tenant, last+1), x.now.UnixMicro(), target, text)
}

// activities are what the service calls what is done, where it is not the verb and the class.
var activities = map[string]string{"change": "Update %s", "link": "Update %s", "delete": "Delete %s", "restore": "Restore %s",
	"delete for good": "Hard Delete %s", "assign a role to": "Add member to role", "remove a role from": "Remove member from role",
	"license": "Change %s license", "change the source of authority of": "Change Source of Authority from AD to cloud",
	"undo the change of the source of authority of": "Undo changes to Source of Authority from AD (DS) to cloud"}

// activity is the service's name of something done to an object.
func activity(what string, r *record) string {
	name, known := activities[what]
	if !known {
		return what
	}
	return strings.Replace(name, "%s", string(r.class), 1)
}

// auditable is all of an object that an audit tells.
func auditable(r *record) canopy.Attrs {
	all := r.values().Clone()
	for name, v := range r.cloud.attrs {
		all[name] = v
	}
	all["directoryRoles"], all["assignedLicenses"] = canopy.Texts(r.roles...), canopy.Texts(skuNames(r.licences)...)
	return all
}

// modified tells how the values of some attributes differ, in the order of their names.
func modified(before, after canopy.Attrs) []Modified {
	names := before.Names()
	for _, n := range after.Names() {
		if _, there := before[n]; !there {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	var out []Modified
	for _, n := range names {
		if !before[n].Equal(after[n]) {
			out = append(out, Modified{Attr: n, Old: before[n].Strings(), New: after[n].Strings()})
		}
	}
	return out
}

// changedTo is a change of one named thing.
func changedTo(name canopy.Attr, before, after any) []Modified {
	return []Modified{{Attr: name, Old: []string{fmt.Sprint(before)}, New: []string{fmt.Sprint(after)}}}
}

// Audits gives what was done, the latest first, before a number (0: from the end), until each answers false.
func (d *Directory) Audits(ctx context.Context, before int64, each func(*Audit) bool) error {
	if before == 0 {
		before = 1 << 62
	}
	for {
		var chunk []*Audit
		err := d.rows(ctx, func(s scanner) error {
			a, err := scanAudit(s)
			chunk = append(chunk, a)
			return err
		}, `SELECT id, oid, at, target, value FROM audit WHERE id < ? ORDER BY id DESC LIMIT `+strconv.Itoa(walkChunk), before)
		if err != nil {
			return err
		}
		for _, a := range chunk {
			if !each(a) {
				return nil
			}
			before = a.Number
		}
		if len(chunk) < walkChunk {
			return nil
		}
	}
}

// Audit gives one by its id. None is an error of kind NotFound.
func (d *Directory) Audit(ctx context.Context, id string) (*Audit, error) {
	a, err := scanAudit(d.row(ctx, `SELECT id, oid, at, target, value FROM audit WHERE oid = ?`, id))
	return a, notFound(id, err)
}

func scanAudit(s scanner) (*Audit, error) {
	a := &Audit{}
	var at int64
	var text []byte
	if err := s.Scan(&a.Number, &a.ID, &at, &a.Target, &text); err != nil {
		return nil, err
	}
	a.At = time.UnixMicro(at).UTC()
	return a, json.Unmarshal(text, a)
}

// Log gives what was done, the latest first: to one object, or with id "" everything, until each answers false.
func (a *Admin) Log(ctx context.Context, id canopy.Anchor, each func(*Audit) bool) error {
	return a.t.Directory().Audits(ctx, 0, func(one *Audit) bool { return id != "" && one.Target != id || each(one) })
}

func (a *Admin) log(ctx context.Context, id canopy.Anchor) (all []*Audit, err error) {
	err = a.Log(ctx, id, func(one *Audit) bool {
		all = append(all, one)
		return true
	})
	return all, err
}
