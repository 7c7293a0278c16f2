package store_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
)

// people is how many are evaluated anew; SIZE=1m in the environment is a million.
var people = flag.Int("people", peopleBySize(), "people of the benchmark of re-evaluation")

func peopleBySize() int {
	switch os.Getenv("SIZE") {
	case "1m":
		return 1_000_000
	case "quick":
		return 10_000
	}
	return 100_000
}

const forest = canopy.ConnectorID("contoso.lab")

var params = map[string]string{"Domain.FQDN": "contoso.lab", "Domain.Netbios": "CONTOSO", "Forest.FQDN": "contoso.lab", "Domain.LDAP": "DC=contoso,DC=lab"}

// person is somebody with a mailbox, as a forest shows her: some forty attributes.
func person(n int) canopy.Entry {
	name := fmt.Sprintf("person%07d", n)
	text := func(s string) canopy.Values { return canopy.Values{canopy.Text(s)} }
	guid := []byte(fmt.Sprintf("%016d", n))
	return canopy.Entry{ID: canopy.EntryID(2*n + 1), Connector: forest, Class: canopy.User, Anchor: canopy.Anchor(name), DN: "CN=" + name + ",OU=People,DC=contoso,DC=lab",
		Attrs: canopy.Attrs{
			"objectGUID": {canopy.Bytes(guid)}, "objectSid": text("S-1-5-21-1-2-3-" + name), "sAMAccountName": text(name), "userAccountControl": {canopy.Int(512)},
			"userPrincipalName": text(name + "@contoso.lab"), "mail": text(name + "@contoso.com"), "mailNickname": text(name), "cn": text(name),
			"proxyAddresses": canopy.Texts("SMTP:"+name+"@contoso.com", "smtp:"+name+"@old.contoso.com", "smtp:"+name+"@contoso.lab"),
			"displayName":    text("Person " + name), "givenName": text("Person"), "sn": text(name), "initials": text("P"), "department": text("Sales"), "title": text("Clerk"),
			"company": text("Contoso"), "l": text("Berlin"), "st": text("BE"), "co": text("Germany"), "c": text("DE"), "countryCode": {canopy.Int(276)}, "description": text("Clerk in Sales"),
			"telephoneNumber": text("+49 30 1234567"), "mobile": text("+49 170 1234567"), "homePhone": text("+49 30 7654321"), "pager": text("17"), "streetAddress": text("Street 1"), "postalCode": text("10115"),
			"physicalDeliveryOfficeName": text("Room 1"), "wWWHomePage": text("https://contoso.com"), "employeeID": text(name[6:]), "preferredLanguage": text("de-DE"), "info": text("none"),
			"pwdLastSet": {canopy.Int(133000000000000000)}, "legacyExchangeDN": text("/o=Contoso/cn=" + name), "msExchMailboxGuid": {canopy.Bytes(guid)},
			"msExchRecipientTypeDetails": {canopy.Int(1)}, "msExchRecipientDisplayType": {canopy.Int(1073741824)}, "msExchHideFromAddressLists": {canopy.Bool(false)},
			"msRTCSIP-PrimaryUserAddress": text("sip:" + name + "@contoso.com"), "msRTCSIP-UserEnabled": {canopy.Bool(true)}, "extensionAttribute1": text("x"), "extensionAttribute2": text("y"),
		}}
}

// crowd is a view of people who were never seen before.
type crowd map[canopy.EntryID]*canopy.Entry

func (c crowd) Metas(context.Context, []canopy.MetaID) ([]*canopy.Meta, error)      { return nil, nil }
func (c crowd) EntriesOf(context.Context, []canopy.MetaID) ([]*canopy.Entry, error) { return nil, nil }
func (c crowd) Lookup(context.Context, []canopy.Key) ([]canopy.Hit, error)          { return nil, nil }
func (c crowd) Claims(context.Context, []canopy.Claim) ([]canopy.Claimant, error)   { return nil, nil }
func (c crowd) Links(context.Context, canopy.LinkQuery, func(canopy.LinkRow) error) error {
	return nil
}

func (c crowd) Entries(_ context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	out := make([]*canopy.Entry, 0, len(ids))
	for _, id := range ids {
		out = append(out, c[id])
	}
	return out, nil
}

func defaultRules(tb testing.TB, own ...fs.FS) *rule.Set {
	tb.Helper()
	set, err := rule.Load(rule.Options{FS: append([]fs.FS{rule.Builtin()}, own...)})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func engineOf(set *rule.Set) *engine.Engine {
	return engine.New(set, engine.Settings{Owner: rule.MailboxOwner, Around: &rule.Around{Now: time.Now().UnixMicro()},
		Connectors: []engine.Connector{{ID: forest, Kind: "ad", Order: 1, Params: params}, {ID: canopy.Tenant, Kind: "tenant", Target: true}}})
}

// settle makes what cycles would have left of some people: planned by the engine as new, with everything written and
// confirmed.
func settle(ctx context.Context, set *rule.Set, e *engine.Engine, from, to int) ([]store.Settled, error) {
	view := crowd{}
	for n := from; n < to; n++ {
		x := person(n)
		view[x.ID] = &x
	}
	p := e.NewPlanner(view)
	metas, _, err := p.Join(ctx, func(yield func(*canopy.Entry) error) error {
		for n := from; n < to; n++ {
			if err := yield(view[canopy.EntryID(2*n+1)]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := p.Survey(ctx, metas); err != nil {
		return nil, err
	}
	if _, err := p.Settle(ctx); err != nil {
		return nil, err
	}
	items, err := p.Plan(ctx, metas)
	if err != nil {
		return nil, err
	}
	out := make([]store.Settled, 0, len(items))
	for i := range items {
		s, err := settled(set, view, &items[i])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func settled(set *rule.Set, view crowd, item *canopy.PlanItem) (store.Settled, error) {
	s := store.Settled{Source: *view[item.Entries[0].Entry], Label: item.Label, Meta: *item.Image, MetaKeys: item.Keys, MetaClaims: item.Claims}
	if len(item.Exports) != 1 || len(item.Held) > 0 {
		return s, fmt.Errorf("%s: %d exports, held %v", item.Label, len(item.Exports), item.Held)
	}
	x := item.Exports[0].Export
	s.Meta.ID = canopy.MetaID((s.Source.ID + 1) / 2)
	for i := range s.MetaClaims {
		s.MetaClaims[i].Meta = s.Meta.ID
	}
	s.Source.Via = item.Joins[0].Via
	s.Source.Known, s.Source.Meta = x.SourceAnchor, s.Meta.ID
	s.Target = canopy.Entry{ID: s.Source.ID + 1, Connector: canopy.Tenant, Class: x.Class, Anchor: "User_" + s.Source.Anchor, SourceAnchor: x.SourceAnchor, Attrs: x.Set,
		Via: canopy.Joined{Kind: canopy.Provisioned}, Meta: s.Meta.ID}
	s.Target.Attrs[canopy.AttrSourceAnchor] = canopy.Texts(x.SourceAnchor)
	var err error
	if s.SourceKeys, err = set.EntryKeys("ad", &s.Source, params); err != nil {
		return s, err
	}
	if s.TargetKeys, err = set.EntryKeys("tenant", &s.Target, nil); err != nil {
		return s, err
	}
	s.TargetClaims = set.EntryClaims("tenant", &s.Target)
	return s, nil
}

// warm fills a store with people whom nothing is to be planned of.
func warm(tb testing.TB, dir string, n int) *store.Store {
	tb.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(dir, "canopy.db"), store.Options{Volatile: true, CacheMiB: 32})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	for _, c := range []store.Connector{{ID: forest, Kind: "ad", Order: 1, Name: "contoso.lab"}, {ID: canopy.Tenant, Kind: store.KindTenant, Order: 2, Name: "tenant"}} {
		if err := st.PutConnector(ctx, c); err != nil {
			tb.Fatal(err)
		}
	}
	set := defaultRules(tb)
	e := engineOf(set)
	const batch = 1000
	for from := 0; from < n; from += batch {
		people, err := settle(ctx, set, e, from, min(from+batch, n))
		if err == nil {
			err = st.Settle(ctx, people)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := st.CheckSettled(ctx, n); err != nil {
		tb.Fatal(err)
	}
	return st
}

func local(tb testing.TB, st *store.Store, set *rule.Set) *run.Local {
	tb.Helper()
	l, err := run.New(context.Background(), run.Parts{Store: st, Rules: set, Sources: []run.Space{{ID: forest, Order: 1}}, Target: run.Space{ID: canopy.Tenant},
		Limits: engine.Limits{}, Owner: "bench", Memory: &run.Memory{Values: map[canopy.ConnectorID]map[string]string{forest: params}, Keys: set.KeysHash()}})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// flowRule changes one value of everybody.
const flowRule = "id: own-title\nname: In from AD - title\ndirection: in\nconnector: ad\nsource: user\ntarget: person\nlink: join\nprecedence: 50\nflows:\n  - {to: title, expression: '\"Member of \" & [department]'}\n"

// TestReevaluationPlansNothing: what the loader leaves is what the rules want, so that the benchmark measures an
// unchanged result; with one flow changed everybody gets that one value.
func TestReevaluationPlansNothing(t *testing.T) {
	t.Parallel()
	const n = 300
	ctx := context.Background()
	st := warm(t, t.TempDir(), n)
	report, err := local(t, st, defaultRules(t)).Cycle(ctx, run.Options{NoImport: true, All: true, PlanOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Totals.Entries[forest][canopy.Unchanged.String()]; got != n || run.Sum(report.Totals) != 0 {
		t.Fatalf("%d of %d are unchanged, %d exports: %v", got, n, run.Sum(report.Totals), report.Totals)
	}
	report, err = local(t, st, defaultRules(t, store.RuleFile(flowRule))).Cycle(ctx, run.Options{NoImport: true, All: true, PlanOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := run.Sum(report.Totals); got != n {
		t.Errorf("%d exports with another title for all %d: %v", got, n, report.Totals)
	}
}

// BenchmarkReevaluate evaluates everybody anew with the complete built-in rules: with an unchanged result, and with one
// flow changed for all. It reports objects a second, allocations an object, and the share of the time that the
// expressions of the flows take.
func BenchmarkReevaluate(b *testing.B) {
	ctx := context.Background()
	st := warm(b, b.TempDir(), *people)
	for _, c := range []struct {
		name string
		set  *rule.Set
	}{{"unchanged", defaultRules(b)}, {"one flow changed", defaultRules(b, store.RuleFile(flowRule))}} {
		b.Run(fmt.Sprintf("%s/%d", c.name, *people), func(b *testing.B) {
			l := local(b, st, c.set)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := cpu()
			for b.Loop() {
				if _, err := l.Cycle(ctx, run.Options{NoImport: true, All: true, PlanOnly: true}); err != nil {
					b.Fatal(err)
				}
			}
			computed := cpu() - began
			runtime.ReadMemStats(&after)
			objects := float64(b.N) * float64(*people)
			each := computed / objects
			b.ReportMetric(objects/b.Elapsed().Seconds(), "objects/s")
			b.ReportMetric(1e6*each, "µs-CPU/object")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/objects, "allocs/object")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/objects, "bytes/object")
			b.ReportMetric(100*expressions(b, c.set)/each, "%CPU-expr")
			b.ReportMetric(float64(after.HeapSys)/(1<<20), "MB-heap")
		})
	}
}

// expressions is how long the expressions of all flows in scope take for one person, in seconds.
func expressions(b *testing.B, set *rule.Set) float64 {
	b.Helper()
	const n = 2000
	type flow struct {
		program *expr.Program
		env     expr.Env
	}
	var flows []flow
	for i := range n {
		x := person(i)
		o := rule.EntryObject(&x, params)
		scoped, err := set.Scope("ad", forest, o)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range scoped.Rules {
			for k := range r.Flows {
				if p := r.Flows[k].Program(); p != nil {
					flows = append(flows, flow{p, rule.Env(o)})
				}
			}
		}
	}
	began := cpu()
	for _, f := range flows {
		if _, err := f.program.Eval(f.env); err != nil {
			b.Fatal(err)
		}
	}
	return (cpu() - began) / n
}
