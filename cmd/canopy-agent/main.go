// Command canopy-agent is the process beside a forest: it calls the service, and answers for the forest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app := App{Out: os.Stdout, Err: os.Stderr, Asked: asked}
	os.Exit(app.Run(ctx, os.Args[1:]))
}
