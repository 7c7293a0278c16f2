package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/run"
)

// userImportFlags say how a list of people is imported.
type userImportFlags struct {
	wish              run.ImportWish
	plan, plain, stop bool
}

func (a *App) onpremUserImport() *cobra.Command {
	var f userImportFlags
	c := &cobra.Command{Use: "import FILE", Short: "Make accounts for users of the cloud, and let synchronisation take them over", Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = func(c *cobra.Command, args []string) error {
		if f.wish.Parent == "" {
			return usageError{fmt.Errorf("say with --ou where the accounts are to be made; see: %s --help", c.CommandPath())}
		}
		f.wish.Mailboxes = !f.plain
		return a.importUsers(c.Context(), c.CommandPath(), args[0], &f)
	}
	c.Flags().StringVar(&f.wish.Parent, "ou", "", "the `DN` of the container for new accounts, which is in scope")
	c.Flags().StringVar(&f.wish.Forest, "forest", "", "the `FOREST` of the configuration; without it that of the container")
	c.Flags().BoolVar(&f.plan, "plan", false, "say for each row what would be done, and do nothing")
	c.Flags().BoolVar(&f.plain, "no-mailbox", false, "make plain accounts, also for who has a mailbox in the cloud")
	c.Flags().BoolVar(&f.stop, "no-run", false, "leave the cycle that takes the users over to canopy run")
	return c
}

func (a *App) importUsers(ctx context.Context, command, path string, f *userImportFlags) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the list: %w", err)
	}
	defer file.Close()
	rows, bad := onprem.ReadList(file)
	all, err := a.makeUsers(ctx, command, f, rows)
	if err != nil {
		return err
	}
	var r *run.Report
	if !f.plan && !f.stop {
		if r, err = a.takeOver(ctx, command, all); err != nil {
			return err
		}
	}
	a.importedUsers(all, bad, r, f.plan)
	return nil
}

// makeUsers plans the rows, and unless only a plan is wanted makes the accounts.
func (a *App) makeUsers(ctx context.Context, command string, f *userImportFlags, rows []onprem.Row) ([]*run.Imported, error) {
	p, err := a.openOnPrem(ctx, command, false, f.plan)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	all, err := p.PlanImport(ctx, f.wish, rows)
	if err != nil || f.plan {
		return all, err
	}
	return all, p.Import(ctx, f.wish, all)
}

// takeOver runs a cycle, and says whom it took over.
func (a *App) takeOver(ctx context.Context, command string, all []*run.Imported) (*run.Report, error) {
	l, err := a.open(ctx, command)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r, err := l.Cycle(ctx, run.Options{})
	if err != nil {
		return r, err
	}
	return r, l.Matched(ctx, all)
}

// importedUsers prints what became of each row, and sets the exit code.
func (a *App) importedUsers(all []*run.Imported, bad []error, r *run.Report, plan bool) {
	failed := len(bad)
	for _, i := range all {
		if i.Problem != nil {
			failed++
		}
	}
	if failed > 0 {
		a.code = exitPartly
	}
	if r != nil && len(r.Stopped) > 0 {
		a.code = exitStopped
	}
	if a.json {
		var texts []string
		for _, err := range bad {
			texts = append(texts, err.Error())
		}
		out := map[string]any{"rows": all, "errors": texts, "failed": failed}
		if r != nil {
			out["run"] = r
		}
		a.print(out)
		return
	}
	for _, err := range bad {
		a.rowError(err)
	}
	t := a.table("LINE", "USER", "ACCOUNT", "MATCH", map[bool]string{true: "WHY", false: "DONE"}[plan])
	for _, i := range all {
		if i.Problem != nil {
			continue
		}
		account := "is there"
		if i.Create {
			account = "new"
		}
		match := map[string]string{"": "is so already", "address": "by address", "upn": "by sign-in name", "anchor": "by source anchor"}[i.How]
		last := strings.Join(i.Done, ", ")
		if plan {
			last = i.Says
		}
		t.row(fmt.Sprint(i.Line), i.UPN, account, match, last)
	}
	t.end()
	for _, i := range all {
		if i.Problem != nil {
			a.rowError(i.Problem)
		}
	}
	if r != nil && len(r.Stopped) > 0 {
		a.stopped(r)
	}
	fmt.Fprintf(a.Out, "%d rows, %d not done\n", len(all)+len(bad), failed)
	if plan {
		fmt.Fprintln(a.Out, "Nothing was written. Without --plan it is.")
	}
}

// rowError says what is wrong with one row.
func (a *App) rowError(err error) {
	fmt.Fprintln(a.Err, "canopy:", cleanLines(err.Error()))
	if e, ok := err.(*canopy.Error); ok {
		fmt.Fprintf(a.Err, "  %s; what to do: %s\n", e.Code, cleanLines(e.Next))
	}
}
