package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/run"
)

// hybridState is what check hybrid says, by id.
func (g *ground) hybridState(words ...string) (map[string]onprem.HybridCheck, int) {
	g.t.Helper()
	code, out, errs := g.run(append([]string{"check", "hybrid", "--json"}, words...)...)
	var answer struct{ Checks []onprem.HybridCheck }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		g.t.Fatalf("%v: %s%s", err, out, errs)
	}
	all := map[string]onprem.HybridCheck{}
	for _, c := range answer.Checks {
		all[c.ID] = c
	}
	return all, code
}

// TestCheckHybrid goes from a tenant before its first synchronisation to one that is ready, and to the one whose coexistence
// domain was never made.
func TestCheckHybrid(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	first, code := g.hybridState()
	if c := first["COEX_DOMAIN_PRESENT"]; code != exitFailed || c.Passed || c.Code != "HCW8001" || c.Remedy != "canopy run" {
		t.Errorf("before the first run: exit code %d, %+v", code, c)
	}
	if c := first["SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK"]; c.Passed || !c.Overridable {
		t.Errorf("before the first run: %+v", c)
	}
	if over, _ := g.hybridState("--override", "SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK"); !over["SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK"].Overridden {
		t.Error("the check cannot be gone over")
	}
	g.must("onprem", "mailbox", "enable", "anna")
	g.cycle()
	after, code := g.hybridState()
	for _, id := range []string{"DIRSYNC_ENABLED", "COEX_DOMAIN_PRESENT", "SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK", "EXCHANGE_GUID_FLOW", "ACCEPTED_DOMAINS_MATCH", "CUSTOM_DOMAIN_VERIFIED", "EXCHANGE_SCHEMA"} {
		if !after[id].Passed {
			t.Errorf("after a run: %+v", after[id])
		}
	}
	// She got her addresses before there was a coexistence domain, the forest has no endpoint, and nobody writes X500 addresses back.
	for _, id := range []string{"RECIPIENTS_HAVE_COEX_ALIAS", "MIGRATION_ENDPOINT_PER_ORG", "HYBRID_WRITEBACK_ENABLED"} {
		if after[id].Passed || after[id].Severity != "warn" {
			t.Errorf("after a run: %+v", after[id])
		}
	}
	if code != exitPartly {
		t.Errorf("warnings alone: got exit code %d", code)
	}
	g.must("onprem", "recipient", "update", "anna")
	g.cycle()
	if after, _ := g.hybridState(); !after["RECIPIENTS_HAVE_COEX_ALIAS"].Passed {
		t.Errorf("after the update: %+v", after["RECIPIENTS_HAVE_COEX_ALIAS"])
	}
	g.must("tenant", "setting", "set", "coexistenceDomainMissing", "true")
	if c, code := g.hybridState(); code != exitFailed || !strings.Contains(c["COEX_DOMAIN_PRESENT"].Remedy, "an administrator cannot repair this") || !c["DIRSYNC_ENABLED"].Passed {
		t.Errorf("a domain that was never made: %+v", c["COEX_DOMAIN_PRESENT"])
	}
	g.must("tenant", "setting", "set", "coexistenceDomainMissing", "false")
	g.must("tenant", "switch", "set", "synchronization", "off")
	c, code := g.hybridState()
	if code != exitFailed || c["DIRSYNC_ENABLED"].Code != "HCW8001" || !strings.Contains(c["DIRSYNC_ENABLED"].Remedy, "switch set synchronization on") {
		t.Errorf("synchronisation is off: %+v", c["DIRSYNC_ENABLED"])
	}
	if _, out, _ := g.run("check", "hybrid"); !strings.Contains(out, "BLOCKS     DIRSYNC_ENABLED (HCW8001)") {
		t.Errorf("for people:\n%s", out)
	}
}

// withoutGUID leaves the mailbox GUID out of synchronisation, as Connect does without the option Exchange hybrid deployment.
func (g *ground) withoutGUID() {
	g.t.Helper()
	dir := filepath.Join(g.dir, run.RulesName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		g.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "rule", "builtin", "out-tenant-user-exchange.yaml"))
	if err != nil {
		g.t.Fatal(err)
	}
	if !strings.Contains(string(text), "msExchMailboxGuid, ") {
		g.t.Fatal("the rule has another form")
	}
	if err := os.WriteFile(filepath.Join(dir, "out-tenant-user-exchange.yaml"), []byte(strings.ReplaceAll(string(text), "msExchMailboxGuid, ", "")), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// TestCheckMailboxes: the licence before the mailbox, the GUID that does not flow, and the mailbox of before.
func TestCheckMailboxes(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.user("ben", "Ben Berg", 512)
	g.cycle()
	if out := g.must("check", "mailboxes"); out != "Nobody has two mailboxes.\n" {
		t.Errorf("of nobody: %q", out)
	}
	g.licence("anna@contoso.com")
	g.must("onprem", "mailbox", "enable", "anna", "--force", "--exchange-guid", "f20047a9-3fd1-4906-8d98-188feacdd5b7")
	g.licence("ben@contoso.com")
	g.must("tenant", "licence", "remove", "ben@contoso.com", "ENTERPRISEPACK")
	g.must("tenant", "forward")
	cloud := strings.TrimSpace(strings.Split(g.must("tenant", "recipient", "get", "anna@contoso.com", "--select", "ExchangeGuid"), ":")[1])
	look := func() map[string]map[string]string {
		t.Helper()
		_, out, errs := g.run("check", "mailboxes", "--json")
		var answer struct{ Mailboxes []map[string]string }
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		all := map[string]map[string]string{}
		for _, d := range answer.Mailboxes {
			all[d["userPrincipalName"]] = d
		}
		return all
	}
	found := look() // the forest as it is now, before the next run
	if d := found["anna@contoso.com"]; d["code"] != "DUAL_MAILBOX" || d["forestExchangeGuid"] != "f20047a9-3fd1-4906-8d98-188feacdd5b7" || d["cloudExchangeGuid"] != cloud ||
		!strings.Contains(d["cause"], "never been synchronised") {
		t.Errorf("anna, before the run: %v", d)
	}
	if d := found["ben@contoso.com"]; d["code"] != "AT_RISK" || !strings.Contains(d["cause"], "until ") {
		t.Errorf("ben: %v", d)
	}
	g.cycle()
	if d := look()["anna@contoso.com"]; d["code"] != "DUAL_MAILBOX" || !strings.Contains(d["cause"], "the licence came first") {
		t.Errorf("anna, after the run: %v", d)
	}
	code, out, _ := g.run("check", "mailboxes")
	if code != exitFailed || !strings.Contains(out, "canopy tenant mailbox repair anna@contoso.com") {
		t.Errorf("for people: exit code %d\n%s", code, out)
	}
}

// TestCheckMailboxesNotFlowing: where the GUID does not flow, the next licence makes a second mailbox, and both checks say so.
func TestCheckMailboxesNotFlowing(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.withoutGUID()
	g.must("onprem", "mailbox", "enable", "anna")
	g.cycle()
	if out := g.must("check", "mailboxes"); !strings.Contains(out, "WILL_DOUBLE") || !strings.Contains(out, "anna@contoso.com") {
		t.Errorf("got\n%s", out)
	}
	if c, code := g.hybridState(); code != exitFailed || c["EXCHANGE_GUID_FLOW"].Passed {
		t.Errorf("got exit code %d, %+v", code, c["EXCHANGE_GUID_FLOW"])
	}
	g.licence("anna@contoso.com")
	if code, out, _ := g.run("check", "mailboxes"); code != exitFailed || !strings.Contains(out, "DUAL_MAILBOX") {
		t.Errorf("after the licence: exit code %d\n%s", code, out)
	}
}

// TestMailboxRepair: two mailboxes become one, step by step, and it is said that what is in the cloud's is lost.
func TestMailboxRepair(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.cycle()
	g.licence("anna@contoso.com")
	g.must("onprem", "mailbox", "enable", "anna", "--force", "--exchange-guid", "f20047a9-3fd1-4906-8d98-188feacdd5b7")
	g.cycle()
	repair := []string{"tenant", "mailbox", "repair", "anna@contoso.com"}
	if says := g.fails("not-confirmed", repair...); !strings.Contains(says, "is lost, unless it was exported before") {
		t.Errorf("it does not say what is lost: %s", says)
	}
	if out := g.must(append(repair, "--preview")...); !strings.HasPrefix(out, "Next: unlicense") || !strings.Contains(out, "Nothing was done.") {
		t.Errorf("the preview: %s", out)
	}
	var did []string
	for line := range strings.Lines(g.must(append(repair, "--yes", "--hurry")...)) {
		did = append(did, strings.Fields(line)[0])
	}
	if got, want := strings.Join(did, " "), "unlicense wait clear cycle license wait done"; got != want {
		t.Errorf("got the steps %s, want %s", got, want)
	}
	if got := g.must("tenant", "recipient", "get", "anna@contoso.com", "--select", "RecipientType,ExchangeGuid,SKUAssigned,Findings"); got !=
		"RecipientType : MailUser\nExchangeGuid  : f20047a9-3fd1-4906-8d98-188feacdd5b7\nSKUAssigned   : True\nFindings      : {}\n" {
		t.Errorf("got %s", got)
	}
	if out := g.must("check", "mailboxes"); out != "Nobody has two mailboxes.\n" {
		t.Errorf("got %s", out)
	}
	if out := g.must(append(repair, "--yes", "--json")...); !strings.Contains(out, `"step":"done"`) {
		t.Errorf("again: %s", out)
	}
}
