package tenant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// lateRows is how many rows share one statement. More are slower in SQLite.
const lateRows = 20

// sortedRows is how many claims wait to be written in the order of their keys: what is searched in its order is searched in
// few places.
const sortedRows = 10_000

// late are rows of one table that are to be inserted, many with one statement. They are in the file before any other
// statement can look for them.
type late struct {
	insert string // up to VALUES
	then   string // after the rows
	width  int    // of one row
	most   int    // rows that wait at most
	args   []any
}

// backlog are the rows that a transaction still has to insert.
type backlog struct {
	objects, claims, links late
	forward, recipients    late
	provisioned            late
	fresh                  map[string]bool // ids of the objects among them
	owners                 map[int64]bool  // of the links among them
}

func newBacklog() backlog {
	return backlog{
		objects: late{width: 14, most: lateRows, insert: `INSERT INTO object (oid, class, anchor, synced, label, own, kept, cloud, roles, licences,
			deleted, born, seq, id) VALUES `},
		claims: late{width: 2, most: sortedRows, insert: `INSERT OR IGNORE INTO claim (key, object) VALUES `},
		links: late{width: 6, most: lateRows, insert: `INSERT INTO link (owner, attr, target, state, cloud, seq) VALUES `,
			then: ` ON CONFLICT (owner, attr, target) DO UPDATE SET state = excluded.state, cloud = excluded.cloud, seq = excluded.seq`},
		forward: late{width: 3, most: lateRows, insert: `INSERT INTO forward (object, since, due) VALUES `, then: ` ON CONFLICT (object) DO NOTHING`},
		recipients: late{width: 6, most: lateRows, insert: `INSERT INTO recipient (object, guid, synced, name, alias, body) VALUES `,
			then: ` ON CONFLICT (object) DO UPDATE SET guid = excluded.guid, synced = excluded.synced, name = excluded.name,
				alias = excluded.alias, body = excluded.body`},
		provisioned: late{width: 3, most: lateRows, insert: `INSERT INTO provisioning (at, target, value) VALUES `},
		fresh:       map[string]bool{}, owners: map[int64]bool{},
	}
}

// add takes one more row, and tells whether there are enough for a statement.
func (l *late) add(row ...any) (enough bool) {
	l.args = append(l.args, row...)
	return len(l.args) >= l.most*l.width
}

func (l *late) query(rows int) string {
	row := ", (?" + strings.Repeat(", ?", l.width-1) + ")"
	return l.insert + strings.Repeat(row, rows)[2:] + l.then
}

// sort orders the rows by their first column, a text.
func (l *late) sort() {
	rows := slices.Collect(slices.Chunk(l.args, l.width))
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	l.args = slices.Concat(rows...)
}

// write inserts the rows of one table that wait.
func (x *tx) write(l *late) error {
	rest := l.args
	for _, n := range []int{lateRows, 5, 1} {
		for len(rest) >= n*l.width {
			if err := x.execNow(l.query(n), rest[:n*l.width]...); err != nil {
				return err
			}
			rest = rest[n*l.width:]
		}
	}
	clear(l.args)
	l.args = l.args[:0]
	return nil
}

func (x *tx) writeObjects() error {
	if len(x.late.objects.args) == 0 {
		return nil
	}
	if err := x.write(&x.late.objects); err != nil {
		return fmt.Errorf("store new objects: %w", err)
	}
	clear(x.late.fresh)
	return nil
}

func (x *tx) writeClaims() error {
	x.late.claims.sort()
	if err := x.write(&x.late.claims); err != nil {
		return fmt.Errorf("store claims: %w", err)
	}
	return nil
}

func (x *tx) writeLinks() error {
	if err := x.write(&x.late.links); err != nil {
		return fmt.Errorf("store links: %w", err)
	}
	clear(x.late.owners)
	return nil
}

func (x *tx) writeForward() error {
	if err := x.write(&x.late.forward); err != nil {
		return fmt.Errorf("store changes for Exchange: %w", err)
	}
	return nil
}

func (x *tx) writeRecipients() error {
	if err := x.write(&x.late.recipients); err != nil {
		return fmt.Errorf("store recipients: %w", err)
	}
	return nil
}

// catchUp inserts everything that waits.
func (x *tx) catchUp() error {
	if len(x.late.objects.args)+len(x.late.claims.args)+len(x.late.links.args)+len(x.late.forward.args)+len(x.late.recipients.args) == 0 {
		return nil
	}
	return errors.Join(x.writeObjects(), x.writeClaims(), x.writeLinks(), x.writeForward(), x.writeRecipients())
}
