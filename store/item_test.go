package store

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// fill gives every field of a value something, so that a field that a form forgets is seen.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	if !v.CanSet() {
		t.Fatalf("%s cannot be set", v.Type())
	}
	switch x := v.Addr().Interface().(type) {
	case *canopy.Values:
		*x = canopy.Values{canopy.Int(int64(*n)), canopy.Text("text")}
		return
	case *canopy.Attrs:
		*x = canopy.Attrs{"mail": {canopy.Int(int64(*n))}}
		return
	case *canopy.Origin:
		*x = canopy.Origin{Connector: "contoso.lab", Entry: canopy.EntryID(*n), Rule: "in-user"}
		return
	case *canopy.Sourced:
		*x = canopy.Sourced{Values: canopy.Texts("text"), Origins: []canopy.Origin{{Connector: "contoso.lab", Entry: canopy.EntryID(*n), Rule: "in-user"}}}
		return
	case *canopy.Attr:
		*x = canopy.Attr(names[*n%len(names)])
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(rune('a' + *n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("nothing is known to fill a %s with", v.Type())
	}
}

func TestItemsComeBack(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	same := cmp.Comparer(func(x, y canopy.Value) bool { return x == y })
	n := 0
	full := canopy.PlanItem{}
	fill(t, reflect.ValueOf(&full).Elem(), &n)
	full.Plan = 0 // it is told by the row
	for i := range full.Exports {
		full.Exports[i].Export.ID = 0 // it has none yet
	}
	for name, want := range map[string]canopy.PlanItem{"full": full, "empty": {}, "made": {Meta: -7, Image: &canopy.Meta{}}} {
		body, links, err := w.encodeItem(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.decodeItem(body, links)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "made" {
			want.Image.Attrs = map[canopy.Attr]canopy.Sourced{}
		}
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s: the item changed: %s", name, d)
		}
		for cut := range body {
			if _, err := w.decodeItem(body[:cut], links); err == nil {
				t.Fatalf("%s: %d of %d octets were read without an error", name, cut, len(body))
			}
		}
	}
}

func TestExportsHaveOneHash(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	n := 0
	var e canopy.Export
	fill(t, reflect.ValueOf(&e).Elem(), &n)
	e.Set = canopy.Attrs{"mail": canopy.Texts("a", "b")}
	hash := func(e canopy.Export) string {
		_, h, err := w.encodeExport(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	want := hash(e)
	for name, change := range map[string]func(*canopy.Export){
		"number":          func(e *canopy.Export) { e.ID++ },
		"anchor":          func(e *canopy.Export) { e.Ref = canopy.Ref{} },
		"order of values": func(e *canopy.Export) { e.Set = canopy.Attrs{"mail": canopy.Texts("b", "a")} },
		"order of names":  func(e *canopy.Export) { e.Clear = []canopy.Attr{e.Clear[1], e.Clear[0]} },
	} {
		x := e
		if change(&x); hash(x) != want {
			t.Errorf("another %s has another hash", name)
		}
	}
	for name, change := range map[string]func(*canopy.Export){
		"operation":     func(e *canopy.Export) { e.Op++ },
		"class":         func(e *canopy.Export) { e.Class += "x" },
		"source anchor": func(e *canopy.Export) { e.SourceAnchor += "x" },
		"DN":            func(e *canopy.Export) { e.DN += "x" },
		"value":         func(e *canopy.Export) { e.Set = canopy.Attrs{"mail": canopy.Texts("a")} },
		"name":          func(e *canopy.Export) { e.Clear = e.Clear[:1] },
		"links":         func(e *canopy.Export) { e.Links = nil },
		"comparison":    func(e *canopy.Export) { e.Compare = nil },
	} {
		x := e
		if change(&x); hash(x) == want {
			t.Errorf("another %s has the same hash", name)
		}
	}
}
