package tenant

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// crashPath names, for a process that is to be killed, the file it writes.
const crashPath = "CANOPY_TENANT_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		if os.Getenv(crashForward) != "" {
			forwardUntilKilled(path)
		}
		writeUntilKilled(path)
	}
	connectortest.FixSeed()
	os.Exit(m.Run())
}

// crashBatch is the n-th batch that is written: new objects, each with a member in one group.
func crashBatch(n int, group canopy.Anchor, last []canopy.Anchor) []canopy.Export {
	var out []canopy.Export
	for i := range 20 {
		out = append(out, person(n*20+i))
	}
	if group != "" && len(last) > 0 {
		out = append(out, members(group, canopy.LinkChange{Added: refs(last...)}))
	}
	return out
}

// writeUntilKilled writes batches and says on standard output which one was answered.
func writeUntilKilled(path string) {
	ctx := context.Background()
	w, err := Open(ctx, path, Options{Initial: initial, Domains: []Domain{{Name: "contoso.com", Verified: true}}, Durability: Buffered})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	group := canopy.Anchor("")
	var last []canopy.Anchor
	for n := 0; ; n++ {
		batch := crashBatch(n, group, last)
		if n == 0 {
			batch = append(batch, add(canopy.Group, "Rw==", "displayName", "All"))
		}
		results, err := w.Door().Write(ctx, batch)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		if n == 0 {
			group = results[20].Anchor
		}
		last = last[:0]
		for _, r := range results[:20] {
			last = append(last, r.Anchor)
		}
		fmt.Println(n)
	}
}

// TestKill: what was answered before the process was killed is there, and writing the batch again that may or may not
// have been written makes nothing twice.
func TestKill(t *testing.T) {
	t.Parallel()
	for round, kill := range []string{"2", "7", "15"} {
		path := filepath.Join(t.TempDir(), "tenant.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashPath+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		answered := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line := lines.Text()
			if strings.HasPrefix(line, "error") {
				t.Error(line)
			}
			if _, err := fmt.Sscan(line, &answered); err != nil {
				break
			}
			if line == kill {
				_ = cmd.Process.Kill() // what it says until it is dead is read too
			}
		}
		_ = cmd.Wait() // killed
		w := &world{t: t, path: path, time: newClock(), opt: Options{Durability: Volatile}}
		w.open()
		count := func() int {
			users, _, _, err := w.Counts(context.Background())
			w.ok(err)
			return users
		}
		if got := count(); got != 20*(answered+1) && got != 20*(answered+2) {
			t.Errorf("round %d: %d batches were answered, and %d users are there", round, answered+1, got)
		}
		for n := 0; n <= answered+1; n++ {
			for _, r := range w.write(crashBatch(n, "", nil)...) {
				if r.Kind != canopy.Done {
					t.Errorf("round %d: batch %d again: got %s %s", round, n, r.Kind, r.Text)
				}
			}
		}
		if got, want := count(), 20*(answered+2); got != want {
			t.Errorf("round %d: after writing again %d users are there, want %d", round, got, want)
		}
		var bad string
		w.ok(w.file.read.QueryRow(`PRAGMA integrity_check`).Scan(&bad))
		if bad != "ok" {
			t.Errorf("round %d: %s", round, bad)
		}
		w.ok(w.Close())
	}
}
