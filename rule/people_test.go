package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// person is an object of a forest for tests; forest is its connector, in the order of the names.
type person struct {
	forest string
	class  canopy.Class
	dn     string
	attrs  map[string]any
	links  map[canopy.Attr]int
}

func values(a any) canopy.Values {
	switch x := a.(type) {
	case int:
		return canopy.Values{canopy.Int(int64(x))}
	case bool:
		return canopy.Values{canopy.Bool(x)}
	case []byte:
		return canopy.Values{canopy.Bytes(x)}
	case []string:
		return canopy.Texts(x...)
	}
	return canopy.Texts(a.(string)) // a test's own value
}

func (p person) object() *Object {
	o := &Object{Class: p.class, DN: p.dn, Attrs: canopy.Attrs{}, LinkCounts: p.links, Params: map[string]string{"Domain.FQDN": p.forest + ".lab", "Domain.Netbios": strings.ToUpper(p.forest)}}
	if o.Class == "" {
		o.Class = canopy.User
	}
	if o.DN == "" {
		o.DN = "CN=Anna Berg,OU=Staff,DC=" + p.forest + ",DC=lab"
	}
	for a, v := range p.attrs {
		o.Attrs[canopy.Attr(a)] = values(v)
	}
	return o
}

// with is the person with further attributes; nil takes one away.
func (p person) with(attrs map[string]any) person {
	all := map[string]any{}
	for a, v := range p.attrs {
		all[a] = v
	}
	for a, v := range attrs {
		if all[a] = v; v == nil {
			delete(all, a)
		}
	}
	p.attrs = all
	return p
}

// mergeAll is what the engine does with inbound flows, in small: by precedence, then forest, the first that contributes.
func mergeAll(t testing.TB, s *Set, people ...person) canopy.Attrs {
	t.Helper()
	type candidate struct {
		rule *Rule
		o    *Object
	}
	var all []candidate
	slices.SortStableFunc(people, func(a, b person) int { return strings.Compare(a.forest, b.forest) })
	for _, p := range people {
		o := p.object()
		sc, err := s.Scope("ad", canopy.ConnectorID(p.forest), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range sc.Rules {
			all = append(all, candidate{r, o})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.rule.Precedence - b.rule.Precedence })
	out, done := canopy.Attrs{}, map[canopy.Attr]bool{}
	for _, c := range all {
		for i := range c.rule.Flows {
			f := &c.rule.Flows[i]
			got, err := f.Eval(c.o)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case done[f.To]:
			case got.Kind == AuthoritativeNull:
				done[f.To] = true
			case got.Kind == Contributes && f.Link:
				out[f.To], done[f.To] = canopy.Texts(c.o.DN), true
			case got.Kind == Contributes && f.Merge == Update:
				out[f.To], done[f.To] = got.Values, true
			case got.Kind == Contributes:
				for _, v := range got.Values {
					if !slices.Contains(out[f.To], v) {
						out[f.To] = append(slices.Clone(out[f.To]), v)
					}
				}
			}
		}
	}
	return out
}

// outcome is which class the tenant gets for a meta, and why not when none.
func outcome(t testing.TB, s *Set, class canopy.Class, attrs canopy.Attrs) string {
	t.Helper()
	var whys []string
	for _, r := range s.Out("tenant", canopy.Tenant, class) {
		if r.Link != Provision {
			continue
		}
		ok, w, err := r.InScope(&Object{Class: class, Attrs: attrs})
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return string(r.Target)
		}
		if !slices.Contains(whys, w) {
			whys = append(whys, w)
		}
	}
	return strings.Join(whys, "; ")
}

var (
	guid    = []byte("0123456789abcdef")
	account = person{forest: "contoso", attrs: map[string]any{"cn": "Anna Berg", "sAMAccountName": "anna", "userPrincipalName": "anna@contoso.com", "userAccountControl": 512,
		"objectGUID": guid, "objectSid": "S-1-5-21-1", "mail": "anna@contoso.com", "displayName": "Anna Berg", "pwdLastSet": 129699324000000000}}
	mailbox = account.with(map[string]any{"mailNickname": "anna", "proxyAddresses": []string{"SMTP:anna@contoso.com", "smtp:a@contoso.com"}, "msExchMailboxGuid": []byte("mailbox-contoso!"),
		"msExchRecipientTypeDetails": 1, "msExchRecipientDisplayType": 1073741824, "legacyExchangeDN": "/o=Contoso/cn=anna"})
	mailUser = person{forest: "adatum", attrs: map[string]any{"cn": "Anna Berg", "sAMAccountName": "aberg", "userPrincipalName": "aberg@adatum.com", "userAccountControl": 512, "objectGUID": []byte("fedcba9876543210"), "objectSid": "S-1-5-21-2",
		"mail": "anna@contoso.com", "displayName": "Berg, Anna", "mailNickname": "anna.berg", "targetAddress": "SMTP:anna@contoso.com", "proxyAddresses": []string{"SMTP:anna@contoso.com", "X500:/o=x"},
		"msExchRecipientTypeDetails": 128, "msExchRecipientDisplayType": 6, "msExchRemoteRecipientType": 1, "title": "Consultant"}}
	contact = person{forest: "aaa", class: canopy.Contact, attrs: map[string]any{"cn": "Anna (contact)", "displayName": "Anna (contact)", "mail": "anna@contoso.com", "mailNickname": "annac", "targetAddress": "SMTP:anna@contoso.com",
		"proxyAddresses": []string{"SMTP:anna@contoso.com"}, "objectGUID": []byte("cccccccccccccccc"), "msExchRecipientTypeDetails": 64, "telephoneNumber": "1", "title": "wrong", "extensionAttribute1": "wrong"}, links: map[canopy.Attr]int{"manager": 1}}
)

func TestWhatPeopleBecome(t *testing.T) {
	t.Parallel()
	disabled := map[string]any{"userAccountControl": 514}
	for _, c := range []struct {
		name    string
		people  []person
		outcome string
		want    map[string]string // "-": no value; a, b: values in order
	}{
		{"a plain account", []person{account}, "user", map[string]string{"userPrincipalName": "anna@contoso.com", "accountEnabled": "TRUE", "sourceAnchor": "MDEyMzQ1Njc4OWFiY2RlZg==", "sourceAnchorBinary": "-",
			"sourceObjectType": "User", "accountName": "anna", "domainFQDN": "contoso.lab", "domainNetBios": "CONTOSO", "objectSid": "S-1-5-21-1", "objectSidString": "S-1-5-21-1", "pwdLastSet": "20120101230000.0Z", "mailboxOwner": "-", "cloudFiltered": "-"}},
		{"mS-DS-ConsistencyGuid is the anchor", []person{account.with(map[string]any{"mS-DS-ConsistencyGuid": []byte("anchor-anchor-an")})}, "user",
			map[string]string{"sourceAnchor": "YW5jaG9yLWFuY2hvci1hbg==", "sourceAnchorBinary": "YW5jaG9yLWFuY2hvci1hbg=="}},
		{"no sign-in name: account name at the domain", []person{account.with(map[string]any{"userPrincipalName": nil})}, "user", map[string]string{"userPrincipalName": "anna@contoso.lab"}},
		{"no display name: the common name", []person{account.with(map[string]any{"displayName": "  "})}, "user", map[string]string{"displayName": "Anna Berg"}},
		{"a disabled account", []person{account.with(disabled)}, "user", map[string]string{"accountEnabled": "FALSE", "userPrincipalName": "anna@contoso.com"}},
		{"no account control was read", []person{account.with(map[string]any{"userAccountControl": nil})}, "it has no source anchor", map[string]string{"accountEnabled": "-", "displayName": "Anna Berg"}},
		{"inetOrgPerson", []person{{forest: "contoso", class: canopy.InetOrgPerson, attrs: account.attrs}}, "user", map[string]string{"sourceObjectType": "User"}},
		{"white space outside goes, inside stays", []person{account.with(map[string]any{"title": "  Sales  Manager ", "proxyAddresses": []string{" SMTP:anna@contoso.com ", "smtp:a b@contoso.com", "SMTP:anna@contoso.com"}})}, "user",
			map[string]string{"title": "Sales  Manager", "proxyAddresses": "SMTP:anna@contoso.com, smtp:a b@contoso.com"}},
		{"long texts are cut", []person{account.with(map[string]any{"description": []string{strings.Repeat("ö", 500), "b"}})}, "user", map[string]string{"description": strings.Repeat("ö", 448)}},
		{"a mailbox", []person{mailbox}, "user", map[string]string{"mailboxOwner": "TRUE", "msExchRecipientTypeDetails": "1", "mailNickname": "anna", "proxyAddresses": "SMTP:anna@contoso.com, smtp:a@contoso.com"}},
		{"mail user and mailbox, both enabled: all from the mailbox", []person{mailUser, mailbox}, "user", map[string]string{"userPrincipalName": "anna@contoso.com", "sourceAnchor": "MDEyMzQ1Njc4OWFiY2RlZg==", "objectSid": "S-1-5-21-1",
			"targetAddress": "-", "proxyAddresses": "SMTP:anna@contoso.com, smtp:a@contoso.com", "mailNickname": "anna", "msExchRecipientTypeDetails": "1", "msExchRemoteRecipientType": "-", "legacyExchangeDN": "/o=Contoso/cn=anna",
			"displayName": "Anna Berg", "title": "Consultant", "mailboxOwner": "TRUE", "objectSidString": "S-1-5-21-2, S-1-5-21-1"}},
		{"the mailbox's account is disabled: sign-in from the mail user", []person{mailUser, mailbox.with(disabled)}, "user", map[string]string{"userPrincipalName": "aberg@adatum.com", "accountEnabled": "TRUE", "accountName": "aberg",
			"targetAddress": "-", "proxyAddresses": "SMTP:anna@contoso.com, smtp:a@contoso.com", "displayName": "Anna Berg", "msExchRecipientTypeDetails": "1"}},
		{"a linked mailbox alone stays out", []person{mailbox.with(map[string]any{"msExchRecipientTypeDetails": 2, "userAccountControl": 514})}, "it has no source anchor",
			map[string]string{"sourceAnchor": "-", "userPrincipalName": "-", "sourceObjectType": "-", "mailNickname": "anna"}},
		{"a linked mailbox with its account", []person{mailbox.with(map[string]any{"msExchRecipientTypeDetails": 2, "userAccountControl": 514, "msExchMasterAccountSid": "S-1-5-21-9"}),
			account.with(map[string]any{"objectSid": "S-1-5-21-9", "userPrincipalName": "anna@work.com"}).in("zebra")}, "user",
			map[string]string{"userPrincipalName": "anna@work.com", "accountEnabled": "TRUE", "msExchRecipientTypeDetails": "2", "msExchMasterAccountSid": "S-1-5-21-9", "domainFQDN": "zebra.lab", "objectSid": "S-1-5-21-9"}},
		{"a mailbox that names SELF as master has none", []person{mailbox.with(map[string]any{"msExchMasterAccountSid": "S-1-5-10"})}, "user", map[string]string{"msExchMasterAccountSid": "-"}},
		{"an old mailbox without a recipient type", []person{mailUser, mailbox.with(map[string]any{"msExchRecipientTypeDetails": nil})}, "user", map[string]string{"targetAddress": "-", "mailboxOwner": "TRUE", "mailNickname": "anna"}},
		{"a mail user that keeps a mailbox GUID for a move is none", []person{mailUser.with(map[string]any{"msExchMailboxGuid": guid}), mailbox}, "user", map[string]string{"msExchMailboxGuid": "bWFpbGJveC1jb250b3NvIQ==", "targetAddress": "-"}},
		{"a remote mailbox beats a mail user and keeps its target", []person{mailUser, mailbox.with(map[string]any{"msExchRecipientTypeDetails": 2147483648, "targetAddress": "SMTP:anna@x.mail.onmicrosoft.com", "msExchMailboxGuid": nil})}, "user",
			map[string]string{"targetAddress": "SMTP:anna@x.mail.onmicrosoft.com", "mailboxOwner": "TRUE", "mailNickname": "anna"}},
		{"a mail user alone", []person{mailUser}, "user", map[string]string{"targetAddress": "SMTP:anna@contoso.com", "mailboxOwner": "-", "msExchRecipientTypeDetails": "128"}},
		{"a mail user and a plain account", []person{account.in("aaa"), mailUser}, "user", map[string]string{"targetAddress": "SMTP:anna@contoso.com", "userPrincipalName": "anna@contoso.com", "mailNickname": "anna.berg"}},
		{"two plain accounts fill each other's gaps", []person{account.in("aaa").with(map[string]any{"telephoneNumber": "1"}), account.in("bbb").with(map[string]any{"telephoneNumber": "2", "title": "CEO", "proxyAddresses": []string{"SMTP:anna@contoso.com"}})}, "user",
			map[string]string{"telephoneNumber": "1", "title": "CEO", "proxyAddresses": "SMTP:anna@contoso.com", "domainFQDN": "aaa.lab"}},
		{"an enabled account beats a disabled one", []person{account.in("aaa").with(map[string]any{"userAccountControl": 514, "title": "left"}), account.in("bbb").with(map[string]any{"title": "CEO"})}, "user",
			map[string]string{"accountEnabled": "TRUE", "domainFQDN": "bbb.lab", "title": "CEO"}},
		{"a contact adds nothing to a person", []person{contact, account}, "user", map[string]string{"sourceObjectType": "User", "displayName": "Anna Berg", "title": "-", "telephoneNumber": "-", "targetAddress": "-", "proxyAddresses": "-",
			"mailNickname": "-", "sourceAnchor": "MDEyMzQ1Njc4OWFiY2RlZg==", "extensionAttribute1": "-", "manager": "-", "msExchRecipientTypeDetails": "-"}},
		{"a contact adds nothing to a linked mailbox", []person{contact, mailbox.with(map[string]any{"msExchRecipientTypeDetails": 2})}, "it has no source anchor", map[string]string{"sourceAnchor": "-", "sourceObjectType": "-"}},
		{"a contact that is excluded does not exclude a person", []person{contact.with(map[string]any{"mailNickname": "CAS_x}"}), account}, "user", map[string]string{"cloudFiltered": "-"}},
		{"a contact alone", []person{contact}, "contact", map[string]string{"sourceObjectType": "Contact", "sourceAnchor": "Y2NjY2NjY2NjY2NjY2NjYw==", "targetAddress": "SMTP:anna@contoso.com", "mailEnabled": "TRUE", "accountEnabled": "-", "manager": "CN=Anna Berg,OU=Staff,DC=aaa,DC=lab"}},
		{"a contact without an address", []person{contact.with(map[string]any{"mail": nil, "proxyAddresses": nil})}, "it is a contact and no account (sourceObjectType EQUAL User); a contact without a mail address", map[string]string{"mailEnabled": "FALSE"}},
		{"sixteen certificates are none", []person{account.with(map[string]any{"userCertificate": strings.Fields("a b c d e f g h i j k l m n o p")})}, "user", map[string]string{"userCertificate": "-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := builtinSet(t, "mail")
			got := mergeAll(t, s, c.people...)
			for a, want := range c.want {
				have := strings.Join(got[canopy.Attr(a)].Strings(), ", ")
				if len(got[canopy.Attr(a)]) == 0 {
					have = "-"
				}
				if have != want {
					t.Errorf("%s: got %s, want %s", a, have, want)
				}
			}
			if out := outcome(t, s, canopy.Person, got); !strings.HasPrefix(out, c.outcome) {
				t.Errorf("the tenant gets %q, want %q", out, c.outcome)
			}
		})
	}
}

// in is the person in another forest.
func (p person) in(forest string) person {
	p.forest = forest
	return p
}

func TestDefaultExclusionsSayWhy(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	group := person{forest: "contoso", class: canopy.Group, attrs: map[string]any{"cn": "Staff", "sAMAccountName": "Staff", "groupType": -2147483646, "objectGUID": guid, "objectSid": "S-1-5-21-3"}}
	for _, c := range []struct {
		name string
		p    person
		why  string
	}{
		{"critical system object", account.with(map[string]any{"isCriticalSystemObject": true}), "critical system object"},
		{"not critical after all", account.with(map[string]any{"isCriticalSystemObject": false}), "user"},
		{"written back", account.with(map[string]any{"adminDescription": "User_1234"}), "written to this forest from the cloud"},
		{"conflict, escaped", person{forest: "contoso", dn: `CN=Anna Berg\0ACNF:1234,OU=Staff,DC=contoso,DC=lab`, attrs: account.attrs}, "left by a replication conflict"},
		{"conflict, raw", person{forest: "contoso", dn: "CN=Anna Berg\nCNF:1234,OU=Staff,DC=contoso,DC=lab", attrs: account.attrs}, "left by a replication conflict"},
		{"below a container left by a conflict", person{forest: "contoso", dn: `CN=Anna Berg,OU=Staff\0ACNF:1234,DC=contoso,DC=lab`, attrs: account.attrs}, "user"},
		{"no account name", account.with(map[string]any{"sAMAccountName": nil}), "excluded: it has no sAMAccountName"},
		{"support account", account.with(map[string]any{"sAMAccountName": "SUPPORT_388945a0"}), "excluded: a support account"},
		{"AAD_", account.with(map[string]any{"sAMAccountName": "AAD_1234"}), "excluded: an account of a synchronisation product"},
		{"MSOL_", account.with(map[string]any{"sAMAccountName": "MSOL_1234"}), "excluded: an account of a synchronisation product"},
		{"system mailbox", mailbox.with(map[string]any{"mailNickname": "SystemMailbox{1234}"}), "excluded: a system mailbox"},
		{"CAS_ alias", mailbox.with(map[string]any{"mailNickname": "CAS_{1234}"}), "excluded: an account of an Exchange client access server"},
		{"CAS_ account", account.with(map[string]any{"sAMAccountName": "CAS_{1234}"}), "excluded: an account of an Exchange client access server"},
		{"CAS_ without a bracket", account.with(map[string]any{"sAMAccountName": "CAS_1234"}), "user"},
		{"public folder", mailbox.with(map[string]any{"msExchRecipientTypeDetails": 0x1000}), "excluded: a recipient of Exchange that is no person"},
		{"discovery mailbox", mailbox.with(map[string]any{"msExchRecipientTypeDetails": 0x20000000}), "excluded: a recipient of Exchange that is no person"},
		{"hidden copy", contact.with(map[string]any{"displayName": "x (MSOL)", "msExchHideFromAddressLists": true}), "excluded: a hidden copy"},
		{"shown copy", contact.with(map[string]any{"displayName": "x (MSOL)"}), "contact"},
		{"CAS_ contact", contact.with(map[string]any{"mailNickname": "CAS_{1}"}), "excluded: an object of an Exchange client access server"},
		{"critical contact", contact.with(map[string]any{"isCriticalSystemObject": true}), "critical system object"},
		{"security group", group, "group"},
		{"distribution group without an address", group.with(map[string]any{"groupType": 8}), "a distribution group without a mail address"},
		{"distribution group", group.with(map[string]any{"groupType": 8, "mail": "staff@contoso.com"}), "group"},
		{"distribution group by address", group.with(map[string]any{"groupType": 8, "proxyAddresses": []string{"smtp:x@y", "SMTP:staff@contoso.com"}}), "group"},
		{"critical group", group.with(map[string]any{"isCriticalSystemObject": true}), "critical system object"},
		{"written back group", group.with(map[string]any{"adminDescription": "Group_1"}), "written to this forest from the cloud"},
		{"synchronisation group", group.with(map[string]any{"sAMAccountName": "MSOL_AD_Sync_RichCoexistence"}), "excluded: a group of a synchronisation product"},
		{"role group", group.with(map[string]any{"msExchRecipientTypeDetails": 0x40000000}), "excluded: a role group of Exchange"},
		{"conflict group", person{forest: "contoso", class: canopy.Group, dn: `CN=Staff\0ACNF:1,DC=contoso,DC=lab`, attrs: group.attrs}, "left by a replication conflict"},
		{"a computer", person{forest: "contoso", class: "computer", attrs: account.attrs}, "no rule takes objects of class computer"},
	} {
		sc, err := s.Scope("ad", "contoso", c.p.object())
		if err != nil {
			t.Fatal(err)
		}
		got := sc.Why
		if sc.In {
			class := canopy.Person
			if c.p.class == canopy.Group {
				class = canopy.Group
			}
			got = outcome(t, s, class, mergeAll(t, s, c.p))
		}
		if !strings.HasPrefix(got, c.why) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.why)
		}
		keys, err := s.EntryKeys("ad", &canopy.Entry{Connector: "contoso", Class: c.p.object().Class, DN: c.p.object().DN, Attrs: c.p.object().Attrs}, nil)
		if err != nil || !sc.In && len(keys) > 0 {
			t.Errorf("%s: keys %v %v, though it is out of scope", c.name, keys, err)
		}
	}
}

func TestGroupsCount(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	g := person{forest: "contoso", class: canopy.Group, attrs: map[string]any{"cn": "Staff", "groupType": -2147483646, "objectGUID": guid}, links: map[canopy.Attr]int{"member": 250001}}
	got := mergeAll(t, s, g)
	if n := got.Text("memberCount"); n != "250001" || got.Text("securityEnabled") != "TRUE" || got.Text("mailEnabled") != "FALSE" || got.Text("displayName") != "Staff" {
		t.Errorf("got %v", got)
	}
	ok, why, err := s.Rule("out-tenant-group-members").InScope(&Object{Class: canopy.Group, Attrs: got})
	if ok || err != nil || !strings.Contains(why, "more members than the cloud takes") {
		t.Errorf("members of a group that is too large flow: %v %q %v", ok, why, err)
	}
}

// TestAContactCannotReachAPerson proves that the rule that stops contacts knows every attribute that they fill.
func TestAContactCannotReachAPerson(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	stops := s.Rule("in-ad-user-alone")
	stopped := map[string]bool{}
	for _, f := range stops.Flows {
		stopped[fmt.Sprint(f.To, f.Link)] = true
	}
	filled := map[string]bool{}
	for _, r := range s.In("ad", "contoso", canopy.Contact) {
		if r.Precedence <= stops.Precedence {
			t.Errorf("%s comes before %s", r.ID, stops.ID)
		}
		for _, f := range r.Flows {
			filled[fmt.Sprint(f.To, f.Link)] = true
		}
	}
	for _, r := range s.In("ad", "contoso", canopy.User) {
		if r.Precedence > stops.Precedence {
			t.Errorf("%s comes after %s", r.ID, stops.ID)
		}
	}
	if d := cmp.Diff(filled, stopped); d != "" {
		t.Errorf("filled by contacts (-), stopped (+):\n%s", d)
	}
}

// TestOneTierFitsEveryAccount proves that the scopes of each tier of rules leave no account out and take none twice.
func TestOneTierFitsEveryAccount(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	tiers := map[string][]string{
		"common":   {"in-ad-user-common-mailbox", "in-ad-user-common-enabled", "in-ad-user-common"},
		"exchange": {"in-ad-user-exchange-mailbox", "in-ad-user-exchange-recipient", "in-ad-user-exchange"},
		"account":  {"in-ad-user-account-enabled-mailbox", "in-ad-user-account-enabled", "in-ad-user-account-mailbox", "in-ad-user-account"},
	}
	for _, uac := range []any{nil, 512, 514} {
		for _, details := range []any{nil, 1, 2, 4, 16, 32, 64, 128, 65536, 2147483648, 8589934592} {
			for bits := range 8 {
				attrs := map[string]any{"userAccountControl": uac, "msExchRecipientTypeDetails": details}
				for i, a := range []string{"msExchMailboxGuid", "targetAddress", "mailNickname"} {
					if bits&(1<<i) != 0 {
						attrs[a] = "x"
					}
				}
				o := account.with(attrs).object()
				for tier, ids := range tiers {
					n := 0
					for _, id := range ids {
						ok, _, err := s.Rule(canopy.RuleID(id)).InScope(o)
						if err != nil {
							t.Fatal(err)
						}
						if ok {
							n++
						}
					}
					want := 1
					if tier == "account" && (uac == nil || details == 2) {
						want = 0
					}
					if n != want {
						t.Errorf("%s: %d rules take %v, want %d", tier, n, attrs, want)
					}
				}
			}
		}
	}
}
