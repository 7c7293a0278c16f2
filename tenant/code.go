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
	CodeBusy           = "ServiceBusy"
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
	}
	return &canopy.Error{Kind: kind, Code: r.code, Object: object, Attr: r.attr, Other: r.other, Text: r.text, Next: next}
}
