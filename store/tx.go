package store

import (
	"context"
	"database/sql"

	"github.com/canopy-sync/canopy/db"
)

// The nouns that are numbered, and other numbers that are kept beside them.
const (
	nounEntry   = "entry"
	nounMeta    = "meta"
	nounPlan    = "plan"
	nounExport  = "export"
	nounLog     = "log"
	nounRun     = "run"
	nounChoice  = "decision"
	nounMark    = "mark"    // see due.go
	nounIndexes = "indexes" // 1: they are there
)

// tx is a writing transaction: numbers, marks, log rows and bulk writers reach the tables at its end.
type tx struct {
	*db.Tx
	s       *Store
	now     int64
	numbers map[string]int64
	moved   map[string]bool
	objects map[int64]int64 // by connector: how many more present entries there are
	mark    int64           // of what becomes due in it, 0: not taken yet
	dueE    map[int64]int64
	dueM    map[int64]int64
	writers map[string]*db.Writer
	names   []string // of the writers, in the order of their making
	rows    map[int64]*entryRow
	dirty   []*entryRow
}

// update runs do in a writing transaction.
func (s *Store) update(ctx context.Context, do func(*tx) error) error {
	var made *tx
	err := s.db.Update(ctx, func(d *db.Tx) error {
		t := &tx{Tx: d, s: s, now: s.now(), numbers: map[string]int64{}, moved: map[string]bool{}, objects: map[int64]int64{},
			dueE: map[int64]int64{}, dueM: map[int64]int64{}, writers: map[string]*db.Writer{}, rows: map[int64]*entryRow{}}
		if err := do(t); err != nil {
			return err
		}
		made = t
		return t.finish(ctx)
	})
	if err == nil && made.numbers[nounIndexes] > 0 {
		s.indexed.Store(true)
	}
	return err
}

func (t *tx) finish(ctx context.Context) error {
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := t.writeDue(ctx); err != nil {
		return err
	}
	for conn, n := range t.objects {
		if n == 0 {
			continue
		}
		if err := t.countObjects(ctx, conn, n); err != nil {
			return err
		}
	}
	for noun := range t.moved {
		if _, err := t.Exec(ctx, `INSERT INTO counter (noun, last) VALUES ($1, $2) ON CONFLICT (noun) DO UPDATE SET last = excluded.last`, noun, t.numbers[noun]); err != nil {
			return err
		}
	}
	return nil
}

// last is the last number of a noun.
func (t *tx) last(ctx context.Context, noun string) (int64, error) {
	if n, ok := t.numbers[noun]; ok {
		return n, nil
	}
	var n int64
	if _, err := t.One(ctx, []any{&n}, `SELECT last FROM counter WHERE noun = $1`, noun); err != nil {
		return 0, err
	}
	t.numbers[noun] = n
	return n, nil
}

// take takes n numbers of a noun and gives the first.
func (t *tx) take(ctx context.Context, noun string, n int64) (int64, error) {
	last, err := t.last(ctx, noun)
	if err != nil {
		return 0, err
	}
	t.numbers[noun], t.moved[noun] = last+n, true
	return last + 1, nil
}

func (t *tx) next(ctx context.Context, noun string) (int64, error) { return t.take(ctx, noun, 1) }

// writer is the transaction's writer of one name; what it got is in the table after flush.
func (t *tx) writer(name string, b db.Bulk) *db.Writer {
	if t.writers[name] == nil {
		t.writers[name] = t.Writer(b)
		t.names = append(t.names, name)
	}
	return t.writers[name]
}

// flush lets all rows reach their tables; for before a query that has to see them.
func (t *tx) flush(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		if err := t.writeRows(ctx); err != nil {
			return err
		}
		names = t.names
	}
	for _, n := range names {
		if w := t.writers[n]; w != nil {
			if err := w.Flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// logRow writes a row of the provisioning log.
func (t *tx) logRow(ctx context.Context, r LogRow) error {
	changes, err := t.s.words.encodeChanges(t.s.logged(r.Connector, r.Changes), true)
	if err != nil {
		return err
	}
	return t.logPacked(ctx, r, changes)
}

// logPacked writes a row whose changes are in the form of the table already.
func (t *tx) logPacked(ctx context.Context, r LogRow, changes []byte) error {
	id, err := t.next(ctx, nounLog)
	if err != nil {
		return err
	}
	conn := int64(0)
	if c, err := t.s.conn(r.Connector); err == nil {
		conn = c.no
	}
	return t.writer("log", db.Bulk{Table: "log", Columns: []string{"id", "run", "at", "entry", "meta", "connector", "step", "op", "text", "code", "changes"}}).
		Add(ctx, id, int64(r.Run), t.now, int64(r.Entry), int64(r.Meta), conn, string(r.Step), r.Op, r.Text, r.Code, changes)
}

// ints turns numbers of any noun into plain ones.
func ints[T ~int64](ids []T) []int64 {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = int64(id)
	}
	return out
}

// pairs reads two numbers a row, by the first.
func (t *tx) pairs(ctx context.Context, query string, args ...any) (map[int64]int64, error) {
	out := map[int64]int64{}
	err := t.Each(ctx, func(r *sql.Rows) error {
		var a, b int64
		err := r.Scan(&a, &b)
		out[a] = b
		return err
	}, query, args...)
	return out, err
}
