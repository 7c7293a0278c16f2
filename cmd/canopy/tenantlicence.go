package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

func (a *App) licenceCommand() *cobra.Command {
	c := &cobra.Command{Use: "licence", Short: "Show, give and take licences", Example: "  canopy tenant licence list",
		Long: `Products with their service plans. A user's licence is there at once; what a group gives its members comes in the
background, and not to members of groups within it.`}
	c.AddCommand(a.licenceList(), a.licenceAssign(), a.licenceRemove(), a.licenceReprocess(), a.licenceUnits())
	return c
}

func (a *App) licenceList() *cobra.Command {
	var f forms
	c := &cobra.Command{Use: "list [OBJECT]", Short: "List the products with their units, or one object's licences with where they come from", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: `Lists the products with how many units there are and how many are used; of one user or group its licences, also those
that could not be given, with the error. It does not look at the licences of groups again: see canopy tenant licence
reprocess.`,
		Example: "  canopy tenant licence list\n  canopy tenant licence list anna@contoso.com"}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, args []string) error {
		if len(args) == 1 {
			return a.licencesOf(ctx, t, f, args[0])
		}
		skus, err := t.Admin().SKUs(ctx)
		if err != nil {
			return err
		}
		var things []thing
		for _, s := range skus {
			var plans []string
			for _, p := range s.Plans() {
				plans = append(plans, p.Name)
			}
			things = append(things, thing{[]tenant.Column{{Name: "SkuPartNumber", Value: s.PartNumber}, {Name: "Name", Value: s.Name}, {Name: "Short", Value: s.Alias},
				{Name: "Units", Value: strconv.Itoa(s.Enabled)}, {Name: "Used", Value: strconv.Itoa(s.Consumed)}, {Name: "SkuId", Value: s.ID},
				{Name: "ServicePlans", Value: strings.Join(plans, " ")}},
				map[string]any{"skuId": s.ID, "skuPartNumber": s.PartNumber, "name": s.Name, "units": s.Enabled, "used": s.Consumed, "servicePlans": plans}})
		}
		if err := a.show(f, false, "SkuPartNumber,Name,Short,Units,Used", things); err != nil || a.json || f.csv {
			return err
		}
		n, err := t.Admin().LicencesWaiting(ctx)
		if n > 0 {
			fmt.Fprintf(a.Err, "%d users wait for what their groups give: canopy tenant licence reprocess\n", n)
		}
		return err
	})
	f.flags(c)
	return c
}

func (a *App) licencesOf(ctx context.Context, t *tenantFile, f forms, name string) error {
	o, err := t.Admin().Find(ctx, name)
	if err != nil {
		return err
	}
	states, err := t.Admin().LicenceStates(ctx, o.ID)
	if err != nil {
		return err
	}
	var things []thing
	for _, s := range states {
		from := "directly"
		if s.Group != "" {
			g, err := t.Admin().Get(ctx, s.Group)
			if err != nil {
				return err
			}
			from = "group " + g.Attrs.Text(canopy.AttrDisplayName)
		}
		things = append(things, thing{[]tenant.Column{{Name: "SkuPartNumber", Value: s.SKU}, {Name: "From", Value: from}, {Name: "State", Value: s.State},
			{Name: "Error", Value: s.Error}, {Name: "Without", Value: strings.Join(s.Off, " ")}}, s})
	}
	return a.show(f, false, "SkuPartNumber,From,State,Error,Without", things)
}

func (a *App) licenceAssign() *cobra.Command {
	var without, instead []string
	c := a.onUser(&cobra.Command{Use: "assign OBJECT SKU...", Short: "Give a user licences, or a group for its members", Args: usageArgs(cobra.MinimumNArgs(2)),
		Long: `Gives licences, all or none, and tells at once why one cannot be given. SKU is a part number, a short name or an id:
canopy tenant licence list shows them. A user needs a usage location. What a group is given is not given to groups
within it.`,
		Example: "  canopy tenant licence assign anna@contoso.com ENTERPRISEPACK\n  canopy tenant licence assign anna@contoso.com E3 --instead-of E1 --without TEAMS1"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, skus []string) error {
			var add []tenant.Licence
			for _, s := range skus {
				add = append(add, tenant.Licence{SKU: s, Off: without})
			}
			return t.Admin().License(ctx, o.ID, add, instead)
		})
	c.Flags().StringSliceVar(&without, "without", nil, "service plans that stay off")
	c.Flags().StringSliceVar(&instead, "instead-of", nil, "licences to take away in the same step")
	return c
}

func (a *App) licenceRemove() *cobra.Command {
	return a.onUser(&cobra.Command{Use: "remove OBJECT SKU...", Short: "Take licences away from a user or group", Args: usageArgs(cobra.MinimumNArgs(2)),
		Long:    "Takes licences away that were given directly. What a group gives is not taken away here: it goes with the membership.",
		Example: "  canopy tenant licence remove anna@contoso.com ENTERPRISEPACK"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, skus []string) error {
			return t.Admin().License(ctx, o.ID, nil, skus)
		})
}

func (a *App) licenceReprocess() *cobra.Command {
	c := &cobra.Command{Use: "reprocess [OBJECT]", Short: "Look again at what groups give: one user, a group's members, or everybody", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: `Decides again which licences of groups each user has, after units, usage locations or addresses were put right. Direct
licences are not changed.`,
		Example: "  canopy tenant licence reprocess\n  canopy tenant licence reprocess sales"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		var id canopy.Anchor
		if len(args) == 1 {
			o, err := t.Admin().Find(ctx, args[0])
			if err != nil {
				return err
			}
			id = o.ID
		}
		n, err := t.Admin().Reprocess(ctx, id)
		if err != nil {
			return err
		}
		a.done(fmt.Sprintf("%d users looked at", n))
		return nil
	})
	return c
}

func (a *App) licenceUnits() *cobra.Command {
	c := &cobra.Command{Use: "units SKU NUMBER", Short: "Set how many units of a product the tenant has", Args: usageArgs(cobra.ExactArgs(2)),
		Long:    "Sets how many units of a product there are. Fewer than are used take nothing away from anybody.",
		Example: "  canopy tenant licence units ENTERPRISEPACK 250"}
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 {
			return usageError{fmt.Errorf("%q is no number of units", args[1])}
		}
		if err := t.Admin().SetUnits(ctx, args[0], n); err != nil {
			return err
		}
		a.done(args[0] + " " + args[1])
		return nil
	})
	return c
}
