package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

func (a *App) mailboxCommand() *cobra.Command {
	c := &cobra.Command{Use: "mailbox", Short: "Show and change mailboxes, as Get-Mailbox and Set-Mailbox do"}
	c.AddCommand(a.recipientGet("get MAILBOX", "Show who has a mailbox", tenant.WithMailbox), a.mailboxList(), a.mailboxSet(),
		a.mailboxAct("purge GUID", "Delete for good a mailbox that nobody can open", func(ctx context.Context, t *tenantFile, g exchange.GUID) error {
			return t.Admin().PurgeMailbox(ctx, g)
		}),
		a.mailboxAct("release GUID", "End the hold on a mailbox", func(ctx context.Context, t *tenantFile, g exchange.GUID) error {
			return t.Admin().ReleaseHold(ctx, g)
		}), a.mailboxRestore(), a.mailboxRepair())
	return c
}

func (a *App) mailboxList() *cobra.Command {
	list := a.recipientList("list", "List who has a mailbox; with --deleted, --inactive or --all the mailboxes of the store", tenant.WithMailbox)
	var deleted, inactive, all bool
	people := list.RunE
	list.RunE = func(c *cobra.Command, args []string) error {
		var states []exchange.State
		switch {
		case deleted:
			states = []exchange.State{exchange.SoftDeleted, exchange.Disconnected}
		case inactive:
			states = []exchange.State{exchange.Inactive}
		case !all:
			return people(c, args)
		}
		f := forms{}
		f.sel, _ = c.Flags().GetStringSlice("select")
		f.csv, _ = c.Flags().GetBool("csv")
		f.list, _ = c.Flags().GetBool("list")
		return a.withTenant(false, func(ctx context.Context, t *tenantFile, _ []string) error {
			boxes, err := t.Admin().Mailboxes(ctx, states...)
			if err != nil {
				return err
			}
			var things []thing
			for _, m := range boxes {
				things = append(things, thing{m.Columns(), m})
			}
			return a.show(f, false, "Name,ExchangeGuid,Kind,State,Since,Due,Reconnectable", things)
		})(c, args)
	}
	list.Flags().BoolVar(&deleted, "deleted", false, "those that can be restored: disconnected and soft-deleted ones")
	list.Flags().BoolVar(&inactive, "inactive", false, "those that a hold keeps")
	list.Flags().BoolVar(&all, "all", false, "all that the store has ever held")
	return list
}

// mailboxFlags are the flags of a change of mailboxes.
type mailboxFlags struct {
	managed, hidden, hold bool
	add                   []string
	kind, content         string
	filter                []string
	file                  string
}

func (a *App) mailboxSet() *cobra.Command {
	var f mailboxFlags
	c := &cobra.Command{Use: "set [MAILBOX]...", Short: "Change mailboxes: the ones named, those of a filter, or those of a file"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		changes, err := f.changes(ctx, c, t, args)
		if err != nil {
			return err
		}
		failed := 0
		for _, ch := range changes {
			err := t.Admin().SetMailbox(ctx, ch.who, ch.change)
			if err != nil && len(changes) == 1 {
				return err
			}
			if err != nil {
				failed++
				fmt.Fprintln(a.Err, "canopy:", err)
			}
		}
		if failed > 0 {
			a.code = exitPartly
		}
		if a.json {
			a.print(map[string]any{"changed": len(changes) - failed, "failed": failed})
			return nil
		}
		fmt.Fprintf(a.Out, "%d changed, %d failed\n", len(changes)-failed, failed)
		return nil
	})
	c.Flags().BoolVar(&f.managed, "cloud-managed", false, "let the cloud manage the Exchange attributes; =false gives them back to the forest")
	c.Flags().BoolVar(&f.hidden, "hidden", false, "hide from address lists")
	c.Flags().BoolVar(&f.hold, "hold", false, "put on hold: its content outlives its person")
	c.Flags().StringSliceVar(&f.add, "add-address", nil, "add an address; SMTP: before it makes it the primary one")
	c.Flags().StringVar(&f.kind, "type", "", "make it a personal, shared, room or equipment mailbox")
	c.Flags().StringVar(&f.content, "content", "", "mark its content, to recognise it by")
	c.Flags().StringArrayVar(&f.filter, "filter", nil, "all whose column has the value: `COLUMN=VALUE`, with * for any letters")
	c.Flags().StringVar(&f.file, "from-csv", "", "the mailboxes of this `FILE`")
	return c
}

// mailboxWish is one mailbox to be changed.
type mailboxWish struct {
	who    string
	change tenant.MailboxChange
}

// changes are the mailboxes that the command names, with what is to be changed.
func (f *mailboxFlags) changes(ctx context.Context, c *cobra.Command, t *tenantFile, args []string) ([]mailboxWish, error) {
	change := tenant.MailboxChange{AddAddresses: f.add, Content: f.content}
	set := func(name string, from *bool, to **bool) {
		if c.Flags().Changed(name) {
			*to = from
		}
	}
	set("cloud-managed", &f.managed, &change.CloudManaged)
	set("hidden", &f.hidden, &change.Hidden)
	set("hold", &f.hold, &change.Held)
	var err error
	if change.Kind, err = kindOf(f.kind); err != nil {
		return nil, err
	}
	var out []mailboxWish
	for _, who := range args {
		out = append(out, mailboxWish{who, change})
	}
	if len(f.filter) > 0 {
		err := t.Admin().Recipients(ctx, tenant.WithMailbox, func(v *tenant.RecipientView) error {
			ok, err := matches(v.Columns(), f.filter)
			if ok {
				out = append(out, mailboxWish{string(v.ID), change})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if f.file != "" {
		rows, err := mailboxFile(f.file, change)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	if len(out) == 0 && len(f.filter) == 0 && f.file == "" {
		return nil, usageError{fmt.Errorf("name a mailbox, a --filter or a file; see: %s --help", c.CommandPath())}
	}
	return out, nil
}

func kindOf(name string) (exchange.Kind, error) {
	if name == "" {
		return "", nil
	}
	for _, k := range []exchange.Kind{exchange.Personal, exchange.Shared, exchange.Room, exchange.Equipment} {
		if strings.EqualFold(name, string(k)) || k == exchange.Personal && strings.EqualFold(name, "regular") {
			return k, nil
		}
	}
	return "", usageError{fmt.Errorf("there is no mailbox of type %q: use personal, shared, room or equipment", name)}
}

// mailboxFile reads the changes of a file.
func mailboxFile(path string, base tenant.MailboxChange) ([]mailboxWish, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[canopy.Fold(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i + 1
	}
	if at["identity"] == 0 {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: path, Text: "the file has no column Identity", Next: "name the mailboxes in a column Identity"}
	}
	var out []mailboxWish
	for n, row := range rows[1:] {
		cell := func(name string) string {
			if i := at[name]; i > 0 {
				return strings.TrimSpace(row[i-1])
			}
			return ""
		}
		w := mailboxWish{cell("identity"), base}
		flag := func(name string, to **bool) {
			if text := cell(name); text != "" {
				on := strings.EqualFold(text, "true") || strings.EqualFold(text, "$true")
				*to = &on
			}
		}
		flag("isexchangecloudmanaged", &w.change.CloudManaged)
		flag("hiddenfromaddresslistsenabled", &w.change.Hidden)
		if add := cell("addaddress"); add != "" {
			w.change.AddAddresses = append(append([]string(nil), base.AddAddresses...), strings.Split(add, ";")...)
		}
		if w.change.Kind, err = kindOf(cell("type")); err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", path, n+2, err)
		}
		if w.change.Kind == "" {
			w.change.Kind = base.Kind
		}
		out = append(out, w)
	}
	return out, nil
}

func (a *App) mailboxAct(use, short string, act func(context.Context, *tenantFile, exchange.GUID) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		g, err := exchange.ParseGUID(args[0])
		if err != nil {
			return err
		}
		if err := act(ctx, t, g); err != nil {
			return err
		}
		a.done(g.String())
		return nil
	})
	return c
}

func (a *App) mailboxRestore() *cobra.Command {
	var to string
	c := &cobra.Command{Use: "restore GUID", Short: "Copy what is in a deleted mailbox into another, as New-MailboxRestoreRequest does", Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		g, err := exchange.ParseGUID(args[0])
		if err != nil {
			return err
		}
		if to == "" {
			return usageError{fmt.Errorf("--to names the mailbox that takes the content; a deleted user that is still there is restored itself, and brings the mailbox along")}
		}
		if err := t.Admin().RestoreMailbox(ctx, g, to); err != nil {
			return err
		}
		a.done(g.String() + " to " + to)
		return nil
	})
	c.Flags().StringVar(&to, "to", "", "the `MAILBOX` that takes the content")
	return c
}

func (a *App) done(what string) {
	if a.json {
		a.print(map[string]any{"done": what})
		return
	}
	fmt.Fprintln(a.Out, "Done:", clean(what))
}

func (a *App) clearPreviousCommand() *cobra.Command {
	var sure bool
	c := &cobra.Command{Use: "clear-previous-mailbox USER", Args: usageArgs(cobra.ExactArgs(1)),
		Short: "Make Exchange forget the mailbox that a user had, as Set-User -PermanentlyClearPreviousMailboxInfo does"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		if !sure {
			return &canopy.Error{Kind: canopy.Forbidden, Code: "not-confirmed", Object: args[0],
				Text: "it clears the previous home MDB and the previous mailbox GUID: what was in that mailbox cannot be brought back",
				Next: "say --yes if that is meant"}
		}
		if err := t.Admin().ClearPrevious(ctx, args[0]); err != nil {
			return err
		}
		a.done(args[0])
		return nil
	})
	c.Flags().BoolVar(&sure, "yes", false, "yes, what was in the mailbox is not needed")
	return c
}
