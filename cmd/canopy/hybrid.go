package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/run"
)

// hybridChecks are the checks that look at forests and tenant together.
func (a *App) hybridChecks() []*cobra.Command {
	return []*cobra.Command{a.checkMailboxes(), a.checkHybrid()}
}

// onForests makes a command's work on the forests and the tenant, beside who works on the state directory.
func (a *App) onForests(fn func(ctx context.Context, p *run.OnPrem, dir string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error {
		p, err := a.openOnPrem(c.Context(), c.CommandPath(), false, true)
		if err != nil {
			return err
		}
		defer p.Close()
		dir, err := a.findDir("")
		if err != nil {
			return err
		}
		return fn(c.Context(), p, dir)
	}
}

func (a *App) checkMailboxes() *cobra.Command {
	c := &cobra.Command{Use: "mailboxes", Short: "Find who has a mailbox in a forest and another in the cloud, or is about to", Args: usageArgs(cobra.NoArgs),
		Long: `Reads the accounts of all forests as they are now and compares their mailboxes with those of the tenant: DUAL_MAILBOX who
has two, WILL_DOUBLE who gets the second with a licence since the first one's GUID is not synchronised, AT_RISK who had a
mailbox in the cloud before. Nothing is changed; canopy tenant mailbox repair repairs.

Exit codes: 0 nobody has two mailboxes; 1 somebody has, or something needed is missing.`,
		Example: "  canopy check mailboxes\n  canopy check mailboxes --json"}
	c.RunE = a.onForests(func(ctx context.Context, p *run.OnPrem, _ string) error {
		found, err := p.Mailboxes(ctx)
		if err != nil {
			return err
		}
		for _, d := range found {
			if d.Severity == canopy.Severe {
				a.code = exitFailed
			}
		}
		if a.json {
			a.print(map[string]any{"mailboxes": found})
			return nil
		}
		if len(found) == 0 {
			fmt.Fprintln(a.Out, "Nobody has two mailboxes.")
			return nil
		}
		t := a.table("CODE", "USER", "FOREST", "MAILBOX THERE", "MAILBOX IN THE CLOUD")
		for _, d := range found {
			t.row(d.Code, d.User, string(d.Forest), d.Here.String(), d.There.String())
		}
		t.end()
		for _, d := range found {
			fmt.Fprintf(a.Out, "\n%s: %s\n  what to do: %s\n", clean(d.User), clean(d.Cause), clean(d.Next))
		}
		return nil
	})
	return c
}

func (a *App) checkHybrid() *cobra.Command {
	var override []string
	var all bool
	c := &cobra.Command{Use: "hybrid", Short: "Check whether forests and tenant are ready for Exchange hybrid", Args: usageArgs(cobra.NoArgs),
		Long: `Looks at the tenant, the rules, and the accounts of all forests as they are now, as the Hybrid Configuration Wizard does
before it begins: synchronisation, the coexistence domain (HCW8001), mailbox GUIDs, addresses, domains, write-back,
endpoints. Each check has an id, what it saw, and a remedy. Nothing is changed. Versions of Exchange and Edge servers are
not looked at.

Exit codes: 0 nothing stands in the way; 1 something blocks; 4 there are warnings.`,
		Example: "  canopy check hybrid\n  canopy check hybrid --override SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK --json"}
	c.RunE = a.onForests(func(ctx context.Context, p *run.OnPrem, dir string) error {
		h, err := p.Hybrid(ctx, dir)
		if err != nil {
			return err
		}
		checks := h.Check(override)
		for i := range checks {
			switch {
			case checks[i].Blocks():
				a.code = exitFailed
			case !checks[i].Passed && !checks[i].Overridden && a.code == exitDone:
				a.code = exitPartly
			}
		}
		if a.json {
			a.print(map[string]any{"checks": checks})
			return nil
		}
		a.hybridTable(checks, all)
		return nil
	})
	c.Flags().StringSliceVar(&override, "override", nil, "go over the check with this `ID`, where it may be gone over")
	c.Flags().BoolVar(&all, "all", false, "also show what is as it should be")
	return c
}

func (a *App) hybridTable(checks []onprem.HybridCheck, all bool) {
	good := 0
	for _, c := range checks {
		if c.Passed {
			if good++; !all {
				continue
			}
		}
		state := map[string]string{"block": "BLOCKS", "warn": "warning"}[c.Severity]
		switch {
		case c.Passed:
			state = "ok"
		case c.Overridden:
			state = "overridden"
		}
		name := c.ID
		if c.Code != "" {
			name += " (" + c.Code + ")"
		}
		if c.Object != "" {
			name += " " + c.Object
		}
		fmt.Fprintf(a.Out, "%-10s %s\n           %s\n", state, clean(name), clean(c.Evidence))
		if c.Remedy != "" {
			fmt.Fprintf(a.Out, "           what to do: %s\n", clean(c.Remedy))
		}
	}
	fmt.Fprintf(a.Out, "%d checks, %d as they should be\n", len(checks), good)
}
