package rule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Difference is how one rule differs between two sets.
type Difference struct {
	Rule  canopy.RuleID `json:"rule"`
	Name  string        `json:"name"`
	What  string        `json:"what"` // "added", "removed", "changed", "enabled" or "disabled"
	Parts []Part        `json:"parts,omitempty"`
}

// Part is a part of a rule that differs; "" is not there.
type Part struct {
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Diff lists the rules that differ, by id. What says nothing of what a rule does is not compared: its name, text and file.
func Diff(before, after *Set) []Difference {
	var out []Difference
	for _, id := range idsOf(before, after) {
		a, b := before.byID[id], after.byID[id]
		switch {
		case a == nil:
			out = append(out, Difference{Rule: id, Name: b.Name, What: "added"})
			continue
		case b == nil:
			out = append(out, Difference{Rule: id, Name: a.Name, What: "removed"})
			continue
		}
		d := Difference{Rule: id, Name: b.Name, What: "changed", Parts: partsOf(a, b)}
		switch {
		case len(d.Parts) == 0 && a.Disabled == b.Disabled:
			continue
		case len(d.Parts) == 0 && b.Disabled:
			d.What = "disabled"
		case len(d.Parts) == 0:
			d.What = "enabled"
		case a.Disabled != b.Disabled:
			d.Parts = append([]Part{{What: "disabled", Before: fmt.Sprint(a.Disabled), After: fmt.Sprint(b.Disabled)}}, d.Parts...)
		}
		out = append(out, d)
	}
	return out
}

func idsOf(sets ...*Set) []canopy.RuleID {
	var ids []canopy.RuleID
	for _, s := range sets {
		for id := range s.byID {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// partsOf compares two rules part by part, their flows by the attribute that they fill.
func partsOf(a, b *Rule) []Part {
	var out []Part
	add := func(what, before, after string) {
		if before != after {
			out = append(out, Part{what, before, after})
		}
	}
	add("direction", a.Direction.String(), b.Direction.String())
	add("connector", a.Connector, b.Connector)
	add("source", classes(a.Source), classes(b.Source))
	add("target", string(a.Target), string(b.Target))
	add("link", a.Link.String(), b.Link.String())
	add("precedence", fmt.Sprint(a.Precedence), fmt.Sprint(b.Precedence))
	add("dialect", a.dialect().Name, b.dialect().Name)
	add("scope", saidScope(a.Scope), saidScope(b.Scope))
	add("join", saidJoin(a.Join), saidJoin(b.Join))
	add("match", jsonOf(a.Match), jsonOf(b.Match))
	var attrs []canopy.Attr
	for _, r := range []*Rule{a, b} {
		for i := range r.Flows {
			if !slices.Contains(attrs, r.Flows[i].To) {
				attrs = append(attrs, r.Flows[i].To)
			}
		}
	}
	slices.Sort(attrs)
	for _, to := range attrs {
		add("flow to "+string(to), saidFlows(a, to), saidFlows(b, to))
	}
	return out
}

func classes(list []canopy.Class) string {
	var out []string
	for _, c := range list {
		out = append(out, string(c))
	}
	return strings.Join(out, ", ")
}

func saidScope(groups [][]Condition) string {
	var out []string
	for _, g := range groups {
		out = append(out, saidGroup(g))
	}
	return strings.Join(out, "; or ")
}

func saidJoin(groups [][]JoinOn) string {
	var out []string
	for _, g := range groups {
		var all []string
		for _, on := range g {
			s := fmt.Sprintf("%s = %s", on.Source, on.Target)
			if on.CaseSensitive {
				s += ", by case"
			}
			all = append(all, s)
		}
		out = append(out, strings.Join(all, " and "))
	}
	return strings.Join(out, "; or ")
}

func saidFlows(r *Rule, to canopy.Attr) string {
	var out []string
	for i := range r.Flows {
		if r.Flows[i].To == to {
			out = append(out, r.Flows[i].Said())
		}
	}
	return strings.Join(out, "; then ")
}

// Said is the flow for people: where its value comes from, and how it is taken.
func (f *Flow) Said() string {
	var s string
	switch {
	case f.Expression != "":
		s = f.Expression
	case f.Constant != nil:
		s = "constant " + f.Constant.String()
	default:
		s = "[" + string(f.From) + "]"
	}
	for _, x := range []struct {
		there bool
		said  string
	}{{f.Trim, "trimmed"}, {f.Merge != Update, merges[f.Merge]}, {f.Once, "once"}, {f.Claim != "", "claims " + string(f.Claim)},
		{len(f.Held) > 0, "held in " + jsonOf(f.Held)}, {f.Final, "final"}, {f.Link, "links"}} {
		if x.there {
			s += ", " + x.said
		}
	}
	return s
}

// jsonOf is plain data as text.
func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is plain data
	}
	if string(b) == "null" {
		return ""
	}
	return string(b)
}
