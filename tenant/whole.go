package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Whole is one object with all that the tenant keeps of it, for a twin of the tenant. Whoever reads it must not change it.
type Whole struct {
	Number int64
	ID     canopy.Anchor
	Class  canopy.Class
	Anchor string // the source anchor
	Master Master
	// Own is what was synchronised, or what an object of the cloud holds; Kept what it held before it was taken over; Cloud
	// what the service computed.
	Own, Kept, Cloud canopy.Attrs
	Roles            []string
	Licences         []WholeLicence
	Links            []WholeLink
	// Made is when it was made or came back, Changed when it or its links changed last, both to the second.
	Made, Changed time.Time
	Deleted       time.Time // the zero time when it is not
	// Recipient is Exchange's own record; nil when there is none.
	Recipient *Recipient
	// Forward is set while a change is on its way to Exchange.
	Forward *Forward
	// Move is the move of its mailbox; nil when there is none.
	Move *Move
	// Owed is since when licences of groups are to be looked at; the zero time when they are not.
	Owed time.Time
}

// Master says who masters an object, and whether another one did.
type Master string

// The masters.
const (
	MasterCloud     Master = "cloud"
	MasterForest    Master = "forest"
	MasterConverted Master = "converted" // it came from a forest, and was given to the cloud
	MasterReturning Master = "returning" // it was given back, and synchronisation has not taken it yet
)

var masters = []Master{ofTheCloud: MasterCloud, ofTheForest: MasterForest, converted: MasterConverted, returning: MasterReturning}

// WholeLicence is a licence with where it comes from. State is that of the row: active, away, group, or the code of an error.
type WholeLicence struct {
	SKU   string        `json:"sku"`
	Off   []string      `json:"off,omitempty"`
	Group canopy.Anchor `json:"group,omitempty"`
	State string        `json:"state"`
	Since time.Time     `json:"since"`
}

// WholeLink is a link from the object.
type WholeLink struct {
	Attr canopy.Attr   `json:"attr"`
	To   canopy.Anchor `json:"to"`
	// Cloud is set for an administrator's, Lost for one that comes back with a deleted user.
	Cloud bool `json:"cloud,omitempty"`
	Lost  bool `json:"lost,omitempty"`
}

// Forward is a change on its way to Exchange.
type Forward struct {
	Since time.Time `json:"since"`
	Due   time.Time `json:"due"`
}

// WholeMailbox is a mailbox with the number of an owner that is gone, 0 for one that is there.
type WholeMailbox struct {
	Mailbox
	Gone int64 `json:"gone,omitempty"`
}

// WholeTenant is what the tenant keeps of itself.
type WholeTenant struct {
	ID       string           `json:"id"`
	Initial  string           `json:"initial"`
	Domains  []Domain         `json:"domains"`
	Policy   Policy           `json:"policy"`
	Switches Switches         `json:"switches"`
	Exchange ExchangeSettings `json:"exchange"`
	Units    map[string]int   `json:"units"`
	Location string           `json:"location"`
	SyncOff  time.Time        `json:"syncOff"` // the zero time while synchronisation is on
	// Attempts are the source anchors of groups that were refused the first time.
	Attempts []string `json:"attempts,omitempty"`
	// Last is the highest number that an object had.
	Last int64 `json:"lastNumber,omitempty"`
}

// Whole gives the objects, deleted ones too, by number. Links that are usual are left out.
func (a *Admin) Whole(ctx context.Context, each func(*Whole) error) error {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read all objects: %w", err)
	}
	defer end()
	for last := int64(0); ; {
		page, err := wholePage(q, last)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read all objects: %w", err)
		}
		for _, w := range page {
			if err := w.complete(q); err != nil {
				return fmt.Errorf("read all of %s: %w", w.ID, err)
			}
			if err := each(w); err != nil {
				return err
			}
			last = w.Number
		}
		if len(page) < pageObjects {
			return nil
		}
	}
}

func wholePage(q querier, after int64) ([]*Whole, error) {
	rows, err := q.Query(`SELECT `+itemColumns+`, f.since, f.due, d.at, r.body, m.body FROM object o LEFT JOIN forward f ON f.object = o.id
		LEFT JOIN due d ON d.object = o.id LEFT JOIN recipient r ON r.object = o.id
		LEFT JOIN move m ON m.object = o.id WHERE o.id > ? ORDER BY o.id LIMIT ?`, after, pageObjects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Whole
	for rows.Next() {
		var made, changed int64
		var since, due, owed sql.NullInt64
		var body, move []byte
		r, err := scanRecord(wholeRow{rows, []any{&made, &changed, &since, &due, &owed, &body, &move}})
		if err != nil {
			return nil, err
		}
		w := &Whole{Number: r.id, ID: r.oid, Class: r.class, Anchor: r.anchor, Master: masters[r.column()], Own: r.own.attrs, Kept: r.kept.attrs,
			Cloud: r.cloud.attrs, Roles: r.roles, Made: time.Unix(made, 0).UTC(), Changed: time.Unix(changed, 0).UTC(), Deleted: instant(r.deleted), Owed: instant(owed.Int64)}
		if since.Valid {
			w.Forward = &Forward{Since: instant(since.Int64), Due: instant(due.Int64)}
		}
		if body != nil {
			w.Recipient = &Recipient{}
			if err := json.Unmarshal(body, w.Recipient); err != nil {
				return nil, fmt.Errorf("read the recipient of %s: %w", r.oid, err)
			}
		}
		if move != nil {
			w.Move = &Move{}
			if err := json.Unmarshal(move, w.Move); err != nil {
				return nil, fmt.Errorf("read the move of %s: %w", r.oid, err)
			}
		}
		out = append(out, w)
	}
	return out, rows.Err()
}

// wholeRow scans a record with more columns behind it.
type wholeRow struct {
	s    scanner
	more []any
}

func (r wholeRow) Scan(into ...any) error { return r.s.Scan(append(into, r.more...)...) }

// instant is a time as the file keeps it; 0 is the zero time.
func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// micro is the other way.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// complete reads the object's licences and unusual links.
func (w *Whole) complete(q querier) error {
	rows, err := q.Query(`SELECT l.sku, l.off, coalesce(g.oid, ''), l.state, l.since FROM licence l LEFT JOIN object g ON g.id = l.source
		WHERE l.object = ? ORDER BY l.source, l.sku`, w.Number)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l WholeLicence
		var off string
		var since int64
		if err := rows.Scan(&l.SKU, &off, &l.Group, &l.State, &since); err != nil {
			return err
		}
		if off != "" {
			l.Off = strings.Split(off, ",")
		}
		l.Since = instant(since)
		w.Licences = append(w.Licences, l)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	usual := `l.state = 1 AND l.attr = 'manager' AND l.cloud = (o.synced <> 1)`
	if w.Class == canopy.Group {
		usual = `l.state = 1 AND (l.attr = 'member' AND l.cloud = (o.synced <> 1) OR l.attr = 'owner' AND l.cloud = 1)`
	}
	links, err := q.Query(`SELECT l.attr, t.oid, l.cloud, l.state FROM link l JOIN object o ON o.id = l.owner JOIN object t ON t.id = l.target
		WHERE l.owner = ? AND l.state <> 0 AND (o.deleted IS NOT NULL OR NOT (`+usual+`)) ORDER BY l.attr, l.target`, w.Number)
	if err != nil {
		return err
	}
	defer links.Close()
	for links.Next() {
		var l WholeLink
		var state linkState
		if err := links.Scan(&l.Attr, &l.To, &l.Cloud, &state); err != nil {
			return err
		}
		l.Lost = state == linkLost
		w.Links = append(w.Links, l)
	}
	return links.Err()
}

// WholeMailboxes gives the mailboxes of the store by GUID.
func (a *Admin) WholeMailboxes(ctx context.Context, each func(*WholeMailbox) error) error {
	list, err := a.Mailboxes(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b Mailbox) int { return slices.Compare(a.GUID[:], b.GUID[:]) })
	for _, m := range list {
		var there bool
		err := a.t.file.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM object WHERE id = ?)`, m.owner).Scan(&there)
		if err != nil {
			return fmt.Errorf("look for the owner of the mailbox %s: %w", m.GUID, classify(err))
		}
		w := &WholeMailbox{Mailbox: m}
		if !there {
			w.Gone = m.owner
		}
		if err := each(w); err != nil {
			return err
		}
	}
	return nil
}

// WholeTenant gives what the tenant keeps of itself.
func (a *Admin) WholeTenant(ctx context.Context) (WholeTenant, error) {
	a.t.mu.Lock()
	c := a.t.conf
	a.t.mu.Unlock()
	out := WholeTenant{ID: c.Tenant, Initial: c.Initial, Domains: slices.Clone(c.Domains), Policy: c.Policy, Switches: c.Switches, Exchange: c.Exchange,
		Units: map[string]int{}, Location: c.Location, SyncOff: instant(c.SyncOff)}
	for _, s := range skus {
		out.Units[s.PartNumber] = c.units(s.PartNumber)
	}
	if err := a.t.file.read.QueryRowContext(ctx, `SELECT id FROM counter`).Scan(&out.Last); err != nil {
		return out, fmt.Errorf("read the tenant's settings: %w", classify(err))
	}
	rows, err := a.t.file.read.QueryContext(ctx, `SELECT anchor FROM attempt ORDER BY anchor`)
	if err != nil {
		return out, fmt.Errorf("read the tenant's settings: %w", classify(err))
	}
	defer rows.Close()
	for rows.Next() {
		var anchor string
		if err := rows.Scan(&anchor); err != nil {
			return out, err
		}
		out.Attempts = append(out.Attempts, anchor)
	}
	return out, rows.Err()
}

// Compute gives an object, whose own values are as the service shows them, the service's own values to them: they are the
// same. What the service withholds is added to the object's own.
func (w *Whole) Compute(initial string, withheld []ProvisioningError) {
	out := canopy.Attrs{
		cloudAnchor: canopy.Texts(strings.ToUpper(string(w.Class[:1])) + string(w.Class[1:]) + "_" + string(w.ID)),
		cloudMaster: {canopy.Bool(w.Master != MasterForest)},
	}
	put := func(name canopy.Attr, text string) {
		if text != "" {
			out[name] = canopy.Texts(text)
		}
	}
	if len(w.Roles) > 0 && w.Master != MasterForest {
		put(canopy.AttrUnmatched, roleHeld)
	}
	if w.Master == MasterConverted {
		out[cloudBlock] = canopy.Values{canopy.Bool(true)}
	}
	put(cloudSource, w.Anchor)
	put(cloudAlias, w.Own.Text(canopy.AttrAlias))
	addresses := w.Own[canopy.AttrAddresses]
	if len(addresses) > 0 {
		out[cloudProxies] = addresses
		put(cloudMail, primaryOf(addresses))
	}
	if w.Class == canopy.User {
		put(cloudUPN, w.Own.Text(canopy.AttrUPN))
		put(cloudMOERA, initialAddress(addresses, initial))
	}
	conflicts := map[string]conflict{}
	for _, p := range withheld {
		c := conflict{property: p.Property, value: p.Value, since: p.Occurred, holder: p.Holder}
		conflicts[c.key()] = c
		switch {
		case p.Property == propertyUPN:
			w.Own[canopy.AttrUPN] = canopy.Texts(p.Value)
		case len(p.Value) > 0:
			w.Own[canopy.AttrAddresses] = append(slices.Clone(w.Own[canopy.AttrAddresses]), canopy.Text(p.Value))
		}
	}
	if len(conflicts) > 0 {
		out[cloudErrors] = conflictValues(conflicts)
	}
	w.Cloud = out
}

// initialAddress is the first address under the initial domain, "" when there is none.
func initialAddress(addresses canopy.Values, initial string) string {
	for _, v := range addresses {
		if address, _, ok := smtp(v.Str()); ok && strings.HasSuffix(canopy.Fold(address), "@"+canopy.Fold(initial)) {
			return address
		}
	}
	return ""
}

// UsualLink is a link as it is where nothing else is said.
func (w *Whole) UsualLink(attr canopy.Attr, to canopy.Anchor) WholeLink {
	return WholeLink{Attr: attr, To: to, Cloud: attr == AttrOwner || w.Master != MasterForest}
}

// Catalogue are the products that can be licensed.
func Catalogue() []SKU { return slices.Clone(skus) }

// DefaultExchange are the switches of the Exchange half of a new tenant.
func DefaultExchange() ExchangeSettings { return defaultExchange }
