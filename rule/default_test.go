package rule

import (
	_ "embed"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

//go:embed testdata/default-attributes.txt
var defaultAttributes string

// defaultRow is an attribute that the default rules carry.
type defaultRow struct {
	class    canopy.Class // of the tenant
	meta, to canopy.Attr
	off      bool
}

func defaultRows(t *testing.T) []defaultRow {
	t.Helper()
	var out []defaultRow
	for line := range strings.Lines(defaultAttributes) {
		head, rest, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		class, off := strings.CutSuffix(head, " off")
		for _, word := range strings.Fields(rest) {
			from, to, renamed := strings.Cut(word, ">")
			if !renamed {
				to = from
			}
			out = append(out, defaultRow{class: canopy.Class(class), meta: canopy.Attr(from), to: canopy.Attr(to), off: off})
		}
	}
	if len(out) < 250 {
		t.Fatalf("the table has %d rows", len(out))
	}
	return out
}

// sourcesOf are the classes of a forest that become a class of the tenant.
var sourcesOf = map[canopy.Class][]canopy.Class{canopy.User: {canopy.User, canopy.InetOrgPerson}, canopy.Group: {canopy.Group}, canopy.Contact: {canopy.Contact}}

// TestDefaultAttributes: every attribute of the table comes from each class of a forest, and goes to the tenant, by
// rules in force; those that are marked by rules that are switched off, and by no other.
func TestDefaultAttributes(t *testing.T) {
	t.Parallel()
	s := builtinSet(t, "mail")
	carried := map[canopy.Class]map[canopy.Attr]bool{}
	for _, r := range defaultRows(t) {
		if carried[r.class] == nil {
			carried[r.class] = map[canopy.Attr]bool{}
		}
		carried[r.class][r.to] = true
		metaClass := canopy.Person
		if r.class == canopy.Group {
			metaClass = canopy.Group
		}
		for _, source := range sourcesOf[r.class] {
			if on, off := flowing(s, In, source, metaClass, r.meta, ""); on == r.off || off != r.off {
				t.Errorf("%s of %s: flows in by rules in force: %t, by others: %t", r.meta, source, on, off)
			}
		}
		if on, off := flowing(s, Out, metaClass, r.class, r.to, r.meta); on == r.off || off != r.off {
			t.Errorf("%s to %s of %s: flows out by rules in force: %t, by others: %t", r.meta, r.to, r.class, on, off)
		}
	}
	for _, r := range s.All() {
		for i := range r.Flows {
			if f := &r.Flows[i]; r.Direction == Out && !carried[r.Target][f.To] {
				t.Errorf("%s of %s is written and not in the table", f.To, r.Target)
			}
		}
	}
}

// flowing tells whether a flow of a rule in force fills an attribute, and whether one of a rule that is switched off does.
// from is what it reads, "" for anything.
func flowing(s *Set, d Direction, source, target canopy.Class, to, from canopy.Attr) (on, off bool) {
	for _, r := range s.All() {
		if r.Direction != d || !slices.Contains(r.Source, source) || r.Target != target {
			continue
		}
		for i := range r.Flows {
			f := &r.Flows[i]
			reads := f.From == from || f.program != nil && slices.Contains(f.program.Attrs(), string(from))
			if f.To != to || f.stops || from != "" && !reads {
				continue
			}
			on, off = on || !r.Disabled, off || r.Disabled
		}
	}
	return on, off
}
