package store

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"testing/fstest"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Settled is a person who was planned, written and confirmed: the entry of a forest, the meta, and the target's object.
type Settled struct {
	Source, Target         canopy.Entry
	Meta                   canopy.Meta
	Label                  string
	SourceKeys, TargetKeys []canopy.Key
	MetaKeys               []canopy.Key
	TargetClaims           []canopy.Claim
	MetaClaims             []canopy.Claimant
}

// Settle puts people into the store as cycles would have left them, in a small part of the time that cycles take. Their
// numbers are those of the entries and metas.
func (s *Store) Settle(ctx context.Context, people []Settled) error {
	if err := s.intern(ctx, wordsOfSettled(people)); err != nil {
		return err
	}
	return s.update(ctx, func(t *tx) error {
		for i := range people {
			if err := t.settle(ctx, &people[i]); err != nil {
				return err
			}
		}
		last := people[len(people)-1]
		for noun, n := range map[string]int64{nounEntry: int64(max(last.Source.ID, last.Target.ID)), nounMeta: int64(last.Meta.ID)} {
			have, err := t.last(ctx, noun)
			if err != nil {
				return err
			}
			if _, err := t.take(ctx, noun, n-have); err != nil {
				return err
			}
		}
		_, err := t.Exec(ctx, `INSERT INTO cursor (connector, bytes, scope, complete, at, objects) VALUES ($1, NULL, '', TRUE, 0, 0)
			ON CONFLICT (connector) DO UPDATE SET complete = TRUE`, t.s.connectors()[0].no)
		return err
	})
}

func (t *tx) settle(ctx context.Context, p *Settled) error {
	claimants := heldClaims(p.TargetClaims)
	for i, e := range []*canopy.Entry{&p.Source, &p.Target} {
		c, err := t.s.conn(e.Connector)
		if err != nil {
			return err
		}
		r := &entryRow{id: int64(e.ID), connector: c.no, anchor: string(e.Anchor), sourceAnchor: e.SourceAnchor, class: string(e.Class), dn: e.DN, parent: string(e.Parent),
			meta: int64(p.Meta.ID), via: e.Via.Kind, viaRule: string(e.Via.Rule), known: e.Known, imported: t.now, whole: true}
		if r.body, r.hash, err = t.s.words.encodeAttrs(e.Attrs); err != nil {
			return err
		}
		keys, claims := p.SourceKeys, []canopy.Claimant(nil)
		if i == 1 {
			keys, claims = p.TargetKeys, claimants
		}
		if r.keys, _, err = t.setKeys(ctx, r.id, nil, keys, t.s.finds(e)); err != nil {
			return err
		}
		if r.claims, _, _, err = t.setClaims(ctx, r.id, nil, claims); err != nil {
			return err
		}
		t.touch(r)
	}
	keys, _, err := t.setKeys(ctx, -int64(p.Meta.ID), nil, p.MetaKeys, nil)
	if err != nil {
		return err
	}
	claims, _, _, err := t.setClaims(ctx, -int64(p.Meta.ID), nil, p.MetaClaims)
	if err != nil {
		return err
	}
	body, err := t.s.words.encodeImage(p.Meta.Attrs)
	if err != nil {
		return err
	}
	return t.writer("meta", db.Bulk{Table: "meta", Columns: []string{"id", "class", "contact", "version", "label", "keys", "claims", "body"}}).
		Add(ctx, int64(p.Meta.ID), string(p.Meta.Class), false, int64(1), p.Label, keys, claims, body)
}

func wordsOfSettled(people []Settled) iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		word := func(s string) bool {
			if seen[s] {
				return true
			}
			seen[s] = true
			return yield(s)
		}
		for i := range people {
			for _, attrs := range []canopy.Attrs{people[i].Source.Attrs, people[i].Target.Attrs} {
				for a := range attrs {
					if !word(string(a)) {
						return
					}
				}
			}
			for a, v := range people[i].Meta.Attrs {
				if !word(string(a)) {
					return
				}
				for _, o := range v.Origins {
					if !word(string(o.Rule)) || !word(string(o.Connector)) {
						return
					}
				}
			}
		}
	}
}

// CheckSettled says what is odd about how many rows there are.
func (s *Store) CheckSettled(ctx context.Context, people int) error {
	return s.read(ctx, func(t *db.Tx) error {
		var entries, metas int
		if _, err := t.One(ctx, []any{&entries}, `SELECT count(*) FROM entry`); err != nil {
			return err
		}
		if _, err := t.One(ctx, []any{&metas}, `SELECT count(*) FROM meta`); err != nil {
			return err
		}
		if entries != 2*people || metas != people {
			return fmt.Errorf("%d entries and %d metas for %d people", entries, metas, people)
		}
		return nil
	})
}

// RuleFile is a place with one rule file.
func RuleFile(text string) fs.FS { return fstest.MapFS{"own.yaml": {Data: []byte(text)}} }
