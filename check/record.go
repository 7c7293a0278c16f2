package check

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check/ldif"
)

// spelled are the attributes of a file that are looked at, folded, with their spelling.
func spelled() map[string]canopy.Attr {
	out := map[string]canopy.Attr{}
	for _, a := range Attrs() {
		out[canopy.Fold(string(a))] = a
	}
	return out
}

// FileCount is what was read of a file.
type FileCount struct {
	Records int `json:"records"`
	Other   int `json:"other"` // of these, objects of classes that are not synchronised
}

// File gives add every user, group and contact of an LDIF file. Each is good until the next one.
func File(r io.Reader, add func(*Object)) (FileCount, error) {
	names := spelled()
	in := ldif.NewReader(r, func(name string) bool {
		_, ok := names[canopy.Fold(name)]
		return ok || strings.EqualFold(name, "objectClass") || strings.EqualFold(name, "objectGUID")
	})
	var n FileCount
	spelling := map[string]canopy.Attr{}
	for {
		rec, err := in.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n.Records++
		if o := object(rec, names, spelling); o != nil {
			add(o)
		} else {
			n.Other++
		}
	}
}

// object is a record as an object, nil when its class is none of those that are looked at.
func object(rec *ldif.Record, names, spelling map[string]canopy.Attr) *Object {
	o := &Object{DN: rec.DN, Attrs: make(canopy.Attrs, len(rec.Pairs))}
	computer := false
	for _, p := range rec.Pairs {
		attr, ok := spelling[p.Name]
		if !ok {
			attr = names[canopy.Fold(p.Name)]
			spelling[p.Name] = attr
		}
		switch {
		case attr != "":
			o.Attrs[attr] = append(o.Attrs[attr], canopy.Text(p.Value))
		case strings.EqualFold(p.Name, "objectGUID"):
			o.Anchor = canopy.Anchor(p.Value)
		default:
			computer = computer || isComputer(p.Value)
			if class := classOf(p.Value); class != "" {
				o.Class = class
			}
		}
	}
	if o.Class == "" || computer {
		return nil
	}
	return o
}

func isComputer(class string) bool {
	return strings.EqualFold(class, "computer") || strings.HasPrefix(canopy.Fold(class), "msds-") && strings.HasSuffix(canopy.Fold(class), "managedserviceaccount")
}

// classOf is the class that a value of objectClass names, "" for another.
func classOf(s string) canopy.Class {
	for _, c := range []canopy.Class{canopy.User, canopy.Group, canopy.Contact, canopy.InetOrgPerson} {
		if strings.EqualFold(s, string(c)) {
			return c
		}
	}
	return ""
}

// WriteLDIF writes corrections of one forest as changes that ldifde, ldapmodify and ldbmodify apply.
func WriteLDIF(w io.Writer, fixes []*Fix) error {
	out := ldif.NewWriter(w)
	for len(fixes) > 0 {
		n := 1
		for n < len(fixes) && fixes[n].DN == fixes[0].DN && fixes[n].Connector == fixes[0].Connector {
			n++
		}
		var comments []string
		var changes []ldif.Change
		for _, f := range fixes[:n] {
			comments = append(comments, strings.Join(f.Rules, ", ")+": "+string(f.Attr))
			changes = append(changes, f.change())
		}
		out.Modify(fixes[0].DN, comments, changes)
		fixes = fixes[n:]
	}
	return out.Flush()
}

// change is the correction as a change. The old value stands in it, so that it fails where the value is another by now.
func (f *Fix) change() ldif.Change {
	c := ldif.Change{Attr: string(f.Attr)}
	if f.Old != "" {
		c.Delete = []string{f.Old}
	}
	if f.New != "" {
		c.Add = []string{f.New}
	}
	return c
}

// csvHead is the head that IdFix gives its files, and the forest.
var csvHead = []string{"DISTINGUISHEDNAME", "OBJECTCLASS", "ATTRIBUTE", "ERROR", "VALUE", "UPDATE", "ACTION", "FOREST"}

// WriteCSV writes corrections as a table: ACTION is EDIT where UPDATE takes the place of VALUE, ADD where there is none, and
// REMOVE where VALUE goes.
func WriteCSV(w io.Writer, fixes []*Fix) error {
	out := csv.NewWriter(w)
	_ = out.Write(csvHead) // Error gives it
	for _, f := range fixes {
		action := "EDIT"
		switch {
		case f.Old == "":
			action = "ADD"
		case f.New == "":
			action = "REMOVE"
		}
		_ = out.Write([]string{f.DN, string(f.Class), string(f.Attr), strings.Join(f.Rules, " "), f.Old, f.New, action, string(f.Connector)})
	}
	out.Flush()
	return out.Error()
}

// Forests are the forests that corrections are for, in order.
func Forests(fixes []*Fix) []canopy.ConnectorID {
	var out []canopy.ConnectorID
	for _, f := range fixes {
		out = append(out, f.Connector)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
