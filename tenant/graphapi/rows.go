package graphapi

import "fmt"

var userRows = []row{
	{"GET users", readUsers, list("user")},
	{"GET users/$count", readUsers, counted("user")},
	{"GET users/delta", readUsers, delta("user")},
	{"GET users/{id}", readUsers, get("user")},
	{"POST users", writeUsers, createUser},
	{"PATCH users/{id}", append([]string{"User-PasswordProfile.ReadWrite.All"}, writeUsers...), updateUser},
	{"DELETE users/{id}", removeUsers, remove("user")},
	{"POST users/{id}/revokeSignInSessions", append([]string{"User.RevokeSessions.All"}, writeUsers...), revoke},
	{"GET users/{id}/manager", readUsers, one("user", "manager")},
	{"GET users/{id}/manager/$ref", readUsers, oneRef("user", "manager")},
	{"PUT users/{id}/manager/$ref", writeUsers, addRef("user", "manager", true)},
	{"DELETE users/{id}/manager/$ref", writeUsers, dropRef("user", "manager")},
	{"POST users/{id}/sponsors/$ref", writeUsers, addRef("user", "sponsors", false)},
	{"DELETE users/{id}/sponsors/$ref", writeUsers, dropRef("user", "sponsors")},
	{"DELETE users/{id}/sponsors/{x}/$ref", writeUsers, dropRef("user", "sponsors")},
}

var groupRows = []row{
	{"GET groups", readGroups, list("group")},
	{"GET groups/$count", readGroups, counted("group")},
	{"GET groups/delta", readGroups, delta("group")},
	{"GET groups/{id}", readGroups, get("group")},
	{"POST groups", append([]string{"Group.Create"}, writeGroups...), createGroup},
	{"PATCH groups/{id}", writeMembers, updateGroup},
	{"DELETE groups/{id}", writeGroups, remove("group")},
	{"GET groups/{id}/members/$ref", readGroups, refs("group", "members")},
	{"POST groups/{id}/members/$ref", writeMembers, addRef("group", "members", false)},
	{"DELETE groups/{id}/members/{x}/$ref", writeMembers, dropRef("group", "members")},
	{"DELETE groups/{id}/members/$ref", writeMembers, dropRef("group", "members")},
	{"DELETE groups/{id}/owners/$ref", writeGroups, dropRef("group", "owners")},
	{"GET groups/{id}/owners/$ref", readGroups, refs("group", "owners")},
	{"POST groups/{id}/owners/$ref", writeGroups, addRef("group", "owners", false)},
	{"DELETE groups/{id}/owners/{x}/$ref", writeGroups, dropRef("group", "owners")},
}

var contactRows = []row{
	{"GET contacts", readContacts, list("orgContact")},
	{"GET contacts/$count", readContacts, counted("orgContact")},
	{"GET contacts/delta", readContacts, delta("orgContact")},
	{"GET contacts/{id}", readContacts, get("orgContact")},
	{"GET contacts/{id}/manager", readContacts, one("orgContact", "manager")},
}

var objectRows = []row{
	{"GET directoryObjects/delta", readAll, delta("directoryObject")},
	{"GET directoryObjects/{id}", readAll, directoryObject},
	{"GET directoryObjects/{id}/graph.user", readAll, get("user")},
	{"GET directoryObjects/{id}/graph.group", readAll, get("group")},
	{"GET directoryObjects/{id}/graph.orgContact", readAll, get("orgContact")},
	{"DELETE directoryObjects/{id}", []string{"Directory.ReadWrite.All"}, removeAny},
	{"POST directoryObjects/getByIds", readAll, byIDs},
	{"POST users/getByIds", readAll, byIDs},
	{"POST groups/getByIds", readAll, byIDs},
	{"POST contacts/getByIds", readAll, byIDs},
	{"GET directory/deletedItems/graph.user", readUsers, deletedList("user")},
	{"GET directory/deletedItems/graph.user/$count", readUsers, deletedCount("user")},
	{"GET directory/deletedItems/graph.group", readGroups, deletedList("group")},
	{"GET directory/deletedItems/graph.group/$count", readGroups, deletedCount("group")},
	{"GET directory/deletedItems/{id}", readAll, deletedGet},
	{"GET directory/deletedItems/{id}/graph.user", readUsers, deletedGet},
	{"GET directory/deletedItems/{id}/graph.group", readGroups, deletedGet},
	{"POST directory/deletedItems/{id}/restore", removeUsers, restore},
	{"POST directoryObjects/{id}/restore", removeUsers, restore},
	{"POST users/{id}/restore", removeUsers, restore},
	{"POST groups/{id}/restore", writeGroups, restore},
	{"DELETE directory/deletedItems/{id}", removeUsers, purge},
}

// propertyRows are single properties of objects.
func propertyRows() []row {
	var out []row
	for _, n := range []struct {
		set, entity string
		roles       []string
	}{{"users", "user", readUsers}, {"groups", "group", readGroups}, {"contacts", "orgContact", readContacts}} {
		path := "GET " + n.set + "/{id}/{property}"
		out = append(out, row{path, n.roles, oneProperty(n.entity, false)}, row{path + "/$value", n.roles, oneProperty(n.entity, true)})
	}
	return out
}

// linkRows are the navigations: each as a list, as a count, and of one type.
func linkRows() []row {
	var out []row
	for _, n := range []struct {
		set, entity, navigation string
		roles                   []string
	}{
		{"users", "user", "memberOf", readUsers}, {"users", "user", "transitiveMemberOf", readUsers}, {"users", "user", "directReports", readUsers},
		{"users", "user", "ownedObjects", readUsers}, {"users", "user", "sponsors", readUsers},
		{"groups", "group", "members", readGroups}, {"groups", "group", "transitiveMembers", readGroups}, {"groups", "group", "owners", readGroups},
		{"groups", "group", "memberOf", readGroups}, {"groups", "group", "transitiveMemberOf", readGroups},
		{"contacts", "orgContact", "memberOf", readContacts}, {"contacts", "orgContact", "transitiveMemberOf", readContacts},
		{"contacts", "orgContact", "directReports", readContacts},
	} {
		path := fmt.Sprintf("GET %s/{id}/%s", n.set, n.navigation)
		out = append(out, row{path, n.roles, linked(n.entity, n.navigation)}, row{path + "/$count", n.roles, countLinked(n.entity, n.navigation, "")})
		for _, cast := range classNames {
			out = append(out, row{path + "/graph." + cast, n.roles, linkedCast(n.entity, n.navigation, cast)},
				row{path + "/graph." + cast + "/$count", n.roles, countLinked(n.entity, n.navigation, cast)})
		}
	}
	for _, n := range []struct {
		set, entity string
		roles       []string
	}{{"users", "user", readUsers}, {"groups", "group", readGroups}, {"contacts", "orgContact", readContacts}, {"directoryObjects", "directoryObject", readAll}} {
		for _, what := range []string{"getMemberGroups", "getMemberObjects"} {
			out = append(out, row{"POST " + n.set + "/{id}/" + what, n.roles, memberGroups(n.entity)})
		}
		for _, what := range []string{"checkMemberGroups", "checkMemberObjects"} {
			out = append(out, row{"POST " + n.set + "/{id}/" + what, n.roles, checkGroups(n.entity)})
		}
	}
	return out
}

var (
	readOrganization = []string{"Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readDomains      = []string{"Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readApps         = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readSync         = []string{"OnPremDirectorySynchronization.Read.All", "OnPremDirectorySynchronization.ReadWrite.All"}
	readAudits       = []string{"AuditLog.Read.All"}
	readProvisioning = []string{"ProvisioningLog.Read.All", "AuditLog.Read.All"}
)

// behaviourRows are who masters an object. The roles are those of the action alone, as the real service has them.
func behaviourRows() []row {
	var out []row
	for _, n := range []struct{ set, entity, role string }{{"users", "user", "User"}, {"groups", "group", "Group"}, {"contacts", "orgContact", "Contacts"}} {
		write := n.role + "-OnPremisesSyncBehavior.ReadWrite.All"
		path := n.set + "/{id}/onPremisesSyncBehavior"
		out = append(out, row{"GET " + path, []string{n.role + "-OnPremisesSyncBehavior.Read.All", write}, behaviour(n.entity)},
			row{"PATCH " + path, []string{write}, setBehaviour(n.entity)})
	}
	return out
}

var tenantRows = []row{
	{"GET organization", readOrganization, listOf("organization", organizations)},
	{"GET organization/$count", readOrganization, countOfList("organization", organizations)},
	{"GET organization/{id}", readOrganization, oneOf("organization", organizations)},
	{"PATCH organization/{id}", []string{"Organization.ReadWrite.All"}, updateOrganization},
	{"GET domains", readDomains, listOf("domain", domains)},
	{"GET domains/{id}", readDomains, oneOf("domain", domains)},
	{"GET directory/onPremisesSynchronization", readSync, synchronizations},
	{"GET directory/onPremisesSynchronization/{id}", readSync, oneSynchronization},
	{"PATCH directory/onPremisesSynchronization/{id}", []string{"OnPremDirectorySynchronization.ReadWrite.All"}, updateSynchronization},
	{"GET servicePrincipals", readApps, listOf("servicePrincipal", principals)},
	{"GET servicePrincipals/$count", readApps, countOfList("servicePrincipal", principals)},
	{"GET servicePrincipals/{id}", readApps, oneOf("servicePrincipal", principals)},
	{"GET applications", readApps, listOf("application", applications)},
	{"GET applications/$count", readApps, countOfList("application", applications)},
	{"GET applications/{id}", readApps, oneOf("application", applications)},
	{"GET auditLogs/directoryAudits", readAudits, audits},
	{"GET auditLogs/directoryAudits/{id}", readAudits, audit},
	{"GET auditLogs/provisioning", readProvisioning, provisioned},
}
