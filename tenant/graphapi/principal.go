package graphapi

import (
	"crypto/sha256"
	"fmt"

	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// roleID makes the id of a role, the same each time: from its name, as ids of roles are GUIDs.
func roleID(name string) string {
	b := sha256.Sum256([]byte("role " + name))
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// graphObject is the object id of Microsoft Graph's own service principal here.
var graphObject = roleID("Microsoft Graph")

// principals are the service principals: Graph's own, which has the roles, and those of the apps.
func principals(c *call) ([]odata.Value, error) {
	apps, err := c.dir.Apps(c.ctx)
	if err != nil {
		return nil, err
	}
	roles := odata.Value{Kind: odata.List}
	for _, r := range c.routes.roles() {
		roles.List = append(roles.List, odata.OfObject(f("id", odata.Of(roleID(r))), f("value", odata.Of(r)), f("displayName", odata.Of(r)), f("description", odata.Of(r)),
			f("isEnabled", odata.OfBool(true)), f("allowedMemberTypes", odata.Texts([]string{"Application"}))))
	}
	out := []odata.Value{odata.OfObject(f("id", odata.Of(graphObject)), f("appId", odata.Of(graphAppID)), f("displayName", odata.Of("Microsoft Graph")),
		f("appDisplayName", odata.Of("Microsoft Graph")), f("accountEnabled", odata.OfBool(true)), f("servicePrincipalType", odata.Of("Application")),
		f("servicePrincipalNames", odata.Texts([]string{graphAppID, "https://graph.microsoft.com"})), f("appRoleAssignmentRequired", odata.OfBool(false)), f("appRoles", roles),
		f("signInAudience", odata.Of("AzureADMultipleOrgs")))}
	for _, a := range apps {
		out = append(out, odata.OfObject(f("id", odata.Of(string(a.Object))), f("appId", odata.Of(a.ID)), f("displayName", odata.Of(a.Name)), f("appDisplayName", odata.Of(a.Name)),
			f("accountEnabled", odata.OfBool(true)), f("servicePrincipalType", odata.Of("Application")), f("servicePrincipalNames", odata.Texts([]string{a.ID})),
			f("appRoleAssignmentRequired", odata.OfBool(false)), f("appOwnerOrganizationId", odata.Of(c.dir.Settings().Tenant)), f("signInAudience", odata.Of("AzureADMyOrg"))))
	}
	return out, nil
}

// applications are the apps' registrations. Secrets are told by their beginning only.
func applications(c *call) ([]odata.Value, error) {
	apps, err := c.dir.Apps(c.ctx)
	if err != nil {
		return nil, err
	}
	var out []odata.Value
	for _, a := range apps {
		secrets := odata.Value{Kind: odata.List}
		for _, s := range a.Secrets {
			secrets.List = append(secrets.List, odata.OfObject(f("keyId", odata.Of(s.ID)), f("hint", odata.Of(s.Hint)), f("startDateTime", odata.OfTime(s.Made))))
		}
		access := odata.Value{Kind: odata.List}
		for _, r := range a.Roles {
			access.List = append(access.List, odata.OfObject(f("id", odata.Of(roleID(r))), f("type", odata.Of("Role"))))
		}
		out = append(out, odata.OfObject(f("id", odata.Of(roleID("application "+a.ID))), f("appId", odata.Of(a.ID)), f("displayName", odata.Of(a.Name)),
			f("createdDateTime", odata.OfTime(a.Made)), f("signInAudience", odata.Of("AzureADMyOrg")), f("publisherDomain", odata.Of(c.dir.Settings().Initial)),
			f("passwordCredentials", secrets), f("requiredResourceAccess", odata.OfList(odata.OfObject(f("resourceAppId", odata.Of(graphAppID)), f("resourceAccess", access))))))
	}
	return out, nil
}
