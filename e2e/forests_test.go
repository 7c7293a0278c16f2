package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy/e2e/samba"
	"github.com/canopy-sync/canopy/lab"
)

// templates is where the forests' empty domains are kept while the tests run: making one takes longest.
var templates string

// forever bounds one step of a test.
const forever = 5 * time.Minute

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), forever)
	t.Cleanup(cancel)
	return ctx
}

// site is a real forest that holds one of the lab's directories.
type site struct {
	*samba.DC
	name   string // the connector's
	reader samba.Account
	// exclude are containers that the configuration leaves out.
	exclude []string
}

// startForests makes the lab's three forests real, at once, on hosts first, first+1 and first+2 of the package's net. The
// third is a .local domain, whose people have no UPN suffix that a cloud could know.
func startForests(t *testing.T, first uint8, exchange bool, people int) []*site {
	t.Helper()
	samba.Require(t)
	dirs := lab.Generate(lab.Population{Seed: 1, People: people})
	makeLocal(&dirs[2])
	sites, errs := make([]*site, len(dirs)), make([]error, len(dirs))
	t.Cleanup(func() {
		for _, s := range sites {
			if s == nil {
				continue
			}
			if t.Failed() {
				t.Logf("end of the log of %s:\n%s", s.Domain(), s.LogTail(10))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	ctx := within(t)
	var wg sync.WaitGroup
	for i := range dirs {
		wg.Go(func() {
			d := &dirs[i]
			dc, err := samba.Start(ctx, samba.Options{Domain: d.Name, Netbios: d.Netbios, SID: d.SID, IP: samba.NetE2E.IP(first + uint8(i)),
				Exchange: exchange, DNS: i == 0, Templates: templates})
			if err != nil {
				errs[i] = err
				return
			}
			sites[i] = &site{DC: dc, name: strings.ToLower(d.Netbios)}
			errs[i] = sites[i].fill(ctx, t, d)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return sites
}

// fill loads a directory and makes the account that the product reads with.
func (s *site) fill(ctx context.Context, t *testing.T, d *lab.Directory) (err error) {
	objects, links := labObjects(d)
	l, err := s.Load(ctx, objects, links)
	if err != nil {
		return err
	}
	t.Logf("%s: %d objects and %d links in %v, provisioned in %v; existing %d; left out %v", s.Domain(), l.Objects, l.Links,
		l.Took.Round(time.Millisecond), s.Times.Provision.Round(time.Millisecond), len(l.Existing), slices.Sorted(maps.Keys(l.Dropped)))
	s.reader, err = s.AddService(ctx, "svc-canopy", "Reads-only-1", samba.Reader)
	return err
}

func labObjects(d *lab.Directory) (objects []samba.Object, links []samba.Link) {
	for _, o := range d.Objects {
		objects = append(objects, samba.Object{DN: o.DN, Attrs: o.Attrs, GUID: o.GUID, SID: o.SID})
	}
	for _, l := range d.Links {
		links = append(links, samba.Link(l))
	}
	return objects, links
}

// makeLocal gives a directory of the lab a name that no DNS of the world has, and its people that as UPN suffix.
func makeLocal(d *lab.Directory) {
	old, label := d.Base(), strings.ToLower(d.Netbios)
	d.Name = label + ".local"
	rebase := func(s string) string {
		if strings.HasSuffix(s, old) {
			return strings.TrimSuffix(s, old) + d.Base()
		}
		return s
	}
	for i := range d.Objects {
		o := &d.Objects[i]
		o.DN = rebase(o.DN)
		for name, values := range o.Attrs {
			values = slices.Clone(values)
			for j, v := range values {
				values[j] = rebase(v)
				if at := strings.LastIndexByte(v, '@'); name == "userPrincipalName" && at > 0 {
					values[j] = v[:at+1] + d.Name
				}
			}
			o.Attrs[name] = values
		}
	}
	for i, l := range d.Links {
		d.Links[i] = lab.Link{DN: rebase(l.DN), Attr: l.Attr, Target: rebase(l.Target)}
	}
}

// world reads the forests as they are now.
func world(t *testing.T, sites []*site) World {
	t.Helper()
	var w World
	for _, s := range sites {
		f := Forest{Name: s.name, Domain: s.Domain(), Exclude: s.exclude}
		err := s.Do(within(t), func(c *ldap.Conn) (err error) {
			f.Objects, err = ReadForest(c, s.Base())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Forests = append(w.Forests, f)
	}
	return w
}

// find gives the one wanted object with this UPN or mail, nil when there is none.
func find(t *testing.T, all map[string]Wanted, name string) *Wanted {
	t.Helper()
	var found *Wanted
	for _, w := range all {
		if w.UPN != name && w.Mail != name {
			continue
		}
		if found != nil {
			t.Fatalf("%s is wanted twice: %v and %v", name, found, w)
		}
		found = &w
	}
	return found
}

// TestForests proves that the three real forests hold the lab's people, and that the oracle understands them.
func TestForests(t *testing.T) {
	sites := startForests(t, 2, true, 60)
	all := Expect(world(t, sites))
	for _, c := range []struct {
		name string
		want func(w *Wanted) bool
		says string
	}{
		{"grace.bennett@contoso.com", func(w *Wanted) bool { return w != nil && w.Enabled == "TRUE" }, "one enabled user"},
		{"felix.hoffmann@contoso.com", func(w *Wanted) bool { return w != nil && w.Enabled == "TRUE" }, "one user, enabled by one of two accounts"},
		{"astrid.dahl@contoso.com", func(w *Wanted) bool { return w != nil && len(w.Addresses) > 0 }, "one user with addresses"},
		{"sam.taylor@contoso.com", func(w *Wanted) bool { return w == nil }, "nobody: ambiguous"},
		{"jonas.berg@contoso.com", func(w *Wanted) bool { return w != nil }, "the one of contoso"},
		{"j.berg@fabrikam.com", func(w *Wanted) bool { return w == nil }, "nobody: the primary address belongs to another"},
		{"callum.wright@contoso.com", func(w *Wanted) bool { return w != nil && w.Enabled == "FALSE" }, "a disabled user"},
		{"nuria.vega@tailspin.local", func(w *Wanted) bool { return w != nil }, "a user with an unroutable UPN"},
		{"svc-backup@contoso.com", func(w *Wanted) bool { return w != nil }, "a service account is a user"},
	} {
		if w := find(t, all, c.name); !c.want(w) {
			t.Errorf("%s: got %+v, want %s", c.name, w, c.says)
		}
	}
	ingrid := find(t, all, "ingrid.holmgren@fabrikam.com")
	for _, w := range all {
		if w.DisplayName == "Merger Office" && (ingrid == nil || !slices.Contains(w.Members, ingrid.Anchor)) {
			t.Errorf("Merger Office: got members %v, want %v among them", w.Members, ingrid)
		}
	}
	// The anchors are the lab's own: the same seed gives the same tenant.
	for _, o := range lab.Generate(lab.Population{Seed: 1, People: 60})[0].Objects {
		if o.Trouble == lab.ServiceAccount {
			if _, ok := all[base64.StdEncoding.EncodeToString([]byte(o.GUID))]; !ok {
				t.Errorf("%s: its anchor is not among those wanted", o.DN)
			}
		}
	}
	counts := map[string]int{}
	for _, w := range all {
		counts[string(w.Class)]++
	}
	t.Log(fmt.Sprint(counts))
}
