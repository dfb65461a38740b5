package seed_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityparticipation"
	"carehome/ent/allergy"
	"carehome/ent/medication"
	"carehome/ent/medicationingredient"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/residentcontact"
	"carehome/ent/staffuser"
	"carehome/ent/wellness"
	"carehome/internal/care"
	"carehome/internal/scalar"
	"carehome/internal/seed"
	"carehome/internal/store"
	"carehome/internal/viewer"
	"carehome/schema"
)

// house is a store on a SQLite file, beside it a plain connection for looking
// at the rows themselves.
type house struct {
	store  *store.Store
	client *ent.Client
	db     *sql.DB
	ctx    context.Context
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{ctx: viewer.With(t.Context(), viewer.System())}
	path := filepath.Join(t.TempDir(), "home.db")
	var err error
	if h.store, err = store.Open(h.ctx, store.Options{Database: path}); err != nil {
		t.Fatal(err)
	}
	h.client = h.store.Client()
	if h.db, err = sql.Open("sqlite3", "file:"+path+"?mode=ro"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.db.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// write is a Write with the rules between rows.
func (h *house) write() care.Write { return care.Guard(h.store.Write) }

// enter makes one row.
func enter[T any](t testing.TB, h *house, at time.Time, save func(context.Context, *ent.Client) (T, error)) (row T) {
	t.Helper()
	ctx := scalar.WithClock(h.ctx, func() time.Time { return at })
	err := h.store.Write(ctx, func(ctx context.Context, tx *ent.Client) (err error) {
		row, err = save(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// afternoon is an ordinary moment: in the middle of a late shift.
func afternoon() time.Time { return time.Date(2026, 11, 23, 15, 4, 5, 678e6, time.UTC) }

func (h *house) options(residents, days int) seed.Options {
	return seed.Options{Residents: residents, Days: days, Seed: 1, Now: afternoon, Write: h.write()}
}

func (h *house) furnish(t testing.TB, o seed.Options) seed.Summary {
	t.Helper()
	made, err := seed.Home(h.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// number is the answer to a query for one number.
func (h *house) number(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := h.db.QueryRowContext(h.ctx, query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// dump is the content of every table, row by row. The journal of changes is left
// out, since its tags are random on purpose, and the events, which tell when it was
// made.
func (h *house) dump(t testing.TB) []string {
	t.Helper()
	var lines []string
	for _, table := range h.column(t, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN ('schema_migration', 'changes', 'audit_events') ORDER BY name") {
		rows, err := h.db.QueryContext(h.ctx, fmt.Sprintf("SELECT * FROM %q ORDER BY 1, 2", table))
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			values := make([]sql.NullString, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(table, values))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

func (h *house) column(t testing.TB, query string) (list []string) {
	t.Helper()
	rows, err := h.db.QueryContext(h.ctx, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestHome(t *testing.T) {
	h := newHouse(t)
	// What start-up makes before: the home's row and the one who runs it.
	before := afternoon().Add(-time.Second)
	there := enter(t, h, before, func(ctx context.Context, tx *ent.Client) (*ent.Facility, error) {
		return tx.Facility.Create().SetName("Home").SetTimeZone("Europe/Madrid").Save(ctx)
	})
	admin := enter(t, h, before, func(ctx context.Context, tx *ent.Client) (*ent.StaffUser, error) {
		return tx.StaffUser.Create().SetDisplayName("Administrator").SetEmail("admin@example.org").SetRole(staffuser.RoleAdmin).Save(ctx)
	})

	o := h.options(40, 90)
	var progress [][2]int
	o.Progress = func(done, total int) { progress = append(progress, [2]int{done, total}) }
	sum := h.furnish(t, o)
	now := scalar.At(afternoon())
	zone := must[*time.Location](t)(time.LoadLocation("Europe/Madrid"))

	t.Run("Progress", func(t *testing.T) {
		if last := progress[len(progress)-1]; last[0] != last[1] || last[0] != len(progress) {
			t.Errorf("progress ends with %v after %d steps", last, len(progress))
		}
		for i, p := range progress {
			if p != [2]int{i + 1, len(progress)} {
				t.Errorf("step %d told %v", i+1, p)
			}
		}
	})
	t.Run("Summary", func(t *testing.T) {
		total := 0
		for table, want := range map[string]int{
			"staff_users": sum.Staff + 1, "residents": sum.Residents, "resident_contacts": sum.Contacts, "allergies": sum.Allergies,
			"medications": sum.Medications, "medication_ingredients": sum.Ingredients, "prescriptions": sum.Prescriptions,
			"activities": sum.Activities, "activity_exceptions": sum.Exceptions, "activity_participations": sum.Participations,
			"wellnesses": sum.Wellness,
		} {
			got := h.number(t, "SELECT count(*) FROM "+table)
			if got != want {
				t.Errorf("%s: %d rows, summary says %d", table, got, want)
			}
			total += got
		}
		if sum.Rows() != total-1 {
			t.Errorf("Rows() = %d, want %d", sum.Rows(), total-1)
		}
		within(t, "staff", sum.Staff, 10, 15)
		within(t, "medications", sum.Medications, 40, 70)
		within(t, "prescriptions", sum.Prescriptions, 200, 400)
		within(t, "participations", sum.Participations, 3000, 6000)
		within(t, "wellness", sum.Wellness, 4000, 7000)
	})
	t.Run("Whole", func(t *testing.T) {
		if bad := h.column(t, "SELECT \"table\" FROM pragma_foreign_key_check"); len(bad) > 0 {
			t.Errorf("orphans in %v", bad)
		}
	})
	t.Run("Facility", func(t *testing.T) {
		f := must[*ent.Facility](t)(h.client.Facility.Query().Only(h.ctx))
		if f.ID != there.ID || f.Name == "Home" || len(f.Rounds) != 4 || len(f.Shifts) == 0 {
			t.Errorf("facility = %v", f)
		}
		if f.UpdatedAt.Before(f.CreatedAt.Time) {
			t.Errorf("facility changed at %s, before it was made at %s", f.UpdatedAt, f.CreatedAt)
		}
		wraps := slices.ContainsFunc(f.Rounds, func(p schema.Period) bool { return p.To < p.From })
		if !wraps {
			t.Errorf("no round wraps midnight: %v", f.Rounds)
		}
	})
	t.Run("Staff", func(t *testing.T) {
		kept := must[*ent.StaffUser](t)(h.client.StaffUser.Get(h.ctx, admin.ID))
		if kept.Version != 1 || kept.DisplayName != admin.DisplayName {
			t.Errorf("administrator became %v", kept)
		}
		for _, role := range []staffuser.Role{staffuser.RoleManager, staffuser.RoleNurse, staffuser.RoleCarer, staffuser.RoleActivityCoordinator,
			staffuser.RoleReporting, staffuser.RoleFamily, staffuser.RoleSysadmin} {
			if !must[bool](t)(h.client.StaffUser.Query().Where(staffuser.RoleEQ(role)).Exist(h.ctx)) {
				t.Errorf("nobody is %s", role)
			}
		}
	})
	t.Run("Marked", func(t *testing.T) {
		if !must[bool](t)(seed.Marked(h.ctx, h.client)) {
			t.Error("the demo home is not known as one")
		}
	})
	t.Run("Times", func(t *testing.T) {
		for _, table := range h.column(t, "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE c.name = 'created_at'") {
			if n := h.number(t, "SELECT count(*) FROM "+table+" WHERE max(created_at, updated_at) > ? OR updated_at < created_at", now); n > 0 {
				t.Errorf("%s: %d rows entered in the future or changed before they were made", table, n)
			}
		}
		if n := h.number(t, `SELECT count(*) FROM wellnesses WHERE recorded_at > ? OR taken_at > recorded_at
			OR julianday(recorded_at) - julianday(taken_at) > 1.5/24 OR recorded_by_id IS NULL`, now); n > 0 {
			t.Errorf("%d checks taken or recorded at a time that cannot be", n)
		}
	})
	t.Run("Residents", func(t *testing.T) {
		all := must[[]*ent.Resident](t)(h.client.Resident.Query().WithContacts().WithAllergies().All(h.ctx))
		statuses, accents, twice := map[resident.Status]int{}, 0, map[string]bool{}
		for _, r := range all {
			statuses[r.Status]++
			age, known := care.Age(r.BirthDate, scalar.DateIn(now.Time, zone))
			if !known || age < 70 || age > 100 {
				t.Errorf("%s is %d years old", r.ID, age)
			}
			if twice[*r.ExternalID] || !strings.HasPrefix(*r.ExternalID, "DEMO-") {
				t.Errorf("%s has the number %s", r.ID, *r.ExternalID)
			}
			twice[*r.ExternalID] = true
			if scalar.Fold(r.FamilyName) != strings.ToLower(r.FamilyName) {
				accents++
			}
			within(t, "contacts", len(r.Edges.Contacts), 1, 3)
			first := 0
			for _, c := range r.Edges.Contacts {
				if c.IsPrimary {
					first++
				}
			}
			if first != 1 {
				t.Errorf("%s has %d primary contacts", r.ID, first)
			}
			if listed := r.AllergyStatus == resident.AllergyStatusHasAllergies; listed != (len(r.Edges.Allergies) > 0) {
				t.Errorf("%s is %s with %d allergies", r.ID, r.AllergyStatus, len(r.Edges.Allergies))
			}
		}
		if statuses[resident.StatusActive] < 30 || len(statuses) != 5 {
			t.Errorf("statuses = %v", statuses)
		}
		within(t, "surnames with accents", accents, 8, 40)
		if n := must[int](t)(h.client.ResidentContact.Query().Where(residentcontact.PhoneHasPrefix("+34 0")).Count(h.ctx)); n != sum.Contacts {
			t.Errorf("%d of %d telephone numbers belong to nobody", n, sum.Contacts)
		}
	})
	t.Run("Medicines", func(t *testing.T) {
		if names := must[[]string](t)(h.client.Medication.Query().Where(medication.Not(medication.HasIngredients())).Select(medication.FieldName).Strings(h.ctx)); len(names) > 0 {
			t.Errorf("without an ingredient: %v", names)
		}
		if n := h.number(t, "SELECT count(*) FROM (SELECT 1 FROM medication_ingredients GROUP BY medication_id HAVING count(*) = 2)"); n < 3 {
			t.Errorf("%d combinations", n)
		}
		for what, query := range map[string]*ent.MedicationQuery{
			"controlled opioids":   h.client.Medication.Query().Where(medication.IsControlled(true), medication.RequiresWitness(true), medication.HasIngredientsWith(medicationingredient.SubstanceIn("morphine", "fentanyl", "tramadol"))),
			"high-risk":            h.client.Medication.Query().Where(medication.IsHighRisk(true), medication.HasIngredientsWith(medicationingredient.SubstanceIn("warfarin", "apixaban", "insulin-glargine"))),
			"time-critical":        h.client.Medication.Query().Where(medication.IsTimeCritical(true), medication.HasIngredientsWith(medicationingredient.SubstanceIn("levodopa", "levetiracetam"))),
			"coded and prescribed": h.client.Medication.Query().Where(medication.CodeSystem("ATC"), medication.HasPrescriptions()),
		} {
			if n := must[int](t)(query.Count(h.ctx)); n < 2 {
				t.Errorf("%s: %d", what, n)
			}
		}
	})
	t.Run("Prescriptions", func(t *testing.T) { checkPrescriptions(t, h) })
	t.Run("Activities", func(t *testing.T) { checkActivities(t, h, now, zone) })
	t.Run("Wellness", func(t *testing.T) { checkWellness(t, h) })
	t.Run("Revisions", func(t *testing.T) {
		changed := h.number(t, "SELECT count(*) FROM prescriptions WHERE version = 2")
		if kept := h.number(t, "SELECT count(*) FROM revisions WHERE reason IS NOT NULL"); kept != changed || kept == 0 {
			t.Errorf("%d revisions of %d changed prescriptions", kept, changed)
		}
	})
	t.Run("ErrOccupied", func(t *testing.T) {
		rows := h.number(t, "SELECT count(*) FROM residents")
		if _, err := seed.Home(h.ctx, h.options(1, 1)); !errors.Is(err, seed.ErrOccupied) {
			t.Errorf("a second home: %v", err)
		}
		if n := h.number(t, "SELECT count(*) FROM residents"); n != rows {
			t.Errorf("%d residents became %d", rows, n)
		}
	})
}

func within(t testing.TB, what string, n, low, high int) {
	t.Helper()
	if n < low || n > high {
		t.Errorf("%s: %d, want from %d to %d", what, n, low, high)
	}
}

func checkPrescriptions(t *testing.T, h *house) {
	residents := must[[]*ent.Resident](t)(h.client.Resident.Query().WithAllergies().
		WithPrescriptions(func(q *ent.PrescriptionQuery) {
			q.WithMedication(func(q *ent.MedicationQuery) { q.WithIngredients() })
		}).All(h.ctx))
	refused, kinds, statuses := 0, map[string]int{}, map[prescription.Status]int{}
	for _, r := range residents {
		within(t, r.ID.String()+" prescriptions", len(r.Edges.Prescriptions), 4, 10)
		taken := map[string]bool{}
		for _, p := range r.Edges.Prescriptions {
			m := p.Edges.Medication
			if len(p.NeedsReview) > 0 {
				t.Errorf("%s lacks %v", p.ID, p.NeedsReview)
			}
			statuses[p.Status]++
			kinds[shape(p)]++
			for _, a := range r.Edges.Allergies {
				if a.DrugClass != nil && slices.Contains(m.DrugClasses, *a.DrugClass) {
					t.Errorf("%s is allergic to %s and is prescribed %s", r.ID, a.Display, m.Name)
				}
				for _, i := range m.Edges.Ingredients {
					if a.Substance != nil && *a.Substance == i.Substance {
						t.Errorf("%s is allergic to %s and is prescribed %s", r.ID, a.Display, m.Name)
					}
				}
			}
			if p.Status == prescription.StatusActive {
				for _, i := range m.Edges.Ingredients {
					if taken[i.Substance] {
						t.Errorf("%s takes %s twice", r.ID, i.Substance)
					}
					taken[i.Substance] = true
				}
				if r.Status == resident.StatusDeceased || r.Status == resident.StatusDischarged || r.Status == resident.StatusPreAdmission {
					t.Errorf("%s is %s and %s is still given", r.ID, r.Status, p.ID)
				}
			}
			if p.Status == prescription.StatusCompleted && (p.EndsAt == nil || p.EndsAt.After(afternoon())) {
				t.Errorf("%s is complete before its end", p.ID)
			}
			if p.StoppedAt != nil && p.StoppedAt.Before(p.StartsAt.Time) {
				t.Errorf("%s was stopped before it began", p.ID)
			}
		}
		if slices.ContainsFunc(r.Edges.Allergies, func(a *ent.Allergy) bool { return a.Category == allergy.CategoryMedication }) {
			refused++
		}
	}
	if refused < 2 {
		t.Errorf("%d residents with an allergy to a medicine", refused)
	}
	for _, s := range []prescription.Status{prescription.StatusActive, prescription.StatusDraft, prescription.StatusOnHold, prescription.StatusStopped, prescription.StatusCompleted} {
		if statuses[s] == 0 {
			t.Errorf("no prescription is %s: %v", s, statuses)
		}
	}
	for _, k := range []string{"times", "days of week", "every few days", "interval", "when needed", "once"} {
		if kinds[k] == 0 {
			t.Errorf("no prescription by %s: %v", k, kinds)
		}
	}
	if n := must[int](t)(h.client.Prescription.Query().Where(prescription.HasReplaces()).Count(h.ctx)); n == 0 {
		t.Error("no dose was ever changed")
	}
}

// shape is how the times of a prescription are stated.
func shape(p *ent.Prescription) string {
	switch {
	case p.Kind == prescription.KindPrn:
		return "when needed"
	case p.Kind == prescription.KindOneOff:
		return "once"
	case p.IntervalMinutes != nil:
		return "interval"
	case len(p.DaysOfWeek) > 0:
		return "days of week"
	case p.EveryNDays != nil && *p.EveryNDays > 1:
		return "every few days"
	}
	return "times"
}

func checkActivities(t *testing.T, h *house, now scalar.Time, zone *time.Location) {
	for what, query := range map[string]*ent.ActivityQuery{
		"series":                h.client.Activity.Query().Where(activity.RecurrenceNotNil(), activity.HasParticipations()),
		"trips":                 h.client.Activity.Query().Where(activity.RecurrenceIsNil()),
		"with who leads":        h.client.Activity.Query().Where(activity.HasFacilitators()),
		"with an exception":     h.client.Activity.Query().Where(activity.HasExceptions()),
		"with cancelled places": h.client.Activity.Query().Where(activity.HasParticipationsWith(activityparticipation.StatusEQ(activityparticipation.StatusCancelled))),
	} {
		if n := must[int](t)(query.Count(h.ctx)); n == 0 {
			t.Errorf("no activity %s", what)
		}
	}
	if n := must[int](t)(h.client.Activity.Query().Where(activity.Not(activity.HasFacilitators())).Count(h.ctx)); n > 0 {
		t.Errorf("%d activities led by nobody", n)
	}
	parts := must[[]*ent.ActivityParticipation](t)(h.client.ActivityParticipation.Query().WithActivity().WithResident().All(h.ctx))
	statuses, taken := map[activityparticipation.Status]int{}, map[string]int{}
	for _, p := range parts {
		statuses[p.Status]++
		a := p.Edges.Activity
		starts := scalar.LocalDateTime{Date: p.OccurrenceDate, Time: a.StartsAtLocal.Time}.In(zone)
		happened := p.Status == activityparticipation.StatusAttended || p.Status == activityparticipation.StatusNoShow
		if happened && starts.After(now.Time) {
			t.Errorf("%s is %s at an activity still to come", p.ID, p.Status)
		}
		if open := p.Status == activityparticipation.StatusInvited || p.Status == activityparticipation.StatusConfirmed; open && starts.Before(now.Add(-5*time.Hour)) {
			t.Errorf("%s is still %s on %s", p.ID, p.Status, p.OccurrenceDate)
		}
		if p.Minutes != nil && *p.Minutes > a.DurationMinutes {
			t.Errorf("%s lasted %d minutes of %d", p.ID, *p.Minutes, a.DurationMinutes)
		}
		if p.Status == activityparticipation.StatusAttended || p.Status == activityparticipation.StatusConfirmed {
			key := a.ID.String() + p.OccurrenceDate.String()
			if taken[key]++; a.Capacity != nil && taken[key] > *a.Capacity {
				t.Errorf("%s on %s: more than %d came", a.Title, p.OccurrenceDate, *a.Capacity)
			}
		}
		if r := p.Edges.Resident; r.DeceasedAt != nil && starts.After(r.DeceasedAt.Time) {
			t.Errorf("%s is of somebody who had died", p.ID)
		}
	}
	if 2*statuses[activityparticipation.StatusAttended] < len(parts) || statuses[activityparticipation.StatusInvited] == 0 ||
		statuses[activityparticipation.StatusDeclined] == 0 || statuses[activityparticipation.StatusConfirmed] == 0 {
		t.Errorf("statuses = %v", statuses)
	}
}

func checkWellness(t *testing.T, h *house) {
	for _, kind := range []wellness.Kind{wellness.KindRoutine, wellness.KindWeight, wellness.KindEscalation, wellness.KindPostFall, wellness.KindPrnFollowUp, wellness.KindAdmission} {
		if !must[bool](t)(h.client.Wellness.Query().Where(wellness.KindEQ(kind)).Exist(h.ctx)) {
			t.Errorf("no check is %s", kind)
		}
	}
	// Averages of the whole home, in the units of the columns.
	for column, bounds := range map[string][2]int{
		"systolic": {120, 145}, "pulse": {65, 85}, "temperature / 10000": {36, 37}, "spo2": {93, 98}, "respiratory_rate": {14, 20},
		"mood * 10": {30, 42}, "energy": {4, 8}, "sleep_minutes": {330, 480}, "appetite": {60, 95}, "weight / 10000": {48, 80},
	} {
		within(t, "average "+column, h.number(t, "SELECT CAST(avg("+column+") AS int) FROM wellnesses"), bounds[0], bounds[1])
	}
	// An infection shows, and a resident is more like the day before than like the others.
	ill := h.number(t, "SELECT count(*) FROM wellnesses WHERE temperature >= 380000 AND pulse > 80 AND kind = 'ESCALATION'")
	within(t, "checks with fever", ill, 10, 600)
	const nearness = `WITH d AS (SELECT resident_id r, systolic v, lag(systolic) OVER (PARTITION BY resident_id ORDER BY taken_at) w
		FROM wellnesses WHERE systolic IS NOT NULL)
		SELECT CAST(100 * avg((v - w) * (v - w)) / (SELECT 2 * (avg(v * v) - avg(v) * avg(v)) FROM d) AS int) FROM d WHERE w IS NOT NULL`
	within(t, "percent of the spread between two days", h.number(t, nearness), 5, 60)
	if n := h.number(t, `SELECT count(*) FROM wellnesses w JOIN residents r ON r.id = w.resident_id
		WHERE r.status = 'PRE_ADMISSION' OR w.taken_at > r.deceased_at`); n > 0 {
		t.Errorf("%d checks of somebody who was not there", n)
	}
}

func TestHome_SameSeedSameHome(t *testing.T) {
	dump := func(seed uint64) []string {
		h := newHouse(t)
		o := h.options(23, 20)
		o.Seed = seed
		h.furnish(t, o)
		return h.dump(t)
	}
	one, same, other := dump(7), dump(7), dump(8)
	if len(one) < 1000 {
		t.Fatalf("only %d rows to compare", len(one))
	}
	if len(one) != len(same) {
		t.Fatalf("%d rows, then %d", len(one), len(same))
	}
	for i := range one {
		if one[i] != same[i] {
			t.Fatalf("the same seed made\n%s\nand\n%s", one[i], same[i])
		}
	}
	if slices.Equal(one, other) {
		t.Error("another seed made the same home")
	}
}

// The rules hold wherever the clock stands, and for the smallest and odd sizes.
func TestHome_Moments(t *testing.T) {
	madrid := must[*time.Location](t)(time.LoadLocation("Europe/Madrid"))
	for name, c := range map[string]struct {
		now             time.Time
		residents, days int
		seed            uint64 // 1 unless given
	}{
		"just after midnight": {time.Date(2026, 6, 2, 0, 0, 30, 0, madrid), 21, 1, 0},
		"one resident":        {time.Date(2026, 6, 2, 12, 0, 0, 0, madrid), 1, 2, 0},
		"clocks forward":      {time.Date(2026, 3, 29, 3, 30, 0, 0, madrid), 20, 3, 0},
		"clocks back":         {time.Date(2026, 10, 25, 23, 59, 59, 0, madrid), 20, 2, 0},
		"leap day":            {time.Date(2028, 2, 29, 8, 0, 0, 0, madrid), 40, 4, 0},
		"changed on the day":  {time.Date(2026, 11, 29, 5, 33, 0, 0, time.UTC), 15, 20, 42}, // a medicine, on which somebody came
		"three wings":         {time.Date(2026, 1, 1, 18, 45, 0, 0, madrid), 83, 16, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			o := h.options(c.residents, c.days)
			o.Now, o.Seed = func() time.Time { return c.now }, cmp.Or(c.seed, o.Seed)
			h.furnish(t, o)
			if n := h.number(t, "SELECT count(*) FROM residents"); n != c.residents {
				t.Errorf("%d residents, want %d", n, c.residents)
			}
			if n := h.number(t, "SELECT count(*) FROM wellnesses WHERE recorded_at > ? OR taken_at > recorded_at", scalar.At(c.now)); n > 0 {
				t.Errorf("%d checks in the future", n)
			}
			if !must[bool](t)(seed.Marked(h.ctx, h.client)) {
				t.Error("not known as a demo home")
			}
		})
	}
}

func TestHome_Errors(t *testing.T) {
	h := newHouse(t)
	t.Run("ErrOptions", func(t *testing.T) {
		for name, change := range map[string]func(*seed.Options){
			"no residents":       func(o *seed.Options) { o.Residents = 0 },
			"too many residents": func(o *seed.Options) { o.Residents = seed.MaxResidents + 1 },
			"no days":            func(o *seed.Options) { o.Days = 0 },
			"too many days":      func(o *seed.Options) { o.Days = seed.MaxDays + 1 },
			"no clock":           func(o *seed.Options) { o.Now = nil },
			"no write":           func(o *seed.Options) { o.Write = nil },
		} {
			o := h.options(1, 1)
			change(&o)
			if _, err := seed.Home(h.ctx, o); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
	t.Run("ErrWrite", func(t *testing.T) {
		full := errors.New("full")
		o := h.options(3, 3)
		o.Write = func(context.Context, func(context.Context, *ent.Client) error) error { return full }
		if _, err := seed.Home(h.ctx, o); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(h.ctx)
		o := h.options(3, 30)
		o.Progress = func(done, _ int) {
			if done == 5 {
				cancel()
			}
		}
		if _, err := seed.Home(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("NotMarked", func(t *testing.T) {
		h := newHouse(t)
		if must[bool](t)(seed.Marked(h.ctx, h.client)) {
			t.Error("an empty database is known as a demo home")
		}
		born := scalar.DateOf(1939, 5, 17)
		enter(t, h, afternoon(), func(ctx context.Context, tx *ent.Client) (*ent.Resident, error) {
			return tx.Resident.Create().SetGivenName("Ana").SetFamilyName("López").SetBirthDate(born).SetSex(resident.SexFemale).
				SetExternalID("NHS-1").Save(ctx)
		})
		if must[bool](t)(seed.Marked(h.ctx, h.client)) {
			t.Error("a real home is known as a demo home")
		}
		if _, err := seed.Home(h.ctx, h.options(1, 1)); !errors.Is(err, seed.ErrOccupied) {
			t.Errorf("a demo over a real home: %v", err)
		}
	})
}

func BenchmarkHome(b *testing.B) {
	for b.Loop() {
		h := newHouse(b)
		made := h.furnish(b, h.options(40, 90))
		b.ReportMetric(float64(made.Rows()), "rows")
	}
}
