package run_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// faultChild names the environment variable that makes this binary run one cycle in a state directory.
const faultChild = "CANOPY_TEST_RUN_CYCLE"

// faultChildMain runs one cycle and says how it ended.
func faultChildMain(dir string) (exit int) {
	ctx := context.Background()
	l, err := run.Open(ctx, run.OpenOptions{Dir: dir, Command: "the test's child"})
	if err == nil {
		_, err = l.Cycle(ctx, run.Options{})
		if end := l.Close(); err == nil {
			err = end
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// faultProcess starts a child for a state directory.
func faultProcess(t *testing.T, dir string) (cmd *exec.Cmd, said *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd, said = exec.CommandContext(t.Context(), self), &strings.Builder{}
	cmd.Env = append(os.Environ(), faultChild+"="+dir)
	cmd.Stderr = said
	return cmd, said
}

// faultWhole runs a child to its end.
func faultWhole(t *testing.T, dir string) time.Duration {
	t.Helper()
	cmd, said := faultProcess(t, dir)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("a cycle that was left alone: %v\n%s", err, said)
	}
	return time.Since(began)
}

// faultState copies the configuration of a lab to another state directory.
func faultState(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "canopy.db") || strings.HasPrefix(f.Name(), "tenant.db") || f.Name() == run.LockName {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// faultCloud is the tenant of a state directory as text.
func faultCloud(t *testing.T, dir string) string {
	t.Helper()
	tn, err := tenant.Open(t.Context(), filepath.Join(dir, run.TenantName), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &propBench{tenant: tn}
	text := b.cloud(t)
	b.unique(t)
	if err := tn.Close(); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestFaultKilled kills the product 20 times at random moments of its first sync of a small lab: after the last kill it
// comes to the same end as without, nothing lost and nothing doubled.
func TestFaultKilled(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: home, People: 60, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	whole := faultWhole(t, home)
	faultWhole(t, home)
	want := faultCloud(t, home)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d; a whole first run takes %v", seed, whole.Round(time.Millisecond))
	kills := 20
	if testing.Short() {
		kills = 6
	}
	dir, hit := faultState(t, home), 0
	settle := func() {
		if hit > 0 {
			faultWhole(t, dir)
			faultWhole(t, dir)
			if got := faultCloud(t, dir); got != want {
				t.Fatalf("after %d kills the tenant is another:\n%s", hit, faultLines(want, got))
			}
			faultNothingLeft(t, dir)
		}
		dir, hit = faultState(t, home), 0
	}
	for all := 0; all < kills; {
		if faultKill(t, dir, time.Duration(rng.Int64N(int64(whole)))) {
			all, hit = all+1, hit+1
		} else {
			settle()
		}
	}
	settle()
}

// faultKill runs the product and kills it after a time, and tells whether it came to that.
func faultKill(t *testing.T, dir string, after time.Duration) bool {
	t.Helper()
	cmd, said := faultProcess(t, dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	err := cmd.Wait()
	kill.Stop()
	if err != nil && cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("a run after a kill failed: %v\n%s", err, said)
	}
	return err != nil
}

// faultNothingLeft proves that a further cycle plans nothing.
func faultNothingLeft(t *testing.T, dir string) {
	t.Helper()
	l, err := run.Open(t.Context(), run.OpenOptions{Dir: dir, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Cycle(t.Context(), run.Options{Full: true, All: true})
	if err != nil || run.Sum(r.Totals) > 0 || r.Exports.Unconfirmed > 0 {
		t.Errorf("a further cycle: %v, planned %d, unconfirmed %d", err, run.Sum(r.Totals), r.Exports.Unconfirmed)
	}
	counts, err := l.Store.ExportCounts(t.Context(), canopy.Tenant)
	if err != nil || counts.Pending+counts.Unconfirmed > 0 {
		t.Errorf("exports that are left: %+v, %v", counts, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// faultLines are the lines that two texts do not share.
func faultLines(want, got string) string {
	var b strings.Builder
	for _, x := range []struct{ sign, in, not string }{{"-", want, got}, {"+", got, want}} {
		have := map[string]bool{}
		for _, line := range strings.Split(x.not, "\n") {
			have[line] = true
		}
		for _, line := range strings.Split(x.in, "\n") {
			if !have[line] {
				b.WriteString(x.sign + line + "\n")
			}
		}
	}
	return b.String()
}
