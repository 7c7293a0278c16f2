package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/canopy-sync/canopy"
)

// Options shape a DB.
type Options struct {
	// Migrations has the files NNNN-name.sql; see migrate.go for their form.
	Migrations fs.FS
	CacheMiB   int // of the writing connection, 0: 32; a reading connection has a quarter
	// ReadOnly opens beside a process that writes; Update is an error of kind Unsupported.
	ReadOnly bool
	// Fail is asked before each statement of a writing transaction, BEGIN and COMMIT included, and before each
	// migration; its error is the statement's. For tests; it may be called from several goroutines.
	Fail func(statement string) error
	// Volatile does not wait for the disk: a machine that stops may leave a damaged file. For tests.
	Volatile bool
	// Now dates migrations, in microseconds; nil leaves them undated.
	Now func() int64
}

// A page that many transactions change is carried from the log into the file once, when the log has walBytes, instead of
// once for each few megabytes of it.
const (
	pageBytes = 8192
	walBytes  = 64 << 20
)

// readers is how many snapshots there can be at once; a further one waits.
const readers = 8

// DB is an open database. It may be used from several goroutines: writes queue up in the order of their coming, reads
// go on beside them.
type DB struct {
	path  string
	opt   Options
	write *sql.DB
	read  *sql.DB
	turn  chan *session // the one writing connection; whoever took it writes
	ready bool          // turn has a session, or somebody has taken it
}

// Open opens the SQLite file at path, makes it when it is not there, and runs the migrations that it lacks.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if o.CacheMiB == 0 {
		o.CacheMiB = 32
	}
	d := &DB{path: path, opt: o, turn: make(chan *session, 1)}
	if o.ReadOnly {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, &canopy.Error{Kind: canopy.NotFound, Code: "store-missing", Object: path, Text: "there is no store yet",
				Next: "run: canopy run, or canopy lab"}
		}
	}
	if !o.ReadOnly {
		touch(path)
	}
	var err error
	if d.read, err = sql.Open("sqlite", d.dsn(o.CacheMiB/4, "&_pragma=query_only(1)")); err != nil {
		return nil, d.fault("open", err)
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(2)
	if o.ReadOnly {
		err = d.checkVersion(ctx)
	} else {
		err = d.openWriter(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// touch makes the file for its owner's eyes only, as SQLite by itself would not; what SQLite puts beside it has the
// file's own mode. One that is there stays as it is. Where it cannot be made, opening says so.
func touch(path string) {
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		f.Close()
	}
}

// dsn is the driver's name for the file. It sets nothing that has to be set once only.
func (d *DB) dsn(cacheMiB int, more string) string {
	u := url.URL{Path: d.path}
	wait := "NORMAL"
	if d.opt.Volatile {
		wait = "OFF"
	}
	return "file:" + u.EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)&_pragma=synchronous(" + wait + ")" +
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-" + strconv.Itoa(max(2, cacheMiB)*1024) + ")" + more
}

func (d *DB) openWriter(ctx context.Context) error {
	var err error
	more := fmt.Sprintf("&_txlock=immediate&_pragma=journal_size_limit(%d)&_pragma=wal_autocheckpoint(%d)", walBytes, walBytes/pageBytes)
	if d.write, err = sql.Open("sqlite", d.dsn(d.opt.CacheMiB, more)); err != nil {
		return d.fault("open", err)
	}
	d.write.SetMaxOpenConns(1)
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return d.fault("open", err)
	}
	s := newSession(conn)
	d.turn <- s
	d.ready = true
	// The page size only takes before the first table; the journal mode stays in the file.
	for _, pragma := range []string{"PRAGMA page_size = " + strconv.Itoa(pageBytes), "PRAGMA journal_mode = WAL"} {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return d.fault("open", err)
		}
	}
	return d.migrate(ctx)
}

// Close ends the database. It waits for a writing transaction, and for snapshots to be closed.
func (d *DB) Close() error {
	var errs []error
	if d.ready {
		s := <-d.turn
		s.analyzeLast(context.Background())
		errs = append(errs, s.close())
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	return errors.Join(errs...)
}

// Path is the file.
func (d *DB) Path() string { return d.path }
