package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Rules may ask whether an object is a member of a group. Of the groups that they name the store remembers where they
// are; it gives each source entry those that hold it, and a member that comes or goes is due.

// told are the groups of which members are told apart.
type told struct {
	attr   int64            // the link attribute of groups; 0: no rule asks
	groups map[string]bool  // their DNs, folded
	at     map[int64]string // those that are there, with their DNs, by entry
}

func (g *told) asked(dn string) bool { return g.attr != 0 && g.groups[canopy.Fold(dn)] }

// TellMembers says of which groups the members are told apart from now on, by DN, and which of them no forest shows.
// What was imported before is not looked at anew: see Rederive.
func (s *Store) TellMembers(ctx context.Context, attr canopy.Attr, dns []string) (unknown []string, err error) {
	g := told{groups: map[string]bool{}, at: map[int64]string{}}
	for _, dn := range dns {
		g.groups[canopy.Fold(dn)] = true
	}
	if len(dns) > 0 {
		if g.attr, err = s.attrNumber(ctx, attr); err != nil {
			return nil, err
		}
		if err := s.read(ctx, func(t *db.Tx) error { return s.locate(ctx, t, &g) }); err != nil {
			return nil, fmt.Errorf("look for groups: %w", err)
		}
	}
	s.mu.Lock()
	s.told = g
	s.mu.Unlock()
	return s.UnknownGroups(), nil
}

// UnknownGroups are the DNs of the groups that were asked for and that no forest shows, folded.
func (s *Store) UnknownGroups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	missing := maps.Clone(s.told.groups)
	for _, dn := range s.told.at {
		delete(missing, canopy.Fold(dn))
	}
	return slices.Sorted(maps.Keys(missing))
}

// attrNumber is the number of an attribute's name, which a store that is only read may not have.
func (s *Store) attrNumber(ctx context.Context, attr canopy.Attr) (int64, error) {
	if s.opt.ReadOnly {
		no, err := s.words.number(string(attr))
		if err != nil {
			return 0, nil // nothing has such links
		}
		return no, nil
	}
	if err := s.intern(ctx, slices.Values([]string{string(attr)})); err != nil {
		return 0, err
	}
	return s.words.number(string(attr))
}

// locate finds the groups.
func (s *Store) locate(ctx context.Context, t *db.Tx, g *told) error {
	conns := s.byNumber()
	found := func(r *sql.Rows) error {
		var id, conn int64
		var dn string
		if err := r.Scan(&id, &conn, &dn); err != nil {
			return err
		}
		if c := conns[conn]; g.groups[canopy.Fold(dn)] && !c.target() {
			g.at[id] = dn
		}
		return nil
	}
	if !s.indexed.Load() { // the first load was cut off: there is no index of names yet
		return t.Each(ctx, found, `SELECT id, connector, dn FROM entry WHERE state = 0`)
	}
	for dn := range g.groups {
		if err := t.Each(ctx, found, `SELECT e.id, e.connector, e.dn FROM key k CROSS JOIN entry e WHERE k.hash = $1 AND k.name = '' AND e.id = k.owner AND e.state = 0`, findHash(dn)); err != nil {
			return err
		}
	}
	return nil
}

// telling are the groups as they are known now.
func (s *Store) telling() told {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.told
	g.at = maps.Clone(g.at)
	return g
}

// tell notes of rows of sources which of the groups hold them.
func (s *Store) tell(ctx context.Context, t *db.Tx, g told, rows []*entryRow) error {
	if g.attr == 0 && len(g.groups) == 0 {
		return nil
	}
	at := make(map[int64]*entryRow, len(rows))
	ids := make([]int64, 0, len(rows))
	for _, r := range rows {
		r.groups = []string{}
		at[r.id] = r
		ids = append(ids, r.id)
	}
	for _, owner := range slices.Sorted(maps.Keys(g.at)) {
		err := db.Chunks(3, ids, func(args []any, list string) error {
			return t.Each(ctx, func(rows *sql.Rows) error {
				var id int64
				err := rows.Scan(&id)
				if r := at[id]; r != nil && !slices.Contains(r.groups, g.at[owner]) {
					r.groups = append(r.groups, g.at[owner])
				}
				return err
			}, `SELECT target FROM link WHERE owner = $1 AND attr = $2 AND target IN (`+list+`) AND state <> 3`, append([]any{owner, g.attr}, args...)...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// meets notes that a batch shows an entry, or shows it no more: it may be one of the groups. Their members are to be
// looked at then.
func (im *importing) meets(ctx context.Context, w *work, dnBefore string) error {
	if len(im.told.groups) == 0 {
		return nil
	}
	is := w.state == canopy.Present && im.told.asked(w.dn)
	if is {
		im.told.at[w.id], im.met[w.id] = w.dn, w.dn
	} else if im.told.at[w.id] != "" {
		delete(im.told.at, w.id)
		im.met[w.id] = ""
	}
	if w.fresh || is == im.told.asked(dnBefore) && w.state == canopy.Present {
		return nil
	}
	return im.stirAll(ctx, w)
}

// leaves notes that an entry goes, before its links go.
func (im *importing) leaves(ctx context.Context, w *work) error {
	if im.told.at[w.id] == "" {
		return nil
	}
	delete(im.told.at, w.id)
	im.met[w.id] = ""
	return im.stirAll(ctx, w)
}

// stirAll notes all members of a group.
func (im *importing) stirAll(ctx context.Context, w *work) error {
	states, err := im.t.linkStates(ctx, im.c.links(), w.id, im.told.attr, nil)
	if err != nil {
		return err
	}
	for id := range states {
		im.stirred[id] = true
	}
	return nil
}

// stirs notes the members of one of the groups that a change names, before it is applied.
func (im *importing) stirs(ctx context.Context, w *work, ch *canopy.Change) error {
	if im.told.attr == 0 || im.c.target() || im.told.at[w.id] == "" && !im.told.asked(w.dn) {
		return nil
	}
	for name, l := range ch.Links {
		if no, err := im.t.s.words.number(string(name)); err != nil || no != im.told.attr {
			continue
		}
		for _, list := range [][]canopy.Ref{l.Added, l.Removed} {
			for _, e := range im.endsOf(list) {
				im.stirred[e.id] = true
			}
		}
	}
	if ch.Kind == canopy.FullImage || ch.Links[canopy.AttrMember].Whole {
		return im.stirAll(ctx, w)
	}
	return nil
}

// members brings the keys of those up to date whose groups have changed, and makes them due.
func (im *importing) members(ctx context.Context) error {
	for _, w := range im.order {
		if w.changed {
			delete(im.stirred, w.id) // it was looked at with the groups as they are now
		}
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(im.stirred)), 500) {
		rows, err := im.t.heads(ctx, part)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r *entryRow) bool { return r.gone || r.class == string(canopy.Container) })
		if err := im.t.bodies(ctx, rows); err != nil {
			return err
		}
		if err := im.tellRows(ctx, rows); err != nil {
			return err
		}
		for _, r := range sorted(rows, part) {
			if err := im.derive(ctx, &work{entryRow: r}); err != nil {
				return err
			}
			im.t.touch(r)
			if err := im.t.entryDue(ctx, r, im.c.target()); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellRows is tell within the transaction.
func (im *importing) tellRows(ctx context.Context, rows []*entryRow) error {
	if len(im.told.groups) == 0 || im.c.target() {
		return nil
	}
	if err := im.t.flush(ctx, im.c.links().name); err != nil {
		return err
	}
	return im.t.s.tell(ctx, im.t.Tx, im.told, rows)
}

// tellOrder is tellRows for what changed of the batch.
func (im *importing) tellOrder(ctx context.Context) error {
	rows := make([]*entryRow, 0, len(im.order))
	for _, w := range im.order {
		if w.changed || w.settled {
			rows = append(rows, w.entryRow)
		}
	}
	return im.tellRows(ctx, rows)
}

// keepTold lets the store know what a batch has shown of the groups.
func (s *Store) keepTold(met map[int64]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, dn := range met {
		if dn == "" {
			delete(s.told.at, id)
		} else {
			s.told.at[id] = dn
		}
	}
}
