package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// The states of an export's row.
const (
	exportPending int64 = iota
	exportUnconfirmed
	exportRefused
)

// linksPerExport is how many links one export carries at most.
const linksPerExport = 1000

// Pending is a walk through the exports of one phase that are due to be sent, page by page.
type Pending struct {
	s     *Store
	id    canopy.ConnectorID
	phase canopy.ExportPhase
	after canopy.ExportID // the last one that was given
	link  linkKey         // the last one that was given
}

// PendingExports begins a walk through the exports of one phase. For PhaseLinks they are made from the link rows whose two
// ends are in the target, and carry numbers below zero that RecordResults knows. Exports that were refused come again after a day.
// What an administrator of the target masters is not sent.
func (s *Store) PendingExports(id canopy.ConnectorID, phase canopy.ExportPhase) *Pending {
	return &Pending{s: s, id: id, phase: phase}
}

// Next gives the next exports, in order, at most limit, and none at the end. Each page goes on where the last one ended: what
// waits is not looked at again for each, and the answers to the last one need not be recorded yet. After the end the walk
// begins anew, for what became due meanwhile; there is nothing left when that gives none.
func (p *Pending) Next(ctx context.Context, now time.Time, limit int) ([]canopy.Export, error) {
	out, err := p.page(ctx, now, limit)
	if err != nil {
		return nil, fmt.Errorf("list exports to %s: %w", p.id, err)
	}
	if len(out) == 0 {
		p.after, p.link = 0, linkKey{}
	}
	return out, nil
}

func (p *Pending) page(ctx context.Context, now time.Time, limit int) (out []canopy.Export, err error) {
	c, err := p.s.conn(p.id)
	if err != nil {
		return nil, err
	}
	err = p.s.read(ctx, func(t *db.Tx) error {
		if p.phase == canopy.PhaseLinks {
			out, err = p.links(ctx, t, c.no, now.UnixMicro(), limit)
			return err
		}
		// One query for both states would sort all that is pending for each page.
		for _, state := range []int64{exportPending, exportRefused} {
			if err := p.objects(ctx, t, &out, c.no, state, now, limit); err != nil {
				return err
			}
		}
		slices.SortFunc(out, func(a, b canopy.Export) int { return cmp.Compare(a.ID, b.ID) })
		if out = out[:min(len(out), limit)]; len(out) > 0 {
			p.after = out[len(out)-1].ID
		}
		return nil
	})
	return out, err
}

// objects adds the next exports of one state.
func (p *Pending) objects(ctx context.Context, t *db.Tx, out *[]canopy.Export, conn, state int64, now time.Time, limit int) error {
	return t.Each(ctx, func(r *sql.Rows) error {
		var number canopy.ExportID
		var body sql.RawBytes
		var ref canopy.Ref
		if err := r.Scan(&number, &body, &ref.Anchor, &ref.DN); err != nil {
			return err
		}
		e, err := p.s.words.decodeExport(body)
		if e.ID = number; e.Op != canopy.Add {
			e.Ref = ref
		}
		*out = append(*out, e)
		return err
	}, objectsToSend, conn, state, int64(p.phase), int64(p.after), now.UnixMicro(), limit)
}

// links makes exports of the next link rows that are to be sent.
func (p *Pending) links(ctx context.Context, t *db.Tx, conn, now int64, limit int) ([]canopy.Export, error) {
	var out []canopy.Export
	links := 0
	from := p.link
	err := t.Each(ctx, func(r *sql.Rows) error {
		var at linkKey
		var state int64
		var ref canopy.Ref
		var e canopy.Export
		if err := r.Scan(&at.owner, &at.attr, &at.target, &state, &e.Class, &e.SourceAnchor, &e.Ref.Anchor, &e.Ref.DN, &ref.Anchor, &ref.DN); err != nil {
			return err
		}
		if len(out) == 0 || at.owner != p.link.owner || links == linksPerExport {
			if len(out) == limit {
				return errEnough
			}
			links = 0
			e.ID, e.Op, e.Links = canopy.ExportID(-len(out)-1), canopy.Modify, map[canopy.Attr]canopy.LinkChange{}
			out = append(out, e)
		}
		p.link = at
		name, err := p.s.words.word(at.attr)
		if err != nil {
			return err
		}
		links++
		all := out[len(out)-1].Links
		ch := all[canopy.Attr(name)]
		if state == linkAdd {
			ch.Added = append(ch.Added, ref)
		} else {
			ch.Removed = append(ch.Removed, ref)
		}
		all[canopy.Attr(name)] = ch
		return nil
	}, linksToSend, from.owner, from.attr, from.target, conn, now)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

const (
	objectsToSend = `SELECT x.id, x.body, e.anchor, e.dn FROM export x CROSS JOIN entry e WHERE x.connector = $1 AND x.state = $2 AND x.phase = $3
		AND x.id > $4 AND x.next_try <= $5 AND e.id = x.entry AND (e.anchor <> '' OR x.op = 1) AND NOT EXISTS (SELECT 1 FROM authority a WHERE a.entry = x.entry AND a.attr = 0)
		ORDER BY x.id LIMIT $6`
	// pendingRows goes by the index of pending rows, see the migration, and sendable are those whose two ends are in
	// the target, and that no administrator of the target masters.
	pendingRows = ` FROM target_link l CROSS JOIN entry o CROSS JOIN entry y `
	sendable    = ` AND l.state > 2 AND o.id = l.owner AND y.id = l.target AND o.anchor <> '' AND y.anchor <> '' AND o.source_anchor <> ''
		AND y.source_anchor <> '' AND o.state <> 3 AND y.state <> 3
		AND NOT EXISTS (SELECT 1 FROM authority a WHERE a.entry = l.owner AND a.attr IN (0, l.attr)) AND o.connector + 0 = `
	linksToSend = `SELECT l.owner, l.attr, l.target, l.state, o.class, o.source_anchor, o.anchor, o.dn, y.anchor, y.dn` + pendingRows +
		`LEFT JOIN link_retry f ON f.owner = l.owner AND f.attr = l.attr AND f.target = l.target
		WHERE l.owner + 0 >= $1 AND (l.owner + 0 > $1 OR l.attr > $2 OR l.attr = $2 AND l.target > $3)` + sendable + `$4
		AND (f.next_try IS NULL OR f.next_try <= $5) ORDER BY l.owner + 0, l.attr, l.target`
	linksPending = `SELECT count(*)` + pendingRows + `WHERE l.owner + 0 > 0` + sendable + `$1`
)

// ExportCounts count a target's exports.
type ExportCounts struct {
	Pending      int `json:"pending"`     // to be sent, those that wait included
	Waiting      int `json:"waiting"`     // of these, tried before and to be tried later
	Refused      int `json:"refused"`     // refused or denied
	Unconfirmed  int `json:"unconfirmed"` // answered "done", not seen by an import yet
	NotKept      int `json:"notKept"`     // entries that do not hold what the target answered "done" to
	Links        int `json:"links"`       // link rows to be sent, whose two ends are in the target
	LinksRefused int `json:"linksRefused"`
}

// ExportCounts counts a target's exports.
func (s *Store) ExportCounts(ctx context.Context, id canopy.ConnectorID) (ExportCounts, error) {
	c, err := s.conn(id)
	if err != nil {
		return ExportCounts{}, err
	}
	var n ExportCounts
	err = s.read(ctx, func(t *db.Tx) error {
		err := t.Each(ctx, func(r *sql.Rows) error {
			var state int64
			var count, tried int
			if err := r.Scan(&state, &count, &tried); err != nil {
				return err
			}
			switch state {
			case exportPending:
				n.Pending, n.Waiting = count, tried
			case exportUnconfirmed:
				n.Unconfirmed = count
			case exportRefused:
				n.Refused = count
			}
			return nil
		}, `SELECT state, count(*), sum(CASE WHEN tries > 0 THEN 1 ELSE 0 END) FROM export WHERE connector = $1 GROUP BY state`, c.no)
		if err != nil {
			return err
		}
		if _, err := t.One(ctx, []any{&n.NotKept}, `SELECT count(*) FROM entry WHERE connector = $1 AND not_kept <> ''`, c.no); err != nil {
			return err
		}
		// Joining with entries costs a walk through all of them, also from nothing.
		var one int64
		if any, err := t.One(ctx, []any{&one}, `SELECT owner FROM target_link WHERE state > 2 AND owner + 0 > 0 LIMIT 1`); err != nil || !any {
			return err
		}
		if _, err := t.One(ctx, []any{&n.LinksRefused}, `SELECT count(*) FROM link_retry f CROSS JOIN entry o WHERE o.id = f.owner AND o.connector = $1 AND f.kind <> $2`,
			c.no, int64(canopy.Later)); err != nil {
			return err
		}
		_, err = t.One(ctx, []any{&n.Links}, linksPending, c.no)
		return err
	})
	if err != nil {
		return ExportCounts{}, fmt.Errorf("count exports to %s: %w", id, err)
	}
	return n, nil
}

// Refusal is an export, or one link of one, that a target refused.
type Refusal struct {
	Export canopy.Export // as it was sent; for a link only Ref, Class and Links
	Entry  canopy.EntryID
	Meta   canopy.MetaID
	Name   string // for people: the meta's label, else the target entry's DN or anchor
	Kind   canopy.ResultKind
	Code   string
	Text   string
	Tries  int
	At     time.Time // the last answer
}

// Refusals lists what a target refused, at most limit: exports first, then links.
func (s *Store) Refusals(ctx context.Context, id canopy.ConnectorID, limit int) ([]Refusal, error) {
	c, err := s.conn(id)
	if err != nil {
		return nil, err
	}
	var out []Refusal
	err = s.read(ctx, func(t *db.Tx) error {
		err := t.Each(ctx, func(r *sql.Rows) error {
			var f Refusal
			var body []byte
			var at int64
			var number canopy.ExportID
			var ref canopy.Ref
			var label sql.NullString
			if err := r.Scan(&number, &f.Entry, &f.Meta, &f.Kind, &f.Code, &f.Text, &f.Tries, &at, &body, &ref.Anchor, &ref.DN, &label); err != nil {
				return err
			}
			e, err := s.words.decodeExport(body)
			e.ID, e.Ref = number, ref
			f.Export, f.At, f.Name = e, moment(at), firstText(label.String, ref.DN, string(ref.Anchor))
			out = append(out, f)
			return err
		}, `SELECT x.id, x.entry, x.meta, x.kind, x.code, x.text, x.tries, x.at, x.body, e.anchor, e.dn, m.label FROM export x JOIN entry e ON e.id = x.entry
			LEFT JOIN meta m ON m.id = x.meta WHERE x.connector = $1 AND x.state = 2 ORDER BY x.id LIMIT $2`, c.no, limit)
		if err != nil {
			return err
		}
		return t.Each(ctx, func(r *sql.Rows) error {
			var f Refusal
			var attr, at int64
			var state sql.NullInt64
			var ref canopy.Ref
			var label sql.NullString
			if err := r.Scan(&f.Entry, &f.Meta, &f.Kind, &f.Code, &f.Text, &f.Tries, &at, &attr, &state, &f.Export.Class, &f.Export.Ref.Anchor,
				&f.Export.Ref.DN, &ref.Anchor, &ref.DN, &label); err != nil {
				return err
			}
			name, err := s.words.word(attr)
			ch := canopy.LinkChange{Added: []canopy.Ref{ref}}
			if state.Int64 == linkDrop {
				ch = canopy.LinkChange{Removed: []canopy.Ref{ref}}
			}
			f.Export.Op, f.Export.Links = canopy.Modify, map[canopy.Attr]canopy.LinkChange{canopy.Attr(name): ch}
			f.At, f.Name = moment(at), firstText(label.String, f.Export.Ref.DN, string(f.Export.Ref.Anchor))
			out = append(out, f)
			return err
		}, `SELECT f.owner, o.meta, f.kind, f.code, f.text, f.tries, f.at, f.attr, l.state, o.class, o.anchor, o.dn, y.anchor, y.dn, m.label
			FROM link_retry f JOIN entry o ON o.id = f.owner JOIN entry y ON y.id = f.target LEFT JOIN meta m ON m.id = o.meta
			LEFT JOIN target_link l ON l.owner = f.owner AND l.attr = f.attr AND l.target = f.target
			WHERE o.connector = $1 AND f.kind <> $2 ORDER BY f.owner, f.attr, f.target LIMIT $3`, c.no, int64(canopy.Later), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list what %s refused: %w", id, err)
	}
	return out[:min(len(out), max(limit, 0))], nil
}

func firstText(texts ...string) string {
	if i := slices.IndexFunc(texts, func(s string) bool { return s != "" }); i >= 0 {
		return texts[i]
	}
	return ""
}

// Retry makes refused and waiting exports and links of a target due at once.
func (s *Store) Retry(ctx context.Context, id canopy.ConnectorID) error {
	c, err := s.conn(id)
	if err != nil {
		return err
	}
	err = s.update(ctx, func(t *tx) error {
		if _, err := t.Exec(ctx, `UPDATE export SET next_try = 0 WHERE connector = $1 AND state IN (0, 2)`, c.no); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `UPDATE link_retry SET next_try = 0 WHERE owner IN (SELECT id FROM entry WHERE connector = $1)`, c.no)
		return err
	})
	if err != nil {
		return fmt.Errorf("retry exports to %s: %w", id, err)
	}
	return nil
}
