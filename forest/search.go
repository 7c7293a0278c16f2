package forest

import (
	"context"
	"strconv"
	"strings"
)

// The controls that the server knows, besides DirSync.
const (
	pagedOID        = "1.2.840.113556.1.4.319"
	showDeletedOID  = "1.2.840.113556.1.4.417"
	showRecycledOID = "1.2.840.113556.1.4.2064"
	extendedDNOID   = "1.2.840.113556.1.4.529"
	notificationOID = "1.2.840.113556.1.4.528"
	treeDeleteOID   = "1.2.840.113556.1.4.805"
	domainScopeOID  = "1.2.840.113556.1.4.1339"
	sdFlagsOID      = "1.2.840.113556.1.4.801"
	permissiveOID   = "1.2.840.113556.1.4.1413"
	lazyCommitOID   = "1.2.840.113556.1.4.619"
	searchOptions   = "1.2.840.113556.1.4.1340"
	manageDsaITOID  = "2.16.840.1.113730.3.4.2"
)

var supportedControls = []string{pagedOID, dirSyncOID, showDeletedOID, showRecycledOID, extendedDNOID, notificationOID,
	treeDeleteOID, domainScopeOID, sdFlagsOID, permissiveOID, lazyCommitOID, searchOptions, manageDsaITOID}

// find gives a control of the request.
func (m *message) find(oid string) *requestControl {
	for i := range m.controls {
		if m.controls[i].oid == oid {
			return &m.controls[i]
		}
	}
	return nil
}

// unsupported refuses a critical control that the server does not know.
func (m *message) unsupported() *refusal {
	for _, c := range m.controls {
		if c.critical && !isSupported(c.oid) {
			return refuse(unavailableCritical, "00000057: LdapErr: comment: Error processing control: %s is not supported", c.oid)
		}
	}
	return nil
}

func isSupported(oid string) bool {
	for _, s := range supportedControls {
		if s == oid {
			return true
		}
	}
	return false
}

// search is a search request, made ready under the directory's lock.
type search struct {
	base    *object
	scope   int64 // 0 base, 1 one level, 2 subtree
	limit   int   // the client's; 0 is none
	filter  filter
	sel     *selection
	view    *view
	deleted bool // deleted objects were asked for
	attrs   []string
}

// in tells whether an object is in scope and may be shown.
func (s *search) in(o *object) bool {
	if o.deleted && !s.deleted || !s.view.shows(o) {
		return false
	}
	switch s.scope {
	case 0:
		return o == s.base
	case 1:
		return o.parent == s.base
	}
	return o.below(s.base)
}

// prepare reads a search request. It is called under the directory's lock for reading.
func (c *conn) prepare(m *message) (*search, *refusal) {
	d, p := c.server.dir, m.op.Children
	if len(p) != 8 {
		return nil, refuse(protocolError, "00000057: LdapErr: comment: Error decoding ldap message: not a search request")
	}
	s := &search{attrs: stringsOf(p[7]), view: d.viewOf(c.who, &c.server.opt.Behave)}
	scope, ok1 := integerOf(p[1])
	limit, ok2 := integerOf(p[3])
	if !ok1 || !ok2 || scope < 0 || scope > 2 || limit < 0 {
		return nil, refuse(protocolError, "00000057: LdapErr: comment: Error decoding ldap message: scope or limit")
	}
	s.scope, s.limit = scope, int(limit)
	s.deleted = m.find(showDeletedOID) != nil || m.find(showRecycledOID) != nil || m.find(dirSyncOID) != nil
	name := octetsOf(p[0])
	base, nearest, ok := d.find(name)
	switch {
	case !ok:
		return nil, refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a distinguished name", name)
	case name == "" || base == nil || base.deleted && !s.deleted || !s.view.shows(base):
		return nil, c.notHere(name, nearest)
	}
	s.base = base
	if dirSync := m.find(dirSyncOID); dirSync != nil && integersOf(dirSync.value, 1)[0]&flagObjectSecurity == 0 && s.view.lifted && !s.view.admin {
		s.view = s.view.lift()
	}
	var r *refusal
	if s.filter, r = d.compile(p[6], s.view, 0); r != nil {
		return nil, r
	}
	s.sel = d.newSelection(s.attrs, s.view)
	s.sel.names = octetsOf(p[5]) != "\x00" && octetsOf(p[5]) != ""
	s.sel.most = c.server.opt.Behave.MaxValRange
	s.sel.ext = m.extendedDNs()
	return s, nil
}

// extendedDNs reads the control for DNs with GUID and SID.
func (m *message) extendedDNs() extended {
	switch x := m.find(extendedDNOID); {
	case x == nil:
		return plainDNs
	case integersOf(x.value, 1)[0] == 1:
		return textDNs
	}
	return hexDNs
}

// notHere is the answer for a base that does not exist: a referral when it is in another forest and that is asked for.
func (c *conn) notHere(name string, nearest *object) *refusal {
	if nearest != nil && !c.server.dir.viewOf(c.who, &c.server.opt.Behave).shows(nearest) {
		nearest = nil
	}
	r := missing(strconv.Quote(name), nearest)
	if dn, _ := parseDN(name); nearest == nil && c.server.opt.Behave.Referrals && len(dn) > 0 && dn[len(dn)-1].typ == "DC" {
		var labels []string
		for _, x := range dn {
			if x.typ == "DC" {
				labels = append(labels, x.value)
			}
		}
		domain := strings.Join(labels, ".")
		r = refuse(referral, "0000202B: RefErr: data 0, 1 access points: ref 1: %q", domain)
		r.referral = c.elsewhere(domain) + "/" + name
	}
	return r
}

// elsewhere is the address of a domain's controllers, for those who follow referrals.
func (c *conn) elsewhere(domain string) string {
	if to := c.server.opt.Behave.ReferTo; to != "" {
		domain = to
	}
	return c.scheme() + "://" + domain
}

// candidates are the objects to look at, in a stable order.
func (s *search) candidates(d *directory) []*object {
	if s.scope == 0 {
		return []*object{s.base}
	}
	if list, ok := s.filter.candidates(); ok {
		return list
	}
	switch {
	case s.scope == 1:
		return s.base.children()
	case s.base.parent == nil:
		return s.base.nc.since(0)
	}
	return d.subtree(s.base, nil)
}

// search answers a search request.
func (c *conn) search(ctx context.Context, m *message) {
	d := c.server.dir
	if len(m.op.Children) == 8 && octetsOf(m.op.Children[0]) == "" {
		if scope, ok := integerOf(m.op.Children[1]); ok && scope == 0 {
			c.rootDSE(m)
			return
		}
	}
	if c.who == nil {
		c.answer(m, refuse(operationsError, "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563"))
		return
	}
	d.mu.RLock()
	s, r := c.prepare(m)
	d.mu.RUnlock()
	switch {
	case r != nil:
		c.answer(m, r)
	case m.find(dirSyncOID) != nil:
		c.dirSync(ctx, m, s)
	case m.find(notificationOID) != nil:
		c.changeNotification(ctx, m, s)
	default:
		c.plainSearch(ctx, m, s)
	}
}

// page is a search between two of its pages. order has what the update sequence numbers of its objects were when it
// began, where that is needed.
type page struct {
	left  []*object
	order []uint64
	sent  int
}

func (c *conn) plainSearch(ctx context.Context, m *message, s *search) {
	d, most := c.server.dir, c.server.opt.Behave.MaxPageSize
	paged := m.find(pagedOID)
	var at *page
	if paged != nil && paged.value != nil && len(paged.value.Children) == 2 {
		size, _ := integerOf(paged.value.Children[0])
		if most == 0 || int(size) < most {
			most = int(size)
		}
		name := octetsOf(paged.value.Children[1])
		at = c.takePage(name)
		if name != "" && at == nil {
			c.answer(m, refuse(unavailableCritical, "00000057: LdapErr: comment: Error processing control: the paging cookie is not known on this connection"))
			return
		}
		if size <= 0 { // the client gives the rest up
			c.answer(m, nil, pagedControl(""))
			return
		}
	} else {
		paged = nil
	}
	if at == nil {
		d.mu.RLock()
		at = &page{left: s.candidates(d)}
		d.mu.RUnlock()
	}
	ended, done := c.stream(ctx, m, at, s, most, func(e *encoder, o *object) bool {
		if !s.in(o) || s.filter.match(o) != yes {
			return false
		}
		d.entry(e, m.id, o, s.sel)
		return true
	})
	if ended {
		return
	}
	var r *refusal
	if !done && (paged == nil || s.limit > 0 && at.sent >= s.limit) {
		r = refuse(sizeLimitExceeded, "00000000: LdapErr: comment: the size limit was exceeded: more than %d objects match", at.sent)
	}
	if paged == nil {
		if r == nil {
			c.references(m, s)
		}
		c.answer(m, r)
		return
	}
	name := ""
	if !done && r == nil {
		name = c.keepPage(at)
	} else if r == nil {
		c.references(m, s)
	}
	c.answer(m, r, pagedControl(name))
}

func pagedControl(name string) []byte {
	return control(pagedOID, func(e *encoder) {
		at := e.open(0x30)
		e.integer(0x02, 0)
		e.octets(name)
		e.close(at)
	})
}

// references tells of the naming context below the domain, as a domain controller does.
func (c *conn) references(m *message, s *search) {
	d := c.server.dir
	if s.scope != 2 || s.base != d.main.head || m.find(domainScopeOID) != nil || c.server.opt.Behave.NoReferences {
		return
	}
	var e encoder
	msg, body := e.message(m.id, 0x73)
	e.octets(c.elsewhere(d.domain) + "/" + d.config.head.dn)
	e.endMessage(msg, body)
	_ = c.send(e.b)
}
