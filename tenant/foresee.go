package tenant

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// keyAnchor is the kind of what foresee knows of source anchors; no claim has it.
const keyAnchor = "anchor:"

// meetAtOnce is how many objects are met together; mostKnown is how many are kept in mind.
const (
	meetAtOnce = 256
	mostKnown  = 10_000
)

// foresee looks up in a few questions which of the anchors and claims of exports nobody has, and the objects between which
// they change links, so that each export by itself need not ask. What changes later in the transaction is taken out again.
func (x *tx) foresee(exports []canopy.Export) error {
	if len(exports) == 1 {
		return nil
	}
	var anchors, claims []string
	var objects []canopy.Anchor
	for i := range exports {
		e := &exports[i]
		if e.Op == canopy.Add && e.SourceAnchor != "" {
			anchors = append(anchors, e.SourceAnchor)
		}
		for _, c := range claimsOf(e.Class, e.Set, nil) {
			if !strings.HasPrefix(c.key, keyName) {
				claims = append(claims, c.key)
			}
		}
		if len(objects) < mostKnown {
			objects = append(objects, endsOf(e)...)
		}
	}
	x.free = make(map[string]bool, len(anchors)+len(claims))
	return errors.Join(x.unheld(keyAnchor, anchors, `SELECT anchor FROM object WHERE anchor IN `),
		x.unheld("", claims, `SELECT key FROM claim WHERE key IN `), x.meet(objects))
}

// linksOnly tells whether an export changes links of an object that it names, and nothing else.
func linksOnly(e *canopy.Export) bool {
	return e.Op == canopy.Modify && e.Ref.Anchor != "" && len(e.Set)+len(e.Clear)+len(e.Compare) == 0
}

// endsOf are the objects at both ends of the few links that an export changes.
func endsOf(e *canopy.Export) []canopy.Anchor {
	var out []canopy.Anchor
	if linksOnly(e) {
		out = append(out, e.Ref.Anchor)
	}
	for _, c := range e.Links {
		if len(c.Added)+len(c.Removed) < meetAtOnce {
			out = append(append(out, anchorsOf(c.Added)...), anchorsOf(c.Removed)...)
		}
	}
	return out
}

func anchorsOf(refs []canopy.Ref) []canopy.Anchor {
	out := make([]canopy.Anchor, len(refs))
	for i, r := range refs {
		out[i] = r.Anchor
	}
	return out
}

// meet gets to know objects, many with one question. One alone is not worth it.
func (x *tx) meet(ids []canopy.Anchor) error {
	if len(x.known) > mostKnown {
		clear(x.known)
	}
	ids = slices.DeleteFunc(ids, func(id canopy.Anchor) bool { return x.known[id] != nil })
	if len(ids) < 2 {
		return nil
	}
	if x.known == nil {
		x.known = make(map[canopy.Anchor]*record, len(ids))
	}
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), meetAtOnce) {
		size := 4
		for size < len(part) {
			size *= 2
		}
		args := make([]any, size)
		for i := range args {
			args[i] = string(part[min(i, len(part)-1)])
		}
		err := x.rows(func(s scanner) error {
			r := &record{}
			var anchor sql.NullString
			err := s.Scan(&r.id, &r.oid, &r.class, &anchor, &r.synced, &r.label)
			r.anchor = anchor.String
			x.known[r.oid] = r
			return err
		}, `SELECT id, oid, class, anchor, synced = 1, label FROM object WHERE deleted IS NULL AND oid IN (?`+strings.Repeat(",?", size-1)+`)`, args...)
		if err != nil {
			return fmt.Errorf("look for the ends of links: %w", err)
		}
	}
	return nil
}

// unheld notes which of the names the query, which ends before its list, does not find.
func (x *tx) unheld(kind string, names []string, query string) error {
	const most = 256
	slices.Sort(names) // what is searched in its order is searched in few places
	query += `(?` + strings.Repeat(",?", most-1) + `)`
	args := make([]any, most)
	for ; len(names) > 0; names = names[min(most, len(names)):] {
		part := names[:min(most, len(names))]
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		for _, n := range part {
			x.free[kind+n] = true
		}
		err := x.rows(func(r scanner) error {
			var name string
			err := r.Scan(&name)
			delete(x.free, kind+name)
			return err
		}, query, args...)
		if err != nil {
			return fmt.Errorf("look for what is taken: %w", err)
		}
	}
	return nil
}
