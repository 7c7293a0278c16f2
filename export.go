package canopy

// Op is what an export does to an object.
type Op uint8

// The operations.
const (
	Add Op = iota + 1
	Modify
	Move // rename or move; may carry Set as well
	Delete
)

var opNames = [...]string{"", "add", "modify", "move", "delete"}

func (o Op) String() string { return opNames[o] }

// Export is one write to one object of a target. Values not named stay as they are.
type Export struct {
	ID           ExportID `json:"id,omitempty"`
	Op           Op       `json:"op"`
	Class        Class    `json:"class"`
	SourceAnchor string   `json:"sourceAnchor,omitempty"`
	// Ref is the object in the target; on an Add only the DN may be set (a forest), or nothing (a tenant).
	Ref   Ref                 `json:"ref"`
	DN    string              `json:"dn,omitempty"` // a Move's new DN
	Set   Attrs               `json:"set,omitempty"`
	Clear []Attr              `json:"clear,omitempty"`
	Links map[Attr]LinkChange `json:"links,omitempty"`
	// Compare are the values that the target must still hold, or the export is refused; nil compares nothing.
	Compare Attrs `json:"compare,omitempty"`
}

// ResultKind is the target's answer to an export.
type ResultKind uint8

// The answers.
const (
	Done     ResultKind = iota // written
	Later                      // not now: try again
	Refused                    // the target will not have this: trying again without a change is useless
	Denied                     // the account may not
	NotThere                   // the object is gone from the target
)

var resultKinds = [...]string{"done", "later", "refused", "denied", "gone"}

func (k ResultKind) String() string { return resultKinds[k] }

// Result is a target's answer to one export.
type Result struct {
	Export ExportID   `json:"export"`
	Kind   ResultKind `json:"kind"`
	Code   string     `json:"code,omitempty"` // the target's own name of the error: AttributeValueMustBeUnique
	Text   string     `json:"text,omitempty"` // the target's words
	Anchor Anchor     `json:"anchor,omitempty"`
	DN     string     `json:"dn,omitempty"`
	// Match says how an Add met an object that was there: "anchor", "address", "upn", "restored"; "" when it was made.
	Match string `json:"match,omitempty"`
	// Failed are the links of the export that the target did not take, while the rest was done.
	Failed []FailedLink `json:"failed,omitempty"`
}

// FailedLink is a link that a target did not take.
type FailedLink struct {
	Attr Attr   `json:"attr"`
	Ref  Ref    `json:"ref"`
	Code string `json:"code"`
	Text string `json:"text,omitempty"`
}
