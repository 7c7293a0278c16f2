package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
)

// said is all that the product says, after a cycle, of what it does not carry.
func (b *badBench) said(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	var all strings.Builder
	held, err := b.local.Held(ctx, 100)
	b.must(t, err)
	for _, h := range held {
		fmt.Fprintf(&all, "held %s: %s %s %q", h.Name, h.Reason, h.Attr, h.Value)
		for _, o := range h.Others {
			fmt.Fprintf(&all, " other %s %s", o.Connector, o.Name)
		}
		fmt.Fprintf(&all, ": %s\n", h.Text)
	}
	escrows, err := b.local.Store.Escrows(ctx, "", 100)
	b.must(t, err)
	for _, e := range escrows {
		fmt.Fprintf(&all, "escrow %s %s: %s %s\n", e.Connector, e.DN, e.Code, e.Text)
	}
	waiting, err := b.local.Store.WaitingLinks(ctx, 100)
	b.must(t, err)
	for _, w := range waiting {
		fmt.Fprintf(&all, "waits %s %s: %s%s\n", w.OwnerDN, w.Attr, w.Ref.DN, w.Ref.Anchor)
	}
	for _, w := range b.local.Rules.Warnings() {
		fmt.Fprintf(&all, "rule %s %s %s: %s\n", w.Object, w.Attr, w.Text, w.Next)
	}
	return all.String()
}

// TestBadObjects puts what is wrong with single objects into a forest. The run goes on: everybody else follows, the
// object is named with the attribute and the other party, what the tenant had of it stays, and when it is mended it
// follows too.
func TestBadObjects(t *testing.T) {
	t.Parallel()
	modify := func(t *testing.T, b *badBench, who, attr string, values ...string) {
		t.Helper()
		b.must(t, b.servers[0].Modify(b.dn(0, who), forest.Mod{Op: "replace", Attr: attr, Values: values}))
	}
	add := func(t *testing.T, b *badBench, i int, who string, more map[string][]string) {
		t.Helper()
		p := badPerson(who, []string{"alpha", "beta"}[i])
		for k, v := range more {
			p[k] = v
		}
		b.must(t, b.servers[i].Add(b.dn(i, who), p))
	}
	group := func(t *testing.T, b *badBench, name string, members ...string) {
		t.Helper()
		b.must(t, b.servers[0].Add(b.dn(0, name), map[string][]string{"objectClass": {"group"}, "sAMAccountName": {name}, "groupType": {"-2147483646"},
			"displayName": {name}, "member": members}))
	}
	const guid = "0123456789abcdef"
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *badBench)
		says  []string
		new   []string // names that come to the tenant although something is wrong
		mend  func(*testing.T, *badBench)
		later []string // names that come when it is mended
	}{
		{name: "a value that is not UTF-8", says: []string{"CN=bert,OU=People,DC=alpha,DC=test", "displayName", "UTF-8"},
			spoil: func(t *testing.T, b *badBench) { modify(t, b, "bert", "displayName", "b\xff\xfert") },
			mend:  func(t *testing.T, b *badBench) { modify(t, b, "bert", "displayName", "bert of alpha") }},
		{name: "a photo of 20 MB", says: []string{"CN=bert,OU=People,DC=alpha,DC=test", "thumbnailPhoto"},
			spoil: func(t *testing.T, b *badBench) {
				modify(t, b, "bert", "thumbnailPhoto", strings.Repeat("\xff\xd8", 10<<20))
			},
			mend: func(t *testing.T, b *badBench) { modify(t, b, "bert", "thumbnailPhoto") }},
		{name: "two objects with one anchor", new: []string{"dora@alpha.test"}, later: []string{"emil@alpha.test"},
			says: []string{"dora", "emil", "sourceAnchor"},
			spoil: func(t *testing.T, b *badBench) {
				add(t, b, 0, "dora", map[string][]string{"mS-DS-ConsistencyGuid": {guid}, "objectGUID": {"00000000-0000-4000-8000-000000000001"}})
				add(t, b, 0, "emil", map[string][]string{"mS-DS-ConsistencyGuid": {guid}, "objectGUID": {"00000000-0000-4000-8000-000000000002"}})
			},
			mend: func(t *testing.T, b *badBench) { modify(t, b, "emil", "mS-DS-ConsistencyGuid", "fedcba9876543210") }},
		{name: "two objects of two forests with one anchor", new: []string{"dora@alpha.test"}, later: []string{"emil@beta.test"},
			says: []string{"dora", "emil", "sourceAnchor"},
			spoil: func(t *testing.T, b *badBench) {
				add(t, b, 0, "dora", map[string][]string{"mS-DS-ConsistencyGuid": {guid}})
				add(t, b, 1, "emil", map[string][]string{"mS-DS-ConsistencyGuid": {guid}})
			},
			mend: func(t *testing.T, b *badBench) {
				b.must(t, b.servers[1].Modify(b.dn(1, "emil"), forest.Mod{Op: "replace", Attr: "mS-DS-ConsistencyGuid", Values: []string{"fedcba9876543210"}}))
			}},
		{name: "an anchor that changes", says: []string{"bert", "sourceAnchor", "anchor"},
			spoil: func(t *testing.T, b *badBench) { modify(t, b, "bert", "mS-DS-ConsistencyGuid", guid) },
			mend:  func(t *testing.T, b *badBench) { modify(t, b, "bert", "mS-DS-ConsistencyGuid") }},
		{name: "a loop of nested groups", new: []string{"one", "two", "three"},
			spoil: func(t *testing.T, b *badBench) {
				group(t, b, "one", b.dn(0, "anna"))
				group(t, b, "two", b.dn(0, "one"))
				group(t, b, "three", b.dn(0, "two"))
				b.must(t, b.servers[0].Modify(b.dn(0, "one"), forest.Mod{Op: "add", Attr: "member", Values: []string{b.dn(0, "three")}}))
			}},
		{name: "a member that does not exist", says: []string{"CN=ghosts,OU=People,DC=alpha,DC=test", "member", "S-1-5-21-1-2-3-4444"}, new: []string{"ghosts"},
			spoil: func(t *testing.T, b *badBench) {
				group(t, b, "ghosts", b.dn(0, "anna"))
				b.must(t, b.servers[0].Modify(b.dn(0, "ghosts"), forest.Mod{Op: "add", Attr: "member", Values: []string{"<SID=S-1-5-21-1-2-3-4444>"}}))
			}},
		{name: "a member that is not in scope", says: []string{"CN=helpers,OU=People,DC=alpha,DC=test", "member", "svc"}, new: []string{"helpers"},
			spoil: func(t *testing.T, b *badBench) {
				b.must(t, b.servers[0].Add(b.dn(0, "svc"), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"AAD_svc"}, "userAccountControl": {"512"}}))
				group(t, b, "helpers", b.dn(0, "anna"), b.dn(0, "svc"))
			}},
		{name: "an attribute unknown to the schema", says: []string{"fooBarBaz"},
			spoil: func(t *testing.T, b *badBench) {
				b.file(t, "rules/own.yaml", "id: in.ad.own\nname: Own\ndirection: in\nconnector: ad\nsource: [user]\ntarget: person\nlink: join\nprecedence: 77\n"+
					"flows:\n  - {to: department, from: fooBarBaz}\n")
			}},
		{name: "an expression that fails for one", says: []string{"bert", "department"},
			spoil: func(t *testing.T, b *badBench) {
				b.file(t, "rules/own.yaml", "id: in.ad.own\nname: Own\ndirection: in\nconnector: ad\nsource: [user]\ntarget: person\nlink: join\nprecedence: 77\n"+
					"flows:\n  - {to: department, expression: 'IIF([telephoneNumber] = \"666\", CStr(CNum([displayName])), NULL)'}\n")
				b.phone(t, 0, "bert", "666")
			},
			mend: func(t *testing.T, b *badBench) { b.phone(t, 0, "bert", "1") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBadBench(t)
			b.good(t)
			want := b.tenant(t)
			b.phone(t, 0, "anna", "2")
			c.spoil(t, b)
			_, err := b.cycle(t, run.Options{})
			if err != nil {
				t.Fatalf("one object stopped the run: %v", err)
			}
			said := b.said(t)
			for _, w := range c.says {
				if !strings.Contains(said, w) {
					t.Errorf("got %q said, want %q in it", said, w)
				}
			}
			want["anna@alpha.test"] = strings.Replace(want["anna@alpha.test"], "phone=1", "phone=2", 1)
			badSame(t, want, b.tenant(t), c.new)
			if c.mend != nil {
				c.mend(t, b)
				b.good(t)
				if said := b.said(t); strings.Contains(said, "held") || strings.Contains(said, "escrow") {
					t.Errorf("when it is mended something is still said: %s", said)
				}
				badSame(t, want, b.tenant(t), append(c.later, c.new...))
			}
			r, err := b.cycle(t, run.Options{Full: true, All: true})
			if err != nil || run.Sum(r.Totals) > 0 {
				t.Errorf("a further run: %v, planned %+v", err, r.Totals)
			}
		})
	}
}

// badSame compares the tenant with what it was, but for those that are new; each of these must be there.
func badSame(t *testing.T, want, got map[string]string, fresh []string) {
	t.Helper()
	for _, name := range fresh {
		if got[name] == "" {
			t.Errorf("%s is not in the tenant", name)
		}
		if want[name] == "" {
			delete(got, name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the tenant (-want +got):\n%s", d)
	}
}
