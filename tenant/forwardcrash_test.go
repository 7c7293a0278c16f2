package tenant

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// crashForward makes the process to be killed one that lets changes arrive at Exchange, and moves mailboxes.
const crashForward = "CANOPY_TENANT_CRASH_FORWARD"

const crashPeople = 10 // of each kind in a batch

// forwardUntilKilled gives people licences and moves the mailboxes of others, lets all of it arrive, and says on standard
// output which batch is in the directory.
func forwardUntilKilled(path string) {
	ctx := context.Background()
	w, err := Open(ctx, path, Options{Initial: initial, Domains: []Domain{{Name: "contoso.com", Verified: true}}, Durability: Buffered})
	for n := 0; err == nil; n++ {
		if err = forwardBatch(ctx, w, n); err != nil {
			break
		}
		fmt.Println(n)
		for range 3 { // a move takes its time
			if _, e := w.Hurry(ctx, ""); e != nil {
				err = errors.Join(err, e)
			}
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

func forwardBatch(ctx context.Context, w *Tenant, n int) error {
	var exports []canopy.Export
	for i := range crashPeople {
		exports = append(exports, movablePerson(n*crashPeople+i))
	}
	if _, err := w.Door().Write(ctx, exports); err != nil {
		return err
	}
	for i := range crashPeople {
		id, err := w.Admin().CreateUser(ctx, attrs("userPrincipalName", fmt.Sprintf("cloud%d@contoso.com", n*crashPeople+i), "usageLocation", "AT"))
		if err == nil {
			err = w.Admin().AssignLicence(ctx, id, "E3")
		}
		if err != nil {
			return err
		}
	}
	if _, err := w.Hurry(ctx, ""); err != nil {
		return err
	}
	for i := range crashPeople {
		name := fmt.Sprintf("forest%d", n*crashPeople+i)
		if _, err := w.Admin().NewMove(ctx, name, MoveRequest{Direction: exchange.ToCloud, Auto: true, Content: "letters of " + name}); err != nil {
			return err
		}
	}
	return nil
}

// movablePerson is somebody with a mailbox in a forest.
func movablePerson(n int) canopy.Export {
	name := fmt.Sprintf("forest%d", n)
	e := add(canopy.User, name, "userPrincipalName", name+"@contoso.com", "alias", name, "proxyAddresses", "SMTP:"+name+"@contoso.com",
		"proxyAddresses", "smtp:"+name+"@contoso.mail.onmicrosoft.com")
	e.Set["msExchMailboxGuid"] = guid(fmt.Sprintf("00000000-bbbb-4000-8000-%012d", n+1))
	e.Set["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(1)}
	return e
}

// TestKillForward: killed at whatever point, while changes arrive at Exchange or mailboxes are moved, the next process loses
// nothing and does nothing twice: who is licensed has one mailbox, who was moved has the mailbox with its GUID and content.
func TestKillForward(t *testing.T) {
	t.Parallel()
	for round, kill := range []string{"0", "2", "4"} {
		path := filepath.Join(t.TempDir(), "tenant.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashPath+"="+path, crashForward+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		answered := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscan(lines.Text(), &answered); err != nil {
				t.Error(lines.Text())
				break
			}
			if lines.Text() == kill {
				_ = cmd.Process.Kill() // what it says until it is dead is read too
			}
		}
		_ = cmd.Wait() // killed
		w := &world{t: t, path: path, time: newClock(), opt: Options{Durability: Volatile}}
		w.open()
		for range 3 {
			w.arrive()
		}
		checkForwarded(w, round, answered)
		w.ok(w.Close())
	}
}

// checkForwarded looks at everybody of the batches that were answered, and at all mailboxes.
func checkForwarded(w *world, round, answered int) {
	w.t.Helper()
	ctx := context.Background()
	for n := range (answered + 1) * crashPeople {
		v := must(w.Admin().Recipient(ctx, fmt.Sprintf("forest%d", n), WithMailbox))(w.t)
		if want := fmt.Sprintf("00000000-bbbb-4000-8000-%012d", n+1); v.ExchangeGUID.String() != want || v.Mailboxes[0].Content != "letters of "+v.Alias {
			w.t.Errorf("round %d: %s has %s with %q, want %s with its letters", round, v.Alias, v.ExchangeGUID, v.Mailboxes[0].Content, want)
		}
		w.moved(v.Alias, exchange.MoveCompleted, 100, "")
	}
	people, boxes := map[canopy.Anchor]bool{}, map[canopy.Anchor]int{}
	w.ok(w.Admin().List(ctx, false, func(o *Object) error {
		people[o.ID] = o.HasExchangePlan()
		return nil
	}))
	for _, m := range must(w.Admin().Mailboxes(ctx))(w.t) {
		boxes[m.Owner]++
	}
	for id, licensed := range people {
		if boxes[id] > 1 || licensed && boxes[id] != 1 {
			w.t.Errorf("round %d: %s has %d mailboxes, licensed %v", round, id, boxes[id], licensed)
		}
	}
	if f := must(w.Tick(ctx))(w.t); f.Waiting != 0 || f.Objects != 0 {
		w.t.Errorf("round %d: after all has arrived: %+v", round, f)
	}
}
