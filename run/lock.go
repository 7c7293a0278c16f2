package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/canopy-sync/canopy"
)

// LockName is the file in the state directory that the one writing process holds.
const LockName = "lock"

// Lock makes this process the only one that writes to the state directory, until the file is closed or the process
// ends, however it ends. The error of kind Conflict names the process that holds it.
func Lock(dir, command string) (*os.File, error) {
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, &canopy.Error{Kind: canopy.Conflict, Code: "locked", Object: dir, Other: strings.TrimSpace(string(holder)),
			Text: "another process is writing here", Next: "wait for it to end, or stop it; commands that only read work beside it"}
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the lock: %w", err)
	}
	if _, err := fmt.Fprintf(f, "process %d: %s\n", os.Getpid(), command); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the lock: %w", err)
	}
	return f, nil
}
