package samba

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Twin starts a second controller of the same domain on another address, from a backup of this one: the same objects
// with the same GUIDs, another invocation id, USNs of its own. The two do not replicate: from here on a test that changes
// one changes the other. The domain must have been made with Options.DNS; host is the new controller's name, as dc2.
func (d *DC) Twin(ctx context.Context, ip, host string) (*DC, error) {
	if !d.o.DNS {
		return nil, errors.New("a second domain controller needs a domain made with Options.DNS")
	}
	work, err := os.MkdirTemp(d.dir, "backup-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if _, err := d.Tool(ctx, "samba-tool", "domain", "backup", "offline", "-s", d.conf(), "--targetdir="+work); err != nil {
		return nil, fmt.Errorf("back up %s: %w", d.o.Domain, err)
	}
	files, err := filepath.Glob(filepath.Join(work, "*.tar.bz2"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("back up %s: found %v: %w", d.o.Domain, files, err)
	}
	o := d.o
	o.IP, o.Host, o.Dir = ip, host, ""
	return begin(ctx, o, func(n *DC) error {
		began := time.Now()
		// The restore wants an empty directory of its own.
		if err := os.Remove(n.dir); err != nil {
			return err
		}
		if _, err := d.Tool(ctx, "samba-tool", "domain", "backup", "restore", "--backup-file="+files[0], "--targetdir="+n.dir,
			"--newservername="+host, "--host-ip="+ip); err != nil {
			return fmt.Errorf("restore the backup of %s: %w", d.o.Domain, err)
		}
		n.Times.Provision = time.Since(began)
		return nil
	})
}

// RunTwin is Twin for a test, which ends it.
func RunTwin(t testing.TB, d *DC, ip, host string) *DC {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	n, err := d.Twin(ctx, ip, host)
	if err != nil {
		t.Fatal(err)
	}
	closeWith(t, n)
	t.Logf("%s on %s: restore %v, start %v", n.Host(), ip, n.Times.Provision.Round(time.Millisecond), n.Times.Start.Round(time.Millisecond))
	return n
}
