package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// TestBadDiskFull has a real disk run full under a state directory. Where no file system may be mounted, TestBadDisk
// alone shows what happens.
func TestBadDiskFull(t *testing.T) {
	t.Parallel()
	b := newBadBench(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=32m"); err != nil {
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EACCES) {
			t.Fatal(err)
		}
		t.Logf("no file system may be mounted here: %v", err)
		return
	}
	t.Cleanup(func() {
		if b.local != nil {
			b.must(t, b.local.Close())
			b.local = nil
		}
		b.must(t, syscall.Unmount(disk, 0))
	})
	for _, name := range []string{run.ConfigName, "alpha.pem", "beta.pem", "password"} {
		text, err := os.ReadFile(filepath.Join(b.dir, name))
		b.must(t, err)
		b.must(t, os.WriteFile(filepath.Join(disk, name), text, 0o600))
	}
	b.dir = disk
	b.good(t)
	before := b.tenant(t)
	for _, who := range strings.Fields("dora emil fred gina hans ines jana kurt lena mara nils olga") {
		p := badPerson(who, "alpha")
		p["description"] = []string{strings.Repeat(who, 200)}
		b.must(t, b.servers[0].Add(b.dn(0, who), p))
	}
	ballast := filepath.Join(disk, "ballast")
	badFill(t, ballast)
	_, err := b.cycle(t, run.Options{})
	badSays(t, err, canopy.Full, "space")
	b.must(t, os.Remove(ballast))
	for name, was := range before {
		if now := b.tenant(t)[name]; now != was {
			t.Errorf("%s: got %q in the tenant after the disk was full, want %q", name, now, was)
		}
	}
	b.good(t)
	b.good(t)
	if n := len(b.tenant(t)); n != len(before)+12 {
		t.Errorf("with space again the tenant has %d objects, want %d", n, len(before)+12)
	}
}

// badFill writes a file until there is no space left.
func badFill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			size /= 2
		}
	}
}
