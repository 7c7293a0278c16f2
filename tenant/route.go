package tenant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// From is where a message comes from.
type From string

// The origins.
const (
	FromOutside From = "external"
	FromForest  From = "onprem"
	FromCloud   From = "cloud"
)

// Route says what becomes of a message to an address.
type Route struct {
	Address string `json:"address"`
	From    From   `json:"from"`
	// KnownHere and KnownThere tell whether the cloud and the forest know the address, the forest as far as was synchronised.
	KnownHere  bool     `json:"knownInCloud"`
	KnownThere bool     `json:"knownOnPremises"`
	Hops       []string `json:"hops"`
	// Delivered names the mailbox that receives, "" when none does.
	Delivered string `json:"delivered"`
	Side      string `json:"side"` // "cloud", "on-premises" or ""
	Outlook   string `json:"outlookCalendar"`
	Teams     string `json:"teamsCalendar"`
	Why       string `json:"why,omitempty"` // the calendars differ, or the message goes astray
	Recipient string `json:"recipient,omitempty"`
}

// Route follows a message to an address. Mail from outside and from the cloud is taken by the cloud, mail from a forest by
// that forest; each delivers to its own mailbox first and sends on only to who has none there.
func (a *Admin) Route(ctx context.Context, address string, from From) (*Route, error) {
	if !slices.Contains([]From{FromOutside, FromForest, FromCloud}, from) {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: string(from), Text: "a message comes from external, onprem or cloud"}
	}
	out := &Route{Address: address, From: from}
	v, err := a.Recipient(ctx, "smtp:"+strings.TrimPrefix(address, "smtp:"), Everybody)
	if err != nil && canopy.KindOf(err) != canopy.NotFound {
		return nil, err
	}
	if v == nil || !v.has(address) {
		out.Why = "nobody has the address here: an NDR goes back, unless a connector sends what is unknown to a forest"
		out.Hops = []string{firstHop(from), "5.1.10 recipient not found"}
		return out, nil
	}
	a.t.mu.Lock()
	routing := a.t.conf.coexistence()
	_, broken := a.t.conf.routing()
	a.t.mu.Unlock()
	v.route(out, routing, !broken)
	return out, nil
}

func firstHop(f From) string {
	if f == FromForest {
		return "the forest's Exchange takes the message"
	}
	return "Exchange Online takes the message"
}

// has tells whether the recipient has an SMTP address.
func (v *RecipientView) has(address string) bool {
	address = strings.TrimPrefix(canopy.Fold(address), "smtp:")
	return canopy.Fold(v.Primary) == address || canopy.Fold(v.UPN) == address ||
		slices.ContainsFunc(v.Addresses, func(a string) bool { return canopy.Fold(a) == "smtp:"+address })
}

// route fills a route for a recipient. It decides by its values alone.
func (v *RecipientView) route(out *Route, routing string, hasRouting bool) {
	out.Recipient = v.Name
	here := ""
	if v.Details.Mailbox() {
		here = v.ExchangeGUID.String()
	}
	there := v.there()
	out.KnownHere = exchangeKnows(v)
	behind := here != "" && there == "" && v.SyncedDetails.Mailbox()
	out.KnownThere = v.Synced && (there != "" || v.Remote != 0 || v.MailUser || behind)
	out.Hops = []string{firstHop(out.From)}
	out.Outlook, out.Teams = calendar(there, "on-premises"), calendar(here, "cloud")
	switch {
	case there == "":
		out.Outlook = out.Teams
	case here == "":
		out.Teams = out.Outlook
	default:
		out.Why = fmt.Sprintf("there are two mailboxes: Outlook finds %s in the forest first, Teams looks only at %s in the cloud", there, here)
	}
	switch {
	case out.From == FromForest && there != "":
		out.deliver(there, "on-premises")
	case out.From == FromForest && behind && v.Remote == 0:
		out.Why = "the mailbox was moved here, and the forest's object is not a remote mailbox yet, as far as was synchronised: the forest does not send on"
		out.Hops = append(out.Hops, "delivered to nobody: the forest's mailbox is gone")
	case out.From == FromForest && here != "" && out.KnownThere:
		out.Hops = append(out.Hops, "to the remote routing address on "+routing)
		if !hasRouting {
			out.Why = "the tenant has no coexistence domain: the forest cannot route to the cloud (HCW8001)"
			out.Hops = append(out.Hops, "5.4.x no route to "+routing)
			return
		}
		out.deliver(here, "cloud")
	case out.From == FromForest && here != "":
		out.Why = "the forest's Exchange does not know the recipient: it was made in the cloud, and has no remote mailbox there"
		out.Hops = append(out.Hops, "5.1.10 recipient not found in the forest")
	case here != "":
		out.deliver(here, "cloud")
	case there != "":
		out.Hops = append(out.Hops, "a mail user: the message goes on to the forest")
		out.deliver(there, "on-premises")
	case strings.HasSuffix(canopy.Fold(v.Target), "@"+routing):
		out.Why = "the address to send on to leads back here, and the mailbox is not made yet: the message loops until it is given up"
		out.Hops = append(out.Hops, "a mail user: the message goes on to "+v.Target, "5.4.6 routing loop")
	case v.Target != "":
		out.Hops = append(out.Hops, "a mail user: the message goes on to "+v.Target)
		out.Delivered, out.Side = v.Target, "elsewhere"
	default:
		out.Why = "there is neither a mailbox nor an address to send on to"
		out.Hops = append(out.Hops, "5.1.10 recipient not found")
	}
}

func (r *Route) deliver(mailbox, side string) {
	r.Delivered, r.Side = mailbox, side
	r.Hops = append(r.Hops, "delivered to "+mailbox+", "+side)
}

func calendar(mailbox, side string) string {
	if mailbox == "" {
		return ""
	}
	return mailbox + " (" + side + ")"
}

// there is the mailbox in the forest, as far as was synchronised; "" when there is none.
func (v *RecipientView) there() string {
	switch {
	case !v.MovedOut.IsZero():
		return v.MovedOut.String()
	case v.Remote&(exchange.ProvisionMailbox|exchange.Migrated) != 0 || !v.Synced:
		return ""
	case v.Details.Mailbox() && v.ExchangeGUID == v.SyncedGUID && !v.SyncedGUID.IsZero():
		return "" // it was moved here
	case v.SyncedDetails.Mailbox() && v.SyncedGUID.IsZero():
		return "a mailbox whose GUID is not synchronised"
	case !v.SyncedGUID.IsZero() && (v.SyncedDetails == exchange.NoDetails || v.SyncedDetails.Mailbox()):
		return v.SyncedGUID.String()
	}
	return ""
}

func exchangeKnows(v *RecipientView) bool { return Addressed.has(&v.Recipient) }
