package graphapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/canopy-sync/canopy"
)

// The files of the local authority in the state directory.
const (
	AuthorityName = "tenant-ca.pem"
	authorityKey  = "tenant-ca.key"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 397 * 24 * time.Hour
)

// Certificate gives a certificate for the hosts, made by the authority that is kept in dir, which is made when there is
// none. Clients trust the file AuthorityName in dir; its key never leaves dir, and the certificate's is kept nowhere.
func Certificate(dir string, hosts []string, now time.Time) (tls.Certificate, error) {
	ca, key, err := authority(dir, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0], Organization: []string{"Canopy tenant"}}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(certificateLife), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca, own.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate for %v: %w", hosts, err)
	}
	return tls.Certificate{Certificate: [][]byte{der, ca.Raw}, PrivateKey: own}, nil
}

// authority reads the local authority, and makes it when there is none.
func authority(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	path, keyPath := filepath.Join(dir, AuthorityName), filepath.Join(dir, authorityKey)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(path, keyPath, now)
	}
	if err != nil {
		return nil, nil, err
	}
	keyText, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, nil, err
	}
	damaged := func(err error) error {
		return &canopy.Error{Kind: canopy.Invalid, Object: path, Text: "the local authority cannot be read",
			Next: "delete " + path + " and " + keyPath + " to have a new one, and trust that", Err: err}
	}
	block, _ := pem.Decode(text)
	keyBlock, _ := pem.Decode(keyText)
	if block == nil || keyBlock == nil {
		return nil, nil, damaged(errors.New("no PEM"))
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, damaged(err)
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, damaged(err)
	}
	return ca, key, nil
}

func newAuthority(path, keyPath string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Canopy tenant, local authority", Organization: []string{"Canopy"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the local authority: %w", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, nil, fmt.Errorf("keep the local authority: %w", err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, nil, fmt.Errorf("keep the local authority: %w", err)
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}
