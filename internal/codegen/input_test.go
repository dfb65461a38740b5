package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/hook"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/wellness"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// wrong lists the problems of an error as "CODE field".
func wrong(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	list, ok := problem.From(err)
	if !ok {
		t.Fatalf("%v is no problem", err)
	}
	var texts []string
	for _, p := range list {
		texts = append(texts, string(p.Code)+" "+p.Field)
	}
	slices.Sort(texts)
	return texts
}

func given[T any](v T) graphql.Omittable[*T] { return graphql.OmittableOf(&v) }

func null[T any]() graphql.Omittable[*T] { return graphql.OmittableOf[*T](nil) }

func newResident() ent.CreateResidentInput {
	return ent.CreateResidentInput{
		GivenName: "Lola", FamilyName: "García", BirthDate: scalar.DateOf(1940, 1, 1), Sex: resident.SexFemale,
	}
}

func TestCreateInput(t *testing.T) {
	h := openHome(t)
	h.fill()
	ctx, c := h.ctx, h.client
	res, med := nodeid.New(nodeid.Resident, 1), nodeid.New(nodeid.Medication, 1)
	when := scalar.At(must(scalar.ParseTime("2026-01-01T08:00:00Z")).Time)
	for name, tc := range map[string]struct {
		save func() error
		want []string
	}{
		"OK": {func() error { _, err := newResident().Save(ctx, c); return err }, nil},
		"ErrSeveralFields": {func() error {
			in := newResident()
			in.GivenName, in.FamilyName, in.BirthDate = " ", "", scalar.DateOf(1800, 1, 1)
			in.WellnessIntervalHours = given(999)
			_, err := in.Save(ctx, c)
			return err
		}, []string{"INVALID input.birthDate", "INVALID input.familyName", "INVALID input.givenName", "INVALID input.wellnessIntervalHours"}},
		"ErrNullForDefault": {func() error {
			in := newResident()
			in.Status, in.FamilyName = null[resident.Status](), ""
			_, err := in.Save(ctx, c)
			return err
		}, []string{"INVALID input.familyName", "INVALID input.status"}},
		"ErrRule": {func() error {
			_, err := ent.CreateWellnessInput{ResidentID: res, TakenAt: when}.Save(ctx, c)
			return err
		}, []string{"INVALID input.notes"}},
		"ErrRuleAndRange": {func() error {
			_, err := ent.CreateWellnessInput{ResidentID: res, TakenAt: when, Systolic: given(60), Energy: given(999)}.Save(ctx, c)
			return err
		}, []string{"INVALID input.diastolic", "INVALID input.energy"}},
		"ErrWrongKindOfEdge": {func() error {
			_, err := ent.CreatePrescriptionInput{ResidentID: med, MedicationID: res, StartsAt: when}.Save(ctx, c)
			return err
		}, []string{"INVALID input.medicationID", "INVALID input.prescriberName", "INVALID input.residentID"}},
		"ErrUnknownEdge": {func() error {
			_, err := ent.CreatePrescriptionInput{ResidentID: nodeid.New(nodeid.Resident, 999), MedicationID: med, StartsAt: when, PrescriberName: "x"}.Save(ctx, c)
			return err
		}, []string{"NOT_FOUND input.residentID"}},
		"ErrUnknownInList": {func() error {
			_, err := ent.CreateActivityInput{Title: "Music", Category: activity.CategoryMusic, DurationMinutes: 1,
				StartsAtLocal: must(scalar.ParseLocalDateTime("2026-01-01T10:00")), FacilitatorIDs: graphql.OmittableOf([]nodeid.ID{nodeid.New(nodeid.StaffUser, 1), nodeid.New(nodeid.StaffUser, 99)})}.Save(ctx, c)
			return err
		}, []string{"INVALID input.durationMinutes", "NOT_FOUND input.facilitatorIDs"}},
		// Import and demo data do not come through inputs.
		"ErrBuilder": {func() error {
			_, err := c.Wellness.Create().SetResidentID(res).SetTakenAt(when).SetEnergy(999).SetDiastolic(60).Save(ctx)
			return err
		}, []string{"INVALID input.energy", "INVALID input.systolic"}},
		"ErrBulk": {func() error {
			_, err := c.Wellness.CreateBulk(
				c.Wellness.Create().SetResidentID(res).SetTakenAt(when).SetEnergy(1),
				c.Wellness.Create().SetResidentID(res).SetTakenAt(when).SetEnergy(999),
			).Save(ctx)
			return err
		}, []string{"INVALID input.energy"}},
		"ErrMissing": {func() error {
			_, err := c.Resident.Create().SetGivenName("x").Save(ctx)
			return err
		}, []string{"INVALID input.birthDate", "INVALID input.familyName", "INVALID input.sex"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.Resident.Query().CountX(ctx) + c.Wellness.Query().CountX(ctx) + c.Prescription.Query().CountX(ctx)
			if got := wrong(t, tc.save()); !slices.Equal(got, tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			after := c.Resident.Query().CountX(ctx) + c.Wellness.Query().CountX(ctx) + c.Prescription.Query().CountX(ctx)
			if tc.want != nil && after != before {
				t.Errorf("%d rows were %d before", after, before)
			}
		})
	}
}

func TestUpdateInput(t *testing.T) {
	h := openHome(t)
	ctx, c := h.ctx, h.client
	first := newResident()
	first.PreferredName = given("Lolita")
	r := must(first.Save(ctx, c))
	for name, tc := range map[string]struct {
		id   nodeid.ID
		in   ent.UpdateResidentInput
		want []string
	}{
		"ErrNothing":       {r.ID, ent.UpdateResidentInput{}, []string{"INVALID input"}},
		"ErrVersionAlone":  {r.ID, ent.UpdateResidentInput{ExpectedVersion: new(1)}, []string{"INVALID input"}},
		"ErrNullRequired":  {r.ID, ent.UpdateResidentInput{FamilyName: null[string](), GivenName: given("")}, []string{"INVALID input.familyName", "INVALID input.givenName"}},
		"ErrStale":         {r.ID, ent.UpdateResidentInput{FamilyName: given("X"), ExpectedVersion: new(7)}, []string{"CONFLICT input.expectedVersion"}},
		"ErrUnknown":       {nodeid.New(nodeid.Resident, 99), ent.UpdateResidentInput{FamilyName: given("X")}, []string{"NOT_FOUND id"}},
		"ErrWrongKind":     {nodeid.New(nodeid.Wellness, 1), ent.UpdateResidentInput{FamilyName: given("X")}, []string{"INVALID id"}},
		"ErrRuleWithOld":   {r.ID, ent.UpdateResidentInput{DeceasedAt: given(scalar.At(r.CreatedAt.Time))}, []string{"INVALID input.deceasedAt"}},
		"ErrUnknownEdge":   {r.ID, ent.UpdateResidentInput{Spo2ScaleAuthorisedByID: given(nodeid.New(nodeid.StaffUser, 9))}, []string{"NOT_FOUND input.spo2ScaleAuthorisedByID"}},
		"ErrRuleNamesEdge": {r.ID, ent.UpdateResidentInput{Spo2Scale: given(resident.Spo2Scale("SCALE_2"))}, []string{"INVALID input.spo2ScaleAuthorisedAt", "INVALID input.spo2ScaleAuthorisedByID"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.in.Save(ctx, c, tc.id)
			if got := wrong(t, err); !slices.Equal(got, tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			if now := must(c.Resident.Get(ctx, r.ID)); now.Version != 1 || now.FamilyName != "García" {
				t.Errorf("it became %v", now)
			}
		})
	}
	t.Run("OKOmittedAndNull", func(t *testing.T) {
		got := must(ent.UpdateResidentInput{PreferredName: null[string](), Notes: given("new"), ExpectedVersion: new(1)}.Save(ctx, c, r.ID))
		if got.PreferredName != nil || got.Notes == nil || *got.Notes != "new" || got.FamilyName != "García" || got.Version != 2 {
			t.Errorf("it became %v", got)
		}
	})
	t.Run("ErrStaleTellsVersion", func(t *testing.T) {
		_, err := ent.UpdateResidentInput{Notes: given("late"), ExpectedVersion: new(1)}.Save(ctx, c, r.ID)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Details["currentVersion"] != 2 {
			t.Errorf("got %#v", err)
		}
	})
}

// A change that comes between reading the version and writing is not overwritten:
// the version is part of the UPDATE itself.
func TestUpdateRace(t *testing.T) {
	h := openHome(t)
	ctx, c := h.ctx, h.client
	r := must(newResident().Save(ctx, c))
	gone := must(newResident().Save(ctx, c))
	c.Resident.Use(func(next ent.Mutator) ent.Mutator {
		return hook.ResidentFunc(func(ctx context.Context, m *ent.ResidentMutation) (ent.Value, error) {
			statement := "UPDATE residents SET version = version + 1, notes = 'theirs' WHERE id = ?"
			if id, _ := m.ID(); id == gone.ID {
				statement = "DELETE FROM residents WHERE id = ?"
			}
			id, _ := m.ID()
			var result sql.Result
			if err := h.driver.Exec(ctx, statement, []any{id}, &result); err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	})
	_, err := ent.UpdateResidentInput{Notes: given("ours"), ExpectedVersion: new(1)}.Save(ctx, c, r.ID)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != problem.Conflict || p.Details["currentVersion"] != 2 {
		t.Errorf("got %#v", err)
	}
	if now := must(c.Resident.Get(ctx, r.ID)); now.Notes == nil || *now.Notes != "theirs" {
		t.Errorf("it became %v", now)
	}
	_, err = ent.UpdateResidentInput{Notes: given("ours"), ExpectedVersion: new(1)}.Save(ctx, c, gone.ID)
	if got := wrong(t, err); !slices.Equal(got, []string{"NOT_FOUND id"}) {
		t.Errorf("got %q", got)
	}
}

func TestUpdateReplacesList(t *testing.T) {
	h := openHome(t)
	h.fill()
	ctx, c := h.ctx, h.client
	id := nodeid.New(nodeid.Activity, 3)
	leads := func() []nodeid.ID {
		return must(must(c.Activity.Get(ctx, id)).QueryFacilitators().IDs(ctx))
	}
	if len(leads()) != 3 {
		t.Fatalf("it starts with %v", leads())
	}
	second := nodeid.New(nodeid.StaffUser, 2)
	must(ent.UpdateActivityInput{FacilitatorIDs: graphql.OmittableOf([]nodeid.ID{second})}.Save(ctx, c, id))
	if got := leads(); !slices.Equal(got, []nodeid.ID{second}) {
		t.Errorf("replaced by %v", got)
	}
	must(ent.UpdateActivityInput{Title: given("Singing")}.Save(ctx, c, id))
	if got := leads(); len(got) != 1 {
		t.Errorf("left out became %v", got)
	}
	_, err := ent.UpdateActivityInput{FacilitatorIDs: graphql.OmittableOf[[]nodeid.ID](nil)}.Save(ctx, c, id)
	if got := wrong(t, err); !slices.Equal(got, []string{"INVALID input.facilitatorIDs"}) {
		t.Errorf("null gave %q", got)
	}
	must(ent.UpdateActivityInput{FacilitatorIDs: graphql.OmittableOf([]nodeid.ID{})}.Save(ctx, c, id))
	if got := leads(); len(got) != 0 {
		t.Errorf("emptied to %v", got)
	}
}

// Why a clinical fact is changed reaches the hooks that keep its revisions.
func TestUpdateReason(t *testing.T) {
	h := openHome(t)
	h.fill()
	var heard string
	h.client.Wellness.Use(func(next ent.Mutator) ent.Mutator {
		return hook.WellnessFunc(func(ctx context.Context, m *ent.WellnessMutation) (ent.Value, error) {
			heard = viewer.Reason(ctx)
			return next.Mutate(ctx, m)
		})
	})
	id := must(h.client.Wellness.Query().Where(wellness.StatusEQ(wellness.StatusFinal)).FirstID(h.ctx))
	must(ent.UpdateWellnessInput{Energy: given(2), Reason: new("typing error")}.Save(h.ctx, h.client, id))
	if heard != "typing error" {
		t.Errorf("the hook heard %q", heard)
	}
	long := string(make([]byte, 501))
	_, err := ent.UpdateWellnessInput{Energy: given(999), Reason: &long}.Save(h.ctx, h.client, id)
	if got := wrong(t, err); !slices.Equal(got, []string{"INVALID input.energy", "INVALID input.reason"}) {
		t.Errorf("got %q", got)
	}
}

// Rows with rules between columns cannot be changed past them.
func TestBulkUpdateIsRefused(t *testing.T) {
	h := openHome(t)
	if _, err := h.client.Resident.Update().SetNotes("x").Save(h.ctx); err == nil {
		t.Error("many rows were changed unchecked")
	}
	if _, err := h.client.Prescription.Update().SetStatus(prescription.StatusActive).Save(h.ctx); err == nil {
		t.Error("many rows were changed unchecked")
	}
}
