package ad

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// suiteFor is the connector suite's view of a server.
func suiteFor(s *testServer, wrap func(*Conn) canopy.Connector) connectortest.Setup {
	login := s.puppet().login
	schema := s.schema()
	return connectortest.Setup{
		New: func(t *testing.T) connectortest.Place {
			p := s.puppet()
			p.login = login
			c := s.open(t)
			c.facts = schema
			return connectortest.Place{Connector: wrap(c), Puppet: p, Base: s.ou(t)}
		},
		Words: connectortest.Words{Person: canopy.User, Group: canopy.Group, Text: "department", Other: "title", Multi: "proxyAddresses",
			Member: "member", Manager: "manager", Login: login,
			Samples: canopy.Attrs{
				"displayName":                {canopy.Text("Jürgen „Jürgi“ Groß 東京")},
				"countryCode":                {canopy.Int(276)},
				"accountExpires":             {canopy.Int(133000000000000000)},
				"msExchHideFromAddressLists": {canopy.Bool(true)},
				"msExchLitigationHoldDate":   {canopy.Instant(time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC))},
				"thumbnailPhoto":             {canopy.Bytes([]byte{0, 1, 2, 0xff, 0xfe})},
				"msExchMasterAccountSid":     {canopy.Text("S-1-5-21-1-2-3-1104")},
				"otherTelephone":             canopy.Texts("+49 30 1", "+49 30 2"),
			}},
		Export: func(class canopy.Class, name string, parent canopy.Ref) canopy.Export {
			e := canopy.Export{Op: canopy.Add, Class: class, SourceAnchor: name, Ref: canopy.Ref{DN: "CN=" + EscapeValue(name) + "," + parent.DN},
				Set: canopy.Attrs{}}
			if class != canopy.Contact {
				e.Set["sAMAccountName"] = canopy.Texts(fmt.Sprintf("x%d.%s", len(parent.DN), parent.Anchor[:4]) + name[:min(len(name), 8)])
			}
			return e
		},
		DN: func(_ canopy.Class, name string, parent canopy.Ref) string {
			return "CN=" + EscapeValue(name) + "," + parent.DN
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	suiteOn(t, func(c *Conn) canopy.Connector { return c })
}

// TestConnectorByUSN runs the suite in the way that needs no right but to read.
func TestConnectorByUSN(t *testing.T) {
	t.Parallel()
	suiteOn(t, func(c *Conn) canopy.Connector {
		c.ways = []way{wayUSN}
		return wholeObjects{c}
	})
}

// wholeObjects says that changes come as whole objects: what changed in a link attribute is not known in this way.
type wholeObjects struct{ *Conn }

func (w wholeObjects) Describe(ctx context.Context) (canopy.Description, error) {
	d, err := w.Conn.Describe(ctx)
	d.Abilities.Delta = false
	return d, err
}

// TestConnectorForgets runs the suite with a connector that knows nothing of earlier reads but the cursor, as a command
// does that is started for each.
func TestConnectorForgets(t *testing.T) {
	t.Parallel()
	suiteOn(t, func(c *Conn) canopy.Connector { return forgetful{c} })
}

type forgetful struct{ *Conn }

func (f forgetful) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	c, err := Open(f.cfg)
	if err != nil {
		return err
	}
	c.facts = f.facts // which are the same for everybody
	return errors.Join(c.Read(ctx, req, each), c.Close())
}
