package store

import (
	"context"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// links applies the link flows of the next items, by comparing rows.
func (a *applying) links(ctx context.Context, limit int) error {
	items, err := a.read(ctx, a.p.linked, limit, fmt.Sprintf(" AND links = TRUE AND state <> %d", itemStale))
	if err != nil {
		return err
	}
	if len(items) < limit {
		a.p.linked = a.p.items
	}
	for i := range items {
		item := &items[i]
		for x := range item.Links {
			if err := a.flow(ctx, &item.Links[x], a.p.meta(item.Meta)); err != nil {
				return fmt.Errorf("item %d (%s): links %s: %w", item.place, item.Label, item.Links[x].Attr, err)
			}
		}
		if len(items) == limit {
			a.p.linked = item.place
		}
	}
	return nil
}

// flow brings what a target's object is to hold to what a source entry holds.
func (a *applying) flow(ctx context.Context, f *canopy.LinkFlow, meta int64) error {
	c, err := a.t.s.conn(f.Connector)
	if err != nil {
		return err
	}
	var target int64
	found, err := a.t.One(ctx, []any{&target}, `SELECT id FROM entry WHERE meta = $1 AND meta > 0 AND connector + 0 = $2 AND state <> 3
		ORDER BY CASE id WHEN $3 THEN 0 ELSE 1 END, id LIMIT 1`, meta, c.no, int64(f.Entry))
	if err != nil || !found {
		return err
	}
	to, err := a.t.s.words.number(string(f.Attr))
	if err != nil {
		return err
	}
	if f.From == 0 {
		for _, q := range []string{`UPDATE target_link SET state = 4 WHERE owner = $1 AND attr = $2 AND state = 1`,
			`DELETE FROM target_link WHERE owner = $1 AND attr = $2 AND state = 3`} {
			if _, err := a.t.Exec(ctx, q, target, to); err != nil {
				return err
			}
		}
		return a.flowed(ctx, f, target, meta)
	}
	from, err := a.t.s.words.number(string(f.FromAttr))
	if err != nil {
		return err
	}
	steps := changedLinks
	if f.Whole {
		steps = allLinks
	}
	args := []any{target, to, int64(f.From), from, c.no}
	for _, x := range steps {
		if _, err := a.t.Exec(ctx, x.query, args[x.first:x.end]...); err != nil {
			return err
		}
	}
	return a.flowed(ctx, f, target, meta)
}

func (a *applying) flowed(ctx context.Context, f *canopy.LinkFlow, target, meta int64) error {
	if f.Added+f.Removed == 0 {
		return nil
	}
	return a.t.logRow(ctx, LogRow{Run: canopy.RunID(a.p.run), Entry: canopy.EntryID(target), Meta: canopy.MetaID(meta), Connector: f.Connector,
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
	want = `INSERT INTO target_link (owner, attr, target, state) SELECT DISTINCT $1, $2, c.id, 3 ` + counterparts + ` AND l.state %s
		ON CONFLICT (owner, attr, target) DO UPDATE SET state = CASE target_link.state WHEN 0 THEN 1 WHEN 2 THEN 3 WHEN 4 THEN 1 ELSE target_link.state END`
	// unwanted: no link that the source still holds stands behind a row of target_link.
	unwanted = `NOT EXISTS (SELECT 1 FROM entry y CROSS JOIN entry x CROSS JOIN link l WHERE y.id = target_link.target AND y.meta > 0 AND x.meta = y.meta
		AND x.meta > 0 AND l.owner = $3 AND l.attr = $4 AND l.target = x.id AND l.state <> 3)`
	dropRows   = `UPDATE target_link SET state = 4 WHERE owner = $1 AND attr = $2 AND state = 1 AND `
	forgetRows = `DELETE FROM target_link WHERE owner = $1 AND attr = $2 AND state = 3 AND `
	removed    = `target IN (SELECT c.id ` + counterparts + ` AND l.state > 1 AND l.state = 3) AND `
	forget     = `DELETE FROM link WHERE owner + 0 = $1 AND attr = $2 AND state > 1 AND state = 3`
	settle     = `UPDATE link SET state = CASE WHEN EXISTS (SELECT 1 FROM entry x CROSS JOIN entry c WHERE x.id = link.target AND x.meta > 0
		AND c.meta = x.meta AND c.meta > 0 AND c.connector + 0 = $3 AND c.state <> 3) THEN 0 ELSE 1 END WHERE owner%s = $1 AND attr = $2 AND state %s`
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
