package graphapi

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 by its definition
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/canopy-sync/canopy/tenant"
)

// graphAppID is the id that Microsoft Graph itself has as an application.
const graphAppID = "00000003-0000-0000-c000-000000000000"

const (
	tokenLife = time.Hour
	// keepCallers is how long a token that was found good is not looked at again.
	keepCallers = time.Minute
	maxCallers  = 10000
)

// issuer makes and judges access tokens.
type issuer struct {
	s      *Server
	key    *rsa.PrivateKey
	keyID  string
	signer jose.Signer

	mu      sync.Mutex // guards all below
	callers map[[32]byte]seenCaller
	used    map[string]time.Time // assertions that were taken, until they end
}

type seenCaller struct {
	who   *caller
	until time.Time
}

// caller is a program that has signed in.
type caller struct {
	app   *tenant.App
	roles []string
}

// may tells whether the caller has one of the roles; none asked is everybody.
func (w *caller) may(roles []string) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(w.roles, r) })
}

// claims are those of an access token.
type claims struct {
	Audience string   `json:"aud"`
	Issuer   string   `json:"iss"`
	IssuedAt int64    `json:"iat"`
	Before   int64    `json:"nbf"`
	Expires  int64    `json:"exp"`
	App      string   `json:"appid"`
	AppName  string   `json:"app_displayname"`
	AppACR   string   `json:"appidacr"`
	IDP      string   `json:"idp"`
	IDType   string   `json:"idtyp"`
	Object   string   `json:"oid"`
	Subject  string   `json:"sub"`
	Tenant   string   `json:"tid"`
	ID       string   `json:"uti"`
	Version  string   `json:"ver"`
	Roles    []string `json:"roles"`
}

// newIssuer takes the tenant's signing key, and makes it when there is none.
func newIssuer(ctx context.Context, s *Server) (*issuer, error) {
	text, err := s.dir.Keep(ctx, "signing key", func() ([]byte, error) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS1PrivateKey(key), nil
	})
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	i := &issuer{s: s, key: key, keyID: base64.RawURLEncoding.EncodeToString(sum[:20]), callers: map[[32]byte]seenCaller{}, used: map[string]time.Time{}}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", i.keyID).WithHeader("x5t", i.keyID)
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	return i, err
}

// token makes an access token for an app.
func (i *issuer) token(app *tenant.App, audience string) (string, error) {
	now := i.s.clock()
	t := i.s.dir.Settings().Tenant
	acr := "1"
	if len(app.Certificates) > 0 {
		acr = "2"
	}
	return jwt.Signed(i.signer).Claims(claims{Audience: audience, Issuer: "https://sts.windows.net/" + t + "/", IssuedAt: now.Unix(), Before: now.Unix(),
		Expires: now.Add(tokenLife).Unix(), App: app.ID, AppName: app.Name, AppACR: acr, IDP: "https://sts.windows.net/" + t + "/", IDType: "app",
		Object: string(app.Object), Subject: string(app.Object), Tenant: t, ID: i.s.newID(), Version: "1.0", Roles: app.Roles}).Serialize()
}

func badToken(message string) *problem {
	return &problem{status: 401, code: codeToken, message: message}
}

// caller tells who a request's bearer is. An app that was removed, or whose roles were changed, is noticed within a minute.
func (i *issuer) caller(ctx context.Context, authorization string) (*caller, error) {
	scheme, raw, _ := strings.Cut(authorization, " ")
	if raw = strings.TrimSpace(raw); raw == "" || !strings.EqualFold(scheme, "bearer") {
		return nil, badToken("Access token is empty.")
	}
	sum := sha256.Sum256([]byte(raw))
	now := i.s.clock()
	i.mu.Lock()
	seen, ok := i.callers[sum]
	i.mu.Unlock()
	if ok && now.Before(seen.until) {
		return seen.who, nil
	}
	c, err := i.judge(raw, now)
	if err != nil {
		return nil, err
	}
	app, err := i.s.dir.App(ctx, c.App)
	if err != nil || app.ID != c.App {
		return nil, badToken("The identity of the calling application could not be established.")
	}
	who := &caller{app: app, roles: app.Roles}
	until := now.Add(keepCallers)
	if end := time.Unix(c.Expires, 0); end.Before(until) {
		until = end
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.callers) >= maxCallers {
		clear(i.callers)
	}
	i.callers[sum] = seenCaller{who, until}
	return who, nil
}

// judge checks an access token's signature, time and tenant.
func (i *issuer) judge(raw string, now time.Time) (*claims, error) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, badToken("IDX14100: JWT is not well formed, there are no dots (.).")
	}
	var c claims
	if err := parsed.Claims(&i.key.PublicKey, &c); err != nil {
		return nil, badToken("Signature verification failed.")
	}
	switch {
	case now.Unix() >= c.Expires:
		return nil, badToken("Lifetime validation failed, the token is expired.")
	case c.Tenant != i.s.dir.Settings().Tenant:
		return nil, badToken("The token was issued for another tenant.")
	}
	return &c, nil
}

// assertion tells whether a signed assertion proves an app: signed by one of its certificates, meant for this endpoint,
// still good, and not used before.
func (i *issuer) assertion(app *tenant.App, raw string, endpoints []string) error {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256, jose.PS256})
	if err != nil {
		return err
	}
	var c jwt.Claims
	verified := false
	for _, der := range app.Certificates {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		if verified = named(parsed.Headers, der) && parsed.Claims(cert.PublicKey, &c) == nil; verified {
			break
		}
	}
	now := i.s.clock()
	switch {
	case !verified:
		return fmt.Errorf("no certificate of the app made the signature")
	case c.Issuer != app.ID || c.Subject != app.ID:
		return fmt.Errorf("the assertion is not the app's own: issuer %q, subject %q", c.Issuer, c.Subject)
	case !slices.ContainsFunc(endpoints, func(e string) bool { return c.Audience.Contains(e) }):
		return fmt.Errorf("the assertion is for %q", []string(c.Audience))
	case c.Expiry == nil || !now.Before(c.Expiry.Time().Add(5*time.Minute)) || c.NotBefore != nil && now.Add(5*time.Minute).Before(c.NotBefore.Time()):
		return fmt.Errorf("the assertion is not within its valid time range")
	case c.ID == "":
		return fmt.Errorf("the assertion has no id")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, end := range i.used {
		if now.After(end) {
			delete(i.used, id)
		}
	}
	key := app.ID + " " + c.ID
	if _, used := i.used[key]; used {
		return fmt.Errorf("the assertion was used before")
	}
	i.used[key] = c.Expiry.Time().Add(5 * time.Minute)
	return nil
}

// named tells whether the header names this certificate by a thumbprint, or none.
func named(headers []jose.Header, der []byte) bool {
	one, two := sha1.Sum(der), sha256.Sum256(der) //nolint:gosec // see above
	for _, h := range headers {
		for name, sum := range map[jose.HeaderKey][]byte{"x5t": one[:], "x5t#S256": two[:]} {
			if text, ok := h.ExtraHeaders[name].(string); ok {
				return strings.TrimRight(text, "=") == base64.RawURLEncoding.EncodeToString(sum)
			}
		}
	}
	return true
}

// keySet is the public half of the signing key.
func (i *issuer) keySet() ([]byte, error) {
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: i.keyID, Algorithm: "RS256", Use: "sig"}}})
}
