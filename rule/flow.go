package rule

import (
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// Flow fills one attribute. Exactly one of From, Constant and Expression is set.
type Flow struct {
	To         canopy.Attr
	From       canopy.Attr
	Constant   *canopy.Value
	Expression string
	Trim       bool // white space at both ends of From's texts is taken off; what is then empty is no value
	Merge      Merge
	Once       bool             // only when the target's object is made
	Claim      canopy.ClaimKind // "": the values need not be unique
	// Held are further attributes of the target in which an object shows values that it has claimed.
	Held []canopy.Attr
	// Final: when this flow gives nothing, it gives AuthoritativeNull instead.
	Final bool
	// Link: From and To are link attributes, which travel as rows. Eval then looks at the number of links alone.
	Link bool

	Line int // in the rule's file

	rule     *Rule
	constant canopy.Values
	program  *expr.Program
	stops    bool // the expression is nothing but AuthoritativeNull
}

// Eval gives the flow's outcome for one object. For a Link flow it says who wins: Contributes, without values, when the
// object has links. An error names the object, the attribute and the rule.
func (f *Flow) Eval(o *Object) (Outcome, error) {
	var vs canopy.Values
	switch {
	case f.stops:
		return Outcome{Kind: AuthoritativeNull}, nil
	case f.Link && f.From != "":
		if o.LinkCounts[f.From] > 0 {
			return Outcome{Kind: Contributes}, nil
		}
	case f.program != nil:
		v, err := f.evaluated(o)
		if err != nil {
			return Outcome{}, f.failed(o, err)
		}
		switch v.Kind() {
		case expr.AuthoritativeNull:
			return Outcome{Kind: AuthoritativeNull}, nil
		case expr.IgnoreThisFlow:
			return Outcome{Kind: Ignore}, nil
		case expr.Null, expr.Text, expr.Number, expr.Truth, expr.Moment, expr.Octets, expr.Reference, expr.List:
		}
		if vs = f.own(o, v); vs == nil {
			vs = fromExpr(v)
		}
	case f.From == attrDN:
		vs = canopy.Texts(o.DN)
	case f.From != "":
		vs = o.Attrs[f.From]
		if f.Trim {
			vs = trimmed(vs)
		}
	default:
		vs = f.constant
	}
	switch {
	case len(vs) > 0:
		return Outcome{Kind: Contributes, Values: vs}, nil
	case f.Final:
		return Outcome{Kind: AuthoritativeNull}, nil
	}
	return Outcome{Kind: Nothing}, nil
}

// Program is the flow's expression, nil when it has none, or one that only says that there is no value.
func (f *Flow) Program() *expr.Program {
	if f.stops {
		return nil
	}
	return f.program
}

// own is the object's own slice when the expression gave an attribute as it is, nil otherwise: most do, and nothing is
// made for them.
func (f *Flow) own(o *Object, v expr.Value) canopy.Values {
	for _, u := range f.program.Uses() {
		vs := o.Attrs[canopy.Attr(u.Attr)]
		if len(vs) != 1 {
			continue
		}
		switch x := vs[0]; v.Kind() {
		case expr.Text:
			if v.Str() != "" && x.Type() == canopy.String && x.Str() == v.Str() {
				return vs
			}
		case expr.Number:
			if x.Type() == canopy.Integer && x.Num() == v.Num() {
				return vs
			}
		case expr.Null, expr.Truth, expr.Moment, expr.Octets, expr.Reference, expr.List, expr.AuthoritativeNull, expr.IgnoreThisFlow:
			return nil
		}
	}
	return nil
}

// evaluated is the value of the flow's expression.
func (f *Flow) evaluated(o *Object) (expr.Value, error) {
	if f.program.Asks() {
		return f.program.Eval(asking{(*env)(o), f.world(o)})
	}
	return f.program.Eval((*env)(o))
}

func (f *Flow) failed(o *Object, err error) error {
	e := &canopy.Error{Kind: canopy.Invalid, Object: o.DN, Attr: f.To, Text: "cannot be computed", Err: err,
		Next: "mend the object, or the flow to " + string(f.To)}
	if f.rule != nil {
		e.Other = f.rule.said()
	}
	return e
}

// trimmed are the values without white space at the ends of texts and without empty texts: the same slice when there is
// nothing to do.
func trimmed(vs canopy.Values) canopy.Values {
	for i, v := range vs {
		if v.Type() != canopy.String {
			continue
		}
		if s := strings.TrimSpace(v.Str()); s == "" || len(s) != len(v.Str()) {
			return trimmedCopy(vs, i)
		}
	}
	return vs
}

// trimmedCopy does the work from the first value that needs it.
func trimmedCopy(vs canopy.Values, from int) canopy.Values {
	out := make(canopy.Values, from, len(vs))
	copy(out, vs)
	for _, v := range vs[from:] {
		if v.Type() == canopy.String {
			s := strings.TrimSpace(v.Str())
			if s == "" {
				continue
			}
			v = canopy.Text(s)
		}
		out = append(out, v)
	}
	return out
}

func instant(micro int64) canopy.Value { return canopy.Instant(time.UnixMicro(micro)) }
