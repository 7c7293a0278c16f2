package cloudsync

import (
	"strings"

	"github.com/canopy-sync/canopy/expr"
)

// Source is an attributeMappingSource: an expression taken apart.
type Source struct {
	Type       string      `json:"type"` // Attribute, Constant, Function
	Name       string      `json:"name"`
	Expression string      `json:"expression"`
	Parameters []Parameter `json:"parameters"`
}

// Parameter is one argument of a function.
type Parameter struct {
	Key   string `json:"key"`
	Value Source `json:"value"`
}

// keys are the names of parameters as schemas write them. The last one of a function recurs where it has more arguments.
var keys = map[string][]string{
	"Append": {"source", "suffix"}, "Mid": {"source", "start", "length"}, "Not": {"source"}, "Join": {"separator", "source"}, "Split": {"source", "delimiter"},
	"StripSpaces": {"source"}, "Switch": {"source", "defaultValue", "switchValue"}, "Trim": {"source"},
	"Replace":        {"source", "Find", "RegularExpression", "RegularExpressionGroupName", "Replacement", "ReplacementPropertyName", "Template"},
	"FormatDateTime": {"source", "dateTimeStyles", "inputFormat", "outputFormat"},
}

// ParseSource takes an expression of Cloud Sync's mappings apart. An error has the place and what is wrong.
func ParseSource(text string) (Source, error) {
	if _, err := expr.Parse(text, expr.Cloud()); err != nil {
		return Source{}, err
	}
	return sourceOf(strings.TrimSpace(text)), nil
}

// sourceOf takes apart what is known to be an expression. What is made with operators stays whole.
func sourceOf(text string) Source {
	s := Source{Type: "Function", Expression: text, Parameters: []Parameter{}}
	switch end := closing(text); {
	case text == "":
		return Source{Type: "Constant", Parameters: []Parameter{}}
	case text[0] == '[' && strings.IndexByte(text, ']') == len(text)-1:
		s.Type, s.Name = "Attribute", text[1:len(text)-1]
	case text[0] == '"' && quoted(text) == len(text):
		s.Type, s.Name = "Constant", strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[1:len(text)-1])
	case end == len(text):
		open := strings.IndexByte(text, '(')
		s.Name = strings.TrimSpace(text[:open])
		for i, a := range split(text[open+1 : end-1]) {
			if a != "" { // one that is left out is simply not there
				s.Parameters = append(s.Parameters, Parameter{Key: key(s.Name, i), Value: sourceOf(a)})
			}
		}
	case !strings.ContainsAny(text, "()[]\"&=<>"):
		s.Type, s.Name = "Constant", text
	}
	return s
}

func key(function string, i int) string {
	list := keys[function]
	if len(list) == 0 {
		list = []string{"source"}
	}
	return list[min(i, len(list)-1)]
}

// quoted is where the text that begins at the start ends.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// closing is where the call that begins at the start ends, 0 when none does.
func closing(s string) int {
	open := strings.IndexByte(s, '(')
	if open <= 0 || strings.ContainsAny(s[:open], `"[]&=<>,`) {
		return 0
	}
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += quoted(s[i:]) - 1
		case '[':
			i += max(0, strings.IndexByte(s[i:], ']'))
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// split are the arguments between commas, without the space around them.
func split(s string) []string {
	var out []string
	from, depth := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += quoted(s[i:]) - 1
		case '[':
			i += max(0, strings.IndexByte(s[i:], ']'))
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	if last := strings.TrimSpace(s[from:]); last != "" || len(out) > 0 {
		out = append(out, last)
	}
	return out
}
