package run

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/canopy-sync/canopy/db"
	"github.com/canopy-sync/canopy/store"
)

// Database is a PostgreSQL database. The password comes from a file or the environment, never from this file; without
// one the account's .pgpass, PGPASSWORD or certificate counts.
type Database struct {
	Address      string `yaml:"address"` // postgres://account@host:5432/database
	PasswordFile string `yaml:"password_file,omitempty"`
	PasswordEnv  string `yaml:"password_env,omitempty"`
	Password     string `yaml:"password,omitempty"` // always refused, with the reason
}

func (d *Database) faults() []error {
	if d == nil {
		return nil
	}
	var f []error
	u, err := url.Parse(d.Address)
	inside := false
	if err == nil {
		_, inside = u.User.Password()
		inside = inside || u.Query().Has("password")
	}
	switch {
	case err != nil || !db.IsAddress(d.Address):
		f = append(f, errors.New("database: address must be like postgres://account@host:5432/database"))
	case d.Password != "" || inside:
		f = append(f, errors.New("database: a password must not stand in this file; put it into a file that only you can read and name it under password_file, or name an environment variable under password_env"))
	}
	if d.PasswordFile != "" && d.PasswordEnv != "" {
		f = append(f, errors.New("database: both password_file and password_env are named; one is enough"))
	}
	return f
}

// OpenStore opens the store of a state directory: its file, or the database of the configuration; a nil one has none.
func OpenStore(ctx context.Context, dir string, c *Config, o store.Options) (*store.Store, error) {
	if c == nil || c.Database == nil {
		return store.Open(ctx, filepath.Join(dir, StoreName), o)
	}
	var err error
	if o.Password, err = secret(c.Database.Address, c.Database.PasswordFile, c.Database.PasswordEnv); err != nil {
		return nil, err
	}
	return store.Open(ctx, c.Database.Address, o)
}
