package graphapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// assertionType is how a program says that it signs in with a signed assertion.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// tokenProblem is why nobody is signed in.
type tokenProblem struct {
	status int
	code   string // OAuth's
	number int    // AADSTS
	text   string
}

// signIn answers what needs no token: the token endpoint, what is told of it, and the list of endpoints.
func (s *Server) signIn(ctx context.Context, req request) response {
	path := strings.ToLower(strings.Trim(req.path, "/"))
	name, rest, _ := strings.Cut(path, "/")
	switch {
	case path == "metadata/endpoints":
		return s.only(req, http.MethodGet, func() response { return asJSON(s.endpoints(req)) })
	case path == "common/discovery/instance":
		return s.only(req, http.MethodGet, func() response { return asJSON(s.instances(req)) })
	case strings.HasSuffix(path, ".well-known/openid-configuration"):
		return s.only(req, http.MethodGet, func() response { return s.configuration(req, name, rest) })
	case rest == "discovery/v2.0/keys", rest == "discovery/keys":
		return s.only(req, http.MethodGet, func() response {
			keys, err := s.issuer.keySet()
			if err != nil {
				return s.refuse(req, err)
			}
			return response{status: http.StatusOK, header: jsonHeader(), body: keys}
		})
	case rest == "oauth2/v2.0/token", rest == "oauth2/token":
		return s.only(req, http.MethodPost, func() response { return s.tokenFor(ctx, req, name) })
	}
	return s.refuse(req, &problem{status: 404, code: codeSyntax, message: "Resource not found for the segment '" + name + "'. The resources begin with /v1.0 and /beta."})
}

func (s *Server) only(req request, method string, answer func() response) response {
	if req.method != method {
		return s.refuse(req, notAllowed())
	}
	return answer()
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json; charset=utf-8"}}
}

func asJSON(v any) response {
	text, err := json.Marshal(v)
	if err != nil {
		return response{status: http.StatusInternalServerError}
	}
	return response{status: http.StatusOK, header: jsonHeader(), body: text}
}

// isTenant tells whether a path's first segment names this tenant.
func (s *Server) isTenant(name string) bool {
	set := s.dir.Settings()
	if name == set.Tenant || name == "common" || name == "organizations" || name == "adfs" {
		return true
	}
	for _, d := range set.Domains {
		if d.Name == name {
			return true
		}
	}
	return false
}

func (s *Server) configuration(req request, name, rest string) response {
	if !s.isTenant(name) {
		return (&tokenProblem{400, "invalid_tenant", 90002, "Tenant '" + name + "' not found."}).answer(s, req)
	}
	at := req.base + "/" + name
	issuer := req.base + "/" + s.dir.Settings().Tenant + "/v2.0"
	token := at + "/oauth2/v2.0/token"
	if !strings.HasPrefix(rest, "v2.0/") {
		token = at + "/oauth2/token"
	}
	return asJSON(map[string]any{"issuer": issuer, "authorization_endpoint": at + "/oauth2/v2.0/authorize", "token_endpoint": token,
		"device_authorization_endpoint": at + "/oauth2/v2.0/devicecode", "end_session_endpoint": at + "/oauth2/v2.0/logout",
		"jwks_uri": at + "/discovery/v2.0/keys", "userinfo_endpoint": req.base + "/oidc/userinfo", "response_modes_supported": []string{"form_post"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic", "private_key_jwt"}, "subject_types_supported": []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"token"}, "scopes_supported": []string{"openid"},
		"claims_supported": []string{"sub", "iss", "aud", "exp", "iat", "tid", "appid", "roles"}, "tenant_region_scope": "WW",
		"cloud_instance_name": hostOf(req.base), "msgraph_host": hostOf(req.base), "request_uri_parameter_supported": false})
}

func hostOf(base string) string { return base[strings.Index(base, "//")+2:] }

// instances answers the discovery of sign-in services: this one stands for all its names.
func (s *Server) instances(req request) any {
	host := hostOf(req.base)
	return map[string]any{"tenant_discovery_endpoint": req.base + "/" + s.dir.Settings().Tenant + "/v2.0/.well-known/openid-configuration", "api-version": "1.1",
		"metadata": []any{map[string]any{"preferred_network": host, "preferred_cache": host, "aliases": []string{host}}}}
}

// endpoints is the list by which HashiCorp's and Microsoft's tools find a cloud's services.
func (s *Server) endpoints(req request) any {
	base := req.base + "/"
	return map[string]any{"name": "Canopy", "portal": base, "graph": base, "graphAudience": base, "microsoftGraphResourceId": base, "resourceManager": base,
		"authentication": map[string]any{"loginEndpoint": base, "audiences": []string{base}, "tenant": "common", "identityProvider": "AAD"}, "suffixes": map[string]string{}}
}

// tokenFor answers the token endpoint.
func (s *Server) tokenFor(ctx context.Context, req request, name string) response {
	form, err := url.ParseQuery(string(req.body))
	if err != nil {
		return (&tokenProblem{400, "invalid_request", 900144, "The request body cannot be read."}).answer(s, req)
	}
	app, audience, no := s.grant(ctx, req, form, name)
	if no != nil {
		return no.answer(s, req)
	}
	token, err := s.issuer.token(app, audience)
	if err != nil {
		return s.refuse(req, err)
	}
	seconds := int(tokenLife.Seconds()) - 1
	out := map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
	if form.Get("scope") == "" { // the older endpoint says numbers as text
		now := s.clock().Unix()
		out = map[string]any{"token_type": "Bearer", "expires_in": fmt.Sprint(seconds), "ext_expires_in": fmt.Sprint(seconds), "resource": audience,
			"not_before": fmt.Sprint(now), "expires_on": fmt.Sprint(now + int64(seconds)), "access_token": token}
	}
	resp := asJSON(out)
	resp.header.Set("Cache-Control", "no-store")
	return resp
}

// grant decides whether a form signs an app in, and for which audience.
func (s *Server) grant(ctx context.Context, req request, form url.Values, name string) (*tenant.App, string, *tokenProblem) {
	if !s.isTenant(name) {
		return nil, "", &tokenProblem{400, "invalid_request", 90002, "Tenant '" + name + "' not found. Check to make sure you have the correct tenant ID."}
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		return nil, "", &tokenProblem{400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + grant + "'."}
	}
	audience, no := audienceOf(form)
	if no != nil {
		return nil, "", no
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := basic(req.header.Get("Authorization")); ok && secret == "" {
		id, secret = user, password
	}
	app, err := s.dir.App(ctx, id)
	switch {
	case canopy.KindOf(err) == canopy.NotFound, err == nil && app.ID != id:
		return nil, "", &tokenProblem{400, "unauthorized_client", 700016, "Application with identifier '" + id + "' was not found in the directory."}
	case err != nil:
		return nil, "", &tokenProblem{503, "temporarily_unavailable", 90033, "The service is temporarily unavailable."}
	case form.Get("client_assertion") != "":
		endpoint := req.base + strings.TrimSuffix(req.path, "/")
		set := s.dir.Settings()
		ways := []string{endpoint, req.base + "/" + set.Tenant + "/v2.0", "https://login.microsoftonline.com/" + name + "/oauth2/v2.0/token",
			"https://login.microsoftonline.com/" + set.Tenant + "/v2.0"}
		err := errors.New("the type of the assertion is not " + assertionType)
		if form.Get("client_assertion_type") == assertionType {
			err = s.issuer.assertion(app, form.Get("client_assertion"), ways)
		}
		if err != nil {
			return nil, "", &tokenProblem{401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application, or the assertion is not good: " + err.Error() + "."}
		}
	case secret == "":
		return nil, "", &tokenProblem{401, "invalid_client", 7000216, "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type."}
	case !app.Knows(secret):
		return nil, "", &tokenProblem{401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '" + id + "'."}
	}
	return app, audience, nil
}

// audienceOf is what a token is asked for: with the newer endpoint as scope <audience>/.default, with the older one as
// resource.
func audienceOf(form url.Values) (string, *tokenProblem) {
	if r := form.Get("resource"); r != "" {
		return strings.TrimRight(r, "/"), nil
	}
	for scope := range strings.FieldsSeq(form.Get("scope")) {
		if a, ok := strings.CutSuffix(scope, "/.default"); ok {
			return strings.TrimRight(a, "/"), nil
		}
	}
	return "", &tokenProblem{400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope " + form.Get("scope") +
		" is not valid: it ends with /.default for the 'client_credentials' grant type."}
}

func basic(header string) (user, password string, ok bool) {
	text, found := strings.CutPrefix(header, "Basic ")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(raw), ":")
	u, err1 := url.QueryUnescape(user)
	p, err2 := url.QueryUnescape(password)
	return u, p, ok && err1 == nil && err2 == nil
}

func (p *tokenProblem) answer(s *Server, req request) response {
	now := s.clock().UTC().Format("2006-01-02 15:04:05Z")
	resp := asJSON(map[string]any{"error": p.code, "error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", p.number, p.text,
		req.id, orElse(req.header.Get("Client-Request-Id"), req.id), now), "error_codes": []int{p.number}, "timestamp": now, "trace_id": req.id,
		"correlation_id": orElse(req.header.Get("Client-Request-Id"), req.id), "error_uri": fmt.Sprintf("%s/error?code=%d", req.base, p.number)})
	resp.status = p.status
	return resp
}
