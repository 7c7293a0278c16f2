package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// paramName is how a parameter stands in the value of a condition: %Domain.FQDN%.
var paramName = regexp.MustCompile(`%[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+%`)

// params are the names of the parameters in the condition's values, each once.
func (c *Condition) params() []string {
	var out []string
	for _, v := range c.Values {
		for _, p := range paramName.FindAllString(v, -1) {
			if name := p[1 : len(p)-1]; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// UnknownParams are the parameters in a condition's value that connectors do not give.
func UnknownParams(value string) []string {
	c := Condition{Values: []string{value}}
	return slices.DeleteFunc(c.params(), func(name string) bool { return slices.Contains(params, name) })
}

// fill puts what the connector gives in the place of parameters. One that it does not give is an error: without it the
// condition would be true of other objects.
func fill(value string, given map[string]string) (string, error) {
	missing := ""
	out := paramName.ReplaceAllStringFunc(value, func(p string) string {
		s := given[p[1:len(p)-1]]
		if s == "" && missing == "" {
			missing = p
		}
		return s
	})
	if missing != "" {
		return "", fmt.Errorf("the connector gives no %s; it gives %s", missing, strings.Join(sortedNames(given), ", "))
	}
	return out, nil
}

func sortedNames(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
