package e2e

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/canopy-sync/canopy"
)

// obj makes an object from "name=value" words; its name is its GUID and objectGUID as well.
func obj(class, name, domain string, attrs ...string) Object {
	o := Object{DN: "CN=" + name + "," + domain, GUID: name, Attrs: map[string][]string{"objectclass": {"top", class}, "objectguid": {name}, "cn": {name}}}
	if class == "user" || class == "inetOrgPerson" {
		o.Attrs["samaccountname"], o.Attrs["useraccountcontrol"] = []string{name}, []string{"512"}
	}
	if class == "group" {
		o.Attrs["grouptype"] = []string{"-2147483646"}
	}
	for _, a := range attrs {
		n, v, _ := strings.Cut(a, "=")
		switch n {
		case "member", "proxyaddresses":
			o.Attrs[n] = append(o.Attrs[n], v)
		default:
			o.Attrs[n] = []string{v}
		}
	}
	return o
}

func anchor(name string) string { return base64.StdEncoding.EncodeToString([]byte(name)) }

const (
	domA = "DC=a"
	domB = "DC=b"
)

func two(a, b []Object) World {
	return World{Forests: []Forest{{Name: "a", Domain: "a", Objects: a}, {Name: "b", Domain: "b", Objects: b}}}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world World
		want  []Wanted
	}{
		"a person alone has the names of the account": {
			two([]Object{obj("user", "anna", domA)}, nil),
			[]Wanted{{Class: canopy.User, Anchor: anchor("anna"), UPN: "anna@a", DisplayName: "anna", Enabled: "TRUE"}},
		},
		"the enabled account gives UPN and anchor, the mailbox names and addresses": {
			two([]Object{obj("user", "r", domA, "mail=x@y", "useraccountcontrol=514", "mailnickname=x", "msexchmailboxguid=1", "displayname=Box", "proxyaddresses=SMTP:x@y")},
				[]Object{obj("user", "s", domB, "mail=X@y ", "displayname=Acc", "userprincipalname=x@up")}),
			[]Wanted{{Class: canopy.User, Anchor: anchor("s"), UPN: "x@up", Mail: "x@y", DisplayName: "Box", Enabled: "TRUE", Addresses: []string{"SMTP:x@y"}}},
		},
		"two of one forest with one mail are ambiguous for all": {
			two([]Object{obj("user", "p", domA, "mail=x@y"), obj("user", "q", domA, "mail=x@y")}, []Object{obj("user", "r", domB, "mail=x@y")}),
			nil,
		},
		"a contact joins the person of another forest, alone it is a contact if it has mail": {
			two([]Object{obj("contact", "c", domA, "mail=x@y"), obj("contact", "d", domA, "mail=d@y"), obj("contact", "e", domA)},
				[]Object{obj("user", "u", domB, "mail=x@y")}),
			[]Wanted{{Class: canopy.Contact, Anchor: anchor("d"), Mail: "d@y", DisplayName: "d"},
				{Class: canopy.User, Anchor: anchor("u"), UPN: "u@b", Mail: "x@y", DisplayName: "u", Enabled: "TRUE"}},
		},
		"a linked mailbox alone is nobody": {
			two([]Object{obj("user", "l", domA, "mail=x@y", "mailnickname=x", "msexchrecipienttypedetails=2", "useraccountcontrol=514")}, nil), nil,
		},
		"excluded are critical, conflicting, written-back and system objects": {
			two([]Object{obj("user", "krbtgt", domA, "iscriticalsystemobject=TRUE"), obj("user", `x\0ACNF:1`, domA), obj("user", "w", domA, "admindescription=User_1"),
				obj("user", "MSOL_1", domA), obj("group", "g", domA, "admindescription=Group_1"), obj("user", "m", domA, "msexchrecipienttypedetails=536870912"),
				obj("computer", "pc", domA)}, nil), nil,
		},
		"members and manager by who exists, also through the foreign principal": {
			two([]Object{obj("group", "g", domA, "member=CN=u,DC=a", "member=CN=gone,DC=a", "member=CN=S-1-5-9,DC=a"), obj("user", "u", domA, "manager=CN=g2,DC=a"),
				obj(foreign, "S-1-5-9", domA), obj("group", "g2", domA, "grouptype=2")},
				[]Object{obj("user", "v", domB, "objectsid=S-1-5-9", "manager=CN=w,DC=b"), obj("user", "w", domB, "useraccountcontrol=514")}),
			[]Wanted{{Class: canopy.Group, Anchor: anchor("g"), DisplayName: "g", Members: []string{anchor("u"), anchor("v")}},
				{Class: canopy.User, Anchor: anchor("u"), UPN: "u@a", DisplayName: "u", Enabled: "TRUE"},
				{Class: canopy.User, Anchor: anchor("v"), UPN: "v@b", DisplayName: "v", Enabled: "TRUE", Manager: anchor("w")},
				{Class: canopy.User, Anchor: anchor("w"), UPN: "w@b", DisplayName: "w", Enabled: "FALSE"}},
		},
		"a new object that loses its primary address waits, a lost secondary one is left out": {
			two([]Object{obj("user", "p", domA, "proxyaddresses=SMTP:p@y", "proxyaddresses=smtp:q@y", "proxyaddresses=smtp:r@y")},
				[]Object{obj("user", "q", domB, "proxyaddresses=SMTP:q@y"), obj("user", "r", domB, "proxyaddresses=SMTP:r@y", "msexchmailboxguid=1"), obj("user", "s", domB, "proxyaddresses=smtp:q@y")}),
			[]Wanted{{Class: canopy.User, Anchor: anchor("p"), UPN: "p@a", DisplayName: "p", Enabled: "TRUE", Addresses: []string{"SMTP:p@y", "smtp:q@y"}},
				{Class: canopy.User, Anchor: anchor("r"), UPN: "r@b", DisplayName: "r", Enabled: "TRUE", Addresses: []string{"SMTP:r@y"}},
				{Class: canopy.User, Anchor: anchor("s"), UPN: "s@b", DisplayName: "s", Enabled: "TRUE"}},
		},
		"what a held one wanted is free": {
			two([]Object{obj("user", "p", domA, "proxyaddresses=SMTP:p@y")},
				[]Object{obj("user", "q", domB, "proxyaddresses=SMTP:p@y", "proxyaddresses=smtp:q@y", "userprincipalname=p@b"), obj("user", "r", domB, "userprincipalname=p@b", "proxyaddresses=SMTP:q@y")}),
			[]Wanted{{Class: canopy.User, Anchor: anchor("p"), UPN: "p@a", DisplayName: "p", Enabled: "TRUE", Addresses: []string{"SMTP:p@y"}},
				{Class: canopy.User, Anchor: anchor("r"), UPN: "p@b", DisplayName: "r", Enabled: "TRUE", Addresses: []string{"SMTP:q@y"}}},
		},
		"the nearest container decides the scope": {
			World{Forests: []Forest{{Domain: "a", Include: []string{"OU=in,DC=a"}, Exclude: []string{"OU=not,OU=in,DC=a"}, Objects: []Object{
				obj("user", "o", domA), obj("user", "i", "ou=IN,DC=a"), obj("user", "n", "OU=x,OU=not,OU=in,DC=a")}}}},
			[]Wanted{{Class: canopy.User, Anchor: anchor("i"), UPN: "i@a", DisplayName: "i", Enabled: "TRUE"}},
		},
		"the forest's own anchor, and join by another attribute": {
			World{Join: "attribute:employeeID", Forests: []Forest{
				{Domain: "a", Objects: []Object{obj("user", "p", domA, "employeeid=7", "ms-ds-consistencyguid=old")}},
				{Domain: "b", Objects: []Object{obj("user", "q", domB, "employeeid=7", "mail=q@y")}}}},
			[]Wanted{{Class: canopy.User, Anchor: anchor("old"), UPN: "p@a", Mail: "q@y", DisplayName: "p", Enabled: "TRUE"}},
		},
		"the tenant's present holder keeps an address, and an anchor stays": {
			World{Forests: []Forest{{Domain: "a", Objects: []Object{
				obj("user", "p", domA, "proxyaddresses=SMTP:s@y"), obj("user", "q", domA, "proxyaddresses=SMTP:s@y", "ms-ds-consistencyguid=other")}}},
				Before: []canopy.Change{{Attrs: canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts(anchor("q")), canopy.AttrAddresses: canopy.Texts("SMTP:S@y")}}}},
			[]Wanted{{Class: canopy.User, Anchor: anchor("q"), UPN: "q@a", DisplayName: "q", Enabled: "TRUE", Addresses: []string{"SMTP:s@y"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]Wanted{}
			for _, w := range c.want {
				want[w.Anchor] = w
			}
			if d := cmp.Diff(want, Expect(c.world), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	want := map[string]Wanted{
		"A": {Class: canopy.User, Anchor: "A", UPN: "a@x", Enabled: "TRUE", Manager: "B", Addresses: []string{"SMTP:a@x", "smtp:b@x"}},
		"B": {Class: canopy.User, Anchor: "B", UPN: "b@x", Enabled: "FALSE"},
		"G": {Class: canopy.Group, Anchor: "G", DisplayName: "g", Members: []string{"A", "B"}},
	}
	image := func(anchor string, class canopy.Class, attrs canopy.Attrs, links map[canopy.Attr]canopy.LinkChange) canopy.Change {
		attrs[canopy.AttrSourceAnchor] = canopy.Texts(anchor)
		return canopy.Change{Class: class, Anchor: canopy.Anchor("id-" + anchor), Attrs: attrs, Links: links}
	}
	refs := func(anchors ...canopy.Anchor) canopy.LinkChange {
		l := canopy.LinkChange{Whole: true}
		for _, a := range anchors {
			l.Added = append(l.Added, canopy.Ref{Anchor: a})
		}
		return l
	}
	on, off := canopy.Values{canopy.Bool(true)}, canopy.Values{canopy.Bool(false)}
	a := image("A", canopy.User, canopy.Attrs{canopy.AttrUPN: canopy.Texts("a@x"), canopy.AttrAccountEnabled: on, canopy.AttrAddresses: canopy.Texts("smtp:b@x", "SMTP:a@x")},
		map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: refs("id-B")})
	b := image("B", canopy.User, canopy.Attrs{canopy.AttrUPN: canopy.Texts("b@x"), canopy.AttrAccountEnabled: off}, nil)
	g := image("G", canopy.Group, canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("g")}, map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: refs("id-B", "id-A")})
	own := canopy.Change{Class: canopy.User, Anchor: "own", Attrs: canopy.Attrs{canopy.AttrUPN: canopy.Texts("cloud@x")}}
	if got := Compare(want, []canopy.Change{a, own, b, g}); got != nil {
		t.Errorf("equal ones: got %q", got)
	}
	b.Attrs = canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts("B"), canopy.AttrUPN: canopy.Texts("B@x"), canopy.AttrAccountEnabled: off}
	g.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: refs("id-A", "own")}
	c := image("C", canopy.User, canopy.Attrs{canopy.AttrUPN: canopy.Texts("c@x")}, nil)
	got := Compare(want, []canopy.Change{b, g, own, c, c})
	wanted := []string{
		`group g: member: the tenant has ["the tenant's own own" "unknown id-A"], wanted ["A" "B"]`,
		`user a@x: is missing`,
		`user b@x: userPrincipalName: the tenant has ["B@x"], wanted ["b@x"]`,
		`user c@x: is in the tenant and should not be`,
		`user c@x: there are two with the source anchor C`,
	}
	if d := cmp.Diff(wanted, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestTextSID(t *testing.T) {
	t.Parallel()
	got := textSID([]byte("\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00"))
	if got != "S-1-5-32-544" {
		t.Errorf("got %s", got)
	}
	if got := textSID([]byte("x")); got != "x" {
		t.Errorf("what is no SID: got %q", got)
	}
}
