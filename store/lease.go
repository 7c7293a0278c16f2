package store

import (
	"context"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
)

// Lease takes or renews the lease called name for owner until ttl from now. While another owner has it, it is an error of
// kind Conflict that names that owner. A ttl of 0 gives it back.
func (s *Store) Lease(ctx context.Context, name, owner string, ttl time.Duration) error {
	err := s.update(ctx, func(t *tx) error {
		var holder string
		var until int64
		found, err := t.One(ctx, []any{&holder, &until}, `SELECT owner, until FROM lease WHERE name = $1`, name)
		if err != nil {
			return err
		}
		if found && holder != owner && until > t.now {
			return &canopy.Error{Kind: canopy.Conflict, Code: "lease", Object: name, Other: holder,
				Text: "another process works on it until " + moment(until).Format(time.RFC3339), Next: "wait until it has ended, or stop it"}
		}
		if ttl <= 0 {
			_, err = t.Exec(ctx, `DELETE FROM lease WHERE name = $1`, name)
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO lease (name, owner, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until`, name, owner, t.now+ttl.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("take the lease %s: %w", name, err)
	}
	return nil
}
