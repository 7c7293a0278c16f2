package expr

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// World is what lies outside the object, nil when nothing of it is known.
	World() *World
}

// World is what an expression may ask for that no object holds. What is missing makes the functions that need it fail.
type World struct {
	// Now is the time that counts as now, in microseconds since 1970; 0: not known.
	Now int64
	// Random gives numbers of which all 64 bits are random.
	Random func() uint64
	// Taken tells whether the target holds a value already, in the attribute that is filled, at another object.
	Taken func(v Value) (bool, error)
}

// Eval gives the expression's value for one object. An error is an *Error.
func (p *Program) Eval(env Env) (Value, error) {
	m, ok := p.machines.Get().(*machine)
	if !ok {
		m = &machine{}
		m.stack = m.room[:0]
	}
	m.env, m.spent, m.searches = env, 0, 0
	v, err := p.run(m)
	m.rest()
	p.machines.Put(m)
	if err != nil {
		return Value{}, p.quiet(err)
	}
	if p.dialect.cloud && v.kind == Moment {
		return Str(cloudTime(v.n)), nil
	}
	return v, nil
}

// quiet is an error without the values that are not to be shown.
func (p *Program) quiet(err *Error) *Error {
	if err.Raised || !p.Secret() {
		return err
	}
	e := *err
	e.Text, e.Hint = "what it gets cannot be used here; Redact keeps the value out of this message", ""
	return &e
}

// machine is one evaluation under way.
type machine struct {
	env      Env
	around   *World // nil: not asked for yet
	stack    []Value
	room     [8]Value
	vars     []Value
	spent    int
	searches int             // of regular expressions
	limit    context.Context // of many searches; nil before
	cancel   context.CancelFunc
}

// rest makes the machine ready for another evaluation; it keeps nothing of this one alive.
func (m *machine) rest() {
	clear(m.stack[:cap(m.stack)])
	clear(m.vars[:cap(m.vars)])
	m.env, m.around, m.stack, m.vars = nil, nil, m.stack[:0], m.vars[:0]
	if m.cancel != nil {
		m.cancel()
		m.limit, m.cancel = nil, nil
	}
}

// world is what lies outside the object; never nil.
func (m *machine) world() *World {
	if m.around == nil {
		if m.around = m.env.World(); m.around == nil {
			m.around = noWorld
		}
	}
	return m.around
}

var noWorld = &World{}

// spend counts what was made and done, in bytes.
func (m *machine) spend(bytes int) error {
	if m.spent += bytes; m.spent > maxWork {
		return errWork
	}
	return nil
}

// stepCost is what calling a function costs, in bytes made: it bounds the number of calls.
const stepCost = 64

var (
	errWork = errors.New("the expression makes more than 64 MB of text, or calls more than a million functions")
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

// compiler makes closures of a tree.
type compiler struct {
	src string
	d   *Dialect
}

// compile makes a closure of a tree, nil for an argument that is left out.
func (c *compiler) compile(n *node) eval {
	args := make([]eval, len(n.args))
	for i, a := range n.args {
		args[i] = c.compile(a)
	}
	switch n.kind {
	case nodeLiteral:
		v := n.value
		return func(*machine) (Value, *Error) { return v, nil }
	case nodeAttr:
		name := n.name
		return func(m *machine) (Value, *Error) { return m.env.Attr(name), nil }
	case nodeVar:
		slot := n.slot
		return func(m *machine) (Value, *Error) { return m.vars[slot], nil }
	case nodeParam:
		return c.param(n)
	case nodeMinus:
		return c.minus(n, args[0])
	case nodeBinary:
		return c.binary(n, args[0], args[1])
	case nodeLeftOut:
		return nil
	case nodeCall:
	}
	if n.fn.lazy != nil {
		return n.fn.lazy(c, n, args)
	}
	return c.call(n, args)
}

func (c *compiler) param(n *node) eval {
	return func(m *machine) (Value, *Error) {
		s, ok := m.env.Param(n.name)
		if !ok {
			return Value{}, &Error{Source: c.src, Pos: n.pos, Text: "the connector has no parameter " + n.name}
		}
		return Str(s), nil
	}
}

func (c *compiler) minus(n *node, arg eval) eval {
	return func(m *machine) (Value, *Error) {
		v, err := arg(m)
		if err != nil || v.kind == Null {
			return Value{}, err
		}
		if v.kind != Number || v.n == math.MinInt64 {
			return Value{}, at(c.src, n, fmt.Errorf("%s has no negative", described(v)))
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

// call makes the call of a function that takes its arguments' values.
func (c *compiler) call(n *node, args []eval) eval {
	fn := n.fn
	return func(m *machine) (Value, *Error) {
		base := len(m.stack)
		null, cost := false, stepCost
		for i, a := range args {
			if a == nil {
				m.stack = append(m.stack, leftOut)
				continue
			}
			v, err := a(m)
			if err != nil {
				return Value{}, err
			}
			kind := fn.kind(i)
			v, wrong := adapt(kind, v, fn.maps && i == 0, fn.loose)
			if wrong != "" {
				return Value{}, at(c.src, n, badArg(i+1, "%s", wrong))
			}
			null = null || v.kind == Null && (i == 0 || kind == 'n' || kind == 'b' || kind == 'o' || kind == 'd')
			cost += len(v.s) + 16*len(v.list)
			m.stack = append(m.stack, v)
		}
		var v Value
		err := m.spend(cost)
		switch {
		case err != nil:
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
			return Value{}, at(c.src, n, err)
		}
		return v, nil
	}
}

// mapped calls a function for each value of its first argument.
func mapped(m *machine, fn *function, base int) (Value, error) {
	list := m.stack[base].list
	cost := stepCost
	for _, a := range m.stack[base+1:] {
		cost += len(a.s)
	}
	out := make([]Value, 0, len(list))
	for _, x := range list {
		x, wrong := adapt(fn.kind(0), x, false, fn.loose)
		if wrong != "" {
			return Value{}, badArg(1, "%s", wrong)
		}
		m.stack[base] = x
		err := m.spend(cost + len(x.s))
		var v Value
		if err == nil {
			v, err = fn.call(m, m.stack[base:])
		}
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
