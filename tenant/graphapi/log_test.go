package graphapi

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// TestProvisioningLog: each write of synchronisation is told with its values and what became of it, for thirty days.
func TestProvisioningLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	write := func(e canopy.Export) canopy.Result {
		t.Helper()
		e.ID = 1
		results, err := r.tenant.Door().Write(t.Context(), []canopy.Export{e})
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	name := func(s string) canopy.Attrs {
		return canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(s), canopy.AttrUPN: canopy.Texts("s@contoso.com"), "description": canopy.Texts(strings.Repeat("x", 1000))}
	}
	user := write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: "a1", Set: name("One")}).Anchor
	write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: "a1", Set: name("One")}) // nothing changes
	r.now = r.now.Add(time.Minute)
	write(canopy.Export{Op: canopy.Modify, SourceAnchor: "a1", Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Two"), "city": canopy.Texts("Lund")}})
	group := write(canopy.Export{Op: canopy.Add, Class: canopy.Group, SourceAnchor: "a2", Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("G")}}).Anchor
	write(canopy.Export{Op: canopy.Modify, SourceAnchor: "a2", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: []canopy.Ref{{Anchor: user}}}}})
	if got := write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: "a3", Set: name("Three")}); got.Kind != canopy.Refused {
		t.Fatalf("got %+v", got)
	}
	write(canopy.Export{Op: canopy.Delete, SourceAnchor: "a1"})
	write(canopy.Export{Op: canopy.Delete, SourceAnchor: "a2"})

	log := r.want(200, "GET", "/auditLogs/provisioning", nil)
	var got []string
	for _, p := range log.list() {
		status := p["provisioningStatusInfo"].(map[string]any)
		code := ""
		if e, _ := status["errorInformation"].(map[string]any); e != nil {
			code = fmt.Sprint(" ", e["errorCode"])
		}
		var changed []string
		for _, m := range p["modifiedProperties"].([]any) {
			m := m.(map[string]any)
			if m["displayName"] != "description" {
				changed = append(changed, fmt.Sprintf("%v %v>%v", m["displayName"], m["oldValue"], m["newValue"]))
			} else if len(m["newValue"].(string)) > 300 {
				t.Errorf("a long value is kept: %v", m)
			}
		}
		got = append(got, fmt.Sprintf("%v %v %v%s %v", p["provisioningAction"], p["sourceIdentity"].(map[string]any)["id"], status["status"], code, changed))
	}
	want := []string{"delete a2 success []", "stagedDelete a1 success []", "create a3 failure InvalidSoftMatch []", "update a2 success [member <nil>>" + string(user) + "]",
		"create a2 success [displayName <nil>>G onPremisesImmutableId <nil>>a2]", "update a1 success [city <nil>>Lund displayName One>Two]",
		"create a1 success [displayName <nil>>One onPremisesImmutableId <nil>>a1 userPrincipalName <nil>>s@contoso.com]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	page := r.want(200, "GET", "/auditLogs/provisioning?$top=2&$filter=changeId eq '"+string(group)+"'", nil)
	rest := r.want(200, "GET", page.JSON["@odata.nextLink"].(string), nil)
	if got := append(page.names("provisioningAction"), rest.names("provisioningAction")...); !cmp.Equal(got, []string{"delete", "update", "create"}) {
		t.Errorf("got %v", got)
	}
	r.now = r.now.Add(31 * 24 * time.Hour)
	write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: "a4", Set: canopy.Attrs{canopy.AttrUPN: canopy.Texts("late@contoso.com")}})
	r.token = r.signIn(Roles()...)
	if got := r.want(200, "GET", "/auditLogs/provisioning", nil).list(); len(got) != 1 {
		t.Errorf("got %d after thirty days, want 1", len(got))
	}
}

// TestProvisioningWarning: a value that the service withholds is a warning.
func TestProvisioningWarning(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{policy: "quarantine"})
	r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("s@contoso.com")})
	r.synced(canopy.User, "a2", canopy.Attrs{canopy.AttrUPN: canopy.Texts("s@contoso.com")})
	p := r.want(200, "GET", "/auditLogs/provisioning?$top=1", nil).list()[0]
	status := p["provisioningStatusInfo"].(map[string]any)
	if status["status"] != "warning" || status["errorInformation"].(map[string]any)["errorCode"] != "PropertyConflict" {
		t.Errorf("got %v", p)
	}
}
