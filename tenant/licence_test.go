package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

func units(sku string, n int) func(*world) {
	return func(w *world) { w.ok(w.Admin().SetUnits(context.Background(), sku, n)) }
}

// TestDirectLicence: what is given by hand is there at once, or refused at once with the service's code.
func TestDirectLicence(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cases := []struct {
		name     string
		have     []string
		location string
		before   func(*world)
		add      []Licence
		remove   []string
		code     string
		want     string
	}{
		{"one", nil, "AT", nil, []Licence{{SKU: "ENTERPRISEPACK"}}, nil, "", "ENTERPRISEPACK"},
		{"by short name and id", nil, "AT", nil, []Licence{{SKU: "E1"}, {SKU: "078d2b04-f1bd-4111-bbd6-b4b1b354cef4"}}, nil, "", "AAD_PREMIUM STANDARDPACK"},
		{"as MSOL writes it", nil, "AT", nil, []Licence{{SKU: "contoso:STANDARDWOFFPACK"}}, nil, "", "STANDARDWOFFPACK"},
		{"the same again", []string{"E3"}, "AT", nil, []Licence{{SKU: "E3"}}, nil, "", "ENTERPRISEPACK"},
		{"an unknown product", nil, "AT", nil, []Licence{{SKU: "E9"}}, nil, CodeNoSKU, ""},
		{"without a usage location", nil, "", nil, []Licence{{SKU: "E3"}}, nil, CodeLocation, ""},
		{"where it may not be used", nil, "kp", nil, []Licence{{SKU: "E3"}}, nil, CodeLocation, ""},
		{"no units", nil, "AT", units("ENTERPRISEPACK", 0), []Licence{{SKU: "E3"}}, nil, CodeCount, ""},
		{"no units, but it has one", []string{"E3"}, "AT", units("ENTERPRISEPACK", 1), []Licence{{SKU: "E3", Off: []string{"TEAMS1"}}}, nil, "", "ENTERPRISEPACK"},
		{"two of one family", []string{"E1"}, "AT", nil, []Licence{{SKU: "E3"}}, nil, CodeExclusive, "STANDARDPACK"},
		{"two of one family, what excludes is off", []string{"E1"}, "AT", nil,
			[]Licence{{SKU: "E3", Off: []string{"EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE"}}}, nil, "", "ENTERPRISEPACK STANDARDPACK"},
		{"one for another", []string{"E1"}, "AT", nil, []Licence{{SKU: "E3"}}, []string{"E1"}, "", "ENTERPRISEPACK"},
		{"an add-on without what it needs", nil, "AT", nil, []Licence{{SKU: "ARCHIVE"}}, nil, CodeDependency, ""},
		{"an add-on with what it needs", []string{"E1"}, "AT", nil, []Licence{{SKU: "ARCHIVE"}}, nil, "", "EXCHANGEARCHIVE_ADDON STANDARDPACK"},
		{"what an add-on needs is taken away", []string{"E1", "ARCHIVE"}, "AT", nil, nil, []string{"E1"}, CodeDependency, "EXCHANGEARCHIVE_ADDON STANDARDPACK"},
		{"both are taken away", []string{"E1", "ARCHIVE"}, "AT", nil, nil, []string{"ARCHIVE", "E1"}, "", ""},
		{"what is not there is taken away", nil, "AT", nil, nil, []string{"E1"}, CodeNoLicence, ""},
		{"a plan of another product is switched off", nil, "AT", nil, []Licence{{SKU: "E1", Off: []string{"EXCHANGE_S_ENTERPRISE"}}}, nil, CodeData, ""},
		{"the first is good, the second is not", nil, "AT", nil, []Licence{{SKU: "E1"}, {SKU: "E3"}}, nil, CodeExclusive, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com"))
			if c.location != "" {
				w.ok(w.Admin().SetAttributes(ctx, id, attrs("usageLocation", c.location)))
			}
			for _, sku := range c.have {
				w.ok(w.Admin().AssignLicence(ctx, id, sku))
			}
			if c.before != nil {
				c.before(w)
			}
			err := w.Admin().License(ctx, id, c.add, c.remove)
			var e *canopy.Error
			if errors.As(err, &e); (err == nil) != (c.code == "") || e != nil && (e.Code != c.code || e.Next == "" && c.code != CodeData) {
				t.Errorf("got %v (%+v), want %q and what to do", err, e, c.code)
			}
			if got := strings.Join(w.get(id).Licences, " "); got != c.want {
				t.Errorf("licences: got %q, want %q", got, c.want)
			}
		})
	}
}

// TestExchangePlan: who has a mailbox is told by the service plans, not by the product.
func TestExchangePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		licence Licence
		want    bool
	}{{Licence{SKU: "E3"}, true}, {Licence{SKU: "F3"}, true}, {Licence{SKU: "P1"}, false},
		{Licence{SKU: "E1", Off: []string{"EXCHANGE_S_STANDARD"}}, false}, {Licence{SKU: "E1", Off: []string{"TEAMS1"}}, true}} {
		w := newWorld(t)
		id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "usageLocation", "AT"))
		w.ok(w.Admin().License(context.Background(), id, []Licence{c.licence}, nil))
		o := w.get(id)
		if got := o.HasExchangePlan(); got != c.want || (o.Cloud.Text(cloudMOERA) != "") != c.want {
			t.Errorf("%v: got %v, plans %v, addresses %v; want %v", c.licence, got, o.Plans, o.Cloud[cloudProxies], c.want)
		}
	}
}

// TestUnitsComeBack: a licence that is taken away, or whose user is deleted, can be given to somebody else.
func TestUnitsComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	units("ENTERPRISEPACK", 1)(w)
	anna := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "usageLocation", "AT"))
	ben := w.cloudUser(attrs("userPrincipalName", "ben@contoso.com", "usageLocation", "AT"))
	w.license(anna, "E3")
	if err := w.Admin().AssignLicence(ctx, ben, "E3"); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("no unit left: got %v", err)
	}
	w.ok(w.Admin().Delete(ctx, anna))
	w.license(ben, "E3")
	w.ok(w.Admin().Restore(ctx, anna))
	states := must(w.Admin().LicenceStates(ctx, anna))(t)
	if o := w.get(anna); len(o.Licences) != 0 || len(states) != 1 || states[0].Error != CodeCount {
		t.Errorf("restored when the unit is gone: got %v %+v", o.Licences, states)
	}
	for _, s := range must(w.Admin().SKUs(ctx))(t) {
		if s.PartNumber == "ENTERPRISEPACK" && (s.Consumed != 1 || s.Enabled != 1) {
			t.Errorf("got %+v, want one of one", s)
		}
	}
}

// TestLicenceUniqueness: where synchronisation may give two people one address, licensing is where it fails.
func TestLicenceUniqueness(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Policy = UniqueNone })
	ctx := context.Background()
	mail := []string{"usageLocation", "AT", "proxyAddresses", "SMTP:anna@contoso.com"}
	w.done(add(canopy.User, "QQ==", append(mail, "userPrincipalName", "a@contoso.com")...))
	second := w.done(add(canopy.User, "Qg==", append(mail, "userPrincipalName", "b@contoso.com")...))
	err := w.Admin().AssignLicence(ctx, second, "E3")
	var e *canopy.Error
	if !errors.As(err, &e) || e.Code != CodeUniqueness || !strings.Contains(e.Text, "Uniqueness violation. Property: ProxyAddresses.") {
		t.Errorf("got %v, want %s", err, CodeUniqueness)
	}
	if o := w.get(second); len(o.Licences) != 0 {
		t.Errorf("got licences %v", o.Licences)
	}
	w.ok(w.Admin().AssignLicence(ctx, second, "P1"))
	group := w.done(add(canopy.Group, "Rw==", "displayName", "Licensed"))
	w.ok(w.Admin().AssignLicence(ctx, group, "E3"))
	w.done(members(group, canopy.LinkChange{Added: refs(second)}))
	must(w.License(ctx))(t)
	states := must(w.Admin().LicenceStates(ctx, second))(t)
	if len(states) != 2 || states[1].Error != CodeUniqueness || states[1].Group != group {
		t.Errorf("by a group: got %+v, want the error recorded", states)
	}
}

// deal is a tenant with people, groups and their licences, in a word each: what a group gives, and who is in it.
type deal struct {
	*world
	users, groups map[string]canopy.Anchor
}

func newDeal(t *testing.T) *deal {
	return &deal{newWorld(t), map[string]canopy.Anchor{}, map[string]canopy.Anchor{}}
}

func (d *deal) user(name string, more ...string) canopy.Export {
	return add(canopy.User, name, append([]string{"userPrincipalName", name + "@contoso.com"}, more...)...)
}

func (d *deal) add(e canopy.Export) canopy.Anchor { return d.done(e) }

func (d *deal) group(name string, licences ...string) canopy.Anchor {
	d.t.Helper()
	id := d.done(add(canopy.Group, name, "displayName", name))
	for _, l := range licences {
		d.ok(d.Admin().AssignLicence(context.Background(), id, l))
	}
	return id
}

func (d *deal) states(id canopy.Anchor) string {
	d.t.Helper()
	var out []string
	for _, s := range must(d.Admin().LicenceStates(context.Background(), id))(d.t) {
		text := s.SKU
		if s.Group != "" {
			text += "*"
		}
		if s.Error != "None" {
			text += " " + s.Error
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestGroupLicences: a group's licences come to its members in the background, all or none of each group.
func TestGroupLicences(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cases := []struct {
		name string
		do   func(d *deal) canopy.Anchor
		want string // the states, * from a group
		has  string
	}{
		{"a member, then the licence", func(d *deal) canopy.Anchor {
			u, g := d.add(d.user("a")), d.group("G")
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			d.ok(d.Admin().AssignLicence(ctx, g, "E3"))
			return u
		}, "ENTERPRISEPACK*", "ENTERPRISEPACK"},
		{"a group and its member in one write", func(d *deal) canopy.Anchor {
			g := d.group("G", "E3")
			r := d.write(d.user("a"), d.user("b"))
			d.write(members(g, canopy.LinkChange{Added: refs(r[0].Anchor)}), members(g, canopy.LinkChange{Added: refs(r[1].Anchor)}))
			return r[1].Anchor
		}, "ENTERPRISEPACK*", "ENTERPRISEPACK"},
		{"a member that leaves again at once", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E3"), d.add(d.user("a"))
			d.write(members(g, canopy.LinkChange{Added: refs(u)}), members(g, canopy.LinkChange{Removed: refs(u)}))
			return u
		}, "", ""},
		{"a member that leaves later", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E3"), d.add(d.user("a"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			must(d.License(ctx))(d.t)
			d.done(members(g, canopy.LinkChange{Removed: refs(u)}))
			return u
		}, "", ""},
		{"a nested member", func(d *deal) canopy.Anchor {
			outer, inner, u := d.group("G", "E3"), d.group("H"), d.add(d.user("a"))
			d.done(members(outer, canopy.LinkChange{Added: refs(inner)}))
			d.done(members(inner, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "", ""},
		{"directly and by a group", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E3"), d.add(d.user("a"))
			d.license(u, "E3")
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "ENTERPRISEPACK, ENTERPRISEPACK*", "ENTERPRISEPACK"},
		{"two groups that exclude each other: the older one gives", func(d *deal) canopy.Anchor {
			g, h, u := d.group("G", "E1"), d.group("H", "E3", "P1"), d.add(d.user("a"))
			d.done(members(h, canopy.LinkChange{Added: refs(u)}))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "STANDARDPACK*, AAD_PREMIUM* Other, ENTERPRISEPACK* MutuallyExclusiveViolation", "STANDARDPACK"},
		{"who has it keeps it", func(d *deal) canopy.Anchor {
			g, h, u := d.group("G", "E1"), d.group("H", "E3"), d.add(d.user("a"))
			d.done(members(h, canopy.LinkChange{Added: refs(u)}))
			must(d.License(ctx))(d.t)
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "STANDARDPACK* MutuallyExclusiveViolation, ENTERPRISEPACK*", "ENTERPRISEPACK"},
		{"no units for one product: none of the group", func(d *deal) canopy.Anchor {
			units("AAD_PREMIUM", 0)(d.world)
			g, u := d.group("G", "E3", "P1"), d.add(d.user("a"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "AAD_PREMIUM* CountViolation, ENTERPRISEPACK* Other", ""},
		{"more units, and looked at again", func(d *deal) canopy.Anchor {
			units("ENTERPRISEPACK", 0)(d.world)
			g, u := d.group("G", "E3"), d.add(d.user("a"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			must(d.License(ctx))(d.t)
			units("ENTERPRISEPACK", 1)(d.world)
			if n := must(d.Admin().Reprocess(ctx, g))(d.t); n != 1 {
				d.t.Errorf("reprocessed %d users, want 1", n)
			}
			return u
		}, "ENTERPRISEPACK*", "ENTERPRISEPACK"},
		{"a country where it may not be used", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E3"), d.add(d.user("a", "usageLocation", "IR"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "ENTERPRISEPACK* ProhibitedInUsageLocationViolation", ""},
		{"what an add-on of one's own depends on stays", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E1"), d.add(d.user("a", "usageLocation", "AT"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			must(d.License(ctx))(d.t)
			d.license(u, "ARCHIVE")
			d.done(members(g, canopy.LinkChange{Removed: refs(u)}))
			return u
		}, "EXCHANGEARCHIVE_ADDON, STANDARDPACK", "EXCHANGEARCHIVE_ADDON STANDARDPACK"},
		{"deleted and back", func(d *deal) canopy.Anchor {
			g, u := d.group("G", "E3"), d.add(d.user("a"))
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			must(d.License(ctx))(d.t)
			d.done(remove(u))
			d.done(d.user("a"))
			must(d.License(ctx))(d.t)
			if s := d.states(u); s != "" {
				d.t.Errorf("back, and not a member yet: got %s", s)
			}
			d.done(members(g, canopy.LinkChange{Added: refs(u)}))
			return u
		}, "ENTERPRISEPACK*", "ENTERPRISEPACK"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDeal(t)
			u := c.do(d)
			must(d.License(ctx))(t)
			if got := d.states(u); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := strings.Join(d.get(u).Licences, " "); got != c.has {
				t.Errorf("licences: got %q, want %q", got, c.has)
			}
			if n := must(d.Admin().LicencesWaiting(ctx))(t); n != 0 {
				t.Errorf("%d still wait", n)
			}
		})
	}
}

// TestGroupLicencesWait: nothing is given before its time, the queue outlives the process, and many are served in parts.
func TestGroupLicencesWait(t *testing.T) {
	t.Parallel()
	d := newDeal(t)
	ctx := context.Background()
	const many = dueAtOnce + 50
	var batch []canopy.Export
	for i := range many {
		batch = append(batch, d.user(fmt.Sprint("u", i)))
	}
	var ids []canopy.Anchor
	for _, r := range d.write(batch...) {
		ids = append(ids, r.Anchor)
	}
	units("ENTERPRISEPACK", many-1)(d.world)
	g := d.group("G", "E3")
	d.done(members(g, canopy.LinkChange{Added: refs(ids...)}))
	if n := must(d.Admin().LicencesWaiting(ctx))(t); n != many {
		t.Errorf("%d wait, want %d", n, many)
	}
	if got := d.states(ids[0]); got != "" {
		t.Errorf("before its time: got %s", got)
	}
	d.reopen()
	if n := must(d.License(ctx))(t); n == 0 {
		t.Error("nothing was done")
	}
	var failed []canopy.Anchor
	for _, id := range ids {
		switch got := d.states(id); got {
		case "ENTERPRISEPACK*":
		case "ENTERPRISEPACK* CountViolation":
			failed = append(failed, id)
		default:
			t.Fatalf("%s: got %s", id, got)
		}
	}
	if len(failed) != 1 || !slices.Contains(ids, failed[0]) {
		t.Errorf("%d have no unit, want one", len(failed))
	}
}

// TestLicensedGroup: a group with licences is not deleted, by nobody.
func TestLicensedGroup(t *testing.T) {
	t.Parallel()
	d := newDeal(t)
	ctx := context.Background()
	g := d.group("G", "E3")
	if r := d.write(remove(g))[0]; r.Code != CodeLicensed {
		t.Errorf("by synchronisation: got %s %s, want %s", r.Kind, r.Code, CodeLicensed)
	}
	if err := d.Admin().Delete(ctx, g); canopy.KindOf(err) != canopy.Forbidden {
		t.Errorf("by hand: got %v", err)
	}
	d.ok(d.Admin().RemoveLicence(ctx, g, "E3"))
	d.done(remove(g))
}
