package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// in makes an object of a forest that is right but for the pairs.
func in(forest canopy.ConnectorID, order int, name string, pairs ...string) *Object {
	o := user(pairs...)
	o.Connector, o.Order, o.DN, o.Anchor = forest, order, "CN="+name+",DC="+string(forest), canopy.Anchor(name)
	o.Attrs[canopy.AttrDisplayName] = canopy.Texts(name)
	if len(o.Attrs[canopy.AttrUPN]) == 0 {
		o.Attrs[canopy.AttrUPN] = canopy.Texts(name + "@" + string(forest) + ".com")
	}
	return o
}

func mailbox(o *Object) *Object {
	o.Attrs[attrMailboxGUID] = canopy.Values{canopy.Bytes([]byte("0123456789abcdef"))}
	return o
}

func joined(meta canopy.MetaID, o *Object) *Object {
	o.Meta = meta
	return o
}

func cloudObject(o *Object) *Object {
	o.Tenant, o.DN = true, ""
	return o
}

// TestConflicts: who shares a value with whom, how bad that is, and who gives way. Both sides are told.
func TestConflicts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		objects []*Object
		want    []string
	}{
		"two mail addresses": {[]*Object{in("a", 1, "Ann", "mail", "X@a.com"), in("a", 1, "Bob", "mail", "x@A.com")},
			[]string{"error mail-duplicate Ann mail: CN=Bob,DC=a (a) has it too", "error mail-duplicate Bob mail: CN=Ann,DC=a (a) has it too"}},
		"one person of two forests": {[]*Object{joined(7, in("a", 1, "Ann", "mail", "x@a.com")), joined(7, in("b", 2, "Ann", "mail", "x@a.com"))}, nil},
		"two forests, joined to nothing": {[]*Object{in("a", 1, "Ann", "mail", "x@a.com"), in("b", 2, "Bob", "mail", "x@a.com")},
			[]string{"warning mail-duplicate Ann mail: CN=Bob,DC=b (b) has it too", "warning mail-duplicate Bob mail: CN=Ann,DC=a (a) has it too"}},
		"the same address in two attributes": {[]*Object{in("a", 1, "Ann", "mail", "x@a.com"), in("a", 1, "Bob", "proxyAddresses", "smtp:X@a.com")},
			[]string{"error duplicate-across Ann mail: CN=Bob,DC=a (a) has it as proxyAddresses",
				"error duplicate-across Bob proxyAddresses: CN=Ann,DC=a (a) has it as mail: remove smtp:X@a.com"}},
		"one's sign-in name is another's address": {[]*Object{in("a", 1, "Ann", "mail", "bob@a.com"), in("a", 1, "Bob", "userPrincipalName", "bob@a.com")},
			[]string{"warning duplicate-across Ann mail: CN=Bob,DC=a (a) has it as userPrincipalName",
				"warning duplicate-across Bob userPrincipalName: CN=Ann,DC=a (a) has it as mail"}},
		"who has the mailbox keeps a secondary address": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "smtp:x@a.com"), mailbox(in("a", 1, "Bob", "proxyAddresses", "smtp:x@a.com"))},
			[]string{"error address-duplicate Ann proxyAddresses: CN=Bob,DC=a (a) has it too: remove smtp:x@a.com", "error address-duplicate Bob proxyAddresses: CN=Ann,DC=a (a) has it too"}},
		"a primary address goes before a secondary one": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "smtp:x@a.com"), in("a", 1, "Bob", "proxyAddresses", "SMTP:x@a.com")},
			[]string{"error address-duplicate Ann proxyAddresses: CN=Bob,DC=a (a) has it as its primary address: remove smtp:x@a.com", "error address-duplicate Bob proxyAddresses: CN=Ann,DC=a (a) has it too"}},
		"two primary addresses: a person says": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "SMTP:x@a.com"), in("a", 1, "Bob", "proxyAddresses", "SMTP:x@a.com")},
			[]string{"error address-duplicate Ann proxyAddresses: CN=Bob,DC=a (a) has it as its primary address", "error address-duplicate Bob proxyAddresses: CN=Ann,DC=a (a) has it as its primary address"}},
		"a contact stands for a person of another forest": {[]*Object{in("a", 1, "Ann", "mail", "x@a.com"), contactOf(in("b", 2, "Ann", "mail", "x@a.com", "mailNickname", "ann2", "targetAddress", "SMTP:x@a.com"))},
			[]string{"info mail-duplicate Ann mail: CN=Ann,DC=b (b) has it too", "info mail-duplicate Ann mail: CN=Ann,DC=a (a) has it too"}},
		"sip addresses count too": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "sip:x@a.com"), in("a", 1, "Bob", "proxyAddresses", "SIP:x@a.com")},
			[]string{"error address-duplicate Ann proxyAddresses: CN=Bob,DC=a (a) has it too", "error address-duplicate Bob proxyAddresses: CN=Ann,DC=a (a) has it too: remove SIP:x@a.com"}},
		"aliases": {[]*Object{in("a", 1, "Ann", "mailNickname", "x"), in("a", 1, "Bob", "mailNickname", "X")},
			[]string{"warning alias-duplicate Ann mailNickname: CN=Bob,DC=a (a) has it too", "warning alias-duplicate Bob mailNickname: CN=Ann,DC=a (a) has it too"}},
		"account names, both have sign-in names": {[]*Object{in("a", 1, "Ann", "sAMAccountName", "x"), in("a", 1, "Bob", "sAMAccountName", "x")}, nil},
		"account names, one has no sign-in name": {[]*Object{in("a", 1, "Ann", "sAMAccountName", "x"), nameless(in("a", 1, "Bob", "sAMAccountName", "x"))},
			[]string{"error account-duplicate Ann sAMAccountName: CN=Bob,DC=a (a) has it too", "error account-duplicate Bob sAMAccountName: CN=Ann,DC=a (a) has it too", "info upn-blank Bob userPrincipalName"}},
		"account names of two forests": {[]*Object{nameless(in("a", 1, "Ann", "sAMAccountName", "x")), nameless(in("b", 2, "Bob", "sAMAccountName", "x"))},
			[]string{"info upn-blank Ann userPrincipalName", "info upn-blank Bob userPrincipalName"}},
		"target addresses": {[]*Object{in("a", 1, "Ann", "targetAddress", "SMTP:x@a.com"), in("a", 1, "Bob", "targetAddress", "smtp:x@a.com")},
			[]string{"warning target-duplicate Ann targetAddress: CN=Bob,DC=a (a) has it too", "warning target-duplicate Bob targetAddress: CN=Ann,DC=a (a) has it too"}},
		"a target address is another's mail address": {[]*Object{in("a", 1, "Ann", "targetAddress", "SMTP:x@a.com"), in("a", 1, "Bob", "mail", "x@a.com")}, nil},
		"the cloud has it, and would be matched": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "SMTP:x@a.com"), cloudObject(in("tenant", 0, "Cloud", "proxyAddresses", "SMTP:x@a.com"))},
			[]string{"info tenant-duplicate Ann proxyAddresses: Cloud@tenant.com (tenant) has it as its primary address", "info tenant-duplicate Cloud@tenant.com proxyAddresses: CN=Ann,DC=a (a) has it as its primary address"}},
		"the cloud has it, and is not matched": {[]*Object{in("a", 1, "Ann", "proxyAddresses", "smtp:x@a.com"), cloudObject(in("tenant", 0, "Cloud", "proxyAddresses", "SMTP:x@a.com"))},
			[]string{"warning tenant-duplicate Ann proxyAddresses: Cloud@tenant.com (tenant) has it as its primary address", "warning tenant-duplicate Cloud@tenant.com proxyAddresses: CN=Ann,DC=a (a) has it too"}},
		"two objects of the cloud": {[]*Object{cloudObject(in("tenant", 0, "A", "mail", "x@a.com")), cloudObject(in("tenant", 0, "B", "mail", "x@a.com"))}, nil},
		"three": {[]*Object{in("a", 1, "Ann", "mail", "x@a.com"), in("a", 1, "Bob", "mail", "x@a.com"), in("a", 1, "Cid", "mail", "x@a.com")},
			[]string{"error mail-duplicate Ann mail: CN=Bob,DC=a (a) has it too, and so have 1 more", "error mail-duplicate Bob mail: CN=Ann,DC=a (a) has it too, and so have 1 more",
				"error mail-duplicate Cid mail: CN=Ann,DC=a (a) has it too, and so have 1 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range result(c.objects, Options{}).Findings {
				who := strings.TrimPrefix(f.Object, "CN=")
				if at := strings.Index(who, ",DC"); at >= 0 {
					who = who[:at]
				}
				line := fmt.Sprintf("%s %s %s %s", f.Severity, f.Code, who, f.Attr)
				if _, text, ok := strings.Cut(f.Text, "\": "); ok {
					line += ": " + text
				}
				if f.Fix != nil {
					line += ": remove " + f.Fix.Old + f.Fix.New
				}
				got = append(got, line)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

func contactOf(o *Object) *Object {
	o.Class = canopy.Contact
	delete(o.Attrs, canopy.AttrUPN)
	return o
}

func nameless(o *Object) *Object {
	delete(o.Attrs, canopy.AttrUPN)
	return o
}

func result(objects []*Object, opt Options) *Result {
	c := New(opt)
	for _, o := range objects {
		c.Add(o)
	}
	return c.Result()
}

// TestCorrectionsMeet: a correction whose value another object has, or gets, is not offered.
func TestCorrectionsMeet(t *testing.T) {
	t.Parallel()
	r := result([]*Object{in("a", 1, "Ann", "proxyAddresses", "smtp:x y@a.com"), in("a", 1, "Bob", "mail", "xy@a.com")}, Options{})
	if len(r.Findings) != 1 || len(r.Fixes) != 0 {
		t.Errorf("Bob has the value: got %+v", r.Findings)
	}
	r = result([]*Object{in("a", 1, "Ann", "proxyAddresses", "smtp:x y@a.com"), in("a", 1, "Bob", "proxyAddresses", "smtp:x  y@a.com")}, Options{})
	if len(r.Findings) != 2 || len(r.Fixes) != 1 || r.Fixes[0].DN != "CN=Ann,DC=a" {
		t.Errorf("both would get the value, so that only the first may: got %+v", r.Fixes)
	}
}

// drawObject draws an object with trouble.
func drawObject(t *rapid.T, i int) *Object {
	forest := rapid.SampledFrom([]canopy.ConnectorID{"a", "b"}).Draw(t, "forest")
	names := []string{"ann", "an n", "bob", ".bob", "bob.", "a(nn", "jürgen", "x:y", "", "ann\u200b"}
	domains := []string{"@a.com", "@A.com", "@b.com", "@a.local", "@x.onmicrosoft.com", "@a", ""}
	text := func(label string) string {
		return rapid.SampledFrom(names).Draw(t, label) + rapid.SampledFrom(domains).Draw(t, label+" domain")
	}
	o := &Object{Connector: forest, Order: map[canopy.ConnectorID]int{"a": 1, "b": 2}[forest], Anchor: canopy.Anchor(fmt.Sprintf("%02d", i)), Attrs: canopy.Attrs{},
		DN:    fmt.Sprintf("CN=%d,DC=%s", i, forest),
		Class: rapid.SampledFrom([]canopy.Class{canopy.User, canopy.User, canopy.Contact, canopy.Group}).Draw(t, "class"),
		Meta:  canopy.MetaID(rapid.IntRange(0, 4).Draw(t, "meta"))}
	set := func(attr canopy.Attr, values ...string) {
		for _, v := range values {
			if v != "" && !slices.ContainsFunc(o.Attrs[attr], func(x canopy.Value) bool { return strings.EqualFold(x.Str(), v) }) {
				o.Attrs[attr] = append(o.Attrs[attr], canopy.Text(v))
			}
		}
	}
	for _, attr := range []canopy.Attr{canopy.AttrMail, canopy.AttrUPN, attrAlias, attrTarget, canopy.AttrDisplayName, attrAccount, attrCN} {
		if rapid.Bool().Draw(t, string(attr)) {
			prefix := ""
			if attr == attrTarget {
				prefix = rapid.SampledFrom([]string{"SMTP:", "smtp::", ""}).Draw(t, "target prefix")
			}
			set(attr, prefix+text(string(attr)))
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "addresses") {
		set(canopy.AttrAddresses, rapid.SampledFrom([]string{"SMTP:", "smtp:", "smtp: ", "SMTP::", "", "sip:", "X400:", "smtp:smtp:"}).Draw(t, "prefix")+text("address"))
	}
	if o.Class == canopy.Group {
		set(attrGroupType, rapid.SampledFrom([]string{"2", "-2147483646"}).Draw(t, "group type"))
	}
	if rapid.Bool().Draw(t, "mailbox") {
		mailbox(o)
	}
	return o
}

// keyed is a finding without its texts and the case of its value. What several have is one finding, however many they are.
func keyed(f *Found) string {
	if strings.HasSuffix(f.Code, "-duplicate") || f.Code == DuplicateAcross {
		if f.Attr == attrTarget || f.Attr == attrAlias || f.Attr == attrAccount {
			return f.Object + " duplicate " + string(f.Attr) + canopy.Fold(f.Value)
		}
		return f.Object + " duplicate " + strings.TrimPrefix(canopy.Fold(f.Value), "smtp:")
	}
	return f.Object + " " + f.Code + " " + string(f.Attr) + " " + canopy.Fold(f.Value)
}

// keys are all findings by their keys.
func keys(r *Result) []string {
	var out []string
	for i := range r.Findings {
		out = append(out, keyed(&r.Findings[i]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestCorrectionsEndFindings: whatever is offered, taken all together, ends what it is offered for and brings nothing new.
func TestCorrectionsEndFindings(t *testing.T) {
	t.Parallel()
	opt := Options{Verified: func(d string) bool { return d == "a.com" }, Cloud: cloudLike}
	rapid.Check(t, func(t *rapid.T) {
		var objects []*Object
		for i := range rapid.IntRange(1, 6).Draw(t, "objects") {
			objects = append(objects, drawObject(t, i))
		}
		before := result(objects, opt)
		var after []*Object
		for _, o := range objects {
			x := *o
			x.Attrs = apply(o.Attrs, slices.DeleteFunc(slices.Clone(before.Fixes), func(f *Fix) bool { return f.DN != o.DN }))
			after = append(after, &x)
		}
		old, now := keys(before), keys(result(after, opt))
		for _, k := range now {
			if !slices.Contains(old, k) {
				t.Errorf("a correction brings %s", k)
			}
		}
		for i := range before.Findings {
			f := &before.Findings[i]
			if f.Fix == nil {
				continue
			}
			if k := keyed(f); f.Fix.Old != "" && !strings.EqualFold(f.Fix.Old, f.Fix.New) && slices.Contains(now, k) {
				t.Errorf("%s is still there", k)
			}
		}
	})
}

// TestOrderDoesNotMatter: findings and corrections are the same whatever comes first.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var objects []*Object
		for i := range rapid.IntRange(2, 7).Draw(t, "objects") {
			objects = append(objects, drawObject(t, i))
		}
		opt := Options{Cloud: cloudLike}
		want := result(objects, opt)
		got := result(rapid.Permutation(objects).Draw(t, "order"), opt)
		show := func(r *Result) (out []string) {
			for _, f := range r.Findings {
				line := fmt.Sprintf("%+v", f.Finding)
				if f.Fix != nil {
					line += fmt.Sprintf(" %s > %s %v", f.Fix.Old, f.Fix.New, f.Fix.Rules)
				}
				out = append(out, line)
			}
			return out
		}
		if d := cmp.Diff(show(want), show(got)); d != "" {
			t.Errorf("another order gives other findings (-want +got):\n%s", d)
		}
	})
}

// cloudLike is a cloud that takes what is on a.com, and nothing else.
func cloudLike(class canopy.Class, attrs canopy.Attrs) Cloud {
	var out Cloud
	for _, v := range attrs[canopy.AttrAddresses] {
		if s := v.Str(); Address(s) == "" && strings.HasSuffix(canopy.Fold(s), "@a.com") {
			out.Addresses = append(out.Addresses, v)
			if isPrimary(s) && out.Mail == "" {
				out.Mail = s[5:]
			}
		}
	}
	if mail := attrs.Text(canopy.AttrMail); out.Mail == "" && mailForm(mail) && strings.HasSuffix(canopy.Fold(mail), "@a.com") {
		out.Mail = mail
	}
	out.Alias = attrs.Text(attrAlias)
	if out.UPN = attrs.Text(canopy.AttrUPN); !strings.HasSuffix(canopy.Fold(out.UPN), "@a.com") {
		out.UPN = out.Alias + "@x.onmicrosoft.com"
	}
	return out
}
