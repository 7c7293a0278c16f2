package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/canopy-sync/canopy/e2e/samba"
)

// floor is the leanest client there is, asking a domain controller for the same.
type floor struct {
	dc      *samba.DC
	as      samba.Account
	asked   asked
	word    string // the file with the password
	Objects int
}

func newFloor(ctx context.Context, dc *samba.DC, as samba.Account, dir string) (*floor, error) {
	f := &floor{dc: dc, as: as, word: filepath.Join(dir, "word")}
	var err error
	if f.asked, err = listen(ctx); err != nil {
		return nil, fmt.Errorf("find out what the product asks for: %w", err)
	}
	if err := os.WriteFile(f.word, []byte(as.Password), 0o600); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := f.command(ctx)
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ldapsearch: %w", err)
	}
	f.Objects = bytes.Count(out.Bytes(), []byte("\ndn:"))
	return f, nil
}

func (f *floor) command(ctx context.Context) *exec.Cmd {
	args := []string{"-LLL", "-o", "ldif-wrap=no", "-x", "-H", f.dc.URL(), "-D", f.as.UPN, "-y", f.word, "-b", f.dc.Base(), "-E", "!dirSync=0/0", f.asked.filter}
	cmd := exec.CommandContext(ctx, "ldapsearch", append(args, f.asked.attrs...)...)
	cmd.Env = append(os.Environ(), "LDAPTLS_CACERT="+f.dc.CA())
	cmd.Stderr = os.Stderr
	return cmd
}

// measure reads once and throws away what comes.
func (f *floor) measure(ctx context.Context) (stage, error) {
	cmd := f.command(ctx)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return stage{}, fmt.Errorf("ldapsearch: %w", err)
	}
	p := cmd.ProcessState
	return stage{Name: "ldapsearch", Seconds: time.Since(began).Seconds(), CPU: (p.UserTime() + p.SystemTime()).Seconds()}, nil
}
