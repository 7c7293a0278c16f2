//go:build !unix

package run

import "os"

// lockFile relies on the store's own lock where the system has no flock.
func lockFile(*os.File) error { return nil }
