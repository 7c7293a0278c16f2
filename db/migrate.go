package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// A migration is a file NNNN-name.sql with statements that end in ";" at a line's end. Its text is for both databases;
// what stands between "/*sqlite" and "*/" is for SQLite only and a comment for the other, and so is "/*postgres". BIGINT PRIMARY KEY is the row's
// own number in SQLite, and TEXT compares octets in both. A migration that was released is never changed: its checksum is kept.
type migration struct {
	version  int
	name     string
	text     string
	checksum string
}

// migrations reads and sorts the files; a wrong name or a gap is an error.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		number, title, ok := strings.Cut(strings.TrimSuffix(name, ".sql"), "-")
		version, err := strconv.Atoi(number)
		if !ok || err != nil {
			return nil, fmt.Errorf("migration %s: the name must be like 0001-name.sql", name)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{version: version, name: title, text: string(text), checksum: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b migration) int { return a.version - b.version })
	for i, m := range all {
		if m.version != i+1 {
			return nil, fmt.Errorf("migration %04d-%s: %04d was to be next", m.version, m.name, i+1)
		}
	}
	return all, nil
}

// migrate brings the tables to the form of the last migration, each step in a transaction of its own.
func (d *DB) migrate(ctx context.Context) error {
	known, err := migrations(d.opt.Migrations)
	if err != nil {
		return err
	}
	err = d.Update(ctx, func(t *Tx) error {
		_, err := t.Exec(ctx, `CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, at BIGINT NOT NULL)`)
		return err
	})
	if err != nil {
		return err
	}
	for {
		done, err := d.step(ctx, known)
		if err != nil || done {
			return err
		}
	}
}

// step runs the next migration.
func (d *DB) step(ctx context.Context, known []migration) (done bool, err error) {
	err = d.Update(ctx, func(t *Tx) error {
		at, err := d.version(ctx, t, known)
		if err != nil || at == len(known) {
			done = true
			return err
		}
		m := known[at]
		for _, statement := range statements(d.d.schema(m.text)) {
			if _, err := t.Exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %04d-%s: %w", m.version, m.name, err)
			}
		}
		var now int64
		if d.opt.Now != nil {
			now = d.opt.Now()
		}
		_, err = t.Exec(ctx, `INSERT INTO migration (version, name, checksum, at) VALUES ($1, $2, $3, $4)`, m.version, m.name, m.checksum, now)
		return err
	})
	return done, err
}

// version is the number of the last migration that ran. A newer or a different one is an error.
func (d *DB) version(ctx context.Context, t *Tx, known []migration) (int, error) {
	at := 0
	var changed *migration
	err := t.Each(ctx, func(r *sql.Rows) error {
		var m migration
		if err := r.Scan(&m.version, &m.name, &m.checksum); err != nil {
			return err
		}
		if m.version <= len(known) && known[m.version-1].checksum != m.checksum && changed == nil {
			changed = &m
		}
		at = max(at, m.version)
		return nil
	}, `SELECT version, name, checksum FROM migration ORDER BY version`)
	switch {
	case err != nil:
		return 0, err
	case at > len(known):
		return 0, &canopy.Error{Kind: canopy.Newer, Code: "store-newer", Object: d.path,
			Text: fmt.Sprintf("the store has version %d; this program knows versions up to %d", at, len(known)),
			Next: "use the newer program that wrote it, or another state directory"}
	case changed != nil:
		return 0, &canopy.Error{Kind: canopy.Invalid, Code: "store-migration", Object: d.path,
			Text: fmt.Sprintf("the store was made with another migration %04d-%s than this program has", changed.version, changed.name),
			Next: "use the program that wrote it, or another state directory"}
	}
	return at, nil
}

// checkVersion lets a reader in only when the tables have the form that it knows.
func (d *DB) checkVersion(ctx context.Context) error {
	known, err := migrations(d.opt.Migrations)
	if err != nil {
		return err
	}
	at := 0
	err = d.Read(ctx, func(t *Tx) error {
		at, err = d.version(ctx, t, known)
		return err
	})
	if err == nil && at < len(known) {
		err = &canopy.Error{Kind: canopy.Conflict, Code: "store-older", Object: d.path,
			Text: fmt.Sprintf("the store has version %d; this program reads version %d", at, len(known)),
			Next: "run: canopy run, which brings it up to date"}
	}
	var known2 *canopy.Error
	if err != nil && !errors.As(err, &known2) {
		err = &canopy.Error{Kind: canopy.Invalid, Code: "store-damaged", Object: d.path, Text: "this is not a store",
			Next: "check the path", Err: err}
	}
	return err
}

// statements splits a migration.
func statements(text string) []string {
	var all []string
	var one strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		one.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			all = append(all, strings.TrimSpace(one.String()))
			one.Reset()
		}
	}
	if s := strings.TrimSpace(one.String()); s != "" {
		all = append(all, s)
	}
	return all
}
