package rule_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/tenant"
)

// TestExchangeAttrs: the table names what the tenant holds to be Exchange's, and nothing else; its forest's names are
// attributes that rules may read, and the built-in rules carry each from the one to the other.
func TestExchangeAttrs(t *testing.T) {
	t.Parallel()
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		t.Fatal(err)
	}
	written := set.Writes("tenant")
	for attr := range written {
		if got, want := rule.OfExchange(attr), tenant.Exchanges(attr); got != want {
			t.Errorf("%s: the table says %v, the tenant %v", attr, got, want)
		}
	}
	_, reads := set.Reads("ad")
	read := map[canopy.Attr]bool{}
	for _, a := range reads {
		read[a] = true
	}
	back := 0
	for attr, x := range rule.ExchangeAttrs() {
		if !tenant.Exchanges(attr) || !tenant.Takes(canopy.User, attr) && !tenant.Takes(canopy.Group, attr) {
			t.Errorf("%s: the tenant does not take it, or does not hold it to be Exchange's", attr)
		}
		if written[attr] && !read[x.Forest] {
			t.Errorf("%s: the built-in rules write it and do not read %s", attr, x.Forest)
		}
		if x.Back {
			back++
		}
		if strings.Contains(x.Property, "-") {
			t.Errorf("%s: the property is %q", attr, x.Property)
		}
	}
	if back != 24 {
		t.Errorf("%d attributes may be written back, want 24", back)
	}
}
