package expr

import "strconv"

// testFunctions answer True or False.
var testFunctions = []function{
	{name: "IsNull", takes: "v", null: nullSeen, usage: "IsNull(value)", text: "whether there is no value", call: onAny(func(v Value) bool { return v.kind == Null })},
	{name: "IsNullOrEmpty", takes: "v", null: nullSeen, usage: "IsNullOrEmpty(value)", text: "whether there is no value, or an empty text", call: onAny(Value.empty)},
	{name: "IsEmpty", takes: "v", null: nullSeen, usage: "IsEmpty(value)", text: "the same as IsNullOrEmpty", call: onAny(Value.empty)},
	{name: "IsPresent", takes: "v", null: nullSeen, usage: "IsPresent(value)", text: "whether there is a value that is not an empty text",
		call: onAny(func(v Value) bool { return !v.empty() })},
	{name: "IsString", takes: "v", null: nullSeen, usage: "IsString(value)", text: "whether it is a text", call: onAny(func(v Value) bool { return v.kind == Text })},
	{name: "IsNumeric", takes: "v", null: nullSeen, usage: "IsNumeric(value)", text: "whether it is a number, or a text that is one", call: onAny(numeric)},
	{name: "IsDate", takes: "v", null: nullSeen, usage: "IsDate(value)", text: "whether it is a time, or a text that is one",
		call: onAny(func(v Value) bool {
			_, err := parseTime(v.s)
			return v.kind == Moment || v.kind == Text && err == nil
		})},
	{name: "IsGuid", takes: "v", null: nullSeen, usage: "IsGuid(text)", text: "whether it is the dashed text of a GUID",
		call: onAny(func(v Value) bool {
			_, ok := guidBytes(v.s)
			return v.kind == Text && len(v.s) == 36 && ok
		})},
	{name: "Not", takes: "b", null: nullSeen, usage: "Not(condition)", text: "whether it is not true", call: onAny(func(v Value) bool { return v.n == 0 })},
}

func onAny(f func(Value) bool) func(*machine, []Value) (Value, error) {
	return func(_ *machine, a []Value) (Value, error) { return Bool(f(a[0])), nil }
}

func numeric(v Value) bool {
	if v.kind == Text {
		_, err := strconv.ParseFloat(trim(v.s), 64)
		return err == nil
	}
	return v.kind == Number
}
