package tenant

import (
	"context"
	"errors"
	"time"

	"github.com/canopy-sync/canopy"
)

// doorTables are what the door for programs adds: a tick says which change was the last one of a second, an app is a
// program that may call, and an audit is one thing that one of them did.
const doorTables = `
ALTER TABLE gone ADD COLUMN class TEXT NOT NULL DEFAULT '';
CREATE INDEX object_class ON object (class, id) WHERE deleted IS NULL;
CREATE TABLE tick (at INTEGER PRIMARY KEY, seq BIGINT NOT NULL);
CREATE INDEX tick_seq ON tick (seq, at);
CREATE TABLE app (id TEXT PRIMARY KEY, name TEXT NOT NULL, object TEXT NOT NULL UNIQUE, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (
	id     INTEGER PRIMARY KEY,
	oid    TEXT NOT NULL UNIQUE,
	at     BIGINT NOT NULL,
	target TEXT NOT NULL,
	value  BLOB NOT NULL);
CREATE INDEX audit_target ON audit (target);
`

// reindex gives the objects of an older layout their place in the order of names, and a time.
func (f *file) reindex(ctx context.Context) error {
	rows, err := f.write.QueryContext(ctx, `SELECT `+recordColumns+` FROM object WHERE deleted IS NULL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	type place struct {
		key string
		id  int64
	}
	var places []place
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return err
		}
		places = append(places, place{nameKey(r.class, r.values().Text(canopy.AttrDisplayName)), r.id})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, p := range places {
		if _, err := f.write.ExecContext(ctx, `INSERT OR IGNORE INTO claim (key, object) VALUES (?, ?)`, p.key, p.id); err != nil {
			return err
		}
	}
	_, err = f.write.ExecContext(ctx, `INSERT INTO tick (at, seq) SELECT ?, seq FROM counter`, time.Now().Unix())
	return err
}

// tick notes when the last change was made, to the second.
func (x *tx) tick() error {
	return x.exec(`INSERT INTO tick (at, seq) VALUES (?, ?) ON CONFLICT (at) DO UPDATE SET seq = excluded.seq`, x.now.Unix(), x.seq)
}
