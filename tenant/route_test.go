package tenant

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// remotePerson synchronises somebody whose mailbox the forest means to be in the cloud.
func (w *world) remotePerson(name string) canopy.Anchor {
	w.t.Helper()
	e := add(canopy.User, name, "userPrincipalName", name+"@contoso.com", "displayName", name, "alias", name, "proxyAddresses", "SMTP:"+name+"@contoso.com",
		"proxyAddresses", "smtp:"+name+"@contoso.mail.onmicrosoft.com", "targetAddress", "SMTP:"+name+"@contoso.mail.onmicrosoft.com")
	e.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(2147483648)}
	e.Set["msExchRemoteRecipientType"] = canopy.Values{canopy.Int(1)}
	id := w.done(e)
	w.arrive()
	return id
}

// TestRoute: for each kind of recipient and each side a message comes from: who knows the address, which mailbox receives, which
// calendar Outlook and Teams open, and why they differ.
func TestRoute(t *testing.T) {
	t.Parallel()
	const here, there = "00000000-0000-4000-8000-000000000001", "00000000-bbbb-4000-8000-000000000001"
	for name, c := range map[string]struct {
		make func(*world)
		want [4]string // known in the cloud and on premises, Outlook's and Teams' calendar
		ways [3]string // from outside, the forest, the cloud: the side that delivers, or part of why none does
		why  string
	}{
		"nobody": {func(*world) {}, [4]string{"false", "false", "", ""}, [3]string{"nobody has the address", "nobody has the address", "nobody has the address"}, "nobody has the address"},
		"a cloud user with a mailbox": {func(w *world) { w.license(w.cloudUser(attrs("userPrincipalName", "x@contoso.com")), "E3") },
			[4]string{"true", "false", here + " (cloud)", here + " (cloud)"}, [3]string{"cloud", "the forest's Exchange does not know the recipient", "cloud"}, ""},
		"a mailbox in the forest": {func(w *world) { w.forestPerson("x", there) },
			[4]string{"true", "true", there + " (on-premises)", there + " (on-premises)"}, [3]string{"on-premises", "on-premises", "on-premises"}, ""},
		"a remote mailbox": {func(w *world) { w.license(w.remotePerson("x"), "E3") },
			[4]string{"true", "true", here + " (cloud)", here + " (cloud)"}, [3]string{"cloud", "cloud", "cloud"}, ""},
		"a remote mailbox that is not made yet": {func(w *world) {
			s := w.Admin().ExchangeSettings()
			s.ProvisionUnlicensed = false
			w.ok(w.Admin().SetExchangeSettings(context.Background(), s, false))
			w.remotePerson("x")
		}, [4]string{"true", "true", "", ""}, [3]string{"the message loops", "the message loops", "the message loops"}, "the message loops"},
		"two mailboxes": {func(w *world) {
			id := w.cloudUser(attrs("userPrincipalName", "x@contoso.com", "proxyAddresses", "SMTP:x@contoso.com"))
			w.license(id, "E3")
			w.arrive()
			w.forestPerson("x", there)
		}, [4]string{"true", "true", there + " (on-premises)", here + " (cloud)"}, [3]string{"cloud", "on-premises", "cloud"}, "there are two mailboxes"},
		"a remote mailbox without a coexistence domain": {func(w *world) {
			w.license(w.remotePerson("x"), "E3")
			s := w.Admin().ExchangeSettings()
			s.CoexistenceMissing = true
			w.ok(w.Admin().SetExchangeSettings(context.Background(), s, false))
		}, [4]string{"true", "true", here + " (cloud)", here + " (cloud)"}, [3]string{"cloud", "HCW8001", "cloud"}, ""},
		"a contact elsewhere": {func(w *world) {
			w.done(add(canopy.Contact, "x", "displayName", "x", "alias", "x", "proxyAddresses", "SMTP:x@contoso.com", "targetAddress", "SMTP:x@elsewhere.net"))
		}, [4]string{"true", "true", "", ""}, [3]string{"elsewhere", "elsewhere", "elsewhere"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
			c.make(w)
			w.arrive()
			for i, from := range []From{FromOutside, FromForest, FromCloud} {
				r := must(w.Admin().Route(context.Background(), "x@contoso.com", from))(t)
				got := [4]string{fmt.Sprint(r.KnownHere), fmt.Sprint(r.KnownThere), r.Outlook, r.Teams}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("from %s (-want +got):\n%s", from, diff)
				}
				if r.Side != c.ways[i] && (r.Side != "" || !strings.Contains(r.Why, c.ways[i])) {
					t.Errorf("from %s: got delivered %q, because %q, want %q", from, r.Side, r.Why, c.ways[i])
				}
				if r.Side != "" && !strings.HasPrefix(r.Why, c.why) || c.why == "" && r.Side != "" && r.Why != "" {
					t.Errorf("from %s: got %q for why, want %q", from, r.Why, c.why)
				}
			}
		})
	}
	w := newWorld(t)
	if _, err := w.Admin().Route(context.Background(), "x@contoso.com", "nowhere"); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("from nowhere: got %v", err)
	}
}

// TestAddressList: the list has everything with an alias and an address, mailboxes, mail users, lists and contacts, by name, and
// nothing that is hidden, in whichever way.
func TestAddressList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	w.license(w.cloudUser(attrs("userPrincipalName", "dora@contoso.com", "displayName", "Dora")), "E3")
	w.license(w.cloudUser(attrs("userPrincipalName", "hidden@contoso.com", "displayName", "Hidden")), "E3")
	w.cloudUser(attrs("userPrincipalName", "nobody@contoso.com", "displayName", "No recipient"))
	w.forestPerson("carl", "00000000-bbbb-4000-8000-000000000001")
	secret := add(canopy.User, "s", "userPrincipalName", "secret@contoso.com", "displayName", "Secret", "alias", "secret", "proxyAddresses", "SMTP:secret@contoso.com")
	secret.Set["msExchMailboxGuid"] = guid("00000000-bbbb-4000-8000-000000000002")
	secret.Set["msExchHideFromAddressLists"] = canopy.Values{canopy.Bool(true)}
	w.done(secret)
	w.done(add(canopy.Contact, "b", "displayName", "Bea", "alias", "bea", "proxyAddresses", "SMTP:bea@elsewhere.net", "targetAddress", "SMTP:bea@elsewhere.net"))
	for i, name := range []string{"All", "Admins", "Local", "Plain"} {
		g := add(canopy.Group, fmt.Sprint("group", i), "displayName", name)
		if name != "Plain" {
			g.Set["alias"], g.Set["proxyAddresses"] = canopy.Texts(name), canopy.Texts("SMTP:"+name+"@contoso.com")
		}
		g.Set["securityEnabled"] = canopy.Values{canopy.Bool(i == 1)}
		if i == 2 {
			g.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(512)}
		}
		w.done(g)
	}
	w.arrive()
	hidden := true
	w.ok(a.SetMailbox(ctx, "hidden", MailboxChange{Hidden: &hidden}))
	var got []string
	for _, v := range must(a.GAL(ctx))(t) {
		got = append(got, v.DisplayName+": "+v.typeText()+", "+v.Details.String())
	}
	want := []string{"Admins: MailUniversalSecurityGroup, MailUniversalSecurityGroup", "All: MailUniversalDistributionGroup, MailUniversalDistributionGroup",
		"Bea: MailContact, MailContact", "carl: MailUser, MailUser", "Dora: UserMailbox, UserMailbox", "Local: MailNonUniversalGroup, MailNonUniversalGroup"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the address list (-want +got):\n%s", diff)
	}
}

// TestCoexistenceDomain: it is there as soon as synchronisation has written, unless the switch says that it was never made; nobody
// can add it; and a finding tells of it by the name that the hybrid wizard has.
func TestCoexistenceDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a := context.Background(), w.Admin()
	has := func(want bool) {
		t.Helper()
		got := false
		for _, d := range a.AcceptedDomains() {
			got = got || d.Coexistence && d.Name == "contoso.mail.onmicrosoft.com"
		}
		wrong := a.RoutingFindings()
		if got != want || (len(wrong) == 0) != want || !want && wrong[0].Code != "HCW8001" {
			t.Errorf("got the domain %v and %v, want %v", got, wrong, want)
		}
	}
	has(false)
	for _, name := range []string{"contoso.mail.onmicrosoft.com", "Contoso.Mail.Onmicrosoft.com "} {
		w.refused(a.AddDomain(ctx, name), CodeDomain)
	}
	has(false)
	w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"))
	has(true)
	s := a.ExchangeSettings()
	s.CoexistenceMissing = true
	w.ok(a.SetExchangeSettings(ctx, s, false))
	has(false)
	w.refused(a.AddDomain(ctx, "contoso.mail.onmicrosoft.com"), CodeDomain)
	w.reopen()
	a = w.Admin()
	has(false)
}

// TestPreviousTypeHasNoDoor: the previous recipient type is written by decisions and by clearing it, and by nobody else.
func TestPreviousTypeHasNoDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com"))
	for _, name := range []canopy.Attr{"msExchPreviousRecipientTypeDetails", "PreviousRecipientTypeDetails", "previousRecipientTypeDetails"} {
		e := add(canopy.User, "QQ==", "userPrincipalName", "bert@contoso.com")
		e.Set[name] = canopy.Values{canopy.Int(1)}
		if r := w.write(e)[0]; r.Kind != canopy.Refused || r.Code != CodeUnknownAttr {
			t.Errorf("%s by synchronisation: got %s %s, want it refused", name, r.Kind, r.Code)
		}
		w.refused(w.Admin().SetAttributes(ctx, id, canopy.Attrs{name: canopy.Values{canopy.Int(1)}}), CodeUnknownAttr)
	}
}
