package twin

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Source is a Graph endpoint with what is needed to read it.
type Source struct {
	// Base is its address with the version, https://graph.microsoft.com/v1.0.
	Base string
	// Client makes the requests; nil is http.DefaultClient.
	Client *http.Client
	// Token gives an access token. It is asked again when one is refused; nil sends none.
	Token func(ctx context.Context, anew bool) (string, error)
	// Wait waits between tries; nil waits by the clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Properties are further properties of users and groups, such as directory extensions.
	Properties []string

	answered bool // it was there once
	size     int  // objects of a page; 0 is pageSize
}

const (
	mostTries = 8
	longest   = 2 * time.Minute
	maxAnswer = 1 << 30
)

// refusal is an answer that is an error.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the endpoint answers %d %s: %s", r.status, r.code, r.message)
}

// withheld are the words of a refusal that says that the endpoint does not have something or does not give it; "" for others.
func withheld(err error) string {
	var r *refusal
	if !errors.As(err, &r) {
		return ""
	}
	switch r.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return r.code + ": " + r.message
	}
	return ""
}

// expired tells whether an error says that a link to a page is too old.
func expired(err error) bool {
	var r *refusal
	return errors.As(err, &r) && (r.status == http.StatusGone || strings.Contains(strings.ToLower(r.code), "expired") || strings.EqualFold(r.code, "syncStateNotFound"))
}

// do makes a request until it is answered: what is asked to come later comes later, and a token that is too old is replaced.
func (s *Source) do(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	if err := s.mine(address); err != nil {
		return nil, err
	}
	anew := false
	for try := 1; ; try++ {
		text, wait, err := s.once(ctx, method, address, body, anew)
		var r *refusal
		switch {
		case err == nil:
			s.answered = true
			return text, nil
		case errors.As(err, &r) && r.status == http.StatusUnauthorized && !anew:
			anew = true
			continue
		case errors.As(err, &r) && !again(r.status), !errors.As(err, &r) && !s.answered, try == mostTries, ctx.Err() != nil:
			return nil, s.told(err)
		}
		if err := s.wait(ctx, max(wait, time.Second<<min(try-1, 6))); err != nil {
			return nil, err
		}
		anew = false
	}
}

// mine refuses to give the token to another host than the endpoint's.
func (s *Source) mine(address string) error {
	base, err := url.Parse(s.Base)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err == nil && (u.Host != base.Host || u.Scheme != base.Scheme) {
		err = &canopy.Error{Kind: canopy.Forbidden, Object: u.Host, Other: base.Host, Text: "the endpoint leads to another host for the next page",
			Next: "name the endpoint by the host that it calls itself"}
	}
	return err
}

func again(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout ||
		status == http.StatusBadGateway || status == http.StatusInternalServerError
}

// once makes a request once. wait is how long the endpoint asks to wait.
func (s *Source) once(ctx context.Context, method, address string, body []byte, anew bool) (text []byte, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/json")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.Token != nil {
		token, err := s.Token(ctx, anew)
		if err != nil {
			return nil, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || resp.StatusCode < 300 {
		return text, 0, err
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		wait = min(time.Duration(n)*time.Second, longest)
	}
	r := &refusal{status: resp.StatusCode}
	var envelope struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(text, &envelope) == nil {
		r.code, r.message = envelope.Error.Code, envelope.Error.Message
	}
	return nil, wait, r
}

func (s *Source) wait(ctx context.Context, d time.Duration) error {
	if s.Wait != nil {
		return s.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// told is an error for people.
func (s *Source) told(err error) error {
	var r *refusal
	var unknown x509.UnknownAuthorityError
	var known *canopy.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &unknown):
		return &canopy.Error{Kind: canopy.Forbidden, Object: s.Base, Text: "the endpoint's certificate is made by an authority that is not trusted", Next: "name the authority's file with --ca", Err: err}
	case !errors.As(err, &r):
		return err
	}
	out := &canopy.Error{Kind: canopy.Other, Code: r.code, Object: s.Base, Text: r.Error(), Err: err}
	switch r.status {
	case http.StatusUnauthorized:
		out.Kind, out.Next = canopy.Forbidden, "get a new token, or check the client's id, secret and tenant"
	case http.StatusForbidden:
		out.Kind, out.Next = canopy.Forbidden, "give the app Directory.Read.All and have an administrator consent"
	case http.StatusNotFound:
		out.Kind = canopy.NotFound
	}
	return out
}

// batched are the bodies of a batch's answers in the order of the requests, null for what is not there, or the words by which the endpoint withholds them.
type batched struct {
	bodies   []json.RawMessage
	withheld string
}

// batch asks for several things at once. What is asked to come later comes later.
func (s *Source) batch(ctx context.Context, paths []string) (batched, error) {
	var out batched
	got := make([]json.RawMessage, len(paths))
	for try := 1; ; try++ {
		again, wait, err := s.batchOnce(ctx, paths, got, &out)
		if err != nil || out.withheld != "" {
			return out, err
		}
		if !again {
			break
		}
		if try == mostTries {
			return out, &canopy.Error{Kind: canopy.Conflict, Object: s.Base, Text: "the endpoint goes on asking to come later", Next: "try again later: what was fetched is kept"}
		}
		if err := s.wait(ctx, max(wait, time.Second<<min(try-1, 6))); err != nil {
			return out, err
		}
	}
	out.bodies = got
	return out, nil
}

// batchOnce asks for those of which there is no answer yet.
func (s *Source) batchOnce(ctx context.Context, paths []string, got []json.RawMessage, out *batched) (again bool, wait time.Duration, err error) {
	type item struct {
		ID     string `json:"id"`
		Method string `json:"method"`
		URL    string `json:"url"`
	}
	var asked struct {
		Requests []item `json:"requests"`
	}
	for i, p := range paths {
		if got[i] == nil {
			asked.Requests = append(asked.Requests, item{strconv.Itoa(i), http.MethodGet, p})
		}
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return false, 0, err
	}
	if text, err = s.do(ctx, http.MethodPost, s.Base+"/$batch", text); err != nil {
		return false, 0, err
	}
	var answer struct {
		Responses []struct {
			ID      string            `json:"id"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    json.RawMessage   `json:"body"`
		} `json:"responses"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return false, 0, fmt.Errorf("the answer to a batch cannot be read: %w", err)
	}
	for _, a := range answer.Responses {
		at, err := strconv.Atoi(a.ID)
		if err != nil || at < 0 || at >= len(got) {
			return false, 0, fmt.Errorf("a batch is answered for %q, which was not asked", a.ID)
		}
		switch {
		case a.Status < 300:
			got[at] = a.Body
		case a.Status == http.StatusTooManyRequests || a.Status >= 500:
			n, _ := strconv.Atoi(a.Headers["Retry-After"])
			again, wait = true, min(max(wait, time.Duration(n)*time.Second), longest)
		case a.Status == http.StatusNotFound:
			got[at] = json.RawMessage("null")
		default:
			var envelope struct {
				Error struct{ Code, Message string }
			}
			_ = json.Unmarshal(a.Body, &envelope) // an error without words is one all the same
			out.withheld = envelope.Error.Code + ": " + envelope.Error.Message
		}
	}
	return again, wait, nil
}
