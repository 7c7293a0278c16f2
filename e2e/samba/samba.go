// Package samba starts real Samba domain controllers on loopback addresses for tests, breaks them, and clears them away.
// It serves tests only and needs root; Require says what is missing.
package samba

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// DefaultPassword is the Administrator's password where Options names none.
const DefaultPassword = "Passw0rd-of-tests"

// Options say what kind of domain controller is wanted. Domain and IP must be set.
type Options struct {
	Domain  string // DNS name of the domain: "contoso.lab"
	Netbios string // its NetBIOS name; "" is the first label of Domain in capitals
	IP      string // the loopback address that it alone uses: Net(n).IP(2)
	Host    string // the controller's name; "" is dc1
	// AdminPassword must satisfy Samba's complexity rule. "" is DefaultPassword.
	AdminPassword string
	// Exchange adds the Exchange attributes to the schema.
	Exchange bool
	// DNS provisions with Samba's own DNS zones. Twin needs them.
	DNS bool
	// SID is the domain's SID; "" makes one up.
	SID string
	// Settings are further lines of smb.conf's [global] section.
	Settings []string
	// Dir holds all of the controller's files and is left to the caller. "" makes one, which Close removes.
	Dir string
	// Templates is a directory in which what provisioning makes is kept, so that the next Start with the same options
	// copies it. "" keeps nothing. Only one Start at a time may use a domain's template.
	Templates string
}

// Account is somebody who may bind.
type Account struct {
	Name     string // sAMAccountName
	UPN      string // what an LDAP simple bind takes
	DN       string
	Password string
}

// DC is a Samba domain controller that this process started. Its methods are for one goroutine at a time, but for the
// plain getters and Connect.
type DC struct {
	o     Options
	dir   string
	owned bool // Close removes dir
	lock  *os.File
	proc  *process
	pool  *x509.CertPool

	// Times are how long the parts of the start took.
	Times struct{ Provision, Schema, Start time.Duration }
}

// Start provisions a domain controller and waits until it answers. It waits for its turn when another test uses the
// same address. What an earlier, dead test left on that address is stopped and removed first. End it with Close.
func Start(ctx context.Context, o Options) (*DC, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	return begin(ctx, o, func(d *DC) error {
		began := time.Now()
		err := d.orCopy(ctx, "exchange", o.Exchange, func() error {
			if err := d.orCopy(ctx, "plain", true, func() error { return d.provision(ctx) }); err != nil || !o.Exchange {
				return err
			}
			d.Times.Provision = time.Since(began)
			defer func() { d.Times.Schema = time.Since(began) - d.Times.Provision }()
			return d.AddExchangeSchema(ctx)
		})
		if d.Times.Schema == 0 {
			d.Times.Provision = time.Since(began)
		}
		return err
	})
}

// Run is Start for a test: it skips or fails as Require does, ends the test when the start goes wrong, and closes the
// controller with the test.
func Run(t testing.TB, o Options) *DC {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	d, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	closeWith(t, d)
	t.Logf("%s on %s: provision %v, schema %v, start %v", o.Domain, o.IP, d.Times.Provision.Round(time.Millisecond),
		d.Times.Schema.Round(time.Millisecond), d.Times.Start.Round(time.Millisecond))
	return d
}

func closeWith(t testing.TB, d *DC) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", d.o.Domain, d.LogTail(30))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// begin takes the address, makes the directory, fills it by make and starts the controller there.
func begin(ctx context.Context, o Options, fill func(*DC) error) (*DC, error) {
	d := &DC{o: o, dir: o.Dir}
	ok := false
	defer func() {
		if !ok {
			_ = d.Close() // the first error is the one to tell
		}
	}()
	var err error
	if d.lock, err = takeAddress(ctx, o.IP); err != nil {
		return nil, err
	}
	if d.dir == "" {
		// Not below a test's own directory: the names of sockets must stay below 108 bytes.
		if d.dir, err = os.MkdirTemp("", dirPrefix); err != nil {
			return nil, fmt.Errorf("make a directory for %s: %w", o.Domain, err)
		}
		d.owned = true
	}
	if err = d.record(0, 0); err != nil {
		return nil, err
	}
	for _, step := range []func() error{func() error { return fill(d) }, d.makeCertificate, func() error { return d.settle(ctx) }, func() error { return d.launch(ctx) }} {
		if err = step(); err != nil {
			return nil, fmt.Errorf("start a domain controller for %s on %s: %w", o.Domain, o.IP, err)
		}
	}
	ok = true
	return d, nil
}

func (o *Options) complete() error {
	o.Domain = strings.ToLower(o.Domain)
	if o.Domain == "" || net.ParseIP(o.IP) == nil || !net.ParseIP(o.IP).IsLoopback() {
		return errors.New("samba: Options need a Domain and a loopback IP")
	}
	if o.Netbios == "" {
		o.Netbios, _, _ = strings.Cut(o.Domain, ".")
	}
	o.Netbios = strings.ToUpper(o.Netbios)
	if o.Host == "" {
		o.Host = "dc1"
	}
	if o.AdminPassword == "" {
		o.AdminPassword = DefaultPassword
	}
	return nil
}

// Domain is the DNS name of the domain.
func (d *DC) Domain() string { return d.o.Domain }

// IP is the address that the controller listens on.
func (d *DC) IP() string { return d.o.IP }

// Host is the controller's full name; no DNS knows it.
func (d *DC) Host() string { return d.o.Host + "." + d.o.Domain }

// URL is the address for LDAP over TLS.
func (d *DC) URL() string { return "ldaps://" + d.o.IP + ":636" }

// StartTLS is the address for LDAP that begins in clear text.
func (d *DC) StartTLS() string { return "ldap://" + d.o.IP + ":389" }

// Base is the DN of the domain.
func (d *DC) Base() string { return BaseOf(d.o.Domain) }

// BaseOf is the DN of the domain with this DNS name.
func BaseOf(domain string) string { return "DC=" + strings.ReplaceAll(domain, ".", ",DC=") }

// Dir is where the controller's files are.
func (d *DC) Dir() string { return d.dir }

// CA is the file with the certificate authority, in PEM.
func (d *DC) CA() string { return filepath.Join(d.dir, "private", "tls", "ca.pem") }

// Pool holds the certificate authority.
func (d *DC) Pool() *x509.CertPool { return d.pool }

// Krb5Conf is a file for Kerberos clients of this domain.
func (d *DC) Krb5Conf() string { return filepath.Join(d.dir, "krb5.conf") }

// Admin is the domain's administrator.
func (d *DC) Admin() Account {
	return Account{Name: "Administrator", UPN: "Administrator@" + d.o.Domain, DN: "CN=Administrator,CN=Users," + d.Base(),
		Password: d.o.AdminPassword}
}

// Close stops the controller, removes its files, and lets others have its address. It may be called twice.
func (d *DC) Close() error {
	var errs []error
	if d.proc != nil {
		errs = append(errs, d.Stop())
	}
	if d.owned {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	if d.lock != nil {
		errs = append(errs, os.RemoveAll(recordPath(d.o.IP)), d.lock.Close())
		d.lock = nil
	}
	return errors.Join(errs...)
}

// LogTail is the end of what the controller wrote, at most n lines of each file.
func (d *DC) LogTail(n int) string {
	var b strings.Builder
	for _, name := range []string{"samba.out", "log.samba"} {
		text, err := os.ReadFile(filepath.Join(d.dir, "log", name))
		if err != nil || len(text) == 0 {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(lines[max(0, len(lines)-n):], "\n"))
	}
	return b.String()
}
