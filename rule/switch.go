package rule

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy"
)

// IDOf is the id of the rule that a file's text holds or switches, "" when it has none that can be read.
func IDOf(text []byte) canopy.RuleID {
	in := &reader{}
	if r, _ := in.read(text); r != nil {
		return r.ID
	}
	return ""
}

// SwitchText is a file that does nothing but switch a rule that is defined elsewhere.
func SwitchText(id canopy.RuleID, disabled bool) []byte {
	return fmt.Appendf(nil, "# Switches a built-in rule. Without this file it is as it was delivered.\nid: %s\ndisabled: %t\n", id, disabled)
}

// Switched is a rule file's text with its rule switched. All else stays as it is written, comments and order too.
func Switched(text []byte, disabled bool) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode || doc.Content[0].Style&yaml.FlowStyle != 0 {
		return nil, errors.New("the file is not written as one name and value a line")
	}
	lines := strings.SplitAfter(string(text), "\n")
	word := fmt.Sprint(disabled)
	var after *yaml.Node
	found := false
	for i, pairs := 0, doc.Content[0].Content; i+1 < len(pairs); i += 2 {
		key, value := pairs[i], pairs[i+1]
		switch key.Value {
		case "disabled":
			line, at := lineOf(lines, value), value.Column-1
			if at < 0 || at > len(line) || !strings.HasPrefix(line[at:], value.Value) || value.Value == "" {
				return nil, fmt.Errorf("line %d: disabled is not written as true or false", value.Line)
			}
			lines[value.Line-1] = line[:at] + word + line[at+len(value.Value):]
			found = true
		case "precedence":
			after = key
		case "id":
			if after == nil {
				after = key
			}
		}
	}
	if !found && disabled {
		if after == nil {
			return nil, errors.New("the file names no id")
		}
		line := lineOf(lines, after)
		if line == "" {
			return nil, errors.New("the file is not written as one name and value a line")
		}
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		lines[after.Line-1] = line + strings.Repeat(" ", after.Column-1) + "disabled: true\n"
	}
	out := []byte(strings.Join(lines, ""))
	in := &reader{}
	if r, _ := in.read(out); r == nil || r.Disabled != disabled {
		return nil, errors.New("the file cannot be changed without changing more of it; write disabled: " + word + " into it by hand")
	}
	return out, nil
}

// lineOf is the line on which a node begins, "" when lines are not what YAML takes for lines.
func lineOf(lines []string, n *yaml.Node) string {
	if n.Line < 1 || n.Line > len(lines) {
		return ""
	}
	return lines[n.Line-1]
}
