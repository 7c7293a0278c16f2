package auth_test

import (
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/auth"
)

// TestTwoProcesses: what one process does another one sees at once, since the service runs while tokens are made and
// agents revoked.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), auth.FileName)
	open := func() *auth.Auth {
		a, err := auth.Open(t.Context(), path, auth.Options{Clock: func() time.Time { return now }, Volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		return a
	}
	service, person := open(), open()
	hash := sha256.Sum256([]byte("secret"))
	want := canopy.Agent{ID: "a1", Domains: []canopy.ConnectorID{"x"}, Enrolled: now, Expires: now.Add(time.Hour), Contact: canopy.AgentContact{Host: "h"}}
	if err := person.AddToken(t.Context(), hash, want.Domains, time.Hour); err != nil {
		t.Fatal(err)
	}
	in := want
	in.Domains = nil // the token says
	if got, err := service.Redeem(t.Context(), hash, in); err != nil || cmp.Diff(want, got) != "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := person.Redeem(t.Context(), hash, canopy.Agent{ID: "a2"}); canopy.KindOf(err) != canopy.Credentials {
		t.Errorf("a second time: got %v", err)
	}
	want.Contact = canopy.AgentContact{At: now, Open: true, Host: "h2", Forests: []canopy.Served{{Forest: "x", Reached: []string{"dc"}}}}
	want.Expires = now.Add(2 * time.Hour)
	for _, err := range []error{service.Saw(t.Context(), "a1", want.Contact), service.Renewed(t.Context(), "a1", want.Expires), person.Revoke(t.Context(), "a1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want.Revoked, now = now, now.Add(time.Minute)
	if err := person.Revoke(t.Context(), "a1"); err != nil { // once is enough: the time stays
		t.Fatal(err)
	}
	got, err := service.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]canopy.Agent{want}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, err := range []error{service.Saw(t.Context(), "no", want.Contact), service.Renewed(t.Context(), "no", now), service.Revoke(t.Context(), "no")} {
		if canopy.KindOf(err) != canopy.NotFound {
			t.Errorf("an agent that there is not: got %v", err)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	for _, x := range []struct {
		a    canopy.Agent
		want canopy.AgentState
	}{
		{canopy.Agent{}, canopy.AgentSilent},
		{canopy.Agent{Contact: canopy.AgentContact{At: at, Open: true}}, canopy.AgentReady},
		{canopy.Agent{Contact: canopy.AgentContact{At: at}}, canopy.AgentSilent},
		{canopy.Agent{Contact: canopy.AgentContact{At: at.Add(-canopy.SilentAfter), Open: true}}, canopy.AgentSilent},
		{canopy.Agent{Revoked: at, Contact: canopy.AgentContact{At: at, Open: true}}, canopy.AgentRevoked},
	} {
		if got := x.a.State(at); got != x.want {
			t.Errorf("%+v: got %s, want %s", x.a, got, x.want)
		}
	}
	a := canopy.Agent{Domains: []canopy.ConnectorID{"Contoso.com"}}
	if !a.May("contoso.COM") || a.May("other.com") {
		t.Error("an agent may serve what its token said, in any case")
	}
}
