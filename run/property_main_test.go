package run_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e/postgres"
)

// TestMain makes this binary its own child where a test asks for one to kill, and keeps properties that drive whole
// cycles to a number that a person waits for; -rapid.checks has them run longer.
func TestMain(m *testing.M) {
	if dir := os.Getenv(faultChild); dir != "" {
		os.Exit(faultChildMain(dir))
	}
	connectortest.FixSeed()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("30"); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
