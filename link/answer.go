package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
)

// Versions of the wire that this end speaks: from the oldest to the newest. The service takes the newest that both have.
const (
	Oldest = 1
	Newest = 1
)

// About is what an agent tells of itself. Fields are only ever added.
type About struct {
	Oldest    int       `json:"oldest"` // versions of the wire
	Newest    int       `json:"newest"`
	Version   string    `json:"version"` // of the product
	Host      string    `json:"host"`
	Time      time.Time `json:"time"`
	Abilities []string  `json:"abilities,omitempty"`
	Forests   []Serving `json:"forests"`
}

// Serving is a forest that an agent serves, and the domain controllers that it has reached.
type Serving struct {
	Forest  canopy.ConnectorID `json:"forest"`
	Reached []string           `json:"reached,omitempty"`
}

// End is the agent's end: it answers for its connectors.
type End struct {
	// About is asked each time the service asks; the versions and the time are filled in.
	About func() About
	// Connectors are the forests by name.
	Connectors map[canopy.ConnectorID]canopy.Connector
	Clock      func() time.Time
}

// Handler answers the service's requests, for one connection.
func (e *End) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, r *http.Request) {
		a := e.About()
		a.Oldest, a.Newest, a.Time = Oldest, Newest, e.Clock().UTC()
		reply(r.Context(), w, func(send func([]byte) error) error { return sendJSON(send, a) })
	})
	for name, do := range map[string]func(context.Context, canopy.Connector, io.Reader, func([]byte) error) error{
		"describe": describe, "read": read, "search": search, "write": write, "check": check, "watch": watch,
	} {
		mux.HandleFunc("POST /v1/{forest}/"+name, func(w http.ResponseWriter, r *http.Request) {
			reply(r.Context(), w, func(send func([]byte) error) error {
				c := e.Connectors[canopy.ConnectorID(r.PathValue("forest"))]
				if c == nil {
					return &canopy.Error{Kind: canopy.NotFound, Code: "agent-forest", Object: r.PathValue("forest"), Text: "this agent does not serve that forest",
						Next: "name it in the agent's configuration"}
				}
				return do(r.Context(), c, r.Body, send)
			})
		})
	}
	return mux
}

// reply sends frames, and last whether the answer is whole. A panic of a connector is an answer too: one request that
// goes wrong must not end the others. An agent that is being stopped says nothing: another one is to go on.
func reply(ctx context.Context, w http.ResponseWriter, do func(send func([]byte) error) error) {
	var mu sync.Mutex
	out := http.NewResponseController(w)
	send := func(f []byte) error {
		mu.Lock()
		defer mu.Unlock()
		if _, err := w.Write(f); err != nil {
			return err
		}
		return out.Flush()
	}
	err := guarded(func() error { return do(send) })
	last, fail := frame(frameEnd, nil)
	switch {
	case err != nil && ctx.Err() != nil:
		return
	case err != nil:
		last, fail = jsonFrame(frameFault, faultOf(err))
	}
	if fail == nil {
		_ = send(last) // without it the other end knows that the answer is not whole
	}
}

func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the agent has a fault: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}

func sendJSON(send func([]byte) error, v any) error {
	f, err := jsonFrame(frameJSON, v)
	if err != nil {
		return err
	}
	return send(f)
}

// asked reads a request's one JSON frame.
func asked(r io.Reader, v any) error {
	k, content, err := readFrame(r, maxFrame)
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if k != frameJSON {
		return fmt.Errorf("read the request: a frame of kind %d", k)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	return nil
}

func describe(ctx context.Context, c canopy.Connector, _ io.Reader, send func([]byte) error) error {
	d, err := c.Describe(ctx)
	if err != nil {
		return err
	}
	return sendJSON(send, d)
}

func read(ctx context.Context, c canopy.Connector, r io.Reader, send func([]byte) error) error {
	var req canopy.ReadRequest
	if err := asked(r, &req); err != nil {
		return err
	}
	cut := cutter{size: partSize, before: req.Cursor}
	return c.Read(ctx, req, func(b canopy.Batch) error { return cut.cut(b, send) })
}

func search(ctx context.Context, c canopy.Connector, r io.Reader, send func([]byte) error) error {
	var req canopy.SearchRequest
	if err := asked(r, &req); err != nil {
		return err
	}
	found, err := c.Search(ctx, req)
	if err != nil {
		return err
	}
	return pack(frameChanges, len(found), func(p *put, i int) error { return p.change(&found[i]) }, send)
}

func write(ctx context.Context, c canopy.Connector, r io.Reader, send func([]byte) error) error {
	var list []canopy.Export
	for {
		k, content, err := readFrame(r, maxFrame)
		if errors.Is(err, io.EOF) {
			return errors.New("read the exports: they end before their end")
		}
		if err != nil {
			return fmt.Errorf("read the exports: %w", err)
		}
		if k == frameEnd {
			break
		}
		more, err := parseExports(content)
		if err != nil {
			return fmt.Errorf("read the exports: %w", err)
		}
		list = append(list, more...)
	}
	results, err := c.Write(ctx, list)
	if err != nil {
		return err
	}
	return sendJSON(send, results)
}

func check(ctx context.Context, c canopy.Connector, _ io.Reader, send func([]byte) error) error {
	found, err := c.Check(ctx)
	if err != nil {
		return err
	}
	return sendJSON(send, found)
}

func watch(ctx context.Context, c canopy.Connector, _ io.Reader, send func([]byte) error) error {
	ring, err := frame(frameRing, nil)
	if err != nil {
		return err
	}
	return c.Watch(ctx, func() {
		_ = send(ring) // when the service is gone ctx ends
	})
}
