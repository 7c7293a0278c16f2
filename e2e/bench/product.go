package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// product is the product in a process of its own: it opens a state directory and runs cycles, as canopy run does.
type product struct {
	local *run.Local
	dir   string
	watch *stopwatch // of the cycle that runs
}

// stage is one part of a cycle.
type stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	Rows    int     `json:"rows,omitempty"` // that store and tenant have more than before
	// PeakByte is the most memory that the process had in the stage.
	PeakByte int64 `json:"peakBytes,omitempty"`
}

// cycle is what one cycle took and did.
type cycle struct {
	Seconds  float64 `json:"seconds"` // from lease to recorded run
	CPU      float64 `json:"cpu"`
	Stages   []stage `json:"stages"`
	Read     int     `json:"read"` // objects that the source showed
	Planned  int     `json:"planned"`
	Written  int     `json:"written"`
	Links    int     `json:"links"`
	Refused  int     `json:"refused"`
	Open     int     `json:"open"`      // exports that are not confirmed
	PeakByte int64   `json:"peakBytes"` // of the process, in any of the stages
}

func (c *cycle) stage(name string) stage {
	for _, s := range c.Stages {
		if s.Name == name {
			return s
		}
	}
	return stage{}
}

func (p *product) close() error {
	if p.local == nil {
		return nil
	}
	return p.local.Close()
}

func (p *product) do(ctx context.Context, o *order) (answer, error) {
	switch o.Do {
	case "open":
		return answer{}, p.open(ctx, o)
	case "cycle":
		c, err := p.cycle(ctx, o)
		return answer{Cycle: c}, err
	}
	return answer{}, fmt.Errorf("the product cannot %q", o.Do)
}

func (p *product) open(ctx context.Context, o *order) (err error) {
	p.dir = o.Dir
	if p.local, err = run.Open(ctx, run.OpenOptions{Dir: o.Dir, Command: "bench", CacheMiB: o.CacheMiB}); err != nil {
		return err
	}
	p.local.Target.Connector = heard{p.local.Target.Connector, func() { p.watch.target() }}
	return nil
}

// heard tells when its directory begins to be read.
type heard struct {
	canopy.Connector
	reading func()
}

func (h heard) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	h.reading()
	return h.Connector.Read(ctx, req, each)
}

func (p *product) cycle(ctx context.Context, o *order) (*cycle, error) {
	p.watch = &stopwatch{profile: o.Profile}
	if o.Rows {
		p.watch.count = func() (int, error) { return p.rows(ctx) }
	}
	p.watch.begin()
	r, err := p.local.Cycle(ctx, run.Options{Progress: p.watch.tell})
	p.watch.next("")
	if err = errors.Join(err, p.watch.err); err != nil {
		return nil, err
	}
	if len(r.Stopped) > 0 {
		return nil, fmt.Errorf("the guard stopped the run: %s", r.Stopped[0].Text)
	}
	for _, i := range r.Failures() {
		return nil, fmt.Errorf("import %s: %s", i.Connector, i.Error)
	}
	c := &cycle{Stages: p.watch.stages, Planned: run.Sum(r.Totals), Written: r.Exports.Written, Links: r.Exports.Links, Refused: r.Exports.Refused + r.Exports.Later,
		Open: r.Exports.Unconfirmed + r.Exports.NotKept}
	for _, i := range r.Imports {
		if i.Connector != p.local.Target.ID {
			c.Read += i.Counts.Read
		}
	}
	for _, s := range c.Stages {
		c.Seconds += s.Seconds
		c.CPU += s.CPU
		c.PeakByte = max(c.PeakByte, s.PeakByte)
	}
	return c, nil
}

// rows counts the rows of the store and the tenant.
func (p *product) rows(ctx context.Context) (int, error) {
	total := 0
	for _, name := range []string{run.StoreName, run.TenantName} {
		n, err := rowsOf(ctx, filepath.Join(p.dir, name))
		if err != nil {
			return 0, fmt.Errorf("count the rows of %s: %w", name, err)
		}
		total += n
	}
	return total, nil
}

func rowsOf(ctx context.Context, file string) (total int, err error) {
	u := url.URL{Path: file}
	d, err := sql.Open("sqlite", "file:"+u.EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)&_pragma=cache_size(-512)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	rows, err := d.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return 0, err
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, err
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for _, t := range tables {
		n := 0
		if err := d.QueryRowContext(ctx, `SELECT count(*) FROM "`+t+`"`).Scan(&n); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// quiet runs until a cycle finds nothing to do.
func quiet(c *child) error {
	for range 5 {
		a, err := c.ask(order{Do: "cycle"})
		if err != nil {
			return err
		}
		if a.Cycle.Planned+a.Cycle.Written+a.Cycle.Links+a.Cycle.Open == 0 {
			return nil
		}
	}
	return errors.New("after five further cycles there is still something to do")
}
