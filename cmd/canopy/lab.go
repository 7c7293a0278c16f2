package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
)

type labFlags struct {
	people int
	seed   uint64
	once   bool
	churn  bool
	join   string
	like   string
	pace   time.Duration
	serve  string
	given  string // the flags that make the same directories again, as they were given
}

func (a *App) labCommand() *cobra.Command {
	var f labFlags
	c := &cobra.Command{
		Use:   "lab",
		Short: "Three forests and a tenant on this machine: import, join, plan and write, and see what happened",
		Long: `Starts three forests in memory (contoso.lab, fabrikam.lab, tailspin.lab), fills them with people, groups and contacts,
among them deliberate trouble, and synchronises them over LDAP to an embedded tenant. Nothing leaves this machine.

It keeps running until it is interrupted; with --churn people come, move and leave meanwhile. With --once it stops
when everything is confirmed. With --json it prints an object a line; with --once the last line is the summary.

It keeps its state in a directory of its own and refuses one that no lab has written. It is not for your own forests:
canopy plan and canopy run are, with a canopy.yaml.`,
		Example: `  canopy lab --once
  canopy lab --churn --people 1000
  canopy lab --once --seed 7 --dir /tmp/lab7 --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f.given = repeated(c)
			return a.lab(c.Context(), f)
		},
	}
	c.Flags().IntVar(&f.people, "people", 300, "people in all forests together")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the same seed makes the same directories")
	c.Flags().BoolVar(&f.once, "once", false, "stop when everything is confirmed")
	c.Flags().BoolVar(&f.churn, "churn", false, "let people come, move and leave")
	c.Flags().StringVar(&f.join, "join", "", "how people are joined: mail, sid, none, attribute:NAME (default mail)")
	c.Flags().StringVar(&f.like, "like", "", "behave as another product did: cloud-provisioning-2020")
	c.Flags().StringVar(&f.serve, "serve", "", "let programs that speak Microsoft Graph in, at this address, for instance 127.0.0.1:8443")
	c.Flags().DurationVar(&f.pace, "pace", 2*time.Second, "the pause between changes with --churn")
	return c
}

// usageArgs makes an error in a command's arguments one of usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
		}
		return nil
	}
}

func (a *App) lab(ctx context.Context, f labFlags) error {
	if f.people < lab.MinPeople {
		return usageError{fmt.Errorf("--people must be %d or more, so that there is room for the deliberate trouble", lab.MinPeople)}
	}
	if err := (&run.Config{Join: f.join, Like: f.like}).CheckWays(); err != nil {
		return usageError{fmt.Errorf("--%w", err)}
	}
	dir, err := a.stateDir("lab")
	if err != nil {
		return err
	}
	lock, err := run.Lock(dir, "canopy lab") // before canopy.yaml is written
	if err != nil {
		return err
	}
	defer lock.Close()
	l, err := lab.Start(ctx, lab.Options{Dir: dir, People: f.people, Seed: f.seed, Join: f.join, Like: f.like})
	if err != nil {
		return err
	}
	defer l.Stop()
	c, err := run.Open(ctx, run.OpenOptions{Dir: dir, Command: "canopy lab", Locked: true})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := l.Once(ctx, c, a.bars().tell)
	if err != nil {
		return err
	}
	a.summary(s, dir, f)
	if f.serve != "" && !f.once {
		served, err := a.serve(ctx, c.Tenant, dir, serveFlags{listen: f.serve})
		if err != nil {
			return err
		}
		defer func() { _ = served.Close() }() // the lab is at its end
	}
	if f.once {
		if len(s.First.Stopped) > 0 {
			a.code = exitStopped
		}
		return nil
	}
	return a.live(ctx, l, c, f)
}

// live goes on with cycles until ctx ends, with changes in the forests when churn is on.
func (a *App) live(ctx context.Context, l *lab.Lab, c *run.Local, f labFlags) error {
	var churn *lab.Churn
	if f.churn {
		churn = lab.NewChurn(lab.Population{Seed: f.seed, People: f.people})
	}
	fmt.Fprintln(a.Err, "The forests keep running. Interrupt with Ctrl-C.")
	tick := time.NewTicker(f.pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(a.Err, "\nStopped. Nothing is lost; the same command goes on from here.")
			return nil
		case <-tick.C:
		}
		if churn != nil {
			ch := churn.Next()
			if err := l.Apply(ctx, ch); err != nil {
				return err
			}
			churn.Applied(ch)
			a.changeLine(ch)
		}
		r, err := c.Cycle(ctx, run.Options{})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		a.cycleLine(r)
	}
}

// changeLine tells of a change in a forest.
func (a *App) changeLine(ch lab.Change) {
	if a.json {
		a.print(map[string]string{"change": ch.Text, "forest": ch.Directory})
		return
	}
	fmt.Fprintln(a.Out, ch.Text)
}

// cycleLine tells in a line what a cycle did, when it did something.
func (a *App) cycleLine(r *run.Report) {
	if a.json {
		a.print(r)
		return
	}
	if len(r.Stopped) > 0 {
		fmt.Fprintf(a.Out, "  plan %d stopped by the guard: %s\n", r.Plan, r.Stopped[0].Text)
		return
	}
	if r.Exports.Written+r.Exports.Links+r.Exports.Refused > 0 {
		fmt.Fprintf(a.Out, "  plan %d: %d objects and %d links written, %d refused, in %.2f s\n", r.Plan, r.Exports.Written, r.Exports.Links,
			r.Exports.Refused, r.Seconds)
	}
}

// summary is the lab's closing table, or its JSON object as the last line.
func (a *App) summary(s *lab.Summary, dir string, f labFlags) {
	if a.json {
		a.print(s)
		return
	}
	fmt.Fprintln(a.Out)
	t := a.table("FOREST", "PEOPLE", "GROUPS", "CONTACTS", "READ", "IN SCOPE", "HELD BACK", "FAILED")
	for _, f := range s.Forests {
		e := s.State.Totals.Entries[canopy.ConnectorID(f.Name)]
		t.row(f.Name, num(f.People), num(f.Groups), num(f.Contacts), num(sum(e)), num(sum(e)-e[canopy.NotInScope.String()]),
			num(e[canopy.HeldBack.String()]), num(e[canopy.Failed.String()]))
	}
	t.end()
	fmt.Fprintf(a.Out, "\nmetaverse   %d people, %d groups, %d contacts; %d joined over two or more forests\n", s.Metaverse.People, s.Metaverse.Groups,
		s.Metaverse.Contacts, s.Metaverse.Joined)
	fmt.Fprintf(a.Out, "tenant      %d users, %d groups, %d contacts\n", s.Tenant.Users, s.Tenant.Groups, s.Tenant.Contacts)
	fmt.Fprintf(a.Out, "exports     %d written, %d refused, %d held back, %d unconfirmed; a second full run planned %d\n\n", s.Exports.Written,
		s.Exports.Refused, s.Exports.Held, s.Exports.Unconfirmed, s.SecondRun.Exports)
	if len(s.First.Stopped) > 0 {
		a.stopped(s.First)
	}
	a.heldTable(s.Held)
	a.findings(s.Findings)
	arg := " --dir " + quoted(dir)
	fmt.Fprintln(a.Out, "\nWhat to try next:")
	if s.Example != "" {
		fmt.Fprintf(a.Out, "  canopy explain%s %s\n  canopy explain%s %s displayName\n", arg, s.Example, arg, s.Example)
	}
	fmt.Fprintf(a.Out, "  canopy plan show%s 1\n  canopy log%s\n  canopy lab%s%s --churn\n", arg, arg, arg, f.given)
}

// repeated are the flags that were given and make the directories what they are.
func repeated(c *cobra.Command) (out string) {
	for _, name := range []string{"people", "seed", "join", "like"} {
		if fl := c.Flags().Lookup(name); fl != nil && fl.Changed {
			out += " --" + name + " " + quoted(fl.Value.String())
		}
	}
	return out
}

// heldTable lists what is held back and who is in the way.
func (a *App) heldTable(held []run.HeldObject) {
	if len(held) == 0 {
		return
	}
	t := a.table("HELD BACK", "REASON", "WHAT", "OTHER PARTY")
	for _, h := range held {
		what := string(h.Attr)
		if h.Value != "" {
			what = strings.TrimSpace(what + " " + h.Value)
		}
		if h.Whole {
			what = strings.TrimSpace("the whole object " + what)
		}
		var others []string
		for _, p := range h.Others {
			others = append(others, p.Name+" ("+string(p.Connector)+")")
		}
		t.row(h.Name, string(h.Reason), what, strings.Join(others, "; "))
	}
	t.end()
}

// findings lists values that the tenant does not take as they are.
func (a *App) findings(found []canopy.Finding) {
	for i, f := range found {
		if i == 0 {
			fmt.Fprintln(a.Out, "\nFindings:")
		}
		fmt.Fprintf(a.Out, "  %s: %s\n    %s\n", clean(f.Object), clean(f.Text), clean(f.Next))
	}
}

func num(n int) string { return fmt.Sprint(n) }

// quoted is a path as a shell takes it.
func quoted(s string) string {
	if strings.ContainsAny(s, " '\"$&;()*?<>|\\`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
