package tenant

import (
	"fmt"

	"github.com/canopy-sync/canopy"
)

// The codes of refusals. Those that the real service has carry its names.
const (
	CodeUnique         = "AttributeValueMustBeUnique"
	CodeSoftMatch      = "InvalidSoftMatch"
	CodeHardMatch      = "InvalidHardMatch"
	CodeTypeMismatch   = "ObjectTypeMismatch"
	CodeAdminRole      = "Existing Admin Role Conflict"
	CodeData           = "DataValidationFailed"
	CodeIdentity       = "IdentityDataValidationFailed"
	CodeTooLong        = "ExceededAllowedLength"
	CodeLarge          = "LargeObject"
	CodeCloudOnly      = "DeletingCloudOnlyObjectNotAllowed"
	CodeCloudOnlyWrite = "ChangingCloudOnlyObjectNotAllowed"
	CodeUnknownAttr    = "UnknownAttribute"
	CodeReadOnly       = "ReadOnlyAttribute"
	CodeAnchorMissing  = "SourceAnchorMissing"
	CodeAnchorChanged  = "SourceAnchorChanged"
	CodeCompare        = "ValueChangedMeanwhile"
	CodeOperation      = "OperationNotSupported"
	CodeNotFound       = "ObjectNotFound"
	CodeLinkTarget     = "ReferencedObjectNotFound"
	CodeLinkType       = "ReferencedObjectTypeNotAllowed"
	CodeSynced         = "OnPremisesMasteredObject"
	CodeExchange       = "ExchangeAttributesCloudManaged"
	CodeBusy           = "ServiceBusy"
	CodeFederated      = "FederatedDomainChangeError"
	CodeAccess         = "AccessDenied"

	// of licences
	CodeCount      = "CountViolation"
	CodeExclusive  = "MutuallyExclusiveViolation"
	CodeDependency = "DependencyViolation"
	CodeLocation   = "ProhibitedInUsageLocationViolation"
	CodeUniqueness = "UniquenessViolation"
	CodeOther      = "Other" // another product of the same group could not be given
	CodeNoSKU      = "SkuNotFound"
	CodeNoLicence  = "LicenceNotAssigned"
	CodeLicensed   = "GroupHasLicences"
)

// refusal is an answer of the service to one export that it does not carry out.
type refusal struct {
	kind canopy.ResultKind
	code string
	attr canopy.Attr
	// other names the object in the way, "" when there is none
	other string
	text  string
}

func (r *refusal) Error() string { return r.code + ": " + r.text }

func refuse(code string, attr canopy.Attr, format string, args ...any) *refusal {
	return &refusal{kind: canopy.Refused, code: code, attr: attr, text: fmt.Sprintf(format, args...)}
}

// asError is the refusal for a caller of the administrators' door.
func (r *refusal) asError(object string) error {
	kind := canopy.Invalid
	next := ""
	switch r.code {
	case CodeUnique:
		kind, next = canopy.Conflict, "take the value from the other object first, or choose another one"
	case CodeNotFound, CodeLinkTarget:
		kind = canopy.NotFound
	case CodeSynced:
		kind, next = canopy.Forbidden, "change the object in the forest that it is synchronised from"
	case CodeAuthority, CodeSyncWait, CodeDomain:
		kind = canopy.Forbidden
	case CodeNotEmpty:
		kind, next = canopy.Conflict, "let go what it holds with --replace, or name another state directory with --dir"
	case CodeCount:
		kind, next = canopy.Conflict, "take the licence from somebody else, or buy more units: canopy tenant licence units SKU NUMBER"
	case CodeExclusive:
		kind, next = canopy.Conflict, "take the other licence away first, or switch one of the two service plans off with --without"
	case CodeDependency:
		kind, next = canopy.Conflict, "keep or assign the licence that has the service plan, or switch the dependent plan off with --without"
	case CodeLocation:
		next = "set the usage location, for instance: canopy tenant user set USER --usage-location AT"
	case CodeUniqueness:
		kind, next = canopy.Conflict, "change the address of one of the two where it is mastered, then assign the licence again"
	case CodeNoSKU:
		kind, next = canopy.NotFound, "canopy tenant licence list shows the products"
	case CodeNoLicence:
		kind, next = canopy.NotFound, "canopy tenant user get USER shows the licences; what a group gives goes with the membership"
	case CodeLicensed:
		kind, next = canopy.Forbidden, "take the group's licences away first: canopy tenant licence remove GROUP SKU"
	}
	return &canopy.Error{Kind: kind, Code: r.code, Object: object, Attr: r.attr, Other: r.other, Text: r.text, Next: next}
}
