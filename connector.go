package canopy

import "context"

// Connector is one directory as the product sees it. All methods may be called from several goroutines; what they
// return shares no memory with the implementation. Errors are *Error where the other side's word is known, so that a
// caller can ask KindOf. Every implementation passes the suite in connectortest.
type Connector interface {
	// Describe tells the schema and the abilities. It may be called before every run and must be cheap after the first.
	Describe(ctx context.Context) (Description, error)
	// Read gives everything within the request's scope, or what changed since the request's cursor, in batches. It
	// calls each in order and from one goroutine, and stops with its error. When Read returns nil the last batch had
	// Done set and its cursor is good for the next Read. Any batch's cursor may be kept: reading on from it loses nothing.
	// A cursor that the directory no longer takes makes Read a full one, said by Batch.Full.
	Read(ctx context.Context, req ReadRequest, each func(Batch) error) error
	// Search gives single objects, complete, at once; none found is an empty answer, not an error.
	Search(ctx context.Context, req SearchRequest) ([]Change, error)
	// Write sends exports and gives a result for each, in the same order. An export that fails never stops the others.
	// Only when nothing at all can be written (no connection, no credentials) is there an error, and then no results.
	Write(ctx context.Context, exports []Export) ([]Result, error)
	// Check proves credentials, permissions and reachability, and says what is missing and how to mend it.
	Check(ctx context.Context) ([]Finding, error)
	// Watch calls changed after the directory announced a change, until ctx ends. Where Abilities.Watch is false it
	// returns an error of kind Unsupported at once.
	Watch(ctx context.Context, changed func()) error
}

// Description is what a connector tells of its directory.
type Description struct {
	Kind      string // "ad", "tenant"
	Name      string // the directory's own name, "contoso.lab"
	Schema    Schema
	Abilities Abilities
	// Values are named texts that expressions may use: Domain.FQDN, Domain.Netbios, Forest.FQDN.
	Values map[string]string
}

// Abilities are what a connector can do, as data: callers ask here and never by type.
type Abilities struct {
	Delta   bool   // Read with a cursor gives changes only
	Watch   bool   // Watch works
	Write   bool   // Write works and is switched on
	Target  bool   // objects may be provisioned to it
	Missing string // what this way of reading cannot see, for people; "" when it sees all
}

// Schema is the part of a directory's schema that the product knows. Keys of Attributes are in the schema's spelling.
type Schema struct {
	Classes    []Class
	Attributes map[Attr]AttrType
	// Exchange tells that the Exchange attributes exist.
	Exchange bool
}

// AttrType is the type of an attribute. A Reference attribute travels as links.
type AttrType struct {
	Type  Type
	Multi bool
}

// Scope says which objects are read. The zero Scope is everything.
type Scope struct {
	// Include and Exclude are containers by anchor; the nearest one above an object decides. With no Include all are.
	Include []Anchor
	Exclude []Anchor
	// Groups are groups by anchor: only their members, nested ones too, and the groups themselves are in scope.
	Groups []Anchor
}

// ReadRequest says what to read.
type ReadRequest struct {
	Cursor  []byte // nil: everything
	Scope   Scope
	Classes []Class // besides Container, which is always read
	Attrs   []Attr  // the attributes wanted, links included; DN, parent and anchor always come
}

// Batch is a part of a read.
type Batch struct {
	// Full says that the whole read is a complete image of the scope: what it does not show is not there.
	Full bool
	// Anew says that a complete image begins with this batch, after a part of another that broke off: what only that one
	// showed is not shown. It stands only with Full.
	Anew    bool
	Changes []Change
	Cursor  []byte
	Done    bool
	// Expected is the number of objects that the whole read will give, 0 when it is not known; for progress only.
	Expected int
}

// ChangeKind says what a Change tells.
type ChangeKind uint8

// The kinds of Change.
const (
	FullImage ChangeKind = iota // the whole object: attributes not named have no value, links not named have none
	Delta                       // only what changed
	Deleted                     // the object is gone from the directory
	LeftScope                   // the object is out of scope; nothing but its anchor is told
)

var changeKinds = [...]string{"full image", "delta", "deleted", "left scope"}

func (k ChangeKind) String() string { return changeKinds[k] }

// Change is what a directory tells of one object.
type Change struct {
	Kind   ChangeKind
	Class  Class // always set but for Deleted and LeftScope
	Anchor Anchor
	DN     string // "" in a Delta: not reported
	Parent Anchor // "" in a Delta: not reported
	Attrs  Attrs  // absent: not reported; present and empty: cleared
	Links  map[Attr]LinkChange
	// Failed says that the object could not be read whole; the rest of the change is then what could be read, and is
	// not to be applied.
	Failed *Error
}

// LinkChange is the difference of one link attribute. With Whole, Added is the complete list.
type LinkChange struct {
	Whole   bool  `json:"whole,omitempty"`
	Added   []Ref `json:"added,omitempty"`
	Removed []Ref `json:"removed,omitempty"`
}

// SearchRequest finds single objects. Exactly one of the first four is set.
type SearchRequest struct {
	Anchor   Anchor
	DN       string
	Name     string // UPN, mail address, also a secondary one, sAMAccountName or alias
	Children Anchor // the direct children of a container
	// Scope, Classes and Attrs are as in a ReadRequest. An object out of scope comes as LeftScope.
	Scope   Scope
	Classes []Class
	Attrs   []Attr
	Limit   int // 0: the connector's own
}
