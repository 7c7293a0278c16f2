package graphapi

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// input is a body's properties by their folded names.
type input struct {
	e     *entity
	names []string // as they were written, in order of their folded names
	raw   map[string]json.RawMessage
	binds map[string][]canopy.Anchor // "members": what members@odata.bind names
}

// readInput reads the body of a create or an update.
func readInput(e *entity, body []byte) (*input, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, unreadable()
	}
	in := &input{e: e, raw: map[string]json.RawMessage{}, binds: map[string][]canopy.Anchor{}}
	for name, text := range raw {
		folded := strings.ToLower(name)
		if nav, ok := strings.CutSuffix(folded, "@odata.bind"); ok {
			ids, err := references(text)
			if err != nil {
				return nil, err
			}
			in.binds[nav] = ids
			continue
		}
		if strings.Contains(name, "@") {
			continue // an annotation
		}
		if _, twice := in.raw[folded]; twice {
			return nil, bad("The property '%s' is there twice.", name)
		}
		in.raw[folded] = text
		in.names = append(in.names, name)
	}
	slices.Sort(in.names)
	return in, nil
}

// has tells whether a property is there and not null.
func (in *input) has(name string) bool {
	text, ok := in.raw[strings.ToLower(name)]
	return ok && string(text) != "null"
}

// truth tells whether a property is true.
func (in *input) truth(name string) bool {
	var b bool
	return json.Unmarshal(in.raw[strings.ToLower(name)], &b) == nil && b
}

// references are the ids in an @odata.bind: one address or several.
func references(text json.RawMessage) ([]canopy.Anchor, error) {
	var many []string
	if json.Unmarshal(text, &many) != nil {
		var one string
		if json.Unmarshal(text, &one) != nil {
			return nil, bad("Invalid URL value '%s'.", text)
		}
		many = []string{one}
	}
	var out []canopy.Anchor
	for _, address := range many {
		id, err := reference(address)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// reference is the id in an address like https://any.host/v1.0/directoryObjects/{id}.
func reference(address string) (canopy.Anchor, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", bad("Invalid URL value '%s'.", address)
	}
	segments, err := splitPath(u.EscapedPath())
	if err != nil || len(segments) == 0 {
		return "", bad("Invalid URL value '%s'.", address)
	}
	id := strings.ToLower(segments[len(segments)-1])
	if !isGUID(id) {
		return "", bad("Invalid object identifier '%s'.", segments[len(segments)-1])
	}
	return canopy.Anchor(id), nil
}

func isGUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}

// draft reads the properties into what the tenant is to store. In a create, null is as good as absent.
func (in *input) draft(create bool) (tenant.Draft, error) {
	d := tenant.Draft{Set: canopy.Attrs{}, Links: map[canopy.Attr]canopy.LinkChange{}}
	for _, name := range in.names {
		text := in.raw[strings.ToLower(name)]
		null := string(text) == "null"
		p := in.e.property(name)
		switch {
		case create && null:
			continue
		case p == nil && isExtension(name):
			p = extensionProperty(name)
		case p == nil && in.e.navigation(name), p == nil:
			return d, bad("Invalid property '%s'.", name)
		case p.readOnly:
			return d, bad("Property '%s' is read-only and cannot be set.", p.name)
		}
		if done, err := in.e.complex(&d, p, text); done || err != nil {
			if err != nil {
				return d, err
			}
			continue
		}
		if p.attr == "" {
			return d, bad("Property '%s' cannot be set here.", p.name)
		}
		values, err := p.values(in.e, text)
		if err != nil {
			return d, err
		}
		if len(values) == 0 {
			d.Clear = append(d.Clear, p.attr)
		} else {
			d.Set[p.attr] = values
		}
	}
	return d, nil
}

func (p *property) invalid(e *entity) *problem {
	return bad("Invalid value specified for property '%s' of resource '%s'.", p.name, e.title)
}

// values reads a property's JSON; null and an empty list are none.
func (p *property) values(e *entity, text json.RawMessage) (canopy.Values, error) {
	if string(text) == "null" {
		if p.kind == odata.Bool || p.kind == odata.List {
			return nil, p.invalid(e)
		}
		return nil, nil
	}
	if p.kind == odata.List {
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil {
			return nil, p.invalid(e)
		}
		var out canopy.Values
		for _, x := range list {
			v, ok := p.value(odata.Text, x)
			if !ok {
				return nil, p.invalid(e)
			}
			out = append(out, v)
		}
		return out, nil
	}
	v, ok := p.value(p.kind, text)
	if !ok {
		return nil, p.invalid(e)
	}
	return canopy.Values{v}, nil
}

// value reads one JSON value of a kind.
func (p *property) value(kind odata.Kind, text json.RawMessage) (canopy.Value, bool) {
	switch kind {
	case odata.Bool:
		var b bool
		err := json.Unmarshal(text, &b)
		return canopy.Bool(b), err == nil
	case odata.Int:
		var n int64
		err := json.Unmarshal(text, &n)
		return canopy.Int(n), err == nil
	case odata.Text, odata.Time:
		var s string
		if json.Unmarshal(text, &s) != nil || s == "" || p.max > 0 && utf8.RuneCountInString(s) > p.max {
			return canopy.Value{}, false
		}
		if kind == odata.Text {
			return canopy.Text(s), true
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		return canopy.Instant(t), err == nil
	case odata.Null, odata.List, odata.Object:
	}
	return canopy.Value{}, false
}

// complex reads the properties that are more than one attribute, or not stored as they are written.
func (e *entity) complex(d *tenant.Draft, p *property, text json.RawMessage) (done bool, err error) {
	switch p.name {
	case "onPremisesExtensionAttributes":
		return true, e.fields(d, p, text, func(name string) canopy.Attr { return canopy.Attr(name) })
	case "employeeOrgData":
		return true, e.fields(d, p, text, func(name string) canopy.Attr { return canopy.Attr(name) })
	case "passwordProfile":
		return true, nil // see password
	case "businessPhones":
		var list []string
		if json.Unmarshal(text, &list) != nil || len(list) > 1 || len(list) == 1 && (list[0] == "" || utf8.RuneCountInString(list[0]) > 64) {
			return true, p.invalid(e)
		}
		if len(list) == 0 {
			d.Clear = append(d.Clear, p.attr)
		} else {
			d.Set[p.attr] = canopy.Texts(list...)
		}
		return true, nil
	case "showInAddressList":
		var show bool
		if string(text) == "null" {
			d.Clear = append(d.Clear, p.attr)
			return true, nil
		}
		if json.Unmarshal(text, &show) != nil {
			return true, p.invalid(e)
		}
		d.Set[p.attr] = canopy.Values{canopy.Bool(!show)}
		return true, nil
	}
	return false, nil
}

// fields reads an object whose properties are attributes of their own. null clears them all.
func (e *entity) fields(d *tenant.Draft, p *property, text json.RawMessage, attr func(string) canopy.Attr) error {
	var given map[string]*string
	if json.Unmarshal(text, &given) != nil {
		return p.invalid(e)
	}
	for key, field := range e.byName {
		if !strings.HasPrefix(key, strings.ToLower(p.name)+"/") {
			continue
		}
		value, there := (*string)(nil), given == nil
		for name, v := range given {
			if strings.EqualFold(name, field.name) {
				value, there = v, true
			}
		}
		switch {
		case there && value == nil:
			d.Clear = append(d.Clear, attr(field.name))
		case there && *value == "":
			return p.invalid(e)
		case there:
			d.Set[attr(field.name)] = canopy.Texts(*value)
		}
	}
	for name := range given {
		if e.byName[strings.ToLower(p.name+"/"+name)] == nil && !strings.Contains(name, "@") {
			return bad("Invalid property '%s'.", name)
		}
	}
	return nil
}
