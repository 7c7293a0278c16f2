// Package canopy holds the words of Canopy: the values, changes, entries, metas, plans and results that every room
// exchanges, and the Connector contract between the sync half and a directory. It decides nothing and does nothing.
//
// The words, one for each thing, the same in code, table, URL, command, page and manual:
//
//	connector         the product's side of one directory: a forest, a tenant
//	connector space   the entries of one connector
//	entry             an object's copy in a connector space
//	metaverse         all metas
//	meta              a metaverse object: what is known of one person, group or contact over all connectors
//	sync rule         what is to happen between a connector space and the metaverse
//	scoping filter    the part of a sync rule that says to which entries or metas it applies
//	join              linking an entry to a meta that exists
//	projection        making a meta for an entry that joins none
//	attribute flow    the part of a sync rule that fills one attribute
//	precedence        which attribute flow wins; the lower number
//	source anchor     the value that ties a target's object to its meta for ever
//	pending export    an export that has not been confirmed
//	confirming import the import that shows that an export was kept
//	run, step         one walk through the work, and its parts
//	configuration     what an administrator set
//	job               a configuration at work
//	schema            the classes and attributes of a directory
//	provisioning log  what was done to each object
//	audit log         what administrators did
//	quarantine        a job that is held because too much fails
//	escrow            an object that fails and is retried
//	provision on demand  one object's walk, at once
//	staging           planning without exporting
//	write-back        the walk with a forest as the target
//	source of authority  which side may change an object
//	agent             the process beside a forest
//	tenant            the cloud directory
//	recipient, mailbox, licence plan  what Exchange adds to the tenant
//	move              taking a mailbox from a forest to the tenant, or back
//	forest, container  a directory and its organisational units
//	scope             which containers and groups are read
//	link              a value that names another object
//	cursor            how far a connector has been read
//	plan              what is to be done, before it is done
//	guard             what stops a plan that would do harm
//	approval          a person's consent to one plan
//	claim             a value that only one object may have
//	held back         kept from being exported, with a reason
//	finding           something that somebody should know
//
// A directory has objects; a space holds entries; the metaverse holds metas. An export is pending until it is confirmed.
package canopy
