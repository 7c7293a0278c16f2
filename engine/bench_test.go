package engine

import (
	"context"
	"fmt"
	"io/fs"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// crowd is a view of one forest's people, made when they are asked for.
type crowd struct{ n int }

func (c crowd) person(id canopy.EntryID) *canopy.Entry {
	n := int(id)
	name := fmt.Sprintf("person%d", n)
	text := func(s string) canopy.Values { return canopy.Values{canopy.Text(s)} }
	return &canopy.Entry{ID: id, Connector: "contoso", Class: canopy.User, Anchor: canopy.Anchor(name), DN: "CN=" + name + ",OU=People,DC=contoso,DC=lab",
		Attrs: canopy.Attrs{
			"objectGUID": {canopy.Bytes([]byte(fmt.Sprintf("%016d", n)))}, "objectSid": text("S-1-5-21-1-2-3-" + name), "sAMAccountName": text(name),
			"userAccountControl": {canopy.Int(512)}, "userPrincipalName": text(name + "@contoso.lab"), "mail": text(name + "@contoso.com"),
			"proxyAddresses": canopy.Texts("SMTP:"+name+"@contoso.com", "smtp:"+name+"@old.contoso.com"), "mailNickname": text(name),
			"displayName": text("Person " + name), "givenName": text("Person"), "sn": text(name), "department": text("Sales"), "title": text("Clerk"),
			"company": text("Contoso"), "l": text("Berlin"), "co": text("Germany"), "c": text("DE"), "countryCode": {canopy.Int(276)},
			"telephoneNumber": text("+49 30 1234567"), "mobile": text("+49 170 1234567"), "streetAddress": text("Street 1"), "postalCode": text("10115"),
			"cn": text(name), "pwdLastSet": {canopy.Int(133000000000000000)}, "legacyExchangeDN": text("/o=Contoso/cn=" + name),
			"msExchMailboxGuid": {canopy.Bytes([]byte(fmt.Sprintf("%016d", n)))}, "msExchRecipientTypeDetails": {canopy.Int(1)},
			"msExchRecipientDisplayType": {canopy.Int(1073741824)}, "extensionAttribute1": text("x"),
		}}
}

func (c crowd) Metas(context.Context, []canopy.MetaID) ([]*canopy.Meta, error)      { return nil, nil }
func (c crowd) EntriesOf(context.Context, []canopy.MetaID) ([]*canopy.Entry, error) { return nil, nil }
func (c crowd) Lookup(context.Context, []canopy.Key) ([]canopy.Hit, error)          { return nil, nil }
func (c crowd) Claims(context.Context, []canopy.Claim) ([]canopy.Claimant, error)   { return nil, nil }
func (c crowd) Links(context.Context, canopy.LinkQuery, func(canopy.LinkRow) error) error {
	return nil
}

func (c crowd) Entries(_ context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	out := make([]*canopy.Entry, len(ids))
	for i, id := range ids {
		out[i] = c.person(id)
	}
	return out, nil
}

func builtin(tb testing.TB) *rule.Set {
	tb.Helper()
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// BenchmarkFirstPlan plans people who were never seen before, with the built-in rules: microseconds each, by stage.
func BenchmarkFirstPlan(b *testing.B) {
	e := New(builtin(b), Settings{Owner: rule.MailboxOwner, Connectors: []Connector{{ID: "contoso", Kind: "ad", Order: 1,
		Params: map[string]string{"Domain.FQDN": "contoso.lab", "Domain.Netbios": "CONTOSO", "Forest.FQDN": "contoso.lab"}}, {ID: canopy.Tenant, Kind: "tenant", Target: true}}})
	const batch = 500
	for _, n := range []int{10000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := e.NewPlanner(crowd{n})
				ctx := context.Background()
				metas, items, err := p.Join(ctx, func(yield func(*canopy.Entry) error) error {
					for i := range n {
						if err := yield(crowd{n}.person(canopy.EntryID(i + 1))); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil || len(metas) != n || len(items) != 0 {
					b.Fatalf("%d metas, %d items, %v", len(metas), len(items), err)
				}
				for at := 0; at < n; at += batch {
					if err := p.Survey(ctx, metas[at:at+batch]); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := p.Settle(ctx); err != nil {
					b.Fatal(err)
				}
				exports := 0
				for at := 0; at < n; at += batch {
					planned, err := p.Plan(ctx, metas[at:at+batch])
					if err != nil {
						b.Fatal(err)
					}
					exports += len(planned[0].Exports)
				}
				if exports != n/batch {
					b.Fatalf("%d exports", exports)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/person")
		})
	}
}
