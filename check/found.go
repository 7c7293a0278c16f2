package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Found is a finding with the object that it is about, and the correction that is offered.
type Found struct {
	canopy.Finding
	Connector canopy.ConnectorID `json:"connector,omitempty"`
	Class     canopy.Class       `json:"class,omitempty"`
	Fix       *Fix               `json:"fix,omitempty"`

	at int32 // the object's number in the checker
}

// Fix is a correction of one value. Applied with all others that are offered it leaves no finding that it is offered for,
// and makes none.
type Fix struct {
	Connector canopy.ConnectorID `json:"-"`
	DN        string             `json:"-"`
	Class     canopy.Class       `json:"-"`
	Attr      canopy.Attr        `json:"attr"`
	Old       string             `json:"old,omitempty"` // "": there was none
	New       string             `json:"new,omitempty"` // "": the value is removed
	Rules     []string           `json:"rules"`         // whose findings it ends

	off bool // it turned out to make a finding
	at  int32
}

// found makes the finding of a rule about a value.
func found(o *Object, rule string, attr canopy.Attr, value string) *Found {
	r := ruleOf(rule)
	f := &Found{Connector: o.Connector, Class: o.Class, Finding: canopy.Finding{Code: rule, Severity: r.Severity, Object: o.name(), Attr: attr, Value: value,
		Next: r.Next}}
	f.Text = string(attr)
	if value != "" {
		f.Text += fmt.Sprintf(" %q", shortened(value))
	}
	f.Text += ": " + plain(r.Text)
	return f
}

// plain is a rule's text without what stands in brackets about severities.
func plain(text string) string {
	if at := strings.Index(text, " (a warning"); at >= 0 {
		end := strings.IndexByte(text[at:], ')')
		return text[:at] + text[at+end+1:]
	}
	if at := strings.Index(text, " (for information"); at >= 0 {
		return text[:at]
	}
	return text
}

func shortened(s string) string {
	if longer(s, 100) {
		return string([]rune(s)[:100]) + "…"
	}
	return s
}

// key tells findings apart: two with the same key are one.
func (f *Found) key() string { return f.Code + "\x00" + string(f.Attr) + "\x00" + f.Value }

// order sorts findings the same way whatever the order of the objects was.
func order(a, b *Found) int {
	return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(canopy.Fold(a.Object), canopy.Fold(b.Object)), cmp.Compare(a.Object, b.Object),
		cmp.Compare(a.Attr, b.Attr), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Class, b.Class))
}

// apply is what attributes are after corrections.
func apply(attrs canopy.Attrs, fixes []*Fix) canopy.Attrs {
	out := attrs.Clone()
	if out == nil {
		out = canopy.Attrs{}
	}
	for _, f := range fixes {
		values := out[f.Attr]
		at := slices.IndexFunc(values, func(v canopy.Value) bool { return v.Str() == f.Old })
		switch {
		case f.Old == "":
			values = append(values, canopy.Text(f.New))
		case at < 0:
			continue
		case f.New == "":
			values = slices.Delete(values, at, at+1)
		default:
			values[at] = canopy.Text(f.New)
		}
		if out[f.Attr] = values; len(values) == 0 {
			delete(out, f.Attr)
		}
	}
	return out
}
