package run

import (
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// blinkered is a forest that does not show everything, as one does whose replica or rights were lost.
type blinkered struct {
	canopy.Connector
	empty bool
	// hidden DNs, with what is below them, are shown neither by full reads nor by searches; omitted ones only not by
	// full reads.
	hidden, omitted []string
}

func (b *blinkered) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	return b.Connector.Read(ctx, req, func(x canopy.Batch) error {
		if x.Full {
			x.Changes = slices.DeleteFunc(x.Changes, func(c canopy.Change) bool {
				return b.empty || below(c.DN, b.hidden) || below(c.DN, b.omitted)
			})
		}
		return each(x)
	})
}

func (b *blinkered) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	hits, err := b.Connector.Search(ctx, req)
	return slices.DeleteFunc(hits, func(c canopy.Change) bool { return b.empty || below(c.DN, b.hidden) }), err
}

func below(dn string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool {
		return canopy.Fold(dn) == canopy.Fold(top) || strings.HasSuffix(canopy.Fold(dn), ","+canopy.Fold(top))
	})
}
