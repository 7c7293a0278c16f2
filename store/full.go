package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// FullResult is what a complete full read did not show. Containers are named by their DN.
type FullResult struct {
	Seen    int // entries that the read showed, out of scope ones and containers not counted
	Missing int
	Before  int // entries before the read
	// MissingByContainer and BeforeByContainer have the containers of the missing entries.
	MissingByContainer map[string]int
	BeforeByContainer  map[string]int
}

// seenPart is how many entries share a row of seen.
const seenPart = 1 << 15

// seenBits tell which entries a full read showed, by part.
type seenBits map[int64][]byte

func (s seenBits) set(id int64) {
	part := s[id/seenPart]
	if len(part) < seenPart/8 {
		part = append(part, make([]byte, seenPart/8-len(part))...)
		s[id/seenPart] = part
	}
	part[id%seenPart/8] |= 1 << (id % 8)
}

func (s seenBits) has(id int64) bool {
	part := s[id/seenPart]
	return len(part) > 0 && part[id%seenPart/8]&(1<<(id%8)) != 0
}

func readSeen(ctx context.Context, t *db.Tx, conn int64) (seenBits, error) {
	bits := seenBits{}
	err := t.Each(ctx, func(r *sql.Rows) error {
		var part int64
		var b []byte
		err := r.Scan(&part, &b)
		bits[part] = b
		return err
	}, `SELECT part, bits FROM seen WHERE connector = $1`, conn)
	return bits, err
}

// begin looks at what the batch is a part of.
func (im *importing) begin(ctx context.Context) error {
	var one int64
	var err error
	if im.escrowed, err = im.t.One(ctx, []any{&one}, `SELECT connector FROM escrow WHERE connector = $1 LIMIT 1`, im.c.no); err != nil {
		return err
	}
	b := &im.req.Batch
	im.keep = len(b.Cursor) > 0
	if !im.req.Full {
		return nil
	}
	var run int64
	found, err := im.t.One(ctx, []any{&run}, `SELECT run FROM full_read WHERE connector = $1 AND done = FALSE`, im.c.no)
	if err != nil {
		return err
	}
	// The cursor of a part of a full read is kept only while nothing is lost when the rest is read as changes: in the
	// first load, as long as all that is there was read with the same scope.
	same := !im.cur.Complete && im.cur.ScopeHash == im.req.ScopeHash && len(im.cur.Bytes) > 0
	switch {
	case found && run == int64(im.req.Run) && b.Anew:
		same = false // what only the part before showed may be gone by now
		if _, err := im.t.Exec(ctx, `DELETE FROM seen WHERE connector = $1`, im.c.no); err != nil {
			return err
		}
	case !found || run != int64(im.req.Run):
		any, err := im.t.One(ctx, []any{&one}, `SELECT id FROM entry WHERE connector = $1 LIMIT 1`, im.c.no)
		if err != nil {
			return err
		}
		same = same || !any && !im.cur.Complete
		if _, err := im.t.Exec(ctx, `DELETE FROM seen WHERE connector = $1`, im.c.no); err != nil {
			return err
		}
		if _, err := im.t.Exec(ctx, `INSERT INTO full_read (connector, run, done, before, result) VALUES ($1, $2, FALSE, $3, NULL)
			ON CONFLICT (connector) DO UPDATE SET run = excluded.run, done = FALSE, before = excluded.before, result = NULL`,
			im.c.no, int64(im.req.Run), im.cur.Objects); err != nil {
			return err
		}
	}
	im.keep = im.keep && (b.Done || same)
	return nil
}

// finish keeps what a full read showed, and the cursor.
func (im *importing) finish(ctx context.Context) error {
	if im.req.Full {
		if err := im.keepSeen(ctx); err != nil {
			return err
		}
	}
	if im.req.Full && im.req.Batch.Done {
		if err := im.endFull(ctx); err != nil {
			return err
		}
	}
	b := &im.req.Batch
	bytes, scope := b.Cursor, im.req.ScopeHash
	if !im.keep {
		bytes, scope = im.cur.Bytes, im.cur.ScopeHash
		if im.req.Full && !im.cur.Complete {
			bytes, scope = nil, "" // what is there came with another scope: nothing can be read on from it
		}
	}
	complete := im.cur.Complete || b.Done && im.keep && (im.req.Full || im.cur.ScopeHash == im.req.ScopeHash && len(im.cur.Bytes) > 0)
	_, err := im.t.Exec(ctx, `INSERT INTO cursor (connector, bytes, scope, complete, at, objects) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (connector) DO UPDATE SET bytes = excluded.bytes, scope = excluded.scope, complete = excluded.complete, at = excluded.at`,
		im.c.no, bytes, scope, complete, im.t.now)
	return err
}

func (im *importing) keepSeen(ctx context.Context) error {
	bits := seenBits{}
	for _, w := range im.order {
		if w.seen && !w.gone {
			bits.set(w.id)
		}
	}
	w := im.t.writer("seen", db.Bulk{Table: "seen", Columns: []string{"connector", "part", "bits"}, Conflict: []string{"connector", "part"}, Update: []string{"bits"}})
	for part, b := range bits {
		var have []byte
		if _, err := im.t.One(ctx, []any{&have}, `SELECT bits FROM seen WHERE connector = $1 AND part = $2`, im.c.no, part); err != nil {
			return err
		}
		for i := range have {
			b[i] |= have[i]
		}
		if err := w.Add(ctx, im.c.no, part, b); err != nil {
			return err
		}
	}
	return w.Flush(ctx)
}

// endFull finds the entries that a full read did not show, and marks them as missing.
func (im *importing) endFull(ctx context.Context) error {
	bits, err := readSeen(ctx, im.t.Tx, im.c.no)
	if err != nil {
		return err
	}
	if err := im.t.flush(ctx); err != nil {
		return err
	}
	var unseen []int64
	err = im.t.Each(ctx, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		if !bits.has(id) {
			unseen = append(unseen, id)
		}
		return err
	}, `SELECT id FROM entry WHERE connector = $1 AND anchor > ''`, im.c.no)
	if err != nil {
		return err
	}
	res := FullResult{MissingByContainer: map[string]int{}, BeforeByContainer: map[string]int{}}
	if _, err := im.t.One(ctx, []any{&res.Before}, `SELECT before FROM full_read WHERE connector = $1`, im.c.no); err != nil {
		return err
	}
	parents := map[string]string{}
	for part := range slices.Chunk(unseen, 1000) {
		if err := im.missing(ctx, part, &res, parents); err != nil {
			return err
		}
	}
	if err := im.t.flush(ctx); err != nil {
		return err
	}
	for parent, name := range parents {
		var n int
		if _, err := im.t.One(ctx, []any{&n}, `SELECT count(*) FROM entry WHERE connector = $1 AND parent = $2 AND state IN (0, 2) AND class <> $3`,
			im.c.no, parent, string(canopy.Container)); err != nil {
			return err
		}
		res.BeforeByContainer[name] += n
	}
	res.Seen = im.cur.Objects + int(im.t.objects[im.c.no]) - res.Missing
	text, err := json.Marshal(res)
	if err != nil {
		return err
	}
	_, err = im.t.Exec(ctx, `UPDATE full_read SET done = TRUE, result = $1 WHERE connector = $2`, text, im.c.no)
	return err
}

// missing marks entries as missing and counts them.
func (im *importing) missing(ctx context.Context, ids []int64, res *FullResult, parents map[string]string) error {
	rows, err := im.t.heads(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.state == canopy.Gone && !r.gone && im.c.target() {
			if err := im.confirmGone(ctx, r); err != nil {
				return err
			}
		}
		if r.gone || r.state == canopy.Gone || r.state == canopy.OutOfScope {
			continue
		}
		if r.state != canopy.Missing {
			r.state = canopy.Missing
			im.t.touch(r)
			if err := im.t.logRow(ctx, LogRow{Run: im.req.Run, Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(r.meta), Connector: im.c.ID,
				Step: LogImport, Op: "missing", Text: r.dn}); err != nil {
				return err
			}
		}
		if r.class == string(canopy.Container) {
			continue
		}
		res.Missing++
		name := containerOf(r.dn)
		res.MissingByContainer[name]++
		parents[r.parent] = name
	}
	return nil
}

// confirmGone keeps that a full read did not show an object that was deleted by an export.
func (im *importing) confirmGone(ctx context.Context, r *entryRow) error {
	n, err := im.t.Exec(ctx, `DELETE FROM export WHERE entry = $1 AND state = 1`, r.id)
	if err != nil || n == 0 {
		return err
	}
	im.counts.Confirmed += int(n)
	if err := im.t.logRow(ctx, LogRow{Run: im.req.Run, Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(r.meta), Connector: im.c.ID, Step: LogConfirm,
		Op: "confirmed"}); err != nil || r.meta != 0 {
		return err
	}
	return im.t.drop(ctx, r)
}

// containerOf is the DN above a DN: what follows the first comma that is not escaped.
func containerOf(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[i+1:]
		}
	}
	return ""
}

// FinishFull tells what the full read that run has just ended did not show. Such entries are Missing, never Gone, until
// ResolveMissing or a later read tells more.
func (s *Store) FinishFull(ctx context.Context, id canopy.ConnectorID, run canopy.RunID) (FullResult, error) {
	c, err := s.conn(id)
	if err != nil {
		return FullResult{}, err
	}
	var text []byte
	err = s.read(ctx, func(t *db.Tx) error {
		_, err := t.One(ctx, []any{&text}, `SELECT result FROM full_read WHERE connector = $1 AND run = $2 AND done = TRUE`, c.no, int64(run))
		return err
	})
	if err == nil && text == nil {
		err = &canopy.Error{Kind: canopy.Conflict, Code: "read-unfinished", Object: string(id), Text: "its full read has not ended",
			Next: "run a full import again"}
	}
	var res FullResult
	if err == nil {
		err = json.Unmarshal(text, &res)
	}
	if err != nil {
		return FullResult{}, fmt.Errorf("finish the full read of %s: %w", id, err)
	}
	return res, nil
}

// Missing lists the missing entries of conn, and whether the entry's container was seen by the last full read. An entry
// without a container has always been in the place that was read.
func (s *Store) Missing(ctx context.Context, id canopy.ConnectorID, each func(e *canopy.Entry, containerSeen bool) error) error {
	c, err := s.conn(id)
	if err != nil {
		return err
	}
	var bits seenBits
	after := int64(0)
	for {
		var rows []*entryRow
		parents := map[string]int64{}
		err := s.read(ctx, func(t *db.Tx) error {
			if bits, err = readSeen(ctx, t, c.no); err != nil {
				return err
			}
			err := t.Each(ctx, func(r *sql.Rows) error {
				row, err := scanRow(r, true)
				rows = append(rows, row)
				return err
			}, `SELECT `+rowList+` FROM entry e WHERE e.connector = $1 AND e.state = 2 AND e.id > $2 ORDER BY e.id LIMIT 200`, c.no, after)
			if err != nil {
				return err
			}
			for _, r := range rows {
				var parent int64
				if _, err := t.One(ctx, []any{&parent}, `SELECT id FROM entry WHERE connector = $1 AND anchor = $2`, c.no, r.parent); err != nil {
					return err
				}
				parents[r.parent] = parent
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list missing entries of %s: %w", id, err)
		}
		for _, r := range rows {
			e, err := s.entry(r)
			if err != nil {
				return err
			}
			if err := each(e, r.parent == "" || bits.has(parents[r.parent])); err != nil {
				return err
			}
			after = r.id
		}
		if len(rows) == 0 {
			return nil
		}
	}
}

// ResolveMissing decides about missing entries: those gone are deleted in their directory, those that wait stay missing.
func (s *Store) ResolveMissing(ctx context.Context, id canopy.ConnectorID, gone, wait []canopy.EntryID) error {
	c, err := s.conn(id)
	if err != nil {
		return err
	}
	err = s.update(ctx, func(t *tx) error {
		rows, err := t.heads(ctx, ints(gone))
		if err != nil {
			return err
		}
		for _, r := range sorted(rows, ints(gone)) {
			if r.state != canopy.Missing || r.connector != c.no {
				continue // it was seen since
			}
			if err := t.lose(ctx, &c, r, "not shown by a full read and not found by its anchor"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("resolve missing entries of %s: %w", id, err)
	}
	return nil
}
