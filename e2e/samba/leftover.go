package samba

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// dirPrefix begins the names of the directories that Start makes, so that nothing else is ever removed.
const dirPrefix = "canopy-dc-"

// trace is what a test leaves on disk while a controller of its own runs. Whoever gets the lock of an address knows
// that the test that wrote the trace there is dead.
type trace struct {
	PID   int    `json:"pid"` // 0: not running
	Start uint64 `json:"start"`
	Dir   string `json:"dir"`
	Owned bool   `json:"owned"`
}

func registry() string                { return filepath.Join(os.TempDir(), "canopy-samba") }
func recordPath(ip string) string     { return filepath.Join(registry(), ip+".json") }
func lockPath(ip string) string       { return filepath.Join(registry(), ip+".lock") }
func (d *DC) conf() string            { return filepath.Join(d.dir, "etc", "smb.conf") }
func (d *DC) path(p ...string) string { return filepath.Join(append([]string{d.dir}, p...)...) }

// record writes down which process and directory belong to the address.
func (d *DC) record(pid int, start uint64) error {
	if d.lock == nil {
		return nil
	}
	text, err := json.Marshal(trace{PID: pid, Start: start, Dir: d.dir, Owned: d.owned})
	if err != nil {
		return err
	}
	if err := os.WriteFile(recordPath(d.o.IP), text, 0o600); err != nil {
		return fmt.Errorf("note the domain controller on %s: %w", d.o.IP, err)
	}
	return nil
}

// takeAddress waits for the lock of an address and clears away what a dead test left there. The kernel gives the lock
// up when its process ends, in whatever way.
func takeAddress(ctx context.Context, ip string) (*os.File, error) {
	if err := os.MkdirAll(registry(), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(lockPath(ip), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", lockPath(ip), err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("address %s is used by another test: %w", ip, ctx.Err())
		case <-tick.C:
		}
	}
	if err := clearAddress(ip); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// clearAddress ends and removes what the trace of an address tells. The caller holds the address's lock.
func clearAddress(ip string) error {
	text, err := os.ReadFile(recordPath(ip))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var left trace
	if err := json.Unmarshal(text, &left); err != nil { // its writer died while writing
		return os.Remove(recordPath(ip))
	}
	if err := endSession(left.PID, left.Start, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end a domain controller that a test left on %s: %w", ip, err)
	}
	if left.Owned && strings.HasPrefix(filepath.Base(left.Dir), dirPrefix) {
		if err := os.RemoveAll(left.Dir); err != nil {
			return fmt.Errorf("remove what a test left: %w", err)
		}
	}
	return os.Remove(recordPath(ip))
}

// Sweep ends and removes all controllers whose tests are dead, and tells the addresses. Those in use stay.
func Sweep() (cleared []string, err error) {
	names, err := filepath.Glob(recordPath("*"))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range names {
		ip := strings.TrimSuffix(filepath.Base(name), ".json")
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // one try: what is locked is in use
		f, err := takeAddress(ctx, ip)
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			errs = append(errs, err)
		default:
			cleared = append(cleared, ip)
			errs = append(errs, f.Close())
		}
	}
	return cleared, errors.Join(errs...)
}
