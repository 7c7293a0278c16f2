package rule

import (
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// comparand is a value of a condition in every type that it can be compared as.
type comparand struct {
	text    string
	fold    string
	pattern *expr.Pattern // of a regular expression
	num     int64
	isNum   bool
	truth   bool
	isTruth bool
	time    int64
	isTime  bool
}

func comparandOf(s string) comparand {
	w := comparand{text: s, fold: canopy.Fold(s)}
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

// any tells whether a value meets one of the comparands. An error is a search that takes too long.
func (c *Condition) any(v canopy.Value, wants []comparand) (bool, error) {
	for i := range wants {
		if c.op == Matches {
			return wants[i].pattern.Match(v.Str())
		}
		if c.one(v, &wants[i]) {
			return true, nil
		}
	}
	return false, nil
}

func (c *Condition) one(v canopy.Value, w *comparand) bool {
	switch c.op {
	case Contains:
		return strings.Contains(c.side(v), c.want(w))
	case StartsWith:
		return !c.CaseSensitive && hasPrefixFold(v, w.fold) || c.CaseSensitive && strings.HasPrefix(v.Str(), w.text)
	case EndsWith:
		return strings.HasSuffix(c.side(v), c.want(w))
	case PartOf:
		return v.Str() != "" && strings.Contains(c.want(w), c.side(v))
	case IsBitSet:
		n, ok := number(v)
		return ok && n&w.num != 0
	default:
	}
	d, ok := c.difference(v, w)
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

// side is a value's text as the condition compares it, and want a comparand's.
func (c *Condition) side(v canopy.Value) string {
	if c.CaseSensitive {
		return v.Str()
	}
	return folded(v)
}

func (c *Condition) want(w *comparand) string {
	if c.CaseSensitive {
		return w.text
	}
	return w.fold
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
func (c *Condition) difference(v canopy.Value, w *comparand) (int, bool) {
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
	if c.CaseSensitive {
		return strings.Compare(v.Str(), w.text), true
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

// tightDN is a DN without the white space that may stand around its commas and behind them.
func tightDN(dn string) string {
	if !strings.Contains(dn, ", ") && !strings.Contains(dn, " ,") && strings.TrimSpace(dn) == dn {
		return dn
	}
	b := make([]byte, 0, len(dn))
	for i := 0; i < len(dn); i++ {
		switch {
		case dn[i] == '\\' && i+1 < len(dn):
			b = append(b, dn[i], dn[i+1])
			i++
		case dn[i] == ',':
			for len(b) > 0 && b[len(b)-1] == ' ' && (len(b) < 2 || b[len(b)-2] != '\\') {
				b = b[:len(b)-1]
			}
			b = append(b, ',')
			for i+1 < len(dn) && dn[i+1] == ' ' {
				i++
			}
		default:
			b = append(b, dn[i])
		}
	}
	return strings.TrimSpace(string(b))
}
