package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// The codes of refusals of what is asked of a move.
const (
	CodeMoveExists = "UserAlreadyBeingMigratedException"
	CodeNoMove     = "MoveRequestNotFoundException"
	CodeMoveState  = "MoveRequestStateException"
)

// moveTables hold the moves of mailboxes, one of each person.
const moveTables = `
CREATE TABLE move (
	object INTEGER PRIMARY KEY,
	due    BIGINT,  -- when time alone brings it on
	body   BLOB NOT NULL);
CREATE INDEX move_due ON move (due) WHERE due IS NOT NULL;
`

// Move is the cloud's half of a mailbox's move.
type Move struct {
	Object    canopy.Anchor       `json:"id"` // of the person
	Name      string              `json:"name"`
	Batch     string              `json:"batch,omitempty"`
	Direction exchange.Direction  `json:"direction"`
	Part      exchange.Part       `json:"part"`
	Status    exchange.MoveStatus `json:"status"`
	Percent   int                 `json:"percentComplete"`
	// Mailbox is the GUID that the mailbox has on the side that it leaves.
	Mailbox exchange.GUID `json:"exchangeGuid"`
	Domain  string        `json:"targetDeliveryDomain"`
	// Auto completes it as soon as the content is there.
	Auto bool `json:"autoComplete,omitempty"`
	// Content and Archive mark what is in the forest's mailbox and archive, which nobody here can see.
	Content string `json:"content,omitempty"`
	Archive string `json:"archiveContent,omitempty"`

	Created  time.Time `json:"created"`
	Since    time.Time `json:"statusSince"`
	LastSync time.Time `json:"lastSuccessfulSync"`
	// Code, Text and Next say why a failed one failed, and what to do.
	Code    string `json:"errorCode,omitempty"`
	Text    string `json:"error,omitempty"`
	Next    string `json:"next,omitempty"`
	Warning string `json:"warning,omitempty"`
	// Forest is what the forest's object is to hold once the move is complete, by attribute; an empty value is cleared.
	Forest map[string]string `json:"forest,omitempty"`

	object int64
}

// MoveRequest asks for a move.
type MoveRequest struct {
	Direction exchange.Direction
	Part      exchange.Part // "": exchange.Whole
	// Mailbox is the GUID of the forest's mailbox; zero: the one that was synchronised.
	Mailbox exchange.GUID
	// Domain is where the other side is to send on to; "": the coexistence domain, or to a forest that of the primary address.
	Domain           string
	Batch            string
	Hold             bool // do not start yet
	Auto             bool
	Content, Archive string
}

// mover is who does what moves do by themselves, in the audit log.
var mover = Actor{Name: "mailbox replication"}

// NewMove makes a move of somebody's mailbox. One that cannot be carried out is there as failed, with the reason.
func (a *Admin) NewMove(ctx context.Context, identity string, q MoveRequest) (*Move, error) {
	var out *Move
	err := a.onMove(ctx, identity, "New-MoveRequest", func(x *tx, p *mailboxOwner, have *Move) (*Move, error) {
		if have != nil {
			return nil, &canopy.Error{Kind: canopy.Conflict, Code: CodeMoveExists, Object: p.n.Name,
				Text: fmt.Sprintf("there is a move of this mailbox already; it is %s", have.Status), Next: "remove it first: canopy tenant move remove " + p.n.Alias}
		}
		m, err := x.newMove(p, q)
		if err != nil {
			return nil, err
		}
		if !q.Hold {
			m.start(p.moving(x, m), x.conf, x.now)
		}
		out = m
		return m, nil
	})
	return out, err
}

func (x *tx) newMove(p *mailboxOwner, q MoveRequest) (*Move, error) {
	if q.Direction != exchange.ToCloud && q.Direction != exchange.ToForest {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: string(q.Direction), Text: "a mailbox is moved to the cloud or to the forest"}
	}
	if q.Part == exchange.ArchiveOnly && q.Direction == exchange.ToForest {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: string(q.Part), Text: "an archive alone is moved to the cloud only"}
	}
	m := &Move{Object: p.r.oid, Name: p.n.Name, Batch: q.Batch, Direction: q.Direction, Part: q.Part, Status: exchange.MoveCreated, Mailbox: q.Mailbox,
		Domain: canopy.Fold(strings.TrimSpace(q.Domain)), Auto: q.Auto, Content: q.Content, Archive: q.Archive, Created: x.now, Since: x.now}
	if m.Part == "" {
		m.Part = exchange.Whole
	}
	own := p.in.Mailbox()
	switch {
	case m.Direction == exchange.ToForest && own != nil:
		m.Mailbox = own.GUID
	case m.Mailbox.IsZero():
		m.Mailbox = p.n.SyncedGUID
	}
	if m.Domain != "" {
		return m, nil
	}
	if m.Domain = domainOf(p.n.Primary); m.Direction == exchange.ToCloud {
		if f, wrong := x.conf.routing(); wrong {
			return nil, &canopy.Error{Kind: canopy.Forbidden, Code: f.Code, Object: f.Object, Text: f.Text, Next: f.Next}
		}
		m.Domain = x.conf.coexistence()
	}
	return m, nil
}

// StartMove starts a move that was not started, or tries a failed one again.
func (a *Admin) StartMove(ctx context.Context, identity string) (*Move, error) {
	return a.stepMove(ctx, identity, "Resume-MoveRequest", []exchange.MoveStatus{exchange.MoveCreated, exchange.MoveFailed},
		func(x *tx, p *mailboxOwner, m *Move) {
			if m.Mailbox.IsZero() {
				m.Mailbox = p.n.SyncedGUID
			}
			m.start(p.moving(x, m), x.conf, x.now)
		})
}

// CompleteMove lets a move whose content is there be completed.
func (a *Admin) CompleteMove(ctx context.Context, identity string) (*Move, error) {
	return a.stepMove(ctx, identity, "Complete-MoveRequest", []exchange.MoveStatus{exchange.MoveSynced}, func(x *tx, _ *mailboxOwner, m *Move) {
		m.to(exchange.MoveCompleting, x.now)
	})
}

// stepMove brings somebody's move on from one of some statuses.
func (a *Admin) stepMove(ctx context.Context, identity, activity string, from []exchange.MoveStatus, step func(*tx, *mailboxOwner, *Move)) (*Move, error) {
	var out *Move
	err := a.onMove(ctx, identity, activity, func(x *tx, p *mailboxOwner, m *Move) (*Move, error) {
		if m == nil {
			return nil, noMove(p.n.Name)
		}
		if !slices.Contains(from, m.Status) {
			return nil, &canopy.Error{Kind: canopy.Conflict, Code: CodeMoveState, Object: m.Name, Text: "the move is " + string(m.Status),
				Next: "canopy tenant tick lets happen what is due, canopy tenant forward all that is on its way"}
		}
		step(x, p, m)
		out = m
		return m, nil
	})
	return out, err
}

// RemoveMove forgets a move. One that is not complete leaves everything as it is; one that is being completed stays.
func (a *Admin) RemoveMove(ctx context.Context, identity string) error {
	return a.onMove(ctx, identity, "Remove-MoveRequest", func(_ *tx, p *mailboxOwner, m *Move) (*Move, error) {
		switch {
		case m == nil:
			return nil, noMove(p.n.Name)
		case m.Status == exchange.MoveCompleting:
			return nil, &canopy.Error{Kind: canopy.Conflict, Code: CodeMoveState, Object: m.Name, Text: "the move is being completed", Next: "wait for it: canopy tenant tick"}
		}
		return nil, nil
	})
}

func noMove(name string) error {
	return &canopy.Error{Kind: canopy.NotFound, Code: CodeNoMove, Object: name, Text: "there is no move of this mailbox", Next: "canopy tenant move list shows those that there are"}
}

// onMove does something about somebody's move: fn gives the move as it is to be, nil for none.
func (a *Admin) onMove(ctx context.Context, identity, act string, fn func(*tx, *mailboxOwner, *Move) (*Move, error)) error {
	if _, err := a.t.Tick(ctx); err != nil {
		return err
	}
	v, err := a.Recipient(ctx, identity, Everybody)
	if err != nil {
		return err
	}
	err = a.t.update(ctx, func(x *tx) error {
		r, err := x.byObjectID(v.ID)
		if err != nil {
			return err
		}
		p, err := x.mailboxOwner(r.id)
		if err != nil {
			return err
		}
		have, err := x.move(r.id)
		if err != nil {
			return err
		}
		before := ""
		if have != nil {
			before = string(have.Status)
		}
		m, err := fn(x, p, have)
		if err != nil {
			return err
		}
		after := ""
		if m != nil {
			after = string(m.Status)
		}
		return errors.Join(x.saveMove(r.id, m), x.audit(a.by, act, r, changedTo("moveStatus", before, after)))
	})
	if err != nil {
		return fmt.Errorf("move the mailbox %s: %w", identity, err)
	}
	return nil
}

// Moves gives the moves, in the order in which the people were made; of one batch when it is named.
func (a *Admin) Moves(ctx context.Context, batch string) ([]Move, error) {
	rows, err := a.t.file.read.QueryContext(ctx, `SELECT object, body FROM move ORDER BY object`)
	if err != nil {
		return nil, fmt.Errorf("list moves: %w", classify(err))
	}
	defer rows.Close()
	var out []Move
	for rows.Next() {
		m, err := scanMove(rows)
		if err != nil {
			return nil, fmt.Errorf("list moves: %w", err)
		}
		if batch == "" || strings.EqualFold(batch, m.Batch) {
			out = append(out, *m)
		}
	}
	return out, rows.Err()
}

// Move gives one person's move. None is an error of kind NotFound.
func (a *Admin) Move(ctx context.Context, identity string) (*Move, error) {
	v, err := a.Recipient(ctx, identity, Everybody)
	if err != nil {
		return nil, err
	}
	m, err := scanMove(a.t.file.read.QueryRowContext(ctx, `SELECT object, body FROM move WHERE object = (SELECT id FROM object WHERE oid = ?)`, string(v.ID)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noMove(v.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("look for the move of %s: %w", identity, err)
	}
	return m, nil
}
