package tenant

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

// TestMatching walks the matching tables: each case has a tenant with something in it, and one Add.
func TestMatching(t *testing.T) {
	t.Parallel()
	anna := attrs("userPrincipalName", "anna@contoso.com", "displayName", "Cloud Anna", "city", "Graz",
		"proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "smtp:ann@contoso.com")
	cloud := func(w *world) canopy.Anchor { return w.cloudUser(anna) }
	admin := func(w *world) canopy.Anchor {
		id := w.cloudUser(anna)
		w.ok(w.Admin().AssignRole(context.Background(), id, "Global Administrator"))
		return id
	}
	preset := func(w *world) canopy.Anchor {
		id := w.cloudUser(anna)
		w.ok(w.Admin().SetAttributes(context.Background(), id, attrs("sourceAnchor", "QQ==")))
		return id
	}
	synced := func(w *world) canopy.Anchor {
		return w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "displayName", "Anna",
			"proxyAddresses", "SMTP:anna@contoso.com"))
	}
	gone := func(w *world) canopy.Anchor {
		id := synced(w)
		w.done(remove(id))
		return id
	}
	all := func(o *Options) {}
	cases := []struct {
		name  string
		have  func(*world) canopy.Anchor
		opt   func(*Options)
		add   canopy.Export
		code  string
		match string // "made": a new object
	}{
		{"nothing there", nil, all, add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), "", ""},
		{"same anchor again", synced, all, add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), "", "anchor"},
		{"anchor of another class", synced, all, add(canopy.Contact, "QQ==", "displayName", "Anna"), CodeTypeMismatch, ""},
		{"anchors differ in case", synced, all, add(canopy.User, "qq==", "userPrincipalName", "other@contoso.com"), "", "made"},
		{"preset anchor", preset, all, add(canopy.User, "QQ==", "userPrincipalName", "new@contoso.com"), "", "anchor"},
		{"preset anchor, takeover blocked", preset, func(o *Options) { o.Switches = &Switches{BlockHardMatchTakeover: true} },
			add(canopy.User, "QQ==", "userPrincipalName", "new@contoso.com"), CodeHardMatch, ""},
		{"preset anchor of a role holder", func(w *world) canopy.Anchor {
			id := preset(w)
			w.ok(w.Admin().AssignRole(context.Background(), id, "Helpdesk"))
			return id
		}, all, add(canopy.User, "QQ==", "userPrincipalName", "new@contoso.com"), CodeHardMatch, ""},
		{"deleted", gone, all, add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), "", "restored"},
		{"deleted, takeover blocked", gone, func(o *Options) { o.Switches = &Switches{BlockHardMatchTakeover: true} },
			add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), "", "restored"},
		{"deleted, another class", gone, all, add(canopy.Group, "QQ==", "displayName", "Anna"), CodeTypeMismatch, ""},
		{"deleted does not soft match", gone, all, add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), "", "made"},
		{"deleted preset cloud user", func(w *world) canopy.Anchor {
			id := preset(w)
			w.ok(w.Admin().Delete(context.Background(), id))
			return id
		}, all, add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), "", "restored"},
		{"restored by hand, takeover blocked", func(w *world) canopy.Anchor {
			id := gone(w)
			w.ok(w.Admin().Restore(context.Background(), id))
			return id
		}, func(o *Options) { o.Switches = &Switches{BlockHardMatchTakeover: true} },
			add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"), CodeHardMatch, ""},

		{"primary address", cloud, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:Anna@Contoso.com"), "", "address"},
		{"primary address is the cloud user's mail", func(w *world) canopy.Anchor {
			return w.cloudUser(attrs("userPrincipalName", "a@"+initial, "mail", "anna@contoso.com"))
		}, all, add(canopy.User, "Qg==", "proxyAddresses", "SMTP:anna@contoso.com"), "", "address"},
		{"secondary address here", cloud, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "smtp:anna@contoso.com"), CodeUnique, ""},
		{"secondary address there", cloud, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:ann@contoso.com"), CodeUnique, ""},
		{"upn", cloud, all, add(canopy.User, "Qg==", "userPrincipalName", "ANNA@contoso.com"), "", "upn"},
		{"upn, switched off", cloud, func(o *Options) { o.Switches = &Switches{} },
			add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), CodeUnique, ""},
		{"address before upn", func(w *world) canopy.Anchor {
			w.cloudUser(anna)
			return w.cloudUser(attrs("userPrincipalName", "x@contoso.com"))
		}, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"), CodeUnique, ""},
		{"soft match switched off", cloud, func(o *Options) { o.Switches = &Switches{BlockSoftMatch: true, SoftMatchOnUPN: true} },
			add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), CodeUnique, ""},
		{"address of another anchor", synced, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:anna@contoso.com"), CodeSoftMatch, ""},
		{"upn of another anchor", synced, all, add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), CodeSoftMatch, ""},
		{"address of a preset anchor", preset, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:anna@contoso.com"), CodeSoftMatch, ""},
		{"address of another class", cloud, all, add(canopy.Contact, "Qg==", "proxyAddresses", "SMTP:anna@contoso.com"), CodeTypeMismatch, ""},
		{"role holder by address", admin, all, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:anna@contoso.com"), CodeAdminRole, ""},
		{"role holder by upn", admin, all, add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), CodeAdminRole, ""},
		{"group by address", func(w *world) canopy.Anchor {
			return must(w.Admin().Create(context.Background(), canopy.Group,
				attrs("displayName", "Team", "proxyAddresses", "SMTP:team@contoso.com")))(w.t)
		}, all, add(canopy.Group, "Qg==", "displayName", "Team", "proxyAddresses", "SMTP:team@contoso.com"), "", "address"},
		{"group without mail never matches", func(w *world) canopy.Anchor {
			return must(w.Admin().Create(context.Background(), canopy.Group, attrs("displayName", "Team")))(w.t)
		}, all, add(canopy.Group, "Qg==", "displayName", "Team"), "", "made"},

		{"no uniqueness: same primary, other upn", synced, func(o *Options) { o.Policy = UniqueNone },
			add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"), "", "made"},
		{"no uniqueness: same upn", synced, func(o *Options) { o.Policy = UniqueNone },
			add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com"), CodeSoftMatch, ""},
		{"no uniqueness: contact with the address", synced, func(o *Options) { o.Policy = UniqueNone },
			add(canopy.Contact, "Qg==", "proxyAddresses", "SMTP:anna@contoso.com"), "", "made"},
		{"no uniqueness: cloud user is still matched", cloud, func(o *Options) { o.Policy = UniqueNone },
			add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"), "", "address"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.opt)
			var there canopy.Anchor
			if c.have != nil {
				there = c.have(w)
			}
			before, _, _ := w.read(nil)
			r := w.write(c.add)[0]
			if c.code != "" {
				if r.Kind != canopy.Refused || r.Code != c.code {
					t.Errorf("got %s %q %q, want refused %q", r.Kind, r.Code, r.Text, c.code)
				}
				if !strings.Contains(r.Text, string(there)) {
					t.Errorf("the text %q does not name the other object %s", r.Text, there)
				}
				after, _, _ := w.read(nil)
				diff(t, "tenant after a refusal", after, before)
				return
			}
			made := c.match == "made" || c.have == nil
			if r.Kind != canopy.Done || r.Match != strings.TrimPrefix(c.match, "made") || (r.Anchor == there) == made {
				t.Fatalf("got %s %q match %q object %s (there: %s), want match %q; %s", r.Kind, r.Code, r.Match, r.Anchor, there, c.match, r.Text)
			}
			o := w.get(r.Anchor)
			if !o.Synced || o.SourceAnchor != c.add.SourceAnchor || !o.Deleted.IsZero() {
				t.Errorf("got synced %v anchor %q deleted %v", o.Synced, o.SourceAnchor, o.Deleted)
			}
			if again := w.write(c.add)[0]; again.Kind != canopy.Done || again.Anchor != r.Anchor {
				t.Errorf("once more: got %s %s %s, want done on %s", again.Kind, again.Code, again.Anchor, r.Anchor)
			}
		})
	}
}

func TestTakeover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "displayName", "Cloud Anna", "city", "Graz",
		"title", "Clerk", "proxyAddresses", "SMTP:anna@contoso.com"))
	group := must(w.Admin().Create(ctx, canopy.Group, attrs("displayName", "Cloud team")))(t)
	w.ok(w.Admin().AddToGroup(ctx, group, id))
	w.license(id, "ENTERPRISEPACK")
	_, _, cursor := w.read(nil)

	r := w.write(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "displayName", "Anna", "title", "Boss",
		"proxyAddresses", "SMTP:anna@contoso.com"))[0]
	if r.Kind != canopy.Done || r.Match != "address" || r.Anchor != id {
		t.Fatalf("got %+v, want the cloud user matched by address", r)
	}
	o := w.get(id)
	diff(t, "values", o.Attrs, attrs("userPrincipalName", "anna@contoso.com", "displayName", "Anna", "city", "Graz",
		"title", "Boss", "proxyAddresses", "SMTP:anna@contoso.com", "sourceAnchor", "QQ==", "usageLocation", "AT"))
	diff(t, "licences", o.Licences, []string{"ENTERPRISEPACK"})
	diff(t, "groups", o.Groups, []canopy.Anchor{group})

	// The native door shows what was synced, and tells that it does not show the cloud's own city any more.
	changes, full, _ := w.read(cursor)
	if full || len(changes) != 1 {
		t.Fatalf("got %d changes, full %v; want one", len(changes), full)
	}
	if v, told := changes[0].Attrs["city"]; !told || len(v) != 0 {
		t.Errorf("city at the native door: got %v (%v), want it told to be empty", v, told)
	}
	if got := changes[0].Attrs.Text("displayName"); got != "Anna" {
		t.Errorf("displayName: got %q", got)
	}
	// What synchronisation sets and clears later is gone for good.
	w.done(modify(id, "city", "Wien"))
	w.done(canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: id}, Clear: []canopy.Attr{"city"}})
	if got := w.get(id).Attrs.Text("city"); got != "" {
		t.Errorf("city after set and clear: got %q, want none", got)
	}
}

// TestRefusals walks what the service says to writes that are wrong by themselves, or clash.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "displayName", "Anna", "mail", "anna@contoso.com",
		"proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "X500:/o=x/cn=anna", "onPremiseSecurityIdentifier", "S-1-5-21-1"))
	ben := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	team := w.done(add(canopy.Group, "Rw==", "displayName", "Team"))
	cloud := w.cloudUser(attrs("userPrincipalName", "cloud@contoso.com"))
	deleted := w.done(add(canopy.User, "RA==", "userPrincipalName", "dora@contoso.com"))
	w.done(remove(deleted))

	long := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, "proxyAddresses", fmt.Sprintf("smtp:ben%d@contoso.com", i))
		}
		return out
	}
	set := func(name canopy.Attr, v ...canopy.Value) canopy.Export {
		return canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben}, Set: canopy.Attrs{name: v}}
	}
	certificates := make([]canopy.Value, 16)
	for i := range certificates {
		certificates[i] = canopy.Bytes([]byte{byte(i)})
	}
	with := func(e canopy.Export, change func(*canopy.Export)) canopy.Export { change(&e); return e }
	cases := []struct {
		name   string
		export canopy.Export
		kind   canopy.ResultKind
		code   string
		names  string // the text must have it
	}{
		{"upn held", modify(ben, "userPrincipalName", "Anna@contoso.com"), canopy.Refused, CodeUnique, string(anna)},
		{"address held", modify(ben, "proxyAddresses", "smtp:ANNA@contoso.com"), canopy.Refused, CodeUnique, string(anna)},
		{"mail held as an address", modify(ben, "mail", "anna@contoso.com"), canopy.Refused, CodeUnique, string(anna)},
		{"other protocol's address held", modify(ben, "proxyAddresses", "x500:/O=x/cn=anna"), canopy.Refused, CodeUnique, string(anna)},
		{"sid held", modify(ben, "onPremiseSecurityIdentifier", "S-1-5-21-1"), canopy.Refused, CodeUnique, string(anna)},
		{"group's address held", with(modify(team, "proxyAddresses", "SMTP:anna@contoso.com"), func(e *canopy.Export) { e.Class = canopy.Group }),
			canopy.Refused, CodeUnique, string(anna)},
		{"computed upn held", modify(ben, "userPrincipalName", "ben@contoso.local"), canopy.Done, "", ""},

		{"upn without @", modify(ben, "userPrincipalName", "ben"), canopy.Refused, CodeIdentity, "ben"},
		{"upn with two @", modify(ben, "userPrincipalName", "ben@a@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn begins with @", modify(ben, "userPrincipalName", "@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn with a space", modify(ben, "userPrincipalName", "b en@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn with a full stop before @", modify(ben, "userPrincipalName", "ben.@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn with &", modify(ben, "userPrincipalName", "be&n@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn with a diacritic", modify(ben, "userPrincipalName", "bén@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn's name 65 long", modify(ben, "userPrincipalName", long(65)+"@contoso.com"), canopy.Refused, CodeIdentity, ""},
		{"upn's domain 49 long", modify(ben, "userPrincipalName", "b@"+long(45)+".com"), canopy.Refused, CodeIdentity, ""},
		{"upn's name 64 long", modify(ben, "userPrincipalName", long(64)+"@contoso.com"), canopy.Done, "", ""},
		{"display name 257 long", modify(ben, "displayName", long(257)), canopy.Refused, CodeData, "displayName"},
		{"blank display name", modify(ben, "displayName", " "), canopy.Refused, CodeData, "displayName"},
		{"given name 65 long", modify(ben, "givenName", long(65)), canopy.Refused, CodeData, "givenName"},
		{"mail 257 long", modify(ben, "mail", long(257)), canopy.Refused, CodeData, "mail"},
		{"alias 65 long", modify(ben, "alias", long(65)), canopy.Refused, CodeData, "alias"},
		{"alias with a leading full stop", modify(ben, "alias", ".ben"), canopy.Refused, CodeData, "alias"},
		{"address 257 long", modify(ben, "proxyAddresses", "smtp:"+long(252)), canopy.Refused, CodeData, "proxyAddresses"},
		{"too many addresses", modify(ben, many(333)...), canopy.Refused, CodeLarge, "333"},
		{"target address with a space", modify(ben, "targetAddress", "SMTP:b en@contoso.com"), canopy.Refused, CodeData, "targetAddress"},
		{"target address without a prefix", modify(ben, "targetAddress", "ben@contoso.com"), canopy.Refused, CodeData, "targetAddress"},
		{"text over the limit", modify(ben, "description", long(1025)), canopy.Refused, CodeTooLong, "description"},
		{"extension over the limit", modify(ben, "extension_0123456789abcdef0123456789abcdef_x", long(251)), canopy.Refused, CodeTooLong, ""},
		{"empty text", modify(ben, "title", ""), canopy.Refused, CodeData, "title"},
		{"not UTF-8", modify(ben, "title", "\xff"), canopy.Refused, CodeData, "title"},
		{"photo over the limit", set(attrPhoto, canopy.Bytes(make([]byte, maxOctets+1))), canopy.Refused, CodeLarge, "thumbnailPhoto"},
		{"too many certificates", set(attrCertificate, certificates...), canopy.Refused, CodeLarge, "16"},
		{"wrong type", set(canopy.AttrAccountEnabled, canopy.Text("yes")), canopy.Refused, CodeData, "accountEnabled"},
		{"two values", modify(ben, "title", "a", "title", "b"), canopy.Refused, CodeData, "title"},
		{"unknown attribute", modify(ben, "shoeSize", "44"), canopy.Refused, CodeUnknownAttr, "shoeSize"},
		{"attribute of another class", modify(team, "city", "Graz"), canopy.Refused, CodeUnknownAttr, "city"},
		{"computed attribute", modify(ben, "cloudMail", "x@contoso.com"), canopy.Refused, CodeReadOnly, "cloudMail"},
		{"links as values", set(canopy.AttrManager, canopy.To(anna)), canopy.Refused, CodeData, "manager"},
		{"clearing an unknown attribute", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben}, Clear: []canopy.Attr{"shoeSize"}},
			canopy.Refused, CodeUnknownAttr, "shoeSize"},
		{"clearing a computed attribute", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben}, Clear: []canopy.Attr{cloudMail}},
			canopy.Refused, CodeReadOnly, "cloudMail"},
		{"clearing the anchor", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben}, Clear: []canopy.Attr{canopy.AttrSourceAnchor}},
			canopy.Refused, CodeAnchorChanged, ""},

		{"no anchor", add(canopy.User, "", "displayName", "X"), canopy.Refused, CodeAnchorMissing, ""},
		{"anchor too long", add(canopy.User, long(60)), canopy.Refused, CodeData, "sourceAnchor"},
		{"anchor too heavy", add(canopy.User, long(54)+"--"), canopy.Refused, CodeData, "sourceAnchor"},
		{"anchor with an @", add(canopy.User, "x@y"), canopy.Refused, CodeData, "sourceAnchor"},
		{"two anchors", add(canopy.User, "x1", "sourceAnchor", "x2"), canopy.Refused, CodeAnchorChanged, ""},
		{"no such class", add(canopy.Container, "x1"), canopy.Refused, CodeOperation, ""},
		{"anchor changed", modify(ben, "sourceAnchor", "other"), canopy.Refused, CodeAnchorChanged, string(ben)},
		{"other anchor named", with(modify(ben, "title", "x"), func(e *canopy.Export) { e.SourceAnchor = "QQ==" }),
			canopy.Refused, CodeAnchorChanged, string(ben)},
		{"other anchor named in a delete", with(remove(ben), func(e *canopy.Export) { e.SourceAnchor = "QQ==" }),
			canopy.Refused, CodeAnchorChanged, string(ben)},
		{"other class named", with(modify(ben, "title", "x"), func(e *canopy.Export) { e.Class = canopy.Group }),
			canopy.Refused, CodeTypeMismatch, string(ben)},
		{"value changed meanwhile", with(modify(ben, "title", "x"), func(e *canopy.Export) { e.Compare = attrs("title", "y") }),
			canopy.Refused, CodeCompare, "title"},

		{"modify nothing", canopy.Export{Op: canopy.Modify}, canopy.Refused, CodeOperation, ""},
		{"move", canopy.Export{Op: canopy.Move, Ref: canopy.Ref{Anchor: ben}, DN: "x"}, canopy.Refused, CodeOperation, ""},
		{"no operation", canopy.Export{Ref: canopy.Ref{Anchor: ben}}, canopy.Refused, CodeOperation, ""},
		{"modify what is not there", modify("nobody", "title", "x"), canopy.NotThere, CodeNotFound, "nobody"},
		{"modify what is deleted", modify(deleted, "title", "x"), canopy.NotThere, CodeNotFound, ""},
		{"delete what is not there", remove("nobody"), canopy.NotThere, CodeNotFound, ""},
		{"delete what is deleted", remove(deleted), canopy.NotThere, CodeNotFound, ""},
		{"modify a cloud user", modify(cloud, "title", "x"), canopy.Refused, CodeCloudOnlyWrite, string(cloud)},
		{"delete a cloud user", remove(cloud), canopy.Refused, CodeCloudOnly, string(cloud)},

		{"links of an unknown attribute", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: team},
			Links: map[canopy.Attr]canopy.LinkChange{"friends": {Added: refs(ben)}}}, canopy.Refused, CodeUnknownAttr, "friends"},
		{"links of a value attribute", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: team},
			Links: map[canopy.Attr]canopy.LinkChange{"displayName": {Added: refs(ben)}}}, canopy.Refused, CodeData, "displayName"},
		{"two managers", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben},
			Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Added: refs(anna, cloud)}}}, canopy.Refused, CodeData, "manager"},
	}
	var exports []canopy.Export
	for _, c := range cases {
		exports = append(exports, c.export)
	}
	exports = append(exports, modify(anna, "title", "Last")) // what failed before does not stop it
	results := w.write(exports...)
	for i, c := range cases {
		r := results[i]
		if r.Kind != c.kind || r.Code != c.code || !strings.Contains(r.Text, c.names) {
			t.Errorf("%s: got %s %q %q, want %s %q naming %q", c.name, r.Kind, r.Code, r.Text, c.kind, c.code, c.names)
		}
	}
	if r := results[len(cases)]; r.Kind != canopy.Done || w.get(anna).Attrs.Text("title") != "Last" {
		t.Errorf("the export after the failing ones: got %s %s", r.Kind, r.Text)
	}
}

func TestModify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "title", "Clerk", "city", "Graz"))
	w.done(canopy.Export{Op: canopy.Modify, Class: canopy.User, SourceAnchor: "QQ==", Ref: canopy.Ref{Anchor: id},
		Set:   attrs("title", "Boss", "otherTelephone", "1", "otherTelephone", "1", "otherTelephone", "2"),
		Clear: []canopy.Attr{"city"}, Compare: attrs("title", "Clerk")})
	diff(t, "values", w.get(id).Attrs, attrs("userPrincipalName", "anna@contoso.com", "title", "Boss", "otherTelephone", "1",
		"otherTelephone", "2", "sourceAnchor", "QQ=="))
	// An address that one object gives up can be taken by another within the same batch.
	ben := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com", "proxyAddresses", "smtp:info@contoso.com"))
	for i, r := range w.write(canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: ben}, Clear: []canopy.Attr{"proxyAddresses"}},
		modify(id, "proxyAddresses", "smtp:info@contoso.com")) {
		if r.Kind != canopy.Done {
			t.Errorf("step %d: got %s %s", i, r.Kind, r.Text)
		}
	}
	// The object may also be named by its source anchor.
	w.done(canopy.Export{Op: canopy.Modify, SourceAnchor: "QQ==", Set: attrs("title", "A")})
	if got := w.get(id).Attrs.Text("title"); got != "A" {
		t.Errorf("title: got %q", got)
	}
}

func TestMalformedAddresses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	e := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP: anna@contoso.com",
		"proxyAddresses", "smtp:ann@contoso.com")
	id := w.done(e)
	o := w.get(id)
	diff(t, "synced", o.Attrs[canopy.AttrAddresses], e.Set[canopy.AttrAddresses])
	diff(t, "computed", o.Cloud[cloudProxies], canopy.Texts("smtp:ann@contoso.com"))
	s := w.Admin().Switches()
	s.RefuseMalformed = true
	w.ok(w.Admin().SetSwitches(ctx, s))
	if r := w.write(e)[0]; r.Kind != canopy.Refused || r.Code != CodeData {
		t.Errorf("with the switch: got %s %s, want refused", r.Kind, r.Code)
	}
}

func TestWriteStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	results, err := w.Door().Write(ctx, []canopy.Export{add(canopy.User, "QQ==")})
	if err == nil || results != nil {
		t.Errorf("got %v, %v; want an error and no results", results, err)
	}
	if changes, _, _ := w.read(nil); len(changes) != 0 {
		t.Errorf("got %d objects, want none", len(changes))
	}
}
