package fhir

import (
	"bytes"
	"testing"
)

// FuzzMap holds two laws for any input: nothing panics, and each entry of a
// bundle that can be read is either taken once or counted as skipped once.
func FuzzMap(f *testing.F) {
	f.Add([]byte(bundle(ana, ordered(""), observed("8867-4", ucum("60", "/min")), observed("8302-2", ucum("160", "cm")), pressure("85354-9", ucum("120", "mm[Hg]"), ucum("80", "mm[Hg]")))))
	f.Add([]byte(bundle(ana, ana, `{"resourceType":"Claim"}`, dosed(`{"timing":{"repeat":{"boundsPeriod":{"end":"2020"},"period":1.5,"periodUnit":"d","count":3,"when":["AC"]}},"asNeededBoolean":true}`, `{}`))))
	f.Add([]byte(bundle(orderOf(`"medicationReference":{"reference":"#m"},"contained":[{"resourceType":"Medication","id":"m","code":{"text":"X"},"ingredient":[{"itemCodeableConcept":{"text":"x"},"strength":{"numerator":{"value":1,"code":"mg"}}}]}]`),
		`{"resourceType":"Medication","id":"x"}`, `{"resourceType":"AllergyIntolerance","patient":{"identifier":{"value":"7"}},"code":{"text":"(x)"}}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		record, report := mapper(t).Map(b)
		taken := map[*entry]int{}
		for _, r := range record.Residents {
			if r.Person != nil {
				taken[r.Person.from]++
			}
			if r.heightFrom != nil {
				taken[r.heightFrom]++
			}
			for _, a := range r.Allergies {
				taken[a.from]++
			}
			for _, p := range r.Prescriptions {
				taken[p.from]++
				if p.product != nil {
					taken[p.product]++
				}
			}
			for _, w := range r.Wellness {
				for _, e := range w.from {
					taken[e]++
				}
			}
		}
		skipped := 0
		for _, tally := range report.Resources {
			skipped += tally.Skipped
		}
		for e, n := range taken {
			if n != 1 {
				t.Errorf("%s is taken %d times", e, n)
			}
		}
		if len(taken)+skipped != len(b.entries) {
			t.Errorf("%d taken and %d skipped of %d: %s", len(taken), skipped, len(b.entries), report)
		}
	})
}
