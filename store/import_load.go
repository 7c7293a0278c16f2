package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// load finds the entries that the batch names.
func (im *importing) load(ctx context.Context) error {
	anchors := make([]string, 0, len(im.req.Batch.Changes))
	asked := make(map[canopy.Anchor]bool, len(im.req.Batch.Changes))
	for i := range im.req.Batch.Changes {
		if a := im.req.Batch.Changes[i].Anchor; a != "" && !asked[a] {
			asked[a] = true
			anchors = append(anchors, string(a))
		}
	}
	rows, err := im.t.byAnchor(ctx, im.c.no, anchors)
	for _, r := range rows {
		im.add(r)
	}
	return err
}

// byAnchor loads the entries of a connector by their anchors, without bodies.
func (t *tx) byAnchor(ctx context.Context, conn int64, anchors []string) ([]*entryRow, error) {
	if err := t.writeRows(ctx); err != nil {
		return nil, err
	}
	var out []*entryRow
	err := db.Chunks(2, anchors, func(args []any, list string) error {
		return t.Each(ctx, func(rows *sql.Rows) error {
			r, err := scanRow(rows, false)
			if err != nil {
				return err
			}
			if have := t.rows[r.id]; have != nil {
				r = have
			}
			t.rows[r.id] = r
			out = append(out, r)
			return nil
		}, `SELECT `+headList+` FROM entry e WHERE e.connector = $1 AND e.anchor IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return out, err
}

func (im *importing) add(r *entryRow) *work {
	w := &work{entryRow: r, oldDN: r.dn}
	im.works[canopy.Anchor(r.anchor)] = w
	im.order = append(im.order, w)
	return w
}

// wordsOf yields the names that changes bring.
func wordsOf(changes []canopy.Change) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range changes {
			for name := range attrNames(changes[i].Attrs) {
				if !yield(name) {
					return
				}
			}
			for name := range attrNames(changes[i].Links) {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// create gives an entry to every object that the batch shows for the first time. An object that links have named before
// gets the id that they know it by.
func (im *importing) create(ctx context.Context) error {
	var fresh []*canopy.Change
	var anchors, folded []string
	for i := range im.req.Batch.Changes {
		ch := &im.req.Batch.Changes[i]
		if ch.Failed != nil || ch.Kind != canopy.FullImage && ch.Kind != canopy.LeftScope || im.works[ch.Anchor] != nil || ch.Anchor == "" {
			continue
		}
		im.works[ch.Anchor] = &work{}
		fresh = append(fresh, ch)
		anchors = append(anchors, string(ch.Anchor))
		if ch.DN != "" {
			folded = append(folded, canopy.Fold(ch.DN))
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	stubs, err := im.t.stubs(ctx, im.c.no, anchors)
	if err != nil {
		return err
	}
	byDN, err := im.t.stubsByDN(ctx, im.c.no, folded)
	if err != nil {
		return err
	}
	known, err := im.t.identities(ctx, im.c.no, anchors)
	if err != nil {
		return err
	}
	for _, ch := range fresh {
		r := &entryRow{connector: im.c.no, anchor: string(ch.Anchor), known: known[string(ch.Anchor)], whole: true}
		if r.id, err = im.idFor(ctx, stubs[r.anchor], byDN[canopy.Fold(ch.DN)]); err != nil {
			return err
		}
		im.t.rows[r.id] = r
		im.add(r).fresh = true
	}
	return nil
}

// idFor gives the id of a new entry: that of its stub, or a new one.
func (im *importing) idFor(ctx context.Context, stub, byDN int64) (id int64, err error) {
	switch {
	case stub != 0:
		id = stub
	case byDN != 0:
		id = byDN
	default:
		return im.t.next(ctx, nounEntry)
	}
	if err := im.t.dropStub(ctx, id, id); err != nil {
		return 0, err
	}
	if byDN != 0 && byDN != id {
		err = im.t.dropStub(ctx, byDN, id)
	}
	return id, err
}

// identities are the source anchors that objects were given earlier, by anchor.
func (t *tx) identities(ctx context.Context, conn int64, anchors []string) (map[string]string, error) {
	known := map[string]string{}
	if err := t.flush(ctx, "identity"); err != nil {
		return nil, err
	}
	var one string
	if any, err := t.One(ctx, []any{&one}, `SELECT anchor FROM identity WHERE connector = $1 LIMIT 1`, conn); err != nil || !any {
		return known, err
	}
	err := db.Chunks(2, anchors, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var anchor, source string
			err := r.Scan(&anchor, &source)
			known[anchor] = source
			return err
		}, `SELECT anchor, source_anchor FROM identity WHERE connector = $1 AND anchor IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return known, err
}

// decode reads the bodies of the entries whose attributes change.
func (im *importing) decode(ctx context.Context) error {
	var rows []*entryRow
	var works []*work
	for i := range im.req.Batch.Changes {
		ch := &im.req.Batch.Changes[i]
		w := im.works[ch.Anchor]
		if ch.Failed != nil || w == nil || w.fresh || w.attrs != nil {
			continue
		}
		if ch.Kind == canopy.Delta && len(ch.Attrs) > 0 || ch.Kind == canopy.FullImage && !bytes.Equal(w.hash, im.prep[i].hash) {
			rows, works = append(rows, w.entryRow), append(works, w)
		}
	}
	if err := im.t.bodies(ctx, rows); err != nil {
		return err
	}
	for _, w := range works {
		if w.attrs != nil {
			continue
		}
		var err error
		if w.attrs, err = im.t.s.words.decodeAttrs(w.body); err != nil {
			return fmt.Errorf("entry %d: %w", w.id, err)
		}
		w.old = w.attrs
	}
	return nil
}

// wants are the claims of a meta. Those of the metas of all that changed are read together.
func (im *importing) wants(ctx context.Context, meta int64) ([]byte, error) {
	if im.wanted == nil {
		im.wanted = map[int64][]byte{}
		for _, w := range im.order {
			if w.meta != 0 && (w.changed || w.settled) {
				im.wanted[w.meta] = nil
			}
		}
		if err := im.loadWanted(ctx, slices.Sorted(maps.Keys(im.wanted))); err != nil {
			return nil, err
		}
	}
	if _, known := im.wanted[meta]; !known {
		im.wanted[meta] = nil
		if err := im.loadWanted(ctx, []int64{meta}); err != nil {
			return nil, err
		}
	}
	return im.wanted[meta], nil
}

func (im *importing) loadWanted(ctx context.Context, metas []int64) error {
	return db.Chunks(1, metas, func(args []any, list string) error {
		return im.t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var claims []byte
			err := r.Scan(&id, &claims)
			im.wanted[id] = claims
			return err
		}, `SELECT id, claims FROM meta WHERE id IN (`+list+`)`, args...)
	})
}
