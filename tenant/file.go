package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	"modernc.org/sqlite" // registers the driver, and names its errors
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/canopy-sync/canopy"
)

// step leads from one layout of the file to the next. One that was given out is never changed; a new one goes to the end.
type step struct {
	tables string
	then   func(*file, context.Context) error // nil: the tables are all
}

// steps begin with an empty file. A file's layout is the number of steps that it has taken.
var steps = []step{{tables: tables}, {doorTables, (*file).reindex}, {tables: exchangeLayout}, {tables: directoryTables},
	{licenceTables, (*file).licensedBefore}, {tables: moveTables}, {tables: provisionedTable}}

// tables make an empty tenant. seq numbers changes; an object's own is that of its last one, and born that of the one
// that made it or brought it back.
const tables = `
CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (one INTEGER PRIMARY KEY, seq BIGINT NOT NULL, id BIGINT NOT NULL, low BIGINT NOT NULL);
INSERT INTO counter VALUES (1, 0, 0, 0);
CREATE TABLE object (
	id       INTEGER PRIMARY KEY,
	oid      TEXT NOT NULL UNIQUE,
	class    TEXT NOT NULL,
	anchor   TEXT,              -- the source anchor
	synced   INTEGER NOT NULL,  -- 1: mastered by synchronisation
	label    TEXT NOT NULL,     -- for people
	own      BLOB NOT NULL,     -- what was synced; of a cloud-born object, what it holds
	kept     BLOB,              -- values from before a takeover that nothing synced has overwritten
	cloud    BLOB NOT NULL,     -- what the service computed
	roles    TEXT NOT NULL,
	licences TEXT NOT NULL,
	deleted  BIGINT,            -- when it was soft-deleted, microseconds
	born     BIGINT NOT NULL,
	seq      BIGINT NOT NULL);
CREATE UNIQUE INDEX object_anchor ON object (anchor) WHERE anchor IS NOT NULL;
CREATE INDEX object_seq ON object (seq) WHERE deleted IS NULL;
CREATE INDEX object_deleted ON object (deleted) WHERE deleted IS NOT NULL;
CREATE TABLE claim (key TEXT NOT NULL, object BIGINT NOT NULL, PRIMARY KEY (key, object)) WITHOUT ROWID;
CREATE TABLE link (
	owner  BIGINT NOT NULL,
	attr   TEXT NOT NULL,
	target BIGINT NOT NULL,
	state  INTEGER NOT NULL,  -- see linkState
	cloud  INTEGER NOT NULL,  -- 1: an administrator's, 0: synced
	seq    BIGINT NOT NULL,
	PRIMARY KEY (owner, attr, target)) WITHOUT ROWID;
CREATE INDEX link_changed ON link (owner, seq);
CREATE INDEX link_target ON link (target);
CREATE INDEX link_removed ON link (seq) WHERE state = 0;
CREATE TABLE gone (id INTEGER PRIMARY KEY, oid TEXT NOT NULL, seq BIGINT NOT NULL);
CREATE INDEX gone_seq ON gone (seq);
CREATE TABLE day (day INTEGER PRIMARY KEY, seq BIGINT NOT NULL);
`

// directoryTables hold the objects from which the service withholds a value that another one holds, and the groups whose
// first attempt at an address was refused.
const directoryTables = `
CREATE TABLE conflict (object INTEGER PRIMARY KEY);
CREATE TABLE attempt (anchor TEXT PRIMARY KEY) WITHOUT ROWID;
`

// file is the tenant's SQLite file: one connection that writes, with its prepared statements, and some that read.
type file struct {
	pool  *sql.DB
	write *sql.Conn
	read  *sql.DB
	stmts map[string]*sql.Stmt
	reads sync.Map // query: *sql.Stmt of the reading connections
	ran   int      // statements of the writing connection, for tests that count work
}

func openFile(ctx context.Context, path string, d Durability) (*file, error) {
	if d == "" {
		d = Durable
	}
	if d != Durable && d != Buffered && d != Volatile {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: string(d), Text: "there is no such durability",
			Next: `use "full", "normal" or "off"`}
	}
	dsn := func(more string) string {
		return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
			"?_pragma=busy_timeout(10000)&_pragma=cache_size(-8000)" + more
	}
	// SQLite by itself would let everybody read it; what it puts beside the file has the file's own mode.
	if made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		made.Close()
	}
	f := &file{stmts: map[string]*sql.Stmt{}}
	var err error
	// A page that many writes change goes from the log into the file once, when the log has 32 MiB: 8000 pages.
	if f.pool, err = sql.Open("sqlite", dsn("&_pragma=wal_autocheckpoint(8000)&_pragma=journal_size_limit(33554432)&_pragma=synchronous("+string(d)+")")); err != nil {
		return nil, err
	}
	if f.read, err = sql.Open("sqlite", dsn("&_pragma=query_only(1)")); err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.read.SetMaxOpenConns(4)
	if f.write, err = f.pool.Conn(ctx); err != nil {
		return nil, errors.Join(classify(err), f.close())
	}
	if _, err := f.write.ExecContext(ctx, `PRAGMA journal_mode = WAL`); err != nil {
		return nil, errors.Join(classify(err), f.close())
	}
	if err := f.migrate(ctx); err != nil {
		return nil, errors.Join(classify(err), f.close())
	}
	return f, nil
}

// migrate takes the steps that the file has not taken yet, and refuses a file of a newer version.
func (f *file) migrate(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	var version int
	err := f.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	if err == nil && version > len(steps) {
		err = &canopy.Error{Kind: canopy.Newer, Text: fmt.Sprintf("the file has layout %d, this version knows up to %d",
			version, len(steps)), Next: "use the version that wrote it, or a newer one"}
	}
	for at := version; at < len(steps) && err == nil; at++ {
		if _, err = f.write.ExecContext(ctx, steps[at].tables); err == nil && steps[at].then != nil {
			err = steps[at].then(f, ctx)
		}
		if err == nil {
			_, err = f.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, at+1))
		}
		if err != nil {
			err = fmt.Errorf("bring the file to layout %d: %w", at+1, err)
		}
	}
	return f.end(err)
}

func (f *file) begin(ctx context.Context) error {
	_, err := f.write.ExecContext(ctx, `BEGIN IMMEDIATE`)
	return err
}

// end commits, or rolls back when there was an error.
func (f *file) end(err error) error {
	if err == nil {
		if _, err = f.write.ExecContext(context.Background(), `COMMIT`); err == nil {
			return nil
		}
	}
	_, _ = f.write.ExecContext(context.Background(), `ROLLBACK`) // the first error counts
	return err
}

// stmt prepares a statement of the writing connection, once.
func (f *file) stmt(query string) (*sql.Stmt, error) {
	f.ran++
	if s := f.stmts[query]; s != nil {
		return s, nil
	}
	s, err := f.write.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	f.stmts[query] = s
	return s, nil
}

// querier reads from the file.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
}

// snapshot gives the file as it is now, until end is called. Queries do not end with the context; who makes many asks it.
func (f *file) snapshot(ctx context.Context) (q querier, end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	tx, err := f.read.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, classify(err)
	}
	return tx, func() { _ = tx.Rollback() }, nil // nothing was written
}

func (f *file) close() error {
	var errs []error
	for _, s := range f.stmts {
		errs = append(errs, s.Close())
	}
	if f.write != nil {
		errs = append(errs, f.write.Close())
	}
	if f.read != nil {
		errs = append(errs, f.read.Close())
	}
	if f.pool != nil {
		errs = append(errs, f.pool.Close())
	}
	return errors.Join(errs...)
}

// classify gives an error of the file its kind.
func classify(err error) error {
	var e *sqlite.Error
	if err == nil || canopy.KindOf(err) != canopy.Other || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlitelib.SQLITE_FULL:
		return &canopy.Error{Kind: canopy.Full, Text: "the disk of the tenant's file is full", Next: "make room; nothing is lost", Err: err}
	case sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED:
		return &canopy.Error{Kind: canopy.Conflict, Text: "another process is writing the tenant's file",
			Next: "wait for it, or stop it", Err: err}
	case sqlitelib.SQLITE_NOTADB, sqlitelib.SQLITE_CORRUPT:
		return &canopy.Error{Kind: canopy.Invalid, Text: "the file holds no readable tenant", Next: "restore it from a backup", Err: err}
	case sqlitelib.SQLITE_CANTOPEN, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_PERM:
		return &canopy.Error{Kind: canopy.Forbidden, Text: "the tenant's file cannot be opened for writing",
			Next: "check that its folder exists and may be written", Err: err}
	}
	return err
}
