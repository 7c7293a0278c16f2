package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Limits of an expression.
const (
	maxSource = 64 << 10 // bytes
	maxDepth  = 100      // brackets within brackets
	maxNodes  = 20000
)

// Use is an attribute that an expression reads.
type Use struct {
	Attr string
	How  UseKind
	Pos  int
}

// UseKind says what of an attribute is read.
type UseKind uint8

// The kinds of use.
const (
	UseValue    UseKind = iota // [attr]
	UseImported                // ImportedValue("attr")
	UseCount                   // ValueCount("attr")
)

// Program is a parsed expression. It is immutable and may be used by many at once.
type Program struct {
	src      string
	dialect  *Dialect
	run      eval
	uses     []Use
	params   []string
	warnings []*Error
	calls    []*function // each once
	asks     bool
	machines sync.Pool
}

// Parse reads an expression of a dialect. The error is an *Error.
func Parse(src string, d *Dialect) (*Program, error) {
	p := &parser{src: src, dialect: d, program: &Program{src: src, dialect: d}}
	n, err := p.all()
	if err != nil {
		return nil, err
	}
	c := &compiler{src: src, d: d}
	p.program.run = c.compile(n)
	return p.program, nil
}

// Source is the text that was parsed.
func (p *Program) Source() string { return p.src }

// Dialect is the one that it was parsed in.
func (p *Program) Dialect() *Dialect { return p.dialect }

// Calls are the names of the functions that the expression calls, each once.
func (p *Program) Calls() []string {
	var out []string
	for _, f := range p.calls {
		out = append(out, f.name)
	}
	return out
}

// Varies names a function for which the expression may give something else each time it is evaluated, "" when there is
// none: such a flow is for objects that are made anew.
func (p *Program) Varies() string {
	for _, f := range p.calls {
		if f.varies {
			return f.name
		}
	}
	return ""
}

// Asks tells whether the expression asks for what lies outside the object.
func (p *Program) Asks() bool { return p.asks }

// Secret tells whether the value is to be kept out of logs.
func (p *Program) Secret() bool {
	return slices.ContainsFunc(p.calls, func(f *function) bool { return f.secret })
}

// Uses are the attributes that the expression reads, each once for each way, in the order of the text.
func (p *Program) Uses() []Use { return p.uses }

// Attrs are the names of the attributes that the expression reads, each once.
func (p *Program) Attrs() []string {
	var out []string
	for _, u := range p.uses {
		if !slices.Contains(out, u.Attr) {
			out = append(out, u.Attr)
		}
	}
	return out
}

// Params are the names of the parameters that the expression reads, each once.
func (p *Program) Params() []string { return p.params }

// Warnings are what is odd in the expression, and no fault.
func (p *Program) Warnings() []*Error { return p.warnings }

// nodeKind is what a node of the tree is.
type nodeKind uint8

const (
	nodeLiteral nodeKind = iota
	nodeAttr
	nodeParam
	nodeCall
	nodeMinus
	nodeBinary
	nodeVar
	nodeLeftOut // an optional argument that stands empty
)

type node struct {
	kind     nodeKind
	pos      int
	name     string // of the attribute, parameter or operator
	value    Value
	slot     int // of a variable
	fn       *function
	args     []*node
	brackets bool
}

type parser struct {
	src     string
	dialect *Dialect
	program *Program
	tok     token
	end     int // of tok
	nodes   int
	vars    []string // those known here, the innermost last
	tops    []*node  // calls that must stand alone
}

func (p *parser) fail(pos int, format string, args ...any) *Error {
	return &Error{Source: p.src, Pos: pos, Text: fmt.Sprintf(format, args...)}
}

// next reads the next token; operand says whether a value may begin here.
func (p *parser) next(operand bool) *Error {
	var err *Error
	p.tok, p.end, err = lex(p.src, p.end, operand)
	return err
}

func (p *parser) all() (*node, error) {
	if len(p.src) > maxSource {
		return nil, p.fail(0, "the expression has %d bytes, at most %d are taken", len(p.src), maxSource)
	}
	if strings.TrimSpace(p.src) == "" {
		return nil, p.fail(0, "the expression is empty")
	}
	if err := p.next(true); err != nil {
		return nil, err
	}
	n, err := p.binary(0, 0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		return nil, p.fail(p.tok.pos, "%s follows a complete expression", p.tok.said())
	}
	for _, t := range p.tops {
		if t != n {
			e := p.fail(t.pos, "stands alone, not within another function")
			e.Function = t.name
			return nil, e
		}
	}
	return n, nil
}

func (p *parser) add(n *node) (*node, *Error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, p.fail(n.pos, "the expression has more than %d parts", maxNodes)
	}
	return n, nil
}

// binding is how tightly the operators bind. Comparison binds tighter than && and ||, && tighter than ||.
var binding = map[string]int{"||": 1, "&&": 2, "=": 3, "<>": 3, "<": 3, ">": 3, "<=": 3, ">=": 3, "&": 4, "+": 5, "-": 5, "*": 6}

// binary reads operands joined by operators that bind tighter than least. After it, p.tok is what follows.
func (p *parser) binary(least, depth int) (*node, *Error) {
	left, err := p.unary(depth)
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokenOp && binding[p.tok.text] > least {
		op := p.tok
		if err := p.next(true); err != nil {
			return nil, err
		}
		right, err := p.binary(binding[op.text], depth+1)
		if err != nil {
			return nil, err
		}
		p.warnMixed(op, left, right)
		p.warnForeign(op)
		if left, err = p.add(&node{kind: nodeBinary, pos: op.pos, name: op.text, args: []*node{left, right}}); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// warnMixed notes && and || beside each other without brackets: what was meant is a guess.
func (p *parser) warnMixed(op token, sides ...*node) {
	for _, n := range sides {
		if n.kind != nodeBinary || n.brackets || n.name != "&&" && n.name != "||" || n.name == op.text || op.text != "&&" && op.text != "||" {
			continue
		}
		p.program.warnings = append(p.program.warnings, &Error{Source: p.src, Pos: op.pos,
			Text: "&& and || stand beside each other without brackets", Hint: "&& is taken first; write brackets to say what is meant"})
		return
	}
}

// warnForeign notes operators that Cloud Sync does not have: the expression is good here, and cannot be taken back there.
func (p *parser) warnForeign(op token) {
	if p.dialect.cloud && (binding[op.text] < 3 || binding[op.text] > 4) {
		p.program.warnings = append(p.program.warnings, &Error{Source: p.src, Pos: op.pos, Text: "Cloud Sync itself has no " + op.text,
			Hint: "it is understood here alone"})
	}
}

func (p *parser) unary(depth int) (*node, *Error) {
	if depth > maxDepth {
		return nil, p.fail(p.tok.pos, "the expression is nested more than %d deep", maxDepth)
	}
	if p.tok.kind != tokenOp || p.tok.text != "-" {
		return p.operand(depth)
	}
	pos := p.tok.pos
	if err := p.next(true); err != nil {
		return nil, err
	}
	n, err := p.unary(depth + 1)
	if err != nil {
		return nil, err
	}
	return p.add(&node{kind: nodeMinus, pos: pos, args: []*node{n}})
}

func (p *parser) operand(depth int) (*node, *Error) {
	t := p.tok
	n := &node{pos: t.pos, name: t.text}
	switch t.kind {
	case tokenText:
		n.value = Str(t.text)
	case tokenNumber:
		n.value = Num(t.num)
	case tokenAttr:
		n.kind = nodeAttr
		p.use(Use{Attr: t.text, How: UseValue, Pos: t.pos})
	case tokenParam:
		n.kind = nodeParam
		if !slices.Contains(p.program.params, t.text) {
			p.program.params = append(p.program.params, t.text)
		}
	case tokenOpen:
		return p.bracket(depth)
	case tokenName:
		if strings.HasPrefix(t.text, "$") {
			return p.variable()
		}
		return p.named(depth)
	case tokenEnd, tokenOp, tokenClose, tokenComma:
		return nil, p.fail(t.pos, "a value is missing before %s", t.said())
	}
	if err := p.next(false); err != nil {
		return nil, err
	}
	return p.add(n)
}

// variable reads the use of a variable.
func (p *parser) variable() (*node, *Error) {
	t := p.tok
	for slot := len(p.vars) - 1; slot >= 0; slot-- {
		if p.vars[slot] == t.text {
			if err := p.next(false); err != nil {
				return nil, err
			}
			return p.add(&node{kind: nodeVar, pos: t.pos, name: t.text, slot: slot})
		}
	}
	e := p.fail(t.pos, "the variable %s is not known here", t.text)
	if near := Nearest(t.text, p.vars); near != "" {
		e.Hint = "is " + near + " meant?"
	} else {
		e.Hint = "With, Select and Where name one, and it is known in their last argument"
	}
	return nil, e
}

func (p *parser) use(u Use) {
	if !slices.ContainsFunc(p.program.uses, func(x Use) bool { return x.Attr == u.Attr && x.How == u.How }) {
		p.program.uses = append(p.program.uses, u)
	}
}

func (p *parser) bracket(depth int) (*node, *Error) {
	open := p.tok.pos
	if err := p.next(true); err != nil {
		return nil, err
	}
	n, err := p.binary(0, depth+1)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenClose {
		return nil, p.fail(p.tok.pos, `")" is missing before %s, for the bracket at character %d`, p.tok.said(), (&Error{Source: p.src, Pos: open}).Column())
	}
	n.brackets = true
	return n, p.next(false)
}

// named reads a word, or a function's call.
func (p *parser) named(depth int) (*node, *Error) {
	name := p.tok
	if err := p.next(false); err != nil {
		return nil, err
	}
	if p.tok.kind != tokenOpen {
		if v, ok := p.dialect.word(name.text); ok {
			return p.add(&node{pos: name.pos, value: v})
		}
		return nil, p.unknownWord(name)
	}
	fn := p.dialect.functions[name.text]
	if fn == nil {
		e := p.fail(name.pos, "there is no function %s", name.text)
		if near := Nearest(name.text, p.dialect.names()); near != "" {
			e.Hint = "is " + near + " meant?"
			if strings.EqualFold(near, name.text) {
				e.Hint = "it is written " + near
			}
		}
		return nil, e
	}
	n := &node{kind: nodeCall, pos: name.pos, name: name.text, fn: fn}
	if !slices.Contains(p.program.calls, fn) {
		p.program.calls = append(p.program.calls, fn)
		p.program.asks = p.program.asks || fn.asks || fn.varies
	}
	known := len(p.vars)
	if err := p.arguments(n, depth); err != nil {
		return nil, err
	}
	p.vars = p.vars[:known]
	if fn.top {
		p.tops = append(p.tops, n)
	}
	if fn.warn != nil {
		if odd := fn.warn(n); odd != "" {
			p.program.warnings = append(p.program.warnings, &Error{Source: p.src, Pos: n.pos, Function: n.name, Text: odd})
		}
	}
	return p.add(n)
}

func (p *parser) unknownWord(name token) *Error {
	e := p.fail(name.pos, "the word %s means nothing", name.text)
	near := Nearest(name.text, p.dialect.Words())
	switch {
	case p.dialect.functions[name.text] != nil:
		e.Text, e.Hint = "the function "+name.text+" has no brackets", "it is used so: "+p.dialect.functions[name.text].usage
	case near != "" && len(name.text) > 4:
		e.Hint = "is " + near + " meant? An attribute is written [" + name.text + "], a text \"" + name.text + "\""
	default:
		e.Hint = "an attribute is written [" + name.text + "], a text \"" + name.text + "\""
	}
	return e
}
