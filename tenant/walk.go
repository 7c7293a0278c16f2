package tenant

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Index is a kind of value by which objects are found without looking at all of them.
type Index string

// The indexes.
const (
	ByName    Index = keyName    // the display name, of one class
	ByUPN     Index = keyUPN     // the sign-in name
	ByAddress Index = keyAddress // any SMTP address
	ByAlias   Index = keyAlias
	ByAccount Index = keyAccount
)

// Key is a value of an index.
type Key struct {
	Index Index
	Value string
}

// By says which objects a walk gives, and in which order. The zero order is that in which they were made.
type By struct {
	Class   canopy.Class // "" for all; needed with ByName
	Deleted bool         // those that are deleted and can come back, instead of those that are not
	// Some limits the walk to objects with one of IDs, Anchors or Keys, at most a few hundred together.
	Some    bool
	IDs     []canopy.Anchor
	Anchors []string
	Keys    []Key
	// Order walks by the values of an index, ByName or ByUPN or ByAddress, that begin with Prefix; an object comes once.
	Order  Index
	Prefix string
	Desc   bool
	// Has leaves out objects in whose values this text, of ASCII letters in lower case, is nowhere. Others may come.
	Has string
	// Expect is how many objects will be wanted, as far as is known; it only saves reading more.
	Expect int
}

// Position is where a walk stands. The zero one is its beginning.
type Position struct {
	Key    string `json:"k,omitempty"`
	Number int64  `json:"n,omitempty"`
}

const (
	firstChunk = 32
	walkChunk  = 256
)

func chunkFor(expect int) int {
	if expect == 0 {
		return firstChunk
	}
	return min(expect, walkChunk)
}

// Walk gives objects from a position on until each answers false. The cost of going on from a position does not depend
// on where it is. The objects are those of several moments, and one that keeps its place is not left out.
func (d *Directory) Walk(ctx context.Context, by By, from Position, each func(*Item, Position) bool) error {
	if by.Some && len(by.IDs)+len(by.Anchors)+len(by.Keys) == 0 {
		return nil
	}
	for size := chunkFor(by.Expect); ; size = walkChunk {
		type found struct {
			item *Item
			at   Position
		}
		chunk := make([]found, 0, size)
		query, args := by.query(from, size)
		err := d.rows(ctx, func(s scanner) error {
			var f found
			var err error
			if by.Order != "" {
				f.item, err = scanItem(keyRow{s, &f.at.Key})
			} else {
				f.item, err = scanItem(s)
			}
			if err == nil {
				f.at.Number = f.item.Number
				chunk = append(chunk, f)
			}
			return err
		}, query, args...)
		if err != nil {
			return err
		}
		for _, f := range chunk {
			if by.leads(f.item, f.at.Key) && !each(f.item, f.at) {
				return nil
			}
			from = f.at
		}
		if len(chunk) < size {
			return nil
		}
	}
}

// keyRow scans the key of an index before the rest.
type keyRow struct {
	s   scanner
	key *string
}

func (r keyRow) Scan(into ...any) error { return r.s.Scan(append([]any{r.key}, into...)...) }

// query is the next chunk of a walk.
func (by By) query(from Position, size int) (string, []any) {
	var where []string
	var args []any
	if by.Deleted {
		where = append(where, `o.deleted IS NOT NULL`)
	} else {
		where = append(where, `o.deleted IS NULL`)
	}
	if by.Class != "" {
		where, args = append(where, `o.class = ?`), append(args, string(by.Class))
	}
	if by.Some {
		some, more := by.some()
		where, args = append(where, some), append(args, more...)
	}
	if by.Has != "" {
		where = append(where, `(instr(lower(o.own), ?) OR instr(lower(coalesce(o.kept, '')), ?))`)
		args = append(args, by.Has, by.Has)
	}
	if by.Order == "" {
		where, args = append(where, `o.id > ?`), append(args, from.Number)
		return `SELECT ` + itemColumns + ` FROM object o WHERE ` + strings.Join(where, " AND ") + ` ORDER BY o.id LIMIT ` + strconv.Itoa(size), args
	}
	low := by.low()
	high := low + "\U0010FFFF"
	order := ``
	switch {
	case by.Desc:
		order = ` DESC`
		where = append(where, `c.key >= ?`, `(c.key, c.object) < (?, ?)`)
		if from.Key == "" {
			from.Key = high
		}
		args = append(args, low, from.Key, from.Number)
	default:
		where = append(where, `c.key < ?`, `(c.key, c.object) > (?, ?)`)
		if from.Key == "" {
			from = Position{Key: low, Number: -1}
		}
		args = append(args, high, from.Key, from.Number)
	}
	return `SELECT c.key, ` + itemColumns + ` FROM claim c CROSS JOIN object o ON o.id = c.object WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY c.key` + order + `, c.object` + order + ` LIMIT ` + strconv.Itoa(size), args
}

func (by By) low() string {
	if by.Order == ByName {
		return nameKey(by.Class, by.Prefix)
	}
	return string(by.Order) + canopy.Fold(by.Prefix)
}

// some is the condition that an object is one of those named.
func (by By) some() (string, []any) {
	var parts []string
	var args []any
	texts := func(n int, at func(int) string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = at(i)
		}
		return out
	}
	if len(by.IDs) > 0 {
		parts = append(parts, `SELECT id FROM object WHERE oid IN `+marks(len(by.IDs)))
		args = fill(args, texts(len(by.IDs), func(i int) string { return string(by.IDs[i]) }))
	}
	if len(by.Anchors) > 0 {
		parts = append(parts, `SELECT id FROM object WHERE anchor IN `+marks(len(by.Anchors)))
		args = fill(args, by.Anchors)
	}
	if len(by.Keys) > 0 {
		parts = append(parts, `SELECT object FROM claim WHERE key IN `+marks(len(by.Keys)))
		args = fill(args, texts(len(by.Keys), func(i int) string { return by.key(by.Keys[i]) }))
	}
	return `o.id IN (` + strings.Join(parts, ` UNION `) + `)`, args
}

func (by By) key(k Key) string {
	if k.Index == ByName {
		return nameKey(by.Class, k.Value)
	}
	return string(k.Index) + canopy.Fold(k.Value)
}

// leads tells whether an object comes under this key: the one that it is ordered by, or the first of several.
func (by By) leads(i *Item, key string) bool {
	switch by.Order {
	case ByUPN:
		return key == keyUPN+canopy.Fold(i.UPN())
	case ByAddress:
		low := by.low()
		var keys []string
		for _, c := range claimsOf(i.Class, i.Attrs, i.Cloud) {
			if strings.HasPrefix(c.key, low) {
				keys = append(keys, c.key)
			}
		}
		return len(keys) > 0 && (!by.Desc && slices.Min(keys) == key || by.Desc && slices.Max(keys) == key)
	case ByName, ByAlias, ByAccount, "":
	}
	return true
}
