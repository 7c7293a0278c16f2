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

// CodeNoRecipient is the class of the error that Exchange answers with when it does not find somebody.
const CodeNoRecipient = "ManagementObjectNotFoundException"

// RecipientView is a recipient with what belongs to it.
type RecipientView struct {
	Recipient
	Mailboxes []Mailbox        `json:"mailboxes,omitempty"`
	Findings  []canopy.Finding `json:"findings,omitempty"`
	// Waiting is when the first change that Exchange has not seen was made; the zero time when it has seen all.
	Waiting time.Time `json:"waiting"`
}

// Of says which recipients are meant.
type Of int

// What is asked for: everything that has an address, mailboxes alone, or every user as well.
const (
	Addressed Of = iota
	WithMailbox
	Everybody
)

func (o Of) has(n *Recipient) bool {
	switch o {
	case Addressed:
		return n.Details != exchange.User && n.Details != exchange.NoDetails
	case WithMailbox:
		return n.Details.Mailbox()
	case Everybody:
	}
	return n.Details != exchange.NoDetails
}

// Recipient finds one by name, alias, address, sign-in name, object id or mailbox GUID. What is not found is an error of
// kind NotFound with Exchange's class as its code; a name that several have is one of kind Conflict.
func (a *Admin) Recipient(ctx context.Context, identity string, of Of) (*RecipientView, error) {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a recipient: %w", err)
	}
	defer end()
	id, err := a.t.identify(q, identity, of)
	if err != nil {
		return nil, err
	}
	return a.t.viewRecipient(q, id)
}

// identify finds an object's number.
func (t *Tenant) identify(q querier, identity string, of Of) (int64, error) {
	ids, err := t.candidates(q, identity)
	if err != nil {
		return 0, fmt.Errorf("look for the recipient %s: %w", identity, err)
	}
	var found []int64
	for _, id := range ids {
		n, err := t.loadRecipient(q, id)
		if err != nil {
			return 0, err
		}
		if n != nil && of.has(n) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		t.mu.Lock()
		server := t.conf.Initial
		t.mu.Unlock()
		return 0, &canopy.Error{Kind: canopy.NotFound, Code: CodeNoRecipient, Object: identity,
			Text: fmt.Sprintf("The operation couldn't be performed because object '%s' couldn't be found on '%s'.", identity, server),
			Next: "canopy tenant recipient get --users shows who is a user only; a change may be on its way: canopy tenant forward"}
	}
	return 0, &canopy.Error{Kind: canopy.Conflict, Object: identity, Text: fmt.Sprintf("%d recipients are called that", len(found)),
		Next: "name it by its address, sign-in name or object id"}
}

// candidates are the objects that an identity can mean.
func (t *Tenant) candidates(q querier, identity string) ([]int64, error) {
	name := canopy.Fold(strings.TrimSpace(identity))
	guid := ""
	if g, err := exchange.ParseGUID(identity); err == nil {
		guid = g.String()
	}
	address := strings.TrimPrefix(name, "smtp:")
	rows, err := q.Query(`SELECT object FROM recipient WHERE name = ? OR alias = ?
		UNION SELECT object FROM recipient WHERE guid <> '' AND guid = ?
		UNION SELECT id FROM object WHERE oid = ? OR anchor = ?
		UNION SELECT object FROM claim WHERE key IN (?, ?, ?, ?, ?)
		UNION SELECT object FROM claim WHERE key >= ? AND key < ?`,
		name, name, guid, strings.TrimSpace(identity), strings.TrimSpace(identity),
		keyUPN+name, keyAddress+address, keyProxy+name, keyAlias+name, keyAccount+name, keyUPN+name+"@", keyUPN+name+"A")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// loadRecipient is Exchange's record of an object; a user that it has nothing of but the name is a user only. What is
// still on its way for the first time is none.
func (t *Tenant) loadRecipient(q querier, id int64) (*Recipient, error) {
	n, err := scanRecipient(q.QueryRow(`SELECT body FROM recipient WHERE object = ?`, id))
	if !errors.Is(err, sql.ErrNoRows) {
		return n, err
	}
	records, err := queryRecords(q, `id = ? AND class = 'user' AND deleted IS NULL
		AND id NOT IN (SELECT object FROM forward)`, id)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	r := records[0]
	t.mu.Lock()
	conf := t.conf
	t.mu.Unlock()
	n = nextRecipient(nil, r, conf, t.clock())
	n.Details, n.Row = exchange.User, "D9"
	if n.Synced {
		n.Row = "D13b"
	}
	return n, nil
}

// viewRecipient is the whole of one recipient.
func (t *Tenant) viewRecipient(q querier, id int64) (*RecipientView, error) {
	n, err := t.loadRecipient(q, id)
	if err != nil {
		return nil, err
	}
	v := &RecipientView{Recipient: *n}
	if v.Mailboxes, err = queryMailboxes(q, `owner = ?`, id); err != nil {
		return nil, err
	}
	var since sql.NullInt64
	if err := q.QueryRow(`SELECT since FROM forward WHERE object = ?`, id).Scan(&since); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if since.Valid {
		v.Waiting = time.UnixMicro(since.Int64).UTC()
	}
	v.Findings = n.findings(t.inputOf(n, v.Mailboxes))
	return v, nil
}

// inputOf is the input of the decision that the record shows.
func (t *Tenant) inputOf(n *Recipient, boxes []Mailbox) exchange.Input {
	t.mu.Lock()
	conf := t.conf
	t.mu.Unlock()
	r := &record{synced: n.Synced}
	if n.Deleted {
		r.deleted = 1
	}
	return n.input(r, boxes, conf, t.clock())
}

func queryMailboxes(q querier, where string, args ...any) ([]Mailbox, error) {
	rows, err := q.Query(`SELECT owner, body FROM mailbox WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Mailbox
	for rows.Next() {
		m, err := scanMailbox(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	sortMailboxes(out)
	return out, rows.Err()
}

// Recipients gives the recipients in the order in which their objects were made. With Everybody only those users come
// whom Exchange has a record of.
func (a *Admin) Recipients(ctx context.Context, of Of, each func(*RecipientView) error) error {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("list recipients: %w", err)
	}
	defer end()
	for last := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		ids, err := recipientPage(q, last)
		if err != nil {
			return fmt.Errorf("list recipients: %w", err)
		}
		for _, id := range ids {
			v, err := a.t.viewRecipient(q, id)
			if err != nil {
				return fmt.Errorf("list recipients: %w", err)
			}
			if last = id; of.has(&v.Recipient) {
				if err := each(v); err != nil {
					return err
				}
			}
		}
		if len(ids) < pageObjects {
			return nil
		}
	}
}

func recipientPage(q querier, after int64) ([]int64, error) {
	rows, err := q.Query(`SELECT object FROM recipient WHERE object > ? ORDER BY object LIMIT ?`, after, pageObjects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// GAL gives the global address list: every recipient that is not hidden, by display name.
func (a *Admin) GAL(ctx context.Context) ([]RecipientView, error) {
	var out []RecipientView
	err := a.Recipients(ctx, Addressed, func(v *RecipientView) error {
		if !v.Hidden && v.Alias != "" {
			out = append(out, *v)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b RecipientView) int {
		return strings.Compare(canopy.Fold(a.DisplayName), canopy.Fold(b.DisplayName))
	})
	return out, err
}

// Mailboxes gives the mailboxes of the store in some states, all when none is named, the oldest first.
func (a *Admin) Mailboxes(ctx context.Context, states ...exchange.State) ([]Mailbox, error) {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	defer end()
	where, args := `1 = 1`, []any{}
	if len(states) > 0 {
		where = `state IN (?` + strings.Repeat(",?", len(states)-1) + `)`
		for _, s := range states {
			args = append(args, string(s))
		}
	}
	out, err := queryMailboxes(q, where, args...)
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	return out, nil
}

// Foretell says what the findings would be if a person were synchronised with a mailbox GUID, licensed, or both: before a
// match, and before a licence.
func (a *Admin) Foretell(ctx context.Context, identity string, synced exchange.GUID, licensed bool) (exchange.Decision, []canopy.Finding, error) {
	v, err := a.Recipient(ctx, identity, Everybody)
	if err != nil {
		return exchange.Decision{}, nil, err
	}
	n := v.Recipient
	in := a.t.inputOf(&n, v.Mailboxes)
	if !synced.IsZero() {
		if in.GUID != synced {
			n.SyncedSince = in.Now
		}
		in.Synced, in.GUID = true, synced
	}
	if licensed {
		in.Licence = exchange.Assigned
	}
	// The new mailbox has no GUID yet.
	d := exchange.Decide(in)
	return d, n.findings(in.After(d)), nil
}

// Find finds one object of the directory by object id, source anchor, sign-in name, address, alias or account name.
func (a *Admin) Find(ctx context.Context, identity string) (*Object, error) {
	q, end, err := a.t.file.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an object: %w", err)
	}
	defer end()
	ids, err := a.t.candidates(q, identity)
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", identity, err)
	}
	var found []*record
	for _, id := range ids {
		records, err := queryRecords(q, `id = ? AND deleted IS NULL`, id)
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", identity, err)
		}
		found = append(found, records...)
	}
	switch len(found) {
	case 1:
		return objectOf(q, found[0])
	case 0:
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: CodeNotFound, Object: identity, Text: "the directory has no such object",
			Next: "name it by sign-in name, address, alias, object id or source anchor"}
	}
	return nil, &canopy.Error{Kind: canopy.Conflict, Object: identity, Text: fmt.Sprintf("%d objects are called that", len(found)),
		Next: "name it by its sign-in name or object id"}
}

// Organisation is the tenant's short name, as licences are shown with.
func (a *Admin) Organisation() string {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return strings.ToUpper(strings.TrimSuffix(a.t.conf.Initial, ".onmicrosoft.com"))
}

// RoutingFindings tell whether forests can route to the cloud.
func (a *Admin) RoutingFindings() []canopy.Finding {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	if f, wrong := a.t.conf.routing(); wrong {
		return []canopy.Finding{f}
	}
	return nil
}
