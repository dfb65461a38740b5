package fhir

import (
	"slices"

	"carehome/ent"
	"carehome/ent/allergy"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/wellness"
	"carehome/internal/scalar"
	"carehome/schema"
)

// The functions here put a part of a record into a mutation, column by column,
// and tell whether anything is to change. For a new row `have` is empty.

// changes remembers whether any column differs.
type changes bool

// put sets a required column that differs.
func put[T comparable](c *changes, have, want T, set func(T)) {
	if have != want {
		*c = true
		set(want)
	}
}

// offer sets an optional column that differs, and empties one that is no longer
// stated.
func offer[T comparable](c *changes, have, want *T, set func(T), clear func()) {
	switch {
	case want == nil && have != nil:
		*c = true
		clear()
	case want != nil && (have == nil || *have != *want):
		*c = true
		set(*want)
	}
}

// offerList is offer for a column of several values.
func offerList[T comparable](c *changes, have, want []T, set func([]T), clear func()) {
	switch {
	case slices.Equal(have, want):
	case len(want) == 0:
		*c = true
		clear()
	default:
		*c = true
		set(want)
	}
}

// text is nil for an empty text, as an optional column has it; T may be an enum.
func text[T ~string](s string) *T {
	if s == "" {
		return nil
	}
	t := T(s)
	return &t
}

func fillResident(m *ent.ResidentMutation, have *ent.Resident, r *Resident) bool {
	var c changes
	if p := r.Person; p != nil {
		put(&c, have.GivenName, p.GivenName, m.SetGivenName)
		put(&c, have.FamilyName, p.FamilyName, m.SetFamilyName)
		offer(&c, have.PreferredName, text[string](p.PreferredName), m.SetPreferredName, m.ClearPreferredName)
		put(&c, have.BirthDate, p.BirthDate, m.SetBirthDate)
		put(&c, have.BirthDatePrecision, resident.BirthDatePrecision(p.BirthDatePrecision), m.SetBirthDatePrecision)
		put(&c, have.Sex, resident.Sex(p.Sex), m.SetSex)
		offer(&c, have.Language, text[string](p.Language), m.SetLanguage, m.ClearLanguage)
		put(&c, have.Status, resident.Status(p.Status), m.SetStatus)
		offer(&c, have.DeceasedAt, p.DeceasedAt, m.SetDeceasedAt, m.ClearDeceasedAt)
	}
	if r.HeightCm != nil {
		offer(&c, have.HeightCm, r.HeightCm, m.SetHeightCm, m.ClearHeightCm)
	}
	// "None known" answers a question; it does not take back an allergy.
	if want := resident.AllergyStatus(r.AllergyStatus); want == resident.AllergyStatusHasAllergies ||
		want != "" && have.AllergyStatus != resident.AllergyStatusHasAllergies {
		put(&c, have.AllergyStatus, want, m.SetAllergyStatus)
	}
	return bool(c)
}

func fillAllergy(m *ent.AllergyMutation, have *ent.Allergy, a *Allergy) bool {
	var c changes
	offer(&c, have.Substance, &a.Substance, m.SetSubstance, m.ClearSubstance)
	put(&c, have.Display, a.Display, m.SetDisplay)
	put(&c, have.Category, allergy.Category(a.Category), m.SetCategory)
	put(&c, have.Type, allergy.Type(a.Type), m.SetType)
	put(&c, have.Criticality, allergy.Criticality(a.Criticality), m.SetCriticality)
	put(&c, have.Verification, allergy.Verification(a.Verification), m.SetVerification)
	put(&c, have.ClinicalStatus, allergy.ClinicalStatus(a.ClinicalStatus), m.SetClinicalStatus)
	offer(&c, have.Reaction, text[string](a.Reaction), m.SetReaction, m.ClearReaction)
	offer(&c, have.OnsetOn, a.OnsetOn, m.SetOnsetOn, m.ClearOnsetOn)
	return bool(c)
}

func fillPrescription(m *ent.PrescriptionMutation, have *ent.Prescription, p *Prescription) bool {
	var c changes
	put(&c, have.Status, prescription.Status(p.Status), m.SetStatus)
	put(&c, have.Kind, prescription.Kind(p.Kind), m.SetKind)
	offer(&c, have.DoseAmount, p.DoseAmount, m.SetDoseAmount, m.ClearDoseAmount)
	offer(&c, have.DoseUnit, text[prescription.DoseUnit](p.DoseUnit), m.SetDoseUnit, m.ClearDoseUnit)
	offer(&c, have.DoseAmountMax, p.DoseAmountMax, m.SetDoseAmountMax, m.ClearDoseAmountMax)
	offer(&c, have.Route, text[prescription.Route](p.Route), m.SetRoute, m.ClearRoute)
	offer(&c, have.ScheduleKind, text[prescription.ScheduleKind](p.ScheduleKind), m.SetScheduleKind, m.ClearScheduleKind)
	offerList(&c, have.TimesOfDay, p.TimesOfDay, m.SetTimesOfDay, m.ClearTimesOfDay)
	offer(&c, have.TimesPerDay, p.TimesPerDay, m.SetTimesPerDay, m.ClearTimesPerDay)
	offer(&c, have.EveryNDays, p.EveryNDays, m.SetEveryNDays, m.ClearEveryNDays)
	var days []schema.DayOfWeek
	for _, day := range p.DaysOfWeek {
		days = append(days, schema.DayOfWeek(day))
	}
	offerList(&c, have.DaysOfWeek, days, m.SetDaysOfWeek, m.ClearDaysOfWeek)
	offer(&c, have.IntervalMinutes, p.IntervalMinutes, m.SetIntervalMinutes, m.ClearIntervalMinutes)
	if p.StartsAt != nil {
		put(&c, have.StartsAt, *p.StartsAt, m.SetStartsAt)
	}
	offer(&c, have.EndsAt, p.EndsAt, m.SetEndsAt, m.ClearEndsAt)
	offer(&c, have.MaxDoses, p.MaxDoses, m.SetMaxDoses, m.ClearMaxDoses)
	offer(&c, have.PrnReason, text[string](p.PRNReason), m.SetPrnReason, m.ClearPrnReason)
	offer(&c, have.PrnMinIntervalMinutes, p.PRNMinIntervalMinutes, m.SetPrnMinIntervalMinutes, m.ClearPrnMinIntervalMinutes)
	offer(&c, have.PrnMaxDosesPer24h, p.PRNMaxDosesPer24h, m.SetPrnMaxDosesPer24h, m.ClearPrnMaxDosesPer24h)
	offer(&c, have.PrnMaxAmountPer24h, p.PRNMaxAmountPer24h, m.SetPrnMaxAmountPer24h, m.ClearPrnMaxAmountPer24h)
	offer(&c, have.Indication, text[string](p.Indication), m.SetIndication, m.ClearIndication)
	offer(&c, have.Instructions, text[string](p.Instructions), m.SetInstructions, m.ClearInstructions)
	offer(&c, have.FoodRelation, text[prescription.FoodRelation](p.FoodRelation), m.SetFoodRelation, m.ClearFoodRelation)
	put(&c, have.PrescriberName, p.PrescriberName, m.SetPrescriberName)
	offer(&c, have.StopReason, text[prescription.StopReason](p.StopReason), m.SetStopReason, m.ClearStopReason)
	return bool(c)
}

// column is where a measure stands in a check.
type column struct {
	have  func(*ent.Wellness) *scalar.Decimal
	set   func(*ent.WellnessMutation, scalar.Decimal)
	clear func(*ent.WellnessMutation)
}

// ints and decimals make columns of whole and of decimal numbers.
func ints(have func(*ent.Wellness) *int, set func(*ent.WellnessMutation, int), clear func(*ent.WellnessMutation)) column {
	return column{
		func(w *ent.Wellness) *scalar.Decimal {
			n := have(w)
			if n == nil {
				return nil
			}
			d := scalar.Whole(int64(*n))
			return &d
		},
		func(m *ent.WellnessMutation, d scalar.Decimal) { set(m, int(d/scalar.Whole(1))) },
		clear,
	}
}

func columnOf(m Measure) column {
	type mutation = ent.WellnessMutation
	switch m {
	case RespiratoryRate:
		return ints(func(w *ent.Wellness) *int { return w.RespiratoryRate }, (*mutation).SetRespiratoryRate, (*mutation).ClearRespiratoryRate)
	case Pulse:
		return ints(func(w *ent.Wellness) *int { return w.Pulse }, (*mutation).SetPulse, (*mutation).ClearPulse)
	case SpO2:
		return ints(func(w *ent.Wellness) *int { return w.Spo2 }, (*mutation).SetSpo2, (*mutation).ClearSpo2)
	case Systolic:
		return ints(func(w *ent.Wellness) *int { return w.Systolic }, (*mutation).SetSystolic, (*mutation).ClearSystolic)
	case Diastolic:
		return ints(func(w *ent.Wellness) *int { return w.Diastolic }, (*mutation).SetDiastolic, (*mutation).ClearDiastolic)
	case PainNRS:
		return ints(func(w *ent.Wellness) *int { return w.PainNrs }, (*mutation).SetPainNrs, (*mutation).ClearPainNrs)
	case Temperature:
		return column{func(w *ent.Wellness) *scalar.Decimal { return w.Temperature }, (*mutation).SetTemperature, (*mutation).ClearTemperature}
	case Weight:
		return column{func(w *ent.Wellness) *scalar.Decimal { return w.Weight }, (*mutation).SetWeight, (*mutation).ClearWeight}
	case BloodGlucose:
		return column{func(w *ent.Wellness) *scalar.Decimal { return w.BloodGlucose }, (*mutation).SetBloodGlucose, (*mutation).ClearBloodGlucose}
	case OxygenFlow:
		return column{oxygen, setOxygen, clearOxygen}
	}
	return column{}
}

// No flow at all is breathing air: the column for litres is only for those on
// oxygen.
func oxygen(w *ent.Wellness) *scalar.Decimal {
	if w.OnOxygen != nil && !*w.OnOxygen {
		return new(scalar.Decimal)
	}
	return w.OxygenLitresPerMin
}

func setOxygen(m *ent.WellnessMutation, litres scalar.Decimal) {
	m.SetOnOxygen(litres > 0)
	if litres > 0 {
		m.SetOxygenLitresPerMin(litres)
	} else {
		m.ClearOxygenLitresPerMin()
	}
}

func clearOxygen(m *ent.WellnessMutation) {
	m.ClearOnOxygen()
	m.ClearOxygenLitresPerMin()
}

// fillWellness puts a check into a row. Measures that the row has and the bundle
// does not name stay: they may have come with another bundle.
func fillWellness(m *ent.WellnessMutation, have *ent.Wellness, w *Wellness) bool {
	var c changes
	void := w.voided()
	left, others := have.Notes != nil || len(w.Values) > 0, false
	for _, measure := range measuresOfCheck() {
		_, stated := w.Values[measure]
		if columnOf(measure).have(have) != nil && !stated && !void[measure] {
			left, others = true, true
		}
	}
	if !left {
		// Nothing of it holds.
		put(&c, have.Status, wellness.StatusEnteredInError, m.SetStatus)
		return bool(c)
	}
	for _, measure := range measuresOfCheck() {
		column := columnOf(measure)
		value, stated := w.Values[measure]
		switch now := column.have(have); {
		case stated && (now == nil || *now != value):
			c = true
			column.set(m, value)
		case !stated && void[measure] && now != nil:
			c = true
			column.clear(m)
		}
	}
	if len(w.Values) > 0 && !(others && !have.TakenAt.IsZero() && !w.TakenAt.Before(have.TakenAt.Time)) {
		put(&c, have.TakenAt, w.TakenAt, m.SetTakenAt)
	}
	if w.Notes != "" {
		offer(&c, have.Notes, &w.Notes, m.SetNotes, m.ClearNotes)
	}
	switch {
	case have.Status == wellness.StatusEnteredInError && len(w.Values) > 0,
		w.Corrected && have.Status != wellness.StatusCorrected:
		c = true
		m.SetStatus(wellness.StatusCorrected)
	}
	return bool(c)
}

// voided are the measures to be taken out. Half a blood pressure is none.
func (w *Wellness) voided() map[Measure]bool {
	void := map[Measure]bool{}
	for m := range w.Void {
		void[m] = true
	}
	_, systolic := w.Values[Systolic]
	_, diastolic := w.Values[Diastolic]
	if (void[Systolic] || void[Diastolic]) && !systolic && !diastolic {
		void[Systolic], void[Diastolic] = true, true
	}
	return void
}

func measuresOfCheck() []Measure {
	return []Measure{RespiratoryRate, Pulse, SpO2, OxygenFlow, Systolic, Diastolic, Temperature, Weight, PainNRS, BloodGlucose}
}
