package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

func (a *App) anchorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "anchor VALUE [VALUE]",
		Short: "Convert a GUID between its forms: dashed, source anchor, LDIF, octets, LDAP filter; with two, compare them",
		Long: `VALUE is a GUID in any form: dashed with or without braces, base64 as in a source anchor (ImmutableId), a line of LDIF, or
sixteen octets in hexadecimal in the order of Active Directory. Nothing is looked up: no directory is asked.`,
		Example: "  canopy anchor IkTni9mw7Ee4YefeGpz7IA==\n  canopy anchor 8be74422-b0d9-47ec-b861-e7de1a9cfb20 IkTni9mw7Ee4YefeGpz7IA==",
		Args:    usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(_ *cobra.Command, args []string) error {
			var all []exchange.GUID
			for _, arg := range args {
				g, err := exchange.ParseGUID(arg)
				if err != nil {
					return err
				}
				all = append(all, g)
			}
			same := len(all) == 1 || all[0] == all[1]
			if !same {
				a.code = exitFailed
			}
			if a.json {
				out := map[string]any{"guid": all[0], "base64": all[0].Base64(), "octets": all[0].Octets(), "filter": all[0].Filter()}
				if len(all) > 1 {
					out["same"], out["other"] = same, all[1]
				}
				a.print(out)
				return nil
			}
			fmt.Fprint(a.Out, tenant.List([]tenant.Column{{Name: "Guid", Value: all[0].String()}, {Name: "ImmutableId", Value: all[0].Base64()},
				{Name: "LDIF", Value: "objectGUID:: " + all[0].Base64()}, {Name: "Octets", Value: all[0].Octets()}, {Name: "Filter", Value: "(objectGUID=" + all[0].Filter() + ")"}}))
			switch {
			case len(all) == 1:
			case same:
				fmt.Fprintln(a.Out, "They are the same.")
			default:
				fmt.Fprintln(a.Out, "They differ: the other is", all[1])
			}
			return nil
		},
	}
}
