package ad

import (
	"context"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// sight is what the account can see of one controller's database, and when that was found out.
type sight struct {
	way     way
	deleted bool // deleted objects
	at      time.Time
}

// sightAge is for how long a sight is believed: rights change.
const sightAge = 10 * time.Minute

// look finds out what the account can see, by asking for next to nothing in each way.
func (c *Conn) look(ctx context.Context, s *session, f *facts) (sight, error) {
	c.mu.Lock()
	known, ok := c.seen[s.invocation]
	c.mu.Unlock()
	if now := c.cfg.Clock(); ok && !known.at.IsZero() && now.Sub(known.at) < sightAge {
		return known, nil
	}
	g := sight{at: c.cfg.Clock(), deleted: true}
	for _, g.way = range c.ways {
		err := s.tryWay(ctx, g.way, f.bases)
		if err == nil {
			break
		}
		if !refused(err) {
			return sight{}, fault(err, s.server, "")
		}
	}
	for _, b := range f.bases {
		visible, err := s.seesDeleted(ctx, b)
		if err != nil {
			return sight{}, err
		}
		// With the right to replicate AD itself shows deletions to everybody; it does not name its maker, as others do.
		lifted := g.way == wayDirSync && s.root.vendor == ""
		g.deleted = g.deleted && (visible || lifted)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[s.invocation] = g
	return g, nil
}

// tryWay asks each naming context for its topmost object in one way.
func (s *session) tryWay(ctx context.Context, w way, bases []DN) error {
	if w == wayUSN {
		return nil
	}
	for _, b := range bases {
		_, err := s.search(ctx, query{base: b.String(), scope: ldap.ScopeWholeSubtree, filter: "(objectClass=domainDNS)", attrs: []string{string(attrGUID)},
			controls: []ldap.Control{ldap.NewRequestControlDirSync(w.flags(), 1, nil)}}, func(*entry) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// seesDeleted tells whether the account may read the container of the deleted objects.
func (s *session) seesDeleted(ctx context.Context, base DN) (bool, error) {
	visible := false
	err := s.one(ctx, query{base: "CN=Deleted Objects," + base.String(), filter: "(objectClass=*)", attrs: []string{string(attrGUID)},
		controls: []ldap.Control{showDeleted()}}, func(e *entry) error {
		visible = e.first(string(attrGUID)) != ""
		return nil
	})
	if hasCode(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights) {
		return false, nil
	}
	return visible, fault(err, s.server, base.String())
}

// hasWay tells whether a way is known to work with a controller's database.
func (c *Conn) hasWay(invocation string, w way) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.seen[invocation]
	return ok && g.way == w
}

// sawWay notes the way in which a read went well.
func (c *Conn) sawWay(invocation string, w way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g, ok := c.seen[invocation]; !ok || g.way != w {
		c.seen[invocation] = sight{way: w} // what else it can see is still to be found out
	}
}

// missing says for people what cannot be seen, "" when nothing is hidden.
func (c *Conn) missing(ctx context.Context, s *session, f *facts) (string, error) {
	g, err := c.look(ctx, s, f)
	if err != nil {
		return "", err
	}
	return strings.Join(g.missing(), "; "), nil
}

func (g sight) missing() []string {
	var m []string
	switch g.way {
	case wayDirSync:
	case waySecurity:
		m = append(m, "objects and attributes that the account may not read, and when they become readable or cease to be so (the account lacks Replicating Directory Changes)")
	case wayUSN:
		m = append(m, "objects and attributes that the account may not read, and when they become readable or cease to be so (the controller refuses the DirSync control; updates are read by their numbers)")
	}
	if !g.deleted {
		m = append(m, "deletions (the account may not read CN=Deleted Objects): a deleted object is noticed by the next full read only")
	}
	return m
}

// findings makes findings of a sight.
func (g sight) findings(server, account string) []canopy.Finding {
	f := canopy.Finding{Code: "ad-replication", Object: account, Other: server, Text: "changes are read by the DirSync control"}
	switch g.way {
	case wayDirSync:
	case waySecurity:
		f.Severity, f.Text = canopy.Warning, "the account lacks the right Replicating Directory Changes; changes are read within what it may read"
		f.Next = "grant the account Replicating Directory Changes on the domain, or make sure that it may read all that is in scope"
	case wayUSN:
		f.Severity, f.Text = canopy.Warning, "the controller refuses the DirSync control; changes are read by their update numbers, whole objects at a time"
		f.Next = "grant the account Replicating Directory Changes on the domain"
	}
	d := canopy.Finding{Code: "ad-deleted-objects", Object: account, Other: server, Text: "deletions are visible"}
	if !g.deleted {
		d.Severity, d.Text = canopy.Warning, "deletions are not visible: a deleted object is noticed by the next full read only"
		d.Next = "grant the account List Contents and Read Property on CN=Deleted Objects (dsacls, after taking ownership), or read in full regularly"
	}
	return []canopy.Finding{f, d}
}
