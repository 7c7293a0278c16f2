//go:build !windows

package main

import "context"

// asked runs do: elsewhere than on Windows a service is a process like any other.
func asked(ctx context.Context, do func(context.Context) error) error { return do(ctx) }
