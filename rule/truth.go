package rule

import (
	"slices"

	"github.com/canopy-sync/canopy"
)

// Truth is a condition of a scope, as one object meets it.
type Truth struct {
	Condition string
	Holds     bool
	Values    canopy.Values // of its attribute
	Err       error
}

// Truths are all conditions of the rule's scope for one object, group by group.
func (r *Rule) Truths(o *Object) [][]Truth {
	out := make([][]Truth, len(r.Scope))
	for i, group := range r.Scope {
		for j := range group {
			c := &group[j]
			t := Truth{Condition: c.text, Values: o.Attrs[c.Attr]}
			switch c.Attr {
			case attrDN:
				t.Values = canopy.Texts(o.DN)
			case attrRDN:
				t.Values = canopy.Texts(firstComponent(o.DN))
			default:
			}
			t.Holds, t.Err = c.holds(o)
			out[i] = append(out[i], t)
		}
	}
	return out
}

// NotFor says why the rule is not for objects of a class, "" when it is.
func (r *Rule) NotFor(class canopy.Class) string {
	if slices.Contains(r.Source, class) || slices.Contains(r.Source, "*") {
		return ""
	}
	return "the rule is for " + classes(r.Source) + ", not for " + string(class)
}
