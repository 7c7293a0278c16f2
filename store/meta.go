package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// metaHead is a row of meta without its body.
type metaHead struct {
	id           int64
	class        string
	version      int64
	label        string
	keys, claims []byte
}

func (t *tx) metaHeads(ctx context.Context, ids []int64) (map[int64]metaHead, error) {
	out := map[int64]metaHead{}
	err := db.Chunks(1, ids, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var m metaHead
			err := r.Scan(&m.id, &m.class, &m.version, &m.label, &m.keys, &m.claims)
			out[m.id] = m
			return err
		}, `SELECT id, class, version, label, keys, claims FROM meta WHERE id IN (`+list+`)`, args...)
	})
	return out, err
}

// putMeta writes a meta with its keys and claims, and makes due what depends on them.
func (a *applying) putMeta(ctx context.Context, id int64, old metaHead, item *packed) error {
	image := item.Image
	m := metaHead{id: id, class: string(image.Class), version: old.version + 1, label: item.Label}
	if name := image.Value(canopy.AttrDisplayName); name != "" {
		m.label = name
	}
	var err error
	if m.keys, err = a.metaKeys(ctx, id, old, item.Keys); err != nil {
		return err
	}
	var freed []int64
	if m.claims, freed, _, err = a.t.setClaims(ctx, -id, old.claims, item.Claims); err != nil {
		return err
	}
	if err := a.t.contest(ctx, freed, id, true, a.p.mark); err != nil {
		return err
	}
	contact := image.Class == canopy.Person && image.Value(canopy.AttrSourceObjectType) == "Contact"
	columns := []string{"id", "class", "contact", "version", "label", "keys", "claims", "body"}
	err = a.t.writer("meta", db.Bulk{Table: "meta", Columns: columns, Conflict: columns[:1], Update: columns[1:]}).
		Add(ctx, id, m.class, contact, m.version, m.label, m.keys, m.claims, item.image)
	if err != nil {
		return err
	}
	a.metas[id] = m
	if _, held := a.heldM[id]; !held && len(image.Held) == 0 {
		return nil
	}
	return a.t.putHeld(ctx, id, nil, &item.PlanItem, a.numbered(image.Held))
}

// numbered gives the metas that the plan makes, where they are named as other parties, their numbers.
func (a *applying) numbered(held []canopy.Held) []canopy.Held {
	out := slices.Clone(held)
	for i := range out {
		out[i].Others = slices.Clone(out[i].Others)
		for k := range out[i].Others {
			out[i].Others[k].Meta = canopy.MetaID(a.p.meta(out[i].Others[k].Meta))
		}
	}
	return out
}

// metaKeys brings a meta's keys up to date. Entries that are joined to nothing and have a key that the meta got or lost
// are looked at again in the next plan; for a meta that is new this plan has looked at them.
func (a *applying) metaKeys(ctx context.Context, id int64, old metaHead, keys []canopy.Key) ([]byte, error) {
	packed, lost, err := a.t.setKeys(ctx, -id, old.keys, keys, nil)
	if err != nil || old.id == 0 {
		return packed, err
	}
	before, _ := unpackKeys(old.keys)
	had := map[int64]bool{}
	for _, h := range before {
		had[h] = true
	}
	for _, k := range keys {
		if h := keyHash(k); !had[h] {
			lost = append(lost, h)
		}
	}
	return packed, a.t.stir(ctx, lost, a.p.mark+1)
}

// dropMeta removes a meta; what it claimed is free.
func (a *applying) dropMeta(ctx context.Context, old metaHead) error {
	if err := a.t.dropKeys(ctx, -old.id, old.keys); err != nil {
		return err
	}
	joins, _ := unpackKeys(old.keys)
	if err := a.t.stir(ctx, joins, a.p.mark+1); err != nil {
		return err
	}
	if err := a.t.dropClaims(ctx, -old.id, old.claims); err != nil {
		return err
	}
	var freed []int64
	for h, kept := range unpackClaims(old.claims) {
		if kept {
			freed = append(freed, h)
		}
	}
	if err := a.t.contest(ctx, freed, old.id, true, a.p.mark); err != nil {
		return err
	}
	for _, q := range []string{`DELETE FROM meta WHERE id = $1`, `DELETE FROM held WHERE meta = $1`, `DELETE FROM due_meta WHERE meta = $1`} {
		if _, err := a.t.Exec(ctx, q, old.id); err != nil {
			return err
		}
	}
	delete(a.t.dueM, old.id)
	delete(a.metas, old.id)
	return nil
}

// putHeld replaces what is held of a meta, or of entries that are joined to none.
func (t *tx) putHeld(ctx context.Context, meta int64, entries []int64, item *canopy.PlanItem, held []canopy.Held) error {
	if err := t.flush(ctx, "held"); err != nil {
		return err
	}
	if meta != 0 {
		if _, err := t.Exec(ctx, `DELETE FROM held WHERE meta = $1`, meta); err != nil {
			return err
		}
	}
	for _, id := range entries {
		if _, err := t.Exec(ctx, `DELETE FROM held WHERE meta = 0 AND entry = $1`, id); err != nil {
			return err
		}
	}
	w := t.writer("held", db.Bulk{Table: "held", Columns: []string{"meta", "entry", "n", "reason", "class", "label", "body"}})
	for n, h := range held {
		entry := int64(0)
		if meta == 0 {
			if entry = int64(h.Entry); entry == 0 && len(entries) > 0 {
				entry = entries[0]
			}
		}
		body, err := json.Marshal(h)
		if err != nil {
			return err
		}
		if err := w.Add(ctx, meta, entry, n, string(h.Reason), string(item.Class), item.Label, body); err != nil {
			return err
		}
	}
	return nil
}

// loadMetas loads metas with what is held of them.
func (s *Store) loadMetas(ctx context.Context, t *db.Tx, ids []canopy.MetaID) ([]*canopy.Meta, error) {
	var out []*canopy.Meta
	at := make(map[canopy.MetaID]*canopy.Meta, len(ids))
	err := db.Chunks(1, ints(ids), func(args []any, list string) error {
		err := t.Each(ctx, func(r *sql.Rows) error {
			m := &canopy.Meta{}
			var body []byte
			if err := r.Scan(&m.ID, &m.Class, &m.Version, &body); err != nil {
				return err
			}
			var err error
			if m.Attrs, err = s.words.decodeImage(body); err != nil {
				return fmt.Errorf("meta %d: %w", m.ID, err)
			}
			out = append(out, m)
			at[m.ID] = m
			return nil
		}, `SELECT id, class, version, body FROM meta WHERE id IN (`+list+`)`, args...)
		if err != nil {
			return err
		}
		return t.Each(ctx, func(r *sql.Rows) error {
			var id canopy.MetaID
			var body []byte
			var h canopy.Held
			if err := r.Scan(&id, &body); err != nil {
				return err
			}
			if err := json.Unmarshal(body, &h); err != nil {
				return fmt.Errorf("meta %d: %w", id, err)
			}
			if m := at[id]; m != nil {
				m.Held = append(m.Held, h)
			}
			return nil
		}, `SELECT meta, body FROM held WHERE meta IN (`+list+`) ORDER BY meta, n`, args...)
	})
	return out, err
}
