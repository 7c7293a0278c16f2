package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// cloud compares what the tenant makes of an object with what the forest says.
func cloud(list []*Found, o *Object, opt *Options) []*Found {
	class := o.Class
	if class == canopy.InetOrgPerson {
		class = canopy.User
	}
	made := opt.Cloud(class, o.Attrs)
	if upn := o.Attrs.Text(canopy.AttrUPN); class == canopy.User && upn != "" && !strings.EqualFold(upn, made.UPN) {
		f := found(o, CloudSignIn, canopy.AttrUPN, upn)
		f.Text += ": " + made.UPN
		list = append(list, f)
	}
	for _, v := range o.Attrs[canopy.AttrAddresses] {
		s := v.Str()
		if Address(s) != "" || slices.ContainsFunc(made.Addresses, func(m canopy.Value) bool { return strings.EqualFold(m.Str(), s) }) {
			continue
		}
		f := found(o, CloudDropped, canopy.AttrAddresses, s)
		if domain := canopy.Fold(domainIn(canopy.AttrAddresses, s)); domain != "" && !reserved(domain) {
			f.Severity = canopy.Warning
		}
		list = append(list, f)
	}
	return primaryDiffers(list, o, made)
}

// reserved are the domains whose addresses the cloud gives itself.
func reserved(domain string) bool {
	return strings.HasSuffix(domain, ".onmicrosoft.com") || strings.HasSuffix(domain, ".microsoftonline.com")
}

// primaryDiffers finds a primary address that is not the one that people see in the forest.
func primaryDiffers(list []*Found, o *Object, made Cloud) []*Found {
	mail, primary := o.Attrs.Text(canopy.AttrMail), ""
	for _, v := range o.Attrs[canopy.AttrAddresses] {
		if isPrimary(v.Str()) && primary == "" {
			primary = v.Str()[5:]
		}
	}
	attr, seen := canopy.AttrAddresses, primary
	if mail != "" && !strings.EqualFold(mail, made.Mail) {
		attr, seen = canopy.AttrMail, mail
	}
	if seen == "" || strings.EqualFold(seen, made.Mail) {
		return list
	}
	f := found(o, CloudPrimary, attr, seen)
	f.Text = fmt.Sprintf("%s %q: the cloud's primary address will be %s", attr, shortened(seen), orNone(made.Mail))
	return append(list, f)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
