package tenant

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
)

// linkState is what a link row says.
type linkState int

const (
	linkRemoved linkState = iota // was there; the row stays so that the feed can tell
	linkHeld
	linkLost // an administrator's link of a deleted user, that comes back with it; for the feed it is removed
)

// checkLinks looks at the links of an export by themselves.
func checkLinks(class canopy.Class, links map[canopy.Attr]canopy.LinkChange) *refusal {
	for _, name := range slices.Sorted(maps.Keys(links)) {
		a, known := attributeOf(class, name)
		switch {
		case !known:
			return refuse(CodeUnknownAttr, name, "there is no attribute %s on a %s", name, class)
		case a.Type != canopy.Reference:
			return refuse(CodeData, name, "the attribute %s holds values, not links", name)
		case a.readOnly:
			return refuse(CodeReadOnly, name, "the attribute %s belongs to the cloud and cannot be synchronised", name)
		case !a.Multi && len(links[name].Added) > 1:
			return refuse(CodeData, name, "the attribute %s takes one object, not %d", name, len(links[name].Added))
		}
	}
	return nil
}

// linkChanges are the export's links, with cleared link attributes as changes to nothing.
func linkChanges(class canopy.Class, e *canopy.Export) map[canopy.Attr]canopy.LinkChange {
	changes := e.Links
	for _, name := range e.Clear {
		if isLink(class, name) {
			changes = maps.Clone(changes)
			if changes == nil {
				changes = map[canopy.Attr]canopy.LinkChange{}
			}
			changes[name] = canopy.LinkChange{Whole: true}
		}
	}
	return changes
}

// links writes an object's links: by administrators with cloud 1, by synchronisation with 0. Each costs the same
// however many there are. A link that is there already, and the removal of one that is not, are done; the feed tells
// them once more, so that the writer sees how they stand.
func (x *tx) links(r *record, changes map[canopy.Attr]canopy.LinkChange, cloud int) ([]canopy.FailedLink, error) {
	var failed []canopy.FailedLink
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		a, _ := attributeOf(r.class, name)
		part, err := x.linkAttr(r, name, a, changes[name], cloud)
		if err != nil {
			return nil, fmt.Errorf("write %s of %s: %w", name, r.oid, err)
		}
		failed = append(failed, part...)
	}
	return failed, nil
}

func (x *tx) linkAttr(r *record, name canopy.Attr, a attribute, c canopy.LinkChange, cloud int) ([]canopy.FailedLink, error) {
	var failed []canopy.FailedLink
	var added []int64
	for at, ref := range c.Added {
		if at%meetAtOnce == 0 {
			if err := x.meet(anchorsOf(c.Added[at:min(at+meetAtOnce, len(c.Added))])); err != nil {
				return nil, err
			}
		}
		id, no, err := x.target(name, ref)
		if err != nil {
			return nil, err
		}
		if no != nil {
			failed = append(failed, canopy.FailedLink{Attr: name, Ref: ref, Code: no.code, Text: no.text})
			continue
		}
		added = append(added, id)
	}
	if c.Whole || !a.Multi && len(added) > 0 {
		if err := x.unlinkOthers(r.id, name, added); err != nil {
			return nil, err
		}
	}
	for at, ref := range c.Removed {
		if at%meetAtOnce == 0 {
			if err := x.meet(anchorsOf(c.Removed[at:min(at+meetAtOnce, len(c.Removed))])); err != nil {
				return nil, err
			}
		}
		id, _, err := x.target(name, ref)
		if err != nil {
			return nil, err
		}
		if id != 0 {
			if err := x.link(r.id, name, id, linkRemoved, 0); err != nil {
				return nil, err
			}
		}
	}
	for _, id := range added {
		if err := x.link(r.id, name, id, linkHeld, cloud); err != nil {
			return nil, err
		}
	}
	return failed, nil
}

// link writes one row as part of the owner's last change.
func (x *tx) link(owner int64, name canopy.Attr, target int64, state linkState, cloud int) error {
	x.late.owners[owner] = true
	if name == canopy.AttrMember {
		if err := x.memberChanged(owner, target); err != nil {
			return err
		}
	}
	if !x.late.links.add(owner, string(name), target, int(state), cloud, x.seq) {
		return nil
	}
	return x.writeLinks()
}

// unlinkOthers removes all links of an attribute but those to keep.
func (x *tx) unlinkOthers(owner int64, name canopy.Attr, keep []int64) error {
	kept := make(map[int64]bool, len(keep))
	for _, id := range keep {
		kept[id] = true
	}
	if x.late.owners[owner] {
		if err := x.writeLinks(); err != nil {
			return err
		}
	}
	var others []int64
	err := x.rowsNow(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		if !kept[id] {
			others = append(others, id)
		}
		return err
	}, `SELECT target FROM link WHERE owner = ? AND attr = ? AND state = 1`, owner, string(name))
	for _, id := range others {
		if err == nil {
			err = x.link(owner, name, id, linkRemoved, 0)
		}
	}
	return err
}

// target finds the object that a link names: its number, or why it cannot be linked.
func (x *tx) target(name canopy.Attr, ref canopy.Ref) (int64, *refusal, error) {
	var id int64
	var class canopy.Class
	err := x.writeObjects()
	if r := x.known[ref.Anchor]; err == nil && r != nil {
		id, class = r.id, r.class
	} else if err == nil {
		err = x.rowNow(`SELECT id, class FROM object WHERE oid = ? AND deleted IS NULL`, string(ref.Anchor)).Scan(&id, &class)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, refuse(CodeLinkTarget, name, "there is no object %q", string(ref.Anchor)+ref.DN), nil
	case err != nil:
		return 0, nil, err
	case (name == canopy.AttrManager || name == attrManagedBy && class == canopy.Contact) && class == canopy.Group:
		return 0, refuse(CodeLinkType, name, "a %s cannot be %s", class, name), nil
	}
	return id, nil, nil
}
