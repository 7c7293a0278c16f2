package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/canopy-sync/canopy"
)

// Limits are the most that one plan may do of each regret without an approval. A regret that is not named is not limited.
type Limits map[canopy.Regret]Limit

// Limit is the most that may be done of one regret: to one class of one connector, to a connector as a whole, and within
// one container. The smaller of number and share counts, but few objects are always allowed: a share of a handful says
// nothing.
type Limit struct {
	// Number is how many; 0 sets no number.
	Number int
	// Percent is how many of a hundred, of what the target held of the class before; 0 sets no share. With neither
	// number nor share nothing at all is allowed.
	Percent float64
	// Least are allowed whatever the share says.
	Least int
	// Container is the share within one container, 0: none. A whole department that goes is worth a question even
	// where it is small beside the company.
	Container float64
}

// DefaultLimits are what an administrator is asked about unless the configuration says otherwise.
//
//   - delete: 500, the number that Entra Connect stops at, or 10 per cent, since 500 is everybody in most companies; five
//     are always allowed, and half of a container counts as a department that goes.
//   - disable: as many leavers as a bad week brings; more look like a changed attribute mapping.
//   - membership, group emptied: what teams change in a day; a group that loses its last member loses its purpose.
//   - clear: one attribute of a tenth of all objects is a mapping that stopped giving values.
//   - sign-in name: people cannot sign in as they used to.
//   - anchor: never.
//   - takeover: each is an account of the cloud's own whose values are overwritten: normal once, at the start, and then
//     somebody should have looked at the list.
//   - rules: what rules, joins and scopes do that are others than those of the last plan is looked at before it is done.
func DefaultLimits() Limits {
	return Limits{
		canopy.RegretDelete:     {Number: 500, Percent: 10, Least: 5, Container: 50},
		canopy.RegretDisable:    {Number: 200, Percent: 10, Least: 10, Container: 50},
		canopy.RegretMembership: {Number: 5000, Percent: 20, Least: 50},
		canopy.RegretEmptied:    {Number: 50, Percent: 10, Least: 3},
		canopy.RegretClear:      {Number: 2000, Percent: 10, Least: 50},
		canopy.RegretUPN:        {Number: 200, Percent: 5, Least: 10},
		canopy.RegretAnchor:     {},
		canopy.RegretTakeover:   {Number: 50},
		canopy.RegretRules:      {},
	}
}

// allowed is the most that the limit lets through of a population; of is 0 when that is not known.
func (l Limit) allowed(of int) int {
	part := max(int(l.Percent*float64(of)/100), l.Least)
	switch {
	case l.Percent == 0 || l.Percent >= 100 || of == 0 && l.Number > 0:
		if l.Number == 0 && l.Percent > 0 {
			return math.MaxInt
		}
		return l.Number
	case l.Number == 0:
		return part
	}
	return min(l.Number, part)
}

// Judge says where a plan's totals exceed the limits; nothing means that the plan may be applied. The breaches come in
// the order of the totals.
func Judge(limits Limits, totals canopy.Totals) []canopy.Breach {
	var breaches []canopy.Breach
	whole := map[canopy.RegretCount]*canopy.RegretCount{}
	var connectors []*canopy.RegretCount
	for _, c := range totals.Regrets {
		limit, ok := limits[c.Regret]
		if !ok {
			continue
		}
		if c.Container != "" {
			if limit.Container == 0 || c.Of == 0 {
				continue
			}
			limit.Number, limit.Percent = 0, limit.Container
		}
		if most := limit.allowed(c.Of); c.Count > most {
			breaches = append(breaches, breach(c, most))
		}
		if c.Container == "" {
			key := canopy.RegretCount{Regret: c.Regret, Connector: c.Connector}
			if whole[key] == nil {
				whole[key] = &canopy.RegretCount{Regret: c.Regret, Connector: c.Connector}
				connectors = append(connectors, whole[key])
			}
			whole[key].Count += c.Count
			whole[key].Of += c.Of
		}
	}
	for _, c := range connectors {
		same := func(b canopy.Breach) bool {
			return b.Regret == c.Regret && b.Connector == c.Connector && b.Count == c.Count
		}
		most := limits[c.Regret].allowed(c.Of)
		if c.Count > most && !slices.ContainsFunc(breaches, same) {
			breaches = append(breaches, breach(*c, most))
		}
	}
	return breaches
}

func breach(c canopy.RegretCount, most int) canopy.Breach {
	b := canopy.Breach{RegretCount: c, Limit: most}
	if c.Of > 0 {
		b.Percent = 100 * float64(c.Count) / float64(c.Of)
	}
	if c.Regret == canopy.RegretRules {
		b.Text = fmt.Sprintf("the rules, joins or scopes are others than those of the last plan that was carried out: this plan writes %d objects and links by them; %d are allowed without an approval",
			c.Count, most)
		return b
	}
	what := "objects"
	if c.Class != "" {
		what = string(c.Class) + " objects"
	}
	where := string(c.Connector)
	if c.Container != "" {
		where += ", " + c.Container
	}
	b.Text = fmt.Sprintf("%s: %d of %d %s (%.1f %%) in %s; %d are allowed without an approval", c.Regret, c.Count, c.Of, what,
		b.Percent, where, most)
	return b
}

// RegretMissing is what a read has that shows less than there was. It is no part of a plan.
const RegretMissing canopy.Regret = "missing"

// ReadLimits say when a complete read shows suspiciously little. Then nothing is planned: lost rights and a broken
// directory look like mass deletion.
type ReadLimits struct {
	Percent   float64 // of all objects of the connector that may be missing
	Container float64 // of the objects of one container
	Least     int     // so many missing objects are never suspicious, unless nothing at all is left
}

// DefaultReadLimits stop at a fifth of a forest, or at half of one container.
func DefaultReadLimits() ReadLimits { return ReadLimits{Percent: 20, Container: 50, Least: 10} }

// ReadCounts are what a complete read showed beside what was there before.
type ReadCounts struct {
	Connector canopy.ConnectorID
	Before    int // objects that were there
	Missing   int // of these, not shown
	// ByContainer are the missing objects by container, and Containers all that were there before.
	ByContainer map[string]int
	Containers  map[string]int
}

// JudgeRead says why a completed read is not to be trusted; nothing means that it is. The first breach is the whole
// connector's, if that is one.
func JudgeRead(limits ReadLimits, n ReadCounts) []canopy.Breach {
	var breaches []canopy.Breach
	judge := func(container string, missing, before int, share float64) {
		c := canopy.RegretCount{Regret: RegretMissing, Connector: n.Connector, Container: container, Count: missing, Of: before}
		most := max(int(share*float64(before)/100), limits.Least)
		empty := container == "" && missing >= before && before > 0
		if missing <= most && !empty || missing == 0 {
			return
		}
		b := breach(c, most)
		where := string(n.Connector)
		if container != "" {
			where += ", " + container
		}
		b.Text = fmt.Sprintf("the read of %s shows %d of %d objects that were there before (%.1f %% are missing)", where, before-missing,
			before, b.Percent)
		breaches = append(breaches, b)
	}
	judge("", n.Missing, n.Before, limits.Percent)
	names := make([]string, 0, len(n.ByContainer))
	for name := range n.ByContainer {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		judge(name, n.ByContainer[name], n.Containers[name], limits.Container)
	}
	return breaches
}
