package tenant

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// Column is one property under the name that administrators of Exchange know.
type Column struct{ Name, Value string }

// Columns are a recipient's properties, in the order in which they are listed.
func (v *RecipientView) Columns() []Column {
	var codes []string
	for _, f := range v.Findings {
		codes = append(codes, f.Code)
	}
	return []Column{
		{"Name", v.Name}, {"DisplayName", v.DisplayName}, {"Alias", v.Alias}, {"UserPrincipalName", v.UPN},
		{"PrimarySmtpAddress", v.Primary}, {"EmailAddresses", braces(v.Addresses)}, {"ExternalEmailAddress", v.target()},
		{"RecipientType", v.typeText()}, {"RecipientTypeDetails", v.Details.String()},
		{"PreviousRecipientTypeDetails", v.Previous.String()}, {"RemoteRecipientType", v.Remote.String()},
		{"ExchangeGuid", v.ExchangeGUID.String()}, {"ArchiveGuid", v.ArchiveGUID.String()}, {"SyncedExchangeGuid", guidText(v.SyncedGUID)},
		{"SKUAssigned", string(v.SKUAssigned)}, {"IsDirSynced", yes(v.Synced)}, {"IsExchangeCloudManaged", yes(v.CloudManaged)},
		{"HiddenFromAddressListsEnabled", yes(v.Hidden)}, {"LegacyExchangeDN", v.LegacyDN}, {"ExternalDirectoryObjectId", string(v.ID)},
		{"WhenChanged", moment(v.WhenChanged)}, {"WaitingSince", moment(v.Waiting)}, {"Row", strings.Join(append(slices.Clone(v.Via), v.Row), ", ")},
		{"Findings", braces(codes)}, {"ValidationErrors", braces(v.Errors)},
	}
}

// target is where mail for who has no mailbox here goes on to.
func (v *RecipientView) target() string {
	if v.Details.Mailbox() {
		return ""
	}
	return v.Target
}

// typeText is the coarse type; groups and contacts have it as they are.
func (v *RecipientView) typeText() string { return v.Details.Type() }

// Columns are a mailbox's properties.
func (m *Mailbox) Columns() []Column {
	return []Column{
		{"Name", m.Name}, {"ExchangeGuid", m.GUID.String()}, {"Kind", string(m.Kind)}, {"State", string(m.State)},
		{"Since", moment(m.Since)}, {"Due", moment(m.Due())}, {"WhenCreated", moment(m.Created)}, {"CreatedBy", m.Row},
		{"IsInactiveMailbox", yes(m.State == exchange.Inactive)}, {"LitigationHoldEnabled", yes(m.Held)}, {"Reconnectable", yes(m.State == exchange.Disconnected && !m.Cut)},
		{"Content", m.Content}, {"ExternalDirectoryObjectId", string(m.Owner)},
	}
}

// Columns are a move's properties.
func (m *Move) Columns() []Column {
	failure := m.Text
	if m.Code != "" {
		failure = m.Code + ": " + m.Text
	}
	var forest []string
	for _, name := range slices.Sorted(maps.Keys(m.Forest)) {
		forest = append(forest, name+"="+m.Forest[name])
	}
	return []Column{
		{"Name", m.Name}, {"Status", string(m.Status)}, {"PercentComplete", strconv.Itoa(m.Percent)}, {"Direction", string(m.Direction)}, {"Part", string(m.Part)},
		{"ExchangeGuid", m.Mailbox.String()}, {"TargetDeliveryDomain", m.Domain}, {"BatchName", m.Batch}, {"AutoComplete", yes(m.Auto)},
		{"QueuedTimestamp", moment(m.Created)}, {"StatusSince", moment(m.Since)}, {"LastSuccessfulSync", moment(m.LastSync)},
		{"Error", failure}, {"Warning", m.Warning}, {"ForestObject", braces(forest)}, {"ExternalDirectoryObjectId", string(m.Object)},
	}
}

// Columns are a domain's properties as the directory knows it.
func (d Domain) Columns() []Column {
	return []Column{{"DomainName", d.Name}, {"IsVerified", yes(d.Verified)}, {"AuthenticationType", map[bool]string{true: "Federated", false: "Managed"}[d.Federated]}}
}

// Columns are an accepted domain's properties.
func (d AcceptedDomain) Columns() []Column {
	return []Column{{"DomainName", d.Name}, {"DomainType", d.Type}, {"Default", yes(d.Default)}, {"IsCoexistenceDomain", yes(d.Coexistence)}}
}

// Columns are an object's properties as the directory knows them.
func (o *Object) Columns(tenantName string) []Column {
	var licences []string
	for _, l := range o.Licences {
		licences = append(licences, tenantName+":"+l)
	}
	return []Column{{"DisplayName", o.Attrs.Text(canopy.AttrDisplayName)}, {"UserPrincipalName", o.Cloud.Text(cloudUPN)},
		{"ImmutableId", o.SourceAnchor}, {"IsLicensed", yes(len(o.Licences) > 0)}, {"Licenses", braces(licences)},
		{"ObjectId", string(o.ID)}, {"DirSyncEnabled", yes(o.Synced)}}
}

// Select takes the columns whose names match one of the patterns, in any case, in the order of the patterns. A name that
// there is not is an error; a pattern that matches nothing is none.
func Select(columns []Column, patterns []string) ([]Column, error) {
	var out []Column
	for _, p := range patterns {
		hit := false
		for _, c := range columns {
			ok, err := path.Match(canopy.Fold(p), canopy.Fold(c.Name))
			if err != nil {
				return nil, &canopy.Error{Kind: canopy.Invalid, Object: p, Text: "it is no pattern of names", Err: err}
			}
			if hit = hit || ok; ok && !slices.ContainsFunc(out, func(o Column) bool { return o.Name == c.Name }) {
				out = append(out, c)
			}
		}
		if !hit && !strings.ContainsAny(p, "*?[") {
			var names []string
			for _, c := range columns {
				names = append(names, c.Name)
			}
			return nil, &canopy.Error{Kind: canopy.Invalid, Code: "no-such-column", Object: p, Text: "there is no such column",
				Next: "choose of " + strings.Join(names, ", ")}
		}
	}
	return out, nil
}

// List is the list form: a line for each column, with the names padded.
func List(columns []Column) string {
	width := 0
	for _, c := range columns {
		width = max(width, len(c.Name))
	}
	var b strings.Builder
	for _, c := range columns {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s : %s", width, c.Name, c.Value), " ") + "\n")
	}
	return b.String()
}

// braces is a list of values as lists show it.
func braces(values []string) string { return "{" + strings.Join(values, ", ") + "}" }

func yes(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
