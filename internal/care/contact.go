package care

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/problem"
)

// checkContact lets only relatives sign in as contacts: for anybody else the link
// would mean nothing.
func checkContact(ctx context.Context, m *ent.ResidentContactMutation) (ent.Value, error) {
	id, set := m.PortalUserID()
	if !set {
		return nil, nil
	}
	who, err := m.Client().StaffUser.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading who a contact is: %w", err)
	}
	if who.Role != staffuser.RoleFamily {
		return nil, problem.Invalidf("input.portalUserID", "must be a person of the role FAMILY")
	}
	return nil, nil
}
