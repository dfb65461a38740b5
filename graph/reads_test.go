package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/allergy"
	"carehome/ent/medication"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/staffuser"
	"carehome/graph"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// ward is a graph whose clock the test moves, with people of some roles and two
// residents, of whom only the first has facts of care.
type ward struct {
	t                *testing.T
	api              http.Handler
	store            *store.Store
	write            care.Write
	people           map[viewer.Role]nodeid.ID
	first, second    nodeid.ID
	check, allergy   nodeid.ID
	prescription     nodeid.ID
	mu               sync.Mutex
	now              time.Time
	told             []audit.Event
	refuseEveryEvent bool
}

func (w *ward) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *ward) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), people: map[viewer.Role]nodeid.ID{}}
	ctx := scalar.WithClock(viewer.With(context.Background(), viewer.System()), w.clock)
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db"), Durability: store.RelaxedDurability, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store = st
	hub, err := live.Open(ctx, st, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.write = hub.Watch(st.Write)
	w.api = graph.NewHandler(graph.Deps{
		Client: st.Client(), Write: w.write, Snapshot: st.Snapshot, Log: slog.New(slog.DiscardHandler), Live: hub,
		Explain: func(error) *problem.Problem { return nil },
		Reads: func(_ context.Context, e audit.Event) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.refuseEveryEvent {
				return errors.New("no room")
			}
			w.told = append(w.told, e)
			return nil
		},
	})
	if err := care.Guard(w.write)(ctx, w.fill); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *ward) fill(ctx context.Context, tx *ent.Client) error {
	for _, role := range viewer.Roles() {
		row, err := tx.StaffUser.Create().SetDisplayName(string(role)).SetEmail(string(role) + "@example.org").SetRole(staffuser.Role(role)).Save(ctx)
		if err != nil {
			return err
		}
		w.people[role] = row.ID
	}
	product, err := tx.Medication.Create().SetName("Ibuprofen").SetForm(medication.FormTablet).SetUnit("TABLET").Save(ctx)
	if err != nil {
		return err
	}
	for _, id := range []*nodeid.ID{&w.first, &w.second} {
		row, err := tx.Resident.Create().SetGivenName("Ana").SetFamilyName("López").SetBirthDate(scalar.DateOf(1940, 1, 1)).SetSex(resident.SexFemale).
			SetConsentFamilyAccess(true).Save(ctx)
		if err != nil {
			return err
		}
		*id = row.ID
	}
	if err := tx.ResidentContact.Create().SetResidentID(w.first).SetName("Eva").SetRelationship("CHILD").SetPhone("600 100 200").
		SetIsFamilyPortal(true).SetPortalUserID(w.people[viewer.Family]).Exec(ctx); err != nil {
		return err
	}
	check, err := tx.Wellness.Create().SetResidentID(w.first).SetTakenAt(scalar.Now(ctx)).SetMood(3).Save(ctx)
	if err != nil {
		return err
	}
	if err := tx.Wellness.UpdateOne(check).SetMood(4).Exec(ctx); err != nil {
		return err
	}
	sensitive, err := tx.Allergy.Create().SetResidentID(w.first).SetSubstance("penicillin").SetDisplay("Penicillin").SetCategory(allergy.CategoryMedication).Save(ctx)
	if err != nil {
		return err
	}
	order, err := tx.Prescription.Create().SetResidentID(w.first).SetMedication(product).SetStatus(prescription.StatusDraft).SetPrescriberName("Dr").SetStartsAt(scalar.Now(ctx)).Save(ctx)
	if err != nil {
		return err
	}
	w.check, w.allergy, w.prescription = check.ID, sensitive.ID, order.ID
	return nil
}

// ask asks in somebody's name and returns the answer.
func (w *ward) ask(role viewer.Role, query string) string {
	w.t.Helper()
	return w.askAs(viewer.Viewer{ID: w.people[role], Name: "N", Role: role}, query)
}

func (w *ward) askAs(who viewer.Viewer, query string) string {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx := scalar.WithClock(viewer.With(context.Background(), who), w.clock)
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.api.ServeHTTP(answer, request)
	return answer.Body.String()
}

// takeTold are the events since it was last called.
func (w *ward) takeTold() []audit.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	w.told = nil
	return told
}

func TestReadsAreOnRecord(t *testing.T) {
	w := newWard(t)
	one, both := nodeid.Residents{w.first}, nodeid.Residents{w.first, w.second}
	for name, tc := range map[string]struct {
		role  viewer.Role
		query string
		want  nodeid.Residents
	}{
		"Names":          {viewer.Nurse, `{ residents { totalCount edges { node { id fullName age } } } }`, nil},
		"Clinical":       {viewer.Nurse, `{ residents { edges { node { resuscitation } } } }`, both},
		"Notes":          {viewer.Nurse, fmt.Sprintf(`{ resident(id: "%s") { notes } }`, w.second), nodeid.Residents{w.second}},
		"Hidden":         {viewer.Family, `{ residents { edges { node { resuscitation } } } }`, nil},
		"ThatThereIsOne": {viewer.Nurse, `{ wellness { totalCount edges { cursor node { id version createdAt } } } }`, nil},
		"Root":           {viewer.Nurse, `{ wellness { edges { node { mood } } } }`, one},
		"Aliases":        {viewer.Nurse, `{ a: wellness { edges { node { mood } } } b: allergies { edges { node { substance } } } }`, one},
		"Nested":         {viewer.Nurse, `{ residents { edges { node { id prescriptions { edges { node { id medication { name } } } } } } } }`, one},
		"Empty":          {viewer.Nurse, fmt.Sprintf(`{ resident(id: "%s") { wellness { edges { node { mood } } } } }`, w.second), nil},
		"Node":           {viewer.Nurse, fmt.Sprintf(`{ node(id: "%s") { ... on Wellness { mood } } }`, w.check), one},
		"Nodes":          {viewer.Nurse, fmt.Sprintf(`{ nodes(ids: ["%s", "%s"]) { ... on Allergy { substance } ... on Resident { spo2Scale } } }`, w.allergy, w.second), both},
		"Back":           {viewer.Nurse, `{ medications { edges { node { prescriptions { edges { node { id status resident { id } } } } } } } }`, one},
		"Fragment":       {viewer.Nurse, `{ wellness { edges { node { ...F } } } } fragment F on Wellness { resident { fullName } energy }`, one},
		"Revisions":      {viewer.Nurse, `{ revisions { edges { node { content } } } }`, one},
		"RevisionsThere": {viewer.Nurse, `{ revisions { totalCount edges { node { id } } } }`, nil},
		"Relative":       {viewer.Family, `{ wellness { edges { node { mood } } } }`, one},
		"NotSeen":        {viewer.ActivityCoordinator, `{ wellness { edges { node { mood } } } }`, nil},
		"Administrator":  {viewer.Admin, `{ allergies { edges { node { substance } } } }`, one},
		"Events":         {viewer.Admin, `{ auditEvents { totalCount edges { node { residentIDs } } } }`, nil},
		"Mutation": {viewer.Nurse, fmt.Sprintf(`mutation { updateWellness(id: "%s", input: {energy: 3}) { wellness { id resident { allergies { substance } } } } }`,
			w.check), one},
		"MutationOnly": {viewer.Nurse, fmt.Sprintf(`mutation { updateWellness(id: "%s", input: {energy: 4}) { wellness { id version } } }`, w.check), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if answer := w.ask(tc.role, tc.query); strings.Contains(answer, `"errors"`) {
				t.Fatal(answer)
			}
			told := w.takeTold()
			if tc.want == nil {
				if len(told) > 0 {
					t.Errorf("told of %+v", told)
				}
				return
			}
			if len(told) != 1 {
				t.Fatalf("told %d times of one operation: %+v", len(told), told)
			}
			e := told[0]
			if e.Action != audit.Read || !slices.Equal(e.Residents, tc.want) || e.Actor != w.people[tc.role] || e.Role != string(tc.role) || e.Entity != 0 {
				t.Errorf("told of %+v, want %v", e, tc.want)
			}
		})
	}
	w.refuseEveryEvent = true
	if answer := w.ask(viewer.Nurse, `{ wellness { edges { node { mood } } } }`); strings.Contains(answer, "mood") || !strings.Contains(answer, "INTERNAL") {
		t.Errorf("what could not be put on record is shown: %s", answer)
	}
}

func TestEmergencies(t *testing.T) {
	w := newWard(t)
	const reads = `{ wellness { edges { node { mood } } } }`
	sees := func(role viewer.Role) bool {
		t.Helper()
		return strings.Contains(w.ask(role, reads), `"mood"`)
	}
	const breaks = `mutation { breakGlass(input: {reason: "found unconscious", minutes: 20}) { staffUser { emergencyUntil } } }`
	if sees(viewer.ActivityCoordinator) {
		t.Fatal("the role sees it anyway")
	}
	for role, want := range map[viewer.Role]string{
		viewer.Nurse: "FORBIDDEN", viewer.Family: "FORBIDDEN", viewer.Reporting: "FORBIDDEN", viewer.Sysadmin: "FORBIDDEN", viewer.Admin: "FORBIDDEN",
		viewer.ActivityCoordinator: "2026-03-01T08:20:00", viewer.Carer: "2026-03-01T08:20:00",
	} {
		if answer := w.ask(role, breaks); !strings.Contains(answer, want) {
			t.Errorf("%s: %s", role, answer)
		}
	}
	if answer := w.askAs(viewer.Viewer{ID: w.people[viewer.Carer], Role: viewer.Carer, ReadOnly: true}, breaks); !strings.Contains(answer, "FORBIDDEN") {
		t.Errorf("a key that only reads: %s", answer)
	}
	for _, input := range []string{`reason: " "`, `reason: "x", minutes: 0`, `reason: "x", minutes: 61`, `reason: "` + strings.Repeat("x", 501) + `"`} {
		if answer := w.ask(viewer.Carer, `mutation { breakGlass(input: {`+input+`}) { staffUser { id } } }`); !strings.Contains(answer, "INVALID") {
			t.Errorf("%.40s: %s", input, answer)
		}
	}
	w.takeTold()
	if !sees(viewer.ActivityCoordinator) {
		t.Error("the glass is not broken")
	}
	if told := w.takeTold(); len(told) != 1 || told[0].Reason != "emergency" {
		t.Errorf("told of %+v", told)
	}
	if sees(viewer.Family) != true || sees(viewer.Sysadmin) {
		t.Error("it is somebody else's emergency")
	}
	for _, act := range []string{`createAllergy(input: {residentID: "` + w.first.String() + `", substance: "nuts", display: "Nuts", category: FOOD}) { allergy { id } }`} {
		if answer := w.ask(viewer.ActivityCoordinator, "mutation { "+act+" }"); !strings.Contains(answer, "FORBIDDEN") {
			t.Errorf("an emergency is for reading: %s", answer)
		}
	}
	w.pass(20*time.Minute - time.Second)
	if !sees(viewer.ActivityCoordinator) {
		t.Error("it ended early")
	}
	w.pass(time.Second)
	if sees(viewer.ActivityCoordinator) {
		t.Error("it did not end")
	}
	answer := w.ask(viewer.Manager, fmt.Sprintf(`{ auditEvents(where: {action: BREAK_GLASS, entityID: "%s"}) { edges { node { at actor { id } role reason operation } } } }`,
		w.people[viewer.ActivityCoordinator]))
	want := fmt.Sprintf(`{"at":"2026-03-01T08:00:00Z","actor":{"id":"%s"},"role":"ACTIVITY_COORDINATOR","reason":"found unconscious","operation":"breakGlass"}`,
		w.people[viewer.ActivityCoordinator])
	if strings.Count(answer, `"node"`) != 1 || !strings.Contains(strings.ReplaceAll(answer, ".000Z", "Z"), want) {
		t.Errorf("on record is %s", answer)
	}
}

// TestRetries: a key is the viewer's own and lasts for a day.
func TestRetries(t *testing.T) {
	w := newWard(t)
	do := func(role viewer.Role, name string) (id string) {
		t.Helper()
		answer := w.ask(role, `mutation { createResident(input: {givenName: "`+name+`", familyName: "B", birthDate: "1940-01-01", sex: FEMALE, idempotencyKey: "k"}) { resident { id } } }`)
		var got struct {
			Data struct {
				CreateResident struct{ Resident struct{ ID string } }
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Data.CreateResident.Resident.ID == "" {
			return answer
		}
		return got.Data.CreateResident.Resident.ID
	}
	first := do(viewer.Nurse, "A")
	if again := do(viewer.Nurse, "A"); again != first {
		t.Errorf("again: %s, %s", first, again)
	}
	if other := do(viewer.Nurse, "C"); !strings.Contains(other, `"CONFLICT"`) || !strings.Contains(other, "input.idempotencyKey") {
		t.Errorf("another request: %s", other)
	}
	if other := do(viewer.Manager, "A"); other == first || strings.Contains(other, "error") {
		t.Errorf("another viewer: %s", other)
	}
	w.pass(24*time.Hour - time.Millisecond)
	if again := do(viewer.Nurse, "A"); again != first {
		t.Errorf("within the day: %s, %s", first, again)
	}
	w.pass(time.Millisecond)
	later := do(viewer.Nurse, "A")
	if later == first || strings.Contains(later, "error") {
		t.Errorf("after the day: %s, %s", first, later)
	}
	// What is old is forgotten by and by.
	if n, err := w.store.Client().Retry.Query().Count(viewer.With(t.Context(), viewer.System())); err != nil || n != 1 {
		t.Errorf("%d are remembered, %v", n, err)
	}
}

// TestSecretIsToldOnce: the secret of a key is kept nowhere, so that it cannot be told
// again.
func TestSecretIsToldOnce(t *testing.T) {
	w := newWard(t)
	ask := func() (got struct {
		Data struct {
			CreateAPIKey struct {
				Secret *string
				APIKey struct{ ID string }
			}
		}
	}) {
		t.Helper()
		answer := w.ask(viewer.Admin, fmt.Sprintf(`mutation { createApiKey(input: {staffUserID: "%s", name: "n", idempotencyKey: "k"}) { secret apiKey { id } } }`, w.people[viewer.Nurse]))
		if err := json.Unmarshal([]byte(answer), &got); err != nil || strings.Contains(answer, "error") {
			t.Fatal(answer, err)
		}
		return got
	}
	first, again := ask().Data.CreateAPIKey, ask().Data.CreateAPIKey
	if first.Secret == nil || again.Secret != nil || first.APIKey.ID == "" || again.APIKey != first.APIKey {
		t.Errorf("told are %+v and %+v", first, again)
	}
}
