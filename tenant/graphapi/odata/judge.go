package odata

import (
	"cmp"
	"slices"
	"strings"
)

// Holds tells whether a filter holds for what get knows. get gives the value of a property by its path, Null for one
// without a value.
func (n *Node) Holds(get func(path []string) Value) bool {
	switch n.Op {
	case And:
		return !slices.ContainsFunc(n.Args, func(a *Node) bool { return !a.Holds(get) })
	case Or:
		return slices.ContainsFunc(n.Args, func(a *Node) bool { return a.Holds(get) })
	case Not:
		return !n.Args[0].Holds(get)
	case Any, All:
		return n.quantified(get)
	case Count:
		return compare(n.Cmp, OfInt(int64(len(get(n.Path).List))), n.Value)
	case In:
		v := get(n.Path)
		return slices.ContainsFunc(n.Value.List, func(x Value) bool { return compare(Eq, v, x) })
	case Eq, Ne, Gt, Ge, Lt, Le, StartsWith, EndsWith, Contains:
		return compare(n.Op, get(n.Path), n.Value)
	}
	return false
}

// quantified judges the elements of a collection.
func (n *Node) quantified(get func(path []string) Value) bool {
	list := get(n.Path).List
	if len(n.Args) == 0 {
		return len(list) > 0
	}
	holds := func(v Value) bool {
		return n.Args[0].Holds(func(path []string) Value {
			if !strings.EqualFold(path[0], n.Var) {
				return get(path)
			}
			v := v
			for _, name := range path[1:] {
				v = v.Field(name)
			}
			return v
		})
	}
	if n.Op == All {
		return !slices.ContainsFunc(list, func(v Value) bool { return !holds(v) })
	}
	return slices.ContainsFunc(list, holds)
}

// compare judges two values. Text is compared without regard to case; a literal in quotes is taken for what it is
// compared with.
func compare(op Op, v, with Value) bool {
	with = as(v.Kind, with)
	switch op {
	case Eq:
		return equal(v, with)
	case Ne:
		return !equal(v, with)
	case StartsWith:
		return v.Kind == Text && len(v.Text) >= len(with.Text) && strings.HasPrefix(strings.ToLower(v.Text), strings.ToLower(with.Text))
	case EndsWith:
		return v.Kind == Text && strings.HasSuffix(strings.ToLower(v.Text), strings.ToLower(with.Text))
	case Contains:
		return v.Kind == Text && strings.Contains(strings.ToLower(v.Text), strings.ToLower(with.Text))
	case Gt, Ge, Lt, Le, And, Or, Not, In, Any, All, Count:
	}
	if v.Kind != with.Kind || v.Kind == Null || v.Kind >= List {
		return false
	}
	order := cmp.Compare(v.Num, with.Num)
	if v.Kind == Text {
		order = strings.Compare(strings.ToLower(v.Text), strings.ToLower(with.Text))
	}
	return op == Gt && order > 0 || op == Ge && order >= 0 || op == Lt && order < 0 || op == Le && order <= 0
}

func equal(a, b Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind == Text {
		return strings.EqualFold(a.Text, b.Text)
	}
	return a.Kind == Null || a.Kind < List && a.Num == b.Num
}

// as reads a literal as the kind that it is compared with, when it can be.
func as(k Kind, v Value) Value {
	if v.Kind != Text || k == Text {
		return v
	}
	switch k {
	case Bool:
		if strings.EqualFold(v.Text, "true") || strings.EqualFold(v.Text, "false") {
			return OfBool(strings.EqualFold(v.Text, "true"))
		}
	case Int, Time:
		if n, ok := number(v.Text); ok && n.Kind == k {
			return n
		}
	case Null, Text, List, Object:
	}
	return v
}
