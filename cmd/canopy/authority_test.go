package main

import (
	"strings"
	"testing"
)

// TestAuthorityObeyed walks the way of an administrator who gives people to the cloud and takes them back. The lab's forests
// are gone after it, so runs read the tenant alone.
func TestAuthorityObeyed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	const ananya = "ananya.bose@contoso.com"
	must(t, dir, "tenant", "user", "convert-authority", ananya, "--to", "cloud")
	_, out, _ := command(t, dir, "run")
	if !strings.Contains(out, "held back, cloud-managed: 1") {
		t.Errorf("the run after it was given to the cloud does not say that it is held back:\n%s", out)
	}
	for _, want := range []string{"the cloud manages it (isCloudManaged)", "HELD BACK the cloud manages it", "computed by the tenant", "cloudUserPrincipalName = ananya.bose@contoso.com", "asks for a partner by mail = ", "userPrincipalName = ananya.bose@contoso.com"} {
		if out := must(t, dir, "explain", ananya); !strings.Contains(out, want) {
			t.Errorf("explain lacks %q:\n%s", want, out)
		}
	}
	must(t, dir, "tenant", "user", "convert-authority", ananya, "--to", "forest")
	_, out, _ = command(t, dir, "plan")
	if want := "it is the cloud's until it is written (given back, or restored there): what the cloud has changed meanwhile is overwritten"; !strings.Contains(out, want) {
		t.Errorf("the plan after it was given back lacks %q:\n%s", want, out)
	}
	command(t, dir, "run")
	if out := must(t, dir, "tenant", "user", "get", ananya); !strings.Contains(out, "DirSyncEnabled    : True") {
		t.Errorf("it is not the forest's again:\n%s", out)
	}
}
