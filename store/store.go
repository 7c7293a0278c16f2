package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options shape a store.
type Options struct {
	Clock    func() time.Time // nil: time.Now
	CacheMiB int              // of the writing connection, 0: 32
	// Search are attributes by which Find finds entries, besides the identity words: sAMAccountName.
	Search []canopy.Attr
	// ReadOnly opens beside a process that writes; every writing method fails.
	ReadOnly bool
	Password string // of the account that an address names; "": as PostgreSQL's clients find it
	// Volatile does not wait for the disk: a machine that stops may leave a damaged store. For tests.
	Volatile bool
	// Fail is asked before each statement of a writing transaction, its begin and its commit included; an error fails
	// the statement. For tests.
	Fail func(statement string) error
}

// Store is what a Canopy keeps. Its methods may be called from several goroutines; writes queue up.
type Store struct {
	db      *db.DB
	opt     Options
	words   words
	indexed atomic.Bool // the indexes that are made after the first load are there

	mu      sync.Mutex
	conns   []conn // by order
	told    told
	hide    map[canopy.ConnectorID]map[canopy.Attr]bool // see HideInLog
	instead canopy.Values
}

// Open opens the store at path, a file or the address of a PostgreSQL database, makes it when it is not there, and brings
// it to this version's form. A store written by
// a newer version is an error of kind Newer.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	s := &Store{opt: o, words: words{no: map[string]int64{}, text: []string{""}}}
	s.db, err = db.Open(ctx, path, db.Options{Migrations: files, CacheMiB: o.CacheMiB, ReadOnly: o.ReadOnly, Fail: o.Fail, Volatile: o.Volatile, Password: o.Password, Now: s.now})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store: %w", err), s.db.Close())
	}
	return s, nil
}

// load reads what is kept in memory.
func (s *Store) load(ctx context.Context) error {
	return s.db.Read(ctx, func(t *db.Tx) error {
		if err := s.words.read(ctx, t); err != nil {
			return err
		}
		if err := s.readConnectors(ctx, t); err != nil {
			return err
		}
		var n int64
		found, err := t.One(ctx, []any{&n}, `SELECT last FROM counter WHERE noun = $1`, nounIndexes)
		s.indexed.Store(found && n > 0)
		return err
	})
}

// CopyTo writes the store as it is now into a new file, beside whoever writes to it.
func (s *Store) CopyTo(ctx context.Context, path string) error { return s.db.CopyTo(ctx, path) }

// Close ends the store. Views must be closed before.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) now() int64 { return s.opt.Clock().UnixMicro() }

// read runs do in a snapshot. A process that reads beside one that writes learns the words that are new.
func (s *Store) read(ctx context.Context, do func(*db.Tx) error) error {
	return s.db.Read(ctx, func(t *db.Tx) error {
		if err := s.refresh(ctx, t); err != nil {
			return err
		}
		return do(t)
	})
}

func (s *Store) refresh(ctx context.Context, t *db.Tx) error {
	if !s.opt.ReadOnly {
		return nil
	}
	if err := s.words.read(ctx, t); err != nil {
		return err
	}
	return s.readConnectors(ctx, t)
}

// moment is a stored time; 0 is no time.
func moment(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func notFound(what string, id any) error {
	return &canopy.Error{Kind: canopy.NotFound, Code: "not-found", Object: fmt.Sprintf("%s %v", what, id), Text: "there is none with this number",
		Next: "check the number"}
}
