package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// columns are what the table keeps of an entry.
func columns(r *entryRow) []any {
	return []any{r.anchor, r.sourceAnchor, r.class, r.dn, r.parent, r.state, r.meta, r.via, r.viaRule, r.viaOn, r.known, r.notKept, r.imported,
		r.links.encode(), r.keys, r.claims, r.hash, r.body}
}

// TestChangedColumnsAreWritten changes one column after the other, alone and together with the ones before, of entries
// that are loaded with and without their bodies.
func TestChangedColumnsAreWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changes := map[string]func(*entryRow){
		"anchor":        func(r *entryRow) { r.anchor += "x" },
		"source anchor": func(r *entryRow) { r.sourceAnchor += "x" },
		"class":         func(r *entryRow) { r.class += "x" },
		"dn":            func(r *entryRow) { r.dn += "x" },
		"parent":        func(r *entryRow) { r.parent += "x" },
		"state":         func(r *entryRow) { r.state = canopy.Missing },
		"meta":          func(r *entryRow) { r.meta += 7 },
		"join":          func(r *entryRow) { r.via, r.viaRule, r.viaOn = canopy.Matched, r.viaRule+"x", r.viaOn+"x" },
		"known":         func(r *entryRow) { r.known += "x" },
		"not kept":      func(r *entryRow) { r.notKept += "x" },
		"imported":      func(r *entryRow) { r.imported++ },
		"links":         func(r *entryRow) { r.links = linkSums{{attr: 1, count: 2, lo: 3, hi: 4}} },
		"keys":          func(r *entryRow) { r.keys = append(r.keys, 1) },
		"claims":        func(r *entryRow) { r.claims = append(r.claims, 1) },
		"hash":          func(r *entryRow) { r.hash = append(r.hash, 1) },
	}
	id := int64(0)
	w.ok(w.update(w.ctx, func(t *tx) (err error) {
		id, err = t.next(w.ctx, nounEntry)
		t.touch(&entryRow{id: id, connector: 1, anchor: "a", class: "user", body: []byte{1}, hash: []byte{2}, keys: []byte{0}, claims: []byte{0}, whole: true})
		return err
	}))
	for name, change := range changes {
		for _, body := range []bool{false, true} {
			var want []any
			w.ok(w.update(w.ctx, func(t *tx) error {
				r, err := t.head(w.ctx, id)
				if err != nil {
					return err
				}
				before := []*entryRow{{id: id}}
				if err := t.bodies(w.ctx, before); err != nil {
					return err
				}
				if body {
					r.body, r.whole = append(before[0].body, 1), true
				}
				change(r)
				t.touch(r)
				if err := t.writeRows(w.ctx); err != nil {
					return err
				}
				r.via, r.dn = canopy.Provisioned, r.dn+"y" // once more in the same transaction
				t.touch(r)
				if want = columns(r); !body {
					want[len(want)-1] = before[0].body
				}
				return nil
			}))
			rows := get(selectRowsOf(w, id))(w)
			if d := cmp.Diff(want, columns(rows)); d != "" {
				t.Errorf("%s, with body %v: the table has (-want +got):\n%s", name, body, d)
			}
		}
	}
	err := w.update(w.ctx, func(t *tx) error {
		t.touch(&entryRow{id: id + 1, connector: 1})
		return nil
	})
	if err == nil {
		t.Error("an entry without a body was stored")
	}
}

func selectRowsOf(w *world, id int64) (*entryRow, error) {
	t, err := w.db.Snapshot(w.ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	rows, err := w.loadRows(w.ctx, t, []int64{id})
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	return rows[0], nil
}
