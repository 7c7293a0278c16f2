package tenant

import (
	"regexp"
	"strings"

	"github.com/canopy-sync/canopy"
)

// classes is a set of object classes.
type classes uint8

const (
	users classes = 1 << iota
	groups
	contacts
	people = users | contacts
	all    = users | groups | contacts
)

func classesOf(c canopy.Class) classes {
	switch c {
	case canopy.User:
		return users
	case canopy.Group:
		return groups
	case canopy.Contact:
		return contacts
	case canopy.InetOrgPerson, canopy.ForeignSecurityPrincipal, canopy.Container, canopy.Person: // not in a tenant
	}
	return 0
}

// attribute is what the tenant knows of one attribute.
type attribute struct {
	canopy.AttrType
	on       classes
	readOnly bool // computed by the service
	loose    bool // a value of any type is taken
}

// The attributes that the service computes and shows at the native door.
const (
	cloudAnchor   canopy.Attr = "cloudAnchor"
	cloudSource   canopy.Attr = "cloudSourceAnchor"
	cloudMaster               = canopy.AttrCloudMastered
	cloudUPN      canopy.Attr = "cloudUserPrincipalName"
	cloudAlias    canopy.Attr = "cloudAlias"
	cloudMail     canopy.Attr = "cloudMail"
	cloudProxies  canopy.Attr = "cloudProxyAddresses"
	cloudLegacyDN canopy.Attr = "cloudLegacyExchangeDN"   // that Exchange Online gave the recipient
	cloudMOERA    canopy.Attr = "cloudInitialAddress"     // the address under the initial domain
	cloudErrors   canopy.Attr = "cloudProvisioningErrors" // see conflict
	cloudBlock                = canopy.AttrCloudManaged
	cloudExchange             = canopy.AttrExchangeManaged
)

// Attributes that the tenant has rules for, beside the identity words.
const (
	attrManagedBy     canopy.Attr = "managedBy"
	attrRemoteType    canopy.Attr = "msExchRemoteRecipientType"
	attrDisplayType   canopy.Attr = "msExchRecipientDisplayType"
	attrGivenName     canopy.Attr = "givenName"
	attrTargetAddress canopy.Attr = "targetAddress"
	attrPhoto         canopy.Attr = "thumbnailPhoto"
	attrCertificate   canopy.Attr = "userCertificate"
	attrSMIME         canopy.Attr = "userSMIMECertificate"
	attrSID           canopy.Attr = "onPremiseSecurityIdentifier"
	attrSamAccount    canopy.Attr = "onPremisesSamAccountName"
	attrObjectID      canopy.Attr = "onPremisesObjectIdentifier"
)

// schema is the table of attributes, a row for each type, multiplicity and set of classes.
var schema = makeSchema([]schemaRow{
	{t: canopy.String, on: all, names: `sourceAnchor displayName alias mail description info legacyExchangeDN
		msDsPhoneticDisplayName msExchRetentionComment msExchRetentionUrl commonName dn
		extensionAttribute1 extensionAttribute2 extensionAttribute3 extensionAttribute4 extensionAttribute5
		extensionAttribute6 extensionAttribute7 extensionAttribute8 extensionAttribute9 extensionAttribute10
		extensionAttribute11 extensionAttribute12 extensionAttribute13 extensionAttribute14 extensionAttribute15
		dnsDomainName netBiosName onPremisesSamAccountName onPremisesDistinguishedName onPremisesObjectIdentifier`},
	{t: canopy.String, on: all, multi: true, names: `proxyAddresses msExchExtensionCustomAttribute1
		msExchExtensionCustomAttribute2 msExchExtensionCustomAttribute3 msExchExtensionCustomAttribute4
		msExchExtensionCustomAttribute5 msExchSenderHintTranslations`},
	{t: canopy.String, on: people, names: `surname givenName middleName initials country countryLetterCode company
		city state streetAddress postalCode physicalDeliveryOfficeName department title mobile telephoneNumber
		facsimileTelephoneNumber homePhone ipPhone pager telephoneAssistant targetAddress wWWHomePage
		msExchAssistantName preferredLanguage employeeID employeeType`},
	{t: canopy.String, on: people, multi: true, names: `otherTelephone otherHomePhone otherFacsimileTelephoneNumber
		otherIpPhone otherMobile otherPager postOfficeBox url`},
	{t: canopy.String, on: users, names: `userPrincipalName onPremisesUserPrincipalName usageLocation userType
		preferredDataLocation msRtcSipApplicationOptions msRtcSipDeploymentLocator
		msRtcSipLine msRtcSipOwnerUrn msRtcSipPrimaryUserAddress msExchArchiveName msExchImmutableId
		msExchResourceDisplay msExchTeamMailboxSharePointUrl msExchLitigationHoldOwner costCenter division`},
	{t: canopy.String, on: groups, names: `msExchLitigationHoldOwner`},
	{t: canopy.String, on: users, multi: true, names: `msExchResourceMetadata msExchResourceSearchProperties
		msExchUserHoldPolicies msExchTeamMailboxSharePointLinkedBy msExchAuditAdmin msExchAuditDelegate
		msExchAuditDelegateAdmin msExchAuditOwner certificateUserIds`},
	{t: canopy.Integer, on: all, names: `msExchRecipientDisplayType msExchRecipientTypeDetails msExchModerationFlags
		msDsHabSeniorityIndex`},
	{t: canopy.Integer, on: people, names: `countryCode`},
	{t: canopy.Integer, on: users, names: `msExchRemoteRecipientType msExchElcMailboxFlags msExchResourceCapacity
		msExchMailboxAuditLogAgeLimit msRtcSipOptionFlags`},
	{t: canopy.Boolean, on: all, names: `msExchHideFromAddressLists msExchEnableModeration msExchRequireAuthToSendTo`},
	{t: canopy.Boolean, on: users, names: `accountEnabled msExchBypassAudit msExchMailboxAuditEnable msRtcSipUserEnabled`},
	{t: canopy.Boolean, on: groups, names: `securityEnabled mailEnabled hideDLMembership oOFReplyToOriginator
		reportToOriginator reportToOwner msOrgIsOrganizational`},
	{t: canopy.Time, on: users, names: `msExchElcExpirySuspensionEnd msExchElcExpirySuspensionStart
		msExchTeamMailboxExpiration employeeLeaveDateTime`},
	{t: canopy.Time, on: users | groups, names: `msExchLitigationHoldDate`},
	{t: canopy.Binary, on: people, names: `thumbnailPhoto msExchBlockedSendersHash msExchSafeRecipientsHash
		msExchSafeSendersHash`},
	{t: canopy.Binary, on: people, multi: true, names: `userCertificate userSMIMECertificate`},
	{t: canopy.Binary, on: users, names: `msExchArchiveGuid msExchMailboxGuid`},
	{t: canopy.String, on: users | groups, loose: true, names: `onPremiseSecurityIdentifier`},
	{t: canopy.String, on: users, loose: true, names: `lastPasswordChangeTimestamp`},
	{t: canopy.Reference, on: groups, multi: true, names: `member msExchCoManagedByLink`},
	{t: canopy.Reference, on: groups, names: `managedBy`},
	{t: canopy.Reference, on: people, names: `manager assistant`},
	{t: canopy.Reference, on: users, names: `altRecipient`},
	{t: canopy.Reference, on: users, multi: true, names: `msExchDelegateListLink msExchTeamMailboxOwners`},
	{t: canopy.Reference, on: all, multi: true, names: `authOrig unauthOrig dLMemRejectPerms dLMemSubmitPerms
		publicDelegates msExchModeratedByLink msExchBypassModerationLink`},
	{t: canopy.String, on: all, readOnly: true, names: `cloudAnchor cloudSourceAnchor cloudAlias cloudMail cloudLegacyExchangeDN`},
	{t: canopy.String, on: users, readOnly: true, names: `cloudUserPrincipalName cloudInitialAddress cloudUnmatched`},
	{t: canopy.String, on: all, multi: true, readOnly: true, names: `cloudProxyAddresses cloudProvisioningErrors`},
	{t: canopy.Boolean, on: all, readOnly: true, names: `blockOnPremisesSync cloudMastered`},
	{t: canopy.Boolean, on: users, readOnly: true, names: `isExchangeCloudManaged`},
	// what only the cloud's own callers set
	{t: canopy.String, on: users, readOnly: true, names: `passwordPolicies ageGroup consentProvidedForMinor creationType
		passwordForced legalAgeGroupClassification`},
	{t: canopy.String, on: users, multi: true, readOnly: true, names: `otherMails`},
	{t: canopy.Time, on: users, readOnly: true, names: `employeeHireDate lastPasswordChange sessionsValidFrom`},
	{t: canopy.String, on: groups, readOnly: true, names: `visibility classification membershipRule
		membershipRuleProcessingState theme uniqueName`},
	{t: canopy.String, on: groups, multi: true, readOnly: true, names: `groupTypes resourceBehaviorOptions
		resourceProvisioningOptions`},
	{t: canopy.Boolean, on: groups, readOnly: true, names: `isAssignableToRole`},
	{t: canopy.Reference, on: groups, multi: true, readOnly: true, names: `owner`},
	{t: canopy.Reference, on: users, multi: true, readOnly: true, names: `sponsor`},
})

type schemaRow struct {
	t               canopy.Type
	on              classes
	multi           bool
	readOnly, loose bool
	names           string
}

func makeSchema(rows []schemaRow) map[canopy.Attr]attribute {
	m := map[canopy.Attr]attribute{}
	for _, r := range rows {
		for _, n := range strings.Fields(r.names) {
			a := attribute{AttrType: canopy.AttrType{Type: r.t, Multi: r.multi}, on: r.on | m[canopy.Attr(n)].on,
				readOnly: r.readOnly, loose: r.loose}
			m[canopy.Attr(n)] = a
		}
	}
	return m
}

// extension is the form of a directory extension's name.
var extension = regexp.MustCompile(`^extension_[0-9a-fA-F]{32}_[A-Za-z][A-Za-z0-9_]{0,80}$`)

// attributeOf finds an attribute of a class. Directory extensions take any type and any number of values.
func attributeOf(c canopy.Class, name canopy.Attr) (attribute, bool) {
	a, ok := schema[name]
	if !ok && classesOf(c)&(users|groups) != 0 && extension.MatchString(string(name)) {
		return attribute{AttrType: canopy.AttrType{Type: canopy.String, Multi: true}, on: users | groups, loose: true}, true
	}
	return a, ok && a.on&classesOf(c) != 0
}

// isLink tells whether an attribute of a class names other objects.
func isLink(c canopy.Class, name canopy.Attr) bool {
	a, ok := attributeOf(c, name)
	return ok && a.Type == canopy.Reference
}

// Takes tells whether the native door takes values of an attribute on an object of a class, directory extensions too.
func Takes(class canopy.Class, name canopy.Attr) bool {
	a, ok := attributeOf(class, name)
	return ok && !a.readOnly
}
