package link_test

import (
	"testing"

	"github.com/canopy-sync/canopy/connectortest"
)

// setup is the suite's, for a directory in memory behind n agents.
func setup(o connectortest.Options, agents int) connectortest.Setup {
	return connectortest.MemorySetup(o, func(t *testing.T) connectortest.Place {
		m := connectortest.NewMemory(o)
		r := newRig(t, nil)
		for range agents {
			r.agent(m)
		}
		return connectortest.Place{Connector: r.hub.Forest(memory), Puppet: m, Base: m.Root()}
	})
}

// TestSuite: a connector over the wire is a connector.
func TestSuite(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		o      connectortest.Options
		agents int
	}{
		"Forest":    {connectortest.Options{}, 2},
		"Tenant":    {connectortest.Options{Flat: true}, 1},
		"TinyBatch": {connectortest.Options{Batch: 1}, 2},
		"NoDelta":   {connectortest.Options{NoDelta: true, Batch: 7}, 1},
		"ReadOnly":  {connectortest.Options{NoWrite: true, NoWatch: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, setup(x.o, x.agents))
		})
	}
}
