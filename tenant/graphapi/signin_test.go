package graphapi

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// TestAssertion: an assertion signs its app in once, and only when it is the app's own, for this endpoint and in time.
func TestAssertion(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: r.now, NotAfter: r.now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	app, _, err := r.server.dir.AddApp(t.Context(), "signer", []string{"User.Read.All"}, der)
	if err != nil {
		t.Fatal(err)
	}
	const endpoint = "https://graph.lab/common/oauth2/v2.0/token"
	good := jwt.Claims{Issuer: app.ID, Subject: app.ID, Audience: jwt.Audience{endpoint}, ID: "one", Expiry: jwt.NewNumericDate(r.now.Add(time.Minute))}
	send := func(c jwt.Claims, k *rsa.PrivateKey) (int, float64) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: k}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.Signed(signer).Claims(c).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ID}, "client_assertion_type": {assertionType}, "client_assertion": {text},
			"scope": {"https://graph.lab//.default"}}
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+"?client-request-id=x", strings.NewReader(form.Encode())))
		var body struct {
			Codes []float64 `json:"error_codes"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Codes) == 0 {
			return rec.Code, 0
		}
		return rec.Code, body.Codes[0]
	}
	change := func(fn func(*jwt.Claims)) jwt.Claims {
		c := good
		c.ID = "another"
		fn(&c)
		return c
	}
	for _, c := range []struct {
		name   string
		claims jwt.Claims
		key    *rsa.PrivateKey
		status int
	}{
		{"good", good, key, 200},
		{"used before", good, key, 401},
		{"signed by another key", change(func(*jwt.Claims) {}), other, 401},
		{"for another endpoint", change(func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere"} }), key, 401},
		{"another app's", change(func(c *jwt.Claims) { c.Subject = "x" }), key, 401},
		{"too late", change(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(r.now.Add(-time.Hour)) }), key, 401},
		{"for ever", change(func(c *jwt.Claims) { c.Expiry = nil }), key, 401},
		{"without an id", change(func(c *jwt.Claims) { c.ID = "" }), key, 401},
	} {
		status, code := send(c.claims, c.key)
		if status != c.status || c.status == 401 && code != 700027 {
			t.Errorf("%s: got %d, AADSTS%v, want %d", c.name, status, code, c.status)
		}
	}
}

// TestSignInRefusals: who does not sign in is told why, in the real service's codes.
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	app, err := r.server.dir.App(t.Context(), "tests")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, tenant, form, code string
		status                   int
		number                   float64
	}{
		{"a wrong secret", "common", "grant_type=client_credentials&client_secret=x&scope=x/.default&client_id=" + app.ID, "invalid_client", 401, 7000215},
		{"no secret", "common", "grant_type=client_credentials&scope=x/.default&client_id=" + app.ID, "invalid_client", 401, 7000216},
		{"an unknown app", "common", "grant_type=client_credentials&client_secret=x&scope=x/.default&client_id=x", "unauthorized_client", 400, 700016},
		{"the app's name", "common", "grant_type=client_credentials&client_secret=x&scope=x/.default&client_id=tests", "unauthorized_client", 400, 700016},
		{"another tenant", "fabrikam.com", "grant_type=client_credentials", "invalid_request", 400, 90002},
		{"a wrong scope", "contoso.com", "grant_type=client_credentials&scope=User.Read&client_id=" + app.ID, "invalid_scope", 400, 70011},
		{"a password", "common", "grant_type=password", "unsupported_grant_type", 400, 70003},
	} {
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.lab/"+c.tenant+"/oauth2/v2.0/token", strings.NewReader(c.form)))
		var got struct {
			Error string    `json:"error"`
			Codes []float64 `json:"error_codes"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if rec.Code != c.status || got.Error != c.code || len(got.Codes) != 1 || got.Codes[0] != c.number {
			t.Errorf("%s: got %d %s", c.name, rec.Code, rec.Body)
		}
	}
	for _, path := range []string{"/common/v2.0/.well-known/openid-configuration?", "/contoso.com/.well-known/openid-configuration", "/adfs/.well-known/openid-configuration",
		"/common/discovery/v2.0/keys", "/metadata/endpoints?api-version=2022-09-01", "/common/discovery/instance?api-version=1.1"} {
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.lab"+path, nil))
		if rec.Code != 200 || !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
		}
	}
}
