package cloudsync

import (
	"bytes"
	"slices"
	"strconv"
)

// Change is one difference between two schemas.
type Change struct {
	Path   string `json:"path"`             // synchronizationRules[AD2AADProvisioning].objectMappings[Provision users].enabled
	Before string `json:"before,omitempty"` // JSON; "": it was not there
	After  string `json:"after,omitempty"`  // JSON; "": it is not there any more
}

// Diff lists what differs from one schema to another, whatever the order of members. Items of lists go by their names,
// else by their place.
func Diff(a, b *Schema) []Change {
	return diff("", a.doc, b.doc, nil)
}

func text(v *value) string {
	if v == nil {
		return ""
	}
	var b bytes.Buffer
	v.compact(&b)
	return b.String()
}

func diff(path string, a, b *value, out []Change) []Change {
	switch {
	case a != nil && b != nil && a.kind == '{' && b.kind == '{':
		return diffParts(path, parts(a), parts(b), out)
	case a != nil && b != nil && a.kind == '[' && b.kind == '[':
		return diffParts(path, parts(a), parts(b), out)
	case text(a) != text(b):
		out = append(out, Change{Path: path, Before: text(a), After: text(b)})
	}
	return out
}

// part is a member or item, under the name by which it is found again.
type part struct {
	name string
	val  *value
}

// named are the members that name an item of a list.
var named = []string{"targetAttributeName", "key", "sourceOperandName", "name", "id"}

func parts(v *value) []part {
	var out []part
	for _, m := range v.members {
		out = append(out, part{"." + unquote(m.key), m.val})
	}
	seen := map[string]int{}
	for i, x := range v.items {
		name := "[" + strconv.Itoa(i) + "]"
		for _, k := range named {
			if id := x.get(k); id != nil && id.kind == '"' {
				name = "[" + unquote(id.raw) + "]"
				break
			}
		}
		if x.kind != '{' && x.kind != '[' {
			name = "[" + x.raw + "]"
		}
		if seen[name]++; seen[name] > 1 {
			name += "#" + strconv.Itoa(seen[name])
		}
		out = append(out, part{name, x})
	}
	return out
}

func diffParts(path string, a, b []part, out []Change) []Change {
	find := func(list []part, name string) *value {
		if i := slices.IndexFunc(list, func(p part) bool { return p.name == name }); i >= 0 {
			return list[i].val
		}
		return nil
	}
	for _, p := range a {
		out = diff(path+p.name, p.val, find(b, p.name), out)
	}
	for _, p := range b {
		if find(a, p.name) == nil {
			out = diff(path+p.name, nil, p.val, out)
		}
	}
	return out
}
