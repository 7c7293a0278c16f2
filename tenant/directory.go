package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Directory is the tenant as programs see it: computed values, pages in a fixed order, and changes that obey locks. A
// refusal is a *canopy.Error with the refusal's code, as from Admin.
type Directory struct{ t *Tenant }

// Directory is the door for programs.
func (t *Tenant) Directory() *Directory { return &Directory{t} }

// Item is an object with its place and times.
type Item struct {
	Object
	Number int64
	Seq    int64 // the number of the object's last change
	// Licensing is there once the door has looked for it.
	Licensing *Licensing
	// Made is when the object was made or came back, Changed when it or its links changed last, to the second.
	Made, Changed time.Time
}

// UPN is the name that the object signs in with.
func (i *Item) UPN() string { return i.Cloud.Text(cloudUPN) }

// Mail is the primary SMTP address.
func (i *Item) Mail() string {
	if mail := i.Cloud.Text(cloudMail); mail != "" {
		return mail
	}
	if len(i.Cloud[cloudErrors]) > 0 {
		return "" // it may be what is withheld
	}
	return i.Attrs.Text(canopy.AttrMail)
}

// Alias is the mail nickname.
func (i *Item) Alias() string { return i.Cloud.Text(cloudAlias) }

// Addresses are the proxy addresses.
func (i *Item) Addresses() canopy.Values { return i.Cloud[cloudProxies] }

const itemColumns = `o.id, o.oid, o.class, o.anchor, o.synced, o.label, o.own, o.kept, o.cloud, o.roles, o.licences, o.deleted, o.born, o.seq,
	coalesce((SELECT at FROM tick WHERE seq >= o.born ORDER BY seq LIMIT 1), 0), coalesce((SELECT at FROM tick WHERE seq >= o.seq ORDER BY seq LIMIT 1), 0)`

// itemRow scans a record with its times behind it.
type itemRow struct {
	s             scanner
	made, changed *int64
}

func (r itemRow) Scan(into ...any) error { return r.s.Scan(append(into, r.made, r.changed)...) }

func scanItem(s scanner) (*Item, error) {
	var made, changed int64
	r, err := scanRecord(itemRow{s, &made, &changed})
	if err != nil {
		return nil, err
	}
	return itemOf(r, made, changed), nil
}

func itemOf(r *record, made, changed int64) *Item {
	i := &Item{Number: r.id, Seq: r.seq, Made: time.Unix(made, 0).UTC(), Changed: time.Unix(changed, 0).UTC()}
	i.Object = shownOf(r)
	return i
}

// reading prepares a query of the reading connections, once.
func (f *file) reading(query string) (*sql.Stmt, error) {
	if s, ok := f.reads.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := f.read.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	kept, there := f.reads.LoadOrStore(query, s)
	if there {
		_ = s.Close() // another one was quicker
	}
	return kept.(*sql.Stmt), nil
}

// rows calls each for every row of a query of the reading connections.
func (d *Directory) rows(ctx context.Context, each func(scanner) error, query string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := d.t.file.reading(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d *Directory) row(ctx context.Context, query string, args ...any) scanner {
	if err := ctx.Err(); err != nil {
		return failedRow{err}
	}
	s, err := d.t.file.reading(query)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}

// Get gives one object, deleted ones included. None with this id is an error of kind NotFound.
func (d *Directory) Get(ctx context.Context, id canopy.Anchor) (*Item, error) {
	i, err := scanItem(d.row(ctx, `SELECT `+itemColumns+` FROM object o WHERE o.oid = ?`, string(id)))
	return i, notFound(string(id), err)
}

// ByUPN gives the user that signs in with a name. None is an error of kind NotFound.
func (d *Directory) ByUPN(ctx context.Context, upn string) (*Item, error) {
	var found *Item
	err := d.rows(ctx, func(s scanner) error {
		i, err := scanItem(s)
		if err == nil && canopy.Fold(i.UPN()) == canopy.Fold(upn) {
			found = i
		}
		return err
	}, `SELECT `+itemColumns+` FROM claim c JOIN object o ON o.id = c.object WHERE c.key = ?`, keyUPN+canopy.Fold(upn))
	if err == nil && found == nil {
		err = sql.ErrNoRows
	}
	return found, notFound(upn, err)
}

func notFound(name string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return refuse(CodeNotFound, "", "there is no such object").asError(name)
	}
	return err
}

// Count counts the objects of a class that are not deleted.
func (d *Directory) Count(ctx context.Context, class canopy.Class) (int64, error) {
	var n int64
	err := d.row(ctx, `SELECT count(*) FROM object WHERE class = ? AND deleted IS NULL`, string(class)).Scan(&n)
	return n, err
}

// Settings are what the tenant tells of itself.
type Settings struct {
	Tenant   string
	Initial  string
	Domains  []Domain
	Switches Switches
	Now      time.Time
	// Synchronized is set while the tenant takes what synchronisation writes; SyncOff is when that was switched off.
	Synchronized bool
	SyncOff      time.Time
	Location     string // the tenant's country
}

// Settings gives the tenant's settings as they are now.
func (d *Directory) Settings() Settings {
	d.t.mu.Lock()
	defer d.t.mu.Unlock()
	c := d.t.conf
	s := Settings{Tenant: c.Tenant, Initial: c.Initial, Domains: append([]Domain(nil), c.Domains...), Switches: c.Switches, Now: d.t.clock(),
		Synchronized: c.SyncOff == 0, Location: c.Location}
	if c.SyncOff != 0 {
		s.SyncOff = time.UnixMicro(c.SyncOff).UTC()
	}
	return s
}

// Seq is the number of the last change.
func (d *Directory) Seq(ctx context.Context) (int64, error) {
	var n int64
	err := d.row(ctx, `SELECT seq FROM counter`).Scan(&n)
	return n, err
}

// marks are n question marks in parentheses, n rounded up to a power of two; fill repeats the last argument to fit.
func marks(n int) string { return `(?` + strings.Repeat(`,?`, upTo(n)-1) + `)` }

func upTo(n int) int {
	size := 1
	for size < n {
		size *= 2
	}
	return size
}

func fill(args []any, list []string) []any {
	for i := range upTo(len(list)) {
		args = append(args, list[min(i, len(list)-1)])
	}
	return args
}

// SetSwitches sets the switches for matching, as Admin does.
func (d *Directory) SetSwitches(ctx context.Context, s Switches) error {
	return d.t.Admin().SetSwitches(ctx, s)
}
