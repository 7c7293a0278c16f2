package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// tenantFile is the open tenant of a command.
type tenantFile struct {
	*tenant.Tenant
	lock *os.File
}

func (t *tenantFile) Close() {
	t.Tenant.Close()
	if t.lock != nil {
		t.lock.Close()
	}
}

// openRecipients opens the tenant of the state directory and lets what is due arrive. One that is only looked at is opened
// beside a process that writes, and then left as it is.
func (a *App) openRecipients(ctx context.Context, command string, write bool) (*tenantFile, error) {
	dir, err := a.stateDir("")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, run.TenantName)
	if _, err := os.Stat(path); os.IsNotExist(err) && a.tenantOptions.Initial == "" {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "no-tenant", Object: path, Text: "there is no tenant here",
			Next: "canopy lab makes one, and so does canopy plan; or name the state directory with --dir"}
	}
	lock, err := run.Lock(dir, command)
	if err != nil && (write || canopy.KindOf(err) != canopy.Conflict) {
		return nil, err
	}
	t, err := tenant.Open(ctx, path, a.tenantOptions)
	if err != nil {
		if lock != nil {
			lock.Close()
		}
		return nil, err
	}
	out := &tenantFile{t, lock}
	if lock != nil {
		if _, err := t.Tick(ctx); err != nil {
			out.Close()
			return nil, err
		}
	}
	return out, nil
}

// withTenant makes a command's work on the tenant.
func (a *App) withTenant(write bool, fn func(context.Context, *tenantFile, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		t, err := a.openRecipients(c.Context(), c.CommandPath(), write)
		if err != nil {
			return err
		}
		defer t.Close()
		return fn(c.Context(), t, args)
	}
}

const usualRecipient = "Name,RecipientType,RecipientTypeDetails,ExchangeGuid,SKUAssigned,Findings"

func (a *App) recipientCommand() *cobra.Command {
	c := &cobra.Command{Use: "recipient", Short: "Show recipients, as Get-Recipient and Get-User do"}
	c.AddCommand(a.recipientGet("get RECIPIENT", "Show one recipient", tenant.Addressed), a.recipientList("list", "List recipients", tenant.Addressed), a.decodeCommand())
	return c
}

func (a *App) recipientGet(use, short string, of tenant.Of) *cobra.Command {
	var f forms
	var users, licensed bool
	var synced string
	c := &cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		want := of
		if users {
			want = tenant.Everybody
		}
		if licensed || synced != "" {
			return a.foretell(ctx, t, args[0], synced, licensed)
		}
		v, err := t.Admin().Recipient(ctx, args[0], want)
		if err != nil {
			return err
		}
		if err := a.show(f, true, usualRecipient, []thing{{v.Columns(), v}}); err != nil || a.json || len(f.sel) > 0 || f.csv {
			return err
		}
		a.tellFindings(v.Findings)
		return nil
	})
	f.flags(c)
	c.Flags().BoolVar(&users, "users", false, "also find who is a user only, as Get-User does")
	c.Flags().BoolVar(&licensed, "if-licensed", false, "say what a licence with Exchange would do")
	c.Flags().StringVar(&synced, "if-synced", "", "say what it would do that this mailbox `GUID` is synchronised, as by a match")
	return c
}

// foretell prints what would be.
func (a *App) foretell(ctx context.Context, t *tenantFile, who, synced string, licensed bool) error {
	var g exchange.GUID
	var err error
	if synced != "" {
		if g, err = exchange.ParseGUID(synced); err != nil {
			return err
		}
	}
	d, found, err := t.Admin().Foretell(ctx, who, g, licensed)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"decision": d, "findings": found})
		return nil
	}
	says := ""
	for _, r := range exchange.Rows() {
		if r[0] == d.Row {
			says = r[1]
		}
	}
	fmt.Fprintf(a.Out, "It would be a %s. %s (%s)\n", d.Recipient, says, d.Row)
	for _, e := range d.Effects {
		name := e.GUID.String()
		if e.GUID.IsZero() {
			name = "a new one"
		}
		fmt.Fprintf(a.Out, "  %s mailbox: %s\n", e.Kind, string(e.Act)+" "+name)
	}
	for _, e := range d.Errors {
		fmt.Fprintf(a.Out, "  error: %s\n", e)
	}
	a.tellFindings(found)
	return nil
}

func (a *App) tellFindings(found []canopy.Finding) {
	for _, f := range found {
		fmt.Fprintf(a.Out, "%s %s\n", f.Code, clean(f.Text))
		if f.Next != "" {
			fmt.Fprintf(a.Out, "  what to do: %s\n", f.Next)
		}
	}
}

func (a *App) recipientList(use, short string, of tenant.Of) *cobra.Command {
	var f forms
	var users, wrong bool
	var filter []string
	c := &cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.NoArgs)}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, _ []string) error {
		want := of
		if users {
			want = tenant.Everybody
		}
		var list []thing
		err := t.Admin().Recipients(ctx, want, func(v *tenant.RecipientView) error {
			ok, err := matches(v.Columns(), filter)
			if ok && (!wrong || len(v.Findings) > 0) {
				list = append(list, thing{v.Columns(), v})
			}
			return err
		})
		if err != nil {
			return err
		}
		return a.show(f, false, usualRecipient, list)
	})
	f.flags(c)
	c.Flags().StringArrayVar(&filter, "filter", nil, "only those whose column has the value: `COLUMN=VALUE`, with * for any letters")
	c.Flags().BoolVar(&users, "users", false, "also who is a user only")
	c.Flags().BoolVar(&wrong, "findings", false, "only those with something wrong")
	return c
}

// matches tells whether columns have the values of all filters.
func matches(columns []tenant.Column, filters []string) (bool, error) {
	for _, f := range filters {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			return false, usageError{fmt.Errorf("--filter %s: write COLUMN=VALUE", f)}
		}
		picked, err := tenant.Select(columns, []string{name})
		if err != nil {
			return false, err
		}
		hit := false
		for _, c := range picked {
			ok, err := filepath.Match(canopy.Fold(value), canopy.Fold(c.Value))
			if err != nil {
				return false, usageError{fmt.Errorf("--filter %s: %w", f, err)}
			}
			hit = hit || ok
		}
		if !hit {
			return false, nil
		}
	}
	return true, nil
}

func (a *App) tenantUserCommand() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Show and change users as the directory knows them, as Get-MsolUser does"}
	var f forms
	get := &cobra.Command{Use: "get USER", Short: "Show one user", Args: usageArgs(cobra.ExactArgs(1))}
	get.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		o, err := t.Admin().Find(ctx, args[0])
		if err != nil {
			return err
		}
		return a.show(f, true, "DisplayName,UserPrincipalName,ImmutableId,IsLicensed,Licenses", []thing{{o.Columns(t.Admin().Organisation()), o}})
	})
	f.flags(get)
	c.AddCommand(get)
	c.AddCommand(a.userActs()...)
	return c
}

func (a *App) galCommand() *cobra.Command {
	var f forms
	c := &cobra.Command{Use: "gal", Short: "Show the global address list: every recipient that is not hidden", Args: usageArgs(cobra.NoArgs)}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, _ []string) error {
		all, err := t.Admin().GAL(ctx)
		if err != nil {
			return err
		}
		var list []thing
		for _, v := range all {
			list = append(list, thing{v.Columns(), v})
		}
		return a.show(f, false, "DisplayName,Alias,PrimarySmtpAddress,RecipientType", list)
	})
	f.flags(c)
	return c
}

func (a *App) routeCommand() *cobra.Command {
	from := "external"
	c := &cobra.Command{Use: "route ADDRESS", Short: "Say which mailbox receives a message, and which calendar Outlook and Teams open", Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		r, err := t.Admin().Route(ctx, args[0], tenant.From(from))
		if err != nil {
			return err
		}
		if a.json {
			a.print(r)
			return nil
		}
		say := func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }
		fmt.Fprint(a.Out, cleanLines(tenant.List([]tenant.Column{{Name: "Address", Value: r.Address}, {Name: "From", Value: string(r.From)},
			{Name: "Recipient", Value: r.Recipient}, {Name: "Known in the cloud", Value: say(r.KnownHere)},
			{Name: "Known on premises", Value: say(r.KnownThere)}, {Name: "Way", Value: strings.Join(r.Hops, "; ")},
			{Name: "Receives", Value: strings.TrimSpace(r.Delivered + " " + r.Side)}, {Name: "Outlook's calendar", Value: r.Outlook},
			{Name: "Teams' calendar", Value: r.Teams}, {Name: "Why", Value: r.Why}})))
		return nil
	})
	c.Flags().StringVar(&from, "from", from, "where the message comes from: external, onprem, cloud")
	return c
}
