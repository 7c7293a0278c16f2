package run_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/canopy-sync/canopy/e2e/postgres"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
)

// TestDatabaseKilled keeps the store in PostgreSQL, and kills the product and the server in turn at random moments of a
// first sync: what it comes to is what a file comes to that nobody disturbed.
func TestDatabaseKilled(t *testing.T) {
	t.Parallel()
	postgres.Require(t)
	home := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: home, People: 60, Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	server, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	faultWhole(t, home)
	faultWhole(t, home)
	want := faultCloud(t, home)
	whole := faultWhole(t, databaseState(t, home, server))
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d; a whole first run takes %v", seed, whole.Round(time.Millisecond))
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		dir := databaseState(t, home, server)
		for range 2 {
			faultKill(t, dir, time.Duration(rng.Int64N(int64(whole))))
			serverKill(t, dir, server, time.Duration(rng.Int64N(int64(whole))))
		}
		faultWhole(t, dir)
		faultWhole(t, dir)
		if got := faultCloud(t, dir); got != want {
			t.Fatalf("after kills the tenant is another:\n%s", faultLines(want, got))
		}
		faultNothingLeft(t, dir)
	}
}

// databaseState is a state directory like another, whose store is an empty schema of a server.
func databaseState(t *testing.T, home string, server *postgres.Server) string {
	t.Helper()
	dir := faultState(t, home)
	address, err := server.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, run.ConfigName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\ndatabase:\n  address: '" + address + "'\n")
	if end := f.Close(); err != nil || end != nil {
		t.Fatal(err, end)
	}
	return dir
}

// serverKill runs the product and kills the server after a time. The product ends by itself, and says why.
func serverKill(t *testing.T, dir string, server *postgres.Server, after time.Duration) {
	t.Helper()
	cmd, said := faultProcess(t, dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		ended <- err
	case <-time.After(after):
	}
	if err := server.Down(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil && !strings.Contains(said.String(), "the database server") {
		t.Errorf("a run whose database server was killed: %v\n%s", err, said)
	}
	if err := server.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}
