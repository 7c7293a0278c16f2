package graphapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

const maxBatch = 20

// batchItem is one request of a batch.
type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// batch answers a batch: what does not depend on each other is done at the same time, and shares the wait for the disk.
func (s *Server) batch(ctx context.Context, who *caller, version string, req request) response {
	if req.method != http.MethodPost {
		return s.refuse(req, notAllowed())
	}
	var body struct {
		Requests []batchItem `json:"requests"`
	}
	if json.Unmarshal(req.body, &body) != nil || len(body.Requests) == 0 {
		return s.refuse(req, &problem{status: 400, code: codeSyntax, message: "Invalid batch payload format."})
	}
	order, err := batchOrder(body.Requests)
	if err != nil {
		return s.refuse(req, err)
	}
	answers := make([]response, len(body.Requests))
	done := make([]chan struct{}, len(body.Requests))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var wait sync.WaitGroup
	for i := range body.Requests {
		wait.Go(func() {
			defer close(done[i])
			for _, before := range order[i] {
				<-done[before]
			}
			for _, before := range order[i] {
				if answers[before].status >= 400 {
					answers[i] = s.refuse(req, &problem{status: 424, code: "FailedDependency", message: "A request that this one depends on failed."})
					return
				}
			}
			answers[i] = s.batchOne(ctx, who, version, req, &body.Requests[i])
		})
	}
	wait.Wait()
	out := []byte(`{"responses":[`)
	for i, a := range answers {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendAnswer(out, body.Requests[i].ID, a)
	}
	return response{status: http.StatusOK, body: append(out, "]}"...)}
}

// batchOrder gives for each request those that it waits for, and refuses a batch that cannot be done.
func batchOrder(items []batchItem) ([][]int, error) {
	wrong := func(format string, args ...any) error {
		return &problem{status: 400, code: codeSyntax, message: fmt.Sprintf(format, args...)}
	}
	if len(items) > maxBatch {
		return nil, wrong("Number of batch request steps exceeds the maximum value of %d.", maxBatch)
	}
	at := map[string]int{}
	for i, item := range items {
		id := strings.ToLower(item.ID)
		_, twice := at[id]
		switch {
		case id == "" || item.Method == "" || item.URL == "":
			return nil, wrong("Write request id, method and url for every request of the batch.")
		case twice:
			return nil, wrong("Invalid batch payload format. The id '%s' is there twice.", item.ID)
		case len(item.Body) > 0 && string(item.Body) != "null" && headerOf(item.Headers, "Content-Type") == "":
			return nil, wrong("Write request with id '%s' does not contain Content-Type header or body.", item.ID)
		}
		at[id] = i
	}
	order := make([][]int, len(items))
	for i, item := range items {
		for _, on := range item.DependsOn {
			before, there := at[strings.ToLower(on)]
			if !there {
				return nil, wrong("The request '%s' depends on '%s', which is not in the batch.", item.ID, on)
			}
			order[i] = append(order[i], before)
		}
	}
	const visiting, visited = 1, 2
	state := make([]int, len(items))
	var circle func(int) bool
	circle = func(i int) bool {
		if state[i] != 0 {
			return state[i] == visiting
		}
		state[i] = visiting
		for _, before := range order[i] {
			if circle(before) {
				return true
			}
		}
		state[i] = visited
		return false
	}
	for i := range items {
		if circle(i) {
			return nil, wrong("The request '%s' depends on itself.", items[i].ID)
		}
	}
	return order, nil
}

func headerOf(headers map[string]string, name string) string {
	for n, v := range headers {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// batchOne answers one request of a batch.
func (s *Server) batchOne(ctx context.Context, who *caller, version string, outer request, item *batchItem) response {
	h := http.Header{}
	for name, value := range item.Headers {
		h.Set(name, value)
	}
	if client := outer.header.Get("Client-Request-Id"); client != "" {
		h.Set("Client-Request-Id", client)
	}
	u, err := url.Parse(item.URL)
	if err != nil {
		return s.refuse(outer, &problem{status: 400, code: codeSyntax, message: "Invalid url '" + item.URL + "'."})
	}
	path := "/" + strings.TrimLeft(u.EscapedPath(), "/")
	req := request{method: strings.ToUpper(item.Method), path: "/" + version + path, query: u.RawQuery, header: h, body: item.Body, base: outer.base, id: outer.id}
	if string(req.body) == "null" {
		req.body = nil
	}
	if v, rest := cutSegment(path); v == "v1.0" || v == "beta" {
		version, path, req.path = v, rest, u.EscapedPath()
	}
	return s.call(ctx, who, version, path, req)
}

// appendAnswer writes one answer: JSON as it is, anything else in base64.
func appendAnswer(out []byte, id string, a response) []byte {
	out = odata.AppendString(append(out, `{"id":`...), id)
	out = odata.OfInt(int64(a.status)).AppendJSON(append(out, `,"status":`...))
	out = append(out, `,"headers":{`...)
	kind := a.header.Get("Content-Type")
	if kind == "" {
		kind = "application/json"
	}
	n := 0
	field := func(name, value string) {
		if n++; n > 1 {
			out = append(out, ',')
		}
		out = odata.AppendString(append(odata.AppendString(out, name), ':'), value)
	}
	if a.body != nil {
		field("Content-Type", kind)
	}
	field("Cache-Control", "no-cache")
	for _, name := range []string{"Location", "Retry-After", "x-ms-resource-unit", "x-ms-throttle-information", "x-ms-throttle-limit-percentage", "x-ms-throttle-scope"} {
		if v := a.header.Get(name); v != "" {
			field(name, v)
		}
	}
	out = append(out, '}')
	switch {
	case a.body == nil:
	case strings.Contains(kind, "json"):
		out = append(append(out, `,"body":`...), a.body...)
	default:
		out = odata.AppendString(append(out, `,"body":`...), base64.StdEncoding.EncodeToString(a.body))
	}
	return append(out, '}')
}
