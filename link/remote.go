package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/canopy-sync/canopy"
)

// Remote is a connector at the other end of a connection.
type Remote struct {
	// Carry carries requests to the agent: an HTTP/2 connection.
	Carry http.RoundTripper
	// Agent names the agent, in errors.
	Agent  string
	Forest canopy.ConnectorID
}

var _ canopy.Connector = (*Remote)(nil)

// call sends a request and gives each frame of the answer to take, until it is whole.
func (r *Remote) call(ctx context.Context, method, path string, body []byte, take func(kind, []byte) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(within, method, "https://agent"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	resp, err := r.Carry.RoundTrip(req)
	if err != nil {
		return broken(ctx, r.Agent, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &canopy.Error{Kind: canopy.Unsupported, Code: "link-request", Object: r.Agent, Text: "the agent does not know this request: " + resp.Status,
			Next: "bring the agent to a newer version"}
	}
	for {
		k, content, err := readFrame(resp.Body, maxFrame)
		var large *tooLarge
		switch {
		case errors.As(err, &large):
			return fmt.Errorf("the answer of agent %s: %w", r.Agent, err)
		case err != nil:
			return broken(ctx, r.Agent, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case k == frameEnd:
			return nil
		case k == frameFault:
			return faultFrom(content)
		}
		if err := take(k, content); err != nil {
			return err
		}
	}
}

func faultFrom(content []byte) error {
	var f fault
	if err := json.Unmarshal(content, &f); err != nil {
		return fmt.Errorf("the agent's error cannot be read: %w", err)
	}
	return f.error()
}

func (r *Remote) path(op string) string { return "/v1/" + url.PathEscape(string(r.Forest)) + "/" + op }

// ask sends one JSON frame, or nothing, and takes the answer's one JSON frame.
func (r *Remote) ask(ctx context.Context, method, path string, v any) error {
	got := false
	err := r.call(ctx, method, path, nil, func(k kind, content []byte) error {
		if k != frameJSON || got {
			return unexpected(k)
		}
		got = true
		return json.Unmarshal(content, v)
	})
	if err == nil && !got {
		err = errors.New("the agent answered with nothing")
	}
	return err
}

func unexpected(k kind) error {
	return fmt.Errorf("the agent sent a frame of kind %d where none belongs", k)
}

// About asks the agent what it is.
func (r *Remote) About(ctx context.Context) (a About, err error) {
	err = r.ask(ctx, http.MethodGet, "/about", &a)
	return a, err
}

// Describe asks the agent.
func (r *Remote) Describe(ctx context.Context) (d canopy.Description, err error) {
	err = r.ask(ctx, http.MethodPost, r.path("describe"), &d)
	return d, err
}

// Check lets the agent check.
func (r *Remote) Check(ctx context.Context) (found []canopy.Finding, err error) {
	err = r.ask(ctx, http.MethodPost, r.path("check"), &found)
	return found, err
}

// Read takes the next batch off the wire while each has the one before. What each does not take stays with the agent:
// HTTP/2 gives credit only for what was read.
func (r *Remote) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	body, err := jsonFrame(frameJSON, req)
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	out, ended := make(chan canopy.Batch), make(chan error, 1)
	go func() {
		ended <- r.batches(within, body, out)
		close(out)
	}()
	var stopped error
	done := false
	for b := range out {
		if stopped == nil {
			stopped = ctx.Err()
		}
		if stopped == nil {
			done = b.Done
			stopped = each(b)
		}
		if stopped != nil {
			cancel()
		}
	}
	err = <-ended
	switch {
	case stopped != nil:
		return stopped
	case err == nil && !done:
		return fmt.Errorf("the answer of agent %s has no last batch", r.Agent)
	}
	return err
}

func (r *Remote) batches(ctx context.Context, body []byte, out chan<- canopy.Batch) error {
	return r.call(ctx, http.MethodPost, r.path("read"), body, func(k kind, content []byte) error {
		if k != frameBatch {
			return unexpected(k)
		}
		b, err := parseBatch(content)
		if err != nil {
			return fmt.Errorf("read a batch of agent %s: %w", r.Agent, err)
		}
		select {
		case out <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Search lets the agent search.
func (r *Remote) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	body, err := jsonFrame(frameJSON, req)
	if err != nil {
		return nil, err
	}
	var all []canopy.Change
	err = r.call(ctx, http.MethodPost, r.path("search"), body, func(k kind, content []byte) error {
		if k != frameChanges {
			return unexpected(k)
		}
		t := take{b: content}
		list, err := t.changes()
		all = append(all, list...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Write sends exports. When the connection breaks before all results are here, nobody knows what was done: each is to
// be tried again, which its source anchor makes harmless.
func (r *Remote) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	var body bytes.Buffer
	keep := func(f []byte) error {
		_, err := body.Write(f)
		return err
	}
	err := pack(frameExports, len(exports), func(p *put, i int) error { p.export(&exports[i]); return nil }, keep)
	if err != nil {
		return nil, err
	}
	end, err := frame(frameEnd, nil)
	if err != nil {
		return nil, err
	}
	body.Write(end)
	var results []canopy.Result
	err = r.call(ctx, http.MethodPost, r.path("write"), body.Bytes(), func(k kind, content []byte) error {
		if k != frameJSON {
			return unexpected(k)
		}
		return json.Unmarshal(content, &results)
	})
	if err == nil && len(results) != len(exports) {
		err = fmt.Errorf("agent %s gave %d results for %d exports", r.Agent, len(results), len(exports))
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// Watch rings when the agent says so.
func (r *Remote) Watch(ctx context.Context, changed func()) error {
	return r.call(ctx, http.MethodPost, r.path("watch"), nil, func(k kind, _ []byte) error {
		if k != frameRing {
			return unexpected(k)
		}
		changed()
		return nil
	})
}
