package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/canopy-sync/canopy"
)

var first = fstest.MapFS{"0001-first.sql": {Data: []byte(`
-- a comment
CREATE TABLE pet (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  legs BIGINT NOT NULL
);
CREATE TABLE trait (pet BIGINT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (pet, name)) /*sqlite WITHOUT ROWID */;
`)}}

func and(m fstest.MapFS, name, text string) fstest.MapFS {
	all := fstest.MapFS{name: {Data: []byte(text)}}
	for k, v := range m {
		all[k] = v
	}
	return all
}

func open(t *testing.T, path string, o Options) *DB {
	t.Helper()
	if o.Migrations == nil {
		o.Migrations = first
	}
	d, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func put(d *DB, names ...string) error {
	ctx := context.Background()
	return d.Update(ctx, func(t *Tx) error {
		w := t.Writer(Bulk{Table: "pet", Columns: []string{"id", "name", "legs"}, Conflict: []string{"id"}, Update: []string{"name"}, Set: "legs = pet.legs + excluded.legs"})
		for i, n := range names {
			if err := w.Add(ctx, int64(i), n, int64(4)); err != nil {
				return err
			}
		}
		return w.Flush(ctx)
	})
}

func names(t *testing.T, d *DB) (all []string, legs int) {
	t.Helper()
	ctx := context.Background()
	err := d.Read(ctx, func(x *Tx) error {
		return x.Each(ctx, func(r *sql.Rows) error {
			var n string
			var l int
			err := r.Scan(&n, &l)
			all, legs = append(all, n), legs+l
			return err
		}, `SELECT name, legs FROM pet ORDER BY id`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, legs
}

func TestWriterUpserts(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "odd name %41?#.db"), Options{})
	many := make([]string, 47)
	for i := range many {
		many[i] = strings.Repeat("x", i)
	}
	for range 2 {
		if err := put(d, many...); err != nil {
			t.Fatal(err)
		}
	}
	got, legs := names(t, d)
	if len(got) != 47 || got[46] != many[46] || legs != 47*8 {
		t.Errorf("got %d rows with %d legs, want 47 with %d", len(got), legs, 47*8)
	}
	if _, err := os.Stat(d.Path()); err != nil {
		t.Errorf("the file is not where it was asked for: %v", err)
	}
}

func TestSortedWriter(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := open(t, filepath.Join(t.TempDir(), "a.db"), Options{Volatile: true})
	const rows = sortedRows + 3*batchRows + 7
	key := func(i int) int64 { return int64(i*7919%rows) - rows/2 }
	err := d.Update(ctx, func(x *Tx) error {
		if _, err := x.Exec(ctx, `CREATE TABLE leaf (hash BIGINT NOT NULL, name TEXT NOT NULL)`); err != nil {
			return err
		}
		w := x.Writer(Bulk{Table: "leaf", Columns: []string{"hash", "name"}, Sorted: true})
		for i := range rows {
			if err := w.Add(ctx, key(i), strconv.FormatInt(key(i), 10)); err != nil {
				return err
			}
		}
		return w.Flush(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, falls, last := map[int64]bool{}, 0, int64(-rows)
	err = d.Read(ctx, func(x *Tx) error {
		return x.Each(ctx, func(r *sql.Rows) error {
			var hash int64
			var name string
			err := r.Scan(&hash, &name)
			if name != strconv.FormatInt(hash, 10) {
				t.Errorf("row %d has the name of %s", hash, name)
			}
			if hash < last {
				falls++
			}
			seen[hash], last = true, hash
			return err
		}, `SELECT hash, name FROM leaf ORDER BY rowid`)
	})
	if err != nil || len(seen) != rows || falls != 1 {
		t.Errorf("got %d rows in %d ascending parts (%v), want %d in 2", len(seen), falls+1, err, rows)
	}
}

func TestUpdateIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	mine := errors.New("mine")
	ctx := context.Background()
	err := d.Update(ctx, func(x *Tx) error {
		if _, err := x.Exec(ctx, `INSERT INTO pet (id, name, legs) VALUES ($1, $2, $3)`, 1, "cat", 4); err != nil {
			return err
		}
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got, _ := names(t, d); len(got) != 0 {
		t.Errorf("rows were kept: %v", got)
	}
	if err := put(d, "dog"); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotStands(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	ctx := context.Background()
	old, err := d.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := put(d, "dog", "cat"); err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := old.One(ctx, []any{&n}, `SELECT count(*) FROM pet`); err != nil || n != 0 {
		t.Errorf("got %d, %v in the snapshot made before the write, want 0", n, err)
	}
	if _, err := old.Exec(ctx, `INSERT INTO pet (id, name, legs) VALUES (9, 'x', 1)`); err == nil {
		t.Error("a snapshot could be written to")
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := names(t, d); len(got) != 2 {
		t.Errorf("got %v, want both", got)
	}
}

func TestWritersQueueUp(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := put(d, "dog"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, legs := names(t, d); legs != 160 {
		t.Errorf("got %d legs, want 160", legs)
	}
}

func TestNewerStoreIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	second := and(first, "0002-second.sql", `ALTER TABLE pet ADD COLUMN age BIGINT NOT NULL DEFAULT 0;`)
	d := open(t, path, Options{Migrations: second})
	if err := put(d, "dog"); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		_, err := Open(context.Background(), path, Options{Migrations: first, ReadOnly: readOnly})
		if canopy.KindOf(err) != canopy.Newer || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "up to 1") {
			t.Errorf("got %v, want an error of kind newer that names both versions", err)
		}
	}
	changed := fstest.MapFS{"0001-first.sql": {Data: []byte(`CREATE TABLE pet (id BIGINT PRIMARY KEY);`)}, "0002-second.sql": second["0002-second.sql"]}
	if _, err := Open(context.Background(), path, Options{Migrations: changed}); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("got %v, want an error about the changed migration", err)
	}
}

func TestOlderStoreMovesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	d := open(t, path, Options{})
	if err := put(d, "dog"); err != nil {
		t.Fatal(err)
	}
	second := and(first, "0002-second.sql", `ALTER TABLE pet ADD COLUMN age BIGINT NOT NULL DEFAULT 7;`)
	if _, err := Open(context.Background(), path, Options{Migrations: second, ReadOnly: true}); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("got %v, want a reader to be told that the store is older", err)
	}
	e := open(t, path, Options{Migrations: second})
	var age int
	err := e.Read(context.Background(), func(x *Tx) error {
		_, err := x.One(context.Background(), []any{&age}, `SELECT age FROM pet`)
		return err
	})
	if err != nil || age != 7 {
		t.Errorf("got age %d, %v, want 7", age, err)
	}
}

func TestMigrationNames(t *testing.T) {
	t.Parallel()
	for _, files := range []fs.FS{fstest.MapFS{"first.sql": {}}, fstest.MapFS{"0002-second.sql": {}}, and(first, "0003-third.sql", "")} {
		if _, err := Open(context.Background(), filepath.Join(t.TempDir(), "a.db"), Options{Migrations: files}); err == nil {
			t.Error("wrong names were taken")
		}
	}
}

// TestEveryStatementMayFail fails each statement in turn; what was kept before stays, and trying again succeeds.
func TestEveryStatementMayFail(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		path := filepath.Join(t.TempDir(), "a.db")
		ctx := context.Background()
		d, err := Open(ctx, path, Options{Migrations: first, Fail: FailAfter(n)})
		if err == nil {
			err = put(d, "dog", "cat")
			if e := d.Close(); e != nil {
				t.Fatal(e)
			}
		}
		if err != nil && !errors.Is(err, ErrFailed) {
			t.Fatalf("statement %d: got %v, want the hook's error", n, err)
		}
		e := open(t, path, Options{})
		if got, _ := names(t, e); len(got) != 0 && err != nil {
			t.Errorf("statement %d: half a transaction was kept: %v", n, got)
		}
		if err := put(e, "dog", "cat"); err != nil {
			t.Errorf("statement %d: trying again: %v", n, err)
		}
		if err == nil {
			return
		}
	}
}

// TestPagesWaitInTheLog writes the same few pages until the log has twice what SQLite lets gather by itself: the file has
// none of it yet, and all of it when it is closed.
func TestPagesWaitInTheLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	d, err := Open(context.Background(), path, Options{Migrations: first})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := put(d, slices.Repeat([]string{strings.Repeat(string('a'+rune(i%26)), pageBytes)}, 50)...); err != nil {
			t.Fatal(err)
		}
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if after.Size() != before.Size() || log.Size() < 2000*pageBytes {
		t.Errorf("the file grew from %d to %d beside a log of %d, want no growth yet", before.Size(), after.Size(), log.Size())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got, legs := names(t, open(t, path, Options{})); len(got) != 50 || legs != 40*50*4 {
		t.Errorf("got %d rows with %d legs after closing, want 50 with %d", len(got), legs, 40*50*4)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	s := <-d.turn
	_, err := s.conn.ExecContext(context.Background(), "PRAGMA max_page_count = 12")
	d.turn <- s
	if err != nil {
		t.Fatal(err)
	}
	if err := put(d, "dog"); err != nil {
		t.Fatal(err)
	}
	big := make([]string, 100)
	for i := range big {
		big[i] = strings.Repeat("x", 8000)
	}
	err = put(d, big...)
	var e *canopy.Error
	if !errors.As(err, &e) || e.Kind != canopy.Full || e.Object != d.Path() || e.Next == "" {
		t.Fatalf("got %v, want an error of kind full that names the file and what to do", err)
	}
	if got, _ := names(t, d); len(got) != 1 || got[0] != "dog" {
		t.Errorf("got %v, want what was kept before", got)
	}
}

func TestWhatIsNoStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, x := range []struct {
		path string
		o    Options
		want canopy.ErrorKind
	}{
		{text, Options{}, canopy.Invalid},
		{text, Options{ReadOnly: true}, canopy.Invalid},
		{filepath.Join(dir, "none.db"), Options{ReadOnly: true}, canopy.NotFound},
		{filepath.Join(dir, "no", "folder.db"), Options{}, canopy.Forbidden},
	} {
		x.o.Migrations = first
		if _, err := Open(ctx, x.path, x.o); canopy.KindOf(err) != x.want {
			t.Errorf("%s: got %v, want kind %v", x.path, err, x.want)
		}
	}
}

func TestReaderDoesNotWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	open(t, path, Options{})
	d := open(t, path, Options{ReadOnly: true})
	if err := put(d, "dog"); canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("got %v, want an error of kind unsupported", err)
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a = $1 AND b = $2":              "a = ? AND b = ?",
		"a = $1 AND b = $1":              "a = $1 AND b = $1",
		"a = $2 AND b = $1":              "a = $2 AND b = $1",
		"a = $1 AND b IN ($2, $3) OR $1": "a = $1 AND b IN ($2, $3) OR $1",
		"a = $12":                        "a = $12",
		"nothing":                        "nothing",
		"$1$2$3$4$5$6$7$8$9$10":          "??????????",
	} {
		if got := positional(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	values := make([]int, 423)
	for i := range values {
		values[i] = i
	}
	seen := map[any]bool{}
	var sizes []int
	err := Chunks(3, values, func(args []any, list string) error {
		sizes = append(sizes, len(args))
		if !strings.HasPrefix(list, "$3, $4") || strings.Count(list, "$") != len(args) {
			t.Errorf("got list %s for %d values", list, len(args))
		}
		for _, a := range args {
			seen[a] = true
		}
		return nil
	})
	if err != nil || len(seen) != 423 || len(sizes) != 3 {
		t.Errorf("got %d values in lists of %v, %v", len(seen), sizes, err)
	}
}
