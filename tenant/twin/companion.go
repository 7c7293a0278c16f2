package twin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// line is a line of the companion: its head, what is otherwise with one object than Graph's JSON of it says, or a mailbox.
type line struct {
	head
	supplement
	Mailbox *tenant.WholeMailbox `json:"mailbox"`
}

// mailboxLine is a mailbox's.
type mailboxLine struct {
	Mailbox *tenant.WholeMailbox `json:"mailbox"`
}

// head is the first line of a companion that an export wrote.
type head struct {
	Version int `json:"canopyCompanion"`
	// Complete says that what is not in the companion is as Graph says: nothing of Exchange is derived.
	Complete bool                `json:"complete"`
	Tenant   *tenant.WholeTenant `json:"tenant"`
}

const companionVersion = 1

// supplement is what is otherwise with one object. What is nil is as it is derived.
type supplement struct {
	ID       canopy.Anchor          `json:"id"`
	Number   int64                  `json:"number,omitempty"`
	Anchor   *string                `json:"sourceAnchor,omitempty"`
	Master   tenant.Master          `json:"master,omitempty"`
	Made     *time.Time             `json:"made,omitempty"`
	Changed  *time.Time             `json:"changed,omitempty"`
	Deleted  *time.Time             `json:"deleted,omitempty"`
	Own      map[canopy.Attr]values `json:"own,omitempty"` // an empty list is none
	Kept     map[canopy.Attr]values `json:"kept,omitempty"`
	Cloud    map[canopy.Attr]values `json:"cloud,omitempty"`
	Roles    *[]string              `json:"roles,omitempty"`
	Licences *[]tenant.WholeLicence `json:"licences,omitempty"`
	Links    []tenant.WholeLink     `json:"links,omitempty"` // beside the usual ones, or instead of them
	Exchange *tenant.Recipient      `json:"recipient,omitempty"`
	Forward  *tenant.Forward        `json:"forward,omitempty"`
	Move     *tenant.Move           `json:"move,omitempty"`
	Owed     *time.Time             `json:"owed,omitempty"`
}

// differ gives what is otherwise with an object than what was derived of it, nil when nothing is. numbered is the number that
// its place gives it.
func differ(derived, w *tenant.Whole, numbered int64) *supplement {
	s := &supplement{ID: w.ID, Own: differAttrs(derived.Own, w.Own), Kept: differAttrs(derived.Kept, w.Kept), Cloud: differAttrs(derived.Cloud, w.Cloud),
		Links: w.Links, Exchange: w.Recipient, Forward: w.Forward, Move: w.Move}
	if w.Number != numbered {
		s.Number = w.Number
	}
	if w.Anchor != derived.Anchor {
		s.Anchor = &w.Anchor
	}
	if w.Master != derived.Master {
		s.Master = w.Master
	}
	for _, t := range []struct {
		derived, is time.Time
		to          **time.Time
	}{{derived.Made, w.Made, &s.Made}, {derived.Changed, w.Changed, &s.Changed}, {derived.Deleted, w.Deleted, &s.Deleted}, {time.Time{}, w.Owed, &s.Owed}} {
		if !t.derived.Equal(t.is) {
			*t.to = &t.is
		}
	}
	if !slices.Equal(derived.Roles, w.Roles) {
		s.Roles = &w.Roles
	}
	if !slices.EqualFunc(derived.Licences, w.Licences, sameLicence) {
		s.Licences = &w.Licences
	}
	if text, err := json.Marshal(s); err == nil && string(text) == `{"id":"`+string(w.ID)+`"}` {
		return nil
	}
	return s
}

func sameLicence(a, b tenant.WholeLicence) bool {
	return a.SKU == b.SKU && a.Group == b.Group && a.State == b.State && a.Since.Equal(b.Since) && slices.Equal(a.Off, b.Off)
}

func differAttrs(derived, is canopy.Attrs) map[canopy.Attr]values {
	out := map[canopy.Attr]values{}
	for name, v := range is {
		if !identical(derived[name], v) {
			out[name] = values(v)
		}
	}
	for name, v := range derived {
		if len(v) > 0 && len(is[name]) == 0 {
			out[name] = values{}
		}
	}
	return out
}

// identical tells whether values are the same in type and order too.
func identical(a, b canopy.Values) bool {
	return slices.EqualFunc(a, b, func(v, w canopy.Value) bool {
		return v.Type() == w.Type() && v.Num() == w.Num() && string(v.Octets()) == string(w.Octets())
	})
}

// apply lays over what was derived what is otherwise. Links are not touched.
func (s *supplement) apply(w *tenant.Whole) {
	applyAttrs(w.Own, s.Own)
	applyAttrs(w.Kept, s.Kept)
	applyAttrs(w.Cloud, s.Cloud)
	if s.Anchor != nil {
		w.Anchor = *s.Anchor
	}
	if s.Master != "" {
		w.Master = s.Master
	}
	for _, t := range []struct{ from, to *time.Time }{{s.Made, &w.Made}, {s.Changed, &w.Changed}, {s.Deleted, &w.Deleted}, {s.Owed, &w.Owed}} {
		if t.from != nil {
			*t.to = *t.from
		}
	}
	if s.Roles != nil {
		w.Roles = *s.Roles
	}
	if s.Licences != nil {
		w.Licences = *s.Licences
	}
	w.Recipient, w.Forward, w.Move = s.Exchange, s.Forward, s.Move
}

func applyAttrs(to canopy.Attrs, from map[canopy.Attr]values) {
	for name, v := range from {
		if len(v) == 0 {
			delete(to, name)
		} else {
			to[name] = canopy.Values(v)
		}
	}
}

// values are an attribute's values with their types: text, numbers and truths as JSON has them, others as an object with one
// field that names the type.
type values canopy.Values

const (
	typeTime      = "time"
	typeBinary    = "base64"
	typeReference = "object"
)

// MarshalJSON writes the values with their types.
func (v values) MarshalJSON() ([]byte, error) {
	list := make([]any, 0, len(v))
	for _, x := range v {
		switch x.Type() {
		case canopy.String:
			list = append(list, x.Str())
		case canopy.Integer:
			list = append(list, x.Num())
		case canopy.Boolean:
			list = append(list, x.True())
		case canopy.Time:
			list = append(list, map[string]string{typeTime: x.Moment().Format(time.RFC3339Nano)})
		case canopy.Binary:
			list = append(list, map[string]string{typeBinary: base64.StdEncoding.EncodeToString(x.Octets())})
		case canopy.Reference:
			list = append(list, map[string]string{typeReference: x.Str()})
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *values) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*v = values{}
	for _, raw := range list {
		x, err := readValue(raw)
		if err != nil {
			return err
		}
		*v = append(*v, x)
	}
	return nil
}

func readValue(raw json.RawMessage) (canopy.Value, error) {
	var s string
	var n int64
	var b bool
	switch {
	case json.Unmarshal(raw, &s) == nil && raw[0] == '"':
		return canopy.Text(s), nil
	case json.Unmarshal(raw, &b) == nil && string(raw) != "null":
		return canopy.Bool(b), nil
	case json.Unmarshal(raw, &n) == nil && string(raw) != "null":
		return canopy.Int(n), nil
	}
	var typed map[string]string
	if err := json.Unmarshal(raw, &typed); err != nil || len(typed) != 1 {
		return canopy.Value{}, fmt.Errorf("%.60s is no value", raw)
	}
	if text, ok := typed[typeTime]; ok {
		t, err := time.Parse(time.RFC3339Nano, text)
		return canopy.Instant(t), err
	}
	if text, ok := typed[typeBinary]; ok {
		octets, err := base64.StdEncoding.DecodeString(text)
		return canopy.Bytes(octets), err
	}
	if text, ok := typed[typeReference]; ok {
		return canopy.To(canopy.Anchor(text)), nil
	}
	return canopy.Value{}, fmt.Errorf("%.60s is no value", raw)
}

// readLine reads a line of the companion.
func readLine(text []byte) (*line, error) {
	l := &line{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, misfit(err)
	}
	switch {
	case l.Version > companionVersion:
		return nil, &canopy.Error{Kind: canopy.Newer, Text: fmt.Sprintf("the companion has form %d, this version knows up to %d", l.Version, companionVersion),
			Next: "use the version that wrote it, or a newer one"}
	case l.Mailbox == nil && l.Version == 0 && l.ID == "":
		return nil, &canopy.Error{Kind: canopy.Invalid, Text: "the line is neither about an object (id) nor a mailbox", Err: errors.New("no id")}
	}
	l.ID = canopy.Anchor(strings.ToLower(string(l.ID)))
	return l, nil
}
