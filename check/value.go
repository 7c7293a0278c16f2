package check

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Options say what is known beside the objects.
type Options struct {
	// Cloud gives what the tenant would make of an object. Attributes are those of a forest. nil: nothing is said of it.
	Cloud func(class canopy.Class, attrs canopy.Attrs) Cloud
	// Verified tells whether the tenant has verified a domain. nil: it is not known.
	Verified func(domain string) bool
	// Public tells whether a domain is one of the Internet's. nil: what ends in one of a few well-known private names is not.
	Public func(domain string) bool
}

// Cloud is what the tenant makes of an object.
type Cloud struct {
	UPN       string
	Alias     string
	Mail      string
	Addresses canopy.Values
}

// Values are the findings about one object by itself, in order, none for one that is not looked at.
func Values(o *Object, opt Options) []Found {
	if o.Tenant || o.skip() != "" {
		return nil
	}
	list := judge(o, &opt)
	slices.SortFunc(list, order)
	out := make([]Found, len(list))
	for i, f := range list {
		out[i] = *f
	}
	return out
}

// judge finds what is wrong with one object, and offers the corrections that make nothing wrong in it.
func judge(o *Object, opt *Options) []*Found {
	list := inspect(o, opt)
	var fixes []*Fix
	for _, f := range list {
		if f.Fix != nil && !slices.Contains(fixes, f.Fix) {
			fixes = append(fixes, f.Fix)
		}
	}
	if len(fixes) == 0 {
		return list
	}
	before := map[string]bool{}
	for _, f := range list {
		before[f.key()] = true
	}
	kept := slices.DeleteFunc(slices.Clone(fixes), func(f *Fix) bool { return !clean(o, opt, before, f) })
	if len(kept) > 1 && !clean(o, opt, before, kept...) {
		kept = nil
	}
	for _, f := range list {
		if f.Fix != nil && !slices.Contains(kept, f.Fix) {
			f.Fix = nil
		}
	}
	return list
}

// clean tells whether corrections end what they are offered for and bring no finding that was not there.
func clean(o *Object, opt *Options, before map[string]bool, fixes ...*Fix) bool {
	after := *o
	after.Attrs = apply(o.Attrs, fixes)
	for _, f := range inspect(&after, opt) {
		if !before[f.key()] {
			return false
		}
		for _, x := range fixes {
			if f.Attr == x.Attr && f.Value == x.Old && slices.Contains(x.Rules, f.Code) {
				return false
			}
		}
	}
	return true
}

// inspect finds what is wrong with one object, with corrections that are not tried yet.
func inspect(o *Object, opt *Options) []*Found {
	var list []*Found
	for _, attr := range stepped {
		if attr == attrAccount && o.Class == canopy.Contact {
			continue
		}
		for _, v := range o.Attrs[attr] {
			list = value(list, o, opt, attr, v.Str())
		}
	}
	list = blanks(list, o)
	list = primaries(list, o)
	if opt.Cloud != nil {
		list = cloud(list, o, opt)
	}
	return list
}

// value takes one value through the steps of its attribute.
func value(list []*Found, o *Object, opt *Options, attr canopy.Attr, old string) []*Found {
	if old == "" || attr == canopy.AttrDisplayName && strings.TrimSpace(old) == "" {
		return list // it is none
	}
	from, now, sure := len(list), old, true
	for _, s := range steps[attr] {
		next, v := s.apply(o, now)
		if v == fine {
			continue
		}
		list = append(list, found(o, s.rule, attr, old))
		if s.rule == AliasPeriod && !strings.HasPrefix(old, ".") {
			list[len(list)-1].Severity = canopy.Warning
			list[len(list)-1].Text = strings.Replace(list[len(list)-1].Text, "begins", "ends", 1)
		}
		if now = next; v == broken { // what is wrong beside it shows when a person has corrected it
			sure = false
			break
		}
	}
	if domain := domainIn(attr, old); len(list) == from && domain != "" && !opt.public(domain) {
		return append(list, found(o, DomainPrivate, attr, old))
	}
	if len(list) == from || !sure {
		return list
	}
	f := &Fix{Connector: o.Connector, DN: o.DN, Class: o.Class, Attr: attr, Old: old, New: now}
	if attr == canopy.AttrAddresses {
		if other, has := same(o, old, now); has && other == now {
			f.New = "" // the object has it already
		} else if has {
			return list // primary here, secondary there: a person says which
		}
	}
	for _, x := range list[from:] {
		f.Rules = append(f.Rules, x.Code)
		x.Fix = f
	}
	return list
}

func (opt *Options) public(domain string) bool {
	switch {
	case !domainForm(domain): // what is no domain at all is another rule's
		return true
	case opt.Verified != nil && opt.Verified(canopy.Fold(domain)):
		return true
	case opt.Public != nil:
		return opt.Public(canopy.Fold(domain))
	}
	return !private(domain)
}

// same finds another of an object's addresses that a directory takes for the same as now.
func same(o *Object, old, now string) (string, bool) {
	for _, v := range o.Attrs[canopy.AttrAddresses] {
		if s := v.Str(); s != old && strings.EqualFold(s, now) {
			return s, true
		}
	}
	return "", false
}

// blanks finds what an object should have and does not.
func blanks(list []*Found, o *Object) []*Found {
	missing := func(rule string, attr canopy.Attr, old, value string) {
		f := found(o, rule, attr, old)
		if value != "" {
			f.Fix = &Fix{Connector: o.Connector, DN: o.DN, Class: o.Class, Attr: attr, Old: old, New: value, Rules: []string{rule}}
		}
		list = append(list, f)
	}
	if name := o.Attrs.Text(canopy.AttrDisplayName); strings.TrimSpace(name) == "" {
		missing(NameBlank, canopy.AttrDisplayName, name, strings.TrimSpace(o.Attrs.Text(attrCN)))
	}
	addressed := len(o.Attrs[canopy.AttrMail])+len(o.Attrs[canopy.AttrAddresses])+len(o.Attrs[attrTarget]) > 0
	if o.Class == canopy.Contact && addressed && len(o.Attrs[attrAlias]) == 0 {
		missing(AliasBlank, attrAlias, "", aliasFor(o))
	}
	if mail := o.Attrs.Text(canopy.AttrMail); o.Class == canopy.Contact && mail != "" && len(o.Attrs[attrTarget]) == 0 {
		target := ""
		if mailForm(mail) {
			target = "SMTP:" + mail
		}
		missing(TargetBlank, attrTarget, "", target)
	}
	if o.isUser() && len(o.Attrs[canopy.AttrUPN]) == 0 {
		missing(UPNBlank, canopy.AttrUPN, "", "")
	}
	return list
}

// aliasFor is an alias for an object that has none: given name and surname, or its cn; "" where they do not give one.
func aliasFor(o *Object) string {
	name := o.Attrs.Text(attrCN)
	if given, sur := o.Attrs.Text(attrGivenName), o.Attrs.Text(attrSurname); given != "" && sur != "" {
		name = given + "." + sur
	}
	left, v := chars(name, aliasWrong)
	if left = strings.Trim(left, "."); v == broken || left == "" || len(left) > 64 {
		return ""
	}
	return left
}

// mostAddresses is how many addresses are safe.
const mostAddresses = 300

// primaries finds addresses of which there may be only one, and too many of all.
func primaries(list []*Found, o *Object) []*Found {
	all := o.Attrs[canopy.AttrAddresses]
	if len(all) > mostAddresses {
		list = append(list, found(o, AddressMany, canopy.AttrAddresses, ""))
	}
	count := 0
	for _, v := range all {
		if isPrimary(v.Str()) {
			count++
		}
	}
	if count < 2 {
		return list
	}
	kept := "SMTP:" + o.Attrs.Text(canopy.AttrMail)
	known := slices.ContainsFunc(all, func(v canopy.Value) bool { return isPrimary(v.Str()) && strings.EqualFold(v.Str(), kept) })
	for _, v := range all {
		s := v.Str()
		if !isPrimary(s) {
			continue
		}
		f := found(o, AddressPrimary, canopy.AttrAddresses, s)
		if known && !strings.EqualFold(s, kept) && Address(s) == "" {
			f.Fix = &Fix{Connector: o.Connector, DN: o.DN, Class: o.Class, Attr: canopy.AttrAddresses, Old: s, New: "smtp:" + s[5:], Rules: []string{AddressPrimary}}
		}
		list = append(list, f)
	}
	return list
}

// isPrimary tells whether an address is the primary one of its kind, SMTP.
func isPrimary(s string) bool { return strings.HasPrefix(s, "SMTP:") }
