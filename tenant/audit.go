package tenant

import (
	"context"
	"encoding/json"
	"time"

	"github.com/canopy-sync/canopy"
)

// Actor is the program that does something.
type Actor struct {
	App  string `json:"app"` // its id
	Name string `json:"name"`
	// Object is its service principal.
	Object canopy.Anchor `json:"object"`
	// Request ties together what one request did.
	Request string `json:"request,omitempty"`
}

// Modified is one attribute of an audited change, with values as text.
type Modified struct {
	Attr canopy.Attr `json:"attr"`
	Old  []string    `json:"old,omitempty"`
	New  []string    `json:"new,omitempty"`
}

// Audit is one thing that a program did to one object.
type Audit struct {
	Number   int64         `json:"-"`
	ID       string        `json:"-"`
	At       time.Time     `json:"-"`
	Target   canopy.Anchor `json:"-"`
	Activity string        `json:"activity"`
	Actor    Actor         `json:"actor"`
	Class    canopy.Class  `json:"class"`
	Label    string        `json:"label"`
	Changed  []Modified    `json:"changed,omitempty"`
}

// audit notes in the transaction what it does.
func (x *tx) audit(by Actor, activity string, r *record, changed []Modified) error {
	text, err := json.Marshal(Audit{Activity: activity, Actor: by, Class: r.class, Label: r.label, Changed: changed})
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO audit (oid, at, target, value) VALUES (?, ?, ?, ?)`, x.t.newID(), x.now.UnixMicro(), string(r.oid), text)
}

// Audits gives what was done, the latest first, before a number (0: from the end), until each answers false.
func (d *Directory) Audits(ctx context.Context, before int64, each func(*Audit) bool) error {
	if before == 0 {
		before = 1 << 62
	}
	for {
		var chunk []*Audit
		err := d.rows(ctx, func(s scanner) error {
			a, err := scanAudit(s)
			chunk = append(chunk, a)
			return err
		}, `SELECT id, oid, at, target, value FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`, before, walkChunk)
		if err != nil {
			return err
		}
		for _, a := range chunk {
			if !each(a) {
				return nil
			}
			before = a.Number
		}
		if len(chunk) < walkChunk {
			return nil
		}
	}
}

// Audit gives one by its id. None is an error of kind NotFound.
func (d *Directory) Audit(ctx context.Context, id string) (*Audit, error) {
	a, err := scanAudit(d.row(ctx, `SELECT id, oid, at, target, value FROM audit WHERE oid = ?`, id))
	return a, notFound(id, err)
}

func scanAudit(s scanner) (*Audit, error) {
	a := &Audit{}
	var at int64
	var text []byte
	if err := s.Scan(&a.Number, &a.ID, &at, &a.Target, &text); err != nil {
		return nil, err
	}
	a.At = time.UnixMicro(at).UTC()
	return a, json.Unmarshal(text, a)
}
