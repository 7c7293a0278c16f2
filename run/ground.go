package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
)

// sameGround makes everything due when the rules or settings are others than those of the last plan.
func (l *Local) sameGround(ctx context.Context, last canopy.Plan) error {
	if last.Rules == l.ground() {
		return nil
	}
	return l.Store.MarkAllDue(ctx)
}

// ground names all that decides besides the directories' content. What an administrator of the target switches comes last.
func (l *Local) ground() string {
	like := l.Like
	if l.Wait > 0 {
		like += fmt.Sprintf("/wait=%d", l.Wait)
	}
	parts := []string{l.Rules.Hash(), l.Clash, like, l.scopes()}
	own := len(parts)
	for name := range l.values(&l.Target) {
		if strings.HasPrefix(name, canopy.Unmatched) {
			parts = append(parts, name)
		}
	}
	slices.Sort(parts[own:])
	return strings.Join(parts, " ")
}

// scopes names the forests and what is read of them, as the configuration says it.
func (l *Local) scopes() string {
	h := sha256.New()
	for i := range l.Sources {
		text, err := json.Marshal(l.Sources[i].Names)
		if err != nil {
			panic(err) // only names: cannot fail
		}
		_, _ = fmt.Fprintf(h, "%s %s\n", l.Sources[i].ID, text) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// sameRules tells whether two grounds are the same in rules, joins, scopes and settings.
func sameRules(a, b string) bool {
	const own = 4 // parts of a ground
	return slices.Equal(firstParts(a, own), firstParts(b, own))
}

func firstParts(ground string, n int) []string {
	parts := strings.Split(ground, " ")
	return parts[:min(n, len(parts))]
}

// judge says why a plan is to be looked at before it is carried out: by what it does, and because what it was made with is
// new. The first plan of all is only judged by what it does.
func (l *Local) judge(ctx context.Context, totals *canopy.Totals) ([]canopy.Breach, error) {
	last, err := l.Store.LastGround(ctx)
	if err != nil {
		return nil, err
	}
	if n := Sum(*totals); last != "" && n > 0 && !sameRules(last, l.ground()) {
		totals.Regrets = append(totals.Regrets, canopy.RegretCount{Regret: canopy.RegretRules, Connector: l.Target.ID, Count: n})
	}
	return engine.Judge(l.Limits, *totals), nil
}
