package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/auth"
	"github.com/canopy-sync/canopy/link"
	"github.com/canopy-sync/canopy/run"
)

type runServeFlags struct {
	listen string
	names  []string
	every  time.Duration
	once   bool
}

func (a *App) serveCommand() *cobra.Command {
	var f runServeFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep the tenant in step with the forests, and take in the agents that read them",
		Long: `Runs a cycle after every pause, and one at once when a forest announces a change. Forests that say agent: true in
canopy.yaml are read through agents, which call this service on its one port; the others are read from here. While a
plan that the guard stopped waits for canopy plan approve or reject, nothing else is planned.

It serves neither the portal nor the Graph door; canopy tenant serve is for the latter. With --json every cycle is an
object on a line of its own.

With --once it runs one cycle and ends, with the exit codes of canopy run.`,
		Example: `  canopy serve --name canopy.contoso.com
  canopy serve --listen 10.1.2.3:8843 --name 10.1.2.3 --every 5m
  canopy serve --name canopy.contoso.com --once`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.runServe(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", ":"+link.DefaultPort, "where agents call, HOST:PORT")
	c.Flags().StringSliceVar(&f.names, "name", nil, "a DNS name or address under which agents reach the service (default this machine's name)")
	c.Flags().DurationVar(&f.every, "every", 2*time.Minute, "the longest pause between two cycles")
	c.Flags().BoolVar(&f.once, "once", false, "run one cycle and end")
	return c
}

// service is what runServe opened.
type service struct {
	local *run.Local
	hub   *link.Hub
	ln    net.Listener
	ends  []func() error
}

func (s *service) close() error {
	var errs []error
	for i := len(s.ends) - 1; i >= 0; i-- {
		errs = append(errs, s.ends[i]())
	}
	return errors.Join(errs...)
}

func (a *App) runServe(ctx context.Context, f runServeFlags) (err error) {
	if f.every <= 0 {
		return usageError{errors.New("--every must be more than nothing")}
	}
	s := &service{}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := a.openService(ctx, s, f); err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.Err, "Agents are taken in at %s. Interrupt with Ctrl-C.\n", s.ln.Addr())
	} else {
		a.print(map[string]string{"listening": s.ln.Addr().String()})
	}
	within, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer cancel() // without its port it does not go on
		served <- s.hub.Serve(within, s.ln)
	}()
	if f.once {
		err = a.serveOnce(within, s.local)
	} else {
		s.local.Loop(within, run.LoopOptions{Every: f.every, Each: a.served})
	}
	cancel()
	err = errors.Join(err, <-served)
	if err == nil && ctx.Err() != nil && !a.json {
		fmt.Fprintln(a.Err, "Stopped. Nothing is lost; the same command goes on from here.")
	}
	return err
}

// openService opens the state directory, the registry and the port.
func (a *App) openService(ctx context.Context, s *service, f runServeFlags) error {
	dir, err := a.stateDir("")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.Err, nil))
	if a.json {
		log = slog.New(slog.NewJSONHandler(a.Err, nil))
	}
	authority, agents, err := a.openAgents(ctx, dir)
	if err != nil {
		return err
	}
	s.ends = append(s.ends, agents.Close)
	if len(f.names) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find this machine's name: %w; give one with --name", err)
		}
		f.names = []string{name}
	}
	s.hub = link.NewHub(link.HubOptions{Authority: authority, Registry: agents, Names: f.names, Clock: time.Now, Log: log})
	s.local, err = run.Open(ctx, run.OpenOptions{Dir: dir, Config: a.config, Command: "canopy serve", Who: who(), Log: log,
		Remote: func(id canopy.ConnectorID) canopy.Connector { return s.hub.Forest(id) }})
	if err != nil {
		return err
	}
	s.ends = append(s.ends, s.local.Close)
	if s.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen); err != nil {
		return &canopy.Error{Kind: canopy.Conflict, Code: "listen", Object: f.listen, Text: "agents cannot be taken in there", Err: err,
			Next: "give a free address with --listen HOST:PORT"}
	}
	return nil
}

// openAgents opens the authority and the registry of a state directory.
func (a *App) openAgents(ctx context.Context, dir string) (*link.Authority, *auth.Auth, error) {
	authority, err := link.OpenAuthority(dir, time.Now())
	if err != nil {
		return nil, nil, err
	}
	agents, err := auth.Open(ctx, filepath.Join(dir, auth.FileName), auth.Options{})
	return authority, agents, err
}

// serveOnce runs one cycle, as canopy run does.
func (a *App) serveOnce(ctx context.Context, l *run.Local) error {
	r, err := l.Cycle(ctx, run.Options{})
	if err != nil {
		return a.failed(r, err)
	}
	a.served(r, nil)
	a.verdict(r)
	return nil
}

// served tells of one cycle.
func (a *App) served(r *run.Report, err error) {
	switch {
	case err != nil && a.json:
		a.print(map[string]any{"error": err.Error(), "kind": canopy.KindOf(err).String()})
	case err != nil:
		fmt.Fprintln(a.Err, "canopy: the cycle failed:", cleanLines(err.Error()))
	default:
		for _, i := range r.Failures() {
			if !a.json {
				fmt.Fprintf(a.Err, "canopy: %s was not read: %s\n", i.Connector, cleanLines(i.Error))
			}
		}
		a.cycleLine(r)
	}
}
