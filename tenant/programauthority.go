package tenant

import (
	"context"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// SetCloudManaged gives an object to the cloud, or gives it back, as Admin does.
func (d *Directory) SetCloudManaged(ctx context.Context, by Actor, id canopy.Anchor, managed bool) error {
	return d.t.Admin().As(by).SetCloudManaged(ctx, id, managed)
}

// SetSynchronization switches synchronisation of the tenant off or on, as Admin does.
func (d *Directory) SetSynchronization(ctx context.Context, by Actor, on bool) error {
	return d.t.Admin().As(by).SetSynchronization(ctx, on)
}

// Licensing is what is known of an object's licences beside which it has.
type Licensing struct {
	// States are a user's licences with where they come from, or those that a group holds for its members.
	States []LicenceState
	// Failing is set for a group of whose members one does not get a licence.
	Failing bool
	// Waiting is set for a group while members' licences are to be looked at.
	Waiting bool
}

// Licensing looks for what an item does not tell of its licences.
func (d *Directory) Licensing(ctx context.Context, i *Item) (*Licensing, error) {
	out := &Licensing{}
	var err error
	if out.States, err = d.states(ctx, i.Number); err != nil || i.Class != canopy.Group {
		return out, err
	}
	err = d.row(ctx, `SELECT EXISTS (SELECT 1 FROM licence WHERE source = ?1 AND state NOT IN ('active', 'away', 'group')),
		EXISTS (SELECT 1 FROM due JOIN link l ON l.target = due.object AND l.owner = ?1 AND l.attr = 'member' AND l.state = 1)`, i.Number).
		Scan(&out.Failing, &out.Waiting)
	return out, err
}

// states are an object's licences: first the direct ones, then those of groups.
func (d *Directory) states(ctx context.Context, number int64) ([]LicenceState, error) {
	var out []LicenceState
	err := d.rows(ctx, func(s scanner) error {
		l := LicenceState{Error: "None"}
		var off, state string
		var since int64
		if err := s.Scan(&l.SKU, &off, &l.Group, &state, &since); err != nil {
			return err
		}
		if off != "" {
			l.Off = strings.Split(off, ",")
		}
		l.Since = time.UnixMicro(since).UTC()
		switch state {
		case licenceActive:
			l.State = "Active"
		case licenceGroup:
			l.State = "Group"
		case licenceAway:
			l.State = "Disabled"
		default:
			l.State, l.Error = "Error", state
		}
		out = append(out, l)
		return nil
	}, `SELECT l.sku, l.off, coalesce(g.oid, ''), l.state, l.since FROM licence l
		LEFT JOIN object g ON g.id = l.source WHERE l.object = ? ORDER BY l.source, l.sku`, number)
	return out, err
}
