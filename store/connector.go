package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
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

// conn is a connector under its number.
type conn struct {
	Connector
	no int64
}

func (c *conn) target() bool { return c.Kind == KindTenant }

// PutConnector makes a connector known, or changes its order and name. The kind of one that is known is not changed.
func (s *Store) PutConnector(ctx context.Context, c Connector) error {
	if old, err := s.conn(c.ID); err == nil && old.Connector == c {
		return nil
	} else if err == nil && old.Kind != c.Kind {
		return &canopy.Error{Kind: canopy.Conflict, Code: "connector-kind", Object: string(c.ID), Other: old.Kind,
			Text: "a connector of another kind has this name already", Next: "give the new one another name"}
	}
	err := s.update(ctx, func(t *tx) error {
		if err := s.readConnectors(ctx, t.Tx); err != nil {
			return err
		}
		if old, err := s.conn(c.ID); err == nil {
			_, err := t.Exec(ctx, `UPDATE connector SET ord = $1, name = $2 WHERE no = $3`, c.Order, c.Name, old.no)
			return err
		}
		no, err := t.next(ctx, "connector")
		if err != nil {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO connector (no, id, kind, ord, name) VALUES ($1, $2, $3, $4, $5)`, no, string(c.ID), c.Kind, c.Order, c.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep connector %s: %w", c.ID, err)
	}
	return s.db.Read(ctx, func(t *db.Tx) error { return s.readConnectors(ctx, t) })
}

func (s *Store) readConnectors(ctx context.Context, t *db.Tx) error {
	var all []conn
	err := t.Each(ctx, func(r *sql.Rows) error {
		var c conn
		err := r.Scan(&c.no, &c.ID, &c.Kind, &c.Order, &c.Name)
		all = append(all, c)
		return err
	}, `SELECT no, id, kind, ord, name FROM connector ORDER BY ord, id`)
	if err == nil {
		s.mu.Lock()
		s.conns = all
		s.mu.Unlock()
	}
	return err
}

// Connectors are all connectors by order.
func (s *Store) Connectors(ctx context.Context) ([]Connector, error) {
	var out []Connector
	for _, c := range s.connectors() {
		out = append(out, c.Connector)
	}
	return out, ctx.Err()
}

func (s *Store) connectors() []conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.conns)
}

func (s *Store) conn(id canopy.ConnectorID) (conn, error) {
	for _, c := range s.connectors() {
		if c.ID == id {
			return c, nil
		}
	}
	return conn{}, &canopy.Error{Kind: canopy.NotFound, Code: "connector-unknown", Object: string(id), Text: "there is no connector of this name",
		Next: "check the configuration"}
}

// byNumber are the connectors by number.
func (s *Store) byNumber() map[int64]conn {
	m := map[int64]conn{}
	for _, c := range s.connectors() {
		m[c.no] = c
	}
	return m
}

// Cursor is how far a connector has been read.
type Cursor struct {
	Bytes     []byte // nil: read everything
	ScopeHash string
	Complete  bool // the space has been read whole at least once
	At        time.Time
	Objects   int // present entries, containers not counted
}

// Cursor tells how far conn has been read; the zero Cursor when never.
func (s *Store) Cursor(ctx context.Context, id canopy.ConnectorID) (Cursor, error) {
	c, err := s.conn(id)
	if err != nil {
		return Cursor{}, err
	}
	var cur Cursor
	err = s.read(ctx, func(t *db.Tx) error {
		cur, _, err = readCursor(ctx, t, c.no)
		return err
	})
	if err != nil {
		return Cursor{}, fmt.Errorf("read the cursor of %s: %w", id, err)
	}
	return cur, nil
}

func readCursor(ctx context.Context, t *db.Tx, conn int64) (cur Cursor, found bool, err error) {
	var at int64
	found, err = t.One(ctx, []any{&cur.Bytes, &cur.ScopeHash, &cur.Complete, &at, &cur.Objects},
		`SELECT bytes, scope, complete, at, objects FROM cursor WHERE connector = $1`, conn)
	cur.At = moment(at)
	return cur, found, err
}

// countObjects changes the number of present entries.
func (t *tx) countObjects(ctx context.Context, conn, n int64) error {
	_, err := t.Exec(ctx, `INSERT INTO cursor (connector, bytes, scope, complete, at, objects) VALUES ($1, NULL, '', FALSE, 0, $2)
		ON CONFLICT (connector) DO UPDATE SET objects = cursor.objects + excluded.objects`, conn, n)
	return err
}
