package tenant

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// record is one object with its copies.
type record struct {
	id       int64 // 0: not stored yet
	oid      canopy.Anchor
	class    canopy.Class
	anchor   string
	synced   bool
	moved    authority // of one that is not synchronised: whether it was
	label    string
	own      body // the shadow of what was synced; what a cloud-born object holds
	kept     body // from before a takeover, as far as nothing synced has overwritten it
	cloud    body // computed
	roles    []string
	licences []string
	deleted  int64 // microseconds, 0: not deleted
	born     int64
	seq      int64

	before    canopy.Attrs        // the values as loaded, nil for a new object
	computed  canopy.Attrs        // what the service had computed, as loaded
	held      []claim             // the claims as stored
	conflicts map[string]conflict // the values that the service withholds, by their claims' keys
	troubled  bool                // there were such values as stored
	noted     []Modified          // what an audit is to tell beside the values
	exchanged uint64              // what Exchange had to know of it as loaded, see exchanged
}

const recordColumns = `id, oid, class, anchor, synced, label, own, kept, cloud, roles, licences, deleted, born, seq`

// values are the object's values: what was synced, over what it had before a takeover.
func (r *record) values() canopy.Attrs { return r.own.over(r.kept.attrs) }

// name is the object for people.
func (r *record) name() string { return holderOf(r).name() }

func holderOf(r *record) holder {
	return holder{id: r.id, oid: r.oid, class: r.class, anchor: r.anchor, synced: r.synced, deleted: r.deleted != 0,
		role: len(r.roles) > 0, label: r.label, moved: r.moved, object: r.values().Text(attrObjectID)}
}

// relabel gives the name that people know the object by.
func (r *record) relabel() {
	v := r.values()
	for _, a := range []canopy.Attr{canopy.AttrUPN, canopy.AttrMail, canopy.AttrDisplayName} {
		if r.label = v.Text(a); r.label != "" {
			return
		}
	}
	r.label = string(r.oid)
}

func scanRecord(s scanner) (*record, error) {
	r := &record{}
	var anchor sql.NullString
	var deleted sql.NullInt64
	var master authority
	var own, kept, cloud []byte
	var roles, licences string
	err := s.Scan(&r.id, &r.oid, &r.class, &anchor, &master, &r.label, &own, &kept, &cloud, &roles, &licences,
		&deleted, &r.born, &r.seq)
	if err != nil {
		return nil, err
	}
	r.anchor, r.deleted = anchor.String, deleted.Int64
	r.setColumn(master)
	r.roles, r.licences = splitSet(roles), splitSet(licences)
	for _, c := range []struct {
		to   *body
		from []byte
	}{{&r.own, own}, {&r.kept, kept}, {&r.cloud, cloud}} {
		if *c.to, err = decodeBody(c.from); err != nil {
			return nil, fmt.Errorf("object %s: %w", r.oid, err)
		}
	}
	return r, nil
}

// load finds one record by a condition; nil when there is none.
func (x *tx) load(where string, arg any) (*record, error) {
	r, err := scanRecord(x.row(`SELECT `+recordColumns+` FROM object WHERE `+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load an object: %w", err)
	}
	r.loaded()
	return r, nil
}

// loaded keeps how the record is stored.
func (r *record) loaded() {
	r.before, r.computed = maps.Clone(r.values()), maps.Clone(r.cloud.attrs)
	r.conflicts = conflictsOf(r.computed)
	r.troubled = len(r.conflicts) > 0
	if r.deleted == 0 {
		r.held = claimsOf(r.class, r.before, r.cloud.attrs)
	}
	r.exchanged = exchanged(r)
}

func (x *tx) byObjectID(oid canopy.Anchor) (*record, error) { return x.load(`oid = ?`, string(oid)) }
func (x *tx) byNumber(id int64) (*record, error)            { return x.load(`id = ?`, id) }

func (x *tx) byAnchor(anchor string) (*record, error) {
	if x.free[keyAnchor+anchor] {
		return nil, nil
	}
	return x.load(`anchor = ?`, anchor)
}

// recompute fills the service's copy. It asks the file only when a name has to be made.
func (x *tx) recompute(r *record) error {
	var failed error
	r.conflicts = stillWanted(r.conflicts, r.values(), r.cloud.attrs.Text(cloudUPN))
	prev := r.cloud.attrs
	if r.computed != nil {
		prev = r.computed
	}
	attrs := compute(calculation{class: r.class, id: r.oid, anchor: r.anchor, synced: r.synced, managed: r.moved == converted, role: len(r.roles) > 0, before: r.before,
		now: r.values(), prev: prev, licensed: exchangePlan(r), conflicts: r.conflicts,
		initial: x.conf.Initial, verified: x.conf.verified,
		taken: func(key string) bool {
			h, err := x.holdersOf([]claim{{key: key}})
			if err != nil {
				failed = err
			}
			return failed == nil && slices.ContainsFunc(h[key], func(h holder) bool { return h.id != r.id })
		}})
	r.cloud.replace(attrs, x.seq+1)
	r.relabel()
	return failed
}

// wanted are the claims that the object makes and does not hold yet.
func (r *record) wanted(claims []claim) []claim {
	var out []claim
	for _, c := range claims {
		if !slices.ContainsFunc(r.held, func(h claim) bool { return h.key == c.key }) {
			out = append(out, c)
		}
	}
	return out
}

// clash is a claim that must be unique, with another object that has it.
type clash struct {
	claim
	by holder
}

// clashes are those of some claims that other objects hold.
func (x *tx) clashes(r *record, wanted []claim, holders map[string][]holder) []clash {
	var out []clash
	for _, c := range wanted {
		if at := slices.IndexFunc(holders[c.key], func(h holder) bool { return h.id != r.id }); at >= 0 {
			out = append(out, clash{c, holders[c.key][at]})
		}
	}
	return out
}

// save stores a record as the next change, with its claims. The caller has checked them.
func (x *tx) save(r *record) error {
	r.seq = x.next()
	delete(x.known, r.oid)
	var anchor, deleted, kept any
	if r.anchor != "" {
		anchor = r.anchor
		delete(x.free, keyAnchor+r.anchor)
	}
	if r.deleted != 0 {
		deleted = r.deleted
	}
	if len(r.kept.attrs) > 0 {
		kept = r.kept.encode()
	}
	args := []any{string(r.oid), string(r.class), anchor, int(r.column()), r.label, r.own.encode(), kept, r.cloud.encode(),
		joinSet(r.roles), joinSet(r.licences), deleted}
	var err error
	fresh := r.id == 0
	if fresh {
		x.id++
		r.id, r.born = x.id, r.seq
		err = x.insert(r, append(args, r.born, r.seq, r.id))
	} else if err = x.writeObjects(); err == nil {
		err = x.execNow(`UPDATE object SET oid = ?, class = ?, anchor = ?, synced = ?, label = ?, own = ?, kept = ?,
			cloud = ?, roles = ?, licences = ?, deleted = ?, born = ?, seq = ? WHERE id = ?`, append(args, r.born, r.seq, r.id)...)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", r.oid, err)
	}
	if err := x.concern(r, fresh); err != nil {
		return fmt.Errorf("tell Exchange of %s: %w", r.oid, err)
	}
	var claims []claim
	if r.deleted == 0 {
		claims = claimsOf(r.class, r.values(), r.cloud.attrs)
	}
	if err := x.saveClaims(r, claims); err != nil {
		return err
	}
	return x.saveConflicts(r)
}

// saveComputed is save where nothing changed but what the service computed, and that makes no claim.
func (x *tx) saveComputed(r *record) error {
	r.seq = x.next()
	delete(x.known, r.oid)
	if err := x.writeObjects(); err != nil {
		return err
	}
	if err := x.execNow(`UPDATE object SET cloud = ?, seq = ? WHERE id = ?`, r.cloud.encode(), r.seq, r.id); err != nil {
		return fmt.Errorf("store %s: %w", r.oid, err)
	}
	return nil
}

func (x *tx) insert(r *record, row []any) error {
	x.late.fresh[string(r.oid)] = true
	if !x.late.objects.add(row...) {
		return nil
	}
	return x.writeObjects()
}

func (x *tx) saveClaims(r *record, claims []claim) error {
	for _, h := range r.held {
		if !slices.ContainsFunc(claims, func(c claim) bool { return c.key == h.key }) {
			if err := x.exec(`DELETE FROM claim WHERE key = ? AND object = ?`, h.key, r.id); err != nil {
				return fmt.Errorf("release %s: %w", h.key, err)
			}
		}
	}
	for _, c := range r.wanted(claims) {
		delete(x.free, c.key)
		if x.late.claims.add(c.key, r.id) {
			if err := x.writeClaims(); err != nil {
				return err
			}
		}
	}
	r.held = claims
	return nil
}

// touch makes a record's next change without changing it.
func (x *tx) touch(id int64) error {
	if err := x.writeObjects(); err != nil {
		return err
	}
	return x.execNow(`UPDATE object SET seq = ? WHERE id = ?`, x.next(), id)
}

func splitSet(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

func joinSet(set []string) string { return strings.Join(set, "\n") }
