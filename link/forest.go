package link

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/canopy-sync/canopy"
)

// Forest is a forest as a connector, read and written through whichever agents serve it. All of them work. What an agent
// cannot finish, since it died, stalled or was cut off, goes on at another one.
type Forest struct {
	name  canopy.ConnectorID
	grace time.Duration

	mu       sync.Mutex
	sessions []*session
	next     int
	last     string        // the agent of the last read, which has what belongs to the cursor
	changed  chan struct{} // closed when an agent comes
}

var _ canopy.Connector = (*Forest)(nil)

const (
	// moves is how often a call may change its agent.
	moves = 8
	// watchAgain is when agents that could not watch are tried again.
	watchAgain = 30 * time.Second
)

func (f *Forest) enter(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions = append(f.sessions, s)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Forest) leave(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions = slices.DeleteFunc(f.sessions, func(x *session) bool { return x == s })
}

// pick chooses an agent that was not tried: the one preferred, or the next in turn. The channel is closed when another
// one comes.
func (f *Forest) pick(tried []*session, prefer string) (*session, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var best *session
	for i := range f.sessions {
		s := f.sessions[(f.next+i)%len(f.sessions)]
		if slices.Contains(tried, s) {
			continue
		}
		if best == nil || s.agent.ID == prefer {
			best = s
		}
	}
	f.next++
	return best, f.changed
}

// live are the agents that are there.
func (f *Forest) live() []*session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sessions)
}

func (f *Forest) none(tried int) error {
	e := &canopy.Error{Kind: canopy.Unreachable, Code: "no-agent", Object: string(f.name), Text: "no agent of this forest is connected",
		Next: "look at canopy agent list; enrol one with a token of canopy agent token"}
	if tried > 0 {
		e.Text = "every agent of this forest was cut off on the way, and none has come back"
	}
	return e
}

// another tells whether another agent may do what one could not.
func another(err error) bool {
	var e *canopy.Error
	var own *stopped
	if errors.As(err, &own) || !errors.As(err, &e) {
		return false
	}
	return e.Kind == canopy.Unreachable || e.Kind == canopy.Credentials || e.Code == "agent-forest"
}

func isBroken(err error) bool {
	var e *canopy.Error
	return errors.As(err, &e) && e.Code == Broken
}

// try calls do with one agent after the other until one can. Where none is left it waits a while for one to come.
func (f *Forest) try(ctx context.Context, prefer string, do func(*session) error) error {
	var tried []*session
	var last error
	var wait <-chan time.Time
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, came := f.pick(tried, prefer)
		if s == nil {
			if last != nil && !isBroken(last) {
				return last
			}
			if wait == nil {
				t := time.NewTimer(f.grace)
				defer t.Stop()
				wait = t.C
			}
			select {
			case <-came:
				continue
			case <-ctx.Done():
				return ctx.Err()
			case <-wait:
				return f.none(len(tried))
			}
		}
		wait = nil
		err := do(s)
		if err == nil || !another(err) || ctx.Err() != nil {
			return err
		}
		last = err
		if tried = append(tried, s); len(tried) >= moves {
			return err
		}
	}
}

// Describe asks an agent.
func (f *Forest) Describe(ctx context.Context) (d canopy.Description, err error) {
	err = f.try(ctx, "", func(s *session) error {
		d, err = s.remote(f.name).Describe(ctx)
		return err
	})
	return d, err
}

// Search lets an agent search.
func (f *Forest) Search(ctx context.Context, req canopy.SearchRequest) (found []canopy.Change, err error) {
	err = f.try(ctx, "", func(s *session) error {
		found, err = s.remote(f.name).Search(ctx, req)
		return err
	})
	return found, err
}

// Check lets every agent check, since each has an account and a way to the controllers of its own.
func (f *Forest) Check(ctx context.Context) ([]canopy.Finding, error) {
	sessions := f.live()
	if len(sessions) == 0 {
		err := f.try(ctx, "", func(s *session) error { sessions = []*session{s}; return nil })
		if err != nil {
			return nil, err
		}
	}
	var all []canopy.Finding
	for _, s := range sessions {
		found, err := s.remote(f.name).Check(ctx)
		if err != nil && len(sessions) == 1 {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			found = []canopy.Finding{{Code: "agent-check", Severity: canopy.Severe, Object: s.agent.ID, Text: "the agent cannot check: " + err.Error(),
				Next: "run canopy-agent check beside it"}}
		}
		for _, x := range found {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	return all, nil
}

// reading is a read that may change its agent.
type reading struct {
	req  canopy.ReadRequest
	each func(canopy.Batch) error

	told  bool
	full  bool  // the batches so far were of a complete image
	anew  bool  // the next complete image is another one
	done  bool  // the last batch has come
	wrong error // of each
}

func (r *reading) batch(b canopy.Batch) error {
	if b.Full && r.anew {
		b.Anew, r.anew = true, false
	}
	r.told, r.full, r.done = true, b.Full, b.Done
	if len(b.Cursor) > 0 {
		r.req.Cursor = b.Cursor
	}
	b.Cursor = slices.Clone(b.Cursor) // the next request is not the receiver's
	r.wrong = r.each(b)
	return r.wrong
}

// again is what is asked of the next agent: the changes since the last batch, or, of a complete image that broke off,
// all of it. The rest of an image would not show what has gone meanwhile.
func (r *reading) again() {
	if !r.told {
		return
	}
	if r.full {
		r.req.Cursor = nil
	}
	r.anew = true
}

// Read begins with the agent of the read before, which knows what its cursor belongs to, and goes on with another one
// from the last batch that came.
func (f *Forest) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	r := &reading{req: req, each: each}
	f.mu.Lock()
	prefer := f.last
	f.mu.Unlock()
	err := f.try(ctx, prefer, func(s *session) error {
		err := s.remote(f.name).Read(ctx, r.req, r.batch)
		switch {
		case r.wrong != nil:
			return &stopped{r.wrong}
		case err == nil, isBroken(err) && r.done:
			f.mu.Lock()
			f.last = s.agent.ID
			f.mu.Unlock()
			return nil
		}
		r.again()
		return err
	})
	if r.wrong != nil {
		return r.wrong
	}
	return err
}

// stopped is an error of whoever takes the batches: whatever it says, it is none of the agent's.
type stopped struct{ err error }

func (e *stopped) Error() string { return e.err.Error() }
func (e *stopped) Unwrap() error { return e.err }

// Write lets an agent write. What it was cut off from is to be tried again: nobody knows how far it came.
func (f *Forest) Write(ctx context.Context, exports []canopy.Export) (results []canopy.Result, err error) {
	err = f.try(ctx, "", func(s *session) error {
		results, err = s.remote(f.name).Write(ctx, exports)
		if !isBroken(err) || len(exports) == 0 {
			return err
		}
		results = make([]canopy.Result, len(exports))
		for i := range exports {
			results[i] = canopy.Result{Export: exports[i].ID, Kind: canopy.Later, Code: Broken, Text: err.Error()}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// Watch watches at one agent after the other until ctx ends. What changed between two of them, or while there was none,
// is not known, so each change of agents counts as one.
func (f *Forest) Watch(ctx context.Context, changed func()) error {
	var dead []*session
	alone := false
	for {
		s, came := f.pick(dead, "")
		if s == nil {
			alone = true
			again := time.NewTimer(watchAgain)
			select {
			case <-came:
			case <-again.C:
				dead = nil
			case <-ctx.Done():
			}
			again.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		if alone {
			alone = false
			changed()
		}
		err := s.remote(f.name).Watch(ctx, changed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !another(err) {
			return err
		}
		dead = append(f.among(dead), s)
		changed()
	}
}

// among are those of the sessions that are still there.
func (f *Forest) among(list []*session) []*session {
	live := f.live()
	return slices.DeleteFunc(list, func(s *session) bool { return !slices.Contains(live, s) })
}
