package tenant

import (
	"errors"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
)

// remove deletes a synchronised object: a user for thirty days, others at once and for good.
func (x *tx) remove(e *canopy.Export) (canopy.Result, error) {
	r, err := x.find(e)
	if err != nil {
		return canopy.Result{}, err
	}
	if !r.synced {
		return canopy.Result{}, refuse(CodeCloudOnly, "", "%s belongs to the cloud; synchronisation cannot delete it", r.name())
	}
	x.subject = &subject{r: r}
	if err := x.discard(r); err != nil {
		return canopy.Result{}, err
	}
	return canopy.Result{Kind: canopy.Done, Anchor: r.oid}, nil
}

// discard deletes an object as its class is deleted.
func (x *tx) discard(r *record) error {
	if r.class != canopy.User {
		return x.erase(r)
	}
	if err := x.leaveLicences(r); err != nil {
		return err
	}
	if err := x.unlink(r, true); err != nil {
		return err
	}
	r.deleted = x.now.UnixMicro()
	if err := x.save(r); err != nil {
		return err
	}
	return x.entomb(r)
}

// erase deletes an object for good.
func (x *tx) erase(r *record) error {
	if r.class == canopy.Group && len(r.licences) > 0 {
		return refuse(CodeLicensed, "", "%s has licences (%s); they would go from all its members", r.name(), strings.Join(skuNames(r.licences), ", "))
	}
	delete(x.known, r.oid)
	if err := errors.Join(x.exec(`DELETE FROM licence WHERE object = ?`, r.id), x.exec(`DELETE FROM due WHERE object = ?`, r.id)); err != nil {
		return fmt.Errorf("delete the licences of %s: %w", r.oid, err)
	}
	x.used = nil
	if err := x.unlink(r, false); err != nil {
		return err
	}
	if err := x.saveClaims(r, nil); err != nil {
		return err
	}
	if err := x.exec(`DELETE FROM link WHERE owner = ?`, r.id); err != nil {
		return fmt.Errorf("delete the links of %s: %w", r.oid, err)
	}
	if err := x.exec(`DELETE FROM object WHERE id = ?`, r.id); err != nil {
		return fmt.Errorf("delete %s: %w", r.oid, err)
	}
	x.maybe = append(x.maybe, r.id)
	if r.deleted != 0 {
		return nil // the feed has told it
	}
	return x.entomb(r)
}

// entomb makes the feed tell that the object is gone.
func (x *tx) entomb(r *record) error {
	return x.exec(`INSERT INTO gone (id, oid, seq, class) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq`,
		r.id, string(r.oid), x.next(), string(r.class))
}

// unlink ends the links from and to an object that is being deleted. What administrators made comes back with a user
// that comes back; what was synced is synced again.
func (x *tx) unlink(r *record, soft bool) error {
	type end struct{ owner, cloud int64 }
	var owners []struct {
		end
		attr canopy.Attr
	}
	err := x.rows(func(s scanner) error {
		var o struct {
			end
			attr canopy.Attr
		}
		err := s.Scan(&o.owner, &o.cloud, &o.attr)
		owners = append(owners, o)
		return err
	}, `SELECT owner, cloud, attr FROM link WHERE target = ? AND state = 1 AND owner <> target`, r.id)
	if err != nil {
		return fmt.Errorf("find the links to %s: %w", r.oid, err)
	}
	for _, o := range owners {
		state := linkRemoved
		if soft && o.cloud == 1 {
			state = linkLost
		}
		if err := x.touch(o.owner); err != nil {
			return err
		}
		if err := x.link(o.owner, o.attr, r.id, state, int(o.cloud)); err != nil {
			return err
		}
	}
	if !soft {
		return x.exec(`UPDATE link SET state = 0 WHERE target = ? AND state = 2`, r.id)
	}
	return x.exec(`UPDATE link SET state = CASE cloud WHEN 1 THEN 2 ELSE 0 END WHERE owner = ? AND state = 1`, r.id)
}

// comeBack brings a deleted user's administrators' links back. The caller stores the record afterwards.
func (x *tx) comeBack(r *record) error {
	r.born, r.deleted = x.seq+1, 0
	if err := x.exec(`DELETE FROM gone WHERE id = ?`, r.id); err != nil {
		return err
	}
	var owners []int64
	err := x.rows(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		owners = append(owners, id)
		return err
	}, `SELECT DISTINCT l.owner FROM link l JOIN object o ON o.id = l.owner
		WHERE l.target = ? AND l.state = 2 AND o.deleted IS NULL`, r.id)
	if err != nil {
		return fmt.Errorf("find the lost links of %s: %w", r.oid, err)
	}
	for _, owner := range owners {
		if err := x.touch(owner); err != nil {
			return err
		}
		err := x.exec(`UPDATE link SET state = 1, seq = ? WHERE owner = ? AND target = ? AND state = 2`, x.seq, owner, r.id)
		if err != nil {
			return err
		}
	}
	r.born = x.seq + 1
	return x.exec(`UPDATE link SET state = 1 WHERE owner = ? AND state = 2
		AND target IN (SELECT id FROM object WHERE deleted IS NULL)`, r.id)
}

// purge deletes for good the users whose thirty days are over.
func (x *tx) purge() error {
	var due []int64
	err := x.rows(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		due = append(due, id)
		return err
	}, `SELECT id FROM object WHERE deleted <= ?`, x.now.Add(-keepDeleted).UnixMicro())
	if err != nil {
		return fmt.Errorf("find the deleted users that are due: %w", err)
	}
	for _, id := range due {
		r, err := x.byNumber(id)
		if err != nil {
			return err
		}
		if err := x.erase(r); err != nil {
			return fmt.Errorf("purge %s: %w", r.oid, err)
		}
	}
	return nil
}
