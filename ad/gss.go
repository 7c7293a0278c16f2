package ad

import (
	"crypto"
	"crypto/md5"
	_ "crypto/sha256" // the hashes that signatures of certificates are made with
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

// gssClient ties a Kerberos bind to the TLS connection that carries it, which go-ldap's own does not: a controller that
// demands it (LdapEnforceChannelBinding 2) refuses a ticket that does not name the certificate the client has seen.
type gssClient struct {
	gssapi.Client
	binding []byte // nil: to no connection
}

func (g *gssClient) InitSecContext(target string, input []byte) ([]byte, bool, error) {
	return g.InitSecContextWithOptions(target, input, nil)
}

func (g *gssClient) InitSecContextWithOptions(target string, input []byte, options []int) ([]byte, bool, error) {
	output, more, err := g.Client.InitSecContextWithOptions(target, input, options)
	if err != nil || input != nil || g.binding == nil {
		return output, more, err
	}
	output, err = g.bound(target, output)
	return output, more, err
}

// bound puts the binding into the first token, where RFC 4121 4.1.1 has it: in the authenticator's checksum.
func (g *gssClient) bound(target string, first []byte) ([]byte, error) {
	var t spnego.KRB5Token
	if err := t.Unmarshal(first); err != nil {
		return nil, err
	}
	_, key, err := g.GetServiceTicket(target) // the one in the token: the client keeps it
	if err != nil {
		return nil, err
	}
	q := &t.APReq
	if err := q.DecryptAuthenticator(key); err != nil {
		return nil, err
	}
	sum := q.Authenticator.Cksum.Checksum
	if len(sum) < 24 {
		return nil, errors.New("the authenticator's checksum is too short for a channel binding")
	}
	copy(sum[4:20], g.binding)
	a, err := messages.NewAPReq(q.Ticket, key, q.Authenticator)
	if err != nil {
		return nil, err
	}
	a.APOptions = q.APOptions
	t.APReq = a
	return t.Marshal()
}

// endPointHashes are the hashes by which RFC 5929 4.1 names a certificate: that of its signature, SHA-256 for the weak
// ones. Signatures without a hash of their own have no binding.
var endPointHashes = map[x509.SignatureAlgorithm]crypto.Hash{
	x509.MD5WithRSA: crypto.SHA256, x509.SHA1WithRSA: crypto.SHA256, x509.ECDSAWithSHA1: crypto.SHA256, x509.DSAWithSHA1: crypto.SHA256,
	x509.SHA256WithRSA: crypto.SHA256, x509.SHA256WithRSAPSS: crypto.SHA256, x509.ECDSAWithSHA256: crypto.SHA256, x509.DSAWithSHA256: crypto.SHA256,
	x509.SHA384WithRSA: crypto.SHA384, x509.SHA384WithRSAPSS: crypto.SHA384, x509.ECDSAWithSHA384: crypto.SHA384,
	x509.SHA512WithRSA: crypto.SHA512, x509.SHA512WithRSAPSS: crypto.SHA512, x509.ECDSAWithSHA512: crypto.SHA512,
}

// channelBinding names a connection by its server's certificate (tls-server-end-point), in the form that a Kerberos
// checksum takes; nil where there is none.
func channelBinding(cert *x509.Certificate) []byte {
	if cert == nil {
		return nil
	}
	hash, ok := endPointHashes[cert.SignatureAlgorithm]
	if !ok {
		return nil
	}
	h := hash.New()
	h.Write(cert.Raw)
	return bindingOf(h.Sum(nil))
}

// bindingOf is the MD5 of the structure of RFC 2744 3.11 without addresses, as RFC 4121 4.1.1.2 writes it.
func bindingOf(certificate []byte) []byte {
	data := fmt.Appendf(nil, "tls-server-end-point:%s", certificate)
	b := binary.LittleEndian.AppendUint32(make([]byte, 16), uint32(len(data)))
	sum := md5.Sum(append(b, data...))
	return sum[:]
}
