package care

import (
	"context"

	"carehome/ent"
	"carehome/ent/hook"
	"carehome/internal/access"
)

// Write runs a function in one transaction that is kept for good when it
// returns nil, and leaves no trace otherwise.
type Write func(ctx context.Context, work func(ctx context.Context, tx *ent.Client) error) error

// Guard returns a Write whose transactions hold the rules between rows and keep
// the revisions of clinical facts, whoever writes through them. It expects each
// transaction to bring a client of its own.
func Guard(write Write) Write {
	return func(ctx context.Context, work func(ctx context.Context, tx *ent.Client) error) error {
		return write(ctx, func(ctx context.Context, tx *ent.Client) error {
			register(tx)
			return work(ctx, tx)
		})
	}
}

func register(tx *ent.Client) {
	tx.Allergy.Use(keepRevision((*ent.AllergyClient).Get, tx.Allergy))
	tx.ActivityParticipation.Use(
		keepRevision((*ent.ActivityParticipationClient).Get, tx.ActivityParticipation),
		on(hook.ActivityParticipationFunc(checkParticipation)),
	)
	tx.APIKey.Use(on(hook.APIKeyFunc(checkKey)))
	tx.ResidentContact.Use(on(hook.ResidentContactFunc(checkContact)))
	tx.Facility.Use(on(hook.FacilityFunc(checkFacility)))
	tx.Prescription.Use(
		keepRevision((*ent.PrescriptionClient).Get, tx.Prescription),
		on(hook.PrescriptionFunc(checkPrescription)),
	)
	tx.StaffUser.Use(on(hook.StaffUserFunc(checkStaffUser)))
	tx.Wellness.Use(keepRevision((*ent.WellnessClient).Get, tx.Wellness))
}

// on makes a hook of a check that runs before the change and decides by its
// error alone. What is wrong with the row by itself is told first.
func on(check ent.Mutator) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if row, ok := m.(interface{ Check(context.Context) error }); ok && !m.Op().Is(ent.OpDelete|ent.OpDeleteOne) {
				if err := row.Check(ctx); err != nil {
					return nil, err
				}
			}
			// What a rule must know is not what the viewer may see.
			if _, err := check.Mutate(access.Lift(ctx, access.EveryRule), m); err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	}
}
