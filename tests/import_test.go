package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test here imports bundles with the binary and reads them a second time, by
// a walk of its own that shares no code with the importer. Each number is held
// against what the server answers. CAREHOME_TEST_FHIR names a folder of other
// bundles of Synthea's.

type object = map[string]any

func TestImportedNumbersEqualTheBundles(t *testing.T) {
	if os.Getenv(address) != "" {
		t.Skip("SKIP: importing is the binary's own work, and CAREHOME_TEST_URL names a server elsewhere")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("testdata", "fhir")
	if other := os.Getenv("CAREHOME_TEST_FHIR"); other != "" {
		folder = other
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles in %s: %v", folder, err)
	}
	database := filepath.Join(t.TempDir(), "home.db")

	first := importFiles(t, binary, database, files)
	if sum := sumOf(first, "resources"); sum != resourcesIn(t, files) {
		t.Errorf("the report counts %v of %d resources", sum, resourcesIn(t, files))
	}
	before := readResidents(t, binary, database)
	numbers := 0
	for _, file := range files {
		want := expectOf(t, readBundle(t, file))
		numbers += len(want.numbers)
		t.Run(filepath.Base(file), func(t *testing.T) {
			want.compare(t, before[want.patient])
		})
	}
	if numbers < 100 {
		t.Errorf("only %d numbers were compared", numbers)
	}
	t.Logf("%d numbers compared", numbers)

	second := importFiles(t, binary, database, files)
	for name, tally := range at(t, second, "total", "rows").(object) {
		if tally := tally.(object); tally["taken"] != 0.0 || tally["updated"] != 0.0 || tally["skipped"] != 0.0 {
			t.Errorf("the second run did something to %s: %v", name, tally)
		}
	}
	if after := readResidents(t, binary, database); !reflect.DeepEqual(before, after) {
		t.Error("the second run changed what the server answers")
	}
}

// importFiles runs the command and returns its report.
func importFiles(t *testing.T, binary, database string, files []string) any {
	t.Helper()
	command := exec.Command(binary, append([]string{"import", "fhir", "--json", "--database", database}, files...)...)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("importing: %v\n%s", err, problems.String())
	}
	var report any
	if err := json.Unmarshal(output, &report); err != nil {
		t.Fatal(err)
	}
	return report
}

// sumOf adds up all of a report's tallies.
func sumOf(report any, part string) (sum int) {
	for _, tally := range report.(object)["total"].(object)[part].(object) {
		for _, n := range tally.(object) {
			sum += int(n.(float64))
		}
	}
	return sum
}

// readResidents asks a server on the file for all that was imported, by the
// patients' ids at the source.
func readResidents(t *testing.T, binary, database string) map[string]object {
	t.Helper()
	p, err := start(binary, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}()
	data := read(t, p.url, `{ residents(first: 80) { totalCount edges { node {
		externalID givenName familyName birthDate birthDatePrecision sex language status heightCm allergyStatus version updatedAt
		allergies { sourceID display category criticality verification clinicalStatus version updatedAt }
		prescriptions(first: 200) { totalCount edges { node { sourceID status kind doseAmount doseAmountMax doseUnit route scheduleKind timesOfDay timesPerDay
			everyNDays daysOfWeek intervalMinutes startsAt endsAt prescriberName instructions stoppedAt needsReview version updatedAt medication { name code version updatedAt } } } }
		wellness(first: 200) { totalCount edges { node { sourceID takenAt status painNrs respiratoryRate spo2 systolic diastolic pulse temperature weight bloodGlucose
			recordedAt version updatedAt } } } } } } }`, nil)
	residents := map[string]object{}
	for _, e := range at(t, data, "residents", "edges").([]any) {
		node := at(t, e, "node").(object)
		for _, nested := range []string{"prescriptions", "wellness"} {
			if got := len(at(t, node, nested, "edges").([]any)); float64(got) != at(t, node, nested, "totalCount") {
				t.Fatalf("%d of %v %s on the page: this test needs a second one", got, at(t, node, nested, "totalCount"), nested)
			}
		}
		residents[fmt.Sprint(node["externalID"])] = node
	}
	if float64(len(residents)) != at(t, data, "residents", "totalCount") {
		t.Fatal("not all residents are on the page")
	}
	return residents
}

// readBundle is the resources of a bundle, their numbers as they are written.
func readBundle(t *testing.T, name string) []object {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	if strings.HasSuffix(name, ".gz") {
		plain, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		decoder = json.NewDecoder(plain)
	}
	decoder.UseNumber()
	var bundle object
	if err := decoder.Decode(&bundle); err != nil {
		t.Fatal(err)
	}
	var resources []object
	for _, e := range bundle["entry"].([]any) {
		resources = append(resources, e.(object)["resource"].(object))
	}
	return resources
}

func resourcesIn(t *testing.T, files []string) (sum int) {
	t.Helper()
	for _, file := range files {
		sum += len(readBundle(t, file))
	}
	return sum
}

// dig walks down a resource; a missing step gives nil.
func dig(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := value.(object)
			value = o[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// word is dig for a text; a missing one is empty.
func word(value any, path ...any) string {
	s, _ := dig(value, path...).(string)
	return s
}

// expected is what a bundle says in this test's own words.
type expected struct {
	patient, person, height string
	allergies               []string
	orders                  map[string]string            // by id
	checks                  map[string]map[string]string // by encounter, then field
	numbers                 []string
}

// number is a JSON number, times a factor, at so many places as are kept.
func (e *expected) number(t *testing.T, value any, factor *big.Rat, places int) string {
	t.Helper()
	stated, _ := value.(json.Number)
	r, ok := new(big.Rat).SetString(stated.String())
	if !ok || r.Sign() < 0 {
		t.Fatalf("this test knows no number %v", value)
	}
	r.Mul(r, factor)
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	r.Mul(r, new(big.Rat).SetInt(power))
	// Half away from zero, of a number that is not negative: floor(r + 1/2).
	r.Add(r, big.NewRat(1, 2))
	units := new(big.Int).Div(r.Num(), r.Denom())
	whole, rest := new(big.Int).DivMod(units, power, new(big.Int))
	text := whole.String()
	if rest.Sign() != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%0*s", places, rest), "0")
	}
	e.numbers = append(e.numbers, text)
	return text
}

func instantOf(t *testing.T, s string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

func expectOf(t *testing.T, resources []object) *expected {
	t.Helper()
	e := &expected{orders: map[string]string{}, checks: map[string]map[string]string{}}
	names := map[string]string{}
	for _, r := range resources {
		switch word(r, "resourceType") {
		case "Patient":
			e.patient = word(r, "id")
			e.person = strings.Join([]string{word(r, "name", 0, "given", 0), word(r, "name", 0, "family"), word(r, "birthDate"), strings.ToUpper(word(r, "gender"))}, " ")
		case "Practitioner":
			names["urn:uuid:"+word(r, "id")] = word(r, "name", 0, "prefix", 0) + " " + word(r, "name", 0, "given", 0) + " " + word(r, "name", 0, "family")
		case "AllergyIntolerance":
			e.allergies = append(e.allergies, word(r, "code", "text"))
		}
	}
	heightAt := ""
	for _, r := range resources {
		switch word(r, "resourceType") {
		case "MedicationRequest":
			e.orders[word(r, "id")] = e.order(t, r, names)
		case "Observation":
			at := word(r, "effectiveDateTime")
			if word(r, "code", "coding", 0, "code") != "8302-2" {
				e.observation(t, r)
			} else if at > heightAt {
				heightAt, e.height = at, e.number(t, dig(r, "valueQuantity", "value"), big.NewRat(1, 1), 0)
			}
		}
	}
	return e
}

// measures are the fields of a check by LOINC, with unit, factor and places.
var measures = map[string]struct {
	field, unit string
	factor      *big.Rat
	places      int
}{
	"29463-7": {"weight", "kg", big.NewRat(1, 1), 1},
	"8310-5":  {"temperature", "Cel", big.NewRat(1, 1), 1},
	"8331-1":  {"temperature", "Cel", big.NewRat(1, 1), 1},
	"8867-4":  {"pulse", "/min", big.NewRat(1, 1), 0},
	"9279-1":  {"respiratoryRate", "/min", big.NewRat(1, 1), 0},
	"2708-6":  {"spo2", "%", big.NewRat(1, 1), 0},
	"59408-5": {"spo2", "%", big.NewRat(1, 1), 0},
	"72514-3": {"painNrs", "{score}", big.NewRat(1, 1), 0},
	"2339-0":  {"bloodGlucose", "mg/dL", big.NewRat(1000, 18016), 1},
	"8480-6":  {"systolic", "mm[Hg]", big.NewRat(1, 1), 0},
	"8462-4":  {"diastolic", "mm[Hg]", big.NewRat(1, 1), 0},
}

func (e *expected) observation(t *testing.T, r object) {
	t.Helper()
	parts := []any{r}
	if components, ok := r["component"].([]any); ok {
		parts = components
	}
	for _, part := range parts {
		m, known := measures[word(part, "code", "coding", 0, "code")]
		if !known {
			continue
		}
		if got := word(part, "valueQuantity", "code"); got != m.unit {
			t.Fatalf("%s is in %s, and this test knows %s", m.field, got, m.unit)
		}
		encounter := strings.TrimPrefix(word(r, "encounter", "reference"), "urn:uuid:")
		check := e.checks[encounter]
		if check == nil {
			check = map[string]string{"takenAt": instantOf(t, word(r, "effectiveDateTime"))}
			e.checks[encounter] = check
		}
		if check[m.field] != "" || check["takenAt"] != instantOf(t, word(r, "effectiveDateTime")) {
			t.Fatalf("%s twice in an encounter, or at another time: this test knows no such bundle", m.field)
		}
		check[m.field] = e.number(t, dig(part, "valueQuantity", "value"), m.factor, m.places)
	}
}

// order is an order in words. It knows those that Synthea writes: one dosage at
// the most, without unit and route.
func (e *expected) order(t *testing.T, r object, names map[string]string) string {
	t.Helper()
	coding := dig(r, "medicationCodeableConcept", "coding", 0)
	line := []string{strings.ToUpper(word(r, "status")), instantOf(t, word(r, "authoredOn")), word(coding, "code"), "by " + names[word(r, "requester", "reference")]}
	dosage := dig(r, "dosageInstruction", 0)
	if needed, _ := dig(dosage, "asNeededBoolean").(bool); needed {
		line = append(line, "PRN")
	} else {
		line = append(line, "SCHEDULED")
	}
	if dose := dig(dosage, "doseAndRate", 0, "doseQuantity"); dose != nil {
		line = append(line, "dose "+e.number(t, dig(dose, "value"), big.NewRat(1, 1), 4))
	}
	if dig(r, "dosageInstruction", 1) != nil || dig(dosage, "route") != nil || word(dosage, "doseAndRate", 0, "doseQuantity", "code") != "" {
		t.Fatal("this test knows no such dosage")
	}
	if repeat := dig(dosage, "timing", "repeat"); repeat != nil {
		frequency, period := e.number(t, dig(repeat, "frequency"), big.NewRat(1, 1), 0), dig(repeat, "period")
		switch unit := word(repeat, "periodUnit"); {
		case unit == "d" && period == json.Number("1"):
			line = append(line, frequency+" a day")
		case unit == "d" && frequency == "1":
			line = append(line, "1 a day", "each "+e.number(t, period, big.NewRat(1, 1), 0)+" days")
		case unit == "h" && frequency == "1":
			line = append(line, "each "+e.number(t, period, big.NewRat(60, 1), 0)+" minutes")
		default:
			t.Fatalf("this test knows no timing %v", repeat)
		}
	}
	return strings.Join(append(line, word(dosage, "additionalInstruction", 0, "text")), " ")
}

func (e *expected) compare(t *testing.T, got object) {
	if got == nil {
		t.Fatalf("patient %s is not there", e.patient)
	}
	if person := fmt.Sprint(got["givenName"], " ", got["familyName"], " ", got["birthDate"], " ", got["sex"]); person != e.person {
		t.Errorf("the resident is %s, the bundle says %s", person, e.person)
	}
	if height := fmt.Sprint(got["heightCm"]); height != e.height {
		t.Errorf("the height is %s, the bundle says %s", height, e.height)
	}
	var allergies []string
	for _, a := range got["allergies"].([]any) {
		allergies = append(allergies, word(a, "display"))
	}
	if !slices.Equal(allergies, e.allergies) {
		t.Errorf("the allergies are %q, the bundle says %q", allergies, e.allergies)
	}
	checks := map[string]map[string]string{}
	for _, edge := range at(t, got, "wellness", "edges").([]any) {
		check := map[string]string{"takenAt": word(edge, "node", "takenAt")}
		for _, m := range measures {
			if v := dig(edge, "node", m.field); v != nil {
				check[m.field] = fmt.Sprint(v)
			}
		}
		checks[lastStep(word(edge, "node", "sourceID"))] = check
	}
	orders := map[string]string{}
	for _, edge := range at(t, got, "prescriptions", "edges").([]any) {
		orders[lastStep(word(edge, "node", "sourceID"))] = orderKept(edge.(object)["node"].(object))
	}
	same(t, "check of encounter", checks, e.checks)
	same(t, "order", orders, e.orders)
}

// orderKept is an order of the server's in the words of order. What Synthea never
// states must be null.
func orderKept(p object) string {
	line := []string{word(p, "status"), word(p, "startsAt"), word(p, "medication", "code"), "by " + word(p, "prescriberName"), word(p, "kind")}
	for _, part := range []struct{ field, format string }{
		{"doseAmount", "dose %v"}, {"timesPerDay", "%v a day"}, {"everyNDays", "each %v days"}, {"intervalMinutes", "each %v minutes"},
	} {
		if p[part.field] != nil {
			line = append(line, fmt.Sprintf(part.format, p[part.field]))
		}
	}
	for _, field := range []string{"doseAmountMax", "doseUnit", "route", "timesOfDay", "daysOfWeek", "endsAt", "stoppedAt"} {
		if p[field] != nil {
			line = append(line, fmt.Sprintf("with %s %v, which nobody stated", field, p[field]))
		}
	}
	return strings.Join(append(line, word(p, "instructions")), " ")
}

func lastStep(source string) string { return source[strings.LastIndexByte(source, '/')+1:] }

func same[V any](t *testing.T, what string, got, want map[string]V) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[id], want[id]) {
			t.Errorf("%s %s is\n %v, the bundle says\n %v", what, id, got[id], want[id])
		}
	}
	for id := range got {
		if _, stated := want[id]; !stated {
			t.Errorf("%s %s is there, and the bundle has none: %v", what, id, got[id])
		}
	}
}
