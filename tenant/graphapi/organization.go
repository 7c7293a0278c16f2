package graphapi

import (
	"encoding/json"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// organizations is the tenant itself.
func organizations(c *call) ([]odata.Value, error) {
	set := c.dir.Settings()
	synced, err := c.dir.AnySynced(c.ctx)
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(set.Initial, ".")
	var domains []odata.Value
	for _, d := range set.Domains {
		if d.Verified {
			domains = append(domains, odata.OfObject(f("capabilities", odata.Of("Email, OfficeCommunicationsOnline")), f("isDefault", odata.OfBool(d.Name == defaultDomain(set))),
				f("isInitial", odata.OfBool(d.Name == set.Initial)), f("name", odata.Of(d.Name)), f("type", odata.Of(authentication(d)))))
		}
	}
	on := odata.Value{}
	if synced || !set.Synchronized {
		on = odata.OfBool(set.Synchronized)
	}
	return []odata.Value{odata.OfObject(f("id", odata.Of(set.Tenant)), f("displayName", odata.Of(name)), f("onPremisesSyncEnabled", on), f("countryLetterCode", odata.Of(set.Location)),
		f("verifiedDomains", odata.OfList(domains...)), f("tenantType", odata.Of("AAD")), f("mobileDeviceManagementAuthority", odata.Of("unknown")))}, nil
}

// authentication is how a domain's people sign in.
func authentication(d tenant.Domain) string {
	if d.Federated {
		return "Federated"
	}
	return "Managed"
}

// defaultDomain is the first verified domain that is not the initial one, and the initial one when there is no other.
func defaultDomain(set tenant.Settings) string {
	for _, d := range set.Domains {
		if d.Verified && d.Name != set.Initial {
			return d.Name
		}
	}
	return set.Initial
}

// updateOrganization switches synchronisation off and on, which only beta can. The rest of the tenant itself cannot be changed here.
func updateOrganization(c *call) (response, error) {
	if !strings.EqualFold(c.vars[0], c.dir.Settings().Tenant) {
		return response{}, missing(c.vars[0])
	}
	in, err := readInput(c.entities["organization"], c.body)
	if err != nil {
		return response{}, err
	}
	var on *bool
	for _, name := range in.names {
		p := in.e.property(name)
		switch {
		case p == nil:
			return response{}, bad("Invalid property '%s'.", name)
		case p.name == "onPremisesSyncEnabled" && c.version == "beta":
			if json.Unmarshal(in.raw[strings.ToLower(name)], &on) != nil || on == nil {
				return response{}, p.invalid(in.e)
			}
		case p.name == "onPremisesSyncEnabled" || p.readOnly:
			return response{}, bad("Property '%s' is read-only and cannot be set.", p.name)
		default:
			return response{}, bad("Property '%s' cannot be set here.", p.name)
		}
	}
	if on == nil {
		return noContent(), nil
	}
	return noContent(), c.dir.SetSynchronization(c.ctx, c.actor(), *on)
}

// domains are the tenant's domains.
func domains(c *call) ([]odata.Value, error) {
	set := c.dir.Settings()
	var out []odata.Value
	for _, d := range set.Domains {
		services := odata.Value{Kind: odata.List}
		if d.Verified {
			services = odata.Texts([]string{"Email", "OfficeCommunicationsOnline"})
		}
		out = append(out, odata.OfObject(f("id", odata.Of(d.Name)), f("authenticationType", odata.Of(authentication(d))), f("isAdminManaged", odata.OfBool(true)),
			f("isDefault", odata.OfBool(d.Name == defaultDomain(set))), f("isInitial", odata.OfBool(d.Name == set.Initial)), f("isRoot", odata.OfBool(true)),
			f("isVerified", odata.OfBool(d.Verified)), f("supportedServices", services)))
	}
	return out, nil
}

// features are the switches of synchronisation, by Graph's names, as far as the tenant has them; the rest are off.
var features = map[string]struct {
	get func(tenant.Switches) bool
	set func(*tenant.Switches, bool)
}{
	"blockSoftMatchEnabled": {func(s tenant.Switches) bool { return s.BlockSoftMatch }, func(s *tenant.Switches, on bool) { s.BlockSoftMatch = on }},
	"blockCloudObjectTakeoverThroughHardMatchEnabled": {func(s tenant.Switches) bool { return s.BlockHardMatchTakeover },
		func(s *tenant.Switches, on bool) { s.BlockHardMatchTakeover = on }},
	"allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled": {func(s tenant.Switches) bool { return s.AllowRemap },
		func(s *tenant.Switches, on bool) { s.AllowRemap = on }},
	"softMatchOnUpnEnabled": {func(s tenant.Switches) bool { return s.SoftMatchOnUPN }, func(s *tenant.Switches, on bool) { s.SoftMatchOnUPN = on }},
}

// featureNames are all that Graph knows, in its order.
var featureNames = strings.Fields(`allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled blockCloudObjectTakeoverThroughHardMatchEnabled blockSoftMatchEnabled
	bypassDirSyncOverridesEnabled cloudPasswordPolicyForPasswordSyncedUsersEnabled concurrentCredentialUpdateEnabled concurrentOrgIdProvisioningEnabled
	deviceWritebackEnabled directoryExtensionsEnabled fopeConflictResolutionEnabled groupWriteBackEnabled passwordSyncEnabled passwordWritebackEnabled
	quarantineUponProxyAddressesConflictEnabled quarantineUponUpnConflictEnabled softMatchOnUpnEnabled synchronizeUpnForManagedUsersEnabled
	unifiedGroupWritebackEnabled userForcePasswordChangeOnLogonEnabled userWritebackEnabled`)

// synchronization is how the tenant takes what is synchronised.
func synchronization(c *call) odata.Value {
	set := c.dir.Settings()
	var list []odata.Field
	for _, name := range featureNames {
		on := false
		if x, ours := features[name]; ours {
			on = x.get(set.Switches)
		}
		list = append(list, f(name, odata.OfBool(on)))
	}
	prevention := odata.OfObject(f("synchronizationPreventionType", odata.Of("disabled")), f("alertThreshold", odata.OfInt(0)))
	return odata.OfObject(f("id", odata.Of(set.Tenant)), f("features", odata.OfObject(list...)),
		f("configuration", odata.OfObject(f("accidentalDeletionPrevention", prevention))))
}

func synchronizations(c *call) (response, error) {
	return c.collection("directory/onPremisesSynchronization", synchronization(c)), nil
}

func oneSynchronization(c *call) (response, error) {
	if !strings.EqualFold(c.vars[0], c.dir.Settings().Tenant) {
		return response{}, missing(c.vars[0])
	}
	return c.object(200, "directory/onPremisesSynchronization/$entity", synchronization(c)), nil
}

// updateSynchronization turns the tenant's switches.
func updateSynchronization(c *call) (response, error) {
	if !strings.EqualFold(c.vars[0], c.dir.Settings().Tenant) {
		return response{}, missing(c.vars[0])
	}
	var body struct {
		Features map[string]*bool `json:"features"`
	}
	if json.Unmarshal(c.body, &body) != nil {
		return response{}, unreadable()
	}
	s := c.dir.Settings().Switches
	for name, on := range body.Features {
		x, ours := features[name]
		switch {
		case on == nil:
		case ours:
			x.set(&s, *on)
		case *on:
			return response{}, bad("The feature '%s' cannot be turned on here.", name)
		}
	}
	err := c.dir.SetSwitches(c.ctx, s)
	if canopy.KindOf(err) == canopy.Forbidden {
		return response{}, bad("softMatchOnUpnEnabled cannot be turned off once it is on.")
	}
	return noContent(), err
}
