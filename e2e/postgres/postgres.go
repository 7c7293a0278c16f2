// Package postgres starts a private PostgreSQL server for tests: a new cluster in a temporary folder, reached by a socket
// in it and by nobody else. It does not touch a server that the machine runs.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running server.
type Server struct {
	dir  string
	bin  string
	cred *syscall.Credential
	cmd  *exec.Cmd
	done chan struct{}
	out  bytes.Buffer
	mu   sync.Mutex
	made int
}

// programs is the folder with the server's programs, "" when there is none.
func programs() string {
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is good
	slices.Sort(all)
	if len(all) > 0 {
		return filepath.Dir(all[len(all)-1])
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p)
	}
	return ""
}

// Require skips a test where PostgreSQL is not installed, or fails it where the real parts are required.
func Require(t testing.TB) {
	t.Helper()
	missing := ""
	switch {
	case os.Getenv("CANOPY_REAL") == "no":
		missing = "consent (CANOPY_REAL=no)"
	case programs() == "":
		missing = "the package postgresql"
	default:
		return
	}
	if os.Getenv("CI") == "true" || os.Getenv("CANOPY_REAL") == "require" {
		t.Fatalf("a real PostgreSQL server is required here and cannot be started; missing: %s", missing)
	}
	t.Skipf("left out: a real PostgreSQL server; missing: %s", missing)
}

// Start makes a cluster and starts its server. Close stops it and removes all of it.
func Start(ctx context.Context) (s *Server, err error) {
	s = &Server{bin: programs()}
	if s.bin == "" {
		return nil, errors.New("start PostgreSQL: it is not installed")
	}
	if s.dir, err = os.MkdirTemp("", "canopy-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.unprivileged(); err != nil {
		return nil, err
	}
	out, err := s.command(ctx, "initdb", "-D", s.data(), "-U", "canopy", "-A", "trust", "-E", "UTF8", "--locale=C", "-N").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("make a PostgreSQL cluster: %w\n%s", err, out)
	}
	if err := s.Up(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// unprivileged gives the folder to an account that may run a server, which the superuser may not.
func (s *Server) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// Up starts the server and waits until it answers.
func (s *Server) Up(ctx context.Context) error {
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "max_wal_size=4GB")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.done = make(chan struct{})
	started := make(chan error)
	go func() {
		// The server is to end with this program; the system watches the thread that started it.
		runtime.LockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait() // how it ended is in its log
		}
		close(s.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.address(""))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended at once:\n%s", s.out.String())
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Down stops the server: with SIGINT it ends its transactions, with SIGKILL it has no time to.
func (s *Server) Down(with syscall.Signal) error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(with); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	<-s.done
	return nil
}

// Close stops the server and removes the cluster.
func (s *Server) Close() error {
	return errors.Join(s.Down(syscall.SIGINT), os.RemoveAll(s.dir))
}

// address is the address of a schema, "" for the account's own.
func (s *Server) address(schema string) string {
	q := url.Values{"host": {s.dir}, "sslmode": {"disable"}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres://canopy@/postgres?" + q.Encode()
}

// Schema makes an empty schema and gives its address.
func (s *Server) Schema(ctx context.Context) (string, error) {
	s.mu.Lock()
	s.made++
	name := "test" + strconv.Itoa(s.made)
	s.mu.Unlock()
	conn, err := pgx.Connect(ctx, s.address(""))
	if err != nil {
		return "", fmt.Errorf("make a schema: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", fmt.Errorf("make a schema: %w", err)
	}
	return s.address(name), nil
}
