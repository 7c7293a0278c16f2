package ad

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/forest"
)

// TestWatchAgain: a watch whose connection is cut connects again, and says that something may have changed.
func TestWatchAgain(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "watch", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.WatchLimit = 10 * time.Millisecond })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	news, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- c.Watch(ctx, func() {
			select {
			case news <- struct{}{}:
			default:
			}
		})
	}()
	heard := func(what string) {
		t.Helper()
		select {
		case <-news:
		case err := <-ended:
			t.Fatalf("%s: the watch ended with %v", what, err)
		}
	}
	// Nothing says when a watch has begun, so the directory changes until it is noticed.
	for i := 0; len(news) == 0 && ctx.Err() == nil; i++ {
		if err := f.Add(fmt.Sprintf("CN=w%d,CN=Users,%s", i, testBase), map[string][]string{"objectClass": {"contact"}}); err != nil {
			t.Fatal(err)
		}
	}
	heard("a change")
	for len(news) > 0 {
		<-news
	}
	f.Disconnect()
	heard("the connection is cut")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		dead := nobody(t)
		c := s.open(t, func(cfg *Config) { cfg.Servers = []string{dead, s.url} })
		found, err := c.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]canopy.Severity{}
		for _, f := range found {
			got[f.Code] = f.Severity
			if f.Severity != canopy.Info && f.Next == "" {
				t.Errorf("a finding without advice: %+v", f)
			}
		}
		want := map[string]canopy.Severity{"ad-unreachable": canopy.Severe, "ad-server": canopy.Info, "ad-base": canopy.Info, "ad-replication": canopy.Info,
			"ad-deleted-objects": canopy.Info, "ad-write": canopy.Info}
		for code, severity := range want {
			if g, ok := got[code]; !ok || g != severity {
				t.Errorf("%s: got %v, %v, want %v", code, g, ok, severity)
			}
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, ou := s.open(t), s.ou(t)
		if a, err := c.Resolve(t.Context(), ou.DN); err != nil || a != ou.Anchor {
			t.Errorf("got %q, %v, want %q", a, err, ou.Anchor)
		}
		_, err := c.Resolve(t.Context(), "OU=nowhere,"+testBase)
		wantFault(t, "no such object", err, canopy.NotFound, "ad-no-object", "OU=nowhere")
		_, err = c.Resolve(t.Context(), "nonsense")
		wantFault(t, "no DN", err, canopy.Invalid, "dn-syntax", "nonsense")
	})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		d, err := s.open(t).Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"Domain.FQDN": testDomain, "Domain.Netbios": "AD", "Forest.FQDN": testDomain, "Forest.Netbios": "AD", "Domain.LDAP": testBase} {
			if got := d.Values[name]; got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		for name, want := range map[canopy.Attr]canopy.AttrType{
			"objectGUID": {Type: canopy.Binary}, "objectSid": {Type: canopy.String}, "whenCreated": {Type: canopy.Time}, "pwdLastSet": {Type: canopy.Integer},
			"member": {Type: canopy.Reference, Multi: true}, "manager": {Type: canopy.Reference}, "proxyAddresses": {Type: canopy.String, Multi: true},
			"isCriticalSystemObject": {Type: canopy.Boolean}, "distinguishedName": {Type: canopy.String}, "userAccountControl": {Type: canopy.Integer},
			"msExchMailboxGuid": {Type: canopy.Binary}, "homeMTA": {Type: canopy.Reference}, "mS-DS-ConsistencyGuid": {Type: canopy.Binary},
		} {
			if got, ok := d.Schema.Attributes[name]; !ok || got != want {
				t.Errorf("%s: got %+v, %v, want %+v", name, got, ok, want)
			}
		}
		for _, name := range []canopy.Attr{"memberOf", "uSNChanged", "tokenGroups"} {
			if got, ok := d.Schema.Attributes[name]; ok {
				t.Errorf("%s is in the schema as %+v, and is never part of a change", name, got)
			}
		}
		if !d.Schema.Exchange || d.Name != testDomain || d.Kind != "ad" || d.Abilities != (canopy.Abilities{Delta: true, Watch: true, Write: true}) {
			t.Errorf("got %+v, exchange %v, name %q", d.Abilities, d.Schema.Exchange, d.Name)
		}
	})
}

func TestSearchMalformed(t *testing.T) {
	t.Parallel()
	s := needServer(t, "forest", theForest)
	c := s.open(t)
	for what, req := range map[string]canopy.SearchRequest{"nothing": {}, "a DN that is none": {DN: "nonsense"}} {
		req.Classes = []canopy.Class{canopy.User}
		if _, err := c.Search(t.Context(), req); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("%s: got %v, want an error of kind invalid", what, err)
		}
	}
	ou, p := s.ou(t), s.puppet()
	x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "(star*)\\", Parent: ou})
	for _, name := range []string{p.login("(star*)\\"), p.sam("(star*)\\")} {
		got, err := c.Search(t.Context(), canopy.SearchRequest{Name: name, Classes: []canopy.Class{canopy.User}})
		if err != nil || len(got) != 1 || got[0].Anchor != x.Anchor {
			t.Errorf("by %q: got %+v, %v", name, got, err)
		}
	}
}
