// Package recipient is how Exchange types a recipient: mailbox GUIDs, the three types that a forest keeps in attributes, their
// published combinations, and the kinds of mailboxes. It decides nothing about anybody.
package recipient
