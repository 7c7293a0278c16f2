package ad

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// The attributes that code here needs by name.
const (
	attrDN       canopy.Attr = "distinguishedName"
	attrGUID     canopy.Attr = "objectGUID"
	attrName     canopy.Attr = "name"
	attrClass    canopy.Attr = "objectClass"
	attrMember   canopy.Attr = "member"
	attrCategory canopy.Attr = "objectCategory"
)

// alwaysAsked are the attributes that every read needs, whatever was asked for. whenCreated comes in a delta only when
// the object was made since.
var alwaysAsked = []string{string(attrGUID), string(attrName), "parentGUID", "isDeleted", string(attrClass), "whenCreated"}

// containerClasses are the classes that are canopy.Container to everybody else.
var containerClasses = []string{"organizationalUnit", "container", "domainDNS", "builtinDomain", "lostAndFound"}

// wants is what one request wants of each object.
type wants struct {
	facts    *facts
	classes  []canopy.Class
	ask      []string              // what to ask the controller for
	deliver  map[string]*attribute // what to hand on, by the names that controllers use; nil values are known and not handed on
	dn       bool                  // distinguishedName is wanted
	rdn      map[string]canopy.Attr
	maxValue int
}

// wantsOf makes out what to ask for. Attributes that the schema does not have, and those that are computed, are left out.
func wantsOf(f *facts, classes []canopy.Class, attrs []canopy.Attr, maxValue int) *wants {
	w := &wants{facts: f, classes: classes, ask: slices.Clone(alwaysAsked), deliver: map[string]*attribute{}, rdn: map[string]canopy.Attr{}, maxValue: maxValue}
	for _, n := range append(slices.Clone(alwaysAsked), "instanceType", "uSNCreated", "uSNChanged", string(attrMember)) {
		w.deliver[n] = nil
	}
	for _, n := range attrs {
		a := f.attr(string(n))
		if a == nil || a.shape == shapeBack || a.shape == shapeNowhere {
			continue
		}
		switch strings.ToLower(string(a.name)) {
		case "distinguishedname":
			w.dn = true
			continue
		case "cn", "ou", "dc":
			// The attribute that names an object does not come by itself.
			w.rdn[strings.ToUpper(string(a.name))] = a.name
		}
		w.deliver[string(a.name)] = a
		if !slices.ContainsFunc(w.ask, func(s string) bool { return strings.EqualFold(s, string(a.name)) }) {
			w.ask = append(w.ask, string(a.name))
		}
	}
	return w
}

// attr finds what to do with an attribute of an answer: nil when it is not handed on. Names are those of the schema
// but for controllers with their own spelling.
func (w *wants) attr(name string) *attribute {
	if a, ok := w.deliver[name]; ok {
		return a
	}
	a := w.facts.attr(name)
	if a == nil {
		return nil
	}
	return w.deliver[string(a.name)]
}

// classOf decides an object's class from all of its object classes. ok is false when it is none that is wanted.
func (w *wants) classOf(values []string) (class canopy.Class, ok bool) {
	if w.isForeignComputer(values) {
		return "", false
	}
	for i := len(values) - 1; i >= 0; i-- {
		for _, c := range w.classes {
			if values[i] == string(c) {
				return c, true
			}
		}
		for _, c := range containerClasses {
			if values[i] == c {
				return canopy.Container, true
			}
		}
	}
	return "", false
}

// isForeignComputer tells of a computer that nobody asked for: to the directory it is a user.
func (w *wants) isForeignComputer(values []string) bool {
	for _, v := range values {
		if v == "computer" {
			return !slices.Contains(w.classes, "computer")
		}
	}
	return false
}

// filter finds objects of the classes wanted, and containers. It names nothing but classes, since an object that ceases
// to match a filter is not reported by the directory.
func (w *wants) filter(further ...canopy.Class) string {
	var b strings.Builder
	b.WriteString("(|")
	for _, c := range containerClasses {
		b.WriteString("(objectClass=" + c + ")")
	}
	for _, c := range slices.Concat(w.classes, further) {
		switch {
		case c == canopy.Container:
		case c == canopy.User && !slices.Contains(w.classes, "computer"):
			b.WriteString("(&(objectClass=user)(!(objectClass=computer)))")
		default:
			b.WriteString("(objectClass=" + escapeFilter(string(c)) + ")")
		}
	}
	b.WriteString(")")
	return b.String()
}

// containersOnly finds containers.
func containersOnly() string { return (&wants{}).filter() }
