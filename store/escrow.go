package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Escrow is an object that could not be read whole. It is not applied, and tried again with each read that shows it.
type Escrow struct {
	Connector canopy.ConnectorID
	Anchor    canopy.Anchor
	DN        string
	First     time.Time
	Last      time.Time
	Count     int
	Code      string
	Text      string
}

// escrow keeps that a change could not be read; what is stored of the object stays as it is.
func (im *importing) escrow(ctx context.Context, ch *canopy.Change, failed *canopy.Error) error {
	key := string(ch.Anchor)
	if key == "" {
		key = canopy.Fold(ch.DN)
	}
	code := failed.Code
	if code == "" {
		code = failed.Kind.String()
	}
	_, err := im.t.Exec(ctx, `INSERT INTO escrow (connector, anchor, dn, first, last, tries, code, text) VALUES ($1, $2, $3, $4, $5, 1, $6, $7)
		ON CONFLICT (connector, anchor) DO UPDATE SET dn = excluded.dn, last = excluded.last, tries = escrow.tries + 1,
		code = excluded.code, text = excluded.text`, im.c.no, key, ch.DN, im.t.now, im.t.now, code, failed.Error())
	if err != nil {
		return err
	}
	row := LogRow{Run: im.req.Run, Connector: im.c.ID, Step: LogImport, Op: "failed", Text: failed.Error(), Code: code}
	if w := im.works[ch.Anchor]; w != nil {
		row.Entry, row.Meta = canopy.EntryID(w.id), canopy.MetaID(w.meta)
	}
	return im.t.logRow(ctx, row)
}

// unescrow forgets that an object could not be read.
func (im *importing) unescrow(ctx context.Context, ch *canopy.Change) error {
	if !im.escrowed {
		return nil
	}
	_, err := im.t.Exec(ctx, `DELETE FROM escrow WHERE connector = $1 AND anchor = $2`, im.c.no, string(ch.Anchor))
	return err
}

// Escrows lists the objects that could not be read, all connectors for "".
func (s *Store) Escrows(ctx context.Context, id canopy.ConnectorID, limit int) ([]Escrow, error) {
	var out []Escrow
	conns := s.byNumber()
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var e Escrow
			var no, first, last int64
			err := r.Scan(&no, &e.Anchor, &e.DN, &first, &last, &e.Count, &e.Code, &e.Text)
			e.Connector, e.First, e.Last = conns[no].ID, moment(first), moment(last)
			if id == "" || e.Connector == id {
				out = append(out, e)
			}
			return err
		}, `SELECT connector, anchor, dn, first, last, tries, code, text FROM escrow ORDER BY last DESC, anchor`)
	})
	if err != nil {
		return nil, fmt.Errorf("list what could not be read: %w", err)
	}
	return out[:min(len(out), max(limit, 0))], nil
}
