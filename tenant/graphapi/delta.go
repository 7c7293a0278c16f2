package graphapi

import "github.com/canopy-sync/canopy/tenant"

// feedPlace is where a round of a delta query stands.
type feedPlace struct {
	tenant.Feed
}
