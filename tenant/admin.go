package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Admin is the administrators' door. It changes cloud objects, and of synchronised ones only what belongs to the cloud:
// roles, licences, memberships of cloud groups, and whether they exist. Refusals are errors of kind Forbidden for a
// synchronised object, NotFound, Conflict for a value that another object holds, or Invalid, with the refusal's code.
type Admin struct {
	t  *Tenant
	by Actor
}

// As is the same door for somebody with a name, under which the audit log has what is done.
func (a *Admin) As(by Actor) *Admin { return &Admin{a.t, by} }

// Object is an object as administrators see it.
type Object struct {
	ID           canopy.Anchor
	Class        canopy.Class
	Synced       bool
	SourceAnchor string
	// Attrs are the object's values: what was synced, over what a cloud object had before it was taken over.
	Attrs canopy.Attrs
	// Cloud are the values that the service computed, by the names of the native door.
	Cloud    canopy.Attrs
	Roles    []string // in order
	Licences []string // in order
	Groups   []canopy.Anchor
	// Deleted is when the object was deleted; the zero time when it is not.
	Deleted time.Time
	// Plans are the names of the service plans that the licences turn on.
	Plans []string
	// Authority is who masters the object.
	Authority Authority
}

// HasExchangePlan tells whether the object has a licence with a mailbox.
func (o *Object) HasExchangePlan() bool {
	return o.Class == canopy.User && slices.ContainsFunc(o.Plans, func(p string) bool { return slices.Contains(mailboxPlans, p) })
}

// mastered is the service's word for a change to an object that belongs to a forest.
const mastered = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration."

// CreateUser makes a cloud user and gives its object id.
func (a *Admin) CreateUser(ctx context.Context, attrs canopy.Attrs) (canopy.Anchor, error) {
	return a.Create(ctx, canopy.User, attrs)
}

// Create makes a cloud object of a class and gives its object id. A user may be given a source anchor, by which
// synchronisation will find it.
func (a *Admin) Create(ctx context.Context, class canopy.Class, attrs canopy.Attrs) (canopy.Anchor, error) {
	var oid canopy.Anchor
	err := a.t.update(ctx, func(x *tx) error {
		if classesOf(class) == 0 {
			return refuse(CodeOperation, "", "the tenant has no objects of class %s", class)
		}
		r := &record{class: class, own: newBody(), kept: newBody(), cloud: newBody()}
		var err error
		if r.oid, err = x.newObjectID(); err != nil {
			return err
		}
		oid = r.oid
		if err := x.assign(r, attrs, nil); err != nil {
			return err
		}
		return x.audit(a.by, "Add "+string(class), r, modified(nil, r.values()))
	})
	return oid, a.told("create a "+string(class), "", err)
}

// assign changes a cloud object's values.
func (x *tx) assign(r *record, set canopy.Attrs, clear []canopy.Attr) error {
	for _, name := range set.Names() {
		if no := checkValues(r.class, name, set[name], true); no != nil {
			return no
		}
		r.own.set(name, distinct(set[name]), x.seq+1)
	}
	for _, name := range clear {
		if at, known := attributeOf(r.class, name); !known || at.readOnly {
			return refuse(CodeUnknownAttr, name, "there is no attribute %s on a %s that can be cleared", name, r.class)
		}
		r.own.set(name, nil, x.seq+1)
	}
	if anchor := r.own.attrs.Text(canopy.AttrSourceAnchor); anchor != r.anchor {
		if r.class != canopy.User {
			return refuse(CodeData, canopy.AttrSourceAnchor, "only a user can be given a source anchor")
		}
		other, err := x.byAnchor(anchor)
		if err != nil {
			return err
		}
		if other != nil && other.id != r.id {
			no := refuse(CodeUnique, canopy.AttrSourceAnchor, "the source anchor %q is already held by %s", anchor, other.name())
			no.other = other.name()
			return no
		}
		r.anchor = anchor
	}
	return x.settle(r, false)
}

// SetAttributes changes and clears values of a cloud object.
func (a *Admin) SetAttributes(ctx context.Context, id canopy.Anchor, set canopy.Attrs, clear ...canopy.Attr) error {
	return a.change(ctx, "change", id, func(x *tx, r *record) error {
		if !r.synced {
			return x.assign(r, set, clear)
		}
		for _, name := range append(set.Names(), clear...) {
			if !ofCloud[name] {
				return lock(r).about(name)
			}
		}
		_, err := x.draft(r, Draft{Set: set, Clear: clear})
		return err
	})
}

func lock(r *record) *refusal {
	return refuse(CodeSynced, "", "%s: %s", r.name(), mastered)
}

// Delete deletes an object, also a synchronised one: a user for thirty days, others for good.
func (a *Admin) Delete(ctx context.Context, id canopy.Anchor) error {
	return a.change(ctx, "delete", id, func(x *tx, r *record) error { return x.discard(r) })
}

// Restore brings a deleted user back as a cloud user. It keeps its source anchor, so that synchronisation takes it over
// again unless that is switched off.
func (a *Admin) Restore(ctx context.Context, id canopy.Anchor) error {
	return a.RestoreAs(ctx, id, Restoring{})
}

// HardDelete deletes an object for good, whether it is deleted already or not.
func (a *Admin) HardDelete(ctx context.Context, id canopy.Anchor) error {
	return a.any(ctx, "delete for good", id, func(x *tx, r *record) error { return x.erase(r) })
}

// AssignRole gives an object a directory role, which keeps it from being matched.
func (a *Admin) AssignRole(ctx context.Context, id canopy.Anchor, role string) error {
	return a.mark(ctx, "assign a role to", id, func(r *record) *[]string { return &r.roles }, role, true)
}

// RemoveRole takes a directory role away.
func (a *Admin) RemoveRole(ctx context.Context, id canopy.Anchor, role string) error {
	return a.mark(ctx, "remove a role from", id, func(r *record) *[]string { return &r.roles }, role, false)
}

// AssignLicence gives a user a licence, or a group one for its members. One that is there already is done.
func (a *Admin) AssignLicence(ctx context.Context, id canopy.Anchor, licence string) error {
	return a.License(ctx, id, []Licence{{SKU: licence}}, nil)
}

// RemoveLicence takes a licence away.
func (a *Admin) RemoveLicence(ctx context.Context, id canopy.Anchor, licence string) error {
	return a.License(ctx, id, nil, []string{licence})
}

// License gives and takes licences, all or none. A user's are there at once; what a group gives its members comes later.
func (a *Admin) License(ctx context.Context, id canopy.Anchor, add []Licence, remove []string) error {
	return a.change(ctx, "license", id, func(x *tx, r *record) error { return x.license(r, add, remove) })
}

// mark adds a name to one of an object's sets, or takes it out; what is so already is done.
func (a *Admin) mark(ctx context.Context, what string, id canopy.Anchor, set func(*record) *[]string, name string, on bool) error {
	return a.change(ctx, what, id, func(x *tx, r *record) error {
		s := set(r)
		if name == "" || strings.Contains(name, "\n") {
			return refuse(CodeData, "", "%q is no name of a role or licence", name)
		}
		at, there := slices.BinarySearch(*s, name)
		switch {
		case there == on:
			return nil
		case on:
			*s = slices.Insert(*s, at, name)
		default:
			*s = slices.Delete(*s, at, at+1)
		}
		return x.settle(r, false)
	})
}

// AddToGroup makes an object a member of a cloud group.
func (a *Admin) AddToGroup(ctx context.Context, group, member canopy.Anchor) error {
	return a.Link(ctx, group, canopy.AttrMember, canopy.LinkChange{Added: []canopy.Ref{{Anchor: member}}})
}

// RemoveFromGroup ends a membership of a cloud group.
func (a *Admin) RemoveFromGroup(ctx context.Context, group, member canopy.Anchor) error {
	return a.Link(ctx, group, canopy.AttrMember, canopy.LinkChange{Removed: []canopy.Ref{{Anchor: member}}})
}

// Link changes a link attribute of a cloud object; the first link that cannot be made undoes all.
func (a *Admin) Link(ctx context.Context, id canopy.Anchor, attr canopy.Attr, c canopy.LinkChange) error {
	return a.change(ctx, "link", id, func(x *tx, r *record) error {
		if r.synced {
			return lock(r)
		}
		changes := map[canopy.Attr]canopy.LinkChange{attr: c}
		if no := checkLinks(r.class, changes); no != nil {
			return no
		}
		if err := x.touch(r.id); err != nil {
			return err
		}
		note := Modified{Attr: attr}
		for _, ref := range c.Added {
			note.New = append(note.New, string(ref.Anchor))
		}
		for _, ref := range c.Removed {
			note.Old = append(note.Old, string(ref.Anchor))
		}
		r.noted = []Modified{note}
		failed, err := x.links(r, changes, 1)
		if err == nil && len(failed) > 0 {
			return refuse(failed[0].Code, attr, "%s", failed[0].Text)
		}
		return err
	})
}

// change loads an object that is not deleted and runs fn in a transaction.
func (a *Admin) change(ctx context.Context, what string, id canopy.Anchor, fn func(*tx, *record) error) error {
	return a.any(ctx, what, id, func(x *tx, r *record) error {
		if r.deleted != 0 {
			return refuse(CodeNotFound, "", "%s is deleted; restore it first", r.name())
		}
		return fn(x, r)
	})
}

func (a *Admin) any(ctx context.Context, what string, id canopy.Anchor, fn func(*tx, *record) error) error {
	err := a.t.update(ctx, func(x *tx) error {
		if _, _, err := x.exchange(forwardPortion); err != nil {
			return err
		}
		r, err := x.byObjectID(id)
		if err == nil && r == nil {
			err = refuse(CodeNotFound, "", "there is no such object")
		}
		if err != nil {
			return err
		}
		before, seq := auditable(r), x.seq
		if err := fn(x, r); err != nil || x.seq == seq {
			return err
		}
		changed := append(modified(before, auditable(r)), r.noted...)
		if len(changed) == 0 && (what == "change" || what == "license") {
			return nil // it was so before
		}
		return x.audit(a.by, activity(what, r), r, changed)
	})
	return a.told(what, id, err)
}

// told is an error as the caller gets it.
func (a *Admin) told(what string, id canopy.Anchor, err error) error {
	var no *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		err = no.asError(string(id))
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Get gives one object, deleted ones included. None with this id is an error of kind NotFound.
func (a *Admin) Get(ctx context.Context, id canopy.Anchor) (*Object, error) {
	var found *Object
	err := a.walk(ctx, `oid = ?`, []any{string(id)}, func(o *Object) error {
		found = o
		return nil
	})
	if err == nil && found == nil {
		err = refuse(CodeNotFound, "", "there is no such object").asError(string(id))
	}
	return found, err
}

// List gives the objects that are not deleted, or those that are, in the order in which they were made.
func (a *Admin) List(ctx context.Context, deleted bool, each func(*Object) error) error {
	if !deleted {
		return a.walk(ctx, `deleted IS NULL`, nil, each)
	}
	return a.walk(ctx, `deleted > ?`, []any{a.t.clock().Add(-keepDeleted).UnixMicro()}, each)
}

func (a *Admin) walk(ctx context.Context, where string, args []any, each func(*Object) error) error {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	defer end()
	for last := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		records, err := queryRecords(q, where+` AND id > ? ORDER BY id LIMIT ?`, append(slices.Clone(args), last, pageObjects)...)
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		for _, r := range records {
			o, err := objectOf(q, r)
			if err != nil {
				return fmt.Errorf("list the groups of %s: %w", r.oid, err)
			}
			if err := each(o); err != nil {
				return err
			}
			last = r.id
		}
		if len(records) < pageObjects {
			return nil
		}
	}
}

func shownOf(r *record) Object {
	o := Object{ID: r.oid, Class: r.class, Synced: r.synced, SourceAnchor: r.anchor, Attrs: r.values(),
		Cloud: r.cloud.attrs, Roles: r.roles, Licences: skuNames(r.licences), Plans: enabled(grantsOf(r.licences)),
		Authority: Authority{CloudManaged: r.moved == converted, Synced: r.synced, Pending: r.moved == returning}}
	if r.deleted != 0 {
		o.Deleted = time.UnixMicro(r.deleted).UTC()
	}
	return o
}

func objectOf(q querier, r *record) (*Object, error) {
	shown := shownOf(r)
	o := &shown
	rows, err := q.Query(`SELECT o.oid FROM link l JOIN object o ON o.id = l.owner
		WHERE l.target = ? AND l.attr = 'member' AND l.state = 1 ORDER BY o.oid`, r.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var oid canopy.Anchor
		if err := rows.Scan(&oid); err != nil {
			return nil, err
		}
		o.Groups = append(o.Groups, oid)
	}
	return o, rows.Err()
}

// Switches gives the switches for matching.
func (a *Admin) Switches() Switches {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.t.conf.Switches
}

// SetSwitches sets the switches. SoftMatchOnUPN cannot be switched off again.
func (a *Admin) SetSwitches(ctx context.Context, s Switches) error {
	err := a.t.update(ctx, func(x *tx) error {
		conf := x.conf
		if conf.Switches.SoftMatchOnUPN && !s.SoftMatchOnUPN {
			return &canopy.Error{Kind: canopy.Forbidden, Object: "softMatchOnUpn", Text: "the switch cannot be turned off again"}
		}
		before := conf.Switches
		conf.Switches = s
		if err := x.saveSettings(conf); err != nil || before == s {
			return err
		}
		return x.audit(a.by, "Set DirSync feature", nil, settingsChanged(before, s))
	})
	if err != nil {
		return fmt.Errorf("set the switches: %w", err)
	}
	return nil
}

// Policy is what a value does that another object holds already.
func (a *Admin) Policy() Policy {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.t.conf.Policy
}

// SetPolicy sets it. What is held twice by then stays so until one of the two changes; what is withheld and need not be any
// more is given at once.
func (a *Admin) SetPolicy(ctx context.Context, p Policy) error {
	err := a.t.update(ctx, func(x *tx) error {
		conf, before := x.conf, x.conf.Policy
		if err := p.known(); err != nil || p == before {
			return err
		}
		conf.Policy = p
		if err := errors.Join(x.saveSettings(conf), x.release()); err != nil {
			return err
		}
		return x.audit(a.by, "Set uniqueness policy", nil, changedTo("uniqueness", before, p))
	})
	if err != nil {
		return fmt.Errorf("set the uniqueness policy: %w", err)
	}
	return nil
}
