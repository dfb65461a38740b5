package fhir_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// rich has most of what the importer reads.
const rich = `{"resourceType":"Bundle","type":"collection","entry":[
{"fullUrl":"urn:uuid:ana","resource":{"resourceType":"Patient","id":"ana","identifier":[{"system":"s","value":"7"}],"name":[{"use":"official","family":"García","given":["Ana"],"period":{"end":"2020"}},{"use":"nickname","text":"Anita"}],
  "birthDate":"1940-05-06","gender":"female","active":true,"deceasedDateTime":"2024-01-01","communication":[{"preferred":true,"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"es"}]}}]}},
{"resource":{"resourceType":"Encounter","id":"e","period":{"start":"2020-01-02T10:00:00Z"}}},
{"resource":{"resourceType":"Practitioner","id":"p","name":[{"family":"Luz","given":["Eva"]}]}},
{"resource":{"resourceType":"Condition","id":"c","code":{"text":"Pain"}}},
{"resource":{"resourceType":"AllergyIntolerance","id":"al","patient":{"reference":"urn:uuid:ana"},"category":["medication"],"type":"allergy","criticality":"high","code":{"text":"Penicillin","coding":[{"code":"x"}]},
  "clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"confirmed"}]},"onsetDateTime":"2000-01-01","reaction":[{"manifestation":[{"text":"Hives"}],"severity":"mild"}]}},
{"resource":{"resourceType":"Medication","id":"med","status":"active","form":{"text":"tablet"},"code":{"text":"Paracetamol","coding":[{"system":"s","code":"1"}]},"ingredient":[{"itemCodeableConcept":{"text":"Paracetamol"},"strength":{"numerator":{"value":500,"code":"mg"},"denominator":{"value":1,"code":"{tbl}"}}}]}},
{"resource":{"resourceType":"MedicationRequest","id":"m1","status":"stopped","statusReason":{"text":"done"},"intent":"order","medicationReference":{"reference":"Medication/med"},"subject":{"reference":"urn:uuid:ana"},"authoredOn":"2020-01-02T10:00:00+01:00","requester":{"reference":"Practitioner/p"},
  "reasonReference":[{"reference":"Condition/c"}],"note":[{"text":"a note"}],"dosageInstruction":[{"text":"one","patientInstruction":"rinse","site":{"text":"left"},"doseAndRate":[{"doseRange":{"low":{"value":1,"code":"{tbl}"},"high":{"value":2,"code":"{tbl}"}}}],"route":{"text":"oral"},
  "timing":{"repeat":{"boundsPeriod":{"start":"2020-01-01","end":"2020-02-01"},"count":10,"frequency":2,"period":1,"periodUnit":"d","dayOfWeek":["mon"],"timeOfDay":["08:00:00","20:00:00"]}}}]}},
{"resource":{"resourceType":"MedicationRequest","id":"m2","status":"active","intent":"order","medicationCodeableConcept":{"text":"Codeine syrup"},"subject":{"reference":"Patient/ana"},"authoredOn":"2020-01-02","priorPrescription":{"reference":"MedicationRequest/m1"},
  "dosageInstruction":[{"asNeededCodeableConcept":{"text":"pain"},"doseAndRate":[{"doseQuantity":{"value":5,"code":"mL"}}],"maxDosePerPeriod":{"numerator":{"value":20,"code":"mL"},"denominator":{"value":24,"code":"h"}},"timing":{"repeat":{"frequency":1,"period":6,"periodUnit":"h"}}}]}},
{"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"urn:uuid:ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:00:00Z","note":[{"text":"calm"}],
  "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"code":"mm[Hg]"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80,"code":"mm[Hg]"}}]}},
{"resource":{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"urn:uuid:ana"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2020-01-02T10:05:00Z","valueQuantity":{"value":70.04,"code":"kg"}}},
{"resource":{"resourceType":"Observation","id":"o3","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"3151-8"}]},"subject":{"reference":"urn:uuid:ana"},"effectiveDateTime":"2020-01-02","valueQuantity":{"value":2,"code":"L/min"}}},
{"resource":{"resourceType":"Observation","id":"o4","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"urn:uuid:ana"},"effectivePeriod":{"start":"2020-01-02T10:00:00Z"},"valueQuantity":{"value":160,"code":"cm"}}}
]}`

// spoil changes some leaf of a JSON value to an odd one of the same JSON type,
// removes it, or doubles an item of a list.
func spoil(value any, r *rand.Rand) any {
	texts := []string{
		"", " ", strings.Repeat("long ", 600), "a\u0000b\u0007", "漢字 🦆", "2020-02-30", "2020", "1850-01-01", "9999-12-31T23:59:59+14:00", "2020-03-29T02:30:00", "active", "entered-in-error",
		"stopped", "draft", "{tbl}", "mg", "kg", "#x", "Patient/ana", "urn:uuid:none", "Patient/" + strings.Repeat("9", 300), "http://loinc.org", "8867-4", "08:00:00", "h", "No known allergies", "|", "_%'\"\\",
	}
	numbers := []json.Number{"0", "-1", "1e-30", "1e300", "0.00005", "99999999", "3.5", "1", "24", "1000000.00001", "60.0000000000000000000000000000000000000000000001"}
	switch v := value.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 {
			return v
		}
		key := keys[r.IntN(len(keys))]
		if r.IntN(8) == 0 {
			delete(v, key)
		} else {
			v[key] = spoil(v[key], r)
		}
		return v
	case []any:
		if len(v) == 0 {
			return v
		}
		i := r.IntN(len(v))
		if r.IntN(10) == 0 {
			return append(v, v[i])
		}
		v[i] = spoil(v[i], r)
		return v
	case string:
		return texts[r.IntN(len(texts))]
	case json.Number:
		return numbers[r.IntN(len(numbers))]
	case bool:
		return !v
	}
	return value
}

// Whatever a readable bundle says, it is taken, or named as skipped, and a
// second time changes nothing: no odd value may cost the rest of the bundle.
func TestOddBundles(t *testing.T) {
	h := openHome(t)
	r := rand.New(rand.NewPCG(20, 26))
	imported := 0
	for i := range 150 {
		decoder := json.NewDecoder(strings.NewReader(rich))
		decoder.UseNumber()
		var bundle map[string]any
		if err := decoder.Decode(&bundle); err != nil {
			t.Fatal(err)
		}
		entries := bundle["entry"].([]any)
		for range 1 + r.IntN(6) {
			j := r.IntN(len(entries))
			entries[j] = spoil(entries[j], r)
		}
		text, err := json.Marshal(bundle)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if _, err := h.importer.Bundle(h.ctx, "odd", strings.NewReader(string(text))); err != nil {
				if strings.HasPrefix(err.Error(), "reading ") {
					return // it cannot be read, and the error says where
				}
				t.Fatalf("%v\n%s", err, text)
			}
			imported++
			again, err := h.importer.Bundle(h.ctx, "odd", strings.NewReader(string(text)))
			if err != nil || again.Changed() {
				t.Errorf("%v\n%s\n%s", err, again, text)
			}
		})
	}
	if imported < 100 {
		t.Errorf("only %d of 150 could be read", imported)
	}
}
