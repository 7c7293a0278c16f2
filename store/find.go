package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Found is an entry that a text names.
type Found struct {
	Entry     canopy.EntryID
	Meta      canopy.MetaID // 0: not joined
	Connector canopy.ConnectorID
	Class     canopy.Class
	State     canopy.EntryState
	Anchor    canopy.Anchor
	DN        string
	Name      string // display name, else UPN, else DN
}

// Find finds entries by DN, anchor, GUID (braces and case do not matter), source anchor, UPN, mail address, alias or one
// of Options.Search, case folded, in the order of connectors.
func (s *Store) Find(ctx context.Context, text string) ([]Found, error) {
	text = strings.TrimSpace(text)
	var rows []*entryRow
	err := s.query(ctx, func(t *db.Tx) error {
		ids := map[int64]bool{}
		add := func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			ids[id] = true
			return err
		}
		if err := t.Each(ctx, add, `SELECT owner FROM key WHERE hash = $1 AND name = '' AND owner > 0`, findHash(text)); err != nil {
			return err
		}
		guid := canopy.Fold(strings.Trim(text, "{}"))
		for _, c := range s.connectors() {
			for _, anchor := range []string{text, guid} {
				if err := t.Each(ctx, add, `SELECT id FROM entry WHERE connector = $1 AND anchor = $2 AND anchor <> ''`, c.no, anchor); err != nil {
					return err
				}
			}
		}
		list := make([]int64, 0, len(ids))
		for id := range ids {
			list = append(list, id)
		}
		var err error
		rows, err = s.loadRows(ctx, t, list)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", text, err)
	}
	return s.found(rows)
}

// Names shows each every text by which people name an object: DNs, UPNs and SMTP addresses, some of them more than once. It
// looks through everything, so it is for people and not for runs.
func (s *Store) Names(ctx context.Context, each func(string)) error {
	row := func(r *sql.Rows) error {
		var text string
		err := r.Scan(&text)
		each(text)
		return err
	}
	err := s.read(ctx, func(t *db.Tx) error {
		if err := t.Each(ctx, row, `SELECT value FROM claim WHERE kind IN ($1, $2)`, string(canopy.ClaimUPN), string(canopy.ClaimAddress)); err != nil {
			return err
		}
		return t.Each(ctx, row, `SELECT dn FROM entry WHERE dn <> ''`)
	})
	if err != nil {
		return fmt.Errorf("list the names of objects: %w", err)
	}
	return nil
}

func (s *Store) found(rows []*entryRow) ([]Found, error) {
	order := map[canopy.ConnectorID]int{}
	for i, c := range s.connectors() {
		if order[c.ID] = i; c.target() {
			order[c.ID] += 1 << 20 // sources first
		}
	}
	var out []Found
	for _, r := range rows {
		e, err := s.entry(r)
		if err != nil {
			return nil, err
		}
		out = append(out, Found{Entry: e.ID, Meta: e.Meta, Connector: e.Connector, Class: e.Class, State: e.State, Anchor: e.Anchor, DN: e.DN,
			Name: firstText(e.Attrs.Text(canopy.AttrDisplayName), e.Attrs.Text(canopy.AttrUPN), e.DN)})
	}
	slices.SortFunc(out, func(a, b Found) int {
		return cmp.Or(order[a.Connector]-order[b.Connector], cmp.Compare(a.Entry, b.Entry))
	})
	return out, nil
}

// Entry loads one entry; an error of kind NotFound when there is none.
func (s *Store) Entry(ctx context.Context, id canopy.EntryID) (*canopy.Entry, error) {
	var rows []*entryRow
	err := s.read(ctx, func(t *db.Tx) (err error) {
		if rows, err = s.loadRows(ctx, t, []int64{int64(id)}); err != nil {
			return err
		}
		return s.tell(ctx, t, s.telling(), rows)
	})
	if err == nil && len(rows) == 0 {
		err = notFound("entry", id)
	}
	if err != nil {
		return nil, err
	}
	return s.entry(rows[0])
}

// EntriesOf loads the entries joined to a meta, sources first in their order.
func (s *Store) EntriesOf(ctx context.Context, id canopy.MetaID) ([]*canopy.Entry, error) {
	var rows []*entryRow
	err := s.read(ctx, func(t *db.Tx) (err error) {
		rows, err = selectRows(ctx, t, rowList, true, "e.meta IN (%s) AND e.meta > 0", []int64{int64(id)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the entries of meta %d: %w", id, err)
	}
	conns := s.byNumber()
	rank := func(r *entryRow) int {
		c := conns[r.connector]
		if c.target() {
			return 1 << 20
		}
		return c.Order
	}
	slices.SortFunc(rows, func(a, b *entryRow) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.anchor, b.anchor), cmp.Compare(a.id, b.id))
	})
	out := make([]*canopy.Entry, 0, len(rows))
	for _, r := range rows {
		e, err := s.entry(r)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Meta loads one meta; an error of kind NotFound when there is none.
func (s *Store) Meta(ctx context.Context, id canopy.MetaID) (*canopy.Meta, error) {
	var metas []*canopy.Meta
	err := s.read(ctx, func(t *db.Tx) (err error) {
		metas, err = s.loadMetas(ctx, t, []canopy.MetaID{id})
		return err
	})
	if err == nil && len(metas) == 0 {
		err = notFound("meta", id)
	}
	if err != nil {
		return nil, err
	}
	return metas[0], nil
}

// LinksOf lists what an entry links to under one attribute, as its directory holds it, at most limit.
func (s *Store) LinksOf(ctx context.Context, id canopy.EntryID, attr canopy.Attr, limit int) ([]canopy.Ref, error) {
	var out []canopy.Ref
	no := s.words.known(string(attr))
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var ref canopy.Ref
			err := r.Scan(&ref.Anchor, &ref.DN)
			out = append(out, ref)
			return err
		}, `SELECT COALESCE(x.anchor, s.anchor, ''), COALESCE(x.dn, s.dn, '') FROM
			(SELECT target FROM link WHERE owner = $1 AND attr = $2 AND state < 3
			UNION ALL SELECT target FROM target_link WHERE owner = $3 AND attr = $4 AND state IN (0, 1, 4)) AS l
			LEFT JOIN entry x ON x.id = l.target LEFT JOIN stub s ON s.id = l.target ORDER BY l.target LIMIT $5`, int64(id), no, int64(id), no, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list links %s of entry %d: %w", attr, id, err)
	}
	return out, nil
}
