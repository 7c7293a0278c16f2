//go:build race

package store

// raced: the race detector makes SQLite in Go ten times slower, so the long tests take samples.
const raced = true
