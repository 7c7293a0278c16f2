package rule

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Op is a scoping operator, by its name in rule files.
type Op string

// The operators. Text is compared without its case. Of an attribute with several values one must meet EQUAL, CONTAINS
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
	IsMemberOf         Op = "ISMEMBEROF" // of the group with this DN, directly
	IsNotMemberOf      Op = "ISNOTMEMBEROF"
)

// positive is the operator that an operator negates; itself when it negates none.
var positive = map[Op]Op{Equal: Equal, NotEqual: Equal, LessThan: LessThan, LessThanOrEqual: LessThanOrEqual, GreaterThan: GreaterThan,
	GreaterThanOrEqual: GreaterThanOrEqual, Contains: Contains, NotContains: Contains, StartsWith: StartsWith, NotStartsWith: StartsWith,
	EndsWith: EndsWith, NotEndsWith: EndsWith, IsNotNull: IsNotNull, IsNull: IsNotNull, IsIn: IsIn, IsNotIn: IsIn, IsBitSet: IsBitSet,
	IsBitNotSet: IsBitSet, IsMemberOf: IsMemberOf, IsNotMemberOf: IsMemberOf}

// otherNames are further spellings of operators.
var otherNames = map[string]Op{"ISNOTBITSET": IsBitNotSet}

// Condition is one comparison of a scoping filter.
type Condition struct {
	Attr   canopy.Attr // "dn" is the object's DN, "rdn" the first component of it
	Op     Op
	Values []string // none for ISNULL and ISNOTNULL, several for ISIN and ISNOTIN, else one
	// Because says for people what it means when the condition does not hold: a text, or "[attribute]": then the
	// object's value of that attribute says it.
	Because string

	op     Op
	negate bool
	wants  []comparand
	text   string
}

// comparand is a value of a condition in every type that it can be compared as.
type comparand struct {
	fold    string
	num     int64
	isNum   bool
	truth   bool
	isTruth bool
	time    int64
	isTime  bool
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
	c.wants = c.wants[:0]
	for _, s := range c.Values {
		w := comparandOf(s)
		if op == IsBitSet && !w.isNum {
			return fmt.Sprintf("%s takes a number, not %q", c.Op, s)
		}
		if op != IsIn && op != Equal && op != IsBitSet && s == "" {
			return fmt.Sprintf("the value of %s is empty", c.Op)
		}
		c.wants = append(c.wants, w)
	}
	c.text = string(c.Attr) + " " + string(c.Op)
	if len(c.Values) > 0 {
		c.text += " " + strings.Join(c.Values, ", ")
	}
	if c.Because != "" && !c.becauseOf() {
		c.text = c.Because + " (" + c.text + ")"
	}
	return ""
}

func (c *Condition) becauseOf() bool {
	return len(c.Because) > 2 && c.Because[0] == '[' && c.Because[len(c.Because)-1] == ']'
}

func comparandOf(s string) comparand {
	w := comparand{fold: canopy.Fold(s)}
	digits, base := s, 10
	for _, p := range []string{"0x", "0X", "&H", "&h"} {
		if rest, ok := strings.CutPrefix(s, p); ok {
			digits, base = rest, 16
		}
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		w.num, w.isNum = n, true
	}
	if v, err := canopy.ParseValue(canopy.Boolean, s); err == nil {
		w.truth, w.isTruth = v.True(), true
	}
	if v, err := canopy.ParseValue(canopy.Time, s); err == nil {
		w.time, w.isTime = v.Num(), true
	}
	return w
}

// holds tells whether the object meets the condition.
func (c *Condition) holds(o *Object) (bool, error) {
	met := false
	switch {
	case c.op == IsMemberOf:
		if o.Groups == nil {
			return false, fmt.Errorf("%s: the groups of an object are not known here", c.text)
		}
		for _, g := range o.Groups {
			met = met || canopy.Fold(g) == c.wants[0].fold
		}
	case c.op == IsNotNull:
		met = o.present(c.Attr)
	case c.Attr == attrDN:
		met = c.any(canopy.Text(o.DN))
	case c.Attr == attrRDN:
		met = c.any(canopy.Text(firstComponent(o.DN)))
	default:
		for _, v := range o.Attrs[c.Attr] {
			if c.any(v) {
				met = true
				break
			}
		}
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

// any tells whether a value meets one of the comparands.
func (c *Condition) any(v canopy.Value) bool {
	for i := range c.wants {
		if c.one(v, &c.wants[i]) {
			return true
		}
	}
	return false
}

func (c *Condition) one(v canopy.Value, w *comparand) bool {
	switch c.op {
	case Contains:
		return strings.Contains(folded(v), w.fold)
	case StartsWith:
		return hasPrefixFold(v, w.fold)
	case EndsWith:
		return strings.HasSuffix(folded(v), w.fold)
	case IsBitSet:
		n, ok := number(v)
		return ok && n&w.num != 0
	default:
	}
	d, ok := difference(v, w)
	switch c.op {
	case LessThan:
		return ok && d < 0
	case LessThanOrEqual:
		return ok && d <= 0
	case GreaterThan:
		return ok && d > 0
	case GreaterThanOrEqual:
		return ok && d >= 0
	default: // EQUAL, ISIN
		return ok && d == 0
	}
}

// folded is a value's text as it is compared: lower case, and the canonical text of what is no text.
func folded(v canopy.Value) string { return canopy.Fold(v.Str()) }

func hasPrefixFold(v canopy.Value, prefix string) bool {
	s := v.Str()
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return true
	}
	return strings.HasPrefix(canopy.Fold(s), prefix)
}

// difference compares by the type of the value: less than, equal to, more than 0. ok is false when the comparand is
// nothing of that type.
func difference(v canopy.Value, w *comparand) (int, bool) {
	switch v.Type() {
	case canopy.Integer:
		return order(v.Num(), w.num), w.isNum
	case canopy.Boolean:
		want := canopy.Bool(w.truth)
		return order(v.Num(), want.Num()), w.isTruth
	case canopy.Time:
		return order(v.Num(), w.time), w.isTime
	case canopy.Binary:
		if hex := v.Fold(); hex == w.fold {
			return 0, true
		}
		return strings.Compare(canopy.Fold(v.String()), w.fold), true
	case canopy.String, canopy.Reference:
	}
	if strings.EqualFold(v.Str(), w.fold) {
		return 0, true
	}
	return strings.Compare(folded(v), w.fold), true
}

func number(v canopy.Value) (int64, bool) {
	switch v.Type() {
	case canopy.Integer:
		return v.Num(), true
	case canopy.String:
		n, err := strconv.ParseInt(v.Str(), 10, 64)
		return n, err == nil
	case canopy.Boolean, canopy.Time, canopy.Binary, canopy.Reference:
	}
	return 0, false
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
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
