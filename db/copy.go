package db

import (
	"context"
	"database/sql"

	"github.com/canopy-sync/canopy"
)

// CopyTo writes the database as it is now into a new file, beside whoever writes to it. Only one in a file can be copied; of
// another it is an error of kind Unsupported.
func (d *DB) CopyTo(ctx context.Context, path string) error {
	if d.d != &file {
		return &canopy.Error{Kind: canopy.Unsupported, Code: "store-copy", Object: d.path, Text: "a store in PostgreSQL cannot be copied from here"}
	}
	const q = "VACUUM INTO ?"
	// A connection of its own: those for reading may write no file at all.
	c, err := sql.Open("sqlite", d.dsn(0, ""))
	if err != nil {
		return d.fault("open", err)
	}
	defer c.Close()
	touch(path) // an empty file is taken, with its mode
	if _, err := c.ExecContext(ctx, q, path); err != nil {
		return d.fault(q, err)
	}
	return nil
}
