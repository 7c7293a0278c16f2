package connectortest

import (
	"flag"
	"os"
)

// FixSeed makes the properties of a test binary draw the same cases each time where CANOPY_DRAW is "fixed", as in CI, so that a commit is
// judged by its own faults; elsewhere, and with -rapid.seed given, they draw new ones. A TestMain calls it first.
func FixSeed() {
	flag.Parse()
	f := flag.Lookup("rapid.seed")
	if f == nil || f.Value.String() != f.DefValue || os.Getenv("CANOPY_DRAW") != "fixed" {
		return
	}
	if err := f.Value.Set("20261121"); err != nil {
		panic(err)
	}
}
