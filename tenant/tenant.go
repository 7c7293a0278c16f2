// Package tenant is the cloud directory: users, groups and contacts behind a synchronisation door that is a
// canopy.Connector, and a second door for administrators. It knows no sync rule and reads no forest.
package tenant

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
)

// Domain is a domain name of the tenant.
type Domain struct {
	Name     string `json:"name"`
	Verified bool   `json:"verified"`
	// Federated domains sign their people in elsewhere.
	Federated bool `json:"federated,omitempty"`
}

// Policy says what a value does that another object holds already.
type Policy string

// The policies. Whatever the policy, an anchor, a UPN and a security identifier belong to one object only.
const (
	UniqueFail Policy = "fail" // the write is refused; the default
	UniqueNone Policy = "none" // addresses may be held twice, as the 2020 preview of cloud provisioning allowed
	// UniqueQuarantine takes a synchronised object without the sign-in name or address that another object has, and
	// gives it when it has become free, as the real service does.
	UniqueQuarantine Policy = "quarantine"
)

// Durability says when a write counts as kept.
type Durability string

// The durabilities. A killed process loses nothing that was answered under any but Volatile.
const (
	Durable  Durability = "full"   // survives a power failure too; the default
	Buffered Durability = "normal" // a power failure may lose the last writes, never the file
	Volatile Durability = "off"    // for tests and throw-away tenants
)

// Options are what a tenant is opened with. The zero Options open a tenant that was made before as it was left.
type Options struct {
	// Clock gives the time; nil is the system's.
	Clock func() time.Time
	// NewID makes object ids; nil makes random ones. An id that is taken is asked for again.
	NewID func() string
	// Domains are added to the tenant's, and say of those that are there whether they are verified. The initial domain is
	// always one of them, and verified.
	Domains []Domain
	// Initial is the domain that the tenant was born with, "contoso.onmicrosoft.com". A new file needs it; for an
	// existing one "" keeps it and another one is refused.
	Initial string
	// Policy replaces the tenant's uniqueness policy unless it is "".
	Policy Policy
	// Switches are those of a new tenant; nil is SoftMatchOnUPN alone.
	Switches *Switches
	// Exchange are the switches of the Exchange half of a new tenant; nil is as the service was observed.
	Exchange *ExchangeSettings
	// NewGUID makes the GUIDs of new mailboxes; nil makes random ones. One that is taken is asked for again.
	NewGUID func() string
	// Durability says when a write counts as kept; "" is Durable.
	Durability Durability
	// Seed fills a new tenant through the administrators' door; it is not called for a file that holds one.
	Seed func(context.Context, *Admin) error
	// Fail, for tests, is asked before each export with its running number since Open, from 1; anything but Done is
	// answered in place of writing.
	Fail func(n int) canopy.ResultKind
	// Drop, for tests, names attributes that are taken with "done" and not kept.
	Drop []canopy.Attr
}

// Tenant is an open cloud directory. Its methods and those of its doors may be called from several goroutines.
type Tenant struct {
	opt     Options
	file    *file
	clock   func() time.Time
	newID   func() string
	newGUID func() string

	mu    sync.Mutex // one writer at a time; guards all below
	conf  settings
	today int64
	hour  int64
	// licensed are the groups with licences, nil when they are to be looked up; owing is set while users may be due.
	licensed map[int64]bool
	owing    bool
	exports  int
	wake     int64 // when time alone brings work, -1: never

	queue   sync.Mutex // guards waiting
	waiting []*wish

	watch sync.Mutex // guards pulse
	pulse chan struct{}
}

// Open opens the tenant in the file path, and makes it when there is none. A file of a newer version gives an error of
// kind Newer, wrong options one of kind Invalid. The caller closes it.
func Open(ctx context.Context, path string, opt Options) (*Tenant, error) {
	f, err := openFile(ctx, path, opt.Durability)
	if err != nil {
		return nil, fmt.Errorf("open tenant %s: %w", path, err)
	}
	t := &Tenant{opt: opt, file: f, clock: opt.Clock, newID: opt.NewID, owing: true, pulse: make(chan struct{})}
	if t.clock == nil {
		t.clock = time.Now
	}
	if t.newID == nil {
		t.newID = randomID
	}
	if t.newGUID = opt.NewGUID; t.newGUID == nil {
		t.newGUID = randomID
	}
	if err := t.settle(ctx); err != nil {
		_ = f.close() // the first error counts
		return nil, fmt.Errorf("open tenant %s: %w", path, err)
	}
	return t, nil
}

// settle reads the settings of an existing tenant, or makes a new one, and applies the options.
func (t *Tenant) settle(ctx context.Context) error {
	fresh := false
	err := t.update(ctx, func(x *tx) error {
		kept, found, err := x.loadSettings()
		if err != nil {
			return err
		}
		fresh = !found
		conf, err := kept.with(t.opt, t.newID)
		if err != nil {
			return err
		}
		return x.saveSettings(conf)
	})
	if err != nil {
		return err
	}
	if fresh && t.opt.Seed != nil {
		if err := t.opt.Seed(ctx, t.Admin()); err != nil {
			return fmt.Errorf("fill the new tenant: %w", err)
		}
	}
	return nil
}

// Close ends the tenant. Nothing may be under way.
func (t *Tenant) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.file.close()
}

// Door is the native door: the tenant as a target of synchronisation.
func (t *Tenant) Door() canopy.Connector { return door{t} }

// Admin is the door for administrators.
func (t *Tenant) Admin() *Admin { return &Admin{t, administrator} }

// administrator is who does something when nobody says who it is.
var administrator = Actor{Name: "administrator"}

// Counts are the numbers of objects that are not deleted.
func (t *Tenant) Counts(ctx context.Context) (users, groups, contacts int, err error) {
	rows, err := t.file.read.QueryContext(ctx, `SELECT class, count(*) FROM object WHERE deleted IS NULL GROUP BY class`)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("count objects: %w", err)
	}
	defer rows.Close()
	n := map[canopy.Class]int{}
	for rows.Next() {
		var class canopy.Class
		var count int
		if err := rows.Scan(&class, &count); err != nil {
			return 0, 0, 0, fmt.Errorf("count objects: %w", err)
		}
		n[class] = count
	}
	return n[canopy.User], n[canopy.Group], n[canopy.Contact], rows.Err()
}

// announce wakes everybody who watches.
func (t *Tenant) announce() {
	t.watch.Lock()
	defer t.watch.Unlock()
	close(t.pulse)
	t.pulse = make(chan struct{})
}

// next is closed at the next change.
func (t *Tenant) next() <-chan struct{} {
	t.watch.Lock()
	defer t.watch.Unlock()
	return t.pulse
}

// Switches are the tenant's switches for what is synchronised.
type Switches struct {
	BlockSoftMatch         bool `json:"blockSoftMatch"`
	BlockHardMatchTakeover bool `json:"blockCloudObjectTakeoverThroughHardMatch"`
	SoftMatchOnUPN         bool `json:"softMatchOnUpn"` // on in a new tenant, and cannot be switched off again
	// RefuseMalformed refuses an object that has an address with a wrong form. Off, the address is kept as it was
	// synced and silently left out of what the service computes, as the real service does.
	RefuseMalformed bool `json:"refuseMalformedAddresses"`
	// RefuseFederatedChange refuses that a synchronised sign-in name goes from one federated domain to another, as the
	// service did until 2019.
	RefuseFederatedChange bool `json:"refuseFederatedDomainChange"`
	// AllowRemap lets a cloud object be taken over by its anchor although another object of a forest had it before.
	AllowRemap bool `json:"allowOnPremUpdateOfOnPremisesObjectIdentifier"`
	// DenyAccount denies every write of synchronisation, as when its account has lost its role.
	DenyAccount bool `json:"denySynchronizationAccount"`
}

// settings are what a tenant keeps of itself.
type settings struct {
	Tenant   string           `json:"tenant"`
	Initial  string           `json:"initial"`
	Domains  []Domain         `json:"domains"`
	Policy   Policy           `json:"policy"`
	Switches Switches         `json:"switches"`
	Exchange ExchangeSettings `json:"exchange"`
	// Units are how many the tenant has of a product, by part number; of those not named it has defaultUnits.
	Units map[string]int `json:"units,omitempty"`
	// Location is the tenant's country: who has no usage location is licensed by groups as if there.
	Location string `json:"location,omitempty"`
	// SyncOff is when synchronisation was switched off, microseconds; 0: it is on.
	SyncOff int64 `json:"syncOff,omitempty"`
	// Unanchored is set once there were synchronised objects whose source anchor nobody knew.
	Unanchored bool `json:"unanchored,omitempty"`
}

// with are the settings after the options have been applied.
func (s settings) with(opt Options, newID func() string) (settings, error) {
	initial := canopy.Fold(strings.TrimSpace(opt.Initial))
	switch {
	case s.Tenant == "" && initial == "":
		return s, &canopy.Error{Kind: canopy.Invalid, Text: "a new tenant needs its initial domain",
			Next: "name it, for instance contoso.onmicrosoft.com"}
	case s.Tenant == "":
		s.Tenant, s.Initial, s.Policy = newID(), initial, UniqueFail
		s.Switches.SoftMatchOnUPN, s.Exchange = true, defaultExchange
		if opt.Exchange != nil {
			s.Exchange = *opt.Exchange
		}
		if opt.Switches != nil {
			s.Switches = *opt.Switches
		}
	case initial != "" && initial != s.Initial:
		return s, &canopy.Error{Kind: canopy.Invalid, Object: initial, Other: s.Initial,
			Text: "the file holds a tenant with another initial domain", Next: "open another file, or keep the domain"}
	}
	if s.Location == "" {
		s.Location = "US"
	}
	for _, d := range opt.Domains {
		d.Name = canopy.Fold(strings.TrimSpace(d.Name))
		at := slices.IndexFunc(s.Domains, func(have Domain) bool { return have.Name == d.Name })
		if at < 0 {
			s.Domains = append(slices.Clone(s.Domains), d)
			continue
		}
		d.Federated = d.Federated || s.Domains[at].Federated
		s.setDomain(d)
	}
	s.Domains = slices.DeleteFunc(s.Domains, func(d Domain) bool { return d.Name == s.Initial })
	s.Domains = append([]Domain{{Name: s.Initial, Verified: true}}, s.Domains...)
	if opt.Policy == "" {
		return s, nil
	}
	s.Policy = opt.Policy
	return s, opt.Policy.known()
}

// known is an error of kind Invalid for a policy that there is not.
func (p Policy) known() error {
	switch p {
	case UniqueFail, UniqueNone, UniqueQuarantine:
		return nil
	}
	return &canopy.Error{Kind: canopy.Invalid, Object: string(p), Text: "there is no such uniqueness policy", Next: `use "fail", "none" or "quarantine"`}
}

// verified tells whether a domain, folded, is one of the tenant's verified ones.
func (s settings) verified(domain string) bool {
	for _, d := range s.Domains {
		if d.Name == domain {
			return d.Verified
		}
	}
	return false
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
