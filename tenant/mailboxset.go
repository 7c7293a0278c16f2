package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// The codes of Exchange's refusals.
const (
	CodeWriteScope   = "InvalidOperationOutOfWriteScope"
	CodeProxyTaken   = "ProxyAddressExistsException"
	CodeMailboxState = "RecipientTaskException"
	CodeNotAccepted  = exchange.CodeNotAccepted
)

// MailboxChange is what an administrator of the cloud changes of a mailbox; nil and empty change nothing.
type MailboxChange struct {
	CloudManaged *bool
	Hidden       *bool
	Held         *bool // litigation hold
	AddAddresses []string
	Kind         exchange.Kind
	Content      string // a mark of what is in it, to recognise it by
}

// exchangeOnly tells whether the change is of attributes that a forest masters while Exchange's are not the cloud's.
func (c MailboxChange) exchangeOnly() bool {
	return c.Hidden != nil || len(c.AddAddresses) > 0 || c.Kind != ""
}

// SetMailbox changes a mailbox. What a forest masters is refused with Exchange's words until the cloud manages it.
func (a *Admin) SetMailbox(ctx context.Context, identity string, c MailboxChange) error {
	err := a.onRecipient(ctx, "Set-Mailbox", identity, WithMailbox, func(x *tx, r *record, n *Recipient, boxes []Mailbox) error {
		if c.CloudManaged != nil {
			if !n.Synced {
				return &canopy.Error{Kind: canopy.Invalid, Code: CodeMailboxState, Object: n.Name,
					Text: "only a synchronised mailbox can be given to the cloud to manage"}
			}
			n.CloudManaged = *c.CloudManaged
		}
		if c.exchangeOnly() && n.Synced && !n.CloudManaged {
			return outOfScope(n, "Set-Mailbox", c)
		}
		if err := x.addAddresses(r, n, c.AddAddresses); err != nil {
			return err
		}
		if c.Hidden != nil {
			n.Hidden = *c.Hidden
		}
		if c.exchangeOnly() {
			if err := x.tellDirectory(r, c); err != nil {
				return err
			}
		}
		for i := range boxes {
			m := &boxes[i]
			if m.State != exchange.Active || m.Kind == exchange.Archive {
				continue
			}
			if c.Kind != "" && c.Kind != m.Kind {
				m.Kind, m.Since = c.Kind, x.now
				n.Details = c.Kind.Details()
			}
			if c.Held != nil {
				m.Held = *c.Held
			}
			if c.Content != "" {
				m.Content = c.Content
			}
			if err := x.saveMailbox(*m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set the mailbox %s: %w", identity, err)
	}
	return nil
}

// outOfScope is Exchange's refusal of a change that belongs to the forest.
func outOfScope(n *Recipient, command string, c MailboxChange) error {
	var names []string
	if len(c.AddAddresses) > 0 {
		names = append(names, "EmailAddresses")
	}
	if c.Hidden != nil {
		names = append(names, "HiddenFromAddressListsEnabled")
	}
	if c.Kind != "" {
		names = append(names, "Type")
	}
	return &canopy.Error{Kind: canopy.Forbidden, Code: CodeWriteScope, Object: n.Name,
		Text: fmt.Sprintf("The operation on mailbox %q failed because it's out of the current user's write scope. The action '%s', '%s', can't be performed on the object '%s' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization.",
			n.Name, command, strings.Join(names, ","), n.Name),
		Next: "change it in the forest, or let the cloud manage the mailbox: canopy tenant mailbox set " + n.Alias + " --cloud-managed"}
}

// addAddresses adds SMTP addresses that nobody else has, on accepted domains.
func (x *tx) addAddresses(r *record, n *Recipient, addresses []string) error {
	for _, a := range addresses {
		text := a
		if !strings.Contains(a, ":") {
			text = "smtp:" + a
		}
		address, primary, ok := smtp(text)
		if !ok {
			return &canopy.Error{Kind: canopy.Invalid, Code: CodeData, Object: a, Text: "it is no SMTP address"}
		}
		if slices.ContainsFunc(n.Addresses, func(have string) bool { return strings.EqualFold(have, text) && !primary }) {
			continue
		}
		_, domain, _ := strings.Cut(canopy.Fold(address), "@")
		if !slices.ContainsFunc(x.conf.accepted(), func(d AcceptedDomain) bool { return d.Name == domain }) {
			return &canopy.Error{Kind: canopy.Invalid, Code: CodeNotAccepted, Object: a,
				Text: fmt.Sprintf("You can't use the domain because it's not an accepted domain for your organization: %s", domain)}
		}
		key := keyAddress + canopy.Fold(address)
		holders, err := x.holdersOf([]claim{{key: key}})
		if err != nil {
			return err
		}
		for _, h := range holders[key] {
			if h.id != r.id {
				return &canopy.Error{Kind: canopy.Conflict, Code: CodeProxyTaken, Object: n.Name, Attr: canopy.AttrAddresses, Other: h.name(),
					Text: fmt.Sprintf("The proxy address %q is already being used by the proxy addresses or LegacyExchangeDN of %q. Please choose another proxy address.",
						text, h.label)}
			}
		}
		if err := x.exec(`INSERT OR IGNORE INTO claim (key, object) VALUES (?, ?)`, key, r.id); err != nil {
			return err
		}
		n.add(text, primary)
	}
	return nil
}

// tellDirectory writes what was changed of a mailbox that the cloud masters into the directory, where synchronisation sees it.
func (x *tx) tellDirectory(r *record, c MailboxChange) error {
	set := canopy.Attrs{}
	if c.Hidden != nil {
		set["msExchHideFromAddressLists"] = canopy.Values{canopy.Bool(*c.Hidden)}
	}
	if len(c.AddAddresses) > 0 {
		n := &Recipient{Addresses: r.values()[canopy.AttrAddresses].Strings()}
		for _, a := range c.AddAddresses {
			if !strings.Contains(a, ":") {
				a = "smtp:" + a
			}
			if _, primary, _ := smtp(a); primary || !slices.ContainsFunc(n.Addresses, func(have string) bool { return strings.EqualFold(have, a) }) {
				n.add(a, primary)
			}
		}
		set[canopy.AttrAddresses] = canopy.Texts(n.Addresses...)
	}
	if r.synced && c.Kind != "" {
		set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(int64(c.Kind.Remote()))}
	}
	if len(set) == 0 {
		return nil
	}
	return x.assign(r, set, nil)
}

// add adds one address; a new primary one makes the old one a secondary one.
func (n *Recipient) add(text string, primary bool) {
	if primary {
		for i, have := range n.Addresses {
			if rest, ok := strings.CutPrefix(have, "SMTP:"); ok {
				n.Addresses[i] = "smtp:" + rest
			}
		}
		n.Addresses = slices.DeleteFunc(n.Addresses, func(have string) bool { return strings.EqualFold(have, text) })
	}
	n.Addresses = append(n.Addresses, text)
	n.Primary = primaryText(n.Addresses)
}

// ClearPrevious makes a person forget the mailbox that was: the previous recipient type is MailUser then, and what was
// disconnected cannot come back. It is for who has no mailbox and no licence.
func (a *Admin) ClearPrevious(ctx context.Context, identity string) error {
	err := a.onRecipient(ctx, "Set-User -PermanentlyClearPreviousMailboxInfo", identity, Everybody, func(x *tx, r *record, n *Recipient, boxes []Mailbox) error {
		if n.Details.Mailbox() || n.SKUAssigned == exchange.Assigned {
			return &canopy.Error{Kind: canopy.Forbidden, Code: CodeMailboxState, Object: n.Name,
				Text: "the previous mailbox can be cleared only of who has no mailbox and no licence with Exchange",
				Next: "take the licence away, and let that arrive: canopy tenant forward"}
		}
		for _, m := range boxes {
			if m.State != exchange.Disconnected {
				continue
			}
			m.State, m.Since, m.Cut = exchange.Purged, x.now, true
			if err := errors.Join(x.saveMailbox(m), x.freed(m.GUID, r.id)); err != nil {
				return err
			}
		}
		if n.Previous != exchange.MailUser {
			n.Previous, n.PreviousSince = exchange.MailUser, x.now
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear the previous mailbox of %s: %w", identity, err)
	}
	return nil
}

// onRecipient changes Exchange's record of somebody, lets what is due arrive before, decides again after, and notes it.
func (a *Admin) onRecipient(ctx context.Context, activity, identity string, of Of, fn func(*tx, *record, *Recipient, []Mailbox) error) error {
	if _, err := a.t.Tick(ctx); err != nil {
		return err
	}
	v, err := a.Recipient(ctx, identity, of)
	if err != nil {
		return err
	}
	return a.t.update(ctx, func(x *tx) error {
		r, err := x.byObjectID(v.ID)
		if err != nil {
			return err
		}
		old, err := x.recipient(r.id)
		if err != nil {
			return err
		}
		n := v.Recipient
		if old != nil {
			n = *old
		}
		n.Addresses = slices.Clone(n.Addresses)
		boxes, err := x.mailboxes(r.id)
		if err != nil {
			return err
		}
		before := exchangeState(&n, boxes)
		if err := fn(x, r, &n, boxes); err != nil {
			return err
		}
		if err := x.saveRecipient(r, old, &n, true); err != nil {
			return err
		}
		if err := x.user(r); err != nil {
			return err
		}
		return x.auditExchange(a.by, activity, r.id, before)
	})
}

// RestoreMailbox copies the content of a mailbox that was deleted with its person into the mailbox of another, as a
// restore request does.
func (a *Admin) RestoreMailbox(ctx context.Context, source exchange.GUID, target string) error {
	err := a.onRecipient(ctx, "New-MailboxRestoreRequest", target, WithMailbox, func(x *tx, _ *record, n *Recipient, boxes []Mailbox) error {
		m, err := x.mailbox(source)
		if err != nil {
			return err
		}
		if m == nil || m.State != exchange.SoftDeleted && m.State != exchange.Inactive && m.State != exchange.Disconnected {
			return &canopy.Error{Kind: canopy.NotFound, Code: CodeNoRecipient, Object: source.String(),
				Text: "there is no deleted mailbox with this GUID whose content is still there",
				Next: "canopy tenant mailbox list --deleted shows those that there are"}
		}
		for _, own := range boxes {
			if own.State == exchange.Active && own.Kind != exchange.Archive {
				own.Content = strings.TrimPrefix(own.Content+" + "+m.Content, " + ")
				return x.saveMailbox(own)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore the mailbox %s: %w", source, err)
	}
	return nil
}

// PurgeMailbox deletes for good a mailbox that nobody can open any more, unless a hold keeps it.
func (a *Admin) PurgeMailbox(ctx context.Context, g exchange.GUID) error {
	err := a.t.update(ctx, func(x *tx) error {
		m, err := x.mailbox(g)
		switch {
		case err != nil:
			return err
		case m == nil || m.State == exchange.Purged:
			return &canopy.Error{Kind: canopy.NotFound, Code: CodeNoRecipient, Object: g.String(), Text: "there is no such mailbox"}
		case m.State == exchange.Active:
			return &canopy.Error{Kind: canopy.Forbidden, Code: CodeMailboxState, Object: m.Name, Text: "the mailbox is in use",
				Next: "take the licence away, or delete the user"}
		case m.Held:
			return &canopy.Error{Kind: canopy.Forbidden, Code: CodeMailboxState, Object: m.Name, Text: "a hold keeps the mailbox",
				Next: "end the hold: canopy tenant mailbox release " + g.String()}
		}
		return x.changeMailbox(a.by, "Remove-Mailbox -PermanentlyDelete", *m, func(m *Mailbox) { m.State, m.Since, m.Cut = exchange.Purged, x.now, true })
	})
	if err != nil {
		return fmt.Errorf("purge the mailbox %s: %w", g, err)
	}
	return nil
}

// ReleaseHold ends the hold on a mailbox that is kept for it: it is deleted softly from then on.
func (a *Admin) ReleaseHold(ctx context.Context, g exchange.GUID) error {
	err := a.t.update(ctx, func(x *tx) error {
		m, err := x.mailbox(g)
		if err != nil {
			return err
		}
		if m == nil || !m.Held {
			return &canopy.Error{Kind: canopy.NotFound, Code: CodeNoRecipient, Object: g.String(), Text: "no hold keeps such a mailbox"}
		}
		return x.changeMailbox(a.by, "Set-Mailbox -LitigationHoldEnabled", *m, func(m *Mailbox) {
			if m.Held = false; m.State == exchange.Inactive {
				m.State, m.Since = exchange.SoftDeleted, x.now
			}
		})
	})
	if err != nil {
		return fmt.Errorf("end the hold on %s: %w", g, err)
	}
	return nil
}
