package ad

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// downFor is how long a server that did not answer comes last.
const downFor = time.Minute

// Lookup finds the host names of a domain's controllers, best first.
type Lookup func(ctx context.Context, domain string) ([]string, error)

func lookupSRV(ctx context.Context, domain string) ([]string, error) {
	_, found, err := net.DefaultResolver.LookupSRV(ctx, "ldap", "tcp", "dc._msdcs."+domain)
	var hosts []string
	for _, f := range found {
		hosts = append(hosts, strings.TrimSuffix(f.Target, "."))
	}
	return hosts, err
}

// pinError is a certificate that is not the pinned one.
type pinError struct{ got string }

func (e *pinError) Error() string { return "certificate with SHA-256 " + e.got }

// tlsConfig is what a connection to host is to be like.
func (cfg *Config) tlsConfig(host string) (*tls.Config, error) {
	t := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if cfg.ServerName != "" {
		t.ServerName = cfg.ServerName
	}
	if cfg.CA != nil {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(cfg.CA) {
			return nil, invalid("ca", "there is no certificate in PEM", "give the file of the authority that signed the controllers' certificates")
		}
	}
	if cfg.Pin != "" {
		want, err := hex.DecodeString(strings.ReplaceAll(cfg.Pin, ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, invalid("pin", "not a SHA-256 in hexadecimal", "it has 64 digits")
		}
		t.InsecureSkipVerify = true // in favour of what follows
		t.VerifyConnection = func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if !slices.Equal(got[:], want) {
				return &pinError{got: hex.EncodeToString(got[:])}
			}
			return nil
		}
	}
	return t, nil
}

// connect makes an encrypted connection to one server that nobody has bound yet.
func (c *Conn) connect(ctx context.Context, server string) (*session, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, dialFault(err, server)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, dialFault(err, server)
	}
	var conn net.Conn
	idle := &idleConn{Conn: raw, limit: c.cfg.Timeout}
	conn, err = c.encrypt(ctx, idle, u)
	if err != nil {
		return nil, errors.Join(dialFault(err, server), ignoreClosed(raw.Close()))
	}
	w := newWire(conn, idle)
	l := ldap.NewConn(w, true)
	l.SetTimeout(c.cfg.Timeout)
	l.Start()
	s := &session{wire: w, ldap: l, server: server, host: u.Hostname()}
	if t, ok := conn.(*tls.Conn); ok {
		s.cert = t.ConnectionState().PeerCertificates[0]
	}
	return s, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// encrypt does the handshake, after StartTLS where the address begins in clear text.
func (c *Conn) encrypt(ctx context.Context, raw *idleConn, u *url.URL) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = raw.Conn.Close() }) // its error comes from whoever reads
	defer stop()
	if u.Scheme == "ldap" {
		if c.cfg.Plain {
			return raw, nil
		}
		if err := startTLS(raw); err != nil {
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	cfg, err := c.cfg.tlsConfig(u.Hostname())
	if err != nil {
		return nil, err
	}
	t := tls.Client(raw, cfg)
	return t, t.HandshakeContext(ctx)
}

// servers are the addresses to try, in order.
func (c *Conn) servers(first string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.cfg.Servers)
	if !c.cfg.Strict {
		all = append(all, c.learned...)
	}
	if i := slices.Index(all, first); i > 0 {
		all = slices.Concat([]string{first}, all[:i], all[i+1:])
	}
	now := c.cfg.Clock()
	var up, down []string
	for _, s := range all {
		if at, ok := c.down[s]; ok && now.Sub(at) < downFor {
			down = append(down, s)
		} else if !slices.Contains(up, s) {
			up = append(up, s)
		}
	}
	return append(up, down...)
}

func (c *Conn) markDown(server string, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached[server] = !down
	if down {
		c.down[server] = c.cfg.Clock()
	} else {
		delete(c.down, server)
	}
}

// dial binds to the first server that answers, beginning with first when it is one of the known ones.
func (c *Conn) dial(ctx context.Context, first string) (*session, error) {
	tried := c.servers(first)
	s, errs := c.dialOneOf(ctx, tried)
	if s == nil && !c.cfg.Strict && allUnreachable(errs) && ctx.Err() == nil {
		var more []string
		for _, t := range c.found(ctx) {
			if !slices.Contains(tried, t) {
				more = append(more, t)
			}
		}
		var further []error
		s, further = c.dialOneOf(ctx, more)
		errs = append(errs, further...)
	}
	if s != nil {
		return s, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.cfg.Name, err)
	}
	// Of several the most telling one: a wrong password says more than a server that does not answer.
	for _, err := range errs {
		if canopy.KindOf(err) != canopy.Unreachable {
			return nil, err
		}
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return nil, &canopy.Error{Kind: canopy.Unreachable, Code: "ad-unreachable", Object: strings.Join(tried, ", "), Err: errors.Join(errs...),
		Text: "no domain controller of " + string(c.cfg.Name) + " answers", Next: "check the names, the ports and the firewalls, and that the controllers run"}
}

func allUnreachable(errs []error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool { return canopy.KindOf(err) != canopy.Unreachable })
}

// dialOneOf stops at the first server that takes or refuses the account: trying a wrong password on all of them would
// lock it.
func (c *Conn) dialOneOf(ctx context.Context, servers []string) (*session, []error) {
	var errs []error
	for _, server := range servers {
		s, err := c.connect(ctx, server)
		if err == nil {
			if err = c.bind(ctx, s); err == nil {
				err = s.greet(ctx)
			}
			if err == nil {
				c.markDown(server, false)
				return s, nil
			}
			err = errors.Join(err, s.close())
			if canopy.KindOf(err) == canopy.Credentials {
				return nil, append(errs, err)
			}
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
		c.markDown(server, canopy.KindOf(err) == canopy.Unreachable)
	}
	return nil, errs
}

// found asks DNS for the controllers of the domain that is read.
func (c *Conn) found(ctx context.Context) []string {
	if len(c.bases) == 0 {
		return nil
	}
	hosts, err := c.cfg.Lookup(ctx, c.bases[0].DNS())
	if err != nil {
		return nil // what the named servers answered is the error to tell
	}
	var all []string
	for _, h := range hosts {
		all = append(all, c.addressLike(h))
	}
	return all
}

// addressLike is the address of another controller, reached the way the first server is.
func (c *Conn) addressLike(host string) string {
	if strings.HasPrefix(c.cfg.Servers[0], "ldaps://") {
		return "ldaps://" + net.JoinHostPort(host, "636")
	}
	return "ldap://" + net.JoinHostPort(host, "389")
}
