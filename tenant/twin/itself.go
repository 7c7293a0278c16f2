package twin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// itself reads what the tenant tells of itself: what Graph says counts, and of the rest what the companion says.
func (r *reading) itself() error {
	if r.conf.Policy == "" { // there is no companion: as the real service is by default
		r.conf.Policy, r.conf.Exchange = tenant.UniqueQuarantine, tenant.DefaultExchange()
	}
	for _, step := range []func() error{r.organization, r.domains, r.products, r.synchronization} {
		if err := step(); err != nil {
			return err
		}
	}
	if r.conf.Initial == "" {
		return &canopy.Error{Kind: canopy.NotFound, Object: r.dir, Text: "the folder does not tell the tenant's initial domain: it has neither domains nor organization",
			Next: "put the answer to GET /domains into it as domains.json"}
	}
	return nil
}

func (r *reading) organization() error {
	return r.each(organization, func(p place, text []byte) error {
		var o struct {
			ID       string `json:"id"`
			Country  string `json:"countryLetterCode"`
			Synced   *bool  `json:"onPremisesSyncEnabled"`
			Verified []struct {
				Name    string `json:"name"`
				Type    string `json:"type"`
				Initial bool   `json:"isInitial"`
			} `json:"verifiedDomains"`
		}
		if err := json.Unmarshal(text, &o); err != nil {
			return r.about(p, "", misfit(err))
		}
		r.conf.ID = strings.ToLower(o.ID)
		if o.Country != "" {
			r.conf.Location = o.Country
		}
		if o.Synced != nil && *o.Synced {
			r.conf.Exchange.Syncing = true
		}
		if len(r.files[domains]) > 0 {
			return nil
		}
		r.conf.Domains = nil
		for _, d := range o.Verified {
			r.domain(tenant.Domain{Name: d.Name, Verified: true, Federated: d.Type == "Federated"}, d.Initial)
		}
		return nil
	})
}

// domain takes a domain; the coexistence domain is not one that the tenant is told of.
func (r *reading) domain(d tenant.Domain, initial bool) {
	d.Name = canopy.Fold(d.Name)
	if initial {
		r.conf.Initial = d.Name
	}
	if !strings.HasSuffix(d.Name, ".mail.onmicrosoft.com") {
		r.conf.Domains = append(r.conf.Domains, d)
	}
}

func (r *reading) domains() error {
	if len(r.files[domains]) > 0 {
		r.conf.Domains = nil
	}
	return r.each(domains, func(p place, text []byte) error {
		var d struct {
			ID       string `json:"id"`
			Type     string `json:"authenticationType"`
			Verified bool   `json:"isVerified"`
			Initial  bool   `json:"isInitial"`
		}
		if err := json.Unmarshal(text, &d); err != nil {
			return r.about(p, "", misfit(err))
		}
		if d.ID == "" {
			return r.damaged(p, "the domain has no id", nil)
		}
		r.domain(tenant.Domain{Name: d.ID, Verified: d.Verified, Federated: d.Type == "Federated"}, d.Initial)
		return nil
	})
}

// products reads how many units of each product there are; of what is not told of there is none.
func (r *reading) products() error {
	if len(r.files[products]) == 0 {
		return nil
	}
	r.conf.Units = map[string]int{}
	for _, sku := range tenant.Catalogue() {
		r.conf.Units[sku.PartNumber] = 0
	}
	return r.each(products, func(p place, text []byte) error {
		var s struct {
			SKU   string `json:"skuId"`
			Units struct {
				Enabled int `json:"enabled"`
				Warning int `json:"warning"`
			} `json:"prepaidUnits"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			return r.about(p, "", misfit(err))
		}
		if sku, known := tenant.FindSKU(s.SKU); known {
			r.conf.Units[sku.PartNumber] = s.Units.Enabled + s.Units.Warning
		}
		return nil
	})
}

func (r *reading) synchronization() error {
	return r.each(synchronization, func(p place, text []byte) error {
		var s struct {
			Features struct {
				BlockSoft *bool `json:"blockSoftMatchEnabled"`
				BlockHard *bool `json:"blockCloudObjectTakeoverThroughHardMatchEnabled"`
				OnUPN     *bool `json:"softMatchOnUpnEnabled"`
			} `json:"features"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			return r.about(p, "", misfit(err))
		}
		for _, f := range []struct {
			from *bool
			to   *bool
		}{{s.Features.BlockSoft, &r.conf.Switches.BlockSoftMatch}, {s.Features.BlockHard, &r.conf.Switches.BlockHardMatchTakeover}, {s.Features.OnUPN, &r.conf.Switches.SoftMatchOnUPN}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		return nil
	})
}

// missing are kinds of which there are no files.
func (r *reading) missing() []string {
	var out []string
	for _, k := range []kind{organization, domains, products, synchronization, groups, members, contacts, deleted} {
		if len(r.files[k]) == 0 && (k != members || !slices.ContainsFunc(r.ties, func(t tie) bool { return t.attr == canopy.AttrMember })) {
			out = append(out, string(k))
		}
	}
	return out
}
