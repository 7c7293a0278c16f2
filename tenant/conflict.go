package tenant

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// conflict is a value that was synced and that the service withholds, since another object has it.
type conflict struct {
	property string // as the service names it
	value    string
	since    time.Time
	holder   string // the other object, for people
}

// The properties that are withheld.
const (
	propertyUPN     = "UserPrincipalName"
	propertyAddress = "ProxyAddresses"
)

// ProvisioningError is a conflict as administrators see it.
type ProvisioningError struct {
	Category string    `json:"category"` // always PropertyConflict
	Property string    `json:"propertyCausingError"`
	Value    string    `json:"value"`
	Occurred time.Time `json:"occurredDateTime"`
	Holder   string    `json:"holder"` // who has the value
}

// key is the claim that the object would make.
func (c conflict) key() string {
	switch {
	case c.property == propertyUPN:
		return keyUPN + canopy.Fold(c.value)
	case len(c.value) > 5 && strings.EqualFold(c.value[:5], "smtp:"):
		return keyAddress + canopy.Fold(c.value[5:])
	}
	return keyProxy + canopy.Fold(c.value)
}

// conflictsOf reads what conflictValues wrote; nil when there is nothing.
func conflictsOf(cloud canopy.Attrs) map[string]conflict {
	var out map[string]conflict
	for _, v := range cloud[cloudErrors] {
		part := strings.SplitN(v.Str(), "\t", 4)
		if len(part) < 4 {
			continue
		}
		since, err := time.Parse(time.RFC3339, part[2])
		if err != nil {
			continue
		}
		if out == nil {
			out = map[string]conflict{}
		}
		c := conflict{property: part[0], value: part[1], since: since, holder: part[3]}
		out[c.key()] = c
	}
	return out
}

// conflictValues are conflicts as values of an attribute, in order.
func conflictValues(conflicts map[string]conflict) canopy.Values {
	var out canopy.Values
	for _, key := range slices.Sorted(maps.Keys(conflicts)) {
		c := conflicts[key]
		out = append(out, canopy.Text(strings.Join([]string{c.property, c.value, c.since.UTC().Format(time.RFC3339), c.holder}, "\t")))
	}
	return out
}

// ProvisioningErrors are the object's values that the service withholds, in order.
func (o *Object) ProvisioningErrors() []ProvisioningError {
	var out []ProvisioningError
	for _, c := range conflictsOf(o.Cloud) {
		out = append(out, ProvisioningError{Category: "PropertyConflict", Property: c.property, Value: c.value, Occurred: c.since, Holder: c.holder})
	}
	slices.SortFunc(out, func(a, b ProvisioningError) int {
		return cmp.Or(cmp.Compare(a.Property, b.Property), cmp.Compare(a.Value, b.Value))
	})
	return out
}

// stillWanted are the conflicts about values that the object still has.
func stillWanted(conflicts map[string]conflict, now canopy.Attrs, upn string) map[string]conflict {
	if len(conflicts) == 0 {
		return nil
	}
	wanted := map[string]bool{keyUPN + canopy.Fold(now.Text(canopy.AttrUPN)): true, keyAddress + canopy.Fold(upn): true,
		keyAddress + canopy.Fold(now.Text(canopy.AttrMail)): true}
	for _, c := range claimsOf(canopy.User, now, nil) {
		wanted[c.key] = true
	}
	out := maps.Clone(conflicts)
	maps.DeleteFunc(out, func(key string, _ conflict) bool { return !wanted[key] })
	return out
}

// decide computes the service's copy and checks that the values are unique. Lenient withholds what another object has,
// where the service does that; otherwise, and for the rest, the answer is a refusal.
func (x *tx) decide(r *record, lenient bool) error {
	for {
		if err := x.recompute(r); err != nil {
			return err
		}
		wanted := r.wanted(claimsOf(r.class, r.values(), r.cloud.attrs))
		wanted = slices.DeleteFunc(wanted, func(c claim) bool { return !c.unique(x.conf.Policy) })
		holders, err := x.holdersOf(wanted)
		if err != nil {
			return err
		}
		clashes := x.clashes(r, wanted, holders)
		if len(clashes) == 0 {
			return nil
		}
		for _, c := range clashes {
			hard, err := x.hard(r, c, lenient)
			if err != nil {
				return err
			}
			if hard {
				no := refuse(CodeUnique, c.attr, "%s %q is already held by %s", c.attr, c.text, c.by.name())
				no.other = c.by.name()
				return no
			}
			if r.conflicts == nil {
				r.conflicts = map[string]conflict{}
			}
			r.conflicts[c.key] = conflictOf(c, x.now)
		}
	}
}

func conflictOf(c clash, now time.Time) conflict {
	out := conflict{property: propertyAddress, value: c.text, since: now.UTC().Truncate(time.Second), holder: c.by.name()}
	switch {
	case strings.HasPrefix(c.key, keyUPN):
		out.property = propertyUPN
	case strings.HasPrefix(c.key, keyAddress):
		out.value = "smtp:" + c.text
	}
	return out
}

// hard tells whether a clash is refused. Only sign-in names and addresses are ever withheld; a user's that a group has as
// its primary address is refused always, and that of a group which another group has the first time.
func (x *tx) hard(r *record, c clash, lenient bool) (bool, error) {
	withholdable := strings.HasPrefix(c.key, keyUPN) || strings.HasPrefix(c.key, keyAddress) || strings.HasPrefix(c.key, keyProxy)
	if !lenient || !withholdable || c.by.class != canopy.Group {
		return !lenient || !withholdable, nil
	}
	if r.class == canopy.Group && r.id == 0 {
		var tried bool
		err := x.row(`SELECT EXISTS (SELECT 1 FROM attempt WHERE anchor = ?)`, r.anchor).Scan(&tried)
		if err != nil || tried {
			return false, err
		}
		return true, x.exec(`INSERT INTO attempt (anchor) VALUES (?)`, r.anchor)
	}
	if r.class != canopy.User {
		return false, nil
	}
	holders, err := x.holdersOf([]claim{{key: keyPrimary + canopy.Fold(c.text)}})
	return slices.ContainsFunc(holders[keyPrimary+canopy.Fold(c.text)], func(h holder) bool { return h.class == canopy.Group }), err
}

// saveConflicts notes that an object has conflicts, or has none any more.
func (x *tx) saveConflicts(r *record) error {
	troubled := len(r.conflicts) > 0 && r.deleted == 0
	if troubled == r.troubled {
		return nil
	}
	r.troubled = troubled
	if troubled {
		return x.exec(`INSERT OR IGNORE INTO conflict (object) VALUES (?)`, r.id)
	}
	return x.exec(`DELETE FROM conflict WHERE object = ?`, r.id)
}

// releaseEvery is how often the service looks whether a value that it withholds has become free.
const releaseEvery = time.Hour

// release gives objects the withheld values that nobody holds any more, or that may be held twice by now, in the order in
// which the objects were made.
func (x *tx) release() error {
	var troubled []int64
	err := x.rows(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		troubled = append(troubled, id)
		return err
	}, `SELECT object FROM conflict ORDER BY object`)
	for _, id := range troubled {
		if err == nil {
			err = x.releaseOne(id)
		}
	}
	if err != nil {
		return fmt.Errorf("release withheld values: %w", err)
	}
	return nil
}

func (x *tx) releaseOne(id int64) error {
	r, err := x.byNumber(id)
	if err != nil || r == nil || r.deleted != 0 {
		return err
	}
	var keys []claim
	for key := range r.conflicts {
		keys = append(keys, claim{key: key})
	}
	holders, err := x.holdersOf(keys)
	if err != nil {
		return err
	}
	before := len(r.conflicts)
	maps.DeleteFunc(r.conflicts, func(key string, _ conflict) bool {
		return !(claim{key: key}).unique(x.conf.Policy) || !slices.ContainsFunc(holders[key], func(h holder) bool { return h.id != r.id })
	})
	if len(r.conflicts) == before {
		return nil
	}
	values := auditable(r)
	if err := x.decide(r, true); err != nil {
		return err
	}
	if err := x.save(r); err != nil {
		return err
	}
	return x.audit(releaser, "Update "+string(r.class), r, modified(values, auditable(r)))
}

// releaser is the service's part that gives withheld values, in the audit log.
var releaser = Actor{Name: "duplicate attribute resiliency"}

// Release looks at once whether a withheld value has become free, and does not wait for the hour.
func (a *Admin) Release(ctx context.Context) error {
	if err := a.t.update(ctx, func(x *tx) error { return x.release() }); err != nil {
		return fmt.Errorf("look for values that have become free: %w", err)
	}
	return nil
}
