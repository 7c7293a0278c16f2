package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// AuthorityName is the file in the state directory with the service's authority: its key and its certificate.
const AuthorityName = "agents-ca.pem"

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 90 * 24 * time.Hour
	// AgentLife is how long an agent's certificate is good.
	AgentLife = 7 * 24 * time.Hour
	// leeway is how far clocks may differ before a new certificate is not valid yet.
	leeway = 10 * time.Minute
)

// Authority is the service's own certificate authority. It signs agents' certificates and the service's own, and nothing
// else trusts it.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// OpenAuthority reads the authority of a state directory, and makes it when there is none.
func OpenAuthority(dir string, now time.Time) (*Authority, error) {
	path := filepath.Join(dir, AuthorityName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeAuthority(path, now); err != nil {
			return nil, fmt.Errorf("make the agents' certificate authority: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the agents' certificate authority: %w", err)
	}
	a, err := parseAuthority(text)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "authority", Object: path, Text: "this is not the key and certificate of an authority", Err: err,
			Next: "restore it from a backup; without it every agent must be enrolled again"}
	}
	return a, nil
}

// makeAuthority puts a whole file in its place, unless another process did so meanwhile.
func makeAuthority(path string, now time.Time) (err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t, err := template("Canopy agents", now, authorityLife)
	if err != nil {
		return err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), AuthorityName+".") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), certPEM(der)...)
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func derOf(text []byte) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("there is no certificate in PEM form")
	}
	return block.Bytes, nil
}

func parseAuthority(text []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("the certificate is no authority's")
	}
	return &Authority{cert: pair.Leaf, key: key}, nil
}

// template is what all certificates have.
func template(name string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-leeway), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}, nil
}

// Pin is the SHA-256 of the authority's certificate, by which an agent that enrols knows the service.
func (a *Authority) Pin() [sha256.Size]byte { return sha256.Sum256(a.cert.Raw) }

// PEM is the authority's certificate, without its key.
func (a *Authority) PEM() []byte { return certPEM(a.cert.Raw) }

func (a *Authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// server makes the service's own certificate, for its names and addresses.
func (a *Authority) server(names []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t, err := template("Canopy service", now, serverLife)
	if err != nil {
		return nil, err
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the service's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, err
}

const agentScheme = "canopy"

// agentURI is an agent's name in its certificate.
func agentURI(id string) *url.URL {
	return &url.URL{Scheme: agentScheme, Host: "agent", Path: "/" + id}
}

// sign makes an agent's certificate. Of the request only the key counts; the names are the service's to give.
func (a *Authority) sign(request []byte, id string, now time.Time, life time.Duration) ([]byte, time.Time, error) {
	bad := func(err error) ([]byte, time.Time, error) {
		return nil, time.Time{}, &canopy.Error{Kind: canopy.Invalid, Code: "enrol-request", Text: "the certificate request is not sound", Err: err,
			Next: "enrol with canopy-agent of a current version"}
	}
	r, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return bad(err)
	}
	if err := r.CheckSignature(); err != nil {
		return bad(err)
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return bad(errors.New("the key is not one of P-256"))
	}
	t, err := template(id, now, life)
	if err != nil {
		return nil, time.Time{}, err
	}
	t.ExtKeyUsage, t.URIs = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, []*url.URL{agentURI(id)}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key, a.key)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("sign the agent's certificate: %w", err)
	}
	return der, t.NotAfter, nil
}

// agentOf is the agent that a verified certificate names.
func agentOf(c *x509.Certificate) (string, error) {
	for _, u := range c.URIs {
		if id, ok := strings.CutPrefix(u.Path, "/"); ok && u.Scheme == agentScheme && u.Host == "agent" && id != "" {
			return id, nil
		}
	}
	return "", errors.New("the certificate names no agent")
}
