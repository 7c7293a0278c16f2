package cloudsync

import (
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// DirectoryJSON is a directoryDefinition: the classes of a directory with their attributes.
type DirectoryJSON struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Objects []ObjectJSON `json:"objects"`
}

// ObjectJSON is an objectDefinition.
type ObjectJSON struct {
	Name       string          `json:"name"`
	Attributes []AttributeJSON `json:"attributes"`
}

// AttributeJSON is an attributeDefinition.
type AttributeJSON struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"` // String, Integer, Reference, Binary, Boolean, DateTime
	Anchor     bool            `json:"anchor"`
	CaseExact  bool            `json:"caseExact"`
	Multi      bool            `json:"multivalued"`
	Mutability string          `json:"mutability"`
	Required   bool            `json:"required"`
	Referenced []ReferenceJSON `json:"referencedObjects"`
}

// ReferenceJSON names what a reference may lead to.
type ReferenceJSON struct {
	Object string `json:"referencedObjectName"`
}

// Discover is a forest's own schema as a directoryDefinition: every class that is read, with every attribute of the
// schema that the product knows.
func Discover(name string, s canopy.Schema) DirectoryJSON {
	d := DirectoryJSON{ID: name, Name: name, Objects: []ObjectJSON{}}
	for _, class := range s.Classes {
		if class == canopy.Container {
			continue
		}
		o := ObjectJSON{Name: string(class), Attributes: []AttributeJSON{}}
		for _, a := range slices.Sorted(maps.Keys(s.Attributes)) {
			t := s.Attributes[a]
			o.Attributes = append(o.Attributes, definition(string(a), t.Type, t.Multi, a == "objectGUID"))
		}
		d.Objects = append(d.Objects, o)
	}
	return d
}

var typeNames = map[canopy.Type]string{canopy.String: "String", canopy.Integer: "Integer", canopy.Boolean: "Boolean", canopy.Time: "DateTime", canopy.Binary: "Binary", canopy.Reference: "Reference"}

func definition(name string, kind canopy.Type, multi, anchor bool) AttributeJSON {
	a := AttributeJSON{Name: name, Type: typeNames[kind], Anchor: anchor, Multi: multi, Mutability: "ReadWrite", Required: anchor, Referenced: []ReferenceJSON{}}
	if anchor {
		a.Mutability, a.CaseExact = "ReadOnly", true
	}
	if kind == canopy.Reference {
		for _, c := range []string{"user", "group", "contact"} {
			a.Referenced = append(a.Referenced, ReferenceJSON{Object: c})
		}
	}
	return a
}

// usedDirectory has the attributes of the forest that mappings read.
func usedDirectory(name string, mappings []mappingJSON) DirectoryJSON {
	d := DirectoryJSON{ID: "source", Name: name, Objects: []ObjectJSON{}}
	for _, m := range mappings {
		used := map[string]bool{"objectGUID": true}
		for _, a := range m.Attributes {
			if p, err := expr.Parse(a.Source.Expression, expr.Cloud()); err == nil {
				for _, n := range p.Attrs() {
					used[n] = true
				}
			}
		}
		for _, g := range m.Scope.Input {
			for _, c := range g.Clauses {
				used[c.Attr] = true
			}
		}
		o := ObjectJSON{Name: m.Source, Attributes: []AttributeJSON{}}
		for _, n := range slices.Sorted(maps.Keys(used)) {
			_, kind, multi, _ := rule.Known(forestSide, canopy.Attr(n))
			o.Attributes = append(o.Attributes, definition(n, kind, multi, n == "objectGUID"))
		}
		d.Objects = append(d.Objects, o)
	}
	return d
}

// targetDirectory has the attributes of the tenant that mappings write, each class once.
func targetDirectory(name string, mappings []mappingJSON) DirectoryJSON {
	d := DirectoryJSON{ID: "target", Name: name, Objects: []ObjectJSON{}}
	for _, m := range mappings {
		at := slices.IndexFunc(d.Objects, func(o ObjectJSON) bool { return o.Name == m.Target })
		if at < 0 {
			at = len(d.Objects)
			d.Objects = append(d.Objects, ObjectJSON{Name: m.Target, Attributes: []AttributeJSON{definition("SourceAnchor", canopy.String, false, true)}})
		}
		o := &d.Objects[at]
		for _, a := range m.Attributes {
			if slices.ContainsFunc(o.Attributes, func(x AttributeJSON) bool { return strings.EqualFold(x.Name, a.Target) }) {
				continue
			}
			_, kind, multi, _ := rule.Known(tenantSide, canopy.Attr(a.Target))
			o.Attributes = append(o.Attributes, definition(a.Target, kind, multi, false))
		}
	}
	return d
}
