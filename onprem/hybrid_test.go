package onprem

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/recipient"
)

func dated(d int) time.Time { return time.Date(2026, 3, d, 9, 0, 0, 0, time.UTC) }

// TestDoubled: who has two mailboxes and why, by what came when; who will have, and who is at risk.
func TestDoubled(t *testing.T) {
	t.Parallel()
	one, two := recipient.GUID{15: 1}, recipient.GUID{15: 2}
	for _, c := range []struct {
		name  string
		o     *Object
		t     Twin
		code  string
		cause string
	}{
		{"the licence came first", mailboxHere(), Twin{Synced: true, Mailbox: two, Made: dated(1), SyncedGUID: one, SyncedSince: dated(2)}, "DUAL_MAILBOX", "made on 1 March 2026, and the forest's became known on 2 March 2026: the licence came first"},
		{"there had been one before", mailboxHere(), Twin{Synced: true, Mailbox: two, Made: dated(5), SyncedGUID: one, SyncedSince: dated(2), Had: dated(1)}, "DUAL_MAILBOX", "previous recipient type UserMailbox since 1 March 2026"},
		{"the GUID is not synchronised", mailboxHere(), Twin{Synced: true, Mailbox: two, Made: dated(5)}, "DUAL_MAILBOX", "has never been synchronised"},
		{"the forest's GUID changed", mailboxHere(), Twin{Synced: true, Mailbox: two, Made: dated(5), SyncedGUID: recipient.GUID{15: 9}, SyncedSince: dated(2)}, "DUAL_MAILBOX", "another mailbox GUID now"},
		{"of no reason that is known", mailboxHere(), Twin{Synced: true, Mailbox: two, Made: dated(5), SyncedGUID: one, SyncedSince: dated(2)}, "DUAL_MAILBOX", "made on 5 March 2026, after"},
		{"a cloud user of the same name", mailboxHere(), Twin{Mailbox: two, Made: dated(5)}, "DUAL_MAILBOX", "never been synchronised"},
		{"the same mailbox", mailboxHere(), Twin{Synced: true, Mailbox: one, SyncedGUID: one}, "", ""},
		{"a mail user in the cloud", mailboxHere(), Twin{Synced: true, SyncedGUID: one, Licensed: true}, "", ""},
		{"the GUID is missing", mailboxHere(), Twin{Synced: true}, "WILL_DOUBLE", "would make a second one"},
		{"the GUID is missing, and a licence is there", mailboxHere(), Twin{Synced: true, Licensed: true}, "WILL_DOUBLE", "on its way"},
		{"there was one", plainUser(), Twin{Synced: true, Had: dated(3)}, "AT_RISK", "until 3 March 2026"},
		{"there was one, and a mailbox here", mailboxHere(), Twin{Synced: true, SyncedGUID: one, Had: dated(3)}, "AT_RISK", "until 3 March 2026"},
		{"there was one, and the forest asks for one", remoteOne("msExchRemoteRecipientType", "1"), Twin{Synced: true, Had: dated(3)}, "", ""},
		{"a remote mailbox", remoteOne("msExchRemoteRecipientType", "1"), Twin{Synced: true, Mailbox: two, Made: dated(1), Licensed: true}, "", ""},
		{"nothing", plainUser(), Twin{Synced: true}, "", ""},
	} {
		c.t.Name = "anna@contoso.com"
		d := Doubled(c.o, &c.t)
		if d == nil {
			d = &Double{}
		}
		if d.Code != c.code || !strings.Contains(d.Cause, c.cause) || c.code != "" && (d.Next == "" || d.There != c.t.Mailbox || d.Here != c.o.MailboxGUID()) {
			t.Errorf("%s: got %+v, want %s because %q", c.name, *d, c.code, c.cause)
		}
	}
}

// ready is a hybrid configuration in which nothing is wrong.
func ready() *Hybrid {
	return &Hybrid{SyncOn: true, Syncing: true, Routing: "contoso.mail.onmicrosoft.com", Initial: "contoso.onmicrosoft.com", Accepted: []string{"contoso.onmicrosoft.com", "contoso.com", "contoso.mail.onmicrosoft.com"},
		Cycles: 1, GUIDFlows: true, Forests: []*HybridForest{{Name: "contoso.lab", Exchange: true, Write: true, Mailboxes: 1, Endpoint: "mail.contoso.com", Domains: map[string]int{"contoso.com": 1}}}}
}

// TestHybridCheck: each check fails by itself, with what it saw and a remedy; HCW8001 tells what an administrator can repair
// from what they cannot.
func TestHybridCheck(t *testing.T) {
	t.Parallel()
	for _, c := range ready().Check(nil) {
		if !c.Passed || c.Evidence == "" || c.Remedy != "" || c.Code != "" {
			t.Errorf("of what is ready: %+v", c)
		}
	}
	for _, c := range []struct {
		harm func(h *Hybrid)
		want string // id severity code
		says string
	}{
		{func(h *Hybrid) { h.SyncOn, h.Routing = false, "" }, "DIRSYNC_ENABLED block HCW8001, COEX_DOMAIN_PRESENT block HCW8001", "canopy tenant switch set synchronization on"},
		{func(h *Hybrid) { h.Routing, h.Syncing = "", false }, "COEX_DOMAIN_PRESENT block HCW8001", "the service makes the domain then"},
		{func(h *Hybrid) { h.Routing = "" }, "COEX_DOMAIN_PRESENT block HCW8001", "an administrator cannot repair this"},
		{func(h *Hybrid) { h.Cycles = 0 }, "SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACK warn", "--override"},
		{func(h *Hybrid) { h.GUIDFlows = false }, "EXCHANGE_GUID_FLOW block", "second mailbox"},
		{func(h *Hybrid) { h.Forests[0].NotFlowed.Add("anna") }, "EXCHANGE_GUID_FLOW block", "1: anna"},
		{func(h *Hybrid) { h.Forests[0].Domains["fabrikam.com"] = 7 }, "ACCEPTED_DOMAINS_MATCH warn", "fabrikam.com (7 in contoso.lab)"},
		{func(h *Hybrid) {
			h.Accepted, h.Forests[0].Domains = []string{"contoso.onmicrosoft.com", "contoso.mail.onmicrosoft.com"}, nil
		}, "CUSTOM_DOMAIN_VERIFIED block", "of the organisation's own"},
		{func(h *Hybrid) { h.Forests[0].Exchange = false }, "EXCHANGE_SCHEMA block", "PrepareSchema"},
		{func(h *Hybrid) { h.Forests[0].Write = false }, "HYBRID_WRITEBACK_ENABLED warn", "write: true"},
		{func(h *Hybrid) { h.Forests[0].NoX500.Add("anna") }, "HYBRID_WRITEBACK_ENABLED warn", "X500"},
		{func(h *Hybrid) { h.Forests[0].Templates = []string{"SMTP:%m@contoso.com"} }, "EAP_HAS_COEX_TEMPLATE warn", "smtp:%m@contoso.mail.onmicrosoft.com"},
		{func(h *Hybrid) { h.Forests[0].NoAlias.Add("anna") }, "RECIPIENTS_HAVE_COEX_ALIAS warn", "recipient update"},
		{func(h *Hybrid) { h.Forests[0].NoGUID.Add("anna") }, "REMOTE_MAILBOX_HAS_GUID warn", "--exchange-guid"},
		{func(h *Hybrid) { h.Forests[0].Endpoint = "" }, "MIGRATION_ENDPOINT_PER_ORG warn", "exchange: endpoint"},
		{func(h *Hybrid) {
			h.Forests = append(h.Forests, &HybridForest{Name: "fabrikam.lab", Exchange: true, Write: true, Endpoint: "MAIL.contoso.com"})
		}, "MIGRATION_ENDPOINT_PER_ORG warn, MIGRATION_ENDPOINT_PER_ORG warn", "of its own"},
		{func(h *Hybrid) {
			h.Forests[0].Probe = []ProbeFact{{"port_443", true, "answers"}, {"certificate", false, "expired"}}
		}, "ENDPOINT_CERTIFICATE warn", "expired"},
	} {
		h := ready()
		c.harm(h)
		var got, said []string
		for _, x := range h.Check(nil) {
			if !x.Passed {
				got, said = append(got, strings.TrimSpace(x.ID+" "+x.Severity+" "+x.Code)), append(said, x.Evidence+" "+x.Remedy)
				if x.Remedy == "" || x.Blocks() != (x.Severity == "block") {
					t.Errorf("%s: %+v", c.want, x)
				}
			}
		}
		if strings.Join(got, ", ") != c.want || !strings.Contains(strings.Join(said, " "), c.says) {
			t.Errorf("got %v %q, want %s and %q", got, said, c.want, c.says)
		}
	}
	h := ready()
	h.Cycles, h.GUIDFlows = 0, false
	over := h.Check([]string{"sync_tool_is_connect_or_hybrid_writeback", "EXCHANGE_GUID_FLOW"})
	var states []string
	for _, c := range over {
		if !c.Passed {
			states = append(states, fmt.Sprint(c.ID, c.Overridden))
		}
	}
	if want := []string{"SYNC_TOOL_IS_CONNECT_OR_HYBRID_WRITEBACKtrue", "EXCHANGE_GUID_FLOWfalse"}; !slices.Equal(states, want) {
		t.Errorf("overridden: got %v, want %v: only what the wizard lets one go over", states, want)
	}
}

// TestHybridCount: recipients are counted for what they lack.
func TestHybridCount(t *testing.T) {
	t.Parallel()
	f := &HybridForest{}
	one := recipient.GUID{15: 1}
	f.Count(mailboxHere(), &Twin{Synced: true, SyncedGUID: one, LegacyDN: "/o=ExchangeLabs/cn=9"}, "contoso.mail.onmicrosoft.com")
	f.Count(mailboxHere(), &Twin{Synced: true}, "fabrikam.mail.onmicrosoft.com")
	f.Count(remoteOne(), &Twin{Synced: true, Mailbox: one, LegacyDN: "/o=exchangelabs/cn=1"}, "contoso.mail.onmicrosoft.com")
	f.Count(remoteOne("msExchPoliciesExcluded", policyMark, "msExchMailboxGuid", mailboxOne), nil, "fabrikam.mail.onmicrosoft.com")
	f.Count(plainUser(), nil, "contoso.mail.onmicrosoft.com")
	want := &HybridForest{Mailboxes: 2, Remote: 2, Domains: map[string]int{"contoso.com": 4}, NoAlias: Examples{1, []string{"anna@contoso.com"}}, NoGUID: Examples{1, []string{"anna@contoso.com"}},
		NotFlowed: Examples{1, []string{"anna@contoso.com"}}, NoX500: Examples{1, []string{"anna@contoso.com"}}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
