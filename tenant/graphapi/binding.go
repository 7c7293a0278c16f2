package graphapi

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// userAttrs are the attributes that a user's properties are stored as.
var userAttrs = map[string]canopy.Attr{
	"accountEnabled": "accountEnabled", "ageGroup": "ageGroup", "businessPhones": "telephoneNumber", "city": "city", "companyName": "company",
	"consentProvidedForMinor": "consentProvidedForMinor", "country": "country", "creationType": "creationType", "department": "department",
	"displayName": canopy.AttrDisplayName, "employeeHireDate": "employeeHireDate", "employeeId": "employeeID",
	"employeeLeaveDateTime": "employeeLeaveDateTime", "employeeType": "employeeType", "faxNumber": "facsimileTelephoneNumber", "givenName": "givenName",
	"jobTitle": "title", "lastPasswordChangeDateTime": "lastPasswordChange", "legalAgeGroupClassification": "legalAgeGroupClassification",
	"mail": canopy.AttrMail, "mailNickname": canopy.AttrAlias, "mobilePhone": "mobile", "officeLocation": "physicalDeliveryOfficeName",
	"onPremisesDistinguishedName": "onPremisesDistinguishedName", "onPremisesDomainName": "dnsDomainName",
	"onPremisesImmutableId": canopy.AttrSourceAnchor, "onPremisesSamAccountName": "onPremisesSamAccountName",
	"onPremisesUserPrincipalName": "onPremisesUserPrincipalName", "otherMails": "otherMails", "passwordPolicies": "passwordPolicies",
	"postalCode": "postalCode", "preferredDataLocation": "preferredDataLocation", "preferredLanguage": "preferredLanguage",
	"signInSessionsValidFromDateTime": "sessionsValidFrom", "state": "state", "streetAddress": "streetAddress", "surname": "surname",
	"usageLocation": "usageLocation", "userPrincipalName": canopy.AttrUPN, "userType": "userType", "showInAddressList": "msExchHideFromAddressLists",
}

var groupAttrs = map[string]canopy.Attr{
	"classification": "classification", "description": "description", "displayName": canopy.AttrDisplayName, "groupTypes": "groupTypes",
	"isAssignableToRole": "isAssignableToRole", "mailEnabled": "mailEnabled", "mailNickname": canopy.AttrAlias, "membershipRule": "membershipRule",
	"membershipRuleProcessingState": "membershipRuleProcessingState", "onPremisesDomainName": "dnsDomainName", "onPremisesNetBiosName": "netBiosName",
	"onPremisesSamAccountName": "onPremisesSamAccountName", "resourceBehaviorOptions": "resourceBehaviorOptions",
	"resourceProvisioningOptions": "resourceProvisioningOptions", "securityEnabled": "securityEnabled", "theme": "theme", "visibility": "visibility",
	"uniqueName": "uniqueName", "hideFromAddressLists": "msExchHideFromAddressLists",
}

var contactAttrs = map[string]canopy.Attr{
	"companyName": "company", "department": "department", "displayName": canopy.AttrDisplayName, "givenName": "givenName", "jobTitle": "title",
	"surname": "surname",
}

// placeAttrs and phoneAttrs are what a contact's addresses and phones are made of.
var (
	placeAttrs = map[string]canopy.Attr{"city": "city", "countryOrRegion": "country", "officeLocation": "physicalDeliveryOfficeName",
		"postalCode": "postalCode", "state": "state", "street": "streetAddress"}
	phoneAttrs = map[string]canopy.Attr{"mobile": "mobile", "business": "telephoneNumber", "businessFax": "facsimileTelephoneNumber"}
)

// userGet are the properties of a user that are more than what one attribute holds.
var userGet = with(shared, map[string]func(*tenant.Item) odata.Value{
	"businessPhones": func(i *tenant.Item) odata.Value {
		return odata.Texts(i.Attrs["telephoneNumber"].Strings())
	},
	"userPrincipalName":     func(i *tenant.Item) odata.Value { return odata.Of(deletedUPN(i)) },
	"onPremisesImmutableId": func(i *tenant.Item) odata.Value { return odata.Of(i.SourceAnchor) },
	"accountEnabled": func(i *tenant.Item) odata.Value {
		v, ok := i.Attrs.First("accountEnabled")
		return odata.OfBool(!ok || v.True())
	},
	"userType": func(i *tenant.Item) odata.Value {
		if t := i.Attrs.Text("userType"); t != "" {
			return odata.Of(t)
		}
		return odata.Of("Member")
	},
	"showInAddressList": func(i *tenant.Item) odata.Value {
		v, ok := i.Attrs.First("msExchHideFromAddressLists")
		if !ok {
			return odata.Value{}
		}
		return odata.OfBool(!v.True())
	},
	"employeeOrgData": func(i *tenant.Item) odata.Value {
		division, centre := i.Attrs.Text("division"), i.Attrs.Text("costCenter")
		if division == "" && centre == "" {
			return odata.Value{}
		}
		return odata.OfObject(odata.Field{Name: "division", Value: odata.Of(division)}, odata.Field{Name: "costCenter", Value: odata.Of(centre)})
	},
	"identities": func(i *tenant.Item) odata.Value {
		return odata.OfList(odata.OfObject(odata.Field{Name: "signInType", Value: odata.Of("userPrincipalName")},
			odata.Field{Name: "issuer", Value: odata.Of(afterAt(i.UPN()))}, odata.Field{Name: "issuerAssignedId", Value: odata.Of(i.UPN())}))
	},
	"passwordProfile": func(i *tenant.Item) odata.Value {
		forced := i.Attrs.Text("passwordForced")
		if forced == "" {
			return odata.Value{}
		}
		return odata.OfObject(odata.Field{Name: "forceChangePasswordNextSignIn", Value: odata.OfBool(strings.Contains(forced, "next"))},
			odata.Field{Name: "forceChangePasswordNextSignInWithMfa", Value: odata.OfBool(strings.Contains(forced, "mfa"))})
	},
	"assignedPlans":                 empty,
	"provisionedPlans":              empty,
	"imAddresses":                   sipAddresses,
	"onPremisesExtensionAttributes": extensionAttributes,
})

var groupGet = with(shared, map[string]func(*tenant.Item) odata.Value{
	"mailEnabled":                   boolOf("mailEnabled"),
	"securityEnabled":               boolOf("securityEnabled"),
	"renewedDateTime":               func(i *tenant.Item) odata.Value { return odata.OfTime(i.Made) },
	"onPremisesExtensionAttributes": extensionAttributes,
	"hideFromOutlookClients":        func(*tenant.Item) odata.Value { return odata.OfBool(false) },
	"hasMembersWithLicenseErrors": func(i *tenant.Item) odata.Value {
		return odata.OfBool(i.Licensing != nil && i.Licensing.Failing)
	},
	"licenseProcessingState": processingState,
	"visibility": func(i *tenant.Item) odata.Value {
		return odata.Of(i.Attrs.Text("visibility"))
	},
})

var contactGet = with(shared, map[string]func(*tenant.Item) odata.Value{
	"addresses": func(i *tenant.Item) odata.Value {
		var place []odata.Field
		for _, name := range slices.Sorted(maps.Keys(placeAttrs)) {
			place = append(place, odata.Field{Name: name, Value: odata.Of(i.Attrs.Text(placeAttrs[name]))})
		}
		return odata.OfList(odata.OfObject(place...))
	},
	"phones": func(i *tenant.Item) odata.Value {
		out := odata.Value{Kind: odata.List}
		for _, kind := range []string{"mobile", "business", "businessFax"} {
			if n := i.Attrs.Text(phoneAttrs[kind]); n != "" {
				out.List = append(out.List, odata.OfObject(odata.Field{Name: "type", Value: odata.Of(kind)}, odata.Field{Name: "number", Value: odata.Of(n)}))
			}
		}
		return out
	},
})

// shared are the properties of users, groups and contacts alike.
var shared = map[string]func(*tenant.Item) odata.Value{
	"id":              func(i *tenant.Item) odata.Value { return odata.Of(string(i.ID)) },
	"deletedDateTime": func(i *tenant.Item) odata.Value { return odata.OfTime(i.Deleted) },
	"createdDateTime": func(i *tenant.Item) odata.Value { return odata.OfTime(i.Made) },
	"mail":            func(i *tenant.Item) odata.Value { return odata.Of(i.Mail()) },
	"mailNickname":    func(i *tenant.Item) odata.Value { return odata.Of(i.Alias()) },
	"proxyAddresses":  func(i *tenant.Item) odata.Value { return odata.Texts(i.Addresses().Strings()) },
	"onPremisesSyncEnabled": func(i *tenant.Item) odata.Value {
		if i.Synced {
			return odata.OfBool(true)
		}
		if i.Authority.CloudManaged || i.Authority.Pending || i.Attrs.Text("onPremisesDistinguishedName") != "" { // it was
			return odata.OfBool(false)
		}
		return odata.Value{}
	},
	"onPremisesLastSyncDateTime": func(i *tenant.Item) odata.Value {
		if !i.Synced {
			return odata.Value{}
		}
		return odata.OfTime(i.Changed)
	},
	"onPremisesProvisioningErrors": provisioningErrors,
	"serviceProvisioningErrors":    empty,
	"assignedLicenses":             assigned,
	"licenseAssignmentStates":      assignmentStates,
	"securityIdentifier":           func(i *tenant.Item) odata.Value { return odata.Of(cloudSID(string(i.ID))) },
	"onPremisesSecurityIdentifier": func(i *tenant.Item) odata.Value {
		v, ok := i.Attrs.First("onPremiseSecurityIdentifier")
		if !ok {
			return odata.Value{}
		}
		return odata.Of(forestSID(v))
	},
}

func with(a, b map[string]func(*tenant.Item) odata.Value) map[string]func(*tenant.Item) odata.Value {
	out := make(map[string]func(*tenant.Item) odata.Value, len(a)+len(b))
	for _, m := range []map[string]func(*tenant.Item) odata.Value{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func empty(*tenant.Item) odata.Value { return odata.Value{Kind: odata.List} }

func boolOf(attr canopy.Attr) func(*tenant.Item) odata.Value {
	return func(i *tenant.Item) odata.Value {
		v, _ := i.Attrs.First(attr)
		return odata.OfBool(v.True())
	}
}

// deletedUPN is the sign-in name: a deleted user's has its id before it, so that somebody else can have the name.
func deletedUPN(i *tenant.Item) string {
	if i.Deleted.IsZero() {
		return i.UPN()
	}
	return strings.ReplaceAll(string(i.ID), "-", "") + i.UPN()
}

func afterAt(s string) string {
	_, domain, _ := strings.Cut(s, "@")
	return domain
}

func sipAddresses(i *tenant.Item) odata.Value {
	out := odata.Value{Kind: odata.List}
	for _, v := range i.Addresses() {
		if s := v.Str(); len(s) > 4 && strings.EqualFold(s[:4], "sip:") {
			out.List = append(out.List, odata.Of(s[4:]))
		}
	}
	return out
}

func extensionAttributes(i *tenant.Item) odata.Value {
	fields := make([]odata.Field, 15)
	for n := range fields {
		name := "extensionAttribute" + strconv.Itoa(n+1)
		fields[n] = odata.Field{Name: name, Value: odata.Of(i.Attrs.Text(canopy.Attr(name)))}
	}
	return odata.OfObject(fields...)
}

// cloudSID is the security identifier that the cloud makes of an object's id; "" when the id is no GUID.
func cloudSID(id string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 {
		return ""
	}
	b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]
	n := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	return fmt.Sprintf("S-1-12-1-%d-%d-%d-%d", n(0), n(4), n(8), n(12))
}

// forestSID is a forest's security identifier as text, however it was synchronised.
func forestSID(v canopy.Value) string {
	b := []byte(v.Str())
	if v.Type() == canopy.Binary {
		b = v.Octets()
	} else if decoded, err := base64.StdEncoding.DecodeString(v.Str()); err == nil {
		b = decoded
	}
	if len(b) < 8 || b[0] != 1 || len(b) != 8+4*int(b[1]) {
		return v.Str()
	}
	s := fmt.Sprintf("S-1-%d", uint64(b[2])<<40|uint64(b[3])<<32|uint64(b[4])<<24|uint64(b[5])<<16|uint64(b[6])<<8|uint64(b[7]))
	for at := 8; at < len(b); at += 4 {
		s += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[at:]))
	}
	return s
}

// provisioningErrors are the synchronised values that the service withholds.
func provisioningErrors(i *tenant.Item) odata.Value {
	out := odata.Value{Kind: odata.List}
	for _, p := range i.ProvisioningErrors() {
		out.List = append(out.List, odata.OfObject(odata.Field{Name: "category", Value: odata.Of(p.Category)}, odata.Field{Name: "occurredDateTime", Value: odata.OfTime(p.Occurred)},
			odata.Field{Name: "propertyCausingError", Value: odata.Of(p.Property)}, odata.Field{Name: "value", Value: odata.Of(p.Value)}))
	}
	return out
}
