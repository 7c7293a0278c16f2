package expr

import "strconv"

// testFunctions answer True or False.
var testFunctions = []function{
	{name: "IsNull", takes: "v", null: nullSeen, usage: "IsNull(value)", text: "whether there is no value", tries: []Example{{`IsNull("")`, `False`}},
		call: onAny(func(v Value) bool { return v.kind == Null })},
	{name: "IsNullOrEmpty", takes: "v", null: nullSeen, usage: "IsNullOrEmpty(value)", text: "whether there is no value, or an empty text", tries: []Example{{`IsNullOrEmpty("")`, `True`}},
		call: onAny(Value.empty)},
	{name: "IsPresent", takes: "v", null: nullSeen, usage: "IsPresent(value)", text: "whether there is a value that is not an empty text", tries: []Example{{`IsPresent("x")`, `True`}},
		call: onAny(func(v Value) bool { return !v.empty() })},
	{name: "IsString", takes: "v", null: nullSeen, usage: "IsString(value)", text: "whether CStr can make a text of it: a text, number, reference or truth value", tries: []Example{{`IsString(42)`, `True`}},
		call: onAny(func(v Value) bool {
			return v.kind == Text || v.kind == Number || v.kind == Reference || v.kind == Truth
		})},
}

// connectTests are those of Connect Sync alone.
var connectTests = []function{
	{name: "IsEmpty", takes: "v", null: nullSeen, usage: "IsEmpty(value)", text: "whether there is a value, and it is an empty text", tries: []Example{{`IsEmpty("")`, `True`}, {`IsEmpty(NULL)`, `False`}},
		call: onAny(func(v Value) bool { return v.kind != Null && v.empty() })},
	{name: "IsNumeric", takes: "v", null: nullSeen, usage: "IsNumeric(value)", text: "whether CNum can make a number of it", tries: []Example{{`IsNumeric("42")`, `True`}}, call: onAny(numeric)},
	{name: "IsDate", takes: "v", null: nullSeen, usage: "IsDate(value)", text: "whether it is a time, or CDate can make one of it", tries: []Example{{`IsDate("12/25/2007")`, `True`}},
		call: onAny(func(v Value) bool {
			if v.kind != Text {
				return v.kind == Moment
			}
			_, ok := parseTime(v.s)
			return ok
		})},
	{name: "IsGuid", takes: "v", null: nullSeen, usage: "IsGuid(text)", text: "whether it is the dashed text of a GUID, with or without braces", tries: []Example{{`IsGuid("00010203-0405-0607-0809-0a0b0c0d0e0f")`, `True`}},
		call: onAny(func(v Value) bool {
			_, ok := guidBytes(unbraced(v.s))
			return v.kind == Text && len(unbraced(v.s)) == 36 && ok
		})},
	{name: "Not", takes: "b", null: nullSeen, usage: "Not(condition)", text: "whether it is not true; Connect Sync itself writes [a] = False", tries: []Example{{`Not(True)`, `False`}},
		call: onAny(func(v Value) bool { return v.n == 0 })},
}

// cloudTests are those of Cloud Sync alone.
var cloudTests = []function{
	{name: "Not", takes: "v", null: nullSeen, usage: "Not(source)", text: "False for True, or the text True; True for everything else", tries: []Example{{`Not("True")`, `False`}, {`Not("x")`, `True`}},
		call: onAny(func(v Value) bool {
			b, ok := truth(v, true)
			return !ok || !b
		})},
	{name: "IsNothing", takes: "v", null: nullSeen, usage: "IsNothing(source)", text: "the same as IsNull", tries: []Example{{`IsNothing([mail])`, `True`}},
		call: onAny(func(v Value) bool { return v.kind == Null })},
}

func onAny(f func(Value) bool) func(*machine, []Value) (Value, error) {
	return func(_ *machine, a []Value) (Value, error) { return Bool(f(a[0])), nil }
}

func numeric(v Value) bool {
	if v.kind == Text {
		_, err := strconv.ParseInt(trim(v.s), 10, 64)
		return err == nil
	}
	return v.kind == Number || v.kind == Truth
}
