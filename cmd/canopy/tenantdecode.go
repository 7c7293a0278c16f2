package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/tenant"
)

// decodeCommand says what the numbers mean that Exchange writes into a forest.
func (a *App) decodeCommand() *cobra.Command {
	var f forms
	var details, display, remote string
	c := &cobra.Command{Use: "parse", Short: "Say what the recipient types of a forest's object mean, alone and together", Args: usageArgs(cobra.NoArgs),
		Long: `Reads msExchRecipientTypeDetails, msExchRecipientDisplayType and msExchRemoteRecipientType, as numbers or names, and says
what each means, whether Exchange writes them together, and what Exchange Online holds for such an object. It looks
at no object.`,
		Example: "  canopy tenant recipient parse --details 2147483648 --display=-2147483642 --remote 4\n  canopy tenant recipient parse --remote 100"}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if details+display+remote == "" {
			return usageError{fmt.Errorf("give at least one of --details, --display and --remote")}
		}
		columns, err := decoded(details, display, remote)
		if err != nil {
			return err
		}
		whole := map[string]string{}
		for _, c := range columns {
			whole[c.Name] = c.Value
		}
		return a.show(f, true, "", []thing{{columns, whole}})
	}
	f.flags(c)
	c.Flags().StringVar(&details, "details", "", "msExchRecipientTypeDetails")
	c.Flags().StringVar(&display, "display", "", "msExchRecipientDisplayType; a negative number as --display=-2147483642")
	c.Flags().StringVar(&remote, "remote", "", "msExchRemoteRecipientType")
	return c
}

// decoded are the columns of what the types mean. Those that are not given count as empty.
func decoded(details, display, remote string) ([]tenant.Column, error) {
	var d recipient.Details
	var p int64
	var r recipient.Remote
	var err error
	if details != "" {
		if d, err = recipient.ParseDetails(details); err != nil {
			return nil, err
		}
	}
	if display != "" {
		if p, err = strconv.ParseInt(display, 10, 32); err != nil {
			return nil, &canopy.Error{Kind: canopy.Invalid, Object: display, Text: "it is no display type: that is a number of 32 bits", Next: "give the number that the attribute has"}
		}
	}
	if remote != "" {
		if r, err = recipient.ParseRemote(remote); err != nil {
			return nil, err
		}
	}
	out := []tenant.Column{{Name: "RecipientType", Value: d.Type()}, {Name: "RecipientTypeDetails", Value: fmt.Sprintf("%d %s", int64(d), d)},
		{Name: "RecipientDisplayType", Value: fmt.Sprintf("%d 0x%08X %s", p, uint32(int32(p)), recipient.Display(p))},
		{Name: "RemoteRecipientType", Value: fmt.Sprintf("%d %s", int32(r), r)}}
	together, inCloud := "not written by Exchange", ""
	if c, ok := recipient.CombinationOf(d, recipient.Display(p), r); ok {
		together, inCloud = c.Name, c.Cloud.String()
	}
	return append(out, tenant.Column{Name: "Together", Value: together}, tenant.Column{Name: "InTheCloud", Value: inCloud}), nil
}
