package check

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Checker checks a set of objects: each by itself, and all against one another. It keeps of each object its name and what
// nobody else may have, and not the object.
type Checker struct {
	opt     Options
	objects []member
	names   map[key]int32 // the last claim of each key
	claims  []claim
	found   []*Found
	fixes   map[fixKey]*Fix // of single values
	skipped map[string]int
}

// fixKey names a value of an object.
type fixKey struct {
	at    int32
	attr  canopy.Attr
	value string
}

// member is what is kept of an object.
type member struct {
	connector canopy.ConnectorID
	class     canopy.Class
	dn        string // its name, where it has no DN
	anchor    canopy.Anchor
	meta      canopy.MetaID
	order     int32
	tenant    bool
	mailbox   bool
	named     bool // it has a sign-in name
}

// claim is a value that only one may have.
type claim struct {
	object  int32
	next    int32 // the claim of the same key before it, -1: none
	attr    canopy.Attr
	value   string
	primary bool
}

// Result is what a checker found, in an order that does not depend on the objects'.
type Result struct {
	Objects  int            `json:"objects"`
	Skipped  map[string]int `json:"skipped,omitempty"` // objects that no check looks at, by the reason
	Findings []Found        `json:"findings"`
	Fixes    []*Fix         `json:"-"` // that are offered, by object
}

// New makes a checker.
func New(opt Options) *Checker {
	return &Checker{opt: opt, names: map[key]int32{}, fixes: map[fixKey]*Fix{}, skipped: map[string]int{}}
}

// Add takes one object. Nothing of it is kept but texts.
func (c *Checker) Add(o *Object) {
	if !o.Tenant {
		if why := o.skip(); why != "" {
			c.skipped[why]++
			return
		}
	}
	at := int32(len(c.objects))
	c.objects = append(c.objects, member{connector: o.Connector, class: o.Class, dn: o.name(), anchor: o.Anchor, meta: o.Meta, order: int32(o.Order), tenant: o.Tenant,
		mailbox: o.mailbox(), named: len(o.Attrs[canopy.AttrUPN]) > 0})
	if !o.Tenant {
		for _, f := range judge(o, &c.opt) {
			f.at = at
			if f.Fix != nil {
				f.Fix.at = at
				c.fixes[fixKey{at, f.Fix.Attr, f.Fix.Old}] = f.Fix
			}
			c.found = append(c.found, f)
		}
	}
	c.claimAll(o, at)
}

// key is what is claimed. What is an address may be one in any attribute.
type key struct {
	space space
	text  string
}

// space keeps values apart that may be alike.
type space uint8

const (
	noSpace space = iota
	spaceAddress
	spaceAlias
	spaceTarget
	spaceAccount
)

// keyOf is the key under which a value is claimed, one of noSpace where it is not.
func keyOf(m *member, attr canopy.Attr, value string) key {
	switch {
	case attr == canopy.AttrMail, attr == canopy.AttrUPN:
		return key{spaceAddress, canopy.Fold(value)}
	case attr == canopy.AttrAddresses && begins(value, []string{"smtp:"}):
		return key{spaceAddress, canopy.Fold(value[5:])}
	case attr == canopy.AttrAddresses: // sip:, x500: and the like
		return key{spaceAddress, canopy.Fold(value)}
	case attr == attrAlias, attr == canopy.AttrAlias:
		return key{spaceAlias, canopy.Fold(value)}
	case attr == attrTarget:
		return key{spaceTarget, canopy.Fold(value)}
	case attr == attrAccount && m.class != canopy.Contact && !m.tenant:
		return key{spaceAccount, string(m.connector) + ":" + domainDN(m.dn) + ":" + canopy.Fold(value)}
	}
	return key{}
}

// domainDN is the part of a DN that names its domain.
func domainDN(dn string) string {
	folded := canopy.Fold(dn)
	if at := strings.Index(folded, ",dc="); at >= 0 {
		return folded[at:]
	}
	return ""
}

// claimed are the attributes of which only one object may have a value, in order.
var claimed = []canopy.Attr{canopy.AttrMail, canopy.AttrAddresses, canopy.AttrUPN, attrAlias, canopy.AttrAlias, attrTarget, attrAccount}

func (c *Checker) claimAll(o *Object, at int32) {
	m := &c.objects[at]
	for _, attr := range claimed {
		if attr == attrTarget && m.tenant {
			continue
		}
		for _, v := range o.Attrs[attr] {
			s := v.Str()
			k := keyOf(m, attr, s)
			if k.space == noSpace || s == "" {
				continue
			}
			before, any := c.names[k]
			if !any {
				before = -1
			}
			c.names[k] = int32(len(c.claims))
			c.claims = append(c.claims, claim{object: at, next: before, attr: attr, value: s, primary: attr != canopy.AttrAddresses || isPrimary(s)})
		}
	}
}

// Result ends the checking: it finds what several objects have, and which corrections nobody stands in the way of.
func (c *Checker) Result() *Result {
	for _, last := range c.names {
		if c.claims[last].next >= 0 {
			c.conflict(last)
		}
	}
	slices.SortFunc(c.found, func(a, b *Found) int {
		if n := order(a, b); n != 0 {
			return n
		}
		return strings.Compare(string(c.objects[a.at].anchor), string(c.objects[b.at].anchor))
	})
	c.settle()
	r := &Result{Skipped: c.skipped, Findings: make([]Found, 0, len(c.found))}
	for i := range c.objects {
		if !c.objects[i].tenant {
			r.Objects++
		}
	}
	for _, n := range c.skipped {
		r.Objects += n
	}
	seen := map[*Fix]bool{}
	for _, f := range c.found {
		if f.Fix != nil && f.Fix.off {
			f.Fix = nil
		}
		if f.Fix != nil && !seen[f.Fix] {
			seen[f.Fix] = true
			r.Fixes = append(r.Fixes, f.Fix)
		}
		r.Findings = append(r.Findings, *f)
	}
	return r
}

// settle withdraws corrections whose new value another object has, or gets by a correction that comes first.
func (c *Checker) settle() {
	gets := map[key]int32{}
	for _, f := range c.found {
		x := f.Fix
		if x == nil || x.off || x.New == "" {
			continue
		}
		k := keyOf(&c.objects[x.at], x.Attr, x.New)
		if k.space == noSpace {
			continue
		}
		if by, ok := gets[k]; ok && !c.one(by, x.at) {
			x.off = true
			continue
		}
		if last, ok := c.names[k]; ok {
			for at := last; at >= 0; at = c.claims[at].next {
				x.off = x.off || !c.one(c.claims[at].object, x.at)
			}
		}
		if !x.off {
			gets[k] = x.at
		}
	}
}

// one tells whether two objects are one person, or one object that was given twice.
func (c *Checker) one(a, b int32) bool {
	x, y := &c.objects[a], &c.objects[b]
	return a == b || x.meta != 0 && x.meta == y.meta || x.connector == y.connector && x.dn == y.dn && x.anchor == y.anchor
}
