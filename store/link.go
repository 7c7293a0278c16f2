package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// linkTable is one of the two tables of link rows, with what becomes of a row when its directory tells of the link.
type linkTable struct {
	name string
	// held: the directory holds a link of this state.
	held func(state int64) bool
	// shown and unshown: the state that follows; none removes the row.
	shown, unshown func(state int64) int64
}

const none int64 = -1 // there is no row

// The states of a source's link row.
const (
	linkSettled int64 = iota // planned, and carried to the target as far as it can be
	linkWaiting              // planned; it cannot be carried yet
	linkChanged              // not planned since it came, or since its other end changed
	linkRemoved              // the source holds it no more; the target may still
)

// The states of a target's link row.
const (
	linkOwn     int64 = iota // the target's own: no plan wants it
	linkKept                 // wanted and held
	linkDropped              // answered "done" to its removal; not seen by an import yet
	linkAdd                  // wanted, not held
	linkDrop                 // held, wanted no more
)

var sourceLinks = linkTable{
	name: "link",
	held: func(s int64) bool { return s != none && s != linkRemoved },
	shown: func(s int64) int64 {
		switch s {
		case none:
			return linkChanged
		case linkRemoved:
			return linkSettled
		}
		return s
	},
	unshown: func(s int64) int64 {
		if s == linkSettled || s == linkRemoved {
			return linkRemoved
		}
		return none // no plan has carried it
	},
}

var targetLinks = linkTable{
	name: "target_link",
	held: func(s int64) bool { return s == linkOwn || s == linkKept || s == linkDrop },
	shown: func(s int64) int64 {
		switch s {
		case none:
			return linkOwn
		case linkAdd:
			return linkKept
		case linkDropped:
			return linkDrop
		}
		return s
	},
	unshown: func(s int64) int64 {
		if s == linkKept || s == linkAdd {
			return linkAdd
		}
		return none
	},
}

func (c *conn) links() *linkTable {
	if c.target() {
		return &targetLinks
	}
	return &sourceLinks
}

// putLink writes a link row's state; none removes the row.
func (t *tx) putLink(ctx context.Context, tab *linkTable, owner, attr, target, state int64) error {
	if state == none {
		if err := t.flush(ctx, tab.name); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `DELETE FROM `+tab.name+` WHERE owner = $1 AND attr = $2 AND target = $3`, owner, attr, target)
		return err
	}
	return t.writer(tab.name, db.Bulk{Table: tab.name, Columns: []string{"owner", "attr", "target", "state"},
		Conflict: []string{"owner", "attr", "target"}, Update: []string{"state"}}).Add(ctx, owner, attr, target, state)
}

// linkStates loads the states of an owner's rows: those of some targets, or all with nil.
func (t *tx) linkStates(ctx context.Context, tab *linkTable, owner, attr int64, targets []int64) (map[int64]int64, error) {
	if err := t.flush(ctx, tab.name); err != nil {
		return nil, err
	}
	states := map[int64]int64{}
	scan := func(r *sql.Rows) error {
		var target, state int64
		err := r.Scan(&target, &state)
		states[target] = state
		return err
	}
	q := `SELECT target, state FROM ` + tab.name + ` WHERE owner = $1 AND attr = $2`
	if targets == nil {
		return states, t.Each(ctx, scan, q, owner, attr)
	}
	err := db.Chunks(3, targets, func(args []any, list string) error {
		return t.Each(ctx, scan, q+` AND target IN (`+list+`)`, append([]any{owner, attr}, args...)...)
	})
	return states, err
}

// linkKey names a link row.
type linkKey struct{ owner, attr, target int64 }

// linkRows loads the states of rows, as far as there are such, each by its key.
func (t *tx) linkRows(ctx context.Context, tab *linkTable, keys []linkKey) (map[linkKey]int64, error) {
	if err := t.flush(ctx, tab.name); err != nil {
		return nil, err
	}
	states := make(map[linkKey]int64, len(keys))
	for len(keys) > 0 {
		size := 1
		for _, n := range []int{keysAtOnce, keysAtOnce / 5} { // there are few different statements
			if len(keys) >= n {
				size = n
				break
			}
		}
		args := make([]any, 0, 3*size)
		for _, k := range keys[:size] {
			args = append(args, k.owner, k.attr, k.target)
		}
		err := t.Each(ctx, func(r *sql.Rows) error {
			var k linkKey
			var state int64
			err := r.Scan(&k.owner, &k.attr, &k.target, &state)
			states[k] = state
			return err
		}, rowsByKey(tab, size), args...)
		if err != nil {
			return nil, err
		}
		keys = keys[size:]
	}
	return states, nil
}

const keysAtOnce = 40

func rowsByKey(tab *linkTable, n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "(" + db.Numbers(3*i+1, 3) + ")"
	}
	return "WITH q (owner, attr, target) AS (VALUES " + strings.Join(rows, ", ") + ") SELECT l.owner, l.attr, l.target, l.state FROM q CROSS JOIN " +
		tab.name + " l WHERE l.owner = q.owner AND l.attr = q.attr AND l.target = q.target"
}

// linkEnd is a link's other end.
type linkEnd struct {
	id  int64
	ref canopy.Ref
}

// showLinks brings the rows of one attribute to what the directory tells, and tells whether that changed anything. With
// whole, added are all links that it holds; fresh owners have no rows yet.
func (t *tx) showLinks(ctx context.Context, tab *linkTable, r *entryRow, attr int64, whole, fresh bool, added, removed []linkEnd) (changed bool, err error) {
	states := map[int64]int64{}
	if !fresh {
		var ids []int64
		if !whole {
			ids = make([]int64, 0, len(added)+len(removed))
			for _, e := range append(added[:len(added):len(added)], removed...) {
				ids = append(ids, e.id)
			}
		}
		if states, err = t.linkStates(ctx, tab, r.id, attr, ids); err != nil {
			return false, err
		}
	}
	sum := r.links.find(attr)
	if whole {
		sum = linkSum{attr: attr}
	}
	shown := make(map[int64]bool, len(added))
	for _, e := range added {
		if shown[e.id] {
			continue
		}
		shown[e.id] = true
		was, known := states[e.id]
		if !known {
			was = none
		}
		if whole || !tab.held(was) {
			sum.add(e.ref, 1)
		}
		if now := tab.shown(was); now != was {
			changed = changed || !tab.held(was)
			if err := t.putLink(ctx, tab, r.id, attr, e.id, now); err != nil {
				return false, err
			}
		}
	}
	hide := func(id, was int64) error {
		now := tab.unshown(was)
		changed = changed || tab.held(was)
		if now == was {
			return nil
		}
		return t.putLink(ctx, tab, r.id, attr, id, now)
	}
	if whole {
		for id, was := range states {
			if !shown[id] {
				if err := hide(id, was); err != nil {
					return false, err
				}
			}
		}
	}
	for _, e := range removed {
		was, known := states[e.id]
		if !known || shown[e.id] {
			continue
		}
		if tab.held(was) {
			sum.add(e.ref, -1)
		}
		delete(states, e.id)
		if err := hide(e.id, was); err != nil {
			return false, err
		}
	}
	r.links = r.links.set(sum)
	return changed, nil
}

// hideLinks brings all rows of an owner to what an object that is not there holds: nothing.
func (t *tx) hideLinks(ctx context.Context, tab *linkTable, r *entryRow) error {
	for _, l := range append(linkSums(nil), r.links...) {
		if _, err := t.showLinks(ctx, tab, r, l.attr, true, false, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// hideTarget takes an object that is not there out of the rows that name it. Their owners become due.
func (t *tx) hideTarget(ctx context.Context, c *conn, gone *entryRow) error {
	if err := t.index(ctx); err != nil {
		return err
	}
	tab := c.links()
	if err := t.flush(ctx, tab.name); err != nil {
		return err
	}
	type row struct{ owner, attr, state int64 }
	var rows []row
	err := t.Each(ctx, func(r *sql.Rows) error {
		var x row
		err := r.Scan(&x.owner, &x.attr, &x.state)
		rows = append(rows, x)
		return err
	}, `SELECT owner, attr, state FROM `+tab.name+` WHERE target = $1`, gone.id)
	if err != nil {
		return err
	}
	ref := canopy.Ref{Anchor: canopy.Anchor(gone.anchor), DN: gone.dn}
	for _, x := range rows {
		now := tab.unshown(x.state)
		if c.target() {
			now = none // nothing can be added to it or taken from it any more
		}
		if now != x.state {
			if err := t.putLink(ctx, tab, x.owner, x.attr, gone.id, now); err != nil {
				return err
			}
		}
		owner, err := t.head(ctx, x.owner)
		if err != nil {
			return err
		}
		if owner == nil || !tab.held(x.state) {
			continue
		}
		sum := owner.links.find(x.attr)
		sum.add(ref, -1)
		owner.links = owner.links.set(sum)
		t.touch(owner)
		if !c.target() {
			if err := t.entryDue(ctx, owner, false); err != nil {
				return err
			}
		}
	}
	return nil
}
