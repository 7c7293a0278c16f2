package link

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/canopy-sync/canopy"
)

// endless is a directory that never ends, and counts what was taken of it.
type endless struct {
	canopy.Connector
	given atomic.Int64
}

// grain is one batch, which does not compress.
const grain = 64 << 10

func (e *endless) Read(ctx context.Context, _ canopy.ReadRequest, each func(canopy.Batch) error) error {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, grain)
	for {
		if _, err := r.Read(b); err != nil {
			return err
		}
		c := canopy.Change{Class: canopy.User, Anchor: "a", Attrs: canopy.Attrs{"photo": {canopy.Bytes(b)}}}
		if err := each(canopy.Batch{Changes: []canopy.Change{c}, Cursor: []byte("c")}); err != nil {
			return err
		}
		e.given.Add(1)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// alone runs the test in a process of its own, and tells whether this is that process: HTTP/2 keeps channels for the next
// user, who must not be in another bubble.
func alone(t *testing.T) bool {
	t.Helper()
	const word = "CANOPY_LINK_ALONE"
	if os.Getenv(word) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), word+"=yes")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// TestSlowReaderFillsNoMemory: while a batch is not taken the agent's directory is not read on, beyond what HTTP/2 gives
// credit for. Everybody is at rest when it is looked.
func TestSlowReaderFillsNoMemory(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	// What compresses belongs to all tests, so it is made outside.
	if f, err := frame(frameJSON, make([]byte, packFrom)); err != nil {
		t.Fatal(err)
	} else if _, _, err := readFrame(bytes.NewReader(f), maxFrame); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		source := &endless{}
		here, there := net.Pipe()
		e := &End{About: func() About { return About{} }, Connectors: map[canopy.ConnectorID]canopy.Connector{"x": source}, Clock: time.Now}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			e.Serve(t.Context(), there, Pulse{})
		}()
		cc, _, err := carry(here, Pulse{})
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("enough")
		taken := int64(0)
		err = (&Remote{Carry: cc, Forest: "x"}).Read(t.Context(), canopy.ReadRequest{}, func(canopy.Batch) error {
			taken++
			if taken == 1 || taken == 200 {
				synctest.Wait()
				ahead := source.given.Load() - taken
				if most := int64(5<<20) / grain; ahead > most {
					t.Errorf("after %d batches the agent was %d ahead, more than %d", taken, ahead, most)
				}
				if ahead < 2 {
					t.Errorf("after %d batches the agent was %d ahead: it waits for each to be taken", taken, ahead)
				}
			}
			if taken == 200 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		if err := cc.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		<-ended
	})
}

// TestStalledEndIsFoundOut: an end that is stopped, and so neither answers nor closes, is given up after Pulse.
func TestStalledEndIsFoundOut(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		go func() { // takes what comes and says nothing
			b := make([]byte, 1<<10)
			for {
				if _, err := there.Read(b); err != nil {
					return
				}
			}
		}()
		cc, closed, err := carry(here, Pulse{Idle: 2 * time.Second, Answer: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = (&Remote{Carry: cc, Agent: "a"}).About(t.Context())
		if !isBroken(err) || canopy.KindOf(err) != canopy.Unreachable {
			t.Errorf("got %v, want a broken connection", err)
		}
		if d := time.Since(began); d > 6*time.Second {
			t.Errorf("it took %v", d)
		}
		<-closed
	})
}
