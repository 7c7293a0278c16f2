package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy/db"
)

// Most flows only add: their source has rows that changed and none that it holds no more, and their target has nothing that
// could be unwanted. Such flows are carried many at a time: one query reads their rows, and rows are written in bulk.

// flowChunk is how many flows one query reads.
const flowChunk = 50

// flowFast carries the flows of part that only add, and gives those that are to be carried one by one.
func (a *applying) flowFast(ctx context.Context, part []*flowing) (slow map[*flowing]bool, err error) {
	slow = map[*flowing]bool{}
	type end struct{ entry, attr int64 }
	seen := map[end]bool{}
	var changed, whole []*flowing
	for _, f := range part {
		from, to := end{int64(f.From), f.from}, end{-f.target, f.to}
		switch {
		case f.target == 0:
		case f.From == 0 || f.Take || seen[from] || seen[to]: // after the one that it shares an end with
			slow[f] = true
		case f.Whole:
			whole = append(whole, f)
		default:
			changed = append(changed, f)
		}
		seen[from], seen[to] = true, true
	}
	if err := a.flowRows(ctx, changed, slow, flowChanged); err != nil {
		return nil, err
	}
	if err := a.held(ctx, whole, slow); err != nil {
		return nil, err
	}
	return slow, a.flowRows(ctx, whole, slow, flowWhole)
}

// The queries of many flows: n is the flow's place. Joins keep their order, see counterparts.
const (
	flowSelect = `SELECT flow.n, l.target, l.state, c.id FROM flow CROSS JOIN link l LEFT JOIN entry x ON x.id = l.target AND x.meta > 0
		LEFT JOIN entry c ON c.meta = x.meta AND c.meta > 0 AND c.connector + 0 = flow.conn AND c.state <> 3 `
	flowChanged = flowSelect + `WHERE l.owner + 0 = flow.owner AND l.attr = flow.attr AND l.state > 1`
	flowWhole   = flowSelect + `WHERE l.owner = flow.owner AND l.attr = flow.attr`
	flowHeld    = `SELECT n FROM flow WHERE EXISTS (SELECT 1 FROM target_link t WHERE t.owner = flow.owner AND t.attr = flow.attr AND t.state IN (1, 3))`
)

// eachFlow runs a query over flows; end gives the entry and the attribute that it goes by.
func (a *applying) eachFlow(ctx context.Context, flows []*flowing, end func(*flowing) (owner, attr int64), scan func(*sql.Rows) error, query string) error {
	if len(flows) == 0 {
		return nil
	}
	size := flowChunk
	for _, s := range []int{1, 10} {
		if len(flows) <= s {
			size = s
			break
		}
	}
	args := make([]any, 0, 3*size)
	for i := range size {
		if i >= len(flows) {
			args = append(args, 0, 0, 0) // nobody's, so that there are few different statements
			continue
		}
		owner, attr := end(flows[i])
		args = append(args, owner, attr, flows[i].conn)
	}
	return a.t.Each(ctx, scan, withFlows(size, query), args...)
}

// withFlows puts a table of size flows before a query.
func withFlows(size int, query string) string {
	var b strings.Builder
	b.WriteString("WITH flow (n, owner, attr, conn) AS (VALUES ")
	for i := range size {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + strconv.Itoa(i) + ", " + db.Numbers(3*i+1, 3) + ")")
	}
	return b.String() + ") " + query
}

// held notes the flows whose target has rows that might be unwanted.
func (a *applying) held(ctx context.Context, flows []*flowing, slow map[*flowing]bool) error {
	return a.eachFlow(ctx, flows, func(f *flowing) (int64, int64) { return f.target, f.to }, func(r *sql.Rows) error {
		var n int
		err := r.Scan(&n)
		slow[flows[n]] = true
		return err
	}, flowHeld)
}

// linkRow is a row of link with the entry in the target of what it names, 0 for none.
type linkRow struct{ target, state, counterpart int64 }

// flowRows reads the rows of flows, and writes what they lead to. Flows that are slow, or turn out to be, are left alone.
func (a *applying) flowRows(ctx context.Context, flows []*flowing, slow map[*flowing]bool, query string) error {
	rows := make([][]linkRow, len(flows))
	err := a.eachFlow(ctx, flows, func(f *flowing) (int64, int64) { return int64(f.From), f.from }, func(r *sql.Rows) error {
		var n int
		var x linkRow
		var c sql.NullInt64
		if err := r.Scan(&n, &x.target, &x.state, &c); err != nil {
			return err
		}
		if x.state == linkRemoved {
			slow[flows[n]] = true
		}
		x.counterpart = c.Int64
		rows[n] = append(rows[n], x)
		return nil
	}, query)
	if err != nil {
		return err
	}
	wanted := a.t.writer("wanted", db.Bulk{Table: "target_link", Columns: []string{"owner", "attr", "target", "state"},
		Conflict: []string{"owner", "attr", "target"}, Set: "state = " + wantedState})
	for n, f := range flows {
		if slow[f] {
			continue
		}
		for _, x := range rows[n] {
			now := linkWaiting
			if x.counterpart != 0 {
				now = linkSettled
				if err := wanted.Add(ctx, f.target, f.to, x.counterpart, linkAdd); err != nil {
					return err
				}
			}
			if now == x.state {
				continue
			}
			if err := a.t.putLink(ctx, &sourceLinks, int64(f.From), f.from, x.target, now); err != nil {
				return err
			}
		}
	}
	return a.t.flush(ctx, "wanted", "link")
}
