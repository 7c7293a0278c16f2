package graphapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// The roles that open resources: application permissions as Graph has them. The first is the least.
var (
	readUsers    = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	writeUsers   = []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	readGroups   = []string{"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	writeGroups  = []string{"Group.ReadWrite.All", "Directory.ReadWrite.All"}
	readContacts = []string{"OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	writeMembers = []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	removeUsers  = []string{"User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}
	readAll      = []string{"Directory.Read.All", "Directory.ReadWrite.All"}
)

// routeTable makes the door's routes.
func routeTable() *routes {
	r := &routes{bySize: map[int][]*route{}}
	for _, rows := range [][]row{userRows, groupRows, contactRows, objectRows, tenantRows, licenceRows, linkRows(), behaviourRows(), propertyRows()} {
		for _, x := range rows {
			method, path, _ := strings.Cut(x.route, " ")
			t := &route{method: method, pattern: strings.Split(path, "/"), roles: x.roles, handle: x.handle}
			r.bySize[len(t.pattern)] = append(r.bySize[len(t.pattern)], t)
		}
	}
	for _, list := range r.bySize { // names before variables
		slices.SortStableFunc(list, func(a, b *route) int { return cmp.Compare(a.variables(), b.variables()) })
	}
	return r
}

func (t *route) variables() (n int) {
	for _, p := range t.pattern {
		if p[0] == '{' {
			n++
		}
	}
	return n
}

// row is a route: method and path, the roles of which one is enough, and what answers.
type row struct {
	route  string
	roles  []string
	handle handler
}

// Roles are all roles that the door knows, in order.
func Roles() []string { return routeTable().roles() }

func (r *routes) roles() []string {
	seen := map[string]bool{}
	for _, list := range r.bySize {
		for _, t := range list {
			for _, role := range t.roles {
				seen[role] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
