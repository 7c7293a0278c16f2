package ad

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e/samba"
)

// wantFault checks an error as people get it.
func wantFault(t *testing.T, what string, err error, kind canopy.ErrorKind, code, object string) {
	t.Helper()
	var e *canopy.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want an error of kind %v", what, err, kind)
		return
	}
	if e.Kind != kind || e.Code != code || !strings.Contains(e.Object+e.Other, object) || e.Text == "" || e.Next == "" {
		t.Errorf("%s: got %v %q, object %q, other %q, text %q, next %q, cause %v; want %v %q about %q", what, e.Kind, e.Code, e.Object, e.Other, e.Text, e.Next, e.Err, kind, code, object)
	}
}

func TestBindRefused(t *testing.T) {
	t.Parallel()
	for _, k := range servers[:2] {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := needServer(t, k.name, k.get)
			p, ou := s.puppet(), s.ou(t)
			account := func(name string, attrs canopy.Attrs) string {
				upn := p.login(name)
				set := canopy.Attrs{"userPrincipalName": canopy.Texts(upn), "userAccountControl": {canopy.Int(512)}, "unicodePwd": canopy.Texts(testPassword)}
				for n, v := range attrs {
					set[n] = v
				}
				p.Create(t, connectortest.Object{Class: canopy.User, Name: name, Parent: ou, Attrs: set})
				return upn
			}
			good := account("good", nil)
			for _, c := range []struct{ what, account, password, code string }{
				{"a wrong password", good, "wrong", "LDAP49-52e"},
				{"no such account", "nobody@" + testDomain, "wrong", "LDAP49-52e"},
				{"a disabled account", account("disabled", canopy.Attrs{"userAccountControl": {canopy.Int(514)}}), testPassword, "LDAP49-533"},
				{"an expired account", account("expired", canopy.Attrs{"accountExpires": {canopy.Int(116444736000000000)}}), testPassword, "LDAP49-701"},
				{"a password to be changed", account("change", canopy.Attrs{"pwdLastSet": {canopy.Int(0)}}), testPassword, "LDAP49-773"},
			} {
				if s.forest != nil && c.code == "LDAP49-773" {
					continue // it does not know this
				}
				x := s.open(t, func(cfg *Config) { cfg.Bind.Account, cfg.Bind.Password = c.account, c.password })
				_, err := x.Describe(t.Context())
				if c.account == "nobody@"+testDomain && strings.Contains(err.Error(), "data 525") {
					c.code = "LDAP49-525" // as Samba and AD differ by version
				}
				wantFault(t, c.what, err, canopy.Credentials, c.code, c.account)
			}
			x := s.open(t, func(cfg *Config) { cfg.Bind.Account = good })
			if _, err := x.Describe(t.Context()); err != nil {
				t.Errorf("the right account: %v", err)
			}
			x = s.open(t, func(cfg *Config) { cfg.Bind.Password = "" })
			_, err := x.Describe(t.Context())
			wantFault(t, "no password", err, canopy.Credentials, "ad-no-password", "Administrator")
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := Config{Name: "x", Servers: []string{"ldaps://dc1.contoso.com"}, Bind: Bind{Account: "a", Password: "b"}}
	if c, err := Open(good); err != nil || c.cfg.Servers[0] != "ldaps://dc1.contoso.com:636" {
		t.Fatalf("the right one: %v", err)
	}
	for what, change := range map[string]func(*Config){
		"no server":            func(c *Config) { c.Servers = nil },
		"a scheme":             func(c *Config) { c.Servers = []string{"http://dc1"} },
		"no host":              func(c *Config) { c.Servers = []string{"ldaps://"} },
		"a path":               func(c *Config) { c.Servers = []string{"ldaps://dc1/DC=x"} },
		"a password in it":     func(c *Config) { c.Servers = []string{"ldaps://a:b@dc1"} },
		"a CA that is none":    func(c *Config) { c.CA = []byte("x") },
		"a pin that is none":   func(c *Config) { c.Pin = "abc" },
		"a base that is no DN": func(c *Config) { c.Base = []string{"contoso"} },
		"an empty base":        func(c *Config) { c.Base = []string{""} },
		"a method":             func(c *Config) { c.Bind.Method = "ntlm" },
		"no account":           func(c *Config) { c.Bind.Account = "" },
	} {
		cfg := good
		change(&cfg)
		if _, err := Open(cfg); canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("%s: got %v, want an error of kind invalid", what, err)
		}
	}
}

func TestKerberos(t *testing.T) {
	t.Parallel()
	s := needServer(t, "samba", theSamba)
	a, err := s.dc.AddService(t.Context(), "krb", testPassword, samba.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keytab := filepath.Join(t.TempDir(), "krb.keytab")
	if err := s.dc.Keytab(t.Context(), a, keytab); err != nil {
		t.Fatal(err)
	}
	realm := strings.ToUpper(testDomain)
	for _, c := range []struct {
		what string
		bind Bind
		code string
	}{
		{"password", Bind{Account: "krb@" + realm, Password: testPassword}, ""},
		{"password, realm in small letters", Bind{Account: "krb@" + testDomain, Password: testPassword}, ""},
		{"password, no realm", Bind{Account: "krb", Password: testPassword}, ""},
		{"keytab", Bind{Account: "krb@" + realm, Keytab: keytab}, ""},
		{"keytab and configuration", Bind{Account: "krb@" + realm, Keytab: keytab, Krb5Conf: s.dc.Krb5Conf()}, ""},
		{"wrong password", Bind{Account: "krb@" + realm, Password: "wrong"}, "KRB24"},
		{"no such account", Bind{Account: "nobody@" + realm, Password: "wrong"}, "KRB6"},
		{"keytab without the account", Bind{Account: "Administrator@" + realm, Keytab: keytab}, "ad-keytab"},
		{"no centre", Bind{Account: "krb@" + realm, Password: testPassword, KDC: strings.TrimPrefix(nobody(t), "ldaps://")}, "ad-kdc"},
	} {
		c.bind.Method = "kerberos"
		for _, url := range []string{s.url, s.plainURL} {
			x := s.open(t, func(cfg *Config) { cfg.Servers, cfg.Bind = []string{url}, c.bind })
			err := x.with(t.Context(), func(*session) error { return nil })
			if c.code == "" {
				if err != nil {
					t.Errorf("%s: %v", c.what, err)
				}
				continue
			}
			kind := canopy.Credentials
			if c.code == "ad-kdc" {
				kind = canopy.Unreachable
			}
			wantFault(t, c.what, err, kind, c.code, c.bind.Account)
		}
	}
}

// TestFaultTexts: every code has words and advice.
func TestFaultTexts(t *testing.T) {
	t.Parallel()
	for code, f := range ldapFaults {
		err := fault(ldap.NewError(code, errors.New("its words")), "ldaps://dc", "CN=x")
		wantFault(t, f.text, err, f.kind, "LDAP"+itoa(code), "CN=x")
	}
	for code := range bindFaults {
		err := bindFault(ldap.NewError(49, errors.New("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data "+code+", v1db1")), "ldaps://dc", "me")
		wantFault(t, code, err, canopy.Credentials, "LDAP49-"+code, "me")
	}
	if err := fault(context.Canceled, "x", ""); !errors.Is(err, context.Canceled) || canopy.KindOf(err) != canopy.Other {
		t.Errorf("a context's error: got %v", err)
	}
}

func itoa(n uint16) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}
