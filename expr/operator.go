package expr

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// binary makes the closure of an operator.
func (c *compiler) binary(n *node, left, right eval) eval {
	src := c.src
	switch n.name {
	case "&&":
		return c.logic(n, left, right, false)
	case "||":
		return c.logic(n, left, right, true)
	}
	do := map[string]func(m *machine, a, b Value) (Value, error){
		"&": c.join(), "+": plus, "-": minus, "*": times,
		"=": equal, "<>": unequal, "<": less, ">": greater, "<=": atMost, ">=": atLeast}[n.name]
	return func(m *machine) (Value, *Error) {
		a, err := left(m)
		if err != nil {
			return Value{}, err
		}
		b, err := right(m)
		if err != nil {
			return Value{}, err
		}
		for _, v := range [...]Value{a, b} {
			if v.kind == AuthoritativeNull || v.kind == IgnoreThisFlow || v.kind == List {
				return Value{}, at(src, n, fmt.Errorf("%q takes one value on each side, not %s", n.name, v.String()))
			}
		}
		v, wrong := Value{}, m.spend(len(a.s)+len(b.s))
		if wrong == nil {
			v, wrong = do(m, a, b)
		}
		if wrong != nil {
			return Value{}, at(src, n, wrong)
		}
		return v, nil
	}
}

// logic evaluates the right side only when the left one does not decide.
func (c *compiler) logic(n *node, left, right eval, decides bool) eval {
	side := func(m *machine, e eval) (bool, *Error) {
		v, err := e(m)
		if err != nil {
			return false, err
		}
		b, ok := truth(v, c.d.cloud)
		if !ok {
			return false, at(c.src, n, fmt.Errorf("%q is between conditions, not %s", n.name, described(v)))
		}
		return b, nil
	}
	return func(m *machine) (Value, *Error) {
		b, err := side(m, left)
		if err == nil && b != decides {
			b, err = side(m, right)
		}
		if err != nil {
			return Value{}, err
		}
		return Bool(b), nil
	}
}

// join puts texts together; numbers and truth values as CStr writes them, NULL as nothing.
func (c *compiler) join() func(m *machine, a, b Value) (Value, error) {
	loose := c.d.cloud
	return func(m *machine, a, b Value) (Value, error) { return joined(m, a, b, loose) }
}

func joined(m *machine, a, b Value, loose bool) (Value, error) {
	if a.kind == Null && b.kind == Null {
		return Value{}, nil
	}
	s, ok := joinable(a, loose)
	t, ok2 := joinable(b, loose)
	switch {
	case !ok:
		return Value{}, fmt.Errorf(`"&" joins texts, not %s`, described(a))
	case !ok2:
		return Value{}, fmt.Errorf(`"&" joins texts, not %s`, described(b))
	case len(s)+len(t) > maxText:
		return Value{}, errText
	}
	return Str(s + t), m.spend(stepCost + len(s) + len(t))
}

// joinable is a value as text. A loose one takes times too.
func joinable(v Value, loose bool) (string, bool) {
	switch v.kind {
	case Null:
		return "", true
	case Text, Reference:
		return v.s, true
	case Number, Truth:
		return v.String(), true
	case Moment:
		return cloudTime(v.n), loose
	case Octets, List, AuthoritativeNull, IgnoreThisFlow:
	}
	return "", false
}

func plus(_ *machine, a, b Value) (Value, error) { return arithmetic("+", a, b) }

func minus(_ *machine, a, b Value) (Value, error) { return arithmetic("-", a, b) }

func times(_ *machine, a, b Value) (Value, error) { return arithmetic("*", a, b) }

// arithmetic with NULL gives NULL; a result beyond 64 bits is an error.
func arithmetic(op string, a, b Value) (Value, error) {
	for _, v := range [...]Value{a, b} {
		if v.kind != Number && v.kind != Null {
			hint := ""
			if op == "+" && v.kind == Text {
				hint = `; "&" joins texts`
			}
			return Value{}, fmt.Errorf("%q is between numbers, not %s%s", op, described(v), hint)
		}
	}
	if a.kind == Null || b.kind == Null {
		return Value{}, nil
	}
	var n int64
	var over bool
	switch op {
	case "+":
		n = a.n + b.n
		over = (n > a.n) != (b.n > 0)
	case "-":
		n = a.n - b.n
		over = (n < a.n) != (b.n > 0)
	default:
		n = a.n * b.n
		hi, _ := bits.Mul64(magnitude(a.n), magnitude(b.n))
		over = hi != 0 || a.n != 0 && b.n != 0 && (n == 0 || (n < 0) != ((a.n < 0) != (b.n < 0)))
	}
	if over {
		return Value{}, fmt.Errorf("%d %s %d is beyond 64 bits", a.n, op, b.n)
	}
	return Num(n), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) // two's complement is what is wanted
	}
	return uint64(n)
}

// equal compares; the case of text counts. NULL is equal to NULL alone.
func equal(_ *machine, a, b Value) (Value, error) {
	if a.kind == Null || b.kind == Null {
		return Bool(a.kind == b.kind), nil
	}
	c, err := compare("=", a, b)
	return Bool(c == 0), err
}

func unequal(m *machine, a, b Value) (Value, error) {
	v, err := equal(m, a, b)
	return Bool(!v.True()), err
}

func less(_ *machine, a, b Value) (Value, error) {
	return ordered("<", a, b, func(c int) bool { return c < 0 })
}

func greater(_ *machine, a, b Value) (Value, error) {
	return ordered(">", a, b, func(c int) bool { return c > 0 })
}

func atMost(_ *machine, a, b Value) (Value, error) {
	return ordered("<=", a, b, func(c int) bool { return c <= 0 })
}

func atLeast(_ *machine, a, b Value) (Value, error) {
	return ordered(">=", a, b, func(c int) bool { return c >= 0 })
}

// ordered compares for order; NULL is neither less nor more than anything.
func ordered(op string, a, b Value, holds func(int) bool) (Value, error) {
	if a.kind == Null || b.kind == Null {
		return Bool(false), nil
	}
	c, err := compare(op, a, b)
	return Bool(err == nil && holds(c)), err
}

// compare compares two values that are not NULL. Values of different kinds are compared only where it is clear how.
func compare(op string, a, b Value) (int, error) {
	text := func(v Value) bool { return v.kind == Text || v.kind == Reference }
	switch {
	case text(a) && text(b), a.kind == Octets && b.kind == Octets:
		return strings.Compare(a.s, b.s), nil
	case a.kind == b.kind:
		return order(a.n, b.n), nil
	case a.kind == Number && text(b):
		if n, err := strconv.ParseInt(b.s, 10, 64); err == nil {
			return order(a.n, n), nil
		}
	case a.kind == Truth && text(b):
		if t, ok := truthText(b.s); ok {
			return order(a.n, Bool(t).n), nil
		}
	case a.kind == Truth && b.kind == Number:
		return order(a.n, Bool(b.n != 0).n), nil
	case text(a) && (b.kind == Number || b.kind == Truth), a.kind == Number && b.kind == Truth:
		c, err := compare(op, b, a)
		return -c, err
	}
	return 0, fmt.Errorf("%q cannot compare %s with %s", op, described(a), described(b))
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

func truthText(s string) (b, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}
