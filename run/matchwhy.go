package run

import (
	"cmp"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
)

// pair is what there is to say about two sides that were not joined.
type pair struct {
	c      *CloudObject
	o      *ForestObject
	cf, of *check.Face
	tenant map[string]string
}

func (p *pair) samePrimary() bool { return p.cf.Primary != "" && p.cf.Primary == p.of.Primary }
func (p *pair) sameUPN() bool     { return p.cf.UPN != "" && p.cf.UPN == p.of.UPN }

// unverified is the first of an object's domains that the tenant has not verified, "" where it is not known or all are.
func (p *pair) unverified() string {
	known := strings.Fields(p.tenant["Tenant.Domains"])
	if len(known) == 0 {
		return ""
	}
	for _, s := range []string{p.of.UPN, p.of.Primary} {
		if _, domain, ok := strings.Cut(s, "@"); ok && !slices.Contains(known, domain) && domain != p.tenant["Tenant.Initial"] {
			return domain
		}
	}
	return ""
}

// reasons are why a likely pair is not joined; all that hold are told, and the first that says what to do says it.
var reasons = []struct {
	holds func(p *pair) bool
	text  func(p *pair) string
	next  func(p *pair) string
}{
	{func(p *pair) bool { return !alikeClasses(p.c.Class, p.o.Class) },
		func(p *pair) string { return "a " + string(p.c.Class) + " is never joined with a " + string(p.o.Class) },
		func(*pair) string { return "delete one of the two, or give it another address" }},
	{func(p *pair) bool { return p.o.Out != "" },
		func(p *pair) string { return "the object of the forest is out of scope: " + p.o.Out },
		func(*pair) string { return "take it into the scope; canopy explain says by what it is out" }},
	{func(p *pair) bool { return p.c.SourceAnchor != "" && p.c.SourceAnchor != p.o.SourceAnchor },
		func(p *pair) string { return "the cloud object has another source anchor: " + p.c.SourceAnchor },
		func(p *pair) string {
			return "if it is old: canopy tenant user set-immutable-id " + string(p.c.Anchor) + "; then " + p.command()
		}},
	{func(p *pair) bool { return p.c.Unmatched != "" },
		func(p *pair) string { return p.c.Unmatched },
		func(p *pair) string { return "do that, then " + p.command() }},
	{func(p *pair) bool { return p.tenant[canopy.Unmatched+"address"] != "" && p.samePrimary() },
		func(p *pair) string { return p.tenant[canopy.Unmatched+"address"] }, (*pair).command},
	{func(p *pair) bool { return p.tenant[canopy.Unmatched+"upn"] != "" && p.sameUPN() && !p.samePrimary() },
		func(p *pair) string { return p.tenant[canopy.Unmatched+"upn"] }, (*pair).command},
	{func(p *pair) bool { return p.o.Held != "" },
		func(p *pair) string { return "the object of the forest is held back: " + p.o.Held }, nil},
	{func(p *pair) bool { return !p.samePrimary() && !p.sameUPN() && check.SharesAddress(p.cf, p.of) },
		func(*pair) string {
			return "only an address that is secondary on one side is the same: the primary one counts"
		}, (*pair).command},
	{func(p *pair) bool { return p.cf.UPN != "" && p.of.UPN != "" && !p.sameUPN() && !p.samePrimary() },
		func(p *pair) string { return "the sign-in names differ: " + p.cf.UPN + " and " + p.of.UPN }, (*pair).command},
	{func(p *pair) bool { return p.unverified() != "" },
		func(p *pair) string { return "the tenant has not verified " + p.unverified() }, (*pair).command},
}

const nothingSame = "neither the primary address nor the sign-in name is the same"

func alikeClasses(a, b canopy.Class) bool {
	return a == b || a == canopy.User && b == canopy.InetOrgPerson
}

// command is what joins the two.
func (p *pair) command() string {
	if p.c.Class != canopy.User {
		return "give both the same primary address"
	}
	return "canopy match " + string(p.c.Anchor) + " '" + strings.ReplaceAll(p.o.Name, "'", `'\''`) + "'"
}

// whyNot says why two sides are not joined, and what joins them.
func whyNot(c *CloudObject, o *ForestObject, cf, of *check.Face, tenant map[string]string) (why []string, next string) {
	p := &pair{c, o, cf, of, tenant}
	for _, r := range reasons {
		if !r.holds(p) {
			continue
		}
		why = append(why, r.text(p))
		if next == "" && r.next != nil {
			next = r.next(p)
		}
	}
	if len(why) == 0 {
		why = append(why, nothingSame)
	}
	return why, cmp.Or(next, p.command())
}
