package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/recipient"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

func (a *App) onpremCommand() *cobra.Command {
	c := &cobra.Command{Use: "onprem", Short: "The forests' side of Exchange: show recipients, and stamp mailboxes and remote mailboxes",
		Long: `Does over LDAP what Exchange's own commands do to objects of a forest, without an Exchange server: the attributes are
stamped, after what they hold was compared. It does not synchronise: canopy run takes the stamped attributes to the
tenant. A forest is written to only where its configuration says write: true.`,
		Example: "  canopy onprem remote-mailbox enable anna --archive --preview\n  canopy onprem recipient get anna@contoso.com"}
	for _, noun := range []struct {
		noun  onprem.Noun
		short string
		verbs []onprem.Verb
	}{
		{onprem.Recipient, "Show recipients of the forests, as Get-Recipient does there, and complete them", []onprem.Verb{onprem.Update}},
		{onprem.Mailbox, "Mailboxes in the forests, as Enable-Mailbox and its neighbours stamp them",
			[]onprem.Verb{onprem.New, onprem.Enable, onprem.Disable, onprem.Set, onprem.Update}},
		{onprem.RemoteMailbox, "Mailboxes that the forests ask the cloud to hold, as Enable-RemoteMailbox and its neighbours stamp them",
			[]onprem.Verb{onprem.New, onprem.Enable, onprem.Disable, onprem.Set, onprem.Update}},
	} {
		sub := &cobra.Command{Use: string(noun.noun), Short: noun.short}
		sub.AddCommand(a.onpremGet(noun.noun))
		for _, v := range noun.verbs {
			sub.AddCommand(a.onpremAct(noun.noun, v))
		}
		c.AddCommand(sub)
	}
	user := &cobra.Command{Use: "user", Short: "Accounts of the forests for users of the cloud"}
	user.AddCommand(a.onpremUserImport())
	c.AddCommand(user)
	helped(c, "", onpremHelp)
	return c
}

// openOnPrem opens the forests for a command.
func (a *App) openOnPrem(ctx context.Context, command string, look, preview bool) (*run.OnPrem, error) {
	dir, err := a.findDir("")
	if err != nil {
		return nil, err
	}
	return run.OpenOnPrem(ctx, run.OpenOptions{Dir: dir, Config: a.config, Command: command, ReadOnly: look, Locked: preview})
}

const usualOnPrem = "Name,RecipientType,RecipientTypeDetails,RemoteRecipientType,PrimarySmtpAddress,ExchangeGuid"

// usualRemote are the columns that Get-RemoteMailbox is asked for.
const usualRemote = "Name,RemoteRoutingAddress,RemoteRecipientType,RecipientTypeDetails,ExchangeGuid,ArchiveGuid,EmailAddresses,WhenChanged"

func (a *App) onpremGet(noun onprem.Noun) *cobra.Command {
	var f forms
	var in string
	c := &cobra.Command{Use: "get " + identityWord(noun), Args: usageArgs(cobra.ExactArgs(1))}
	c.Short = map[onprem.Noun]string{onprem.Recipient: "Show one recipient of a forest", onprem.Mailbox: "Show one mailbox in a forest", onprem.RemoteMailbox: "Show one remote mailbox"}[noun]
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := a.openOnPrem(c.Context(), c.CommandPath(), true, false)
		if err != nil {
			return err
		}
		defer p.Close()
		o, err := p.Get(c.Context(), in, args[0])
		if err != nil {
			return err
		}
		if noun == onprem.Mailbox && !o.Details().Mailbox() || noun == onprem.RemoteMailbox && !o.IsRemote() {
			return &canopy.Error{Kind: canopy.NotFound, Code: tenant.CodeNoRecipient, Object: o.DN, Text: fmt.Sprintf("it is no %s, but: %s %s", strings.ReplaceAll(string(noun), "-", " "), o.Type(), o.Details()),
				Next: "canopy onprem recipient get shows it"}
		}
		usual := usualOnPrem
		if noun == onprem.RemoteMailbox {
			usual = usualRemote
		}
		return a.show(f, true, usual, []thing{onpremThing(o)})
	}
	f.flags(c)
	c.Flags().StringVar(&in, "forest", "", "the `FOREST` of the configuration; without it all are searched")
	return c
}

func onpremThing(o *onprem.Object) thing {
	whole := map[string]any{}
	var columns []tenant.Column
	for _, c := range o.Columns() {
		columns = append(columns, tenant.Column(c))
		whole[c.Name] = c.Value
	}
	whole["EmailAddresses"], whole["RecipientTypeDetailsValue"], whole["RemoteRecipientTypeValue"] = o.Addresses(), int64(o.Details()), int32(o.Remote())
	if d, ok := o.Display(); ok {
		whole["RecipientDisplayTypeValue"] = int32(d)
	}
	return thing{columns, whole}
}

func identityWord(noun onprem.Noun) string {
	if noun == onprem.Recipient {
		return "RECIPIENT"
	}
	return "MAILBOX"
}

// onpremFlags are the flags of a command that stamps.
type onpremFlags struct {
	wish                            run.Wish
	mailbox, archive, password      string
	room, equipment, shared, person bool
	hidden, policy, preview         bool
}

func (a *App) onpremAct(noun onprem.Noun, verb onprem.Verb) *cobra.Command {
	f := &onpremFlags{}
	f.wish.Ask.Noun, f.wish.Ask.Verb = noun, verb
	word := identityWord(noun)
	switch verb {
	case onprem.New:
		word = "NAME"
	case onprem.Enable:
		word = "USER"
	case onprem.Disable, onprem.Set, onprem.Update:
	}
	short := map[onprem.Verb]string{onprem.New: "Make an account with it", onprem.Enable: "Give it to an account that is there",
		onprem.Disable: "Take it away, and leave the account", onprem.Set: "Change it", onprem.Update: "Add what is missing, and apply the address policy"}[verb]
	c := &cobra.Command{Use: string(verb) + " " + word, Short: short, Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.complete(c, args[0]); err != nil {
			return err
		}
		p, err := a.openOnPrem(c.Context(), c.CommandPath(), false, f.preview)
		if err != nil {
			return err
		}
		defer p.Close()
		do := p.Do
		if f.preview {
			do = p.Decide
		}
		s, err := do(c.Context(), f.wish)
		if err != nil {
			return err
		}
		a.stamped(s, f.preview)
		return nil
	}
	f.flags(c, noun, verb)
	return c
}

func (f *onpremFlags) flags(c *cobra.Command, noun onprem.Noun, verb onprem.Verb) {
	w := &f.wish
	c.Flags().StringVar(&w.Forest, "forest", "", "the `FOREST` of the configuration; without it all are searched")
	c.Flags().BoolVar(&f.preview, "preview", false, "show what would be written, and write nothing")
	makes := verb == onprem.New || verb == onprem.Enable
	if verb != onprem.Set && verb != onprem.Update {
		c.Flags().BoolVar(&w.Ask.Archive, "archive", false, map[bool]string{true: "with an archive in the cloud; alone for a mailbox that is there", false: "the archive alone"}[makes])
	}
	if verb == onprem.Disable {
		return
	}
	c.Flags().StringVar(&w.Ask.Alias, "alias", "", "the `ALIAS`, in place of what stands before the @ of the sign-in name")
	c.Flags().StringVar(&w.Ask.Primary, "primary", "", "the primary `ADDRESS`; ends the address policy")
	c.Flags().BoolVar(&f.policy, "address-policy", true, "let the address policy apply; =false ends it")
	c.Flags().StringSliceVar(&w.Ask.Add, "add-address", nil, "add an `ADDRESS`")
	c.Flags().StringSliceVar(&w.Ask.Remove, "remove-address", nil, "take an `ADDRESS` away")
	c.Flags().BoolVar(&f.hidden, "hidden", false, "hide from address lists")
	if noun != onprem.Mailbox {
		c.Flags().StringVar(&w.Ask.Routing, "remote-routing-address", "", "the `ADDRESS` by which the forest reaches the mailbox; else the alias in the coexistence domain")
	}
	if verb == onprem.Update {
		return
	}
	c.Flags().StringVar(&f.mailbox, "exchange-guid", "", "the mailbox `GUID`")
	c.Flags().StringVar(&f.archive, "archive-guid", "", "the archive's `GUID`")
	c.Flags().StringVar(&w.Ask.ArchiveName, "archive-name", "", "the archive's `NAME`")
	c.Flags().BoolVar(&f.room, "room", false, "a room mailbox")
	c.Flags().BoolVar(&f.equipment, "equipment", false, "an equipment mailbox")
	c.Flags().BoolVar(&f.shared, "shared", false, "a shared mailbox")
	c.MarkFlagsMutuallyExclusive("room", "equipment", "shared")
	if verb == onprem.Set {
		c.Flags().BoolVar(&f.person, "regular", false, "a person's mailbox")
		c.MarkFlagsMutuallyExclusive("room", "equipment", "shared", "regular")
	}
	if verb != onprem.New {
		c.Flags().BoolVar(&w.Ask.DisableAccount, "disable-account", false, "disable the account of a room, equipment or shared mailbox")
	}
	if noun == onprem.RemoteMailbox {
		c.Flags().BoolVar(&w.Ask.Rights, "aclable", false, "the remote mailbox may be given rights (ACLableSyncedObjectEnabled)")
	} else if makes {
		c.Flags().StringVar(&w.Ask.Database, "database", "", "the `DN` of the mailbox database")
		c.Flags().StringVar(&w.Ask.Server, "server", "", "the legacy `DN` of the database's server")
		c.Flags().BoolVar(&w.Force, "force", false, "make a second mailbox for somebody who has one in the cloud, as Exchange does")
	}
	if verb == onprem.New {
		f.accountFlags(c)
	}
}

func (f *onpremFlags) accountFlags(c *cobra.Command) {
	n := &f.wish.Ask.Account
	c.Flags().StringVar(&f.wish.Parent, "ou", "", "the `DN` of the container for the account")
	c.Flags().StringVar(&n.UPN, "upn", "", "the sign-in `NAME`")
	c.Flags().StringVar(&n.SAM, "sam-account-name", "", "the sAMAccountName, in place of what stands before the @ of the sign-in name")
	c.Flags().StringVar(&n.GivenName, "first-name", "", "the given name")
	c.Flags().StringVar(&n.Surname, "last-name", "", "the surname")
	c.Flags().StringVar(&n.DisplayName, "display-name", "", "the display name, in place of NAME")
	c.Flags().StringVar(&f.password, "password-file", "", "the `FILE` with the password; without one the account is disabled")
	c.Flags().BoolVar(&n.ResetPassword, "reset-password", false, "the password must be changed at the next sign-in")
	c.Flags().BoolVar(&n.Disabled, "account-disabled", false, "the account is disabled")
}

// complete makes the wish of the flags.
func (f *onpremFlags) complete(c *cobra.Command, name string) error {
	w := &f.wish
	w.Identity = name
	for kind, on := range map[recipient.Kind]bool{recipient.Room: f.room, recipient.Equipment: f.equipment, recipient.Shared: f.shared, recipient.Personal: f.person} {
		if on {
			w.Ask.Kind = kind
		}
	}
	if c.Flags().Changed("hidden") {
		w.Ask.Hidden = &f.hidden
	}
	if c.Flags().Changed("address-policy") {
		w.Ask.Policy = &f.policy
	}
	for text, to := range map[*string]*recipient.GUID{&f.mailbox: &w.Ask.MailboxGUID, &f.archive: &w.Ask.ArchiveGUID} {
		if *text != "" {
			g, err := recipient.ParseGUID(*text)
			if err != nil {
				return err
			}
			*to = g
		}
	}
	if w.Ask.Verb != onprem.New {
		return nil
	}
	n := &w.Ask.Account
	n.Name = name
	if n.SAM == "" {
		n.SAM, _, _ = strings.Cut(n.UPN, "@")
		n.SAM = n.SAM[:min(len(n.SAM), 20)]
	}
	if f.password != "" {
		text, err := os.ReadFile(f.password)
		if err != nil {
			return fmt.Errorf("read the password: %w", err)
		}
		n.Password = strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// stamped prints what a command wrote, or would write.
func (a *App) stamped(s *run.Stamped, preview bool) {
	if a.json {
		a.print(s)
		return
	}
	fmt.Fprintf(a.Out, "%s in %s\n", clean(s.Object), clean(string(s.Forest)))
	if len(s.Changes) > 0 {
		t := a.table("ATTRIBUTE", "BEFORE", "AFTER")
		for _, c := range s.Changes {
			t.row(string(c.Attr), stampValue(c.Attr, c.Before), stampValue(c.Attr, c.After))
		}
		t.end()
	}
	a.tellFindings(s.Findings)
	switch {
	case len(s.Changes) == 0:
		fmt.Fprintln(a.Out, "It is so already. Nothing was written.")
	case preview:
		fmt.Fprintln(a.Out, "Nothing was written. Without --preview it is.")
	default:
		fmt.Fprintln(a.Out, "Written. canopy run takes it to the tenant.")
	}
}

// stampValue shows values as Exchange's commands do, with the number where there is one.
func stampValue(attr canopy.Attr, values canopy.Values) string {
	if len(values) == 0 {
		return ""
	}
	v := values[0]
	if v.Type() == canopy.Binary {
		if g, ok := recipient.GUIDOf(v.Octets()); ok {
			return g.String()
		}
	}
	name := map[canopy.Attr]func(int64) string{
		"msExchRecipientTypeDetails": func(n int64) string { return recipient.Details(n).String() },
		"msExchRecipientDisplayType": func(n int64) string { return recipient.Display(int32(n)).String() },
		"msExchRemoteRecipientType":  func(n int64) string { return recipient.Remote(int32(n)).String() },
	}[attr]
	if name != nil {
		return fmt.Sprintf("%d %s", v.Num(), name(v.Num()))
	}
	return strings.Join(values.Strings(), ", ")
}
