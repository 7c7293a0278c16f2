package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// guids gives the mailbox GUIDs that a transcript shows, one after the other.
func guids(list ...string) func() string {
	return func() string {
		if len(list) == 0 {
			return ""
		}
		first := list[0]
		list = list[1:]
		return first
	}
}

func guid(text string) canopy.Values {
	g, err := exchange.ParseGUID(text)
	if err != nil {
		panic(err)
	}
	return canopy.Values{canopy.Bytes(g[:])}
}

// arrive lets everything reach Exchange.
func (w *world) arrive() {
	w.t.Helper()
	must(w.Hurry(context.Background(), ""))(w.t)
}

// shows compares what is known of a recipient with the list form.
func (w *world) shows(identity string, of Of, names, want string) {
	w.t.Helper()
	v := must(w.Admin().Recipient(context.Background(), identity, of))(w.t)
	columns := must(Select(v.Columns(), strings.Split(names, ",")))(w.t)
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(List(columns))); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", identity, diff)
	}
}

const four = "name,recipienttype,exchangeguid,skuassigned"

// TestMailboxOfAForest: a synchronised mailbox GUID keeps the licence from making a mailbox.
func TestMailboxOfAForest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	e := add(canopy.User, "XSLPV65jKEqTyWafMqX8LA==", "userPrincipalName", "RecipientTest@contoso.com", "displayName", "Recipient Test",
		"commonName", "Recipient Test", "alias", "RecipientTest", "proxyAddresses", "SMTP:RecipientTest@contoso.com")
	e.Set["msExchMailboxGuid"] = guid("f20047a9-3fd1-4906-8d98-188feacdd5b7")
	id := w.done(e)
	_, err := w.Admin().Recipient(ctx, "RecipientTest", Addressed)
	if e := (*canopy.Error)(nil); !errors.As(err, &e) || e.Code != CodeNoRecipient {
		t.Errorf("before it arrives: got %v, want %s", err, CodeNoRecipient)
	}
	w.arrive()
	w.shows("RecipientTest", Addressed, four, `
Name          : Recipient Test
RecipientType : MailUser
ExchangeGuid  : f20047a9-3fd1-4906-8d98-188feacdd5b7
SKUAssigned   :`)
	w.license(id, "STANDARDWOFFPACK")
	w.arrive()
	w.shows("recipienttest@contoso.com", Addressed, four, `
Name          : Recipient Test
RecipientType : MailUser
ExchangeGuid  : f20047a9-3fd1-4906-8d98-188feacdd5b7
SKUAssigned   : True`)
}

// TestSecondMailbox: the cloud user with a mailbox, unlicensed, taken over and licensed again gets a second one.
func TestSecondMailbox(t *testing.T) {
	t.Parallel()
	const onPrem, first, second = "064e1a94-3199-49a7-9cb3-3ce3412424d6", "9e58304a-ed80-416a-8eac-f2e769056e52", "17d89853-ec3e-4bb3-9bf8-a7d022818fb0"
	for _, bug := range []bool{true, false} {
		t.Run(fmt.Sprint("bug ", bug), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *Options) { o.NewGUID = guids(first, second) })
			ctx := context.Background()
			s := w.Admin().ExchangeSettings()
			s.PreviousBug = bug
			w.ok(w.Admin().SetExchangeSettings(ctx, s, false))
			id := must(w.Admin().CreateUser(ctx, canopy.Attrs{"userPrincipalName": canopy.Texts("TestDuplicate@contoso.com"),
				"displayName": canopy.Texts("Test Duplicate"), "proxyAddresses": canopy.Texts("SMTP:TestDuplicate@contoso.com")}))(t)
			w.license(id, "STANDARDWOFFPACK")
			w.arrive()
			w.shows("TestDuplicate", Addressed, four, "Name          : TestDuplicate\nRecipientType : UserMailbox\nExchangeGuid  : "+first+"\nSKUAssigned   : True")
			w.ok(w.Admin().RemoveLicence(ctx, id, "STANDARDWOFFPACK"))
			w.arrive()
			if _, err := w.Admin().Recipient(ctx, "TestDuplicate", Addressed); canopy.KindOf(err) != canopy.NotFound {
				t.Errorf("without the licence: got %v, want that it is not found", err)
			}
			w.shows("TestDuplicate", Everybody, "name,recipienttype,previous*", "Name                         : TestDuplicate\nRecipientType                : User\nPreviousRecipientTypeDetails : UserMailbox")
			e := add(canopy.User, "YcQouGWUS0Ww3XyDegtu6g==", "userPrincipalName", "TestDuplicate@contoso.com", "displayName", "Test Duplicate",
				"commonName", "Test Duplicate", "alias", "TestDuplicate", "proxyAddresses", "SMTP:TestDuplicate@contoso.com")
			e.Set["msExchMailboxGuid"] = guid(onPrem)
			if got := w.done(e); got != id {
				t.Fatalf("got %s, want a match with %s", got, id)
			}
			w.arrive()
			w.shows("TestDuplicate", Addressed, four+",previous*", "Name                         : Test Duplicate\nRecipientType                : MailUser\nExchangeGuid                 : "+onPrem+
				"\nSKUAssigned                  : False\nPreviousRecipientTypeDetails : UserMailbox")
			w.found(id, map[bool]string{true: exchange.AtRisk}[bug])
			w.license(id, "STANDARDWOFFPACK")
			w.arrive()
			if !bug {
				w.shows("TestDuplicate", Addressed, four, "Name          : Test Duplicate\nRecipientType : MailUser\nExchangeGuid  : "+onPrem+"\nSKUAssigned   : True")
				w.found(id, "")
				return
			}
			w.shows("TestDuplicate", WithMailbox, four, "Name          : Test Duplicate\nRecipientType : UserMailbox\nExchangeGuid  : "+second+"\nSKUAssigned   : True")
			w.found(id, exchange.DualMailbox)
			w.ok(w.Admin().RemoveLicence(ctx, id, "STANDARDWOFFPACK"))
			w.arrive()
			w.shows("TestDuplicate", Addressed, four, "Name          : Test Duplicate\nRecipientType : MailUser\nExchangeGuid  : "+onPrem+"\nSKUAssigned   : False")
			// The repair: forget the mailbox that was, and license again.
			w.ok(w.Admin().ClearPrevious(ctx, "TestDuplicate"))
			w.license(id, "STANDARDWOFFPACK")
			w.arrive()
			w.shows("TestDuplicate", Addressed, four+",previous*", "Name                         : Test Duplicate\nRecipientType                : MailUser\nExchangeGuid                 : "+onPrem+
				"\nSKUAssigned                  : True\nPreviousRecipientTypeDetails : MailUser")
			w.found(id, "")
		})
	}
}

// found compares the code of the one finding about an object, "" for none.
func (w *world) found(id canopy.Anchor, want string) {
	w.t.Helper()
	v := must(w.Admin().Recipient(context.Background(), string(id), Everybody))(w.t)
	got := ""
	for _, f := range v.Findings {
		got += f.Code
	}
	if got != want {
		w.t.Errorf("findings about %s: got %q, want %q", v.Name, got, want)
	}
}

// TestMailboxStates: a disconnected mailbox comes back within thirty days and is purged after them; a deleted one comes
// back with its person; one that a hold keeps stays.
func TestMailboxStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	id := must(a.CreateUser(ctx, canopy.Attrs{"userPrincipalName": canopy.Texts("anna@contoso.com")}))(t)
	licence := func(on bool) {
		t.Helper()
		if on {
			w.license(id, "E3")
		} else {
			w.ok(a.RemoveLicence(ctx, id, "E3"))
		}
		w.arrive()
	}
	state := func(want ...string) {
		t.Helper()
		var got []string
		for _, m := range must(a.Mailboxes(ctx))(t) {
			got = append(got, fmt.Sprintf("%s %s %s", m.GUID.String()[34:], m.State, m.Content))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mailboxes (-want +got):\n%s", diff)
		}
	}
	licence(true)
	w.ok(a.SetMailbox(ctx, "anna", MailboxChange{Content: "letters"}))
	state("01 active letters")
	licence(false)
	state("01 disconnected letters")
	w.time.Add(29 * 24 * time.Hour)
	licence(true)
	state("01 active letters")
	licence(false)
	w.time.Add(30 * 24 * time.Hour)
	must(w.Tick(ctx))(t)
	state("01 purged ")
	licence(true)
	state("01 purged ", "02 active ")
	held := true
	w.ok(a.SetMailbox(ctx, "anna", MailboxChange{Content: "new letters", Held: &held}))
	w.ok(a.Delete(ctx, id))
	w.arrive()
	state("01 purged ", "02 inactive new letters")
	w.ok(a.Restore(ctx, id))
	w.arrive()
	state("01 purged ", "02 active new letters")
	w.ok(a.Delete(ctx, id))
	w.arrive()
	w.time.Add(90 * 24 * time.Hour)
	must(w.Tick(ctx))(t)
	must(w.Tick(ctx))(t)
	state("01 purged ", "02 inactive new letters")
	g := must(exchange.ParseGUID("00000000-0000-4000-8000-000000000002"))(t)
	if err := a.PurgeMailbox(ctx, g); canopy.KindOf(err) != canopy.Forbidden {
		t.Errorf("purge what a hold keeps: got %v, want that it is refused", err)
	}
	w.ok(a.ReleaseHold(ctx, g))
	state("01 purged ", "02 soft-deleted new letters")
	// Its content can be copied to somebody else.
	id = must(a.CreateUser(ctx, canopy.Attrs{"userPrincipalName": canopy.Texts("bert@contoso.com")}))(t)
	licence(true)
	w.ok(a.RestoreMailbox(ctx, g, "bert"))
	state("01 purged ", "02 soft-deleted new letters", "03 active new letters")
	w.time.Add(31 * 24 * time.Hour)
	must(w.Tick(ctx))(t)
	state("01 purged ", "02 purged ", "03 active new letters")
}

// TestForwardSurvives: what is on its way to Exchange is there after the tenant was closed, arrives when it is due and
// not before, and arrives once.
func TestForwardSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	s := a.ExchangeSettings()
	s.ForwardDelay = Period(time.Hour)
	w.ok(a.SetExchangeSettings(ctx, s, false))
	id := must(a.CreateUser(ctx, canopy.Attrs{"userPrincipalName": canopy.Texts("anna@contoso.com")}))(t)
	w.license(id, "E3")
	w.reopen()
	if got := must(w.Tick(ctx))(t); got.Objects != 0 || got.Waiting != 1 || !got.Next.Equal(w.time.Now().Add(time.Hour)) {
		t.Errorf("before it is due: got %+v", got)
	}
	w.time.Add(time.Hour)
	w.reopen()
	if got := must(w.Tick(ctx))(t); got.Objects != 1 || got.Waiting != 0 {
		t.Errorf("when it is due: got %+v, want one object", got)
	}
	w.shows("anna", WithMailbox, "exchangeguid", "ExchangeGuid : 00000000-0000-4000-8000-000000000001")
	if got := must(w.Tick(ctx))(t); got.Objects != 0 || got.Waiting != 0 {
		t.Errorf("again: got %+v, want nothing", got)
	}
}

// TestOldFile: a tenant from before there was an Exchange half is brought up, and has its recipients.
func TestOldFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx := context.Background()
	w.license(must(w.Admin().CreateUser(ctx, canopy.Attrs{"userPrincipalName": canopy.Texts("anna@contoso.com")}))(t), "E3")
	for _, query := range []string{`DROP TABLE forward`, `DROP TABLE recipient`, `DROP TABLE mailbox`, `DROP TABLE conflict`, `DROP TABLE attempt`, `DROP TABLE licence`, `DROP TABLE due`, `DROP TABLE move`, `DROP TABLE provisioning`,
		`PRAGMA user_version = 2`,
		`UPDATE setting SET value = json_remove(value, '$.exchange')`} {
		if _, err := w.file.write.ExecContext(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	w.reopen()
	if got := w.Admin().ExchangeSettings(); got != defaultExchange {
		t.Errorf("got the switches %+v, want %+v", got, defaultExchange)
	}
	must(w.Tick(ctx))(t)
	w.shows("anna", WithMailbox, "exchangeguid", "ExchangeGuid : 00000000-0000-4000-8000-000000000001")
}

// TestAddedAddresses: an address that was added in the cloud is nobody else's, as long as it is there.
func TestAddedAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	anna := must(a.CreateUser(ctx, attrs("userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com")))(t)
	bert := w.done(add(canopy.User, "QmVydA==", "userPrincipalName", "bert@contoso.com", "mail", "bert@contoso.com"))
	for _, id := range []canopy.Anchor{anna, bert} {
		w.license(id, "E3")
	}
	w.arrive()
	on, off := true, false
	taken := func(address string, want bool) {
		t.Helper()
		err := w.write(add(canopy.User, "Q2FybA==", "userPrincipalName", "carl@contoso.com", "proxyAddresses", "smtp:"+address))[0]
		if got := err.Code == CodeUnique; got != want {
			t.Errorf("%s: got %s %s, want taken %v", address, err.Kind, err.Code, want)
		}
		if err.Kind == canopy.Done {
			w.ok(a.HardDelete(ctx, err.Anchor))
		}
	}
	w.ok(a.SetMailbox(ctx, "anna", MailboxChange{AddAddresses: []string{"a.novak@contoso.com"}}))
	taken("a.novak@contoso.com", true)
	w.ok(a.SetMailbox(ctx, "bert", MailboxChange{CloudManaged: &on, AddAddresses: []string{"b@contoso.com"}}))
	taken("b@contoso.com", true)
	w.ok(a.SetMailbox(ctx, "bert", MailboxChange{CloudManaged: &off}))
	w.arrive()
	taken("b@contoso.com", true)
	w.done(canopy.Export{Op: canopy.Modify, Class: canopy.User, SourceAnchor: "QmVydA==", Clear: []canopy.Attr{"proxyAddresses"}})
	w.arrive()
	taken("b@contoso.com", false)
	taken("a.novak@contoso.com", true)
}

// TestExchangeCloudManaged: while the cloud manages the Exchange attributes synchronisation sees it, and what the cloud's
// administrators made of them; its own values of them are refused, and the others taken. Given back, all are taken.
func TestExchangeCloudManaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	id := w.done(add(canopy.User, "QmVydA==", "userPrincipalName", "bert@contoso.com", "proxyAddresses", "SMTP:bert@contoso.com"))
	w.license(id, "E3")
	w.arrive()
	_, _, cursor := w.read(nil)
	shows := func(want canopy.Attrs) {
		t.Helper()
		var changes []canopy.Change
		changes, _, cursor = w.read(cursor)
		got := canopy.Attrs{}
		for _, c := range changes {
			for name := range want {
				got[name] = c.Attrs[name]
			}
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(canopy.Values.Equal)); diff != "" {
			t.Errorf("the feed (-want +got):\n%s", diff)
		}
	}
	on, off := true, false
	w.ok(a.SetMailbox(ctx, "bert", MailboxChange{CloudManaged: &on, AddAddresses: []string{"b@contoso.com"}, Hidden: &on, Kind: exchange.Shared}))
	shows(canopy.Attrs{"isExchangeCloudManaged": {canopy.Bool(true)}, "proxyAddresses": canopy.Texts("SMTP:bert@contoso.com", "smtp:b@contoso.com"),
		"msExchHideFromAddressLists": {canopy.Bool(true)}, "msExchRecipientTypeDetails": {canopy.Int(int64(exchange.RemoteSharedMailbox))}})
	change := func(want string, set canopy.Attrs, clear ...canopy.Attr) {
		t.Helper()
		r := w.write(canopy.Export{Op: canopy.Modify, Class: canopy.User, SourceAnchor: "QmVydA==", Set: set, Clear: clear})[0]
		if r.Code != want {
			t.Errorf("%v, clear %v: got %s %q %s, want code %q", set, clear, r.Kind, r.Code, r.Text, want)
		}
	}
	change(CodeExchange, attrs("proxyAddresses", "SMTP:bert@contoso.com", "title", "Smith"))
	change(CodeExchange, nil, "msExchHideFromAddressLists")
	change("", attrs("title", "Smith"), "extensionAttribute1")
	w.ok(a.SetMailbox(ctx, "bert", MailboxChange{CloudManaged: &off}))
	shows(canopy.Attrs{"isExchangeCloudManaged": nil})
	change("", attrs("proxyAddresses", "SMTP:bert@contoso.com"), "msExchHideFromAddressLists", "msExchRecipientTypeDetails")
	w.arrive()
	w.shows("bert", WithMailbox, "emailaddresses,hiddenfromaddresslistsenabled", ""+
		"EmailAddresses                : {SMTP:bert@contoso.com, smtp:bert@contoso.onmicrosoft.com}\nHiddenFromAddressListsEnabled : False")
}

// TestLegacyDN: the name that Exchange Online gives is shown at the native door, once, and stays when the person changes.
func TestLegacyDN(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "alias", "anna", "legacyExchangeDN", "/o=contoso/cn=anna")
	e.Set["msExchMailboxGuid"] = guid("f20047a9-3fd1-4906-8d98-188feacdd5b7")
	id := w.done(e)
	_, _, cursor := w.read(nil)
	w.arrive()
	changes, _, cursor := w.read(cursor)
	const want = "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=00000000000040008000000000000002-anna"
	if len(changes) != 1 || changes[0].Attrs.Text("cloudLegacyExchangeDN") != want {
		t.Fatalf("got %v, want one change with %s", changes, want)
	}
	w.shows("anna", Addressed, "LegacyExchangeDN,EmailAddresses", "LegacyExchangeDN : "+want+"\nEmailAddresses   : {x500:/o=contoso/cn=anna}")
	w.done(modify(id, "alias", "anna.novak"))
	w.arrive()
	changes, _, cursor = w.read(cursor)
	if len(changes) != 1 || changes[0].Attrs.Text("cloudLegacyExchangeDN") != want || changes[0].Attrs.Text("cloudAlias") != "anna.novak" {
		t.Errorf("another alias: got %v, want the same name", changes)
	}
	w.arrive()
	if changes, _, _ = w.read(cursor); len(changes) > 0 {
		t.Errorf("nothing changed: got %v", changes)
	}
}

// TestForetell: a finding is told before the match and before the licence that would cause it.
func TestForetell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com"))
	w.license(id, "E3")
	w.arrive()
	foretold := func(g exchange.GUID, licensed bool, row, want string) {
		t.Helper()
		d, found, err := a.Foretell(ctx, "anna", g, licensed)
		w.ok(err)
		got := ""
		for _, f := range found {
			got += f.Code
		}
		if d.Row != row || got != want {
			t.Errorf("synchronised %s, licensed %v: got %s %q, want %s %q", g, licensed, d.Row, got, row, want)
		}
	}
	g := must(exchange.ParseGUID("064e1a94-3199-49a7-9cb3-3ce3412424d6"))(t)
	foretold(exchange.GUID{}, false, "E21", "")
	foretold(g, false, "E21", exchange.DualMailbox)
	w.ok(a.RemoveLicence(ctx, id, "E3"))
	w.arrive()
	foretold(g, false, "D7", exchange.AtRisk)
	foretold(g, true, "D4", exchange.DualMailbox)
	foretold(exchange.GUID{}, true, "D8b", "")
	if n := len(must(a.Mailboxes(ctx, exchange.Active))(t)); n != 0 {
		t.Errorf("foretelling left %d active mailboxes", n)
	}
	e := w.done(add(canopy.User, "Qg==", "userPrincipalName", "bert@contoso.com"))
	x := modify(e)
	x.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(1)}
	w.done(x)
	w.arrive()
	w.found(e, exchange.WillDouble)
}

// TestBlockedOrganisation: users who come while forests' Exchange attributes are ignored are users only, and their licence
// makes a mailbox that the cloud manages; those who were there stay as they are.
func TestBlockedOrganisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	mailbox := func(name, g string) canopy.Export {
		e := add(canopy.User, name, "userPrincipalName", name+"@contoso.com", "alias", name, "usageLocation", "AT")
		e.Set["msExchMailboxGuid"] = guid(g)
		return e
	}
	w.done(mailbox("anna", "f20047a9-3fd1-4906-8d98-188feacdd5b7"))
	w.arrive()
	s := a.ExchangeSettings()
	s.BlockFromOnPrem = true
	if err := a.SetExchangeSettings(ctx, s, false); canopy.KindOf(err) != canopy.Forbidden {
		t.Errorf("with a mailbox in a forest: got %v, want that it is refused", err)
	}
	w.ok(a.SetExchangeSettings(ctx, s, true))
	id := w.done(mailbox("bert", "064e1a94-3199-49a7-9cb3-3ce3412424d6"))
	w.arrive()
	w.shows("anna", Addressed, "recipienttype", "RecipientType : MailUser")
	w.shows("bert", Everybody, "recipienttype,exchangeguid", "RecipientType : User\nExchangeGuid  : 00000000-0000-0000-0000-000000000000")
	w.license(id, "E3")
	w.arrive()
	w.shows("bert", WithMailbox, "exchangeguid,isexchangecloudmanaged", "ExchangeGuid           : 00000000-0000-4000-8000-000000000001\nIsExchangeCloudManaged : True")
	w.found(id, "")
}

// TestDeletedForGood: a mailbox that was deleted with its person stays thirty days from when the person is deleted for
// good; one that was disconnected before goes on its way; its GUID is in the way of others meanwhile.
func TestDeletedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	day := 24 * time.Hour
	var people []canopy.Anchor
	for _, name := range []string{"anna", "bert"} {
		id := w.cloudUser(attrs("userPrincipalName", name+"@contoso.com"))
		w.license(id, "E3")
		people = append(people, id)
	}
	w.arrive()
	w.ok(a.RemoveLicence(ctx, people[1], "E3"))
	w.arrive()
	for _, id := range people {
		w.ok(a.Delete(ctx, id))
	}
	w.arrive()
	w.time.Add(20 * day)
	for _, id := range people {
		w.ok(a.HardDelete(ctx, id))
	}
	w.arrive()
	states := func(want ...exchange.State) {
		t.Helper()
		var got []exchange.State
		for _, m := range must(a.Mailboxes(ctx))(t) {
			got = append(got, m.State)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mailboxes (-want +got):\n%s", diff)
		}
	}
	states(exchange.SoftDeleted, exchange.Disconnected)
	e := add(canopy.User, "Qw==", "userPrincipalName", "carl@contoso.com", "alias", "carl")
	e.Set["msExchMailboxGuid"] = guid("00000000-0000-4000-8000-000000000001")
	carl := w.done(e)
	w.arrive()
	w.shows("carl", Everybody, "recipienttype,validationerrors", "RecipientType    : User\nValidationErrors : {The value \"00000000-0000-4000-8000-000000000001\" of property \"ExchangeGuid\" is used by another recipient object. Please specify a unique value.}")
	w.time.Add(11 * day)
	must(w.Tick(ctx))(t)
	states(exchange.SoftDeleted, exchange.Purged)
	w.time.Add(19 * day)
	must(w.Tick(ctx))(t)
	states(exchange.Purged, exchange.Purged)
	w.arrive()
	w.shows("carl", Addressed, "recipienttype,validationerrors", "RecipientType    : MailUser\nValidationErrors : {}")
	w.found(carl, "")
}

// TestGUIDsAreFoundByIndex: looking for who has a mailbox GUID costs the same however many recipients there are.
func TestGUIDsAreFoundByIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{`SELECT 1 FROM recipient WHERE guid = ? AND guid <> '' AND object <> ?`,
		`SELECT object FROM recipient WHERE synced = ? AND synced <> '' AND object <> ?`} {
		var id, parent, unused int
		var plan string
		w.ok(w.file.read.QueryRowContext(context.Background(), `EXPLAIN QUERY PLAN `+query, "x", 1).Scan(&id, &parent, &unused, &plan))
		if !strings.Contains(plan, "USING INDEX") && !strings.Contains(plan, "USING COVERING INDEX") {
			t.Errorf("%s: got the plan %q, want an index", query, plan)
		}
	}
}
