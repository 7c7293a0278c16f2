package tenant

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

const (
	pageObjects = 500
	pageLinks   = 20000 // a batch ends after the object that reaches it
)

// Read gives everything, or what changed since the cursor, as of the moment it begins. What is new since the cursor
// comes as a full image with all links; what changed comes as a delta with every value the object has, the attributes
// that were emptied, and the links that were written. A read that is limited to groups is always a complete one.
func (d door) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	if len(req.Scope.Include)+len(req.Scope.Exclude) > 0 {
		return &canopy.Error{Kind: canopy.Unsupported, Text: "the tenant has no containers that a read could be limited to",
			Next: "limit it to groups, or read it whole"}
	}
	q, end, err := d.t.file.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read the tenant: %w", err)
	}
	defer end()
	f := &feed{ctx: ctx, q: q, view: viewOf(req.Scope, req.Classes, req.Attrs), each: each}
	if err := f.expand(); err != nil {
		return fmt.Errorf("read the tenant: expand the groups in scope: %w", err)
	}
	if err := f.start(req.Cursor, d.t.name()); err != nil {
		return fmt.Errorf("read the tenant: %w", err)
	}
	return f.run()
}

// name is what tells this tenant from others.
func (t *Tenant) name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conf.Tenant
}

// feed is one read.
type feed struct {
	ctx  context.Context
	q    querier
	view view
	each func(canopy.Batch) error

	at       cursor
	top      int64 // the last change when the read began
	full     bool  // a complete image
	whole    bool  // objects come as full images
	goneFrom int64
	expected int
	batch    canopy.Batch
	links    int
	scope    map[int64]bool // the groups in scope and their members; nil: everything
}

// expand finds the members of the groups in scope, nested ones too.
func (f *feed) expand() error {
	if len(f.view.groups) == 0 {
		return nil
	}
	f.scope = map[int64]bool{}
	args := make([]any, len(f.view.groups))
	for i, g := range f.view.groups {
		args[i] = string(g)
	}
	rows, err := f.q.Query(`WITH RECURSIVE scope (id) AS (
		SELECT id FROM object WHERE deleted IS NULL AND oid IN (?`+strings.Repeat(",?", len(args)-1)+`)
		UNION SELECT l.target FROM scope s JOIN link l ON l.owner = s.id AND l.attr = 'member' AND l.state = 1)
		SELECT id FROM scope`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		f.scope[id] = true
	}
	return rows.Err()
}

func (f *feed) inScope(r *record) bool { return f.scope == nil || f.scope[r.id] }

// start decides from the cursor what is read.
func (f *feed) start(given []byte, tenant string) error {
	var low int64
	if err := f.q.QueryRow(`SELECT seq, low FROM counter`).Scan(&f.top, &low); err != nil {
		return err
	}
	var c cursor
	good := len(given) > 0 && json.Unmarshal(given, &c) == nil && c.Tenant == tenant && c.View == f.view.hash &&
		c.Seq <= f.top
	switch {
	case f.scope != nil: // who is in scope may have changed by links alone
		c = cursor{First: true}
		f.full, f.whole = true, true
	case good && c.First && low == 0: // all that was ever removed is known, so reading on loses nothing
		f.whole, f.goneFrom = true, 0
	case good && !c.First && c.Seq >= low:
		f.goneFrom = c.Seq
	default:
		c = cursor{First: true}
		f.full, f.whole = true, true
	}
	f.at = cursor{Tenant: tenant, View: f.view.hash, Seq: c.Seq, First: c.First}
	if f.whole {
		return f.q.QueryRow(`SELECT count(*) FROM object WHERE deleted IS NULL AND seq > ?`, c.Seq).Scan(&f.expected)
	}
	return nil
}

// run sends what was removed, then the objects in the order of their last changes.
func (f *feed) run() error {
	if f.top > f.at.Seq || f.whole {
		if !f.full {
			if err := f.removed(); err != nil {
				return fmt.Errorf("read what was removed: %w", err)
			}
		}
		for more := true; more; {
			var err error
			if more, err = f.page(); err != nil {
				return err
			}
		}
	}
	f.at.Seq, f.at.First = f.top, false
	f.batch.Done = true
	return f.send()
}

func (f *feed) send() error {
	if err := f.ctx.Err(); err != nil {
		return fmt.Errorf("read the tenant: %w", err)
	}
	text, err := json.Marshal(f.at)
	if err != nil {
		return err
	}
	f.batch.Full, f.batch.Cursor, f.batch.Expected = f.full, text, f.expected
	b := f.batch
	f.batch, f.links = canopy.Batch{}, 0
	return f.each(b)
}

// removed gives what was deleted. It comes before the objects, whose order it does not share, so until all is read the
// cursor stays where it is.
func (f *feed) removed() error {
	rows, err := f.q.Query(`SELECT oid FROM gone WHERE seq > ? ORDER BY seq`, f.goneFrom)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var oid canopy.Anchor
		if err := rows.Scan(&oid); err != nil {
			return err
		}
		f.batch.Changes = append(f.batch.Changes, canopy.Change{Kind: canopy.Deleted, Anchor: oid})
		if len(f.batch.Changes) >= 4*pageObjects {
			if err := f.send(); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// page reads one page of objects and sends it; more tells whether there may be others.
func (f *feed) page() (more bool, err error) {
	records, err := f.records()
	if err != nil {
		return false, fmt.Errorf("read objects: %w", err)
	}
	few, err := f.linksOfPeople(records)
	if err != nil {
		return false, fmt.Errorf("read links: %w", err)
	}
	for _, r := range records {
		if f.view.wantsClass(r.class) && f.inScope(r) {
			links := few[r.id]
			if r.class == canopy.Group {
				if links, err = f.linksOf([]*record{r}, r.id); err != nil {
					return false, fmt.Errorf("read the links of %s: %w", r.oid, err)
				}
			}
			f.batch.Changes = append(f.batch.Changes, f.change(r, links))
			f.links += len(links)
		}
		if f.at.Seq = r.seq; f.links >= pageLinks {
			if err := f.send(); err != nil {
				return false, err
			}
		}
	}
	if len(records) < pageObjects {
		return false, nil
	}
	return true, f.send()
}

func (f *feed) records() ([]*record, error) {
	rows, err := f.q.Query(`SELECT `+recordColumns+` FROM object
		WHERE deleted IS NULL AND seq > ? ORDER BY seq LIMIT ?`, f.at.Seq, pageObjects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// wholeImage tells whether an object comes as a full image.
func (f *feed) wholeImage(r *record) bool { return f.whole || r.born > f.goneFrom }

// linkRow is a link as the feed tells it.
type linkRow struct {
	owner int64
	attr  canopy.Attr
	to    canopy.Anchor
	held  bool
	seq   int64
}

// linksOfPeople are the link rows of all records but groups, by owner.
func (f *feed) linksOfPeople(records []*record) (map[int64][]linkRow, error) {
	var few []*record
	for _, r := range records {
		if r.class != canopy.Group {
			few = append(few, r)
		}
	}
	out := map[int64][]linkRow{}
	for part := range slices.Chunk(few, 100) {
		ids := make([]int64, len(part))
		for i, r := range part {
			ids[i] = r.id
		}
		rows, err := f.linksOf(part, ids...)
		if err != nil {
			return nil, err
		}
		for _, l := range rows {
			out[l.owner] = append(out[l.owner], l)
		}
	}
	return out, nil
}

// linksOf are the rows of some owners: for a full image those held, for a delta those written since the cursor.
func (f *feed) linksOf(records []*record, owners ...int64) ([]linkRow, error) {
	since := f.goneFrom
	if slices.ContainsFunc(records, f.wholeImage) {
		since = -1
	}
	args := []any{since}
	for _, id := range owners {
		args = append(args, id)
	}
	rows, err := f.q.Query(`SELECT l.owner, l.attr, coalesce(o.oid, g.oid, ''), l.state, l.seq FROM link l
		LEFT JOIN object o ON o.id = l.target LEFT JOIN gone g ON g.id = l.target
		WHERE l.seq > ? AND l.owner IN (?`+strings.Repeat(",?", len(owners)-1)+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []linkRow
	for rows.Next() {
		var l linkRow
		var state linkState
		if err := rows.Scan(&l.owner, &l.attr, &l.to, &state, &l.seq); err != nil {
			return nil, err
		}
		if l.held = state == linkHeld; l.to != "" {
			out = append(out, l)
		}
	}
	return out, rows.Err()
}

// change is what the feed tells of one object.
func (f *feed) change(r *record, links []linkRow) canopy.Change {
	if f.wholeImage(r) {
		return image(r, f.view, links)
	}
	c := canopy.Change{Kind: canopy.Delta, Class: r.class, Anchor: r.oid, Attrs: canopy.Attrs{}}
	for _, b := range []body{r.own, r.cloud} {
		for name, v := range b.attrs {
			if f.view.wants(name) {
				c.Attrs[name] = v
			}
		}
		for name, seq := range b.cleared {
			if seq > f.goneFrom && f.view.wants(name) {
				c.Attrs[name] = canopy.Values{}
			}
		}
	}
	for _, l := range links {
		if l.seq <= f.goneFrom || !f.view.wants(l.attr) {
			continue
		}
		if c.Links == nil {
			c.Links = map[canopy.Attr]canopy.LinkChange{}
		}
		ch := c.Links[l.attr]
		if ref := (canopy.Ref{Anchor: l.to}); l.held {
			ch.Added = append(ch.Added, ref)
		} else {
			ch.Removed = append(ch.Removed, ref)
		}
		c.Links[l.attr] = ch
	}
	return c
}

// image is the whole object.
func image(r *record, v view, links []linkRow) canopy.Change {
	c := canopy.Change{Kind: canopy.FullImage, Class: r.class, Anchor: r.oid, Attrs: canopy.Attrs{}}
	for _, b := range []body{r.own, r.cloud} {
		for name, values := range b.attrs {
			if v.wants(name) {
				c.Attrs[name] = values
			}
		}
	}
	for _, l := range links {
		if !l.held || !v.wants(l.attr) {
			continue
		}
		if c.Links == nil {
			c.Links = map[canopy.Attr]canopy.LinkChange{}
		}
		ch := c.Links[l.attr]
		ch.Whole, ch.Added = true, append(ch.Added, canopy.Ref{Anchor: l.to})
		c.Links[l.attr] = ch
	}
	for name, ch := range c.Links {
		slices.SortFunc(ch.Added, func(a, b canopy.Ref) int { return cmp.Compare(a.Anchor, b.Anchor) })
		c.Links[name] = ch
	}
	return c
}
