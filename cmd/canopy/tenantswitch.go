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

// flips are the switches for what is synchronised, by the names that the service has for them where it has.
var flips = []flip{
	{"blockSoftMatch", func(s tenant.Switches) bool { return s.BlockSoftMatch }, func(s *tenant.Switches, on bool) { s.BlockSoftMatch = on }},
	{"blockCloudObjectTakeoverThroughHardMatch", func(s tenant.Switches) bool { return s.BlockHardMatchTakeover },
		func(s *tenant.Switches, on bool) { s.BlockHardMatchTakeover = on }},
	{"softMatchOnUpn", func(s tenant.Switches) bool { return s.SoftMatchOnUPN }, func(s *tenant.Switches, on bool) { s.SoftMatchOnUPN = on }},
	{"refuseMalformedAddresses", func(s tenant.Switches) bool { return s.RefuseMalformed }, func(s *tenant.Switches, on bool) { s.RefuseMalformed = on }},
	{"refuseFederatedDomainChange", func(s tenant.Switches) bool { return s.RefuseFederatedChange },
		func(s *tenant.Switches, on bool) { s.RefuseFederatedChange = on }},
	{"allowOnPremUpdateOfOnPremisesObjectIdentifier", func(s tenant.Switches) bool { return s.AllowRemap },
		func(s *tenant.Switches, on bool) { s.AllowRemap = on }},
	{"denySynchronizationAccount", func(s tenant.Switches) bool { return s.DenyAccount }, func(s *tenant.Switches, on bool) { s.DenyAccount = on }},
}

// The switches that are no matching's: the second is set to a policy.
const (
	synchronization = "synchronization"
	uniqueness      = "uniqueness"
)

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (a *App) switchCommand() *cobra.Command {
	var f forms
	c := &cobra.Command{Use: "switch", Short: "Show and set the switches for what is synchronised", Example: "  canopy tenant switch list",
		Long: "The switches that say whom synchronisation may take over, and what it may write. How Exchange decides is not here: see\ncanopy tenant setting."}
	list := &cobra.Command{Use: "list", Short: "Show the switches", Args: usageArgs(cobra.NoArgs), Example: "  canopy tenant switch list --json",
		Long: "Shows the switches for what is synchronised, whether the tenant is, and the uniqueness policy. It changes nothing."}
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
		policy := string(t.Admin().Policy())
		things = append(things, thing{[]tenant.Column{{Name: "Switch", Value: uniqueness}, {Name: "Value", Value: policy}}, map[string]any{"switch": uniqueness, "value": policy}})
		return a.show(f, false, "Switch,Value", things)
	})
	f.flags(list)
	set := &cobra.Command{Use: "set SWITCH VALUE", Short: "Set a switch: on or off, uniqueness to none, fail or quarantine", Args: usageArgs(cobra.ExactArgs(2)),
		Example: "  canopy tenant switch set blockSoftMatch on\n  canopy tenant switch set uniqueness quarantine",
		Long: `Sets a switch. softMatchOnUpn cannot be switched off again. With synchronization off everything belongs to the cloud,
and it cannot be switched on again for 72 hours. What was matched before is not undone.

uniqueness says what a sign-in name or address does that another object has: fail refuses the object, quarantine takes it
without the value and gives that when it is free, as the real service does, none lets addresses be held twice until a
licence is given, as the preview of 2020 did. target.uniqueness in canopy.yaml sets it again at the next run.`}
	set.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		if strings.EqualFold(args[0], uniqueness) {
			if err := t.Admin().SetPolicy(ctx, tenant.Policy(args[1])); err != nil {
				return err
			}
			a.done(uniqueness + " " + args[1])
			return nil
		}
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
	return usageError{fmt.Errorf("there is no switch %q; there are %s", name, strings.Join(append(known, synchronization, uniqueness), ", "))}
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
		a.domainSet(),
	}
}

func (a *App) domainSet() *cobra.Command {
	var federated bool
	c := &cobra.Command{Use: "set DOMAIN --federated", Short: "Make a verified domain federated, or managed", Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Says where the people of a verified domain sign in: elsewhere (--federated), or here (--federated=false). It does not look
at who signs in; what depends on it are the source of authority and, with refuseFederatedDomainChange, changes of
sign-in names.`,
		Example: "  canopy tenant domain set contoso.com --federated\n  canopy tenant domain set contoso.com --federated=false"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		if !c.Flags().Changed("federated") {
			return usageError{fmt.Errorf("say --federated, or --federated=false")}
		}
		if err := t.Admin().SetFederated(ctx, args[0], federated); err != nil {
			return err
		}
		a.done(args[0])
		return nil
	})
	c.Flags().BoolVar(&federated, "federated", false, "its people sign in elsewhere")
	return c
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
