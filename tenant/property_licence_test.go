package tenant

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestAnySequenceWithLicences: under quarantine, with licences, groups that give them and objects that are given to the cloud
// and back, no anchor, name or address has two holders, nobody has more licences than there are units, the feed leads to
// what a full read shows, and who is released has lost no claim.
func TestAnySequenceWithLicences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx := context.Background()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		l := newLab(t, mkdir(t, dir, fmt.Sprint(n)))
		defer func() { _ = l.Close() }() // the check has its result
		if err := l.Close(); err != nil {
			r.Fatal(err)
		}
		l.opt.Policy = UniqueQuarantine
		l.open()
		l.ok(l.Admin().SetUnits(ctx, "E1", 1))
		for _, d := range beginning() {
			l.do(d)
		}
		for i := range rapid.IntRange(1, 30).Draw(r, "number") {
			_, id := l.find(rapid.SampledFrom(anchors).Draw(r, "whom"))
			sku := rapid.SampledFrom([]string{"E1", "E3", "ARCHIVE", "P1"}).Draw(r, "sku")
			switch rapid.IntRange(0, 11).Draw(r, "deed") {
			case 0, 1:
				_ = l.Admin().SetAttributes(ctx, id, attrs("usageLocation", "AT"))
				_ = l.Admin().AssignLicence(ctx, id, sku)
			case 2:
				_ = l.Admin().RemoveLicence(ctx, id, sku)
			case 3:
				must(l.Tick(ctx))(t)
			case 4:
				_ = l.Admin().SetCloudManaged(ctx, id, rapid.Bool().Draw(r, "to the cloud"))
			case 5:
				must(l.Admin().Reprocess(ctx, ""))(t)
			case 6:
				l.ok(l.Admin().Release(ctx))
			default:
				l.do(deeds().Draw(r, "a deed"))
			}
			if i%3 != 2 {
				continue
			}
			if bad := l.unique(); bad != "" {
				r.Fatalf("after deed %d: %s", i, bad)
			}
			if d := l.follow(); d != "" {
				r.Fatalf("after deed %d the feed leads elsewhere than a full read (-full +feed):\n%s", i, d)
			}
			for _, s := range must(l.Admin().SKUs(ctx))(t) {
				if s.Consumed > s.Enabled {
					r.Fatalf("after deed %d: %d of %d units of %s are used", i, s.Consumed, s.Enabled, s.PartNumber)
				}
			}
		}
	})
}
