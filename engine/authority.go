package engine

import (
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// authority says who masters a target's object.
type authority uint8

const (
	ofSources  authority = iota // what the rules say counts
	ofCloud                     // the target's own administrators master all of it
	ofExchange                  // they master its Exchange attributes
	returned                    // nobody, or the cloud, at present: it was given back, or restored there, and the next write takes it again
)

// The authority as people know it.
var authorities = [...]string{
	ofCloud:    "the cloud manages it (isCloudManaged)",
	ofExchange: "the cloud manages its Exchange attributes (isExchangeCloudManaged)",
	returned:   "it is the cloud's until it is written (given back, or restored there)",
}

// authorityOf reads from a target's object who masters it.
func authorityOf(e *canopy.Entry) authority {
	says := func(a canopy.Attr) bool {
		v, ok := e.Attrs.First(a)
		return ok && v.True()
	}
	switch {
	case e.State == canopy.Gone:
		return ofSources
	case says(canopy.AttrCloudManaged):
		return ofCloud
	case says(canopy.AttrExchangeManaged):
		return ofExchange
	case says(canopy.AttrCloudMastered) && e.SourceAnchor != "":
		return returned
	}
	return ofSources
}

// ofCloud tells whether an attribute of the target's object is not the sources'.
func (o *outbound) ofCloud(attr canopy.Attr) bool {
	switch o.master {
	case ofCloud:
		return true
	case ofExchange:
		return rule.OfExchange(attr)
	case ofSources, returned:
	}
	return false
}

// keepHeld lets a unit want what a target's object holds of the kinds that are not the sources': it keeps that, and what
// the sources say of it instead is free for others.
func (b *bench) keepHeld(o *outbound) {
	a := o.master
	if a != ofCloud && a != ofExchange {
		return
	}
	for _, c := range b.p.e.rules.EntryClaims(o.conn.Kind, o.entry) {
		if b.p.e.claims(c.Kind) && (a == ofCloud || c.Kind == canopy.ClaimAddress || c.Kind == canopy.ClaimAlias) {
			o.wishes = append(o.wishes, wish{claim: c})
		}
	}
}

// drift says what the sources have otherwise than the target's administrators, who master it: it is not written.
func (d *drafter) drift(u *unit, o *outbound, item *canopy.PlanItem) error {
	a := o.master
	if a != ofCloud && a != ofExchange {
		return nil
	}
	if a == ofCloud {
		item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldAuthority, Whole: true,
			Text: authorities[ofCloud] + ": nothing is written, and it is not deleted, until it is given back"})
	}
	for i := range o.values {
		v := &o.values[i]
		had := o.entry.Attrs[v.attr]
		if !o.ofCloud(v.attr) || v.keep || had.Equal(v.values) {
			continue
		}
		item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldAuthority, Attr: v.attr, Value: textOf(v.values),
			Text: fmt.Sprintf("%s: %s: it holds %s, and what the forest says is not written: %s", v.attr, authorities[a], textOf(had), textOf(v.values))})
	}
	return d.linkDrift(u, o, item)
}

// linkDrift is drift for links: how many the sources have added and removed.
func (d *drafter) linkDrift(u *unit, o *outbound, item *canopy.PlanItem) error {
	var apart canopy.PlanItem
	if err := d.links(u, o, &apart, o.ofCloud); err != nil {
		return err
	}
	for _, l := range apart.Links {
		if l.Added+l.Removed > 0 {
			item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldAuthority, Attr: l.Attr, Value: fmt.Sprintf("+%d -%d", l.Added, l.Removed),
				Text: fmt.Sprintf("%s: %s: what the forest has added and removed is not written: +%d -%d", l.Attr, authorities[o.master], l.Added, l.Removed)})
		}
	}
	return nil
}

// adopt joins an object of the target's own that its administrators master, and that is somebody's by its key. Nothing is
// written to it.
func (d *drafter) adopt(o *outbound, item *canopy.PlanItem) {
	item.Joins = append(item.Joins, canopy.EntryJoin{Entry: o.match.entry.ID,
		Via: canopy.Joined{Kind: canopy.Matched, Rule: o.rule.ID, On: o.match.how + " = " + o.match.value}})
	item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldAuthority, Whole: true,
		Text: authorities[ofCloud] + ": nothing is written until it is given back"})
}

// Why an export takes back what the target's administrators mastered.
const (
	whyReturned         = "it is the cloud's until it is written (given back, or restored there): what the cloud has changed meanwhile is overwritten"
	whyExchangeReturned = "its Exchange attributes were given back to the forest: what the cloud has changed meanwhile is overwritten"
)

// takeBack says of the exports to an object that was given back why they are, and makes one where there is nothing else to
// write: until then the object stays the cloud's.
func (d *drafter) takeBack(u *unit, o *outbound, release, main *canopy.PlannedExport) {
	first := main
	if len(main.Changes) == 0 && len(release.Changes) > 0 {
		first = release
	}
	switch {
	case o.master == returned:
		first.Why = whyReturned
		if len(first.Changes) == 0 {
			first.Export.Set = canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts(o.entry.SourceAnchor)}
		}
	case o.master != ofSources || !u.exchangeWasHeld(first.Changes):
		return
	default:
		first.Why = whyExchangeReturned
	}
	first.Regrets = append(first.Regrets, canopy.RegretTakeover)
}

// exchangeWasHeld tells whether one of the changes is of an Exchange attribute that the last plan left to the cloud.
func (u *unit) exchangeWasHeld(changes []canopy.AttrChange) bool {
	for _, c := range changes {
		if rule.OfExchange(c.Attr) && u.wasHeld(c.Attr) {
			return true
		}
	}
	return false
}

// wasHeld tells whether the last plan left an attribute to the target's administrators.
func (u *unit) wasHeld(attr canopy.Attr) bool {
	if u.old == nil {
		return false
	}
	for _, h := range u.old.Held {
		if h.Reason == canopy.HeldAuthority && h.Attr == attr {
			return true
		}
	}
	return false
}

// settleAuthority holds what cannot be written for who masters it: an object that was given back and that the target does
// not let be taken, or one whose place an object of another class has that the target's administrators master.
func (o *outbound) settleAuthority() {
	hold := func(text string) {
		o.held = append(o.held, canopy.Held{Reason: canopy.HeldAuthority, Whole: true, Text: text})
	}
	if why := o.conn.Params[canopy.Unmatched+"anchor"]; why != "" && o.master == returned && o.class == canopy.User {
		hold(authorities[returned] + ", and cannot be taken: " + why)
	}
	for _, e := range o.stale {
		if authorityOf(e) == ofCloud {
			hold("the target has a " + string(e.Class) + " in its place, and " + authorities[ofCloud] + ": give it back first")
		}
	}
}
