package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Draft is what a program wants of one object.
type Draft struct {
	Class canopy.Class // an object of another class is not found; "" for any
	Set   canopy.Attrs
	Clear []canopy.Attr
	// Links change link attributes; the first that cannot be made undoes all.
	Links map[canopy.Attr]canopy.LinkChange
	// Fresh refuses a link that is there already, and the end of one that is not.
	Fresh bool
}

// ofCloud are the attributes of a synchronised object that belong to the cloud all the same.
var ofCloud = map[canopy.Attr]bool{"usageLocation": true, "passwordPolicies": true, "otherMails": true, "accountEnabled": true,
	"ageGroup": true, "consentProvidedForMinor": true, "sessionsValidFrom": true, "preferredDataLocation": true}

// programOnly are the attributes that the native door shows and never takes.
func programOnly(class canopy.Class, name canopy.Attr) bool {
	a, known := attributeOf(class, name)
	return known && a.readOnly && !strings.HasPrefix(string(name), "cloud")
}

// The codes of refusals that only programs meet.
const (
	CodeLinkThere = "ReferenceAlreadyThere"
	CodeLinkNot   = "ReferenceNotThere"
)

// Create makes a cloud object for a program and gives it.
func (d *Directory) Create(ctx context.Context, by Actor, class canopy.Class, draft Draft) (*Item, error) {
	var made *Item
	err := d.t.together(ctx, func(x *tx) error {
		if classesOf(class) == 0 {
			return refuse(CodeOperation, "", "the tenant has no objects of class %s", class)
		}
		r := &record{class: class, own: newBody(), kept: newBody(), cloud: newBody()}
		var err error
		if r.oid, err = x.newObjectID(); err != nil {
			return err
		}
		changed, err := x.draft(r, draft)
		if err != nil {
			return err
		}
		made = itemOf(r, x.now.Unix(), x.now.Unix())
		return x.audit(by, "Add "+string(class), r, changed)
	})
	return made, told("create a "+string(class), "", err)
}

// Update changes an object for a program. Of a synchronised one it takes what belongs to the cloud, all or nothing.
func (d *Directory) Update(ctx context.Context, by Actor, id canopy.Anchor, draft Draft) error {
	return d.change(ctx, "change", id, func(x *tx, r *record) error {
		if draft.Class != "" && draft.Class != r.class {
			return refuse(CodeNotFound, "", "%s is no %s", r.name(), draft.Class)
		}
		if r.synced {
			for name := range draft.Links {
				return lock(r).about(name)
			}
			for _, name := range append(draft.Set.Names(), draft.Clear...) {
				if !ofCloud[name] {
					return lock(r).about(name)
				}
			}
		}
		changed, err := x.draft(r, draft)
		if err != nil || len(changed) == 0 {
			return err
		}
		return x.audit(by, "Update "+string(r.class), r, changed)
	})
}

// about says which attribute a refusal is about.
func (r *refusal) about(name canopy.Attr) *refusal {
	r.attr = name
	return r
}

// draft lays a draft over a record, stores it, and tells what changed.
func (x *tx) draft(r *record, d Draft) ([]Modified, error) {
	before := r.values()
	var changed []Modified
	plain := Draft{Set: canopy.Attrs{}}
	for _, name := range d.Set.Names() {
		v := distinct(d.Set[name])
		if old := before[name]; r.id != 0 && slices.Equal(old, v) {
			continue
		}
		changed = append(changed, Modified{Attr: name, Old: before[name].Strings(), New: v.Strings()})
		if programOnly(r.class, name) || r.synced {
			if no := checkProgram(r.class, name, v); no != nil {
				return nil, no
			}
			x.place(r, name, v)
			continue
		}
		plain.Set[name] = v
	}
	for _, name := range d.Clear {
		if len(before[name]) == 0 {
			continue
		}
		changed = append(changed, Modified{Attr: name, Old: before[name].Strings()})
		if programOnly(r.class, name) || r.synced {
			x.place(r, name, nil)
			continue
		}
		plain.Clear = append(plain.Clear, name)
	}
	if mail := plain.Set.Text(canopy.AttrMail); mail != "" {
		plain.Set[canopy.AttrAddresses] = withPrimary(before[canopy.AttrAddresses], mail)
	}
	if r.id == 0 || len(changed) > 0 {
		if err := x.assign(r, plain.Set, plain.Clear); err != nil {
			return nil, err
		}
	}
	linked, err := x.draftLinks(r, d)
	return append(changed, linked...), err
}

// place gives an attribute of the cloud its value: of a synchronised object beside what was synced, but over it where
// synchronisation will overwrite it with its next change.
func (x *tx) place(r *record, name canopy.Attr, v canopy.Values) {
	if _, written := r.own.attrs[name]; r.synced && !written {
		if len(v) == 0 {
			delete(r.kept.attrs, name)
		} else {
			r.kept.attrs[name] = v
		}
		return
	}
	r.own.set(name, v, x.seq+1)
}

// checkProgram is checkValues for what only programs write.
func checkProgram(class canopy.Class, name canopy.Attr, values canopy.Values) *refusal {
	a, known := attributeOf(class, name)
	switch {
	case !known:
		return refuse(CodeUnknownAttr, name, "there is no attribute %s on a %s", name, class)
	case !a.Multi && len(values) > 1:
		return refuse(CodeData, name, "the attribute %s takes one value, not %d", name, len(values))
	}
	for _, v := range values {
		if no := checkValue(name, a, v, true); no != nil {
			return no
		}
	}
	return nil
}

// withPrimary are the addresses with mail as the primary one; the one before stays as a secondary one.
func withPrimary(addresses canopy.Values, mail string) canopy.Values {
	out := canopy.Texts("SMTP:" + mail)
	for _, v := range addresses {
		address, primary, ok := smtp(v.Str())
		switch {
		case ok && strings.EqualFold(address, mail):
		case ok && primary:
			out = append(out, canopy.Text("smtp:"+address))
		default:
			out = append(out, v)
		}
	}
	return out
}

// draftLinks writes a draft's links.
func (x *tx) draftLinks(r *record, d Draft) ([]Modified, error) {
	if len(d.Links) == 0 {
		return nil, nil
	}
	var changed []Modified
	for name, c := range d.Links {
		if a, known := attributeOf(r.class, name); !known || a.Type != canopy.Reference {
			return nil, refuse(CodeUnknownAttr, name, "a %s has no links %s", r.class, name)
		}
		m := Modified{Attr: name}
		for _, ref := range c.Added {
			m.New = append(m.New, string(ref.Anchor))
		}
		for _, ref := range c.Removed {
			m.Old = append(m.Old, string(ref.Anchor))
		}
		changed = append(changed, m)
		if d.Fresh {
			if err := x.fresh(r, name, c); err != nil {
				return nil, err
			}
		}
	}
	if err := x.touch(r.id); err != nil {
		return nil, err
	}
	failed, err := x.links(r, d.Links, 1)
	if err == nil && len(failed) > 0 {
		err = refuse(failed[0].Code, failed[0].Attr, "%s", failed[0].Text)
	}
	return changed, err
}

// fresh refuses links that are already as they are wanted.
func (x *tx) fresh(r *record, name canopy.Attr, c canopy.LinkChange) error {
	held := func(ref canopy.Ref) (bool, error) {
		var there bool
		err := x.row(`SELECT EXISTS (SELECT 1 FROM link l JOIN object o ON o.id = l.target
			WHERE l.owner = ? AND l.attr = ? AND l.state = 1 AND o.oid = ?)`, r.id, string(name), string(ref.Anchor)).Scan(&there)
		return there, err
	}
	for _, ref := range c.Added {
		switch there, err := held(ref); {
		case err != nil:
			return err
		case there:
			return refuse(CodeLinkThere, name, "%s is there already", ref.Anchor)
		}
	}
	for _, ref := range c.Removed {
		switch there, err := held(ref); {
		case err != nil:
			return err
		case !there:
			return refuse(CodeLinkNot, name, "%s is not there", ref.Anchor)
		}
	}
	return nil
}

// Delete deletes an object as its class is deleted.
func (d *Directory) Delete(ctx context.Context, by Actor, id canopy.Anchor) error {
	return d.change(ctx, "delete", id, func(x *tx, r *record) error {
		return errors.Join(x.audit(by, "Delete "+string(r.class), r, nil), x.discard(r))
	})
}

// Restore brings a deleted object back as one of the cloud, with what it has to give up.
func (d *Directory) Restore(ctx context.Context, by Actor, id canopy.Anchor, how Restoring) error {
	return d.any(ctx, "restore", id, func(x *tx, r *record) error {
		if r.deleted == 0 {
			return refuse(CodeOperation, "", "%s is not deleted", r.name())
		}
		if err := x.reviveAs(r, how); err != nil {
			return err
		}
		return x.audit(by, "Restore "+string(r.class), r, nil)
	})
}

// revive makes a deleted record a live one of the cloud.
func (x *tx) revive(r *record, upn string) error {
	r.synced, r.moved, r.deleted = false, ofTheCloud, 0
	r.own = body{attrs: r.values(), cleared: r.own.cleared}
	r.kept = newBody()
	if upn != "" {
		r.own.set(canopy.AttrUPN, canopy.Texts(upn), x.seq+1)
	}
	return x.settle(r, true)
}

// Purge deletes a deleted object for good.
func (d *Directory) Purge(ctx context.Context, by Actor, id canopy.Anchor) error {
	return d.any(ctx, "delete for good", id, func(x *tx, r *record) error {
		if r.deleted == 0 {
			return refuse(CodeNotFound, "", "%s is not deleted", r.name())
		}
		return errors.Join(x.audit(by, "Hard Delete "+string(r.class), r, nil), x.erase(r))
	})
}

// change loads an object that is not deleted and runs fn, together with other callers' changes.
func (d *Directory) change(ctx context.Context, what string, id canopy.Anchor, fn func(*tx, *record) error) error {
	return d.any(ctx, what, id, func(x *tx, r *record) error {
		if r.deleted != 0 {
			return refuse(CodeNotFound, "", "%s is deleted; restore it first", r.name())
		}
		return fn(x, r)
	})
}

func (d *Directory) any(ctx context.Context, what string, id canopy.Anchor, fn func(*tx, *record) error) error {
	err := d.t.together(ctx, func(x *tx) error {
		r, err := x.byObjectID(id)
		if err == nil && r == nil {
			err = refuse(CodeNotFound, "", "there is no such object")
		}
		if err != nil {
			return err
		}
		return fn(x, r)
	})
	return told(what, id, err)
}

// told is an error as a program gets it.
func told(what string, id canopy.Anchor, err error) error {
	var no *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		err = no.asError(string(id))
	}
	return fmt.Errorf("%s: %w", what, err)
}
