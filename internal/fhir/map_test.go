package fhir

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carehome/internal/scalar"
)

// madrid is one hour ahead of UTC in winter, two in summer.
func madrid(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mapper(t *testing.T) Mapper {
	return Mapper{Zone: madrid(t), Now: scalar.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
}

// ana is the patient of most tests here.
const ana = `{"resourceType":"Patient","id":"ana","name":[{"family":"García","given":["Ana"]}],"birthDate":"1940-05-06","gender":"female"}`

// bundle is a collection of resources.
func bundle(resources ...string) string {
	entries := make([]string, len(resources))
	for i, r := range resources {
		entries[i] = `{"resource":` + r + `}`
	}
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",\n") + `]}`
}

func mapped(t *testing.T, text string) (*Record, *Report) {
	t.Helper()
	b, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	record, report := mapper(t).Map(b)
	return record, report
}

// skips is what a report says was left out: "NOT_EXACT: weight is < 40 kg".
func skips(notes []Note) string {
	var lines []string
	for _, n := range notes {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s: %s", n.Reason, n.Detail), ": "))
	}
	return strings.Join(slices.Compact(lines), "\n")
}

// text is a wellness record such as "2020-01-02T09:00:00.000Z pulse 72".
func (w *Wellness) text() string {
	parts := []string{w.TakenAt.String()}
	for _, m := range sortedMeasures(w.Values) {
		parts = append(parts, fmt.Sprintf("%s %s", m, w.Values[m]))
	}
	return strings.Join(parts, " ")
}

// observed makes an observation of ana at 2020-01-02 10:00 in Madrid.
func observed(loinc, rest string) string {
	return `{"resourceType":"Observation","id":"o` + loinc + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"` + loinc + `"}]},` +
		`"subject":{"reference":"Patient/ana"},"effectiveDateTime":"2020-01-02T10:00:00+01:00",` + rest + `}`
}

func ucum(value, unit string) string {
	return `"valueQuantity":{"value":` + value + `,"unit":"` + unit + `","system":"http://unitsofmeasure.org","code":"` + unit + `"}`
}

func pressure(loinc, systolic, diastolic string) string {
	part := func(loinc, value string) string {
		return `{"code":{"coding":[{"system":"http://loinc.org","code":"` + loinc + `"}]},` + value + `}`
	}
	return observed(loinc, `"component":[`+part("8480-6", systolic)+`,`+part("8462-4", diastolic)+`]`)
}

func TestValues(t *testing.T) {
	for name, tc := range map[string]struct{ observation, want, skipped string }{
		"RespiratoryRate":  {observed("9279-1", ucum("16", "/min")), "respiratoryRate 16", ""},
		"HeartRate":        {observed("8867-4", ucum("72.5", "{beats}/min")), "pulse 73", ""},
		"HeartRateInteger": {observed("8867-4", `"valueInteger":72`), "pulse 72", ""},
		"Saturation":       {observed("2708-6", ucum("97.4", "%")), "spo2 97", ""},
		"Oximeter":         {observed("59408-5", ucum("97", "%")), "spo2 97", ""},
		"Temperature":      {observed("8310-5", ucum("36.65", "Cel")), "temperature 36.7", ""},
		"OralTemperature":  {observed("8331-1", ucum("37.0", "Cel")), "temperature 37", ""},
		"Fahrenheit":       {observed("8310-5", ucum("98.6", "[degF]")), "temperature 37", ""},
		"FahrenheitRound":  {observed("8310-5", ucum("100.13", "[degF]")), "temperature 37.9", ""}, // 37.8500 exactly
		"Weight":           {observed("29463-7", ucum("83.415", "kg")), "weight 83.4", ""},
		"WeightHalf":       {observed("29463-7", ucum("83.45", "kg")), "weight 83.5", ""},
		"Pounds":           {observed("29463-7", ucum("180", "[lb_av]")), "weight 81.6", ""},
		"Grams":            {observed("29463-7", ucum("81650", "g")), "weight 81.7", ""},
		"Exponent":         {observed("29463-7", ucum("8.1E1", "kg")), "weight 81", ""},
		"WordsForUnit":     {observed("29463-7", `"valueQuantity":{"value":180,"unit":"lbs"}`), "weight 81.6", ""},
		"Pain":             {observed("72514-3", ucum("3.5", "{score}")), "painNrs 4", ""},
		"PainInteger":      {observed("72514-3", `"valueInteger":0`), "painNrs 0", ""},
		"GlucoseMmol":      {observed("15074-8", ucum("5.55", "mmol/L")), "bloodGlucose 5.6", ""},
		"GlucoseMg":        {observed("2339-0", ucum("99.088", "mg/dL")), "bloodGlucose 5.5", ""}, // 5.5 exactly
		"GlucoseMgOther":   {observed("15074-8", ucum("180.16", "mg/dL")), "bloodGlucose 10", ""},
		"Oxygen":           {observed("3151-8", ucum("2", "L/min")), "oxygenLitresPerMin 2", ""},
		"Pressure":         {pressure("85354-9", ucum("157.61", "mm[Hg]"), ucum("84.5", "mm[Hg]")), "diastolic 85 systolic 158", ""},
		"PressureOldPanel": {pressure("55284-4", ucum("120", "mm[Hg]"), ucum("80", "mm[Hg]")), "diastolic 80 systolic 120", ""},
		"SecondCoding": {observed("0-0", `"category":[]`+`,"code":{"coding":[{"system":"http://snomed.info/sct","code":"364075005"},{"system":"http://loinc.org","code":"8867-4"}]},`+
			ucum("60", "/min")), "pulse 60", ""},
		"SaturationWithFlow": {observed("59408-5", ucum("93", "%")+`,"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"3151-8"}]},`+ucum("1.5", "L/min")+`},
			{"code":{"coding":[{"system":"http://loinc.org","code":"3150-6"}]},`+ucum("28", "%")+`}]`), "oxygenLitresPerMin 1.5 spo2 93", ""},
		"Amended":     {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "amended", 1), "pulse 60", ""},
		"PeriodStart": {strings.Replace(observed("8867-4", ucum("60", "/min")), `"effectiveDateTime":"2020-01-02T10:00:00+01:00"`, `"effectivePeriod":{"start":"2020-01-02T09:00:00Z"}`, 1), "pulse 60", ""},
		"Instant":     {strings.Replace(observed("8867-4", ucum("60", "/min")), "effectiveDateTime", "effectiveInstant", 1), "pulse 60", ""},
		"NoOffset":    {strings.Replace(observed("8867-4", ucum("60", "/min")), "+01:00", "", 1), "pulse 60", ""},
		"IssuedOnly":  {strings.Replace(observed("8867-4", ucum("60", "/min")), "effectiveDateTime", "issued", 1), "pulse 60", ""},
		"LimitLow":    {observed("29463-7", ucum("15", "kg")), "weight 15", ""},
		"LimitHigh":   {observed("29463-7", ucum("300.0", "kg")), "weight 300", ""},

		"ErrUnknownUnit":     {observed("29463-7", ucum("13", "[stone_av]")), "", `UNKNOWN_UNIT: weight in "[stone_av]"`},
		"ErrUnknownWords":    {observed("29463-7", `"valueQuantity":{"value":13,"unit":"stone"}`), "", `UNKNOWN_UNIT: weight in "stone"`},
		"ErrNoUnit":          {observed("8310-5", `"valueQuantity":{"value":37}`), "", "UNKNOWN_UNIT: temperature has no unit"},
		"ErrIntegerNoUnit":   {observed("29463-7", `"valueInteger":80`), "", "UNKNOWN_UNIT: weight has no unit"},
		"ErrUCUMCase":        {observed("8310-5", ucum("37", "cel")), "", `UNKNOWN_UNIT: temperature in "cel"`},
		"ErrMassOfPressure":  {pressure("85354-9", ucum("16", "kPa"), ucum("10", "kPa")), "", `UNKNOWN_UNIT: systolic in "kPa"`},
		"ErrGlucoseUnit":     {observed("2339-0", ucum("5", "g/L")), "", `UNKNOWN_UNIT: bloodGlucose in "g/L"`},
		"ErrMgOfOther":       {observed("8867-4", ucum("60", "mg/dL")), "", `UNKNOWN_UNIT: pulse in "mg/dL"`},
		"ErrFraction":        {observed("2708-6", ucum("0.97", "%")), "", `OUT_OF_RANGE: spo2 0.97 % is not from 1 to 100 %`},
		"ErrTooHeavy":        {observed("29463-7", ucum("300.01", "kg")), "", `OUT_OF_RANGE: weight 300.01 kg is not from 15 to 300 kg`},
		"ErrTooHeavyPounds":  {observed("29463-7", ucum("700", "[lb_av]")), "", `OUT_OF_RANGE: weight 700 [lb_av] is not from 15 to 300 kg`},
		"ErrTooLight":        {observed("29463-7", ucum("14.96", "kg")), "", `OUT_OF_RANGE: weight 14.96 kg is not from 15 to 300 kg`},
		"ErrNegative":        {observed("8867-4", ucum("-60", "/min")), "", `OUT_OF_RANGE: pulse -60 /min is not from 1 to 350 /min`},
		"ErrHuge":            {observed("8867-4", ucum("1e999999999", "/min")), "", `OUT_OF_RANGE: pulse 1e999999999 /min is not from 1 to 350 /min`},
		"ErrTiny":            {observed("8867-4", ucum("1e-999999999", "/min")), "", `OUT_OF_RANGE: pulse 1e-999999999 /min is not from 1 to 350 /min`},
		"ErrLong":            {observed("8867-4", ucum("60."+strings.Repeat("0", 60), "/min")), "", `OUT_OF_RANGE: pulse 60.00000000000000000 /min is not from 1 to 350 /min`},
		"ErrPain11":          {observed("72514-3", ucum("10.4", "{score}")), "", `OUT_OF_RANGE: painNrs 10.4 {score} is not from 0 to 10 1`},
		"ErrComparator":      {observed("29463-7", `"valueQuantity":{"value":40,"comparator":"<","unit":"kg","code":"kg"}`), "", "NOT_EXACT: weight is <40 kg"},
		"ErrAbsent":          {observed("29463-7", `"dataAbsentReason":{"text":"refused"}`), "", "NO_VALUE: weight is absent: refused"},
		"ErrText":            {observed("29463-7", `"valueString":"80 kg"`), "", "NO_VALUE: weight is not stated as a number"},
		"ErrNothing":         {observed("29463-7", `"note":[]`), "", "NO_VALUE: weight is not stated as a number"},
		"ErrHalfPressure":    {pressure("85354-9", ucum("120", "mm[Hg]"), `"dataAbsentReason":{"text":"masked"}`), "", "NO_VALUE: diastolic is absent: masked"},
		"ErrSystolicAlone":   {observed("8480-6", ucum("120", "mm[Hg]")), "", "NO_VALUE: a blood pressure needs both systolic and diastolic"},
		"ErrPressureSwapped": {pressure("85354-9", ucum("80", "mm[Hg]"), ucum("120", "mm[Hg]")), "", "OUT_OF_RANGE: systolic 80 is not above diastolic 120"},
		"ErrPressureEqual":   {pressure("85354-9", ucum("80.4", "mm[Hg]"), ucum("79.6", "mm[Hg]")), "", "OUT_OF_RANGE: systolic 80 is not above diastolic 80"},
		"ErrPanelAlone":      {observed("85354-9", `"hasMember":[{"reference":"Observation/x"}]`), "", "NO_VALUE: a panel without components; its members are taken by themselves"},
		"ErrBMI":             {observed("39156-5", ucum("27.1", "kg/m2")), "", "DERIVED: it follows from weight and height"},
		"ErrLaboratory":      {observed("2093-3", ucum("180", "mg/dL")), "", "NOT_A_VITAL_SIGN"},
		"ErrNotLOINC":        {strings.Replace(observed("8867-4", ucum("60", "/min")), "http://loinc.org", "http://example.org", 1), "", "NOT_A_VITAL_SIGN"},
		"ErrInError":         {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "entered-in-error", 1), "", `NOT_FINAL: status is "entered-in-error"`},
		"ErrCancelled":       {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "cancelled", 1), "", `NOT_FINAL: status is "cancelled"`},
		"ErrPreliminary":     {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "preliminary", 1), "", `NOT_FINAL: status is "preliminary"`},
		"ErrRegistered":      {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "registered", 1), "", `NOT_FINAL: status is "registered"`},
		"ErrNoStatus":        {strings.Replace(observed("8867-4", ucum("60", "/min")), "final", "", 1), "", `NOT_FINAL: status is ""`},
		"ErrNoTime":          {strings.Replace(observed("8867-4", ucum("60", "/min")), "effectiveDateTime", "effectiveX", 1), "", "NO_TIME: no time is stated"},
		"ErrMonthOnly":       {strings.Replace(observed("8867-4", ucum("60", "/min")), "2020-01-02T10:00:00+01:00", "2020-01", 1), "", `NO_TIME: the time is stated as "2020-01" only`},
		"ErrNoCalendarDay":   {strings.Replace(observed("8867-4", ucum("60", "/min")), "2020-01-02T10", "2020-02-30T10", 1), "", `NO_TIME: "2020-02-30T10:00:00+01:00" is not a FHIR dateTime`},
		"ErrFuture":          {strings.Replace(observed("8867-4", ucum("60", "/min")), "2020-01-02", "2027-01-02", 1), "", "IN_FUTURE: taken at 2027-01-02T09:00:00.000Z"},
		"ErrFocus":           {observed("8867-4", `"focus":[{"display":"fetus"}],`+ucum("140", "/min")), "", "NOT_THE_PATIENT: it is about somebody or something else"},
		"ErrGroup":           {strings.Replace(observed("8867-4", ucum("60", "/min")), "Patient/ana", "Group/all", 1), "", "NOT_THE_PATIENT: its subject is no patient of the bundle"},
		"ErrNobody":          {strings.Replace(observed("8867-4", ucum("60", "/min")), "Patient/ana", "", 1), "", "NO_PATIENT: no patient is named"},
	} {
		t.Run(name, func(t *testing.T) {
			record, report := mapped(t, bundle(ana, tc.observation))
			got := ""
			for _, w := range record.Residents[0].Wellness {
				if len(w.Values) > 0 {
					got += w.text()
				}
			}
			want := tc.want
			if want != "" {
				want = "2020-01-02T09:00:00.000Z " + want
			}
			if got != want {
				t.Errorf("took %q, want %q", got, want)
			}
			if got := skips(report.Skipped); got != tc.skipped {
				t.Errorf("skipped %q, want %q", got, tc.skipped)
			}
		})
	}
}

func TestRoundedAndConvertedAreCounted(t *testing.T) {
	_, report := mapped(t, bundle(ana,
		observed("8310-5", ucum("98.6", "[degF]")), observed("29463-7", ucum("180", "[lb_av]")),
		observed("8867-4", ucum("72.0", "/min")), pressure("85354-9", ucum("157.61", "mm[Hg]"), ucum("84", "mm[Hg]")),
		observed("2339-0", ucum("1", "mg/dL")))) // below the limit: not counted
	if got := fmt.Sprint(report.Rounded, report.Converted); got != "map[systolic:1 weight:1] map[temperature:1 weight:1]" {
		t.Error(got)
	}
}

func TestChecks(t *testing.T) {
	in := func(observation, id, encounter, at string) string {
		observation = strings.Replace(observation, `"id":"o`, `"id":"`+id, 1)
		if encounter != "" {
			observation = strings.Replace(observation, `"subject"`, `"encounter":{"reference":"`+encounter+`"},"subject"`, 1)
		}
		return strings.Replace(observation, "2020-01-02T10:00:00+01:00", at, 1)
	}
	pulse := func(n string) string { return observed("8867-4", ucum(n, "/min")) }
	weight := func(n string) string { return observed("29463-7", ucum(n, "kg")) }
	const nine, ten, next = "2020-01-02T09:00:00Z", "2020-01-02T10:00:00Z", "2020-01-04T09:00:00Z"
	for name, tc := range map[string]struct {
		observations []string
		want         []string
		skipped      string
	}{
		"OneEncounterOneRecord": {
			[]string{in(pulse("60"), "b", "Encounter/e", ten), in(weight("70"), "a", "urn:uuid:e", nine), in(pressure("85354-9", ucum("120", "mm[Hg]"), ucum("80", "mm[Hg]")), "c", "https://h/Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " diastolic 80 pulse 60 systolic 120 weight 70"}, "",
		},
		"TwoEncounters": {
			[]string{in(pulse("60"), "a", "Encounter/e", nine), in(weight("70"), "b", "Encounter/f", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60", "ana/Encounter/f " + nine + " weight 70"}, "",
		},
		"SecondValueOwnRecord": {
			[]string{in(pulse("60"), "a", "Encounter/e", nine), in(pulse("64"), "b", "Encounter/e", ten), in(weight("70"), "c", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60 weight 70", "ana/Encounter/e#2 " + ten + " pulse 64"}, "",
		},
		"SecondValueSameTime": {
			[]string{in(pulse("64"), "b", "Encounter/e", nine), in(weight("71"), "d", "Encounter/e", nine), in(pulse("60"), "a", "Encounter/e", nine), in(weight("70"), "c", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60 weight 70", "ana/Encounter/e#2 " + nine + " pulse 64 weight 71"}, "",
		},
		"SameValueTwice": {
			[]string{in(pulse("60"), "a", "Encounter/e", nine), in(pulse("60.0"), "b", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60"}, "DUPLICATE: the same value of the same moment is there already",
		},
		"SameValueLater": {
			[]string{in(pulse("60"), "a", "Encounter/e", nine), in(pulse("60"), "b", "Encounter/e", ten)},
			[]string{"ana/Encounter/e " + nine + " pulse 60", "ana/Encounter/e#2 " + ten + " pulse 60"}, "",
		},
		"FarApart": {
			[]string{in(pulse("60"), "a", "Encounter/e", nine), in(weight("70"), "b", "Encounter/e", next)},
			[]string{"ana/Encounter/e " + nine + " pulse 60", "ana/Encounter/e#2 " + next + " weight 70"}, "",
		},
		"NoEncounterSameTime": {
			[]string{in(pulse("60"), "a", "", nine), in(weight("70"), "b", "", "2020-01-02T10:00:00+01:00"), in(weight("71"), "c", "", ten)},
			[]string{"ana/Observation/at-2020-01-02T09:00:00.000Z " + nine + " pulse 60 weight 70", "ana/Observation/at-2020-01-02T10:00:00.000Z " + ten + " weight 71"}, "",
		},
		"DayOnly": {
			[]string{in(pulse("60"), "a", "", "2020-01-02")},
			[]string{"ana/Observation/at-2020-01-01T23:00:00.000Z 2020-01-01T23:00:00Z pulse 60"}, "",
		},
		"PressureInHalves": {
			[]string{in(observed("8462-4", ucum("80", "mm[Hg]")), "a", "Encounter/e", nine), in(observed("8480-6", ucum("120", "mm[Hg]")), "b", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " diastolic 80 systolic 120"}, "",
		},
		"HalvesApart": {
			[]string{in(observed("8462-4", ucum("80", "mm[Hg]")), "a", "Encounter/e", nine), in(observed("8480-6", ucum("120", "mm[Hg]")), "b", "Encounter/e", ten)},
			nil, "NO_VALUE: a blood pressure needs both systolic and diastolic",
		},
		"PanelAndItsHalves": {
			[]string{
				in(pressure("85354-9", ucum("120", "mm[Hg]"), ucum("80", "mm[Hg]")), "a", "Encounter/e", nine),
				in(observed("8462-4", ucum("80", "mm[Hg]")), "b", "Encounter/e", nine), in(observed("8480-6", ucum("120", "mm[Hg]")), "c", "Encounter/e", nine),
			},
			[]string{"ana/Encounter/e " + nine + " diastolic 80 systolic 120"}, "DUPLICATE: the same value of the same moment is there already",
		},
		"ErrorThenRight": {
			[]string{in(strings.Replace(weight("700"), "final", "entered-in-error", 1), "a", "Encounter/e", nine), in(weight("70"), "b", "Encounter/e", nine), in(pulse("60"), "c", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60 weight 70", "ana/Encounter/e#2 void weight"}, `NOT_FINAL: status is "entered-in-error"`,
		},
		"ErrorAlone": {
			[]string{in(strings.Replace(weight("70"), "final", "entered-in-error", 1), "a", "Encounter/e", nine), in(pulse("60"), "c", "Encounter/e", nine)},
			[]string{"ana/Encounter/e " + nine + " pulse 60 void weight"}, `NOT_FINAL: status is "entered-in-error"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			// The order of the entries must not matter.
			for _, order := range [][]string{tc.observations, reversed(tc.observations)} {
				record, report := mapped(t, bundle(append([]string{ana}, order...)...))
				var got []string
				for _, w := range record.Residents[0].Wellness {
					line := w.SourceID
					if len(w.Values) > 0 {
						line += " " + strings.Replace(w.text(), ".000Z", "Z", 1)
					}
					for _, m := range sortedMeasures(w.Void) {
						line += " void " + string(m)
					}
					got = append(got, line)
				}
				slices.Sort(got)
				if !slices.Equal(got, tc.want) {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				if got := skips(report.Skipped); got != tc.skipped {
					t.Errorf("skipped %q, want %q", got, tc.skipped)
				}
			}
		})
	}
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestTimeWithinEncounterIsNoted(t *testing.T) {
	pulse := strings.Replace(observed("8867-4", ucum("60", "/min")), `"subject"`, `"encounter":{"reference":"Encounter/e"},"subject"`, 1)
	weight := strings.Replace(observed("29463-7", ucum("70", "kg")), `"subject"`, `"encounter":{"reference":"Encounter/e"},"subject"`, 1)
	_, report := mapped(t, bundle(ana, pulse, strings.Replace(weight, "T10:00", "T10:05", 1)))
	if got := skips(report.Notes); got != "TIME_OF_CHECK: within the encounter; it has the time of its first observation" {
		t.Error(got)
	}
}

func TestHeight(t *testing.T) {
	height := func(id, at, value, unit string) string {
		o := strings.Replace(observed("8302-2", ucum(value, unit)), `"id":"o8302-2"`, `"id":"`+id+`"`, 1)
		return strings.Replace(o, "2020-01-02", at, 1)
	}
	record, report := mapped(t, bundle(ana, height("a", "2021-01-02", "65.5", "[in_i]"), height("b", "2020-01-02", "171", "cm"), height("c", "2022-01-02", "30", "cm")))
	r := record.Residents[0]
	if r.HeightCm == nil || *r.HeightCm != 166 || len(r.Wellness) != 0 { // 166.37
		t.Errorf("got %v", r.HeightCm)
	}
	want := "OUT_OF_RANGE: heightCm 30 cm is not from 50 to 250 cm\nSUPERSEDED: a resident has one height, the latest"
	if got := skips(report.Skipped); got != want {
		t.Errorf("skipped %q, want %q", got, want)
	}
	if report.Rounded[Height] != 1 || report.Converted[Height] != 1 {
		t.Errorf("counted %v %v", report.Rounded, report.Converted)
	}
}

func TestPatient(t *testing.T) {
	person := func(rest string) string { return `{"resourceType":"Patient","id":"p-1",` + rest + `}` }
	const name, born = `"name":[{"family":"García Ruiz","given":["Ana","María"]}]`, `"birthDate":"1940-05-06"`
	show := func(p *Person) string {
		died := ""
		if p.DeceasedAt != nil {
			died = " died " + p.DeceasedAt.String()
		}
		return fmt.Sprintf("%s|%s|%s|%s %s|%s|%s|%s%s", p.GivenName, p.FamilyName, p.PreferredName, p.BirthDate, p.BirthDatePrecision, p.Sex, p.Language, p.Status, died)
	}
	long := strings.Repeat("ñ", 120)
	for what, tc := range map[string]struct{ rest, want, notes string }{
		"Plain":        {name + `,` + born + `,"gender":"female"`, "Ana María|García Ruiz||1940-05-06 DAY|FEMALE||ACTIVE", ""},
		"Month":        {name + `,"birthDate":"1940-05","gender":"male"`, "Ana María|García Ruiz||1940-05-01 MONTH|MALE||ACTIVE", ""},
		"Year":         {name + `,"birthDate":"1940","gender":"other"`, "Ana María|García Ruiz||1940-01-01 YEAR|OTHER||ACTIVE", ""},
		"BirthInstant": {name + `,"birthDate":"1940-05-06T10:00:00Z","gender":"unknown"`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||ACTIVE", ""},
		"OfficialName": {`"name":[{"use":"maiden","family":"Old","given":["Ana"]},{"use":"usual","given":["Anita"]},{"use":"official","family":"O'Keefe123","given":["Ana456"],"prefix":["Mrs."]}],` + born,
			"Ana456|O'Keefe123|Anita|1940-05-06 DAY|UNKNOWN||ACTIVE", ""},
		"NameNoLongerBorne": {`"name":[{"use":"official","family":"Old","given":["Ana"],"period":{"end":"1970-01-01"}},{"family":"New","given":["Ana"]}],` + born, "Ana|New||1940-05-06 DAY|UNKNOWN||ACTIVE", ""},
		"TextOnly":          {`"name":[{"text":"Ana María  Ruiz"}],` + born, "Ana María|Ruiz||1940-05-06 DAY|UNKNOWN||ACTIVE", "ASSUMED: the last word of the name is taken for the family name"},
		"NoName":            {born, "Unknown|Unknown||1940-05-06 DAY|UNKNOWN||ACTIVE", "ASSUMED: a missing part of the name is shown as Unknown"},
		"FamilyOnly":        {`"name":[{"family":"Ruiz"}],` + born, "Unknown|Ruiz||1940-05-06 DAY|UNKNOWN||ACTIVE", "ASSUMED: a missing part of the name is shown as Unknown"},
		"LongName":          {`"name":[{"family":"` + long + `","given":["A\tB"]}],` + born, "A B|" + long[:2*99] + "…||1940-05-06 DAY|UNKNOWN||ACTIVE", "SHORTENED: a text was longer than 100 characters"},
		"Language": {name + `,` + born + `,"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en-US"}]}},{"preferred":true,"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"es"}]}}]`,
			"Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN|es|ACTIVE", ""},
		"NoSuchLanguage": {name + `,` + born + `,"communication":[{"language":{"coding":[{"code":"klingonese!"}]}}]`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||ACTIVE", `ASSUMED: the language "klingonese!" is no BCP 47 tag and left empty`},
		"Died":           {name + `,` + born + `,"deceasedDateTime":"2020-01-02T03:04:05.678+01:00"`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DECEASED died 2020-01-02T02:04:05.678Z", ""},
		"DiedOnDay":      {name + `,` + born + `,"deceasedDateTime":"2020-07-02"`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DECEASED died 2020-07-01T22:00:00.000Z", ""},
		"DiedBool":       {name + `,` + born + `,"deceasedBoolean":true`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DECEASED", ""},
		"Alive":          {name + `,` + born + `,"deceasedBoolean":false,"active":true`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||ACTIVE", ""},
		"DiedInYear":     {name + `,` + born + `,"deceasedDateTime":"2020"`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DECEASED", `ASSUMED: the time of death "2020" is left empty`},
		"DiedUnborn":     {name + `,` + born + `,"deceasedDateTime":"1930-01-01"`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DECEASED", `ASSUMED: the time of death "1930-01-01" is left empty`},
		"Inactive":       {name + `,` + born + `,"active":false`, "Ana María|García Ruiz||1940-05-06 DAY|UNKNOWN||DISCHARGED", ""},

		"ErrNoBirth":     {name, "", "INCOMPLETE: no birth date is stated"},
		"ErrBadBirth":    {name + `,"birthDate":"1940-13-01"`, "", `INCOMPLETE: birth date: "1940-13-01" is not a FHIR date`},
		"ErrBornTooSoon": {name + `,"birthDate":"1899-12-31"`, "", "OUT_OF_RANGE: birth date 1899-12-31 is not from 1900-01-01 to today"},
		"ErrUnborn":      {name + `,"birthDate":"2026-03-02"`, "", "OUT_OF_RANGE: birth date 2026-03-02 is not from 1900-01-01 to today"},
	} {
		t.Run(what, func(t *testing.T) {
			record, report := mapped(t, bundle(person(tc.rest)))
			if tc.want == "" {
				if len(record.Residents) != 0 || skips(report.Skipped) != tc.notes {
					t.Errorf("took %v, skipped %q, want %q", record.Residents, skips(report.Skipped), tc.notes)
				}
				return
			}
			if got := show(record.Residents[0].Person); got != tc.want || record.Residents[0].ExternalID != "p-1" {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
			if got := skips(report.Notes); got != tc.notes {
				t.Errorf("noted %q, want %q", got, tc.notes)
			}
		})
	}
}

func TestWhoIsMeant(t *testing.T) {
	patient := func(entry, id string) string {
		return `{` + entry + `"resource":{"resourceType":"Patient",` + id + `"identifier":[{"system":"urn:mrn","value":"MRN 7"}],"name":[{"family":"Ruiz","given":["Ana"]}],"birthDate":"1940"}}`
	}
	pulse := func(subject, contained string) string {
		return `{"resource":{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2020-01-02",` +
			contained + `"subject":` + subject + `,"valueInteger":60}}`
	}
	for name, tc := range map[string]struct{ patient, subject, contained, want string }{
		"FullURL":       {patient(`"fullUrl":"urn:uuid:aa-1",`, `"id":"x",`), `{"reference":"urn:uuid:aa-1"}`, "", "x"},
		"UUIDOfID":      {patient("", `"id":"aa-1",`), `{"reference":"urn:uuid:aa-1"}`, "", "aa-1"},
		"NoID":          {patient(`"fullUrl":"urn:uuid:aa-1",`, ""), `{"reference":"urn:uuid:aa-1"}`, "", "aa-1"},
		"TypeAndID":     {patient("", `"id":"x",`), `{"reference":"Patient/x"}`, "", "x"},
		"Server":        {patient(`"fullUrl":"https://h/fhir/Patient/x",`, `"id":"x",`), `{"reference":"https://other/Patient/x"}`, "", "x"},
		"Version":       {patient("", `"id":"x",`), `{"reference":"Patient/x/_history/3"}`, "", "x"},
		"Search":        {patient("", `"id":"x",`), `{"reference":"Patient?identifier=urn:mrn|MRN 7"}`, "", "x"},
		"Identifier":    {patient("", `"id":"x",`), `{"identifier":{"system":"urn:mrn","value":"MRN 7"}}`, "", "x"},
		"Contained":     {patient("", `"id":"x",`), `{"reference":"#c"}`, `"contained":[{"resourceType":"Patient","id":"c","identifier":[{"system":"urn:mrn","value":"MRN 7"}]}],`, "x"},
		"OddID":         {patient("", `"id":"a_b c",`), `{"reference":"Patient/a_b c"}`, "", "sha256-e5973f0847c9f363441d4029f5bd24f2"},
		"Elsewhere":     {"", `{"reference":"Patient/known-before"}`, "", "known-before"},
		"ElsewhereUUID": {"", `{"reference":"urn:uuid:known-before"}`, "", "known-before"},
		"ContainedNew":  {"", `{"reference":"#c"}`, `"contained":[{"resourceType":"Patient","id":"c","identifier":[{"system":"urn:mrn","value":"M7"}]}],`, "M7"},

		"ErrContainedNameless": {"", `{"reference":"#c"}`, `"contained":[{"resourceType":"Patient","id":"c"}],`, "NO_PATIENT: the contained patient has no identifier"},
		"ErrContainedMissing":  {"", `{"reference":"#d"}`, "", "NO_PATIENT: the contained patient has no identifier"},
		"ErrDevice":            {"", `{"reference":"Device/x"}`, "", "NOT_THE_PATIENT: its subject is no patient of the bundle"},
		"ErrPatientRefused":    {`{"resource":{"resourceType":"Patient","id":"x"}}`, `{"reference":"Patient/x"}`, "", "NO_PATIENT: the patient was skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			entries := pulse(tc.subject, tc.contained)
			if tc.patient != "" {
				entries += "," + tc.patient // after what refers to it
			}
			record, report := mapped(t, `{"resourceType":"Bundle","type":"searchset","entry":[`+entries+`]}`)
			if strings.HasPrefix(name, "Err") {
				if len(record.Residents) != 0 || !strings.Contains(skips(report.Skipped), tc.want) {
					t.Errorf("took %d, skipped %q, want %q", len(record.Residents), skips(report.Skipped), tc.want)
				}
				return
			}
			if len(record.Residents) != 1 || record.Residents[0].ExternalID != tc.want || len(record.Residents[0].Wellness) != 1 {
				t.Fatalf("got %+v, skipped %q, want one check of %s", record.Residents, skips(report.Skipped), tc.want)
			}
			if has := record.Residents[0].Person != nil; has != (tc.patient != "") {
				t.Errorf("person is there: %v", has)
			}
		})
	}
}

func TestSeveralPatients(t *testing.T) {
	bob := strings.NewReplacer("ana", "bob", "García", "Bauer").Replace(ana)
	pulse := observed("8867-4", ucum("60", "/min"))
	record, report := mapped(t, bundle(ana, bob, ana, pulse, strings.NewReplacer("o8867-4", "q", "Patient/ana", "Patient/bob").Replace(pulse),
		`{"resourceType":"Claim","id":"o8867-4"}`))
	if len(record.Residents) != 2 || len(record.Residents[0].Wellness) != 1 || len(record.Residents[1].Wellness) != 1 {
		t.Errorf("got %+v", record.Residents)
	}
	if got := skips(report.Skipped); got != "NOT_IMPORTED\nDUPLICATE: the bundle has this id already" {
		t.Errorf("skipped %q", got)
	}
}

func TestAllergies(t *testing.T) {
	allergic := func(id, rest string) string {
		return `{"resourceType":"AllergyIntolerance","id":"` + id + `","patient":{"reference":"Patient/ana"},` + rest + `}`
	}
	const active = `"clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"confirmed"}]},"type":"allergy","category":["food"]`
	show := func(a *Allergy) string {
		on := ""
		if a.OnsetOn != nil {
			on = a.OnsetOn.String()
		}
		return strings.Join([]string{a.Substance, a.Display, a.Category, a.Type, a.Criticality, a.Verification, a.ClinicalStatus, a.Reaction, on}, "|")
	}
	for name, tc := range map[string]struct {
		allergies               []string
		want                    []string
		status, skipped, remark string
	}{
		"Full": {[]string{allergic("a", `"clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"confirmed"}]},"type":"allergy","category":["medication"],"criticality":"high",
			"code":{"text":"Allergy to Amoxicilina (finding)"},"onsetDateTime":"1999-02-03","reaction":[{"manifestation":[{"text":"Hives"},{"coding":[{"display":"Wheeze"}]}],"severity":"severe"}]`)},
			[]string{"amoxicilina|Allergy to Amoxicilina (finding)|MEDICATION|ALLERGY|HIGH|CONFIRMED|ACTIVE|Hives, Wheeze (severe)|1999-02-03"}, "HAS_ALLERGIES", "", ""},
		"Bare":          {[]string{allergic("a", `"code":{"coding":[{"display":"Shellfish allergy"}]}`)}, []string{"shellfish|Shellfish allergy|MEDICATION|ALLERGY|UNABLE_TO_ASSESS|UNCONFIRMED|ACTIVE||"}, "HAS_ALLERGIES", "", "ASSUMED: no category is stated; kept as MEDICATION\nASSUMED: no type is stated; kept as ALLERGY"},
		"Resolved":      {[]string{allergic("a", `"clinicalStatus":{"coding":[{"code":"resolved"}]},"category":["food"],"type":"intolerance","code":{"text":"Milk"},"onsetDateTime":"1999"`)}, []string{"milk|Milk|FOOD|INTOLERANCE|UNABLE_TO_ASSESS|UNCONFIRMED|RESOLVED||"}, "", "", ""},
		"InError":       {[]string{allergic("a", `"verificationStatus":{"coding":[{"code":"entered-in-error"}]},"type":"allergy","category":["food"],"code":{"text":"Milk"}`)}, []string{"milk|Milk|FOOD|ALLERGY|UNABLE_TO_ASSESS|ENTERED_IN_ERROR|ACTIVE||"}, "", "", ""},
		"Refuted":       {[]string{allergic("a", `"verificationStatus":{"coding":[{"code":"refuted"}]},"type":"allergy","category":["biologic","food"],"code":{"text":"Milk"}`)}, []string{"milk|Milk|BIOLOGIC|ALLERGY|UNABLE_TO_ASSESS|REFUTED|ACTIVE||"}, "", "", ""},
		"Twice":         {[]string{allergic("a", active+`,"code":{"text":"Milk"}`), allergic("b", active+`,"code":{"text":"Allergy to milk"}`)}, []string{"milk|Milk|FOOD|ALLERGY|UNABLE_TO_ASSESS|CONFIRMED|ACTIVE||"}, "HAS_ALLERGIES", "DUPLICATE: the resident has an active allergy to it already", ""},
		"NoneKnown":     {[]string{allergic("a", active+`,"code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003"}]}`)}, nil, "NO_KNOWN", "STATED_ELSEWHERE: it says that no allergy is known", ""},
		"NoDrugsKnown":  {[]string{allergic("a", active+`,"code":{"text":"No known drug allergies"}`)}, nil, "", "STATED_ELSEWHERE: it says that no allergy is known", ""},
		"NoneKnownBut":  {[]string{allergic("a", active+`,"code":{"text":"NKA"}`), allergic("b", active+`,"code":{"text":"Milk"}`)}, []string{"milk|Milk|FOOD|ALLERGY|UNABLE_TO_ASSESS|CONFIRMED|ACTIVE||"}, "HAS_ALLERGIES", "STATED_ELSEWHERE: it says that no allergy is known", ""},
		"BySubstance":   {[]string{allergic("a", active+`,"reaction":[{"substance":{"text":"Cashew nut"}}]`)}, []string{"cashew-nut|Cashew nut|FOOD|ALLERGY|UNABLE_TO_ASSESS|CONFIRMED|ACTIVE||"}, "HAS_ALLERGIES", "", ""},
		"OtherScript":   {[]string{allergic("a", active+`,"code":{"text":"牛奶","coding":[{"code":"425525006"}]}`)}, []string{"425525006|牛奶|FOOD|ALLERGY|UNABLE_TO_ASSESS|CONFIRMED|ACTIVE||"}, "HAS_ALLERGIES", "", ""},
		"ErrOfNothing":  {[]string{allergic("a", active)}, nil, "", "INCOMPLETE: it does not say to what", ""},
		"ErrOfNobody":   {[]string{strings.Replace(allergic("a", active+`,"code":{"text":"Milk"}`), "Patient/ana", "Group/x", 1)}, nil, "", "NOT_THE_PATIENT: its subject is no patient of the bundle", ""},
		"ErrNegatedEIE": {[]string{allergic("a", `"verificationStatus":{"coding":[{"code":"entered-in-error"}]},"code":{"text":"No known allergies"}`)}, nil, "", "STATED_ELSEWHERE: it says that no allergy is known", ""},
	} {
		t.Run(name, func(t *testing.T) {
			record, report := mapped(t, bundle(append([]string{ana}, tc.allergies...)...))
			var got []string
			for _, a := range record.Residents[0].Allergies {
				got = append(got, show(a))
			}
			if !slices.Equal(got, tc.want) || record.Residents[0].AllergyStatus != tc.status {
				t.Errorf("got %q and %q\nwant %q and %q", got, record.Residents[0].AllergyStatus, tc.want, tc.status)
			}
			if skips(report.Skipped) != tc.skipped || skips(report.Notes) != tc.remark {
				t.Errorf("skipped %q, noted %q", skips(report.Skipped), skips(report.Notes))
			}
		})
	}
}
