package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"time"
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
	Fail     func(statement string) error
	Password string // of the account that an address names; "": as the server's client library finds it
	// Wait is how long Open waits for another process that writes to a PostgreSQL database to end; 0: 10 s, in which the
	// server notices that a process is gone.
	Wait time.Duration
	// Volatile does not wait for the disk: a machine that stops may leave a damaged file. For tests.
	Volatile bool
	// Now dates migrations, in microseconds; nil leaves them undated.
	Now func() int64
}

// readers is how many snapshots there can be at once; a further one waits.
const readers = 8

// DB is an open database. It may be used from several goroutines: writes queue up in the order of their coming, reads
// go on beside them.
type DB struct {
	path  string // the file, or the address without its password
	opt   Options
	d     *dialect
	write *sql.DB
	read  *sql.DB
	turn  chan *session // the one writing connection; whoever took it writes
	ready bool          // turn has a session, or somebody has taken it
	term  int64         // of the claim to write, where there is one
}

// Open opens the SQLite file at path, or the PostgreSQL database at an address (postgres://...), makes the file when it
// is not there, and runs the migrations that it lacks. Only one process at a time opens a database for writing; with
// PostgreSQL a second one gets an error of kind Conflict.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if o.CacheMiB == 0 {
		o.CacheMiB = 32
	}
	d := &DB{path: path, opt: o, d: &file, turn: make(chan *session, 1)}
	if IsAddress(path) {
		d.path, d.d = withoutPassword(path), &server
	}
	var err error
	if d.read, err = d.d.open(d, path, false); err != nil {
		return nil, d.fault("open", err)
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(2)
	if o.ReadOnly {
		err = d.checkVersion(ctx)
	} else {
		err = d.openWriter(ctx, path)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) openWriter(ctx context.Context, path string) error {
	var err error
	if d.write, err = d.d.open(d, path, true); err != nil {
		return d.fault("open", err)
	}
	d.write.SetMaxOpenConns(1)
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return d.fault("open", err)
	}
	s := newSession(conn, d.d)
	d.turn <- s
	d.ready = true
	if err := d.d.first(ctx, d, conn); err != nil {
		return err
	}
	return d.migrate(ctx)
}

// Close ends the database. It waits for a writing transaction, and for snapshots to be closed.
func (d *DB) Close() error {
	var errs []error
	if d.ready {
		s := <-d.turn
		gone := s.lost()
		if !gone {
			d.d.last(context.Background(), s)
		}
		if err := s.close(); !gone { // a lost connection says so once more, and cannot be closed
			errs = append(errs, err)
		}
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	return errors.Join(errs...)
}

// Path is the file, or the address of the database without its password.
func (d *DB) Path() string { return d.path }
