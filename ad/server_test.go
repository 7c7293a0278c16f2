package ad

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e/samba"
	"github.com/canopy-sync/canopy/forest"
)

const (
	testDomain   = "ad.test"
	testBase     = "DC=ad,DC=test"
	testPassword = "Passw0rd-of-ad"
)

// testServer is a directory that tests of this package share. Each works in a container of its own.
type testServer struct {
	name     string
	url      string
	plainURL string
	ca       []byte
	dc       *samba.DC      // of a Samba
	forest   *forest.Server // of a forest
	admin    *ldap.Conn
	// schema are the facts of the directory: a Samba is busy for long with giving them to each test.
	schema func() *facts
}

var (
	// Started by whoever needs it first; TestMain ends them.
	theSamba   = sync.OnceValues(startSamba)
	theForest  = sync.OnceValues(newForest)
	theWindows = sync.OnceValues(newWindows)

	started   sync.Mutex
	toClose   []func() error
	container atomic.Int64
)

// newForest answers as Samba does, newWindows as Windows does with small limits.
func newForest() (*testServer, error) { return startForest("forest", forest.Behave{}) }

func newWindows() (*testServer, error) {
	return startForest("windows", forest.Behave{DirSyncPage: 7, MaxPageSize: 10, MaxValRange: 5, Lifts: true, Referrals: true})
}

func TestMain(m *testing.M) {
	connectortest.FixSeed()
	code := m.Run()
	for _, c := range toClose {
		if err := c(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func startSamba() (*testServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	dc, err := samba.Start(ctx, samba.Options{Domain: testDomain, IP: samba.NetAD.IP(2), AdminPassword: testPassword, Exchange: true, DNS: true})
	if err != nil {
		return nil, err
	}
	closeAtEnd(dc.Close)
	ca, err := os.ReadFile(dc.CA())
	if err != nil {
		return nil, err
	}
	return connectAdmin(&testServer{name: "samba", url: dc.URL(), plainURL: dc.StartTLS(), ca: ca, dc: dc})
}

func startForest(name string, b forest.Behave) (*testServer, error) {
	f, err := forest.Start(context.Background(), forest.Options{Domain: testDomain, AdminPassword: testPassword, Exchange: true, Seed: 1, Behave: b})
	if err != nil {
		return nil, err
	}
	closeAtEnd(f.Close)
	return connectAdmin(&testServer{name: name, url: f.URL(), plainURL: f.PlainURL(), ca: f.CA(), forest: f})
}

func closeAtEnd(c func() error) {
	started.Lock()
	defer started.Unlock()
	toClose = append(toClose, c)
}

func connectAdmin(s *testServer) (*testServer, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.ca)
	c, err := ldap.DialURL(s.url, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool, ServerName: hostOf(s.url)}))
	if err != nil {
		return nil, err
	}
	closeAtEnd(c.Close)
	s.admin = c
	s.schema = sync.OnceValue(func() *facts {
		c, err := Open(s.config())
		if err != nil {
			return nil // whoever needs them reads them, and sees the error
		}
		defer c.Close()
		if _, err := c.Describe(context.Background()); err != nil {
			return nil
		}
		return c.facts
	})
	return s, c.Bind("Administrator@"+testDomain, testPassword)
}

func hostOf(url string) string {
	_, h, _ := strings.Cut(url, "://")
	h, _, _ = strings.Cut(h, ":")
	return h
}

// servers are the kinds of server that tests run against.
var servers = []struct {
	name string
	get  func() (*testServer, error) // one for all
	own  func() (*testServer, error) // one for each who asks, where that is cheap
}{{"samba", theSamba, theSamba}, {"forest", theForest, newForest}, {"windows", theWindows, newWindows}}

// eachServer runs a test against every kind of server.
func eachServer(t *testing.T, f func(t *testing.T, s *testServer)) {
	t.Helper()
	for _, k := range servers {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			f(t, needServer(t, k.name, k.get))
		})
	}
}

// suiteOn runs the connector suite against every kind of server. It reads everything many times, so a server of its own,
// with little in it, is quicker.
func suiteOn(t *testing.T, wrap func(*Conn) canopy.Connector) {
	t.Helper()
	for _, k := range servers {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, suiteFor(needServer(t, k.name, k.own), wrap))
		})
	}
}

func needServer(t testing.TB, name string, get func() (*testServer, error)) *testServer {
	t.Helper()
	if name == "samba" {
		samba.Require(t)
	}
	s, err := get()
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return s
}

// config reaches the server as its administrator.
func (s *testServer) config() Config {
	return Config{Name: canopy.ConnectorID(s.name), Servers: []string{s.url}, CA: s.ca, Strict: true, Write: true, BatchSize: s.batch(), PageSize: 50,
		Bind: Bind{Account: "Administrator@" + testDomain, Password: testPassword}}
}

// batch makes several batches of what a server holds in the end.
func (s *testServer) batch() int {
	if s.dc != nil {
		return 200
	}
	return 40
}

// open makes a connector.
func (s *testServer) open(t testing.TB, change ...func(*Config)) *Conn {
	t.Helper()
	cfg := s.config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// ou makes a container for one test.
func (s *testServer) ou(t testing.TB) canopy.Ref {
	t.Helper()
	return s.puppet().Container(t, fmt.Sprintf("test%d", container.Add(1)), canopy.Ref{DN: testBase})
}

// puppet changes the directory behind a connector's back.
func (s *testServer) puppet() *puppet {
	tag := fmt.Sprintf("%d", container.Add(1))
	return &puppet{s: s, tag: tag, login: func(name string) string { return name + "@mail" + tag + "." + testDomain }}
}

type puppet struct {
	s     *testServer
	tag   string // makes names that must be unique in the domain so
	login func(name string) string
}

func (p *puppet) guid(t testing.TB, dn string) canopy.Anchor {
	t.Helper()
	r, err := p.s.admin.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectGUID"}, nil))
	if err != nil || len(r.Entries) != 1 {
		t.Fatalf("find %s: %v, %v", dn, r, err)
	}
	g, _ := GUIDOf(r.Entries[0].GetRawAttributeValue("objectGUID"))
	return g.Anchor()
}

func (p *puppet) Container(t testing.TB, name string, parent canopy.Ref) canopy.Ref {
	t.Helper()
	dn := "OU=" + EscapeValue(name) + "," + parent.DN
	q := ldap.NewAddRequest(dn, nil)
	q.Attribute("objectClass", []string{"organizationalUnit"})
	if err := p.s.admin.Add(q); err != nil {
		t.Fatalf("add %s: %v", dn, err)
	}
	return canopy.Ref{DN: dn, Anchor: p.guid(t, dn)}
}

func (p *puppet) sam(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"/\[]:;|=,+*?<> `, r) {
			return '-'
		}
		return r
	}, name)
	return name[:min(len(name), 12)] + "." + p.tag
}

func testFacts() *facts {
	f := &facts{attributes: map[string]*attribute{}}
	for name, shape := range map[canopy.Attr]shape{"msExchMasterAccountSid": shapeSID} {
		f.attributes[canopy.Fold(string(name))] = &attribute{name: name, shape: shape}
	}
	return f
}

func values(t testing.TB, n canopy.Attr, vs canopy.Values) []string {
	t.Helper()
	a := testFacts().attr(string(n))
	if a == nil {
		a = &attribute{name: n}
	}
	var all []string
	for _, v := range vs {
		s, err := a.encode(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func (p *puppet) Create(t testing.TB, o connectortest.Object) canopy.Ref {
	t.Helper()
	parent := o.Parent.DN
	if parent == "" {
		parent = "CN=Users," + testBase
	}
	dn := "CN=" + EscapeValue(o.Name) + "," + parent
	q := ldap.NewAddRequest(dn, nil)
	q.Attribute("objectClass", []string{string(o.Class)})
	if o.Class != canopy.Contact {
		q.Attribute("sAMAccountName", []string{p.sam(o.Name)})
	}
	if o.Class == canopy.User {
		q.Attribute("mail", []string{p.login(strings.ReplaceAll(o.Name, " ", "."))})
	}
	for _, n := range o.Attrs.Names() {
		if len(o.Attrs[n]) > 0 {
			q.Attribute(string(n), values(t, n, o.Attrs[n]))
		}
	}
	for n, refs := range o.Links {
		var all []string
		for _, r := range refs {
			all = append(all, r.DN)
		}
		q.Attribute(string(n), all)
	}
	if err := p.s.admin.Add(q); err != nil {
		t.Fatalf("add %s: %v", dn, err)
	}
	return canopy.Ref{DN: dn, Anchor: p.guid(t, dn)}
}

func (p *puppet) Modify(t testing.TB, ref canopy.Ref, set canopy.Attrs, links map[canopy.Attr]canopy.LinkChange) {
	t.Helper()
	dn := byGUID(ref.Anchor)
	q := ldap.NewModifyRequest(dn, nil)
	for _, n := range set.Names() {
		q.Replace(string(n), values(t, n, set[n]))
	}
	for n, l := range links {
		var added, removed []string
		for _, r := range l.Added {
			added = append(added, p.dn(t, r))
		}
		for _, r := range l.Removed {
			removed = append(removed, p.dn(t, r))
		}
		if l.Whole {
			q.Replace(string(n), added)
			continue
		}
		if len(removed) > 0 {
			q.Delete(string(n), removed)
		}
		if len(added) > 0 {
			q.Add(string(n), added)
		}
	}
	if err := p.s.admin.Modify(q); err != nil {
		t.Fatalf("modify %s: %v", ref.DN, err)
	}
}

// dn is the DN that an object has now.
func (p *puppet) dn(t testing.TB, r canopy.Ref) string {
	t.Helper()
	got, err := p.s.admin.Search(ldap.NewSearchRequest(byGUID(r.Anchor), ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectGUID"}, nil))
	if err != nil || len(got.Entries) != 1 {
		t.Fatalf("find %s: %v", r.Anchor, err)
	}
	return got.Entries[0].DN
}

func (p *puppet) Move(t testing.TB, ref canopy.Ref, name string, parent canopy.Ref) canopy.Ref {
	t.Helper()
	old, err := ParseDN(p.dn(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	rdn, above := old[0].Type+"="+EscapeValue(name), p.dn(t, parent)
	if err := p.s.admin.ModifyDN(ldap.NewModifyDNRequest(old.String(), rdn, true, above)); err != nil {
		t.Fatalf("move %s to %s,%s: %v", old, rdn, above, err)
	}
	return canopy.Ref{Anchor: ref.Anchor, DN: rdn + "," + above}
}

func (p *puppet) Delete(t testing.TB, ref canopy.Ref) {
	t.Helper()
	if err := p.s.admin.Del(ldap.NewDelRequest(p.dn(t, ref), []ldap.Control{ldap.NewControlSubtreeDelete()})); err != nil {
		t.Fatalf("delete %s: %v", ref.DN, err)
	}
}
