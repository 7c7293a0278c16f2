package tenant

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// puppet changes the tenant behind the connector's back, as administrators do.
type puppet struct{ w *world }

func (p puppet) Container(t testing.TB, _ string, _ canopy.Ref) canopy.Ref {
	t.Fatal("the tenant has no containers")
	return canopy.Ref{}
}

func (p puppet) Move(t testing.TB, _ canopy.Ref, _ string, _ canopy.Ref) canopy.Ref {
	t.Fatal("the tenant has no containers")
	return canopy.Ref{}
}

func (p puppet) Create(t testing.TB, o connectortest.Object) canopy.Ref {
	t.Helper()
	set := canopy.Attrs{}
	maps.Copy(set, o.Attrs)
	set[canopy.AttrDisplayName] = canopy.Texts(o.Name)
	if o.Class == canopy.User {
		set[canopy.AttrUPN] = canopy.Texts(login(o.Name))
	}
	id := must(p.w.Admin().Create(context.Background(), o.Class, set))(t)
	for name, to := range o.Links {
		p.w.ok(p.w.Admin().Link(context.Background(), id, name, canopy.LinkChange{Added: to}))
	}
	return canopy.Ref{Anchor: id}
}

func (p puppet) Modify(t testing.TB, ref canopy.Ref, set canopy.Attrs, links map[canopy.Attr]canopy.LinkChange) {
	t.Helper()
	if len(set) > 0 {
		p.w.ok(p.w.Admin().SetAttributes(context.Background(), ref.Anchor, set))
	}
	for name, c := range links {
		p.w.ok(p.w.Admin().Link(context.Background(), ref.Anchor, name, c))
	}
}

func (p puppet) Delete(t testing.TB, ref canopy.Ref) {
	t.Helper()
	p.w.ok(p.w.Admin().Delete(context.Background(), ref.Anchor))
}

func login(name string) string { return name + "@contoso.com" }

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Setup{
		New: func(t *testing.T) connectortest.Place {
			w := newWorld(t)
			return connectortest.Place{Connector: w.Door(), Puppet: puppet{w}}
		},
		Words: connectortest.Words{Person: canopy.User, Group: canopy.Group, Text: "title", Other: "city", Multi: "otherTelephone",
			Member: canopy.AttrMember, Manager: canopy.AttrManager, Login: login,
			Samples: canopy.Attrs{
				"title":                      canopy.Texts("Käse & <brot>, \"ja\"\n日本"),
				"otherMobile":                canopy.Texts("2", "1", "3"),
				"countryCode":                {canopy.Int(-40)},
				canopy.AttrAccountEnabled:    {canopy.Bool(false)},
				"employeeLeaveDateTime":      {canopy.Instant(time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.UTC))},
				attrPhoto:                    {canopy.Bytes([]byte{0, 255, 1, 0})},
				attrCertificate:              {canopy.Bytes([]byte{1}), canopy.Bytes([]byte{2})},
				"msExchRecipientTypeDetails": {canopy.Int(1 << 40)},
			}},
		Export: func(class canopy.Class, name string, _ canopy.Ref) canopy.Export {
			e := canopy.Export{Op: canopy.Add, Class: class, SourceAnchor: "anchor" + name,
				Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(name)}}
			if class == canopy.User {
				e.Set[canopy.AttrUPN] = canopy.Texts(login(name))
			}
			return e
		},
		// More than a page, so that reading on in the middle is tested.
		People: 600,
	})
}
