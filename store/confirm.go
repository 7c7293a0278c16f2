package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// sentRow is an export that was answered "done" and that no import has shown yet.
type sentRow struct {
	id   int64
	op   canopy.Op
	body []byte
}

// confirm compares what a target is seen to hold with what was sent to it and answered "done". What it does not hold is
// counted, and its metas become due.
func (im *importing) confirm(ctx context.Context) error {
	if !im.c.target() {
		return nil
	}
	var one int64
	if any, err := im.t.One(ctx, []any{&one}, `SELECT id FROM export WHERE connector = $1 AND state = 1 LIMIT 1`, im.c.no); err != nil || !any {
		return err
	}
	ids := make([]int64, 0, len(im.order))
	for _, w := range im.order {
		if w.begun {
			ids = append(ids, w.id)
		}
	}
	sent := map[int64][]sentRow{}
	err := db.Chunks(1, ids, func(args []any, list string) error {
		return im.t.Each(ctx, func(r *sql.Rows) error {
			var entry int64
			var x sentRow
			err := r.Scan(&x.id, &entry, &x.op, &x.body)
			sent[entry] = append(sent[entry], x)
			return err
		}, `SELECT id, entry, op, body FROM export WHERE entry IN (`+list+`) AND state = 1 ORDER BY id`, args...)
	})
	if err != nil {
		return err
	}
	var done []int64
	for _, w := range im.order {
		rows := sent[w.id]
		if len(rows) == 0 || !w.begun {
			continue
		}
		if err := im.confirmOne(ctx, w, rows); err != nil {
			return fmt.Errorf("confirm entry %d: %w", w.id, err)
		}
		for _, x := range rows {
			done = append(done, x.id)
		}
		im.counts.Confirmed += len(rows)
	}
	return db.Chunks(1, done, func(args []any, list string) error {
		_, err := im.t.Exec(ctx, `DELETE FROM export WHERE id IN (`+list+`)`, args...)
		return err
	})
}

// confirmOne compares one entry.
func (im *importing) confirmOne(ctx context.Context, w *work, rows []sentRow) error {
	log := LogRow{Run: im.req.Run, Entry: canopy.EntryID(w.id), Meta: canopy.MetaID(w.meta), Connector: im.c.ID, Step: LogConfirm, Op: "confirmed"}
	deleted := rows[len(rows)-1].op == canopy.Delete
	w.settled = true
	if w.state == canopy.Gone || deleted {
		if deleted && w.state != canopy.Gone {
			im.counts.NotKept++
			im.t.touch(w.entryRow)
			w.changed, w.due = true, true
			log.Op, log.Text = "not kept", "the target answered \"done\" to the delete and still has the object"
		}
		return im.t.logRow(ctx, log)
	}
	counts, err := w.notKeptCounts()
	if err != nil {
		return err
	}
	// An entry whose attributes are those that were stored holds what was sent: that was stored with the answer.
	if w.attrs == nil && len(counts) == 0 {
		w.kept = &log
		return nil
	}
	if w.attrs == nil {
		if err := im.t.bodies(ctx, []*entryRow{w.entryRow}); err != nil {
			return err
		}
		if w.attrs, err = im.t.s.words.decodeAttrs(w.body); err != nil {
			return err
		}
		w.old = w.attrs
	}
	expected, err := im.expected(rows)
	if err != nil {
		return err
	}
	if counts == nil {
		counts = map[canopy.Attr]int{}
	}
	var lost []string
	for _, name := range expected.Names() {
		if w.attrs[name].Equal(expected[name]) {
			delete(counts, name)
			continue
		}
		counts[name]++
		lost = append(lost, string(name))
		log.Changes = append(log.Changes, canopy.AttrChange{Attr: name, Old: expected[name], New: w.attrs[name]})
	}
	before := w.notKept
	if err := w.setNotKept(counts); err != nil {
		return err
	}
	if before != w.notKept {
		im.t.touch(w.entryRow)
	}
	if len(lost) > 0 {
		im.counts.NotKept += len(lost)
		w.changed, w.due = true, true
		log.Op, log.Text = "not kept", "the target answered \"done\" and holds other values: "+strings.Join(lost, ", ")
		return im.t.logRow(ctx, log)
	}
	w.kept = &log
	return nil
}

// expected is what a target holds if it has kept all that was sent; a cleared attribute is there without values.
func (im *importing) expected(rows []sentRow) (canopy.Attrs, error) {
	want := canopy.Attrs{}
	for _, x := range rows {
		e, err := im.t.s.words.decodeExport(x.body)
		if err != nil {
			return nil, err
		}
		for name, v := range e.Set {
			want[name] = v
		}
		for _, name := range e.Clear {
			want[name] = nil
		}
	}
	return want, nil
}
