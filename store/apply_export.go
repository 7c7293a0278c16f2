package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// exports keeps what the item sends, in the place of what was to be sent for the same objects before.
func (a *applying) exports(ctx context.Context, item *packed, u *unit) error {
	used := map[int64]bool{}
	touched := map[int64]bool{}
	for _, r := range u.members {
		touched[r.id] = true
	}
	for i := range item.Exports {
		x := &item.Exports[i]
		r, err := a.object(ctx, x, u)
		if err != nil {
			return err
		}
		if touched[r.id] = true; x.Export.Op == canopy.Delete && r.anchor == "" {
			if err := a.leave(ctx, u, r, false); err != nil {
				return err
			}
			if err := a.t.drop(ctx, r); err != nil { // it was never made
				return err
			}
			continue
		}
		id, err := a.export(ctx, &item.PlanItem, u, x, &item.exports[i], r)
		if err != nil {
			return fmt.Errorf("export of entry %d: %w", r.id, err)
		}
		used[id] = true
	}
	for id := range touched {
		for _, h := range a.waiting[id] {
			if used[h.id] {
				continue
			}
			if _, err := a.t.Exec(ctx, `DELETE FROM export WHERE id = $1`, h.id); err != nil {
				return err
			}
		}
		a.waiting[id] = slices.DeleteFunc(a.waiting[id], func(h *exportHead) bool { return !used[h.id] })
	}
	return nil
}

// object is the target's entry that an export is about. An add makes one, or takes over one that the target has.
func (a *applying) object(ctx context.Context, x *canopy.PlannedExport, u *unit) (*entryRow, error) {
	c, err := a.t.s.conn(x.Connector)
	if err != nil {
		return nil, err
	}
	if x.Entry != 0 {
		r := a.t.rows[int64(x.Entry)]
		if x.Export.Op == canopy.Delete || r.meta == u.id {
			return r, nil
		}
		via := canopy.Joined{Kind: canopy.Matched}
		if x.Match != nil {
			via.On = x.Match.How + " = " + x.Match.Value
		}
		return r, a.join(ctx, u, r, via, x.Why)
	}
	for _, r := range u.members {
		if r.connector == c.no && r.class == string(x.Export.Class) && r.state != canopy.Gone {
			return r, nil
		}
	}
	r := &entryRow{connector: c.no, class: string(x.Export.Class), sourceAnchor: x.Export.SourceAnchor, dn: x.Export.Ref.DN, state: canopy.Planned, whole: true}
	if r.id, err = a.t.next(ctx, nounEntry); err != nil {
		return nil, err
	}
	return r, a.join(ctx, u, r, canopy.Joined{Kind: canopy.Provisioned}, x.Why)
}

// exportHead is an export that is not sent, or refused.
type exportHead struct {
	id, entry int64
	phase     canopy.ExportPhase
	hash      []byte
}

// unsent loads what is still to be sent, or was refused, for entries.
func (t *tx) unsent(ctx context.Context, entries []int64) (map[int64][]*exportHead, error) {
	out := map[int64][]*exportHead{}
	seen := map[int64]bool{}
	err := db.Chunks(1, entries, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			h := &exportHead{}
			err := r.Scan(&h.id, &h.entry, &h.phase, &h.hash)
			if !seen[h.id] {
				seen[h.id] = true
				out[h.entry] = append(out[h.entry], h)
			}
			return err
		}, `SELECT id, entry, phase, hash FROM export WHERE entry IN (`+list+`) AND state <> 1 ORDER BY id`, args...)
	})
	return out, err
}

// export keeps one export and gives its number. One that is the same as an unsent or refused one stays as it is.
func (a *applying) export(ctx context.Context, item *canopy.PlanItem, u *unit, x *canopy.PlannedExport, p *packedExport, r *entryRow) (int64, error) {
	for _, h := range a.waiting[r.id] {
		if h.phase == x.Phase && bytes.Equal(h.hash, p.hash) {
			return h.id, nil
		}
	}
	id, err := a.t.next(ctx, nounExport)
	if err != nil {
		return 0, err
	}
	source := int64(0)
	if x.Export.Op == canopy.Add {
		if source, err = a.giver(ctx, item, u); err != nil {
			return 0, err
		}
	}
	err = a.t.writer("export", db.Bulk{Table: "export", Columns: []string{"id", "connector", "entry", "meta", "source", "plan", "phase", "op", "state",
		"tries", "next_try", "at", "kind", "code", "text", "hash", "body"}}).
		Add(ctx, id, r.connector, r.id, u.id, source, a.p.id, int64(x.Phase), int64(x.Export.Op), exportPending, 0, int64(0), int64(0), 0, "", "", p.hash, p.body)
	if err != nil {
		return 0, err
	}
	text := item.Label
	if x.Why != "" {
		text += ": " + x.Why
	}
	row := LogRow{Run: canopy.RunID(a.p.run), Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(u.id), Connector: x.Connector,
		Step: LogPlan, Op: x.Export.Op.String(), Text: text}
	if p.brief && !a.t.s.hides(x.Connector) {
		return id, a.t.logPacked(ctx, row, p.changes)
	}
	if row.Changes, err = a.t.s.words.decodeChanges(p.changes); err != nil {
		return 0, err
	}
	return id, a.t.logRow(ctx, row)
}

// giver is the source entry from which the meta's source anchor comes, 0 when nobody says.
func (a *applying) giver(ctx context.Context, item *canopy.PlanItem, u *unit) (int64, error) {
	var image map[canopy.Attr]canopy.Sourced
	if item.Image != nil {
		image = item.Image.Attrs
	} else {
		var body []byte
		if _, err := a.t.One(ctx, []any{&body}, `SELECT body FROM meta WHERE id = $1`, u.id); err != nil {
			return 0, err
		}
		var err error
		if image, err = a.t.s.words.decodeImage(body); err != nil {
			return 0, err
		}
	}
	if s := image[canopy.AttrSourceAnchor]; len(s.Origins) > 0 {
		return int64(s.Origins[0].Entry), nil
	}
	return 0, nil
}
