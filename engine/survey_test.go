package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestClaims_whoGetsADisputedValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		setup  func(w *world) (winner, loser *canopy.Entry)
		whole  bool
		attr   canopy.Attr
		losers bool // the setting
	}{
		{name: "the lower connector order", whole: true, attr: canopy.AttrUPN, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			b := w.user("fabrikam", "b", "b@x.com", "userPrincipalName=same@x.com")
			a := w.user("contoso", "a", "a@x.com", "userPrincipalName=Same@x.com")
			return a, b
		}},
		{name: "the lower anchor", whole: true, attr: canopy.AttrUPN, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			b := w.user("contoso", "b", "b@x.com", "userPrincipalName=same@x.com")
			a := w.user("contoso", "a", "a@x.com", "userPrincipalName=same@x.com")
			return a, b
		}},
		{name: "the mailbox's owner before the order", whole: true, attr: canopy.AttrMail, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "same@x.com")
			b := w.user("fabrikam", "b", "same@x.com", "msExchMailboxGuid=box")
			return b, a
		}},
		{name: "ownership says nothing about sign-in names", whole: true, attr: canopy.AttrUPN, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "userPrincipalName=same@x.com")
			b := w.user("fabrikam", "b", "b@x.com", "msExchMailboxGuid=box", "userPrincipalName=same@x.com")
			return a, b
		}},
		{name: "the present holder before the owner", whole: true, attr: canopy.AttrMail, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("tailspin", "a", "same@x.com")
			w.sync()
			b := w.user("contoso", "b", "same@x.com", "msExchMailboxGuid=box")
			return a, b
		}},
		{name: "an existing object loses the value alone", attr: canopy.AttrUPN, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "userPrincipalName=same@x.com")
			b := w.user("fabrikam", "b", "b@x.com")
			w.sync()
			setAttrs(b, "userPrincipalName=same@x.com")
			return a, b
		}},
		{name: "an existing object waits whole by the setting", whole: true, losers: true, attr: canopy.AttrUPN, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "userPrincipalName=same@x.com")
			b := w.user("fabrikam", "b", "b@x.com")
			w.sync()
			setAttrs(b, "userPrincipalName=same@x.com")
			return a, b
		}},
		{name: "a new object without a secondary address is made", attr: canopy.AttrAddresses, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "proxyAddresses=SMTP:a@x.com|smtp:same@x.com")
			b := w.user("fabrikam", "b", "b@x.com", "proxyAddresses=SMTP:b@x.com|smtp:same@x.com")
			return a, b
		}},
		{name: "and waits whole by the setting", whole: true, losers: true, attr: canopy.AttrAddresses, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "proxyAddresses=SMTP:a@x.com|smtp:same@x.com")
			b := w.user("fabrikam", "b", "b@x.com", "proxyAddresses=SMTP:b@x.com|smtp:same@x.com")
			return a, b
		}},
		{name: "a mail address beside a main one is left out", attr: canopy.AttrMail, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "proxyAddresses=SMTP:a@x.com|smtp:same@x.com")
			b := w.user("fabrikam", "b", "same@x.com", "proxyAddresses=SMTP:b@x.com")
			return a, b
		}},
		{name: "a mail address alone is the main one", whole: true, attr: canopy.AttrMail, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			a := w.user("contoso", "a", "a@x.com", "proxyAddresses=SMTP:a@x.com|smtp:same@x.com")
			b := w.user("fabrikam", "b", "same@x.com", "proxyAddresses=smtp:b@x.com")
			return a, b
		}},
		{name: "people and groups share addresses", whole: true, attr: canopy.AttrMail, setup: func(w *world) (*canopy.Entry, *canopy.Entry) {
			g := w.entry("contoso", canopy.Group, "team", "displayName=team", "mail=same@x.com", "proxyAddresses=SMTP:same@x.com")
			b := w.user("fabrikam", "b", "same@x.com")
			return g, b
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "none")
			w.set.LosersWait = tt.losers
			winner, loser := tt.setup(w)
			setAttrs(loser, "department=Changed")
			items := w.sync()
			if item, o := of(items, winner); o.Outcome == canopy.HeldBack {
				t.Errorf("the winner: got %s", describe(*item))
			}
			item, o := of(items, loser)
			if o.Outcome != canopy.HeldBack {
				t.Fatalf("the loser: got %s", describe(*item))
			}
			h := item.Held[0]
			if h.Reason != canopy.HeldClaim || h.Whole != tt.whole || h.Attr != tt.attr || h.Others[0].Entry != winner.ID || !strings.Contains(h.Text, winner.DN) {
				t.Errorf("held: got %+v", h)
			}
			if got := item.Changes(); got == tt.whole {
				t.Errorf("something of the loser is exported: got %v, want %v\n%s", got, !tt.whole, describe(*item))
			}
			w.onlyOneKept()
			w.settled()
		})
	}
}

// onlyOneKept fails when two metas have one claim.
func (w *world) onlyOneKept() {
	w.t.Helper()
	kept := map[canopy.Claim]canopy.MetaID{}
	for id, list := range w.claims {
		for _, c := range list {
			if other, ok := kept[c.Claim]; c.Kept && ok && other != id {
				w.t.Errorf("%s %q is kept by metas %d and %d", c.Claim.Kind, c.Claim.Value, other, id)
			}
			if c.Kept {
				kept[c.Claim] = id
			}
		}
	}
}

func TestClaims_swapInOnePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	a := w.user("contoso", "a", "one@x.com")
	b := w.user("fabrikam", "b", "two@x.com")
	w.sync()
	setAttrs(a, "mail=two@x.com", "proxyAddresses=SMTP:two@x.com|smtp:extra@x.com", "department=Sales")
	setAttrs(b, "mail=one@x.com", "proxyAddresses=SMTP:one@x.com")
	items := w.sync()
	item, _ := of(items, a)
	if len(item.Exports) != 2 || item.Exports[0].Phase != canopy.PhaseRelease || item.Exports[1].Phase != canopy.PhaseObjects {
		t.Fatalf("got %s", describe(*item))
	}
	if got := item.Exports[0].Export.Set["proxyAddresses"]; !got.Equal(canopy.Texts("smtp:extra@x.com")) {
		t.Errorf("released first: got %v", got)
	}
	if _, ok := item.Exports[0].Export.Set["department"]; ok {
		t.Error("the release carries more than what is given up")
	}
	if got := totalsOf(items).Exports[canopy.Tenant]["modify user"]; got != 2 {
		t.Errorf("counted: got %d modifications, want 2", got)
	}
	if w.tenant("displayName", "a").Attrs.Text("mail") != "two@x.com" || w.tenant("displayName", "b").Attrs.Text("mail") != "one@x.com" {
		t.Error("they are not swapped")
	}
	w.onlyOneKept()
	w.settled()
}

func TestClaims_ringOfSignInNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	var ring []*canopy.Entry
	const n = 5
	for i := range n {
		ring = append(ring, w.user("contoso", fmt.Sprint("p", i), "", fmt.Sprintf("userPrincipalName=u%d@x.com", i)))
	}
	w.sync()
	for i, e := range ring {
		setAttrs(e, fmt.Sprintf("userPrincipalName=u%d@x.com", (i+1)%n))
	}
	w.sync()
	for i := range n {
		if got := w.tenant("displayName", fmt.Sprint("p", i)).Attrs.Text(canopy.AttrUPN); got != fmt.Sprintf("u%d@x.com", (i+1)%n) {
			t.Errorf("p%d: got %s", i, got)
		}
	}
	w.settled()
}

func TestClaims_chainThroughALeaver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	a := w.user("contoso", "a", "one@x.com")
	b := w.user("contoso", "b", "two@x.com")
	w.sync()
	c := w.user("contoso", "c", "two@x.com")
	a.State = canopy.Gone
	setAttrs(b, "mail=one@x.com", "proxyAddresses=SMTP:one@x.com")
	w.sync()
	if w.tenant("mail", "one@x.com").Attrs.Text("displayName") != "b" || w.tenant("mail", "two@x.com").Attrs.Text("displayName") != c.Attrs.Text("displayName") {
		t.Error("the addresses did not move on")
	}
	w.settled()
}

func TestClaims_whoWaitsIsDrawnIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	a := w.user("contoso", "a", "same@x.com")
	b := w.user("fabrikam", "b", "same@x.com")
	c := w.user("tailspin", "c", "same@x.com")
	w.sync()
	if w.tenants() != 1 {
		t.Fatalf("got %d objects", w.tenants())
	}
	// Only the holder is due; the first of those who wait gets the address, in the same plan.
	setAttrs(a, "mail=new@x.com", "proxyAddresses=SMTP:new@x.com")
	items := w.planOf(nil, []canopy.MetaID{a.Meta}, 10)
	if item, _ := of(items, b); item == nil || len(item.Exports) != 1 {
		t.Fatalf("got %d items", len(items))
	}
	w.apply(items)
	if e := w.tenant("mail", "same@x.com"); e == nil || e.Attrs.Text("displayName") != "b" {
		t.Errorf("got %v", e)
	}
	w.settled()
	b.State = canopy.Gone
	w.apply(w.planOf(nil, []canopy.MetaID{b.Meta}, 10))
	if e := w.tenant("mail", "same@x.com"); e == nil || e.Attrs.Text("displayName") != "c" || c.Meta == 0 {
		t.Errorf("after the next left: got %v", e)
	}
	w.settled()
}

func TestClaims_whoWaitsWholeBlocksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	w.user("contoso", "a", "a@x.com", "userPrincipalName=same@x.com")
	// b loses its sign-in name to a; so its address is free for c, though b goes before c.
	b := w.user("fabrikam", "b", "b@x.com", "userPrincipalName=same@x.com")
	c := w.user("tailspin", "c", "b@x.com")
	items := w.sync()
	if _, o := of(items, b); o.Outcome != canopy.HeldBack {
		t.Errorf("b: got %s", o.Outcome)
	}
	if item, o := of(items, c); o.Outcome != canopy.PlannedOut {
		t.Errorf("c: got %s", describe(*item))
	}
	w.onlyOneKept()
	w.settled()
}

func TestClaims_eachNeedsWhatTheOtherHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	// a goes first for the sign-in name, b owns the mailbox.
	a := w.user("contoso", "a", "same@x.com", "userPrincipalName=same@x.com")
	b := w.user("fabrikam", "b", "same@x.com", "userPrincipalName=same@x.com", "msExchMailboxGuid=box")
	items := w.sync()
	_, oa := of(items, a)
	item, ob := of(items, b)
	if oa.Outcome != canopy.PlannedOut || ob.Outcome != canopy.HeldBack || len(item.Held) == 0 || len(item.Held[0].Others) == 0 {
		t.Errorf("got %s and %s", oa.Outcome, describe(*item))
	}
	w.onlyOneKept()
	w.settled()
}

func TestClaims_existingObjectKeepsItsMainAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	w.user("contoso", "a", "a@x.com")
	b := w.user("fabrikam", "b", "b@x.com")
	w.sync()
	// b wants a's address, and c wants b's: b keeps its own, and c waits.
	setAttrs(b, "mail=a@x.com", "proxyAddresses=SMTP:a@x.com", "department=Sales")
	c := w.user("contoso", "c", "b@x.com")
	items := w.sync()
	if item, o := of(items, c); o.Outcome != canopy.HeldBack || item.Held[0].Others[0].Entry != b.ID {
		t.Errorf("c: got %s", describe(*item))
	}
	if e := w.tenant("displayName", "b"); !e.Attrs["proxyAddresses"].Equal(canopy.Texts("SMTP:b@x.com")) || e.Attrs.Text("mail") != "b@x.com" || e.Attrs.Text("department") != "Sales" {
		t.Errorf("b: got %v", e.Attrs)
	}
	w.onlyOneKept()
	w.settled()
}

func TestClaims_lostAliasIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	w.user("contoso", "a", "a@x.com", "mailNickname=same")
	b := w.user("fabrikam", "b", "b@x.com", "mailNickname=Same")
	items := w.sync()
	item, _ := of(items, b)
	if len(item.Exports) != 1 || len(item.Exports[0].Export.Set["alias"]) != 0 || item.Held[0].Attr != canopy.AttrAlias || item.Held[0].Whole {
		t.Errorf("got %s", describe(*item))
	}
	w.settled()
}

func TestClaims_theTenantsOwnObjectsAlwaysKeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	cloud := w.cloud(canopy.Group, "g", "displayName=cloud group", "proxyAddresses=SMTP:a@x.com", "mail=a@x.com")
	a := w.user("contoso", "a", "a@x.com")
	item, o := of(w.sync(), a)
	if o.Outcome != canopy.HeldBack || item.Held[0].Others[0].Entry != cloud.ID || !strings.Contains(item.Held[0].Text, "a@x.com") {
		t.Errorf("got %s", describe(*item))
	}
	w.settled()
}

func TestClaims_twoMatchesForOneObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	cloud := w.cloud(canopy.User, "c", "proxyAddresses=SMTP:a@x.com", "userPrincipalName=b@fabrikam.lab")
	b := w.user("fabrikam", "b", "b@x.com")
	a := w.user("contoso", "a", "a@x.com")
	items := w.sync()
	if item, _ := of(items, a); len(item.Exports) != 1 || item.Exports[0].Match == nil || item.Exports[0].Entry != cloud.ID {
		t.Errorf("by address: got %s", describe(*item))
	}
	if item, o := of(items, b); o.Outcome != canopy.HeldBack {
		t.Errorf("by sign-in name: got %s", describe(*item))
	}
	// The name is free after the takeover.
	w.sync()
	if w.tenants() != 2 {
		t.Errorf("got %d objects", w.tenants())
	}
	w.settled()
}

func TestSurvey_fewCallsForABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	for i := range 50 {
		w.user("contoso", fmt.Sprint("p", i), fmt.Sprintf("p%d@x.com", i))
	}
	w.plan(50)
	for _, call := range []string{"metas", "claims", "links"} {
		if w.calls[call] > 1 {
			t.Errorf("%s: %d calls for one batch", call, w.calls[call])
		}
	}
	if w.calls["entries"] > 2 || w.calls["lookup"] > 2 {
		t.Errorf("calls: %v", w.calls)
	}
	if !slices.Contains([]int{0, 1}, w.calls["entries of"]) {
		t.Errorf("calls: %v", w.calls)
	}
}

func TestClaims_ringWithObjectsThatWaitWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	w.set.LosersWait = true
	a := w.user("fabrikam", "a", "m1@x.com")
	c := w.user("contoso", "c", "m7@x.com")
	w.sync()
	// a moves to m4, c takes m1 from it; b, which goes before both, wants m1 and m4.
	b := w.user("contoso", "b", "m1@x.com", "proxyAddresses=SMTP:m1@x.com|smtp:m4@x.com")
	setAttrs(a, "mail=m4@x.com", "proxyAddresses=SMTP:m4@x.com")
	setAttrs(c, "mail=", "proxyAddresses=smtp:m1@x.com")
	items := w.sync()
	for e, want := range map[*canopy.Entry]canopy.Outcome{a: canopy.PlannedOut, b: canopy.HeldBack, c: canopy.PlannedOut} {
		if item, o := of(items, e); o.Outcome != want {
			t.Errorf("%s: got %s", e.DN, describe(*item))
		}
	}
	w.onlyOneKept()
	w.settled()
}
