package check

import (
	"os"
	"testing"

	"github.com/canopy-sync/canopy/connectortest"
)

func TestMain(m *testing.M) {
	connectortest.FixSeed()
	os.Exit(m.Run())
}
