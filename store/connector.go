package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// KindTenant is the kind of a connector whose space is a target: its entries carry source anchors, and what it is seen
// to hold confirms exports.
const KindTenant = "tenant"

// Connector is a connector as the store knows it.
type Connector struct {
	ID    canopy.ConnectorID
	Kind  string // "ad", "tenant"
	Order int    // breaks ties of precedence
	Name  string // for people
}

// PutConnector makes a connector known, or changes its order and name. The kind of one that has entries is not changed.
func (s *Store) PutConnector(ctx context.Context, c Connector) error { return errPending }

// Connectors are all connectors by order.
func (s *Store) Connectors(ctx context.Context) ([]Connector, error) { return nil, errPending }

// Cursor is how far a connector has been read.
type Cursor struct {
	Bytes     []byte // nil: read everything
	ScopeHash string
	Complete  bool // the space has been read whole at least once
	At        time.Time
	Objects   int // present entries, containers not counted
}

// Cursor tells how far conn has been read; the zero Cursor when never.
func (s *Store) Cursor(ctx context.Context, conn canopy.ConnectorID) (Cursor, error) {
	return Cursor{}, errPending
}
