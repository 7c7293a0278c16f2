package connectortest

import (
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

// MemorySetup is the suite's for directories like a Memory with these options, however one is reached. place makes one for
// each part of the suite.
func MemorySetup(o Options, place func(*testing.T) Place) Setup {
	s := Setup{
		New: place,
		Words: Words{Person: canopy.User, Group: canopy.Group, Text: "telephoneNumber", Other: "department",
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
			Login: NewMemory(o).Login},
		Export: func(c canopy.Class, name string, parent canopy.Ref) canopy.Export {
			x := canopy.Export{Op: canopy.Add, Class: c, SourceAnchor: "anchor-of-" + name, Set: canopy.Attrs{}}
			if !o.Flat {
				x.Ref.DN = MemoryDN(c, name, parent)
			}
			return x
		},
	}
	if !o.Flat {
		s.DN = MemoryDN
	}
	return s
}
