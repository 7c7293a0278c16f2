package forest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Copy says what a copy of a server is to be.
type Copy struct {
	Host  string // the copy's name; "" is "dc2"
	Addr  string // "" is the original's address with a port of the system's choice
	Plain string
	// Restored keeps the invocation id, as a virtual machine put back to a snapshot does: the copy takes cookies of the
	// original and, as it lives on, uses update sequence numbers again. Otherwise the copy is another domain controller.
	Restored bool
	Behave   *Behave // nil is the original's
}

// Copy starts a second domain controller with what the server holds now: the same objects, GUIDs, SIDs, accounts and
// certificate authority. Nothing is replicated from then on; the same changes made on both give the same GUIDs.
func (s *Server) Copy(ctx context.Context, c Copy) (*Server, error) {
	opt := s.opt
	opt.Host, opt.Addr, opt.Plain = c.Host, c.Addr, c.Plain
	if opt.Host == "" {
		opt.Host = "dc2"
	}
	if c.Behave != nil {
		opt.Behave = *c.Behave
	}
	if err := opt.complete(); err != nil {
		return nil, err
	}
	s.dir.mu.RLock()
	d := s.dir.clone()
	s.dir.mu.RUnlock()
	if !c.Restored {
		d.host = opt.Host
		d.self = guid(mixed(d.self))
		// The copy's own objects take nothing from the sequences, which go on as the original's do.
		serial, rid := d.serial, d.rid
		d.serial, d.rid = serial|1<<48, 1<<29
		if err := d.makeServer(); err != nil {
			return nil, fmt.Errorf("copy %s: %w", s.opt.Domain, err)
		}
		d.serial, d.rid = serial, rid
	}
	n := &Server{opt: opt, dir: d, ca: s.ca}
	return n, n.listen(ctx)
}

// mixed gives another GUID.
func mixed(g guid) [16]byte {
	for i := range g {
		g[i] ^= byte(mix(uint64(i) + 1))
	}
	g[7] = g[7]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// clone copies a directory. The schema, which never changes, is shared.
func (d *directory) clone() *directory {
	n := &directory{schema: d.schema, a: d.a, domain: d.domain, netbios: d.netbios, host: d.host, clock: d.clock,
		seed: d.seed, serial: d.serial, rid: d.rid, usn: d.usn, sid: d.sid, self: d.self,
		byGUID: make(map[guid]*object, len(d.byGUID)), bySID: make(map[string]*object, len(d.bySID)),
		secrets: map[*object][32]byte{}, rights: map[*object]Rights{}, categories: maps.Clone(d.categories),
		watchers: map[*watcher]struct{}{}}
	twin := make(map[*object]*object, len(d.byGUID))
	for _, o := range d.byGUID {
		c := *o
		twin[o] = &c
	}
	for o, c := range twin {
		c.parent, c.before, c.after = twin[o.parent], twin[o.before], twin[o.after]
		c.cells = slices.Clone(o.cells)
		c.links, c.backs = cloneRelations(o.links, twin), cloneRelations(o.backs, twin)
		if o.kids != nil {
			c.kids = make(map[string]*object, len(o.kids))
			for k, kid := range o.kids {
				c.kids[k] = twin[kid]
			}
		}
		n.byGUID[c.guid] = c
		if c.sid != "" {
			n.bySID[c.sid] = c
		}
		for i := range c.cells {
			if a := n.schema.attrs[c.cells[i].id()]; a.slot >= 0 {
				n.index(c, a, c.cells[i].values(), true)
			}
		}
	}
	for o, v := range d.secrets {
		n.secrets[twin[o]] = v
	}
	for o, r := range d.rights {
		n.rights[twin[o]] = r
	}
	for i, nc := range [...]*naming{d.main, d.config, d.definitions} {
		c := &naming{head: twin[nc.head], bin: twin[nc.bin], path: nc.path, first: twin[nc.first], last: twin[nc.last], count: nc.count}
		*[...]**naming{&n.main, &n.config, &n.definitions}[i] = c
	}
	for o, c := range twin {
		switch o.nc {
		case d.main:
			c.nc = n.main
		case d.config:
			c.nc = n.config
		default:
			c.nc = n.definitions
		}
	}
	return n
}

func cloneRelations(list []relation, twin map[*object]*object) []relation {
	if list == nil {
		return nil
	}
	n := make([]relation, len(list))
	for i, r := range list {
		n[i] = relation{attr: r.attr, log: slices.Clone(r.log), live: r.live, gaps: r.gaps}
		for j := range n[i].log {
			n[i].log[j].to = twin[n[i].log[j].to]
		}
		n[i].compact()
	}
	return n
}
