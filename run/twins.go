package run

import (
	"context"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// twins are the tenant's users by all that a forest may know them by.
type twins struct {
	by map[string]*onprem.Twin
}

// readTwins reads the tenant's users with what Exchange has of them.
func readTwins(ctx context.Context, a *tenant.Admin) (*twins, error) {
	all := &twins{by: map[string]*onprem.Twin{}}
	records := map[canopy.Anchor]*tenant.RecipientView{}
	err := a.Recipients(ctx, tenant.Everybody, func(v *tenant.RecipientView) error {
		records[v.ID] = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = a.List(ctx, false, func(o *tenant.Object) error {
		if o.Class != canopy.User {
			return nil
		}
		t := &onprem.Twin{Name: o.Cloud.Text("cloudUserPrincipalName"), Synced: o.Synced, Licensed: o.HasExchangePlan()}
		if v := records[o.ID]; v != nil {
			twinOf(t, v)
		}
		all.add("anchor "+o.SourceAnchor, t)
		all.add("name "+canopy.Fold(t.Name), t)
		for _, a := range o.Cloud["cloudProxyAddresses"].Strings() {
			if prefix, rest, _ := strings.Cut(a, ":"); strings.EqualFold(prefix, "smtp") {
				all.add("address "+canopy.Fold(rest), t)
			}
		}
		return nil
	})
	return all, err
}

func (t *twins) add(key string, twin *onprem.Twin) {
	if _, there := t.by[key]; !there {
		t.by[key] = twin
	}
}

// twinOf takes over what Exchange says.
func twinOf(t *onprem.Twin, v *tenant.RecipientView) {
	t.SyncedGUID, t.SyncedSince, t.LegacyDN, t.Primary = v.SyncedGUID, v.SyncedSince, v.LegacyDN, v.Primary
	if v.Previous == exchange.UserMailbox {
		t.Had = v.PreviousSince
	}
	if !v.Details.Mailbox() {
		return
	}
	t.Mailbox = v.ExchangeGUID
	for _, m := range v.Mailboxes {
		if m.GUID == v.ExchangeGUID {
			t.Made = m.Created
		}
	}
}

// of is the twin of a forest's object, nil for none. The anchor is surer than a name, and a name than an address.
func (t *twins) of(o *onprem.Object) *onprem.Twin {
	if a := o.SourceAnchor(); a != "" && t.by["anchor "+a] != nil {
		return t.by["anchor "+a]
	}
	if twin := t.by["name "+canopy.Fold(o.Attrs.Text(canopy.AttrUPN))]; twin != nil && twin.Name != "" {
		return twin
	}
	for _, a := range o.Addresses() {
		if prefix, rest, _ := strings.Cut(a, ":"); strings.EqualFold(prefix, "smtp") && t.by["address "+canopy.Fold(rest)] != nil {
			return t.by["address "+canopy.Fold(rest)]
		}
	}
	return nil
}

// people reads the accounts of one forest, as they are now.
func (p *OnPrem) people(ctx context.Context, at int, each func(*onprem.Object)) error {
	return p.forests[at].Read(ctx, canopy.ReadRequest{Classes: []canopy.Class{canopy.User, canopy.InetOrgPerson}, Attrs: onprem.Asked}, func(b canopy.Batch) error {
		for i := range b.Changes {
			if c := &b.Changes[i]; c.Kind == canopy.FullImage && c.Class != canopy.Container && c.Failed == nil {
				each(onprem.Of(p.cfg.Forests[at].Name, c))
			}
		}
		return nil
	})
}

func (p *OnPrem) needTenant() error {
	if p.tenant != nil {
		return nil
	}
	return &canopy.Error{Kind: canopy.NotFound, Code: "no-tenant", Text: "there is no tenant that the forests could be compared with", Next: "canopy plan makes one, and so does canopy lab"}
}

// Mailboxes finds who has two mailboxes, will have, or is at risk: over all forests as they are now, and the tenant. A
// forest without Exchange's schema has no mailboxes.
func (p *OnPrem) Mailboxes(ctx context.Context) ([]onprem.Double, error) {
	if err := p.needTenant(); err != nil {
		return nil, err
	}
	twins, err := readTwins(ctx, p.tenant.Admin())
	if err != nil {
		return nil, err
	}
	var found []onprem.Double
	for i := range p.forests {
		err := p.people(ctx, i, func(o *onprem.Object) {
			if t := twins.of(o); t != nil {
				if d := onprem.Doubled(o, t); d != nil {
					found = append(found, *d)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
