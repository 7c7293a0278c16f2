package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// identities are the names under which the tenant may know an object of a forest, the surest first.
func identities(o *onprem.Object) []string {
	var all []string
	add := func(s string) {
		if s != "" {
			all = append(all, s)
		}
	}
	if v, ok := o.Attrs.First("mS-DS-ConsistencyGuid"); ok {
		add(v.String())
	}
	if g, err := recipient.ParseGUID(string(o.Anchor)); err == nil {
		add(g.Base64())
	}
	add(o.Attrs.Text(canopy.AttrUPN))
	for _, a := range o.Addresses() {
		if prefix, rest, _ := strings.Cut(a, ":"); strings.EqualFold(prefix, "smtp") {
			add(rest)
		}
	}
	add(o.Attrs.Text(canopy.AttrMail))
	return all
}

// second refuses a mailbox in the forest for somebody who has one in the cloud already, unless it is forced.
func (p *OnPrem) second(ctx context.Context, o *onprem.Object, force bool) ([]canopy.Finding, error) {
	if p.tenant == nil {
		return nil, nil
	}
	name, text, err := p.inCloud(ctx, o)
	if err != nil || name == "" {
		return nil, err
	}
	if force {
		return []canopy.Finding{{Code: exchange.DualMailbox, Severity: canopy.Severe, Object: o.DN, Other: name, Text: "this makes a second mailbox: " + text,
			Next: "see canopy tenant recipient get " + name}}, nil
	}
	return nil, &canopy.Error{Kind: canopy.Conflict, Code: "cloud-mailbox-exists", Object: o.DN, Other: name, Text: text,
		Next: "make it a remote mailbox instead, with canopy onprem remote-mailbox enable; --force makes a second mailbox, as Exchange does"}
}

// inCloud finds somebody's mailbox in the cloud, also one that is on its way; "" for none.
func (p *OnPrem) inCloud(ctx context.Context, o *onprem.Object) (name, text string, err error) {
	admin := p.tenant.Admin()
	for _, identity := range identities(o) {
		v, err := admin.Recipient(ctx, identity, tenant.WithMailbox)
		if err == nil {
			return v.UPN, fmt.Sprintf("the cloud has its mailbox: %s %s", v.Details, v.ExchangeGUID), nil
		}
		if canopy.KindOf(err) != canopy.NotFound {
			return "", "", err
		}
		u, err := admin.Find(ctx, identity)
		if canopy.KindOf(err) == canopy.NotFound {
			continue
		}
		if err != nil {
			return "", "", err
		}
		if !u.HasExchangePlan() {
			continue
		}
		v, err = admin.Recipient(ctx, identity, tenant.Everybody)
		if canopy.KindOf(err) == canopy.NotFound || err == nil && !v.Waiting.IsZero() {
			return identity, "it has a licence with Exchange, and what the licence does is on its way: a mailbox in the cloud", nil
		}
		if err != nil {
			return "", "", err
		}
	}
	return "", "", nil
}
