package db

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/e2e/postgres"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestAddressesAreShownWithoutPassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, want string }{
		{"postgres://canopy:sesame@db/canopy", "postgres://canopy@db/canopy"},
		{"postgres://canopy@db/canopy?password=sesame&search_path=x", "postgres://canopy@db/canopy?search_path=x"},
		{"postgres://db/canopy", "postgres://db/canopy"},
		{"postgres://canopy:ses%ame@db/canopy", "postgres://"},
	} {
		if got := withoutPassword(c.given); got != c.want {
			t.Errorf("%s: got %s, want %s", c.given, got, c.want)
		}
	}
}

func TestAddressesInsistOnTLS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, mode string }{
		{"postgres://canopy@db.contoso.com/canopy", "verify-full"},
		{"postgres://canopy@10.0.0.7/canopy", "verify-full"},
		{"postgres://canopy@db.contoso.com/canopy?sslmode=verify-ca", "verify-ca"},
		{"postgres://canopy@localhost/canopy", ""},
		{"postgres://canopy@127.0.0.1:5433/canopy", ""},
		{"postgres://canopy@/canopy?host=%2Frun%2Fpostgresql", ""},
	} {
		_, mode, _ := strings.Cut(secured(c.given), "sslmode=")
		if mode != c.mode {
			t.Errorf("%s: got %q, want %q", c.given, mode, c.mode)
		}
	}
}

// TestServer: a database of a server is written by one process and read by others, and says what is wrong with it.
func TestServer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	address := postgres.Address(t)
	if _, err := Open(ctx, address, Options{Migrations: first, ReadOnly: true}); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("reading what is not there: got %v", err)
	}
	d := open(t, address, Options{})
	if err := put(d, "rex", "tom"); err != nil {
		t.Fatal(err)
	}
	r := open(t, address, Options{ReadOnly: true})
	if got, _ := names(t, r); len(got) != 2 {
		t.Errorf("a reader beside the writer: got %v", got)
	}
	if err := put(r, "no"); canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("a reader writes: got %v", err)
	}
	_, err := Open(ctx, address, Options{Migrations: first, Wait: 50 * time.Millisecond})
	if canopy.KindOf(err) != canopy.Conflict || !strings.Contains(err.Error(), "another process writes") {
		t.Errorf("a second writer: got %v", err)
	}
	for what, c := range map[string]struct {
		address string
		want    canopy.ErrorKind
	}{
		"a database that is not there": {strings.Replace(address, "@/postgres", "@/none", 1), canopy.NotFound},
		"a schema that is not there":   {address[:strings.Index(address, "&search_path=")] + "&search_path=none", canopy.NotFound},
		"an account that is not there": {strings.Replace(address, "canopy@", "nobody@", 1), canopy.Credentials},
		"a server that is not there":   {"postgres://canopy@/postgres?host=%2Fnone", canopy.Unreachable},
		"no address":                   {"postgres://canopy@/postgres?port=x", canopy.Invalid},
	} {
		if _, err := Open(ctx, c.address, Options{Migrations: first}); canopy.KindOf(err) != c.want {
			t.Errorf("%s: got %v (%v), want %v", what, canopy.KindOf(err), err, c.want)
		}
	}
	err = d.Update(ctx, func(x *Tx) error {
		_, err := x.Exec(ctx, `INSERT INTO migration (version, name, checksum, at) VALUES (99, 'later', 'x', 0)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, address, Options{Migrations: first, ReadOnly: true}); canopy.KindOf(err) != canopy.Newer {
		t.Errorf("a newer database: got %v", err)
	}
}

// hangUp has the server end the connection that writes.
func hangUp(t *testing.T, d, by *DB) {
	t.Helper()
	ctx := context.Background()
	var pid int64
	if err := d.Update(ctx, func(x *Tx) error {
		_, err := x.One(ctx, []any{&pid}, `SELECT pg_backend_pid()`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := by.Read(ctx, func(x *Tx) error {
		var done bool
		_, err := x.One(ctx, []any{&done}, `SELECT pg_terminate_backend($1, 10000)`, pid)
		if err == nil && !done {
			err = fmt.Errorf("the connection of process %d does not end", pid)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestLostConnection: what was being written is not there; writing goes on with a new connection, unless another process
// has written meanwhile.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	address := postgres.Address(t)
	d, reader := open(t, address, Options{}), open(t, address, Options{ReadOnly: true})
	if err := put(d, "rex"); err != nil {
		t.Fatal(err)
	}
	hangUp(t, d, reader)
	if err := put(d, "tom", "ida"); err == nil {
		t.Error("writing to a connection that was ended: no error")
	} else if canopy.KindOf(err) != canopy.Unreachable {
		t.Errorf("writing to a connection that was ended: got %v", err)
	}
	if got, _ := names(t, reader); len(got) != 1 {
		t.Errorf("half of it was kept: %v", got)
	}
	if err := put(d, "tom", "ida"); err != nil {
		t.Fatalf("going on: %v", err)
	}
	hangUp(t, d, reader)
	if err := put(d, "ann"); canopy.KindOf(err) != canopy.Unreachable {
		t.Errorf("got %v", err)
	}
	other, err := Open(ctx, address, Options{Migrations: first})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(d, "ann"); canopy.KindOf(err) != canopy.Conflict || !strings.Contains(err.Error(), "another process has written") {
		t.Errorf("going on after another process: got %v", err)
	}
}
