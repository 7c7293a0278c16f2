package store

import (
	"encoding/json"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// bytes is a part with its length before it, without a copy.
func (r *reader) bytes() []byte {
	n := r.count()
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) keep(err error) {
	if err != nil && r.err == nil {
		r.err, r.b = err, nil
	}
}

func (r *reader) truth() bool { return r.uvarint() == 1 }

func (r *reader) json(v any) {
	if b := r.bytes(); len(b) > 0 {
		if err := json.Unmarshal(b, v); err != nil {
			r.keep(fmt.Errorf("%w: %w", errBody, err))
		}
	}
}

// list reads a list, nil when it is empty.
func list[T any](r *reader, one func(*T)) []T {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]T, 0, min(n, 1024))
	for range n {
		if r.err != nil {
			return nil
		}
		var v T
		one(&v)
		out = append(out, v)
	}
	return out
}

// packed is an item whose exports and image are not unpacked: what applying needs of them.
type packed struct {
	canopy.PlanItem                // Exports without values; of Image.Attrs only those that applying looks at
	exports         []packedExport // in the order of Exports
	image           []byte
}

// packedExport is an export as it will stand in its row, with the changes that the log tells.
type packedExport struct {
	body, hash, changes []byte
	brief               bool // the changes are as short as the log wants them
}

// unpack reads an item but for what is in the parts of packed. What it gives refers to body.
func (w *words) unpack(body []byte) (packed, error) {
	r := reader{b: body, w: w}
	r.version()
	var p packed
	p.Meta, p.Version = canopy.MetaID(r.varint()), r.varint()
	p.Class, p.Label, p.Where, p.Dies = canopy.Class(r.text()), r.text(), r.text(), r.truth()
	var rare rareItem
	r.json(&rare)
	p.Held, p.Findings = rare.Held, rare.Found
	r.parties(&p.PlanItem)
	p.Exports = list(&r, func(x *canopy.PlannedExport) { p.exports = append(p.exports, r.export(x)) })
	if r.truth() {
		p.Image = &canopy.Meta{ID: canopy.MetaID(r.varint()), Class: canopy.Class(r.text()), Version: r.varint(), Held: rare.Image}
		p.image = r.bytes()
	}
	return p, r.end()
}

func (r *reader) parties(item *canopy.PlanItem) {
	item.Entries = list(r, func(e *canopy.EntryOutcome) {
		*e = canopy.EntryOutcome{Entry: canopy.EntryID(r.varint()), Connector: canopy.ConnectorID(r.text()), Class: canopy.Class(r.text()),
			Outcome: canopy.Outcome(r.uvarint()), Why: r.text()}
	})
	item.Joins = list(r, func(j *canopy.EntryJoin) {
		*j = canopy.EntryJoin{Entry: canopy.EntryID(r.varint()),
			Via: canopy.Joined{Kind: canopy.JoinKind(r.uvarint()), Rule: canopy.RuleID(r.text()), On: r.text()}, Why: r.text()}
	})
	item.Keys = list(r, func(k *canopy.Key) { *k = canopy.Key{Name: r.text(), Value: r.text()} })
	item.Claims = list(r, func(c *canopy.Claimant) {
		*c = canopy.Claimant{Claim: canopy.Claim{Kind: canopy.ClaimKind(r.text()), Value: r.text()}, Meta: canopy.MetaID(r.varint()),
			Entry: canopy.EntryID(r.varint()), Kept: r.truth(), Owner: r.truth(), Order: int(r.varint()), Anchor: canopy.Anchor(r.text())}
	})
}

func (r *reader) export(x *canopy.PlannedExport) packedExport {
	x.Connector, x.Entry, x.Phase = canopy.ConnectorID(r.text()), canopy.EntryID(r.varint()), canopy.ExportPhase(r.uvarint())
	var rare rareExport
	r.json(&rare)
	x.Match, x.Regrets, x.Why = rare.Match, rare.Regrets, r.text()
	x.Export.Op, x.Export.Class, x.Export.SourceAnchor, x.Export.Ref.DN = canopy.Op(r.uvarint()), canopy.Class(r.text()), r.text(), r.text()
	return packedExport{body: r.bytes(), hash: r.bytes(), changes: r.bytes(), brief: r.truth()}
}

// decodeItem reads the whole of an item.
func (w *words) decodeItem(body, links []byte) (canopy.PlanItem, error) {
	p, err := w.unpack(body)
	if err != nil {
		return p.PlanItem, err
	}
	for i, part := range p.exports {
		x := &p.Exports[i]
		if x.Export, err = w.decodeExport(part.body); err != nil {
			return p.PlanItem, err
		}
		if x.Changes, err = w.decodeChanges(part.changes); err != nil {
			return p.PlanItem, err
		}
	}
	if p.Image != nil {
		if p.Image.Attrs, err = w.decodeImage(p.image); err != nil {
			return p.PlanItem, err
		}
	}
	p.Links, err = decodeFlows(links)
	return p.PlanItem, err
}

func decodeFlows(links []byte) (flows []canopy.LinkFlow, err error) {
	if len(links) == 0 {
		return nil, nil
	}
	if err = json.Unmarshal(links, &flows); err != nil {
		err = fmt.Errorf("%w: %w", errBody, err)
	}
	return flows, err
}

func (w *words) decodeExport(body []byte) (canopy.Export, error) {
	r := reader{b: body, w: w}
	r.version()
	e := canopy.Export{Op: canopy.Op(r.uvarint()), Class: canopy.Class(r.text()), SourceAnchor: r.text(),
		Ref: canopy.Ref{Anchor: canopy.Anchor(r.text()), DN: r.text()}, DN: r.text()}
	e.Clear = list(&r, func(a *canopy.Attr) { *a = canopy.Attr(r.text()) })
	r.json(&e.Links)
	for _, dest := range []*canopy.Attrs{&e.Set, &e.Compare} {
		a, err := w.decodeAttrs(r.bytes())
		if r.keep(err); len(a) > 0 {
			*dest = a
		}
	}
	return e, r.end()
}
