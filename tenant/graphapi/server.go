package graphapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/canopy-sync/canopy/tenant"
)

// Options are what a server is made with.
type Options struct {
	Tenant *tenant.Tenant
	// Log takes what went wrong on this side; nil takes nothing.
	Log *slog.Logger
	// Clock gives the time of tokens and throttling; nil is the system's.
	Clock func() time.Time
	// NewID makes request ids; nil makes random ones.
	NewID func() string
	// Throttle limits callers as the real service does; the zero Throttle does not.
	Throttle Throttle
}

// Server answers HTTP as Microsoft Graph and its sign-in service do. It is safe for any number of callers.
type Server struct {
	dir      *tenant.Directory
	log      *slog.Logger
	clock    func() time.Time
	newID    func() string
	entities map[string]*entity
	routes   *routes
	issuer   *issuer
	throttle *throttle
}

// maxBody is the largest request that is read.
const maxBody = 4 << 20

// New makes a server. It reads the tenant's signing key, and makes one when there is none.
func New(ctx context.Context, opt Options) (*Server, error) {
	s := &Server{dir: opt.Tenant.Directory(), log: opt.Log, clock: opt.Clock, newID: opt.NewID, entities: entities()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.newID == nil {
		s.newID = randomID
	}
	var err error
	if s.issuer, err = newIssuer(ctx, s); err != nil {
		return nil, fmt.Errorf("make the Graph door: %w", err)
	}
	s.throttle = newThrottle(opt.Throttle)
	s.routes = routeTable()
	return s, nil
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// request is one call, alone or in a batch.
type request struct {
	method string
	path   string // as it was sent, below the host
	query  string
	header http.Header
	body   []byte
	base   string // "https://host"
	id     string
}

// response is the answer to one.
type response struct {
	status int
	header http.Header
	body   []byte // nil: none
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	req := request{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, header: r.Header, body: body, base: "https://" + r.Host, id: s.newID()}
	if r.TLS == nil {
		req.base = "http://" + r.Host
	}
	var resp response
	switch {
	case err != nil:
		resp = s.refuse(req, &problem{status: 413, code: codeBad, message: "The request is too large."})
	default:
		resp = s.answer(r.Context(), req)
	}
	h := w.Header()
	for name, values := range resp.header {
		h[name] = values
	}
	h.Set("Request-Id", req.id)
	if client := req.header.Get("Client-Request-Id"); client != "" {
		h.Set("Client-Request-Id", client)
	}
	h.Set("Cache-Control", "no-cache")
	if resp.body == nil {
		w.WriteHeader(resp.status)
		return
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
		h.Set("Odata-Version", "4.0")
	}
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // the caller has gone
}

// answer is the door to both services: signing in is open, the rest needs a token.
func (s *Server) answer(ctx context.Context, req request) response {
	if version, _ := cutSegment(req.path); version != "v1.0" && version != "beta" {
		return s.signIn(ctx, req)
	}
	who, err := s.issuer.caller(ctx, req.header.Get("Authorization"))
	if err != nil {
		return s.refuse(req, err)
	}
	return s.within(ctx, who, req)
}

// within answers somebody who is signed in.
func (s *Server) within(ctx context.Context, who *caller, req request) response {
	version, rest := cutSegment(req.path)
	if strings.EqualFold(strings.Trim(rest, "/"), "$batch") {
		return s.batch(ctx, who, version, req)
	}
	return s.call(ctx, who, version, rest, req)
}

// cutSegment takes the first segment off a path.
func cutSegment(path string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	return first, "/" + rest
}

// call answers one request of a known caller.
func (s *Server) call(ctx context.Context, who *caller, version, rest string, req request) response {
	c := &call{Server: s, ctx: ctx, who: who, version: version, request: req}
	resp, err := c.run(rest)
	if err != nil {
		return s.refuse(req, err)
	}
	return resp
}

// refuse is an error as an answer.
func (s *Server) refuse(req request, err error) response {
	p := asProblem(err)
	switch {
	case p != nil:
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p = &problem{status: 503, code: "ServiceUnavailable", message: "The request was given up."}
	default:
		s.log.Error("a request could not be answered", "request", req.id, "method", req.method, "error", err)
		p = &problem{status: 500, code: "InternalServerError", message: "The request could not be answered. See the log for the request's id."}
	}
	resp := response{status: p.status, header: http.Header{}, body: p.body(s.clock().UTC().Format("2006-01-02T15:04:05"), req.id, orElse(req.header.Get("Client-Request-Id"), req.id))}
	for name, values := range p.header {
		resp.header[name] = values
	}
	if p.retry > 0 {
		resp.header.Set("Retry-After", fmt.Sprint(p.retry))
	}
	if p.location != "" {
		resp.header.Set("Location", p.location)
	}
	if p.status == 401 {
		resp.header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+req.base+`/common/oauth2/authorize", client_id="`+graphAppID+`"`)
	}
	return resp
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
