package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

const (
	// keepDeleted is how long a deleted user can come back.
	keepDeleted = 30 * 24 * time.Hour
	// keepFeed is how long the feed remembers what was removed; an older cursor reads everything again.
	keepFeed = 60 * 24 * time.Hour
)

// tx is one writing transaction.
type tx struct {
	t    *Tenant
	ctx  context.Context
	conf settings
	now  time.Time
	seq  int64           // the last change's number
	id   int64           // the last object's number
	low  int64           // what the feed has forgotten
	free map[string]bool // anchors and claims that nobody has, as far as foresee has looked
	// known are objects that are there and not deleted, by object id, without their values.
	known map[canopy.Anchor]*record
	late  backlog
	// broken is why the transaction as a whole cannot go on, when its parts are each for themselves
	broken error
	// subject is the object that the export under way is about, nil while it is not found.
	subject *subject
	maybe   []int64        // stored objects that Exchange may have a record of
	used    map[string]int // units of products, as far as they were counted
	coming  arrivals       // objects whose changes arrive at Exchange
	owed    []int64        // users whose licences of groups are to be looked at again
}

// update runs fn in a transaction, after purging what is due, and announces what it changed.
func (t *Tenant) update(ctx context.Context, fn func(*tx) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement that is given a context that can end costs twice as much; the context is asked between objects.
	quiet := context.WithoutCancel(ctx)
	if err := t.file.begin(quiet); err != nil {
		return classify(err)
	}
	x := &tx{t: t, ctx: quiet, conf: t.conf, now: t.clock(), late: newBacklog()}
	before := int64(0)
	err := x.row(`SELECT seq, id, low FROM counter`).Scan(&x.seq, &x.id, &x.low)
	if err == nil {
		before = x.seq
		err = x.start()
	}
	if err == nil {
		err = fn(x)
	}
	if err == nil {
		err = x.concernOld()
	}
	if err == nil {
		err = errors.Join(x.writeOwed(), x.catchUp(), x.writeProvisioned())
	}
	if err == nil && x.seq != before {
		err = errors.Join(x.exec(`UPDATE counter SET seq = ?, id = ?, low = ?`, x.seq, x.id, x.low), x.tick())
	}
	if err := t.file.end(err); err != nil {
		t.today, t.hour, t.wake = 0, 0, 0
		t.licensed, t.owing = nil, true
		return classify(err)
	}
	t.conf = x.conf
	if x.seq != before {
		t.announce()
	}
	return nil
}

// start notes the day's first change number, forgets old removals and purges deleted users that are due.
func (x *tx) start() error {
	if day := x.now.Unix() / 86400; day != x.t.today {
		if err := x.forget(day); err != nil {
			return err
		}
		x.t.today = day
	}
	if err := x.purge(); err != nil {
		return err
	}
	if hour := x.now.Unix() / int64(releaseEvery/time.Second); hour != x.t.hour {
		x.t.hour = hour
		return x.release()
	}
	return nil
}

func (x *tx) forget(day int64) error {
	if err := x.forgetProvisioned(); err != nil {
		return err
	}
	if err := x.exec(`INSERT OR IGNORE INTO day (day, seq) VALUES (?, ?)`, day, x.seq); err != nil {
		return err
	}
	old := day - int64(keepFeed/(24*time.Hour))
	low := x.low
	// Every day with a change has a row, so what came before the first younger row is older.
	if err := x.row(`SELECT min(seq) FROM day WHERE day > ?`, old).Scan(&low); err != nil {
		return err
	}
	if low <= x.low {
		return nil
	}
	x.low = low
	return errors.Join(
		x.exec(`DELETE FROM link WHERE state = 0 AND seq <= ?`, low),
		x.exec(`DELETE FROM gone WHERE seq <= ?`, low),
		x.exec(`DELETE FROM day WHERE day <= ?`, old),
		x.exec(`UPDATE counter SET low = ?`, low))
}

func (x *tx) next() int64 {
	x.seq++
	return x.seq
}

// exec, row and rows see all that the transaction has done; those that end in now leave out the rows that wait.
func (x *tx) exec(query string, args ...any) error {
	if err := x.catchUp(); err != nil {
		return err
	}
	return x.execNow(query, args...)
}

func (x *tx) execNow(query string, args ...any) error {
	s, err := x.t.file.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(x.ctx, args...)
	return err
}

// scanner is a row, or why there is none.
type scanner interface{ Scan(...any) error }

type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }

func (x *tx) row(query string, args ...any) scanner {
	if err := x.catchUp(); err != nil {
		return failedRow{err}
	}
	return x.rowNow(query, args...)
}

func (x *tx) rowNow(query string, args ...any) scanner {
	s, err := x.t.file.stmt(query)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(x.ctx, args...)
}

// rows calls each for every row.
func (x *tx) rows(each func(scanner) error, query string, args ...any) error {
	if err := x.catchUp(); err != nil {
		return err
	}
	return x.rowsNow(each, query, args...)
}

func (x *tx) rowsNow(each func(scanner) error, query string, args ...any) error {
	s, err := x.t.file.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(x.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (x *tx) loadSettings() (conf settings, found bool, err error) {
	var text []byte
	err = x.row(`SELECT value FROM setting WHERE name = 'tenant'`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return conf, false, nil
	}
	if err == nil {
		conf.Exchange = defaultExchange // of a file from before there were any
		err = json.Unmarshal(text, &conf)
	}
	if err != nil {
		return conf, false, fmt.Errorf("read the tenant's settings: %w", err)
	}
	return conf, true, nil
}

// saveSettings stores settings that count from the next transaction on.
func (x *tx) saveSettings(conf settings) error {
	text, err := json.Marshal(conf)
	if err != nil {
		return err
	}
	x.conf = conf
	return x.exec(`INSERT INTO setting (name, value) VALUES ('tenant', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, text)
}

// holdersOf finds the objects that have one of the claims, by claim.
func (x *tx) holdersOf(claims []claim) (map[string][]holder, error) {
	found := map[string][]holder{}
	claims = slices.DeleteFunc(slices.Clone(claims), func(c claim) bool { return x.free[c.key] })
	const most = 64
	for ; len(claims) > 0; claims = claims[min(most, len(claims)):] {
		part := claims[:min(most, len(claims))]
		// Sizes are rounded up to a power of two, so that a few statements serve all.
		size := 4
		for size < len(part) {
			size *= 2
		}
		args := make([]any, size)
		for i := range args {
			args[i] = part[min(i, len(part)-1)].key
		}
		err := x.rows(func(r scanner) error {
			var key string
			var h holder
			var anchor sql.NullString
			if err := r.Scan(&key, &h.id, &h.oid, &h.class, &anchor, &h.synced, &h.role, &h.label); err != nil {
				return err
			}
			h.anchor = anchor.String
			found[key] = append(found[key], h)
			return nil
		}, `SELECT c.key, o.id, o.oid, o.class, o.anchor, o.synced = 1, o.roles <> '', o.label FROM claim c
			JOIN object o ON o.id = c.object WHERE c.key IN (?`+strings.Repeat(",?", size-1)+`) ORDER BY c.object`, args...)
		if err != nil {
			return nil, fmt.Errorf("look for who holds the values: %w", err)
		}
	}
	return found, nil
}

// newObjectID is an object id that no object has or had lately.
func (x *tx) newObjectID() (canopy.Anchor, error) {
	for {
		id := x.t.newID()
		if id == "" {
			return "", &canopy.Error{Kind: canopy.Invalid, Text: "the generator of object ids gave an empty one"}
		}
		if x.late.fresh[id] {
			continue
		}
		var taken bool
		err := x.rowNow(`SELECT EXISTS (SELECT 1 FROM object WHERE oid = ?)`, id).Scan(&taken)
		if err != nil || !taken {
			return canopy.Anchor(id), err
		}
	}
}
