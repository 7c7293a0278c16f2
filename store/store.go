package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// Options shape a store.
type Options struct {
	Clock    func() time.Time // nil: time.Now
	CacheMiB int              // of the writing connection, 0: 32
	// Search are attributes by which Find finds entries, besides the identity words: sAMAccountName.
	Search []canopy.Attr
	// ReadOnly opens beside a process that writes; every writing method fails.
	ReadOnly bool
	// Fail is asked before each statement of a writing transaction, its begin and its commit included; an error fails
	// the statement. For tests.
	Fail func(statement string) error
}

// Store is the file that a Canopy keeps. Its methods may be called from several goroutines; writes queue up.
type Store struct{}

// Open opens the store at path, makes it when it is not there, and brings it to this version's form. A store written by
// a newer version is an error of kind Newer.
func Open(ctx context.Context, path string, o Options) (*Store, error) { return nil, errPending }

// Close ends the store. Views must be closed before.
func (s *Store) Close() error { return errPending }
