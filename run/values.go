package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/tenant"
)

// ValueCheck is what the checks of values found.
type ValueCheck struct {
	Forests []CheckedForest  `json:"forests,omitempty"`
	File    *check.FileCount `json:"file,omitempty"`
	*check.Result
}

// CheckedForest is how much of a forest was checked.
type CheckedForest struct {
	Connector canopy.ConnectorID `json:"connector"`
	Objects   int                `json:"objects"`
	Read      bool               `json:"read"` // there was something to check
}

// outOfScope is why an object that a rule leaves out is not checked.
const outOfScope = "out of scope by a rule or a person"

// CheckFile checks the objects of an LDIF file. With domains, those that the tenant has verified, it says what a tenant with
// that initial domain would make of them.
func CheckFile(path, initial string, domains []string) (_ *ValueCheck, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "ldif-file", Object: path, Text: "it cannot be opened", Err: err, Next: "name a file that ldifde -f or ldapsearch -LLL wrote"}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return checkReader(path, f, initial, domains)
}

func checkReader(name string, r io.Reader, initial string, domains []string) (*ValueCheck, error) {
	c := check.New(cloudOptions(initial, domains))
	n, err := check.File(r, c.Add)
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "ldif", Object: name, Text: "it is no LDIF content", Err: err, Next: "correct the line, or write the file anew: ldifde -f FILE, or ldapsearch -LLL"}
	}
	if n.Records == 0 {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "ldif-empty", Object: name, Text: "there is no object in it", Next: "write the file anew: ldifde -f FILE, or ldapsearch -LLL"}
	}
	return &ValueCheck{File: &n, Result: c.Result()}, nil
}

// cloudOptions are what the checks need to know of the tenant.
func cloudOptions(initial string, domains []string) check.Options {
	o := check.Options{Public: public}
	if len(domains) == 0 {
		return o
	}
	known := map[string]bool{}
	for _, d := range append(slices.Clone(domains), initial) {
		known[canopy.Fold(d)] = true
	}
	o.Verified = func(domain string) bool { return known[domain] }
	o.Cloud = func(class canopy.Class, attrs canopy.Attrs) check.Cloud {
		return tenant.Calculate(initial, o.Verified, class, attrs)
	}
	return o
}

// public tells whether a domain is below one that is registered on the Internet.
func public(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return icann || strings.Contains(suffix, ".")
}

// CheckValues checks the objects of the forests against one another and the tenant: as they were read last, or with fresh
// as they are now. It stores nothing.
func (l *Local) CheckValues(ctx context.Context, fresh bool) (*ValueCheck, error) {
	about := l.values(&l.Target)
	c := check.New(cloudOptions(about["Tenant.Initial"], strings.Fields(about["Tenant.Domains"])))
	joined, err := l.joining(ctx)
	if err != nil {
		return nil, err
	}
	excluded, err := l.excluded(ctx)
	if err != nil {
		return nil, err
	}
	v := &ValueCheck{}
	scoped := 0
	add := func(s *Space, e *canopy.Entry) {
		in, err := l.Rules.Scope(kindOf(s, "ad"), s.ID, rule.EntryObject(e, l.values(s)))
		if err == nil && !in.In || excluded[e.ID] {
			scoped++
			return
		}
		c.Add(&check.Object{Connector: s.ID, Order: s.Order, Class: e.Class, Anchor: e.Anchor, DN: e.DN, Meta: joined(e), Attrs: e.Attrs})
	}
	for i := range l.Sources {
		s := &l.Sources[i]
		f := CheckedForest{Connector: s.ID}
		each := func(e *canopy.Entry) error {
			if f.Read = true; e.State != canopy.Present && e.State != canopy.Missing || e.Class == canopy.Container || e.Class == canopy.ForeignSecurityPrincipal {
				return nil
			}
			f.Objects++
			add(s, e)
			return nil
		}
		if fresh {
			err = l.readNow(ctx, s, each)
		} else {
			err = l.stored(ctx, s.ID, each)
		}
		if err != nil {
			return nil, err
		}
		v.Forests = append(v.Forests, f)
	}
	if err := l.addTenant(ctx, c); err != nil {
		return nil, err
	}
	v.Result = c.Result()
	if scoped > 0 {
		v.Skipped[outOfScope] = scoped
		v.Objects += scoped
	}
	return v, nil
}

// stored walks a connector's entries, none where it was never read.
func (l *Local) stored(ctx context.Context, id canopy.ConnectorID, each func(*canopy.Entry) error) error {
	err := l.Store.EachEntry(ctx, id, each)
	if canopy.KindOf(err) == canopy.NotFound {
		return nil
	}
	return err
}

// readNow reads a forest and keeps nothing. Entries have the numbers and metas of those that are stored.
func (l *Local) readNow(ctx context.Context, s *Space, each func(*canopy.Entry) error) error {
	known := map[canopy.Anchor]*canopy.Entry{}
	err := l.stored(ctx, s.ID, func(e *canopy.Entry) error {
		known[e.Anchor] = &canopy.Entry{ID: e.ID, Meta: e.Meta}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.describe(ctx, s); err != nil {
		return err
	}
	err = s.Connector.Read(ctx, l.request(s, nil), func(b canopy.Batch) error {
		for i := range b.Changes {
			x := &b.Changes[i]
			if x.Kind != canopy.FullImage || x.Failed != nil {
				continue
			}
			e := &canopy.Entry{Connector: s.ID, Class: x.Class, Anchor: x.Anchor, DN: x.DN, Parent: x.Parent, Attrs: x.Attrs}
			if k := known[x.Anchor]; k != nil {
				e.ID, e.Meta = k.ID, k.Meta
			}
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", s.ID, err)
	}
	return nil
}

// addTenant adds the objects of the tenant that are joined to nothing.
func (l *Local) addTenant(ctx context.Context, c *check.Checker) error {
	return l.stored(ctx, l.Target.ID, func(e *canopy.Entry) error {
		if e.State == canopy.Present && e.Meta == 0 {
			c.Add(&check.Object{Connector: e.Connector, Class: e.Class, Anchor: e.Anchor, Tenant: true, Attrs: e.Attrs})
		}
		return nil
	})
}

// joining says who an entry is: the meta that it is joined to, or that the next plan would join it to.
func (l *Local) joining(ctx context.Context) (func(*canopy.Entry) canopy.MetaID, error) {
	settings, err := l.settings(ctx)
	if err != nil {
		return nil, err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	p := engine.New(l.Rules, settings).NewPlanner(view)
	if _, _, err := p.Join(ctx, func(yield func(*canopy.Entry) error) error { return l.Store.DueEntries(ctx, yield) }); err != nil {
		return nil, err
	}
	return func(e *canopy.Entry) canopy.MetaID {
		if e.Meta != 0 {
			return e.Meta
		}
		return p.JoinedTo(e.ID)
	}, nil
}
