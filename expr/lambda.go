package expr

// lambdaFunctions give a name to a value. The first argument is the name, $ and letters; it is known in the last one alone.
var lambdaFunctions = []function{
	{name: "With", takes: "$vv", usage: "With($name, value, expression)", text: "the expression, in which $name stands for the value; the value is evaluated once",
		tries: []Example{{`With($x, Trim(" a "), $x & $x)`, `"aa"`}}, lazy: lazyWith},
	{name: "Select", takes: "$mv", usage: "Select($name, values, expression)", text: "what the expression gives for each of the values; NULL is left out",
		tries: []Example{{`Join(Select($p, Split("0-1,0-2", ","), Replace($p, "-", "")), " ")`, `"01 02"`}}, lazy: lazySelect},
	{name: "Where", takes: "$mb", usage: "Where($name, values, condition)", text: "those of the values for which the condition is true",
		tries: []Example{{`Where($p, Split("a,bb,c", ","), Len($p) = 2)`, `"bb"`}}, lazy: lazyWhere},
}

// bound evaluates a part of an expression with a variable set.
func bound(m *machine, slot int, v Value, body eval) (Value, *Error) {
	for len(m.vars) <= slot {
		m.vars = append(m.vars, Value{})
	}
	m.vars[slot] = v
	return body(m)
}

// weight is what evaluating a part of an expression once costs, apart from what its functions make.
func weight(n *node) int {
	w := 8
	for _, a := range n.args {
		w += weight(a)
	}
	return w
}

func lazyWith(c *compiler, n *node, args []eval) eval {
	slot := n.args[0].slot
	return func(m *machine) (Value, *Error) {
		v, err := args[1](m)
		if err != nil {
			return Value{}, err
		}
		if v.kind == AuthoritativeNull || v.kind == IgnoreThisFlow {
			return Value{}, at(c.src, n, badArg(2, "%s is no value and can only be the result", v.kind))
		}
		return bound(m, slot, v, args[2])
	}
}

func lazySelect(c *compiler, n *node, args []eval) eval {
	slot, cost := n.args[0].slot, stepCost+weight(n.args[2])
	return func(m *machine) (Value, *Error) {
		from, err := args[1](m)
		if err != nil {
			return Value{}, err
		}
		if from.kind == AuthoritativeNull || from.kind == IgnoreThisFlow {
			return Value{}, at(c.src, n, badArg(2, "%s is no value and can only be the result", from.kind))
		}
		out := make([]Value, 0, len(from.Values()))
		for _, x := range from.Values() {
			v, err := bound(m, slot, x, args[2])
			if err != nil {
				return Value{}, err
			}
			switch v.kind {
			case AuthoritativeNull, IgnoreThisFlow:
				return Value{}, at(c.src, n, badArg(3, "%s is no value and can only be the result", v.kind))
			case Null:
			case Text, Number, Truth, Moment, Octets, Reference, List:
				out = append(out, v.Values()...)
			}
			wrong := m.spend(cost + v.size())
			if wrong == nil && len(out) > maxList {
				wrong = errList
			}
			if wrong != nil {
				return Value{}, at(c.src, n, wrong)
			}
		}
		return Many(out), nil
	}
}

func lazyWhere(c *compiler, n *node, args []eval) eval {
	slot, cost := n.args[0].slot, stepCost+weight(n.args[2])
	return func(m *machine) (Value, *Error) {
		from, err := args[1](m)
		if err != nil {
			return Value{}, err
		}
		if from.kind == AuthoritativeNull || from.kind == IgnoreThisFlow {
			return Value{}, at(c.src, n, badArg(2, "%s is no value and can only be the result", from.kind))
		}
		var out []Value
		for _, x := range from.Values() {
			v, err := bound(m, slot, x, args[2])
			if err != nil {
				return Value{}, err
			}
			b, ok := truth(v, c.d.cloud)
			if !ok {
				return Value{}, at(c.src, n, badArg(3, "must be true or false, is %s", described(v)))
			}
			if wrong := m.spend(cost + x.size()); wrong != nil {
				return Value{}, at(c.src, n, wrong)
			}
			if b {
				out = append(out, x)
			}
		}
		return Many(out), nil
	}
}
