package expr

// flowFunctions decide what is evaluated at all.
var flowFunctions = []function{
	{name: "IIF", takes: "bvv", usage: "IIF(condition, then, else)", text: "one of two values; the other is not evaluated. A condition that is NULL is False",
		tries: []Example{{`IIF(1 < 2, "less", Error("no"))`, `"less"`}}, lazy: lazyIIF, warn: warnIIF},
	{name: "Error", takes: "t", usage: "Error(text)", text: "fails the object with this text", null: nullSeen,
		tries: []Example{{`IIF(IsPresent("x"), "x", Error("there is no name"))`, `"x"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			return Value{}, &Error{Text: shortened(a[0].s, 1000), Function: "Error", Raised: true}
		}},
}

// connectFlow are those of Connect Sync alone.
var connectFlow = []function{
	{name: "Switch", takes: "bv**", usage: "Switch(condition, value, ...)",
		text:  "the value beside the first condition that is true; NULL when none is. All conditions are evaluated, and only that value",
		tries: []Example{{`Switch(1 = 2, "one", 2 = 2, "two", True, Error("neither"))`, `"two"`}}, lazy: lazyConditions},
	{name: "ImportedValue", takes: "q", use: UseImported, usage: `ImportedValue("attribute")`,
		text:  "the value that the last import confirmed, without what was sent since",
		tries: []Example{{`IsNull(ImportedValue("proxyAddresses"))`, `True`}},
		call:  func(m *machine, a []Value) (Value, error) { return m.env.Imported(a[0].s), nil }},
	{name: "ValueCount", takes: "q", use: UseCount, usage: `ValueCount("attribute")`, text: "the number of an attribute's values, of links too",
		tries: []Example{{`ValueCount("member")`, `0`}},
		call:  func(m *machine, a []Value) (Value, error) { return Num(m.env.Count(a[0].s)), nil }},
}

// cloudFlow are those of Cloud Sync alone.
var cloudFlow = []function{
	{name: "Switch", takes: "vvvv**", usage: "Switch(source, default, key, value, ...)",
		text:  `the value beside the first key that is the same text as source, case included; else default. The key "" meets a source that is NULL or empty. Only the value that is taken is evaluated`,
		tries: []Example{{`Switch("QLD", "Australia/Sydney", "NSW", "Australia/Sydney", "QLD", "Australia/Brisbane")`, `"Australia/Brisbane"`}},
		null:  nullSeen, lazy: lazyKeys, check: checkKeys, warn: warnKeys},
	{name: "Coalesce", takes: "v*", null: nullSeen, usage: "Coalesce(source, ..., default)", text: "the first value that is not NULL; an empty text is a value",
		tries: []Example{{`Coalesce([mail], "none")`, `"none"`}}, lazy: lazyCoalesce},
	{name: "IgnoreFlowIfNullOrEmpty", takes: "v", null: nullSeen, top: true, usage: "IgnoreFlowIfNullOrEmpty(value)",
		text:  "the value; when it is NULL or empty, what the target holds stays",
		tries: []Example{{`IgnoreFlowIfNullOrEmpty("x")`, `"x"`}, {`IgnoreFlowIfNullOrEmpty([department])`, `IgnoreThisFlow`}},
		call: func(_ *machine, a []Value) (Value, error) {
			if a[0].empty() {
				return Value{kind: IgnoreThisFlow}, nil
			}
			return a[0], nil
		}},
	{name: "Redact", takes: "v", null: nullSeen, secret: true, usage: "Redact(value)", text: `the value; plans, explanations, comparisons, the log and what is said of an object show "[Redact]" instead, also of the attributes that it reads and those that it goes on to`,
		tries: []Example{{`Redact("secret")`, `"secret"`}}, call: func(_ *machine, a []Value) (Value, error) { return a[0], nil }},
	{name: "SelectUniqueValue", takes: "vv*", null: nullSeen, top: true, asks: true, usage: "SelectUniqueValue(candidate, candidate, ...)",
		text:  "the first candidate that nobody else has or gets; an error when somebody has each of them. It stands alone, in an outbound flow with a claim, and makes sense only where the flow applies once",
		tries: []Example{{`SelectUniqueValue("ann.lee@contoso.com", "a.lee@contoso.com")`, `"ann.lee@contoso.com"`}},
		lazy:  lazyUnique},
	{name: "DefaultDomain", takes: "", usage: "DefaultDomain()", text: "the tenant's default domain, from the parameter Tenant.Default, else Tenant.Initial",
		tries: []Example{{`DefaultDomain()`, `"contoso.onmicrosoft.com"`}},
		call: func(m *machine, _ []Value) (Value, error) {
			for _, name := range []string{"Tenant.Default", "Tenant.Initial"} {
				if s, ok := m.env.Param(name); ok && s != "" {
					return Str(s), nil
				}
			}
			return Value{}, badArg(0, "the tenant's default domain is not known: neither Tenant.Default nor Tenant.Initial is given")
		}},
}

// condition evaluates argument i as a condition.
func (c *compiler) condition(m *machine, n *node, arg eval, i int) (bool, *Error) {
	v, err := arg(m)
	if err != nil {
		return false, err
	}
	b, ok := truth(v, c.d.cloud)
	if !ok {
		return false, at(c.src, n, badArg(i+1, "must be true or false, is %s", described(v)))
	}
	return b, nil
}

func lazyIIF(c *compiler, n *node, args []eval) eval {
	return func(m *machine) (Value, *Error) {
		b, err := c.condition(m, n, args[0], 0)
		if err != nil {
			return Value{}, err
		}
		if b {
			return args[1](m)
		}
		return args[2](m)
	}
}

// warnIIF tells of conditions that Cloud Sync itself documents as not working. They work here.
func warnIIF(n *node) string {
	cond := n.args[0]
	emptyText := func(x *node) bool { return x.kind == nodeLiteral && x.value.kind == Text && x.value.s == "" }
	switch {
	case !n.fn.loose:
	case cond.kind == nodeCall && (cond.name == "IsPresent" || cond.name == "IsNull" || cond.name == "IsNullOrEmpty"),
		cond.kind == nodeBinary && (emptyText(cond.args[0]) || emptyText(cond.args[1])):
		return `Cloud Sync itself does not decide by a source that is NULL or empty; Switch with the key "" works in both`
	}
	return ""
}

func lazyConditions(c *compiler, n *node, args []eval) eval {
	return func(m *machine) (Value, *Error) {
		chosen := -1
		for i := 0; i+1 < len(args); i += 2 {
			b, err := c.condition(m, n, args[i], i)
			if err != nil {
				return Value{}, err
			}
			if b && chosen < 0 {
				chosen = i + 1
			}
		}
		if chosen < 0 {
			return Value{}, nil
		}
		return args[chosen](m)
	}
}

func checkKeys(n *node) (int, string) {
	if len(n.args)%2 != 0 || len(n.args) < 4 {
		return 0, "takes source, default, and then keys and values in pairs: an even number of arguments, at least 4"
	}
	for i, a := range n.args {
		if a.kind == nodeLeftOut && i != 1 {
			return i + 1, "is left out; only the default may be"
		}
	}
	return 0, ""
}

func warnKeys(n *node) string {
	if s := n.args[0]; s.kind == nodeCall && (s.name == "IsPresent" || s.name == "IsNull" || s.name == "IsNullOrEmpty") {
		return `the source is a test; name the attribute itself, and let the key "" stand for none`
	}
	return ""
}

// lazyKeys compares source with each key in turn.
func lazyKeys(c *compiler, n *node, args []eval) eval {
	text := func(m *machine, i int) (string, *Error) {
		v, err := args[i](m)
		if err != nil {
			return "", err
		}
		s, ok := joinable(v, true)
		if !ok {
			return "", at(c.src, n, badArg(i+1, "must be a text, is %s", described(v)))
		}
		return s, nil
	}
	return func(m *machine) (Value, *Error) {
		source, err := text(m, 0)
		if err != nil {
			return Value{}, err
		}
		for i := 2; i+1 < len(args); i += 2 {
			key, err := text(m, i)
			if err != nil {
				return Value{}, err
			}
			if key == source {
				return args[i+1](m)
			}
		}
		if args[1] == nil {
			return Value{}, nil
		}
		return args[1](m)
	}
}

func lazyCoalesce(_ *compiler, _ *node, args []eval) eval {
	return func(m *machine) (Value, *Error) {
		for _, a := range args {
			if v, err := a(m); err != nil || v.kind != Null {
				return v, err
			}
		}
		return Value{}, nil
	}
}

// lazyUnique evaluates a candidate only when those before it are taken.
func lazyUnique(c *compiler, n *node, args []eval) eval {
	fail := func(err error) (Value, *Error) { return Value{}, at(c.src, n, err) }
	return func(m *machine) (Value, *Error) {
		world := m.world()
		if world.Taken == nil {
			return fail(badArg(0, "what the target holds is not known here"))
		}
		tried := ""
		for _, a := range args {
			v, err := a(m)
			if err != nil {
				return Value{}, err
			}
			if v.empty() {
				continue
			}
			if v.kind == List {
				return fail(badArg(0, "a candidate is one value, not %d", len(v.list)))
			}
			taken, wrong := world.Taken(v)
			if wrong != nil {
				return fail(wrong)
			}
			if !taken {
				return v, nil
			}
			if len(tried) < 400 {
				tried += ", " + shortened(v.String(), 100)
			}
		}
		if tried == "" {
			return Value{}, nil
		}
		return fail(badArg(0, "the target holds all of its candidates: %s", tried[2:]))
	}
}

// shortened is s with at most this many characters.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:offset(s, int64(most))] + "…"
}
