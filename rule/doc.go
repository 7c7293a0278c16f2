// Package rule is what the sync rules say about one object: scope, join criteria, attribute flows and precedence, with
// the built-in rules and the files they are kept in. What becomes of the answers is engine's business.
package rule
