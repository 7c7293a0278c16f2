package store

import (
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
)

// The forms of plan items and exports, in the words of body.go. What is rare in them (what is held, what an add meets, what
// the guard regrets) is JSON. An item's exports stand in it as they will stand in their own rows, so that applying it does
// not have to read them; its link flows have a column of their own, since they are applied when everything else is.
//
//	item     version, meta, version of the meta, class, label, where, dies, rare, { entry }, { join }, { key }, { claim },
//	         { export: connector, entry, phase, rare, why, op, class, source anchor, DN, body, hash, changes, changes are brief },
//	         has image, image: meta, class, version, attributes
//	export   version, op, class, source anchor, anchor, DN, new DN, { cleared }, links as JSON, Set, Compare

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

// packer appends the parts of a body; after the first fault it goes on in vain.
type packer struct {
	w   *words
	b   []byte
	err error
}

func (p *packer) keep(err error) {
	if err != nil && p.err == nil {
		p.err = err
	}
}

func (p *packer) text(s string)            { p.b = appendText(p.b, s) }
func (p *packer) bytes(b []byte)           { p.b = append(binary.AppendUvarint(p.b, uint64(len(b))), b...) }
func (p *packer) varint(n int64)           { p.b = binary.AppendVarint(p.b, n) }
func (p *packer) count(n int)              { p.b = binary.AppendUvarint(p.b, uint64(n)) }
func (p *packer) part(b []byte, err error) { p.keep(err); p.bytes(b) }

func (p *packer) truth(v bool) {
	n := byte(0)
	if v {
		n = 1
	}
	p.b = append(p.b, n)
}

// json appends what is rare; nothing is empty.
func (p *packer) json(v any, empty bool) {
	if empty {
		p.text("")
		return
	}
	text, err := json.Marshal(v)
	p.part(text, err)
}

// rareItem and rareExport are the parts of items and of their exports that are kept as JSON.
type rareItem struct {
	Held  []canopy.Held    `json:"held,omitempty"`
	Image []canopy.Held    `json:"image,omitempty"`
	Found []canopy.Finding `json:"found,omitempty"`
}

type rareExport struct {
	Match   *canopy.PlannedMatch `json:"match,omitempty"`
	Regrets []canopy.Regret      `json:"regrets,omitempty"`
}

// encodeItem gives the body of an item and its link flows, nil for none.
func (w *words) encodeItem(item *canopy.PlanItem) (body, links []byte, err error) {
	p := packer{w: w, b: append(make([]byte, 0, 4096), bodyVersion)}
	p.varint(int64(item.Meta))
	p.varint(item.Version)
	p.text(string(item.Class))
	p.text(item.Label)
	p.text(item.Where)
	p.truth(item.Dies)
	rare := rareItem{Held: item.Held, Found: item.Findings}
	if item.Image != nil {
		rare.Image = item.Image.Held
	}
	p.json(&rare, len(rare.Held)+len(rare.Image)+len(rare.Found) == 0)
	p.parties(item)
	p.count(len(item.Exports))
	for i := range item.Exports {
		p.export(&item.Exports[i])
	}
	if p.truth(item.Image != nil); item.Image != nil {
		p.varint(int64(item.Image.ID))
		p.text(string(item.Image.Class))
		p.varint(item.Image.Version)
		p.part(w.encodeImage(item.Image.Attrs))
	}
	if len(item.Links) > 0 {
		links, err = json.Marshal(item.Links)
		p.keep(err)
	}
	return p.b, links, p.err
}

// parties appends the lists of an item that name entries and claims.
func (p *packer) parties(item *canopy.PlanItem) {
	p.count(len(item.Entries))
	for _, e := range item.Entries {
		p.varint(int64(e.Entry))
		p.text(string(e.Connector))
		p.text(string(e.Class))
		p.count(int(e.Outcome))
		p.text(e.Why)
	}
	p.count(len(item.Joins))
	for _, j := range item.Joins {
		p.varint(int64(j.Entry))
		p.count(int(j.Via.Kind))
		p.text(string(j.Via.Rule))
		p.text(j.Via.On)
		p.text(j.Why)
	}
	p.count(len(item.Keys))
	for _, k := range item.Keys {
		p.text(k.Name)
		p.text(k.Value)
	}
	p.count(len(item.Claims))
	for _, c := range item.Claims {
		p.text(string(c.Claim.Kind))
		p.text(c.Claim.Value)
		p.varint(int64(c.Meta))
		p.varint(int64(c.Entry))
		p.truth(c.Kept)
		p.truth(c.Owner)
		p.varint(int64(c.Order))
		p.text(string(c.Anchor))
	}
}

// export appends an export, as a plan has it.
func (p *packer) export(x *canopy.PlannedExport) {
	p.text(string(x.Connector))
	p.varint(int64(x.Entry))
	p.count(int(x.Phase))
	p.json(&rareExport{Match: x.Match, Regrets: x.Regrets}, x.Match == nil && len(x.Regrets) == 0)
	p.text(x.Why)
	p.count(int(x.Export.Op))
	p.text(string(x.Export.Class))
	p.text(x.Export.SourceAnchor)
	p.text(x.Export.Ref.DN)
	body, hash, err := p.w.encodeExport(x.Export)
	p.part(body, err)
	p.bytes(hash)
	p.part(p.w.encodeChanges(x.Changes, false))
	p.truth(areBrief(x.Changes))
}

// encodeExport gives the body of an export, which has no number in it, and its hash.
func (w *words) encodeExport(e canopy.Export) (body, hash []byte, err error) {
	p := packer{w: w, b: append(make([]byte, 0, 1024), bodyVersion)}
	p.count(int(e.Op))
	p.text(string(e.Class))
	p.text(e.SourceAnchor)
	p.text(string(e.Ref.Anchor))
	p.text(e.Ref.DN)
	p.text(e.DN)
	p.count(len(e.Clear))
	for _, name := range e.Clear {
		p.text(string(name))
	}
	p.json(e.Links, len(e.Links) == 0)
	// The hash does not know the object's own anchor, which may become known meanwhile, nor the order of values.
	h := packer{w: w}
	h.count(int(e.Op))
	h.text(string(e.Class))
	h.text(e.SourceAnchor)
	h.text(e.DN)
	h.count(len(e.Clear))
	for _, name := range slices.Sorted(slices.Values(e.Clear)) {
		h.text(string(name))
	}
	h.json(e.Links, len(e.Links) == 0)
	for _, a := range []canopy.Attrs{e.Set, e.Compare} {
		body, sum, err := w.encodeAttrs(a)
		p.part(body, err)
		h.bytes(sum)
	}
	p.keep(h.err)
	sum := xxh3.Hash128(h.b).Bytes()
	return p.b, sum[:], p.err
}
