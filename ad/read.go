package ad

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// wrap says what was being done, and for which forest.
func wrap(err error, doing string, name canopy.ConnectorID) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// Read reads in a goroutine of its own, so that the controller, the decoding and whoever takes the batches work at the
// same time.
func (c *Conn) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return wrap(ctx.Err(), "read", c.cfg.Name)
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	out := make(chan canopy.Batch, 1)
	ended := make(chan error, 1)
	go func() {
		err := c.read(within, &req, out)
		close(out)
		ended <- err
	}()
	var stopped error
	for b := range out {
		if stopped == nil {
			stopped = ctx.Err()
		}
		if stopped == nil {
			stopped = each(b)
		}
		if stopped != nil {
			cancel()
		}
	}
	err := <-ended
	if stopped != nil {
		return stopped
	}
	return wrap(err, "read", c.cfg.Name)
}

// sink gathers changes into batches.
type sink struct {
	out    chan<- canopy.Batch
	size   int
	full   bool
	cursor []byte // of all batches but the last: where the read began
	sent   bool

	changes []canopy.Change
	links   int
}

// maxBatchLinks bounds a batch by its links, since one group may have more than all else together.
const maxBatchLinks = 20_000

func (k *sink) add(ctx context.Context, ch canopy.Change) error {
	if k.changes == nil {
		k.changes = make([]canopy.Change, 0, k.size)
	}
	k.changes = append(k.changes, ch)
	for _, l := range ch.Links {
		k.links += len(l.Added) + len(l.Removed)
	}
	if len(k.changes) < k.size && k.links < maxBatchLinks {
		return nil
	}
	return k.send(ctx, canopy.Batch{Cursor: slices.Clone(k.cursor)})
}

func (k *sink) send(ctx context.Context, b canopy.Batch) error {
	b.Full, b.Changes = k.full, k.changes
	k.changes, k.links, k.sent = nil, 0, true
	select {
	case k.out <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader is one Read.
type reader struct {
	c      *Conn
	req    *canopy.ReadRequest
	w      *wants
	asked  string
	stream *session // gives the changes
	side   *session // answers questions about them meanwhile; nil until there is one
	out    *sink

	old     *cursor // nil in a full read
	way     way
	tree    *tree     // nil when every container is in scope
	history bool      // the tree was as of the old cursor when the read began
	groups  memberSet // nil when no groups are in scope
	touched bool      // memberships may have changed
	gone    memberSet // deleted, as this read has seen
	first   bool      // of a full read, no page is complete yet

	pending []*object
	moved   []move
	parents map[string]canopy.Anchor // of containers, by their DN's text
}

func (r *reader) full() bool { return r.old == nil }

// read is Read, with the batches going to out.
func (c *Conn) read(ctx context.Context, req *canopy.ReadRequest, out chan<- canopy.Batch) error {
	old, err := parseCursor(req.Cursor)
	if err != nil {
		old = &cursor{} // fits nothing
	}
	s, err := c.take(ctx, old.Server, false)
	if err != nil {
		return err
	}
	f, err := c.factsOf(ctx, s, req.Attrs)
	if err != nil {
		c.put(s)
		return err
	}
	r := &reader{c: c, req: req, w: wantsOf(f, req.Classes, req.Attrs, c.cfg.MaxValue), asked: askedHash(f, req), stream: s, way: c.ways[0]}
	defer r.end()
	if len(req.Scope.Groups) > 0 && !slices.Contains(r.w.ask, string(attrMember)) {
		r.w.ask = append(r.w.ask, string(attrMember)) // to see when memberships change
	}
	if r.fits(old) {
		r.old, r.way = old, old.Way
	}
	for {
		r.out = &sink{out: out, size: c.cfg.BatchSize, full: r.full()}
		if !r.full() {
			r.out.cursor = req.Cursor
		}
		err := r.run(ctx)
		if err == nil || r.out.sent || !r.another(err) {
			return fault(err, s.server, "")
		}
	}
}

func (r *reader) end() {
	r.c.put(r.stream)
	if r.side != nil {
		r.c.put(r.side)
	}
}

// fits tells whether a read can go on from a cursor: it must be this controller's, about the same things, and the
// controller must not have lost updates since, as one that was set back to an older copy has.
func (r *reader) fits(old *cursor) bool {
	return old.Version == cursorVersion && old.Invocation == r.stream.invocation && old.Asked == r.asked && old.USN <= r.stream.root.usn &&
		slices.Contains(r.c.ways, old.Way) && (old.Way == r.c.ways[0] || !r.c.hasWay(r.stream.invocation, r.c.ways[0]))
}

// another finds, after an error before anything was given, another way to read, and tells whether there is one.
func (r *reader) another(err error) bool {
	switch {
	case !r.full() && hasCode(err, ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights):
		r.old, r.way = nil, r.c.ways[0] // the cookie is not taken any more, or the right is gone
	case !refused(err) || r.way == r.c.ways[len(r.c.ways)-1]:
		return false
	default:
		r.way = r.c.ways[slices.Index(r.c.ways, r.way)+1]
	}
	return true
}

// refused tells whether a controller will not have the DirSync control.
func refused(err error) bool {
	return hasCode(err, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultUnwillingToPerform)
}

// run reads once, in one way, from one cursor.
func (r *reader) run(ctx context.Context) error {
	r.pending, r.moved, r.touched, r.gone, r.parents = nil, nil, false, memberSet{}, map[string]canopy.Anchor{}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	next := &cursor{Version: cursorVersion, Way: r.way, Invocation: r.stream.invocation, Server: r.stream.server, Asked: r.asked,
		USN: r.stream.root.usn, Cookies: map[string][]byte{}}
	for _, b := range r.w.facts.bases {
		var err error
		if r.way == wayUSN {
			err = r.readByUSN(ctx, b)
		} else {
			next.Cookies[b.Key()], err = r.readByDirSync(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	for _, m := range r.moved {
		if err := r.below(ctx, m); err != nil {
			return err
		}
	}
	if r.groups != nil {
		if r.touched {
			if err := r.regroup(ctx); err != nil {
				return err
			}
		}
		next.Members = r.groups.encode()
	}
	if r.way != wayUSN {
		if err := r.stream.refresh(ctx); err != nil {
			return err
		}
		next.USN = r.stream.root.usn
	}
	b := canopy.Batch{Cursor: next.encode(), Done: true}
	if r.tree != nil {
		r.tree.asOf = asOf(b.Cursor)
	}
	r.c.sawWay(r.stream.invocation, r.way)
	return r.out.send(ctx, b)
}

// asOf names a cursor.
func asOf(cursor []byte) string {
	h := sha256.Sum256(cursor)
	return string(h[:])
}

// prepare makes the scope ready to be asked.
func (r *reader) prepare(ctx context.Context) error {
	scope := r.req.Scope
	r.first, r.tree, r.groups, r.history = r.full(), nil, nil, false
	if len(scope.Include)+len(scope.Exclude) > 0 {
		t := r.c.tree
		r.c.tree = nil // until this read is complete
		if t != nil && !r.full() && t.asOf == asOf(r.req.Cursor) {
			r.history = true
			t.asOf = ""
			if err := t.rule(scope); err != nil {
				return err
			}
		} else {
			var err error
			if t, err = newTree(r.w.facts.bases, scope); err != nil {
				return err
			}
			if err := t.load(ctx, r.stream, r.c.cfg.PageSize); err != nil {
				return err
			}
		}
		if r.full() {
			if err := t.missing(); err != nil {
				return err
			}
		}
		r.tree, r.c.tree = t, t
	}
	if len(scope.Groups) > 0 {
		if !r.full() {
			r.groups = parseMembers(r.old.Members)
			return nil
		}
		var err error
		r.groups, err = r.stream.membersOf(ctx, r.w.facts, scope.Groups, r.c.cfg.PageSize)
		return err
	}
	return nil
}

// asker gives the session for questions.
func (r *reader) asker(ctx context.Context) (*session, error) {
	if r.side == nil {
		s, err := r.c.take(ctx, r.stream.server, true)
		if err != nil {
			return nil, err
		}
		r.side = s
	}
	return r.side, nil
}

// filter finds what is read: the classes wanted, and groups when their members decide the scope.
func (r *reader) filter() string {
	if len(r.req.Scope.Groups) > 0 && !slices.Contains(r.w.classes, canopy.Group) {
		return r.w.filter(canopy.Group)
	}
	return r.w.filter()
}
