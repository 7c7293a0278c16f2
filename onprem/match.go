package onprem

import (
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// Cloud is a user of the tenant, as far as a match depends on it.
type Cloud struct {
	ID        canopy.Anchor
	UPN       string
	Anchor    string // its ImmutableId
	Synced    bool
	Roles     []string
	Mailbox   recipient.GUID // zero: it has none
	Kind      recipient.Kind // of the mailbox
	Alias     string
	Display   string
	GivenName string
	Surname   string
	Addresses []string // with their prefixes
}

// Switches are the tenant's, for matching.
type Switches struct {
	BlockSoftMatch, BlockHardMatch, SoftMatchOnUPN bool
}

// Match is what is to be done for a row of a list, so that synchronisation takes the cloud's user over.
type Match struct {
	Create bool   `json:"create"`
	How    string `json:"match"` // address, upn, anchor; "" when it is synchronised from this object already
	// Repair tells that the user's ImmutableId is to be that of the forest's object.
	Repair bool   `json:"repair"`
	Says   string `json:"says"`
}

// SourceAnchor is the anchor by which synchronisation names the object: mS-DS-ConsistencyGuid, else objectGUID.
func (o *Object) SourceAnchor() string {
	if v, ok := o.Attrs.First("mS-DS-ConsistencyGuid"); ok {
		return v.String()
	}
	g, err := recipient.ParseGUID(string(o.Anchor))
	if err != nil {
		return ""
	}
	return g.Base64()
}

// matching is one case of a match.
type matching struct {
	row      *Row
	cloud    *Cloud
	here     *Object // nil: to be made
	switches Switches
	soft     string // how it would match softly, "" not at all
}

// refused is the code of a case that does not match, with what to do.
type refused struct{ code, next string }

// matchRows decide; the first row that applies does.
var matchRows = []struct {
	says   string
	when   func(m *matching) bool
	refuse refused
	how    string
	repair bool
}{
	{says: "the tenant has no such user", when: func(m *matching) bool { return m.cloud == nil },
		refuse: refused{"no-cloud-user", "correct the sign-in name; canopy tenant user list shows the users"}},
	{says: "it is synchronised from this object", when: func(m *matching) bool {
		return m.cloud.Synced && m.here != nil && m.cloud.Anchor == m.here.SourceAnchor()
	}},
	{says: "the user is synchronised from another object", when: func(m *matching) bool { return m.cloud.Synced },
		refuse: refused{"synchronised-already", "a synchronised user is changed in its forest; canopy explain USER shows where it comes from"}},
	{says: "the primary address of the list is none of the user's", when: func(m *matching) bool { return m.row.primary() != "" && !m.cloud.has(m.row.primary()) },
		refuse: refused{"other-address", "the addresses must be equal: correct the line, or leave the column empty"}},
	{says: "both the forest's object and the user have a mailbox", when: func(m *matching) bool {
		return m.here != nil && m.here.Details().Mailbox() && !m.cloud.Mailbox.IsZero() && m.cloud.Mailbox != m.here.MailboxGUID()
	}, refuse: refused{"two-mailboxes", "a match would leave two mailboxes; take one of them away first"}},
	{says: "the user holds a directory role and is never taken over by an anchor", when: func(m *matching) bool { return len(m.cloud.Roles) > 0 && m.hard() },
		refuse: refused{"InvalidHardMatch", "take the role away, match, and give it again"}},
	{says: "the user holds a directory role and is never taken over", when: func(m *matching) bool { return len(m.cloud.Roles) > 0 },
		refuse: refused{"Existing Admin Role Conflict", "take the role away, match, and give it again"}},
	{says: "taking a user over by its source anchor is switched off (blockCloudObjectTakeoverThroughHardMatch)", when: func(m *matching) bool { return m.hard() && m.switches.BlockHardMatch },
		refuse: refused{"InvalidHardMatch", "switch it on while this is done, and off again afterwards: canopy tenant switch"}},
	{says: "the user has the object's anchor already", when: func(m *matching) bool { return m.here != nil && m.cloud.Anchor == m.here.SourceAnchor() }, how: "anchor"},
	{says: "the user has another anchor, which becomes the object's", when: func(m *matching) bool { return m.cloud.Anchor != "" }, how: "anchor", repair: true},
	{says: "the primary address is the same", when: func(m *matching) bool { return m.soft == "address" }, how: "address"},
	{says: "the sign-in name is the same", when: func(m *matching) bool { return m.soft == "upn" }, how: "upn"},
	{says: "no soft match is possible, so that the user gets the object's anchor", when: func(*matching) bool { return true }, how: "anchor", repair: true},
}

// hard tells that only an anchor can match.
func (m *matching) hard() bool { return m.cloud.Anchor != "" || m.soft == "" }

func (c *Cloud) has(address string) bool {
	for _, a := range c.Addresses {
		if strings.EqualFold(a, "smtp:"+address) {
			return true
		}
	}
	return false
}

func (r *Row) primary() string {
	if r.Primary != "" {
		return r.Primary
	}
	return primaryOf(r.Addresses)
}

// DecideMatch says what is to be done for a row. cloud is nil where the tenant has no such user, here where the forest has
// no such object yet.
func DecideMatch(row *Row, cloud *Cloud, here *Object, s Switches) (Match, error) {
	m := &matching{row: row, cloud: cloud, here: here, switches: s}
	if cloud != nil && !s.BlockSoftMatch {
		primary, upn := primaryOf(cloud.Addresses), cloud.UPN
		if here != nil {
			primary, upn = here.Primary(), here.Attrs.Text(canopy.AttrUPN)
		}
		switch {
		case primary != "" && cloud.has(primary):
			m.soft = "address"
		case s.SoftMatchOnUPN && strings.EqualFold(upn, cloud.UPN):
			m.soft = "upn"
		}
	}
	for _, r := range matchRows {
		if !r.when(m) {
			continue
		}
		if r.refuse.code != "" {
			return Match{}, &canopy.Error{Kind: canopy.Conflict, Code: r.refuse.code, Object: row.UPN, Text: fmt.Sprintf("line %d: %s", row.Line, r.says), Next: r.refuse.next}
		}
		return Match{Create: here == nil, How: r.how, Repair: r.repair, Says: r.says}, nil
	}
	return Match{}, nil
}

// AskFor is what makes the forest's object of a row: an account with the user's names and addresses, and a remote mailbox
// where the cloud has its mailbox.
func AskFor(row *Row, c *Cloud, mailboxes bool) Ask {
	first := func(texts ...string) string {
		for _, t := range texts {
			if t != "" {
				return t
			}
		}
		return ""
	}
	local, _, _ := strings.Cut(c.UPN, "@")
	off := false
	a := Ask{Noun: Recipient, Verb: New, Policy: &off, Alias: first(row.Alias, c.Alias, local),
		Account: Account{UPN: c.UPN, SAM: first(row.SAM, cutTo(local, 20)), DisplayName: first(row.Display, c.Display), GivenName: first(row.GivenName, c.GivenName),
			Surname: first(row.Surname, c.Surname)}}
	a.Account.Name = cutTo(first(a.Account.DisplayName, local), 64)
	list := row.Addresses
	if len(list) == 0 {
		list = c.Addresses
	}
	for _, address := range list {
		switch prefix, rest, found := strings.Cut(address, ":"); {
		case found && strings.EqualFold(prefix, "x500"), ofService(address):
		case prefix == "SMTP":
			a.Primary = rest
		default:
			a.Add = append(a.Add, address)
		}
	}
	if a.Primary = first(row.Primary, a.Primary); a.Primary != "" {
		a.Policy = nil // a primary address of its own ends the policy
	}
	if mailboxes && !c.Mailbox.IsZero() {
		a.Noun, a.Kind, a.MailboxGUID = RemoteMailbox, c.Kind, c.Mailbox
	}
	return a
}

// ofService tells of an address that the service gives, and which a forest does not have.
func ofService(address string) bool {
	a := canopy.Fold(address)
	return strings.HasSuffix(a, ".onmicrosoft.com") && !strings.HasSuffix(a, ".mail.onmicrosoft.com") || strings.HasPrefix(a, "x500:")
}

func cutTo(s string, letters int) string {
	r := []rune(s)
	return string(r[:min(len(r), letters)])
}

// newAccount stamps an account with alias and addresses, that is no recipient.
func newAccount(d *draft) error {
	alias, err := d.alias()
	if err != nil {
		return err
	}
	d.text(attrAlias, alias)
	if err := d.addresses(alias); err != nil {
		return err
	}
	d.clear(attrExcluded)
	return nil
}
