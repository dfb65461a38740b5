package fhir

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"carehome/internal/scalar"
)

// kindOfMeasure is how a measure is stated and kept. The limits are those of the
// schema: outside them a value is refused, never bent.
type kindOfMeasure struct {
	unit      string // UCUM
	places    int
	low, high string
	// bare accepts a number without a unit: there is only one it could have.
	bare bool
}

func (m Measure) kind() kindOfMeasure {
	switch m {
	case RespiratoryRate:
		return kindOfMeasure{"/min", 0, "1", "100", true}
	case Pulse:
		return kindOfMeasure{"/min", 0, "1", "350", true}
	case SpO2:
		return kindOfMeasure{"%", 0, "1", "100", true}
	case OxygenFlow:
		return kindOfMeasure{"L/min", 1, "0", "60", false}
	case Systolic:
		return kindOfMeasure{"mm[Hg]", 0, "10", "350", false}
	case Diastolic:
		return kindOfMeasure{"mm[Hg]", 0, "5", "250", false}
	case Temperature:
		return kindOfMeasure{"Cel", 1, "25", "45", false}
	case Weight:
		return kindOfMeasure{"kg", 1, "15", "300", false}
	case PainNRS:
		return kindOfMeasure{"1", 0, "0", "10", true}
	case BloodGlucose:
		return kindOfMeasure{"mmol/L", 1, "0.5", "60", false}
	case Height:
		return kindOfMeasure{"cm", 0, "50", "250", false}
	}
	return kindOfMeasure{}
}

// measureOf is the measure that a LOINC code means.
func measureOf(loinc string) Measure {
	switch loinc {
	case "9279-1":
		return RespiratoryRate
	case "8867-4":
		return Pulse
	case "2708-6", "59408-5": // in arterial blood; by pulse oximetry
		return SpO2
	case "3151-8":
		return OxygenFlow
	case "8480-6":
		return Systolic
	case "8462-4":
		return Diastolic
	case "8310-5", "8331-1": // body; oral
		return Temperature
	case "29463-7":
		return Weight
	case "72514-3":
		return PainNRS
	case "15074-8", "2339-0": // in mmol/L; in mg/dL
		return BloodGlucose
	case "8302-2":
		return Height
	case "39156-5":
		return BMI
	}
	return ""
}

// isPanel tells the codes that hold their values in components or members.
func isPanel(loinc string) bool {
	switch loinc {
	case "85353-1", "85354-9", "55284-4": // vital signs; blood pressure, twice
		return true
	}
	return false
}

// measure is the measure that a coded concept means, by any of its LOINC codes.
func (c concept) measure() Measure {
	for _, code := range c.loinc() {
		if m := measureOf(code); m != "" {
			return m
		}
	}
	return ""
}

func (c concept) loinc() []string {
	var codes []string
	for _, coding := range c.Coding {
		switch coding.System {
		case "http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1":
			codes = append(codes, strings.TrimSpace(coding.Code))
		}
	}
	return codes
}

// refusal is why something is not taken.
type refusal struct {
	reason Reason
	detail string
}

func refuse(reason Reason, format string, args ...any) *refusal {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}

// reading is a value in the home's unit.
type reading struct {
	value              scalar.Decimal
	rounded, converted bool
}

// read takes a measured value into the unit and the precision of m.
func (v measured) read(m Measure) (reading, *refusal) {
	if v.DataAbsentReason != nil {
		return reading{}, refuse(NoValue, "%s is absent: %s", m, v.DataAbsentReason.name())
	}
	var number json.Number
	unit, stated, bare := "", "", false
	switch {
	case v.ValueQuantity != nil:
		q := *v.ValueQuantity
		if q.Comparator != "" {
			return reading{}, refuse(NotExact, "%s is %s", m, q)
		}
		number, unit = q.Value, q.unit()
		stated = cmp.Or(oneLine(q.Code), oneLine(q.Unit))
		bare = q.Code == "" && q.Unit == ""
	case v.ValueInteger != nil:
		number, bare = *v.ValueInteger, true
	}
	if number == "" {
		return reading{}, refuse(NoValue, "%s is not stated as a number", m)
	}
	kind := m.kind()
	if bare && kind.bare {
		unit = kind.unit
	}
	conversion, known := convert(unit, kind.unit)
	if !known {
		if bare {
			return reading{}, refuse(UnknownUnit, "%s has no unit", m)
		}
		return reading{}, refuse(UnknownUnit, "%s in %q", m, stated)
	}
	if unit == "mg/dL" && m != BloodGlucose {
		return reading{}, refuse(UnknownUnit, "%s in %q", m, stated)
	}
	source, err := exact(number)
	if err != nil {
		return reading{}, refuse(OutOfRange, "%s %.20s %s is not from %s to %s %s", m, number, stated, kind.low, kind.high, kind.unit)
	}
	r := conversion.apply(source)
	low, _ := new(big.Rat).SetString(kind.low)
	high, _ := new(big.Rat).SetString(kind.high)
	if r.Cmp(low) < 0 || r.Cmp(high) > 0 {
		return reading{}, refuse(OutOfRange, "%s %.20s %s is not from %s to %s %s", m, number, stated, kind.low, kind.high, kind.unit)
	}
	value, rounded, err := round(r, kind.places)
	if err != nil {
		return reading{}, refuse(OutOfRange, "%s: %v", m, err)
	}
	return reading{value, rounded, unit != kind.unit}, nil
}

// finding is what one observation says of one moment. Its values are taken
// together or not at all.
type finding struct {
	from      *entry
	other     *entry // where the other half of a blood pressure came from
	at        scalar.Time
	readings  map[Measure]reading
	note      string
	corrected bool
	void      bool // entered in error, or never made
}

// sameAs reports whether w holds all of f's values already.
func (f *finding) sameAs(w *Wellness) bool {
	for m, r := range f.readings {
		if v, has := w.Values[m]; !has || v != r.value {
			return false
		}
	}
	return true
}

// fits reports whether f can join w: the two have no measure in common.
func (f *finding) fits(w *Wellness) bool {
	for m := range f.readings {
		if _, has := w.Values[m]; has {
			return false
		}
	}
	return true
}

// observation sorts one observation into the findings of its resident, or
// counts it as skipped.
func (m *mapping) observation(e *entry, o *observation) {
	what := e.label(o.Code)
	measures := o.measures()
	switch {
	case len(measures) == 0 && slices.ContainsFunc(o.Code.loinc(), isPanel):
		m.report.skip(e, what, NoValue, "a panel without components; its members are taken by themselves")
		return
	case len(measures) == 0:
		m.report.skip(e, what, NotVitalSign, "")
		return
	case len(measures) == 1 && measures[0] == BMI:
		m.report.skip(e, what, Derived, "it follows from weight and height")
		return
	case len(o.Focus) > 0:
		m.report.skip(e, what, NotThePatient, "it is about somebody or something else")
		return
	}
	void := false
	switch o.Status {
	case "final", "amended", "corrected":
	case "entered-in-error", "cancelled":
		void = true
	default:
		m.report.skip(e, what, NotFinal, "status is "+strconv.Quote(o.Status))
		return
	}
	resident, no := m.subject(o.Subject, o.contains)
	if no != nil {
		m.report.skip(e, what, no.reason, no.detail)
		return
	}
	at, no := m.taken(o)
	if no != nil && !void {
		m.report.skip(e, what, no.reason, no.detail)
		return
	}
	f := &finding{from: e, at: at, readings: map[Measure]reading{}, corrected: o.Status != "final", void: void}
	if no := f.read(o); no != nil && !void {
		m.report.skip(e, what, no.reason, no.detail)
		return
	}
	if void {
		m.report.skip(e, what, NotFinal, "status is "+strconv.Quote(o.Status))
		for _, measure := range measures {
			f.readings[measure] = reading{}
		}
	}
	var notes []string
	for _, note := range o.Note {
		notes = append(notes, strings.TrimSpace(note.Text))
	}
	f.note = strings.Join(notes, "\n")
	if _, is := f.readings[Height]; is {
		if !void {
			m.heights[resident] = append(m.heights[resident], f)
		}
		return
	}
	key := m.encounterKey(resident, o, at)
	if _, known := m.findings[key]; !known {
		m.checks = append(m.checks, checkKey{resident, key})
	}
	m.findings[key] = append(m.findings[key], f)
}

// measures are those that the observation and its components have codes of.
func (o *observation) measures() []Measure {
	var list []Measure
	if m := o.Code.measure(); m != "" {
		list = append(list, m)
	}
	for _, c := range o.Component {
		if m := c.Code.measure(); m != "" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// read takes the values of the observation and its components.
func (f *finding) read(o *observation) *refusal {
	take := func(v measured, m Measure) *refusal {
		if _, twice := f.readings[m]; twice {
			return refuse(NoValue, "%s is stated twice", m)
		}
		r, no := v.read(m)
		if no == nil {
			f.readings[m] = r
		}
		return no
	}
	own := o.Code.measure()
	if own == BMI {
		own = ""
	}
	hasOwn := o.ValueQuantity != nil || o.ValueInteger != nil || len(o.Component) == 0
	if own != "" && (hasOwn || o.DataAbsentReason != nil) {
		if no := take(o.measured, own); no != nil {
			return no
		}
	}
	for _, c := range o.Component {
		if m := c.Code.measure(); m != "" && m != BMI {
			if no := take(c.measured, m); no != nil {
				return no
			}
		}
	}
	if len(f.readings) == 0 {
		return refuse(NoValue, "no value is stated")
	}
	return f.checkPressure(true)
}

// checkPressure refuses a blood pressure that cannot be one. Half of one may
// still be completed by another observation of the same moment.
func (f *finding) checkPressure(mayBeHalf bool) *refusal {
	systolic, hasSystolic := f.readings[Systolic]
	diastolic, hasDiastolic := f.readings[Diastolic]
	switch {
	case hasSystolic && hasDiastolic && systolic.value <= diastolic.value:
		return refuse(OutOfRange, "systolic %s is not above diastolic %s", systolic.value, diastolic.value)
	case hasSystolic != hasDiastolic && !(mayBeHalf && len(f.readings) == 1):
		return refuse(NoValue, "a blood pressure needs both systolic and diastolic")
	}
	return nil
}

// taken is when the observation was made.
func (m *mapping) taken(o *observation) (scalar.Time, *refusal) {
	stated := cmp.Or(o.EffectiveDateTime, o.EffectiveInstant, o.EffectivePeriod.Start, o.EffectivePeriod.End)
	if stated == "" && len(o.EffectiveTiming.Event) > 0 {
		stated = o.EffectiveTiming.Event[0]
	}
	if stated == "" {
		stated = o.Issued
	}
	if stated == "" {
		if e := m.index.find(o.Encounter, "Encounter"); e != nil {
			stated = e.resource.(*encounter).Period.Start
		}
	}
	if stated == "" {
		return scalar.Time{}, refuse(NoTime, "no time is stated")
	}
	at, precise, err := moment(stated, m.Zone)
	switch {
	case err != nil:
		return scalar.Time{}, refuse(NoTime, "%v", err)
	case precise < toDay:
		return scalar.Time{}, refuse(NoTime, "the time is stated as %q only", stated)
	case at.After(m.Now.Time):
		return scalar.Time{}, refuse(InFuture, "taken at %s", at)
	}
	return at, nil
}

// encounterKey is the identity of the check that an observation belongs to.
func (m *mapping) encounterKey(r *Resident, o *observation, at scalar.Time) string {
	if e := m.index.find(o.Encounter, "Encounter"); e != nil {
		return sourceID(r, "Encounter", e.id)
	}
	if id := idOfReference(o.Encounter.Reference, "Encounter"); id != "" {
		return sourceID(r, "Encounter", id)
	}
	return sourceID(r, "Observation", "at-"+at.String())
}

// longestCheck is how far apart the observations of one check may be. A stay
// of weeks is one encounter, but no number of its last day belongs to its first.
const longestCheck = 24 * time.Hour

// check makes the records of one encounter or moment. There is one, unless a
// measure was taken more than once or the observations lie far apart: then each
// further value stands in a record of its own time.
func (m *mapping) check(key string) []*Wellness {
	valid, void := m.pair(m.findings[key])
	byTime := func(a, b *finding) int {
		return cmp.Or(a.at.Compare(b.at.Time), cmp.Compare(a.from.id, b.from.id))
	}
	slices.SortStableFunc(valid, byTime)
	slices.SortStableFunc(void, byTime)

	var list []*Wellness
	add := func() *Wellness {
		w := &Wellness{SourceID: key, Values: map[Measure]scalar.Decimal{}, Void: map[Measure]bool{}}
		if n := len(list) + 1; n > 1 {
			w.SourceID += "#" + strconv.Itoa(n)
		}
		list = append(list, w)
		return w
	}
	for _, f := range valid {
		into, same := place(f, list)
		if same {
			for _, e := range f.entries() {
				m.skipObservation(e, refuse(Duplicate, "the same value of the same moment is there already"))
			}
			continue
		}
		if into == nil {
			into = add()
			into.TakenAt = f.at
		}
		if !f.at.Equal(into.TakenAt.Time) {
			m.report.note(f.from, TimeOfCheck, "within the encounter; it has the time of its first observation")
		}
		m.join(f, into)
	}
	for _, f := range void {
		for _, measure := range sortedMeasures(f.readings) {
			i := slices.IndexFunc(list, func(w *Wellness) bool {
				_, has := w.Values[measure]
				return !has && !w.Void[measure]
			})
			if i < 0 {
				add()
				i = len(list) - 1
			}
			list[i].Void[measure] = true
		}
	}
	return list
}

// place finds the record that f joins: one of the same moment, or else the last
// one; or tells that it is there already.
func place(f *finding, list []*Wellness) (into *Wellness, same bool) {
	start := len(list) // of those of the same moment: the list is in order of time
	for start > 0 && list[start-1].TakenAt.Equal(f.at.Time) {
		start--
	}
	if slices.ContainsFunc(list[start:], f.sameAs) {
		return nil, true
	}
	if i := slices.IndexFunc(list[start:], f.fits); i >= 0 {
		return list[start+i], false
	}
	if len(list) > 0 {
		if last := list[len(list)-1]; f.fits(last) && f.at.Sub(last.TakenAt.Time) <= longestCheck {
			return last, false
		}
	}
	return nil, false
}

// join puts the values of f into w.
func (m *mapping) join(f *finding, w *Wellness) {
	for measure, r := range f.readings {
		w.Values[measure] = r.value
		m.report.kept(measure, r)
	}
	if f.note != "" && !strings.Contains(w.Notes, f.note) {
		w.Notes = shorten(strings.TrimSpace(w.Notes+"\n"+f.note), maxNotes)
	}
	w.Corrected = w.Corrected || f.corrected
	w.from = append(w.from, f.entries()...)
}

func (f *finding) entries() []*entry {
	if f.other == nil {
		return []*entry{f.from}
	}
	return []*entry{f.from, f.other}
}

// skipObservation counts an observation that was read and is not taken after all.
func (m *mapping) skipObservation(e *entry, no *refusal) {
	m.report.skip(e, e.label(e.resource.(*observation).Code), no.reason, no.detail)
}

// pair puts the two halves of a blood pressure that were observed apart at one
// moment together, refuses a half that stays alone, and parts what is void.
func (m *mapping) pair(list []*finding) (valid, void []*finding) {
	lower := map[string][]*finding{}
	for _, f := range list {
		if _, half := f.readings[Diastolic]; half && len(f.readings) == 1 && !f.void {
			lower[f.at.String()] = append(lower[f.at.String()], f)
		}
	}
	drop := map[*finding]*refusal{}
	for _, f := range list {
		if _, half := f.readings[Systolic]; !half || len(f.readings) != 1 || f.void || len(lower[f.at.String()]) == 0 {
			continue
		}
		other := lower[f.at.String()][0]
		lower[f.at.String()] = lower[f.at.String()][1:]
		f.readings[Diastolic], f.other = other.readings[Diastolic], other.from
		f.corrected = f.corrected || other.corrected
		drop[other] = nil
		if no := f.checkPressure(false); no != nil {
			drop[f], drop[other] = no, no
		}
	}
	for _, f := range list {
		if f.void {
			void = append(void, f)
			continue
		}
		no, dropped := drop[f]
		if !dropped {
			no = f.checkPressure(false)
		}
		switch {
		case no != nil:
			m.skipObservation(f.from, no)
		case !dropped:
			valid = append(valid, f)
		}
	}
	return valid, void
}

// latestHeight gives the resident the last height of the bundle.
func (m *mapping) latestHeight(r *Resident) {
	list := m.heights[r]
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b *finding) int {
		return cmp.Or(a.at.Compare(b.at.Time), cmp.Compare(a.from.id, b.from.id))
	})
	last := list[len(list)-1]
	for _, f := range list[:len(list)-1] {
		m.skipObservation(f.from, refuse(Superseded, "a resident has one height, the latest"))
	}
	value := last.readings[Height]
	cm := int(value.value / scalar.Whole(1))
	m.report.kept(Height, value)
	r.HeightCm, r.heightFrom = &cm, last.from
}

// sortedMeasures are the measures of a map in a fixed order.
func sortedMeasures[V any](values map[Measure]V) []Measure {
	return slices.Sorted(maps.Keys(values))
}
