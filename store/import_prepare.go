package store

import (
	"context"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// PreparedImport is a batch whose values are in the store's form. Nothing is kept of it yet.
type PreparedImport struct {
	s    *Store
	c    conn
	req  ImportRequest
	prep []prepared
}

// PrepareImport does what can be done of an import while the one before it is written.
func (s *Store) PrepareImport(ctx context.Context, req ImportRequest) (*PreparedImport, error) {
	p := &PreparedImport{s: s, req: req}
	var err error
	if p.c, err = s.conn(req.Connector); err != nil {
		return nil, p.wrap(err)
	}
	if req.Derive == nil {
		p.req.Derive = func(*canopy.Entry) ([]canopy.Key, []canopy.Claim) { return nil, nil }
	}
	if err := s.intern(ctx, wordsOf(req.Batch.Changes)); err != nil {
		return nil, p.wrap(err)
	}
	if err := s.intern(ctx, texts(req.Exchange)); err != nil {
		return nil, p.wrap(err)
	}
	if p.prep, err = s.prepare(req.Batch.Changes); err != nil {
		return nil, p.wrap(err)
	}
	return p, nil
}

func (p *PreparedImport) wrap(err error) error {
	return fmt.Errorf("import into the space of %s: %w", p.req.Connector, err)
}

// Import is Store.Import for a batch that is prepared. Batches of one connector are imported in the order of their coming.
func (p *PreparedImport) Import(ctx context.Context) (counts ImportCounts, err error) {
	var met map[int64]string
	err = p.s.update(ctx, func(t *tx) error {
		im := &importing{t: t, c: p.c, req: p.req, prep: p.prep, works: map[canopy.Anchor]*work{}, ends: map[canopy.Ref]linkEnd{}}
		im.told, im.met, im.stirred = p.s.telling(), map[int64]string{}, map[int64]bool{}
		err := im.run(ctx)
		counts, met = im.counts, im.met
		return err
	})
	if err != nil {
		return ImportCounts{}, p.wrap(err)
	}
	p.s.keepTold(met)
	return counts, nil
}

// prepared is what can be said of a full image before the transaction.
type prepared struct {
	body, hash []byte
	sums       linkSums
	exact      bool // every link names its anchor, so that the sums are right
}

func (s *Store) prepare(changes []canopy.Change) ([]prepared, error) {
	out := make([]prepared, len(changes))
	for i := range changes {
		ch := &changes[i]
		if ch.Kind != canopy.FullImage || ch.Failed != nil {
			continue
		}
		p := &out[i]
		var err error
		if p.body, p.hash, err = s.words.encodeAttrs(ch.Attrs); err != nil {
			return nil, err
		}
		p.exact = true
		for name, l := range ch.Links {
			no, err := s.words.number(string(name))
			if err != nil {
				return nil, err
			}
			sum := linkSum{attr: no}
			seen := make(map[canopy.Anchor]bool, len(l.Added))
			for _, ref := range l.Added {
				p.exact = p.exact && ref.Anchor != ""
				if !seen[ref.Anchor] {
					seen[ref.Anchor] = true
					sum.add(ref, 1)
				}
			}
			p.sums = p.sums.set(sum)
		}
	}
	return out, nil
}
