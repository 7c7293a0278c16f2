package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"pgregory.net/rapid"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	count := func(r canopy.Regret, class canopy.Class, container string, n, of int) canopy.RegretCount {
		return canopy.RegretCount{Regret: r, Connector: canopy.Tenant, Class: class, Container: container, Count: n, Of: of}
	}
	tests := []struct {
		name   string
		limits Limits
		counts []canopy.RegretCount
		want   []string // parts of the breaches' texts
	}{
		{"few", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 5, 8)}, nil},
		{"a share", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 11, 100)}, []string{"delete: 11 of 100 user objects (11.0 %)"}},
		{"just not", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 10, 100)}, nil},
		{"a number", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 501, 100000)}, []string{"501 of 100000"}},
		{"a container", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 9, 1000), count(canopy.RegretDelete, "user", "OU=Sales", 9, 9)},
			[]string{"OU=Sales"}},
		{"a container of unknown size", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretDelete, "user", "OU=Sales", 9, 0)}, nil},
		{"classes together", Limits{canopy.RegretDelete: {Number: 10}}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 6, 100), count(canopy.RegretDelete, "group", "", 6, 100)},
			[]string{"delete: 12 of 200 objects"}},
		{"never", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretAnchor, "user", "", 1, 100)}, []string{"anchor: 1 of 100"}},
		{"takeovers at the start", DefaultLimits(), []canopy.RegretCount{count(canopy.RegretTakeover, "user", "", 51, 0)}, []string{"takeover: 51"}},
		{"not limited", Limits{}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 100, 100)}, nil},
		{"nothing at all", Limits{canopy.RegretDelete: {}}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 1, 100)}, []string{"0 are allowed"}},
		{"a share alone", Limits{canopy.RegretDelete: {Percent: 50}}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 51, 100)}, []string{"50 are allowed"}},
		{"all is allowed", Limits{canopy.RegretDelete: {Number: 1 << 30, Percent: 100}}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 100, 100)}, nil},
		{"all is allowed, of unknown", Limits{canopy.RegretDelete: {Number: 1 << 30, Percent: 100}}, []canopy.RegretCount{count(canopy.RegretDelete, "user", "", 100, 0)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Judge(tt.limits, canopy.Totals{Regrets: tt.counts})
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v, want %d breaches", got, len(tt.want))
			}
			for i, b := range got {
				if !strings.Contains(b.Text, tt.want[i]) {
					t.Errorf("got %q, want %q in it", b.Text, tt.want[i])
				}
			}
		})
	}
}

func TestJudge_neverMoreDeletesThanAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := Limit{Number: rapid.IntRange(0, 50).Draw(t, "number"), Percent: float64(rapid.IntRange(0, 100).Draw(t, "percent")),
			Least: rapid.IntRange(0, 5).Draw(t, "least")}
		n, of := rapid.IntRange(0, 120).Draw(t, "count"), rapid.IntRange(1, 120).Draw(t, "of")
		breaches := Judge(Limits{canopy.RegretDelete: limit}, canopy.Totals{Regrets: []canopy.RegretCount{{Regret: canopy.RegretDelete, Count: n, Of: of}}})
		over := limit.Number > 0 && n > limit.Number
		if limit.Percent > 0 && limit.Percent < 100 && float64(n) > limit.Percent*float64(of)/100 && n > limit.Least {
			over = true
		}
		if limit.Number == 0 && limit.Percent == 0 && n > 0 {
			over = true
		}
		if over != (len(breaches) > 0) {
			t.Fatalf("%d of %d under %+v: got %v", n, of, limit, breaches)
		}
	})
}

func TestJudgeRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		n    ReadCounts
		want int
	}{
		{"nothing is missing", ReadCounts{Before: 100}, 0},
		{"the first read", ReadCounts{}, 0},
		{"a few", ReadCounts{Before: 100, Missing: 10}, 0},
		{"many", ReadCounts{Before: 100, Missing: 21}, 1},
		{"nothing is left", ReadCounts{Before: 3, Missing: 3}, 1},
		{"a container", ReadCounts{Before: 1000, Missing: 15, ByContainer: map[string]int{"OU=A": 15}, Containers: map[string]int{"OU=A": 20}}, 1},
		{"both", ReadCounts{Before: 100, Missing: 50, ByContainer: map[string]int{"OU=A": 50}, Containers: map[string]int{"OU=A": 50}}, 2},
		{"a small container", ReadCounts{Before: 1000, Missing: 5, ByContainer: map[string]int{"OU=A": 5}, Containers: map[string]int{"OU=A": 5}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.n.Connector = "contoso"
			got := JudgeRead(DefaultReadLimits(), tt.n)
			if len(got) != tt.want {
				t.Fatalf("got %+v, want %d breaches", got, tt.want)
			}
			for _, b := range got {
				if b.Regret != RegretMissing || !strings.Contains(b.Text, "contoso") {
					t.Errorf("got %+v", b)
				}
			}
		})
	}
}

func TestTotaler(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "none")
	var all []*canopy.Entry
	for i := range 20 {
		all = append(all, w.user("contoso", fmt.Sprint("p", i), fmt.Sprintf("p%d@x.com", i)))
	}
	w.sync()
	for _, e := range all[:8] {
		e.State = canopy.Gone
	}
	setAttrs(all[8], "userAccountControl=514")
	population := []canopy.RegretCount{{Connector: canopy.Tenant, Class: canopy.User, Of: 20}, {Connector: canopy.Tenant, Class: canopy.User, Container: "OU=People,DC=contoso", Of: 20}}
	totaler := NewTotaler(population)
	for _, item := range w.plan(6) {
		totaler.Add(&item)
	}
	totals := totaler.Totals()
	entries := totals.Entries["contoso"]
	if entries["out of scope"] != 8 || entries["planned"] != 1 || entries["unchanged"] != 11 {
		t.Errorf("entries: got %v", entries)
	}
	if got := totals.Exports[canopy.Tenant]; got["delete user"] != 8 || got["modify user"] != 1 {
		t.Errorf("exports: got %v", got)
	}
	breaches := Judge(DefaultLimits(), totals)
	if len(breaches) != 1 || breaches[0].Count != 8 || breaches[0].Of != 20 || breaches[0].Regret != canopy.RegretDelete || breaches[0].Percent != 40 {
		t.Errorf("breaches: got %+v", breaches)
	}
}
