package graphapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// call is one request under way.
type call struct {
	*Server
	ctx     context.Context //nolint:containedctx // a call is shorter than its context
	who     *caller
	version string
	request
	vars  []string // what the path's variables are
	query query
}

// handler answers a call whose route and role are right.
type handler func(c *call) (response, error)

// run finds the route, checks the caller's roles, reads the options, and answers.
func (c *call) run(rest string) (response, error) {
	segments, err := splitPath(rest)
	if err != nil {
		return response{}, err
	}
	if len(segments) > 0 && strings.EqualFold(segments[0], "me") {
		return response{}, &problem{status: 400, code: codeSyntax, message: "/me request is only valid with delegated authentication flow."}
	}
	route, vars, err := c.routes.find(c.method, segments)
	if err != nil {
		return response{}, err
	}
	if !c.who.may(route.roles) {
		return response{}, denied()
	}
	c.vars = vars
	if c.query, err = readQuery(c.request.query, c.header); err != nil {
		return response{}, err
	}
	limits, err := c.throttle.take(c.who.app.ID, func() string { return c.dir.Settings().Tenant }, c.cost(route, segments), c.method != http.MethodGet, c.clock())
	if err != nil {
		return response{}, err
	}
	resp, err := route.handle(c)
	if err == nil && c.query.page > 0 {
		limits.Set("Preference-Applied", "odata.maxpagesize="+strconv.Itoa(c.query.page))
	}
	if err == nil {
		for name, values := range limits {
			if resp.header == nil {
				resp.header = http.Header{}
			}
			resp.header[name] = values
		}
	}
	return resp, err
}

// actor is the caller for the audit log.
func (c *call) actor() tenant.Actor {
	return tenant.Actor{App: c.who.app.ID, Name: c.who.app.Name, Object: c.who.app.Object, Request: c.id}
}

// root is "https://host/v1.0".
func (c *call) root() string { return c.base + "/" + c.version }

func jsonOf(status int, body []byte) response { return response{status: status, body: body} }

func noContent() response { return response{status: http.StatusNoContent} }

// object answers with one JSON object made elsewhere, with its context.
func (c *call) object(status int, context string, v odata.Value) response {
	v.Fields = append([]odata.Field{{Name: "@odata.context", Value: odata.Of(c.root() + "/$metadata#" + context)}}, v.Fields...)
	return jsonOf(status, v.AppendJSON(nil))
}

// collection answers with a list of JSON values made elsewhere.
func (c *call) collection(context string, list ...odata.Value) response {
	return c.object(http.StatusOK, context, odata.OfObject(odata.Field{Name: "value", Value: odata.OfList(list...)}))
}

// number answers with a count, as text/plain.
func number(n int64) response {
	return response{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}, body: odata.OfInt(n).AppendJSON(nil)}
}

// lastSegment is the last segment of a name like microsoft.graph.user.
func lastSegment(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
