package tenant

import (
	"context"
	"strconv"

	"github.com/canopy-sync/canopy"
)

// Feed is where a reader of changes stands: the objects up to change Seq, and what was removed up to Gone.
type Feed struct {
	Seq  int64 `json:"s"`
	Gone int64 `json:"g"`
}

// Removed is an object that is not there any more.
type Removed struct {
	ID    canopy.Anchor
	Seq   int64
	Class canopy.Class
	Soft  bool // it can come back
}

// Forgotten tells whether the feed does not know any more what was removed since.
func (d *Directory) Forgotten(ctx context.Context, f Feed) (bool, error) {
	var low int64
	err := d.row(ctx, `SELECT low FROM counter`).Scan(&low)
	return f.Gone < low, err
}

// Removals gives what of a class was removed after a change, in that order, at most so many.
func (d *Directory) Removals(ctx context.Context, class canopy.Class, after int64, most int) ([]Removed, error) {
	var out []Removed
	err := d.rows(ctx, func(s scanner) error {
		var r Removed
		err := s.Scan(&r.ID, &r.Seq, &r.Class, &r.Soft)
		out = append(out, r)
		return err
	}, `SELECT g.oid, g.seq, g.class, EXISTS (SELECT 1 FROM object o WHERE o.id = g.id) FROM gone g
		WHERE g.seq > ? AND (g.class = ? OR ? = '') ORDER BY g.seq LIMIT `+strconv.Itoa(most), after, string(class), string(class))
	return out, err
}

// Changed gives the objects of a class whose last change is later than one, in the order of their changes, until each
// answers false.
func (d *Directory) Changed(ctx context.Context, class canopy.Class, after int64, each func(*Item) bool) error {
	for {
		var chunk []*Item
		err := d.rows(ctx, func(s scanner) error {
			i, err := scanItem(s)
			chunk = append(chunk, i)
			return err
		}, `SELECT `+itemColumns+` FROM object o INDEXED BY object_seq WHERE o.deleted IS NULL AND o.seq > ? AND (o.class = ? OR ? = '')
			ORDER BY o.seq LIMIT `+strconv.Itoa(walkChunk), after, string(class), string(class))
		if err != nil {
			return err
		}
		for _, i := range chunk {
			if !each(i) {
				return nil
			}
			after = i.Seq
		}
		if len(chunk) < walkChunk {
			return nil
		}
	}
}

// LinkNews is a link that was made or ended.
type LinkNews struct {
	To    canopy.Anchor
	Class canopy.Class // "" when the object is gone
	Held  bool
}

// LinksSince gives the links of an object's attribute written after a change; after 0 only those that are there.
func (d *Directory) LinksSince(ctx context.Context, of *Item, attr canopy.Attr, after int64) ([]LinkNews, error) {
	var out []LinkNews
	err := d.rows(ctx, func(s scanner) error {
		var n LinkNews
		err := s.Scan(&n.To, &n.Class, &n.Held)
		if n.To != "" {
			out = append(out, n)
		}
		return err
	}, `SELECT coalesce(o.oid, g.oid, ''), coalesce(o.class, g.class, ''), l.state = 1 FROM link l LEFT JOIN object o ON o.id = l.target
		LEFT JOIN gone g ON g.id = l.target
		WHERE l.owner = ? AND l.seq > ? AND l.attr = ? AND (? > 0 OR l.state = 1) ORDER BY l.target`, of.Number, after, string(attr), after)
	return out, err
}

// AnySynced tells whether some object belongs to a forest.
func (d *Directory) AnySynced(ctx context.Context) (bool, error) {
	var any bool
	err := d.row(ctx, `SELECT EXISTS (SELECT 1 FROM object WHERE synced = 1 AND deleted IS NULL)`).Scan(&any)
	return any, err
}
