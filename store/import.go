package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
)

// ImportRequest is one batch of a read.
type ImportRequest struct {
	Connector canopy.ConnectorID
	Run       canopy.RunID
	Batch     canopy.Batch
	ScopeHash string // what was asked for: a stored cursor is good for the same only
	Full      bool   // the whole read is a complete image
	// Derive gives the keys and claims of an entry by the rules. It is called for entries that changed only, within the
	// transaction, and must not call the store. nil gives none.
	Derive func(*canopy.Entry) ([]canopy.Key, []canopy.Claim)
	// Written are the attributes of a target that plans compare. Of an object that is joined, others may change without
	// making its meta due; those that lead to claims are seen to by the claims. nil: every attribute counts.
	Written map[canopy.Attr]bool
	// Exchange are the link attributes of a target that are Exchange's.
	Exchange []canopy.Attr
}

// ImportCounts are what one or more batches brought. Read is the sum of Added to Failed.
type ImportCounts struct {
	Read       int `json:"read"` // objects; containers are counted apart
	Added      int `json:"added"`
	Changed    int `json:"changed"`
	Unchanged  int `json:"unchanged"`
	LeftScope  int `json:"leftScope"`
	Deleted    int `json:"deleted"`
	Failed     int `json:"failed"`
	Containers int `json:"containers"`
	Confirmed  int `json:"confirmed"` // exports
	NotKept    int `json:"notKept"`   // attributes sent and answered "done" that the target does not hold
}

// Add sums up.
func (c *ImportCounts) Add(o ImportCounts) {
	c.Read += o.Read
	c.Added += o.Added
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
	c.LeftScope += o.LeftScope
	c.Deleted += o.Deleted
	c.Failed += o.Failed
	c.Containers += o.Containers
	c.Confirmed += o.Confirmed
	c.NotKept += o.NotKept
}

// Import applies a batch to a connector's space: entries, links, marks of what is due, confirmations and the cursor in
// one transaction. The batch that ends a full read also marks what it did not show as missing (see FinishFull).
// Importing the same batch again changes nothing.
func (s *Store) Import(ctx context.Context, req ImportRequest) (ImportCounts, error) {
	p, err := s.PrepareImport(ctx, req)
	if err != nil {
		return ImportCounts{}, err
	}
	return p.Import(ctx)
}

// importing is one call of Import within its transaction.
type importing struct {
	t      *tx
	c      conn
	req    ImportRequest
	prep   []prepared
	counts ImportCounts

	cur      Cursor
	keep     bool // the cursor is good for reading on
	escrowed bool // there are objects that could not be read
	works    map[canopy.Anchor]*work
	order    []*work
	ends     map[canopy.Ref]linkEnd // of links, as far as they had to be found
	moved    []*work                // containers with another DN
	lost     []int64                // join keys that entries have no more
	freed    []int64                // claims that a target's objects gave up
	won      []int64                // claims that a target's objects took
	wanted   map[int64][]byte       // claims of metas; nil: none were read yet
	told     told
	met      map[int64]string // the groups of told that the batch showed, with their DNs; "": it is there no more
	stirred  map[int64]bool   // entries whose groups may have changed
}

// work is one entry of the batch.
type work struct {
	*entryRow
	attrs   canopy.Attrs // as they are now; nil: not decoded
	old     canopy.Attrs // as they were stored
	oldDN   string
	fresh   bool    // made by this batch
	begun   bool    // a change of this batch has been applied to it
	changed bool    // its content: keys, claims and marks follow
	due     bool    // its meta is to be planned
	settled bool    // what was sent to it is confirmed: keys and claims follow
	kept    *LogRow // says that it was; its change, if there is one, is told in the same row
	op      string
	seen    bool
}

func (im *importing) run(ctx context.Context) error {
	var err error
	if im.cur, _, err = readCursor(ctx, im.t.Tx, im.c.no); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{im.begin, im.load, im.adopt, im.create, im.decode, im.findEnds, im.apply, im.confirm,
		im.tellOrder, im.save, im.follow, im.members, im.mark, im.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// apply applies the changes one after the other.
func (im *importing) apply(ctx context.Context) error {
	for i := range im.req.Batch.Changes {
		ch := &im.req.Batch.Changes[i]
		count, err := im.one(ctx, ch, &im.prep[i])
		if err != nil {
			return fmt.Errorf("%s %s: %w", ch.Class, nameOf(ch), err)
		}
		w := im.works[ch.Anchor]
		if w != nil {
			w.begun, w.seen = true, w.seen || ch.Kind != canopy.Deleted
		}
		if ch.Class == canopy.Container || w != nil && w.entryRow != nil && w.class == string(canopy.Container) {
			im.counts.Containers++
			continue
		}
		im.counts.Read++
		*count++
	}
	return nil
}

func nameOf(ch *canopy.Change) string {
	if ch.DN != "" {
		return ch.DN
	}
	return string(ch.Anchor)
}

// one applies one change and gives the count that it belongs to.
func (im *importing) one(ctx context.Context, ch *canopy.Change, p *prepared) (*int, error) {
	w := im.works[ch.Anchor]
	failed := ch.Failed
	if failed == nil && ch.Kind == canopy.Delta && (w == nil || w.state == canopy.OutOfScope) {
		failed = &canopy.Error{Kind: canopy.NotFound, Code: "not-read", Object: nameOf(ch),
			Text: "a change came for an object that was never read whole", Next: "run a full import of this connector"}
	}
	if failed == nil && ch.Anchor == "" {
		failed = &canopy.Error{Kind: canopy.Invalid, Code: "no-anchor", Object: nameOf(ch), Text: "the directory gives no anchor for it"}
	}
	if failed != nil {
		return &im.counts.Failed, im.escrow(ctx, ch, failed)
	}
	switch ch.Kind {
	case canopy.FullImage, canopy.Delta:
		return im.shown(ctx, w, ch, p)
	case canopy.LeftScope:
		return im.leftScope(ctx, w)
	case canopy.Deleted:
		return im.deleted(ctx, w)
	}
	return nil, fmt.Errorf("there is no kind of change %d", ch.Kind)
}

// shown applies an image or a delta.
func (im *importing) shown(ctx context.Context, w *work, ch *canopy.Change, p *prepared) (*int, error) {
	before := *w.entryRow
	whole := ch.Kind == canopy.FullImage
	w.state = canopy.Present
	if w.class = string(ch.Class); !whole && ch.Class == "" {
		w.class = before.class
	}
	if whole || ch.DN != "" {
		w.dn = ch.DN
	}
	if whole || ch.Parent != "" {
		w.parent = string(ch.Parent)
	}
	if err := im.setAttrs(w, ch, p); err != nil {
		return nil, err
	}
	if err := im.stirs(ctx, w, ch); err != nil {
		return nil, err
	}
	links, err := im.setLinks(ctx, w, ch, p)
	if err != nil {
		return nil, err
	}
	if err := im.meets(ctx, w, before.dn); err != nil {
		return nil, err
	}
	content := w.fresh && !w.begun || links || before.class != w.class || before.dn != w.dn || before.parent != w.parent ||
		!bytes.Equal(before.hash, w.hash) || before.state == canopy.OutOfScope || before.state == canopy.Gone
	if content {
		w.changed = true
		w.imported = im.t.now
	}
	w.due = w.due || content && (!im.c.target() || links || before.class != w.class || before.dn != w.dn || before.parent != w.parent ||
		before.sourceAnchor != w.sourceAnchor || before.state == canopy.OutOfScope || before.state == canopy.Gone)
	if content || before.state != w.state {
		im.t.touch(w.entryRow)
	}
	if err := im.unescrow(ctx, ch); err != nil {
		return nil, err
	}
	switch {
	case w.fresh && !w.begun:
		w.op = "add"
		return &im.counts.Added, nil
	case content:
		w.say("modify")
		return &im.counts.Changed, nil
	}
	return &im.counts.Unchanged, nil
}

// say notes what the log will tell; what came first stays.
func (w *work) say(op string) {
	if w.op == "" {
		w.op = op
	}
}

// setAttrs gives the entry the attributes of a change.
func (im *importing) setAttrs(w *work, ch *canopy.Change, p *prepared) error {
	if ch.Kind == canopy.FullImage {
		if bytes.Equal(w.hash, p.hash) && !w.fresh {
			return nil
		}
		w.attrs = maps.Clone(ch.Attrs)
		maps.DeleteFunc(w.attrs, func(_ canopy.Attr, v canopy.Values) bool { return len(v) == 0 })
		if w.attrs == nil {
			w.attrs = canopy.Attrs{}
		}
		w.body, w.hash, w.whole = p.body, p.hash, true
	} else {
		if len(ch.Attrs) == 0 {
			return nil
		}
		now := maps.Clone(w.attrs)
		for name, v := range ch.Attrs {
			if len(v) == 0 {
				delete(now, name)
			} else {
				now[name] = v
			}
		}
		body, hash, err := im.t.s.words.encodeAttrs(now)
		if err != nil {
			return err
		}
		if bytes.Equal(hash, w.hash) {
			return nil
		}
		w.attrs, w.body, w.hash, w.whole = now, body, hash, true
	}
	if im.c.target() {
		w.sourceAnchor = w.attrs.Text(canopy.AttrSourceAnchor)
	}
	return nil
}

// setLinks gives the entry the links of a change, and tells whether that changed any.
func (im *importing) setLinks(ctx context.Context, w *work, ch *canopy.Change, p *prepared) (bool, error) {
	whole := ch.Kind == canopy.FullImage
	if whole && p.exact && slices.Equal(p.sums, w.links) {
		return false, nil
	}
	changed := false
	tab := im.c.links()
	for name, l := range ch.Links {
		no, err := im.t.s.words.number(string(name))
		if err != nil {
			return false, err
		}
		if whole && p.exact && p.sums.find(no) == w.links.find(no) {
			continue
		}
		c, err := im.t.showLinks(ctx, tab, w.entryRow, no, whole || l.Whole, w.fresh && !w.begun, im.endsOf(l.Added), im.endsOf(l.Removed))
		if err != nil {
			return false, err
		}
		changed = changed || c
	}
	if whole {
		for _, l := range slices.Clone(w.links) {
			name, err := im.t.s.words.word(l.attr)
			if err != nil {
				return false, err
			}
			if _, told := ch.Links[canopy.Attr(name)]; told {
				continue
			}
			if _, err := im.t.showLinks(ctx, tab, w.entryRow, l.attr, true, false, nil, nil); err != nil {
				return false, err
			}
			changed = true
		}
	}
	return changed, nil
}

// leftScope keeps nothing of an object but its anchor.
func (im *importing) leftScope(ctx context.Context, w *work) (*int, error) {
	if w.state == canopy.OutOfScope && !(w.fresh && !w.begun) {
		return &im.counts.Unchanged, nil
	}
	if err := im.leaves(ctx, w); err != nil {
		return nil, err
	}
	if err := im.t.hideLinks(ctx, im.c.links(), w.entryRow); err != nil {
		return nil, err
	}
	w.state, w.dn, w.parent = canopy.OutOfScope, "", ""
	w.attrs, w.body, w.hash, w.whole = canopy.Attrs{}, nil, nil, true
	w.changed, w.due, w.imported = true, true, im.t.now
	w.say("out of scope")
	im.t.touch(w.entryRow)
	return &im.counts.LeftScope, nil
}

// deleted marks an entry as gone; one that is joined stays until what depends on it is planned.
func (im *importing) deleted(ctx context.Context, w *work) (*int, error) {
	if w == nil || w.state == canopy.Gone && w.meta != 0 {
		return &im.counts.Unchanged, nil
	}
	if w.state != canopy.Gone {
		if err := im.leaves(ctx, w); err != nil {
			return nil, err
		}
		if err := im.t.vanish(ctx, &im.c, w.entryRow); err != nil {
			return nil, err
		}
		w.imported = im.t.now
	}
	w.changed, w.due = true, true
	w.say("delete")
	return &im.counts.Deleted, nil
}
