package odata

import (
	"slices"
	"strings"
)

// Property is what a schema says of a property.
type Property struct {
	Name string
	Kind Kind
	// Ops are the operators that it may be filtered by: those of Op, "null" for eq null, "/$count" for its size.
	Ops []string
}

// Schema finds properties by their path.
type Schema func(path []string) (Property, bool)

// UnknownError names a property that the resource does not have.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return "there is no property " + e.Name }

// UnsupportedError is a filter that can be read and is never answered.
type UnsupportedError struct {
	Property string
	Op       Op
}

func (e *UnsupportedError) Error() string {
	return "the property " + e.Property + " cannot be filtered with " + string(e.Op)
}

// AdvancedError is a filter that is answered only as an advanced query.
type AdvancedError struct {
	Property string
	Op       Op
}

func (e *AdvancedError) Error() string { return string(e.Op) + " needs an advanced query" }

// MismatchError is a literal of another kind than the property.
type MismatchError struct{ Property string }

func (e *MismatchError) Error() string { return "the value does not fit the property " + e.Property }

// Check tells why a resource refuses a filter, nil when it does not. advanced says that the query is an advanced one.
func (n *Node) Check(s Schema, advanced bool) error {
	return n.check(s, advanced, false)
}

func (n *Node) check(s Schema, advanced, negated bool) error {
	switch n.Op {
	case And, Or:
		for _, a := range n.Args {
			if err := a.check(s, advanced, negated); err != nil {
				return err
			}
		}
		return nil
	case Not:
		if !advanced {
			return &AdvancedError{Op: Not}
		}
		return n.Args[0].check(s, advanced, true)
	case Any, All:
		return n.checkLambda(s, advanced, negated)
	case Count:
		p, err := n.lookup(s)
		switch {
		case err != nil:
			return err
		case !slices.Contains(p.Ops, "/$count") || n.Value.Kind != Int || n.Value.Num != 0 || n.Cmp != Eq && n.Cmp != Ne:
			return &UnsupportedError{Property: p.Name, Op: Count}
		case !advanced:
			return &AdvancedError{Property: p.Name, Op: Count}
		}
		return nil
	case Eq, Ne, Gt, Ge, Lt, Le, In, StartsWith, EndsWith, Contains:
	}
	p, err := n.lookup(s)
	if err != nil {
		return err
	}
	if p.Kind == List {
		return &UnsupportedError{Property: p.Name, Op: n.Op}
	}
	return n.checkOp(p, advanced, negated)
}

func (n *Node) lookup(s Schema) (Property, error) {
	p, known := s(n.Path)
	if !known {
		return p, &UnknownError{Name: strings.Join(n.Path, "/")}
	}
	return p, nil
}

// checkOp checks a comparison with the property, or with the elements of the collection.
func (n *Node) checkOp(p Property, advanced, negated bool) error {
	has := func(op string) bool { return slices.Contains(p.Ops, op) }
	null := n.Value.Kind == Null && n.Op != In
	switch {
	case negated && !has("not"):
		return &UnsupportedError{Property: p.Name, Op: Not}
	case null && n.Op == Eq && has("null"), null && n.Op == Ne && (has("null") || has("ne")):
	case !has(string(n.Op)):
		return &UnsupportedError{Property: p.Name, Op: n.Op}
	case null:
		return &UnsupportedError{Property: p.Name, Op: n.Op}
	}
	for _, v := range append([]Value{n.Value}, n.Value.List...) {
		if v.Kind != Null && v.Kind != List && p.Kind != Object && as(p.Kind, v).Kind != p.Kind {
			return &MismatchError{Property: p.Name}
		}
	}
	if !advanced && (n.Op == Ne || n.Op == EndsWith || null) {
		return &AdvancedError{Property: p.Name, Op: n.Op}
	}
	return nil
}

// checkLambda checks what is asked of the elements of a collection.
func (n *Node) checkLambda(s Schema, advanced, negated bool) error {
	p, err := n.lookup(s)
	if err != nil {
		return err
	}
	if p.Kind != List || n.Op == All || len(n.Args) == 0 {
		return &UnsupportedError{Property: p.Name, Op: n.Op}
	}
	element := func(path []string) (Property, bool) {
		if !strings.EqualFold(path[0], n.Var) {
			return s(path)
		}
		if len(path) == 1 {
			return Property{Name: p.Name, Kind: Text, Ops: p.Ops}, true
		}
		field, known := s(append(slices.Clone(n.Path), path[1:]...))
		if known && len(field.Ops) == 0 {
			field.Ops = p.Ops
		}
		return field, known
	}
	return n.Args[0].check(element, advanced, negated)
}
