package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// provisionedTable holds what became of what synchronisation wrote, an object's write a row.
const provisionedTable = `
CREATE TABLE provisioning (
	id     INTEGER PRIMARY KEY,
	at     BIGINT NOT NULL,
	target TEXT NOT NULL,  -- the object's id, '' when there is none
	value  BLOB NOT NULL);
`

// keepProvisioned is how long the provisioning log remembers.
const keepProvisioned = 30 * 24 * time.Hour

// Provisioned is one write of synchronisation, with what became of it.
type Provisioned struct {
	Number int64         `json:"-"`
	At     time.Time     `json:"-"`
	Target canopy.Anchor `json:"-"` // "" when there is no object
	Action Action        `json:"action"`
	Class  canopy.Class  `json:"class"`
	Anchor string        `json:"anchor,omitempty"` // the source anchor
	Label  string        `json:"label,omitempty"`
	Match  string        `json:"match,omitempty"` // how the object was found that was taken over
	// Code and Text are why it was refused, or what of it could not be kept.
	Code    string     `json:"code,omitempty"`
	Text    string     `json:"text,omitempty"`
	Refused bool       `json:"refused,omitempty"`
	Changed []Modified `json:"changed,omitempty"`
}

// Action is what a write did or was to do.
type Action string

// The actions.
const (
	ActionCreate       Action = "create"
	ActionUpdate       Action = "update"
	ActionDelete       Action = "delete"
	ActionStagedDelete Action = "stagedDelete" // it can come back
	ActionOther        Action = "other"
)

const (
	longestLogged = 256 // bytes of a value
	mostLogged    = 20  // values of an attribute
)

// subject is the object that an export is about, with its values of before.
type subject struct {
	r      *record
	before canopy.Attrs // nil: it is new, or was not read
	fresh  bool
}

// provision notes what became of an export. A write that changed nothing is not noted.
func (x *tx) provision(e *canopy.Export, result canopy.Result) error {
	p := Provisioned{Action: actionOf(e, x.subject), Class: e.Class, Anchor: e.SourceAnchor, Match: result.Match}
	if result.Kind != canopy.Done {
		p.Code, p.Text, p.Refused = result.Code, result.Text, true
		p.Target, p.Label = e.Ref.Anchor, e.Set.Text(canopy.AttrDisplayName)
	}
	if s := x.subject; s != nil {
		p.Target, p.Class, p.Label = s.r.oid, s.r.class, s.r.label
		if s.r.anchor != "" {
			p.Anchor = s.r.anchor
		}
		if result.Kind == canopy.Done && (s.fresh || s.before != nil) {
			p.Changed = modified(s.before, s.r.values())
		}
		if p.Code == "" && len(s.r.conflicts) > 0 {
			p.Code, p.Text = "PropertyConflict", "another object has some of the values: "+fmt.Sprint(conflictValues(s.r.conflicts).Strings())
		}
	}
	p.Changed = append(p.Changed, modifiedLinks(e)...)
	if p.Code == "" && len(result.Failed) > 0 {
		p.Code, p.Text = result.Failed[0].Code, result.Failed[0].Text
	}
	if p.Code == "" && p.Action == ActionUpdate && len(p.Changed) == 0 {
		return nil
	}
	for i := range p.Changed {
		p.Changed[i].Old, p.Changed[i].New = logged(p.Changed[i].Old), logged(p.Changed[i].New)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if x.late.provisioned.add(x.now.UnixMicro(), string(p.Target), text) {
		return x.writeProvisioned()
	}
	return nil
}

// writeProvisioned inserts the rows of the log that wait; nothing in a transaction reads them.
func (x *tx) writeProvisioned() error {
	if err := x.write(&x.late.provisioned); err != nil {
		return fmt.Errorf("store the provisioning log: %w", err)
	}
	return nil
}

func actionOf(e *canopy.Export, s *subject) Action {
	switch {
	case e.Op == canopy.Delete && s != nil && s.r.class == canopy.User:
		return ActionStagedDelete
	case e.Op == canopy.Delete:
		return ActionDelete
	case s != nil && s.fresh, s == nil && e.Op == canopy.Add:
		return ActionCreate
	case e.Op == canopy.Add, e.Op == canopy.Modify:
		return ActionUpdate
	}
	return ActionOther
}

// modifiedLinks are the links that an export makes and ends.
func modifiedLinks(e *canopy.Export) []Modified {
	var out []Modified
	for name, c := range e.Links {
		m := Modified{Attr: name}
		for _, ref := range c.Added[:min(len(c.Added), mostLogged+1)] {
			m.New = append(m.New, string(ref.Anchor))
		}
		for _, ref := range c.Removed[:min(len(c.Removed), mostLogged+1)] {
			m.Old = append(m.Old, string(ref.Anchor))
		}
		if len(m.New)+len(m.Old) > 0 {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Modified) int { return strings.Compare(string(a.Attr), string(b.Attr)) })
	return out
}

// logged are values as the log keeps them: not too many, and not too long.
func logged(values []string) []string {
	if len(values) > mostLogged {
		values = append(slices.Clone(values[:mostLogged]), "...")
	}
	for i, v := range values {
		if len(v) > longestLogged {
			values = slices.Clone(values)
			values[i] = v[:longestLogged] + "..."
		}
	}
	return values
}

// forgetProvisioned lets the log forget what is older than it remembers. Its rows are in the order of their times.
func (x *tx) forgetProvisioned() error {
	return x.exec(`DELETE FROM provisioning WHERE id < coalesce((SELECT id FROM provisioning WHERE at > ? ORDER BY id LIMIT 1), 1 << 62)`, x.now.Add(-keepProvisioned).UnixMicro())
}

// Provisionings gives what synchronisation wrote, the latest first, before a number (0: from the end), until each answers false.
func (d *Directory) Provisionings(ctx context.Context, before int64, each func(*Provisioned) bool) error {
	if before == 0 {
		before = 1 << 62
	}
	for {
		var chunk []*Provisioned
		err := d.rows(ctx, func(s scanner) error {
			p := &Provisioned{}
			var at int64
			var text []byte
			if err := s.Scan(&p.Number, &at, &p.Target, &text); err != nil {
				return err
			}
			p.At = time.UnixMicro(at).UTC()
			chunk = append(chunk, p)
			return json.Unmarshal(text, p)
		}, `SELECT id, at, target, value FROM provisioning WHERE id < ? ORDER BY id DESC LIMIT `+strconv.Itoa(walkChunk), before)
		if err != nil {
			return err
		}
		for _, p := range chunk {
			if !each(p) {
				return nil
			}
			before = p.Number
		}
		if len(chunk) < walkChunk {
			return nil
		}
	}
}
