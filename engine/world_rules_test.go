package engine

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/canopy-sync/canopy/rule"
)

// testRules are a small set of the built-in rules' kind: people by account and mailbox, contacts, groups, foreign
// security principals, and a tenant that has all of them.
var testRules = map[string]string{
	"10-user-join": `
direction: in
connector: ad
source: [user]
target: person
link: provision
scope: [[{attr: adminDescription, op: NOTSTARTSWITH, value: "User_", because: "it came from the cloud"}]]
join: configured
flows:
  - {to: sourceAnchor, expression: 'IIF(IsPresent([mS-DS-ConsistencyGuid]), ConvertToBase64([mS-DS-ConsistencyGuid]), ConvertToBase64([objectGUID]))'}
  - {to: sourceAnchorBinary, from: mS-DS-ConsistencyGuid}
  - {to: sourceObjectType, constant: User}
  - {to: objectSidString, from: objectSid}
  - {to: accountEnabled, expression: 'BitAnd([userAccountControl], 2) = 0'}
  - {to: userPrincipalName, from: userPrincipalName, trim: true}
  - {to: mailboxOwner, expression: 'IIF(IsPresent([msExchMailboxGuid]), True, NULL)'}
  - {to: cloudFiltered, expression: 'IIF([isCriticalSystemObject] = True, True, NULL)'}
`,
	"20-user-exchange": `
direction: in
connector: ad
source: [user]
target: person
link: join
scope: [[{attr: msExchMailboxGuid, op: ISNOTNULL}]]
flows:
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: mailNickname, from: mailNickname}
`,
	"30-user-common": `
direction: in
connector: ad
source: [user]
target: person
link: join
flows:
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: mailNickname, from: mailNickname}
  - {to: displayName, from: displayName}
  - {to: department, from: department}
  - {to: title, expression: 'IIF([title] = "bad", Error("no such title"), [title])'}
  - {to: otherTelephone, from: otherTelephone, merge: merge-case-insensitive}
  - {to: manager, from: manager, link: true}
`,
	"40-contact-join": `
direction: in
connector: ad
source: [contact]
target: person
link: provision
join: [[{source: mail, target: mail}]]
flows:
  - {to: sourceAnchor, expression: 'ConvertToBase64([objectGUID])'}
  - {to: sourceObjectType, constant: Contact}
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: displayName, from: displayName}
`,
	"50-group-join": `
direction: in
connector: ad
source: [group]
target: group
link: provision
flows:
  - {to: sourceAnchor, expression: 'ConvertToBase64([objectGUID])'}
  - {to: displayName, from: displayName}
  - {to: mail, from: mail}
  - {to: proxyAddresses, from: proxyAddresses}
  - {to: memberCount, expression: 'ValueCount("member")'}
  - {to: member, from: member, link: true}
`,
	"60-fsp-join": `
direction: in
connector: ad
source: [foreignSecurityPrincipal]
target: person
link: join
join: [[{source: objectSid, target: objectSidString}]]
flows: []
`,
	"70-out-user": `
direction: out
connector: tenant
source: [person]
target: user
link: provision
scope:
  - - {attr: sourceObjectType, op: EQUAL, value: User}
    - {attr: cloudFiltered, op: NOTEQUAL, value: "True", because: "critical system object"}
    - {attr: sourceAnchor, op: ISNOTNULL}
match:
  - {name: anchor, from: sourceAnchor, of: sourceAnchor}
  - {name: address, from: proxyAddresses, of: proxyAddresses}
  - {name: upn, from: userPrincipalName, of: userPrincipalName}
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: userPrincipalName, from: userPrincipalName, claim: upn}
  - {to: accountEnabled, from: accountEnabled}
  - {to: usageLocation, constant: DE, once: true}
`,
	"71-out-user-mail": `
direction: out
connector: tenant
source: [person]
target: user
link: join
scope: [[{attr: sourceObjectType, op: EQUAL, value: User}]]
flows:
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: alias, from: mailNickname, claim: alias}
  - {to: displayName, from: displayName}
  - {to: department, from: department}
  - {to: title, from: title}
  - {to: otherTelephone, from: otherTelephone}
  - {to: manager, from: manager, link: true}
`,
	"80-out-contact": `
direction: out
connector: tenant
source: [person]
target: contact
link: provision
scope: [[{attr: sourceObjectType, op: EQUAL, value: Contact}]]
match: [{name: address, from: proxyAddresses, of: proxyAddresses}]
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: displayName, from: displayName}
`,
	"90-out-group": `
direction: out
connector: tenant
source: [group]
target: group
link: provision
flows:
  - {to: sourceAnchor, from: sourceAnchor, claim: anchor}
  - {to: displayName, from: displayName}
  - {to: mail, from: mail, claim: address}
  - {to: proxyAddresses, from: proxyAddresses, claim: address}
  - {to: member, from: member, link: true}
`,
}

// loadRules loads the test rules, and others over them.
func loadRules(t testing.TB, people string, more ...map[string]string) *rule.Set {
	t.Helper()
	places := make([]fs.FS, 0, 1+len(more))
	for _, files := range append([]map[string]string{testRules}, more...) {
		place := fstest.MapFS{}
		for id, text := range files {
			n, _, _ := strings.Cut(id, "-")
			place[id+".yaml"] = &fstest.MapFile{Data: []byte(fmt.Sprintf("id: r%s\nname: %s\nprecedence: %s\n%s", id, id, n, text))}
		}
		places = append(places, place)
	}
	set, err := rule.Load(rule.Options{FS: places, People: people})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
