package rule

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func keyTexts(keys []canopy.Key) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, k.Name+"="+k.Value)
	}
	return out
}

func TestEntryKeys(t *testing.T) {
	t.Parallel()
	fsp := person{forest: "contoso", class: canopy.ForeignSecurityPrincipal, attrs: map[string]any{"cn": "S-1-5-21-2", "objectSid": "S-1-5-21-2"}}
	group := person{forest: "contoso", class: canopy.Group, attrs: map[string]any{"cn": "Staff", "objectSid": "S-1-5-21-3", "mail": "staff@contoso.com", "objectGUID": guid}}
	linked := mailbox.with(map[string]any{"msExchMasterAccountSid": "S-1-5-21-9", "msExchRecipientTypeDetails": 2, "msRTCSIP-OriginatorSid": "S-1-5-21-9"})
	for _, c := range []struct {
		name, people string
		p            person
		want         []string
	}{
		{"a person, by mail", "mail", account.with(map[string]any{"mail": " Anna@Contoso.com "}), []string{"offer:objectSidString=s-1-5-21-1", "offer:mail=anna@contoso.com", "ask:mail=anna@contoso.com"}},
		{"a person without mail", "mail", account.with(map[string]any{"mail": nil}), []string{"offer:objectSidString=s-1-5-21-1"}},
		{"a person, not joined", "none", account, []string{"offer:objectSidString=s-1-5-21-1", "offer:mail=anna@contoso.com"}},
		{"a person, by SID", "sid", linked, []string{"offer:objectSidString=s-1-5-21-1", "offer:msExchMasterAccountSid=s-1-5-21-9", "offer:msRTCSIP-OriginatorSid=s-1-5-21-9", "offer:mail=anna@contoso.com",
			"ask:objectSidString=s-1-5-21-1", "ask:objectSidString=s-1-5-21-9", "ask:msExchMasterAccountSid=s-1-5-21-1", "ask:msRTCSIP-OriginatorSid=s-1-5-21-1"}},
		{"a person, by an attribute under another name", "attribute:samaccountname", account, []string{"offer:accountName=anna", "offer:objectSidString=s-1-5-21-1", "offer:mail=anna@contoso.com", "ask:accountName=anna"}},
		{"a contact always by mail", "none", contact, []string{"offer:mail=anna@contoso.com", "ask:mail=anna@contoso.com"}},
		{"a group", "mail", group, []string{"offer:objectSidString=s-1-5-21-3", "offer:mail=staff@contoso.com"}},
		{"a foreign security principal", "mail", fsp, []string{"ask:objectSidString=s-1-5-21-2"}},
		{"out of scope", "mail", account.with(map[string]any{"isCriticalSystemObject": true}), nil},
	} {
		s := builtinSet(t, c.people)
		o := c.p.object()
		got, err := s.EntryKeys("ad", &canopy.Entry{Connector: "contoso", Class: o.Class, DN: o.DN, Attrs: o.Attrs}, o.Params)
		have := keyTexts(got)
		slices.Sort(have)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(have, c.want) {
			t.Errorf("%s: %v\n got %q\nwant %q", c.name, err, have, c.want)
		}
	}
}

func TestAsksAreGroupsInOrder(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "sid")
	asks, err := s.Asks("ad", "contoso", mailbox.with(map[string]any{"msExchMasterAccountSid": "S-1-5-21-9"}).object())
	var got []string
	for _, a := range asks {
		got = append(got, a.Text+" "+strings.Join(keyTexts(a.Keys), ","))
	}
	want := []string{"objectSid = objectSidString = S-1-5-21-1 ask:objectSidString=s-1-5-21-1", "msExchMasterAccountSid = objectSidString = S-1-5-21-9 ask:objectSidString=s-1-5-21-9",
		"objectSid = msExchMasterAccountSid = S-1-5-21-1 ask:msExchMasterAccountSid=s-1-5-21-1", "objectSid = msRTCSIP-OriginatorSid = S-1-5-21-1 ask:msRTCSIP-OriginatorSid=s-1-5-21-1"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
	r := &Rule{}
	group := []JoinOn{{Source: "a", Target: "x"}, {Source: "b", Target: "y", CaseSensitive: true}}
	o := &Object{Attrs: canopy.Attrs{"a": canopy.Texts("1", "2"), "b": canopy.Texts("Q")}}
	got = nil
	for _, a := range askGroup(r, group, o) {
		got = append(got, strings.Join(keyTexts(a.Keys), ","))
	}
	if want := []string{"ask:x=1,ask:y/exact=Q", "ask:x=2,ask:y/exact=Q"}; !slices.Equal(got, want) {
		t.Errorf("several values: got %q, want %q", got, want)
	}
	if a := askGroup(r, group, &Object{Attrs: canopy.Attrs{"a": canopy.Texts("1")}}); len(a) > 0 {
		t.Errorf("a group with a value missing asks %v", a)
	}
}

func TestScopeOfAForeignSecurityPrincipal(t *testing.T) {
	t.Parallel()
	sc, err := builtinSet(t, "mail").Scope("ad", "contoso", person{forest: "contoso", class: canopy.ForeignSecurityPrincipal, attrs: map[string]any{"cn": "S-1-5-21-2"}}.object())
	if err != nil || !sc.In || !sc.Silent || sc.Provision != nil || sc.Join == nil {
		t.Errorf("got %+v %v, want in scope, silent, join only", sc, err)
	}
	sc, err = builtinSet(t, "mail").Scope("ad", "contoso", account.object())
	if err != nil || !sc.In || sc.Silent || sc.Provision == nil || sc.Join == nil {
		t.Errorf("got %+v %v, want in scope, with provision and join", sc, err)
	}
}

func TestMetaKeys(t *testing.T) {
	t.Parallel()
	m := &canopy.Meta{Class: canopy.Person, Attrs: map[canopy.Attr]canopy.Sourced{"mail": {Values: canopy.Texts("Anna@x")}, "objectSidString": {Values: canopy.Texts("S-1-1", "S-1-2")}}}
	got := keyTexts(builtinSet(t, "mail").MetaKeys(m))
	slices.Sort(got)
	if want := []string{"meta:mail=anna@x", "meta:objectSidString=s-1-1", "meta:objectSidString=s-1-2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTargetsEntries(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	e := &canopy.Entry{Connector: canopy.Tenant, Class: canopy.User, SourceAnchor: "Abc=", Attrs: canopy.Attrs{"userPrincipalName": canopy.Texts("Anna@tailspin.lab"), "cloudUserPrincipalName": canopy.Texts("anna@x.onmicrosoft.com"),
		"proxyAddresses": canopy.Texts("SMTP:Anna@x.com", "smtp:a@x.com", "X500:/o=x"), "cloudProxyAddresses": canopy.Texts("SMTP:anna@x.com", "smtp:anna@x.onmicrosoft.com"), "alias": canopy.Texts("Anna"), "mail": canopy.Texts("anna@x.com")}}
	keys, err := s.EntryKeys("tenant", e, nil)
	want := []string{"match:anchor=Abc=", "match:address=anna@x.com", "match:upn=anna@tailspin.lab", "match:upn=anna@x.onmicrosoft.com"}
	if got := keyTexts(keys); err != nil || !slices.Equal(got, want) {
		t.Errorf("keys: %v\n got %q\nwant %q", err, got, want)
	}
	var claims []string
	for _, c := range s.EntryClaims("tenant", e) {
		claims = append(claims, string(c.Kind)+" "+c.Value)
	}
	slices.Sort(claims)
	want = []string{"address a@x.com", "address anna@x.com", "address anna@x.onmicrosoft.com", "alias anna", "anchor Abc=", "upn anna@tailspin.lab", "upn anna@x.onmicrosoft.com"}
	if !slices.Equal(claims, want) {
		t.Errorf("claims:\n got %q\nwant %q", claims, want)
	}
	meta := &Object{Class: canopy.Person, Attrs: canopy.Attrs{"sourceAnchor": canopy.Texts("Abc="), "proxyAddresses": canopy.Texts("smtp:a@x.com", "SMTP:Anna@x.com"), "userPrincipalName": canopy.Texts("Anna@x.com")}}
	want = []string{"match:anchor=Abc=", "match:address=anna@x.com", "match:upn=anna@x.com"}
	if got := keyTexts(s.Rule("out-tenant-user-join").MatchKeys(meta)); !slices.Equal(got, want) {
		t.Errorf("a meta's match keys:\n got %q\nwant %q", got, want)
	}
	gone := *e
	gone.State = canopy.Gone
	if keys, err := s.EntryKeys("tenant", &gone, nil); err != nil || len(keys) > 0 {
		t.Errorf("an entry that is gone has keys %v %v", keys, err)
	}
}

func TestClaimOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind        canopy.ClaimKind
		value, want string
		primary, ok bool
	}{
		{canopy.ClaimAddress, "SMTP:Anna@X.com", "anna@x.com", true, true}, {canopy.ClaimAddress, "smtp:Anna@X.com", "anna@x.com", false, true}, {canopy.ClaimAddress, "anna@x.com", "anna@x.com", true, true},
		{canopy.ClaimAddress, "X500:/o=x@y", "", false, false}, {canopy.ClaimAddress, "anna", "", true, false}, {canopy.ClaimAddress, "smtp:", "", false, false}, {canopy.ClaimAddress, "smtp:ruth hall@x.com", "ruth hall@x.com", false, true},
		{canopy.ClaimUPN, "Anna@X.com", "anna@x.com", true, true}, {canopy.ClaimAlias, "Anna", "anna", true, true}, {canopy.ClaimAnchor, "AbC=", "AbC=", true, true}, {canopy.ClaimAnchor, "", "", true, false},
	} {
		got, primary, ok := ClaimOf(c.kind, canopy.Text(c.value))
		if ok != c.ok || ok && (got.Value != c.want || primary != c.primary || got.Kind != c.kind) {
			t.Errorf("%s %s: got %v %v %v, want %s %v %v", c.kind, c.value, got, primary, ok, c.want, c.primary, c.ok)
		}
	}
	got := ClaimsOf(canopy.ClaimAddress, canopy.Texts("SMTP:a@x", "smtp:A@x", "x400:a", "smtp:b@x"))
	if d := cmp.Diff([]canopy.Claim{{Kind: canopy.ClaimAddress, Value: "a@x"}, {Kind: canopy.ClaimAddress, Value: "b@x"}}, got); d != "" {
		t.Error(d)
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	classes, attrs := s.Reads("ad")
	if want := []canopy.Class{canopy.Contact, canopy.ForeignSecurityPrincipal, canopy.Group, canopy.InetOrgPerson, canopy.User}; !slices.Equal(classes, want) {
		t.Errorf("classes: got %v, want %v", classes, want)
	}
	for _, a := range []canopy.Attr{"objectGUID", "mS-DS-ConsistencyGuid", "member", "manager", "proxyAddresses", "adminDescription", "userAccountControl", "cn"} {
		if !slices.Contains(attrs, a) {
			t.Errorf("%s is not read", a)
		}
	}
	for _, a := range []canopy.Attr{"dn", "rdn", "", "accountEnabled", "homeMDB", "jpegPhoto", "alias"} {
		if slices.Contains(attrs, a) {
			t.Errorf("%s is read", a)
		}
	}
	classes, attrs = s.Reads("tenant")
	if want := []canopy.Class{canopy.Contact, canopy.Group, canopy.User}; !slices.Equal(classes, want) {
		t.Errorf("the tenant's classes: got %v, want %v", classes, want)
	}
	for _, a := range []canopy.Attr{"sourceAnchor", "alias", "cloudProxyAddresses", "cloudUserPrincipalName", "cloudSourceAnchor", "member"} {
		if !slices.Contains(attrs, a) {
			t.Errorf("%s of the tenant is not read", a)
		}
	}
}
