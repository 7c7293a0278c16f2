package tenant

import (
	"context"
	"strconv"

	"github.com/canopy-sync/canopy"
)

// Tie names links from one object to others: the attribute that holds them, seen from its owner or, with Back, from what
// it names; and with Deep over all steps. What is deleted is left out.
type Tie struct {
	Attr canopy.Attr
	Back bool
	Deep bool
	// Expect is as in By.
	Expect int
}

// The ties that programs ask for.
const (
	AttrOwner   canopy.Attr = "owner"
	AttrSponsor canopy.Attr = "sponsor"
)

// query gives the numbers of the objects at the other end, as a query of one column and its arguments.
func (t Tie) query(number int64) (string, []any) {
	here, there := `owner`, `target`
	if t.Back {
		here, there = there, here
	}
	if !t.Deep {
		return `SELECT ` + there + ` FROM link WHERE ` + here + ` = ? AND attr = ? AND state = 1`, []any{number, string(t.Attr)}
	}
	return `WITH RECURSIVE tied (id) AS (SELECT ` + there + ` FROM link WHERE ` + here + ` = ? AND attr = ? AND state = 1
		UNION SELECT l.` + there + ` FROM tied t JOIN link l ON l.` + here + ` = t.id AND l.attr = ? AND l.state = 1)
		SELECT id FROM tied`, []any{number, string(t.Attr), string(t.Attr)}
}

// Tied gives the objects at the other end of an object's ties, in the order in which they were made, from a position
// on until each answers false. Class "" gives all.
func (d *Directory) Tied(ctx context.Context, of *Item, t Tie, class canopy.Class, from Position, each func(*Item, Position) bool) error {
	for size := chunkFor(t.Expect); ; size = walkChunk {
		ends, args := t.query(of.Number)
		var query string
		if t.Deep {
			query = `SELECT ` + itemColumns + ` FROM object o WHERE o.id IN (` + ends + `)`
		} else { // the links' own order is that of the other end, so nothing before the position is read
			end := `target`
			if t.Back {
				end = `owner`
			}
			query = `SELECT ` + itemColumns + ` FROM (` + ends + ` AND ` + end + ` > ? ORDER BY ` + end + `) m CROSS JOIN object o ON o.id = m.` + end + ` WHERE 1`
			args = append(args, from.Number)
		}
		if class != "" {
			query, args = query+` AND o.class = ?`, append(args, string(class))
		}
		var chunk []*Item
		err := d.rows(ctx, func(s scanner) error {
			i, err := scanItem(s)
			chunk = append(chunk, i)
			return err
		}, query+` AND o.deleted IS NULL AND o.id > ? ORDER BY o.id LIMIT `+strconv.Itoa(size), append(args, from.Number)...)
		if err != nil {
			return err
		}
		for _, i := range chunk {
			at := Position{Number: i.Number}
			if !each(i, at) {
				return nil
			}
			from = at
		}
		if len(chunk) < size {
			return nil
		}
	}
}

// CountTied counts the objects at the other end.
func (d *Directory) CountTied(ctx context.Context, of *Item, t Tie, class canopy.Class) (int64, error) {
	ends, args := t.query(of.Number)
	query := `SELECT count(*) FROM object o WHERE o.deleted IS NULL AND o.id IN (` + ends + `)`
	if class != "" {
		query, args = query+` AND o.class = ?`, append(args, string(class))
	}
	var n int64
	err := d.row(ctx, query, args...).Scan(&n)
	return n, err
}

// IsTied tells which of some objects are at the other end.
func (d *Directory) IsTied(ctx context.Context, of *Item, t Tie, ids []canopy.Anchor) (map[canopy.Anchor]bool, error) {
	out := map[canopy.Anchor]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = string(id)
	}
	ends, args := t.query(of.Number)
	err := d.rows(ctx, func(s scanner) error {
		var id canopy.Anchor
		err := s.Scan(&id)
		out[id] = true
		return err
	}, `SELECT o.oid FROM object o WHERE o.deleted IS NULL AND o.id IN (`+ends+`) AND o.oid IN `+marks(len(list)), fill(args, list)...)
	return out, err
}

// TiedTo gives, for some owners, what a link attribute of one value names: a page of people with their managers.
func (d *Directory) TiedTo(ctx context.Context, owner int64, t Tie, most int) ([]*Item, error) {
	var out []*Item
	err := d.Tied(ctx, &Item{Number: owner}, t, "", Position{}, func(i *Item, _ Position) bool {
		out = append(out, i)
		return len(out) < most
	})
	return out, err
}
