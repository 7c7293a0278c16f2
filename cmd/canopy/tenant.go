package main

import "github.com/spf13/cobra"

func (a *App) tenantCommand() *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "The cloud directory: serve it to programs, and see to what is in it",
		Long:    "The tenant is the embedded cloud directory of the state directory. It does not reach any cloud.",
		Example: "  canopy tenant serve\n  canopy tenant app add reports --role User.Read.All"}
	c.AddCommand(a.tenantServeCommand(), a.tenantAppCommand(), a.recipientCommand(), a.mailboxCommand(), a.moveCommand(), a.clearPreviousCommand(),
		a.routeCommand(), a.tenantUserCommand(), a.tickCommand(), a.forwardCommand(), a.galCommand(), a.domainCommand(), a.settingCommand(),
		a.licenceCommand(), a.switchCommand(), a.tenantAuditCommand(), a.tenantExportCommand(), a.tenantImportCommand())
	helped(c, "", recipientHelp)
	return c
}
