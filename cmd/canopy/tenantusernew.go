package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
)

// userNew makes a user of the cloud, as New-MgUser does.
func (a *App) userNew() *cobra.Command {
	var name, location, anchor string
	var addresses []string
	c := &cobra.Command{Use: "new UPN", Short: "Make a user of the cloud", Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Makes a user who belongs to the cloud and to no forest. Nothing is licensed by it: see canopy tenant licence assign. A user
with the sign-in name or primary address of somebody in a forest is matched with that person by the next run.`,
		Example: "  canopy tenant user new anna@contoso.com --display-name 'Anna Novak' --usage-location AT\n  canopy tenant user new anna@contoso.com --address SMTP:anna@contoso.com --immutable-id IkTni9mw7Ee4YefeGpz7IA=="}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		set := canopy.Attrs{canopy.AttrUPN: canopy.Texts(args[0])}
		for attr, text := range map[canopy.Attr]string{canopy.AttrDisplayName: name, "usageLocation": strings.ToUpper(location), canopy.AttrSourceAnchor: anchor} {
			if text != "" {
				set[attr] = canopy.Texts(text)
			}
		}
		for _, address := range addresses {
			if !strings.Contains(address, ":") {
				address = "smtp:" + address
			}
			set[canopy.AttrAddresses] = append(set[canopy.AttrAddresses], canopy.Text(address))
		}
		if location != "" && len(location) != 2 {
			return usageError{fmt.Errorf("--usage-location takes a country of two letters, for instance AT")}
		}
		id, err := t.Admin().CreateUser(ctx, set)
		if err != nil {
			return err
		}
		if a.json {
			o, err := t.Admin().Get(ctx, id)
			if err != nil {
				return err
			}
			a.print(o)
			return nil
		}
		fmt.Fprintln(a.Out, "Done:", clean(args[0]), id)
		return nil
	})
	c.Flags().StringVar(&name, "display-name", "", "the name that lists show")
	c.Flags().StringVar(&location, "usage-location", "", "the country in which licences are used, in two letters")
	c.Flags().StringVar(&anchor, "immutable-id", "", "the source anchor by which synchronisation takes the user over")
	c.Flags().StringSliceVar(&addresses, "address", nil, "an address; SMTP: before it makes it the primary one")
	return c
}
