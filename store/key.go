package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// A key's row is found by the hash of its value and of its name after the colon, so that "ask:mail", "offer:mail" and
// "meta:mail" of one value are found together. The owner's row keeps the hashes, so that its keys are found again without
// an index: the number of join keys, their hashes, those of the names that Find uses, and a hash of it all by which no
// change is seen at once.

func keyHash(k canopy.Key) int64 {
	name := k.Name
	if _, after, ok := strings.Cut(name, ":"); ok {
		name = after
	}
	return int64(xxh3.HashString(name + "\x00" + k.Value))
}

// findHash is the hash of a text that Find looks for.
func findHash(text string) int64 { return int64(xxh3.HashString("\x00\x00" + canopy.Fold(text))) }

// packKeys gives what the owner's row keeps of its keys.
func packKeys(keys []canopy.Key, finds []int64) []byte {
	if len(keys)+len(finds) == 0 {
		return nil
	}
	b := binary.AppendUvarint(make([]byte, 0, 16+8*(len(keys)+len(finds))), uint64(len(keys)))
	var whole xxh3.Hasher
	for _, k := range keys {
		b = binary.LittleEndian.AppendUint64(b, uint64(keyHash(k)))
		_, _ = whole.WriteString(k.Name + "\x00" + k.Value + "\x00")
	}
	for _, f := range finds {
		b = binary.LittleEndian.AppendUint64(b, uint64(f))
	}
	return binary.LittleEndian.AppendUint64(b, whole.Sum64())
}

// unpackKeys gives the hashes that a row keeps: those of join keys, and those of Find.
func unpackKeys(b []byte) (joins, finds []int64) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return nil, nil
	}
	b = b[size:]
	for i := uint64(0); len(b) >= 16; i++ {
		h := int64(binary.LittleEndian.Uint64(b))
		if b = b[8:]; i < n {
			joins = append(joins, h)
		} else {
			finds = append(finds, h)
		}
	}
	return joins, finds
}

// setKeys brings the rows of an owner's keys up to date and gives what its row is to keep, and the hashes of the join
// keys that it has no more.
func (t *tx) setKeys(ctx context.Context, owner int64, old []byte, keys []canopy.Key, finds []int64) (kept []byte, lost []int64, err error) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b canopy.Key) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
	keys = slices.Compact(keys)
	slices.Sort(finds)
	finds = slices.Compact(finds)
	kept = packKeys(keys, finds)
	if bytes.Equal(kept, old) {
		return kept, nil, nil
	}
	if err := t.dropKeys(ctx, owner, old); err != nil {
		return nil, nil, err
	}
	w := t.writer("key", db.Bulk{Table: "key", Columns: []string{"hash", "owner", "name", "value"},
		Sorted: t.s.indexed.Load()})
	now := map[int64]bool{}
	for _, k := range keys {
		h := keyHash(k)
		now[h] = true
		if err := w.Add(ctx, h, owner, k.Name, k.Value); err != nil {
			return nil, nil, err
		}
	}
	for _, f := range finds {
		if err := w.Add(ctx, f, owner, "", ""); err != nil {
			return nil, nil, err
		}
	}
	joins, _ := unpackKeys(old)
	for _, h := range joins {
		if !now[h] {
			lost = append(lost, h)
		}
	}
	return kept, lost, nil
}

// dropKeys removes the rows of an owner's keys.
func (t *tx) dropKeys(ctx context.Context, owner int64, old []byte) error {
	joins, finds := unpackKeys(old)
	if len(joins)+len(finds) == 0 {
		return nil
	}
	if err := t.index(ctx); err != nil {
		return err
	}
	if err := t.flush(ctx, "key"); err != nil {
		return err
	}
	return db.Chunks(2, append(joins, finds...), func(args []any, list string) error {
		_, err := t.Exec(ctx, `DELETE FROM key WHERE owner = $1 AND hash IN (`+list+`)`, append([]any{owner}, args...)...)
		return err
	})
}

// stir makes the unjoined entries due that have one of the hashes: what they were not joined for may have changed.
func (t *tx) stir(ctx context.Context, hashes []int64, mark int64) error {
	if len(hashes) == 0 {
		return nil
	}
	if err := t.index(ctx); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	conns := t.s.byNumber()
	return db.Chunks(1, hashes, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id, conn int64
			err := r.Scan(&id, &conn)
			if c := conns[conn]; !c.target() {
				t.entryDueAt(id, mark)
			}
			return err
		}, `SELECT e.id, e.connector FROM key k CROSS JOIN entry e WHERE k.hash IN (`+list+`) AND k.owner > 0 AND k.name <> ''
			AND e.id = k.owner AND e.meta = 0`, args...)
	})
}

// finds are the hashes under which Find finds an entry.
func (s *Store) finds(e *canopy.Entry) []int64 {
	texts := []string{e.DN, e.SourceAnchor}
	for _, name := range []canopy.Attr{canopy.AttrUPN, canopy.AttrMail, canopy.AttrAlias, canopy.AttrAddresses} {
		texts = append(texts, texted(e.Attrs[name])...)
	}
	for _, name := range s.opt.Search {
		texts = append(texts, texted(e.Attrs[name])...)
	}
	var out []int64
	for _, text := range texts {
		if text != "" {
			out = append(out, findHash(text))
		}
	}
	return out
}

// texted are the texts of values, addresses without "smtp:".
func texted(vs canopy.Values) []string {
	out := make([]string, 0, len(vs))
	for _, v := range vs {
		s := v.Str()
		if len(s) > 5 && strings.EqualFold(s[:5], "smtp:") {
			s = s[5:]
		}
		out = append(out, s)
	}
	return out
}
