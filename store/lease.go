package store

import (
	"context"
	"time"
)

// Lease takes or renews the lease called name for owner until ttl from now. While another owner has it, it is an error of
// kind Conflict that names that owner. A ttl of 0 gives it back.
func (s *Store) Lease(ctx context.Context, name, owner string, ttl time.Duration) error {
	return errPending
}
