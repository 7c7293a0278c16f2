package store

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// someWords are words as a store has them.
func someWords(texts ...string) *words {
	w := &words{no: map[string]int64{}, text: []string{""}}
	for _, t := range texts {
		w.no[t] = int64(len(w.text))
		w.text = append(w.text, t)
	}
	return w
}

var names = []string{"mail", "title", "photo", "whenCreated", "count", "enabled", "contoso.lab", "in-user"}

func genValue() *rapid.Generator[canopy.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.String(), canopy.Text),
		rapid.Map(rapid.Int64(), canopy.Int),
		rapid.Map(rapid.Bool(), canopy.Bool),
		rapid.Map(rapid.Int64(), func(n int64) canopy.Value { return canopy.Instant(time.UnixMicro(n)) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), canopy.Bytes),
		rapid.Map(rapid.String(), func(s string) canopy.Value { return canopy.To(canopy.Anchor(s)) }),
	)
}

func genAttrs() *rapid.Generator[canopy.Attrs] {
	return rapid.Map(rapid.MapOfN(rapid.SampledFrom(names), rapid.SliceOfN(genValue(), 1, 5), 0, 6), func(m map[string][]canopy.Value) canopy.Attrs {
		a := canopy.Attrs{}
		for k, v := range m {
			a[canopy.Attr(k)] = v
		}
		return a
	})
}

func TestAttrsComeBack(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	rapid.Check(t, func(t *rapid.T) {
		a := genAttrs().Draw(t, "attrs")
		body, hash, err := w.encodeAttrs(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.decodeAttrs(body)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, got, cmp.Comparer(func(x, y canopy.Value) bool { return x == y })); d != "" {
			t.Fatalf("attributes changed: %s", d)
		}
		for _, v := range a {
			slices.Reverse(v)
		}
		_, other, err := w.encodeAttrs(a)
		if err != nil || !bytes.Equal(hash, other) {
			t.Fatalf("another order of values has another hash")
		}
		a["title"] = append(slices.Clone(a["title"]), canopy.Text("one more"))
		if _, other, _ = w.encodeAttrs(a); bytes.Equal(hash, other) {
			t.Fatalf("another value has the same hash")
		}
	})
}

func TestImageAndChangesComeBack(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	same := cmp.Comparer(func(x, y canopy.Value) bool { return x == y })
	rapid.Check(t, func(t *rapid.T) {
		image := map[canopy.Attr]canopy.Sourced{}
		var changes []canopy.AttrChange
		for name, vs := range genAttrs().Draw(t, "attrs") {
			o := canopy.Origin{Connector: "contoso.lab", Entry: canopy.EntryID(rapid.Int64().Draw(t, "entry")), Rule: "in-user"}
			image[name] = canopy.Sourced{Values: vs, Origins: []canopy.Origin{o, {Entry: 3}}}
			changes = append(changes, canopy.AttrChange{Attr: name, New: vs, Origin: o})
		}
		body, err := w.encodeImage(image)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.decodeImage(body)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(image, got, same); d != "" {
			t.Fatal(d)
		}
		body, err = w.encodeChanges(changes, false)
		if err != nil {
			t.Fatal(err)
		}
		back, err := w.decodeChanges(body)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(changes, back, same); d != "" {
			t.Fatal(d)
		}
	})
}

func TestLogShortensValues(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	long := canopy.Text(string(make([]byte, 20<<20)))
	many := make(canopy.Values, 400)
	for i := range many {
		many[i] = canopy.Int(int64(i))
	}
	body, err := w.encodeChanges([]canopy.AttrChange{{Attr: "photo", Old: canopy.Values{long}, New: many}}, true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.decodeChanges(body)
	if err != nil || len(body) > 2000 || got[0].Old[0].Str() != "(20971520 characters)" || len(got[0].New) != logValues+1 {
		t.Errorf("got %d octets, %v, %v", len(body), got, err)
	}
	if many[0] != canopy.Int(0) || len(many) != 400 {
		t.Error("the caller's values were changed")
	}
}

func TestExtremeTimes(t *testing.T) {
	t.Parallel()
	w := someWords(names...)
	for _, n := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		a := canopy.Attrs{"count": {canopy.Instant(time.UnixMicro(n)), canopy.Int(n)}}
		body, _, err := w.encodeAttrs(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.decodeAttrs(body)
		if err != nil || !got["count"].Equal(a["count"]) {
			t.Errorf("got %v, %v, want %v", got, err, a)
		}
	}
}

func FuzzBody(f *testing.F) {
	w := someWords(names...)
	body, _, err := w.encodeAttrs(canopy.Attrs{"mail": canopy.Texts("a", "b"), "count": {canopy.Int(7)}, "photo": {canopy.Bytes([]byte{1})}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{1, 1, 1, 255, 255, 255, 255, 15})
	f.Add(linkSums{{attr: 1, count: 2, lo: 3, hi: 4}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := w.decodeAttrs(b); err == nil {
			again, _, err := w.encodeAttrs(a)
			if err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
			if back, err := w.decodeAttrs(again); err != nil || len(back) > len(a) {
				t.Fatalf("got %v, %v, want %v", back, err, a)
			}
		}
		_, _ = w.decodeImage(b)
		_, _ = w.decodeChanges(b)
		_, _ = w.decodeItem(b, nil)
		_, _ = w.decodeExport(b)
		_, _ = w.decodeImage(b, "mail")
		_, _ = decodeSums(b)
	})
}

func TestSumsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		anchors := rapid.SliceOfNDistinct(rapid.String(), 1, 20, rapid.ID[string]).Draw(t, "anchors")
		var a, b linkSum
		for _, x := range anchors {
			a.add(canopy.Ref{Anchor: canopy.Anchor(x)}, 1)
		}
		slices.Reverse(anchors)
		for _, x := range anchors {
			b.add(canopy.Ref{Anchor: canopy.Anchor(x)}, 1)
		}
		if a != b {
			t.Fatalf("got %v and %v", a, b)
		}
		for _, x := range anchors {
			b.add(canopy.Ref{Anchor: canopy.Anchor(x)}, -1)
		}
		if b != (linkSum{}) {
			t.Fatalf("got %v after all were taken away", b)
		}
	})
}
