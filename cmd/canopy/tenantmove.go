package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

const usualMove = "Name,Status,PercentComplete,Direction,ExchangeGuid,TargetDeliveryDomain,BatchName,Error"

func (a *App) moveCommand() *cobra.Command {
	c := &cobra.Command{Use: "move", Short: "Move mailboxes from a forest to the cloud and back: the cloud's half"}
	c.AddCommand(a.moveNew(), a.moveList(), a.moveGet(),
		a.moveAct("start", "Start moves that were made with --no-start, or try failed ones again", func(ctx context.Context, t *tenantFile, who string) (*tenant.Move, error) {
			return t.Admin().StartMove(ctx, who)
		}),
		a.moveAct("complete", "Let moves whose content is there be completed", func(ctx context.Context, t *tenantFile, who string) (*tenant.Move, error) {
			return t.Admin().CompleteMove(ctx, who)
		}),
		a.moveAct("remove", "Forget moves: complete ones, and others that are not wanted any more", func(ctx context.Context, t *tenantFile, who string) (*tenant.Move, error) {
			return nil, t.Admin().RemoveMove(ctx, who)
		}))
	return c
}

// moveFlags are the flags of a new move.
type moveFlags struct {
	to, mailbox, file        string
	archiveOnly, primaryOnly bool
	noStart                  bool
	request                  tenant.MoveRequest
}

func (a *App) moveNew() *cobra.Command {
	var f moveFlags
	c := &cobra.Command{Use: "new [RECIPIENT]... --to cloud|forest", Short: "Begin to move mailboxes, as New-MoveRequest and New-MigrationBatch do"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		q, err := f.asked()
		if err != nil {
			return err
		}
		people, err := f.people(args)
		if err != nil {
			return err
		}
		if len(people) > 1 && !q.Mailbox.IsZero() {
			return usageError{fmt.Errorf("--mailbox is one mailbox's GUID, and there are %d recipients", len(people))}
		}
		return a.eachMove(people, func(who string) (*tenant.Move, error) { return t.Admin().NewMove(ctx, who, q) })
	})
	c.Flags().StringVar(&f.to, "to", "", "where to: cloud (onboarding) or forest (offboarding)")
	c.Flags().StringVar(&f.mailbox, "mailbox", "", "the `GUID` of the forest's mailbox; else the one that was synchronised")
	c.Flags().StringVar(&f.request.Domain, "target-delivery-domain", "", "the domain that the other side sends on to; else the coexistence domain, or to a forest that of the primary address")
	c.Flags().StringVar(&f.request.Batch, "batch", "", "a name for moves that belong together")
	c.Flags().StringVar(&f.file, "from-csv", "", "the people of this `FILE`, by its column EmailAddress or Identity")
	c.Flags().BoolVar(&f.archiveOnly, "archive-only", false, "move only the archive to the cloud")
	c.Flags().BoolVar(&f.primaryOnly, "primary-only", false, "move to the forest and leave the archive in the cloud")
	c.Flags().BoolVar(&f.noStart, "no-start", false, "make it, and start it later: canopy tenant move start")
	c.Flags().BoolVar(&f.request.Auto, "auto-complete", false, "complete it as soon as the content is there")
	c.Flags().StringVar(&f.request.Content, "content", "", "mark what is in the forest's mailbox, to recognise it by")
	c.Flags().StringVar(&f.request.Archive, "archive-content", "", "mark what is in the forest's archive")
	return c
}

// asked is the request that the flags make.
func (f *moveFlags) asked() (tenant.MoveRequest, error) {
	q := f.request
	var known bool
	if q.Direction, known = map[string]exchange.Direction{"cloud": exchange.ToCloud, "forest": exchange.ToForest}[f.to]; !known {
		return q, usageError{fmt.Errorf("--to takes cloud or forest")}
	}
	switch {
	case f.archiveOnly && f.primaryOnly:
		return q, usageError{fmt.Errorf("--archive-only and --primary-only exclude each other")}
	case f.archiveOnly:
		q.Part = exchange.ArchiveOnly
	case f.primaryOnly:
		q.Part = exchange.PrimaryOnly
	}
	q.Hold = f.noStart
	if f.mailbox == "" {
		return q, nil
	}
	var err error
	q.Mailbox, err = exchange.ParseGUID(f.mailbox)
	return q, err
}

// people are those named and those of the file.
func (f *moveFlags) people(args []string) ([]string, error) {
	people := slices.Clone(args)
	if f.file != "" {
		more, err := csvColumn(f.file, "emailaddress", "identity")
		if err != nil {
			return nil, err
		}
		people = append(people, more...)
	}
	if len(people) == 0 {
		return nil, usageError{fmt.Errorf("name a recipient or a file; see: canopy tenant move new --help")}
	}
	return people, nil
}

// csvColumn gives the cells of the first column that has one of the names.
func csvColumn(path string, names ...string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	at := -1
	if len(rows) > 0 {
		at = slices.IndexFunc(rows[0], func(cell string) bool {
			return slices.Contains(names, canopy.Fold(strings.TrimSpace(strings.TrimPrefix(cell, "\ufeff"))))
		})
	}
	if at < 0 {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: path, Text: "the file has no column EmailAddress or Identity", Next: "name the people in such a column"}
	}
	var out []string
	for _, row := range rows[1:] {
		if cell := strings.TrimSpace(row[at]); cell != "" {
			out = append(out, cell)
		}
	}
	return out, nil
}

// eachMove does something about the moves of people, and shows them. Of one person a failure is the command's; of several
// each is told, and the others go on.
func (a *App) eachMove(people []string, act func(who string) (*tenant.Move, error)) error {
	var things []thing
	failed := 0
	for _, who := range people {
		m, err := act(who)
		if m != nil {
			things = append(things, thing{m.Columns(), m})
			if m.Status == exchange.MoveFailed && err == nil {
				err = &canopy.Error{Kind: canopy.Conflict, Code: m.Code, Object: m.Name, Text: m.Text, Next: m.Next}
			}
		}
		switch {
		case err == nil && m == nil:
			things = append(things, thing{[]tenant.Column{{Name: "Name", Value: who}, {Name: "Status", Value: "removed"}}, map[string]any{"name": who, "status": "removed"}})
		case err != nil && len(people) == 1 && a.json:
			return err
		case err != nil && len(people) == 1:
			_ = a.show(forms{}, true, usualMove, things) // the columns are all there
			return err
		case err != nil:
			failed++
			fmt.Fprintln(a.Err, "canopy:", err)
		}
	}
	if failed > 0 {
		a.code = exitPartly
	}
	return a.show(forms{sel: a.moveColumns(things)}, len(people) == 1, "", things)
}

// moveColumns are the columns of several moves; none for JSON, which has all.
func (a *App) moveColumns(things []thing) []string {
	switch {
	case a.json || len(things) == 0:
		return nil
	case len(things[0].columns) == 2:
		return []string{"Name", "Status"}
	}
	return strings.Split(usualMove, ",")
}

func (a *App) moveList() *cobra.Command {
	var f forms
	var batch string
	var batches bool
	c := &cobra.Command{Use: "list", Short: "List moves, or batches of them, as Get-MoveRequest and Get-MigrationBatch do", Args: usageArgs(cobra.NoArgs)}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, _ []string) error {
		moves, err := t.Admin().Moves(ctx, batch)
		if err != nil {
			return err
		}
		things := make([]thing, 0, len(moves))
		if batches {
			for _, b := range tenant.Batches(moves) {
				things = append(things, thing{b.Columns(), b})
			}
			return a.show(f, false, "Identity,Status,Type,TotalCount,SyncedCount,FinalizedCount,FailedCount", things)
		}
		for _, m := range moves {
			things = append(things, thing{m.Columns(), m})
		}
		return a.show(f, false, usualMove, things)
	})
	f.flags(c)
	c.Flags().StringVar(&batch, "batch", "", "those of one batch")
	c.Flags().BoolVar(&batches, "batches", false, "the batches with their numbers")
	return c
}

func (a *App) moveGet() *cobra.Command {
	var f forms
	c := &cobra.Command{Use: "get RECIPIENT", Short: "Show one move, with what the forest's object is to hold", Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		m, err := t.Admin().Move(ctx, args[0])
		if err != nil {
			return err
		}
		if err := a.show(f, true, usualMove, []thing{{m.Columns(), m}}); err != nil || a.json || f.csv || len(f.sel) > 0 || m.Next == "" {
			return err
		}
		fmt.Fprintln(a.Out, "  what to do:", cleanLines(m.Next))
		return nil
	})
	f.flags(c)
	return c
}

// moveAct makes a command that does something about the moves of people, or of a batch.
func (a *App) moveAct(name, short string, act func(context.Context, *tenantFile, string) (*tenant.Move, error)) *cobra.Command {
	var batch string
	c := &cobra.Command{Use: name + " [RECIPIENT]...", Short: short}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		people := slices.Clone(args)
		if batch != "" {
			moves, err := t.Admin().Moves(ctx, batch)
			if err != nil {
				return err
			}
			for _, m := range moves {
				people = append(people, string(m.Object))
			}
		}
		if len(people) == 0 && batch == "" {
			return usageError{fmt.Errorf("name a recipient or a --batch; see: %s --help", c.CommandPath())}
		}
		return a.eachMove(people, func(who string) (*tenant.Move, error) { return act(ctx, t, who) })
	})
	c.Flags().StringVar(&batch, "batch", "", "all of one batch")
	return c
}
