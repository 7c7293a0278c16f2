package rule

import (
	"fmt"
	"strings"
	"sync"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// Op is a scoping operator, by its name in rule files.
type Op string

// The operators. Text is compared without its case, unless the condition says otherwise. Of an attribute with several values one must meet EQUAL, CONTAINS
// and the like; none may for their negatives, which are true of an absent attribute. The ordering operators and
// ISBITSET are false for an absent one.
const (
	Equal              Op = "EQUAL"
	NotEqual           Op = "NOTEQUAL"
	LessThan           Op = "LESSTHAN"
	LessThanOrEqual    Op = "LESSTHAN_OR_EQUAL"
	GreaterThan        Op = "GREATERTHAN"
	GreaterThanOrEqual Op = "GREATERTHAN_OR_EQUAL"
	Contains           Op = "CONTAINS"
	NotContains        Op = "NOTCONTAINS"
	StartsWith         Op = "STARTSWITH"
	NotStartsWith      Op = "NOTSTARTSWITH"
	EndsWith           Op = "ENDSWITH"
	NotEndsWith        Op = "NOTENDSWITH"
	IsNull             Op = "ISNULL"
	IsNotNull          Op = "ISNOTNULL"
	IsIn               Op = "ISIN"
	IsNotIn            Op = "ISNOTIN"
	IsBitSet           Op = "ISBITSET" // any bit of the value
	IsBitNotSet        Op = "ISBITNOTSET"
	Matches            Op = "REGEXMATCH" // a regular expression of .NET's dialect meets a part of the value; case counts
	NotMatches         Op = "NOTREGEXMATCH"
	PartOf             Op = "ISPARTOF" // the value is a part of the condition's text
	NotPartOf          Op = "ISNOTPARTOF"
	IsMemberOf         Op = "ISMEMBEROF" // of the group with this DN, directly
	IsNotMemberOf      Op = "ISNOTMEMBEROF"
)

// positive is the operator that an operator negates; itself when it negates none.
var positive = map[Op]Op{Equal: Equal, NotEqual: Equal, LessThan: LessThan, LessThanOrEqual: LessThanOrEqual, GreaterThan: GreaterThan,
	GreaterThanOrEqual: GreaterThanOrEqual, Contains: Contains, NotContains: Contains, StartsWith: StartsWith, NotStartsWith: StartsWith,
	EndsWith: EndsWith, NotEndsWith: EndsWith, IsNotNull: IsNotNull, IsNull: IsNotNull, IsIn: IsIn, IsNotIn: IsIn, IsBitSet: IsBitSet,
	IsBitNotSet: IsBitSet, Matches: Matches, NotMatches: Matches, PartOf: PartOf, NotPartOf: PartOf, IsMemberOf: IsMemberOf, IsNotMemberOf: IsMemberOf}

// otherNames are further spellings of operators.
var otherNames = map[string]Op{"ISNOTBITSET": IsBitNotSet, "REGEX MATCH": Matches, "NOT REGEX MATCH": NotMatches}

// Condition is one comparison of a scoping filter.
type Condition struct {
	Attr   canopy.Attr // "dn" is the object's DN, "rdn" the first component of it
	Op     Op
	Values []string // none for ISNULL and ISNOTNULL, several for ISIN and ISNOTIN, else one
	// Because says for people what it means when the condition does not hold: a text, or "[attribute]": then the
	// object's value of that attribute says it.
	Because string
	// CaseSensitive: texts are compared as they are written.
	CaseSensitive bool `json:",omitempty"`

	op     Op
	negate bool
	wants  []comparand
	filled *sync.Map // []comparand by what the parameters of Values stand for; nil: Values name none
	text   string
}

// compile checks a condition and makes it ready; the answer says what is wrong with it, "" nothing.
func (c *Condition) compile() string {
	if op, ok := otherNames[string(c.Op)]; ok {
		c.Op = op
	}
	op, ok := positive[c.Op]
	if !ok {
		return fmt.Sprintf("there is no operator %s", c.Op)
	}
	c.op, c.negate = op, op != c.Op
	switch n := len(c.Values); {
	case op == IsNotNull && n > 0:
		return fmt.Sprintf("%s takes no value", c.Op)
	case op == IsIn && n == 0, op != IsNotNull && op != IsIn && n != 1:
		return fmt.Sprintf("%s takes one value, not %d", c.Op, n)
	}
	c.wants, c.filled = nil, nil
	switch {
	case len(c.params()) > 0:
		c.filled = &sync.Map{}
	default:
		var wrong string
		if c.wants, wrong = c.comparands(c.Values); wrong != "" {
			return wrong
		}
	}
	c.text = string(c.Attr) + " " + string(c.Op)
	if len(c.Values) > 0 {
		c.text += " " + strings.Join(c.Values, ", ")
	}
	if c.CaseSensitive && c.op != Matches {
		c.text += ", case included"
	}
	if c.Because != "" && !c.becauseOf() {
		c.text = c.Because + " (" + c.text + ")"
	}
	return ""
}

// comparands are values as they are compared; the text says what is wrong with one.
func (c *Condition) comparands(values []string) (out []comparand, wrong string) {
	for _, s := range values {
		if c.Attr == attrDN || c.op == IsMemberOf {
			s = tightDN(s)
		}
		w := comparandOf(s)
		switch {
		case c.op == IsBitSet && !w.isNum:
			return nil, fmt.Sprintf("%s takes a number, not %q", c.Op, s)
		case c.op != IsIn && c.op != Equal && c.op != IsBitSet && s == "":
			return nil, fmt.Sprintf("the value of %s is empty", c.Op)
		}
		if c.op == Matches {
			var err error
			if w.pattern, err = expr.NewPattern(s); err != nil {
				return nil, fmt.Sprintf("%q %s", s, err)
			}
		}
		out = append(out, w)
	}
	return out, ""
}

// wanted are the comparands for an object: those of its connector where the values name parameters.
func (c *Condition) wanted(o *Object) ([]comparand, error) {
	if c.filled == nil {
		return c.wants, nil
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		s, err := fill(v, o.Params)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.text, err)
		}
		values[i] = s
	}
	key := strings.Join(values, "\x00")
	if known, ok := c.filled.Load(key); ok {
		return known.([]comparand), nil // nothing else is stored
	}
	out, wrong := c.comparands(values)
	if wrong != "" {
		return nil, fmt.Errorf("%s: %s", c.text, wrong)
	}
	c.filled.Store(key, out)
	return out, nil
}

func (c *Condition) becauseOf() bool {
	return len(c.Because) > 2 && c.Because[0] == '[' && c.Because[len(c.Because)-1] == ']'
}

// holds tells whether the object meets the condition.
func (c *Condition) holds(o *Object) (bool, error) {
	if c.op == IsNotNull {
		return o.present(c.Attr) != c.negate, nil
	}
	wants, err := c.wanted(o)
	if err != nil {
		return false, err
	}
	met := false
	switch {
	case c.op == IsMemberOf:
		if o.Groups == nil {
			return false, fmt.Errorf("%s: the groups of an object are not known here", c.text)
		}
		for _, g := range o.Groups {
			met = met || canopy.Fold(tightDN(g)) == wants[0].fold
		}
	case c.Attr == attrDN:
		met, err = c.any(canopy.Text(tightDN(o.DN)), wants)
	case c.Attr == attrRDN:
		met, err = c.any(canopy.Text(firstComponent(o.DN)), wants)
	default:
		for _, v := range o.Attrs[c.Attr] {
			if met, err = c.any(v, wants); met || err != nil {
				break
			}
		}
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", c.text, err)
	}
	return met != c.negate, nil
}

// present tells whether an attribute has a value that is not an empty text, or links.
func (o *Object) present(a canopy.Attr) bool {
	if a == attrDN || a == attrRDN {
		return o.DN != ""
	}
	for _, v := range o.Attrs[a] {
		if v.Type() != canopy.String || v.Str() != "" {
			return true
		}
	}
	return o.LinkCounts[a] > 0
}

// InScope tells whether the rule applies, and for people the condition that decided. An error is a filter that cannot
// be evaluated.
func (r *Rule) InScope(o *Object) (ok bool, why string, err error) {
	if len(r.Scope) == 0 {
		return true, "", nil
	}
	var failed *Condition
	for _, group := range r.Scope {
		bad, err := firstBad(group, o)
		if err != nil {
			return false, "", &canopy.Error{Kind: canopy.Invalid, Object: o.DN, Other: r.said(), Text: "the scoping filter cannot be evaluated", Err: err}
		}
		if bad == nil {
			return true, "", nil
		}
		if failed == nil || failed.Because == "" && bad.Because != "" {
			failed = bad
		}
	}
	return false, failed.why(o), nil
}

func firstBad(group []Condition, o *Object) (*Condition, error) {
	for i := range group {
		ok, err := group[i].holds(o)
		if err != nil {
			return nil, err
		}
		if !ok {
			return &group[i], nil
		}
	}
	return nil, nil
}

// why says for people that the condition does not hold.
func (c *Condition) why(o *Object) string {
	if c.becauseOf() {
		if s := o.Attrs.Text(canopy.Attr(c.Because[1 : len(c.Because)-1])); s != "" {
			return s
		}
	}
	return c.text
}

// said names the rule for people.
func (r *Rule) said() string {
	if r.Name == "" {
		return string(r.ID)
	}
	return r.Name + ", " + string(r.ID)
}

// firstComponent is what stands before the first comma of a DN that is not escaped.
func firstComponent(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[:i]
		}
	}
	return dn
}
