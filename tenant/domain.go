package tenant

import (
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// CodeDomain is the refusal of a change of a domain.
const CodeDomain = "DomainNotChangeable"

func domainOf(address string) string {
	_, domain, _ := strings.Cut(canopy.Fold(address), "@")
	return domain
}

// federated tells whether a domain's people sign in elsewhere.
func (s settings) federated(domain string) bool {
	return slices.ContainsFunc(s.Domains, func(d Domain) bool { return d.Name == domain && d.Federated })
}

// federatedChange refuses a sign-in name that goes from one federated domain to another, where the tenant refuses that.
func (s settings) federatedChange(r *record, upn string) *refusal {
	from, to := domainOf(r.cloud.attrs.Text(cloudUPN)), domainOf(upn)
	if !s.Switches.RefuseFederatedChange || to == "" || from == to || !s.federated(from) || !s.federated(to) {
		return nil
	}
	return refuse(CodeFederated, canopy.AttrUPN, "the sign-in name of %s cannot go from the federated domain %s to the federated domain %s (0x8023134a); change it to one under %s first",
		r.name(), from, to, s.Initial)
}

// Domains are the tenant's domains, the initial one first.
func (a *Admin) Domains() []Domain {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return slices.Clone(a.t.conf.Domains)
}

// AddDomain adds a domain, which is not verified yet.
func (a *Admin) AddDomain(ctx context.Context, name string) error {
	name = canopy.Fold(strings.TrimSpace(name))
	return a.domain(ctx, "Add unverified domain", name, func(x *tx, d *Domain) error {
		if d != nil {
			return refuse(CodeDomain, "", "the domain is there already")
		}
		if strings.HasSuffix(name, ".onmicrosoft.com") || strings.HasSuffix(name, ".microsoftonline.com") || !validUPN("a@"+name) || !strings.Contains(name, ".") {
			return refuse(CodeDomain, "", "it is no domain that can be added: give one of your own, like contoso.com")
		}
		x.conf.Domains = append(slices.Clone(x.conf.Domains), Domain{Name: name})
		return nil
	})
}

// VerifyDomain verifies a domain. Who is synchronised with it gets the sign-in name and the addresses that were left out.
func (a *Admin) VerifyDomain(ctx context.Context, name string) error {
	name = canopy.Fold(strings.TrimSpace(name))
	return a.domain(ctx, "Verify domain", name, func(x *tx, d *Domain) error {
		if d == nil {
			return refuse(CodeNotFound, "", "there is no such domain; add it first: canopy tenant domain add %s", name)
		}
		x.conf.setDomain(Domain{Name: name, Verified: true, Federated: d.Federated})
		return nil
	})
}

// SetFederated makes a verified domain federated, or managed.
func (a *Admin) SetFederated(ctx context.Context, name string, on bool) error {
	name = canopy.Fold(strings.TrimSpace(name))
	return a.domain(ctx, "Set domain authentication", name, func(x *tx, d *Domain) error {
		if d == nil || !d.Verified || name == x.conf.Initial {
			return refuse(CodeDomain, "", "only a verified domain of your own can be federated")
		}
		x.conf.setDomain(Domain{Name: name, Verified: true, Federated: on})
		return nil
	})
}

func (s *settings) setDomain(d Domain) {
	s.Domains = slices.Clone(s.Domains)
	for i := range s.Domains {
		if s.Domains[i].Name == d.Name {
			s.Domains[i] = d
		}
	}
}

// domain changes one domain, whose name is folded, and computes anew who has values in it.
func (a *Admin) domain(ctx context.Context, activity, name string, fn func(*tx, *Domain) error) error {
	err := a.t.update(ctx, func(x *tx) error {
		var there *Domain
		if at := slices.IndexFunc(x.conf.Domains, func(d Domain) bool { return d.Name == name }); at >= 0 {
			d := x.conf.Domains[at]
			there = &d
		}
		before := x.conf.verified(name)
		if err := fn(x, there); err != nil {
			return err
		}
		if err := x.saveSettings(x.conf); err != nil {
			return err
		}
		if x.conf.verified(name) != before {
			if err := x.computeDomain(name); err != nil {
				return err
			}
		}
		return x.audit(a.by, activity, nil, []Modified{{Attr: "domain", New: []string{name}}})
	})
	return a.told("change the domain", canopy.Anchor(name), err)
}

// computeDomain computes anew the objects that have a value in a domain. What others hold is left out, and told.
func (x *tx) computeDomain(name string) error {
	in := func(text string) bool { return strings.HasSuffix(canopy.Fold(text), "@"+name) }
	return x.everyone(`deleted IS NULL`, func(r *record) error {
		v := r.values()
		if !in(v.Text(canopy.AttrUPN)) && !in(v.Text(canopy.AttrMail)) &&
			!slices.ContainsFunc(v[canopy.AttrAddresses], func(v canopy.Value) bool { return in(v.Str()) }) {
			return nil
		}
		before := r.cloud.attrs.Clone()
		if err := x.decide(r, true); err != nil || len(modified(before, r.cloud.attrs)) == 0 {
			return err
		}
		return x.save(r)
	})
}
