package tenant

import (
	"context"
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
)

// searchLimit is how many objects a search gives when it names no limit.
const searchLimit = 100

// Search finds objects by object id, name or source anchor. The tenant has no containers and no DNs, so nothing is found
// by them. With a scope of groups, what is found outside comes as out of scope.
func (d door) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	where, args := searchFor(req)
	if where == "" {
		return nil, nil
	}
	limit := req.Limit
	if limit <= 0 {
		limit = searchLimit
	}
	q, end, err := d.t.file.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("search the tenant: %w", err)
	}
	defer end()
	f := &feed{ctx: ctx, q: q, view: viewOf(req.Scope, req.Classes, req.Attrs), whole: true}
	if err := f.expand(); err != nil {
		return nil, fmt.Errorf("search the tenant: %w", err)
	}
	records, err := queryRecords(q, where+` AND deleted IS NULL ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("search the tenant: %w", err)
	}
	var out []canopy.Change
	for _, r := range records {
		if !f.view.wantsClass(r.class) {
			continue
		}
		if !f.inScope(r) {
			out = append(out, canopy.Change{Kind: canopy.LeftScope, Anchor: r.oid})
			continue
		}
		links, err := f.linksOf([]*record{r}, r.id)
		if err != nil {
			return nil, fmt.Errorf("search the tenant: links of %s: %w", r.oid, err)
		}
		if out = append(out, image(r, f.view, links)); len(out) >= limit {
			break
		}
	}
	return out, nil
}

// searchFor is a request as a condition, "" when nothing can be found.
func searchFor(req canopy.SearchRequest) (where string, args []any) {
	switch {
	case req.Anchor != "":
		return `oid = ?`, []any{string(req.Anchor)}
	case req.Name != "":
		name := canopy.Fold(strings.TrimSpace(req.Name))
		return `(oid = ? OR anchor = ? OR id IN (SELECT object FROM claim WHERE key IN (?, ?, ?, ?, ?)))`, []any{
			strings.TrimSpace(req.Name), strings.TrimSpace(req.Name), keyUPN + name, keyAddress + strings.TrimPrefix(name, "smtp:"),
			keyProxy + name, keyAlias + name, keyAccount + name}
	}
	return "", nil
}

func queryRecords(q querier, where string, args ...any) ([]*record, error) {
	rows, err := q.Query(`SELECT `+recordColumns+` FROM object WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
