package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// forestPerson synchronises somebody with a mailbox in a forest, and with an address to route by.
func (w *world) forestPerson(name, mailbox string) canopy.Anchor {
	w.t.Helper()
	e := add(canopy.User, name, "userPrincipalName", name+"@contoso.com", "displayName", name, "alias", name, "proxyAddresses", "SMTP:"+name+"@contoso.com",
		"proxyAddresses", "smtp:"+name+"@contoso.mail.onmicrosoft.com", "legacyExchangeDN", "/o=contoso/cn="+name)
	e.Set["msExchMailboxGuid"] = guid(mailbox)
	e.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(1)}
	id := w.done(e)
	w.arrive()
	return id
}

// moved checks how far a move is.
func (w *world) moved(identity string, want exchange.MoveStatus, percent int, code string) *Move {
	w.t.Helper()
	m := must(w.Admin().Move(context.Background(), identity))(w.t)
	if m.Status != want || m.Percent != percent || m.Code != code {
		w.t.Errorf("the move of %s: got %s %d %s, want %s %d %s", identity, m.Status, m.Percent, m.Code, want, percent, code)
	}
	return m
}

const firstForest = "00000000-bbbb-4000-8000-000000000001"

// TestMove goes through the states of a move to the cloud, with the tenant closed and opened between all of them: nothing
// changes sides before the end, and nothing is lost.
func TestMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	id := w.forestPerson("anna", firstForest)
	a := func() *Admin { return w.Admin().As(Actor{Name: "olga"}) }
	seen := func(details exchange.Details, boxes int) {
		t.Helper()
		w.reopen()
		v := must(a().Recipient(ctx, "anna", Addressed))(t)
		if v.Details != details || v.ExchangeGUID.String() != firstForest || len(v.Mailboxes) != boxes {
			t.Errorf("got %s %s with %d mailboxes, want %s with %d", v.Details, v.ExchangeGUID, len(v.Mailboxes), details, boxes)
		}
	}
	must(a().NewMove(ctx, "anna", MoveRequest{Direction: exchange.ToCloud, Hold: true, Content: "letters"}))(t)
	seen(exchange.MailUser, 0)
	w.arrive()
	w.moved("anna", exchange.MoveCreated, 0, "")
	must(a().StartMove(ctx, "anna"))(t)
	seen(exchange.MailUser, 0)
	w.moved("anna", exchange.MoveSyncing, 0, "")
	_, err := a().CompleteMove(ctx, "anna")
	w.refused(err, CodeMoveState)
	w.time.Add(9 * time.Second)
	must(w.Tick(ctx))(t)
	w.moved("anna", exchange.MoveSyncing, 0, "")
	w.time.Add(time.Second)
	w.reopen()
	if f := must(w.Tick(ctx))(t); f.Moves != 1 {
		t.Errorf("when it is due: got %+v, want one move", f)
	}
	seen(exchange.MailUser, 0)
	w.moved("anna", exchange.MoveSynced, 95, "")
	must(a().CompleteMove(ctx, "anna"))(t)
	seen(exchange.MailUser, 0)
	w.refused(a().RemoveMove(ctx, "anna"), CodeMoveState)
	w.time.Add(10 * time.Second)
	must(w.Tick(ctx))(t)
	seen(exchange.UserMailbox, 1)
	m := w.moved("anna", exchange.MoveCompleted, 100, "")
	if !strings.Contains(m.Warning, "2030-02-01") {
		t.Errorf("without a licence: got the warning %q, want the day on which the mailbox goes", m.Warning)
	}
	v := must(a().Recipient(ctx, "anna", WithMailbox))(t)
	if b := v.Mailboxes[0]; b.Content != "letters" || b.State != exchange.Active || !b.Grace {
		t.Errorf("got the mailbox %+v, want the letters, in its grace", b.Mailbox)
	}
	want := map[string]string{"msExchRecipientTypeDetails": "2147483648", "msExchRecipientDisplayType": "-2147483642", "msExchRemoteRecipientType": "4",
		"targetAddress": "SMTP:anna@contoso.mail.onmicrosoft.com", "homeMDB": "", "msExchHomeServerName": "", "proxyAddresses": "X500:" + v.LegacyDN}
	if diff := cmp.Diff(want, m.Forest); diff != "" {
		t.Errorf("the forest's half (-want +got):\n%s", diff)
	}
	_, err = a().NewMove(ctx, "anna", MoveRequest{Direction: exchange.ToForest})
	w.refused(err, CodeMoveExists)
	w.ok(a().RemoveMove(ctx, "anna"))
	_, err = a().Move(ctx, "anna")
	w.refused(err, CodeNoMove)
	seen(exchange.UserMailbox, 1)
	w.audited(id, "olga New-MoveRequest:  -> Created", "olga Resume-MoveRequest: Created -> Syncing", "mailbox replication Move mailbox: Syncing -> Synced",
		"olga Complete-MoveRequest: Synced -> Completing", "mailbox replication Move mailbox: Completing -> Completed", "olga Remove-MoveRequest: Completed -> ")
}

// audited compares what the audit log has about moves of an object, the first first.
func (w *world) audited(id canopy.Anchor, want ...string) {
	w.t.Helper()
	var got []string
	for _, one := range must(w.Admin().log(context.Background(), id))(w.t) {
		for _, c := range one.Changed {
			if c.Attr == "moveStatus" {
				got = append([]string{fmt.Sprintf("%s %s: %s -> %s", one.Actor.Name, one.Activity, c.Old[0], c.New[0])}, got...)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// refused checks the code of a refusal.
func (w *world) refused(err error, code string) {
	w.t.Helper()
	var e *canopy.Error
	if !errors.As(err, &e) || e.Code != code {
		w.t.Errorf("got %v, want %s", err, code)
	}
}

// TestMoveFails: a move that comes to be impossible on its way fails, and leaves everything as it is; removing one does too.
func TestMoveFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a := context.Background(), w.Admin()
	anna := w.forestPerson("anna", firstForest)
	w.forestPerson("bert", "00000000-bbbb-4000-8000-000000000002")
	carl := w.forestPerson("carl", "00000000-bbbb-4000-8000-000000000003")
	for _, name := range []string{"anna", "bert", "carl"} {
		must(a.NewMove(ctx, name, MoveRequest{Direction: exchange.ToCloud, Batch: "wave1", Auto: name == "carl"}))(t)
	}
	w.done(modify(anna, "proxyAddresses", "SMTP:anna@contoso.com"))
	w.arrive()
	w.moved("anna", exchange.MoveFailed, 0, exchange.CodeDeliveryDomain)
	w.ok(a.RemoveMove(ctx, "bert"))
	w.arrive()
	for name, want := range map[string]string{"anna": "MailUser", "bert": "MailUser", "carl": "UserMailbox"} {
		w.shows(name, Addressed, "recipienttype", "RecipientType : "+want)
	}
	want := []Batch{{Name: "wave1", Status: MoveCompletedWithErrors, Direction: exchange.ToCloud, Total: 2, Synced: 1, Finalized: 1, Failed: 1}}
	if diff := cmp.Diff(want, Batches(must(a.Moves(ctx, "WAVE1"))(t))); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	// Who is deleted takes the move along; who is deleted for good leaves none behind.
	w.done(modify(anna, "proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "smtp:anna@contoso.mail.onmicrosoft.com"))
	w.arrive()
	must(a.StartMove(ctx, "anna"))(t)
	w.ok(a.Delete(ctx, anna))
	w.arrive()
	if m := must(a.Moves(ctx, ""))(t); len(m) != 2 || m[0].Status != exchange.MoveFailed || m[0].Code != exchange.CodeMigration {
		t.Errorf("after the person was deleted: got %+v", m)
	}
	w.ok(a.HardDelete(ctx, anna))
	w.arrive()
	if m := must(a.Moves(ctx, ""))(t); len(m) != 1 || m[0].Object != carl {
		t.Errorf("after the person was deleted for good: got %+v", m)
	}
}

// TestMoveNeeds: what the tenant itself must have for a move.
func TestMoveNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a := context.Background(), w.Admin()
	w.forestPerson("anna", firstForest)
	s := a.ExchangeSettings()
	s.CoexistenceMissing = true
	w.ok(a.SetExchangeSettings(ctx, s, false))
	_, err := a.NewMove(ctx, "anna", MoveRequest{Direction: exchange.ToCloud})
	w.refused(err, "HCW8001")
	s.CoexistenceMissing, s.MoveDuration = false, 0
	w.ok(a.SetExchangeSettings(ctx, s, false))
	_, err = a.NewMove(ctx, "anna", MoveRequest{Direction: exchange.ToForest, Part: exchange.ArchiveOnly})
	if canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("an archive alone to the forest: got %v, want that it is refused", err)
	}
	m := must(a.NewMove(ctx, "anna", MoveRequest{Direction: exchange.ToCloud, Auto: true}))(t)
	if m.Status != exchange.MoveCompleting {
		t.Errorf("copying takes no time: got %s", m.Status)
	}
	must(w.Tick(ctx))(t)
	w.moved("anna", exchange.MoveCompleted, 100, "")
	_, err = a.NewMove(ctx, "nobody", MoveRequest{Direction: exchange.ToCloud})
	w.refused(err, CodeNoRecipient)
}

// TestMoveThere goes to the forest with the archive left here, and back again while the forest has not said anything: the
// mailbox that was left behind is not in the way, and who had a mailbox before does not get a second one.
func TestMoveThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	const archive = "00000000-cccc-4000-8000-000000000001"
	e := add(canopy.User, "anna", "userPrincipalName", "anna@contoso.com", "alias", "anna", "usageLocation", "AT", "proxyAddresses", "SMTP:anna@contoso.com",
		"proxyAddresses", "smtp:anna@contoso.mail.onmicrosoft.com")
	e.Set["msExchRemoteRecipientType"] = canopy.Values{canopy.Int(3)}
	e.Set["msExchArchiveGuid"] = guid(archive)
	id := w.done(e)
	w.license(id, "E3")
	w.arrive()
	// The licence goes and comes: from then on the person counts as one who had a mailbox before.
	w.ok(a.RemoveLicence(ctx, id, "E3"))
	w.arrive()
	w.license(id, "E3")
	w.arrive()
	v := must(a.Recipient(ctx, "anna", WithMailbox))(t)
	if v.Previous != exchange.UserMailbox {
		t.Fatalf("got %s before, want UserMailbox", v.Previous)
	}
	stamp := modify(id)
	stamp.Set["msExchMailboxGuid"] = guid(v.ExchangeGUID.String())
	w.done(stamp)
	w.arrive()
	to := func(d exchange.Direction, part exchange.Part) {
		t.Helper()
		must(a.NewMove(ctx, "anna", MoveRequest{Direction: d, Part: part, Auto: true, Content: "letters"}))(t)
		w.arrive()
		w.arrive()
		w.moved("anna", exchange.MoveCompleted, 100, "")
	}
	states := func(want ...string) {
		t.Helper()
		var got []string
		for _, m := range must(a.Mailboxes(ctx))(t) {
			if m.State != exchange.Purged {
				got = append(got, fmt.Sprintf("%s %s", m.Kind, m.State))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mailboxes (-want +got):\n%s", diff)
		}
	}
	to(exchange.ToForest, exchange.PrimaryOnly)
	states("personal disconnected", "archive active")
	w.shows("anna", Addressed, "recipienttype,archiveguid,previous*", "RecipientType                : MailUser\nArchiveGuid                  : "+archive+"\nPreviousRecipientTypeDetails : MailUser")
	w.found(id, exchange.ForestBehind)
	w.done(modify(id, "displayName", "Anna Novak")) // whatever is decided again
	w.arrive()
	states("personal disconnected", "archive active")
	if _, err := a.Recipient(ctx, "anna", WithMailbox); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v, want no mailbox here", err)
	}
	w.ok(a.RemoveMove(ctx, "anna"))
	to(exchange.ToCloud, "")
	states("personal active", "archive active")
	w.found(id, "")
	w.ok(a.RemoveMove(ctx, "anna"))
	to(exchange.ToForest, "")
	states("personal disconnected", "archive disconnected")
	forest := modify(id)
	forest.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(1)}
	forest.Clear = append(forest.Clear, "msExchRemoteRecipientType", "msExchArchiveGuid")
	w.done(forest)
	w.arrive()
	states("personal disconnected", "archive disconnected")
	w.shows("anna", Addressed, "recipienttype,row", "RecipientType : MailUser\nRow           : D5")
	w.found(id, "")
}
