package main

// onpremHelp are the texts of the commands for the forests' side of Exchange, by what is typed after "canopy onprem".
var onpremHelp = map[string]help{
	"recipient": {"Recipients of the forests, as the forests' Exchange knows them. What the cloud knows is not shown here:\nsee canopy tenant recipient.", "canopy onprem recipient get anna"},
	"recipient get": {`RECIPIENT is a DN, sign-in name, address, sAMAccountName, alias or objectGUID. The object is read from the forest now.
What was imported is not looked at.`, "canopy onprem recipient get anna --select name,recipienttype,exchangeguid\ncanopy onprem recipient get anna --forest contoso.lab --json"},
	"recipient update": {`Adds what an object lacks to be a recipient, as Update-Recipient does: alias, types, legacy DN, addresses by the address
policy, address lists. Groups and accounts that were written back get into the address list by it. It does not make a
mailbox of an account that says of none.`, "canopy onprem recipient update Group_af905347-5322-4183-a1aa-9522a85bfeb9 --preview"},
	"user": {"Accounts of the forests for people whom only the cloud has. An account is not deleted here.", "canopy onprem user import people.csv --ou OU=People,DC=contoso,DC=lab --plan"},
	"user import": {`FILE is a list of users of the cloud, with a heading: UserPrincipalName, and if wanted SamAccountName, Alias, DisplayName,
FirstName, LastName, PrimarySmtpAddress and EmailAddresses (several with ;). What is not in the list is as the cloud has it.

Each gets an account with the same sign-in name, addresses, sAMAccountName and alias, disabled and without a password; who
has a mailbox in the cloud gets a remote mailbox with its GUID. Then canopy run's cycle takes the cloud's users over: they
keep their id, groups, licences and mailbox. A user with another source anchor gets the account's. Who holds a role in the
directory is not taken over, nor is anybody where the tenant blocks it. Rows that fail do not stop the others; the same
list can be imported again.

Exit codes: 0 done; 1 an error; 3 the guard stopped the cycle; 4 some rows were not done.`,
		"canopy onprem user import people.csv --ou OU=People,DC=contoso,DC=lab --plan\ncanopy onprem user import people.csv --ou OU=People,DC=contoso,DC=lab"},
	"mailbox":     {"Mailboxes in the forests. Their content is not touched: Exchange makes the store's side when it is first used.", "canopy onprem mailbox get anna"},
	"mailbox get": {"Shows one object with a mailbox in the forest. Who has none is not found, also with a mailbox in the cloud.", "canopy onprem mailbox get anna"},
	"mailbox new": {`Makes an account with a mailbox in the forest. A mailbox database and its server are needed, from the flags or the
configuration. Who has a mailbox in the cloud does not get a second one, unless --force says so.`, "canopy onprem mailbox new 'Anna Novak' --ou OU=People,DC=contoso,DC=lab --upn anna@contoso.com"},
	"mailbox enable": {`Stamps a mailbox in the forest on an account. Who has a mailbox in the cloud already does not get a second one, unless
--force says so; then there are two, as with Exchange. With --archive on a mailbox that is there it gets an archive in the
cloud.`, "canopy onprem mailbox enable anna --preview\ncanopy onprem mailbox enable anna --archive"},
	"mailbox disable": {"Takes a mailbox's attributes from its account. It does not delete the account, nor what is in the mailbox.", "canopy onprem mailbox disable anna --preview"},
	"mailbox set":     {"Changes what a mailbox in the forest is stamped with. What is not named is not changed.", "canopy onprem mailbox set anna --add-address a.novak@contoso.com\ncanopy onprem mailbox set anna --shared --disable-account"},
	"mailbox update":  {"Adds what a mailbox in the forest lacks, and applies the address policy. Values set by hand are not removed.", "canopy onprem mailbox update anna"},
	"remote-mailbox":  {"Remote mailboxes: accounts of the forests whose mailbox the cloud is to hold. The mailbox itself is not made here,\nbut by a licence after synchronisation.", "canopy onprem remote-mailbox get anna"},
	"remote-mailbox get": {"Shows one remote mailbox, as Get-RemoteMailbox does: the forest's attributes. The mailbox in the cloud is not looked at.",
		"canopy onprem remote-mailbox get anna --table"},
	"remote-mailbox new": {`Makes an account with a remote mailbox, as New-RemoteMailbox does. Without a password the account is disabled. A licence
is not given.`, "canopy onprem remote-mailbox new 'Anna Novak' --ou OU=People,DC=contoso,DC=lab --upn anna@contoso.com --archive\ncanopy onprem remote-mailbox new 'Room 1' --room --ou OU=Rooms,DC=contoso,DC=lab --upn room1@contoso.com"},
	"remote-mailbox enable": {`Stamps a remote mailbox on an account: types, routing address, alias, legacy DN, addresses by the address policy with the
alias in the coexistence domain. The mailbox GUID is not stamped without --exchange-guid, as with Exchange; a mailbox
cannot be moved back to the forest without it. With --archive on a remote mailbox it gets an archive.`,
		"canopy onprem remote-mailbox enable anna --archive --preview\ncanopy onprem remote-mailbox enable anna --remote-routing-address anna@contoso.mail.onmicrosoft.com"},
	"remote-mailbox disable": {`Takes the attributes away and asks the cloud to give up mailbox and archive. The account is not deleted. With --archive only
the archive goes.`, "canopy onprem remote-mailbox disable anna --preview\ncanopy onprem remote-mailbox disable anna --archive"},
	"remote-mailbox set": {`Changes what a remote mailbox is stamped with. --exchange-guid lets the mailbox be moved back to the forest. What is not
named is not changed.`, "canopy onprem remote-mailbox set anna --exchange-guid 03c9764e-8b8e-4f33-94d1-ef098c4de656\ncanopy onprem remote-mailbox set anna --shared --disable-account"},
	"remote-mailbox update": {"Adds what a remote mailbox lacks, and applies the address policy. Values set by hand are not removed.", "canopy onprem remote-mailbox update anna"},
}
