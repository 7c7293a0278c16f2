package ad

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// Check tries each of the servers, and what the account may do on the first that takes it. It gives a finding for
// everything it tried; those of severity Info are in order.
func (c *Conn) Check(ctx context.Context) ([]canopy.Finding, error) {
	var all []canopy.Finding
	var first *session
	for _, server := range c.cfg.Servers {
		s, f := c.checkServer(ctx, server)
		all = append(all, f)
		if err := ctx.Err(); err != nil {
			if s != nil {
				c.put(s)
			}
			return all, wrap(err, "check", c.cfg.Name)
		}
		if s != nil && first == nil {
			first = s
		} else if s != nil {
			c.put(s)
		}
		if f.Code == "LDAP49" || strings.HasPrefix(f.Code, "LDAP49-") {
			break // once is enough, or the account is locked
		}
	}
	if first == nil {
		return all, nil
	}
	defer c.put(first)
	return append(all, c.checkRights(ctx, first)...), nil
}

// checkServer connects and binds to one server.
func (c *Conn) checkServer(ctx context.Context, server string) (*session, canopy.Finding) {
	s, errs := c.dialOneOf(ctx, []string{server})
	if s == nil {
		return nil, findingOf(errs[0], server)
	}
	f := canopy.Finding{Code: "ad-server", Object: server, Other: s.root.dnsName, Text: "reached over TLS, and the account is accepted"}
	if strings.HasPrefix(server, "ldap://") && c.cfg.Plain {
		f.Severity, f.Text = canopy.Warning, "reached in clear text: passwords and people's data can be read on the way"
		f.Next = "use ldaps://, or leave plain out for StartTLS"
	}
	return s, f
}

// findingOf makes a finding of an error.
func findingOf(err error, object string) canopy.Finding {
	f := canopy.Finding{Code: "ad-error", Severity: canopy.Severe, Object: object, Text: err.Error()}
	var e *canopy.Error
	if errors.As(err, &e) {
		f.Code, f.Object, f.Attr, f.Other, f.Text, f.Next = e.Code, e.Object, e.Attr, e.Other, e.Text, e.Next
		if e.Err != nil {
			f.Value = e.Err.Error()
		}
	}
	return f
}

// checkRights finds out what the account may read and write.
func (c *Conn) checkRights(ctx context.Context, s *session) []canopy.Finding {
	f, err := c.factsOf(ctx, s, nil)
	if err != nil {
		return []canopy.Finding{findingOf(err, s.server)}
	}
	c.forget(s.invocation)
	g, err := c.look(ctx, s, f)
	if err != nil {
		return []canopy.Finding{findingOf(err, s.server)}
	}
	all := []canopy.Finding{{Code: "ad-base", Object: join(f.bases), Other: s.server, Text: fmt.Sprintf("readable; the schema has %d attributes", len(f.names()))}}
	all = append(all, g.findings(s.server, c.cfg.Bind.Account)...)
	if !c.cfg.Write {
		return append(all, canopy.Finding{Code: "ad-write", Object: string(c.cfg.Name), Text: "writing is switched off"})
	}
	return append(all, c.checkWrite(ctx, s, f))
}

// names are the attributes, each once.
func (f *facts) names() map[canopy.Attr]bool {
	all := map[canopy.Attr]bool{}
	for _, a := range f.attributes {
		all[a.name] = true
	}
	return all
}

// forget makes look look again.
func (c *Conn) forget(invocation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, invocation)
}

// checkWrite asks the directory whether it would let the account make or change people anywhere. The directory computes
// the answer for single objects, so those of the first page of containers stand for all.
func (c *Conn) checkWrite(ctx context.Context, s *session, f *facts) canopy.Finding {
	where := ""
	q := query{base: f.bases[0].String(), scope: ldap.ScopeWholeSubtree, filter: containersOnly(), attrs: []string{"allowedChildClassesEffective"}}
	err := s.paged(ctx, q, c.cfg.PageSize, func(e *entry) error {
		classes := e.all("allowedChildClassesEffective")
		for _, x := range classes {
			if where == "" && (x == "user" || x == "contact" || x == "group") {
				where = e.dn
			}
		}
		return nil
	}, func() error { return errLimit })
	switch {
	case err != nil && !errors.Is(err, errLimit):
		return findingOf(fault(err, s.server, ""), s.server)
	case where == "":
		return canopy.Finding{Code: "ad-write", Severity: canopy.Warning, Object: c.cfg.Bind.Account, Other: s.server,
			Text: "writing is switched on, and no container was found where the account may make objects", Next: "grant the account rights on the containers that it is to write to"}
	}
	return canopy.Finding{Code: "ad-write", Object: c.cfg.Bind.Account, Other: where, Text: "writing is switched on, and the account may make objects"}
}
