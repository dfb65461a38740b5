package care

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/access"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// checkStaffUser keeps the home from losing its last administrator, and everybody
// from reaching further through an account than by themselves.
func checkStaffUser(ctx context.Context, m *ent.StaffUserMutation) (ent.Value, error) {
	before := &ent.StaffUser{}
	if m.Op().Is(ent.OpUpdateOne) {
		id, _ := m.ID()
		row, err := m.Client().StaffUser.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading the person before the change: %w", err)
		}
		before = row
	}
	role, active := before.Role, before.Active
	if now, set := m.Role(); set {
		role = now
	}
	if now, set := m.Active(); set {
		active = now
	}
	// An act that the role does not include at all is refused before this.
	if v, _ := viewer.From(ctx); !v.IsSystem() && tellsWho(m) &&
		(!access.Grants(v.Role, viewer.Role(role)) || before.Role != "" && !access.Grants(v.Role, viewer.Role(before.Role))) {
		field := ""
		if _, set := m.Role(); set {
			field = "input.role"
		}
		return nil, problem.New(problem.Forbidden, field, "your role cannot say who somebody of this role is")
	}
	if before.Role != staffuser.RoleAdmin || !before.Active || role == staffuser.RoleAdmin && active {
		return nil, nil
	}
	others, err := m.Client().StaffUser.Query().
		Where(staffuser.RoleEQ(staffuser.RoleAdmin), staffuser.Active(true), staffuser.IDNEQ(before.ID)).Count(ctx)
	if err != nil || others > 0 {
		return nil, err
	}
	field := "input.active"
	if role != staffuser.RoleAdmin {
		field = "input.role"
	}
	return nil, problem.Conflictf(field, "cannot change for the last active administrator: make another one first")
}

// tellsWho reports whether a change touches what a person signs in by, or what
// that person then sees.
func tellsWho(m *ent.StaffUserMutation) bool {
	for _, field := range append(m.Fields(), m.ClearedFields()...) {
		switch field {
		case staffuser.FieldRole, staffuser.FieldEmail, staffuser.FieldSubject, staffuser.FieldSeesNames:
			return true
		}
	}
	return false
}
