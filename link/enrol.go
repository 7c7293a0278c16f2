package link

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/canopy-sync/canopy"
)

// maxEnrol is the most that a caller without a certificate may send.
const maxEnrol = 16 << 10

// enrolRequest asks for a certificate: with a token for the first one, with the certificate shown for the next.
type enrolRequest struct {
	Token   string `json:"token,omitempty"`
	Request []byte `json:"request"` // PKCS #10, DER
	Host    string `json:"host"`
	Version string `json:"version"`
}

// Enrolled is what an agent gets.
type Enrolled struct {
	Agent       string               `json:"agent"`
	Certificate []byte               `json:"certificate"` // PEM
	Authority   []byte               `json:"authority"`   // PEM
	Domains     []canopy.ConnectorID `json:"domains,omitempty"`
}

// tokenForm begins every enrolment token, so that one is known where it lies about.
const tokenForm = "canopy-enrol-"

const secretSize = 32

// NewToken makes an enrolment token, and the hash that is to be kept of it. The token also tells the agent which
// authority to believe.
func (a *Authority) NewToken() (token string, hash [sha256.Size]byte, err error) {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return "", hash, fmt.Errorf("make a token: %w", err)
	}
	pin := a.Pin()
	return tokenForm + base64.RawURLEncoding.EncodeToString(append(secret, pin[:]...)), sha256.Sum256(secret), nil
}

// parseToken takes a token apart: the hash of its secret, and the authority's pin.
func parseToken(token string) (hash, pin [sha256.Size]byte, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(token), tokenForm)
	b, fail := base64.RawURLEncoding.DecodeString(text)
	if !ok || fail != nil || len(b) != secretSize+sha256.Size {
		return hash, pin, &canopy.Error{Kind: canopy.Invalid, Code: "token-form", Text: "this is no enrolment token",
			Next: "make one with canopy agent token, and copy all of it"}
	}
	copy(pin[:], b[secretSize:])
	return sha256.Sum256(b[:secretSize]), pin, nil
}

// enrol answers one request for a certificate; id is the agent that the caller's certificate names, "" without one.
func (h *Hub) enrol(ctx context.Context, conn net.Conn, id string) error {
	made, err := h.enrolled(ctx, conn, id)
	var f []byte
	var fail error
	if err != nil {
		f, fail = jsonFrame(frameFault, faultOf(err))
	} else {
		f, fail = jsonFrame(frameJSON, made)
	}
	if fail == nil {
		_, fail = conn.Write(f)
	}
	if err != nil {
		err = fmt.Errorf("enrol: %w", err)
	} else if fail == nil {
		h.Log.Info("certificate given", "agent", made.Agent, "address", conn.RemoteAddr().String(), "first", id == "")
	}
	return errors.Join(err, fail)
}

func (h *Hub) enrolled(ctx context.Context, conn io.Reader, id string) (*Enrolled, error) {
	k, content, err := readFrame(conn, maxEnrol)
	if err != nil {
		return nil, err
	}
	var req enrolRequest
	if k != frameJSON {
		return nil, errors.New("this is no request for a certificate")
	}
	if err := json.Unmarshal(content, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if id != "" {
		return h.renew(ctx, &req, id)
	}
	return h.first(ctx, &req)
}

// first gives a certificate for a token.
func (h *Hub) first(ctx context.Context, req *enrolRequest) (*Enrolled, error) {
	hash, _, err := parseToken(req.Token)
	if err != nil {
		return nil, err
	}
	id, err := newID()
	if err != nil {
		return nil, err
	}
	now := h.Clock()
	der, expires, err := h.Authority.sign(req.Request, id, now, h.Life) // before the token is used up
	if err != nil {
		return nil, err
	}
	a, err := h.Registry.Redeem(ctx, hash, canopy.Agent{ID: id, Enrolled: now, Expires: expires, Contact: canopy.AgentContact{Host: req.Host, Version: req.Version}})
	if err != nil {
		return nil, err
	}
	return &Enrolled{Agent: id, Certificate: certPEM(der), Authority: h.Authority.PEM(), Domains: a.Domains}, nil
}

// renew gives an agent its next certificate.
func (h *Hub) renew(ctx context.Context, req *enrolRequest, id string) (*Enrolled, error) {
	a, err := h.admit(ctx, id)
	if err != nil {
		return nil, err
	}
	der, expires, err := h.Authority.sign(req.Request, id, h.Clock(), h.Life)
	if err != nil {
		return nil, err
	}
	if err := h.Registry.Renewed(ctx, id, expires); err != nil {
		return nil, err
	}
	return &Enrolled{Agent: id, Certificate: certPEM(der), Authority: h.Authority.PEM(), Domains: a.Domains}, nil
}

func newID() (string, error) {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a name: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// request asks the service for a certificate, over a connection whose deadline is set.
func request(ctx context.Context, conn net.Conn, cfg *tls.Config, req *enrolRequest) (*Enrolled, error) {
	t := tls.Client(conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, handshakeFault(err)
	}
	f, err := jsonFrame(frameJSON, req)
	if err != nil {
		return nil, err
	}
	if _, err := t.Write(f); err != nil {
		return nil, handshakeFault(err)
	}
	k, content, err := readFrame(t, maxFrame)
	if err != nil {
		return nil, handshakeFault(err)
	}
	if k == frameFault {
		return nil, faultFrom(content)
	}
	var made Enrolled
	if err := json.Unmarshal(content, &made); err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &made, nil
}

// handshakeFault tells a service that is not the right one from one that cannot be reached.
func handshakeFault(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) {
		return &canopy.Error{Kind: canopy.Credentials, Code: "service-certificate", Text: "this is not the service that the agent belongs to", Err: err,
			Next: "check the address, that canopy serve was given this name with --name, and that no proxy opens the connection"}
	}
	return &canopy.Error{Kind: canopy.Unreachable, Code: "service-unreachable", Text: "the service does not let the agent in", Err: err,
		Next: "look at canopy agent list and the service's log: the certificate may have expired or been revoked"}
}
