package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// Found is an entry that a text names.
type Found struct {
	Entry     canopy.EntryID
	Meta      canopy.MetaID // 0: not joined
	Connector canopy.ConnectorID
	Class     canopy.Class
	State     canopy.EntryState
	Anchor    canopy.Anchor
	DN        string
	Name      string // display name, else UPN, else DN
}

// Find finds entries by DN, anchor, GUID (braces and case do not matter), source anchor, UPN, mail address, alias or one
// of Options.Search, case folded, in the order of connectors.
func (s *Store) Find(ctx context.Context, text string) ([]Found, error) { return nil, errPending }

// Entry loads one entry; an error of kind NotFound when there is none.
func (s *Store) Entry(ctx context.Context, id canopy.EntryID) (*canopy.Entry, error) {
	return nil, errPending
}

// EntriesOf loads the entries joined to a meta, sources first in their order.
func (s *Store) EntriesOf(ctx context.Context, id canopy.MetaID) ([]*canopy.Entry, error) {
	return nil, errPending
}

// Meta loads one meta; an error of kind NotFound when there is none.
func (s *Store) Meta(ctx context.Context, id canopy.MetaID) (*canopy.Meta, error) {
	return nil, errPending
}

// LinksOf lists the links of an entry under one attribute, at most limit.
func (s *Store) LinksOf(ctx context.Context, id canopy.EntryID, attr canopy.Attr, limit int) ([]canopy.Ref, error) {
	return nil, errPending
}
