package link_test

import (
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// setup is the suite's, for a directory in memory behind n agents.
func setup(o connectortest.Options, agents int) connectortest.Setup {
	s := connectortest.Setup{
		New: func(t *testing.T) connectortest.Place {
			m := connectortest.NewMemory(o)
			r := newRig(t, nil)
			for range agents {
				r.agent(m)
			}
			return connectortest.Place{Connector: r.hub.Forest(memory), Puppet: m, Base: m.Root()}
		},
		Words: connectortest.Words{Person: canopy.User, Group: canopy.Group, Text: "telephoneNumber", Other: "department",
			Multi: "otherTelephone", Member: canopy.AttrMember, Manager: canopy.AttrManager,
			Samples: canopy.Attrs{
				"displayName":                {canopy.Text("Zoë Müller, 李")},
				"otherTelephone":             canopy.Texts("+49 1", "+49 2", " spaces "),
				"userAccountControl":         {canopy.Int(-512)},
				"msExchRecipientTypeDetails": {canopy.Int(1 << 40)},
				"msExchHideFromAddressLists": {canopy.Bool(true)},
				"mS-DS-ConsistencyGuid":      {canopy.Bytes([]byte{0, 255, 10, 0})},
				"whenCreated":                {canopy.Instant(time.Unix(1_700_000_000, 0))},
			},
			Login: connectortest.NewMemory(o).Login},
		Export: func(c canopy.Class, name string, parent canopy.Ref) canopy.Export {
			x := canopy.Export{Op: canopy.Add, Class: c, SourceAnchor: "anchor-of-" + name, Set: canopy.Attrs{}}
			if !o.Flat {
				x.Ref.DN = connectortest.MemoryDN(c, name, parent)
			}
			return x
		},
	}
	if !o.Flat {
		s.DN = connectortest.MemoryDN
	}
	return s
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
