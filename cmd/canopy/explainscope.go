package main

import (
	"strings"

	"github.com/canopy-sync/canopy/engine"
)

// joins says by what an entry asks for a partner, and whom each criterion finds.
func (e explainer) joins(t *engine.EntryTrace) {
	for _, j := range t.Joins {
		found := make([]string, len(j.Hits))
		for i, h := range j.Hits {
			found[i] = h.Name + " (" + string(h.Connector) + ")"
		}
		if len(found) == 0 {
			found = []string{"nobody"}
		}
		e.line("    asks for a partner by %s: finds %s", j.On, strings.Join(found, "; "))
	}
	if len(t.Joins) == 0 && len(t.Asks) > 0 {
		e.line("    asks for a partner by: %s", strings.Join(t.Asks, "; "))
	}
}

// truths shows each rule's scope, condition by condition.
func (e explainer) truths(rules []engine.RuleTrace) {
	if !e.scopes {
		return
	}
	for _, r := range rules {
		state := "out of scope"
		if r.InScope {
			state = "in scope"
		}
		e.line("    %s: %s", r.Rule, state)
		for i, group := range r.Scope {
			if i > 0 {
				e.line("        or")
			}
			for _, c := range group {
				holds := "no "
				if c.Holds {
					holds = "yes"
				}
				e.line("        %s %s: it is %s %s", holds, c.Condition, values(c.Values), c.Error)
			}
		}
	}
}

// computes shows what the tenant makes of what it is given.
func (e explainer) computes() {
	if len(e.x.Computes) == 0 {
		return
	}
	e.gap()
	e.line("computed by the tenant, without a licence for a mailbox and as far as nobody else has the values")
	for _, c := range e.x.Computes {
		mark := ""
		if len(c.Shows) > 0 && !c.Shows.Equal(c.Values) {
			mark = " (shows " + values(c.Shows) + ")"
		}
		e.line("  %s = %s%s", c.Attr, values(c.Values), mark)
	}
}
