package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
)

// App is a program that may call: an app registration, with its service principal.
type App struct {
	ID     string        `json:"-"` // by which it signs in
	Object canopy.Anchor `json:"-"` // its service principal
	Name   string        `json:"-"`
	Roles  []string      `json:"roles"` // application permissions, in order
	// Secrets are kept as salted hashes; Certificates are DER.
	Secrets      []Secret  `json:"secrets,omitempty"`
	Certificates [][]byte  `json:"certificates,omitempty"`
	Made         time.Time `json:"made"`
}

// Secret is a client secret: not itself, but what it can be recognised by. It is made at random, with 256 bits, so a
// quick hash is as good as a slow one.
type Secret struct {
	ID   string    `json:"id"`
	Hint string    `json:"hint"` // its first three characters
	Salt []byte    `json:"salt"`
	Hash []byte    `json:"hash"`
	Made time.Time `json:"made"`
}

// AddApp registers a program with roles, and gives its secret, which is not kept. With a certificate (DER) it gets none.
func (d *Directory) AddApp(ctx context.Context, name string, roles []string, certificate []byte) (App, string, error) {
	a := App{Name: name, Roles: slices.Compact(slices.Sorted(slices.Values(roles)))}
	secret := ""
	err := d.t.update(ctx, func(x *tx) error {
		a.ID, a.Object, a.Made = x.t.newID(), canopy.Anchor(x.t.newID()), x.now.UTC()
		if certificate != nil {
			a.Certificates = [][]byte{certificate}
		} else {
			secret = newSecret()
			salt := make([]byte, 16)
			_, _ = rand.Read(salt) // never fails
			a.Secrets = []Secret{{ID: x.t.newID(), Hint: secret[:3], Salt: salt, Hash: hashSecret(salt, secret), Made: a.Made}}
		}
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if err := x.exec(`INSERT INTO app (id, name, object, value) VALUES (?, ?, ?, ?)`, a.ID, a.Name, string(a.Object), text); err != nil {
			return err
		}
		return x.audit(administrator, "Add application", nil, []Modified{{Attr: "displayName", New: []string{a.Name}}, {Attr: "appId", New: []string{a.ID}},
			{Attr: "appRoles", New: a.Roles}})
	})
	return a, secret, told("register the app", canopy.Anchor(name), err)
}

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashSecret(salt []byte, secret string) []byte {
	sum := sha256.Sum256(append(slices.Clone(salt), secret...))
	return sum[:]
}

// Knows tells whether a secret is one of the app's.
func (a *App) Knows(secret string) bool {
	known := 0
	for _, s := range a.Secrets {
		known |= subtle.ConstantTimeCompare(s.Hash, hashSecret(s.Salt, secret))
	}
	return known == 1
}

// App finds a program by its id, its service principal's object id, or its name. None is an error of kind NotFound.
func (d *Directory) App(ctx context.Context, name string) (*App, error) {
	a, err := scanApp(d.row(ctx, `SELECT id, name, object, value FROM app WHERE id = ? OR object = ? OR name = ?`, name, name, name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &canopy.Error{Kind: canopy.NotFound, Object: name, Text: "no such app is registered", Next: "see: canopy tenant app list"}
	}
	return a, err
}

// Apps gives all programs, in the order of their ids.
func (d *Directory) Apps(ctx context.Context) ([]App, error) {
	var out []App
	err := d.rows(ctx, func(s scanner) error {
		a, err := scanApp(s)
		if err == nil {
			out = append(out, *a)
		}
		return err
	}, `SELECT id, name, object, value FROM app ORDER BY id`)
	return out, err
}

func scanApp(s scanner) (*App, error) {
	a := &App{}
	var text []byte
	if err := s.Scan(&a.ID, &a.Name, &a.Object, &text); err != nil {
		return nil, err
	}
	return a, json.Unmarshal(text, a)
}

// RemoveApp ends a registration.
func (d *Directory) RemoveApp(ctx context.Context, name string) error {
	a, err := d.App(ctx, name)
	if err != nil {
		return err
	}
	return d.t.update(ctx, func(x *tx) error {
		if err := x.exec(`DELETE FROM app WHERE id = ?`, a.ID); err != nil {
			return err
		}
		return x.audit(administrator, "Delete application", nil, []Modified{{Attr: "displayName", Old: []string{a.Name}}, {Attr: "appId", Old: []string{a.ID}},
			{Attr: "appRoles", Old: a.Roles}})
	})
}

// Keep gives what is kept in the tenant's file under a name, and keeps what make gives when there is nothing yet.
func (d *Directory) Keep(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	var text []byte
	err := d.t.update(ctx, func(x *tx) error {
		err := x.row(`SELECT value FROM setting WHERE name = ?`, name).Scan(&text)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if text, err = make(); err != nil {
			return err
		}
		return x.exec(`INSERT INTO setting (name, value) VALUES (?, ?)`, name, text)
	})
	return text, err
}
