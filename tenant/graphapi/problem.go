package graphapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// problem is an answer that refuses, in the real service's words.
type problem struct {
	status   int
	code     string
	message  string
	target   string
	details  []detail
	retry    int // seconds; 0: not said
	header   http.Header
	location string // where to go instead, "" for nowhere
}

type detail struct{ code, message, target string }

func (p *problem) Error() string { return p.code + ": " + p.message }

// The codes of the service.
const (
	codeBad         = "Request_BadRequest"
	codeQuery       = "Request_UnsupportedQuery"
	codeSyntax      = "BadRequest"
	codeNotFound    = "Request_ResourceNotFound"
	codeDenied      = "Authorization_RequestDenied"
	codeToken       = "InvalidAuthenticationToken"
	codePage        = "Directory_ExpiredPageToken"
	codeThrottled   = "TooManyRequests"
	codeConcurrency = "Directory_ConcurrencyViolation"
)

const (
	mastered   = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration."
	duplicates = "One or more added object references already exist for the following modified properties: '%s'."
)

func bad(format string, args ...any) *problem {
	return &problem{status: 400, code: codeBad, message: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *problem {
	return &problem{status: 400, code: codeQuery, message: fmt.Sprintf(format, args...)}
}

func missing(id string) *problem {
	return &problem{status: 404, code: codeNotFound,
		message: "Resource '" + id + "' does not exist or one of its queried reference-property objects are not present."}
}

func noSegment(name string) *problem {
	return &problem{status: 400, code: codeSyntax, message: "Resource not found for the segment '" + name + "'."}
}

func unreadable() *problem {
	return &problem{status: 400, code: codeSyntax, message: "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."}
}

func notAllowed() *problem {
	return &problem{status: 405, code: codeBad, message: "Specified HTTP method is not allowed for the request target."}
}

func notSupported() *problem {
	return &problem{status: 501, code: "NotImplemented", message: "This operation target is not yet supported."}
}

func denied() *problem {
	return &problem{status: 403, code: codeDenied, message: "Insufficient privileges to complete the operation."}
}

// advancedText is what the service says of a filter that wants the header.
const advancedText = "Operator '%s' is not supported because the required parameters might be missing. Try adding $count=true query parameter and " +
	"ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"

// filterProblem is why a resource refuses a filter.
func filterProblem(e *entity, err error) error {
	var syntax *odata.SyntaxError
	var unknown *odata.UnknownError
	var advanced *odata.AdvancedError
	var never *odata.UnsupportedError
	var mismatch *odata.MismatchError
	switch {
	case errors.As(err, &syntax):
		return &problem{status: 400, code: codeSyntax, message: "Invalid filter clause: " + syntax.Error() + "."}
	case errors.As(err, &unknown):
		return &problem{status: 400, code: codeSyntax,
			message: "Invalid filter clause: Could not find a property named '" + unknown.Name + "' on type 'microsoft.graph." + e.name + "'."}
	case errors.As(err, &advanced):
		return unsupported(advancedText, advanced.Op)
	case errors.As(err, &never):
		return unsupported("Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", never.Property, e.title)
	case errors.As(err, &mismatch):
		return bad("Invalid filter clause: the value does not fit the property '%s'.", mismatch.Property)
	}
	return err
}

// asProblem is an error as an answer; nil for one that is the server's own.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var e *canopy.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case tenant.CodeSynced:
		return bad("%s", mastered)
	case tenant.CodeUnique:
		name := graphName(e.Attr)
		text := "Another object with the same value for property " + name + " already exists."
		out := bad("%s", text)
		out.details = []detail{{"ObjectConflict", text, name}}
		if name == "proxyAddresses" {
			out.details = append(out.details, detail{"ConflictingObjects", e.Other, name})
		}
		return out
	case tenant.CodeNotFound:
		return missing(e.Object)
	case tenant.CodeLinkTarget:
		return missing(strings.Trim(strings.TrimPrefix(e.Text, "there is no object "), `"`))
	case tenant.CodeLinkThere:
		return bad(duplicates, graphName(e.Attr)+"s")
	case tenant.CodeLinkNot:
		return missing(strings.TrimSuffix(e.Text, " is not there"))
	case tenant.CodeLocation:
		return bad("License assignment cannot be done for user with invalid usage location.")
	case tenant.CodeNoLicence:
		return bad("User does not have a corresponding license.")
	case tenant.CodeAuthority, tenant.CodeSyncWait, tenant.CodeSyncOff, tenant.CodeCount, tenant.CodeExclusive, tenant.CodeDependency, tenant.CodeUniqueness, tenant.CodeNoSKU, tenant.CodeLicensed:
		return bad("%s", e.Text)
	case tenant.CodeData, tenant.CodeIdentity, tenant.CodeTooLong, tenant.CodeLarge, tenant.CodeLinkType, tenant.CodeUnknownAttr, tenant.CodeReadOnly,
		tenant.CodeOperation, tenant.CodeTypeMismatch:
		out := bad("Invalid value specified for property '%s' of resource.", graphName(e.Attr))
		out.details = []detail{{"InvalidValue", e.Text, graphName(e.Attr)}}
		return out
	}
	switch e.Kind {
	case canopy.NotFound:
		return missing(e.Object)
	case canopy.Conflict:
		return &problem{status: 409, code: codeConcurrency, message: e.Text, retry: 1}
	case canopy.Forbidden:
		return denied()
	default:
		return nil
	}
}

// graphName is an attribute by Graph's name.
func graphName(a canopy.Attr) string {
	for _, m := range []map[string]canopy.Attr{userAttrs, groupAttrs} {
		for name, attr := range m {
			if attr == a {
				return name
			}
		}
	}
	return string(a)
}

// body is the envelope of an error.
func (p *problem) body(date, request, client string) []byte {
	f := func(name string, v odata.Value) odata.Field { return odata.Field{Name: name, Value: v} }
	fields := []odata.Field{f("code", odata.Of(p.code)), f("message", odata.Value{Kind: odata.Text, Text: p.message})}
	if p.target != "" {
		fields = append(fields, f("target", odata.Of(p.target)))
	}
	if len(p.details) > 0 {
		list := odata.Value{Kind: odata.List}
		for _, d := range p.details {
			list.List = append(list.List, odata.OfObject(f("code", odata.Of(d.code)), f("message", odata.Value{Kind: odata.Text, Text: d.message}),
				f("target", odata.Of(d.target))))
		}
		fields = append(fields, f("details", list))
	}
	inner := odata.OfObject(f("date", odata.Of(date)), f("request-id", odata.Of(request)), f("client-request-id", odata.Of(client)))
	fields = append(fields, f("innerError", inner))
	return odata.OfObject(f("error", odata.OfObject(fields...))).AppendJSON(nil)
}
