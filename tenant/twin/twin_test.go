package twin

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// silent is told of progress and says nothing.
func silent(string, int, int, bool) {}

// world is a tenant with a clock and numbers of its own.
type world struct {
	t testing.TB
	*tenant.Tenant
	now time.Time
	n   int
	ids []canopy.Anchor // all objects that were ever made
}

func newWorld(t testing.TB, dir string, now time.Time, n int, policy tenant.Policy) *world {
	t.Helper()
	w := &world{t: t, now: now, n: n}
	fresh := func() string {
		w.n++
		return fmt.Sprintf("%08x-0000-4000-8000-000000000000", w.n)
	}
	var err error
	w.Tenant, err = tenant.Open(context.Background(), filepath.Join(dir, "tenant.db"), tenant.Options{Initial: "contoso.onmicrosoft.com", Durability: tenant.Volatile, Policy: policy,
		Domains: []tenant.Domain{{Name: "contoso.com", Verified: true}, {Name: "fed.contoso.com", Verified: true, Federated: true}, {Name: "other.example"}},
		Clock:   func() time.Time { return w.now }, NewID: fresh, NewGUID: fresh})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) close() {
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
}

// files are a folder's files by name.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) export(dir string) map[string]string {
	w.t.Helper()
	if _, err := Export(context.Background(), w.Tenant, dir, silent); err != nil {
		w.t.Fatal(err)
	}
	return files(w.t, dir)
}

func importFrom(t testing.TB, dir string, w *world, replace bool) *Report {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.Import(context.Background(), w.Tenant, replace, silent)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write is one export of synchronisation; what is refused is refused.
func (w *world) write(e canopy.Export) {
	e.ID = 1
	results, err := w.Door().Write(context.Background(), []canopy.Export{e})
	if err != nil {
		w.t.Fatal(err)
	}
	if a := results[0].Anchor; a != "" && !slices.Contains(w.ids, a) {
		w.ids = append(w.ids, a)
	}
}

// allow lets pass what a tenant refuses.
func (w *world) allow(err error) {
	w.t.Helper()
	if err != nil && canopy.KindOf(err) == canopy.Other {
		w.t.Fatal(err)
	}
}

var (
	names    = []string{"anna", "ben", "carl"}
	suffixes = []string{"contoso.com", "contoso.onmicrosoft.com", "other.example"}
	skus     = []string{"E3", "F3", "PHONE", "ARCHIVE"}
)

// attrs are some values of an object.
func someAttrs(r *rapid.T, class canopy.Class) canopy.Attrs {
	word := func(list []string) string { return rapid.SampledFrom(list).Draw(r, "word") }
	out := canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(word(names))}
	if class == canopy.User {
		out[canopy.AttrUPN] = canopy.Texts(word(names) + "@" + word(suffixes))
	}
	maybe := func(name canopy.Attr, v ...canopy.Value) {
		if rapid.IntRange(0, 3).Draw(r, string(name)) == 0 {
			out[name] = v
		}
	}
	address := word(names) + "@" + word(suffixes)
	maybe(canopy.AttrAddresses, canopy.Text("SMTP:"+address), canopy.Text("smtp:"+word(names)+"@contoso.com"), canopy.Text("x500:/o=x"))
	maybe(canopy.AttrMail, canopy.Text(address))
	maybe(canopy.AttrAlias, canopy.Text(word(names)))
	maybe("extensionAttribute3", canopy.Text("three"))
	maybe("msExchHideFromAddressLists", canopy.Bool(true))
	maybe("onPremisesDistinguishedName", canopy.Text("CN=x,DC=contoso,DC=com"))
	switch class {
	case canopy.Group:
		maybe("securityEnabled", canopy.Bool(true))
		maybe("msExchRecipientTypeDetails", canopy.Int(1073741833))
	default:
		maybe("telephoneNumber", canopy.Text("+43 1 234"))
		maybe("company", canopy.Text("Contoso"))
		maybe("targetAddress", canopy.Text("SMTP:"+word(names)+"@away.example"))
		maybe("userCertificate", canopy.Bytes([]byte{1, 2, 255}))
	}
	if class == canopy.User {
		maybe("usageLocation", canopy.Text("AT"))
		maybe("accountEnabled", canopy.Bool(false))
		guid := make([]byte, 16)
		guid[0] = byte(rapid.IntRange(1, 3).Draw(r, "guid"))
		maybe("msExchMailboxGuid", canopy.Bytes(guid))
		maybe("msExchRemoteRecipientType", canopy.Int(int64(rapid.SampledFrom([]int{1, 4, 8}).Draw(r, "remote"))))
		maybe("extension_0123456789abcdef0123456789abcdef_badge", canopy.Int(7), canopy.Text("seven"))
		maybe("msExchElcExpirySuspensionEnd", canopy.Instant(time.Date(2026, 1, 2, 3, 4, 5, 600700, time.UTC)))
	}
	return out
}

// event is one thing that befalls a tenant.
func (w *world) event(r *rapid.T) {
	ctx, a, d := context.Background(), w.Admin(), w.Directory()
	class := rapid.SampledFrom([]canopy.Class{canopy.User, canopy.User, canopy.Group, canopy.Contact}).Draw(r, "class")
	who := func() canopy.Anchor {
		if len(w.ids) == 0 {
			return "nobody"
		}
		return rapid.SampledFrom(w.ids).Draw(r, "who")
	}
	anchor := fmt.Sprintf("A%d", rapid.IntRange(1, 6).Draw(r, "anchor"))
	switch rapid.IntRange(0, 22).Draw(r, "event") {
	case 0, 1, 2:
		w.write(canopy.Export{Op: canopy.Add, Class: class, SourceAnchor: anchor, Set: someAttrs(r, class)})
	case 3:
		w.write(canopy.Export{Op: canopy.Modify, SourceAnchor: anchor, Class: class, Set: someAttrs(r, class), Clear: []canopy.Attr{"company"}})
	case 4:
		w.write(canopy.Export{Op: canopy.Delete, SourceAnchor: anchor})
	case 5:
		w.write(canopy.Export{Op: canopy.Modify, SourceAnchor: anchor, Links: map[canopy.Attr]canopy.LinkChange{
			rapid.SampledFrom([]canopy.Attr{"member", "manager", "managedBy", "authOrig", "publicDelegates"}).Draw(r, "link"): {Added: []canopy.Ref{{Anchor: who()}}}}})
	case 6, 7:
		id, err := a.Create(ctx, class, someAttrs(r, class))
		w.allow(err)
		if err == nil {
			w.ids = append(w.ids, id)
		}
	case 8, 9:
		w.allow(a.License(ctx, who(), []tenant.Licence{{SKU: rapid.SampledFrom(skus).Draw(r, "sku"), Off: rapid.SampledFrom([][]string{nil, {"TEAMS1"}}).Draw(r, "off")}}, nil))
	case 10:
		w.allow(a.RemoveLicence(ctx, who(), rapid.SampledFrom(skus).Draw(r, "sku")))
	case 11:
		w.allow(a.Link(ctx, who(), rapid.SampledFrom([]canopy.Attr{"member", "manager", "owner", "sponsor"}).Draw(r, "link"), canopy.LinkChange{Added: []canopy.Ref{{Anchor: who()}}}))
		w.allow(d.Update(ctx, tenant.Actor{}, who(), tenant.Draft{Links: map[canopy.Attr]canopy.LinkChange{"owner": {Added: []canopy.Ref{{Anchor: who()}}}}}))
	case 12:
		w.allow(a.Delete(ctx, who()))
	case 13:
		w.allow(a.RestoreAs(ctx, who(), tenant.Restoring{DropAddresses: true}))
	case 14:
		w.allow(a.HardDelete(ctx, who()))
	case 15:
		w.allow(a.SetCloudManaged(ctx, who(), rapid.Bool().Draw(r, "managed")))
	case 16:
		w.allow(a.AssignRole(ctx, who(), rapid.SampledFrom([]string{"Global Reader", "User Administrator"}).Draw(r, "role")))
	case 17:
		w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{1, 90, 3600, 86400 * 20}).Draw(r, "wait")) * time.Second)
	case 18:
		_, err := w.Tick(ctx)
		w.allow(err)
	case 19:
		if rapid.Bool().Draw(r, "mailbox") {
			w.allow(a.ClearPrevious(ctx, string(who())))
			return
		}
		w.allow(a.SetMailbox(ctx, string(who()), tenant.MailboxChange{CloudManaged: ptr(true), AddAddresses: []string{rapid.SampledFrom(names).Draw(r, "address") + ".more@contoso.com"}}))
	case 21, 22:
		w.move(r, string(who()))
	case 20:
		switch rapid.IntRange(0, 4).Draw(r, "setting") {
		case 0:
			w.allow(a.SetUnits(ctx, "E3", rapid.IntRange(0, 3).Draw(r, "units")))
		case 1:
			w.allow(a.SetSwitches(ctx, tenant.Switches{SoftMatchOnUPN: true, BlockSoftMatch: rapid.Bool().Draw(r, "soft"), RefuseMalformed: rapid.Bool().Draw(r, "malformed")}))
		case 2:
			s := a.ExchangeSettings()
			s.PreviousBug = !s.PreviousBug
			w.allow(a.SetExchangeSettings(ctx, s, true))
		case 3:
			if rapid.IntRange(0, 3).Draw(r, "off") == 0 {
				w.allow(a.SetSynchronization(ctx, false))
			}
		}
	}
}

// move is something that befalls the move of a mailbox.
func (w *world) move(r *rapid.T, who string) {
	ctx, a := context.Background(), w.Admin()
	var err error
	switch rapid.IntRange(0, 4).Draw(r, "move") {
	case 0, 1:
		_, err = a.NewMove(ctx, who, tenant.MoveRequest{Direction: rapid.SampledFrom([]exchange.Direction{exchange.ToCloud, exchange.ToForest}).Draw(r, "direction"),
			Hold: rapid.Bool().Draw(r, "hold"), Auto: rapid.Bool().Draw(r, "auto"), Batch: "wave", Content: "letters"})
	case 2:
		_, err = a.StartMove(ctx, who)
	case 3:
		_, err = a.CompleteMove(ctx, who)
	case 4:
		err = a.RemoveMove(ctx, who)
	}
	w.allow(err)
}

func ptr[T any](v T) *T { return &v }

// TestTwin: whatever befell a tenant, its export fills an empty one so that its export is the same byte for byte; and what
// befalls both afterwards has the same end.
func TestTwin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp("", "canopy-twin-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		one := newWorld(t, must(os.MkdirTemp(dir, "one-")), time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), 0,
			rapid.SampledFrom([]tenant.Policy{tenant.UniqueFail, tenant.UniqueQuarantine, tenant.UniqueNone}).Draw(r, "policy"))
		defer one.close()
		for range rapid.IntRange(5, 40).Draw(r, "events") {
			one.event(r)
		}
		first := one.export(filepath.Join(dir, "first"))
		two := newWorld(t, must(os.MkdirTemp(dir, "two-")), one.now, one.n, "")
		defer two.close()
		importFrom(t, filepath.Join(dir, "first"), two, false)
		if diff := cmp.Diff(first, two.export(filepath.Join(dir, "second"))); diff != "" {
			r.Fatalf("the export of the import is another one: %s", diff)
		}
		one.n, two.n, two.ids = 1000, 1000, slices.Clone(one.ids)
		for _, w := range []*world{one, two} {
			w.after()
		}
		if diff := cmp.Diff(one.export(filepath.Join(dir, "third")), two.export(filepath.Join(dir, "fourth"))); diff != "" {
			r.Fatalf("the twin went on otherwise: %s", diff)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// after is what befalls a tenant and its twin alike.
func (w *world) after() {
	ctx, a := context.Background(), w.Admin()
	for i, id := range w.ids {
		w.now = w.now.Add(time.Minute)
		switch i % 4 {
		case 0:
			w.allow(a.SetAttributes(ctx, id, canopy.Attrs{"usageLocation": canopy.Texts("SE")}))
			w.allow(a.AssignLicence(ctx, id, "E3"))
		case 1:
			w.allow(a.Delete(ctx, id))
		case 2:
			w.allow(a.Restore(ctx, id))
		case 3:
			w.allow(a.AddToGroup(ctx, id, w.ids[0]))
		}
	}
	for i := 1; i <= 6; i++ {
		w.write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: fmt.Sprintf("A%d", i), Set: canopy.Attrs{
			canopy.AttrUPN: canopy.Texts(fmt.Sprintf("late%d@contoso.com", i)), canopy.AttrAddresses: canopy.Texts("SMTP:" + strings.Repeat("x", i) + "@contoso.com")}})
	}
	for range 3 {
		w.now = w.now.Add(2 * time.Hour)
		if _, err := w.Tick(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}
