package ad

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// The controls of AD that are used.
const (
	oidPaging      = ldap.ControlTypePaging
	oidDirSync     = ldap.ControlTypeDirSync
	oidExtendedDN  = "1.2.840.113556.1.4.529"
	oidShowDeleted = "1.2.840.113556.1.4.417"
	oidPermissive  = "1.2.840.113556.1.4.1413"
)

// extendedDN makes DNs come with the objectGUID in dashed form in front.
func extendedDN() ldap.Control {
	return ldap.NewControlString(oidExtendedDN, false, "\x30\x03\x02\x01\x01")
}

func showDeleted() ldap.Control { return ldap.NewControlString(oidShowDeleted, true, "") }

// session is a bound connection to one controller, for one goroutine at a time.
type session struct {
	wire   *wire
	ldap   *ldap.Conn
	server string // its address
	host   string
	cert   *x509.Certificate // the controller's; nil in clear text
	root   root
	// invocation is the id of the controller's database: USNs and cookies belong to it.
	invocation string
	// entry is used again by each search.
	entry entry
}

// root is what a controller says of itself.
type root struct {
	dnsName    string
	base       DN // its domain
	contexts   []DN
	config     string
	schema     string
	rootDomain DN
	service    string // the DN of its settings
	vendor     string
	usn        int64 // the highest committed, as of the last greet
	controls   []string
}

var rootAttrs = []string{"defaultNamingContext", "namingContexts", "configurationNamingContext", "schemaNamingContext",
	"rootDomainNamingContext", "dsServiceName", "dnsHostName", "highestCommittedUSN", "vendorName", "supportedControl"}

// readRoot asks the controller for what it is.
func (s *session) readRoot(ctx context.Context) error {
	r := root{}
	err := s.one(ctx, query{filter: "(objectClass=*)", attrs: rootAttrs}, func(e *entry) error {
		r.dnsName, r.service = e.first("dnsHostName"), e.first("dsServiceName")
		r.config, r.schema = e.first("configurationNamingContext"), e.first("schemaNamingContext")
		r.vendor = e.first("vendorName")
		var err error
		if r.base, err = ParseDN(e.first("defaultNamingContext")); err != nil {
			return err
		}
		if r.rootDomain, err = ParseDN(e.first("rootDomainNamingContext")); err != nil {
			return err
		}
		contexts := e.all("namingContexts")
		for _, n := range contexts {
			d, err := ParseDN(n)
			if err != nil {
				return err
			}
			r.contexts = append(r.contexts, d)
		}
		r.controls = slices.Clone(e.all("supportedControl"))
		r.usn = usnOf(e)
		return nil
	})
	if err != nil {
		return fault(err, s.server, "")
	}
	if len(r.base) == 0 {
		return &canopy.Error{Kind: canopy.Invalid, Code: "ad-not-a-controller", Object: s.server, Text: "what answers is no domain controller of Active Directory",
			Next: "name a domain controller; a global catalogue (port 3268) or another LDAP server cannot be read this way"}
	}
	s.root = r
	return nil
}

func usnOf(e *entry) int64 {
	n, err := strconv.ParseInt(e.first("highestCommittedUSN"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// greet learns, after the bind, which controller this is.
func (s *session) greet(ctx context.Context) error {
	if err := s.readRoot(ctx); err != nil {
		return err
	}
	s.invocation = s.root.service
	err := s.one(ctx, query{base: s.root.service, filter: "(objectClass=*)", attrs: []string{"invocationId"}}, func(e *entry) error {
		if g, ok := GUIDOf(e.first("invocationId")); ok {
			s.invocation = g.String()
		}
		return nil
	})
	if hasCode(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights) {
		return nil // then the name has to do
	}
	return fault(err, s.server, "")
}

// refresh asks for the highest USN, which also shows that the connection lives.
func (s *session) refresh(ctx context.Context) error {
	return s.one(ctx, query{filter: "(objectClass=*)", attrs: []string{"highestCommittedUSN"}}, func(e *entry) error {
		s.root.usn = usnOf(e)
		return nil
	})
}

// supports tells whether the controller names a control as supported, or names none at all.
func (s *session) supports(oid string) bool {
	return len(s.root.controls) == 0 || slices.Contains(s.root.controls, oid)
}

func (s *session) close() error {
	err := s.ldap.Close()
	<-s.wire.pumped
	return ignoreClosed(err)
}

// search carries out one search and calls each for every object. The entry is valid during the call only. An error of
// each, and the end of ctx, give the connection up, since the rest of the answer would still come. Referrals are not
// followed.
func (s *session) search(ctx context.Context, q query, each func(*entry) error) (*done, error) {
	st, err := s.wire.open(&q)
	if err != nil {
		return nil, err
	}
	defer s.wire.close(st)
	defer s.entry.forget()
	for {
		msg, err := s.wire.receive(ctx, st)
		if err != nil {
			s.wire.fail(err)
			return nil, err
		}
		tag, op, controls, err := operation(msg)
		switch {
		case err != nil:
		case tag == tagEntry:
			if err = s.entry.parse(op); err == nil {
				err = each(&s.entry)
			}
		case tag == tagDone:
			return parseDone(op, controls)
		case tag == tagReference: // never followed
		default:
			err = fmt.Errorf("%w: operation %#x in a search", errMessage, tag)
		}
		if err != nil {
			s.wire.fail(err)
			return nil, err
		}
		s.wire.giveBack(msg)
	}
}

// one reads the object that q.base names.
func (s *session) one(ctx context.Context, q query, each func(*entry) error) error {
	q.scope = ldap.ScopeBaseObject
	_, err := s.search(ctx, q, each)
	return err
}

// paged searches in pages. Between the pages it calls between, when there is one.
func (s *session) paged(ctx context.Context, q query, size int, each func(*entry) error, between func() error) error {
	page := ldap.NewControlPaging(uint32(size))
	q.controls = append(slices.Clone(q.controls), page)
	for {
		d, err := s.search(ctx, q, each)
		if err != nil {
			return err
		}
		if between != nil {
			if err := between(); err != nil {
				return err
			}
		}
		value := d.controls[oidPaging]
		if value == nil {
			return nil
		}
		_, cookie, err := numbersAndCookie(value, 1)
		if err != nil {
			return err
		}
		if len(cookie) == 0 {
			return nil
		}
		page.SetCookie(cookie)
	}
}

// take gives a bound session: one that waits, if it lives, or a new one. With only, it is to be of that server; else that
// server is preferred. Give it back with put.
func (c *Conn) take(ctx context.Context, server string, only bool) (*session, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := c.waiting(server, only)
		if s == nil {
			break
		}
		if s.wire.alive() && s.refresh(ctx) == nil {
			return s, nil
		}
		_ = s.close() // it had ended
	}
	if !only {
		return c.dial(ctx, server)
	}
	s, errs := c.dialOneOf(ctx, []string{server})
	if s == nil {
		return nil, errs[0]
	}
	return s, nil
}

// waiting takes a session out of those that wait.
func (c *Conn) waiting(server string, only bool) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := -1
	for i, s := range c.idle {
		if s.server == server {
			at = i
			break
		}
		if !only && at < 0 && server == "" {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	s := c.idle[at]
	c.idle = slices.Delete(c.idle, at, at+1)
	return s
}

// keepIdle is how many sessions wait for their next use.
const keepIdle = 3

func (c *Conn) put(s *session) {
	c.mu.Lock()
	keep := s.wire.alive() && !c.closed && len(c.idle) < keepIdle
	if keep {
		c.idle = append(c.idle, s)
	}
	c.mu.Unlock()
	if !keep {
		_ = s.close() // nothing is under way
	}
}

// with runs f with a session.
func (c *Conn) with(ctx context.Context, f func(*session) error) error {
	s, err := c.take(ctx, "", false)
	if err != nil {
		return err
	}
	defer c.put(s)
	return f(s)
}
