package tenant

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// mailboxOwner is a person whose mailbox is moved, as far as a decision about it goes.
type mailboxOwner struct {
	r   *record
	n   *Recipient
	in  exchange.Input
	had []Mailbox
}

// mailboxOwner loads a person; one that Exchange does not know has an empty record.
func (x *tx) mailboxOwner(id int64) (*mailboxOwner, error) {
	r, err := x.byNumber(id)
	if err != nil || r == nil {
		return nil, err
	}
	old, err := x.recipient(id)
	if err != nil {
		return nil, err
	}
	if old == nil {
		old = nextRecipient(nil, r, x.conf, x.now)
	}
	boxes, err := x.mailboxes(id)
	if err != nil {
		return nil, err
	}
	p := &mailboxOwner{r: r, n: old, in: old.input(r, boxes, x.conf, x.now), had: boxes}
	p.in.ArchiveTaken, err = x.archiveTaken(id, p.in.Archive)
	return p, err
}

// moving is all that decides whether the move may go on.
func (p *mailboxOwner) moving(x *tx, m *Move) exchange.Moving {
	out := exchange.Moving{Direction: m.Direction, Part: m.Part, Source: m.Mailbox, Domain: m.Domain, Name: p.n.Name, Person: p.in,
		Recipient: p.n.Details, GUID: p.n.ExchangeGUID}
	for _, a := range p.n.Addresses {
		if address, _, ok := smtp(a); ok {
			out.Addresses = append(out.Addresses, canopy.Fold(address))
		}
	}
	for _, d := range x.conf.accepted() {
		out.Accepted = append(out.Accepted, d.Name)
	}
	return out
}

func (m *Move) to(s exchange.MoveStatus, now time.Time) { m.Status, m.Since = s, now }

// start begins to copy, or says why that cannot be.
func (m *Move) start(w exchange.Moving, conf settings, now time.Time) {
	m.Code, m.Text, m.Next = "", "", ""
	if o := w.Obstacle(); o != nil {
		m.to(exchange.MoveFailed, now)
		m.Code, m.Text, m.Next = o.Code, o.Text, o.Next
		return
	}
	m.to(exchange.MoveSyncing, now)
	if time.Duration(conf.Exchange.MoveDuration) <= 0 {
		m.arrived(now)
	}
}

// arrived notes that the content is there.
func (m *Move) arrived(now time.Time) {
	m.LastSync = now
	if m.to(exchange.MoveSynced, now); m.Auto {
		m.to(exchange.MoveCompleting, now)
	}
}

// due is when time alone brings the move on; the zero time when nothing does.
func (m *Move) due(conf settings) time.Time {
	if m.Status == exchange.MoveSyncing || m.Status == exchange.MoveCompleting {
		return m.Since.Add(time.Duration(conf.Exchange.MoveDuration))
	}
	return time.Time{}
}

func scanMove(s scanner) (*Move, error) {
	m := &Move{}
	var body []byte
	if err := s.Scan(&m.object, &body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("read a move: %w", err)
	}
	m.Percent = m.Status.Percent()
	return m, nil
}

func (x *tx) move(id int64) (*Move, error) {
	m, err := scanMove(x.row(`SELECT object, body FROM move WHERE object = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return m, err
}

// saveMove stores an object's move, or that it has none.
func (x *tx) saveMove(id int64, m *Move) error {
	if m == nil {
		return x.exec(`DELETE FROM move WHERE object = ?`, id)
	}
	m.Percent = m.Status.Percent()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var due any
	if at := m.due(x.conf); !at.IsZero() {
		due = at.UnixMicro()
		x.t.wakeAt(at.UnixMicro())
	}
	return x.exec(`INSERT INTO move (object, due, body) VALUES (?, ?, ?) ON CONFLICT (object) DO UPDATE SET due = excluded.due, body = excluded.body`, id, due, body)
}

// moveOn brings on at most limit moves that are due.
func (x *tx) moveOn(limit int) (int, error) {
	var due []*Move
	err := x.rows(func(s scanner) error {
		m, err := scanMove(s)
		due = append(due, m)
		return err
	}, `SELECT object, body FROM move WHERE due <= ? ORDER BY due, object LIMIT ?`, x.now.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("look for moves that are due: %w", err)
	}
	for _, m := range due {
		if err := x.moveOne(m); err != nil {
			return 0, fmt.Errorf("move the mailbox of %s: %w", m.Name, err)
		}
	}
	return len(due), nil
}

func (x *tx) moveOne(m *Move) error {
	p, err := x.mailboxOwner(m.object)
	if err != nil || p == nil {
		return errors.Join(err, x.saveMove(m.object, nil))
	}
	before := m.Status
	w := p.moving(x, m)
	switch o := w.Obstacle(); {
	case o != nil:
		m.to(exchange.MoveFailed, x.now)
		m.Code, m.Text, m.Next = o.Code, o.Text, o.Next
	case before == exchange.MoveSyncing:
		m.arrived(x.now)
	default:
		if err := x.completeMove(m, p, w); err != nil {
			return err
		}
	}
	return errors.Join(x.saveMove(m.object, m), x.audit(mover, "Move mailbox", p.r, changedTo("moveStatus", before, m.Status)))
}

// completeMove changes the mailboxes and the recipient over.
func (x *tx) completeMove(m *Move, p *mailboxOwner, w exchange.Moving) error {
	n := *p.n
	own := w.Person.Mailbox()
	var boxes []exchange.Mailbox
	kind := n.SyncedDetails.Kind()
	if m.Direction == exchange.ToCloud {
		boxes = w.Arrive(x.now, m.Content, m.Archive)
		if n.MovedOut = (exchange.GUID{}); m.Part == exchange.ArchiveOnly {
			n.MovedArchive = w.Person.Archive
		}
		if m.Part != exchange.ArchiveOnly && kind == exchange.Personal && n.SKUAssigned != exchange.Assigned {
			m.Warning = fmt.Sprintf("there is no licence with Exchange: the mailbox is disconnected after %s", x.now.Add(exchange.Keep).UTC().Format(time.DateOnly))
		}
	} else {
		kind = own.Kind
		boxes = w.Leave(x.now)
		n.MovedOut, n.MovedArchive = own.GUID, exchange.GUID{}
		if n.Target = "SMTP:" + w.RoutingAddress(); n.Previous == exchange.UserMailbox {
			n.Previous, n.PreviousSince = exchange.MailUser, x.now
		}
	}
	m.Forest = forestHalf(w, kind, n.LegacyDN)
	m.LastSync = x.now
	m.to(exchange.MoveCompleted, x.now)
	for _, b := range boxes {
		if err := x.keepMailbox(p.r, b, p.had); err != nil {
			return err
		}
	}
	if err := x.saveRecipient(p.r, p.n, &n, true); err != nil {
		return err
	}
	return x.user(p.r)
}

// forestHalf is what the forest's object is to hold when the move is complete.
func forestHalf(w exchange.Moving, kind exchange.Kind, legacyDN string) map[string]string {
	s := w.Stamp(kind)
	out := map[string]string{"msExchRecipientTypeDetails": strconv.FormatInt(int64(s.Details), 10), "msExchRecipientDisplayType": strconv.FormatInt(int64(s.Display), 10),
		"msExchRemoteRecipientType": "", "proxyAddresses": "X500:" + legacyDN}
	if s.Remote != 0 {
		out["msExchRemoteRecipientType"] = strconv.FormatInt(int64(s.Remote), 10)
	}
	switch {
	case w.Part == exchange.ArchiveOnly:
		delete(out, "proxyAddresses")
	case w.Direction == exchange.ToCloud:
		out["targetAddress"], out["homeMDB"], out["msExchHomeServerName"] = "SMTP:"+w.RoutingAddress(), "", ""
	default:
		out["targetAddress"] = ""
	}
	return out
}
