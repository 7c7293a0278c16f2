package tenant

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/canopy-sync/canopy"
)

// TestDiskFull: what was answered is kept, what was not is to be tried again, and it works when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	limit := func(pages int) {
		t.Helper()
		if _, err := w.file.write.ExecContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(pages)); err != nil {
			t.Fatal(err)
		}
	}
	batch := make([]canopy.Export, 3*portion)
	for i := range batch {
		batch[i] = person(i)
	}
	limit(900)
	results := w.write(batch...)
	n := 0
	for _, r := range results {
		switch r.Kind {
		case canopy.Done:
			n++
		case canopy.Later:
		default:
			t.Fatalf("got %+v", r)
		}
	}
	users, _, _, err := w.Counts(ctx)
	if err != nil || users != n || n == 0 || n == len(batch) {
		t.Errorf("%d were answered with done, %d are there (%v); want as many, and neither none nor all", n, users, err)
	}
	_, err = w.Door().Write(ctx, batch[2*portion:])
	var e *canopy.Error
	if !errors.As(err, &e) || e.Kind != canopy.Full || e.Next == "" {
		t.Errorf("nothing can be written: got %v, want an error of kind full that says what to do", err)
	}
	limit(1 << 20)
	for _, r := range w.write(batch...) {
		if r.Kind != canopy.Done {
			t.Fatalf("with room again: got %+v", r)
		}
	}
	if users, _, _, _ = w.Counts(ctx); users != len(batch) {
		t.Errorf("with room again: got %d users, want %d", users, len(batch))
	}
}

// TestOtherWriter: a file that somebody else is writing is not waited for for ever.
func TestOtherWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	other, err := openFile(ctx, w.path, Volatile)
	if err != nil {
		t.Fatal(err)
	}
	w.ok(other.begin(ctx))
	if _, err := w.file.write.ExecContext(ctx, `PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Door().Write(ctx, []canopy.Export{person(1)}); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("got %v, want an error of kind conflict", err)
	}
	w.ok(other.end(nil))
	w.ok(other.close())
	w.done(person(1))
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/tenant.db"
	text := []byte("this is no database, and it is long enough to be looked at as one: " + string(make([]byte, 4096)))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), path, Options{Initial: initial}); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("got %v, want an error of kind invalid", err)
	}
}
