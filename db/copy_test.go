package db

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// TestCopyTo: a copy holds what was there, is for its owner's eyes only, and the database goes on without it.
func TestCopyTo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	d, err := Open(ctx, filepath.Join(dir, "a.db"), Options{Migrations: fstest.MapFS{"0001-t.sql": {Data: []byte("CREATE TABLE t (n BIGINT);")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write := func(q string) {
		t.Helper()
		if err := d.Update(ctx, func(x *Tx) error { _, err := x.Exec(ctx, q); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(`INSERT INTO t (n) VALUES (1)`)
	path := filepath.Join(dir, "b.db")
	if err := d.CopyTo(ctx, path); err != nil {
		t.Fatal(err)
	}
	write(`INSERT INTO t (n) VALUES (2)`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v; want mode 0600", info, err)
	}
	for file, want := range map[string]int{path: 1, filepath.Join(dir, "a.db"): 2} {
		c, err := Open(ctx, file, Options{ReadOnly: true, Migrations: fstest.MapFS{"0001-t.sql": {Data: []byte("CREATE TABLE t (n BIGINT);")}}})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := c.Read(ctx, func(x *Tx) error { _, err := x.One(ctx, []any{&n}, `SELECT count(*) FROM t`); return err }); err != nil || n != want {
			t.Errorf("%s has %d rows (%v), want %d", filepath.Base(file), n, err, want)
		}
		c.Close()
	}
	if err := d.CopyTo(ctx, path); err == nil {
		t.Error("a file that is there already was overwritten")
	}
}
