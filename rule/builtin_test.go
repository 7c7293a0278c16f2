package rule_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/tenant"
)

// TestTheTenantTakesWhatIsSent compares the outbound rules with the tenant's schema: each attribute exists, and has the
// type that it has in the metaverse and came with from the forest.
func TestTheTenantTakesWhatIsSent(t *testing.T) {
	t.Parallel()
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	made, err := tenant.Open(ctx, filepath.Join(t.TempDir(), "tenant.db"), tenant.Options{Initial: "contoso.onmicrosoft.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := made.Close(); err != nil {
			t.Error(err)
		}
	}()
	d, err := made.Door().Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range set.All() {
		if r.Direction != rule.Out {
			continue
		}
		for _, f := range r.Flows {
			n++
			a, ok := d.Schema.Attributes[f.To]
			if !ok {
				t.Errorf("%s: the tenant has no attribute %s", r.ID, f.To)
			}
			if (a.Type == canopy.Reference) != f.Link {
				t.Errorf("%s: %s is a link on one side alone", r.ID, f.To)
			}
			if f.From == "" || f.Link {
				continue
			}
			if kind, multi := rule.KnownMeta(f.From); kind != a.Type || multi && !a.Multi {
				t.Errorf("%s: %s is %s (several: %v), and %s in the tenant is %s (several: %v)", r.ID, f.From, kind, multi, f.To, a.Type, a.Multi)
			}
		}
		for _, m := range r.Match {
			for _, a := range append([]canopy.Attr{m.Of}, m.Also...) {
				if _, ok := d.Schema.Attributes[a]; !ok {
					t.Errorf("%s: the tenant has no attribute %s to match by", r.ID, a)
				}
			}
		}
	}
	if n < 200 {
		t.Errorf("%d outbound flows: some are missing", n)
	}
	for _, r := range set.All() {
		if r.Direction != rule.In {
			continue
		}
		for _, f := range r.Flows {
			if f.From == "" || f.Link {
				continue
			}
			kind, multi := rule.KnownAD(f.From)
			if k, m := rule.KnownMeta(f.To); k != kind || multi && !m {
				t.Errorf("%s: %s is %s (several: %v), and %s in the metaverse %s (several: %v)", r.ID, f.From, kind, multi, f.To, k, m)
			}
		}
	}
}

// TestEveryAttributeOfTheTablesIsCarried names what Connect's default rules carry for each class and have a source in AD
// for, under the names at the tenant's door.
func TestEveryAttributeOfTheTablesIsCarried(t *testing.T) {
	t.Parallel()
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		t.Fatal(err)
	}
	const both = `displayName proxyAddresses mail alias description msExchHideFromAddressLists authOrig dLMemRejectPerms dLMemSubmitPerms
		extensionAttribute1 extensionAttribute15 info unauthOrig legacyExchangeDN msDsHabSeniorityIndex msDsPhoneticDisplayName
		msExchEnableModeration msExchExtensionCustomAttribute1 msExchExtensionCustomAttribute5 msExchLitigationHoldDate
		msExchLitigationHoldOwner msExchModeratedByLink msExchModerationFlags msExchRecipientDisplayType msExchRecipientTypeDetails
		msExchRequireAuthToSendTo msExchRetentionComment msExchRetentionUrl msExchSenderHintTranslations publicDelegates sourceAnchor `
	const people = `givenName surname country company facsimileTelephoneNumber city manager mobile physicalDeliveryOfficeName postalCode
		state streetAddress telephoneNumber title countryCode department homePhone otherTelephone thumbnailPhoto wWWHomePage ipPhone initials
		otherFacsimileTelephoneNumber otherHomePhone pager targetAddress telephoneAssistant middleName otherIpPhone otherMobile otherPager
		postOfficeBox url countryLetterCode msExchAssistantName msExchBlockedSendersHash msExchSafeRecipientsHash msExchSafeSendersHash
		userCertificate userSMIMECertificate `
	for class, want := range map[canopy.Class]string{
		canopy.User: both + people + `userPrincipalName accountEnabled preferredLanguage onPremisesSamAccountName commonName dnsDomainName netBiosName
			onPremiseSecurityIdentifier lastPasswordChangeTimestamp usageLocation msRtcSipApplicationOptions msRtcSipDeploymentLocator
			msRtcSipLine msRtcSipOptionFlags msRtcSipOwnerUrn msRtcSipPrimaryUserAddress msRtcSipUserEnabled msExchArchiveGuid
			msExchArchiveName msExchAuditAdmin msExchAuditDelegateAdmin msExchAuditDelegate msExchAuditOwner msExchBypassAudit
			msExchDelegateListLink msExchElcExpirySuspensionEnd msExchElcExpirySuspensionStart msExchElcMailboxFlags
			msExchImmutableId msExchMailboxAuditEnable msExchMailboxAuditLogAgeLimit msExchMailboxGuid msExchRemoteRecipientType
			msExchResourceCapacity msExchResourceDisplay msExchResourceMetadata msExchResourceSearchProperties msExchUserHoldPolicies
			msExchTeamMailboxExpiration msExchTeamMailboxOwners msExchTeamMailboxSharePointUrl altRecipient`,
		canopy.Contact: both + people,
		canopy.Group: both + `member managedBy oOFReplyToOriginator reportToOriginator reportToOwner commonName
			onPremiseSecurityIdentifier securityEnabled hideDLMembership msExchCoManagedByLink msOrgIsOrganizational`,
	} {
		carried := map[canopy.Attr]bool{}
		for _, r := range set.All() {
			if r.Direction == rule.Out && r.Target == class {
				for _, f := range r.Flows {
					carried[f.To] = true
				}
			}
		}
		for _, a := range strings.Fields(want) {
			if !carried[canopy.Attr(a)] {
				t.Errorf("%s: %s is not carried", class, a)
			}
		}
	}
}
