package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

func (a *App) tickCommand() *cobra.Command {
	c := &cobra.Command{Use: "tick", Short: "Let happen what is due: changes that reach Exchange, mailboxes whose time is over", Args: usageArgs(cobra.NoArgs)}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, _ []string) error {
		return a.forwarded(t.Tick(ctx))
	})
	return c
}

func (a *App) forwardCommand() *cobra.Command {
	c := &cobra.Command{Use: "forward [OBJECT]", Short: "Let changes that are on their way to Exchange arrive now: one object's, or all", Args: usageArgs(cobra.MaximumNArgs(1))}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		if len(args) == 0 {
			return a.forwarded(t.Hurry(ctx, ""))
		}
		o, err := t.Admin().Find(ctx, args[0])
		if err != nil {
			return err
		}
		return a.forwarded(t.Hurry(ctx, o.ID))
	})
	return c
}

func (a *App) forwarded(f tenant.Forwarded, err error) error {
	if err != nil {
		return err
	}
	if a.json {
		a.print(f)
		return nil
	}
	fmt.Fprintf(a.Out, "%d objects arrived, %d mailboxes changed by time, %d objects on their way", f.Objects, f.Mailboxes, f.Waiting)
	if f.Moves > 0 {
		fmt.Fprintf(a.Out, ", %d moves went on", f.Moves)
	}
	if !f.Next.IsZero() {
		fmt.Fprintf(a.Out, ", the next at %s", f.Next.Format(time.RFC3339))
	}
	fmt.Fprintln(a.Out)
	return nil
}

func (a *App) domainCommand() *cobra.Command {
	c := &cobra.Command{Use: "domain", Short: "Show the accepted domains, and add and verify domains"}
	var f forms
	var all bool
	list := &cobra.Command{Use: "list", Short: "List the accepted domains, with the coexistence domain", Args: usageArgs(cobra.NoArgs)}
	list.RunE = a.withTenant(false, func(_ context.Context, t *tenantFile, _ []string) error {
		var things []thing
		if all {
			for _, d := range t.Admin().Domains() {
				things = append(things, thing{d.Columns(), d})
			}
			return a.show(f, false, "DomainName,IsVerified,AuthenticationType", things)
		}
		for _, d := range t.Admin().AcceptedDomains() {
			things = append(things, thing{d.Columns(), d})
		}
		if err := a.show(f, false, "DomainName,DomainType,Default,IsCoexistenceDomain", things); err != nil || a.json || f.csv {
			return err
		}
		a.tellFindings(t.Admin().RoutingFindings())
		return nil
	})
	f.flags(list)
	list.Flags().BoolVar(&all, "all", false, "the directory's domains, those that are not verified too, with how people sign in")
	c.AddCommand(list)
	c.AddCommand(a.domainActs()...)
	return c
}

// settingCommand shows and sets the switches of the Exchange half, by the names of their JSON form.
func (a *App) settingCommand() *cobra.Command {
	c := &cobra.Command{Use: "setting", Short: "Show and set how Exchange decides"}
	c.AddCommand(&cobra.Command{Use: "list", Short: "Show the switches", Args: usageArgs(cobra.NoArgs),
		RunE: a.withTenant(false, func(_ context.Context, t *tenantFile, _ []string) error {
			s := t.Admin().ExchangeSettings()
			if a.json {
				a.print(s)
				return nil
			}
			m, err := settingMap(s)
			if err != nil {
				return err
			}
			var columns []tenant.Column
			for _, name := range settingNames(m) {
				columns = append(columns, tenant.Column{Name: name, Value: fmt.Sprint(m[name])})
			}
			fmt.Fprint(a.Out, tenant.List(columns))
			return nil
		})})
	var force bool
	set := &cobra.Command{Use: "set NAME VALUE", Short: "Set a switch: forwardDelay and moveDuration to a duration, others to true or false", Args: usageArgs(cobra.ExactArgs(2))}
	set.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		s, err := withSetting(t.Admin().ExchangeSettings(), args[0], args[1])
		if err != nil {
			return err
		}
		if err := t.Admin().SetExchangeSettings(ctx, s, force); err != nil {
			return err
		}
		a.done(args[0] + " " + args[1])
		return nil
	})
	set.Flags().BoolVar(&force, "force", false, "although there are mailboxes in forests")
	c.AddCommand(set)
	return c
}

func settingMap(s tenant.ExchangeSettings) (map[string]any, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	return m, json.Unmarshal(text, &m)
}

func settingNames(m map[string]any) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// withSetting are the settings with one set.
func withSetting(s tenant.ExchangeSettings, name, value string) (tenant.ExchangeSettings, error) {
	m, err := settingMap(s)
	if err != nil {
		return s, err
	}
	for known := range m {
		if !strings.EqualFold(known, name) || known == "syncing" {
			continue
		}
		m[known] = value
		if _, isBool := m[known].(string); isBool && known != "forwardDelay" && known != "moveDuration" {
			on, err := strconv.ParseBool(value)
			if err != nil {
				return s, usageError{fmt.Errorf("%s is true or false, not %q", known, value)}
			}
			m[known] = on
		}
		text, err := json.Marshal(m)
		if err != nil {
			return s, err
		}
		if err := json.Unmarshal(text, &s); err != nil {
			return s, usageError{fmt.Errorf("%s: %w", known, err)}
		}
		return s, nil
	}
	delete(m, "syncing")
	return s, &canopy.Error{Kind: canopy.NotFound, Object: name, Text: "there is no such switch", Next: "choose of " + strings.Join(settingNames(m), ", ")}
}
