// Package auth keeps who may call the service: the agents, and the tokens that enrol them. It checks no certificate.
package auth

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// FileName is the file's name in the state directory. It is a file of its own, so that tokens are made and agents
// revoked while the service runs.
const FileName = "agents.db"

// Options are what Open needs.
type Options struct {
	Clock func() time.Time // nil: the system's
	// Volatile does not wait for the disk. For tests.
	Volatile bool
}

// Auth is the file. It may be used from several goroutines and several processes.
type Auth struct {
	db    *db.DB
	clock func() time.Time
}

// Open opens the file at path, and makes it when it is not there.
func Open(ctx context.Context, path string, o Options) (*Auth, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	a := &Auth{clock: o.Clock}
	a.db, err = db.Open(ctx, path, db.Options{Migrations: files, CacheMiB: 1, Volatile: o.Volatile, Now: func() int64 { return o.Clock().UnixMicro() }})
	if err != nil {
		return nil, fmt.Errorf("open the agents' file: %w", err)
	}
	return a, nil
}

// Close ends it.
func (a *Auth) Close() error { return a.db.Close() }

// AddToken keeps the hash of an enrolment token. It enrols one agent, for these forests, until it expires.
func (a *Auth) AddToken(ctx context.Context, hash [sha256.Size]byte, domains []canopy.ConnectorID, ttl time.Duration) error {
	text, err := json.Marshal(domains)
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	now := a.clock()
	return a.db.Update(ctx, func(t *db.Tx) error {
		// A token that was never used says nothing any more once it is long past.
		if _, err := t.Exec(ctx, `DELETE FROM token WHERE used = 0 AND expires < $1`, now.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `INSERT INTO token (hash, domains, made, expires, used, agent) VALUES ($1, $2, $3, $4, 0, '')`,
			hash[:], string(text), now.UnixMicro(), now.Add(ttl).UnixMicro())
		return err
	})
}

// Redeem uses a token up and keeps the agent that it enrols; both or neither.
func (a *Auth) Redeem(ctx context.Context, token [sha256.Size]byte, agent canopy.Agent) (canopy.Agent, error) {
	contact, err := json.Marshal(agent.Contact)
	if err != nil {
		return agent, fmt.Errorf("keep an agent: %w", err)
	}
	now := a.clock().UnixMicro()
	err = a.db.Update(ctx, func(t *db.Tx) error {
		var domains string
		var expires, used int64
		found, err := t.One(ctx, []any{&domains, &expires, &used}, `SELECT domains, expires, used FROM token WHERE hash = $1`, token[:])
		if err != nil {
			return err
		}
		if err := good(found, expires, used, now); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(domains), &agent.Domains); err != nil {
			return fmt.Errorf("read a token: %w", err)
		}
		if _, err := t.Exec(ctx, `UPDATE token SET used = $1, agent = $2 WHERE hash = $3`, now, agent.ID, token[:]); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO agent (id, domains, enrolled, expires, revoked, contact) VALUES ($1, $2, $3, $4, 0, $5)`,
			agent.ID, domains, agent.Enrolled.UnixMicro(), agent.Expires.UnixMicro(), contact)
		return err
	})
	return agent, err
}

// good tells whether a token may still be used.
func good(found bool, expires, used, now int64) error {
	e := &canopy.Error{Kind: canopy.Credentials, Code: "token", Next: "make a new one with canopy agent token"}
	switch {
	case !found:
		e.Text = "the service knows no such enrolment token"
	case used != 0:
		e.Text = "the enrolment token was used already"
		e.Next = "if that was not you, look at canopy agent list and revoke what does not belong there; then " + e.Next
	case now >= expires:
		e.Text = "the enrolment token has expired"
	default:
		return nil
	}
	return e
}

const columns = `id, domains, enrolled, expires, revoked, contact`

func scan(r interface{ Scan(...any) error }) (canopy.Agent, error) {
	var a canopy.Agent
	var domains string
	var enrolled, expires, revoked int64
	var contact []byte
	if err := r.Scan(&a.ID, &domains, &enrolled, &expires, &revoked, &contact); err != nil {
		return a, err
	}
	a.Enrolled, a.Expires = time.UnixMicro(enrolled).UTC(), time.UnixMicro(expires).UTC()
	if revoked != 0 {
		a.Revoked = time.UnixMicro(revoked).UTC()
	}
	if err := json.Unmarshal([]byte(domains), &a.Domains); err != nil {
		return a, fmt.Errorf("read agent %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(contact, &a.Contact); err != nil {
		return a, fmt.Errorf("read agent %s: %w", a.ID, err)
	}
	return a, nil
}

// Agents lists them, by when they were enrolled.
func (a *Auth) Agents(ctx context.Context) ([]canopy.Agent, error) {
	return a.list(ctx, `SELECT `+columns+` FROM agent ORDER BY enrolled, id`)
}

func (a *Auth) list(ctx context.Context, query string, args ...any) ([]canopy.Agent, error) {
	var all []canopy.Agent
	err := a.db.Read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			x, err := scan(r)
			all = append(all, x)
			return err
		}, query, args...)
	})
	return all, err
}

// Agent finds an agent; NotFound when there is none.
func (a *Auth) Agent(ctx context.Context, id string) (canopy.Agent, error) {
	all, err := a.list(ctx, `SELECT `+columns+` FROM agent WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return canopy.Agent{}, err
	}
	return all[0], nil
}

func notFound(id string) error {
	return &canopy.Error{Kind: canopy.NotFound, Code: "agent", Object: id, Text: "there is no such agent", Next: "canopy agent list shows those there are"}
}

// Renewed keeps until when an agent's newest certificate is good.
func (a *Auth) Renewed(ctx context.Context, id string, expires time.Time) error {
	return a.set(ctx, id, `UPDATE agent SET expires = $1 WHERE id = $2`, expires.UnixMicro())
}

// Saw keeps a contact.
func (a *Auth) Saw(ctx context.Context, id string, c canopy.AgentContact) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep a contact: %w", err)
	}
	return a.set(ctx, id, `UPDATE agent SET contact = $1 WHERE id = $2`, text)
}

// Revoke shuts an agent out for good; one that was revoked already stays as it is.
func (a *Auth) Revoke(ctx context.Context, id string) error {
	return a.set(ctx, id, `UPDATE agent SET revoked = CASE WHEN revoked = 0 THEN $1 ELSE revoked END WHERE id = $2`, a.clock().UnixMicro())
}

func (a *Auth) set(ctx context.Context, id, query string, value any) error {
	return a.db.Update(ctx, func(t *db.Tx) error {
		n, err := t.Exec(ctx, query, value, id)
		if err == nil && n == 0 {
			err = notFound(id)
		}
		return err
	})
}

// Path is the file.
func (a *Auth) Path() string { return a.db.Path() }
