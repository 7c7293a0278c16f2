package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// inTenant runs one command line on a tenant whose new mailboxes have numbered GUIDs.
func inTenant(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	app := App{Out: &o, Err: &e, tenantOptions: tenantOptions()}
	code = app.Run(t.Context(), append([]string{"--dir", dir}, args...))
	return code, o.String(), e.String()
}

func tenantOptions() tenant.Options {
	n := 0
	return tenant.Options{Initial: "contoso.onmicrosoft.com", Durability: tenant.Volatile, NewGUID: func() string {
		n++
		return fmt.Sprintf("00000000-aaaa-4000-8000-%012d", n)
	}}
}

// twoPeople is a state directory with a tenant of a licensed and an unlicensed user.
func twoPeople(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	opt := tenantOptions()
	opt.Domains = []tenant.Domain{{Name: "contoso.com", Verified: true}}
	opt.Seed = func(ctx context.Context, a *tenant.Admin) error {
		for _, name := range []string{"anna", "bert"} {
			id, err := a.CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts(name + "@contoso.com"), "usageLocation": canopy.Texts("AT"), canopy.AttrDisplayName: canopy.Texts(strings.ToUpper(name)),
				canopy.AttrAddresses: canopy.Texts("SMTP:" + name + "@contoso.com")})
			if err != nil {
				return err
			}
			if name == "bert" {
				continue
			}
			if err := a.AssignLicence(ctx, id, "ENTERPRISEPACK"); err != nil {
				return err
			}
		}
		return nil
	}
	w, err := tenant.Open(t.Context(), filepath.Join(dir, run.TenantName), opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTenantCommands runs a line of commands on a tenant; each says its exit code and what it prints.
func TestTenantCommands(t *testing.T) {
	t.Parallel()
	dir := twoPeople(t)
	list := filepath.Join(dir, "mailboxes.csv")
	if err := os.WriteFile(list, []byte("Identity,AddAddress,HiddenFromAddressListsEnabled\nanna,a.novak@contoso.com;an@contoso.com,True\nnobody,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	people := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(people, []byte("EmailAddress\nbert@contoso.com\nnobody@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		code int
		out  string
		errs string // part of it
	}{
		{"tenant recipient get anna", 1, "", "ManagementObjectNotFoundException"},
		{"tenant recipient get bert", 1, "", "The operation couldn't be performed because object 'bert' couldn't be found on 'contoso.onmicrosoft.com'."},
		{"tenant forward anna", 0, "1 objects arrived, 0 mailboxes changed by time, 0 objects on their way\n", ""},
		{"tenant recipient get anna --select name,recipienttype,exchangeguid,skuassigned", 0,
			"Name          : anna\nRecipientType : UserMailbox\nExchangeGuid  : 00000000-aaaa-4000-8000-000000000001\nSKUAssigned   : True\n", ""},
		{"tenant recipient get bert --users --table --select name,recipienttype", 0, "Name RecipientType\n---- -------------\nbert User\n", ""},
		{"tenant recipient get bert --users --select name,*recipient*", 0, "Name                         : bert\nRecipientType                : User\n" +
			"RecipientTypeDetails         : User\nPreviousRecipientTypeDetails : None\nRemoteRecipientType          : None\n", ""},
		{"tenant recipient get bert --users --if-licensed", 0, "It would be a UserMailbox. A cloud user gets a mailbox with the licence. (D8)\n  personal mailbox: create a new one\n", ""},
		{"tenant user get bert --select displayname,userprincipalname,immutableid,islicensed,licenses", 0,
			"DisplayName       : BERT\nUserPrincipalName : bert@contoso.com\nImmutableId       :\nIsLicensed        : False\nLicenses          : {}\n", ""},
		{"tenant mailbox get bert", 1, "", "class: ManagementObjectNotFoundException"},
		{"tenant mailbox list --select Name,IsExchangeCloudManaged", 0, "Name IsExchangeCloudManaged\n---- ----------------------\nanna False\n", ""},
		{"tenant mailbox set anna --cloud-managed", 1, "", "only a synchronised mailbox"},
		{"tenant mailbox set --from-csv " + list, 4, "1 changed, 1 failed\n", "nobody"},
		{"tenant mailbox set --filter Name=a* --content letters", 0, "1 changed, 0 failed\n", ""},
		{"tenant mailbox set anna --add-address anna@elsewhere.com", 1, "", "not an accepted domain"},
		{"tenant mailbox set anna --add-address bert@contoso.com", 1, "", "already being used"},
		{"tenant recipient get anna --csv --select Name,EmailAddresses,Hidden*", 0,
			"Name,EmailAddresses,HiddenFromAddressListsEnabled\nanna,\"{SMTP:anna@contoso.com, smtp:a.novak@contoso.com, smtp:an@contoso.com, smtp:anna@contoso.onmicrosoft.com}\",True\n", ""},
		{"tenant gal", 0, "", ""},
		{"tenant mailbox list --all --select Name,State,Content", 0, "Name             State  Content\n----             -----  -------\nanna@contoso.com active letters\n", ""},
		{"tenant recipient get anna --select nothing", 1, "", "there is no such column"},
		{"tenant clear-previous-mailbox bert", 1, "", "--yes"},
		{"tenant clear-previous-mailbox anna --yes", 1, "", "no mailbox and no licence"},
		{"tenant clear-previous-mailbox bert --yes", 0, "Done: bert\n", ""},
		{"tenant recipient get bert --users --select prev*", 0, "PreviousRecipientTypeDetails : MailUser\n", ""},
		{"tenant move new anna", 2, "", "--to takes cloud or forest"},
		{"tenant move new anna --to forest", 1, "", "class: MigrationPermanentException"},
		{"tenant move list --csv --select name,status,direction", 0, "Name,Status,Direction\nanna,Failed,offboarding\n", ""},
		{"tenant move get anna --select Error", 0, "Error : MigrationPermanentException: Cannot find a recipient that has mailbox GUID '00000000-aaaa-4000-8000-000000000001'. --> " +
			"Cannot find a recipient that has mailbox GUID '00000000-aaaa-4000-8000-000000000001'.\n", ""},
		{"tenant move new anna --to forest", 1, "", "class: UserAlreadyBeingMigratedException"},
		{"tenant move complete anna", 1, "", "the move is Failed"},
		{"tenant move new bert nobody --to forest --batch wave1 --no-start", 4, "", "nobody"},
		{"tenant move list --batches", 0, "Identity Status  Type        TotalCount SyncedCount FinalizedCount FailedCount\n" +
			"-------- ------  ----        ---------- ----------- -------------- -----------\nwave1    Created offboarding 1          0           0              0\n", ""},
		{"tenant move new --from-csv " + people + " --to cloud", 4, "", "there is a move of this mailbox already"},
		{"tenant move remove --batch wave1", 0, "", ""},
		{"tenant move remove anna", 0, "Name   : anna\nStatus : removed\n", ""},
		{"tenant move get anna", 1, "", "class: MoveRequestNotFoundException"},
		{"tenant mailbox purge 00000000-aaaa-4000-8000-000000000001", 1, "", "in use"},
		{"tenant mailbox restore 00000000-aaaa-4000-8000-000000000001", 2, "", "--to"},
		{"tenant domain list --csv", 0, "DomainName,DomainType,Default,IsCoexistenceDomain\ncontoso.onmicrosoft.com,Authoritative,True,False\ncontoso.com,Authoritative,False,False\n", ""},
		{"tenant domain list --all --csv", 0, "DomainName,IsVerified,AuthenticationType\ncontoso.onmicrosoft.com,True,Managed\ncontoso.com,True,Managed\n", ""},
		{"tenant domain set contoso.com --federated", 0, "Done: contoso.com\n", ""},
		{"tenant domain list --all --csv", 0, "DomainName,IsVerified,AuthenticationType\ncontoso.onmicrosoft.com,True,Managed\ncontoso.com,True,Federated\n", ""},
		{"tenant domain set fabrikam.com --federated", 1, "", "only a verified domain"},
		{"tenant domain set contoso.com", 2, "", "--federated=false"},
		{"tenant switch set uniqueness maybe", 1, "", "there is no such uniqueness policy"},
		{"tenant switch set uniqueness quarantine", 0, "Done: uniqueness quarantine\n", ""},
		{"tenant switch list --csv", 0, "Switch,Value\nblockSoftMatch,off\nblockCloudObjectTakeoverThroughHardMatch,off\nsoftMatchOnUpn,on\nrefuseMalformedAddresses,off\n" +
			"refuseFederatedDomainChange,off\nallowOnPremUpdateOfOnPremisesObjectIdentifier,off\ndenySynchronizationAccount,off\nsynchronization,on\nuniqueness,quarantine\n", ""},
		{"tenant audit --most 1 --select Activity,Changed", 0, "Activity              Changed\n--------              -------\nSet uniqueness policy uniqueness: fail -> quarantine\n", ""},
		{"tenant setting set previousRecipientTypeDetails UserMailbox", 1, "", "there is no such switch"},
		{"tenant route bert@contoso.com --from cloud", 0, "Address            : bert@contoso.com\nFrom               : cloud\nRecipient          : bert\nKnown in the cloud : no\n" +
			"Known on premises  : no\nWay                : Exchange Online takes the message; 5.1.10 recipient not found\nReceives           :\n" +
			"Outlook's calendar :\nTeams' calendar    :\nWhy                : there is neither a mailbox nor an address to send on to\n", ""},
		{"anchor lBpOBpkxp0mcszzjQSQk1g== 064e1a94-3199-49a7-9cb3-3ce3412424d6 --json", 0, "", ""},
		{"anchor lBpOBpkxp0mcszzjQSQk1g== 9e58304a-ed80-416a-8eac-f2e769056e52", 1, "", ""},
		{"anchor nothing", 1, "", "it is no GUID"},
	} {
		code, out, errs := inTenant(t, dir, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(errs, c.errs) {
			t.Errorf("canopy %s: got exit code %d and %q, want %d and %q", c.line, code, errs, c.code, c.errs)
		}
		if c.out != "" {
			if diff := cmp.Diff(c.out, out); diff != "" {
				t.Errorf("canopy %s (-want +got):\n%s", c.line, diff)
			}
		}
	}
}

// TestTenantJSON: what is for programs is one JSON document.
func TestTenantJSON(t *testing.T) {
	t.Parallel()
	dir := twoPeople(t)
	for _, line := range []string{"tenant forward", "tenant tick", "tenant recipient get anna", "tenant recipient list", "tenant mailbox list --all", "tenant recipient list --select name",
		"tenant gal", "tenant domain list", "tenant setting list", "tenant move list", "tenant move list --batches", "tenant route anna@contoso.com", "tenant recipient get anna --if-synced 064e1a94-3199-49a7-9cb3-3ce3412424d6"} {
		code, out, errs := inTenant(t, dir, append(strings.Fields(line), "--json")...)
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Errorf("canopy %s --json: exit code %d, %v: %q %s", line, code, err, out, errs)
		}
	}
}
