package check

import (
	"slices"

	"github.com/canopy-sync/canopy"
)

// The attributes that are looked at, as a forest's schema spells them.
const (
	attrCN          canopy.Attr = "cn"
	attrGivenName   canopy.Attr = "givenName"
	attrSurname     canopy.Attr = "sn"
	attrAlias       canopy.Attr = "mailNickname"
	attrAccount     canopy.Attr = "sAMAccountName"
	attrTarget      canopy.Attr = "targetAddress"
	attrGroupType   canopy.Attr = "groupType"
	attrCritical    canopy.Attr = "isCriticalSystemObject"
	attrHidden      canopy.Attr = "msExchHideFromAddressLists"
	attrDetails     canopy.Attr = "msExchRecipientTypeDetails"
	attrMailboxGUID canopy.Attr = "msExchMailboxGuid"
	attrHomeMDB     canopy.Attr = "homeMDB"
	attrRemoteType  canopy.Attr = "msExchRemoteRecipientType"
	attrDisplayType canopy.Attr = "msExchRecipientDisplayType"
)

// Attrs are the attributes that the checks look at.
func Attrs() []canopy.Attr {
	return []canopy.Attr{attrCN, canopy.AttrDisplayName, attrGivenName, attrSurname, canopy.AttrMail, attrAlias, canopy.AttrAddresses, attrAccount, attrTarget,
		canopy.AttrUPN, attrGroupType, attrCritical, attrHidden, attrDetails, attrMailboxGUID, attrHomeMDB, attrRemoteType, attrDisplayType}
}

// Rule is one kind of finding. Its id is the finding's code, and never changes its meaning.
type Rule struct {
	ID       string
	Severity canopy.Severity // the usual one; where it may be another, Text says so
	Attr     canopy.Attr     // "": several
	Text     string          // what is wrong
	Next     string          // what to do
	Fix      string          // the correction that is offered; "" none
}

// The rules' ids.
const (
	NameBlank       = "name-blank"
	NameLength      = "name-length"
	NameSpace       = "name-space"
	GivenLength     = "given-name-length"
	MailLength      = "mail-length"
	MailCharacter   = "mail-character"
	MailFormat      = "mail-format"
	MailDuplicate   = "mail-duplicate"
	AliasLength     = "alias-length"
	AliasPeriod     = "alias-period"
	AliasCharacter  = "alias-character"
	AliasBlank      = "alias-blank"
	AliasDuplicate  = "alias-duplicate"
	AddressPrefix   = "address-prefix"
	AddressLength   = "address-length"
	AddressColon    = "address-colon"
	AddressChar     = "address-character"
	AddressFormat   = "address-format"
	AddressPrimary  = "address-primary"
	AddressMany     = "address-many"
	AddressDup      = "address-duplicate"
	AccountLength   = "account-length"
	AccountChar     = "account-character"
	AccountDup      = "account-duplicate"
	TargetLength    = "target-length"
	TargetColon     = "target-colon"
	TargetChar      = "target-character"
	TargetFormat    = "target-format"
	TargetBlank     = "target-blank"
	TargetDup       = "target-duplicate"
	UPNLength       = "upn-length"
	UPNCharacter    = "upn-character"
	UPNFormat       = "upn-format"
	UPNBlank        = "upn-blank"
	UPNDuplicate    = "upn-duplicate"
	DomainPrivate   = "domain-private"
	DuplicateAcross = "duplicate-across"
	TenantDuplicate = "tenant-duplicate"
	CloudSignIn     = "cloud-sign-in"
	CloudDropped    = "cloud-address-dropped"
	CloudPrimary    = "cloud-primary"
)

const (
	fixRemoveChars = "the value without them"
	fixCut         = "the value, cut to that length"
)

// rules in the order in which documents list them.
var rules = []Rule{
	{NameBlank, canopy.Warning, canopy.AttrDisplayName, "there is no display name", "give it one", "the object's cn"},
	{NameLength, canopy.Severe, canopy.AttrDisplayName, "it has more than 256 characters", "shorten it", fixCut},
	{NameSpace, canopy.Info, canopy.AttrDisplayName, "it begins or ends with a space", "take the space away", "the value without it"},
	{GivenLength, canopy.Severe, attrGivenName, "it has more than 64 characters", "shorten it", fixCut},

	{MailLength, canopy.Severe, canopy.AttrMail, "it has more than 256 characters", "choose a shorter address", ""},
	{MailCharacter, canopy.Severe, canopy.AttrMail, "it has a space or one of < > ( ) ; : , [ ] \" in it, or a character that is not ASCII", "correct it", fixRemoveChars + ", unless they are letters"},
	{MailFormat, canopy.Severe, canopy.AttrMail, "it is not of the form name@domain", "correct it", ""},
	{MailDuplicate, canopy.Severe, canopy.AttrMail, "another object has the same mail address (a warning over two forests)", "let only one of them have it, or join them if they are the same person", ""},

	{AliasLength, canopy.Severe, attrAlias, "it has more than 64 characters", "shorten it", fixCut},
	{AliasPeriod, canopy.Severe, attrAlias, "it begins with a full stop (a warning where it ends with one)", "take the full stop away", "the value without it"},
	{AliasCharacter, canopy.Warning, attrAlias, "it has a character that an alias cannot have", "correct it", fixRemoveChars + ", unless they are letters"},
	{AliasBlank, canopy.Info, attrAlias, "a contact with an address has no alias", "give it one", "given name and surname, or the cn"},
	{AliasDuplicate, canopy.Warning, attrAlias, "another object has the same alias: one of the two gets digits in the cloud", "let only one of them have it", ""},

	{AddressPrefix, canopy.Severe, canopy.AttrAddresses, "it has no prefix such as smtp:", "write the prefix before it", "smtp: before it, where it is an address"},
	{AddressLength, canopy.Severe, canopy.AttrAddresses, "it has more than 256 characters", "choose a shorter one, or remove it", ""},
	{AddressColon, canopy.Severe, canopy.AttrAddresses, "there is a second colon after the prefix", "take it away", "the value without it"},
	{AddressChar, canopy.Severe, canopy.AttrAddresses, "it has a character that an address cannot have, such as a space: the cloud drops the address without a word", "correct it, or remove it", fixRemoveChars + ", unless they are letters; removal, where the object has that address already"},
	{AddressFormat, canopy.Severe, canopy.AttrAddresses, "it is not of the form name@domain", "correct it, or remove it", ""},
	{AddressPrimary, canopy.Warning, canopy.AttrAddresses, "there is more than one primary address of its kind", "make all but one secondary", "all but the one that mail names become secondary"},
	{AddressMany, canopy.Warning, canopy.AttrAddresses, "there are more than 300 addresses: the object may become too large for the cloud", "remove what is not needed", ""},
	{AddressDup, canopy.Severe, canopy.AttrAddresses, "another object has the same address (a warning over two forests)", "let only one of them have it, or join them if they are the same person",
		"removal, where it is secondary and the other object has the mailbox, has it as its primary address, or comes first"},

	{AccountLength, canopy.Warning, attrAccount, "it has more than 20 characters (256 for a group)", "shorten it", ""},
	{AccountChar, canopy.Warning, attrAccount, "it has one of [ ] \\ \" | , / : < > + = ; ? * in it", "rename the account", fixRemoveChars},
	{AccountDup, canopy.Severe, attrAccount, "another object of the forest has the same account name, and one of them has no userPrincipalName", "give both a userPrincipalName, or rename one", ""},

	{TargetLength, canopy.Severe, attrTarget, "it has more than 256 characters", "choose a shorter address", ""},
	{TargetColon, canopy.Severe, attrTarget, "there is a second colon after the prefix", "take it away", "the value without it"},
	{TargetChar, canopy.Severe, attrTarget, "it has a character that an address cannot have", "correct it", fixRemoveChars + ", unless they are letters"},
	{TargetFormat, canopy.Severe, attrTarget, "it is not of the form SMTP:name@domain", "correct it", "SMTP: before it, where it is an address"},
	{TargetBlank, canopy.Info, attrTarget, "a contact with a mail address has no target address", "say where its mail goes", "SMTP: and its mail address"},
	{TargetDup, canopy.Warning, attrTarget, "another object has the same target address", "let only one of them have it", ""},

	{UPNLength, canopy.Severe, canopy.AttrUPN, "it has more than 113 characters, 64 before the @ or 48 after it", "choose a shorter one", ""},
	{UPNCharacter, canopy.Severe, canopy.AttrUPN, "it has a character that a sign-in name cannot have", "correct it", fixRemoveChars + ", unless they are letters"},
	{UPNFormat, canopy.Severe, canopy.AttrUPN, "it is not of the form name@domain, or what is before the @ ends with a full stop", "correct it", "the value without that full stop"},
	{UPNBlank, canopy.Info, canopy.AttrUPN, "a user has none: the account name is taken", "give the user one", ""},
	{UPNDuplicate, canopy.Severe, canopy.AttrUPN, "another object has the same sign-in name", "let only one of them have it, or join them if they are the same person", ""},

	{DomainPrivate, canopy.Warning, "", "its domain is none of the Internet's", "use one that is; for people one that the tenant has verified", ""},
	{DuplicateAcross, canopy.Severe, "", "another object has the same address in another attribute (a warning over two forests, and where one of the two is a sign-in name)",
		"let only one of them have it, or join them if they are the same person", "as for " + AddressDup},
	{TenantDuplicate, canopy.Warning, "", "an object of the cloud that is joined to nothing has the same value (for information where it would be taken over)",
		"canopy match report says whether the two can be joined", ""},

	{CloudSignIn, canopy.Warning, canopy.AttrUPN, "the cloud makes another sign-in name of it", "verify its domain in the tenant, or change the name", ""},
	{CloudDropped, canopy.Info, canopy.AttrAddresses, "the cloud drops the address for its kind or domain (a warning where its domain is not verified)", "verify its domain in the tenant, or remove it", ""},
	{CloudPrimary, canopy.Warning, "", "the cloud takes another primary address than the forest", "make mail and the primary address the same, on a verified domain", ""},
}

// Rules are all rules, in order.
func Rules() []Rule { return slices.Clone(rules) }

// ruleOf finds a rule by its id.
func ruleOf(id string) *Rule {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	return &rules[i]
}
