package care_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"carehome/ent"
	"carehome/internal/care"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

func TestAge(t *testing.T) {
	for _, c := range []struct {
		born, on string
		years    int
		known    bool
	}{
		{"1939-05-17", "2026-05-16", 86, true},
		{"1939-05-17", "2026-05-17", 87, true},
		{"1940-02-29", "2026-02-28", 85, true}, // from 1 March in other years
		{"1940-02-29", "2026-03-01", 86, true},
		{"1940-02-29", "2028-02-29", 88, true},
		{"1940-12-31", "1941-01-01", 0, true},
		{"1940-01-01", "1940-01-01", 0, true},
		{"1940-01-02", "1940-01-01", 0, false},
	} {
		born, err := scalar.ParseDate(c.born)
		if err != nil {
			t.Fatal(err)
		}
		on, err := scalar.ParseDate(c.on)
		if err != nil {
			t.Fatal(err)
		}
		if years, known := care.Age(born, on); years != c.years || known != c.known {
			t.Errorf("born %s is %d, %v on %s, want %d, %v", c.born, years, known, c.on, c.years, c.known)
		}
	}
}

func TestFieldName(t *testing.T) {
	for column, want := range map[string]string{
		"id": "id", "birth_date": "birthDate", "medication_id": "medicationID", "spo2_scale_authorised_by_id": "spo2ScaleAuthorisedByID",
		"prn_max_doses_per_24h": "prnMaxDosesPer24h",
	} {
		if got := care.FieldName(column); got != want {
			t.Errorf("%s is %s, want %s", column, got, want)
		}
	}
}

// home is a store with a fixed clock.
func home(t *testing.T) (context.Context, care.Write, *ent.Client) {
	t.Helper()
	ctx := viewer.With(context.Background(), viewer.System())
	ctx = scalar.WithClock(ctx, func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, care.Guard(st.Write), st.Client()
}

// Every writer is held to the rules between rows, not only the graph: here one
// that uses the builders.
func TestGuardKeepsRevisionsForEveryWriter(t *testing.T) {
	ctx, write, client := home(t)
	var check nodeid.ID
	err := write(ctx, func(ctx context.Context, tx *ent.Client) error {
		who, err := tx.Resident.Create().SetGivenName("A").SetFamilyName("B").
			SetBirthDate(scalar.DateOf(1940, 1, 1)).SetSex("MALE").Save(ctx)
		if err != nil {
			return err
		}
		row, err := tx.Wellness.Create().SetResident(who).SetTakenAt(scalar.Now(ctx)).SetEnergy(5).Save(ctx)
		if err != nil {
			return err
		}
		check = row.ID
		return tx.Wellness.UpdateOneID(check).SetEnergy(4).Exec(viewer.WithReason(ctx, "typed in wrongly"))
	})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := client.Revision.Query().Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if kept.EntityID != check || kept.EntityVersion != 1 || kept.Reason == nil || *kept.Reason != "typed in wrongly" {
		t.Errorf("kept %v", kept)
	}
	err = write(ctx, func(ctx context.Context, tx *ent.Client) error { return tx.Wellness.DeleteOneID(check).Exec(ctx) })
	if err == nil {
		t.Error("a clinical fact was removed")
	}
	err = write(ctx, func(ctx context.Context, tx *ent.Client) error {
		_, err := tx.Wellness.Update().SetEnergy(1).Save(ctx)
		return err
	})
	if err == nil {
		t.Error("clinical facts were changed past their revisions")
	}
}

func TestZoneStaysOnceThereAreLocalTimes(t *testing.T) {
	ctx, write, client := home(t)
	zone := func(name string) error {
		return write(ctx, func(ctx context.Context, tx *ent.Client) error {
			place, err := tx.Facility.Query().First(ctx)
			if ent.IsNotFound(err) {
				return tx.Facility.Create().SetName("Home").SetTimeZone(name).Exec(ctx)
			}
			if err != nil {
				return err
			}
			return tx.Facility.UpdateOne(place).SetTimeZone(name).Exec(ctx)
		})
	}
	for _, name := range []string{"UTC", "Europe/Madrid"} {
		if err := zone(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	start, err := scalar.ParseLocalDateTime("2026-03-29T02:30")
	if err != nil {
		t.Fatal(err)
	}
	err = write(ctx, func(ctx context.Context, tx *ent.Client) error {
		return tx.Activity.Create().SetTitle("Night watch").SetCategory("OTHER").SetStartsAtLocal(start).SetDurationMinutes(30).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := zone("Atlantic/Canary"); !errors.Is(err, problem.Conflictf("input.timeZone", "")) {
		t.Errorf("the zone changed under an activity: %v", err)
	}
	if got, err := care.Zone(ctx, client); err != nil || got.String() != "Europe/Madrid" {
		t.Errorf("the zone is %v, %v", got, err)
	}
}
