package main

import "github.com/spf13/cobra"

func (a *App) tenantCommand() *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "The cloud directory: serve it to programs, and see to what is in it"}
	c.AddCommand(a.tenantServeCommand(), a.tenantAppCommand())
	return c
}
