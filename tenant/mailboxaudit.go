package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// exchangeState is all of a recipient that administrators of Exchange change, by the names that they know.
func exchangeState(n *Recipient, boxes []Mailbox) canopy.Attrs {
	out := canopy.Attrs{}
	if n != nil {
		out = canopy.Attrs{"EmailAddresses": canopy.Texts(n.Addresses...), "HiddenFromAddressListsEnabled": canopy.Texts(yes(n.Hidden)),
			"IsExchangeCloudManaged": canopy.Texts(yes(n.CloudManaged)), "RecipientTypeDetails": canopy.Texts(n.Details.String()),
			"PreviousRecipientTypeDetails": canopy.Texts(n.Previous.String())}
	}
	for _, m := range boxes {
		name := func(what string) canopy.Attr { return canopy.Attr(what + " " + m.GUID.String()) }
		out[name("mailbox")] = canopy.Texts(string(m.State) + " " + string(m.Kind))
		if m.Held {
			out[name("LitigationHoldEnabled")] = canopy.Texts(yes(true))
		}
		if m.Content != "" {
			out[name("content of")] = canopy.Texts(m.Content)
		}
	}
	return out
}

// auditExchange notes what an administrator of Exchange changed of an object, as it is now; nothing when nothing changed.
func (x *tx) auditExchange(by Actor, activity string, id int64, before canopy.Attrs) error {
	r, err := x.byNumber(id)
	if err != nil {
		return err
	}
	n, err := x.recipient(id)
	if err != nil {
		return err
	}
	boxes, err := x.mailboxes(id)
	if err != nil {
		return err
	}
	changed := modified(before, exchangeState(n, boxes))
	if len(changed) == 0 {
		return nil
	}
	return x.audit(by, activity, r, changed)
}

// changeMailbox does something to one mailbox, whoever had it, and notes it.
func (x *tx) changeMailbox(by Actor, activity string, m Mailbox, change func(*Mailbox)) error {
	n, err := x.recipient(m.owner)
	if err != nil {
		return err
	}
	boxes, err := x.mailboxes(m.owner)
	if err != nil {
		return err
	}
	change(&m)
	if err := x.saveMailbox(m); err != nil {
		return err
	}
	if m.State == exchange.Purged {
		if err := x.freed(m.GUID, m.owner); err != nil {
			return err
		}
	}
	return x.auditExchange(by, activity, m.owner, exchangeState(n, boxes))
}

// settingsChanged tells how settings differ, by the names of their JSON form.
func settingsChanged(before, after any) []Modified {
	old, now := settingTexts(before), settingTexts(after)
	var out []Modified
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if old[name] != now[name] {
			out = append(out, Modified{Attr: canopy.Attr(name), Old: []string{old[name]}, New: []string{now[name]}})
		}
	}
	return out
}

func settingTexts(s any) map[string]string {
	text, _ := json.Marshal(s) // settings are plain values
	var m map[string]any
	_ = json.Unmarshal(text, &m) // what was written just now
	out := make(map[string]string, len(m))
	for name, v := range m {
		out[name] = fmt.Sprint(v)
	}
	return out
}
