// Package e2e holds the oracle, which says from the forests alone what a tenant must hold, and tests that drive the whole
// product against real domain controllers. Nothing of the product imports it.
package e2e
