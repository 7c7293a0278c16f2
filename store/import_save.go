package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// findEnds finds the entries and stubs that links name, and makes stubs for objects that were not read (yet).
func (im *importing) findEnds(ctx context.Context) error {
	var anchors, folded []string
	var refs []canopy.Ref
	want := func(list []canopy.Ref) {
		for _, ref := range list {
			if _, known := im.ends[ref]; known {
				continue
			}
			if w := im.works[ref.Anchor]; ref.Anchor != "" && w != nil && w.entryRow != nil {
				im.ends[ref] = linkEnd{w.id, ref}
				continue
			}
			im.ends[ref] = linkEnd{}
			refs = append(refs, ref)
			if ref.Anchor != "" {
				anchors = append(anchors, string(ref.Anchor))
			} else {
				folded = append(folded, canopy.Fold(ref.DN))
			}
		}
	}
	for i := range im.req.Batch.Changes {
		ch := &im.req.Batch.Changes[i]
		w := im.works[ch.Anchor]
		if ch.Failed != nil || w == nil || ch.Kind == canopy.FullImage && im.prep[i].exact && slices.Equal(im.prep[i].sums, w.links) {
			continue
		}
		for _, l := range ch.Links {
			want(l.Added)
			want(l.Removed)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	ids, err := im.t.idsOf(ctx, im.c.no, anchors)
	if err != nil {
		return err
	}
	byDN, err := im.byDN(ctx, folded)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		end := linkEnd{ids[string(ref.Anchor)], ref}
		if ref.Anchor == "" {
			end = byDN[canopy.Fold(ref.DN)]
		}
		if end.id == 0 {
			if end.id, err = im.t.next(ctx, nounEntry); err != nil {
				return err
			}
			end.ref = ref
			if err := im.t.putStub(ctx, end.id, im.c.no, ref); err != nil {
				return err
			}
			if ref.Anchor == "" {
				byDN[canopy.Fold(ref.DN)] = end
			} else {
				ids[string(ref.Anchor)] = end.id
			}
		}
		im.ends[ref] = end
	}
	return nil
}

// idsOf finds the ids of entries and stubs by anchor.
func (t *tx) idsOf(ctx context.Context, conn int64, anchors []string) (map[string]int64, error) {
	found, err := t.stubs(ctx, conn, anchors)
	if err != nil {
		return nil, err
	}
	if err := t.writeRows(ctx); err != nil {
		return nil, err
	}
	err = db.Chunks(2, anchors, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var anchor string
			err := r.Scan(&id, &anchor)
			found[anchor] = id
			return err
		}, `SELECT id, anchor FROM entry WHERE connector = $1 AND anchor IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return found, err
}

// byDN finds entries and stubs for links that name a DN only.
func (im *importing) byDN(ctx context.Context, folded []string) (map[string]linkEnd, error) {
	found := map[string]linkEnd{}
	if len(folded) == 0 {
		return found, nil
	}
	stubs, err := im.t.stubsByDN(ctx, im.c.no, folded)
	if err != nil {
		return nil, err
	}
	for dn, id := range stubs {
		found[dn] = linkEnd{id, canopy.Ref{DN: dn}}
	}
	if err := im.t.index(ctx); err != nil {
		return nil, err
	}
	if err := im.t.flush(ctx); err != nil {
		return nil, err
	}
	hashes := make([]int64, len(folded))
	for i, dn := range folded {
		hashes[i] = findHash(dn)
	}
	err = db.Chunks(2, hashes, func(args []any, list string) error {
		return im.t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var anchor, dn string
			err := r.Scan(&id, &anchor, &dn)
			if slices.Contains(folded, canopy.Fold(dn)) {
				found[canopy.Fold(dn)] = linkEnd{id, canopy.Ref{Anchor: canopy.Anchor(anchor), DN: dn}}
			}
			return err
		}, `SELECT e.id, e.anchor, e.dn FROM key k CROSS JOIN entry e WHERE e.connector = $1 AND k.hash IN (`+list+`) AND e.id = k.owner AND k.name = ''`,
			append([]any{im.c.no}, args...)...)
	})
	for _, w := range im.order { // not written yet
		if dn := canopy.Fold(w.dn); w.dn != "" && found[dn].id == 0 && slices.Contains(folded, dn) {
			found[dn] = linkEnd{w.id, canopy.Ref{Anchor: canopy.Anchor(w.anchor), DN: w.dn}}
		}
	}
	return found, err
}

func (im *importing) endsOf(refs []canopy.Ref) []linkEnd {
	out := make([]linkEnd, len(refs))
	for i, ref := range refs {
		out[i] = im.ends[ref]
	}
	return out
}

// save derives keys and claims of what changed, logs it, and lets it reach the tables.
func (im *importing) save(ctx context.Context) error {
	for _, w := range im.order {
		if !w.changed && !w.settled {
			continue
		}
		if err := im.log(ctx, w); err != nil {
			return err
		}
		if w.due || w.changed && im.differs(w) {
			if err := im.t.entryDue(ctx, w.entryRow, im.c.target()); err != nil {
				return err
			}
		}
		if w.state == canopy.Gone && w.meta == 0 {
			joins, _ := unpackKeys(w.keys)
			im.lost = append(im.lost, joins...)
			for h := range unpackClaims(w.claims) {
				im.freed = append(im.freed, h)
			}
			if err := im.t.drop(ctx, w.entryRow); err != nil {
				return err
			}
			continue
		}
		if err := im.derive(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", w.dn, err)
		}
		im.t.touch(w.entryRow)
		if w.class == string(canopy.Container) && w.oldDN != "" && w.oldDN != w.dn && w.state == canopy.Present {
			im.moved = append(im.moved, w)
		}
	}
	return im.t.flush(ctx)
}

// differs tells whether an attribute that plans compare is another than the one that was stored.
func (im *importing) differs(w *work) bool {
	if im.req.Written == nil {
		return true
	}
	for name := range im.req.Written {
		if !w.old[name].Equal(w.attrs[name]) && !(isFalse(name, w.old) && isFalse(name, w.attrs)) {
			return true
		}
	}
	return false
}

// isFalse tells whether an attribute that says who has the say does not say it.
func isFalse(name canopy.Attr, attrs canopy.Attrs) bool {
	says := name == canopy.AttrCloudManaged || name == canopy.AttrExchangeManaged || name == canopy.AttrCloudMastered
	return says && !isTrue(name, attrs)
}

func isTrue(name canopy.Attr, attrs canopy.Attrs) bool {
	v, ok := attrs.First(name)
	return ok && v.True()
}

// derive brings an entry's keys and claims up to date.
func (im *importing) derive(ctx context.Context, w *work) error {
	if w.attrs == nil {
		if err := im.t.bodies(ctx, []*entryRow{w.entryRow}); err != nil {
			return err
		}
		var err error
		if w.attrs, err = im.t.s.words.decodeAttrs(w.body); err != nil {
			return err
		}
	}
	e, err := im.t.s.entryWith(w.entryRow, w.attrs)
	if err != nil {
		return err
	}
	if err := im.authority(ctx, w); err != nil {
		return err
	}
	var keys []canopy.Key
	var claims []canopy.Claim
	if w.state != canopy.OutOfScope && w.state != canopy.Gone && w.class != string(canopy.Container) {
		keys, claims = im.req.Derive(e)
	}
	var lost, freed, won []int64
	if w.keys, lost, err = im.t.setKeys(ctx, w.id, w.keys, keys, im.t.s.finds(e)); err != nil {
		return err
	}
	im.lost = append(im.lost, lost...)
	if w.claims, freed, won, err = im.t.setClaims(ctx, w.id, w.claims, heldClaims(claims)); err != nil {
		return err
	}
	if w.meta != 0 && len(won) > 0 { // what its meta wants is no news to others
		own, err := im.wants(ctx, w.meta)
		if err != nil {
			return err
		}
		wanted := unpackClaims(own)
		won = slices.DeleteFunc(won, func(h int64) bool { return wanted[h] })
	}
	im.freed, im.won = append(im.freed, freed...), append(im.won, won...)
	if w.meta == 0 && im.c.target() && !w.old[canopy.AttrUnmatched].Equal(w.attrs[canopy.AttrUnmatched]) {
		for h := range unpackClaims(w.claims) {
			im.freed = append(im.freed, h) // who waits for its values may take it over now
		}
	}
	return nil
}

// follow lets the DNs below a container that was moved or renamed follow it. A directory tells of the container alone.
func (im *importing) follow(ctx context.Context) error {
	for len(im.moved) > 0 {
		c := im.moved[0]
		im.moved = im.moved[1:]
		if err := im.t.index(ctx); err != nil {
			return err
		}
		var rows []*entryRow
		err := im.t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			rows = append(rows, &entryRow{id: id})
			return err
		}, `SELECT id FROM entry WHERE connector = $1 AND parent = $2`, im.c.no, c.anchor)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(rows, 500) {
			if err := im.followPart(ctx, c, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importing) followPart(ctx context.Context, c *work, part []*entryRow) error {
	ids := make([]int64, len(part))
	for i, r := range part {
		ids[i] = r.id
	}
	rows, err := im.t.heads(ctx, ids)
	if err != nil {
		return err
	}
	if err := im.t.bodies(ctx, rows); err != nil {
		return err
	}
	if err := im.tellRows(ctx, rows); err != nil {
		return err
	}
	for _, r := range sorted(rows, ids) {
		rdn, below := cutSuffixFold(r.dn, ","+c.oldDN)
		if !below || r.gone {
			continue // it was read with its new DN
		}
		w := &work{entryRow: r, oldDN: r.dn, changed: true, op: "move"}
		r.dn = rdn + "," + c.dn
		if err := im.meets(ctx, w, w.oldDN); err != nil {
			return err
		}
		if err := im.log(ctx, w); err != nil {
			return err
		}
		if err := im.derive(ctx, w); err != nil {
			return err
		}
		im.t.touch(r)
		if err := im.t.entryDue(ctx, r, im.c.target()); err != nil {
			return err
		}
		if r.class == string(canopy.Container) {
			im.moved = append(im.moved, w)
		}
	}
	return im.t.flush(ctx)
}

// cutSuffixFold is strings.CutSuffix for DNs, whose case does not count.
func cutSuffixFold(s, suffix string) (before string, found bool) {
	if len(s) < len(suffix) || !strings.EqualFold(s[len(s)-len(suffix):], suffix) {
		return s, false
	}
	return s[:len(s)-len(suffix)], true
}

// mark makes due what other entries' keys and claims depended on.
func (im *importing) mark(ctx context.Context) error {
	if len(im.lost)+len(im.freed)+len(im.won) == 0 {
		return nil
	}
	if im.c.target() && len(im.freed)+len(im.won) > 0 {
		var one int64
		if any, err := im.t.One(ctx, []any{&one}, `SELECT id FROM meta LIMIT 1`); err != nil {
			return err
		} else if !any {
			im.freed, im.won = nil, nil // nobody wants anything yet
		}
	}
	mark, err := im.t.dueMark(ctx)
	if err != nil {
		return err
	}
	if err := im.t.stir(ctx, im.lost, mark); err != nil {
		return err
	}
	if err := im.t.contest(ctx, im.freed, 0, true, mark); err != nil {
		return err
	}
	return im.t.contest(ctx, im.won, 0, false, mark)
}
