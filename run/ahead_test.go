package run_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// aheadDoor tells of each batch before it hands it over.
type aheadDoor struct {
	canopy.Connector
	batch func(n int)
}

func (a *aheadDoor) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	n := 0
	return a.Connector.Read(ctx, req, func(b canopy.Batch) error {
		n++
		a.batch(n)
		return each(b)
	})
}

// TestReadsAhead: the second batch of a read is there before the first one's import is told to be over.
func TestReadsAhead(t *testing.T) {
	t.Parallel()
	b := faultBench(t, t.TempDir())
	defer b.close(t)
	faultCrowd(t, b)
	second := make(chan struct{})
	var once, seen sync.Once
	b.wrap = func(id canopy.ConnectorID, inner canopy.Connector) canopy.Connector {
		if id != "a" {
			return inner
		}
		return &aheadDoor{inner, func(n int) {
			if n == 2 {
				once.Do(func() { close(second) })
			}
		}}
	}
	b.mustOpen(t)
	b.cycle(t, run.Options{Progress: func(e run.Event) {
		if e.Step != "read" || e.Connector != "a" || e.Done == 0 {
			return
		}
		seen.Do(func() {
			select {
			case <-second:
			case <-time.After(time.Minute):
				t.Error("the second batch was not read while the first one was imported")
			}
		})
	}})
	b.settle(t)
	b.compare(t)
}

// TestImportFailsBehindTheRead: a batch that cannot be stored fails the import also when the read itself has ended well, and
// the next run goes on from the batch before.
func TestImportFailsBehindTheRead(t *testing.T) {
	t.Parallel()
	b := faultBench(t, t.TempDir())
	defer b.close(t)
	faultCrowd(t, b)
	var reading, failing atomic.Bool
	b.storeFail = func(statement string) error {
		if failing.Load() && strings.HasPrefix(statement, "INSERT INTO entry") {
			return errFault
		}
		return nil
	}
	b.wrap = func(id canopy.ConnectorID, inner canopy.Connector) canopy.Connector {
		if id != "a" {
			return inner
		}
		return &aheadDoor{inner, func(n int) {
			if reading.Load() && n == 3 {
				failing.Store(true)
			}
		}}
	}
	b.mustOpen(t)
	reading.Store(true)
	r, err := b.local.Cycle(context.Background(), run.Options{})
	if err == nil && len(r.Failures()) == 0 {
		t.Fatal("nothing failed though nothing could be stored")
	}
	if err != nil && !errors.Is(err, errFault) && canopy.KindOf(err) != canopy.Unsafe {
		t.Errorf("got %v", err)
	}
	reading.Store(false)
	failing.Store(false)
	b.settle(t)
	b.compare(t)
	b.quiet(t)
}
