package store

import (
	"context"
	"database/sql"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// adopt gives an object of a target that is seen for the first time to the entry that was planned for it: the one that
// has its source anchor and no anchor. So an object that was written, but not recorded, is found again.
func (im *importing) adopt(ctx context.Context) error {
	if !im.c.target() {
		return nil
	}
	wanted := map[string]canopy.Anchor{}
	for i := range im.req.Batch.Changes {
		ch := &im.req.Batch.Changes[i]
		if s := ch.Attrs.Text(canopy.AttrSourceAnchor); ch.Failed == nil && s != "" && ch.Anchor != "" {
			wanted[s] = ch.Anchor
		}
	}
	open, err := im.t.anchorless(ctx, im.c.no, wanted)
	if err != nil {
		return err
	}
	for _, r := range open {
		anchor := wanted[r.sourceAnchor]
		if have := im.works[anchor]; have != nil {
			if _, err := im.t.merge(ctx, &im.c, r, have.entryRow); err != nil {
				return err
			}
			continue
		}
		r.anchor = string(anchor)
		im.t.touch(r)
		im.add(r)
		if err := im.t.identify(ctx, r, 0); err != nil {
			return err
		}
	}
	return nil
}

// anchorless finds the entries of a target that have one of the source anchors and no anchor.
func (t *tx) anchorless(ctx context.Context, conn int64, wanted map[string]canopy.Anchor) ([]*entryRow, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	var one int64
	if any, err := t.One(ctx, []any{&one}, `SELECT id FROM entry WHERE connector = $1 AND anchor = '' LIMIT 1`, conn); err != nil || !any {
		return nil, err
	}
	sources := make([]string, 0, len(wanted))
	for s := range wanted {
		sources = append(sources, s)
	}
	var out []*entryRow
	err := db.Chunks(2, sources, func(args []any, list string) error {
		return t.Each(ctx, func(rows *sql.Rows) error {
			r, err := scanRow(rows, false)
			if err != nil {
				return err
			}
			if t.rows[r.id] == nil {
				t.rows[r.id] = r
			}
			out = append(out, t.rows[r.id])
			return nil
		}, `SELECT `+headList+` FROM entry e WHERE e.connector = $1 AND e.anchor = '' AND e.source_anchor IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return out, err
}

// merge lets an entry that the target had already take the place of the one that was planned. It is not done, and
// false, when the target's entry belongs to another meta.
func (t *tx) merge(ctx context.Context, c *conn, planned, have *entryRow) (bool, error) {
	if have.meta != 0 && have.meta != planned.meta {
		return false, nil
	}
	if have.meta == 0 {
		have.meta, have.via, have.viaRule, have.viaOn = planned.meta, canopy.Matched, planned.viaRule, planned.viaOn
	}
	t.touch(have)
	if err := t.identify(ctx, have, planned.id); err != nil {
		return false, err
	}
	for _, q := range []string{
		`UPDATE export SET entry = $1 WHERE entry = $2`,
		`INSERT INTO target_link (owner, attr, target, state) SELECT $1, attr, target, state FROM target_link WHERE owner = $2
			ON CONFLICT (owner, attr, target) DO UPDATE SET state = CASE target_link.state WHEN 0 THEN 1 ELSE target_link.state END`,
		`INSERT INTO target_link (owner, attr, target, state) SELECT owner, attr, $1, state FROM target_link WHERE target = $2
			ON CONFLICT (owner, attr, target) DO UPDATE SET state = CASE target_link.state WHEN 0 THEN 1 ELSE target_link.state END`,
	} {
		if _, err := t.Exec(ctx, q, have.id, planned.id); err != nil {
			return false, err
		}
	}
	return true, t.drop(ctx, planned)
}

// identify keeps which source anchor the source object of a target's entry was given, so that it is known should that
// object go and come back. exported is the entry under which the export was kept, 0: r itself.
func (t *tx) identify(ctx context.Context, r *entryRow, exported int64) error {
	if exported == 0 {
		exported = r.id
	}
	if r.sourceAnchor == "" {
		return nil
	}
	var source int64
	found, err := t.One(ctx, []any{&source}, `SELECT source FROM export WHERE entry = $1 AND op = 1 ORDER BY id DESC LIMIT 1`, exported)
	if err != nil || !found || source == 0 {
		return err
	}
	return t.given(ctx, r, source)
}

// given keeps that the object of a source entry was given a target's source anchor.
func (t *tx) given(ctx context.Context, r *entryRow, source int64) error {
	giver, err := t.head(ctx, source)
	if err != nil || giver == nil || giver.anchor == "" || r.sourceAnchor == "" {
		return err
	}
	columns := []string{"connector", "anchor", "source_anchor"}
	return t.writer("identity", db.Bulk{Table: "identity", Columns: columns, Conflict: columns[:2], Update: columns[2:]}).
		Add(ctx, giver.connector, giver.anchor, r.sourceAnchor)
}
