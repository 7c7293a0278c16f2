package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
)

// Plan items and exports are kept as JSON without their values, whose JSON does not tell their types; the values follow
// in the form of body.go, each with its length before it, in the order in which they stand in the item.

// wordsOfItems yields the names that items bring.
func wordsOfItems(items []canopy.PlanItem) iter.Seq[string] {
	return func(yield func(string) bool) {
		var all []string
		for i := range items {
			all = all[:0]
			it := &items[i]
			if it.Image != nil {
				for name, s := range it.Image.Attrs {
					all = append(all, string(name))
					for _, o := range s.Origins {
						all = append(all, string(o.Connector), string(o.Rule))
					}
				}
			}
			for _, l := range it.Links {
				all = append(all, string(l.Attr), string(l.FromAttr))
			}
			for x := range it.Exports {
				e := &it.Exports[x]
				for name := range attrNames(e.Export.Set, e.Export.Compare) {
					all = append(all, name)
				}
				for _, name := range e.Export.Clear {
					all = append(all, string(name))
				}
				for _, c := range e.Changes {
					all = append(all, string(c.Attr), string(c.Origin.Connector), string(c.Origin.Rule))
				}
			}
			for _, text := range all {
				if text != "" && !yield(text) {
					return
				}
			}
		}
	}
}

// tail collects values beside a JSON text.
type tail struct {
	w   *words
	b   []byte
	err error
}

func (t *tail) add(body []byte, err error) {
	if err != nil && t.err == nil {
		t.err = err
	}
	t.b = appendText(t.b, string(body))
}

func (t *tail) attrs(a canopy.Attrs) {
	body, _, err := t.w.encodeAttrs(a)
	t.add(body, err)
}

// withJSON puts the JSON before the values.
func (t *tail) withJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(appendText(make([]byte, 0, len(text)+len(t.b)+4), string(text)), t.b...), t.err
}

func (w *words) encodeItem(item *canopy.PlanItem) ([]byte, error) {
	bare := *item
	t := tail{w: w}
	if item.Image != nil {
		image := *item.Image
		t.add(w.encodeImage(image.Attrs))
		image.Attrs = nil
		bare.Image = &image
	}
	bare.Exports = slices.Clone(item.Exports)
	for i := range bare.Exports {
		e := &bare.Exports[i]
		t.attrs(e.Export.Set)
		t.attrs(e.Export.Compare)
		t.add(w.encodeChanges(e.Changes, false))
		e.Export.Set, e.Export.Compare, e.Changes = nil, nil, nil
	}
	return t.withJSON(&bare)
}

func (w *words) decodeItem(body []byte) (canopy.PlanItem, error) {
	var item canopy.PlanItem
	r := reader{b: body, w: w}
	if err := json.Unmarshal([]byte(r.text()), &item); err != nil {
		return item, fmt.Errorf("%w: %w", errBody, err)
	}
	keep := func(err error) {
		if err != nil && r.err == nil {
			r.err = err
		}
	}
	attrs := func() canopy.Attrs {
		a, err := w.decodeAttrs([]byte(r.text()))
		keep(err)
		if len(a) == 0 {
			return nil
		}
		return a
	}
	if item.Image != nil {
		var err error
		item.Image.Attrs, err = w.decodeImage([]byte(r.text()))
		keep(err)
	}
	for i := range item.Exports {
		e := &item.Exports[i]
		e.Export.Set, e.Export.Compare = attrs(), attrs()
		var err error
		e.Changes, err = w.decodeChanges([]byte(r.text()))
		keep(err)
	}
	return item, r.end()
}

func (w *words) encodeExport(e canopy.Export) (body, hash []byte, err error) {
	t := tail{w: w}
	t.attrs(e.Set)
	t.attrs(e.Compare)
	bare := e
	bare.ID, bare.Set, bare.Compare = 0, nil, nil
	if body, err = t.withJSON(&bare); err != nil {
		return nil, nil, err
	}
	// The hash does not know the object's own anchor, which may become known meanwhile, nor the order of values.
	bare.Ref, bare.Clear = canopy.Ref{}, slices.Sorted(slices.Values(e.Clear))
	text, err := json.Marshal(&bare)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range []canopy.Attrs{e.Set, e.Compare} {
		_, h, err := w.encodeAttrs(a)
		if err != nil {
			return nil, nil, err
		}
		text = append(binary.AppendUvarint(text, uint64(len(h))), h...)
	}
	h := xxh3.Hash128(text).Bytes()
	return body, h[:], nil
}

func (w *words) decodeExport(body []byte) (canopy.Export, error) {
	var e canopy.Export
	r := reader{b: body, w: w}
	if err := json.Unmarshal([]byte(r.text()), &e); err != nil {
		return e, fmt.Errorf("%w: %w", errBody, err)
	}
	for _, dest := range []*canopy.Attrs{&e.Set, &e.Compare} {
		a, err := w.decodeAttrs([]byte(r.text()))
		if err != nil {
			return e, err
		}
		if len(a) > 0 {
			*dest = a
		}
	}
	return e, r.end()
}
