package link

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/canopy-sync/canopy"
)

// DefaultPort is the service's one port.
const DefaultPort = "8843"

// Service is how an agent reaches the service.
type Service struct {
	URL string // https://host[:port]
	// Proxy gives the HTTP proxy for an address, nil for none; it is http.ProxyFromEnvironment or like it.
	Proxy   func(*http.Request) (*url.URL, error)
	Clock   func() time.Time
	Timeout time.Duration // for the way there; 0: 15 s
}

// address is the service's host, and host and port.
func (s *Service) address() (host, address string, err error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" {
		return "", "", &canopy.Error{Kind: canopy.Invalid, Code: "service-url", Object: s.URL, Text: "not the address of a service",
			Next: "write https://host or https://host:port"}
	}
	port := u.Port()
	if port == "" {
		port = DefaultPort
	}
	return u.Hostname(), net.JoinHostPort(u.Hostname(), port), nil
}

// dial reaches the service, through the proxy where there is one. The connection has a deadline.
func (s *Service) dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	var via *url.URL
	if s.Proxy != nil {
		var err error
		if via, err = s.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: address}}); err != nil {
			return nil, fmt.Errorf("find the proxy: %w", err)
		}
	}
	to := address
	if via != nil {
		to = via.Host
		if via.Port() == "" {
			to = net.JoinHostPort(via.Hostname(), map[string]string{"http": "80", "https": "443"}[via.Scheme])
		}
	}
	conn, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, unreachable(to, err)
	}
	at, _ := ctx.Deadline()
	if err := conn.SetDeadline(at); err != nil {
		_ = conn.Close() // the first error counts
		return nil, fmt.Errorf("set a deadline: %w", err)
	}
	if via == nil {
		return conn, nil
	}
	through, err := tunnel(ctx, conn, via, address)
	if err != nil {
		_ = conn.Close() // the first error counts
		return nil, unreachable("proxy "+via.Redacted(), err)
	}
	return through, nil
}

func unreachable(object string, err error) error {
	return &canopy.Error{Kind: canopy.Unreachable, Code: "service-unreachable", Object: object, Text: "the service cannot be reached", Err: err,
		Next: "check the address, the proxy and the firewall: one port to the outside is all that is needed"}
}

// tunnel asks a proxy for a way to address.
func tunnel(ctx context.Context, conn net.Conn, via *url.URL, address string) (net.Conn, error) {
	switch via.Scheme {
	case "http":
	case "https":
		t := tls.Client(conn, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = t
	default:
		return nil, fmt.Errorf("a proxy of the kind %q is not known", via.Scheme)
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if via.User != nil {
		word, _ := via.User.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(via.User.Username()+":"+word)))
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 4<<10)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("it answers " + resp.Status)
	}
	if r.Buffered() > 0 {
		return nil, errors.New("it talks before it is spoken to")
	}
	return conn, nil
}

func (s *Service) within(ctx context.Context) (context.Context, context.CancelFunc) {
	d := s.Timeout
	if d <= 0 {
		d = 15 * time.Second
	}
	return context.WithTimeout(ctx, d)
}

// Key is an agent's key and its certificate. The key never leaves the machine that it was made on.
type Key struct {
	Private     *ecdsa.PrivateKey
	Certificate []byte // PEM
	Authority   []byte // PEM: whom to believe
}

// NewKey makes the key of an agent that is to be enrolled.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// Enrol gets the first certificate for a key. Whom to believe is in the token.
func (s *Service) Enrol(ctx context.Context, token, host, version string, key *ecdsa.PrivateKey) (*Enrolled, error) {
	_, pin, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	name, _, err := s.address()
	if err != nil {
		return nil, err
	}
	cfg := s.config(name)
	cfg.NextProtos, cfg.InsecureSkipVerify = []string{protoEnrol}, true // in favour of what follows
	cfg.VerifyConnection = func(c tls.ConnectionState) error { return s.pinned(c, pin) }
	made, err := s.request(ctx, cfg, &enrolRequest{Token: token, Host: host, Version: version}, key)
	if err != nil {
		return nil, err
	}
	return made, checkPin(made.Authority, pin)
}

// pinned takes a certificate that the authority with this pin has signed, for the service's name.
func (s *Service) pinned(c tls.ConnectionState, pin [sha256.Size]byte) error {
	name, _, err := s.address()
	if err != nil {
		return err
	}
	for _, root := range c.PeerCertificates {
		if sha256.Sum256(root.Raw) != pin {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(root)
		_, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: s.Clock()})
		return err
	}
	return x509.UnknownAuthorityError{Cert: c.PeerCertificates[0]}
}

func checkPin(authority []byte, pin [sha256.Size]byte) error {
	cert, err := parseCertificate(authority)
	if err == nil && sha256.Sum256(cert.Raw) != pin {
		err = errors.New("the authority is another one than the token names")
	}
	return err
}

// Renew gets the next certificate, for a key of its own.
func (s *Service) Renew(ctx context.Context, k *Key, host, version string, next *ecdsa.PrivateKey) (*Enrolled, error) {
	cfg, err := s.known(k)
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = []string{protoEnrol}
	return s.request(ctx, cfg, &enrolRequest{Host: host, Version: version}, next)
}

func (s *Service) request(ctx context.Context, cfg *tls.Config, req *enrolRequest, key *ecdsa.PrivateKey) (*Enrolled, error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Request = der
	_, address, err := s.address()
	if err != nil {
		return nil, err
	}
	conn, err := s.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the answer is here, or its error is
	return request(ctx, conn, cfg, req)
}

func (s *Service) config(name string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, ServerName: name, Time: s.Clock}
}

// known is the way to the service that an agent belongs to.
func (s *Service) known(k *Key) (*tls.Config, error) {
	name, _, err := s.address()
	if err != nil {
		return nil, err
	}
	leaf, err := parseCertificate(k.Certificate)
	if err != nil {
		return nil, err
	}
	if !k.Private.PublicKey.Equal(leaf.PublicKey) {
		return nil, errors.New("the certificate is another key's")
	}
	cfg := s.config(name)
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(k.Authority) {
		return nil, errors.New("there is no authority's certificate")
	}
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: k.Private, Leaf: leaf}}
	return cfg, nil
}

// Connect makes the connection on which the service then asks.
func (s *Service) Connect(ctx context.Context, k *Key) (net.Conn, error) {
	cfg, err := s.known(k)
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = []string{protoLink}
	ctx, cancel := s.within(ctx)
	defer cancel()
	_, address, err := s.address()
	if err != nil {
		return nil, err
	}
	raw, err := s.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the first error counts
		return nil, handshakeFault(err)
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		_ = raw.Close() // the first error counts
		return nil, fmt.Errorf("clear the deadline: %w", err)
	}
	return conn, nil
}

// Probe makes a connection and waits until the service has begun to ask on it: then it takes this agent.
func (s *Service) Probe(ctx context.Context, k *Key) error {
	conn, err := s.Connect(ctx, k)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it was for the question alone
	ctx, cancel := s.within(ctx)
	defer cancel()
	at, _ := ctx.Deadline()
	if err := conn.SetReadDeadline(at); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // what a service says first that speaks HTTP/2
		return handshakeFault(err)
	}
	return nil
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	der, err := derOf(text)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Until is until when the certificate is good, and since when.
func (k *Key) Until() (from, to time.Time, err error) {
	c, err := parseCertificate(bytes.TrimSpace(k.Certificate))
	if err != nil {
		return from, to, err
	}
	return c.NotBefore, c.NotAfter, nil
}
