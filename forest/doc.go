// Package forest is an LDAP server in memory that answers as a domain controller of an Active Directory forest of one
// domain: for the demonstration, for tests and for training.
//
// It knows simple binds over LDAPS and StartTLS, searches with scopes, filters, paging, ranges, deleted objects, extended
// DNs and change notification, DirSync with incremental values, writes with the schema's checks, tombstones and their
// return, linked attributes with back links, and a schema with, if wanted, Exchange's attributes. What a small Samba and
// a Windows domain controller do differently can be chosen, see Behave; so can faults, see Server.SetFault.
//
// What it does not do: Kerberos and NTLM, replication (see Server.Copy for a second domain controller), the global
// catalogue, group policy, access control lists but for the rights of Rights and the switches of Behave, changes to the
// schema, password policies, the recycle bin, matching by accents, and keeping anything when it ends.
//
// The same Options and the same operations in the same order give the same GUIDs, SIDs and update sequence numbers.
package forest
