package tenant

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// mailUsers are users of forests with mailboxes there.
func mailUsers(n int) []canopy.Export {
	out := make([]canopy.Export, n)
	for i := range out {
		name := fmt.Sprint("user", i)
		out[i] = add(canopy.User, "sa-"+name, "userPrincipalName", name+"@contoso.com", "displayName", name, "alias", name, "proxyAddresses", "SMTP:"+name+"@contoso.com")
		out[i].Set["msExchMailboxGuid"] = guid(fmt.Sprintf("f20047a9-3fd1-4906-8d98-%012d", i))
	}
	return out
}

// TestArrivingCostsFewStatements: what arrives at Exchange together is looked up together: one statement for each object
// stores what it is told, and little more, however many arrive.
func TestArrivingCostsFewStatements(t *testing.T) {
	t.Parallel()
	for _, n := range []int{200, 600} {
		w := newWorld(t)
		w.write(mailUsers(n)...)
		before := w.file.ran
		w.arrive()
		if ran := w.file.ran - before; ran < n || ran > n+n/8+40 {
			t.Errorf("%d users arrived with %d statements", n, ran)
		}
		count := 0
		w.ok(w.Admin().Recipients(context.Background(), Addressed, func(*RecipientView) error { count++; return nil }))
		if count != n {
			t.Errorf("%d recipients, want %d", count, n)
		}
	}
}

// TestWritingCostsTheSame: a batch costs as many statements in a tenant that holds many objects as in an empty one.
func TestWritingCostsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := mailUsers(1200)
	w.arrive()
	var ran []int
	for part := range slices.Chunk(users, 300) {
		before := w.file.ran
		w.write(part...)
		ran = append(ran, w.file.ran-before)
	}
	if first, last := ran[0], ran[len(ran)-1]; last > first+first/20 || first > 2*300 {
		t.Errorf("batches of 300 took %d statements", ran)
	}
}

// TestArrivingTogetherIsArrivingAlone: objects that arrive together become what they become one after the other, also
// when they want the same.
func TestArrivingTogetherIsArrivingAlone(t *testing.T) {
	t.Parallel()
	var got [2]string
	for i := range got {
		w := newWorld(t, func(o *Options) {
			n := 0
			o.NewGUID = func() string { n++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
		})
		users := mailUsers(6)
		users[1].Set["msExchMailboxGuid"] = users[0].Set["msExchMailboxGuid"]
		users[3].Set["msExchArchiveGuid"] = users[2].Set["msExchMailboxGuid"]
		delete(users[4].Set, "msExchMailboxGuid")
		delete(users[5].Set, "msExchMailboxGuid")
		ids := make([]canopy.Anchor, 0, 8)
		for _, r := range w.write(append(users, add(canopy.Group, "sa-g", "displayName", "Group", "mail", "group@contoso.com", "proxyAddresses", "SMTP:group@contoso.com"),
			add(canopy.Contact, "sa-c", "displayName", "Contact", "targetAddress", "SMTP:c@else.example", "mail", "c@else.example"))...) {
			ids = append(ids, r.Anchor)
		}
		for _, n := range []int{2, 4, 5} { // the third one's mailbox, two new ones
			w.license(ids[n], "EXCHANGESTANDARD")
		}
		bring := func() {
			if i == 0 {
				w.arrive()
				return
			}
			for _, id := range ids {
				must(w.Hurry(context.Background(), id))(t)
			}
		}
		bring()
		w.ok(w.Admin().RemoveLicence(context.Background(), ids[4], "EXCHANGESTANDARD"))
		w.done(remove(ids[0]))
		w.done(modify(ids[5], "displayName", "Another Name"))
		bring()
		bring() // who waited for what the first one had
		w.ok(w.Admin().Recipients(context.Background(), Everybody, func(v *RecipientView) error {
			got[i] += List(v.Columns()) + "\n"
			return nil
		}))
	}
	if got[0] == "" {
		t.Error("there are no recipients")
	}
	if d := cmp.Diff(got[1], got[0]); d != "" {
		t.Errorf("together is another thing than alone (-alone +together)\n%s", d)
	}
}
