package store

import "context"

// Counts count the metaverse.
type Counts struct {
	People   int `json:"people"`
	Groups   int `json:"groups"`
	Contacts int `json:"contacts"`
	Joined   int `json:"joined"` // metas with entries of two or more sources
}

// Counts counts the metaverse.
func (s *Store) Counts(ctx context.Context) (Counts, error) { return Counts{}, errPending }
