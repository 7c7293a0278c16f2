package expr

import (
	"encoding/json"
	"strings"
)

// roleFunctions read an account's roles in an application: each value is a role's name, or a JSON object with its
// displayName. They serve applications; a directory has no such attribute.
var roleFunctions = []function{
	{name: "SingleAppRoleAssignment", takes: "m", usage: "SingleAppRoleAssignment([appRoleAssignments])", text: "the name of the one role; an error when there are several",
		tries: []Example{{`SingleAppRoleAssignment("{\"id\":\"1\",\"displayName\":\"Reader\"}")`, `"Reader"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			if n := len(a[0].Values()); n > 1 {
				return Value{}, badArg(1, "has %d roles, and only one can be taken; AppRoleAssignmentsComplex takes several", n)
			}
			return roleName(a[0])
		}},
	{name: "AppRoleAssignments", takes: "m", usage: "AppRoleAssignments([appRoleAssignments])", text: "the names of all roles", tries: []Example{{`AppRoleAssignments("Reader")`, `"Reader"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			out := make([]Value, 0, len(a[0].Values()))
			for _, v := range a[0].Values() {
				name, err := roleName(v)
				if err != nil {
					return Value{}, err
				}
				out = append(out, name)
			}
			return Many(out), nil
		}},
	{name: "AppRoleAssignmentsComplex", takes: "m", usage: "AppRoleAssignmentsComplex([appRoleAssignments])", text: "the roles as they are, each with all that it says of itself",
		tries: []Example{{`AppRoleAssignmentsComplex("Reader")`, `"Reader"`}}, call: func(_ *machine, a []Value) (Value, error) { return a[0], nil }},
}

func roleName(v Value) (Value, error) {
	if v.kind != Text {
		return Value{}, badArg(1, "must be roles, has %s", described(v))
	}
	if !strings.HasPrefix(v.s, "{") {
		return v, nil
	}
	var role struct {
		DisplayName string `json:"displayName"`
	}
	if err := json.Unmarshal([]byte(v.s), &role); err != nil || role.DisplayName == "" {
		return Value{}, badArg(1, "is no role with a displayName: %s", described(v))
	}
	return Str(role.DisplayName), nil
}
