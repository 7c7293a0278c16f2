// Package run acts: it imports, plans, applies, exports and confirms, in steps whose progress is in the store, so that
// a killed run goes on where it was. What is to be done is decided by engine, never here.
package run
