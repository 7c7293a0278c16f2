package expr

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Limits of an evaluation, so that no expression can take all memory or time.
const (
	maxText = 1 << 20  // bytes of one text
	maxWork = 64 << 20 // bytes made in all
	maxList = 1 << 20  // values of one list
)

// Env is what an expression sees of one object. Names are compared exactly. It must give the same answers all through
// one evaluation.
type Env interface {
	// Attr is an attribute's value: NULL when it has none.
	Attr(name string) Value
	// Imported is the value as the last import confirmed it, without what was sent since.
	Imported(name string) Value
	// Count is the number of an attribute's values, known also where the values are not.
	Count(name string) int64
	// Param is a parameter's text, and whether there is one.
	Param(name string) (string, bool)
}

// Eval gives the expression's value for one object. An error is an *Error.
func (p *Program) Eval(env Env) (Value, error) {
	m, ok := p.machines.Get().(*machine)
	if !ok {
		m = &machine{}
		m.stack = m.room[:0]
	}
	m.env, m.spent = env, 0
	v, err := p.run(m)
	m.env, m.stack = nil, m.stack[:0]
	p.machines.Put(m)
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// machine is one evaluation under way.
type machine struct {
	env   Env
	stack []Value
	room  [8]Value
	spent int
}

// spend counts what was made.
func (m *machine) spend(bytes int) error {
	if m.spent += bytes; m.spent > maxWork {
		return errWork
	}
	return nil
}

var (
	errWork = errors.New("the expression makes more than 64 MB of text")
	errText = errors.New("the text would be longer than 1 MB")
	errList = errors.New("there would be more than a million values")
)

// eval is a compiled part of an expression.
type eval func(m *machine) (Value, *Error)

// fault is an error of a function about one of its arguments, from 1.
type fault struct {
	arg  int
	text string
}

func (f *fault) Error() string { return f.text }

func badArg(arg int, format string, args ...any) error {
	return &fault{arg: arg, text: fmt.Sprintf(format, args...)}
}

// at turns a function's error into one that says where.
func at(src string, n *node, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		if known.Source == "" {
			known.Source, known.Pos = src, n.pos
		}
		return known
	}
	e := &Error{Source: src, Pos: n.pos, Text: err.Error()}
	if n.kind == nodeCall {
		e.Function = n.name
	}
	var f *fault
	if errors.As(err, &f) {
		e.Arg = f.arg
		if f.arg > 0 && f.arg <= len(n.args) {
			e.Pos = n.args[f.arg-1].pos
		}
	}
	return e
}

// compile makes a closure of a tree.
func compile(src string, n *node) eval {
	args := make([]eval, len(n.args))
	for i, a := range n.args {
		args[i] = compile(src, a)
	}
	switch n.kind {
	case nodeLiteral:
		v := n.value
		return func(*machine) (Value, *Error) { return v, nil }
	case nodeAttr:
		name := n.name
		return func(m *machine) (Value, *Error) { return m.env.Attr(name), nil }
	case nodeParam:
		return compileParam(src, n)
	case nodeMinus:
		return compileMinus(src, n, args[0])
	case nodeBinary:
		return compileBinary(src, n, args[0], args[1])
	case nodeCall:
	}
	if n.fn.lazy != nil {
		return n.fn.lazy(src, n, args)
	}
	return compileCall(src, n, args)
}

func compileParam(src string, n *node) eval {
	return func(m *machine) (Value, *Error) {
		s, ok := m.env.Param(n.name)
		if !ok {
			return Value{}, &Error{Source: src, Pos: n.pos, Text: "the connector has no parameter " + n.name}
		}
		return Str(s), nil
	}
}

func compileMinus(src string, n *node, arg eval) eval {
	return func(m *machine) (Value, *Error) {
		v, err := arg(m)
		if err != nil || v.kind == Null {
			return Value{}, err
		}
		if v.kind != Number || v.n == math.MinInt64 {
			return Value{}, at(src, n, fmt.Errorf("%s has no negative", described(v)))
		}
		return Num(-v.n), nil
	}
}

// described is a value for a message: its kind, and a little of it.
func described(v Value) string {
	switch v.kind {
	case Null, List, AuthoritativeNull, IgnoreThisFlow:
		return v.String()
	case Text, Number, Truth, Moment, Octets, Reference:
	}
	s := v.String()
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return v.kind.String() + " (" + s + ")"
}

// compileCall makes the call of a function that takes its arguments' values.
func compileCall(src string, n *node, args []eval) eval {
	fn := n.fn
	return func(m *machine) (Value, *Error) {
		base := len(m.stack)
		null := false
		for i, a := range args {
			v, err := a(m)
			if err != nil {
				return Value{}, err
			}
			v, wrong := adapt(fn.kind(i), v, fn.maps && i == 0)
			if wrong != "" {
				return Value{}, at(src, n, badArg(i+1, "%s", wrong))
			}
			null = null || v.kind == Null && (i == 0 || strings.IndexByte("nbod", fn.kind(i)) >= 0)
			m.stack = append(m.stack, v)
		}
		var v Value
		var err error
		switch {
		case null && fn.null != nullSeen:
			v = nullValues[fn.null]
		case fn.maps && m.stack[base].kind == List:
			v, err = mapped(m, fn, base)
		default:
			v, err = fn.call(m, m.stack[base:])
		}
		m.stack = m.stack[:base]
		if err == nil {
			err = bounded(m, v)
		}
		if err != nil {
			return Value{}, at(src, n, err)
		}
		return v, nil
	}
}

// mapped calls a function for each value of its first argument.
func mapped(m *machine, fn *function, base int) (Value, error) {
	list := m.stack[base].list
	out := make([]Value, 0, len(list))
	for _, x := range list {
		x, wrong := adapt(fn.kind(0), x, false)
		if wrong != "" {
			return Value{}, badArg(1, "%s", wrong)
		}
		m.stack[base] = x
		v, err := fn.call(m, m.stack[base:])
		if err == nil {
			err = bounded(m, v)
		}
		if err != nil {
			return Value{}, err
		}
		if v.kind != Null {
			out = append(out, v)
		}
	}
	return Many(out), nil
}

// bounded keeps what a function made within the limits.
func bounded(m *machine, v Value) error {
	if len(v.s) > maxText {
		return errText
	}
	if len(v.list) > maxList {
		return errList
	}
	return m.spend(v.size())
}

// adapt makes a value fit an argument of a kind, or says why it does not.
func adapt(kind byte, v Value, maps bool) (Value, string) {
	switch v.kind {
	case AuthoritativeNull, IgnoreThisFlow:
		return v, v.kind.String() + " is no value and can only be the result"
	case Null:
		return v, ""
	case List:
		if kind == 'm' || kind == 'v' || maps {
			return v, ""
		}
		return v, fmt.Sprintf("takes one value, not %d; Item and Join make one of them", len(v.list))
	case Text, Number, Truth, Moment, Octets, Reference:
	}
	ok, want := true, ""
	switch kind {
	case 't':
		ok, want = v.kind == Text || v.kind == Reference, "a text"
		if !ok && (v.kind == Number || v.kind == Truth) {
			want = "a text (CStr makes one)"
		}
	case 'n':
		ok, want = v.kind == Number, "a number"
		if v.kind == Text {
			want = "a number (CNum makes one)"
		}
	case 'b':
		b, good := truth(v)
		return Bool(b), map[bool]string{false: "must be true or false, is " + described(v)}[good]
	case 'o':
		ok, want = v.kind == Octets, "octets"
	case 'd':
		ok, want = v.kind == Moment, "a time"
	case 'x':
		ok, want = v.kind == Text || v.kind == Octets, "a text or octets"
	}
	if !ok {
		return v, "must be " + want + ", is " + described(v)
	}
	return v, ""
}

// truth is a value as a condition: NULL is False, a number is True unless 0.
func truth(v Value) (b, ok bool) {
	switch v.kind {
	case Null:
		return false, true
	case Truth, Number:
		return v.n != 0, true
	case Text, Moment, Octets, Reference, List, AuthoritativeNull, IgnoreThisFlow:
	}
	return false, false
}
