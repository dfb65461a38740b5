package fhir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/internal/care"
	"carehome/internal/fhir"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// home is a real database, new for each test.
type home struct {
	*testing.T
	ctx      context.Context
	store    *store.Store
	importer fhir.Importer
}

// openHome opens one in 2026. Its clock moves on by a minute at each look, so that
// a row that is written again cannot look the same.
func openHome(t *testing.T) *home {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx := scalar.WithClock(viewer.With(t.Context(), viewer.System()), func() time.Time {
		now = now.Add(time.Minute)
		return now
	})
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return &home{t, ctx, st, fhir.Importer{Write: care.Guard(st.Write), Zone: zone}}
}

func (h *home) take(bundle string) *fhir.Report {
	h.Helper()
	report, err := h.importer.Bundle(h.ctx, "bundle", strings.NewReader(bundle))
	if err != nil {
		h.Fatal(err)
	}
	for typ, t := range report.Resources {
		if t.Sum() == 0 {
			h.Errorf("%s is counted nowhere", typ)
		}
	}
	return report
}

// rows is what the report says of the rows of a type: taken, updated,
// unchanged, skipped.
func rows(r *fhir.Report, typ string) string {
	t := r.Rows[typ]
	return fmt.Sprintf("%d %d %d %d", t.Taken, t.Updated, t.Unchanged, t.Skipped)
}

func (h *home) wantRows(r *fhir.Report, want map[string]string) {
	h.Helper()
	for typ, counts := range want {
		if got := rows(r, typ); got != counts {
			h.Errorf("%s: taken, updated, unchanged, skipped are %s, want %s\n%s", typ, got, counts, r)
		}
	}
}

// dump is every row of every table that an import may write, as JSON.
func (h *home) dump() string {
	h.Helper()
	var b bytes.Buffer
	add := func(rows any, err error) {
		if err != nil {
			h.Fatal(err)
		}
		text, err := json.MarshalIndent(rows, "", " ")
		if err != nil {
			h.Fatal(err)
		}
		b.Write(text)
	}
	c := h.store.Client()
	residents, err := c.Resident.Query().All(h.ctx)
	add(residents, err)
	allergies, err := c.Allergy.Query().All(h.ctx)
	add(allergies, err)
	medications, err := c.Medication.Query().All(h.ctx)
	add(medications, err)
	ingredients, err := c.MedicationIngredient.Query().All(h.ctx)
	add(ingredients, err)
	prescriptions, err := c.Prescription.Query().All(h.ctx)
	add(prescriptions, err)
	wellness, err := c.Wellness.Query().All(h.ctx)
	add(wellness, err)
	revisions, err := c.Revision.Query().All(h.ctx)
	add(revisions, err)
	return b.String()
}

// nurse is somebody of the home.
func (h *home) nurse() context.Context {
	h.Helper()
	var id nodeid.ID
	err := h.importer.Write(h.ctx, func(ctx context.Context, tx *ent.Client) error {
		row, err := tx.StaffUser.Create().SetDisplayName("Nora").SetEmail("nora@example.org").SetRole("NURSE").Save(ctx)
		if err == nil {
			id = row.ID
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return viewer.With(h.ctx, viewer.Viewer{ID: id, Name: "Nora", Role: viewer.Nurse})
}

func (h *home) revisions() int {
	h.Helper()
	n, err := h.store.Client().Revision.Query().Count(h.ctx)
	if err != nil {
		h.Fatal(err)
	}
	return n
}

// story is a small bundle that most tests here vary.
const story = `{"resourceType":"Bundle","type":"transaction","entry":[
{"fullUrl":"urn:uuid:ana","resource":{"resourceType":"Patient","id":"ana","name":[{"family":"García","given":["Ana"]}],"birthDate":"1940-05-06","gender":"female"}},
{"resource":{"resourceType":"AllergyIntolerance","id":"al","patient":{"reference":"urn:uuid:ana"},"category":["medication"],"code":{"text":"Penicillin"}}},
{"resource":{"resourceType":"Medication","id":"med","code":{"text":"Paracetamol 500 mg tablets"},"ingredient":[{"itemCodeableConcept":{"text":"Paracetamol"},"strength":{"numerator":{"value":500,"code":"mg"},"denominator":{"value":1,"code":"{tbl}"}}}]}},
{"resource":{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","medicationReference":{"reference":"Medication/med"},"subject":{"reference":"urn:uuid:ana"},"authoredOn":"2020-01-02T10:00:00+01:00",
  "dosageInstruction":[{"doseAndRate":[{"doseQuantity":{"value":1,"code":"{tbl}"}}],"route":{"text":"oral"},"timing":{"repeat":{"timeOfDay":["08:00:00"]}}}]}},
{"resource":{"resourceType":"MedicationRequest","id":"m2","status":"stopped","intent":"order","medicationCodeableConcept":{"text":"PARACETAMOL 500 mg  Tablets"},"subject":{"reference":"urn:uuid:ana"},"authoredOn":"2020-01-02","priorPrescription":{"reference":"MedicationRequest/m1"}}},
{"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"urn:uuid:ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:00:00+01:00","valueQuantity":{"value":70.04,"code":"kg"}}},
{"resource":{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"urn:uuid:ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:00:00+01:00","valueQuantity":{"value":60,"code":"/min"}}},
{"resource":{"resourceType":"Observation","id":"o3","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"urn:uuid:ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:00:00+01:00","valueQuantity":{"value":160.4,"code":"cm"}}}
]}`

func TestImport(t *testing.T) {
	h := openHome(t)
	report := h.take(story)
	h.wantRows(report, map[string]string{"Resident": "1 0 0 0", "Allergy": "1 0 0 0", "Medication": "1 0 0 0", "Prescription": "2 0 0 0", "Wellness": "1 0 0 0"})
	if !report.Changed() || report.Resources["Observation"].Taken != 3 || report.Resources["Medication"].Taken != 1 {
		t.Errorf("%s", report)
	}
	c := h.store.Client()
	r := c.Resident.Query().OnlyX(h.ctx)
	if r.GivenName+r.FamilyName != "AnaGarcía" || *r.ExternalID != "ana" || *r.HeightCm != 160 || r.AllergyStatus != resident.AllergyStatusHasAllergies ||
		r.Status != resident.StatusActive || r.CreatedByID != nil {
		t.Errorf("resident %v", r)
	}
	if a := c.Allergy.Query().OnlyX(h.ctx); a.ResidentID != r.ID || *a.Substance != "penicillin" || *a.SourceID != "ana/AllergyIntolerance/al" {
		t.Errorf("allergy %v", a)
	}
	if i := c.MedicationIngredient.Query().OnlyX(h.ctx); i.Substance != "paracetamol" || i.AmountPerUnit != scalar.Whole(500) || i.AmountUnit != "MG" {
		t.Errorf("ingredient %v", i)
	}
	orders := c.Prescription.Query().AllX(h.ctx)
	if p := orders[0]; p.Status != "ACTIVE" || *p.DoseAmount != scalar.Whole(1) || *p.DoseUnit != "TABLET" || *p.Route != "ORAL" || *p.ScheduleKind != "TIMES_OF_DAY" || len(p.NeedsReview) != 0 {
		t.Errorf("complete order %v", p)
	}
	if p := orders[1]; p.Status != "STOPPED" || p.DoseAmount != nil || *p.ReplacesID != orders[0].ID || fmt.Sprint(p.NeedsReview) != "[DOSE UNIT ROUTE SCHEDULE]" || p.StoppedAt != nil || p.PrescriberName != "Not stated" {
		t.Errorf("bare order %v", p)
	}
	w := c.Wellness.Query().OnlyX(h.ctx)
	if w.Weight.String() != "70" || *w.Pulse != 60 || w.TakenAt.String() != "2020-01-02T09:00:00.000Z" || w.Status != "FINAL" || w.Systolic != nil || w.RecordedByID != nil || *w.SourceID != "ana/Encounter/e" {
		t.Errorf("check %v", w)
	}
}

func TestSameBundleTwiceChangesNothing(t *testing.T) {
	h := openHome(t)
	h.take(story)
	before := h.dump()
	report := h.take(story)
	h.wantRows(report, map[string]string{"Resident": "0 0 1 0", "Allergy": "0 0 1 0", "Medication": "0 0 1 0", "Prescription": "0 0 2 0", "Wellness": "0 0 1 0"})
	if after := h.dump(); after != before {
		t.Errorf("the database changed from %s\nto %s", before, after)
	}
	if report.Changed() {
		t.Error("the report says that something changed")
	}
}

func TestChangedBundleUpdates(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, typ string }{
		"Resident":     {`"birthDate":"1940-05-06"`, `"birthDate":"1940-05-07"`, "Resident"},
		"Height":       {`160.4`, `161`, "Resident"},
		"Died":         {`"gender":"female"`, `"gender":"female","deceasedDateTime":"2025-01-01T00:00:00Z"`, "Resident"},
		"Allergy":      {`"code":{"text":"Penicillin"}`, `"code":{"text":"Penicillin"},"criticality":"high"`, "Allergy"},
		"Dose":         {`"value":1,"code":"{tbl}"}}]`, `"value":2,"code":"{tbl}"}}]`, "Prescription"},
		"Times":        {`"08:00:00"`, `"08:00:00","20:00:00"`, "Prescription"},
		"DoseGone":     {`"doseAndRate":[{"doseQuantity":{"value":1,"code":"{tbl}"}}],`, ``, "Prescription"},
		"Stopped":      {`"status":"active"`, `"status":"stopped"`, "Prescription"},
		"OrderInError": {`"status":"active"`, `"status":"entered-in-error"`, "Prescription"},
		"Weight":       {`70.04`, `70.05`, "Wellness"},
		"Time":         {`"effectiveDateTime":"2020-01-02T10:00:00+01:00"`, `"effectiveDateTime":"2020-01-02T10:00:00+02:00"`, "Wellness"},
		"WeightGone":   {`"id":"o1","status":"final"`, `"id":"o1","status":"entered-in-error"`, "Wellness"},
		"Amended":      {`"id":"o1","status":"final"`, `"id":"o1","status":"amended"`, "Wellness"},
	} {
		t.Run(name, func(t *testing.T) {
			h := openHome(t)
			h.take(story)
			changed := strings.ReplaceAll(story, tc.old, tc.new)
			if changed == story {
				t.Fatal("the bundle was not changed")
			}
			report := h.take(changed)
			for typ, tally := range report.Rows {
				if want := map[bool]int{true: 1}[typ == tc.typ]; tally.Updated != want || tally.Taken+tally.Skipped != 0 {
					t.Errorf("%s: %+v\n%s", typ, tally, report)
				}
			}
			if clinical := tc.typ != "Resident"; clinical != (h.revisions() == 1) {
				t.Errorf("%d revisions", h.revisions())
			}
			before := h.dump()
			if report := h.take(changed); report.Changed() || h.dump() != before {
				t.Errorf("the changed bundle changed something twice: %s", report)
			}
		})
	}
}

func TestUpdateKeepsTheVersionBefore(t *testing.T) {
	h := openHome(t)
	h.take(story)
	h.take(strings.Replace(story, "70.04", "71.06", 1))
	w := h.store.Client().Wellness.Query().OnlyX(h.ctx)
	if w.Weight.String() != "71.1" || *w.Pulse != 60 || w.Status != "CORRECTED" || w.Version != 2 {
		t.Errorf("check %v", w)
	}
	r := h.store.Client().Revision.Query().OnlyX(h.ctx)
	if r.EntityID != w.ID || r.EntityVersion != 1 || !strings.Contains(string(r.Content), `"weight":"70"`) || r.Reason == nil || !strings.Contains(*r.Reason, "imported") {
		t.Errorf("revision %v", r)
	}
}

func TestVoidedObservations(t *testing.T) {
	h := openHome(t)
	h.take(story)
	inError := func(text string, ids ...string) string {
		for _, id := range ids {
			text = strings.Replace(text, `"id":"`+id+`","status":"final"`, `"id":"`+id+`","status":"entered-in-error"`, 1)
		}
		return text
	}
	h.take(inError(story, "o1"))
	if w := h.store.Client().Wellness.Query().OnlyX(h.ctx); w.Weight != nil || *w.Pulse != 60 || w.Status != "CORRECTED" {
		t.Errorf("one voided: %v", w)
	}
	all := inError(story, "o1", "o2")
	h.wantRows(h.take(all), map[string]string{"Wellness": "0 1 0 0"})
	if w := h.store.Client().Wellness.Query().OnlyX(h.ctx); w.Status != "ENTERED_IN_ERROR" || *w.Pulse != 60 {
		t.Errorf("all voided: %v", w)
	}
	if report := h.take(all); report.Changed() {
		t.Errorf("voided twice: %s", report)
	}
	h.wantRows(h.take(story), map[string]string{"Wellness": "0 1 0 0"})
	if w := h.store.Client().Wellness.Query().OnlyX(h.ctx); w.Status != "CORRECTED" || w.Weight.String() != "70" {
		t.Errorf("not voided after all: %v", w)
	}

	fresh := openHome(t)
	if report := fresh.take(all); report.Rows["Wellness"].Sum() != 0 || report.Resources["Observation"].Skipped != 2 {
		t.Errorf("a void check was made: %s", report)
	}
}

func TestEveryMeasureHasItsColumn(t *testing.T) {
	observation := func(id, code, rest string) string {
		return `{"resource":{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"` + code + `"}]},
			"subject":{"reference":"Patient/ana"},"encounter":{"reference":"Encounter/all"},"effectiveDateTime":"2021-01-02T10:00:00Z",` + rest + `}}`
	}
	value := func(id, code, value, unit string) string {
		return observation(id, code, `"valueQuantity":{"value":`+value+`,"code":"`+unit+`"}`)
	}
	all := []string{
		value("a", "9279-1", "16", "/min"), value("b", "8867-4", "72", "/min"), value("c", "59408-5", "95", "%"), value("d", "3151-8", "2.5", "L/min"),
		value("e", "8310-5", "98.6", "[degF]"), value("f", "29463-7", "180", "[lb_av]"), value("g", "72514-3", "3", "{score}"), value("h", "2339-0", "90.08", "mg/dL"),
		value("i", "8480-6", "120", "mm[Hg]"), value("j", "8462-4", "80", "mm[Hg]"),
	}
	story := strings.TrimSuffix(story, "\n]}") + ",\n" + strings.Join(all, ",\n") + "]}"
	h := openHome(t)
	show := func() string {
		w := h.store.Client().Wellness.Query().Order(ent.Desc("taken_at")).FirstX(h.ctx)
		var parts []string
		for _, v := range []any{w.RespiratoryRate, w.Pulse, w.Spo2, w.OnOxygen, w.OxygenLitresPerMin, w.Temperature, w.Weight, w.PainNrs, w.BloodGlucose, w.Systolic, w.Diastolic, w.Status} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, string(text))
		}
		return strings.ReplaceAll(strings.Join(parts, " "), `"`, "")
	}
	void := func(ids string) string {
		text := story
		for _, id := range ids {
			text = strings.Replace(text, `"id":"`+string(id)+`","status":"final"`, `"id":"`+string(id)+`","status":"entered-in-error"`, 1)
		}
		return text
	}
	for _, step := range []struct{ bundle, want string }{
		{story, "16 72 95 true 2.5 37 81.6 3 5 120 80 FINAL"},
		{strings.Replace(story, `"value":2.5`, `"value":0`, 1), "16 72 95 false null 37 81.6 3 5 120 80 CORRECTED"},
		{story, "16 72 95 true 2.5 37 81.6 3 5 120 80 CORRECTED"},
		{void("di"), "16 72 95 null null 37 81.6 3 5 null null CORRECTED"}, // half a pressure is none
		{void("abcdefgh"), "null null null null null null null null null 120 80 CORRECTED"},
		{void("abcdefghij"), "null null null null null null null null null 120 80 ENTERED_IN_ERROR"},
	} {
		h.take(step.bundle)
		if got := show(); got != step.want {
			t.Errorf("got %s, want %s", got, step.want)
		}
		if report := h.take(step.bundle); report.Changed() {
			t.Errorf("a second time it changed again: %s", report)
		}
	}
}

func TestExternalIDGivenAnew(t *testing.T) {
	h := openHome(t)
	h.take(story)
	err := h.importer.Write(h.nurse(), func(ctx context.Context, tx *ent.Client) error {
		return tx.Resident.Query().OnlyX(ctx).Update().SetExternalID("other").Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantRows(h.take(story), map[string]string{"Resident": "1 0 0 0", "Allergy": "0 0 0 1", "Prescription": "0 0 0 2", "Wellness": "0 0 0 1"})
}

func TestAnotherProductIsAnotherOrder(t *testing.T) {
	h := openHome(t)
	h.take(story)
	report := h.take(strings.Replace(story, `"text":"PARACETAMOL 500 mg  Tablets"`, `"text":"Ibuprofen"`, 1))
	h.wantRows(report, map[string]string{"Prescription": "0 0 1 1", "Medication": "1 0 1 0"})
}

func TestWhatPeopleChangedStays(t *testing.T) {
	h := openHome(t)
	h.take(story)
	err := h.importer.Write(h.nurse(), func(ctx context.Context, tx *ent.Client) error {
		for _, p := range tx.Prescription.Query().AllX(ctx) {
			if err := p.Update().SetInstructions("with water").Exec(ctx); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.Wellness.Query().OnlyX(ctx).Update().SetWeight(scalar.Whole(68)).Exec(ctx),
			tx.Resident.Query().OnlyX(ctx).Update().SetPreferredName("Anita").Exec(ctx),
			tx.Allergy.Query().OnlyX(ctx).Update().SetVerification("REFUTED").Exec(ctx))
	})
	if err != nil {
		t.Fatal(err)
	}
	before := h.dump()
	report := h.take(story)
	h.wantRows(report, map[string]string{"Resident": "0 0 0 1", "Allergy": "0 0 0 1", "Prescription": "0 0 0 2", "Wellness": "0 0 0 1"})
	if after := h.dump(); after != before {
		t.Errorf("the database changed from %s\nto %s", before, after)
	}
	if !strings.Contains(report.String(), "changed here") {
		t.Errorf("it is not said: %s", report)
	}
}

func TestRefusedByARule(t *testing.T) {
	h := openHome(t)
	h.take(strings.Replace(story, `"status":"active"`, `"status":"completed"`, 1))
	report := h.take(strings.Replace(story, "70.04", "71", 1)) // the order would be active again
	h.wantRows(report, map[string]string{"Prescription": "0 0 1 1", "Wellness": "0 1 0 0"})
	if !strings.Contains(report.String(), "COMPLETED") {
		t.Errorf("it is not said: %s", report)
	}
}

func TestPatientOfAnEarlierBundle(t *testing.T) {
	const later = `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Observation","id":"o9","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},
		"subject":{"reference":"Patient/ana"},"effectiveDateTime":"2020-02-02T10:00:00Z","valueQuantity":{"value":64,"code":"/min"}}},
		{"resource":{"resourceType":"Observation","id":"o8","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},
		"subject":{"reference":"Patient/ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:30:00Z","valueQuantity":{"value":70,"code":"kg"}}},
		{"resource":{"resourceType":"Observation","id":"o7","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8310-5"}]},
		"subject":{"reference":"Patient/ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:30:00Z","valueQuantity":{"value":37,"code":"Cel"}}}]}`
	t.Run("Known", func(t *testing.T) {
		h := openHome(t)
		h.take(story)
		h.wantRows(h.take(later), map[string]string{"Resident": "0 0 0 0", "Wellness": "1 1 0 0"})
		w := h.store.Client().Wellness.Query().Order(ent.Asc("taken_at")).FirstX(h.ctx)
		if *w.Pulse != 60 || w.Temperature.String() != "37" || w.TakenAt.String() != "2020-01-02T09:00:00.000Z" {
			t.Errorf("the encounter's check lost something: %v", w)
		}
		before := h.dump()
		h.take(story)
		h.take(later)
		if h.dump() != before {
			t.Error("the two bundles take from each other")
		}
	})
	t.Run("ErrUnknown", func(t *testing.T) {
		h := openHome(t)
		report := h.take(later)
		if report.Changed() || report.Resources["Observation"].Skipped != 3 || !strings.Contains(report.String(), "neither in the bundle nor known here") {
			t.Errorf("%s", report)
		}
	})
}

func TestAnotherPersonWithTheSameID(t *testing.T) {
	h := openHome(t)
	h.take(story)
	before := h.dump()
	report := h.take(strings.NewReplacer("García", "Bauer", `["Ana"]`, `["Bernd"]`, "1940-05-06", "1950-01-01").Replace(story))
	if h.dump() != before || report.Changed() || report.Resources["Patient"].Skipped != 1 || report.Resources["Observation"].Skipped != 3 {
		t.Errorf("two people run together: %s", report)
	}
}

func TestSourcesThatNumberAlike(t *testing.T) {
	h := openHome(t)
	h.take(story)
	other := strings.NewReplacer("urn:uuid:ana", "urn:uuid:bob", `"id":"ana"`, `"id":"bob"`, "García", "Bauer").Replace(story)
	h.wantRows(h.take(other), map[string]string{"Resident": "1 0 0 0", "Allergy": "1 0 0 0", "Prescription": "2 0 0 0", "Medication": "0 0 1 0", "Wellness": "1 0 0 0"})
}

func TestAllergyThatIsKnownHere(t *testing.T) {
	h := openHome(t)
	h.take(strings.Replace(story, `"AllergyIntolerance"`, `"Flag"`, 1))
	err := h.importer.Write(h.nurse(), func(ctx context.Context, tx *ent.Client) error {
		return tx.Allergy.Create().SetResidentID(tx.Resident.Query().OnlyIDX(ctx)).SetSubstance("penicillin").SetDisplay("Penicillin").SetCategory("MEDICATION").Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantRows(h.take(story), map[string]string{"Allergy": "0 0 0 1"})
}

func TestBrokenBundleLeavesNoTrace(t *testing.T) {
	h := openHome(t)
	h.take(strings.Replace(story, `"id":"ana","name"`, `"id":"ana","active":true,"name"`, 1))
	before := h.dump()
	other := strings.NewReplacer("urn:uuid:ana", "urn:uuid:bob", `"id":"ana"`, `"id":"bob"`).Replace(story)
	t.Run("ErrCut", func(t *testing.T) {
		if report, err := h.importer.Bundle(h.ctx, "cut.json", strings.NewReader(other[:len(other)-40])); err == nil || report != nil || !strings.Contains(err.Error(), "cut.json") {
			t.Errorf("got %v, %v", report, err)
		}
	})
	t.Run("ErrStorage", func(t *testing.T) {
		full := errors.New("the disk is full")
		importer := h.importer
		importer.Write = func(ctx context.Context, work func(context.Context, *ent.Client) error) error {
			return h.importer.Write(ctx, func(ctx context.Context, tx *ent.Client) error {
				return errors.Join(work(ctx, tx), full)
			})
		}
		if _, err := importer.Bundle(h.ctx, "b.json", strings.NewReader(other)); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(h.ctx)
		importer := h.importer
		importer.Progress = func(done, total int) {
			if done == 3 {
				cancel()
			}
		}
		if _, err := importer.Bundle(ctx, "b.json", strings.NewReader(other)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	if h.dump() != before {
		t.Error("something was written")
	}
}

func TestProgress(t *testing.T) {
	h := openHome(t)
	var seen []string
	h.importer.Progress = func(done, total int) { seen = append(seen, fmt.Sprintf("%d/%d", done, total)) }
	h.take(story)
	if got := strings.Join(seen, " "); got != "1/5 2/5 3/5 4/5 5/5" {
		t.Error(got)
	}
}

func TestReportAsJSON(t *testing.T) {
	h := openHome(t)
	report := h.take(strings.Replace(story, `"value":60,"code":"/min"`, `"value":60,"code":"/h"`, 1))
	text, err := json.Marshal(fhir.Total("all", report, report))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name":"all"`, `"bundles":2`, `"Wellness":{"taken":2,"updated":0,"unchanged":0,"skipped":0}`, `"rounded":{"heightCm":2,"weight":2}`,
		`{"resource":"Observation","what":"8867-4","reason":"UNKNOWN_UNIT","detail":"pulse in \"/h\"","count":2,"first":"entry 6 (Observation/o2)"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	var b bytes.Buffer
	if _, err := report.WriteTo(&b); err != nil || !strings.Contains(b.String(), `1 Observation 8867-4: unknown unit: pulse in "/h"; first entry 6 (Observation/o2)`) {
		t.Errorf("%v: %s", err, b.String())
	}
}

// samples are the bundles of made-up elders: three, or all of a folder.
func samples(t *testing.T) []string {
	t.Helper()
	folder := filepath.Join("..", "..", "tests", "testdata", "fhir")
	if other := os.Getenv("CAREHOME_TEST_FHIR"); other != "" {
		folder = other
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles in %s: %v", folder, err)
	}
	return files
}

func (h *home) takeFile(name string) *fhir.Report {
	h.Helper()
	file, err := os.Open(name)
	if err != nil {
		h.Fatal(err)
	}
	defer file.Close()
	report, err := h.importer.Bundle(h.ctx, filepath.Base(name), file)
	if err != nil {
		h.Fatal(err)
	}
	return report
}

// The three bundles, or all of CAREHOME_TEST_FHIR: no row, version or time changes.
func TestSecondRunChangesNothing(t *testing.T) {
	h := openHome(t)
	for _, name := range samples(t) {
		h.takeFile(name)
	}
	before := h.dump()
	for _, name := range samples(t) {
		if report := h.takeFile(name); report.Changed() {
			t.Errorf("%s changed something: %s", name, report)
		}
	}
	if h.dump() != before {
		t.Error("the second run changed the database")
	}
}
