package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// userActs are the commands that list and change users.
func (a *App) userActs() []*cobra.Command {
	return []*cobra.Command{a.userList(), a.userNew(), a.userSet(), a.userDelete(), a.userRestore(), a.userPurge(), a.userAnchor(), a.userAuthority()}
}

// userColumns are a user's columns in a list.
func userColumns(o *tenant.Object) []tenant.Column {
	authority := map[tenant.Authority]string{{Synced: true}: "forest", {CloudManaged: true}: "cloud, converted", {Pending: true}: "cloud, pending"}[o.Authority]
	if authority == "" {
		authority = "cloud"
	}
	deleted := ""
	if !o.Deleted.IsZero() {
		deleted = o.Deleted.Format(time.RFC3339)
	}
	var conflicts []string
	for _, e := range o.ProvisioningErrors() {
		conflicts = append(conflicts, e.Property+" "+e.Value)
	}
	return []tenant.Column{{Name: "DisplayName", Value: o.Attrs.Text(canopy.AttrDisplayName)}, {Name: "UserPrincipalName", Value: o.Cloud.Text("cloudUserPrincipalName")},
		{Name: "Mail", Value: o.Cloud.Text("cloudMail")}, {Name: "Authority", Value: authority}, {Name: "ImmutableId", Value: o.SourceAnchor},
		{Name: "Licences", Value: strings.Join(o.Licences, " ")}, {Name: "Roles", Value: strings.Join(o.Roles, ", ")},
		{Name: "UsageLocation", Value: o.Attrs.Text("usageLocation")}, {Name: "Withheld", Value: strings.Join(conflicts, ", ")},
		{Name: "Deleted", Value: deleted}, {Name: "ObjectId", Value: string(o.ID)}}
}

func (a *App) userList() *cobra.Command {
	var f forms
	var deleted bool
	c := &cobra.Command{Use: "list", Short: "List the users, or those that were deleted", Args: usageArgs(cobra.NoArgs),
		Long:    "A line for each user, with who masters it and what is withheld from it. Groups and contacts are not listed.",
		Example: "  canopy tenant user list --csv\n  canopy tenant user list --deleted"}
	c.RunE = a.withTenant(false, func(ctx context.Context, t *tenantFile, _ []string) error {
		var things []thing
		err := t.Admin().List(ctx, deleted, func(o *tenant.Object) error {
			if o.Class == canopy.User {
				things = append(things, thing{userColumns(o), o})
			}
			return nil
		})
		if err != nil {
			return err
		}
		usual := "DisplayName,UserPrincipalName,Mail,Authority,Licences,Withheld"
		if deleted {
			usual = "DisplayName,UserPrincipalName,Deleted,ObjectId"
		}
		return a.show(f, false, usual, things)
	})
	f.flags(c)
	c.Flags().BoolVar(&deleted, "deleted", false, "those that were deleted and can be restored")
	return c
}

// onUser makes a command that does something to one object that is not deleted.
func (a *App) onUser(c *cobra.Command, act func(context.Context, *tenantFile, *tenant.Object, []string) error) *cobra.Command {
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		o, err := t.Admin().Find(ctx, args[0])
		if err != nil {
			return err
		}
		if err := act(ctx, t, o, args[1:]); err != nil {
			return err
		}
		a.done(args[0])
		return nil
	})
	return c
}

func (a *App) userSet() *cobra.Command {
	var location string
	var roles, noRoles []string
	c := a.onUser(&cobra.Command{Use: "set USER", Short: "Set what belongs to the cloud also of a synchronised user: the usage location, and directory roles", Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Sets the country in which a user uses what is licensed, and gives and takes directory roles: who holds one is
never taken over by a match. Nothing that a forest masters is set here, and what a role may do is not looked at.`,
		Example: "  canopy tenant user set anna@contoso.com --usage-location AT\n  canopy tenant user set admin@contoso.com --add-role 'Global Administrator'"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, _ []string) error {
			if location != "" && len(location) != 2 || location == "" && len(roles)+len(noRoles) == 0 {
				return usageError{fmt.Errorf("--usage-location takes a country of two letters, for instance AT; --add-role and --remove-role the name of a role")}
			}
			if location != "" {
				if err := t.Admin().SetAttributes(ctx, o.ID, canopy.Attrs{"usageLocation": canopy.Texts(strings.ToUpper(location))}); err != nil {
					return err
				}
			}
			for _, name := range roles {
				if err := t.Admin().AssignRole(ctx, o.ID, name); err != nil {
					return err
				}
			}
			for _, name := range noRoles {
				if err := t.Admin().RemoveRole(ctx, o.ID, name); err != nil {
					return err
				}
			}
			return nil
		})
	c.Flags().StringVar(&location, "usage-location", "", "the country, in two letters")
	c.Flags().StringArrayVar(&roles, "add-role", nil, "give the directory `ROLE`")
	c.Flags().StringArrayVar(&noRoles, "remove-role", nil, "take the directory `ROLE` away")
	return c
}

func (a *App) userDelete() *cobra.Command {
	return a.onUser(&cobra.Command{Use: "delete USER", Short: "Delete a user, who can be restored for thirty days", Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Deletes a user, also a synchronised one, and does not purge: who is still in the forest comes back with the next
full write.`,
		Example: "  canopy tenant user delete anna@contoso.com"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, _ []string) error {
			if o.Class != canopy.User {
				return usageError{fmt.Errorf("it is a %s; only users are deleted here", o.Class)}
			}
			return t.Admin().Delete(ctx, o.ID)
		})
}

// deletedUser finds a deleted user by object id, source anchor or sign-in name.
func deletedUser(ctx context.Context, t *tenantFile, name string) (*tenant.Object, error) {
	var found []*tenant.Object
	err := t.Admin().List(ctx, true, func(o *tenant.Object) error {
		if slices.ContainsFunc([]string{string(o.ID), o.SourceAnchor, o.Cloud.Text("cloudUserPrincipalName"), o.Attrs.Text(canopy.AttrUPN)},
			func(s string) bool { return s != "" && strings.EqualFold(s, name) }) {
			found = append(found, o)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, &canopy.Error{Kind: canopy.Conflict, Object: name, Text: fmt.Sprintf("%d deleted users are called that", len(found)), Next: "name one by its object id: canopy tenant user list --deleted"}
	}
	return nil, &canopy.Error{Kind: canopy.NotFound, Code: tenant.CodeNotFound, Object: name, Text: "there is no such deleted user", Next: "canopy tenant user list --deleted shows those that there are"}
}

func (a *App) onDeleted(c *cobra.Command, act func(context.Context, *tenantFile, canopy.Anchor) error) *cobra.Command {
	c.RunE = a.withTenant(true, func(ctx context.Context, t *tenantFile, args []string) error {
		o, err := deletedUser(ctx, t, args[0])
		if err != nil {
			return err
		}
		if err := act(ctx, t, o.ID); err != nil {
			return err
		}
		a.done(args[0])
		return nil
	})
	return c
}

func (a *App) userRestore() *cobra.Command {
	var how tenant.Restoring
	c := a.onDeleted(&cobra.Command{Use: "restore USER", Short: "Bring a deleted user back, as one of the cloud", Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Brings a deleted user back with its licences and memberships in cloud groups. It keeps its source anchor, by which
synchronisation takes it again. What another object has by now is not taken from it: give the user another sign-in
name, or leave its addresses out.`,
		Example: "  canopy tenant user restore anna@contoso.com\n  canopy tenant user restore anna@contoso.com --new-upn anna2@contoso.com --drop-addresses"},
		func(ctx context.Context, t *tenantFile, id canopy.Anchor) error {
			return t.Admin().RestoreAs(ctx, id, how)
		})
	c.Flags().StringVar(&how.NewUPN, "new-upn", "", "the sign-in name to come back with")
	c.Flags().BoolVar(&how.DropAddresses, "drop-addresses", false, "leave out the addresses that others have by now")
	return c
}

func (a *App) userPurge() *cobra.Command {
	return a.onDeleted(&cobra.Command{Use: "purge USER", Short: "Delete a deleted user for good", Args: usageArgs(cobra.ExactArgs(1)),
		Long:    "Deletes for good a user who was deleted before. It does not ask twice, and nothing brings the user back.",
		Example: "  canopy tenant user purge anna@contoso.com"},
		func(ctx context.Context, t *tenantFile, id canopy.Anchor) error { return t.Admin().HardDelete(ctx, id) })
}

func (a *App) userAnchor() *cobra.Command {
	return a.onUser(&cobra.Command{Use: "set-immutable-id USER [ANCHOR]", Short: "Give a cloud user the source anchor by which synchronisation finds it, or take it away",
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		Long: `Gives a user of the cloud a source anchor, in base64 as Entra shows it: the next synchronisation of the object with
this anchor takes the user over (hard match). Without ANCHOR it is taken away. A synchronised user's is not changed.`,
		Example: "  canopy tenant user set-immutable-id anna@contoso.com IkTni9mw7Ee4YefeGpz7IA==\n  canopy tenant user set-immutable-id anna@contoso.com"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, args []string) error {
			if len(args) == 0 {
				return t.Admin().SetAttributes(ctx, o.ID, nil, canopy.AttrSourceAnchor)
			}
			return t.Admin().SetAttributes(ctx, o.ID, canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts(args[0])})
		})
}

func (a *App) userAuthority() *cobra.Command {
	to := ""
	c := a.onUser(&cobra.Command{Use: "convert-authority OBJECT --to cloud|forest", Short: "Give a synchronised user, group or contact to the cloud, or give it back",
		Args: usageArgs(cobra.ExactArgs(1)),
		Long: `Changes who masters an object (isCloudManaged). Given to the cloud, changes of the forest do not count any more. Given
back, it stays with the cloud until synchronisation writes it: canopy tenant user list shows it as pending until then.`,
		Example: "  canopy tenant user convert-authority anna@contoso.com --to cloud\n  canopy tenant user convert-authority anna@contoso.com --to forest"},
		func(ctx context.Context, t *tenantFile, o *tenant.Object, _ []string) error {
			if to != "cloud" && to != "forest" {
				return usageError{fmt.Errorf("--to takes cloud or forest")}
			}
			return t.Admin().SetCloudManaged(ctx, o.ID, to == "cloud")
		})
	c.Flags().StringVar(&to, "to", "", "who is to master it: cloud or forest")
	return c
}
