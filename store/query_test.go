package store

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// TestChangedLinksCostNoMoreThanTheyAre: the statements that look at changed links go by the index of what changed and by
// an entry's meta, never through a whole connector or all links of a group. What the database knows of its tables dates from
// the first load, when there are no metas, so it must not matter.
func TestChangedLinksCostNoMoreThanTheyAre(t *testing.T) {
	t.Parallel()
	people := make([]canopy.Change, 0, 400)
	var members []string
	for i := range 400 {
		a := string(personAnchor(i))
		people, members = append(people, person(a, a)), append(members, a)
	}
	for name, changes := range map[string][]canopy.Change{
		"people and their group": append(people, group("g1", "staff", members...)),
		"nothing but one group":  {group("g1", "staff", members...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, c := newFileWorld(t), newCloud()
			w.read("contoso.lab", true, changes...)
			w.ok(w.index(w.ctx)) // with what it learns of the tables
			w.cycle(c)
			w.goesBy("link_changed", ownLinks+changedRows)
			w.goesBy("l USING COVERING INDEX target_link_pending (<expr>>?)", linksToSend)
			w.goesBy("l USING COVERING INDEX target_link_pending (<expr>>?)", linksPending)
			w.goesBy("x USING INDEX export_state (connector=? AND state=? AND phase=? AND rowid>?)", objectsToSend)
			for _, size := range []int{1, 4, 20, db.ChunkSize} {
				w.goesBy("link_target", leadingTo(db.List(1, size)))
				w.goesBy("USING PRIMARY KEY (owner=? AND attr=? AND target=?)", fmt.Sprintf(settledRows, db.List(6, size)))
			}
			for _, s := range changedLinks {
				w.goesBy("link_changed", s.query)
			}
			for _, size := range []int{1, keysAtOnce} {
				w.goesBy("USING PRIMARY KEY (owner=? AND attr=? AND target=?)", rowsByKey(&targetLinks, size))
			}
			for _, size := range []int{1, 10, flowChunk} {
				w.goesBy("link_changed", withFlows(size, flowChanged))
				w.goesBy("USING PRIMARY KEY (owner=? AND attr=?)", withFlows(size, flowWhole))
				w.goesBy("USING PRIMARY KEY (owner=? AND attr=?)", withFlows(size, flowHeld))
			}
		})
	}
}

// goesBy looks at how a statement is carried out: by an index, and through no table or connector as a whole.
func (w *world) goesBy(index, query string) {
	w.t.Helper()
	steps := ""
	w.ok(w.db.Read(w.ctx, func(x *db.Tx) error {
		return x.Each(w.ctx, func(r *sql.Rows) error {
			var a, b, c int
			var step string
			err := r.Scan(&a, &b, &c, &step)
			steps += step + "\n"
			return err
		}, "EXPLAIN QUERY PLAN "+query, arguments(query)...)
	}))
	if !strings.Contains(steps, index) {
		w.t.Errorf("%s\ndoes not go by %s:\n%s", query, index, steps)
	}
	steps = strings.ReplaceAll(steps, "SCAN q", "")
	steps = regexp.MustCompile(`SCAN (flow|ends|\d+ CONSTANT ROWS|CONSTANT ROW)`).ReplaceAllString(steps, "")
	for _, bad := range []string{"entry_parent", "entry_anchor", "entry_synced", "SCAN ", "TEMP B-TREE FOR ORDER BY"} {
		if strings.Contains(steps, bad) {
			w.t.Errorf("%s\nuses %s:\n%s", query, bad, steps)
		}
	}
}

// arguments are as many as a query has placeholders, but not less than the six that the shorter ones have at most.
func arguments(query string) []any {
	out := make([]any, max(6, strings.Count(query, "$")))
	for i := range out {
		out[i] = 1
	}
	return out
}
