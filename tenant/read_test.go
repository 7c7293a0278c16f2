package tenant

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

func TestReadCursors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newWorld(t, func(o *Options) { o.NewID = nil })
	gone := w.done(add(canopy.User, "u0", "userPrincipalName", "u0@contoso.com"))
	w.done(add(canopy.User, "u1", "userPrincipalName", "u1@contoso.com", "city", "Graz"))
	other.done(add(canopy.User, "u1", "userPrincipalName", "u1@contoso.com"))
	other.done(add(canopy.User, "u2", "userPrincipalName", "u2@contoso.com"))
	_, _, foreign := other.read(nil)
	_, _, narrow := w.read(nil, "city")
	_, full, good := w.read(nil)
	if !full {
		t.Error("the first read is not full")
	}
	if changes, full, again := w.read(good); len(changes) != 0 || full || string(again) != string(good) {
		t.Errorf("nothing changed: got %d changes, full %v, cursor %s, want %s", len(changes), full, again, good)
	}
	w.done(remove(gone))
	cases := []struct {
		name   string
		cursor []byte
		full   bool
	}{
		{"its own", good, false},
		{"another tenant's", foreign, true},
		{"another view's", narrow, true},
		{"nonsense", []byte("nonsense"), true},
		{"from the future", []byte(fmt.Sprintf(`{"tenant":%q,"view":%q,"seq":999}`, w.name(), viewOf(canopy.Scope{}, nil, nil).hash)), true},
	}
	for _, c := range cases {
		if _, full, _ := w.read(c.cursor); full != c.full {
			t.Errorf("%s: got full %v, want %v", c.name, full, c.full)
		}
	}
	// The feed forgets after a while: an older cursor reads everything again, a younger one does not.
	w.time.Add(keepFeed / 2)
	w.done(add(canopy.User, "u2", "userPrincipalName", "u2@contoso.com"))
	_, _, younger := w.read(nil)
	w.time.Add(keepFeed/2 + 48*time.Hour)
	w.done(add(canopy.User, "u3", "userPrincipalName", "u3@contoso.com"))
	if _, full, _ := w.read(good); !full {
		t.Error("a cursor from before the feed's memory did not read everything")
	}
	if changes, full, _ := w.read(younger); full || len(changes) != 1 {
		t.Errorf("a younger cursor: got %d changes, full %v; want one", len(changes), full)
	}
	var left int
	w.ok(w.file.read.QueryRow(`SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM link WHERE state = 0)`).Scan(&left))
	if left != 0 {
		t.Errorf("%d removals are still kept", left)
	}
}

func TestReadDelta(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.done(add(canopy.User, "u1", "userPrincipalName", "u1@contoso.com", "city", "Graz", "title", "Clerk"))
	_, _, cursor := w.read(nil)
	w.done(canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: id}, Set: attrs("title", "Boss"), Clear: []canopy.Attr{"city"}})
	changes, _, cursor := w.read(cursor)
	if len(changes) != 1 || changes[0].Kind != canopy.Delta || changes[0].Class != canopy.User || changes[0].Anchor != id {
		t.Fatalf("got %+v, want one delta", changes)
	}
	want := attrs("userPrincipalName", "u1@contoso.com", "title", "Boss", "sourceAnchor", "u1", "cloudAnchor", "User_"+string(id),
		"cloudSourceAnchor", "u1", "cloudAlias", "u1", "cloudUserPrincipalName", "u1@contoso.com")
	want["cloudMastered"] = canopy.Values{canopy.Bool(false)}
	want["city"] = canopy.Values{}
	diff(t, "attributes", changes[0].Attrs, want)
	// What was cleared is told once.
	w.done(modify(id, "title", "Boss"))
	changes, _, _ = w.read(cursor)
	if _, told := changes[0].Attrs["city"]; told || len(changes) != 1 {
		t.Errorf("got %+v, want a delta without the city", changes)
	}
}

// TestReadSnapshot: what is written during a read comes with the next one.
func TestReadSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := make([]canopy.Export, pageObjects+10)
	for i := range batch {
		batch[i] = add(canopy.User, fmt.Sprintf("u%d", i), "userPrincipalName", fmt.Sprintf("u%d@contoso.com", i))
	}
	first := w.write(batch...)[0].Anchor
	last := w.write(add(canopy.User, "last", "userPrincipalName", "last@contoso.com"))[0].Anchor
	var cursor []byte
	seen := map[canopy.Anchor]int{}
	var between []byte
	w.ok(w.Door().Read(context.Background(), canopy.ReadRequest{}, func(b canopy.Batch) error {
		if between == nil {
			between = b.Cursor
			w.done(modify(first, "title", "x"))
			w.done(remove(last))
			w.done(add(canopy.User, "new", "userPrincipalName", "new@contoso.com"))
		}
		if !b.Full || b.Expected != pageObjects+11 {
			t.Errorf("got a batch with full %v and %d expected", b.Full, b.Expected)
		}
		for _, c := range b.Changes {
			seen[c.Anchor]++
		}
		cursor = b.Cursor
		return nil
	}))
	if len(seen) != pageObjects+11 || seen[last] != 1 || seen[first] != 1 {
		t.Errorf("got %d objects, the first %d times, the last %d times", len(seen), seen[first], seen[last])
	}
	if changes, full, _ := w.read(cursor); full || len(changes) != 3 {
		t.Errorf("afterwards: got %d changes, full %v; want 3", len(changes), full)
	}
	// Reading on from the middle gives the rest and what was removed, and does not pretend to be complete.
	changes, full, _ := w.read(between)
	if full {
		t.Error("reading on from the middle says that it is complete")
	}
	deleted := 0
	for _, c := range changes {
		if c.Kind == canopy.Deleted {
			deleted++
		}
	}
	if deleted != 1 || len(changes) != 10+3 {
		t.Errorf("got %d changes and %d deletions, want 13 and 1", len(changes), deleted)
	}
}

func TestReadContainers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.Door().Read(context.Background(), canopy.ReadRequest{Scope: canopy.Scope{Include: []canopy.Anchor{"x"}}}, func(canopy.Batch) error { return nil })
	if canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("got %v, want an error of kind unsupported", err)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.local", "alias", "ann", "mail", "anna.m@contoso.com",
		"onPremisesSamAccountName", "ANNAM", "proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "x500:/o=x/cn=anna"))
	gone := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	w.done(remove(gone))
	for name, want := range map[string]bool{"anna@CONTOSO.local": true, "ann@" + initial: true, "ann": true, "anna.m@contoso.com": true,
		"annam": true, "SMTP:anna@contoso.com": true, "X500:/o=x/cn=anna": true, "QQ==": true, "qq==": false, string(id): true,
		"ben@contoso.com": false, "upn:anna@contoso.local": false, "nobody": false} {
		found := must(w.Door().Search(context.Background(), canopy.SearchRequest{Name: name}))(t)
		if got := len(found) == 1 && found[0].Anchor == id; got != want {
			t.Errorf("%q: found %v, want %v", name, found, want)
		}
	}
	for _, req := range []canopy.SearchRequest{{}, {DN: "CN=x"}, {Children: id}, {Anchor: gone}, {Anchor: id, Classes: []canopy.Class{canopy.Group}}} {
		if found := must(w.Door().Search(context.Background(), req))(t); len(found) != 0 {
			t.Errorf("%+v: got %v, want nothing", req, found)
		}
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := errors.New("stop")
	if err := w.Door().Read(context.Background(), canopy.ReadRequest{}, func(canopy.Batch) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the callback's error", err)
	}
}
