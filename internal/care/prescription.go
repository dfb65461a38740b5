package care

import (
	"context"

	"carehome/ent"
	"carehome/ent/medication"
	"carehome/internal/problem"
)

// checkPrescription holds what a new prescription says against its medication
// and the one that it follows.
func checkPrescription(ctx context.Context, m *ent.PrescriptionMutation) (ent.Value, error) {
	if !m.Op().Is(ent.OpCreate) {
		return nil, nil
	}
	if _, imported := m.SourceID(); imported {
		return nil, nil // an imported order is history: it is taken as it was
	}
	if id, ok := m.MedicationID(); ok {
		product, err := m.Client().Medication.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if product.Status != medication.StatusActive {
			return nil, problem.Conflictf("input.medicationID", "%s is not active and cannot be prescribed", product.Name)
		}
	}
	if id, ok := m.ReplacesID(); ok {
		before, err := m.Client().Prescription.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if resident, _ := m.ResidentID(); before.ResidentID != resident {
			return nil, problem.Invalidf("input.replacesID", "must be a prescription of the same resident")
		}
	}
	return nil, nil
}
