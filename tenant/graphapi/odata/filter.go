package odata

import (
	"fmt"
	"slices"
	"strings"
)

// Op is what a node of a filter does.
type Op string

// The operators. Count is a comparison of a collection's size: Path, Cmp, Value.
const (
	And        Op = "and"
	Or         Op = "or"
	Not        Op = "not"
	Eq         Op = "eq"
	Ne         Op = "ne"
	Gt         Op = "gt"
	Ge         Op = "ge"
	Lt         Op = "lt"
	Le         Op = "le"
	In         Op = "in"
	StartsWith Op = "startsWith"
	EndsWith   Op = "endsWith"
	Contains   Op = "contains"
	Any        Op = "any"
	All        Op = "all"
	Count      Op = "$count"
)

// Node is a filter or a part of one.
type Node struct {
	Op    Op
	Args  []*Node  // of And, Or, Not; the inner filter of Any and All, none for a bare any()
	Path  []string // the property; inside Any and All it begins with their variable's name
	Var   string   // the variable of Any and All
	Value Value    // what is compared with; a List for In
	Cmp   Op       // of Count
}

// SyntaxError is a filter that cannot be read.
type SyntaxError struct {
	At   int // in octets from the filter's beginning
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at position %d", e.Text, e.At) }

const (
	maxFilter = 16 << 10
	maxDepth  = 100
)

// ParseFilter reads a filter. The error is a *SyntaxError.
func ParseFilter(text string) (*Node, error) {
	if len(text) > maxFilter {
		return nil, &SyntaxError{Text: "The filter is too long"}
	}
	p := &parser{lexer: lexer{in: text}}
	if err := p.next(); err != nil {
		return nil, err
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected()
	}
	return n, nil
}

type parser struct {
	lexer
	tok token
}

func (p *parser) next() (err error) {
	p.tok, err = p.token()
	return err
}

func (p *parser) unexpected() error {
	what := "'" + p.tok.text + "'"
	if p.tok.kind == tokEnd {
		what = "the end"
	}
	return &SyntaxError{At: p.tok.at, Text: "Syntax error: " + what + " was not expected"}
}

func (p *parser) word(w string) bool {
	return p.tok.kind == tokName && strings.EqualFold(p.tok.text, w)
}

func (p *parser) expect(text string) error {
	if p.tok.kind != tokSign || p.tok.text != text {
		return p.unexpected()
	}
	return p.next()
}

func (p *parser) or(depth int) (*Node, error) {
	return p.chain(depth, Or, (*parser).and)
}

func (p *parser) and(depth int) (*Node, error) {
	return p.chain(depth, And, (*parser).not)
}

func (p *parser) chain(depth int, op Op, part func(*parser, int) (*Node, error)) (*Node, error) {
	if depth > maxDepth {
		return nil, &SyntaxError{At: p.tok.at, Text: "The filter is nested too deep"}
	}
	first, err := part(p, depth+1)
	if err != nil {
		return nil, err
	}
	n := &Node{Op: op, Args: []*Node{first}}
	for p.word(string(op)) {
		if err := p.next(); err != nil {
			return nil, err
		}
		another, err := part(p, depth+1)
		if err != nil {
			return nil, err
		}
		n.Args = append(n.Args, another)
	}
	if len(n.Args) == 1 {
		return first, nil
	}
	return n, nil
}

func (p *parser) not(depth int) (*Node, error) {
	if !p.word("not") {
		return p.primary(depth)
	}
	if depth > maxDepth {
		return nil, &SyntaxError{At: p.tok.at, Text: "The filter is nested too deep"}
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	inner, err := p.not(depth + 1)
	if err != nil {
		return nil, err
	}
	return &Node{Op: Not, Args: []*Node{inner}}, nil
}

func (p *parser) primary(depth int) (*Node, error) {
	if p.tok.kind == tokSign && p.tok.text == "(" {
		if err := p.next(); err != nil {
			return nil, err
		}
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	}
	if p.tok.kind != tokName {
		return nil, p.unexpected()
	}
	for _, f := range []Op{StartsWith, EndsWith, Contains} {
		if p.word(string(f)) && p.peek() == '(' {
			return p.function(f)
		}
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	switch last := strings.ToLower(path[len(path)-1]); {
	case (last == "any" || last == "all") && len(path) > 1 && p.tok.kind == tokSign && p.tok.text == "(":
		return p.lambda(Op(last), path[:len(path)-1], depth)
	case last == "$count" && len(path) > 1:
		return p.compare(&Node{Op: Count, Path: path[:len(path)-1]})
	}
	return p.compare(&Node{Path: path})
}

func (p *parser) path() ([]string, error) {
	var path []string
	for {
		if p.tok.kind != tokName {
			return nil, p.unexpected()
		}
		path = append(path, p.tok.text)
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.tok.kind != tokSign || p.tok.text != "/" {
			return path, nil
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}

var comparisons = []Op{Eq, Ne, Gt, Ge, Lt, Le}

func (p *parser) compare(n *Node) (*Node, error) {
	at := p.tok.at
	if p.tok.kind != tokName {
		// a Boolean property by itself
		if n.Op == Count {
			return nil, p.unexpected()
		}
		return &Node{Op: Eq, Path: n.Path, Value: OfBool(true)}, nil
	}
	if n.Op != Count && p.word("in") {
		return p.in(n)
	}
	i := slices.IndexFunc(comparisons, func(op Op) bool { return p.word(string(op)) })
	if i < 0 {
		if p.word("and") || p.word("or") {
			return &Node{Op: Eq, Path: n.Path, Value: OfBool(true)}, nil
		}
		return nil, &SyntaxError{At: at, Text: "Syntax error: '" + p.tok.text + "' is no operator"}
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	if n.Op == Count {
		n.Cmp = comparisons[i]
	} else {
		n.Op = comparisons[i]
	}
	n.Value = v
	return n, nil
}

func (p *parser) in(n *Node) (*Node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	n.Op, n.Value = In, Value{Kind: List}
	for {
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		n.Value.List = append(n.Value.List, v)
		if p.tok.kind == tokSign && p.tok.text == "," {
			if err := p.next(); err != nil {
				return nil, err
			}
			continue
		}
		return n, p.expect(")")
	}
}

func (p *parser) literal() (Value, error) {
	t := p.tok
	if t.kind == tokName {
		switch strings.ToLower(t.text) {
		case "null":
			return Value{}, p.next()
		case "true", "false":
			return OfBool(strings.EqualFold(t.text, "true")), p.next()
		}
	}
	if t.kind != tokValue {
		return Value{}, p.unexpected()
	}
	return t.value, p.next()
}

func (p *parser) function(f Op) (*Node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	return &Node{Op: f, Path: path, Value: v}, p.expect(")")
}

func (p *parser) lambda(op Op, path []string, depth int) (*Node, error) {
	n := &Node{Op: op, Path: path}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if op == Any && p.tok.kind == tokSign && p.tok.text == ")" {
		return n, p.next()
	}
	if p.tok.kind != tokName {
		return nil, p.unexpected()
	}
	n.Var = p.tok.text
	if err := p.next(); err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	inner, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	n.Args = []*Node{inner}
	return n, p.expect(")")
}
