package ad

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Section is a forest as an administrator writes it, in the service's configuration and in an agent's.
type Section struct {
	Name    canopy.ConnectorID `yaml:"name"`
	Servers []string           `yaml:"servers,omitempty"`
	// Strict keeps to the servers named, also when none of them answers.
	Strict bool   `yaml:"strict,omitempty"`
	CA     string `yaml:"ca,omitempty"`  // a PEM file
	Pin    string `yaml:"pin,omitempty"` // sha256 of the server's certificate, in hexadecimal
	// Plain must say PlainConsent for ldap:// without StartTLS.
	Plain string   `yaml:"plain,omitempty"`
	Bind  Account  `yaml:"bind,omitempty"`
	Base  []string `yaml:"base,omitempty"`
	Write bool     `yaml:"write,omitempty"`
}

// Account says who reads a forest. The password comes from a file or the environment, never from the configuration.
type Account struct {
	Method       string `yaml:"method,omitempty"` // simple (default) or kerberos
	Account      string `yaml:"account,omitempty"`
	PasswordFile string `yaml:"password_file,omitempty"`
	PasswordEnv  string `yaml:"password_env,omitempty"`
	Keytab       string `yaml:"keytab,omitempty"`
	Krb5Conf     string `yaml:"krb5_conf,omitempty"`
	Password     string `yaml:"password,omitempty"` // always refused, with the reason
}

// PlainConsent is what Section.Plain must say to allow LDAP without TLS.
const PlainConsent = "passwords in clear text"

// Faults are all that is wrong with the section; its name is its owner's to check.
func (x *Section) Faults() []error {
	var f []error
	say := func(format string, args ...any) {
		f = append(f, fmt.Errorf("forest %s: "+format, append([]any{x.Name}, args...)...))
	}
	if len(x.Servers) == 0 {
		say("servers: at least one is needed, such as ldaps://dc1.%s", x.Name)
	}
	for _, s := range x.Servers {
		if !strings.HasPrefix(s, "ldaps://") && !strings.HasPrefix(s, "ldap://") {
			say("servers: %q must begin with ldaps:// or ldap://", s)
		}
	}
	b := x.Bind
	if b.Password != "" {
		say("bind: a password must not stand in this file; put it into a file that only you can read and name it under password_file, or name an environment variable under password_env")
	}
	if b.Method != "" && b.Method != "simple" && b.Method != "kerberos" {
		say("bind: method %q is neither simple nor kerberos", b.Method)
	}
	if b.Account == "" {
		say("bind: account is missing")
	}
	if b.Password == "" && b.PasswordFile == "" && b.PasswordEnv == "" && b.Keytab == "" {
		say("bind: one of password_file, password_env or keytab is needed")
	}
	if x.Plain != "" && x.Plain != PlainConsent {
		say("plain: must say %q, or be left out", PlainConsent)
	}
	return f
}

// RelativeTo makes the files that the section names relative to the place of its configuration.
func (x *Section) RelativeTo(dir string) {
	for _, p := range []*string{&x.CA, &x.Bind.PasswordFile, &x.Bind.Keytab, &x.Bind.Krb5Conf} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

// Open reads the files that the section names and makes a connector of it. Nothing is contacted.
func (x *Section) Open(clock func() time.Time) (*Conn, error) {
	c := Config{Name: x.Name, Servers: x.Servers, Strict: x.Strict, Pin: x.Pin, Plain: x.Plain == PlainConsent, Base: x.Base, Write: x.Write,
		Clock: clock, Bind: Bind{Method: x.Bind.Method, Account: x.Bind.Account, Keytab: x.Bind.Keytab, Krb5Conf: x.Bind.Krb5Conf}}
	if x.CA != "" {
		pem, err := os.ReadFile(x.CA)
		if err != nil {
			return nil, &canopy.Error{Kind: canopy.Invalid, Code: "ca-file", Object: string(x.Name), Attr: "ca", Other: x.CA, Text: "the certificate file cannot be read",
				Next: "put the certificate authority of the forest's controllers there, in PEM, or correct ca in the configuration", Err: err}
		}
		c.CA = pem
	}
	var err error
	if c.Bind.Password, err = x.Bind.secret(); err != nil {
		return nil, fmt.Errorf("forest %s: %w", x.Name, err)
	}
	return Open(c)
}

// secret is the account's password, "" with a keytab.
func (b *Account) secret() (string, error) {
	switch {
	case b.PasswordFile != "":
		text, err := os.ReadFile(b.PasswordFile)
		if err != nil {
			return "", &canopy.Error{Kind: canopy.Invalid, Code: "password-file", Object: b.Account, Text: "the password file cannot be read",
				Next: "check password_file in the configuration", Err: err}
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	case b.PasswordEnv != "":
		p, ok := os.LookupEnv(b.PasswordEnv)
		if !ok || p == "" {
			return "", &canopy.Error{Kind: canopy.Invalid, Code: "password-env", Object: b.Account,
				Text: "the environment variable " + b.PasswordEnv + " is not set", Next: "set it to the account's password and try again"}
		}
		return p, nil
	}
	return "", nil
}
