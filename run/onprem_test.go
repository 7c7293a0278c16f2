package run

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/recipient"
)

// onpremForest is a state directory with one forest with Exchange's schema, and the forests' side of Exchange on it.
func onpremForest(t *testing.T) (*OnPrem, *forest.Server) {
	t.Helper()
	const password = "Passw0rd!"
	f, err := forest.Start(t.Context(), forest.Options{Domain: "contoso.lab", Exchange: true, Seed: 1,
		Accounts: []forest.Account{{Name: "canopy", Password: password, Rights: forest.Rights{Write: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	dir := t.TempDir()
	config := fmt.Sprintf("forests:\n- name: contoso.lab\n  servers: ['%s']\n  ca: ca.pem\n  bind: {account: 'CONTOSO\\canopy', password_file: password}\n  write: true\n"+
		"  exchange: {coexistence: contoso.mail.onmicrosoft.com}\n", f.URL())
	for name, text := range map[string]string{"ca.pem": string(f.CA()), "password": password, ConfigName: config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Add("CN=Anna,CN=Users,DC=contoso,DC=lab", map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"anna"}, "userPrincipalName": {"anna@contoso.com"}}); err != nil {
		t.Fatal(err)
	}
	p, err := OpenOnPrem(t.Context(), OpenOptions{Dir: dir, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	n := byte(0)
	p.NewGUID = func() recipient.GUID { n++; return recipient.GUID{15: n} }
	return p, f
}

// TestStampCompares: what changed between the decision and the write is not overwritten, and nothing of it is written.
func TestStampCompares(t *testing.T) {
	t.Parallel()
	p, f := onpremForest(t)
	w := Wish{Identity: "anna", Ask: onprem.Ask{Noun: onprem.RemoteMailbox, Verb: onprem.Enable, Archive: true}}
	s, err := p.Decide(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	const dn = "CN=Anna,CN=Users,DC=contoso,DC=lab"
	if err := f.Modify(dn, forest.Mod{Op: "replace", Attr: "mailNickname", Values: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.write(t.Context(), s); canopy.KindOf(err) != canopy.Conflict || !strings.Contains(err.Error(), "mailNickname") {
		t.Errorf("got %v, want a conflict over mailNickname", err)
	}
	if got, _ := f.Object(dn, "msExchRecipientTypeDetails", "proxyAddresses"); len(got) > 0 {
		t.Errorf("something was written: %v", got)
	}
	if s, err = p.Do(t.Context(), w); err != nil || !s.Written {
		t.Fatalf("again: %+v, %v", s, err)
	}
	got, _ := f.Object(dn, "mailNickname", "targetAddress", "msExchArchiveGUID")
	if got["mailNickname"][0] != "other" || got["targetAddress"][0] != "SMTP:other@contoso.mail.onmicrosoft.com" || got["msExchArchiveGUID"][0][15] != 5 {
		t.Errorf("got %v, want what the object has now", got)
	}
}

// TestNewAccount: an account is made with its mailbox in one write, where the container says, and not twice.
func TestNewAccount(t *testing.T) {
	t.Parallel()
	p, f := onpremForest(t)
	w := Wish{Parent: "CN=Users,DC=contoso,DC=lab", Ask: onprem.Ask{Noun: onprem.RemoteMailbox, Verb: onprem.New,
		Account: onprem.Account{Name: "Berg, Otto", UPN: "otto@contoso.com", SAM: "otto", Password: "Passw0rd!"}}}
	s, err := p.Do(t.Context(), w)
	if err != nil || !s.Written {
		t.Fatalf("got %+v, %v", s, err)
	}
	for _, c := range s.Changes {
		if c.Attr == "unicodePwd" && c.After.Strings()[0] != "(hidden)" {
			t.Error("the password is shown")
		}
	}
	got, _ := f.Object(`CN=Berg\, Otto,CN=Users,DC=contoso,DC=lab`, "userAccountControl", "msExchRemoteRecipientType", "displayName")
	if fmt.Sprint(got) != "map[displayName:[Berg, Otto] msExchRemoteRecipientType:[1] userAccountControl:[512]]" {
		t.Errorf("got %v", got)
	}
	w.Ask.Account.Name = "Another"
	if _, err := p.Do(t.Context(), w); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("the same sign-in name again: got %v, want a conflict", err)
	}
}

// TestProbe: an endpoint that does not answer is said to be so, by port and certificate.
func TestProbe(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, f := range probeEndpoint(t.Context(), "127.77.77.77", nil) {
		if f.Says == "" {
			t.Errorf("%s says nothing", f.What)
		}
		got[f.What] = f.Good
	}
	if want := map[string]bool{"port_443": false, "port_25": false, "certificate": false}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
