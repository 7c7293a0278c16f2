package tenant

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// Mailbox is a mailbox of the store, with its owner.
type Mailbox struct {
	exchange.Mailbox
	Owner canopy.Anchor `json:"owner"` // also when it is gone
	Name  string        `json:"name"`  // of the owner

	owner int64
}

// exchangeLayout are the tables of the Exchange half: changes of the directory that Exchange has not seen, Exchange's own record
// of an object, and the mailboxes.
const exchangeLayout = `
CREATE TABLE forward (
	object INTEGER PRIMARY KEY,
	since  BIGINT NOT NULL,  -- of the first change, microseconds
	due    BIGINT NOT NULL);
CREATE INDEX forward_due ON forward (due);
CREATE TABLE recipient (
	object INTEGER PRIMARY KEY,
	guid   TEXT NOT NULL,  -- the mailbox's, '' when there is none
	synced TEXT NOT NULL,  -- the mailbox's GUID as synchronised
	name   TEXT NOT NULL,  -- folded
	alias  TEXT NOT NULL,  -- folded
	body   BLOB NOT NULL);
CREATE INDEX recipient_guid ON recipient (guid) WHERE guid <> '';
CREATE INDEX recipient_synced ON recipient (synced) WHERE synced <> '';
CREATE INDEX recipient_name ON recipient (name);
CREATE INDEX recipient_alias ON recipient (alias);
CREATE TABLE mailbox (
	guid  TEXT PRIMARY KEY,
	owner BIGINT NOT NULL,
	state TEXT NOT NULL,
	due   BIGINT,  -- when time alone changes it
	body  BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX mailbox_owner ON mailbox (owner);
CREATE INDEX mailbox_due ON mailbox (due) WHERE due IS NOT NULL;
INSERT INTO forward (object, since, due) SELECT id, 0, 0 FROM object;
`

func guidText(g exchange.GUID) string {
	if g.IsZero() {
		return ""
	}
	return g.String()
}

func scanMailbox(s scanner) (Mailbox, error) {
	var m Mailbox
	var body []byte
	if err := s.Scan(&m.owner, &body); err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read a mailbox: %w", err)
	}
	return m, nil
}

// mailboxes are those of one owner, the oldest first.
func (x *tx) mailboxes(owner int64) ([]Mailbox, error) {
	if x.coming.boxless[owner] {
		return nil, nil
	}
	return x.mailboxesWhere(`owner = ?`, owner)
}

func (x *tx) mailboxesWhere(where string, args ...any) ([]Mailbox, error) {
	var out []Mailbox
	err := x.rows(func(s scanner) error {
		m, err := scanMailbox(s)
		out = append(out, m)
		return err
	}, `SELECT owner, body FROM mailbox WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("look for mailboxes: %w", err)
	}
	sortMailboxes(out)
	return out, nil
}

func sortMailboxes(list []Mailbox) {
	slices.SortFunc(list, func(a, b Mailbox) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return slices.Compare(a.GUID[:], b.GUID[:])
	})
}

func (x *tx) mailbox(g exchange.GUID) (*Mailbox, error) {
	m, err := scanMailbox(x.row(`SELECT owner, body FROM mailbox WHERE guid = ?`, g.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the mailbox %s: %w", g, err)
	}
	return &m, nil
}

func (x *tx) saveMailbox(m Mailbox) error {
	delete(x.coming.boxless, m.owner)
	delete(x.coming.free, m.GUID)
	if m.State == exchange.Purged {
		m.Content = ""
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var due any
	if at := m.Due(); !at.IsZero() {
		due = at.UnixMicro()
		x.t.wakeAt(at.UnixMicro())
	}
	err = x.exec(`INSERT INTO mailbox (guid, owner, state, due, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (guid) DO UPDATE SET
		owner = excluded.owner, state = excluded.state, due = excluded.due, body = excluded.body`,
		m.GUID.String(), m.owner, string(m.State), due, body)
	if err != nil {
		return fmt.Errorf("store the mailbox %s: %w", m.GUID, err)
	}
	return nil
}

// newMailboxGUID is a GUID that no mailbox has or had, here or in a forest.
func (x *tx) newMailboxGUID() (exchange.GUID, error) {
	for {
		text := x.t.newGUID()
		g, err := exchange.ParseGUID(text)
		if err != nil || g.IsZero() {
			return g, &canopy.Error{Kind: canopy.Invalid, Object: text, Text: "the generator of mailbox GUIDs gave none", Err: err}
		}
		var taken bool
		err = x.row(`SELECT EXISTS (SELECT 1 FROM mailbox WHERE guid = ?1) OR EXISTS (SELECT 1 FROM recipient WHERE guid = ?1 AND guid <> '')
			OR EXISTS (SELECT 1 FROM recipient WHERE synced = ?1 AND synced <> '')`,
			g.String()).Scan(&taken)
		if err != nil || !taken {
			return g, err
		}
	}
}

// holder is who else has a synchronised GUID.
func (x *tx) holder(id int64, g exchange.GUID) (exchange.Holder, error) {
	if g.IsZero() || x.coming.free[g] {
		return exchange.Nobody, nil
	}
	m, err := x.mailbox(g)
	if err != nil {
		return exchange.Nobody, err
	}
	if m != nil && m.owner != id {
		switch m.State {
		case exchange.SoftDeleted:
			return exchange.OtherDeleted, nil
		case exchange.Inactive:
			return exchange.OtherHeld, nil
		case exchange.Active, exchange.Disconnected:
			return exchange.OtherInUse, nil
		case exchange.Purged:
		}
	}
	var other bool
	err = x.row(`SELECT EXISTS (SELECT 1 FROM recipient WHERE guid = ? AND guid <> '' AND object <> ?)`, g.String(), id).Scan(&other)
	if err != nil {
		return exchange.Nobody, fmt.Errorf("look for who has the mailbox GUID %s: %w", g, err)
	}
	if other {
		return exchange.OtherInUse, nil
	}
	return exchange.Nobody, nil
}

// expire purges the mailboxes whose time is over, and has those decided on again whose grace is.
func (x *tx) expire(limit int) (int, error) {
	due, err := x.mailboxesWhere(`due <= ? ORDER BY due LIMIT ?`, x.now.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	for _, m := range due {
		if m.State == exchange.Active {
			if err := x.decideUser(m.owner); err != nil {
				return 0, err
			}
			continue
		}
		m.Mailbox = m.Expire(x.now)
		if err := errors.Join(x.saveMailbox(m), x.freed(m.GUID, m.owner)); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// freed has the objects decided on again that wait for a mailbox GUID.
func (x *tx) freed(g exchange.GUID, owner int64) error {
	return x.execForward(`SELECT object, ?, ? FROM recipient WHERE synced = ? AND synced <> '' AND object <> ?`, g.String(), owner)
}

// execForward puts the objects that a query finds into the queue.
func (x *tx) execForward(query string, args ...any) error {
	now := x.now.UnixMicro()
	due := x.now.Add(time.Duration(x.conf.Exchange.ForwardDelay)).UnixMicro()
	x.t.wakeAt(due)
	return x.exec(`INSERT INTO forward (object, since, due) `+query+` ON CONFLICT (object) DO NOTHING`, append([]any{now, due}, args...)...)
}
