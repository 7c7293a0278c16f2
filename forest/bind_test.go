package forest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/go-ldap/ldap/v3"
)

func TestBind(t *testing.T) {
	t.Parallel()
	s := begin(t, func(o *Options) {
		o.Accounts = []Account{{Name: "reader", Password: "Reader-1", Rights: Rights{Replicate: true}}}
	})
	past := "134000000000000000"
	for name, attrs := range map[string]map[string][]string{
		"plain":    {"userPrincipalName": {"plain@people.example"}},
		"off":      {"userAccountControl": {"514"}},
		"expired":  {"accountExpires": {past}},
		"locked":   {"lockoutTime": {past}},
		"mustset":  {"pwdLastSet": {"0"}},
		"passold":  {"userAccountControl": {"8389120"}},
		"nosecret": {},
	} {
		dn := "CN=" + name + " user,CN=Users," + s.Base()
		attrs["objectClass"], attrs["sAMAccountName"] = []string{"user"}, []string{name}
		if attrs["userAccountControl"] == nil {
			attrs["userAccountControl"] = []string{"512"}
		}
		mustset := attrs["pwdLastSet"]
		for _, err := range []error{s.Add(dn, attrs), func() error {
			if name == "nosecret" {
				return nil
			}
			return s.SetPassword(dn, "Secret-1")
		}(), func() error {
			if mustset == nil {
				return nil
			}
			return s.Modify(dn, Mod{"replace", "pwdLastSet", mustset})
		}()} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		who, password string
		code          int
		data          string
	}{
		{"CN=plain user,CN=Users," + s.Base(), "Secret-1", 0, ""},
		{"cn=PLAIN USER, cn=users," + s.Base(), "Secret-1", 0, ""},
		{"plain@people.example", "Secret-1", 0, ""},
		{"plain@contoso.lab", "Secret-1", 0, ""},
		{"CONTOSO\\plain", "Secret-1", 0, ""},
		{"contoso.lab\\PLAIN", "Secret-1", 0, ""},
		{"contoso\\reader", "Reader-1", 0, ""},
		{"reader@contoso.lab", "Reader-1", 0, ""},
		{"CONTOSO\\Administrator", adminPassword, 0, ""},
		{"FABRIKAM\\plain", "Secret-1", 49, "52e"},
		{"plain", "Secret-1", 49, "52e"},
		{"CONTOSO\\nobody", "Secret-1", 49, "52e"},
		{"CONTOSO\\plain", "wrong", 49, "52e"},
		{"CONTOSO\\off", "wrong", 49, "52e"},
		{"CONTOSO\\off", "Secret-1", 49, "533"},
		{"CONTOSO\\expired", "Secret-1", 49, "701"},
		{"CONTOSO\\locked", "Secret-1", 49, "775"},
		{"CONTOSO\\mustset", "Secret-1", 49, "773"},
		{"CONTOSO\\passold", "Secret-1", 49, "532"},
		{"CONTOSO\\nosecret", "Secret-1", 49, "52e"},
		{"CONTOSO\\krbtgt", "Secret-1", 49, "52e"},
	} {
		err := dial(t, s).Bind(test.who, test.password)
		if code(err) != test.code || test.data != "" && !strings.Contains(err.Error(), "data "+test.data+",") {
			t.Errorf("%s with %s: got %v, want code %d data %s", test.who, test.password, err, test.code, test.data)
		}
	}
}

func TestPlainConnections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		plain, tls bool
		code       int
	}{{"plain is refused", false, false, 8}, {"StartTLS", false, true, 0}, {"plain asked for", true, false, 0}} {
		s := begin(t, behave(Behave{PlainBind: test.plain}))
		c, err := ldap.DialURL(s.PlainURL())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if test.tls {
			if err := c.StartTLS(trust(t, s)); err != nil {
				t.Fatal(err)
			}
			if err := c.StartTLS(trust(t, s)); err == nil {
				t.Error("StartTLS twice is taken")
			}
		}
		if err := c.Bind("CONTOSO\\Administrator", adminPassword); code(err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, err, test.code)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s, other := begin(t), begin(t)
	for _, test := range []struct {
		name   string
		server string
		config *tls.Config
		ok     bool
	}{
		{"by address", "127.0.0.1", trust(t, s), true},
		{"by name", "dc1.contoso.lab", trust(t, s), true},
		{"by the domain's name", "contoso.lab", trust(t, s), true},
		{"by another name", "dc9.contoso.lab", trust(t, s), false},
		{"another authority", "127.0.0.1", trust(t, other), false},
	} {
		test.config.ServerName = test.server
		c, err := ldap.DialURL(s.URL(), ldap.DialWithTLSConfig(test.config))
		if (err == nil) != test.ok {
			t.Errorf("%s: got %v", test.name, err)
		}
		if err == nil {
			c.Close()
		}
	}
	if bytes.Equal(s.CA(), other.CA()) {
		t.Error("two forests have one authority")
	}
}

func TestWithoutBind(t *testing.T) {
	t.Parallel()
	s := begin(t)
	c := dial(t, s)
	r, err := c.ask("", ldap.ScopeBaseObject, "(objectClass=*)", nil)
	c.must(err)
	for name, want := range map[string]string{
		"defaultNamingContext":       "DC=contoso,DC=lab",
		"configurationNamingContext": "CN=Configuration,DC=contoso,DC=lab",
		"schemaNamingContext":        "CN=Schema,CN=Configuration,DC=contoso,DC=lab",
		"dnsHostName":                "dc1.contoso.lab",
		"dsServiceName":              "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=contoso,DC=lab",
	} {
		if got := r.Entries[0].GetAttributeValue(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := c.ask(s.Base(), ldap.ScopeBaseObject, "(objectClass=*)", nil); code(err) != 1 {
		t.Errorf("search without bind: got %v, want code 1", err)
	}
	if err := c.add("CN=x,CN=Users,"+s.Base(), "user"); code(err) != 1 {
		t.Errorf("add without bind: got %v, want code 1", err)
	}
	c.must(c.UnauthenticatedBind("CONTOSO\\Administrator"))
	if _, err := c.ask(s.Base(), ldap.ScopeBaseObject, "(objectClass=*)", nil); code(err) != 1 {
		t.Errorf("search after a bind without password: got %v, want code 1", err)
	}
	if _, err := c.WhoAmI(nil); code(err) != 2 {
		t.Errorf("who am I: got %v, want code 2", err)
	}
	c.must(c.Bind("CONTOSO\\Administrator", adminPassword))
	if got, want := c.values("CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,"+s.Base(), "invocationId"), s.dir.self; got != string(want[:]) {
		t.Errorf("invocationId: got %x, want %x", got, want)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		o    Options
		kind canopy.ErrorKind
	}{
		{"no domain", Options{}, canopy.Invalid},
		{"no DNS name", Options{Domain: "a..b"}, canopy.Invalid},
		{"no address", Options{Domain: "a.lab", Addr: "nowhere"}, canopy.Invalid},
		{"foreign address", Options{Domain: "a.lab", Addr: "203.0.113.1:0"}, canopy.Conflict},
	} {
		s, err := Start(context.Background(), test.o)
		if canopy.KindOf(err) != test.kind || err == nil {
			t.Errorf("%s: got %v, want %v", test.name, err, test.kind)
		}
		if err == nil {
			s.Close()
		}
	}
	o := Options{Domain: "Averyveryverylongname.lab"}
	if err := o.complete(); err != nil || o.Netbios != "AVERYVERYVERYLO" || o.Domain != "averyveryverylongname.lab" {
		t.Errorf("got %q %q %v", o.Netbios, o.Domain, err)
	}
}

// Close waits for everything, also when a client is connected and watching, and with the end of the context alike.
func TestClose(t *testing.T) {
	t.Parallel()
	for _, byContext := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		s, err := Start(ctx, Options{Domain: "contoso.lab", AdminPassword: adminPassword})
		if err != nil {
			t.Fatal(err)
		}
		c := admin(t, s)
		watch := c.SearchAsync(ctx, ldap.NewSearchRequest(s.Base(), 2, 0, 0, 0, false, "(objectClass=*)", nil,
			[]ldap.Control{ldap.NewControlMicrosoftNotification()}), 1)
		if byContext {
			cancel()
		}
		done := make(chan error)
		go func() { done <- s.Close() }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Close does not end")
		}
		for watch.Next() {
		}
		if _, err := c.ask("", 0, "(objectClass=*)", nil); err == nil {
			t.Error("the connection outlives the server")
		}
		if err := s.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("closed twice: %v", err)
		}
	}
}
