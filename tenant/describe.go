package tenant

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Describe tells the tenant's classes and attributes. Directory extensions are taken too, and are not listed.
func (d door) Describe(context.Context) (canopy.Description, error) {
	t := d.t
	t.mu.Lock()
	initial, switches := t.conf.Initial, t.conf.Switches
	var verified []string
	for _, domain := range t.conf.Domains {
		if domain.Verified {
			verified = append(verified, domain.Name)
		}
	}
	t.mu.Unlock()
	values := map[string]string{"Tenant.Initial": initial, DomainsValue: strings.Join(verified, " ")}
	if switches.BlockSoftMatch {
		values[canopy.Unmatched+byAddress], values[canopy.Unmatched+byUPN] = softBlocked, softBlocked
	}
	if !switches.SoftMatchOnUPN {
		values[canopy.Unmatched+byUPN] = cmp.Or(values[canopy.Unmatched+byUPN], upnBlocked)
	}
	if switches.BlockHardMatchTakeover {
		values[canopy.Unmatched+byAnchor] = hardBlocked
	}
	s := canopy.Schema{Classes: []canopy.Class{canopy.User, canopy.Group, canopy.Contact}, Exchange: true,
		Attributes: make(map[canopy.Attr]canopy.AttrType, len(schema))}
	for name, a := range schema {
		s.Attributes[name] = a.AttrType
	}
	return canopy.Description{Kind: "tenant", Name: initial, Schema: s,
		Abilities: canopy.Abilities{Delta: true, Watch: true, Write: true, Target: true},
		Values:    values}, nil
}

// Why the switches keep objects from being matched, and what to do.
const (
	softBlocked = "soft match is blocked in the tenant (blockSoftMatch); allow it there, or change the value on one side"
	upnBlocked  = "soft match by sign-in name is off in the tenant (softMatchOnUpn); switch it on there, or change the value on one side"
	hardBlocked = "taking over a cloud object by its source anchor is blocked in the tenant (blockCloudObjectTakeoverThroughHardMatch); " +
		"allow it there, or take the source anchor from the cloud object"
)

// Check tells whether the file can be read and written, and what of the domains is not as it should be.
func (d door) Check(ctx context.Context) ([]canopy.Finding, error) {
	var conf settings
	err := d.t.update(ctx, func(x *tx) error {
		conf = x.conf
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check the tenant: %w", err)
	}
	var out []canopy.Finding
	for _, dom := range conf.Domains {
		if !dom.Verified {
			out = append(out, canopy.Finding{Code: "DomainNotVerified", Severity: canopy.Warning, Object: dom.Name,
				Text: "the domain " + dom.Name + " is not verified: who is synchronised with it signs in under " + conf.Initial,
				Next: "verify the domain"})
		}
	}
	return out, nil
}

// Watch calls changed after every write, those of its own caller included; writes in quick succession are told once.
func (d door) Watch(ctx context.Context, changed func()) error {
	for {
		next := d.t.next()
		select {
		case <-ctx.Done():
			return nil
		case <-next:
			changed()
		}
	}
}
