package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

func TestJoin_acrossForests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	c := w.user("tailspin", "anna", "Anna@x.com")
	b := w.user("fabrikam", "anna", "anna@x.com")
	a := w.user("contoso", "anna", "anna@X.com")
	other := w.user("contoso", "otto", "otto@x.com")
	items := w.sync()
	if a.Meta == 0 || a.Meta != b.Meta || b.Meta != c.Meta || other.Meta == a.Meta {
		t.Fatalf("metas %d %d %d and %d", a.Meta, b.Meta, c.Meta, other.Meta)
	}
	if a.Via.Kind != canopy.Projected || b.Via.Kind != canopy.JoinedBy || b.Via.Rule != "r10-user-join" || !strings.Contains(b.Via.On, "mail = anna@x.com") {
		t.Errorf("via: got %+v and %+v", a.Via, b.Via)
	}
	totals := totalsOf(items)
	if totals.Joined != 2 || totals.Made != 2 || totals.Exports[canopy.Tenant]["add user"] != 2 {
		t.Errorf("totals: got %+v", totals)
	}
	w.settled()
}

func totalsOf(items []canopy.PlanItem) canopy.Totals {
	t := NewTotaler(nil)
	for i := range items {
		t.Add(&items[i])
	}
	return t.Totals()
}

func TestJoin_laterAndEarlierAreTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	b := w.user("fabrikam", "anna", "anna@x.com")
	w.sync()
	a := w.user("contoso", "anna", "anna@x.com")
	item, _ := of(w.sync(), a)
	if a.Meta != b.Meta || item.Joins[0].Via.Kind != canopy.JoinedBy {
		t.Errorf("got %s", describe(*item))
	}
	w.settled()
}

func TestJoin_ambiguous(t *testing.T) {
	t.Parallel()
	t.Run("two entries of one connector", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "mail")
		a := w.user("contoso", "anna", "anna@x.com")
		b1 := w.user("fabrikam", "anna1", "anna@x.com")
		b2 := w.user("fabrikam", "anna2", "anna@x.com")
		item, o := of(w.sync(), a)
		if o.Outcome != canopy.HeldBack || len(item.Entries) != 3 || len(item.Held) != 3 || item.Meta != 0 {
			t.Fatalf("got %s", describe(*item))
		}
		for _, h := range item.Held {
			if h.Reason != canopy.HeldAmbiguous || len(h.Others) != 2 || h.Others[0].Name == "" {
				t.Errorf("held: got %+v", h)
			}
		}
		w.settled()
		b2.State = canopy.Gone
		w.sync()
		if a.Meta == 0 || a.Meta != b1.Meta {
			t.Error("they are not joined when the doubt is gone")
		}
	})
	t.Run("one more of a connector that is there", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "mail")
		a := w.user("contoso", "anna", "anna@x.com")
		w.user("fabrikam", "anna1", "anna@x.com")
		w.sync()
		late := w.user("fabrikam", "anna2", "anna@x.com")
		item, o := of(w.sync(), late)
		if o.Outcome != canopy.HeldBack || !slices.ContainsFunc(item.Held[0].Others, func(p canopy.Party) bool { return p.Meta == a.Meta && p.Name == a.DN }) {
			t.Errorf("got %s", describe(*item))
		}
		if a.Meta == 0 || late.Meta != 0 {
			t.Error("joins that are made stay")
		}
	})
	t.Run("two metas", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "mail")
		a := w.user("contoso", "anna", "anna@x.com")
		b := w.user("fabrikam", "anna", "anna@x.com")
		w.set.Decisions = []Decision{{Kind: DecideSeparate, Entry: b.ID, Other: a.ID}}
		w.refuses = false
		w.sync()
		if a.Meta == b.Meta || b.Meta == 0 {
			t.Fatalf("separated: metas %d and %d", a.Meta, b.Meta)
		}
		c := w.user("tailspin", "anna", "anna@x.com")
		item, o := of(w.plan(10), c)
		if o.Outcome != canopy.HeldBack || len(item.Held[0].Others) != 2 {
			t.Errorf("got %s", describe(*item))
		}
		w.set.Decisions = append(w.set.Decisions, Decision{Kind: DecideJoin, Entry: c.ID, Meta: b.Meta})
		w.sync()
		if c.Meta != b.Meta || c.Via.Kind != canopy.JoinedHand {
			t.Errorf("joined by hand: got meta %d via %+v", c.Meta, c.Via)
		}
		w.settled()
	})
}

func TestJoin_byHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "anna", "anna@x.com")
	b := w.user("fabrikam", "anna", "other@x.com")
	w.set.Decisions = []Decision{{Kind: DecideJoin, Entry: b.ID, Other: a.ID}}
	w.sync()
	if a.Meta == 0 || a.Meta != b.Meta || b.Via.Kind != canopy.JoinedHand || a.Via.Kind != canopy.Projected {
		t.Fatalf("got metas %d and %d, via %+v", a.Meta, b.Meta, b.Via)
	}
	w.settled()

	w.set.Decisions = []Decision{{Kind: DecideSeparate, Entry: b.ID, Meta: a.Meta}}
	item, _ := of(w.sync(), b)
	if b.Meta == 0 || b.Meta == a.Meta || w.tenants() != 2 {
		t.Fatalf("released: got metas %d and %d\n%s", a.Meta, b.Meta, describe(*item))
	}
	w.settled()

	w.set.Decisions = []Decision{{Kind: DecideJoin, Entry: b.ID, Other: a.ID}}
	w.sync()
	if b.Meta != a.Meta || w.tenants() != 1 {
		t.Errorf("moved: got metas %d and %d, %d objects", a.Meta, b.Meta, w.tenants())
	}
	w.settled()
}

func TestJoin_handSolvesAmbiguity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "anna", "anna@x.com")
	b1 := w.user("fabrikam", "anna1", "anna@x.com")
	b2 := w.user("fabrikam", "anna2", "anna@x.com")
	w.set.Decisions = []Decision{{Kind: DecideJoin, Entry: b1.ID, Other: a.ID}}
	w.sync()
	if a.Meta == 0 || b1.Meta != a.Meta || b2.Meta != 0 {
		t.Errorf("got metas %d %d %d", a.Meta, b1.Meta, b2.Meta)
	}
	w.settled()
}

func TestJoin_waitingPartnerIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	sid := "S-1-5-21-1-2-3-1001"
	fsp := w.entry("fabrikam", canopy.ForeignSecurityPrincipal, "fsp", "objectSid="+sid)
	item, o := of(w.sync(), fsp)
	if o.Outcome != canopy.NotInScope || o.Why != whyNoPartner {
		t.Fatalf("alone: got %s", describe(*item))
	}
	// Only the person is due now: the other one is found through the view.
	anna := w.user("contoso", "anna", "anna@x.com", "objectSid="+sid)
	team := w.entry("fabrikam", canopy.Group, "team", "displayName=team")
	w.link(team, canopy.AttrMember, fsp)
	items := w.planOf([]*canopy.Entry{copied(anna), copied(team)}, nil, 10)
	w.apply(items)
	if fsp.Meta == 0 || fsp.Meta != anna.Meta {
		t.Fatalf("got metas %d and %d", fsp.Meta, anna.Meta)
	}
	cloud := w.tenant("displayName", "team")
	if got := w.desired[linkOwner{cloud.ID, canopy.AttrMember}]; len(got) != 1 {
		t.Errorf("members: got %v", got)
	}
	w.settled()
}

func TestJoin_silentEntriesDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	sid := "S-1-5-21-1-2-3-1001"
	anna := w.user("contoso", "anna", "anna@x.com", "objectSid="+sid)
	other := w.user("fabrikam", "anna", "anna@x.com")
	fsp := w.entry("fabrikam", canopy.ForeignSecurityPrincipal, "fsp", "objectSid="+sid)
	w.sync()
	if fsp.Meta != anna.Meta || other.Meta != anna.Meta {
		t.Errorf("got metas %d %d %d", anna.Meta, other.Meta, fsp.Meta)
	}
	w.settled()
	anna.State, other.State = canopy.Gone, canopy.Gone
	w.sync()
	if len(w.metas) != 0 || fsp.Meta != 0 {
		t.Errorf("a meta lives by an entry that only joins")
	}
	w.settled()
}

func TestJoin_followersBringNobodyTogether(t *testing.T) {
	t.Parallel()
	t.Run("a contact that fits two people", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "none")
		w.refuses = false
		a := w.user("contoso", "anna", "anna@x.com")
		b := w.user("fabrikam", "anna", "anna@x.com")
		c := w.entry("tailspin", canopy.Contact, "anna", "mail=anna@x.com")
		item, o := of(w.sync(), c)
		if a.Meta == 0 || b.Meta == 0 || a.Meta == b.Meta || c.Meta != 0 || o.Outcome != canopy.HeldBack || len(item.Entries) != 1 {
			t.Fatalf("got metas %d %d %d, %s", a.Meta, b.Meta, c.Meta, describe(*item))
		}
		if others := item.Held[0].Others; len(others) != 2 || others[0].Name != a.DN || others[1].Name != b.DN {
			t.Errorf("others: got %+v", others)
		}
		w.settled()
	})
	t.Run("two people who are one by hand are one home", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "none")
		a := w.user("contoso", "anna", "anna@x.com")
		b := w.user("fabrikam", "anna", "anna@x.com")
		c := w.entry("tailspin", canopy.Contact, "anna", "mail=anna@x.com")
		w.set.Decisions = []Decision{{Kind: DecideJoin, Entry: b.ID, Other: a.ID}}
		w.sync()
		if a.Meta == 0 || b.Meta != a.Meta || c.Meta != a.Meta {
			t.Errorf("got metas %d %d %d", a.Meta, b.Meta, c.Meta)
		}
		w.settled()
	})
	t.Run("a contact that was put to a person leads nobody to her", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "mail")
		a := w.user("contoso", "anna", "anna@x.com")
		b := w.user("fabrikam", "otto", "otto@x.com")
		c := w.entry("tailspin", canopy.Contact, "anna", "mail=otto@x.com")
		w.set.Decisions = []Decision{{Kind: DecideJoin, Entry: c.ID, Other: a.ID}}
		w.sync()
		if a.Meta == 0 || b.Meta == 0 || c.Meta != a.Meta || b.Meta == a.Meta {
			t.Errorf("got metas %d %d %d", a.Meta, b.Meta, c.Meta)
		}
		w.settled()
	})
}

func TestJoin_whoComesAfterADeletionIsSomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	old := w.user("contoso", "anna", "anna@x.com")
	w.sync()
	meta, cloud := old.Meta, w.tenant("displayName", "anna")
	old.State = canopy.Gone
	again := w.user("contoso", "anna2", "anna@x.com", "displayName=anna", "userPrincipalName=anna@contoso.lab")
	w.sync()
	if again.Meta == 0 || again.Meta == meta || w.entries[cloud.ID] != nil {
		t.Errorf("got meta %d, before %d; the old object is there: %v", again.Meta, meta, w.entries[cloud.ID] != nil)
	}
	if e := w.tenant("displayName", "anna"); e == nil || e.Attrs.Text("mail") != "anna@x.com" {
		t.Errorf("the new one: got %v", e)
	}
	w.settled()
}

func TestJoin_anAddressThatMovedOnLeadsToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	anna := w.user("contoso", "anna", "anna@x.com")
	w.sync()
	setAttrs(anna, "mail=anna.new@x.com", "proxyAddresses=SMTP:anna.new@x.com|smtp:a@x.com")
	hired := w.user("fabrikam", "hired", "anna@x.com")
	late := w.user("tailspin", "anna", "anna.new@x.com")
	w.sync()
	if hired.Meta == 0 || hired.Meta == anna.Meta {
		t.Errorf("who gets an address joined who had it: meta %d", hired.Meta)
	}
	if late.Meta != anna.Meta {
		t.Errorf("the new address leads to meta %d, want %d", late.Meta, anna.Meta)
	}
	w.settled()
}

func TestJoin_withoutKeysEverybodyIsProjected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	a := w.user("contoso", "svc", "")
	b := w.user("fabrikam", "svc", "")
	w.sync()
	if a.Meta == 0 || b.Meta == 0 || a.Meta == b.Meta {
		t.Errorf("got metas %d and %d", a.Meta, b.Meta)
	}
	w.settled()
}

func TestJoin_groupsOfCriteriaInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sid")
	account := w.user("contoso", "anna", "anna@x.com", "objectSid=S-1-5-21-1-1-1-1")
	mailbox := w.user("fabrikam", "anna", "anna@x.com", "objectSid=S-1-5-21-2-2-2-2", "msExchMasterAccountSid=S-1-5-21-1-1-1-1")
	w.set.LosersWait = false
	w.sync()
	if account.Meta == 0 || account.Meta != mailbox.Meta || !strings.Contains(mailbox.Via.On, "S-1-5-21-1-1-1-1") {
		t.Errorf("got metas %d and %d via %+v", account.Meta, mailbox.Meta, mailbox.Via)
	}
	w.settled()
}

// The lab's mail user in one forest, whose address is a mailbox in another.
func mailUserAndMailbox(w *world) (mailUser, mailbox *canopy.Entry) {
	mailUser = w.user("contoso", "anna", "anna@x.com", "displayName=anna of contoso")
	mailbox = w.user("fabrikam", "anna", "anna@x.com", "msExchMailboxGuid=box", "displayName=anna of fabrikam")
	return mailUser, mailbox
}

func TestOutcomes_joined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	mailUser, mailbox := mailUserAndMailbox(w)
	setAttrs(mailbox, "mailNickname=annabox")
	setAttrs(mailUser, "mailNickname=annauser")
	w.sync()
	if mailUser.Meta != mailbox.Meta || w.tenants() != 1 {
		t.Fatalf("got metas %d and %d, %d objects", mailUser.Meta, mailbox.Meta, w.tenants())
	}
	if e := w.tenant("mail", "anna@x.com"); e.Attrs.Text("alias") != "annabox" {
		t.Errorf("alias: got %q, want the mailbox forest's", e.Attrs.Text("alias"))
	}
	w.settled()
}

func TestOutcomes_joinNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	mailUser, mailbox := mailUserAndMailbox(w)
	items := w.sync()
	if _, o := of(items, mailbox); o.Outcome != canopy.PlannedOut {
		t.Errorf("the mailbox's owner: got %s %s", o.Outcome, o.Why)
	}
	item, o := of(items, mailUser)
	if o.Outcome != canopy.HeldBack || item.Changes() || !item.Held[0].Whole || item.Held[0].Others[0].Entry != mailbox.ID {
		t.Fatalf("the other one: got %s", describe(*item))
	}
	if got := item.Held[0].Others[0].Name; got != mailbox.DN || !strings.Contains(item.Held[0].Text, mailbox.DN) || item.Label != "anna of contoso" {
		t.Errorf("both are to be named: got %q and %q", item.Label, got)
	}
	w.settled()
	// It follows by itself when the address is free.
	setAttrs(mailbox, "mail=new@x.com", "proxyAddresses=SMTP:new@x.com")
	w.apply(w.planOf(nil, []canopy.MetaID{mailbox.Meta}, 10))
	if w.tenants() != 2 || w.tenant("displayName", "anna of contoso") == nil {
		t.Errorf("got %d objects, want both", w.tenants())
	}
	w.settled()
}

func TestOutcomes_like2020(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail")
	w.set.Like, w.refuses = LikeProvisioning2020, false
	mailUser, mailbox := mailUserAndMailbox(w)
	third := w.user("tailspin", "otto", "otto@x.com", "userPrincipalName=anna@contoso.lab")
	items := w.sync()
	if mailUser.Meta == mailbox.Meta || w.tenants() != 2 {
		t.Fatalf("got metas %d and %d, %d objects", mailUser.Meta, mailbox.Meta, w.tenants())
	}
	for _, e := range w.entries {
		if !w.isSource(e) && !slices.Contains(e.Attrs["proxyAddresses"], canopy.Text("SMTP:anna@x.com")) {
			t.Errorf("got %v, want the same primary address on both", e.Attrs)
		}
	}
	if item, o := of(items, third); o.Outcome != canopy.HeldBack || item.Held[0].Attr != canopy.AttrUPN {
		t.Errorf("a sign-in name is claimed all the same: got %s", describe(*item))
	}
	w.settled()
}

func TestRuleMailboxOwnerIsKnown(t *testing.T) {
	t.Parallel()
	if w := newWorld(t, "none"); w.set.Owner != rule.MailboxOwner || w.set.Owner == "" {
		t.Error("the rules do not say who owns a mailbox")
	}
}
