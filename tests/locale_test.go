package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// askIn is ask by somebody who reads the languages, most liked first; it also
// returns the answer's headers.
func askIn(t *testing.T, url, languages, query string, variables map[string]any) (answer, http.Header) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	got := send(t, url, body, http.Header{"Accept-Language": {languages}})
	return got, got.header
}

// spoken are the errors of an answer: their messages, and what a program reads of
// them, which no language may change.
func spoken(a answer) (messages, rest []string) {
	for _, e := range a.Errors {
		code, _ := e.Extensions["code"].(string)
		field, _ := e.Extensions["field"].(string)
		messages, rest = append(messages, e.Message), append(rest, code+" "+field)
	}
	slices.Sort(messages)
	slices.Sort(rest)
	return messages, rest
}

func TestLocale(t *testing.T) {
	url := shared.get(t)
	// The name of a medication is taken once.
	medicine := "Ibuprofeno " + fmt.Sprint(time.Now().UnixNano())
	made := read(t, url, `mutation($medicine: String!) {
		createResident(input: {givenName: "N", familyName: "F", birthDate: "1940-01-01", sex: OTHER}) { resident { id } }
		createMedication(input: {name: $medicine, form: TABLET, unit: TABLET, status: INACTIVE}) { medication { id } }
		createActivity(input: {title: "Música", category: MUSIC, startsAtLocal: "2999-01-01T10:00", durationMinutes: 60, capacity: 1}) { activity { id } }
	}`, map[string]any{"medicine": medicine})
	variables := map[string]any{
		"resident": at(t, made, "createResident", "resident", "id"),
		"medicine": at(t, made, "createMedication", "medication", "id"),
		"activity": at(t, made, "createActivity", "activity", "id"),
	}
	check := read(t, url, `mutation($resident: ID!) { createWellness(input: {residentID: $resident, takenAt: "2026-01-01T08:00:00Z", energy: 5}) { wellness { id } } }`, variables)
	variables["wellness"] = at(t, check, "createWellness", "wellness", "id")

	for name, tc := range map[string]struct {
		query            string
		english, spanish []string
	}{
		"AllWrongFieldsAtOnce": {
			`mutation($resident: ID!) { createWellness(input: {residentID: $resident, takenAt: "2999-01-01T00:00:00Z", mood: 6, energy: 999,
				systolic: 80, diastolic: 120, temperature: "46", weight: "61.45", oxygenLitresPerMin: "2", abbeyItems: [1, 2]}) { wellness { id } } }`,
			[]string{
				"abbeyItems must be six numbers from 0 to 3.",
				"energy must be from 1 to 10, is 999.",
				"mood must be from 1 to 5, is 6.",
				"oxygenLitresPerMin is only for a resident on oxygen.",
				"systolic must be above diastolic.",
				"takenAt must not be in the future.",
				"temperature must be from 25 to 45, is 46.",
				"weight must have at most 1 decimal places, is 61.45.",
			},
			[]string{
				"abbeyItems deben ser seis números entre 0 y 3.",
				"energy debe estar entre 1 y 10; es 999.",
				"mood debe estar entre 1 y 5; es 6.",
				"oxygenLitresPerMin es solo para un residente con oxígeno.",
				"systolic debe ser mayor que diastolic.",
				"takenAt no debe estar en el futuro.",
				"temperature debe estar entre 25 y 45; es 46.",
				"weight debe tener como máximo 1 decimales; es 61.45.",
			},
		},
		"ErrNotFound": {
			`{ resident(id: "res_4000000000") { id } }`,
			[]string{"There is nothing with the id res_4000000000."},
			[]string{"No existe nada con el id res_4000000000."},
		},
		"ErrNotFoundToChange": {
			`mutation { updateResident(id: "res_4000000000", input: {givenName: "M"}) { resident { id } } }`,
			[]string{"There is no resident with the id res_4000000000."},
			[]string{"No existe un residente con el id res_4000000000."},
		},
		"ErrConflict": {
			`mutation($resident: ID!) { updateResident(id: $resident, input: {givenName: "M", expectedVersion: 7}) { resident { id } } }`,
			[]string{"Somebody else has changed this; it is at version 1 now. Read it again."},
			[]string{"Otra persona lo ha cambiado; ahora está en la versión 1. Hay que leerlo de nuevo."},
		},
		"ErrHeld": {
			`mutation($resident: ID!) { deleteResident(id: $resident) { deletedID } }`,
			[]string{"it cannot be deleted while wellness checks depend on it: there are 1"},
			[]string{"no se puede eliminar mientras existan valoraciones del bienestar que dependan de ello: hay 1"},
		},
		"ErrNotActive": {
			`mutation($resident: ID!, $medicine: ID!) { createPrescription(input: {residentID: $resident, medicationID: $medicine, startsAt: "2026-01-01T08:00:00Z", prescriberName: "Dra. Ruiz"}) { prescription { id } } }`,
			[]string{medicine + " is not active and cannot be prescribed"},
			[]string{medicine + " no está activo y no se puede prescribir"},
		},
		"ErrNotStarted": {
			`mutation($resident: ID!, $activity: ID!) { createActivityParticipation(input: {activityID: $activity, residentID: $resident, occurrenceDate: "2999-01-01", status: ATTENDED, minutes: 200}) { participation { id } } }`,
			[]string{"cannot be ATTENDED before the activity has started", "must be at most 120, twice the duration of the activity"},
			[]string{"debe ser como máximo 120, el doble de la duración de la actividad", "no puede ser ATTENDED antes de que haya empezado la actividad"},
		},
		"ErrLimitExceeded": {
			`{ residents(first: 100000) { totalCount } }`,
			[]string{"first may be at most 200, is 100000."},
			[]string{"first puede ser como máximo 200; es 100000."},
		},
		"ErrCursor": {
			`{ residents(after: "not a cursor") { edges { cursor } } }`,
			[]string{"This is not a cursor of this list. Use a cursor from an answer with the same orderBy."},
			[]string{"Este no es un cursor de esta lista. Hay que usar un cursor de una respuesta con el mismo orderBy."},
		},
		"ErrDates": {
			`{ residents(where: {birthDateGT: "17.5.1939", or: [{createdAt: "soon"}]}) { totalCount } }`,
			[]string{`"17.5.1939" is not a date; a date looks like "1939-05-17"`, `"soon" is not a time; a time looks like "2026-03-29T08:30:00Z"`},
			[]string{`"17.5.1939" no es una fecha; una fecha tiene la forma de "1939-05-17"`, `"soon" no es un instante; un instante tiene la forma de "2026-03-29T08:30:00Z"`},
		},
		"ErrKind": {
			`{ resident(id: "wel_1") { id } }`,
			[]string{`wel_1 is the id of a wellness, but a resident is needed, whose id looks like "res_17".`},
			[]string{`wel_1 es el id de una valoración del bienestar, pero se necesita un residente, cuyo id tiene la forma de "res_17".`},
		},
		"ErrNull": {
			`mutation($resident: ID!) { updateResident(id: $resident, input: {givenName: null, language: "not a language!"}) { resident { id } } }`,
			[]string{"givenName may be left out but not null.", `language must be a BCP 47 language tag such as "es-ES".`},
			[]string{"givenName se puede omitir, pero no puede ser null.", `language debe ser una etiqueta de idioma BCP 47 como "es-ES".`},
		},
		"ErrNothing": {
			`mutation($wellness: ID!) { updateWellness(id: $wellness, input: {}) { wellness { id } } }`,
			[]string{"There is nothing to change."},
			[]string{"No hay nada que cambiar."},
		},
		// What is said about the document is for its author, and stays English.
		"ErrDocument": {
			`{ nobodyKnowsThis }`,
			[]string{`Cannot query field "nobodyKnowsThis" on type "Query".`},
			[]string{`Cannot query field "nobodyKnowsThis" on type "Query".`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var codes []string
			for languages, tag := range map[string]string{
				"es": "es", "es-ES;q=0.9, en;q=0.5": "es", "en": "en", "en-GB, es;q=0.9": "en", "fr": "en", "": "en",
			} {
				got, header := askIn(t, url, languages, tc.query, variables)
				messages, rest := spoken(got)
				want := map[string][]string{"en": tc.english, "es": tc.spanish}[tag]
				if !slices.Equal(messages, want) {
					t.Errorf("in %q: got %q\nwant %q", languages, messages, want)
				}
				if codes == nil {
					codes = rest
				}
				if !slices.Equal(rest, codes) {
					t.Errorf("in %q: codes and fields are %v, in another language %v", languages, rest, codes)
				}
				if header.Get("Content-Language") != tag || !slices.Contains(header.Values("Vary"), "Accept-Language") {
					t.Errorf("in %q: the headers are %v", languages, header)
				}
			}
		})
	}
}
