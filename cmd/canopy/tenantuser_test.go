package main

import (
	"strings"
	"testing"
)

// TestDirectoryCommands runs a line of commands on a tenant's directory; each says its exit code and what it prints.
func TestDirectoryCommands(t *testing.T) {
	t.Parallel()
	dir := twoPeople(t)
	lines := []struct {
		args string
		code int
		out  string // a part of what it prints
		errs string
	}{
		{"user list --csv", exitDone, "ANNA,anna@contoso.com,anna@contoso.com,cloud,ENTERPRISEPACK,", ""},
		{"user set bert --usage-location Austria", exitUsage, "", "two letters"},
		{"user set bert", exitUsage, "", "--add-role"},
		{"user set bert --add-role Reader --usage-location AT", exitDone, "Done", ""},
		{"user list --csv --select DisplayName,Roles", exitDone, "BERT,Reader", ""},
		{"user set bert --remove-role Reader", exitDone, "Done", ""},
		{"user list --csv --select DisplayName,Roles", exitDone, "BERT,\n", ""},
		{"user new carla@contoso.com --display-name Carla --address carla@contoso.com --usage-location AT", exitDone, "Done: carla@contoso.com ", ""},
		{"user new carla@contoso.com", exitFailed, "", "already held by"},
		{"user new dora@contoso.com --usage-location Austria", exitUsage, "", "two letters"},
		{"recipient parse --details 2147483648 --display=-2147483642 --remote 6 --csv --select Together,InTheCloud", exitDone, "\"remote mailbox, migrated\",UserMailbox", ""},
		{"recipient parse --remote 100", exitDone, "RemoteRecipientType  : 100 Migrated, SharedMailbox", ""},
		{"recipient parse --details 1 --display=-1073739511 --csv --select RecipientDisplayType,Together", exitDone, "-1073739511 0xC0000909 SyncedUSGasUSG,not written by Exchange", ""},
		{"recipient parse", exitUsage, "", "--details"},
		{"recipient parse --display lots", exitFailed, "", "32 bits"},
		{"recipient parse --remote Provision", exitFailed, "", "Provision"},
		{"licence list --csv", exitDone, "ENTERPRISEPACK,Office 365 E3,E3,10000,1", ""},
		{"licence assign bert E9", exitFailed, "", "canopy tenant licence list"},
		{"licence assign bert E1", exitDone, "Done", ""},
		{"licence assign bert E3", exitFailed, "", "exclude each other"},
		{"licence assign bert E3 --instead-of E1 --without TEAMS1", exitDone, "Done", ""},
		{"licence list bert --csv", exitDone, "ENTERPRISEPACK,directly,Active,None,TEAMS1", ""},
		{"licence remove bert E1", exitFailed, "", "does not have a corresponding license"},
		{"licence units E5 0", exitDone, "Done", ""},
		{"licence units E5 many", exitUsage, "", "no number"},
		{"licence remove bert E3", exitDone, "Done", ""},
		{"licence assign bert E5", exitFailed, "", "canopy tenant licence units"},
		{"licence reprocess", exitDone, "0 users looked at", ""},
		{"user set-immutable-id bert IkTni9mw7Ee4YefeGpz7IA==", exitDone, "Done", ""},
		{"user set-immutable-id anna IkTni9mw7Ee4YefeGpz7IA==", exitFailed, "", "already held by"},
		{"user convert-authority bert --to cloud", exitFailed, "", "not synchronised"},
		{"user convert-authority bert", exitUsage, "", "--to takes"},
		{"user delete bert", exitDone, "Done", ""},
		{"user list --deleted --csv", exitDone, "BERT,bert@contoso.com,", ""},
		{"user restore carl", exitFailed, "", "canopy tenant user list --deleted"},
		{"user restore bert@contoso.com --new-upn bertold@contoso.com", exitDone, "Done", ""},
		{"user delete bertold@contoso.com", exitDone, "Done", ""},
		{"user purge bertold@contoso.com", exitDone, "Done", ""},
		{"user purge bertold@contoso.com", exitFailed, "", "no such deleted user"},
		{"domain add fabrikam.com", exitDone, "Done", ""},
		{"domain verify fabrikam.com", exitDone, "Done", ""},
		{"domain verify contoso.org", exitFailed, "", "canopy tenant domain add contoso.org"},
		{"domain list --csv", exitDone, "fabrikam.com,Authoritative", ""},
		{"switch list --csv", exitDone, "blockSoftMatch,off", ""},
		{"switch set blockSoftMatch on", exitDone, "Done", ""},
		{"switch set softMatchOnUpn off", exitFailed, "", "cannot be turned off again"},
		{"switch set nonsense on", exitUsage, "", "blockSoftMatch"},
		{"switch set synchronization off", exitDone, "Done", ""},
		{"switch set synchronization on", exitFailed, "", "can be switched on again after"},
		{"switch list --csv", exitDone, "synchronization,off", ""},
		{"audit --csv --most 3", exitDone, "administrator,Set DirSyncEnabled flag,contoso.onmicrosoft.com,onPremisesSyncEnabled: true -> false", ""},
		{"audit anna --csv", exitDone, "administrator,Change user license,anna@contoso.com", ""},
		{"audit --json --most 1", exitDone, `"activity":"Set DirSyncEnabled flag"`, ""},
	}
	for _, l := range lines {
		code, out, errs := inTenant(t, dir, append([]string{"tenant"}, strings.Fields(l.args)...)...)
		if code != l.code || !strings.Contains(out, l.out) || !strings.Contains(errs, l.errs) {
			t.Errorf("canopy tenant %s: exit code %d, want %d\nstdout: %s\nwant: %s\nstderr: %s\nwant: %s", l.args, code, l.code, out, l.out, errs, l.errs)
		}
	}
}
