package expr

import "strings"

// The arguments of Cloud Sync's Replace.
const (
	argSource = iota
	argOld
	argPattern
	argGroup
	argValue
	argAttribute
	argTemplate
)

// replaceModes are what Replace does, by the arguments that are there besides source.
var replaceModes = map[string]func(r *replacer, m *machine, a []Value) (Value, error){
	"old value":               (*replacer).values,
	"old template":            (*replacer).template,
	"pattern value":           (*replacer).hits,
	"pattern group value":     (*replacer).group,
	"pattern group attribute": (*replacer).missing,
}

var replaceNames = [...]string{"source", "old", "pattern", "group", "value", "attribute", "template"}

// modeOf names a call's mode.
func modeOf(n *node) string {
	var there []string
	for i, a := range n.args {
		if i > 0 && a.kind != nodeLeftOut {
			there = append(there, replaceNames[i])
		}
	}
	return strings.Join(there, " ")
}

func checkReplace(n *node) (int, string) {
	if len(n.args) > len(replaceNames) {
		return 0, "takes at most 7 arguments"
	}
	if len(n.args) == 0 || n.args[0].kind == nodeLeftOut {
		return 0, "has no source"
	}
	mode := modeOf(n)
	if replaceModes[mode] == nil {
		return 0, "has " + strings.ReplaceAll(strings.TrimSpace("source "+mode), " ", ", ") + "; with source go old and value, old and template, pattern and value, pattern, group and value, or pattern, group and attribute"
	}
	if len(n.args) > argPattern && n.args[argPattern].kind == nodeLiteral {
		p, err := newPattern(n.args[argPattern].value.s)
		if err != nil {
			return argPattern + 1, err.Error()
		}
		if g := n.args[argGroup:]; len(g) > 0 && g[0].kind == nodeLiteral && !p.has(g[0].value.s) {
			return argGroup + 1, "is no group of the pattern; its groups are " + p.groups()
		}
	}
	return 0, ""
}

// replacer is one call of Replace, ready to be made.
type replacer struct {
	pattern *pattern // nil: it is not known before
}

// lazyReplace evaluates the arguments and does what the call's mode says.
func lazyReplace(c *compiler, n *node, args []eval) eval {
	r := &replacer{}
	do := replaceModes[modeOf(n)]
	if len(n.args) > argPattern && n.args[argPattern].kind == nodeLiteral {
		r.pattern, _ = newPattern(n.args[argPattern].value.s) // it was checked
	}
	fn := &function{name: n.fn.name, kinds: n.fn.kinds, required: 1, loose: true, null: nullSeen, maps: true,
		call: func(m *machine, a []Value) (Value, error) { return do(r, m, a) }}
	inner := *n
	inner.fn = fn
	return c.call(&inner, args)
}

// use is the pattern of this evaluation.
func (r *replacer) use(a []Value) (*pattern, error) {
	if r.pattern != nil {
		return r.pattern, nil
	}
	p, err := newPattern(a[argPattern].s)
	if err != nil {
		return nil, badArg(argPattern+1, "%s", err)
	}
	return p, nil
}

// values replaces each old by value.
func (r *replacer) values(_ *machine, a []Value) (Value, error) {
	if a[argSource].kind == Null {
		return Value{}, nil
	}
	s, err := replaceAll(a[argSource].s, a[argOld].s, a[argValue].s)
	return Str(s), err
}

// template puts source where the template has old.
func (r *replacer) template(_ *machine, a []Value) (Value, error) {
	if a[argSource].kind == Null {
		return Value{}, nil
	}
	s, err := replaceAll(a[argTemplate].s, a[argOld].s, a[argSource].s)
	return Str(s), err
}

func replaceAll(s, old, with string) (string, error) {
	if old == "" {
		return s, nil
	}
	if len(s)+strings.Count(s, old)*(len(with)-len(old)) > maxText {
		return "", errText
	}
	return strings.ReplaceAll(s, old, with), nil
}

// hits replaces what the pattern hits.
func (r *replacer) hits(m *machine, a []Value) (Value, error) {
	if a[argSource].kind == Null {
		return Value{}, nil
	}
	p, err := r.use(a)
	if err != nil {
		return Value{}, err
	}
	s, err := p.replace(m, a[argSource].s, a[argValue].s)
	return Str(s), err
}

// group replaces what a group of the pattern hits.
func (r *replacer) group(m *machine, a []Value) (Value, error) {
	if a[argSource].kind == Null {
		return Value{}, nil
	}
	p, err := r.use(a)
	if err != nil {
		return Value{}, err
	}
	if !p.has(a[argGroup].s) {
		return Value{}, badArg(argGroup+1, "is no group of the pattern; its groups are %s", p.groups())
	}
	s, err := p.replaceGroup(m, a[argSource].s, a[argGroup].s, a[argValue].s)
	return Str(s), err
}

// missing gives source, or when there is none what a group of the pattern hits in another attribute.
func (r *replacer) missing(m *machine, a []Value) (Value, error) {
	if !a[argSource].empty() {
		return a[argSource], nil
	}
	p, err := r.use(a)
	if err != nil {
		return Value{}, err
	}
	if !p.has(a[argGroup].s) {
		return Value{}, badArg(argGroup+1, "is no group of the pattern; its groups are %s", p.groups())
	}
	if a[argAttribute].empty() {
		return a[argSource], nil
	}
	s, ok, err := p.find(m, a[argAttribute].s, a[argGroup].s)
	if err != nil || !ok {
		return Value{}, err
	}
	return Str(s), nil
}
