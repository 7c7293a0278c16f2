package e2e

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"
)

// poll asks until ok, or fails the test.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := within(t); !ok(); {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// TestKilled kills the product 20 times at random moments of its first sync, and lets it end: the tenant must hold what
// it would hold without, nothing lost and nothing doubled.
func TestKilled(t *testing.T) {
	sites := startForests(t, 2, true, 300)
	quiet := newRig(t, sites)
	began := time.Now()
	quiet.sync(t)
	whole := time.Since(began)
	r := newRig(t, sites)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d; a whole run takes %v", seed, whole.Round(time.Millisecond))
	ended := 0
	for range 20 {
		cmd, out, errs := r.command(t, within(t), "run", "--json")
		must(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-time.After(time.Duration(rng.Int64N(int64(whole)))):
			must(t, cmd.Process.Kill())
			<-done
		case err := <-done:
			var bad *exec.ExitError
			if errors.As(err, &bad) {
				t.Fatalf("a run after a kill failed: %v\n%s%s", err, tail(out), tail(errs))
			}
			ended++
		}
	}
	t.Logf("%d of 20 runs came to their end before they were killed", ended)
	a := r.do(t, "run")
	if a.exit != 0 {
		t.Fatal(a.text)
	}
	r.compare(t)
	r.settled(t)
	one, _ := quiet.tenant(t, nil)
	two, _ := r.tenant(t, nil)
	if len(one) != len(two) {
		t.Errorf("the tenant has %d objects, without the kills it has %d", len(two), len(one))
	}
	if n := a.planned(); ended > 0 && n > 0 {
		t.Errorf("after a run that ended another planned %d writes", n)
	}
}
