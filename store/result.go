package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

var errEnough = errors.New("enough")

// How long an export waits before it is tried again: twice as long each time, and a day when it was refused.
const (
	firstWait = 30 * time.Second
	longest   = time.Hour
	refusedIs = 24 * time.Hour
)

func backOff(tries int64) int64 {
	d := firstWait << min(tries, 12)
	return min(d, longest).Microseconds()
}

// RecordResults keeps what a target answered: results[i] is the answer to exports[i]. What was done shows in the
// entries at once, and is confirmed by the next import that shows it.
func (s *Store) RecordResults(ctx context.Context, run canopy.RunID, id canopy.ConnectorID, exports []canopy.Export, results []canopy.Result) error {
	wrap := func(err error) error { return fmt.Errorf("record the answers of %s: %w", id, err) }
	if len(exports) != len(results) {
		return wrap(fmt.Errorf("%d answers to %d exports", len(results), len(exports)))
	}
	c, err := s.conn(id)
	if err != nil {
		return wrap(err)
	}
	if err := s.intern(ctx, wordsOfExports(exports)); err != nil {
		return wrap(err)
	}
	err = s.update(ctx, func(t *tx) error {
		rec := &recording{t: t, c: c, run: run}
		return rec.all(ctx, exports, results)
	})
	if err != nil {
		return wrap(err)
	}
	return nil
}

func wordsOfExports(exports []canopy.Export) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range exports {
			for name := range attrNames(exports[i].Set) {
				if !yield(name) {
					return
				}
			}
			for name := range attrNames(exports[i].Links) {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// recording is one call of RecordResults within its transaction.
type recording struct {
	t     *tx
	c     conn
	run   canopy.RunID
	sent  map[int64]*sentExport
	now   map[string]int64     // entries by anchor, for links
	links map[linkKey]int64    // states of link rows that few exports of links name; nil: not known any more
	bound map[string]*entryRow // entries by anchor, of those that adds were answered with
	tried bool                 // there are links that were not taken
	plain []int64              // exports that are done, without a word more
	free  bool                 // something was released
}

// sentExport is the row of an export that was answered.
type sentExport struct {
	id, entry, meta, tries int64
	source                 int64
	phase                  canopy.ExportPhase
}

func (rec *recording) all(ctx context.Context, exports []canopy.Export, results []canopy.Result) error {
	if err := rec.load(ctx, exports); err != nil {
		return err
	}
	if err := rec.loadBound(ctx, exports, results); err != nil {
		return err
	}
	for i := range exports {
		var err error
		if exports[i].ID < 0 {
			err = rec.linked(ctx, &exports[i], &results[i])
		} else {
			err = rec.object(ctx, &exports[i], &results[i])
		}
		if err != nil {
			return fmt.Errorf("export %d: %w", exports[i].ID, err)
		}
	}
	err := db.Chunks(4, rec.plain, func(args []any, list string) error {
		_, err := rec.t.Exec(ctx, `UPDATE export SET state = $1, tries = tries + 1, next_try = 0, at = $2, kind = $3, code = '', text = '' WHERE id IN (`+list+`)`,
			append([]any{exportUnconfirmed, rec.t.now, int64(canopy.Done)}, args...)...)
		return err
	})
	if err != nil {
		return err
	}
	if rec.free {
		// What was refused for a value that another object held has its chance now.
		_, err := rec.t.Exec(ctx, `UPDATE export SET next_try = 0 WHERE connector = $1 AND state = 2`, rec.c.no)
		return err
	}
	return nil
}

// load reads the rows that the answers are about.
func (rec *recording) load(ctx context.Context, exports []canopy.Export) error {
	rec.sent = map[int64]*sentExport{}
	var ids, entries []int64
	var anchors []string
	for i := range exports {
		if exports[i].ID > 0 {
			ids = append(ids, int64(exports[i].ID))
			continue
		}
		anchors = append(anchors, string(exports[i].Ref.Anchor))
		for _, l := range exports[i].Links {
			for _, ref := range slices.Concat(l.Added, l.Removed) {
				anchors = append(anchors, string(ref.Anchor))
			}
		}
	}
	err := db.Chunks(1, ids, func(args []any, list string) error {
		return rec.t.Each(ctx, func(r *sql.Rows) error {
			x := &sentExport{}
			err := r.Scan(&x.id, &x.entry, &x.meta, &x.source, &x.tries, &x.phase)
			rec.sent[x.id] = x
			return err
		}, `SELECT id, entry, meta, source, tries, phase FROM export WHERE id IN (`+list+`)`, args...)
	})
	if err != nil {
		return err
	}
	var givers []int64
	for _, x := range rec.sent {
		entries = append(entries, x.entry)
		if x.source != 0 {
			givers = append(givers, x.source)
		}
	}
	if _, err := rec.t.heads(ctx, givers); err != nil {
		return err
	}
	rows, err := rec.t.heads(ctx, entries)
	if err != nil {
		return err
	}
	if err := rec.t.bodies(ctx, rows); err != nil {
		return err
	}
	rec.now = map[string]int64{}
	if len(anchors) == 0 {
		return nil
	}
	slices.Sort(anchors)
	if rec.now, err = rec.t.idsOf(ctx, rec.c.no, slices.Compact(anchors)); err != nil {
		return err
	}
	return rec.loadLinks(ctx, exports)
}

// loadBound reads the entries that have the anchors that adds were answered with, and whether there are links that were
// not taken.
func (rec *recording) loadBound(ctx context.Context, exports []canopy.Export, results []canopy.Result) error {
	var anchors []string
	links := false
	for i := range exports {
		links = links || exports[i].ID < 0
		if exports[i].ID > 0 && exports[i].Op == canopy.Add && results[i].Kind == canopy.Done && results[i].Anchor != "" {
			anchors = append(anchors, string(results[i].Anchor))
		}
	}
	rec.bound = make(map[string]*entryRow, len(anchors))
	rows, err := rec.t.byAnchor(ctx, rec.c.no, anchors)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if rec.bound[r.anchor] == nil {
			rec.bound[r.anchor] = r
		}
	}
	if links {
		var one int64
		rec.tried, err = rec.t.One(ctx, []any{&one}, `SELECT owner FROM link_retry LIMIT 1`)
	}
	return err
}

// object keeps the answer to one object's export. One that the plan has replaced meanwhile has no row any more: only
// what was done counts.
func (rec *recording) object(ctx context.Context, e *canopy.Export, res *canopy.Result) error {
	x := rec.sent[int64(e.ID)]
	if x == nil {
		return nil
	}
	rec.links = nil // it may lose links, too
	r, err := rec.t.head(ctx, x.entry)
	if err != nil || r == nil {
		return err
	}
	kind := res.Kind
	if kind == canopy.NotThere && e.Op == canopy.Delete {
		kind = canopy.Done
	}
	x.tries++
	log := LogRow{Run: rec.run, Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(x.meta), Connector: rec.c.ID, Step: LogExport, Op: res.Kind.String(),
		Text: e.Op.String() + " " + string(e.Class), Code: res.Code}
	if res.Match != "" {
		log.Text += ", met by " + res.Match
	}
	if res.Text != "" {
		log.Text += ": " + res.Text
	}
	if err := rec.t.logRow(ctx, log); err != nil {
		return err
	}
	switch kind {
	case canopy.Done:
		return rec.done(ctx, e, res, x, r)
	case canopy.Later:
		return rec.answer(ctx, x, exportPending, rec.t.now+backOff(x.tries-1), res)
	case canopy.Refused, canopy.Denied:
		return rec.answer(ctx, x, exportRefused, rec.t.now+refusedIs.Microseconds(), res)
	case canopy.NotThere:
		return rec.notThere(ctx, r)
	}
	return fmt.Errorf("there is no answer %d", res.Kind)
}

func (rec *recording) answer(ctx context.Context, x *sentExport, state, next int64, res *canopy.Result) error {
	if state == exportUnconfirmed && next == 0 && res.Kind == canopy.Done && res.Code == "" && res.Text == "" {
		rec.plain = append(rec.plain, x.id) // all of them together
		return nil
	}
	_, err := rec.t.Exec(ctx, `UPDATE export SET state = $1, tries = $2, next_try = $3, at = $4, kind = $5, code = $6, text = $7 WHERE id = $8`,
		state, x.tries, next, rec.t.now, int64(res.Kind), res.Code, res.Text, x.id)
	return err
}

// notThere keeps that the target does not have an object any more: what depends on it is planned anew.
func (rec *recording) notThere(ctx context.Context, r *entryRow) error {
	rec.links = nil
	if r.state != canopy.Gone {
		if err := rec.t.lose(ctx, &rec.c, r, "the target does not have it any more"); err != nil {
			return err
		}
	}
	_, err := rec.t.Exec(ctx, `DELETE FROM export WHERE entry = $1`, r.id)
	return err
}

// done shows in the entry what was written.
func (rec *recording) done(ctx context.Context, e *canopy.Export, res *canopy.Result, x *sentExport, r *entryRow) error {
	rec.free = rec.free || x.phase == canopy.PhaseRelease
	if e.Op == canopy.Delete {
		if err := rec.answer(ctx, x, exportUnconfirmed, 0, res); err != nil || r.state == canopy.Gone {
			return err
		}
		return rec.deleted(ctx, r)
	}
	if e.Op == canopy.Add {
		var err error
		if r, err = rec.bind(ctx, e, res, x, r); err != nil || r == nil {
			return err
		}
	}
	attrs, err := rec.t.s.words.decodeAttrs(r.body)
	if err != nil {
		return fmt.Errorf("entry %d: %w", r.id, err)
	}
	maps.Copy(attrs, e.Set)
	for _, name := range e.Clear {
		delete(attrs, name)
	}
	if isTrue(canopy.AttrCloudMastered, attrs) {
		delete(attrs, canopy.AttrCloudMastered) // it is synchronised now
	}
	if e.Op == canopy.Add && e.SourceAnchor != "" {
		attrs[canopy.AttrSourceAnchor] = canopy.Texts(e.SourceAnchor)
	}
	if r.body, r.hash, err = rec.t.s.words.encodeAttrs(attrs); err != nil {
		return err
	}
	if e.Op == canopy.Move || res.DN != "" {
		r.dn = firstText(res.DN, e.DN, r.dn)
	}
	rec.t.touch(r)
	return rec.answer(ctx, x, exportUnconfirmed, 0, res)
}

// deleted keeps that an object was deleted. Its entry stays, as gone, until an import confirms it.
func (rec *recording) deleted(ctx context.Context, r *entryRow) error {
	if err := rec.t.vanish(ctx, &rec.c, r); err != nil {
		return err
	}
	if _, err := rec.t.Exec(ctx, `DELETE FROM export WHERE entry = $1 AND op <> $2`, r.id, int64(canopy.Delete)); err != nil {
		return err
	}
	if r.meta != 0 {
		another, err := rec.t.another(ctx, &rec.c, r)
		if err != nil {
			return err
		}
		if !another {
			return rec.t.strip(ctx, &rec.c, r)
		}
		r.meta, r.via, r.viaRule, r.viaOn = 0, canopy.NotJoined, "", "" // the other one was planned in its place
		rec.t.touch(r)
	}
	mark, err := rec.t.dueMark(ctx)
	if err != nil {
		return err
	}
	var freed []int64
	for h := range unpackClaims(r.claims) {
		freed = append(freed, h)
	}
	if r.claims, _, _, err = rec.t.setClaims(ctx, r.id, r.claims, nil); err != nil {
		return err
	}
	_, finds := unpackKeys(r.keys)
	if r.keys, _, err = rec.t.setKeys(ctx, r.id, r.keys, nil, finds); err != nil {
		return err
	}
	return rec.t.contest(ctx, freed, 0, true, mark)
}

// bind gives an entry the anchor with which the target answered its add. When the target has met an object that has an
// entry already, that entry takes its place.
func (rec *recording) bind(ctx context.Context, e *canopy.Export, res *canopy.Result, x *sentExport, r *entryRow) (*entryRow, error) {
	if e.SourceAnchor != "" {
		r.sourceAnchor = e.SourceAnchor
	}
	if res.Anchor == "" || string(res.Anchor) == r.anchor {
		return r, rec.t.given(ctx, r, x.source)
	}
	have := rec.bound[string(res.Anchor)]
	switch {
	case have != nil && !have.gone:
	case r.anchor == "":
		r.anchor = string(res.Anchor)
		rec.bound[r.anchor] = r
		return r, rec.t.given(ctx, r, x.source)
	default:
		have = &entryRow{connector: rec.c.no, anchor: string(res.Anchor), class: r.class, state: canopy.Planned, whole: true}
		var err error
		if have.id, err = rec.t.next(ctx, nounEntry); err != nil {
			return nil, err
		}
		rec.bound[have.anchor] = have
	}
	if err := rec.t.bodies(ctx, []*entryRow{have}); err != nil {
		return nil, err
	}
	have.sourceAnchor = e.SourceAnchor
	if r.anchor != "" {
		return rec.rebind(ctx, x, r, have)
	}
	ok, err := rec.t.merge(ctx, &rec.c, r, have)
	if err != nil || ok {
		return have, err
	}
	text := "the target answered with an object that belongs to another meta"
	return nil, rec.answer(ctx, x, exportRefused, rec.t.now+refusedIs.Microseconds(), &canopy.Result{Kind: canopy.Refused, Code: "other-object", Text: text})
}

// rebind moves a join from the entry that an add was to take over to the one that the target took over instead.
func (rec *recording) rebind(ctx context.Context, x *sentExport, planned, have *entryRow) (*entryRow, error) {
	if have.meta != 0 && have.meta != planned.meta {
		return nil, rec.answer(ctx, x, exportRefused, rec.t.now+refusedIs.Microseconds(), &canopy.Result{Kind: canopy.Refused, Code: "other-object",
			Text: "the target answered with an object that belongs to another meta"})
	}
	have.meta, have.via, have.viaRule, have.viaOn = planned.meta, canopy.Matched, planned.viaRule, planned.viaOn
	planned.meta, planned.via, planned.viaRule, planned.viaOn = 0, canopy.NotJoined, "", ""
	planned.sourceAnchor = ""
	rec.t.touch(have)
	rec.t.touch(planned)
	if _, err := rec.t.Exec(ctx, `UPDATE export SET entry = $1 WHERE entry = $2`, have.id, planned.id); err != nil {
		return nil, err
	}
	if err := rec.t.metaDue(ctx, have.meta); err != nil {
		return nil, err
	}
	return have, rec.t.identify(ctx, have, 0)
}
