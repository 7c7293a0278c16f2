package postgres

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Wanted tells whether the tests of this run are to keep their databases in PostgreSQL: CANOPY_DATABASE=postgres.
func Wanted() bool { return os.Getenv("CANOPY_DATABASE") == "postgres" }

var (
	started atomic.Bool
	// shared starts the server that all tests of the process share, when the first asks for it.
	shared = sync.OnceValues(func() (*Server, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		started.Store(true)
		return Start(ctx)
	})
)

// Address gives a test an empty schema on a server that all tests of the process share. Stop ends it.
func Address(t testing.TB) string {
	t.Helper()
	Require(t)
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Stop ends the shared server, where there is one; for TestMain.
func Stop() error {
	if !started.Load() {
		return nil
	}
	s, err := shared()
	if err != nil {
		return nil // a test has said so
	}
	return s.Close()
}
