package cloudsync

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Read reads a schema, as the service's synchronization/schema gives it. An error names file and line.
func Read(file string, text []byte) (*Schema, error) {
	doc, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	w := &view{file: file}
	s := &Schema{ID: w.str(doc, "id"), Version: w.str(doc, "version"), file: file, doc: doc}
	if doc.get("synchronizationRules") == nil {
		w.fail(doc, "there are no synchronizationRules in it: it is no synchronisation schema")
	}
	for _, d := range w.list(doc, "directories") {
		s.Directories = append(s.Directories, w.str(d, "name"))
	}
	for _, r := range w.list(doc, "synchronizationRules") {
		s.Rules = append(s.Rules, w.rule(r))
	}
	if w.err != nil {
		return nil, w.err
	}
	return s, nil
}

// Text is the schema as JSON: everything that was read, in its order and spelling, indented.
func (s *Schema) Text() []byte {
	var b, out bytes.Buffer
	s.doc.compact(&b)
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		panic(err) // it was JSON when it was read
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func (w *view) rule(v *value) Rule {
	r := Rule{Place: w.place(v), ID: w.str(v, "id"), Name: w.str(v, "name"), Priority: w.number(v, "priority"), Source: w.str(v, "sourceDirectoryName"),
		Target: w.str(v, "targetDirectoryName"), Containers: w.texts(v.get("containerFilter"), "includedContainers"), Groups: w.texts(v.get("groupFilter"), "includedGroups")}
	for _, x := range w.list(v, "objectMappings") {
		o := ObjectMapping{Place: w.place(x), Name: w.str(x, "name"), Enabled: w.truth(x, "enabled", true), FlowTypes: w.str(x, "flowTypes"),
			Source: w.str(x, "sourceObjectName"), Target: w.str(x, "targetObjectName")}
		if o.Source == "" || o.Target == "" {
			w.fail(x, "an object mapping has sourceObjectName and targetObjectName")
		}
		for _, name := range []string{"groups", "inputFilterGroups", "categoryFilterGroups"} {
			if f := w.filter(x.get("scope"), name); len(f.Groups) > 0 {
				o.Scope = append(o.Scope, f)
			}
		}
		for _, a := range w.list(x, "attributeMappings") {
			o.Attributes = append(o.Attributes, w.mapping(a))
		}
		r.Objects = append(r.Objects, o)
	}
	return r
}

func (w *view) filter(v *value, name string) Filter {
	f := Filter{Name: name}
	for _, g := range w.list(v, name) {
		var group []Clause
		for _, c := range w.list(g, "clauses") {
			group = append(group, Clause{Place: w.place(c), Attr: w.str(c, "sourceOperandName"), Operator: w.str(c, "operatorName"), Values: w.texts(c.get("targetOperand"), "values")})
		}
		if len(group) > 0 {
			f.Groups = append(f.Groups, group)
		}
	}
	return f
}

func (w *view) mapping(v *value) AttributeMapping {
	a := AttributeMapping{Place: w.place(v), Target: w.str(v, "targetAttributeName"), Flow: w.str(v, "flowType"), Match: w.number(v, "matchingPriority")}
	if a.Target == "" {
		w.fail(v, "an attribute mapping has a targetAttributeName")
	}
	if d := v.get("defaultValue"); d != nil {
		s := w.str(v, "defaultValue")
		a.Default = &s
	}
	src := v.get("source")
	if src == nil {
		return a
	}
	switch a.Kind = w.str(src, "type"); a.Kind {
	case "Attribute":
		a.Text = w.str(src, "name")
		if a.Text == "" {
			a.Text = strings.Trim(w.str(src, "expression"), "[]")
		}
	case "Constant":
		a.Text = w.str(src, "name")
		if e := w.str(src, "expression"); len(e) > 1 && e[0] == '"' && e[len(e)-1] == '"' {
			a.Text = unquote(e)
		} else if e != "" && a.Text == "" {
			a.Text = e
		}
	case "Function":
		a.Text = w.str(src, "expression")
	default:
		w.fail(src, "the source type %q is none of Attribute, Constant, Function", a.Kind)
	}
	if a.Text == "" && a.Kind != "Constant" {
		w.fail(src, "the source of %s says nothing", a.Target)
	}
	return a
}
