// Package expr is the mapping expression language: it parses, checks and evaluates function-call expressions over named
// attributes, and knows nothing of directories.
package expr
