package expr

import "slices"

// arguments reads a call's arguments, with p.tok at the opening bracket, and checks what can be checked now.
func (p *parser) arguments(n *node, depth int) *Error {
	if err := p.next(true); err != nil {
		return err
	}
	for p.tok.kind != tokenClose {
		if err := p.argument(n, depth); err != nil {
			return err
		}
		if p.tok.kind == tokenComma {
			comma := p.tok.pos
			if err := p.next(true); err != nil {
				return err
			}
			if p.tok.kind != tokenClose {
				continue
			}
			if !p.dialect.cloud {
				return p.misused(n, p.tok.pos, len(n.args)+1, `a value is missing before ")"`)
			}
			n.args = append(n.args, &node{kind: nodeLeftOut, pos: comma})
		}
		if p.tok.kind != tokenClose {
			return p.misused(n, p.tok.pos, 0, `"," or ")" is missing before `+p.tok.said())
		}
	}
	if err := p.counted(n); err != nil {
		return err
	}
	return p.next(false)
}

// misused is a fault in how a function is used.
func (p *parser) misused(n *node, pos, arg int, text string) *Error {
	return &Error{Source: p.src, Pos: pos, Text: text, Function: n.name, Arg: arg, Hint: "it is used so: " + n.fn.usage}
}

// argument reads one argument.
func (p *parser) argument(n *node, depth int) *Error {
	pos, i := p.tok.pos, len(n.args)
	kind := n.fn.kind(i)
	if kind == '$' {
		return p.declared(n)
	}
	if p.tok.kind == tokenComma && p.dialect.cloud {
		n.args = append(n.args, &node{kind: nodeLeftOut, pos: pos})
		return nil
	}
	if i == 2 && n.fn.kinds[0] == '$' {
		p.vars = append(p.vars, n.args[0].name)
	}
	a, err := p.binary(0, depth+1)
	if err != nil {
		if err.Function == "" {
			err.Function, err.Arg = n.name, i+1
		}
		return err
	}
	n.args = append(n.args, a)
	switch {
	case kind == 'q' && (a.kind != nodeLiteral || a.value.kind != Text || a.value.s == ""):
		return p.misused(n, pos, i+1, "must be an attribute's name in quotes")
	case kind == 'q':
		p.use(Use{Attr: a.value.s, How: n.fn.use, Pos: pos})
	}
	return nil
}

// declared reads the name that With, Select or Where gives to a value.
func (p *parser) declared(n *node) *Error {
	t := p.tok
	if t.kind != tokenName || len(t.text) < 2 || t.text[0] != '$' {
		return p.misused(n, t.pos, 1, "must be the name of a variable, $ and letters")
	}
	n.args = append(n.args, &node{kind: nodeVar, pos: t.pos, name: t.text, slot: len(p.vars)})
	return p.next(false)
}

// counted checks that a call has as many arguments as it takes, drops those left out at the end, and looks at those that
// are written down.
func (p *parser) counted(n *node) *Error {
	for len(n.args) > n.fn.required && len(n.args) <= len(n.fn.kinds) && n.args[len(n.args)-1].kind == nodeLeftOut && n.fn.repeats == 0 {
		n.args = n.args[:len(n.args)-1]
	}
	if n.fn.check != nil {
		if arg, wrong := n.fn.check(n); wrong != "" {
			pos := n.pos
			if arg > 0 {
				pos = n.args[arg-1].pos
			}
			return p.misused(n, pos, arg, wrong)
		}
	}
	if why := n.fn.count(len(n.args)); why != "" {
		return p.misused(n, n.pos, 0, why)
	}
	if i := slices.IndexFunc(n.args, func(a *node) bool { return a.kind == nodeLeftOut }); i >= 0 && !n.fn.may(i) && n.fn.check == nil {
		return p.misused(n, n.args[i].pos, i+1, "is left out, and must be there")
	}
	for i, a := range n.args {
		kind := n.fn.kind(i)
		if a.kind != nodeLiteral || kind == 'v' || kind == 'q' {
			continue
		}
		if _, wrong := adapt(kind, a.value, n.fn.maps && i == 0, n.fn.loose); wrong != "" {
			return &Error{Source: p.src, Pos: a.pos, Text: wrong, Function: n.name, Arg: i + 1}
		}
	}
	return nil
}
