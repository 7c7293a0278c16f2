package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"modernc.org/sqlite"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// looked counts the rows at which statements have looked that call looked().
var looked atomic.Int64

var registerLooked = sync.OnceValue(func() error {
	return sqlite.RegisterScalarFunction("looked", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		looked.Add(1)
		return int64(1), nil
	})
})

// TestLinksAreWalkedOnce: what the pages of links to be sent look at, all together, is what is to be sent, and at a further
// walk what waits. It does not grow with the number of pages.
func TestLinksAreWalkedOnce(t *testing.T) {
	t.Parallel()
	if err := registerLooked(); err != nil {
		t.Fatal(err)
	}
	query := strings.Replace(linksToSend, "o.id = l.owner", "looked() AND o.id = l.owner", 1)
	for _, groups := range []int{20, 80} {
		const members, limit = 5, 4
		w, c := newFileWorld(t), newCloud()
		changes := make([]canopy.Change, 0, groups+members)
		var names []string
		for i := range members {
			names = append(names, fmt.Sprint("p", i))
			changes = append(changes, person(names[i], names[i]))
		}
		for i := range groups {
			changes = append(changes, group(fmt.Sprint("g", i), fmt.Sprint("group", i), names...))
		}
		w.read("contoso.lab", true, changes...)
		w.apply(w.plan())
		pending := w.PendingExports(canopy.Tenant, canopy.PhaseObjects)
		for exports := get(pending.Next(w.ctx, *w.at, 100))(w); len(exports) > 0; exports = get(pending.Next(w.ctx, *w.at, 100))(w) {
			w.ok(w.RecordResults(w.ctx, w.run, canopy.Tenant, exports, c.write(exports)))
		}
		c.answer = func(e canopy.Export) *canopy.Result {
			if strings.HasSuffix(e.SourceAnchor, "5") { // one group in ten
				return &canopy.Result{Kind: canopy.Refused, Code: "no"}
			}
			return nil
		}
		links, waits, pages, ends := 0, 0, 0, 0
		before := looked.Load()
		for pending = w.PendingExports(canopy.Tenant, canopy.PhaseLinks); ends < 2; pages++ {
			from := pending.link
			exports := get(pending.Next(w.ctx, *w.at, limit))(w)
			w.lookFrom(query, from, limit*members)
			if len(exports) == 0 {
				ends++
				continue
			}
			for i := range exports {
				links += len(exports[i].Links[canopy.AttrMember].Added)
			}
			results := c.write(exports)
			for _, r := range results {
				if r.Kind != canopy.Done {
					waits += members
				}
			}
			w.ok(w.RecordResults(w.ctx, w.run, canopy.Tenant, exports, results))
		}
		if links != groups*members || waits != groups/10*members {
			t.Errorf("%d groups: %d links were given, %d of them refused", groups, links, waits)
		}
		// Each page has looked at one row more than it gave.
		if got, most := int(looked.Load()-before), links+waits+pages; got < links || got > most {
			t.Errorf("%d groups: looked at %d rows, want %d to %d", groups, got, links, most)
		}
	}
}

// lookFrom runs the query of a page: from a place on, until there are enough rows.
func (w *world) lookFrom(query string, from linkKey, enough int) {
	w.t.Helper()
	err := w.db.Read(w.ctx, func(x *db.Tx) error {
		return x.Each(w.ctx, func(*sql.Rows) error {
			if enough--; enough < 0 {
				return errEnough
			}
			return nil
		}, query, from.owner, from.attr, from.target, get(w.conn(canopy.Tenant))(w).no, w.at.UnixMicro())
	})
	if !errors.Is(err, errEnough) {
		w.ok(err)
	}
}

// TestPendingBeginsAnew: what becomes due while the others are sent is given when the walk begins anew.
func TestPendingBeginsAnew(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), newCloud()
	w.read("contoso.lab", true, person("p1", "anna"), person("p2", "bert"), person("p3", "carl"))
	w.apply(w.plan())
	c.answer = func(canopy.Export) *canopy.Result { return &canopy.Result{Kind: canopy.Later, Code: "busy"} }
	var given []string
	for pending, ends := w.PendingExports(canopy.Tenant, canopy.PhaseObjects), 0; ends < 3; {
		exports := get(pending.Next(w.ctx, *w.at, 1))(w)
		if len(exports) == 0 {
			given = append(given, "end")
			ends++
			continue
		}
		given = append(given, exports[0].SourceAnchor)
		w.ok(w.RecordResults(w.ctx, w.run, canopy.Tenant, exports, c.write(exports)))
		if c.answer = nil; len(given) == 2 {
			*w.at = w.at.Add(firstWait)
		}
	}
	w.equal("given", given, []string{"sa-p1", "sa-p2", "sa-p3", "end", "sa-p1", "end", "end"})
}
