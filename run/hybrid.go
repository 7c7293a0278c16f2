package run

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
)

// guidAttr is the attribute by which the cloud knows of a mailbox in a forest.
const guidAttr canopy.Attr = "msExchMailboxGuid"

// Hybrid looks at the tenant, the rules and all forests as they are now, for the checks of readiness.
func (p *OnPrem) Hybrid(ctx context.Context, dir string) (*onprem.Hybrid, error) {
	if err := p.needTenant(); err != nil {
		return nil, err
	}
	admin := p.tenant.Admin()
	h := &onprem.Hybrid{SyncOn: admin.Synchronized(), Syncing: admin.ExchangeSettings().Syncing}
	for _, d := range admin.AcceptedDomains() {
		h.Accepted = append(h.Accepted, d.Name)
		if d.Coexistence {
			h.Routing = d.Name
		}
		if d.Default {
			h.Initial = d.Name
		}
	}
	rules, err := LoadRules(dir, p.cfg.Join)
	if err != nil {
		return nil, err
	}
	h.GUIDFlows = carries(rules, guidAttr)
	if h.Cycles, err = cycles(ctx, dir); err != nil {
		return nil, err
	}
	twins, err := readTwins(ctx, admin)
	if err != nil {
		return nil, err
	}
	for i := range p.cfg.Forests {
		f, err := p.hybridForest(ctx, i, twins, h.Routing)
		if err != nil {
			return nil, err
		}
		h.Forests = append(h.Forests, f)
	}
	return h, nil
}

// carries tells whether some rules take an attribute from a forest to the metaverse, and others from there to the tenant.
func carries(rules *rule.Set, attr canopy.Attr) bool {
	in, out := map[canopy.Attr]bool{}, false
	for _, r := range rules.All() {
		for _, f := range r.Flows {
			if !r.Disabled && r.Direction == rule.In && strings.EqualFold(string(f.From), string(attr)) {
				in[f.To] = true
			}
		}
	}
	for _, r := range rules.All() {
		for _, f := range r.Flows {
			out = out || !r.Disabled && r.Direction == rule.Out && strings.EqualFold(string(f.To), string(attr)) && in[f.From]
		}
	}
	return out
}

// cycles are the runs that went through.
func cycles(ctx context.Context, dir string) (int, error) {
	s, err := store.Open(ctx, filepath.Join(dir, StoreName), store.Options{ReadOnly: true})
	if canopy.KindOf(err) == canopy.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	runs, err := s.Runs(ctx, 1000)
	n := 0
	for _, r := range runs {
		if r.Verb != "plan" && r.Error == "" && !r.Finished.IsZero() {
			n++
		}
	}
	return n, errors.Join(err, s.Close())
}

func (p *OnPrem) hybridForest(ctx context.Context, i int, twins *twins, routing string) (*onprem.HybridForest, error) {
	c := &p.cfg.Forests[i]
	f := &onprem.HybridForest{Name: c.Name, Write: c.Write, Templates: c.Exchange.Addresses, Endpoint: c.Exchange.Endpoint}
	if c.Exchange.Coexistence != "" {
		routing = c.Exchange.Coexistence
	}
	about, err := p.forests[i].Describe(ctx)
	if err != nil {
		return nil, err
	}
	if f.Exchange = about.Schema.Exchange; !f.Exchange {
		return f, nil
	}
	if err := p.people(ctx, i, func(o *onprem.Object) { f.Count(o, twins.of(o), routing) }); err != nil {
		return nil, err
	}
	if f.Endpoint != "" {
		probe := p.Probe
		if probe == nil {
			probe = probeEndpoint
		}
		var domains []string
		for d := range f.Domains {
			domains = append(domains, d)
		}
		sort.Strings(domains)
		f.Probe = probe(ctx, f.Endpoint, domains)
	}
	return f, nil
}

// probeWait is how long an endpoint has for each answer.
const probeWait = 5 * time.Second

// probeEndpoint looks whether a host answers on the ports that moves and mail need, with a certificate that names it and is
// trusted here, and whether autodiscover has a name in DNS.
func probeEndpoint(ctx context.Context, host string, domains []string) []onprem.ProbeFact {
	ctx, cancel := context.WithTimeout(ctx, 4*probeWait)
	defer cancel()
	dialer := &net.Dialer{Timeout: probeWait}
	var facts []onprem.ProbeFact
	say := func(what string, err error, good string) {
		f := onprem.ProbeFact{What: what, Good: err == nil, Says: good}
		if err != nil {
			f.Says = err.Error()
		}
		facts = append(facts, f)
	}
	for _, port := range []string{"443", "25"} {
		c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			err = c.Close()
		}
		say("port_"+port, err, host+" answers on port "+port)
	}
	c, err := (&tls.Dialer{NetDialer: dialer}).DialContext(ctx, "tcp", net.JoinHostPort(host, "443"))
	if err == nil {
		err = c.Close()
	}
	say("certificate", err, "the certificate names "+host+" and is trusted here")
	for _, d := range slices.Compact(domains) {
		_, err := net.DefaultResolver.LookupHost(ctx, "autodiscover."+d)
		say("autodiscover", err, "autodiscover."+d+" has a name in DNS")
	}
	return facts
}
