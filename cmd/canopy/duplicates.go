package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/run"
)

func (a *App) duplicatesCommand() *cobra.Command {
	var rank, most int
	c := &cobra.Command{Use: "duplicates", Short: "List who is likely the same person as somebody else, though no join criterion says so",
		Long: `Compares all people in scope that are not joined: by employee ID, account name, names with telephone or manager, addresses,
target addresses. Each pair has a rank up to 100 and what it comes from. Those about whom somebody decided are not listed.

With duplicates.wait in canopy.yaml, who is new and has that rank or more waits for a decision:
  canopy entry join A B      they are one
  canopy entry release A     they are two
  canopy entry exclude B     they are one, and B is to be left out
It looks at what was read last and changes nothing.`,
		Example: "  canopy check duplicates\n  canopy check duplicates --rank 60 --json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if rank < 1 || rank > 100 {
				return usageError{fmt.Errorf("--rank is from 1 to 100, not %d", rank)}
			}
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			list, err := l.Duplicates(c.Context(), rank)
			if err != nil {
				return err
			}
			if a.json {
				a.print(map[string]any{"duplicates": append([]run.Duplicate{}, list...), "wait": l.Wait})
				return nil
			}
			a.duplicates(list, most, l.Wait)
			return nil
		}}
	c.Flags().IntVar(&rank, "rank", run.LikelyDuplicate, "the least rank of the pairs that are listed")
	c.Flags().IntVar(&most, "most", 50, "how many pairs are shown, 0 for all")
	return c
}

func (a *App) duplicates(list []run.Duplicate, most, wait int) {
	n := len(list)
	if most > 0 {
		n = min(n, most)
	}
	for _, d := range list[:n] {
		fmt.Fprintf(a.Out, "%3d  %s\n", d.Rank, evidence(d.Evidence))
		for _, o := range []run.DuplicateObject{d.A, d.B} {
			state := "is there"
			switch {
			case o.Waits:
				state = "WAITS"
			case o.Meta == 0:
				state = "is new"
			}
			fmt.Fprintf(a.Out, "     %s %s (%s), %s\n", o.Class, clean(o.Name), o.Connector, state)
		}
	}
	a.rest(len(list) - n)
	fmt.Fprintf(a.Out, "\n%s likely duplicates.", num(len(list)))
	switch {
	case len(list) == 0:
		fmt.Fprintln(a.Out)
	case wait > 0:
		fmt.Fprintf(a.Out, " Who is new and has a rank of %d or more waits.\n", wait)
	default:
		fmt.Fprint(a.Out, " Nobody waits: duplicates.wait in canopy.yaml says from which rank on.\n")
	}
	if len(list) > 0 {
		fmt.Fprint(a.Out, "Decide: canopy entry join A B (one), canopy entry release A (two), canopy entry exclude B (leave B out)\n")
	}
}
