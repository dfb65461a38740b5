package leak

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	_ "github.com/mattn/go-sqlite3"

	"carehome/ent"
	"carehome/ent/activityparticipation"
	"carehome/ent/migrate"
	"carehome/ent/residentcontact"
	"carehome/ent/staffuser"
	"carehome/ent/wellness"
	"carehome/graph"
	"carehome/internal/access"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/secret"
	"carehome/internal/store"
	"carehome/internal/viewer"
	carehome "carehome/schema"
)

// world is a small home with somebody of every sort, served by the real graph.
type world struct {
	file    string
	handler http.Handler
	oracle  *oracle
	askers  []asker
	// lapse are rules that are not held: what a leak would be.
	lapse access.Rule
	// url is where the handler is served; askers are told apart by a header.
	url string
	// told are the changes that subscriptions tell, once they are made.
	told []change
	// made counts what retries make; t and raw are what they look at rows with.
	made int
	t    testing.TB
	raw  *sql.DB
}

// asker is a viewer, by a name for reports.
type asker struct {
	name string
	viewer.Viewer
}

// emergency is until when somebody's emergency lasts.
func (a asker) emergency(now scalar.Time) *scalar.Time {
	if !a.BreakGlass {
		return nil
	}
	return new(scalar.At(now.Add(24 * time.Hour)))
}

// everybody are the viewers of the matrix. Their accounts are made in this order.
func everybody() []asker {
	as := func(name string, v viewer.Viewer) asker { return asker{name, v} }
	return []asker{
		as("ADMIN", viewer.Viewer{Role: viewer.Admin}),
		as("MANAGER", viewer.Viewer{Role: viewer.Manager}),
		as("NURSE", viewer.Viewer{Role: viewer.Nurse}),
		as("CARER", viewer.Viewer{Role: viewer.Carer}),
		as("CARER in an emergency", viewer.Viewer{Role: viewer.Carer, BreakGlass: true}),
		as("ACTIVITY_COORDINATOR", viewer.Viewer{Role: viewer.ActivityCoordinator}),
		as("ACTIVITY_COORDINATOR in an emergency", viewer.Viewer{Role: viewer.ActivityCoordinator, BreakGlass: true}),
		as("REPORTING", viewer.Viewer{Role: viewer.Reporting}),
		as("REPORTING with names", viewer.Viewer{Role: viewer.Reporting, SeesNames: true}),
		as("SYSADMIN", viewer.Viewer{Role: viewer.Sysadmin}),
		as("NURSE who only reads", viewer.Viewer{Role: viewer.Nurse, ReadOnly: true}),
		as("FAMILY of two", viewer.Viewer{Role: viewer.Family}),
		as("FAMILY without consent", viewer.Viewer{Role: viewer.Family}),
		as("FAMILY not of the portal", viewer.Viewer{Role: viewer.Family}),
		as("FAMILY of nobody", viewer.Viewer{Role: viewer.Family, BreakGlass: true}),
	}
}

func openStore(t testing.TB, file string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Database: file, Durability: store.RelaxedDurability})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// newWorld makes a home, marks its texts, and serves it.
func newWorld(t testing.TB, lapse access.Rule) *world {
	t.Helper()
	w := &world{file: filepath.Join(t.TempDir(), "home.db"), askers: everybody(), lapse: lapse}
	st := openStore(t, w.file)
	err := care.Guard(st.Write)(viewer.With(t.Context(), viewer.System()), w.fill)
	if closeErr := st.Close(); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	w.oracle = newOracle(t, w.file)
	w.t, w.raw = t, openRaw(t, w.file)
	w.oracle.complete(t)
	w.oracle.mark(t)

	st = openStore(t, w.file)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	hub, err := live.Open(t.Context(), st, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = graph.NewHandler(graph.Deps{
		Client: st.Client(), Write: hub.Watch(st.Write), Snapshot: st.Snapshot, Live: hub,
		Explain: func(error) *problem.Problem { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	w.serve(t)
	w.oracle.learn(t, w)
	return w
}

// fill makes the rows. Six residents: two whom one relative is linked to, one who
// does not consent, one whose contact is not of the portal, and two strangers.
func (w *world) fill(ctx context.Context, tx *ent.Client) error {
	now := scalar.Now(ctx)
	ago := func(days int) scalar.Time { return scalar.At(now.Add(-time.Duration(days) * 24 * time.Hour)) }
	day := func(days int) scalar.Date { return scalar.DateIn(ago(days).Time, time.UTC) }
	var err error
	check := func(e error) {
		if err == nil {
			err = e
		}
	}
	check(tx.Facility.Create().SetName("Home").SetTimeZone("Europe/Madrid").SetRounds([]carehome.Period{{Code: "M", Label: "Morning", From: 480, To: 600}}).Exec(ctx))
	for i := range w.askers {
		a := &w.askers[i]
		row, e := tx.StaffUser.Create().SetDisplayName(a.name).SetEmail(fmt.Sprintf("u%d@example.org", i)).SetRole(staffuser.Role(a.Role)).
			SetSubject(fmt.Sprint("sub", i)).SetSeesNames(a.SeesNames).SetNillableEmergencyUntil(a.emergency(now)).Save(ctx)
		if e != nil {
			return e
		}
		a.ID = row.ID
		ctx := viewer.With(ctx, viewer.Viewer{ID: row.ID, Role: viewer.Admin})
		_, _, e = care.CreateKey(ctx, tx, ent.CreateApiKeyInput{Name: "Key", StaffUserID: row.ID}, secret.New())
		check(e)
	}
	account := func(name string) nodeid.ID {
		for _, a := range w.askers {
			if a.name == name {
				return a.ID
			}
		}
		panic(name)
	}
	// All rows have an author, so that the edges to authors have something to hide.
	authors := []nodeid.ID{account("NURSE"), account("REPORTING"), account("FAMILY of two"), account("FAMILY of nobody")}
	author := func(n int) context.Context {
		ctx := access.Lift(ctx, access.EveryRule)
		return viewer.With(viewer.WithReason(ctx, "typed in wrongly"), viewer.Viewer{ID: authors[n%len(authors)], Role: viewer.Admin})
	}

	var products []*ent.Medication
	for i := range 3 {
		m, e := tx.Medication.Create().SetName(fmt.Sprint("Product ", i)).SetForm("TABLET").SetUnit("TABLET").SetGenericName("generic").
			SetCode(fmt.Sprint("c", i)).SetCodeSystem("ATC").SetStrengthText("5 mg").SetDescription("d").SetDrugClasses([]string{"nsaid"}).Save(author(i))
		if e != nil {
			return e
		}
		products = append(products, m)
		check(tx.MedicationIngredient.Create().SetMedication(m).SetSubstance(fmt.Sprint("substance-", i)).SetAmountPerUnit(5).SetAmountUnit("MG").Exec(author(i + 1)))
	}
	var activities []*ent.Activity
	for i := range 5 {
		starts := scalar.LocalDateTime{Date: day(30), Time: 600}
		a, e := tx.Activity.Create().SetTitle(fmt.Sprint("Activity ", i)).SetDescription("d").SetLocation("l").SetCategory("MUSIC").SetStartsAtLocal(starts).
			SetDurationMinutes(60).SetCapacity(50).SetRecurrence(&carehome.Recurrence{Frequency: carehome.Daily, Interval: 1}).
			AddFacilitatorIDs(account("CARER"), account("FAMILY without consent")).Save(author(i))
		if e != nil {
			return e
		}
		activities = append(activities, a)
		check(tx.ActivityException.Create().SetActivity(a).SetOriginalDate(day(3)).SetNewLocation("Garden").Exec(author(i + 1)))
	}
	type kin struct {
		account string
		portal  bool
	}
	for i, r := range []struct {
		consents bool
		kin      []kin
		// joins are the activities, by number; below zero entered in error.
		joins []int
	}{
		{true, []kin{{"FAMILY of two", true}, {"FAMILY of two", false}}, []int{1, -4}},
		{true, []kin{{"FAMILY of two", true}, {"FAMILY of nobody", false}}, []int{1, 2}},
		{false, []kin{{"FAMILY without consent", true}}, []int{2, 3}},
		{true, []kin{{"FAMILY not of the portal", false}}, []int{1}},
		{true, nil, []int{1, 5}},
		{false, nil, []int{3, -5}},
	} {
		row, e := tx.Resident.Create().SetGivenName("G").SetFamilyName("F").SetPreferredName("P").SetBirthDate(scalar.DateOf(1930+i, 1, 1+i)).SetSex("FEMALE").
			SetExternalID(fmt.Sprint("N-", i)).SetLanguage("es").SetStatus("ACTIVE").SetSpo2Scale("SCALE_2").SetSpo2ScaleAuthorisedAt(ago(20)).
			SetSpo2ScaleAuthorisedByID(account("NURSE")).SetHeightCm(150 + i).SetResuscitation("DNAR").SetAllergyStatus("HAS_ALLERGIES").
			SetWellnessIntervalHours(12).SetConsentFamilyAccess(r.consents).SetNotes("n").Save(author(i))
		if e != nil {
			return e
		}
		for n, k := range append(r.kin, kin{}) {
			c := tx.ResidentContact.Create().SetResident(row).SetName("N").SetRelationship(residentcontact.RelationshipChild).SetPhone("+34 600 123 456").
				SetEmail("k@example.org").SetIsPrimary(n == 0).SetIsFamilyPortal(k.portal)
			if k.account != "" {
				c.SetPortalUserID(account(k.account))
			}
			check(c.Exec(author(i + n)))
		}
		for n := range 2 {
			a, e := tx.Allergy.Create().SetResident(row).SetSubstance(fmt.Sprint("s", n)).SetDrugClass("penicillin").SetDisplay("D").SetCategory("FOOD").
				SetReaction("hives").SetOnsetOn(day(400)).SetSourceID(fmt.Sprint("a", i, n)).Save(author(n))
			check(e)
			if e == nil && n == 0 {
				check(tx.Allergy.UpdateOne(a).SetReaction("rash").Exec(author(n)))
			}
		}
		var before *ent.Prescription
		for n := range 2 {
			p := tx.Prescription.Create().SetResident(row).SetMedication(products[(i+n)%3]).SetStatus("DRAFT").SetKind("PRN").SetDoseAmount(scalar.Decimal(10000)).
				SetDoseUnit("TABLET").SetRoute("ORAL").SetStartsAt(ago(10)).SetEndsAt(ago(-10)).SetPrnReason("pain").SetPrnMinIntervalMinutes(240).
				SetIndication("i").SetInstructions("i").SetPrescriberName("Dr").SetReviewOn(day(-20)).SetSourceID(fmt.Sprint("p", i, n))
			if before != nil {
				p.SetReplaces(before)
			}
			made, e := p.Save(author(n))
			if e != nil {
				return e
			}
			before = made
			check(tx.Prescription.UpdateOne(made).SetInstructions("j").Exec(author(n + 1)))
		}
		for n := range 3 {
			c, e := tx.Wellness.Create().SetResident(row).SetTakenAt(ago(n + i)).SetMood(1 + n).SetFeelings([]carehome.Feeling{"HAPPY"}).SetEnergy(1 + i).
				SetPainNrs(n).SetSystolic(120 + i).SetDiastolic(80).SetPulse(60 + i).SetTemperature(scalar.Decimal(365000)).SetWeight(scalar.Decimal(700000)).
				SetConsciousness("ALERT").SetNotes("n").SetSourceID(fmt.Sprint("w", i, n)).Save(author(n))
			if e != nil {
				return e
			}
			switch n {
			case 1:
				check(tx.Wellness.UpdateOne(c).SetMood(5).Exec(author(n)))
			case 2:
				check(tx.Wellness.UpdateOne(c).SetStatus(wellness.StatusEnteredInError).Exec(author(n)))
			}
		}
		for n, which := range r.joins {
			p, e := tx.ActivityParticipation.Create().SetResident(row).SetActivity(activities[max(which, -which)-1]).SetOccurrenceDate(day(5)).
				SetStatus("ATTENDED").SetEngagement(1 + n).SetMinutes(30 + i).SetMoodBefore(2).SetMoodAfter(4).SetNote("n").Save(author(n))
			if e != nil {
				return e
			}
			if which < 0 {
				check(tx.ActivityParticipation.UpdateOne(p).SetStatus(activityparticipation.StatusEnteredInError).Exec(author(n)))
			}
		}
	}
	return err
}

// askerHeader says who asks over the network.
const askerHeader = "X-Asker"

// serve puts the handler on the network, for what goes over a socket.
func (w *world) serve(t testing.TB) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for _, a := range w.askers {
			if a.name == r.Header.Get(askerHeader) {
				w.handler.ServeHTTP(rw, r.WithContext(w.as(r.Context(), a)))
			}
		}
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
}

// as is ctx in somebody's name.
func (w *world) as(ctx context.Context, a asker) context.Context {
	ctx = viewer.With(ctx, a.Viewer)
	if w.lapse != 0 {
		ctx = access.Lift(ctx, w.lapse)
	}
	return ctx
}

// sent is a request as it is sent.
func sent(request map[string]any) string {
	body, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// ask sends a request in somebody's name and returns the answer's bytes, without
// what differs between two requests by themselves.
func (w *world) ask(a asker, query string, variables map[string]any) []byte {
	return w.answer(w.as(context.Background(), a), "application/json", query, variables).Body.Bytes()
}

// answer is the whole answer to a request, in the name of the viewer of ctx.
func (w *world) answer(ctx context.Context, accept, query string, variables map[string]any) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(sent(map[string]any{"query": query, "variables": variables})))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, request)
	return answer
}

// answer is what a request comes to.
type answer struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
}

func read(raw []byte) answer {
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		panic(fmt.Sprintf("%v: %s", err, raw))
	}
	return a
}

// code is that of the first error, or empty.
func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// tables are those of the schema that ent knows, by name.
func tables() map[string]*schema.Table {
	all := map[string]*schema.Table{}
	for _, table := range migrate.Tables {
		all[table.Name] = table
	}
	return all
}

// markable reports whether a column holds words that people write, and which may
// be any.
func markable(table string, c *schema.Column) bool {
	if c.Type != field.TypeString || table == "facilities" && c.Name == "time_zone" || table == "secrets" || table == "audit_events" && c.Name == "residents" {
		return false
	}
	return !strings.HasSuffix(c.Name, "_id") || c.Name == "external_id" || c.Name == "source_id"
}

// openRaw opens the file beside the server.
func openRaw(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?_busy_timeout=60000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
