package store

import (
	"context"
	"fmt"

	"github.com/canopy-sync/canopy/db"
)

// lateIndexes are made when the first load is over: a load that has to keep them takes twice as long.
var lateIndexes = [...]string{
	`CREATE INDEX IF NOT EXISTS key_hash ON key (hash)`,
	`CREATE INDEX IF NOT EXISTS claim_hash ON claim (hash)`,
	`CREATE INDEX IF NOT EXISTS link_target ON link (target)`,
	`CREATE INDEX IF NOT EXISTS entry_parent ON entry (connector, parent)`,
}

// index makes the late indexes, unless they are there.
func (s *Store) index(ctx context.Context) error {
	if s.indexed.Load() || s.opt.ReadOnly {
		return nil
	}
	if err := s.update(ctx, func(t *tx) error { return t.index(ctx) }); err != nil {
		return fmt.Errorf("make indexes: %w", err)
	}
	if err := s.db.Analyze(ctx); err != nil {
		return fmt.Errorf("make indexes: %w", err)
	}
	return nil
}

// index makes the late indexes within a transaction that cannot do without.
func (t *tx) index(ctx context.Context) error {
	if t.s.indexed.Load() || t.numbers[nounIndexes] > 0 {
		return nil
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	for _, q := range lateIndexes {
		if _, err := t.Exec(ctx, q); err != nil {
			return err
		}
	}
	_, err := t.next(ctx, nounIndexes)
	return err
}

// query runs do in a snapshot that has all indexes.
func (s *Store) query(ctx context.Context, do func(*db.Tx) error) error {
	if err := s.index(ctx); err != nil {
		return err
	}
	return s.read(ctx, do)
}
