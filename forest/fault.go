package forest

import (
	"context"
	"time"
)

// Request tells a fault hook what a client asks for.
type Request struct {
	Op     string // "bind", "search", "modify", "add", "delete", "modifyDN", "compare" or "extended"
	DN     string // the object or base; for a bind the name
	Number int    // counts the server's requests from 1, without unbind and abandon
}

// Fault is what happens to a request instead of, or before, what it asks for. The zero Fault is nothing.
type Fault struct {
	Delay time.Duration // wait first
	Code  int           // refuse with this LDAP result
	Text  string        // the refusal's text
	Drop  bool          // end the connection without an answer
	// DropAfter ends the connection after this many entries of a search.
	DropAfter int
}

// SetFault has every request pass through hook before it is carried out; nil ends that. The hook may be called from
// several goroutines.
func (s *Server) SetFault(hook func(Request) Fault) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.hook, s.requests = hook, 0
}

var opNames = map[uint64]string{0: "bind", 3: "search", 6: "modify", 8: "add", 10: "delete", 12: "modifyDN", 14: "compare",
	23: "extended"}

// suffer lets the fault hook at a request. stop says that it is done with, ended that the connection is to end.
func (c *conn) suffer(ctx context.Context, m *message) (stop, ended bool) {
	s := c.server
	s.faultMu.Lock()
	s.requests++
	hook, number := s.hook, s.requests
	s.faultMu.Unlock()
	if hook == nil {
		return false, false
	}
	r := Request{Op: opNames[uint64(m.op.Tag)], Number: number}
	switch {
	case m.op.Tag == 10:
		r.DN = octetsOf(m.op)
	case m.op.Tag == 0 && len(m.op.Children) > 1:
		r.DN = octetsOf(m.op.Children[1])
	case len(m.op.Children) > 0:
		r.DN = octetsOf(m.op.Children[0])
	}
	f := hook(r)
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return true, true
		}
	}
	if f.Drop {
		return true, true
	}
	if f.Code != 0 {
		c.answer(m, &refusal{code: f.Code, text: f.Text})
		return true, false
	}
	m.drop = f.DropAfter
	return false, false
}
