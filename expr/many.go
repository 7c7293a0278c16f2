package expr

import (
	"slices"
	"strings"
)

// manyFunctions work on attributes with several values.
var manyFunctions = []function{
	{name: "Contains", takes: "mt?t", null: nullGivesZero, usage: "Contains(values, text, [CaseInsensitive])",
		text:  "the number of the first value with the text in it, 0 when there is none. Case counts unless CaseInsensitive is given; references must be the same as the text",
		tries: []Example{{`Contains(Split("smtp:a@x.com SMTP:b@x.com", " "), "SMTP:")`, `2`}}, call: contains},
	{name: "Count", takes: "m", null: nullGivesZero, usage: "Count(values)", text: "how many values there are", tries: []Example{{`Count(Split("a,b", ","))`, `2`}},
		call: func(_ *machine, a []Value) (Value, error) { return Num(int64(len(a[0].Values()))), nil }},
	{name: "Item", takes: "mn", null: nullSeen, usage: "Item(values, number)", text: "the value of this number, from 1; an error when there is none",
		tries: []Example{{`Item(Split("a,b", ","), 2)`, `"b"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			if v, ok := item(a); ok {
				return v, nil
			}
			return Value{}, badArg(2, "is %s, and there are %d values", a[1].String(), len(a[0].Values()))
		}},
	{name: "RemoveDuplicates", takes: "m", usage: "RemoveDuplicates(values)", text: "each value once, the first one where it stands; case counts",
		tries: []Example{{`Count(RemoveDuplicates(Split("a,b,a", ",")))`, `2`}}, call: removeDuplicates},
}

// connectMany are those of Connect Sync alone.
var connectMany = []function{
	{name: "ItemOrNull", takes: "mn", usage: "ItemOrNull(values, number)", text: "the value of this number, from 1; NULL when there is none",
		tries: []Example{{`IsNull(ItemOrNull(Split("a,b", ","), 3))`, `True`}},
		call: func(_ *machine, a []Value) (Value, error) {
			v, _ := item(a)
			return v, nil
		}},
	{name: "Join", takes: "m?t", usage: `Join(values, [delimiter])`, text: "the values as one text; the delimiter is a space unless given",
		tries: []Example{{`Join(Split("a,b", ","), "; ")`, `"a; b"`}}, call: joinMany},
	{name: "Split", takes: "tt?n", usage: "Split(text, delimiter, [limit])", text: "the parts of a text as values, at most limit; the delimiter is one character",
		tries: []Example{{`Count(Split("SMTP:john.doe@contoso.com,smtp:jd@contoso.com", ","))`, `2`}}, call: split},
}

func item(a []Value) (Value, bool) {
	vs := a[0].Values()
	if n := a[1].n; a[1].kind == Number && n >= 1 && n <= int64(len(vs)) {
		return vs[n-1], true
	}
	return Value{}, false
}

func contains(m *machine, a []Value) (Value, error) {
	find, fold := a[1].s, false
	if given(a, 2) {
		var err error
		if fold, err = folds(a[2], 3); err != nil {
			return Value{}, err
		}
	}
	if fold {
		find = simpleFold(find)
	}
	if find == "" {
		return Num(0), nil
	}
	for i, v := range a[0].Values() {
		s := v.s
		if err := m.spend(len(s)); err != nil {
			return Value{}, err
		}
		switch v.kind {
		case Text, Reference:
		case Null, Number, Truth, Moment, Octets, List, AuthoritativeNull, IgnoreThisFlow:
			return Value{}, badArg(1, "must be texts, has %s", described(v))
		}
		if fold {
			s = simpleFold(s)
		}
		if v.kind == Text && strings.Contains(s, find) || v.kind == Reference && s == find {
			return Num(int64(i) + 1), nil
		}
	}
	return Num(0), nil
}

func joinMany(m *machine, a []Value) (Value, error) {
	delimiter := " "
	if given(a, 1) {
		delimiter = a[1].s
	}
	var b strings.Builder
	for i, v := range a[0].Values() {
		s, ok := joinable(v, false)
		if !ok {
			return Value{}, badArg(1, "must be texts, has %s", described(v))
		}
		if i > 0 {
			b.WriteString(delimiter)
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return Value{}, errText
		}
	}
	return Str(b.String()), m.spend(b.Len())
}

func split(m *machine, a []Value) (Value, error) {
	limit := -1
	if given(a, 2) {
		if a[2].n < 1 || a[2].n > maxList {
			return Value{}, badArg(3, "is %d; it must be from 1 to %d", a[2].n, maxList)
		}
		limit = int(a[2].n)
	}
	if len([]rune(a[1].s)) != 1 {
		return Value{}, badArg(2, "must be one character, is %s", described(a[1]))
	}
	if err := m.spend(16 * strings.Count(a[0].s, a[1].s)); err != nil {
		return Value{}, err
	}
	parts := strings.SplitN(a[0].s, a[1].s, limit)
	if len(parts) > maxList {
		return Value{}, errList
	}
	out := make([]Value, 0, len(parts))
	for _, p := range parts {
		out = append(out, Str(p))
	}
	return Many(out), nil
}

func removeDuplicates(m *machine, a []Value) (Value, error) {
	vs := a[0].Values()
	if len(vs) < 2 {
		return a[0], nil
	}
	if len(vs) <= 16 {
		return fewDistinct(a[0]), nil
	}
	type key struct {
		kind Kind
		n    int64
		s    string
	}
	seen := make(map[key]bool, len(vs))
	out := make([]Value, 0, len(vs))
	for _, v := range vs {
		if err := m.spend(len(v.s)); err != nil {
			return Value{}, err
		}
		k := key{v.kind, v.n, v.s}
		if !seen[k] {
			seen[k] = true
			out = append(out, v)
		}
	}
	return Many(out), nil
}

// fewDistinct is removeDuplicates for few values: it compares each with those before it, and makes nothing when all differ.
func fewDistinct(v Value) Value {
	vs := v.list
	same := func(a, b Value) bool { return a.kind == b.kind && a.n == b.n && a.s == b.s }
	for i := 1; i < len(vs); i++ {
		if !slices.ContainsFunc(vs[:i], func(x Value) bool { return same(x, vs[i]) }) {
			continue
		}
		out := slices.Clone(vs[:i])
		for _, x := range vs[i+1:] {
			if !slices.ContainsFunc(out, func(y Value) bool { return same(x, y) }) {
				out = append(out, x)
			}
		}
		return Many(out)
	}
	return v
}
