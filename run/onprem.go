package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/ad"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/tenant"
)

// Exchange says what a forest's Exchange organisation decides for all of its recipients.
type Exchange struct {
	Organisation string `yaml:"organisation,omitempty"` // its name in legacy DNs
	// Addresses are the templates of its address policy: SMTP:%m@contoso.com, smtp:%m@contoso.mail.onmicrosoft.com.
	Addresses    []string `yaml:"addresses,omitempty"`
	Policy       string   `yaml:"policy,omitempty"`        // the GUID of the address policy
	Coexistence  string   `yaml:"coexistence,omitempty"`   // "": the tenant's coexistence domain
	AddressLists []string `yaml:"address_lists,omitempty"` // DNs
	Database     string   `yaml:"database,omitempty"`      // the DN of a mailbox database
	Server       string   `yaml:"server,omitempty"`        // the legacy DN of its server
	Endpoint     string   `yaml:"endpoint,omitempty"`      // the host that its mailboxes are moved from
}

func (x *Exchange) faults() []string {
	var f []string
	for _, t := range x.Addresses {
		if err := onprem.CheckTemplate(t); err != nil {
			f = append(f, "exchange: addresses: "+err.Error())
		}
	}
	for _, dn := range append(slices.Clone(x.AddressLists), x.Database) {
		if _, err := ad.ParseDN(dn); err != nil {
			f = append(f, "exchange: "+err.Error())
		}
	}
	if x.Policy != "" {
		if _, err := recipient.ParseGUID(x.Policy); err != nil {
			f = append(f, "exchange: policy: "+err.Error())
		}
	}
	return f
}

// OnPrem is the forest's side of Exchange: it finds objects in the forests of a configuration, and stamps them.
type OnPrem struct {
	cfg     *Config
	forests []canopy.Connector // as cfg.Forests
	tenant  *tenant.Tenant     // nil where there is none
	closers []func() error
	// NewGUID gives the GUIDs of new mailboxes; nil: random ones. For tests.
	NewGUID func() recipient.GUID
	// Probe looks at an endpoint; nil: it is contacted.
	Probe func(ctx context.Context, host string, domains []string) []onprem.ProbeFact
}

// OpenOnPrem opens the forests of a configuration and its tenant. ReadOnly opens the tenant not at all, and takes no lock.
// With Locked somebody who works on the state directory is let be; only what writes must not pass it.
func OpenOnPrem(ctx context.Context, o OpenOptions) (_ *OnPrem, err error) {
	if o.Config == "" {
		o.Config = filepath.Join(o.Dir, ConfigName)
	}
	p := &OnPrem{}
	if p.cfg, err = LoadConfig(o.Config); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error counts
		}
	}()
	if !o.ReadOnly {
		lock, err := Lock(o.Dir, o.Command)
		if err != nil && (!o.Locked || canopy.KindOf(err) != canopy.Conflict) {
			return nil, err
		}
		if lock != nil {
			p.closers = append(p.closers, lock.Close)
		}
		if err := p.openTenant(ctx, &o); err != nil {
			return nil, err
		}
	}
	for i := range p.cfg.Forests {
		c, err := openForest(&p.cfg.Forests[i], &o)
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, c.Close)
		p.forests = append(p.forests, c)
	}
	return p, nil
}

// openTenant opens the tenant of the state directory where there is one.
func (p *OnPrem) openTenant(ctx context.Context, o *OpenOptions) error {
	path := filepath.Join(o.Dir, TenantName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	t, err := tenant.Open(ctx, path, tenant.Options{Clock: o.Clock})
	if err != nil {
		return err
	}
	p.tenant, p.closers = t, append(p.closers, t.Close)
	return nil
}

// Close ends what OpenOnPrem opened.
func (p *OnPrem) Close() error {
	var all []error
	for _, end := range slices.Backward(p.closers) {
		all = append(all, end())
	}
	p.closers = nil
	return errors.Join(all...)
}

// chosen are the forests that a name means: all for "".
func (p *OnPrem) chosen(name string) ([]int, error) {
	var all []int
	var known []string
	for i := range p.cfg.Forests {
		known = append(known, string(p.cfg.Forests[i].Name))
		if name == "" || strings.EqualFold(name, known[i]) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "no-forest", Object: name, Text: "there is no such forest in the configuration", Next: "choose of " + strings.Join(known, ", ")}
	}
	return all, nil
}

// the classes that are recipients, or may become one.
var recipientClasses = []canopy.Class{canopy.User, canopy.InetOrgPerson, canopy.Group, canopy.Contact}

// Get finds one object by DN, sign-in name, address, sAMAccountName, alias or objectGUID, in the forest named or in all.
func (p *OnPrem) Get(ctx context.Context, forest, identity string) (*onprem.Object, error) {
	o, _, err := p.find(ctx, forest, identity)
	return o, err
}

func (p *OnPrem) find(ctx context.Context, forest, identity string) (*onprem.Object, int, error) {
	where, err := p.chosen(forest)
	if err != nil {
		return nil, 0, err
	}
	type hit struct {
		o  *onprem.Object
		at int
	}
	var hits []hit
	for _, i := range where {
		if err := p.schema(ctx, i); err != nil && (forest != "" || canopy.KindOf(err) != canopy.Unsupported) {
			return nil, 0, err
		}
		found, err := p.forests[i].Search(ctx, request(identity))
		if err != nil && (forest != "" || canopy.KindOf(err) != canopy.NotFound) {
			return nil, 0, err
		}
		for j := range found {
			if found[j].Failed != nil {
				return nil, 0, found[j].Failed
			}
			if found[j].Class != canopy.Container {
				hits = append(hits, hit{onprem.Of(p.cfg.Forests[i].Name, &found[j]), i})
			}
		}
	}
	switch len(hits) {
	case 1:
		return hits[0].o, hits[0].at, p.schema(ctx, hits[0].at)
	case 0:
		return nil, 0, &canopy.Error{Kind: canopy.NotFound, Code: "no-such-object", Object: identity, Text: "no forest of the configuration has an object of that name",
			Next: "name it by DN, sign-in name, address, sAMAccountName, alias or objectGUID"}
	}
	var names []string
	for _, h := range hits {
		names = append(names, fmt.Sprintf("%s in %s", h.o.DN, h.o.Forest))
	}
	return nil, 0, &canopy.Error{Kind: canopy.Conflict, Code: "several-objects", Object: identity, Other: strings.Join(names, "; "), Text: fmt.Sprintf("%d objects are called that", len(hits)),
		Next: "name one by its DN, or its forest with --forest"}
}

// request asks for an object by the form of its name.
func request(identity string) canopy.SearchRequest {
	r := canopy.SearchRequest{Classes: recipientClasses, Attrs: onprem.Asked, Limit: 10}
	if g, err := recipient.ParseGUID(identity); err == nil && strings.Contains(identity, "-") {
		r.Anchor = canopy.Anchor(g.String())
	} else if dn, err := ad.ParseDN(identity); err == nil && len(dn) > 1 {
		r.DN = identity
	} else {
		r.Name = identity
	}
	return r
}

// schema refuses a forest without Exchange's attributes.
func (p *OnPrem) schema(ctx context.Context, at int) error {
	about, err := p.forests[at].Describe(ctx)
	if err != nil {
		return err
	}
	if !about.Schema.Exchange {
		return &canopy.Error{Kind: canopy.Unsupported, Code: "no-exchange-schema", Object: string(p.cfg.Forests[at].Name), Text: "the forest's schema does not have the attributes of Exchange",
			Next: "extend the schema with Exchange's setup (/PrepareSchema), or choose another forest with --forest"}
	}
	return nil
}

// Stamped is what a command wrote, or would write.
type Stamped struct {
	Forest   canopy.ConnectorID `json:"forest"`
	Object   string             `json:"object"`
	Op       string             `json:"operation"`
	Changes  []onprem.Change    `json:"changes"`
	Findings []canopy.Finding   `json:"findings,omitempty"`
	Written  bool               `json:"written"`

	stamp *onprem.Stamp
	at    int
}

// Wish is what a command asks for.
type Wish struct {
	Forest   string
	Identity string // of the object; "" for New
	Parent   string // the DN of the container for New
	Ask      onprem.Ask
	Force    bool // make a second mailbox for somebody who has one in the cloud
}

// Do decides what a command stamps, and writes it. What the object held when it was decided must still be there.
func (p *OnPrem) Do(ctx context.Context, w Wish) (*Stamped, error) {
	s, err := p.Decide(ctx, w)
	if err != nil || len(s.Changes) == 0 {
		return s, err
	}
	return s, p.write(ctx, s)
}

// Decide finds the object, and decides with what its forest and the tenant hold. It writes nothing.
func (p *OnPrem) Decide(ctx context.Context, w Wish) (*Stamped, error) {
	o, at, err := p.subject(ctx, &w)
	if err != nil {
		return nil, err
	}
	org, err := p.organisation(ctx, at)
	if err != nil {
		return nil, err
	}
	fresh, err := p.fresh()
	if err != nil {
		return nil, err
	}
	stamp, err := onprem.Decide(o, w.Ask, org, fresh)
	if err != nil {
		return nil, err
	}
	s := &Stamped{Forest: p.cfg.Forests[at].Name, Object: stamp.Object.DN, Op: stamp.Op.String(), Changes: shown(stamp.Changes), Findings: stamp.Findings, stamp: stamp, at: at}
	if err := p.unclaimed(ctx, at, stamp); err != nil {
		return nil, err
	}
	if stamp.Makes {
		found, err := p.second(ctx, stamp.Object, w.Force)
		if err != nil {
			return nil, err
		}
		s.Findings = append(s.Findings, found...)
	}
	return s, nil
}

// shown are the changes without what is for nobody's eyes.
func shown(all []onprem.Change) []onprem.Change {
	out := slices.Clone(all)
	for i := range out {
		if out[i].Secret() {
			out[i].After = canopy.Texts("(hidden)")
		}
	}
	return out
}

// subject is the object that a command is about; for New nothing, in a forest that must be named where there are several.
func (p *OnPrem) subject(ctx context.Context, w *Wish) (*onprem.Object, int, error) {
	if w.Ask.Verb != onprem.New {
		return p.find(ctx, w.Forest, w.Identity)
	}
	where, err := p.chosen(w.Forest)
	if err != nil {
		return nil, 0, err
	}
	if len(where) > 1 {
		where = slices.DeleteFunc(where, func(i int) bool { return !p.under(i, w.Parent) })
	}
	if len(where) != 1 {
		return nil, 0, &canopy.Error{Kind: canopy.Invalid, Code: "which-forest", Object: w.Parent, Text: "nothing says in which forest the account is to be made", Next: "name it with --forest"}
	}
	parent, err := ad.ParseDN(w.Parent)
	if err != nil {
		return nil, 0, err
	}
	if len(parent) == 0 {
		return nil, 0, &canopy.Error{Kind: canopy.Invalid, Code: "no-container", Text: "nothing says where the account is to be made", Next: "name a container with --ou"}
	}
	w.Ask.Account.DN = append(ad.DN{{Type: "CN", Value: w.Ask.Account.Name}}, parent...).String()
	return nil, where[0], p.schema(ctx, where[0])
}

// under tells whether a container is in a forest, by the forest's name or its bases.
func (p *OnPrem) under(i int, container string) bool {
	d, err := ad.ParseDN(container)
	if err != nil {
		return false
	}
	for _, b := range p.cfg.Forests[i].Base {
		if base, err := ad.ParseDN(b); err == nil && d.Under(base) {
			return true
		}
	}
	var dns []string
	for _, r := range d {
		if strings.EqualFold(r.Type, "DC") {
			dns = append(dns, r.Value)
		}
	}
	return strings.EqualFold(strings.Join(dns, "."), string(p.cfg.Forests[i].Name))
}

// organisation is what the forest's Exchange organisation decides.
func (p *OnPrem) organisation(ctx context.Context, at int) (onprem.Organisation, error) {
	x := &p.cfg.Forests[at].Exchange
	org := onprem.Organisation{Name: x.Organisation, Templates: x.Addresses, Policy: x.Policy, Coexistence: x.Coexistence, AddressLists: x.AddressLists,
		Database: x.Database, Server: x.Server}
	if org.Coexistence == "" && p.tenant != nil {
		for _, d := range p.tenant.Admin().AcceptedDomains() {
			if d.Coexistence {
				org.Coexistence = d.Name
			}
		}
	}
	about, err := p.forests[at].Describe(ctx)
	for _, a := range onprem.Asked {
		if _, known := about.Schema.Attributes[a]; !known {
			org.Lacks = append(org.Lacks, a)
		}
	}
	return org, err
}

func (p *OnPrem) fresh() (onprem.Fresh, error) {
	var f onprem.Fresh
	if p.NewGUID != nil {
		f.Mailbox, f.Archive = p.NewGUID(), p.NewGUID()
		f.Number = p.NewGUID().Octets()
		return f, nil
	}
	var number recipient.GUID
	for _, g := range []*recipient.GUID{&f.Mailbox, &f.Archive, &number} {
		if _, err := rand.Read(g[:]); err != nil {
			return f, fmt.Errorf("make a GUID: %w", err)
		}
		g[7], g[8] = g[7]&0x0f|0x40, g[8]&0x3f|0x80 // a random one, of version 4
	}
	f.Number = hex.EncodeToString(number[:])
	return f, nil
}

// unclaimed refuses values that another object of the organisation has.
func (p *OnPrem) unclaimed(ctx context.Context, at int, s *onprem.Stamp) error {
	for _, c := range s.Claims {
		found, err := p.forests[at].Search(ctx, canopy.SearchRequest{Name: c.Value, Classes: recipientClasses, Attrs: onprem.Asked, Limit: 10})
		if err != nil {
			return err
		}
		for i := range found {
			o := onprem.Of("", &found[i])
			if o.Anchor == s.Object.Anchor || !has(o, c) {
				continue
			}
			return &canopy.Error{Kind: canopy.Conflict, Code: "value-taken", Object: s.Object.DN, Attr: c.Attr, Other: o.DN, Text: fmt.Sprintf("another object of the forest has %s", c.Value),
				Next: "choose another value, or take it from the other object first"}
		}
	}
	return nil
}

// has tells whether an object has a claimed value.
func has(o *onprem.Object, c onprem.Claim) bool {
	for _, v := range o.Attrs[c.Attr].Strings() {
		if strings.EqualFold(v, c.Value) || c.Attr == canopy.AttrAddresses && strings.EqualFold(v, "smtp:"+c.Value) {
			return true
		}
	}
	return c.Attr == canopy.AttrAddresses && strings.EqualFold(o.Attrs.Text(canopy.AttrMail), c.Value)
}

// write sends a stamp to its forest.
func (p *OnPrem) write(ctx context.Context, s *Stamped) error {
	results, err := p.forests[s.at].Write(ctx, []canopy.Export{s.stamp.Export()})
	if err != nil {
		return err
	}
	r := results[0]
	if r.Kind != canopy.Done {
		kind := map[canopy.ResultKind]canopy.ErrorKind{canopy.Later: canopy.Unreachable, canopy.Refused: canopy.Invalid, canopy.Denied: canopy.Forbidden, canopy.NotThere: canopy.NotFound}[r.Kind]
		if r.Code == "ad-changed" {
			kind = canopy.Conflict
		}
		return &canopy.Error{Kind: kind, Code: r.Code, Object: s.Object, Other: string(s.Forest), Text: r.Text, Next: "correct the cause and try again; nothing of the attributes was written"}
	}
	for _, l := range r.Failed {
		s.Findings = append(s.Findings, canopy.Finding{Code: l.Code, Severity: canopy.Severe, Object: s.Object, Attr: l.Attr, Value: l.Ref.DN, Text: l.Text, Next: "is there such an object?"})
	}
	s.Written = true
	return nil
}
