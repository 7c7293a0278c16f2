package graphapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// Reader reads objects as Graph tells them. It is safe for any number of callers.
type Reader struct {
	entities map[string]*entity
	shadow   Server // for finding an entity by its class
}

// NewReader makes a reader.
func NewReader() *Reader {
	r := &Reader{entities: entities()}
	r.shadow.entities = r.entities
	return r
}

// Listable are the properties of a class that a list gives and Attributes reads, in order: what to $select.
func (r *Reader) Listable(class canopy.Class) []string {
	e := r.shadow.entityOf(class)
	var out []string
	for _, p := range e.list {
		if p.attr != "" && !slices.Contains(unlistable, p.name) || slices.Contains(told[e.name], p.name) {
			out = append(out, p.name)
		}
	}
	return out
}

// unlistable are properties that the real service gives of one object at a time only.
var unlistable = []string{"hideFromAddressLists", "hideFromOutlookClients", "uniqueName"}

// told are the properties beyond those stored as one attribute each.
var told = map[string][]string{
	"user": strings.Fields(`id createdDateTime proxyAddresses onPremisesExtensionAttributes onPremisesProvisioningErrors onPremisesSecurityIdentifier
		onPremisesSyncEnabled onPremisesLastSyncDateTime employeeOrgData assignedLicenses licenseAssignmentStates deletedDateTime`),
	"group": strings.Fields(`id createdDateTime proxyAddresses mail onPremisesProvisioningErrors onPremisesSecurityIdentifier onPremisesSyncEnabled
		onPremisesLastSyncDateTime assignedLicenses`),
	"orgContact": strings.Fields(`id mail mailNickname proxyAddresses onPremisesProvisioningErrors onPremisesSyncEnabled onPremisesLastSyncDateTime addresses phones`),
}

// made are properties that the tenant makes itself, or that others tell as well.
var made = strings.Fields(`assignedPlans authorizationInfo cloudRealtimeCommunicationInfo deletedDateTime identities imAddresses infoCatalogs isManagementRestricted
	isResourceAccount hasMembersWithLicenseErrors licenseProcessingState onPremisesObjectIdentifier passwordProfile provisionedPlans renewedDateTime securityIdentifier
	serviceProvisioningErrors creationOptions createdByAppId mailboxSettings externalUserState externalUserStateChangeDateTime expirationDateTime`)

// Attributes are the attributes that an object's properties come to, the service's own values beside them. What the tenant has
// no place for is named in left. An error names the property.
func (r *Reader) Attributes(class canopy.Class, object map[string]json.RawMessage) (attrs canopy.Attrs, left []string, err error) {
	e := r.shadow.entityOf(class)
	d := tenant.Draft{Set: canopy.Attrs{}}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		text := object[name]
		if strings.Contains(name, "@") || nothing(text) {
			continue
		}
		p := e.property(name)
		switch {
		case p == nil && isExtension(name):
			values, ok := anything(text)
			if !ok {
				return nil, nil, &canopy.Error{Kind: canopy.Invalid, Attr: canopy.Attr(name), Text: "it is neither text, number or truth, nor a list of such"}
			}
			d.Set[canopy.Attr(name)] = values
			continue
		case p == nil && e.navigation(name):
			continue
		case p == nil:
			if !slices.Contains(made, name) {
				left = append(left, name)
			}
			continue
		}
		known, err := e.attributes(&d, p, text)
		if err != nil {
			return nil, nil, err
		}
		if !known && !slices.Contains(told[e.name], p.name) && !slices.Contains(made, p.name) {
			left = append(left, p.name)
		}
	}
	return d.Set, left, nil
}

// nothing tells whether a value says nothing.
func nothing(text json.RawMessage) bool {
	switch strings.TrimSpace(string(text)) {
	case "null", "[]", "{}", `""`:
		return true
	}
	return false
}

// attributes reads one property; known tells whether it has a place.
func (e *entity) attributes(d *tenant.Draft, p *property, text json.RawMessage) (known bool, err error) {
	wrong := func() error {
		return &canopy.Error{Kind: canopy.Invalid, Attr: canopy.Attr(p.name), Text: "the value does not fit the property: " + string(text[:min(len(text), 80)])}
	}
	set := func(attr canopy.Attr, list bool) (bool, error) {
		q := &property{name: p.name, kind: p.kind}
		if q.kind = odata.Text; list {
			q.kind = odata.List
		}
		values, err := q.values(e, text)
		if err != nil {
			return true, wrong()
		}
		d.Set[attr] = values
		return true, nil
	}
	switch p.name {
	case "proxyAddresses":
		return set(canopy.AttrAddresses, true)
	case "businessPhones":
		return set("telephoneNumber", true)
	case "mail":
		return set(canopy.AttrMail, false)
	case "mailNickname":
		return set(canopy.AttrAlias, false)
	case "onPremisesSecurityIdentifier":
		return set("onPremiseSecurityIdentifier", false)
	case "addresses", "phones":
		if !readPlaces(p.name, text, d.Set) {
			return true, wrong()
		}
		return true, nil
	case "showInAddressList":
		if _, err := e.complex(d, p, text); err != nil {
			return true, wrong()
		}
		return true, nil
	case "onPremisesExtensionAttributes", "employeeOrgData":
		var fields map[string]*string
		if json.Unmarshal(text, &fields) != nil {
			return true, wrong()
		}
		for name, v := range fields {
			if field := e.byName[strings.ToLower(p.name+"/"+name)]; field != nil && v != nil && *v != "" {
				d.Set[canopy.Attr(field.name)] = canopy.Texts(*v)
			}
		}
		return true, nil
	}
	if p.attr == "" {
		return false, nil
	}
	lenient := *p
	lenient.max = 0
	values, err := lenient.values(e, text)
	if err != nil {
		return true, wrong()
	}
	d.Set[p.attr] = values
	return true, nil
}

// readPlaces reads the addresses and telephone numbers of a contact; the first of each kind has a place.
func readPlaces(name string, text json.RawMessage, attrs canopy.Attrs) bool {
	put := func(attr canopy.Attr, v *string) {
		if v != nil && *v != "" && len(attrs[attr]) == 0 {
			attrs[attr] = canopy.Texts(*v)
		}
	}
	if name == "phones" {
		var phones []struct {
			Type   string  `json:"type"`
			Number *string `json:"number"`
		}
		ok := json.Unmarshal(text, &phones) == nil
		for _, p := range phones {
			if attr, known := phoneAttrs[p.Type]; known {
				put(attr, p.Number)
			}
		}
		return ok
	}
	var places []map[string]*string
	ok := json.Unmarshal(text, &places) == nil
	for _, p := range places {
		for field, attr := range placeAttrs {
			put(attr, p[field])
		}
	}
	return ok
}

// anything reads a directory extension: one value or several, of whatever type.
func anything(text json.RawMessage) (canopy.Values, bool) {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		list = []json.RawMessage{text}
	}
	var out canopy.Values
	for _, x := range list {
		var v any
		if json.Unmarshal(x, &v) != nil {
			return nil, false
		}
		switch v := v.(type) {
		case string:
			out = append(out, canopy.Text(v))
		case bool:
			out = append(out, canopy.Bool(v))
		case float64:
			var n int64
			if json.Unmarshal(x, &n) != nil {
				return nil, false
			}
			out = append(out, canopy.Int(n))
		default:
			return nil, false
		}
	}
	return out, true
}
