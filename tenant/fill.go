package tenant

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Moment is when an object was made and changed last, before the object itself is there. The zero time is now.
type Moment struct {
	ID            canopy.Anchor
	Number        int64
	Made, Changed time.Time
}

// Filling is what a tenant is filled with.
type Filling struct {
	// Replace lets go what the tenant holds; without it a tenant that holds something is refused. Registered programs and the
	// audit log stay.
	Replace bool
	// Tenant is what the tenant becomes, its id and initial domain too.
	Tenant WholeTenant
	// Moments are those of the objects, in their order.
	Moments   []Moment
	Objects   iter.Seq2[*Whole, error]
	Mailboxes iter.Seq2[*WholeMailbox, error]
	// Derive lets Exchange decide about each object that has no recipient.
	Derive bool
}

// Filled says what was filled in.
type Filled struct {
	Objects, Links, Mailboxes int
	// Foreign are links to what is no object of the tenant, such as devices.
	Foreign int
}

// CodeNotEmpty is the refusal to fill a tenant that holds something.
const CodeNotEmpty = "TenantNotEmpty"

// Fill makes the tenant hold what a filling has, all or nothing. Readers of its changes begin anew.
func (a *Admin) Fill(ctx context.Context, f Filling) (Filled, error) {
	var out Filled
	err := a.t.update(ctx, func(x *tx) error {
		b := &filling{tx: x, ctx: ctx, f: f, numbers: make(map[canopy.Anchor]int64, len(f.Moments))}
		if err := b.run(); err != nil {
			return err
		}
		out = b.done
		return x.audit(a.by, "Import tenant", nil, changedTo("objects", 0, b.done.Objects))
	})
	return out, a.told("fill the tenant", "", err)
}

// filling is one under way.
type filling struct {
	*tx
	ctx     context.Context //nolint:containedctx // a filling is shorter than its context
	f       Filling
	numbers map[canopy.Anchor]int64
	born    []int64 // the numbers of the changes, by place
	changed []int64
	unknown bool // a source anchor is
	done    Filled
}

func (b *filling) run() error {
	if err := b.empty(); err != nil {
		return err
	}
	if err := b.settings(); err != nil {
		return err
	}
	if err := b.order(); err != nil {
		return err
	}
	at := 0
	for w, err := range b.f.Objects {
		if err != nil {
			return err
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if at >= len(b.f.Moments) || b.f.Moments[at].ID != w.ID {
			return fmt.Errorf("the object %s is not where it was announced", w.ID)
		}
		if err := b.object(w, b.born[at], b.changed[at]); err != nil {
			return fmt.Errorf("fill in %s: %w", w.ID, err)
		}
		at++
	}
	if b.done.Objects = at; at != len(b.f.Moments) {
		return fmt.Errorf("%d objects were announced, and %d came", len(b.f.Moments), at)
	}
	for m, err := range b.f.Mailboxes {
		if err == nil {
			err = b.mailbox(m)
		}
		if err != nil {
			return err
		}
	}
	if conf := b.conf; b.unknown {
		conf.Unanchored = true
		return b.saveSettings(conf)
	}
	return b.catchUp()
}

// kept are the tables that hold what is filled in.
var kept = strings.Fields(`object claim link gone conflict attempt licence due forward recipient mailbox move tick day`)

// empty lets go what the tenant holds, or refuses.
func (b *filling) empty() error {
	var holds bool
	if err := b.row(`SELECT EXISTS (SELECT 1 FROM object) OR EXISTS (SELECT 1 FROM mailbox)`).Scan(&holds); err != nil {
		return err
	}
	if holds && !b.f.Replace {
		return refuse(CodeNotEmpty, "", "the tenant is not empty")
	}
	for _, table := range kept {
		if err := b.exec(`DELETE FROM ` + table); err != nil {
			return err
		}
	}
	b.t.licensed, b.t.owing, b.t.wake, b.used = nil, true, 0, nil
	return b.exec(`INSERT INTO day (day, seq) VALUES (?, ?)`, b.now.Unix()/86400, b.seq)
}

func (b *filling) settings() error {
	w := b.f.Tenant
	conf := settings{Tenant: w.ID, Initial: canopy.Fold(w.Initial), Domains: w.Domains, Policy: cmp.Or(w.Policy, UniqueFail), Switches: w.Switches,
		Exchange: w.Exchange, Units: w.Units, Location: w.Location, SyncOff: micro(w.SyncOff)}
	if conf.Tenant == "" {
		conf.Tenant = b.conf.Tenant
	}
	b.id = w.Last
	conf, err := conf.with(Options{}, b.t.newID)
	if err != nil {
		return err
	}
	for _, anchor := range w.Attempts {
		if err := b.exec(`INSERT INTO attempt (anchor) VALUES (?)`, anchor); err != nil {
			return err
		}
	}
	return b.saveSettings(conf)
}

// order numbers the changes that made the objects what they are, in the order of their times.
func (b *filling) order() error {
	type event struct {
		at   int64
		made bool
		of   int
	}
	events := make([]event, 0, 2*len(b.f.Moments))
	for i, m := range b.f.Moments {
		if _, twice := b.numbers[m.ID]; twice || m.Number < 1 {
			return refuse(CodeData, "", "the object %s is there twice, or has no number", m.ID)
		}
		b.numbers[m.ID] = m.Number
		b.id = max(b.id, m.Number)
		made, changed := b.second(m.Made), b.second(m.Changed)
		events = append(events, event{made, true, i}, event{max(made, changed), false, i})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	b.born, b.changed = make([]int64, len(b.f.Moments)), make([]int64, len(b.f.Moments))
	for i, e := range events {
		seq := b.next()
		if e.made {
			b.born[e.of] = seq
		} else {
			b.changed[e.of] = seq
		}
		if i+1 == len(events) || events[i+1].at != e.at {
			if err := b.exec(`INSERT INTO tick (at, seq) VALUES (?, ?)`, e.at, seq); err != nil {
				return err
			}
		}
	}
	b.low = b.next() // whoever followed the changes begins anew
	return b.exec(`UPDATE counter SET low = ?`, b.low)
}

// second is a time to the second; what is not known, or to come, is now.
func (b *filling) second(t time.Time) int64 {
	if t.IsZero() || t.After(b.now) {
		return b.now.Unix()
	}
	return t.Unix()
}

// object stores one object with what belongs to it.
func (b *filling) object(w *Whole, born, seq int64) error {
	at := slices.Index(masters, w.Master)
	if classesOf(w.Class) == 0 || at < 0 {
		return refuse(CodeData, "", "the tenant has no objects of class %q mastered by %q", w.Class, w.Master)
	}
	r := &record{id: b.numbers[w.ID], oid: w.ID, class: w.Class, anchor: w.Anchor, own: filledBody(w.Own), kept: filledBody(w.Kept), cloud: filledBody(w.Cloud),
		roles: w.Roles, deleted: micro(w.Deleted), born: born, seq: seq}
	r.setColumn(authority(at))
	b.unknown = b.unknown || r.synced && r.anchor == ""
	if err := b.licences(r, w.Licences); err != nil {
		return err
	}
	r.relabel()
	var deleted, kept any
	if r.deleted != 0 {
		deleted = r.deleted
	}
	if len(r.kept.attrs) > 0 {
		kept = r.kept.encode()
	}
	err := b.insert(r, []any{string(r.oid), string(r.class), sql.NullString{String: r.anchor, Valid: r.anchor != ""}, int(r.column()), r.label, r.own.encode(), kept,
		r.cloud.encode(), joinSet(r.roles), joinSet(r.licences), deleted, born, seq, r.id})
	if err != nil {
		return err
	}
	if r.deleted == 0 {
		r.conflicts = conflictsOf(r.cloud.attrs)
		if err := errors.Join(b.saveClaims(r, claimsOf(r.class, r.values(), r.cloud.attrs)), b.saveConflicts(r)); err != nil {
			return err
		}
	}
	if err := b.links(r, w.Links); err != nil {
		return err
	}
	if !w.Owed.IsZero() {
		if err := b.execNow(`INSERT INTO due (object, at) VALUES (?, ?)`, r.id, micro(w.Owed)); err != nil {
			return err
		}
	}
	if w.Move != nil {
		if err := b.saveMove(r.id, w.Move); err != nil {
			return err
		}
	}
	return b.recipient(r, w)
}

func filledBody(attrs canopy.Attrs) body {
	b := newBody()
	for name, v := range attrs {
		if len(v) > 0 {
			b.attrs[name] = v
		}
	}
	return b
}

// licences stores an object's licences, and in the record what they come to.
func (b *filling) licences(r *record, list []WholeLicence) error {
	var rows []licenceRow
	for _, l := range list {
		source, known := b.numbers[l.Group]
		if l.Group != "" && !known {
			return refuse(CodeLinkTarget, "assignedLicenses", "a licence comes from the group %s, which is not there", l.Group)
		}
		row := licenceRow{grant: grant{sku: l.SKU, off: l.Off, source: source}, state: l.State}
		if l.State == licenceAway { // a deleted user's record says what it had
			row.state = licenceActive
		}
		rows = append(rows, row)
		err := b.execNow(`INSERT INTO licence (object, sku, source, off, state, since) VALUES (?, ?, ?, ?, ?, ?)`, r.id, l.SKU, source, strings.Join(l.Off, ","), l.State, micro(l.Since))
		if err != nil {
			return err
		}
	}
	r.licences = effective(active(rows))
	return nil
}

func (b *filling) links(r *record, list []WholeLink) error {
	for _, l := range list {
		target, known := b.numbers[l.To]
		if !known {
			b.done.Foreign++
			continue
		}
		state, cloud := linkHeld, 0
		if l.Lost {
			state = linkLost
		}
		if l.Cloud {
			cloud = 1
		}
		b.done.Links++
		if b.late.links.add(r.id, string(l.Attr), target, int(state), cloud, r.seq) {
			if err := b.writeLinks(); err != nil {
				return err
			}
		}
	}
	return nil
}

// recipient stores Exchange's record and what is on its way, or has Exchange decide.
func (b *filling) recipient(r *record, w *Whole) error {
	if w.Forward != nil {
		if err := b.execNow(`INSERT INTO forward (object, since, due) VALUES (?, ?, ?)`, r.id, micro(w.Forward.Since), micro(w.Forward.Due)); err != nil {
			return err
		}
	}
	n := w.Recipient
	switch {
	case n == nil && b.f.Derive && w.Forward == nil && r.deleted == 0:
		return b.concern(r, true)
	case n == nil:
		return nil
	}
	return b.storeRecipient(r.id, n)
}

func (b *filling) mailbox(m *WholeMailbox) error {
	if m.GUID.IsZero() {
		return refuse(CodeData, "mailbox", "a mailbox of %s has no GUID", m.Owner)
	}
	var known bool
	if m.owner, known = b.numbers[m.Owner]; !known {
		if m.owner = m.Gone; m.Gone == 0 {
			return refuse(CodeLinkTarget, "mailbox", "the mailbox %s belongs to %s, who is not there", m.GUID, m.Owner)
		}
		b.id = max(b.id, m.Gone)
	}
	b.done.Mailboxes++
	return b.saveMailbox(m.Mailbox)
}
