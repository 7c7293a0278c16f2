package odata

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// who is somebody to judge filters by.
var who = map[string]Value{
	"displayName": Of("Anna O'Berg"), "age": OfInt(42), "enabled": OfBool(true), "made": {Kind: Time, Num: 1772600767000000}, "none": {},
	"mails": Texts([]string{"smtp:a@x.org", "SMTP:b@y.org"}), "licences": {Kind: List, List: []Value{OfObject(Field{"skuId", Of("11111111-1111-1111-1111-111111111111")})}},
	"org": OfObject(Field{"division", Of("North")}), "empty": {Kind: List},
}

func get(path []string) Value {
	v := who[path[0]]
	for _, name := range path[1:] {
		v = v.Field(name)
	}
	return v
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		"displayName eq 'anna o''berg'": true, "displayName eq 'anna'": false, "displayName ne 'x'": true,
		"startswith(displayName,'ANNA')": true, "startsWith(displayName, 'b')": false, "endswith(displayName,'BERG')": true, "contains(displayName,'o''b')": true,
		"displayName ge 'anna' and displayName le 'b'": true, "age gt 41 and age lt 43": true, "age eq -42": false, "enabled": true, "not enabled": false,
		"enabled eq true": true, "enabled eq 'true'": true, "enabled eq FALSE": false, "none eq null": true, "displayName eq null": false, "none ne null": false,
		"made eq 2026-03-04T05:06:07Z": true, "made ge 2026-03-04": true, "made lt 2026-03-04T06:06:07.5+01:00": true, "made gt '2026-01-01T00:00:00Z'": true,
		"displayName in ('x','anna o''berg')": true, "displayName in ('x')": false, "age in (1, 42)": true,
		"mails/any(m:m eq 'smtp:b@y.org')": true, "mails/any(m:startswith(m,'x500:'))": false, "mails/any()": true, "empty/any()": false,
		"mails/all(m:startswith(m,'smtp:'))": true, "mails/$count eq 2": true, "empty/$count ne 0": false,
		"licences/any(l:l/skuId eq 11111111-1111-1111-1111-111111111111)": true, "licences/any(l:l/skuId eq '2')": false, "org/division eq 'north'": true,
		"(age eq 1 or enabled) and not (displayName eq 'x')": true, "age eq 1 or age eq 2 and enabled": false, "NOT(age eq 1) AND enabled": true,
		"mails/any(m:m eq 'smtp:a@x.org' and age eq 42)": true,
	} {
		n, err := ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := n.Holds(get); got != want {
			t.Errorf("%s: got %v, want %v", filter, got, want)
		}
	}
	for _, filter := range []string{"", "displayName eq", "displayName eq 'x", "displayName is 'x'", "(a eq 1", "a eq 1)", "a eq 1 and", "in (1)", "a in 1", "a in (1",
		"a in ()", "startswith(a)", "mails/any(m eq 1)", "a eq #", "/a eq 1", "a//b eq 1", "1 eq a", "a eq 1x", strings.Repeat("not ", 200) + "a", strings.Repeat("(", 200),
		"a eq '" + strings.Repeat("x", maxFilter) + "'"} {
		n, err := ParseFilter(filter)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.50q: got %v, error %v", filter, n, err)
		}
	}
	_, err := ParseFilter("displayName eq 'x")
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.At != 15 {
		t.Errorf("got %v, want a syntax error at 15", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	schema := func(path []string) (Property, bool) {
		p, ok := map[string]Property{"name": {"name", Text, strings.Fields("eq ne not startsWith in null")}, "plain": {"plain", Text, nil},
			"list": {"list", List, strings.Fields("eq not /$count")}, "when": {"when", Time, strings.Fields("ge")}, "on": {"on", Bool, []string{"eq"}},
			"list/x": {"list/x", Text, nil}}[strings.Join(path, "/")]
		return p, ok
	}
	for filter, want := range map[string]string{
		"name eq 'x'": "", "name in ('x')": "", "name ne 'x'": "advanced", "not name eq 'x'": "advanced", "name eq null": "advanced", "plain eq 'x'": "never",
		"name gt 'x'": "never", "other eq 1": "unknown", "list eq 'x'": "never", "list/any(a:a eq 'x')": "", "list/any(a:a/x eq 'y')": "", "list/any(a:a/y eq 'y')": "unknown",
		"list/any()": "never", "list/all(a:a eq 'x')": "never", "list/$count eq 0": "advanced", "list/$count eq 1": "never", "name/$count eq 0": "never",
		"when ge 2026-01-01": "", "when ge 'soon'": "mismatch", "on eq 3": "mismatch", "not on eq true": "advanced", "list/any(a:a ne 'x')": "never",
	} {
		n, err := ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindOfError(n.Check(schema, false)); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
		if want == "advanced" && filter != "not on eq true" {
			if err := n.Check(schema, true); err != nil {
				t.Errorf("%s, advanced: %v", filter, err)
			}
		}
	}
}

func kindOfError(err error) string {
	var unknown *UnknownError
	var never *UnsupportedError
	var advanced *AdvancedError
	var mismatch *MismatchError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &unknown):
		return "unknown"
	case errors.As(err, &never):
		return "never"
	case errors.As(err, &advanced):
		return "advanced"
	case errors.As(err, &mismatch):
		return "mismatch"
	}
	return err.Error()
}

func TestSearch(t *testing.T) {
	t.Parallel()
	get := func(name string) Value { return who[name] }
	tokens := func(name string) bool { return name == "displayName" }
	for search, want := range map[string]bool{
		`"displayName:berg"`: true, `"displayName:er"`: false, `"displayName:an be"`: true, `"mails:smtp"`: true, `"mails:b y"`: false,
		`"displayName:x" OR "displayName:anna"`: true, `"displayName:x" AND "displayName:anna"`: false, `NOT "displayName:x"`: true,
		`("displayName:x" OR "displayName:anna") AND "mails:smtp a"`: true,
	} {
		s, err := ParseSearch(search)
		if err != nil {
			t.Errorf("%s: %v", search, err)
			continue
		}
		if got := s.Holds(get, tokens); got != want {
			t.Errorf("%s: got %v, want %v", search, got, want)
		}
	}
	for _, bad := range []string{``, `displayName:x`, `"x"`, `"displayName:"`, `"displayName:x`, `("displayName:x"`, `"a:b" and "c:d"`, `"a:b" "c:d"`} {
		if s, err := ParseSearch(bad); err == nil {
			t.Errorf("%s: got %v, want an error", bad, s)
		}
	}
}

func TestOrderSelectExpand(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"a", "b"}, ParseSelect(" a, b,A,")); diff != "" {
		t.Error(diff)
	}
	o, err := ParseOrder("a/b desc, c")
	if diff := cmp.Diff([]Order{{Path: []string{"a", "b"}, Desc: true}, {Path: []string{"c"}}}, o); diff != "" || err != nil {
		t.Error(diff, err)
	}
	e, err := ParseExpand("manager($select=id,displayName;$levels=1),members")
	if diff := cmp.Diff([]Expansion{{Name: "manager", Select: []string{"id", "displayName"}, Levels: 1}, {Name: "members"}}, e); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"a up", "", "a,,b", "a/ desc"} {
		if _, err := ParseOrder(bad); err == nil {
			t.Errorf("order %q: no error", bad)
		}
	}
	for _, bad := range []string{"", "a($filter=x)", "a(", "a,"} {
		if _, err := ParseExpand(bad); err == nil {
			t.Errorf("expand %q: no error", bad)
		}
	}
}

// FuzzFilter: whatever comes, a filter is read or refused, and what was read is judged.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"displayName eq 'a''b'", "mails/any(m:startswith(m,'x'))", "a in (1,'x',null)", "not (made ge 2026-01-01T00:00:00Z or age lt 3)",
		"licences/$count ne 0", "x/any()", "a eq 11111111-1111-1111-1111-111111111111"} {
		f.Add(s)
	}
	schema := func(path []string) (Property, bool) {
		return Property{Name: path[0], Kind: get(path).Kind, Ops: strings.Fields("eq ne not in ge le startsWith null /$count")}, len(path) < 3
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseFilter(s)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.At < 0 || syntax.At > len(s) {
				t.Errorf("%q: got %v", s, err)
			}
			return
		}
		n.Holds(get)
		_ = n.Check(schema, true) // either is right
		negated := &Node{Op: Not, Args: []*Node{n}}
		if negated.Holds(get) == n.Holds(get) {
			t.Errorf("%q and its opposite are both %v", s, n.Holds(get))
		}
	})
}

// FuzzSearch: whatever comes, a search is read or refused, and what was read is judged.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{`"displayName:anna berg"`, `"a:b" AND ("c:d" OR NOT "e:f")`, `"a:\"b"`} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if n, err := ParseSearch(s); err == nil {
			n.Properties()
			n.Holds(func(name string) Value { return who[name] }, func(name string) bool { return len(name)%2 == 0 })
		}
	})
}

// FuzzOptions: whatever comes, orders, selections and expansions are read or refused.
func FuzzOptions(f *testing.F) {
	for _, s := range []string{"a/b desc,c", "manager($select=id;$levels=1),members", "a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range ParseSelect(s) {
			if name == "" {
				t.Errorf("%q: an empty name", s)
			}
		}
		if list, err := ParseOrder(s); err == nil && len(list) == 0 {
			t.Errorf("%q: no order and no error", s)
		}
		if list, err := ParseExpand(s); err == nil && len(list) == 0 {
			t.Errorf("%q: no expansion and no error", s)
		}
	})
}

// FuzzJSON: text is written so that it is read again as it was.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"a\"b\\c\n\t\x00é\u2028😀", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil || utf8.ValidString(s) && got != s {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	})
}
