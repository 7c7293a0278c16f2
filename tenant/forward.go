package tenant

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// forwardPortion is how many changes reach Exchange in one transaction.
const forwardPortion = 500

// shown are the attributes that Exchange takes from the directory.
var shown = []canopy.Attr{canopy.AttrDisplayName, "commonName", canopy.AttrUPN, canopy.AttrMail, canopy.AttrAlias, canopy.AttrAddresses,
	attrTargetAddress, "legacyExchangeDN", "msExchMailboxGuid", "msExchArchiveGuid", "msExchRemoteRecipientType", "msExchRecipientTypeDetails",
	"msExchRecipientDisplayType", "msExchHideFromAddressLists", "securityEnabled", "mailEnabled"}

// exchanged is a mark of what Exchange has to know of an object; 0 when it is none of Exchange's business.
func exchanged(r *record) uint64 {
	if !recipientLike(r) {
		return 0
	}
	h := fnv.New64a()
	write := func(text string) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(text)))
		_, _ = h.Write(append(n[:], text...)) // never fails
	}
	write(fmt.Sprint(r.synced, r.deleted != 0, exchangePlan(r)))
	for _, name := range shown {
		values, ok := r.own.attrs[name]
		if !ok {
			values = r.kept.attrs[name]
		}
		if len(values) > 0 {
			write(string(name))
		}
		for _, v := range values {
			write(v.String())
		}
	}
	for _, v := range r.cloud.attrs[cloudProxies] {
		write(v.Str())
	}
	write(r.cloud.attrs.Text(cloudAlias))
	return h.Sum64() | 1
}

// recipientLike tells whether anything about an object is Exchange's business.
func recipientLike(r *record) bool {
	has := func(names ...canopy.Attr) bool {
		for _, n := range names {
			if len(r.own.attrs[n]) > 0 || len(r.kept.attrs[n]) > 0 {
				return true
			}
		}
		return false
	}
	switch r.class {
	case canopy.User:
		return len(r.licences) > 0 || has("msExchMailboxGuid", "msExchRemoteRecipientType", "msExchRecipientTypeDetails", attrTargetAddress, "msExchArchiveGuid")
	case canopy.Group:
		return has(canopy.AttrMail, canopy.AttrAddresses, "msExchRecipientTypeDetails")
	case canopy.Contact:
		return has(attrTargetAddress, canopy.AttrMail, canopy.AttrAddresses)
	}
	return false
}

// concern puts an object that is being stored into the queue when Exchange has to know what changed.
func (x *tx) concern(r *record, fresh bool) error {
	if r.synced && !x.conf.Exchange.Syncing {
		conf := x.conf
		conf.Exchange.Syncing = true
		if err := x.saveSettings(conf); err != nil {
			return err
		}
	}
	mark := exchanged(r)
	before := r.exchanged
	r.exchanged = mark
	switch {
	case mark == 0 && before == 0 && !fresh:
		x.maybe = append(x.maybe, r.id) // a recipient that was one
		return nil
	case mark == before:
		return nil
	}
	due := x.now.Add(time.Duration(x.conf.Exchange.ForwardDelay)).UnixMicro()
	x.t.wakeAt(due)
	if !x.late.forward.add(r.id, x.now.UnixMicro(), due) {
		return nil
	}
	return x.writeForward()
}

// concernOld puts those of the stored objects into the queue that Exchange has a record of.
func (x *tx) concernOld() error {
	ids := x.maybe
	x.maybe = nil
	const most = 64
	for len(ids) > 0 {
		part := ids[:min(most, len(ids))]
		ids = ids[len(part):]
		size := 1
		for size < len(part) {
			size *= 8
		}
		args := make([]any, min(size, most))
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		err := x.execForward(`SELECT object, ?, ? FROM recipient WHERE object IN (?`+strings.Repeat(",?", len(args)-1)+`)`, args...)
		if err != nil {
			return fmt.Errorf("look for recipients that changed: %w", err)
		}
	}
	return nil
}

// wakeAt remembers when time alone brings work. The caller holds the tenant.
func (t *Tenant) wakeAt(at int64) {
	if t.wake < 0 || at < t.wake {
		t.wake = at
	}
}

// Forwarded says what a tick did.
type Forwarded struct {
	Objects   int       `json:"objects"`   // whose changes reached Exchange
	Mailboxes int       `json:"mailboxes"` // that time alone changed
	Moves     int       `json:"moves"`     // of mailboxes, that went on
	Waiting   int       `json:"waiting"`   // objects on their way
	Next      time.Time `json:"next"`      // when the next arrives; the zero time when none is on its way
}

// Tick lets happen what is due: licences of groups, changes that arrive at Exchange, and mailboxes whose time is over.
func (t *Tenant) Tick(ctx context.Context) (Forwarded, error) {
	var out Forwarded
	if _, err := t.License(ctx); err != nil {
		return out, err
	}
	for more := true; more; {
		err := t.update(ctx, func(x *tx) error {
			n, m, err := x.exchange(forwardPortion)
			out.Objects, out.Mailboxes = out.Objects+n, out.Mailboxes+m
			moved := 0
			if err == nil && x.t.wake >= 0 && x.t.wake <= x.now.UnixMicro() {
				moved, err = x.moveOn(forwardPortion)
				out.Moves += moved
				err = errors.Join(err, x.nextWake())
			}
			more = n == forwardPortion || m == forwardPortion || moved > 0
			return err
		})
		if err != nil {
			return out, fmt.Errorf("forward changes to Exchange: %w", err)
		}
	}
	waiting, next, err := t.onItsWay(ctx)
	out.Waiting, out.Next = waiting, next
	return out, err
}

// onItsWay counts what waits, and tells when the first of it arrives.
func (t *Tenant) onItsWay(ctx context.Context) (n int, next time.Time, err error) {
	var due int64
	err = t.file.read.QueryRowContext(ctx, `SELECT count(*), coalesce(min(due), 0) FROM forward`).Scan(&n, &due)
	if err != nil {
		return 0, next, fmt.Errorf("count the changes on their way to Exchange: %w", classify(err))
	}
	if n > 0 {
		next = time.UnixMicro(due).UTC()
	}
	return n, next, nil
}

// Hurry makes what is on its way arrive now: one object's changes, or all.
func (t *Tenant) Hurry(ctx context.Context, id canopy.Anchor) (Forwarded, error) {
	err := t.update(ctx, func(x *tx) error {
		x.t.wakeAt(x.now.UnixMicro())
		for _, table := range []string{"forward", "move"} {
			if err := x.hurry(table, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Forwarded{}, fmt.Errorf("hurry changes to Exchange: %w", err)
	}
	return t.Tick(ctx)
}

// hurry makes the rows of a table that wait due, of one object or of all.
func (x *tx) hurry(table string, id canopy.Anchor) error {
	query := `UPDATE ` + table + ` SET due = ? WHERE due > ?`
	args := []any{x.now.UnixMicro(), x.now.UnixMicro()}
	if id != "" {
		query, args = query+` AND object = (SELECT id FROM object WHERE oid = ?)`, append(args, string(id))
	}
	return x.exec(query, args...)
}

// exchange lets at most limit mailboxes expire and limit objects' changes arrive. It looks only when something is due.
func (x *tx) exchange(limit int) (objects, mailboxes int, err error) {
	if x.t.wake < 0 || x.t.wake > x.now.UnixMicro() {
		return 0, 0, nil
	}
	if mailboxes, err = x.expire(limit); err != nil {
		return 0, 0, err
	}
	var due []int64
	err = x.rows(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		due = append(due, id)
		return err
	}, `SELECT object FROM forward WHERE due <= ? ORDER BY due, object LIMIT ?`, x.now.UnixMicro(), limit)
	if err != nil {
		return 0, mailboxes, fmt.Errorf("look for changes that are due: %w", err)
	}
	for part := range slices.Chunk(due, arriveAtOnce) {
		if err := x.bring(part); err != nil {
			return 0, mailboxes, err
		}
	}
	return len(due), mailboxes, x.nextWake()
}

// nextWake looks for when there is work again.
func (x *tx) nextWake() error {
	var forward, mailbox, move int64
	err := x.row(`SELECT coalesce((SELECT min(due) FROM forward), -1), coalesce((SELECT min(due) FROM mailbox WHERE due IS NOT NULL), -1),
		coalesce((SELECT min(due) FROM move WHERE due IS NOT NULL), -1)`).Scan(&forward, &mailbox, &move)
	if err != nil {
		return fmt.Errorf("look for when something is due: %w", err)
	}
	x.t.wake = -1
	for _, at := range []int64{forward, mailbox, move} {
		if at >= 0 {
			x.t.wakeAt(at)
		}
	}
	return nil
}

// arrive brings one object's state to Exchange.
func (x *tx) arrive(id int64) error {
	r := x.coming.records[id]
	switch {
	case r == nil:
		return x.orphan(id)
	case r.class == canopy.User:
		return x.user(r)
	}
	return x.list(r)
}

func (x *tx) decideUser(id int64) error {
	r, err := x.byNumber(id)
	if err != nil || r == nil {
		return err
	}
	return x.user(r)
}

// orphan is what remains of an object that was deleted for good: its mailboxes, for a while.
func (x *tx) orphan(id int64) error {
	list, err := x.mailboxes(id)
	if err != nil {
		return err
	}
	for _, m := range list {
		m.Mailbox = m.Orphan(x.now)
		if err := x.saveMailbox(m); err != nil {
			return err
		}
	}
	if err := x.saveMove(id, nil); err != nil {
		return err
	}
	old, err := x.recipient(id)
	if err != nil || old == nil {
		return err
	}
	if err := x.exec(`DELETE FROM recipient WHERE object = ?`, id); err != nil {
		return fmt.Errorf("delete the recipient %s: %w", old.Name, err)
	}
	return x.freed(old.ExchangeGUID, id)
}

// user decides what a user is, and carries it out.
func (x *tx) user(r *record) error {
	old, err := x.recipient(r.id)
	if err != nil {
		return err
	}
	n := nextRecipient(old, r, x.conf, x.now)
	boxes, err := x.mailboxes(r.id)
	if err != nil {
		return err
	}
	in := n.input(r, boxes, x.conf, x.now)
	if in.Holder, err = x.holder(r.id, in.GUID); err != nil {
		return err
	}
	if in.ArchiveTaken, err = x.archiveTaken(r.id, in.Archive); err != nil {
		return err
	}
	d, err := exchange.Decide(in).WithGUIDs(x.newMailboxGUID)
	if err != nil {
		return err
	}
	after := in.After(d)
	for _, m := range after.Mailboxes {
		if err := x.keepMailbox(r, m, boxes); err != nil {
			return err
		}
	}
	for _, e := range d.Effects {
		if e.Act == exchange.PurgeOther {
			if err := x.purgeOther(e.GUID); err != nil {
				return err
			}
		}
	}
	n.decided(d, x.now)
	return x.saveRecipient(r, old, n, len(after.Mailboxes) > 0)
}

// keepMailbox stores a mailbox of the person's that is new or changed.
func (x *tx) keepMailbox(r *record, m exchange.Mailbox, before []Mailbox) error {
	for _, b := range before {
		if b.GUID != m.GUID {
			continue
		}
		if b.Mailbox == m {
			return nil
		}
		b.Mailbox = m
		return x.saveMailbox(b)
	}
	return x.saveMailbox(Mailbox{Mailbox: m, Owner: r.oid, Name: r.label, owner: r.id})
}

func (x *tx) purgeOther(g exchange.GUID) error {
	m, err := x.mailbox(g)
	if err != nil || m == nil {
		return err
	}
	m.State, m.Since, m.Cut = exchange.Purged, x.now, true
	return errors.Join(x.saveMailbox(*m), x.freed(g, m.owner))
}

func (x *tx) archiveTaken(id int64, g exchange.GUID) (bool, error) {
	if g.IsZero() || x.coming.free[g] {
		return false, nil
	}
	m, err := x.mailbox(g)
	return m != nil && m.owner != id && m.State != exchange.Purged, err
}

// list is what a group or contact is.
func (x *tx) list(r *record) error {
	old, err := x.recipient(r.id)
	if err != nil {
		return err
	}
	n := nextRecipient(old, r, x.conf, x.now)
	n.Details = cmp.Or(listDetails(r), exchange.NoDetails)
	return x.saveRecipient(r, old, n, false)
}

// listDetails is what recipient a group or contact is: none without an address.
func listDetails(r *record) exchange.Details {
	v := r.values()
	security := len(v["securityEnabled"]) > 0 && v["securityEnabled"][0].Num() == 1
	addressed := len(r.cloud.attrs[cloudProxies]) > 0 || v.Text(attrTargetAddress) != ""
	switch {
	case !addressed:
		return exchange.NoDetails
	case r.class == canopy.Contact:
		return exchange.MailContact
	case integer(v, "msExchRecipientTypeDetails") == int64(exchange.NonUniversalGroup):
		return exchange.NonUniversalGroup
	case security:
		return exchange.MailSecurityGroup
	}
	return exchange.DistributionGroup
}

func integer(v canopy.Attrs, name canopy.Attr) int64 {
	if len(v[name]) == 0 || v[name][0].Type() != canopy.Integer {
		return 0
	}
	return v[name][0].Num()
}
