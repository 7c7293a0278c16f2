package tenant

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
)

// authority says who masters an object, as the file keeps it.
type authority int

const (
	ofTheCloud authority = iota
	ofTheForest
	converted // it came from a forest, and was given to the cloud
	returning // it was given back, and synchronisation has not taken it yet
)

// Authority is who masters an object: the object-level source of authority.
type Authority struct {
	CloudManaged bool // onPremisesSyncBehavior's isCloudManaged
	Synced       bool // onPremisesSyncEnabled
	// Pending is set after the authority was given back, until synchronisation writes the object.
	Pending bool
}

// column is the authority as it is stored.
func (r *record) column() authority {
	if r.synced {
		return ofTheForest
	}
	return r.moved
}

func (r *record) setColumn(a authority) {
	if r.synced, r.moved = a == ofTheForest, a; r.synced {
		r.moved = ofTheCloud
	}
}

// The codes of refusals about who masters what.
const (
	CodeCloudManaged = "CloudManagedObject"
	CodeAuthority    = "SourceOfAuthorityNotChangeable"
	CodeSyncOff      = "DirectorySynchronizationDisabled"
	CodeSyncWait     = "DirectorySynchronizationPending"
)

// SetCloudManaged gives a synchronised object to the cloud, or gives it back. After it was given back it stays with the
// cloud until synchronisation writes it.
func (a *Admin) SetCloudManaged(ctx context.Context, id canopy.Anchor, managed bool) error {
	what := "change the source of authority of"
	if !managed {
		what = "undo the change of the source of authority of"
	}
	return a.change(ctx, what, id, func(x *tx, r *record) error {
		if managed {
			return x.convert(r)
		}
		return x.giveBack(r)
	})
}

func (x *tx) convert(r *record) error {
	if r.moved == converted {
		return nil
	}
	if !r.synced {
		return refuse(CodeAuthority, "", "%s is not synchronised; only what comes from a forest can be given to the cloud", r.name())
	}
	if err := x.convertible(r); err != nil {
		return err
	}
	r.own = body{attrs: r.values(), cleared: r.own.cleared}
	r.kept = newBody()
	r.synced, r.moved = false, converted
	return x.settle(r, false)
}

// convertible tells why a user must stay with the forest for now.
func (x *tx) convertible(r *record) error {
	if r.class != canopy.User {
		return nil
	}
	v := r.values()
	if integer(v, "msExchRecipientTypeDetails") == 1 {
		return refuse(CodeAuthority, "msExchRecipientTypeDetails", "%s has its mailbox in the forest; move the mailbox to the cloud first", r.name())
	}
	if x.conf.federated(domainOf(r.cloud.attrs.Text(cloudUPN))) {
		return refuse(CodeAuthority, canopy.AttrUPN, "%s signs in through a federated domain; make the domain a managed one first", r.name())
	}
	var other string
	err := x.row(`SELECT coalesce((SELECT attr FROM link WHERE owner = ? AND state = 1 AND cloud = 0 AND attr <> 'manager' LIMIT 1), '')`, r.id).Scan(&other)
	if err == nil && other != "" {
		err = refuse(CodeAuthority, canopy.Attr(other), "%s names other objects in %s; only a manager may be named by a user of the cloud", r.name(), other)
	}
	return err
}

func (x *tx) giveBack(r *record) error {
	if r.moved != converted {
		if r.synced || r.moved == returning {
			return nil
		}
		return refuse(CodeAuthority, "", "%s was born in the cloud; no forest can take it", r.name())
	}
	if r.class == canopy.Group {
		var member string
		err := x.row(`SELECT coalesce((SELECT o.label FROM link l JOIN object o ON o.id = l.target WHERE l.owner = ? AND l.attr = 'member'
			AND l.state = 1 AND o.synced = 0 AND o.anchor IS NULL LIMIT 1), '')`, r.id).Scan(&member)
		if err != nil {
			return err
		}
		if member != "" {
			return refuse(CodeAuthority, canopy.AttrMember, "%s has the member %s, who is in no forest; take the members of the cloud out first", r.name(), member)
		}
	}
	r.moved = returning
	return x.settle(r, false)
}

// mayTake tells why synchronisation may not write an object that the cloud manages.
func mayTake(r *record) error {
	if r.moved == converted {
		return refuse(CodeCloudManaged, "", "%s was given to the cloud (isCloudManaged); changes of the forest do not count until it is given back", r.name())
	}
	return nil
}

// syncPause is how long synchronisation cannot be switched on again.
const syncPause = 72 * time.Hour

// SetSynchronization switches synchronisation of the tenant off or on. Off, everything belongs to the cloud, keeps its values
// and source anchor, and nothing synchronised is taken; it cannot be switched on again for 72 hours.
func (a *Admin) SetSynchronization(ctx context.Context, on bool) error {
	err := a.t.update(ctx, func(x *tx) error {
		conf := x.conf
		off := conf.SyncOff != 0
		switch {
		case on != off:
			return nil
		case on && x.now.Before(time.UnixMicro(conf.SyncOff).Add(syncPause)):
			return refuse(CodeSyncWait, "", "synchronisation was switched off at %s; it can be switched on again after %s",
				time.UnixMicro(conf.SyncOff).UTC().Format(time.RFC3339), time.UnixMicro(conf.SyncOff).Add(syncPause).UTC().Format(time.RFC3339))
		case on:
			conf.SyncOff = 0
		default:
			conf.SyncOff = x.now.UnixMicro()
			if err := x.toTheCloud(); err != nil {
				return err
			}
		}
		if err := x.saveSettings(conf); err != nil {
			return err
		}
		return x.audit(a.by, "Set DirSyncEnabled flag", nil, changedTo("onPremisesSyncEnabled", !on, on))
	})
	return a.told("switch synchronisation", "", err)
}

// toTheCloud makes every object one of the cloud.
func (x *tx) toTheCloud() error {
	return x.everyone(`synced <> 0`, func(r *record) error {
		r.own, r.kept = body{attrs: r.values(), cleared: map[canopy.Attr]int64{}}, newBody()
		r.synced, r.moved = false, ofTheCloud
		if r.deleted != 0 {
			return x.save(r)
		}
		if err := x.decide(r, true); err != nil {
			return err
		}
		return x.save(r)
	})
}

// everyone calls fn for every object of a condition, deleted ones too, page by page.
func (x *tx) everyone(where string, fn func(*record) error) error {
	for last := int64(0); ; {
		var ids []int64
		err := x.rows(func(s scanner) error {
			var id int64
			err := s.Scan(&id)
			ids = append(ids, id)
			return err
		}, `SELECT id FROM object WHERE `+where+` AND id > ? ORDER BY id LIMIT ?`, last, pageObjects)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			r, err := x.byNumber(id)
			if err != nil {
				return err
			}
			if err := fn(r); err != nil {
				return fmt.Errorf("%s: %w", r.name(), err)
			}
			last = id
		}
	}
}

// Restoring says how a deleted user comes back where others have its values by now.
type Restoring struct {
	NewUPN string // the sign-in name; "": the old one
	// DropAddresses leaves out the addresses that others have: autoReconcileProxyConflict.
	DropAddresses bool
}

// RestoreAs brings a deleted user back as Restore does, with what it has to give up.
func (a *Admin) RestoreAs(ctx context.Context, id canopy.Anchor, how Restoring) error {
	return a.any(ctx, "restore", id, func(x *tx, r *record) error {
		if r.deleted == 0 {
			return refuse(CodeOperation, "", "%s is not deleted", r.name())
		}
		return x.reviveAs(r, how)
	})
}

func (x *tx) reviveAs(r *record, how Restoring) error {
	if how.DropAddresses {
		if err := x.dropTaken(r); err != nil {
			return err
		}
	}
	return x.revive(r, how.NewUPN)
}

// dropTaken takes away from a deleted user's addresses those that others have.
func (x *tx) dropTaken(r *record) error {
	values := r.values()
	claims := slices.DeleteFunc(claimsOf(r.class, values, nil), func(c claim) bool { return c.attr != canopy.AttrAddresses && c.attr != canopy.AttrMail })
	holders, err := x.holdersOf(claims)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, c := range x.clashes(r, claims, holders) {
		taken[c.key] = true
	}
	for _, b := range []body{r.own, r.kept} {
		left := slices.DeleteFunc(slices.Clone(b.attrs[canopy.AttrAddresses]), func(v canopy.Value) bool {
			address, _, ok := smtp(v.Str())
			return ok && taken[keyAddress+canopy.Fold(address)] || taken[keyProxy+canopy.Fold(v.Str())]
		})
		if len(left) != len(b.attrs[canopy.AttrAddresses]) {
			b.set(canopy.AttrAddresses, left, x.seq+1)
		}
		if mail := b.attrs.Text(canopy.AttrMail); taken[keyAddress+canopy.Fold(mail)] {
			b.set(canopy.AttrMail, nil, x.seq+1)
		}
	}
	return nil
}

// Synchronized tells whether the tenant takes what synchronisation writes.
func (a *Admin) Synchronized() bool {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.t.conf.SyncOff == 0
}
