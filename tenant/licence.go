package tenant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// licenceTables hold who has which product from where, and the users whose groups' licences are to be looked at again. A
// licence's state is one of the states below, or the code of the error that keeps it from being given.
const licenceTables = `
CREATE TABLE licence (
	object BIGINT NOT NULL,
	sku    TEXT NOT NULL,
	source BIGINT NOT NULL,  -- the group that gives it; 0: given directly, or held by a group for its members
	off    TEXT NOT NULL,    -- the service plans that are off, with commas
	state  TEXT NOT NULL,
	since  BIGINT NOT NULL,
	PRIMARY KEY (object, sku, source)) WITHOUT ROWID;
CREATE INDEX licence_state ON licence (sku, state);
CREATE INDEX licence_group ON licence (object) WHERE state = 'group';
CREATE INDEX licence_source ON licence (source) WHERE source <> 0;
CREATE TABLE due (object INTEGER PRIMARY KEY, at BIGINT NOT NULL);
`

// The states of a licence.
const (
	licenceActive = "active"
	licenceAway   = "away"  // of a deleted user; it comes back with the user
	licenceGroup  = "group" // of a group, for its members
)

// licenceRow is a licence as it is stored.
type licenceRow struct {
	grant
	state string
	since int64
}

// licensedBefore makes rows of the licences that files of older layouts hold.
func (f *file) licensedBefore(ctx context.Context) error {
	type old struct {
		id       int64
		licences string
	}
	rows, err := f.write.QueryContext(ctx, `SELECT id, licences FROM object WHERE licences <> ''`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []old
	for rows.Next() {
		var o old
		if err := rows.Scan(&o.id, &o.licences); err != nil {
			return err
		}
		list = append(list, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, o := range list {
		names := splitSet(o.licences)
		for i, name := range names {
			if sku, ok := FindSKU(name); ok {
				names[i] = sku.PartNumber
			}
			_, err := f.write.ExecContext(ctx, `INSERT OR IGNORE INTO licence (object, sku, source, off, state, since)
				SELECT id, ?, 0, '', CASE WHEN deleted IS NULL THEN 'active' ELSE 'away' END, 0 FROM object WHERE id = ?`, names[i], o.id)
			if err != nil {
				return err
			}
		}
		slices.Sort(names)
		if _, err := f.write.ExecContext(ctx, `UPDATE object SET licences = ? WHERE id = ?`, joinSet(slices.Compact(names)), o.id); err != nil {
			return err
		}
	}
	return nil
}

func (x *tx) licenceRows(id int64) ([]licenceRow, error) {
	var out []licenceRow
	err := x.rows(func(s scanner) error {
		var r licenceRow
		var off string
		err := s.Scan(&r.sku, &r.source, &off, &r.state, &r.since)
		if off != "" {
			r.off = strings.Split(off, ",")
		}
		out = append(out, r)
		return err
	}, `SELECT sku, source, off, state, since FROM licence WHERE object = ? ORDER BY source, sku`, id)
	if err != nil {
		return nil, fmt.Errorf("read licences: %w", err)
	}
	return out, nil
}

// active are the grants among rows that work.
func active(rows []licenceRow) []grant {
	var out []grant
	for _, r := range rows {
		if r.state == licenceActive || r.state == licenceGroup {
			out = append(out, r.grant)
		}
	}
	return out
}

// relicense lays an object's licences down as rows, and in the record what they come to. The caller settles the record.
func (x *tx) relicense(r *record, before, after []licenceRow) error {
	same := func(a, b licenceRow) bool {
		return a.sku == b.sku && a.source == b.source && a.state == b.state && slices.Equal(a.off, b.off)
	}
	for _, b := range before {
		if !slices.ContainsFunc(after, func(a licenceRow) bool { return a.sku == b.sku && a.source == b.source }) {
			if err := x.exec(`DELETE FROM licence WHERE object = ? AND sku = ? AND source = ?`, r.id, b.sku, b.source); err != nil {
				return err
			}
		}
	}
	for _, a := range after {
		if slices.ContainsFunc(before, func(b licenceRow) bool { return same(a, b) }) {
			continue
		}
		err := x.exec(`INSERT OR REPLACE INTO licence (object, sku, source, off, state, since) VALUES (?, ?, ?, ?, ?, ?)`,
			r.id, a.sku, a.source, strings.Join(a.off, ","), a.state, x.now.UnixMicro())
		if err != nil {
			return err
		}
	}
	r.licences = effective(active(after))
	x.used = nil
	return nil
}

// unitsFree is how many units of a product are left, counting those that an object has already as its own.
func (x *tx) unitsFree(sku string, own []licenceRow) (int, error) {
	if x.used == nil {
		x.used = map[string]int{}
	}
	used, known := x.used[sku]
	if !known {
		err := x.row(`SELECT count(DISTINCT object) FROM licence WHERE sku = ? AND state = 'active'`, sku).Scan(&used)
		if err != nil {
			return 0, fmt.Errorf("count the licences %s: %w", sku, err)
		}
		x.used[sku] = used
	}
	if slices.ContainsFunc(own, func(r licenceRow) bool { return r.sku == sku && r.state == licenceActive }) {
		used--
	}
	return x.conf.units(sku) - used, nil
}

// units are how many units of a product the tenant has.
func (s settings) units(sku string) int {
	if n, named := s.Units[sku]; named {
		return n
	}
	return defaultUnits
}

func (x *tx) situation(r *record, rows []licenceRow, have, add []grant) (situation, error) {
	s := situation{have: have, add: add, location: r.values().Text(attrUsageLocation), free: map[string]int{}, who: r.name()}
	for _, g := range add {
		n, err := x.unitsFree(g.sku, rows)
		if err != nil {
			return s, err
		}
		s.free[g.sku] = n
	}
	return s, nil
}

// Licence is a product to be given, without some of its service plans.
type Licence struct {
	SKU string   // part number, id or short name
	Off []string // names or ids of service plans
}

func grantFor(l Licence) (grant, error) {
	sku, known := FindSKU(l.SKU)
	if !known {
		return grant{}, refuse(CodeNoSKU, "", "License %s does not correspond to a valid company License.", l.SKU)
	}
	g := grant{sku: sku.PartNumber}
	for _, name := range l.Off {
		p, ok := FindPlan(name)
		if !ok || !slices.Contains(strings.Fields(sku.plans), p.Name) {
			return grant{}, refuse(CodeData, "", "%s has no service plan %s", sku.PartNumber, name)
		}
		g.off = append(g.off, p.Name)
	}
	slices.Sort(g.off)
	g.off = slices.Compact(g.off)
	return g, nil
}

// license gives and takes direct licences, all or none. A group holds them for its members.
func (x *tx) license(r *record, add []Licence, remove []string) error {
	if r.class == canopy.Contact {
		return refuse(CodeOperation, "", "%s cannot have licences; users and groups can", r.name())
	}
	rows, err := x.licenceRows(r.id)
	if err != nil {
		return err
	}
	after, err := without(r, rows, remove)
	if err != nil {
		return err
	}
	var grants []grant
	for _, l := range add {
		g, err := grantFor(l)
		if err != nil {
			return err
		}
		grants = append(grants, g)
		after = slices.DeleteFunc(after, func(h licenceRow) bool { return h.sku == g.sku && h.source == 0 })
	}
	have := active(after)
	state := licenceActive
	if r.class == canopy.Group {
		state = licenceGroup
		if no := consistent(r.name(), append(slices.Clone(have), grants...), grants); no != nil && no.code == CodeExclusive {
			return no
		}
	} else {
		s, err := x.situation(r, rows, have, grants)
		if err != nil {
			return err
		}
		if no := licensable(s); no != nil {
			return no
		}
	}
	for _, g := range grants {
		after = append(after, licenceRow{grant: g, state: state})
	}
	had := exchangePlan(r)
	if err := x.relicense(r, rows, after); err != nil {
		return err
	}
	if r.class == canopy.Group {
		x.t.licensed = nil
		if err := x.lookAgain(r.id); err != nil {
			return err
		}
		return x.settle(r, false)
	}
	if len(grants) == 0 { // addresses that were left out may be back, and may be another's by now
		if err := x.decide(r, true); err != nil {
			return err
		}
		return x.save(r)
	}
	return x.settleLicensed(r, had)
}

// without are the rows without some direct licences, as far as others do not need them.
func without(r *record, rows []licenceRow, remove []string) ([]licenceRow, error) {
	after := slices.Clone(rows)
	for _, name := range remove {
		sku, known := FindSKU(name)
		if !known {
			sku.PartNumber = name
		}
		at := slices.IndexFunc(after, func(h licenceRow) bool { return h.sku == sku.PartNumber && h.source == 0 })
		switch inherited := slices.ContainsFunc(after, func(h licenceRow) bool { return h.sku == sku.PartNumber }); {
		case at < 0 && inherited:
			return nil, refuse(CodeNoLicence, "", "User license is inherited from a group membership and it cannot be removed directly from the user.")
		case at < 0:
			return nil, refuse(CodeNoLicence, "", "User does not have a corresponding license.")
		}
		after = slices.Delete(after, at, at+1)
	}
	if len(remove) > 0 && r.class == canopy.User {
		if no := consistent(r.name(), active(after), nil); no != nil {
			return nil, no
		}
	}
	return after, nil
}

// settleLicensed settles a user whose licences have changed. Who gets a mailbox needs addresses of one's own, whatever
// the policy lets synchronisation do.
func (x *tx) settleLicensed(r *record, had bool) error {
	if exchangePlan(r) && !had && x.conf.Policy == UniqueNone {
		if err := x.recompute(r); err != nil {
			return err
		}
		var claims []claim
		for _, c := range claimsOf(r.class, r.values(), r.cloud.attrs) {
			if strings.HasPrefix(c.key, keyAddress) {
				claims = append(claims, c)
			}
		}
		holders, err := x.holdersOf(claims)
		if err != nil {
			return err
		}
		for _, c := range x.clashes(r, claims, holders) {
			no := refuse(CodeUniqueness, canopy.AttrAddresses, "Uniqueness violation. Property: ProxyAddresses. The address %s is already held by %s",
				c.text, c.by.name())
			no.other = c.by.name()
			return no
		}
	}
	err := x.settle(r, false)
	var no *refusal
	if errors.As(err, &no) && no.code == CodeUnique {
		no.code = CodeUniqueness
	}
	return err
}

// leaveLicences is what becomes of licences when their user is deleted: nobody uses them, and they come back.
func (x *tx) leaveLicences(r *record) error {
	if len(r.licences) == 0 {
		return nil
	}
	x.used = nil
	return x.exec(`UPDATE licence SET state = 'away' WHERE object = ? AND state = 'active'`, r.id)
}

// licencesBack gives a user who comes back the direct licences of before, as far as there are units. Those of groups are
// looked at again.
func (x *tx) licencesBack(r *record) error {
	rows, err := x.licenceRows(r.id)
	if err != nil || len(rows) == 0 {
		return err
	}
	var after []licenceRow
	for _, h := range rows {
		if h.source != 0 {
			continue
		}
		n, err := x.unitsFree(h.sku, nil)
		if err != nil {
			return err
		}
		if h.state = licenceActive; n < 1 {
			h.state = CodeCount
		}
		after = append(after, h)
	}
	x.owe(r.id)
	return x.relicense(r, rows, after)
}

// LicenceState is one licence of an object, with where it comes from.
type LicenceState struct {
	SKU   string        `json:"skuPartNumber"`
	Off   []string      `json:"disabledPlans"`
	Group canopy.Anchor `json:"assignedByGroup,omitempty"` // "": directly
	// State is Active, Error, or for a group's own licences Group.
	State string    `json:"state"`
	Error string    `json:"error"` // None, or the code
	Since time.Time `json:"lastUpdatedDateTime"`
}

// LicenceStates gives an object's licences: first the direct ones, then those of groups, also those that could not be given.
func (a *Admin) LicenceStates(ctx context.Context, id canopy.Anchor) ([]LicenceState, error) {
	var number int64
	d := a.t.Directory()
	err := d.row(ctx, `SELECT coalesce((SELECT id FROM object WHERE oid = ?), 0)`, string(id)).Scan(&number)
	if err != nil {
		return nil, fmt.Errorf("list the licences of %s: %w", id, classify(err))
	}
	return d.states(ctx, number)
}

// SubscribedSKU is a product that the tenant has.
type SubscribedSKU struct {
	SKU
	Enabled  int // units
	Consumed int // by users who are not deleted
}

// SKUs gives the products with their units, in the catalogue's order.
func (a *Admin) SKUs(ctx context.Context) ([]SubscribedSKU, error) {
	var out []SubscribedSKU
	err := a.t.update(ctx, func(x *tx) error {
		for _, s := range skus {
			left, err := x.unitsFree(s.PartNumber, nil)
			if err != nil {
				return err
			}
			n := x.conf.units(s.PartNumber)
			out = append(out, SubscribedSKU{SKU: s, Enabled: n, Consumed: n - left})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the products: %w", err)
	}
	return out, nil
}

// SetUnits sets how many units of a product the tenant has. Fewer than are used take nothing away from anybody.
func (a *Admin) SetUnits(ctx context.Context, sku string, n int) error {
	err := a.t.update(ctx, func(x *tx) error {
		s, known := FindSKU(sku)
		if !known {
			return refuse(CodeNoSKU, "", "License %s does not correspond to a valid company License.", sku)
		}
		conf := x.conf
		before := conf.units(s.PartNumber)
		conf.Units = maps.Clone(conf.Units)
		if conf.Units == nil {
			conf.Units = map[string]int{}
		}
		conf.Units[s.PartNumber] = max(0, n)
		if err := x.saveSettings(conf); err != nil {
			return err
		}
		return x.audit(a.by, "Update subscription", nil, changedTo(canopy.Attr(s.PartNumber), before, n))
	})
	return a.told("set the units of", canopy.Anchor(sku), err)
}
