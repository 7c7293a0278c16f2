package forest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const adminPassword = "Passw0rd!"

// begin starts a forest for a test and ends it with the test.
func begin(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	o := Options{Domain: "contoso.lab", Exchange: true, AdminPassword: adminPassword, Seed: 1, Clock: steadyClock()}
	for _, f := range change {
		f(&o)
	}
	s, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// steadyClock stands still.
func steadyClock() func() time.Time {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return func() time.Time { return now }
}

func behave(b Behave) func(*Options) { return func(o *Options) { o.Behave = b } }

// client is a go-ldap connection with short words for what tests do.
type client struct {
	t testing.TB
	*ldap.Conn
	s *Server
}

func trust(t testing.TB, s *Server) *tls.Config {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.CA()) {
		t.Fatal("CA is not PEM")
	}
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// dial connects without binding.
func dial(t testing.TB, s *Server) *client {
	t.Helper()
	c, err := ldap.DialURL(s.URL(), ldap.DialWithTLSConfig(trust(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(20 * time.Second)
	t.Cleanup(func() { c.Close() })
	return &client{t, c, s}
}

// admin connects as Administrator.
func admin(t testing.TB, s *Server) *client {
	t.Helper()
	c := dial(t, s)
	c.must(c.Bind("CONTOSO\\Administrator", adminPassword))
	return c
}

func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// code is an error's LDAP result code, 0 for none.
func code(err error) int {
	var e *ldap.Error
	if errors.As(err, &e) {
		return int(e.ResultCode)
	}
	if err != nil {
		return -1
	}
	return 0
}

func (c *client) add(dn, class string, values ...string) error {
	r := ldap.NewAddRequest(dn, nil)
	r.Attribute("objectClass", []string{class})
	for _, p := range pairsOf(values) {
		r.Attribute(p.name, p.vals)
	}
	return c.Add(r)
}

// pairsOf gathers name, value, name, value.
func pairsOf(values []string) (pairs []pair) {
	for i := 0; i < len(values); i += 2 {
		at := slices.IndexFunc(pairs, func(p pair) bool { return p.name == values[i] })
		if at < 0 {
			pairs = append(pairs, pair{name: values[i]})
			at = len(pairs) - 1
		}
		pairs[at].vals = append(pairs[at].vals, values[i+1])
	}
	return pairs
}

// change carries out one modification.
func (c *client) change(dn, op, attr string, vals ...string) error {
	r := ldap.NewModifyRequest(dn, nil)
	switch op {
	case "add":
		r.Add(attr, vals)
	case "delete":
		r.Delete(attr, vals)
	default:
		r.Replace(attr, vals)
	}
	return c.Modify(r)
}

func (c *client) rename(dn, name, parent string) error {
	return c.ModifyDN(ldap.NewModifyDNRequest(dn, name, true, parent))
}

func (c *client) remove(dn string, controls ...ldap.Control) error {
	return c.Del(ldap.NewDelRequest(dn, controls))
}

// ask searches and gives what came, also beside an error.
func (c *client) ask(base string, scope int, filter string, attrs []string, controls ...ldap.Control) (*ldap.SearchResult, error) {
	return c.Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, attrs, controls))
}

// names are the relative names that a subtree search of the test's container finds, in order.
func (c *client) names(base, filter string, controls ...ldap.Control) string {
	c.t.Helper()
	r, err := c.ask(base, ldap.ScopeWholeSubtree, filter, []string{"name"}, controls...)
	if err != nil {
		return fmt.Sprintf("code %d", code(err))
	}
	var list []string
	for _, e := range r.Entries {
		name, _, _ := strings.Cut(e.GetAttributeValue("name"), "\n")
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// values are the values of one attribute of one object, in order.
func (c *client) values(dn, attr string, controls ...ldap.Control) string {
	c.t.Helper()
	r, err := c.ask(dn, ldap.ScopeBaseObject, "(objectClass=*)", []string{attr}, controls...)
	if err != nil {
		return fmt.Sprintf("code %d", code(err))
	}
	vals := slices.Clone(r.Entries[0].GetEqualFoldAttributeValues(attr))
	slices.Sort(vals)
	return strings.Join(vals, " | ")
}

// sync is one DirSync read.
func (c *client) sync(filter string, attrs []string, flags int64, cookie []byte, controls ...ldap.Control) (*ldap.SearchResult, *ldap.ControlDirSync, error) {
	r, err := c.ask(c.s.Base(), ldap.ScopeWholeSubtree, filter, attrs, append(controls, ldap.NewRequestControlDirSync(flags, 0, cookie))...)
	if err != nil {
		return r, nil, err
	}
	found, ok := ldap.FindControl(r.Controls, ldap.ControlTypeDirSync).(*ldap.ControlDirSync)
	if !ok {
		c.t.Fatal("no DirSync control in the answer")
	}
	return r, found, nil
}

// show writes entries as text, one line an attribute. GUIDs and other octets are left out; base and what follows
// "DEL:" are shortened.
func show(entries []*ldap.Entry, base string) string {
	var blocks []string
	for _, e := range entries {
		lines := []string{}
		for _, a := range e.Attributes {
			vals := slices.Clone(a.Values)
			for i, raw := range a.ByteValues {
				if strings.ContainsFunc(string(raw), func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }) {
					vals[i] = fmt.Sprintf("<%d octets>", len(raw))
				}
			}
			slices.Sort(vals)
			text := strings.Join(vals, " | ")
			if len(vals) == 0 {
				text = "<none>"
			}
			lines = append(lines, "  "+a.Name+"="+text)
		}
		slices.Sort(lines)
		blocks = append(blocks, e.DN+"\n"+strings.Join(lines, "\n")+"\n")
	}
	slices.Sort(blocks)
	text := strings.ReplaceAll(strings.Join(blocks, ""), ","+base, "")
	text = guidText.ReplaceAllString(text, "GUID")
	text = hexText.ReplaceAllString(text, "=HEX")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\nDEL:", "/DEL:"), "\\0ADEL:", "/DEL:")
}
