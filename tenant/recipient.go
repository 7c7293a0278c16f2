package tenant

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// Recipient is Exchange's own record of an object of the directory, as it was when the last change arrived.
type Recipient struct {
	ID            canopy.Anchor    `json:"id"`
	Class         canopy.Class     `json:"class"`
	Name          string           `json:"name"`
	DisplayName   string           `json:"displayName"`
	UPN           string           `json:"userPrincipalName,omitempty"`
	Alias         string           `json:"alias"`
	Primary       string           `json:"primarySmtpAddress"`
	Addresses     []string         `json:"emailAddresses"`
	Target        string           `json:"externalEmailAddress,omitempty"`
	LegacyDN      string           `json:"legacyExchangeDN,omitempty"`
	Hidden        bool             `json:"hiddenFromAddressListsEnabled"`
	Details       exchange.Details `json:"recipientTypeDetails"` // None: no recipient at all
	ExchangeGUID  exchange.GUID    `json:"exchangeGuid"`
	ArchiveGUID   exchange.GUID    `json:"archiveGuid"`
	SKUAssigned   exchange.Licence `json:"skuAssigned"`
	Previous      exchange.Details `json:"previousRecipientTypeDetails"`
	PreviousSince time.Time        `json:"previousSince"`
	Synced        bool             `json:"isDirSynced"`
	CloudManaged  bool             `json:"isExchangeCloudManaged"`
	Deleted       bool             `json:"isSoftDeleted"`
	Row           string           `json:"row"` // of the decision
	Via           []string         `json:"via,omitempty"`
	Errors        []string         `json:"errors,omitempty"`
	SyncedGUID    exchange.GUID    `json:"syncedExchangeGuid"`
	SyncedSince   time.Time        `json:"syncedSince"`
	SyncedArchive exchange.GUID    `json:"syncedArchiveGuid"`
	SyncedDetails exchange.Details `json:"syncedRecipientTypeDetails"`
	Remote        exchange.Remote  `json:"remoteRecipientType"`
	MailUser      bool             `json:"mailUser"`
	Ignored       bool             `json:"exchangeAttributesIgnored"`
	WhenChanged   time.Time        `json:"whenChanged"`
	// MovedOut is the mailbox that was moved to the forest, MovedArchive the archive that was moved here, until the
	// forest's own values say so.
	MovedOut     exchange.GUID `json:"movedOut"`
	MovedArchive exchange.GUID `json:"movedArchive"`
}

// nextRecipient is the record with what the directory says now. Of a mailbox that the cloud manages only the identity is taken.
func nextRecipient(old *Recipient, r *record, conf settings, now time.Time) *Recipient {
	n := &Recipient{}
	if old != nil {
		*n = *old
		n.Errors, n.Via = nil, nil
	} else {
		n.Ignored = r.synced && r.class == canopy.User && conf.Exchange.BlockFromOnPrem
	}
	v := r.values()
	n.ID, n.Class, n.Synced, n.Deleted = r.oid, r.class, r.synced, r.deleted != 0
	n.UPN, n.DisplayName = r.cloud.attrs.Text(cloudUPN), v.Text(canopy.AttrDisplayName)
	if alias := r.cloud.attrs.Text(cloudAlias); !n.CloudManaged || n.Alias == "" {
		n.Alias = alias
	}
	if n.Name = nameOf(r, v, n.Alias); n.LegacyDN == "" {
		n.LegacyDN = legacyDN(r.oid, n.Alias)
	}
	if r.class == canopy.User {
		n.licence(r)
	}
	if n.CloudManaged {
		return n
	}
	if g := binaryGUID(v, "msExchMailboxGuid"); g != n.SyncedGUID {
		n.SyncedGUID, n.SyncedSince = g, now
	}
	n.SyncedArchive = binaryGUID(v, "msExchArchiveGuid")
	n.SyncedDetails = exchange.Details(integer(v, "msExchRecipientTypeDetails"))
	n.Remote = exchange.Remote(int32(integer(v, "msExchRemoteRecipientType")))
	n.forestKnows()
	if n.MovedOut.IsZero() {
		n.Target = v.Text(attrTargetAddress)
	}
	n.MailUser = n.Target != "" && n.Alias != ""
	n.Hidden = integerBool(v, "msExchHideFromAddressLists")
	n.Addresses = addressesOf(r, v)
	n.Primary = primaryText(n.Addresses)
	return n
}

// forestKnows forgets what was moved once the forest's own values say so, or speak of another mailbox.
func (n *Recipient) forestKnows() {
	const cloud = exchange.ProvisionMailbox | exchange.Migrated
	if n.Remote&cloud == 0 || n.SyncedGUID != n.MovedOut {
		n.MovedOut = exchange.GUID{}
	}
	if n.Remote&exchange.ProvisionArchive != 0 || n.SyncedArchive != n.MovedArchive {
		n.MovedArchive = exchange.GUID{}
	}
}

func (n *Recipient) licence(r *record) {
	switch {
	case exchangePlan(r):
		n.SKUAssigned = exchange.Assigned
	case n.SKUAssigned == exchange.Assigned:
		n.SKUAssigned = exchange.Removed
	}
}

func integerBool(v canopy.Attrs, name canopy.Attr) bool {
	return len(v[name]) > 0 && v[name][0].Num() == 1
}

func binaryGUID(v canopy.Attrs, name canopy.Attr) exchange.GUID {
	if len(v[name]) == 0 {
		return exchange.GUID{}
	}
	g, _ := exchange.GUIDOf(v[name][0].Octets()) // what is no GUID is none
	return g
}

// nameOf is the name that Exchange lists: of a cloud object its alias, of a synchronised one that of the forest.
func nameOf(r *record, v canopy.Attrs, alias string) string {
	if !r.synced && r.class == canopy.User {
		return cmp.Or(alias, v.Text(canopy.AttrDisplayName), string(r.oid))
	}
	return cmp.Or(v.Text("commonName"), v.Text(canopy.AttrDisplayName), alias, string(r.oid))
}

// addressesOf are the computed addresses, with the forest's legacy DN, under which older mail knows the object.
func addressesOf(r *record, v canopy.Attrs) []string {
	out := r.cloud.attrs[cloudProxies].Strings()
	if dn := v.Text("legacyExchangeDN"); dn != "" && !slices.ContainsFunc(out, func(a string) bool { return strings.EqualFold(a, "x500:"+dn) }) {
		out = append(slices.Clone(out), "x500:"+dn)
	}
	return out
}

func primaryText(addresses []string) string {
	for _, a := range addresses {
		if rest, ok := strings.CutPrefix(a, "SMTP:"); ok {
			return rest
		}
	}
	return ""
}

// legacyDN is the name that Exchange Online gives a recipient once and for all.
func legacyDN(oid canopy.Anchor, alias string) string {
	number := strings.ReplaceAll(string(oid), "-", "")
	if len(number) != 32 {
		h := fnv.New128a()
		_, _ = h.Write([]byte(oid)) // never fails
		number = fmt.Sprintf("%x", h.Sum(nil))
	}
	return "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=" + number + "-" + alias
}

// input is what the decision about a person depends on.
func (n *Recipient) input(r *record, boxes []Mailbox, conf settings, now time.Time) exchange.Input {
	in := exchange.Input{Now: now, Deleted: r.deleted != 0, Synced: r.synced, Ignored: n.Ignored, CloudManaged: n.CloudManaged,
		GUID: n.SyncedGUID, Archive: n.SyncedArchive, Remote: n.Remote, Details: n.SyncedDetails, MailUser: n.MailUser,
		Licence: n.SKUAssigned, Prev: n.Previous, MovedOut: !n.MovedOut.IsZero(), MovedArchive: !n.MovedArchive.IsZero(),
		Policy: exchange.Policy{PreviousBug: conf.Exchange.PreviousBug, ProvisionUnlicensed: conf.Exchange.ProvisionUnlicensed}}
	for _, m := range boxes {
		in.Mailboxes = append(in.Mailboxes, m.Mailbox)
	}
	return in
}

// decided takes a decision over.
func (n *Recipient) decided(d exchange.Decision, now time.Time) {
	if n.Previous != d.Prev {
		n.PreviousSince = now
	}
	n.Details, n.ExchangeGUID, n.ArchiveGUID, n.Previous = d.Recipient, d.GUID, d.Archive, d.Prev
	n.CloudManaged, n.Errors, n.Row, n.Via = d.CloudManaged, d.Errors, d.Row, d.Via
}

// remembers tells whether the record says anything that a plain user has not.
func (n *Recipient) remembers() bool {
	return n.Details != exchange.User && n.Details != exchange.NoDetails || n.SKUAssigned != exchange.Never ||
		n.Previous != exchange.NoDetails || n.Ignored || !n.SyncedGUID.IsZero() || len(n.Errors) > 0
}

// findings are what is wrong with the person's mailboxes.
func (n *Recipient) findings(in exchange.Input) []canopy.Finding {
	return exchange.Findings(in, exchange.Known{Name: cmp.Or(n.UPN, n.Name), GUIDSince: n.SyncedSince, PrevSince: n.PreviousSince})
}

func (x *tx) recipient(id int64) (*Recipient, error) {
	if n, known := x.coming.recipients[id]; known {
		delete(x.coming.recipients, id)
		return n, nil
	}
	n, err := scanRecipient(x.row(`SELECT body FROM recipient WHERE object = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return n, err
}

func scanRecipient(s scanner) (*Recipient, error) {
	var body []byte
	if err := s.Scan(&body); err != nil {
		return nil, err
	}
	n := &Recipient{}
	if err := json.Unmarshal(body, n); err != nil {
		return nil, fmt.Errorf("read a recipient: %w", err)
	}
	return n, nil
}

// saveRecipient stores what changed of the record. A plain user without a history needs none.
func (x *tx) saveRecipient(r *record, old, n *Recipient, boxes bool) error {
	if old == nil && !boxes && !n.remembers() {
		return nil
	}
	if old != nil {
		same := *n
		// The row that made it so is kept, not the one that lets it be.
		same.WhenChanged, same.Row, same.Via = old.WhenChanged, old.Row, old.Via
		if reflect.DeepEqual(old, &same) {
			return nil
		}
	}
	n.WhenChanged = x.now
	if err := x.storeRecipient(r.id, n); err != nil {
		return err
	}
	if err := x.tellSynchronization(r, n); err != nil || old == nil {
		return err
	}
	if !old.ExchangeGUID.IsZero() && old.ExchangeGUID != n.ExchangeGUID {
		return x.freed(old.ExchangeGUID, r.id)
	}
	return nil
}

func (x *tx) storeRecipient(id int64, n *Recipient) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	delete(x.coming.free, n.ExchangeGUID)
	if x.late.recipients.add(id, guidText(n.ExchangeGUID), guidText(n.SyncedGUID), canopy.Fold(n.Name), canopy.Fold(n.Alias), body) {
		return x.writeRecipients()
	}
	return nil
}

// tellSynchronization shows synchronisation the name that Exchange gave, for the forest to know the recipient by too, and
// whether the cloud manages the Exchange attributes.
func (x *tx) tellSynchronization(r *record, n *Recipient) error {
	if r.deleted != 0 {
		return nil
	}
	before := maps.Clone(r.cloud.attrs)
	if Addressed.has(n) {
		r.cloud.set(cloudLegacyDN, canopy.Texts(n.LegacyDN), x.seq+1)
	}
	switch managed := r.synced && n.CloudManaged; {
	case managed:
		r.cloud.set(cloudExchange, canopy.Values{canopy.Bool(true)}, x.seq+1)
	case len(before[cloudExchange]) > 0:
		r.cloud.set(cloudExchange, nil, x.seq+1)
	}
	if before[cloudLegacyDN].Equal(r.cloud.attrs[cloudLegacyDN]) && before[cloudExchange].Equal(r.cloud.attrs[cloudExchange]) {
		return nil
	}
	r.computed = maps.Clone(r.cloud.attrs)
	return x.saveComputed(r)
}
