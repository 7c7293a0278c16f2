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
	run      eval
	uses     []Use
	params   []string
	warnings []*Error
	machines sync.Pool
}

// Parse reads an expression of a dialect. The error is an *Error.
func Parse(src string, d *Dialect) (*Program, error) {
	p := &parser{src: src, dialect: d, program: &Program{src: src}}
	n, err := p.all()
	if err != nil {
		return nil, err
	}
	p.program.run = compile(src, n)
	return p.program, nil
}

// Source is the text that was parsed.
func (p *Program) Source() string { return p.src }

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
)

type node struct {
	kind     nodeKind
	pos      int
	name     string // of the attribute, parameter or operator
	value    Value
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
		return p.named(depth)
	case tokenEnd, tokenOp, tokenClose, tokenComma:
		return nil, p.fail(t.pos, "a value is missing before %s", t.said())
	}
	if err := p.next(false); err != nil {
		return nil, err
	}
	return p.add(n)
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
	if err := p.arguments(n, depth); err != nil {
		return nil, err
	}
	return p.add(n)
}

func (p *parser) unknownWord(name token) *Error {
	e := p.fail(name.pos, "the word %s means nothing", name.text)
	switch {
	case p.dialect.functions[name.text] != nil:
		e.Text, e.Hint = "the function "+name.text+" has no brackets", "it is used so: "+p.dialect.functions[name.text].usage
	default:
		e.Hint = "an attribute is written [" + name.text + "], a text \"" + name.text + "\""
	}
	return e
}

// arguments reads a call's arguments, with p.tok at the opening bracket, and checks what can be checked now.
func (p *parser) arguments(n *node, depth int) *Error {
	fail := func(pos, arg int, format string, args ...any) *Error {
		e := p.fail(pos, format, args...)
		e.Function, e.Arg, e.Hint = n.name, arg, "it is used so: "+n.fn.usage
		return e
	}
	if err := p.next(true); err != nil {
		return err
	}
	for p.tok.kind != tokenClose {
		pos := p.tok.pos
		a, err := p.binary(0, depth+1)
		if err != nil {
			if err.Function == "" {
				err.Function, err.Arg = n.name, len(n.args)+1
			}
			return err
		}
		n.args = append(n.args, a)
		if kind := n.fn.kind(len(n.args) - 1); kind == 'q' {
			if a.kind != nodeLiteral || a.value.kind != Text || a.value.s == "" {
				return fail(pos, len(n.args), "must be an attribute's name in quotes")
			}
			p.use(Use{Attr: a.value.s, How: n.fn.use, Pos: pos})
		}
		if p.tok.kind == tokenComma {
			if err := p.next(true); err != nil {
				return err
			}
			if p.tok.kind == tokenClose {
				return fail(p.tok.pos, len(n.args)+1, `a value is missing before ")"`)
			}
			continue
		}
		if p.tok.kind != tokenClose {
			return fail(p.tok.pos, 0, `"," or ")" is missing before %s`, p.tok.said())
		}
	}
	if why := n.fn.count(len(n.args)); why != "" {
		return fail(n.pos, 0, "%s", why)
	}
	return p.next(false)
}
