package care

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityexception"
	"carehome/ent/activityparticipation"
	"carehome/ent/allergy"
	"carehome/ent/medication"
	"carehome/ent/medicationingredient"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/residentcontact"
	"carehome/ent/wellness"
	"carehome/internal/access"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
)

// Deletion says why a row is deleted and which version of it.
type Deletion struct {
	ExpectedVersion *int
	Reason          *string
	// IdempotencyKey is looked at before anything is done.
	IdempotencyKey *string
}

// Delete takes a row of the wanted kind off the record: a clinical fact is
// marked ENTERED_IN_ERROR and kept with its revision, another row is removed
// while nothing depends on it. It fails with INVALID for an id of another kind,
// NOT_FOUND, and CONFLICT for a stale version or a row that is still held.
func Delete(ctx context.Context, tx *ent.Client, want nodeid.Kind, id nodeid.ID, d Deletion) error {
	if id.Kind() != want {
		return problem.Invalidf("id", "must be the id of a %s, such as %q", want, nodeid.New(want, 17))
	}
	if err := access.Check(ctx, want, access.Delete); err != nil {
		return err
	}
	ctx, err := withReason(ctx, d.Reason)
	if err != nil {
		return err
	}
	r, ok := removals(tx, id)
	if !ok {
		return fmt.Errorf("there is no way to delete a %s", want)
	}
	version, err := r.version(ctx)
	switch {
	case ent.IsNotFound(err):
		return problem.NotFoundf("id", "there is no %s with this id", want)
	case err != nil:
		return err
	case d.ExpectedVersion != nil && *d.ExpectedVersion != version:
		return problem.Conflictf("input.expectedVersion", "it has changed since you read it").With("currentVersion", version)
	}
	for _, h := range r.holders {
		if n, err := h.count(access.Lift(ctx, access.EveryRule)); err != nil {
			return err
		} else if n > 0 {
			return problem.Conflictf("id", "it cannot be deleted while %s depend on it: there are %d", h.what, n)
		}
	}
	err = r.do(ctx)
	if ent.IsNotFound(err) && len(r.holders) == 0 {
		return problem.Conflictf("id", "it is marked ENTERED_IN_ERROR already")
	}
	return err
}

// removal is how one row is deleted.
type removal struct {
	version func(context.Context) (int, error)
	holders []holder
	do      func(context.Context) error
}

// holder is what keeps a row from being removed, by a name that a carer knows.
type holder struct {
	what  string
	count func(context.Context) (int, error)
}

// removals is the table of what can be deleted, and how.
func removals(tx *ent.Client, id nodeid.ID) (removal, bool) {
	switch id.Kind() {
	case nodeid.Resident:
		return removal{
			version: tx.Resident.Query().Where(resident.ID(id)).Select(resident.FieldVersion).Int,
			holders: []holder{
				{"allergies", tx.Allergy.Query().Where(allergy.ResidentID(id)).Count},
				{"prescriptions", tx.Prescription.Query().Where(prescription.ResidentID(id)).Count},
				{"wellness checks", tx.Wellness.Query().Where(wellness.ResidentID(id)).Count},
				{"participations", tx.ActivityParticipation.Query().Where(activityparticipation.ResidentID(id)).Count},
			},
			do: tx.Resident.DeleteOneID(id).Exec,
		}, true
	case nodeid.ResidentContact:
		return removal{
			version: tx.ResidentContact.Query().Where(residentcontact.ID(id)).Select(residentcontact.FieldVersion).Int,
			do:      tx.ResidentContact.DeleteOneID(id).Exec,
		}, true
	case nodeid.Allergy:
		return removal{
			version: tx.Allergy.Query().Where(allergy.ID(id)).Select(allergy.FieldVersion).Int,
			do: tx.Allergy.UpdateOneID(id).Where(allergy.VerificationNEQ(allergy.VerificationEnteredInError)).
				SetVerification(allergy.VerificationEnteredInError).Exec,
		}, true
	case nodeid.Medication:
		return removal{
			version: tx.Medication.Query().Where(medication.ID(id)).Select(medication.FieldVersion).Int,
			holders: []holder{{"prescriptions", tx.Prescription.Query().Where(prescription.MedicationID(id)).Count}},
			do:      tx.Medication.DeleteOneID(id).Exec,
		}, true
	case nodeid.MedicationIngredient:
		return removal{
			version: tx.MedicationIngredient.Query().Where(medicationingredient.ID(id)).Select(medicationingredient.FieldVersion).Int,
			do:      tx.MedicationIngredient.DeleteOneID(id).Exec,
		}, true
	case nodeid.Prescription:
		return removal{
			version: tx.Prescription.Query().Where(prescription.ID(id)).Select(prescription.FieldVersion).Int,
			do: tx.Prescription.UpdateOneID(id).Where(prescription.StatusNEQ(prescription.StatusEnteredInError)).
				SetStatus(prescription.StatusEnteredInError).Exec,
		}, true
	case nodeid.Activity:
		return removal{
			version: tx.Activity.Query().Where(activity.ID(id)).Select(activity.FieldVersion).Int,
			holders: []holder{{"participations", tx.ActivityParticipation.Query().Where(activityparticipation.ActivityID(id)).Count}},
			do:      tx.Activity.DeleteOneID(id).Exec,
		}, true
	case nodeid.ActivityException:
		return removal{
			version: tx.ActivityException.Query().Where(activityexception.ID(id)).Select(activityexception.FieldVersion).Int,
			do:      tx.ActivityException.DeleteOneID(id).Exec,
		}, true
	case nodeid.ActivityParticipation:
		return removal{
			version: tx.ActivityParticipation.Query().Where(activityparticipation.ID(id)).Select(activityparticipation.FieldVersion).Int,
			do: tx.ActivityParticipation.UpdateOneID(id).Where(activityparticipation.StatusNEQ(activityparticipation.StatusEnteredInError)).
				SetStatus(activityparticipation.StatusEnteredInError).Exec,
		}, true
	case nodeid.Wellness:
		return removal{
			version: tx.Wellness.Query().Where(wellness.ID(id)).Select(wellness.FieldVersion).Int,
			do: tx.Wellness.UpdateOneID(id).Where(wellness.StatusNEQ(wellness.StatusEnteredInError)).
				SetStatus(wellness.StatusEnteredInError).Exec,
		}, true
	}
	return removal{}, false
}
