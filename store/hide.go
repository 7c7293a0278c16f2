package store

import "github.com/canopy-sync/canopy"

// HideInLog says of which attributes of a connector's objects the log does not have the values, and what it has instead.
func (s *Store) HideInLog(attrs map[canopy.ConnectorID]map[canopy.Attr]bool, instead canopy.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hide, s.instead = attrs, instead
}

// hides tells whether the log leaves out any values of a connector's objects.
func (s *Store) hides(id canopy.ConnectorID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hide[id]) > 0
}

// logged are changes as the log has them.
func (s *Store) logged(id canopy.ConnectorID, changes []canopy.AttrChange) []canopy.AttrChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hide[id]) == 0 {
		return changes
	}
	out := make([]canopy.AttrChange, len(changes))
	for i, c := range changes {
		if s.hide[id][c.Attr] {
			if len(c.Old) > 0 {
				c.Old = s.instead
			}
			if len(c.New) > 0 {
				c.New = s.instead
			}
		}
		out[i] = c
	}
	return out
}
