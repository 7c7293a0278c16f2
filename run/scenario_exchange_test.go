package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// newGUID gives the mailbox GUIDs of the scenario, one after the other.
func (w *world) newGUID() string {
	if len(w.set.GUIDs) == 0 {
		return w.id()
	}
	first := w.set.GUIDs[0]
	w.set.GUIDs = w.set.GUIDs[1:]
	return first
}

// exchangeVerb is what an administrator of Exchange does; false when it is none of that.
func (w *world) exchangeVerb(ctx context.Context, verb, rest string) (bool, error) {
	a := w.tenant.Admin()
	name, what, _ := strings.Cut(rest, ": ")
	switch verb {
	case "unlicence":
		return true, a.RemoveLicence(ctx, w.cloud(ctx, name, false), what)
	case "forward":
		f, err := w.tenant.Hurry(ctx, "")
		w.printf("> tenant forward\n  %d arrived\n", f.Objects)
		return true, err
	case "days":
		d, err := time.ParseDuration(rest + "h")
		w.pass(24 * d)
		return true, err
	case "tick":
		_, err := w.tenant.Tick(ctx)
		return true, err
	case "clear-previous":
		return true, a.ClearPrevious(ctx, rest)
	case "setting":
		s := a.ExchangeSettings()
		into := map[string]*bool{"legacyPrevBug": &s.PreviousBug, "provisionUnlicensedRemoteMailbox": &s.ProvisionUnlicensed,
			"blockExchangeProvisioningFromOnPrem": &s.BlockFromOnPrem, "coexistenceDomainMissing": &s.CoexistenceMissing}[name]
		if into == nil {
			w.failf("there is no switch %s", name)
		}
		*into = what == "on"
		return true, a.SetExchangeSettings(ctx, s, false)
	case "content":
		return true, a.SetMailbox(ctx, name, tenant.MailboxChange{Content: what})
	case "cloud-managed":
		on := what == "on"
		return true, a.SetMailbox(ctx, name, tenant.MailboxChange{CloudManaged: &on})
	case "authority":
		return true, a.SetCloudManaged(ctx, w.cloud(ctx, name, false), what == "cloud")
	case "hide":
		on := true
		return true, a.SetMailbox(ctx, rest, tenant.MailboxChange{Hidden: &on})
	case "move":
		return true, w.moveVerb(ctx, rest)
	case "add-address":
		return true, a.SetMailbox(ctx, name, tenant.MailboxChange{AddAddresses: []string{what}})
	}
	return false, nil
}

// moveVerb is "new NAME: to cloud", "start NAME", "complete NAME" or "remove NAME"; it prints the move.
func (w *world) moveVerb(ctx context.Context, line string) error {
	a := w.tenant.Admin()
	verb, rest, _ := strings.Cut(line, " ")
	name, how, _ := strings.Cut(rest, ": ")
	var m *tenant.Move
	var err error
	switch verb {
	case "new":
		q := tenant.MoveRequest{Direction: exchange.ToCloud, Content: "the forest's letters"}
		for _, word := range strings.Split(how, ", ") {
			switch word {
			case "to cloud":
			case "to forest":
				q.Direction, q.Content = exchange.ToForest, ""
			case "primary only":
				q.Part = exchange.PrimaryOnly
			case "auto complete":
				q.Auto = true
			default:
				w.failf("a move knows no %q", word)
			}
		}
		m, err = a.NewMove(ctx, name, q)
	case "start":
		m, err = a.StartMove(ctx, name)
	case "complete":
		m, err = a.CompleteMove(ctx, name)
	case "remove":
		return a.RemoveMove(ctx, name)
	default:
		w.failf("there is no move %q", verb)
	}
	if m != nil {
		w.printf("> tenant move %s\n", line)
		w.listed(m.Columns(), "Status,PercentComplete,Error")
	}
	return err
}

// showExchange prints what Get-Recipient, Get-Mailbox, Get-User and Get-MsolUser show; false for other things.
func (w *world) showExchange(ctx context.Context, what, rest string) bool {
	name, columns, _ := strings.Cut(rest, ": ")
	of, isRecipient := map[string]tenant.Of{"recipient": tenant.Addressed, "mailbox": tenant.WithMailbox, "user": tenant.Everybody}[what]
	switch {
	case isRecipient:
		v, err := w.tenant.Admin().Recipient(ctx, name, of)
		if err != nil {
			w.exchangeError(err)
			return true
		}
		w.listed(v.Columns(), columns)
	case what == "findings":
		v, err := w.tenant.Admin().Recipient(ctx, rest, tenant.Everybody)
		if err != nil {
			w.exchangeError(err)
			return true
		}
		for _, f := range v.Findings {
			w.printf("  %s %s\n    what to do: %s\n", f.Code, f.Text, f.Next)
		}
		if len(v.Findings) == 0 {
			w.printf("  nothing\n")
		}
	case what == "msol":
		o, err := w.tenant.Admin().Find(ctx, name)
		if err != nil {
			w.exchangeError(err)
			return true
		}
		w.listed(o.Columns("ORGANIZATION"), columns)
	case what == "mailboxes":
		boxes, err := w.tenant.Admin().Mailboxes(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range boxes {
			w.printf("  %s %s %s\n", m.GUID, m.Kind, strings.TrimSpace(string(m.State)+" "+m.Content))
		}
	case what == "move":
		m, err := w.tenant.Admin().Move(ctx, name)
		if err != nil {
			w.exchangeError(err)
			return true
		}
		w.listed(m.Columns(), columns)
	case what == "onprem":
		w.showOnPrem(name, columns)
	case what == "route":
		address, from, _ := strings.Cut(rest, " from ")
		r, err := w.tenant.Admin().Route(ctx, address, tenant.From(from))
		if err != nil {
			w.t.Fatal(err)
		}
		w.printf("  %s\n", strings.Join(r.Hops, "; "))
		for _, l := range [][2]string{{"Outlook: ", r.Outlook}, {"Teams: ", r.Teams}, {"why: ", r.Why}} {
			if l[1] != "" {
				w.printf("  %s%s\n", l[0], l[1])
			}
		}
	default:
		return false
	}
	return true
}

func (w *world) listed(columns []tenant.Column, names string) {
	picked, err := tenant.Select(columns, strings.Split(names, ","))
	if err != nil {
		w.failf("%v", err)
	}
	w.printf("%s", tenant.List(picked))
}

func (w *world) exchangeError(err error) {
	var e *canopy.Error
	if !errors.As(err, &e) {
		w.t.Fatal(err)
	}
	w.printf("%s\n  %s\n", e.Text, e.Code)
}

// showOnPrem prints an object of a forest as its own Exchange does.
func (w *world) showOnPrem(name, columns string) {
	forest, dn, _ := strings.Cut(name, " ")
	f := w.forest(forest)
	if f == nil {
		w.failf("there is no forest %s", forest)
	}
	o, ok := f.server.Object(f.dn(dn), "cn", "msExchRecipientTypeDetails", "msExchMailboxGuid")
	if !ok {
		w.failf("there is no %s", dn)
	}
	first := func(attr string) string { return strings.Join(o[attr], "") }
	details, err := exchange.ParseDetails(first("msExchRecipientTypeDetails"))
	if err != nil {
		w.t.Fatal(err)
	}
	g, _ := exchange.GUIDOf([]byte(first("msExchMailboxGuid"))) // none is zero
	w.listed([]tenant.Column{{Name: "Name", Value: first("cn")}, {Name: "RecipientType", Value: details.Type()},
		{Name: "ExchangeGuid", Value: fmt.Sprint(g)}}, columns)
}
