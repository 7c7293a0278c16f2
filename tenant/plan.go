package tenant

import (
	"strings"

	"github.com/canopy-sync/canopy"
)

// exchangePlan tells whether a person has a licence that carries a mailbox.
func exchangePlan(r *record) bool {
	return r.class == canopy.User && hasMailbox(r.licences)
}

// syncing tells whether synchronisation has ever written an object: the service makes the coexistence domain then.
func (s settings) syncing() bool { return s.Exchange.Syncing }

// coexistence is the tenant's routing domain.
func (s settings) coexistence() string {
	return strings.TrimSuffix(s.Initial, ".onmicrosoft.com") + ".mail.onmicrosoft.com"
}

// AcceptedDomain is a domain that Exchange takes mail for.
type AcceptedDomain struct {
	Name        string `json:"domainName"`
	Type        string `json:"domainType"`
	Default     bool   `json:"default"`
	Coexistence bool   `json:"isCoexistenceDomain"`
}

// accepted are the tenant's accepted domains: the verified ones, and the coexistence domain, which the service makes
// when synchronisation begins and nobody can add.
func (s settings) accepted() []AcceptedDomain {
	var out []AcceptedDomain
	for _, d := range s.Domains {
		if d.Verified && d.Name != s.coexistence() {
			out = append(out, AcceptedDomain{Name: d.Name, Type: "Authoritative", Default: d.Name == s.Initial})
		}
	}
	if s.syncing() && !s.Exchange.CoexistenceMissing {
		out = append(out, AcceptedDomain{Name: s.coexistence(), Type: "Authoritative", Coexistence: true})
	}
	return out
}

// AcceptedDomains gives the domains that Exchange takes mail for.
func (a *Admin) AcceptedDomains() []AcceptedDomain {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.t.conf.accepted()
}

// routing is the finding that there is no coexistence domain; false when there is one.
func (s settings) routing() (canopy.Finding, bool) {
	f := canopy.Finding{Code: "HCW8001", Severity: canopy.Severe, Object: s.coexistence(),
		Text: "Unable to determine the Tenant Routing Domain: no accepted domain is the coexistence domain"}
	switch {
	case !s.syncing():
		f.Next = "begin to synchronise; the service makes the domain then"
	case s.Exchange.CoexistenceMissing:
		f.Next = "synchronisation is on and the domain is not there: nobody can add it; open a ticket, or begin with a new tenant"
	default:
		return canopy.Finding{}, false
	}
	return f, true
}
