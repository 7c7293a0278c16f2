// Package ad is a forest of Active Directory as a Connector, over LDAP: it reads with the DirSync control, writes,
// searches, watches, and normalises names, identifiers and times. It decides nothing about what is read.
package ad

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
)

// Config says how a forest is reached, and what may be done there.
type Config struct {
	Name canopy.ConnectorID
	// Servers are the domain controllers in order of preference: ldaps://host[:port], or ldap://host[:port], which
	// begins in clear text and goes on with StartTLS. At least one.
	Servers []string
	// Strict keeps to Servers. Otherwise the domain's other controllers are tried, too, when none of Servers answers;
	// they are found in the directory while it is read, or by Lookup. Referrals are never followed.
	Strict bool
	// CA are certificates in PEM that may sign the controllers' certificates; nil: those of the system.
	CA []byte
	// Pin is the SHA-256 of the one certificate that is accepted, in hexadecimal, with or without colons. With it
	// neither CA nor the name in the certificate matters.
	Pin string
	// ServerName is the name that a controller's certificate must have; "": the host from its address.
	ServerName string
	// Plain lets ldap:// stay in clear text, passwords included.
	Plain bool
	Bind  Bind
	// Base are the naming contexts that are read, each the DN of a domain; none: the controller's own domain.
	Base []string
	// Write lets Write, Undelete and nothing else change the directory.
	Write bool

	DialTimeout time.Duration // for one controller to be reached; 0: 10 s
	Timeout     time.Duration // the longest silence of a controller that owes an answer; 0: 2 min
	WatchLimit  time.Duration // the longest pause before Watch connects again; 0: 5 min
	MaxValue    int           // bytes of one value, beyond which its object fails; 0: 5 MiB
	BatchSize   int           // changes in a batch; 0: 500
	PageSize    int           // objects in a page of a search; 0: 1000

	// Clock is the time; nil: the system's.
	Clock func() time.Time
	// Lookup finds the host names of a domain's controllers by DNS; nil: the system's resolver. Never used when Strict.
	Lookup Lookup
}

// Bind says who reads the forest.
type Bind struct {
	Method   string // "simple" or "kerberos"; "": simple
	Account  string // a UPN, DOMAIN\name or DN; for Kerberos name@REALM or a name of the default realm
	Password string
	Keytab   string // a file; for Kerberos, instead of Password
	Krb5Conf string // a file; "": made from the account's realm and KDC
	KDC      string // host[:port]; "": the controller itself
}

// Conn is a forest as a Connector. It is safe for use by several goroutines; reads wait for one another. Close it.
type Conn struct {
	cfg   Config
	bases []DN // of cfg.Base

	reading chan struct{} // one Read at a time; guards tree
	tree    *tree         // nil until a scoped read has loaded it
	ways    []way         // to be tried, in order

	mu      sync.Mutex // guards what follows
	closed  bool
	idle    []*session
	down    map[string]time.Time // servers that did not answer, and when
	learned []string             // further controllers, when not Strict
	reached map[string]bool      // servers that answered when they were last tried
	facts   *facts               // nil until read
	seen    map[string]sight     // what a controller's database lets this account see
}

var _ canopy.Connector = (*Conn)(nil)

// Open checks a configuration and makes a connector of it. Nothing is contacted before the first use; a password is not
// needed before either. What is wrong with the configuration is an error of kind Invalid.
func Open(cfg Config) (*Conn, error) {
	c := &Conn{cfg: cfg, reading: make(chan struct{}, 1), ways: []way{wayDirSync, waySecurity, wayUSN}, down: map[string]time.Time{}, reached: map[string]bool{}, seen: map[string]sight{}}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("forest %s: %w", cfg.Name, err)
	}
	return c, nil
}

func invalid(object, text, next string) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "config-forest", Object: object, Text: text, Next: next}
}

// complete fills in what is not set and refuses what cannot be.
func (c *Conn) complete() error {
	cfg := &c.cfg
	if len(cfg.Servers) == 0 {
		return invalid("servers", "no domain controller is named", "name at least one, such as ldaps://dc1.contoso.com")
	}
	cfg.Servers = append([]string(nil), cfg.Servers...)
	for i, s := range cfg.Servers {
		t, err := serverAddress(s)
		if err != nil {
			return err
		}
		cfg.Servers[i] = t
	}
	if _, err := cfg.tlsConfig("any"); err != nil {
		return err
	}
	for _, b := range cfg.Base {
		d, err := ParseDN(b)
		if err != nil {
			return err
		}
		if len(d) == 0 {
			return invalid("base", "a base is empty", "name the DN of a domain, such as DC=contoso,DC=com")
		}
		c.bases = append(c.bases, d)
	}
	cfg.DialTimeout = orDefault(cfg.DialTimeout, 10*time.Second)
	cfg.Timeout = orDefault(cfg.Timeout, 2*time.Minute)
	cfg.WatchLimit = orDefault(cfg.WatchLimit, 5*time.Minute)
	cfg.MaxValue = orDefault(cfg.MaxValue, 5<<20)
	cfg.BatchSize = orDefault(cfg.BatchSize, 500)
	cfg.PageSize = orDefault(cfg.PageSize, 1000)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Lookup == nil {
		cfg.Lookup = lookupSRV
	}
	return cfg.Bind.check()
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// serverAddress checks a server and gives it a port.
func serverAddress(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return "", invalid(s, "not the address of a domain controller", "write ldaps://host or ldap://host, with :port where it is not the usual one")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port), nil
}

// Close ends all connections. What is under way ends with errors.
func (c *Conn) Close() error {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	var errs []error
	for _, s := range idle {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// Name is the name that the configuration gives the forest.
func (c *Conn) Name() canopy.ConnectorID { return c.cfg.Name }

// Reached are the controllers that answered when they were last tried, in the order of the configuration.
func (c *Conn) Reached() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, s := range append(append([]string(nil), c.cfg.Servers...), c.learned...) {
		if c.reached[s] && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
