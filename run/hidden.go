package run

import (
	"context"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
)

// Values that a rule keeps out of what is shown (Redact) are stored and sent as they are. What people and programs are
// given of them, and the provisioning log, has "[Redact]" in their place.

// The sides of attributes, as package rule names them.
const (
	adSide     = "ad"
	tenantSide = "tenant"
	metaSide   = "meta"
)

// side is whose attributes a connector's objects have.
func (l *Local) side(id canopy.ConnectorID) string {
	if id == l.Target.ID {
		return tenantSide
	}
	return adSide
}

// tellHidden lets the store keep hidden values out of the log.
func (l *Local) tellHidden() {
	hide := map[canopy.ConnectorID]map[canopy.Attr]bool{l.Target.ID: l.Rules.Hidden(tenantSide)}
	for i := range l.Sources {
		hide[l.Sources[i].ID] = l.Rules.Hidden(adSide)
	}
	l.Store.HideInLog(hide, rule.Redacted)
}

// Items are items of a stored plan, as they are shown: see Store.Items.
func (l *Local) Items(ctx context.Context, id canopy.PlanID, after, limit int) ([]canopy.PlanItem, error) {
	items, err := l.Store.Items(ctx, id, after, limit)
	l.hideItems(items)
	return items, err
}

func (l *Local) hideItems(items []canopy.PlanItem) {
	if len(l.Rules.Hidden(tenantSide))+len(l.Rules.Hidden(metaSide)) == 0 {
		return
	}
	for i := range items {
		l.hideItem(&items[i])
	}
}

func (l *Local) hideItem(item *canopy.PlanItem) {
	tenant := l.Rules.Hidden(tenantSide)
	for i := range item.Exports {
		x := &item.Exports[i]
		for k := range x.Changes {
			if c := &x.Changes[k]; tenant[c.Attr] {
				c.Old, c.New = hidden(c.Old), hidden(c.New)
			}
		}
		hideAttrs(tenant, x.Export.Set)
	}
	if item.Image != nil {
		l.HideMeta(item.Image)
	}
	l.hideHeld(item.Held)
	for i := range item.Findings {
		if f := &item.Findings[i]; tenant[f.Attr] {
			f.Value, f.Text = text(rule.Redacted), "a value that is not shown"
		}
	}
}

// hideGroups takes the values that are not shown out of a plan's examples.
func (l *Local) hideGroups(groups []canopy.PlanGroup) {
	tenant := l.Rules.Hidden(tenantSide)
	for i := range groups {
		x := &groups[i]
		for k := range x.Examples {
			e := &x.Examples[k]
			if len(tenant) == 0 || !tenant[x.Attr] && x.What == canopy.GroupChanged {
				continue
			}
			for _, shown := range []*string{&e.Old, &e.New} {
				if *shown != "" {
					*shown = text(rule.Redacted)
				}
			}
		}
	}
}

func (l *Local) hideHeld(held []canopy.Held) {
	for i := range held {
		if h := &held[i]; l.Rules.Hidden(tenantSide)[h.Attr] && h.Value != "" {
			h.Value, h.Text = text(rule.Redacted), "a value that is not shown: "+string(h.Reason)
		}
	}
}

// HideMeta takes the values that are not shown out of a meta.
func (l *Local) HideMeta(m *canopy.Meta) {
	for a := range l.Rules.Hidden(metaSide) {
		if s, ok := m.Attrs[a]; ok {
			m.Attrs[a] = canopy.Sourced{Values: rule.Redacted, Origins: s.Origins}
		}
	}
	l.hideHeld(m.Held)
}

// HideEntry takes the values that are not shown out of an entry.
func (l *Local) HideEntry(e *canopy.Entry) { hideAttrs(l.Rules.Hidden(l.side(e.Connector)), e.Attrs) }

func hideAttrs(which map[canopy.Attr]bool, attrs canopy.Attrs) {
	for a := range which {
		if vs, ok := attrs[a]; ok {
			attrs[a] = hidden(vs)
		}
	}
}

// hidden is what is shown in the place of values; none stay none.
func hidden(vs canopy.Values) canopy.Values {
	if len(vs) == 0 {
		return vs
	}
	return rule.Redacted
}

func text(vs canopy.Values) string { return vs[0].Str() }

// hideExplanation takes the values that are not shown out of an explanation.
func (l *Local) hideExplanation(x *Explanation) {
	if len(l.Rules.Hidden(tenantSide))+len(l.Rules.Hidden(metaSide)) == 0 {
		return
	}
	l.HideEntry(x.Entry)
	for _, e := range x.Entries {
		l.HideEntry(e)
	}
	for i := range x.Computes { // nobody knows of which values it is made
		if c := &x.Computes[i]; len(l.Rules.Hidden(tenantSide)) > 0 {
			c.Values, c.Shows = hidden(c.Values), hidden(c.Shows)
		}
	}
	if x.Meta != nil {
		l.HideMeta(x.Meta)
	}
	if x.Trace == nil {
		return
	}
	l.hideItem(&x.Trace.Item)
	for i := range x.Trace.Attrs {
		if t := &x.Trace.Attrs[i]; l.Rules.Hidden(metaSide)[t.Attr] {
			t.Values = hidden(t.Values)
			hideGives(t.Winners)
			hideGives(t.Losers)
		}
	}
	for i := range x.Trace.Entries {
		hideClauses(l.Rules.Hidden(adSide), x.Trace.Entries[i].Rules)
	}
	for i := range x.Trace.Targets {
		t := &x.Trace.Targets[i]
		hideClauses(l.Rules.Hidden(metaSide), t.Rules)
		l.hideHeld(t.Held)
		for k := range t.Attrs {
			a := &t.Attrs[k]
			if !l.Rules.Hidden(tenantSide)[a.Attr] {
				continue
			}
			a.Desired, a.Holds = hidden(a.Desired), hidden(a.Holds)
			if a.Winner != nil {
				a.Winner.Values = hidden(a.Winner.Values)
			}
			hideGives(a.Losers)
		}
	}
}

func hideClauses(which map[canopy.Attr]bool, rules []engine.RuleTrace) {
	for _, r := range rules {
		for _, group := range r.Scope {
			for i := range group {
				if which[group[i].Attr] {
					group[i].Values = hidden(group[i].Values)
				}
			}
		}
	}
}

func hideGives(gives []engine.Give) {
	for i := range gives {
		gives[i].Values = hidden(gives[i].Values)
	}
}
