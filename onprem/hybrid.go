package onprem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Hybrid is what the checks of readiness look at: the tenant, how it is synchronised, and each forest.
type Hybrid struct {
	SyncOn    bool   // the tenant's switch
	Syncing   bool   // synchronisation has written something
	Routing   string // the coexistence domain; "": there is none
	Initial   string
	Accepted  []string // the domains that the tenant takes mail for
	Cycles    int      // runs that synchronised
	GUIDFlows bool     // the rules take msExchMailboxGuid to the tenant
	Forests   []*HybridForest
}

// HybridForest is one forest: what the configuration says of it, and what its recipients are counted to.
type HybridForest struct {
	Name      canopy.ConnectorID
	Exchange  bool // its schema has Exchange's attributes
	Write     bool // it may be written to
	Templates []string
	Endpoint  string      // where its mailboxes are moved from
	Probe     []ProbeFact // what was seen of the endpoint

	Mailboxes, Remote int
	Domains           map[string]int // of primary addresses
	NoAlias           Examples       // recipients under the policy without an address in the coexistence domain
	NoGUID            Examples       // remote mailboxes without a mailbox GUID
	NotFlowed         Examples       // mailboxes whose GUID the cloud does not know
	NoX500            Examples       // recipients that lack the cloud's legacy DN
}

// ProbeFact is what was seen of an endpoint.
type ProbeFact struct {
	What string // "443", "25", "certificate", "autodiscover.contoso.com"
	Good bool
	Says string
}

// Examples are a count with the first few names.
type Examples struct {
	Count int
	Names []string
}

// Add counts a name.
func (e *Examples) Add(name string) {
	if e.Count++; len(e.Names) < 3 {
		e.Names = append(e.Names, name)
	}
}

func (e *Examples) String() string {
	s := fmt.Sprintf("%d: %s", e.Count, strings.Join(e.Names, ", "))
	if e.Count > len(e.Names) {
		s += ", ..."
	}
	return s
}

// Count counts one object with its twin, nil where the cloud has none.
func (f *HybridForest) Count(o *Object, t *Twin, routing string) {
	mailbox, isRemote := o.Details().Mailbox(), o.IsRemote()
	if !mailbox && !isRemote {
		return
	}
	name := cmp.Or(o.Attrs.Text(canopy.AttrUPN), o.DN)
	if f.Domains == nil {
		f.Domains = map[string]int{}
	}
	if p := o.Primary(); p != "" {
		f.Domains[canopy.Fold(domainOf(p))]++
	}
	if routing != "" && o.PolicyEnabled() && !slices.ContainsFunc(o.Addresses(), func(a string) bool { return strings.HasSuffix(canopy.Fold(a), "@"+canopy.Fold(routing)) }) {
		f.NoAlias.Add(name)
	}
	if mailbox {
		f.Mailboxes++
		if t != nil && t.Synced && !o.MailboxGUID().IsZero() && t.SyncedGUID != o.MailboxGUID() {
			f.NotFlowed.Add(name)
		}
	}
	if isRemote {
		f.Remote++
		if o.MailboxGUID().IsZero() && (t == nil || !t.Mailbox.IsZero()) {
			f.NoGUID.Add(name)
		}
	}
	if t != nil && t.Synced && t.LegacyDN != "" && !slices.ContainsFunc(o.Addresses(), func(a string) bool { return strings.EqualFold(a, "x500:"+t.LegacyDN) }) {
		f.NoX500.Add(name)
	}
}

// HybridCheck is one check and what came of it.
type HybridCheck struct {
	ID       string `json:"id"`
	Code     string `json:"code,omitempty"` // of the wizard's error
	Object   string `json:"object,omitempty"`
	Passed   bool   `json:"passed"`
	Severity string `json:"severity"` // block, warn
	// Overridable tells that it may be gone over, as the wizard lets one.
	Overridable bool   `json:"overridable,omitempty"`
	Overridden  bool   `json:"overridden,omitempty"`
	Evidence    string `json:"evidence"`
	Remedy      string `json:"remedy,omitempty"`
}

// noRoutingDomain is what the wizard says in both cases.
const noRoutingDomain = "Unable to determine the Tenant Routing Domain: "

// Check runs the checks; override are the IDs that are gone over where that is possible.
func (h *Hybrid) Check(override []string) []HybridCheck {
	all := h.checkTenant()
	for _, f := range h.Forests {
		all = append(all, h.checkForest(f)...)
	}
	for i := range all {
		c := &all[i]
		if c.Passed {
			c.Remedy, c.Code = "", ""
		}
		c.Overridden = !c.Passed && c.Overridable && slices.ContainsFunc(override, func(id string) bool { return strings.EqualFold(id, c.ID) })
	}
	return all
}

// Blocks tells whether the check stops a hybrid configuration.
func (c *HybridCheck) Blocks() bool { return !c.Passed && !c.Overridden && c.Severity == "block" }

func (h *Hybrid) checkTenant() []HybridCheck {
	on := HybridCheck{ID: "DIRSYNC_ENABLED", Code: "HCW8001", Severity: "block", Passed: h.SyncOn, Evidence: "synchronisation is on in the tenant"}
	if !on.Passed {
		on.Evidence, on.Remedy = noRoutingDomain+"synchronisation is switched off in the tenant", "canopy tenant switch set synchronization on (Set-EntraDirSyncEnabled -EnableDirSync $true); then synchronise: canopy run"
	}
	return []HybridCheck{on, h.checkRouting(), h.checkTool(), h.checkFlow(), h.checkDomains(), h.checkVerified()}
}

func (h *Hybrid) checkRouting() HybridCheck {
	c := HybridCheck{ID: "COEX_DOMAIN_PRESENT", Code: "HCW8001", Severity: "block", Passed: h.Routing != "", Evidence: "the coexistence domain is " + h.Routing}
	switch {
	case c.Passed:
	case !h.SyncOn:
		c.Evidence, c.Remedy = noRoutingDomain+"the service makes the domain when synchronisation is on, and it is off", "see DIRSYNC_ENABLED"
	case !h.Syncing:
		c.Evidence, c.Remedy = noRoutingDomain+"synchronisation is on, and has not written anything yet; the service makes the domain then", "canopy run"
	default:
		c.Evidence = noRoutingDomain + "synchronisation is on and at work, and no accepted domain is the coexistence domain"
		c.Remedy = "an administrator cannot repair this: the domain cannot be added by hand, nor by setting synchronisation up again. Only the service's support can, or a new tenant"
	}
	return c
}

func (h *Hybrid) checkTool() HybridCheck {
	c := HybridCheck{ID: "SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK", Severity: "warn", Overridable: true, Passed: h.Cycles > 0, Evidence: fmt.Sprintf("%d cycles have run from here", h.Cycles)}
	if !c.Passed {
		c.Evidence, c.Remedy = "no synchronisation has run from here", "canopy run; or, where another tool synchronises: --override SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK"
	}
	return c
}

func (h *Hybrid) checkFlow() HybridCheck {
	c := HybridCheck{ID: "EXCHANGE_GUID_FLOW", Severity: "block", Passed: h.GUIDFlows, Evidence: "the rules take msExchMailboxGuid to the tenant"}
	if !c.Passed {
		c.Evidence, c.Remedy = "no rule takes msExchMailboxGuid to the tenant: a licence makes a second mailbox for who has one in a forest", "give the Exchange attributes back to the rules: canopy rule list shows them"
		return c
	}
	for _, f := range h.Forests {
		if f.NotFlowed.Count > 0 {
			c.Passed = false
			c.Evidence, c.Remedy = fmt.Sprintf("the cloud does not know the mailbox GUID that %s has, of %s", f.Name, &f.NotFlowed), "canopy run; where it stays: canopy explain USER"
			return c
		}
	}
	return c
}

func (h *Hybrid) accepts(domain string) bool {
	return slices.ContainsFunc(h.Accepted, func(a string) bool { return strings.EqualFold(a, domain) })
}

func (h *Hybrid) checkDomains() HybridCheck {
	c := HybridCheck{ID: "ACCEPTED_DOMAINS_MATCH", Severity: "warn", Passed: true, Evidence: "all domains of primary addresses are accepted"}
	var missing []string
	for _, f := range h.Forests {
		for domain, n := range f.Domains {
			if !h.accepts(domain) {
				missing = append(missing, fmt.Sprintf("%s (%d in %s)", domain, n, f.Name))
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		c.Passed, c.Evidence, c.Remedy = false, "the tenant does not accept "+strings.Join(missing, ", "), "verify the domain: canopy tenant domain add DOMAIN, canopy tenant domain verify DOMAIN"
	}
	return c
}

func (h *Hybrid) checkVerified() HybridCheck {
	c := HybridCheck{ID: "CUSTOM_DOMAIN_VERIFIED", Severity: "block"}
	for _, d := range h.Accepted {
		if !strings.EqualFold(d, h.Initial) && !strings.EqualFold(d, h.Routing) {
			c.Passed, c.Evidence = true, d+" is verified"
			return c
		}
	}
	c.Evidence, c.Remedy = "the tenant has no domain of the organisation's own", "canopy tenant domain add DOMAIN, canopy tenant domain verify DOMAIN"
	return c
}

func (h *Hybrid) checkForest(f *HybridForest) []HybridCheck {
	name := string(f.Name)
	check := func(id, severity string, passed bool, good, bad, remedy string) HybridCheck {
		c := HybridCheck{ID: id, Object: name, Severity: severity, Passed: passed, Evidence: good, Remedy: remedy}
		if !passed {
			c.Evidence = bad
		}
		return c
	}
	schema := check("EXCHANGE_SCHEMA", "block", f.Exchange, "the schema has Exchange's attributes", "the schema does not have Exchange's attributes", "extend it with Exchange's setup (/PrepareSchema)")
	if !f.Exchange {
		return []HybridCheck{schema}
	}
	template := len(f.Templates) == 0 || slices.ContainsFunc(f.Templates, func(t string) bool { return strings.EqualFold(domainOf(t), h.Routing) })
	writeBack := "the cloud's legacy DN is an X500 address of every synchronised recipient"
	lacks := fmt.Sprintf("recipients lack the cloud's legacy DN as an X500 address, of %s", &f.NoX500)
	if !f.Write {
		lacks = "the forest may not be written to, so that the cloud's legacy DN does not get there"
	}
	all := []HybridCheck{schema,
		check("HYBRID_WRITEBACK_ENABLED", "warn", f.Write && f.NoX500.Count == 0, writeBack, lacks, "set write: true for the forest, and let the Exchange hybrid attributes be written back; until then old mail cannot be answered after a move"),
		check("EAP_HAS_COEX_TEMPLATE", "warn", template, "the address policy gives addresses in the coexistence domain", "no template of the address policy is in the coexistence domain", "add smtp:%m@"+cmp.Or(h.Routing, "TENANT.mail.onmicrosoft.com")+" to exchange: addresses:"),
		check("RECIPIENTS_HAVE_COEX_ALIAS", "warn", f.NoAlias.Count == 0, "mailboxes have addresses in the coexistence domain", "mailboxes have no address in the coexistence domain, of "+f.NoAlias.String(), "canopy onprem recipient update USER; without it a mailbox cannot be moved to the cloud"),
		check("REMOTE_MAILBOX_HAS_GUID", "warn", f.NoGUID.Count == 0, fmt.Sprintf("%d remote mailboxes", f.Remote), "remote mailboxes have no mailbox GUID, of "+f.NoGUID.String(), "canopy onprem remote-mailbox set USER --exchange-guid GUID, with the cloud's; without it a mailbox cannot be moved back"),
		h.checkEndpoint(f)}
	for _, p := range f.Probe {
		all = append(all, check("ENDPOINT_"+strings.ToUpper(p.What), "warn", p.Good, p.Says, p.Says, "see to it that "+f.Endpoint+" answers from outside, with a trusted certificate that names it"))
	}
	return all
}

func (h *Hybrid) checkEndpoint(f *HybridForest) HybridCheck {
	c := HybridCheck{ID: "MIGRATION_ENDPOINT_PER_ORG", Object: string(f.Name), Severity: "warn", Passed: f.Endpoint != "" || f.Mailboxes == 0, Evidence: "mailboxes are moved from " + f.Endpoint}
	if f.Endpoint == "" {
		c.Evidence = "there is no mailbox to be moved"
	}
	if !c.Passed {
		c.Evidence, c.Remedy = fmt.Sprintf("%d mailboxes, and no endpoint to move them from", f.Mailboxes), "name the host of the forest's mailbox replication proxy in exchange: endpoint:"
	}
	for _, other := range h.Forests {
		if other != f && f.Endpoint != "" && strings.EqualFold(other.Endpoint, f.Endpoint) {
			c.Passed, c.Evidence, c.Remedy = false, "the endpoint is that of "+string(other.Name)+" too", "each Exchange organisation needs an endpoint of its own"
		}
	}
	return c
}
