package run

import (
	"context"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
)

// settings are what the engine is told beside the rules.
func (l *Local) settings(ctx context.Context) (engine.Settings, error) {
	s := engine.Settings{LosersWait: l.Clash == "object", Like: l.Like, Owner: rule.MailboxOwner,
		Around: &rule.Around{Now: l.Clock().UnixMicro(), Secret: l.Memory.secret()}}
	for i := range l.Sources {
		x := &l.Sources[i]
		s.Connectors = append(s.Connectors, engine.Connector{ID: x.ID, Kind: kindOf(x, "ad"), Order: x.Order, Params: l.values(x)})
	}
	s.Connectors = append(s.Connectors, engine.Connector{ID: l.Target.ID, Kind: kindOf(&l.Target, "tenant"), Params: l.values(&l.Target), Target: true})
	decisions, err := l.Store.Decisions(ctx)
	if err != nil {
		return s, err
	}
	for _, d := range decisions {
		s.Decisions = append(s.Decisions, engine.Decision{Kind: engine.DecisionKind(d.Kind), Entry: d.Entry, Other: d.Other, Meta: d.Meta})
	}
	return s, nil
}

// kindOf is the connector's kind, also while it cannot be asked.
func kindOf(s *Space, usual string) string {
	if s.About.Kind != "" {
		return s.About.Kind
	}
	return usual
}

// weigh says of each regret out of how many objects it is. A plan without regrets costs nothing here.
func (l *Local) weigh(ctx context.Context, t *canopy.Totals) error {
	for i := range t.Regrets {
		r := &t.Regrets[i]
		if r.Regret == canopy.RegretMembership { // of the links of the groups that the plan touches: the engine knows
			continue
		}
		n, err := l.Store.Stock(ctx, r.Connector, r.Class, r.Container)
		if err != nil {
			return err
		}
		r.Of = n
	}
	return nil
}
