package care

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/activityparticipation"
	"carehome/ent/allergy"
	"carehome/ent/prescription"
	"carehome/ent/wellness"
	"carehome/internal/access"
	"carehome/internal/nodeid"
)

// ResidentsOf are the residents whom facts of care are of.
func ResidentsOf(ctx context.Context, read *ent.Client, facts []nodeid.ID) (residents []nodeid.ID, err error) {
	ctx = access.Lift(ctx, access.EveryRule)
	byKind := map[nodeid.Kind][]nodeid.ID{}
	for _, id := range facts {
		byKind[id.Kind()] = append(byKind[id.Kind()], id)
	}
	for kind, ids := range byKind {
		var found []nodeid.ID
		switch kind {
		case nodeid.Allergy:
			err = read.Allergy.Query().Where(allergy.IDIn(ids...)).Unique(true).Select(allergy.FieldResidentID).Scan(ctx, &found)
		case nodeid.Prescription:
			err = read.Prescription.Query().Where(prescription.IDIn(ids...)).Unique(true).Select(prescription.FieldResidentID).Scan(ctx, &found)
		case nodeid.ActivityParticipation:
			err = read.ActivityParticipation.Query().Where(activityparticipation.IDIn(ids...)).Unique(true).
				Select(activityparticipation.FieldResidentID).Scan(ctx, &found)
		case nodeid.Wellness:
			err = read.Wellness.Query().Where(wellness.IDIn(ids...)).Unique(true).Select(wellness.FieldResidentID).Scan(ctx, &found)
		default:
			err = fmt.Errorf("there is no resident of a %s", kind)
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the residents of facts: %w", err)
		}
		residents = append(residents, found...)
	}
	return residents, nil
}
