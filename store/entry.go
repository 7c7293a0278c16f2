package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// entryRow is a row of entry. Rows loaded by heads have no body.
type entryRow struct {
	id, connector int64
	anchor        string
	sourceAnchor  string
	class         string
	dn, parent    string
	state         canopy.EntryState
	meta          int64
	via           canopy.JoinKind
	viaRule       string
	viaOn         string
	known         string
	notKept       string // JSON, "" for none
	imported      int64
	links         linkSums
	keys          []byte
	claims        []byte
	hash          []byte
	body          []byte
	groups        []string // see Store.TellMembers; nil: not asked for

	stored  bool    // the table has it, with was in the columns of indexes
	was     indexed // see writeRows
	whole   bool    // the body is loaded
	counted bool    // it is among the cursor's objects
	dirty   bool    // the transaction is to write it
	gone    bool    // the transaction has removed it
}

var entryColumns = []string{"id", "connector", "anchor", "source_anchor", "class", "dn", "parent", "state", "meta", "via", "via_rule",
	"via_on", "known", "not_kept", "imported", "links", "keys", "claims", "hash", "body"}

var (
	headList = "e." + strings.Join(entryColumns[:len(entryColumns)-1], ", e.")
	rowList  = headList + ", e.body"
)

// countable tells whether a row is among the cursor's objects.
func (r *entryRow) countable() bool {
	return (r.state == canopy.Present || r.state == canopy.Missing) && r.class != string(canopy.Container)
}

func scanRow(rows *sql.Rows, body bool) (*entryRow, error) {
	r := &entryRow{}
	var links []byte
	dest := []any{&r.id, &r.connector, &r.anchor, &r.sourceAnchor, &r.class, &r.dn, &r.parent, &r.state, &r.meta, &r.via, &r.viaRule,
		&r.viaOn, &r.known, &r.notKept, &r.imported, &links, &r.keys, &r.claims, &r.hash}
	if body {
		dest, r.whole = append(dest, &r.body), true
	}
	if err := rows.Scan(dest...); err != nil {
		return nil, err
	}
	var err error
	r.links, err = decodeSums(links)
	r.counted, r.stored, r.was = r.countable(), true, r.indexed()
	return r, err
}

// loadRows loads entries with their bodies, in any order.
func (s *Store) loadRows(ctx context.Context, t *db.Tx, ids []int64) ([]*entryRow, error) {
	return selectRows(ctx, t, rowList, true, "e.id IN (%s)", ids)
}

// selectRows loads entries by a condition with one list, which begins at $1; %s is the list.
func selectRows[T any](ctx context.Context, t *db.Tx, columns string, body bool, where string, values []T) ([]*entryRow, error) {
	var out []*entryRow
	err := db.Chunks(1, values, func(args []any, list string) error {
		return t.Each(ctx, func(rows *sql.Rows) error {
			r, err := scanRow(rows, body)
			out = append(out, r)
			return err
		}, "SELECT "+columns+" FROM entry e WHERE "+fmt.Sprintf(where, list), args...)
	})
	return out, err
}

// heads loads entries without their bodies. Those that the transaction has loaded already are the same rows.
func (t *tx) heads(ctx context.Context, ids []int64) ([]*entryRow, error) {
	var missing []int64
	out := make([]*entryRow, 0, len(ids))
	for _, id := range ids {
		if r := t.rows[id]; r != nil {
			out = append(out, r)
		} else {
			missing = append(missing, id)
		}
	}
	more, err := selectRows(ctx, t.Tx, headList, false, "e.id IN (%s)", missing)
	for _, r := range more {
		t.rows[r.id] = r
	}
	return append(out, more...), err
}

// head loads one entry without its body; nil when there is none.
func (t *tx) head(ctx context.Context, id int64) (*entryRow, error) {
	rows, err := t.heads(ctx, []int64{id})
	if err != nil || len(rows) == 0 || rows[0].gone {
		return nil, err
	}
	return rows[0], nil
}

// bodies loads the bodies of rows that have none yet.
func (t *tx) bodies(ctx context.Context, rows []*entryRow) error {
	at := map[int64]*entryRow{}
	var ids []int64
	for _, r := range rows {
		if !r.whole && at[r.id] == nil {
			at[r.id] = r
			ids = append(ids, r.id)
		}
	}
	return db.Chunks(1, ids, func(args []any, list string) error {
		return t.Each(ctx, func(rows *sql.Rows) error {
			var id int64
			var body []byte
			if err := rows.Scan(&id, &body); err != nil {
				return err
			}
			at[id].body, at[id].whole = body, true
			return nil
		}, `SELECT id, body FROM entry WHERE id IN (`+list+`)`, args...)
	})
}

// touch lets the transaction write a row at its end, or before a query that has to see it.
func (t *tx) touch(r *entryRow) {
	t.rows[r.id] = r
	if !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
}

// indexed are the columns that indexes have, and that change.
type indexed struct {
	anchor, sourceAnchor, class, parent, notKept string
	state                                        canopy.EntryState
	meta                                         int64
}

func (r *entryRow) indexed() indexed {
	return indexed{r.anchor, r.sourceAnchor, r.class, r.parent, r.notKept, r.state, r.meta}
}

// changed are the columns that are to be written of a row that the table has: an index is written anew when a statement
// names one of its columns, whether its value changes or not.
func (r *entryRow) changed() (columns []string, which int) {
	columns = []string{"dn", "via", "via_rule", "via_on", "known", "imported", "links", "keys", "claims", "hash"}
	if r.whole {
		which, columns = 1, append(columns, "body")
	}
	for i, c := range []struct {
		name string
		is   bool
	}{{"anchor", r.anchor != r.was.anchor}, {"source_anchor", r.sourceAnchor != r.was.sourceAnchor}, {"class", r.class != r.was.class},
		{"parent", r.parent != r.was.parent}, {"not_kept", r.notKept != r.was.notKept}, {"state", r.state != r.was.state}, {"meta", r.meta != r.was.meta}} {
		if c.is {
			which, columns = which|2<<i, append(columns, c.name)
		}
	}
	return columns, which
}

// writeRows writes what was touched.
func (t *tx) writeRows(ctx context.Context) error {
	used := map[string]bool{}
	for _, r := range t.dirty {
		if r.dirty = false; r.gone {
			continue
		}
		t.count(r, r.countable())
		b, name := db.Bulk{Table: "entry", Columns: entryColumns, Conflict: entryColumns[:1], Update: entryColumns[1:]}, "entry"
		if r.stored {
			var which int
			b.Update, which = r.changed()
			name += strconv.Itoa(which)
		}
		args := []any{r.id, r.connector, r.anchor, r.sourceAnchor, r.class, r.dn, r.parent, int64(r.state), r.meta, int64(r.via), r.viaRule,
			r.viaOn, r.known, r.notKept, r.imported, r.links.encode(), r.keys, r.claims, r.hash, r.body}
		if !r.whole {
			b.Columns, args = b.Columns[:len(b.Columns)-1], args[:len(args)-1]
		}
		if used[name] = true; !r.whole && !r.stored {
			return fmt.Errorf("entry %d has no body to be stored with", r.id)
		}
		if err := t.writer(name, b).Add(ctx, args...); err != nil {
			return err
		}
		r.stored, r.was = true, r.indexed()
	}
	t.dirty = t.dirty[:0]
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if err := t.writers[name].Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// count keeps the cursor's number of objects.
func (t *tx) count(r *entryRow, now bool) {
	switch {
	case now && !r.counted:
		t.objects[r.connector]++
	case !now && r.counted:
		t.objects[r.connector]--
	}
	r.counted = now
}

// drop removes an entry with all that is its own. While links name it, its id stays as a stub's.
func (t *tx) drop(ctx context.Context, r *entryRow) error {
	t.count(r, false)
	r.gone = true
	if err := t.dropKeys(ctx, r.id, r.keys); err != nil {
		return err
	}
	if err := t.dropClaims(ctx, r.id, r.claims); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	for _, q := range []string{`DELETE FROM entry WHERE id = $1`, `DELETE FROM link WHERE owner = $1`, `DELETE FROM link WHERE target = $1 AND state = 3`,
		`DELETE FROM target_link WHERE owner = $1`, `DELETE FROM authority WHERE entry = $1`,
		`DELETE FROM target_link WHERE target = $1`, `DELETE FROM link_retry WHERE owner = $1`, `DELETE FROM export WHERE entry = $1`, `DELETE FROM held WHERE meta = 0 AND entry = $1`,
		`DELETE FROM due_entry WHERE entry = $1`} {
		if _, err := t.Exec(ctx, q, r.id); err != nil {
			return err
		}
	}
	delete(t.dueE, r.id)
	var one int64
	named, err := t.One(ctx, []any{&one}, `SELECT owner FROM link WHERE target = $1 LIMIT 1`, r.id)
	if err != nil || !named {
		return err
	}
	return t.putStub(ctx, r.id, r.connector, canopy.Ref{Anchor: canopy.Anchor(r.anchor), DN: r.dn})
}

// entry is a row for others.
func (s *Store) entry(r *entryRow) (*canopy.Entry, error) {
	attrs, err := s.words.decodeAttrs(r.body)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", r.id, err)
	}
	return s.entryWith(r, attrs)
}

func (s *Store) entryWith(r *entryRow, attrs canopy.Attrs) (*canopy.Entry, error) {
	e := &canopy.Entry{ID: canopy.EntryID(r.id), Class: canopy.Class(r.class), Anchor: canopy.Anchor(r.anchor), SourceAnchor: r.sourceAnchor,
		DN: r.dn, Parent: canopy.Anchor(r.parent), State: r.state, Attrs: attrs, Known: r.known, Meta: canopy.MetaID(r.meta),
		Via:      canopy.Joined{Kind: r.via, Rule: canopy.RuleID(r.viaRule), On: r.viaOn},
		Imported: moment(r.imported), Groups: r.groups}
	s.mu.Lock()
	for i := range s.conns {
		if s.conns[i].no == r.connector {
			e.Connector = s.conns[i].ID
		}
	}
	s.mu.Unlock()
	for _, l := range r.links {
		name, err := s.words.word(l.attr)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", r.id, err)
		}
		if e.LinkCounts == nil {
			e.LinkCounts = make(map[canopy.Attr]int, len(r.links))
		}
		e.LinkCounts[canopy.Attr(name)] = int(l.count)
	}
	var err error
	e.NotKept, err = r.notKeptCounts()
	return e, err
}

func (r *entryRow) notKeptCounts() (map[canopy.Attr]int, error) {
	if r.notKept == "" {
		return nil, nil
	}
	var m map[canopy.Attr]int
	if err := json.Unmarshal([]byte(r.notKept), &m); err != nil {
		return nil, fmt.Errorf("entry %d: %w", r.id, err)
	}
	return m, nil
}

func (r *entryRow) setNotKept(m map[canopy.Attr]int) error {
	r.notKept = ""
	if len(m) == 0 {
		return nil
	}
	text, err := json.Marshal(m)
	r.notKept = string(text)
	return err
}
