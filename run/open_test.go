package run

import (
	"testing"

	"github.com/canopy-sync/canopy"
)

// TestOpenTenant: who opens a state directory has its tenant, so that a cycle lets it do its background work.
func TestOpenTenant(t *testing.T) {
	t.Parallel()
	l, p := &Local{}, &Parts{Target: Space{ID: canopy.Tenant}}
	if err := l.connect(t.Context(), &OpenOptions{Dir: t.TempDir()}, &Config{}, p); err != nil {
		t.Fatal(err)
	}
	if p.Tenant == nil || p.Target.Connector == nil {
		t.Errorf("got the tenant %v and the connector %v, want both", p.Tenant, p.Target.Connector)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
