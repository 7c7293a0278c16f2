package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// help is what the help of a command says, and how it is called.
type help struct{ long, example string }

// recipientHelp are the texts of the commands for recipients and mailboxes, by what is typed after "canopy tenant".
var recipientHelp = map[string]help{
	"recipient": {"Exchange's own records: what it knows of users, groups and contacts. Nothing here changes them.", "canopy tenant recipient list"},
	"recipient list": {`A line for each recipient that Exchange has a record of. Who is a user only is not listed without --users. What the
directory learned a moment ago arrives later: see canopy tenant forward.`, "canopy tenant recipient list --findings\ncanopy tenant recipient list --users --select name,*recipient*"},
	"recipient get": {`RECIPIENT is a name, alias, address, sign-in name, object id or mailbox GUID. Shown is what Exchange knows: a change of the
directory arrives there after a while (canopy tenant forward hurries it). With --if-licensed and --if-synced it says what
would become of the person and which findings there would be, and changes nothing.`,
		"canopy tenant recipient get anna --select name,recipienttype,exchangeguid,skuassigned\ncanopy tenant recipient get anna --users --if-licensed"},
	"mailbox": {"Mailboxes, and who has them. A mailbox is not made here: a licence makes it, or the forest asks for it.", "canopy tenant mailbox list"},
	"mailbox list": {`A line for each person with a mailbox. Mailboxes that nobody can open are not among them: --deleted shows those that can
be restored, --inactive those that a hold keeps, --all all that the store has ever held.`, "canopy tenant mailbox list --select Name,IsExchangeCloudManaged\ncanopy tenant mailbox list --deleted"},
	"mailbox get": {"Shows one person with a mailbox, as canopy tenant recipient get does. Who has none is not found.", "canopy tenant mailbox get anna"},
	"mailbox set": {`Changes the mailboxes named, those of a filter, or those of a file. A mailbox whose Exchange attributes a forest masters
is not changed before --cloud-managed; after it, what the forest says of them is ignored.

The file for --from-csv has a column Identity, and may have the columns IsExchangeCloudManaged, AddAddress (several with ;),
HiddenFromAddressListsEnabled and Type; an empty cell leaves what is.`,
		"canopy tenant mailbox set anna --cloud-managed --add-address anna.novak@contoso.com\ncanopy tenant mailbox set --filter IsDirSynced=True --cloud-managed\ncanopy tenant mailbox set --from-csv mailboxes.csv"},
	"mailbox purge":   {"Deletes for good a mailbox that nobody can open. One that is in use or held is not purged.", "canopy tenant mailbox purge 9e58304a-ed80-416a-8eac-f2e769056e52"},
	"mailbox release": {"Ends the hold on a mailbox. It is deleted softly from then on, and not purged before thirty days.", "canopy tenant mailbox release 9e58304a-ed80-416a-8eac-f2e769056e52"},
	"mailbox restore": {`Copies what is in a deleted mailbox into another. The deleted one stays as it is. A deleted user who is not purged yet is
restored itself, and brings the mailbox along.`, "canopy tenant mailbox restore 9e58304a-ed80-416a-8eac-f2e769056e52 --to bert"},
	"mailbox repair": {`Takes the second mailbox of somebody who has one in a forest and another in the cloud, step by step: takes the licences with
Exchange away (also the membership of a group that gives them, in its forest), clears the previous mailbox, runs a cycle,
and gives the licences back. Between the steps it waits until the change has reached Exchange. Licences are not given back
before the cloud knows the mailbox GUID that the forest has.

WHAT IS IN THE CLOUD'S MAILBOX IS LOST, unless it was exported before. Stopped or killed, the same command goes on.`,
		"canopy tenant mailbox repair anna@contoso.com --preview\ncanopy tenant mailbox repair anna@contoso.com --yes"},
	"move": {`Moves of mailboxes, as far as the cloud sees them: what must be so before, what each step makes of recipient and mailbox,
and what the forest's object is to hold afterwards. Nothing is done to a forest here, and no content is copied: it is marked.`, "canopy tenant move list"},
	"move new": {`Begins to move mailboxes to the cloud (onboarding) or to the forest (offboarding). RECIPIENT is named as for canopy tenant
recipient get. What is in the way is told at once by the name that Exchange has for it; the move is there as Failed then,
and canopy tenant move start tries it again. A mailbox is used where it is until the move is completed, and not before.`,
		"canopy tenant move new anna@contoso.com --to cloud\ncanopy tenant move new --from-csv wave1.csv --to cloud --batch wave1 --auto-complete\ncanopy tenant move new bert --to forest --primary-only"},
	"move list": {"A line for each move that was not removed, or for each batch. What is due is done first; what is not due yet stays.", "canopy tenant move list --batch wave1\ncanopy tenant move list --batches"},
	"move get":  {"Shows one move with why it failed, and what the forest's object is to hold once it is complete. It does not write that.", "canopy tenant move get anna@contoso.com\ncanopy tenant move get anna --select Status,Error"},
	"move start": {`Starts moves that were made with --no-start, and tries those again that failed. Nothing that is in the way is put right by
it.`, "canopy tenant move start anna@contoso.com\ncanopy tenant move start --batch wave1"},
	"move complete": {`Completes moves whose content is there (Synced): the mailbox changes sides after moveDuration (canopy tenant setting).
A move is not completed while something is in the way: it fails, and nothing was changed.`, "canopy tenant move complete anna@contoso.com\ncanopy tenant move complete --batch wave1"},
	"move remove": {`Forgets moves. One that is not complete leaves everything as it was; a complete one is not undone. Until then the same
mailbox cannot be moved again.`, "canopy tenant move remove anna@contoso.com\ncanopy tenant move remove --batch wave1"},
	"clear-previous-mailbox": {`Makes Exchange forget the mailbox that a user had, as Set-User -PermanentlyClearPreviousMailboxInfo does. It
does not ask twice, and what was in it is lost. It is for who has neither a mailbox nor a licence with Exchange.`, "canopy tenant clear-previous-mailbox anna --yes"},
	"route": {`Follows a message to an address from where it comes: which side knows the address, which mailbox receives, which calendar
Outlook and Teams open, and why they differ. A message is not sent.`, "canopy tenant route anna@contoso.com --from onprem"},
	"user":     {"Users as the directory knows them. What a forest masters is not changed here.", "canopy tenant user get anna@contoso.com"},
	"user get": {"Shows one user with its source anchor and licences, as Get-MsolUser does. What Exchange knows is not shown here.", "canopy tenant user get anna@contoso.com --select displayname,immutableid,licenses"},
	"tick":     {"Lets happen what is due: changes that reach Exchange, mailboxes whose time is over. What is not due yet stays on its way.", "canopy tenant tick"},
	"forward": {`Lets changes that are on their way to Exchange arrive now: one object's, or all. It does not synchronise: canopy run
brings changes of the forests into the directory.`, "canopy tenant forward\ncanopy tenant forward anna@contoso.com"},
	"gal":    {"The global address list: every recipient with an alias. Hidden ones are not in it.", "canopy tenant gal --csv"},
	"domain": {"The tenant's domains. The coexistence domain is not added by anybody: the service makes it.", "canopy tenant domain list"},
	"domain list": {`Lists the accepted domains. The coexistence domain is made by the service when synchronisation begins, and is not to be
added by anybody. With --all the directory's own domains are listed, those that are not verified too.`, "canopy tenant domain list\ncanopy tenant domain list --all"},
	"setting":      {"How Exchange decides where there is a choice. Settings of synchronisation are not here, but in canopy.yaml.", "canopy tenant setting list"},
	"setting list": {"Shows the switches. syncing tells whether synchronisation has begun, and is not to be set.", "canopy tenant setting list"},
	"setting set":  {"Sets a switch. What Exchange has decided before stays until it decides again: nothing is decided at once.", "canopy tenant setting set legacyPrevBug false\ncanopy tenant setting set forwardDelay 1m"},
}

// helped gives each command of a tree its texts; what has none keeps its own.
func helped(c *cobra.Command, path string, texts map[string]help) {
	for _, sub := range c.Commands() {
		name := sub.Name()
		if path != "" {
			name = path + " " + name
		}
		if h, ok := texts[name]; ok {
			sub.Long = h.long
			sub.Example = "  " + strings.ReplaceAll(h.example, "\n", "\n  ")
		}
		helped(sub, name, texts)
	}
}
