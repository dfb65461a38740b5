package fhir

import (
	"carehome/internal/scalar"
)

// Record is what a bundle says in the home's terms. It is a value: making one
// needs no database.
type Record struct {
	Residents []*Resident
}

// Rows is how many rows the record may touch, for a progress bar.
func (r *Record) Rows() int {
	n := 0
	for _, resident := range r.Residents {
		n += resident.rows()
	}
	return n
}

// Resident is one person and all that a bundle says of them.
type Resident struct {
	// ExternalID is Resident.externalId: the patient's id at the source.
	ExternalID string
	// Person is nil where the bundle only refers to the patient, who must have
	// been imported before.
	Person *Person
	// HeightCm is the latest body height of the bundle, or nil.
	HeightCm *int
	// AllergyStatus is HAS_ALLERGIES, NO_KNOWN or empty where nothing is said.
	AllergyStatus string

	Allergies     []*Allergy
	Prescriptions []*Prescription
	Wellness      []*Wellness

	heightFrom *entry
}

func (r *Resident) rows() int {
	return 1 + len(r.Allergies) + len(r.Prescriptions) + len(r.Wellness)
}

// Person are the fields of a resident that a FHIR Patient states. Enums are the
// values of the home's own fields.
type Person struct {
	GivenName, FamilyName string
	PreferredName         string
	BirthDate             scalar.Date
	BirthDatePrecision    string
	Sex                   string
	Language              string
	Status                string
	DeceasedAt            *scalar.Time

	from *entry
}

// Allergy is an allergy or intolerance.
type Allergy struct {
	SourceID       string
	Substance      string
	Display        string
	Category       string
	Type           string
	Criticality    string
	Verification   string
	ClinicalStatus string
	Reaction       string
	OnsetOn        *scalar.Date

	from *entry
}

// counts tells whether the allergy says that the resident has one.
func (a *Allergy) counts() bool {
	return a.ClinicalStatus == "ACTIVE" && a.Verification != "REFUTED" && a.Verification != "ENTERED_IN_ERROR"
}

// Medication is a product that an order names.
type Medication struct {
	Name        string
	Code        string
	CodeSystem  string
	Form        string
	Unit        string
	Status      string
	Ingredients []Ingredient
}

// Ingredient is an active substance of one unit of a product.
type Ingredient struct {
	Substance string
	Amount    scalar.Decimal
	Unit      string
}

// Prescription is an order. Nil and empty mean "not stated".
type Prescription struct {
	SourceID   string
	Medication Medication
	Status     string
	Kind       string

	DoseAmount, DoseAmountMax *scalar.Decimal
	DoseUnit                  string
	Route                     string

	ScheduleKind    string
	TimesOfDay      []scalar.LocalTime
	TimesPerDay     *int
	EveryNDays      *int
	DaysOfWeek      []string
	IntervalMinutes *int
	MaxDoses        *int

	// StartsAt is nil where the source states no time at all.
	StartsAt, EndsAt *scalar.Time

	PRNReason             string
	PRNMinIntervalMinutes *int
	PRNMaxDosesPer24h     *int
	PRNMaxAmountPer24h    *scalar.Decimal

	Indication, Instructions string
	FoodRelation             string
	PrescriberName           string
	StopReason               string
	// Replaces is the SourceID of the order before this one, of the same resident.
	Replaces string

	from    *entry
	product *entry // the Medication that this order is the first to name, or nil
}

// Measure is one number of a wellness check.
type Measure string

// The measures that an observation can give. Height and BMI are read and not
// part of a check: height is the resident's, and BMI follows from the others.
const (
	RespiratoryRate Measure = "respiratoryRate"
	Pulse           Measure = "pulse"
	SpO2            Measure = "spo2"
	OxygenFlow      Measure = "oxygenLitresPerMin"
	Systolic        Measure = "systolic"
	Diastolic       Measure = "diastolic"
	Temperature     Measure = "temperature"
	Weight          Measure = "weight"
	PainNRS         Measure = "painNrs"
	BloodGlucose    Measure = "bloodGlucose"
	Height          Measure = "heightCm"
	BMI             Measure = "bmi"
)

// Wellness is one check: the observations of one encounter, or those of one
// instant where no encounter is named.
type Wellness struct {
	SourceID string
	TakenAt  scalar.Time
	Values   map[Measure]scalar.Decimal
	// Void are measures whose observation was entered in error: they are taken
	// out of a check that was imported before. A check with nothing but these is
	// never made.
	Void      map[Measure]bool
	Notes     string
	Corrected bool

	from []*entry
}
