package onprem

import (
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// disabled is the bit of userAccountControl of an account that may not sign in, normal that of a person's.
const (
	disabled = 0x2
	normal   = 0x200
)

// version is what Exchange 2013 and later write into msExchVersion.
const version = 88218628259840

// draft is a decision under way: the attributes as they are to be.
type draft struct {
	o     *Object
	ask   *Ask
	org   *Organisation
	fresh *Fresh
	attrs canopy.Attrs
	links map[canopy.Attr]canopy.Values // DNs
	found []canopy.Finding
	makes bool
}

// deciders are what each command does.
var deciders = map[Noun]map[Verb]func(*draft) error{
	Recipient:     {New: newAccount, Update: update},
	Mailbox:       {New: enableMailbox, Enable: enableMailbox, Disable: disableMailbox, Set: setMailbox, Update: update},
	RemoteMailbox: {New: enableRemote, Enable: enableRemote, Disable: disableRemote, Set: setRemote, Update: update},
}

// Decide says what to write. What cannot be done is a *canopy.Error; what is so already is a stamp without changes.
func Decide(o *Object, ask Ask, org Organisation, fresh Fresh) (*Stamp, error) {
	decide := deciders[ask.Noun][ask.Verb]
	if decide == nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "onprem-verb", Object: string(ask.Noun), Text: "there is no such command: " + string(ask.Verb)}
	}
	if ask.Verb == New {
		made, err := account(ask)
		if err != nil {
			return nil, err
		}
		o = made
	}
	d := &draft{o: o, ask: &ask, org: &org, fresh: &fresh, attrs: o.Attrs.Clone(), links: map[canopy.Attr]canopy.Values{}}
	if d.attrs == nil {
		d.attrs = canopy.Attrs{}
	}
	for name := range o.Links {
		d.links[name] = canopy.Texts(o.names(name)...)
	}
	if err := decide(d); err != nil {
		return nil, err
	}
	return d.stamp(), nil
}

// account is the object that New makes, before it is a recipient.
func account(ask Ask) (*Object, error) {
	a := ask.Account
	wrong := func(attr canopy.Attr, text string) (*Object, error) {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "onprem-account", Object: a.Name, Attr: attr, Text: text}
	}
	switch {
	case a.Name == "" || len([]rune(a.Name)) > 64:
		return wrong(attrName, "a name has between 1 and 64 letters")
	case len([]rune(a.DisplayName)) > 256:
		return wrong(canopy.AttrDisplayName, "a display name has at most 256 letters")
	case !strings.Contains(a.UPN, "@"):
		return wrong(canopy.AttrUPN, "a sign-in name is needed, as in anna@contoso.com")
	case a.SAM == "" || len([]rune(a.SAM)) > 20 || strings.ContainsAny(a.SAM, `"/\[]:;|=,+*?<>@`):
		return wrong(attrSAM, `a sAMAccountName has between 1 and 20 letters, and none of "/\[]:;|=,+*?<>@`)
	}
	o := &Object{Class: canopy.User, DN: a.DN, Attrs: canopy.Attrs{canopy.AttrUPN: canopy.Texts(a.UPN), attrSAM: canopy.Texts(a.SAM),
		attrName: canopy.Texts(a.Name), canopy.AttrDisplayName: canopy.Texts(a.Name)}}
	for attr, text := range map[canopy.Attr]string{canopy.AttrDisplayName: a.DisplayName, "givenName": a.GivenName, "sn": a.Surname, secret: a.Password} {
		if text != "" {
			o.Attrs[attr] = canopy.Texts(text)
		}
	}
	control := int64(normal)
	if a.Disabled || a.Password == "" || ask.Kind != "" && ask.Kind != recipient.Personal {
		control |= disabled
	}
	o.Attrs[attrControl] = canopy.Values{canopy.Int(control)}
	if a.ResetPassword {
		o.Attrs["pwdLastSet"] = canopy.Values{canopy.Int(0)}
	}
	return o, nil
}

// stamp is the difference that the draft makes.
func (d *draft) stamp() *Stamp {
	s := &Stamp{Object: d.o, Op: canopy.Modify, Makes: d.makes, Findings: d.found}
	before := d.o.Attrs
	if d.ask.Verb == New {
		s.Op, before = canopy.Add, canopy.Attrs{}
		delete(d.attrs, attrName) // the DN has it
	}
	for _, name := range names(before, d.attrs) {
		if before[name].Equal(d.attrs[name]) {
			continue
		}
		if slices.Contains(d.org.Lacks, name) {
			s.Findings = append(s.Findings, canopy.Finding{Code: "ATTRIBUTE_NOT_IN_SCHEMA", Object: d.o.DN, Attr: name, Text: "the forest's schema does not have the attribute; it is not stamped"})
			continue
		}
		s.Changes = append(s.Changes, Change{Attr: name, Before: before[name], After: d.attrs[name]})
	}
	for _, name := range []canopy.Attr{attrDatabase, attrLists} {
		was := canopy.Texts(d.o.names(name)...)
		if c := (Change{Attr: name, Before: was, After: d.links[name], link: true}); len(linkChange(c).Added)+len(linkChange(c).Removed) > 0 {
			s.Changes = append(s.Changes, c)
		}
	}
	slices.SortStableFunc(s.Changes, func(a, b Change) int {
		return strings.Compare(canopy.Fold(string(a.Attr)), canopy.Fold(string(b.Attr)))
	})
	s.Claims = d.claims()
	return s
}

func names(a, b canopy.Attrs) []canopy.Attr {
	all := append(a.Names(), b.Names()...)
	slices.Sort(all)
	return slices.Compact(all)
}

// claims are the addresses and the alias that the object did not have.
func (d *draft) claims() []Claim {
	var out []Claim
	for _, a := range d.attrs[canopy.AttrAddresses].Strings() {
		prefix, rest, _ := strings.Cut(a, ":")
		if strings.EqualFold(prefix, "smtp") && !slices.ContainsFunc(d.o.Addresses(), func(b string) bool { return strings.EqualFold(a, b) }) {
			out = append(out, Claim{canopy.AttrAddresses, rest})
		}
	}
	if alias := d.attrs.Text(attrAlias); alias != "" && !strings.EqualFold(alias, d.o.Attrs.Text(attrAlias)) {
		out = append(out, Claim{attrAlias, alias})
	}
	if d.ask.Verb == New {
		out = append(out, Claim{canopy.AttrUPN, d.ask.Account.UPN}, Claim{attrSAM, d.ask.Account.SAM})
	}
	return out
}

func (d *draft) set(name canopy.Attr, values ...canopy.Value) { d.attrs[name] = values }

func (d *draft) text(name canopy.Attr, text string) { d.set(name, canopy.Text(text)) }

func (d *draft) clear(names ...canopy.Attr) {
	for _, n := range names {
		delete(d.attrs, n)
	}
}

func (d *draft) refuse(code, text, next string) error {
	return &canopy.Error{Kind: canopy.Conflict, Code: code, Object: d.o.DN, Text: text, Next: next}
}

func (d *draft) warn(code string, attr canopy.Attr, text, next string) {
	d.found = append(d.found, canopy.Finding{Code: code, Severity: canopy.Warning, Object: d.o.DN, Attr: attr, Text: text, Next: next})
}

// types stamps the three types of a mailbox; remoteBits is what the cloud is to hold besides the kind.
func (d *draft) types(details recipient.Details, display recipient.Display, remoteType recipient.Remote) {
	d.set(attrDetails, canopy.Int(int64(details)))
	d.set(attrDisplay, canopy.Int(int64(display)))
	if d.clear(attrRemote); remoteType != 0 {
		d.set(attrRemote, canopy.Int(int64(remoteType)))
	}
}

// alias is the alias that the recipient is to have: that which is asked for, the present one, or one that is made.
func (d *draft) alias() (string, error) {
	alias := d.ask.Alias
	if alias == "" {
		alias = d.attrs.Text(attrAlias)
	}
	if alias == "" {
		alias = aliasOf(d.o)
	}
	return alias, checkAlias(alias)
}

// common stamps what every recipient has: alias, legacy DN, version, addresses, address lists.
func (d *draft) common() error {
	alias, err := d.alias()
	if err != nil {
		return err
	}
	if strings.Contains(alias, "&") {
		d.warn("ALIAS", attrAlias, "Connect Sync does not take an alias with &", "choose another one with --alias")
	}
	d.text(attrAlias, alias)
	if d.attrs.Text(attrLegacyDN) == "" {
		org := d.org.Name
		if org == "" {
			org = "First Organization"
		}
		d.text(attrLegacyDN, fmt.Sprintf("/o=%s/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=%s-%s", org, d.fresh.Number, alias))
	}
	if len(d.attrs[attrVersion]) == 0 {
		d.set(attrVersion, canopy.Int(version))
	}
	d.visible()
	for _, list := range d.org.AddressLists {
		if v := canopy.Text(list); !holds(d.links[attrLists], v) {
			d.links[attrLists] = append(d.links[attrLists], v)
		}
	}
	return d.addresses(alias)
}

func (d *draft) visible() {
	if d.ask.Hidden == nil {
		return
	}
	if d.clear(attrHidden); *d.ask.Hidden {
		d.set(attrHidden, canopy.Bool(true))
	}
}

// policy says whether the address policy applies from now on, and stamps it.
func (d *draft) policy() (bool, error) {
	on := d.o.PolicyEnabled()
	if d.ask.Primary != "" {
		if on = false; d.ask.Policy != nil && *d.ask.Policy {
			return false, &canopy.Error{Kind: canopy.Invalid, Code: "address-policy", Object: d.o.DN, Text: "a primary address of its own ends the address policy",
				Next: "leave out --primary or --address-policy"}
		}
	} else if d.ask.Policy != nil {
		on = *d.ask.Policy
	}
	if !on {
		d.clear(attrIncluded)
		if d.o.PolicyEnabled() {
			d.text(attrExcluded, policyMark)
		}
		return false, nil
	}
	d.clear(attrExcluded)
	if d.org.Policy != "" {
		d.text(attrIncluded, canopy.Fold(strings.Trim(d.org.Policy, "{}"))+","+policyMark)
	}
	return true, nil
}

// addresses stamps the addresses: those of the policy, and those that are asked for.
func (d *draft) addresses(alias string) error {
	list := addresses(d.attrs[canopy.AttrAddresses].Strings())
	on, err := d.policy()
	if err != nil {
		return err
	}
	if on {
		if err := d.apply(&list, alias); err != nil {
			return err
		}
	}
	if d.ask.Primary != "" {
		if err := list.take("SMTP:" + strings.TrimPrefix(d.ask.Primary, "SMTP:")); err != nil {
			return err
		}
	}
	if target, ok := strings.CutPrefix(d.attrs.Text(attrTarget), "SMTP:"); ok && d.inCoexistence(target) {
		list.add(target, false)
	}
	for _, a := range d.ask.Add {
		if on && strings.HasPrefix(a, "SMTP:") && !strings.EqualFold(a, "SMTP:"+primaryOf(list)) && len(d.org.Templates) > 0 {
			return &canopy.Error{Kind: canopy.Invalid, Code: "address-policy", Object: a, Text: "the address policy decides the primary address", Next: "use --primary, which ends the policy"}
		}
		if err := list.take(a); err != nil {
			return err
		}
	}
	for _, a := range d.ask.Remove {
		if err := list.drop(a); err != nil {
			return err
		}
	}
	d.attrs[canopy.AttrAddresses] = canopy.Texts(list...)
	if primary := primaryOf(list); primary != "" {
		d.text(canopy.AttrMail, primary)
	}
	return nil
}

// apply adds the addresses of the policy. Without one the primary address stays, or is made of the mail address or of
// the alias, and the alias in the coexistence domain is added.
func (d *draft) apply(list *addresses, alias string) error {
	templates := d.org.Templates
	if len(templates) == 0 {
		if err := d.primaryWithoutPolicy(list, alias); err != nil {
			return err
		}
		if d.org.Coexistence != "" {
			templates = []string{"smtp:%m@" + d.org.Coexistence}
		}
	}
	for _, t := range templates {
		prefix, text, _ := strings.Cut(t, ":")
		a, err := expand(text, d.o, alias)
		if err == nil {
			err = checkAddress(a)
		}
		if err != nil {
			return err
		}
		list.add(a, prefix == "SMTP")
	}
	return nil
}

func (d *draft) primaryWithoutPolicy(list *addresses, alias string) error {
	if primaryOf(*list) != "" {
		return nil
	}
	primary := d.attrs.Text(canopy.AttrMail)
	details := recipient.Details(0)
	if v, ok := d.attrs.First(attrDetails); ok {
		details = recipient.Details(v.Num())
	}
	if target, ok := strings.CutPrefix(d.attrs.Text(attrTarget), "SMTP:"); primary == "" && ok && details&remote == 0 {
		primary = target // a mail user's or contact's own address is elsewhere
	}
	if upn := d.attrs.Text(canopy.AttrUPN); primary == "" && strings.Contains(upn, "@") {
		primary = alias + "@" + domainOf(upn)
	}
	if primary == "" {
		return &canopy.Error{Kind: canopy.Invalid, Code: "address-policy", Object: d.o.DN, Attr: canopy.AttrAddresses, Text: "there is no address policy, and nothing to make a primary address of",
			Next: "name one with --primary, or set exchange: addresses: for the forest in the configuration"}
	}
	if err := checkAddress(primary); err != nil {
		return err
	}
	list.add(primary, true)
	return nil
}

// inCoexistence tells whether an address is in the coexistence domain; where that is not known, by how it is called.
func (d *draft) inCoexistence(address string) bool {
	if d.org.Coexistence == "" {
		return strings.HasSuffix(canopy.Fold(address), ".mail.onmicrosoft.com")
	}
	return strings.EqualFold(domainOf(address), d.org.Coexistence)
}
