package graphapi

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/canopy-sync/canopy/tenant"
)

// inside is the door for the program that the tenant is open in: without a network, a token and a limit, and with every role.
type inside struct {
	s   *Server
	who *caller
}

// Inside answers requests to a tenant's Graph door within the program. Host and scheme of what is asked do not matter. It writes
// nothing that a request does not ask for.
func Inside(t *tenant.Tenant) http.RoundTripper {
	s := &Server{dir: t.Directory(), log: slog.New(slog.DiscardHandler), clock: time.Now, newID: randomID, entities: entities(), routes: routeTable(),
		throttle: newThrottle(Throttle{})}
	return &inside{s, &caller{app: &tenant.App{Name: "canopy"}, roles: s.routes.roles()}}
}

// RoundTrip answers one request.
func (i *inside) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
	}
	req := request{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, header: r.Header, body: body, base: "https://" + r.URL.Host, id: i.s.newID()}
	resp := i.s.within(r.Context(), i.who, req)
	header := resp.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: resp.status, Status: http.StatusText(resp.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(bytes.NewReader(resp.body)), ContentLength: int64(len(resp.body)), Request: r}, nil
}
