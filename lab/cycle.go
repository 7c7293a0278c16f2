package lab

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// Summary is what a lab came to, and the last line of canopy lab --once --json.
type Summary struct {
	Forests   []Counted        `json:"forests"`
	Metaverse MetaverseCounts  `json:"metaverse"`
	Tenant    TenantCounts     `json:"tenant"`
	Exports   ExportCounts     `json:"exports"`
	SecondRun SecondRun        `json:"second_run"`
	Seconds   float64          `json:"seconds"`
	First     *run.Report      `json:"-"`
	Held      []run.HeldObject `json:"-"`
	// State is the last cycle, which looked at everything: its counts are how things stand, whatever ran before.
	State *run.Report `json:"-"`
	// Findings are all that stand.
	Findings []canopy.Finding `json:"-"`
	// Example is the sign-in name of somebody who is in two forests, "" when nobody is.
	Example string `json:"-"`
}

// MetaverseCounts count metas; Joined those with entries of two or more forests.
type MetaverseCounts struct {
	People   int `json:"people"`
	Groups   int `json:"groups"`
	Contacts int `json:"contacts"`
	Joined   int `json:"joined"`
}

// TenantCounts count the tenant's live objects.
type TenantCounts struct {
	Users    int `json:"users"`
	Groups   int `json:"groups"`
	Contacts int `json:"contacts"`
}

// ExportCounts count what became of the exports of the cycles up to the confirmation.
type ExportCounts struct {
	Written     int `json:"written"`
	Refused     int `json:"refused"`
	Held        int `json:"held"`
	Unconfirmed int `json:"unconfirmed"`
}

// SecondRun is what a further full cycle planned.
type SecondRun struct {
	Exports int `json:"exports"`
}

// rounds is how many cycles a lab may need until everything is confirmed.
const rounds = 5

// Once runs cycles until everything is confirmed, and then one more that reads everything again.
func (l *Lab) Once(ctx context.Context, c *run.Local, p run.Progress) (*Summary, error) {
	began := time.Now()
	s := &Summary{}
	for _, f := range l.Forests {
		s.Forests = append(s.Forests, f.Directory)
	}
	for i := range rounds {
		r, err := c.Cycle(ctx, run.Options{Progress: p})
		if err != nil {
			return s, err
		}
		if err := failed(r); err != nil {
			return s, err
		}
		if i == 0 {
			s.First = r
		}
		s.Exports.Written += r.Exports.Written
		s.Exports.Refused += r.Exports.Refused
		s.Exports.Unconfirmed = r.Exports.Unconfirmed
		if len(r.Stopped) > 0 || i > 0 && r.Plan == 0 && r.Exports.Later == 0 && r.Exports.Unconfirmed == 0 {
			break
		}
	}
	second, err := c.Cycle(ctx, run.Options{Full: true, All: true, Progress: p})
	if err != nil {
		return s, err
	}
	s.State, s.SecondRun.Exports = second, run.Sum(second.Totals)
	if err := s.look(ctx, c); err != nil {
		return s, err
	}
	err = s.count(ctx, c)
	s.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	return s, err
}

// standing are the findings that stand: a plan has those of what it writes, and a later one about the same object
// replaces them.
func standing(ctx context.Context, c *run.Local) ([]canopy.Finding, error) {
	plans, err := c.Store.Plans(ctx, 1_000_000)
	if err != nil {
		return nil, err
	}
	found := map[string][]canopy.Finding{}
	for _, p := range slices.Backward(plans) { // the oldest first
		for after := 0; ; {
			items, err := c.Store.Items(ctx, p.ID, after, 500)
			if err != nil {
				return nil, err
			}
			if len(items) == 0 {
				break
			}
			for i := range items {
				if x := &items[i]; x.Dies || writesAddresses(x) {
					found[x.Label] = x.Findings
				}
			}
			after += len(items)
		}
	}
	var all []canopy.Finding
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name]...)
	}
	return all, nil
}

func writesAddresses(i *canopy.PlanItem) bool {
	return slices.ContainsFunc(i.Exports, func(e canopy.PlannedExport) bool { return len(e.Export.Set[canopy.AttrAddresses]) > 0 })
}

// look takes the findings that stand, and finds somebody who was joined over two forests.
func (s *Summary) look(ctx context.Context, c *run.Local) (err error) {
	if s.Findings, err = standing(ctx, c); err != nil {
		return err
	}
	x, err := c.One(ctx, twiceMail)
	if canopy.KindOf(err) == canopy.NotFound || canopy.KindOf(err) == canopy.Conflict || x.Meta == 0 {
		return nil // the lab joins nobody, or churn has given her another name
	}
	if err != nil {
		return err
	}
	entries, err := c.Store.EntriesOf(ctx, x.Meta)
	sources := slices.DeleteFunc(entries, func(e *canopy.Entry) bool { return e.Connector == canopy.Tenant })
	if len(sources) > 1 {
		s.Example = twiceMail
	}
	return err
}

func failed(r *run.Report) error {
	for _, i := range r.Failures() {
		return &canopy.Error{Kind: canopy.Other, Code: "lab-import", Object: string(i.Connector), Text: i.Error, Next: "run the lab again with another --dir"}
	}
	return nil
}

func (s *Summary) count(ctx context.Context, c *run.Local) error {
	m, err := c.Store.Counts(ctx)
	if err != nil {
		return err
	}
	s.Metaverse = MetaverseCounts{People: m.People, Groups: m.Groups, Contacts: m.Contacts, Joined: m.Joined}
	if s.Held, err = c.Held(ctx, 1000); err != nil {
		return err
	}
	s.Exports.Held = len(s.Held)
	s.Tenant.Users, s.Tenant.Groups, s.Tenant.Contacts, err = c.CountTarget(ctx)
	return err
}
