package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) matchCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "match CLOUD FOREST", Short: "Say which object of the cloud is which of a forest, where neither address nor sign-in name does",
		Long: `Gives the cloud user CLOUD the source anchor of the forest's object FOREST, so that the next run takes the user over. What
that means is shown first, and needs a yes. It is not done for users with a directory role, with another source anchor or
given to the cloud, nor for groups and contacts, which only their addresses match. No forest is written to.

CLOUD is a sign-in name, address or object id of the tenant; FOREST a DN, sign-in name, address or GUID of a forest.`,
		Example: "  canopy match report\n  canopy match anna@contoso.onmicrosoft.com 'CN=Anna Berg,OU=Staff,DC=contoso,DC=com'\n  canopy match anna@contoso.onmicrosoft.com anna@contoso.com --yes",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.open(c.Context(), "canopy match")
			if err != nil {
				return err
			}
			defer l.Close()
			p, err := l.PlanMatch(c.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if !a.json {
				a.matchPlan(p)
			}
			if !yes {
				if a.json {
					return usageError{errors.New("--json asks nothing: say --yes")}
				}
				if ok, err := a.confirmed("Give it this source anchor?"); err != nil || !ok {
					return err
				}
			}
			if err := l.Match(c.Context(), p); err != nil {
				return err
			}
			if a.json {
				a.print(p)
				return nil
			}
			fmt.Fprintln(a.Out, "Done. The next run takes it over; see it before: canopy plan")
			return nil
		}}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.AddCommand(a.matchReport())
	return c
}

// confirmed asks a person, and takes everything but yes for no.
func (a *App) confirmed(question string) (bool, error) {
	in := a.In
	if in == nil {
		in = os.Stdin
	}
	fmt.Fprintf(a.Out, "%s [yes/no] ", question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	fmt.Fprintln(a.Out, "Nothing was done.")
	return false, nil
}

func (a *App) matchPlan(p *run.MatchPlan) {
	fmt.Fprintf(a.Out, "cloud   %s %s (%s)\n", p.Cloud.Class, clean(p.Cloud.Name), p.Cloud.Anchor)
	fmt.Fprintf(a.Out, "forest  %s %s (%s)\n", p.Forest.Class, clean(p.Forest.Name), p.Forest.Connector)
	fmt.Fprintf(a.Out, "source anchor %s\n", p.Anchor)
	switch {
	case len(p.Evidence) == 0:
		fmt.Fprintln(a.Out, "They have nothing in common that would say that they are one: look twice.")
	default:
		fmt.Fprintf(a.Out, "likely by %d of 100: %s\n", p.Rank, evidence(p.Evidence))
	}
	for _, x := range p.Changes {
		fmt.Fprintf(a.Out, "  %s: %s -> %s\n", x.Attr, values(x.Old), values(x.New))
	}
	fmt.Fprintln(a.Out, "Every value of the cloud user that the forest has, too, will be the forest's.")
}

func evidence(list []check.Evidence) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.Text
	}
	return strings.Join(texts, ", ")
}

func (a *App) matchReport() *cobra.Command {
	var most int
	c := &cobra.Command{Use: "report", Short: "List who has nobody on the other side, who may belong together, and why they were not joined",
		Long: `Lists the objects of the cloud without one of a forest, the objects of the forests in scope without one in the cloud, the
pairs that the next run joins, and the likely pairs that it does not join: each with why, and the command that joins it.
It looks at what was read last and changes nothing.`,
		Example: "  canopy match report\n  canopy match report --json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			r, err := l.MatchReport(c.Context())
			if err != nil {
				return err
			}
			if a.json {
				a.print(r)
				return nil
			}
			a.matches(r, most)
			return nil
		}}
	c.Flags().IntVar(&most, "most", 50, "how many of each list are shown, 0 for all")
	return c
}

// matches prints a report.
func (a *App) matches(r *run.MatchReport, most int) {
	cut := func(n int) int {
		if most > 0 {
			return min(n, most)
		}
		return n
	}
	fmt.Fprintf(a.Out, "Objects of the cloud without one of a forest: %s\n", num(len(r.Cloud)))
	if n := cut(len(r.Cloud)); n > 0 {
		t := a.table("  CLASS", "NAME", "PRIMARY ADDRESS", "SOURCE ANCHOR", "NEVER TAKEN OVER")
		for _, c := range r.Cloud[:n] {
			t.row("  "+string(c.Class), c.Name, c.Primary, c.SourceAnchor, c.Unmatched)
		}
		t.end()
		a.rest(len(r.Cloud) - n)
	}
	fmt.Fprintf(a.Out, "\nObjects of forests without one in the cloud: %s\n", num(len(r.Forest)))
	if n := cut(len(r.Forest)); n > 0 {
		t := a.table("  CLASS", "NAME", "FOREST", "SIGN-IN NAME", "WAITS")
		for _, o := range r.Forest[:n] {
			t.row("  "+string(o.Class), o.Name, string(o.Connector), o.UPN, o.Held)
		}
		t.end()
		a.rest(len(r.Forest) - n)
	}
	fmt.Fprintf(a.Out, "\nPairs that the next run joins: %s\n", num(len(r.Taken)))
	for _, p := range r.Taken[:cut(len(r.Taken))] {
		fmt.Fprintf(a.Out, "  %s and %s, by %s\n", clean(p.Cloud.Name), clean(p.Forest.Name), clean(p.How))
	}
	a.rest(len(r.Taken) - cut(len(r.Taken)))
	fmt.Fprintf(a.Out, "\nLikely pairs that it does not join: %s\n", num(len(r.Pairs)))
	for _, p := range r.Pairs[:cut(len(r.Pairs))] {
		fmt.Fprintf(a.Out, "  %s and %s (%s)\n    likely by %d of 100: %s\n", clean(p.Cloud.Name), clean(p.Forest.Name), p.Forest.Connector, p.Rank, evidence(p.Evidence))
		for _, why := range p.Why {
			fmt.Fprintf(a.Out, "    not joined: %s\n", clean(why))
		}
		fmt.Fprintf(a.Out, "    what to do: %s\n", clean(p.Next))
	}
	a.rest(len(r.Pairs) - cut(len(r.Pairs)))
}

// rest says how many are not shown.
func (a *App) rest(n int) {
	if n > 0 {
		fmt.Fprintf(a.Out, "  ... and %s more: --most 0 shows all\n", num(n))
	}
}
