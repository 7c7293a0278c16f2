package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e/postgres"
)

func TestMain(m *testing.M) {
	connectortest.FixSeed()
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// place is where a test's store is: a file, or a schema of a PostgreSQL server where the run asks for it.
func place(t testing.TB) string {
	if postgres.Wanted() {
		return postgres.Address(t)
	}
	return filepath.Join(t.TempDir(), "canopy.db")
}
