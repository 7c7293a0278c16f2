package tenant

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// life is one tenant through which people go.
type life struct {
	*world
	r    *rapid.T
	ids  []canopy.Anchor // of the people who are there, or in the bin
	next int
	// moves are how many were completed on both sides
	moves int
}

// TestPeopleAndMailboxes: whatever happens to people, in whatever order, moves of their mailboxes both ways among it, with
// the tenant closed and opened in between, nobody has two active mailboxes here; whoever has one here and another GUID
// synchronised, or one here and one in the forest, is a finding; no GUID is two people's; and once everything has arrived
// nothing more happens.
func TestPeopleAndMailboxes(t *testing.T) {
	t.Parallel()
	moves := 0
	defer func() { t.Logf("%d moves were completed on both sides", moves) }()
	rapid.Check(t, func(r *rapid.T) {
		n := 0
		w := newWorld(t, func(o *Options) {
			o.NewGUID = func() string { n++; return fmt.Sprintf("00000000-aaaa-4000-8000-%012d", n) }
			o.Exchange = &ExchangeSettings{ForwardDelay: Period(time.Minute), MoveDuration: Period(time.Minute), PreviousBug: rapid.Bool().Draw(r, "bug"),
				ProvisionUnlicensed: rapid.Bool().Draw(r, "unlicensed")}
		})
		l := &life{world: w, r: r}
		most := 30
		if testing.Short() {
			most = 10
		}
		for range rapid.IntRange(5, most).Draw(r, "events") {
			l.event()
			if rapid.IntRange(0, 3).Draw(r, "arrive") == 0 {
				l.time.Add(2 * time.Minute)
				must(l.Tick(context.Background()))(t)
			}
			l.check()
		}
		// What arrives can put others into the queue, but not for ever.
		for round := 0; ; round++ {
			l.time.Add(2 * time.Minute)
			if f := must(l.Tick(context.Background()))(t); f.Waiting == 0 {
				break
			}
			if round > 10 {
				r.Fatal("the queue does not become empty")
			}
		}
		l.check()
		l.quiet()
		moves += l.moves
	})
}

// event is one thing that befalls somebody.
func (l *life) event() {
	ctx, a := context.Background(), l.Admin()
	kind := rapid.IntRange(0, 13).Draw(l.r, "event")
	if len(l.ids) == 0 {
		kind = kind % 2
	}
	who := func() canopy.Anchor { return rapid.SampledFrom(l.ids).Draw(l.r, "who") }
	switch kind {
	case 0:
		l.next++
		name := fmt.Sprintf("cloud%d@contoso.com", l.next)
		l.ids = append(l.ids, must(a.CreateUser(ctx, attrs("userPrincipalName", name, "proxyAddresses", "SMTP:"+name, "usageLocation", "AT")))(l.t))
	case 1:
		l.sync("")
	case 2:
		l.sync(who())
	case 3, 4:
		id := who()
		o, err := a.Get(ctx, id)
		if err = cmp.Or(err, a.AssignLicence(ctx, id, "E3")); err != nil && o != nil && o.Deleted.IsZero() {
			l.t.Fatal(err) // only who is not there can get none
		}
	case 5:
		l.maybe(a.RemoveLicence(ctx, who(), "E3"))
	case 6:
		l.maybe(a.Delete(ctx, who()))
	case 7:
		l.maybe(a.Restore(ctx, who()))
	case 8:
		l.time.Add(time.Duration(rapid.IntRange(1, 40).Draw(l.r, "days")) * 24 * time.Hour)
	case 9:
		if rapid.Bool().Draw(l.r, "restart") {
			l.reopen()
			return
		}
		l.maybe(a.ClearPrevious(ctx, string(who())))
	case 10, 11:
		l.move(who())
	case 12:
		if id := who(); rapid.Bool().Draw(l.r, "complete") {
			_, err := a.CompleteMove(ctx, string(id))
			l.maybe(err)
		} else {
			l.maybe(a.RemoveMove(ctx, string(id)))
		}
	case 13:
		l.forestHalf(who())
	}
}

// move moves somebody's mailbox to where it is not, as a rule.
func (l *life) move(id canopy.Anchor) {
	ctx, a := context.Background(), l.Admin()
	q := MoveRequest{Direction: exchange.ToCloud, Auto: rapid.Bool().Draw(l.r, "auto"), Content: "letters"}
	v, err := a.Recipient(ctx, string(id), Everybody)
	if err != nil {
		return // nobody Exchange knows
	}
	if v.Details.Mailbox() != rapid.SampledFrom([]bool{false, false, false, true}).Draw(l.r, "the wrong way") {
		q.Direction = exchange.ToForest
	}
	if rapid.Bool().Draw(l.r, "stamped") && q.Direction == exchange.ToForest {
		e := modify(id)
		e.Set["msExchMailboxGuid"] = canopy.Values{canopy.Bytes(v.ExchangeGUID[:])}
		l.write(e)
		l.arrive()
	}
	_, err = a.NewMove(ctx, string(id), q)
	l.maybe(err)
	if rapid.Bool().Draw(l.r, "at once") {
		l.arrive()
		_, err := a.CompleteMove(ctx, string(id))
		l.maybe(err)
		l.arrive()
	}
}

// forestHalf does to the forest's object what a complete move says.
func (l *life) forestHalf(id canopy.Anchor) {
	m, err := l.Admin().Move(context.Background(), string(id))
	if err != nil || m.Status != exchange.MoveCompleted {
		return
	}
	e := modify(id)
	for _, name := range []canopy.Attr{"msExchRecipientTypeDetails", "msExchRecipientDisplayType", "msExchRemoteRecipientType"} {
		if text := m.Forest[string(name)]; text == "" {
			e.Clear = append(e.Clear, name)
		} else {
			e.Set[name] = canopy.Values{must(canopy.ParseValue(canopy.Integer, text))(l.t)}
		}
	}
	l.write(e)
	l.moves++
}

// maybe lets pass what the tenant refuses.
func (l *life) maybe(err error) {
	l.t.Helper()
	if err != nil && canopy.KindOf(err) == canopy.Other {
		l.t.Fatal(err)
	}
}

// sync writes somebody as a forest has them: a new person, or one that is there, by the anchor or the address.
func (l *life) sync(id canopy.Anchor) {
	l.next++
	name, anchor := fmt.Sprintf("forest%d@contoso.com", l.next), fmt.Sprintf("forest%d", l.next)
	if id != "" {
		o, err := l.Admin().Get(context.Background(), id)
		if err != nil {
			return // purged meanwhile
		}
		name = o.Attrs.Text(canopy.AttrUPN)
		if o.SourceAnchor != "" {
			anchor = o.SourceAnchor
		}
	}
	e := add(canopy.User, anchor, "userPrincipalName", name, "proxyAddresses", "SMTP:"+name,
		"proxyAddresses", "smtp:"+strings.Replace(name, "@contoso.com", "@contoso.mail.onmicrosoft.com", 1), "commonName", name, "usageLocation", "AT")
	// A few GUIDs, so that two people come to have the same one, and one that a mailbox here has.
	if g := rapid.IntRange(0, 4).Draw(l.r, "guid"); g > 0 {
		e.Set["msExchMailboxGuid"] = guid(fmt.Sprintf("00000000-%s-4000-8000-%012d", []string{"bbbb", "aaaa"}[g%2], g))
	} else {
		e.Clear = append(e.Clear, "msExchMailboxGuid")
	}
	details := rapid.SampledFrom([]exchange.Details{exchange.UserMailbox, exchange.RemoteUserMailbox, exchange.MailUser}).Draw(l.r, "details")
	e.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(int64(details))}
	if remote := rapid.SampledFrom([]int64{0, 1, 3, 4, 8, 97, 100}).Draw(l.r, "remote"); remote > 0 {
		e.Set["msExchRemoteRecipientType"] = canopy.Values{canopy.Int(remote)}
	} else {
		e.Clear = append(e.Clear, "msExchRemoteRecipientType")
	}
	if got := l.write(e)[0]; got.Kind == canopy.Done && id == "" {
		l.ids = append(l.ids, got.Anchor)
	}
}

// check looks at everybody.
func (l *life) check() {
	l.t.Helper()
	ctx := context.Background()
	active, holders := map[canopy.Anchor]int{}, map[exchange.GUID]string{}
	for _, m := range must(l.Admin().Mailboxes(ctx, exchange.Active))(l.t) {
		if m.Kind != exchange.Archive {
			active[m.Owner]++
		}
	}
	err := l.Admin().Recipients(ctx, Everybody, func(v *RecipientView) error {
		if n := active[v.ID]; n > 1 || n == 1 != v.Details.Mailbox() {
			l.r.Errorf("%s is a %s and has %d active mailboxes", v.Name, v.Details, n)
		}
		if v.Details.Mailbox() && !v.SyncedGUID.IsZero() && v.SyncedGUID != v.ExchangeGUID && !v.Ignored && len(v.Findings) == 0 {
			l.r.Errorf("%s has %s here, and %s is synchronised, and nothing is found", v.Name, v.ExchangeGUID, v.SyncedGUID)
		}
		if v.Details.Mailbox() && v.SyncedDetails.Mailbox() && v.Remote&5 == 0 && !v.Ignored && len(v.Findings) == 0 {
			l.r.Errorf("%s has %s here, the forest has a mailbox too, and nothing is found", v.Name, v.ExchangeGUID)
		}
		if other := holders[v.ExchangeGUID]; other != "" && !v.ExchangeGUID.IsZero() {
			l.r.Errorf("%s and %s both have %s", v.Name, other, v.ExchangeGUID)
		}
		holders[v.ExchangeGUID] = v.Name
		return nil
	})
	l.ok(err)
}

// quiet puts everybody into the queue once more; nothing may come of it.
func (l *life) quiet() {
	l.t.Helper()
	before := l.all()
	_, err := l.file.write.ExecContext(context.Background(), `INSERT OR IGNORE INTO forward (object, since, due) SELECT id, 0, 0 FROM object`)
	l.ok(err)
	l.reopen()
	must(l.Tick(context.Background()))(l.t)
	if after := l.all(); before != after {
		l.r.Errorf("deciding again changed something:\n%s\n%s", before, after)
	}
}

// all is everything that Exchange keeps, as text.
func (l *life) all() string {
	l.t.Helper()
	var out string
	for _, query := range []string{`SELECT group_concat(body, char(10)) FROM (SELECT body FROM recipient ORDER BY object)`,
		`SELECT group_concat(body, char(10)) FROM (SELECT body FROM mailbox ORDER BY guid)`} {
		var text *string
		l.ok(l.file.read.QueryRowContext(context.Background(), query).Scan(&text))
		if text != nil {
			out += *text + "\n"
		}
	}
	return out
}
