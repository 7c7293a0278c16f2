package e2e

import (
	"math/rand/v2"
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
// it would hold without, nothing lost and nothing doubled. A first sync that came to its end is checked, and the next
// begins with nothing.
func TestKilled(t *testing.T) {
	sites := startForests(t, 2, true, 200)
	quiet := newRig(t, sites)
	_, err := binary() // building it is no part of a run
	must(t, err)
	began := time.Now()
	must(t, quiet.do(t, "run").ended())
	whole := time.Since(began)
	quiet.compare(t)
	all, _ := quiet.tenant(t, nil)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d; a whole run takes %v", seed, whole.Round(time.Millisecond))
	r, kills, syncs := newRig(t, sites), 0, 0
	for killed := 0; killed < 20; {
		if r.killed(t, time.Duration(rng.Int64N(int64(whole)))) {
			killed, kills = killed+1, kills+1
			continue
		}
		if kills > 0 {
			r.survived(t, len(all))
			syncs++
		}
		r, kills = newRig(t, sites), 0
	}
	if kills > 0 {
		must(t, r.do(t, "run").ended())
		r.survived(t, len(all))
		syncs++
	}
	t.Logf("20 kills in %d first syncs", syncs)
}

// survived looks at the tenant after kills and a run that ended.
func (r *rig) survived(t *testing.T, objects int) {
	t.Helper()
	r.compare(t)
	r.settled(t)
	if all, _ := r.tenant(t, nil); len(all) != objects {
		t.Errorf("the tenant has %d objects, without the kills it has %d", len(all), objects)
	}
}

// killed runs the product and kills it after a time, and tells whether it came to that.
func (r *rig) killed(t *testing.T, after time.Duration) bool {
	t.Helper()
	cmd, out, errs := r.command(t, within(t), "run", "--json")
	must(t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-time.After(after):
		must(t, cmd.Process.Kill())
		return <-done != nil
	case err := <-done:
		if err != nil {
			t.Fatalf("a run after a kill failed: %v\n%s%s", err, tail(out), tail(errs))
		}
		return false
	}
}
