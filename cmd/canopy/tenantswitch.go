package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// flip is one switch of the tenant.
type flip struct {
	name string
	on   func(tenant.Switches) bool
	set  func(*tenant.Switches, bool)
}

// flips are the switches for matching, by the names that the service has for them.
var flips = []flip{
	{"blockSoftMatch", func(s tenant.Switches) bool { return s.BlockSoftMatch }, func(s *tenant.Switches, on bool) { s.BlockSoftMatch = on }},
	{"blockCloudObjectTakeoverThroughHardMatch", func(s tenant.Switches) bool { return s.BlockHardMatchTakeover },
		func(s *tenant.Switches, on bool) { s.BlockHardMatchTakeover = on }},
	{"softMatchOnUpn", func(s tenant.Switches) bool { return s.SoftMatchOnUPN }, func(s *tenant.Switches, on bool) { s.SoftMatchOnUPN = on }},
	{"refuseMalformedAddresses", func(s tenant.Switches) bool { return s.RefuseMalformed }, func(s *tenant.Switches, on bool) { s.RefuseMalformed = on }},
}

// synchronization is the switch that is no matching's.
const synchronization = "synchronization"

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (a *App) switchCommand() *cobra.Command {
	var f forms
	c := &cobra.Command{Use: "switch", Short: "Show and set the switches for matching", Example: "  canopy tenant switch list",
		Long: "The switches that say whom synchronisation may take over. How Exchange decides is not here: see canopy tenant setting."}
	list := &cobra.Command{Use: "list", Short: "Show the switches", Args: usageArgs(cobra.NoArgs), Example: "  canopy tenant switch list --json",
		Long: "Shows the switches for matching, and whether the tenant is synchronised. It changes nothing."}
	list.RunE = a.withTenant(false, func(_ context.Context, t *tenantFile, _ []string) error {
		s := t.Admin().Switches()
		var things []thing
		add := func(name string, on bool) {
			things = append(things, thing{[]tenant.Column{{Name: "Switch", Value: name}, {Name: "Value", Value: onOff(on)}}, map[string]any{"switch": name, "on": on}})
		}
		for _, x := range flips {
			add(x.name, x.on(s))
		}
		add(synchronization, t.Admin().Synchronized())
		return a.show(f, false, "Switch,Value", things)
	})
	f.flags(list)
	set := &cobra.Command{Use: "set SWITCH on|off", Short: "Set a switch", Args: usageArgs(cobra.ExactArgs(2)),
		Example: "  canopy tenant switch set blockSoftMatch on",
		Long: `Sets a switch. softMatchOnUpn cannot be switched off again. With synchronization off everything belongs to the cloud,
and it cannot be switched on again for 72 hours. What was matched before is not undone.`}
	set.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		if args[1] != "on" && args[1] != "off" {
			return usageError{fmt.Errorf("a switch is set to on or off, not to %q", args[1])}
		}
		if err := a.setSwitch(ctx, t, args[0], args[1] == "on"); err != nil {
			return err
		}
		a.done(args[0] + " " + args[1])
		return nil
	})
	c.AddCommand(list, set)
	return c
}

func (a *App) setSwitch(ctx context.Context, t *tenantFile, name string, on bool) error {
	if strings.EqualFold(name, synchronization) {
		return t.Admin().SetSynchronization(ctx, on)
	}
	var known []string
	for _, x := range flips {
		if strings.EqualFold(x.name, name) {
			s := t.Admin().Switches()
			x.set(&s, on)
			return t.Admin().SetSwitches(ctx, s)
		}
		known = append(known, x.name)
	}
	return usageError{fmt.Errorf("there is no switch %q; there are %s", name, strings.Join(append(known, synchronization), ", "))}
}

// domainActs are the commands that change domains.
func (a *App) domainActs() []*cobra.Command {
	act := func(use, short, long, example string, do func(context.Context, *tenant.Admin, string) error) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: usageArgs(cobra.ExactArgs(1))}
		c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
			if err := do(ctx, t.Admin(), args[0]); err != nil {
				return err
			}
			a.done(args[0])
			return nil
		})
		return c
	}
	return []*cobra.Command{
		act("add DOMAIN", "Add a domain, which is not verified yet", "Adds a domain of your own. Nobody signs in under it, and no mailbox has addresses in it, before it is verified.",
			"  canopy tenant domain add contoso.com", func(ctx context.Context, t *tenant.Admin, name string) error { return t.AddDomain(ctx, name) }),
		act("verify DOMAIN", "Verify a domain", "Verifies a domain: who is synchronised with it gets the sign-in name and the addresses that were left out. DNS is not asked.",
			"  canopy tenant domain verify contoso.com", func(ctx context.Context, t *tenant.Admin, name string) error { return t.VerifyDomain(ctx, name) }),
	}
}

func (a *App) tenantAuditCommand() *cobra.Command {
	var f forms
	most := 50
	c := &cobra.Command{Use: "audit [OBJECT]", Short: "Show what administrators and programs did, the latest first", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long:    "Shows who did what to whom, with old and new values. What synchronisation wrote is not here: see canopy log.",
		Example: "  canopy tenant audit\n  canopy tenant audit anna@contoso.com --most 10"}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		var id canopy.Anchor
		if len(args) == 1 {
			o, err := t.Admin().Find(ctx, args[0])
			if err != nil {
				return err
			}
			id = o.ID
		}
		var things []thing
		err := t.Admin().Log(ctx, id, func(one *tenant.Audit) bool {
			var changed []string
			for _, m := range one.Changed {
				changed = append(changed, fmt.Sprintf("%s: %s -> %s", m.Attr, strings.Join(m.Old, " | "), strings.Join(m.New, " | ")))
			}
			things = append(things, thing{[]tenant.Column{{Name: "Time", Value: one.At.Format(time.RFC3339)}, {Name: "Actor", Value: one.Actor.Name},
				{Name: "Activity", Value: one.Activity}, {Name: "Target", Value: one.Label}, {Name: "Changed", Value: strings.Join(changed, "; ")}},
				map[string]any{"id": one.ID, "at": one.At, "actor": one.Actor, "activity": one.Activity, "target": one.Target, "label": one.Label, "changed": one.Changed}})
			return len(things) < most
		})
		if err != nil {
			return err
		}
		return a.show(f, false, "Time,Actor,Activity,Target,Changed", things)
	})
	f.flags(c)
	c.Flags().IntVar(&most, "most", most, "how many to show")
	return c
}
