package graphapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Throttle limits each caller; the zero Throttle does not.
type Throttle struct {
	// Units are the resource units of ten seconds, Writes the writes of 150 seconds; 0 is no limit.
	Units, Writes int
}

// RealThrottle are the limits that the real service has for a tenant of so many users.
func RealThrottle(users int) Throttle {
	t := Throttle{Units: 8000, Writes: 3000}
	switch {
	case users < 50:
		t.Units = 3500
	case users <= 500:
		t.Units = 5000
	}
	return t
}

const (
	unitWindow  = 10 * time.Second
	writeWindow = 150 * time.Second
)

// throttle counts what callers use.
type throttle struct {
	limits Throttle
	mu     sync.Mutex // guards used
	used   map[string]*usage
}

type usage struct{ units, writes window }

// window counts in a span of time that begins with its first use.
type window struct {
	from time.Time
	n    int
}

// take counts more; over the limit it counts nothing and tells after how many seconds to come again.
func (w *window) take(n, limit int, span time.Duration, now time.Time) (wait int, ok bool) {
	if limit == 0 {
		return 0, true
	}
	if now.Sub(w.from) >= span {
		w.from, w.n = now, 0
	}
	if w.n+n > limit {
		return int((w.from.Add(span).Sub(now) + time.Second - 1) / time.Second), false
	}
	w.n += n
	return 0, true
}

func newThrottle(limits Throttle) *throttle {
	return &throttle{limits: limits, used: map[string]*usage{}}
}

// take counts a request of a caller and gives the headers that tell of it, or refuses it. of gives the tenant.
func (t *throttle) take(app string, of func() string, units int, write bool, now time.Time) (http.Header, error) {
	h := http.Header{"X-Ms-Resource-Unit": {strconv.Itoa(units)}}
	if t.limits == (Throttle{}) {
		return h, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.used[app]
	if u == nil {
		u = &usage{}
		t.used[app] = u
	}
	if wait, ok := u.units.take(units, t.limits.Units, unitWindow, now); !ok {
		return nil, throttled("ResourceUnitLimitExceeded", "ReadWrite/"+app+"/"+of(), wait)
	}
	if write {
		if wait, ok := u.writes.take(1, t.limits.Writes, writeWindow, now); !ok {
			return nil, throttled("WriteLimitExceeded", "Write/"+app+"/"+of(), wait)
		}
	}
	if share := float64(u.units.n) / float64(max(t.limits.Units, 1)); t.limits.Units > 0 && share >= 0.8 {
		h["X-Ms-Throttle-Limit-Percentage"] = []string{fmt.Sprintf("%.1f", share)}
	}
	return h, nil
}

func throttled(why, scope string, wait int) *problem {
	return &problem{status: 429, code: codeThrottled, message: "Too many requests: " + why + ".", retry: max(wait, 1),
		header: http.Header{"X-Ms-Throttle-Information": {why}, "X-Ms-Throttle-Scope": {"Tenant_Application/" + scope}}}
}

// cost is what a request costs in resource units.
func (c *call) cost(r *route, segments []string) int {
	if c.method != http.MethodGet {
		if last := segments[len(segments)-1]; strings.EqualFold(last, "getByIds") {
			return 3
		}
		return 1
	}
	n := 1
	switch pattern := strings.ToLower(strings.Join(r.pattern, "/")); {
	case pattern == "users":
		n = 2
	case pattern == "groups/{id}/members", pattern == "subscribedskus":
		n = 3
	case strings.Contains(pattern, "transitive"):
		n = 5
	}
	if c.query.selects != nil {
		n--
	}
	if c.query.expand != "" {
		n++
	}
	if c.query.top > 0 && c.query.top < 20 {
		n--
	}
	return max(n, 1)
}
