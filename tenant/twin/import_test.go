package twin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

var march = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// filled is a tenant with what a folder has.
func filled(t *testing.T, dir string) (*world, *Report) {
	t.Helper()
	w := newWorld(t, t.TempDir(), march, 0, "")
	t.Cleanup(w.close)
	return w, importFrom(t, dir, w, false)
}

// TestImportOfARealTenant: what a real tenant tells of itself, as programs and PowerShell write it down, becomes a tenant; and
// what cannot be known is told.
func TestImportOfARealTenant(t *testing.T) {
	t.Parallel()
	w, got := filled(t, "testdata/real")
	want := &Report{Tenant: "9f4fe8ea-1c9a-4e5b-8f4d-6a2b5c7d8e90", Initial: "fourthcoffee.onmicrosoft.com", Users: 3, Groups: 2, Contacts: 1, Deleted: 1, Links: 4, Mailboxes: 1, Derived: true,
		Unanchored: 2, Foreign: 1, Unknown: []Count{{"aaaaaaaa-0000-4000-8000-00000000000a", 1}}, Left: []Count{{"user aboutMe", 1}}, Missing: []string{"onPremisesSynchronization"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ctx, a := context.Background(), w.Admin()
	ebba := must(a.Get(ctx, "a0000000-0000-4000-8000-000000000001"))
	if !ebba.Synced || ebba.SourceAnchor != "oAAAAAAAAAAAAAAAAAAAAQ==" || !ebba.HasExchangePlan() || ebba.Cloud.Text("cloudInitialAddress") != "ebba.holm@fourthcoffee.onmicrosoft.com" ||
		ebba.Attrs.Text("extensionAttribute1") != "Stockholm" || ebba.Attrs.Text("telephoneNumber") != "+46 8 123" {
		t.Errorf("got %+v", ebba)
	}
	states := must(a.LicenceStates(ctx, ebba.ID))
	if diff := cmp.Diff([]tenant.LicenceState{{SKU: "ENTERPRISEPACK", Off: []string{"TEAMS1"}, Group: "b0000000-0000-4000-8000-000000000001", State: "Active", Error: "None",
		Since: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)}}, states); diff != "" {
		t.Error(diff)
	}
	nils := must(a.Get(ctx, "a0000000-0000-4000-8000-000000000002"))
	if nils.Synced || nils.Attrs.Text("userType") != "Guest" || len(nils.Roles) != 1 || nils.Cloud.Text(canopy.AttrUnmatched) == "" ||
		nils.Attrs["extension_0123456789abcdef0123456789abcdef_badge"][0] != canopy.Int(4711) {
		t.Errorf("got %+v", nils)
	}
	siri := must(a.Get(ctx, "a0000000-0000-4000-8000-000000000003"))
	if siri.Attrs.Text(canopy.AttrUPN) != "ebba.holm@fourthcoffee.com" || siri.Cloud.Text("cloudUserPrincipalName") != "siri1234@fourthcoffee.onmicrosoft.com" || len(siri.ProvisioningErrors()) != 1 {
		t.Errorf("got %+v", siri)
	}
	olle := must(a.Get(ctx, "a0000000-0000-4000-8000-000000000004"))
	if olle.Deleted.IsZero() || olle.Attrs.Text(canopy.AttrUPN) != "olle.ek@fourthcoffee.com" {
		t.Errorf("got %+v", olle)
	}
	conf := must(a.WholeTenant(ctx))
	if diff := cmp.Diff([]tenant.Domain{{Name: "fourthcoffee.onmicrosoft.com", Verified: true}, {Name: "fourthcoffee.com", Verified: true},
		{Name: "login.fourthcoffee.com", Verified: true, Federated: true}, {Name: "new.fourthcoffee.com"}}, conf.Domains); diff != "" {
		t.Error(diff)
	}
	if conf.Units["ENTERPRISEPACK"] != 30 || conf.Units["EMS"] != 0 || conf.Location != "SE" || conf.Policy != tenant.UniqueQuarantine || !conf.Exchange.Syncing {
		t.Errorf("got %+v", conf)
	}
	if n := must(a.Recipient(ctx, "ebba.holm@fourthcoffee.com", tenant.Addressed)); n.Details != exchange.UserMailbox || len(n.Mailboxes) != 1 {
		t.Errorf("got %+v", n)
	}
}

// TestFirstSynchronization: what a real tenant does not tell the source anchor of is found by the first synchronisation: a group
// by its security identifier, a contact by its address, and nothing is made twice.
func TestFirstSynchronization(t *testing.T) {
	t.Parallel()
	w, _ := filled(t, "testdata/real")
	ctx := context.Background()
	exports := []canopy.Export{
		{ID: 1, Op: canopy.Add, Class: canopy.User, SourceAnchor: "oAAAAAAAAAAAAAAAAAAAAQ==", Set: canopy.Attrs{canopy.AttrUPN: canopy.Texts("ebba.holm@fourthcoffee.com"), canopy.AttrDisplayName: canopy.Texts("Ebba Holm-Ek")}},
		{ID: 2, Op: canopy.Add, Class: canopy.Group, SourceAnchor: "sAAAAAAAAAAAAAAAAAAAAQ==", Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("All staff"), "securityEnabled": {canopy.Bool(true)},
			"onPremiseSecurityIdentifier": canopy.Texts("S-1-5-21-1-2-3-2201")}},
		{ID: 3, Op: canopy.Add, Class: canopy.Contact, SourceAnchor: "wAAAAAAAAAAAAAAAAAAAAQ==", Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Acme sales"), canopy.AttrMail: canopy.Texts("sales@acme.example"),
			canopy.AttrAddresses: canopy.Texts("SMTP:sales@acme.example")}},
	}
	for round := range 2 {
		for i, r := range must(w.Door().Write(ctx, exports)) {
			want := []canopy.Anchor{"a0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000001"}[i]
			if r.Kind != canopy.Done || r.Anchor != want || r.Match != "anchor" {
				t.Errorf("round %d: got %+v, want %s found by its anchor", round, r, want)
			}
			if o := must(w.Admin().Get(ctx, want)); o.SourceAnchor != exports[i].SourceAnchor || !o.Synced {
				t.Errorf("got %+v", o)
			}
		}
	}
	if users, groups, contacts, err := w.Counts(ctx); err != nil || users != 3 || groups != 2 || contacts != 1 {
		t.Errorf("got %d users, %d groups, %d contacts, %v", users, groups, contacts, err)
	}
	other := canopy.Export{ID: 4, Op: canopy.Add, Class: canopy.Contact, SourceAnchor: "another", Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("X"), canopy.AttrAddresses: canopy.Texts("SMTP:sales@acme.example")}}
	if r := must(w.Door().Write(ctx, []canopy.Export{other})); r[0].Anchor == "c0000000-0000-4000-8000-000000000001" {
		t.Errorf("got %+v, want one that is not the contact's, which has its anchor by now", r[0])
	}
}

// folderOf is a folder with some files.
func folderOf(t *testing.T, list map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range list {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	oneDomain = `{"value":[{"id":"x.onmicrosoft.com","isInitial":true,"isVerified":true}]}`
	anna      = `{"id":"a0000000-0000-4000-8000-000000000001","displayName":"Anna","userPrincipalName":"anna@x.onmicrosoft.com"`
)

// TestWrongInput: what is wrong is named by file, line, object and attribute, and nothing is filled in.
func TestWrongInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
		attr  canopy.Attr
	}{
		"no users":           {map[string]string{"domains.json": oneDomain}, []string{"no users"}, ""},
		"no domain":          {map[string]string{"users.json": `[]`}, []string{"initial domain", "GET /domains"}, ""},
		"a wrong value":      {map[string]string{"users.jsonl": anna + "}\n" + `{"id":"a0000000-0000-4000-8000-000000000002","displayName":7}`}, []string{"users.jsonl line 2", "000000000002"}, "displayName"},
		"a wrong list":       {map[string]string{"users.jsonl": anna + `,"proxyAddresses":"SMTP:x"}`}, []string{"users.jsonl line 1", "a0000000"}, "proxyAddresses"},
		"a wrong time":       {map[string]string{"users.json": "[\n" + anna + `,"createdDateTime":"yesterday"}]`}, []string{"users.json line 2", "yesterday"}, ""},
		"a wrong truth":      {map[string]string{"users.jsonl": anna + `,"accountEnabled":"yes"}`}, []string{"users.jsonl line 1"}, "accountEnabled"},
		"no id":              {map[string]string{"users.jsonl": `{"displayName":"x"}`}, []string{"users.jsonl line 1", "no id"}, ""},
		"half a file":        {map[string]string{"users.json": `{"value":[` + anna}, []string{"users.json line 1", "too early"}, ""},
		"half a line":        {map[string]string{"users.jsonl": anna + "}\n" + anna}, []string{"users.jsonl line 2", "too early"}, ""},
		"no JSON":            {map[string]string{"users.json": "displayName,mail\nx,y"}, []string{"users.json line 1"}, ""},
		"no objects":         {map[string]string{"users.json": `[1]`}, []string{"no object"}, ""},
		"UTF-16":             {map[string]string{"users.json": "\xff\xfe[\x00]\x00"}, []string{"UTF-16", "utf8"}, ""},
		"a user and a group": {map[string]string{"users.jsonl": anna + "}", "groups.jsonl": `{"id":"A0000000-0000-4000-8000-000000000001"}`}, []string{"groups.jsonl line 1", "user already"}, ""},
		"an anchor twice": {map[string]string{"users.jsonl": anna + `,"onPremisesImmutableId":"AA=="}` + "\n" + `{"id":"a0000000-0000-4000-8000-000000000002","onPremisesImmutableId":"AA=="}`},
			[]string{"users.jsonl line 2", "another object's"}, canopy.AttrSourceAnchor},
		"members of nobody":      {map[string]string{"users.jsonl": anna + "}", "members/b.json": `[{"id":"x"}]`}, []string{"members/b.json line 1", "not among the groups"}, ""},
		"a companion of others":  {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"id":"x"}`}, []string{"companion.jsonl line 1", "not among the objects"}, ""},
		"a companion of nothing": {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"name":"x"}`}, []string{"companion.jsonl line 1", "neither"}, ""},
		"a newer companion":      {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"canopyCompanion":99}`}, []string{"form 99"}, ""},
		"a mailbox of nobody": {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"mailbox":{"guid":"00000000-0000-0000-0000-000000000009","owner":"x"}}`},
			[]string{"companion.jsonl line 1", "not among the objects"}, "owner"},
		"a mailbox of no kind": {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"mailbox":{"guid":"00000000-0000-0000-0000-000000000009","owner":"a0000000-0000-4000-8000-000000000001","kind":"postbox"}}`},
			[]string{"companion.jsonl line 1", "postbox"}, "kind"},
		"a value of no type": {map[string]string{"users.jsonl": anna + "}", "companion.jsonl": `{"id":"a0000000-0000-4000-8000-000000000001","own":{"mail":[null]}}`}, []string{"companion.jsonl line 1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, there := c.files["domains.json"]; !there && name != "no domain" {
				c.files["domains.json"] = oneDomain
			}
			w := newWorld(t, t.TempDir(), march, 0, "")
			defer w.close()
			f, err := Open(folderOf(t, c.files))
			if err == nil {
				_, err = f.Import(context.Background(), w.Tenant, false, silent)
				f.Close()
			}
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range c.want {
				if text := err.Error() + " " + nextOf(err); !strings.Contains(filepath.ToSlash(text), want) {
					t.Errorf("got %q, want %q in it", text, want)
				}
			}
			if got := attrOf(err); got != c.attr {
				t.Errorf("got the attribute %q, want %q: %v", got, c.attr, err)
			}
			if users, groups, contacts, err := w.Counts(context.Background()); err != nil || users+groups+contacts != 0 {
				t.Errorf("something was filled in: %d %d %d %v", users, groups, contacts, err)
			}
		})
	}
}

// TestNotEmpty: a tenant that holds something is not filled unless that is asked for, and then holds what was filled in alone.
func TestNotEmpty(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t, t.TempDir(), march, 0, "")
	defer w.close()
	id := must(w.Admin().CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts("before@contoso.com"), canopy.AttrSourceAnchor: canopy.Texts("oAAAAAAAAAAAAAAAAAAAAQ==")}))
	before := w.export(filepath.Join(t.TempDir(), "before"))
	f := must(Open("testdata/real"))
	defer f.Close()
	_, err := f.Import(ctx, w.Tenant, false, silent)
	if canopy.KindOf(err) != canopy.Conflict || !strings.Contains(nextOf(err), "--replace") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, w.export(filepath.Join(t.TempDir(), "after"))); diff != "" {
		t.Error(diff)
	}
	var cursor []byte
	read := func() (full bool) {
		if err := w.Door().Read(ctx, canopy.ReadRequest{Cursor: cursor}, func(b canopy.Batch) error {
			cursor, full = b.Cursor, full || b.Full
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return full
	}
	read()
	importFrom(t, "testdata/real", w, true)
	if _, err := w.Admin().Get(ctx, id); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v, want that the user of before is gone", err)
	}
	if !read() {
		t.Error("who followed the changes was not told to begin anew")
	}
	if read() {
		t.Error("the second reading was a full one")
	}
	_, err = Export(ctx, w.Tenant, "testdata/real", silent)
	if canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("export into a folder that is not empty: got %v", err)
	}
}

// TestMailboxesByHand: a companion with nothing but mailboxes gives people the mailboxes that they have.
func TestMailboxesByHand(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"domains.json": oneDomain, "users.jsonl": anna + `,"usageLocation":"SE","createdDateTime":"2020-01-02T03:04:05Z","assignedLicenses":[{"skuId":"6fd2c87f-b296-42f0-b197-1e91e994b900","disabledPlans":[]}]}`,
		"companion.jsonl": `{"mailbox":{"guid":"9e58304a-ed80-416a-8eac-f2e769056e52","owner":"A0000000-0000-4000-8000-000000000001"}}`})
	w, r := filled(t, dir)
	n := must(w.Admin().Recipient(context.Background(), "anna@x.onmicrosoft.com", tenant.Addressed))
	if r.Mailboxes != 1 || n.ExchangeGUID.String() != "9e58304a-ed80-416a-8eac-f2e769056e52" || !n.Mailboxes[0].Created.Equal(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("got %+v %+v", r, n)
	}
}

func attrOf(err error) canopy.Attr {
	if e := errorOf(err); e != nil {
		return e.Attr
	}
	return ""
}

func nextOf(err error) string {
	if e := errorOf(err); e != nil {
		return e.Next
	}
	return ""
}

func errorOf(err error) *canopy.Error {
	var e *canopy.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
