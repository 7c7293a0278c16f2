package run

import (
	"context"

	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
)

// settings are what the engine is told beside the rules.
func (l *Local) settings(ctx context.Context) (engine.Settings, error) {
	s := engine.Settings{LosersWait: l.Clash == "object", Like: l.Like, Owner: rule.MailboxOwner}
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

// totaler counts a plan against the objects that the target holds of each class.
func (l *Local) totaler(ctx context.Context) (*engine.Totaler, error) {
	population, err := l.Store.Population(ctx)
	if err != nil {
		return nil, err
	}
	return engine.NewTotaler(population), nil
}
