package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// flowing is a link flow with what its statements name.
type flowing struct {
	*canopy.LinkFlow
	meta, target, conn int64 // target: its object's entry there
	to, from           int64 // numbers of the attributes
}

// links applies the link flows of the next items, by comparing rows.
func (a *applying) links(ctx context.Context, limit int) error {
	flows, err := a.flows(ctx, limit)
	if err != nil {
		return err
	}
	if err := a.targets(ctx, flows); err != nil {
		return err
	}
	for part := range slices.Chunk(flows, flowChunk) {
		slow, err := a.flowFast(ctx, part)
		if err != nil {
			return fmt.Errorf("links: %w", err)
		}
		for _, f := range part {
			if f.target == 0 {
				continue
			}
			if slow[f] {
				err = a.flow(ctx, f)
			}
			if err == nil {
				err = a.flowed(ctx, f)
			}
			if err != nil {
				return fmt.Errorf("meta %d: links %s: %w", f.meta, f.Attr, err)
			}
		}
	}
	return nil
}

// flows reads the flows of the next items, and how far they reach.
func (a *applying) flows(ctx context.Context, limit int) ([]*flowing, error) {
	var out []*flowing
	items, last := 0, int64(0)
	err := a.t.Each(ctx, func(r *sql.Rows) error {
		var id, meta int64
		var body sql.RawBytes
		if err := r.Scan(&id, &meta, &body); err != nil {
			return err
		}
		items, last = items+1, id-itemID(a.p.id, 0)
		links, err := decodeFlows(body)
		for i := range links {
			out = append(out, &flowing{LinkFlow: &links[i], meta: a.p.meta(canopy.MetaID(meta))})
		}
		return err
	}, fmt.Sprintf(`SELECT id, meta, links FROM plan_item WHERE id > $1 AND id < $2 AND links IS NOT NULL AND state <> %d ORDER BY id LIMIT $3`, itemStale),
		itemID(a.p.id, a.p.linked), itemID(a.p.id+1, 0), limit)
	if a.p.linked = last; items < limit {
		a.p.linked = a.p.items
	}
	return out, err
}

// targets finds the target's entries of flows: the one that the plan names, or the meta's first. A flow whose object is gone
// has none.
func (a *applying) targets(ctx context.Context, flows []*flowing) error {
	metas := make([]int64, len(flows))
	for i, f := range flows {
		metas[i] = f.meta
	}
	type at struct{ meta, conn int64 }
	have := map[at][]int64{}
	err := db.Chunks(1, slices.Compact(metas), func(args []any, list string) error {
		return a.t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var k at
			err := r.Scan(&id, &k.meta, &k.conn)
			have[k] = append(have[k], id)
			return err
		}, `SELECT id, meta, connector FROM entry WHERE meta IN (`+list+`) AND meta > 0 AND state <> 3 ORDER BY id`, args...)
	})
	if err != nil {
		return err
	}
	for _, f := range flows {
		c, err := a.t.s.conn(f.Connector)
		if err != nil {
			return err
		}
		f.conn = c.no
		if ids := have[at{f.meta, c.no}]; slices.Contains(ids, int64(f.Entry)) {
			f.target = int64(f.Entry)
		} else if len(ids) > 0 {
			f.target = ids[0]
		}
		if f.to, err = a.t.s.words.number(string(f.Attr)); err != nil {
			return err
		}
		if f.From == 0 {
			continue
		}
		if f.from, err = a.t.s.words.number(string(f.FromAttr)); err != nil {
			return err
		}
	}
	return nil
}

// flow brings what a target's object is to hold to what a source entry holds.
func (a *applying) flow(ctx context.Context, f *flowing) error {
	if f.Take {
		if _, err := a.t.Exec(ctx, takeHeld, f.target, f.to); err != nil {
			return err
		}
	}
	if f.From == 0 {
		for _, q := range []string{`UPDATE target_link SET state = 4 WHERE owner = $1 AND attr = $2 AND state = 1`,
			`DELETE FROM target_link WHERE owner = $1 AND attr = $2 AND state = 3`} {
			if _, err := a.t.Exec(ctx, q, f.target, f.to); err != nil {
				return err
			}
		}
		return nil
	}
	steps := changedLinks
	if f.Whole {
		steps = allLinks
	}
	args := []any{f.target, f.to, int64(f.From), f.from, f.conn}
	for _, x := range steps {
		if _, err := a.t.Exec(ctx, x.query, args[x.first:x.end]...); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) flowed(ctx context.Context, f *flowing) error {
	if f.Added+f.Removed == 0 {
		return nil
	}
	return a.t.logRow(ctx, LogRow{Run: canopy.RunID(a.p.run), Entry: canopy.EntryID(f.target), Meta: canopy.MetaID(f.meta), Connector: f.Connector,
		Step: LogPlan, Op: "links", Text: fmt.Sprintf("%s: +%d -%d of %d, %d waiting", f.Attr, f.Added, f.Removed, f.Total, f.Waiting)})
}

// flowStep is a statement of a flow, with the part of the flow's arguments that it uses: the target's entry and attribute,
// the source's entry and attribute, and the target's connector.
type flowStep struct {
	query      string
	first, end int
}

// The parts of the statements. A connector is written with + 0, so that no index begins with it: an entry is found by its
// meta, whatever the database believes of its tables. counterparts are the entries in the target of what a source's rows name.
const (
	counterparts = `FROM link l CROSS JOIN entry x CROSS JOIN entry c WHERE l.owner%s = $3 AND l.attr = $4 AND x.id = l.target AND x.meta > 0
		AND c.meta = x.meta AND c.meta > 0 AND c.connector + 0 = $5 AND c.state <> 3`
	want = `INSERT INTO target_link (owner, attr, target, state) SELECT DISTINCT $1` + db.Number + `, $2` + db.Number + `, c.id, 3 ` + counterparts + ` AND l.state %s
		ON CONFLICT (owner, attr, target) DO UPDATE SET state = ` + wantedState
	wantedState = `CASE target_link.state WHEN 0 THEN 1 WHEN 2 THEN 3 WHEN 4 THEN 1 ELSE target_link.state END`
	// unwanted: no link that the source still holds stands behind a row of target_link.
	unwanted = `NOT EXISTS (SELECT 1 FROM entry y CROSS JOIN entry x CROSS JOIN link l WHERE y.id = target_link.target AND y.meta > 0 AND x.meta = y.meta
		AND x.meta > 0 AND l.owner = $3 AND l.attr = $4 AND l.target = x.id AND l.state <> 3)`
	dropRows   = `UPDATE target_link SET state = 4 WHERE owner = $1 AND attr = $2 AND state = 1 AND `
	forgetRows = `DELETE FROM target_link WHERE owner = $1 AND attr = $2 AND state = 3 AND `
	removed    = `target IN (SELECT c.id ` + counterparts + ` AND l.state > 1 AND l.state = 3) AND `
	forget     = `DELETE FROM link WHERE owner + 0 = $1 AND attr = $2 AND state > 1 AND state = 3`
	settle     = `UPDATE link SET state = CASE WHEN EXISTS (SELECT 1 FROM entry x CROSS JOIN entry c WHERE x.id = link.target AND x.meta > 0
		AND c.meta = x.meta AND c.meta > 0 AND c.connector + 0 = $3 AND c.state <> 3) THEN 0 ELSE 1 END WHERE owner%s = $1 AND attr = $2 AND state %s`
	// takeHeld: what a target's own administrators made counts as wanted so far.
	takeHeld = `UPDATE target_link SET state = 1 WHERE owner = $1 AND attr = $2 AND state = 0
		AND EXISTS (SELECT 1 FROM entry y WHERE y.id = target_link.target AND y.meta > 0)`
	changed = " + 0" // by the index of rows that changed, see the migration
)

var (
	allLinks = []flowStep{
		{fmt.Sprintf(want, "", "<> 3"), 0, 5},
		{dropRows + unwanted, 0, 4},
		{forgetRows + unwanted, 0, 4},
		{forget, 2, 4},
		{fmt.Sprintf(settle, "", "<> 3"), 2, 5},
	}
	changedLinks = []flowStep{
		{fmt.Sprintf(want, changed, "> 1 AND l.state = 2"), 0, 5},
		{dropRows + fmt.Sprintf(removed, changed) + unwanted, 0, 5},
		{forgetRows + fmt.Sprintf(removed, changed) + unwanted, 0, 5},
		{forget, 2, 4},
		{fmt.Sprintf(settle, changed, "> 1 AND state = 2"), 2, 5},
	}
)
