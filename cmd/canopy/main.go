// Command canopy is the product on the command line: the lab, plans, runs, and the answers to every why.
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
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	app := App{Out: os.Stdout, Err: os.Stderr}
	os.Exit(app.Run(ctx, os.Args[1:]))
}
