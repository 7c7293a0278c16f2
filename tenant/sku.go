package tenant

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Plan is a service plan: one service that a licence turns on.
type Plan struct {
	ID, Name string
	// family names what only one plan may be of: two of one family exclude each other.
	family string
	// needs are the plans of which one must be on too.
	needs string
}

// SKU is a product that can be licensed, with its service plans.
type SKU struct {
	ID, PartNumber, Name string
	// Alias is the short name that people use.
	Alias string
	plans string
}

// plans are the service plans, by the names that the service gives them.
var plans = []Plan{
	{ID: "9aaf7827-d63c-4b61-89c3-182f06f82e5c", Name: "EXCHANGE_S_STANDARD", family: "Exchange Online"},
	{ID: "efb87545-963c-4e0d-99df-69c6916d9eb0", Name: "EXCHANGE_S_ENTERPRISE", family: "Exchange Online"},
	{ID: "4a82b400-a79f-41a4-b4e2-e94f5787b113", Name: "EXCHANGE_S_DESKLESS", family: "Exchange Online"},
	{ID: "176a09a6-7ec5-4039-ac02-b2791c6ba793", Name: "EXCHANGE_S_ARCHIVE_ADDON", needs: "EXCHANGE_S_STANDARD EXCHANGE_S_DESKLESS"},
	{ID: "113feb6c-3fe4-4440-bddc-54d774bf0318", Name: "EXCHANGE_S_FOUNDATION"},
	{ID: "34c0d7a0-a70f-4668-9238-47f9fc208882", Name: "EXCHANGE_ANALYTICS", needs: "EXCHANGE_S_STANDARD EXCHANGE_S_ENTERPRISE"},
	{ID: "9f431833-0334-42de-a7dc-70aa40db46db", Name: "LOCKBOX_ENTERPRISE", needs: "EXCHANGE_S_ENTERPRISE"},
	{ID: "c7699d2e-19aa-44de-8edf-1736da088ca1", Name: "SHAREPOINTSTANDARD", family: "SharePoint Online"},
	{ID: "5dbe027f-2339-4123-9542-606e4d348a72", Name: "SHAREPOINTENTERPRISE", family: "SharePoint Online"},
	{ID: "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", Name: "SHAREPOINTDESKLESS", family: "SharePoint Online"},
	{ID: "e95bec33-7c88-4a70-8e19-b10bd9d0c014", Name: "SHAREPOINTWAC", needs: "SHAREPOINTSTANDARD SHAREPOINTENTERPRISE SHAREPOINTDESKLESS"},
	{ID: "0feaeb32-d00e-4d66-bd5a-43b5b83db82c", Name: "MCOSTANDARD"},
	{ID: "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", Name: "MCOEV", needs: "MCOSTANDARD"},
	{ID: "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", Name: "MCOMEETADV", needs: "MCOSTANDARD"},
	{ID: "43de0ff5-c92c-492b-9116-175376d08c38", Name: "OFFICESUBSCRIPTION"},
	{ID: "7547a3fe-08ee-4ccb-b430-5077c5041653", Name: "YAMMER_ENTERPRISE"},
	{ID: "57ff2da0-773e-42df-b2af-ffb7a2317929", Name: "TEAMS1"},
	{ID: "bea4c11e-220a-4e6d-8eb8-8ea15d019f90", Name: "RMS_S_ENTERPRISE"},
	{ID: "41781fb2-bc02-4b7c-bd55-b576c07bb09d", Name: "AAD_PREMIUM"},
	{ID: "eec0eb4f-6444-4f95-aba0-50c24d67f998", Name: "AAD_PREMIUM_P2"},
	{ID: "8a256a2b-b617-496d-b51b-e76466e88db0", Name: "MFA_PREMIUM"},
	{ID: "c1ec4a95-1f05-45b3-a911-aa3fa01094f5", Name: "INTUNE_A"},
	{ID: "70d33638-9c74-4d01-bfd3-562de28bd4ba", Name: "BI_AZURE_P2"},
}

// skus are the products.
var skus = []SKU{
	{"18181a46-0d4e-45cd-891e-60aabd171b4e", "STANDARDPACK", "Office 365 E1", "E1", "EXCHANGE_S_STANDARD SHAREPOINTSTANDARD SHAREPOINTWAC MCOSTANDARD YAMMER_ENTERPRISE TEAMS1"},
	{"6634e0ce-1a9f-428c-a498-f84ec7b8aa2e", "STANDARDWOFFPACK", "Office 365 E2", "E2", "EXCHANGE_S_STANDARD SHAREPOINTSTANDARD SHAREPOINTWAC MCOSTANDARD YAMMER_ENTERPRISE"},
	{"6fd2c87f-b296-42f0-b197-1e91e994b900", "ENTERPRISEPACK", "Office 365 E3", "E3", "EXCHANGE_S_ENTERPRISE SHAREPOINTENTERPRISE SHAREPOINTWAC MCOSTANDARD OFFICESUBSCRIPTION YAMMER_ENTERPRISE TEAMS1 RMS_S_ENTERPRISE"},
	{"c7df2760-2c81-4ef7-b578-5b5392b571df", "ENTERPRISEPREMIUM", "Office 365 E5", "E5", "EXCHANGE_S_ENTERPRISE EXCHANGE_ANALYTICS LOCKBOX_ENTERPRISE SHAREPOINTENTERPRISE SHAREPOINTWAC MCOSTANDARD MCOEV MCOMEETADV OFFICESUBSCRIPTION YAMMER_ENTERPRISE TEAMS1 RMS_S_ENTERPRISE BI_AZURE_P2"},
	{"4b585984-651b-448a-9e53-3b10f069cf7f", "DESKLESSPACK", "Office 365 F3", "F3", "EXCHANGE_S_DESKLESS SHAREPOINTDESKLESS SHAREPOINTWAC YAMMER_ENTERPRISE TEAMS1"},
	{"4b9405b0-7788-4568-add1-99614e613b69", "EXCHANGESTANDARD", "Exchange Online (Plan 1)", "EXO1", "EXCHANGE_S_STANDARD"},
	{"19ec0d23-8335-4cbd-94ac-6050e30712fa", "EXCHANGEENTERPRISE", "Exchange Online (Plan 2)", "EXO2", "EXCHANGE_S_ENTERPRISE"},
	{"80b2d799-d2ba-4d2a-8842-fb0d0f3a4b82", "EXCHANGEDESKLESS", "Exchange Online Kiosk", "KIOSK", "EXCHANGE_S_DESKLESS"},
	{"ee02fd1b-340e-4a4b-b355-4a514e4c8943", "EXCHANGEARCHIVE_ADDON", "Exchange Online Archiving for Exchange Online", "ARCHIVE", "EXCHANGE_S_ARCHIVE_ADDON"},
	{"e43b5b99-8dfb-405f-9987-dc307f34bcbd", "MCOEV", "Teams Phone Standard", "PHONE", "MCOEV"},
	{"0c266dff-15dd-4b49-8397-2bb16070ed52", "MCOMEETADV", "Audio Conferencing", "AUDIO", "MCOMEETADV"},
	{"078d2b04-f1bd-4111-bbd6-b4b1b354cef4", "AAD_PREMIUM", "Entra ID P1", "P1", "AAD_PREMIUM MFA_PREMIUM EXCHANGE_S_FOUNDATION"},
	{"84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2", "Entra ID P2", "P2", "AAD_PREMIUM AAD_PREMIUM_P2 MFA_PREMIUM EXCHANGE_S_FOUNDATION"},
	{"efccb6f7-5641-4e0e-bd10-b4976e1bf68e", "EMS", "Enterprise Mobility + Security E3", "EMS", "AAD_PREMIUM MFA_PREMIUM INTUNE_A RMS_S_ENTERPRISE EXCHANGE_S_FOUNDATION"},
}

// mailboxPlans are the service plans that carry a mailbox.
var mailboxPlans = []string{"EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS"}

// defaultUnits are what a new tenant has of every product.
const defaultUnits = 10_000

// prohibited are the countries where no product may be used.
var prohibited = []string{"CU", "IR", "KP", "SD", "SY"}

// FindSKU finds a product by part number, id or short name, also behind a tenant's name and a colon.
func FindSKU(name string) (SKU, bool) {
	if _, after, ok := strings.Cut(name, ":"); ok {
		name = after
	}
	for _, s := range skus {
		if strings.EqualFold(name, s.PartNumber) || strings.EqualFold(name, s.ID) || strings.EqualFold(name, s.Alias) {
			return s, true
		}
	}
	return SKU{}, false
}

// Plans are the product's service plans.
func (s SKU) Plans() []Plan {
	var out []Plan
	for _, name := range strings.Fields(s.plans) {
		if p, ok := FindPlan(name); ok {
			out = append(out, p)
		}
	}
	return out
}

// FindPlan finds a service plan by name or id.
func FindPlan(name string) (Plan, bool) {
	at := slices.IndexFunc(plans, func(p Plan) bool { return strings.EqualFold(name, p.Name) || strings.EqualFold(name, p.ID) })
	if at < 0 {
		return Plan{}, false
	}
	return plans[at], true
}

// grant is one product given to an object, directly or by a group, without some of its service plans.
type grant struct {
	sku    string   // part number
	off    []string // names of plans, in order
	source int64    // the group's number; 0: direct
}

// line is a grant as the record keeps it: the part number, and what is off.
func (g grant) line() string {
	if len(g.off) == 0 {
		return g.sku
	}
	return g.sku + "\t" + strings.Join(g.off, ",")
}

func grantOf(line string) grant {
	sku, off, _ := strings.Cut(line, "\t")
	g := grant{sku: sku}
	if off != "" {
		g.off = strings.Split(off, ",")
	}
	return g
}

// skuNames are the part numbers of a record's licences.
func skuNames(lines []string) []string {
	out := slices.Clone(lines)
	for i := range out {
		out[i] = grantOf(out[i]).sku
	}
	return out
}

// enabled are the plans that grants turn on, each once. A plan that one of them gives is on.
func enabled(grants []grant) []string {
	var out []string
	for _, g := range grants {
		s, _ := FindSKU(g.sku)
		for _, p := range strings.Fields(s.plans) {
			if !slices.Contains(g.off, p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// effective are the lines of what grants come to: each product once, without the plans that all its grants leave out.
func effective(grants []grant) []string {
	off := map[string][]string{}
	for _, g := range grants {
		before, again := off[g.sku]
		if !again {
			off[g.sku] = g.off
			continue
		}
		off[g.sku] = slices.DeleteFunc(slices.Clone(before), func(p string) bool { return !slices.Contains(g.off, p) })
	}
	var out []string
	for sku, o := range off {
		out = append(out, grant{sku: sku, off: o}.line())
	}
	slices.Sort(out)
	return out
}

func grantsOf(lines []string) []grant {
	out := make([]grant, len(lines))
	for i, l := range lines {
		out[i] = grantOf(l)
	}
	return out
}

// hasMailbox tells whether licences give a mailbox: one of their service plans, not switched off, is Exchange Online.
func hasMailbox(lines []string) bool {
	return len(lines) > 0 && slices.ContainsFunc(enabled(grantsOf(lines)), func(p string) bool { return slices.Contains(mailboxPlans, p) })
}

// situation is what a decision about licences depends on.
type situation struct {
	have     []grant // what the object keeps
	add      []grant
	location string         // a country, "" when there is none
	free     map[string]int // units of the products to be added; what the object has needs none
	who      string
}

// licensable tells why grants cannot be added, nil when they can. The refusal's other names the product.
func licensable(s situation) *refusal {
	for _, g := range s.add {
		sku, known := FindSKU(g.sku)
		switch {
		case !known:
			return about(g, refuse(CodeNoSKU, "", "License %s does not correspond to a valid company License.", g.sku))
		case s.location == "":
			return about(g, refuse(CodeLocation, attrUsageLocation, "License assignment cannot be done for user with invalid usage location."))
		case slices.Contains(prohibited, strings.ToUpper(s.location)):
			return about(g, refuse(CodeLocation, attrUsageLocation, "%s may not be used in %s, the usage location of %s", sku.Name, s.location, s.who))
		case s.free[g.sku] < 1 && !slices.ContainsFunc(s.have, func(h grant) bool { return h.sku == g.sku }):
			return about(g, refuse(CodeCount, "", "Subscription with SKU %s does not have any available licenses.", g.sku))
		}
	}
	return consistent(s.who, append(slices.Clone(s.have), s.add...), s.add)
}

// consistent tells why grants do not go together, nil when they do. added are those that are new, to name the product.
func consistent(who string, all, added []grant) *refusal {
	on := enabled(all)
	blame := func(plan string, no *refusal) *refusal {
		for _, g := range added {
			if slices.Contains(enabled([]grant{g}), plan) {
				return about(g, no)
			}
		}
		return no
	}
	family := map[string]string{}
	for _, name := range on {
		p, _ := FindPlan(name)
		if other := family[p.family]; p.family != "" && other != "" {
			return blame(name, refuse(CodeExclusive, "", "the service plans %s and %s exclude each other on %s", other, name, who))
		}
		family[p.family] = name
		if p.needs != "" && !slices.ContainsFunc(strings.Fields(p.needs), func(n string) bool { return slices.Contains(on, n) }) {
			return blame(name, refuse(CodeDependency, "", "the service plan %s of %s needs one of %s", name, who,
				strings.Join(strings.Fields(p.needs), ", ")))
		}
	}
	return nil
}

func about(g grant, no *refusal) *refusal {
	no.other = g.sku
	return no
}

// attrUsageLocation is where somebody uses what is licensed.
const attrUsageLocation canopy.Attr = "usageLocation"

// CarriesMailbox tells whether a product gives a mailbox where these service plans are off.
func CarriesMailbox(sku string, off []string) bool {
	return slices.ContainsFunc(enabled([]grant{{sku: sku, off: off}}), func(p string) bool { return slices.Contains(mailboxPlans, p) })
}
