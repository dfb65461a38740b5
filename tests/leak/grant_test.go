package leak

import (
	"fmt"
	"slices"
	"strings"

	"carehome/internal/viewer"
)

// makes are the roles whose accounts, and keys, somebody of a role makes and changes.
var makes = map[viewer.Role]string{
	viewer.Admin:    "ADMIN MANAGER NURSE CARER ACTIVITY_COORDINATOR REPORTING FAMILY SYSADMIN",
	viewer.Manager:  "MANAGER NURSE CARER ACTIVITY_COORDINATOR REPORTING FAMILY",
	viewer.Sysadmin: "SYSADMIN",
}

// grantCells makes and changes accounts and keys of every role: nobody reaches
// further through another account than by its own.
func grantCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	granted := func(typ string, of viewer.Role) bool {
		return may(a, "create", typ) && slices.Contains(strings.Fields(makes[a.Role]), string(of))
	}
	try := func(typ, what string, allowed bool, query string, variables map[string]any) cell {
		return cell{typ, func() []string {
			before := o.state(w.t, w.raw)
			raw, leaks := w.got(a, query, variables)
			switch got := read(raw); {
			case allowed && len(got.Errors) > 0:
				leaks = append(leaks, fmt.Sprintf("%s fails: %s", what, raw))
			case !allowed && got.code() != "FORBIDDEN":
				leaks = append(leaks, fmt.Sprintf("%s should be FORBIDDEN: %s", what, raw))
			case !allowed && o.state(w.t, w.raw) != before:
				leaks = append(leaks, what+" was done")
			}
			return leaks
		}}
	}
	var seen []viewer.Role
	for _, person := range w.askers {
		role := person.Role
		if slices.Contains(seen, role) {
			continue
		}
		seen = append(seen, role)
		w.made++
		cells = append(cells,
			try("StaffUser", "an account of "+string(role), granted("StaffUser", role),
				"mutation($input: CreateStaffUserInput!) { createStaffUser(input: $input) { staffUser { id role seesNames } } }",
				map[string]any{"input": map[string]any{"displayName": "Made", "email": fmt.Sprintf("granted%d-%s@example.org", w.made, role), "role": role}}),
			try("StaffUser", "a change of who somebody of "+string(role)+" is", granted("StaffUser", role),
				"mutation($id: ID!, $input: UpdateStaffUserInput!) { updateStaffUser(id: $id, input: $input) { staffUser { id } } }",
				map[string]any{"id": person.ID, "input": map[string]any{"seesNames": person.SeesNames}}),
			try("ApiKey", "a key of "+string(role), granted("ApiKey", role),
				"mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id scope } } }",
				map[string]any{"input": map[string]any{"name": "Made", "staffUserID": person.ID}}),
		)
		if !granted("StaffUser", role) {
			cells = append(cells, try("StaffUser", "a nurse becoming "+string(role), false,
				"mutation($id: ID!, $input: UpdateStaffUserInput!) { updateStaffUser(id: $id, input: $input) { staffUser { id } } }",
				map[string]any{"id": w.askers[2].ID, "input": map[string]any{"role": role}}))
		}
	}
	return cells
}
