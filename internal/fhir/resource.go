package fhir

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The forms of FHIR R4 that an import reads, and of each only the elements that
// it uses. Names match the standard's without regard to case, as encoding/json
// does. A number is kept as the text it was written in (json.Number), since a
// float would change it.

// newResource is an empty resource of a type that an import uses, or nil.
func newResource(typ string) any {
	switch typ {
	case "Patient":
		return &patient{}
	case "AllergyIntolerance":
		return &allergyIntolerance{}
	case "MedicationRequest":
		return &medicationRequest{}
	case "Medication":
		return &medicationResource{}
	case "Observation":
		return &observation{}
	case "Encounter":
		return &encounter{}
	case "Condition":
		return &condition{}
	case "Practitioner":
		return &practitioner{}
	case "Organization":
		return &organization{}
	}
	return nil
}

type patient struct {
	Identifier       []identifier
	Active           *bool
	Name             []humanName
	Gender           string
	BirthDate        string
	DeceasedBoolean  *bool
	DeceasedDateTime string
	Communication    []struct {
		Language  concept
		Preferred bool
	}
}

type allergyIntolerance struct {
	contains
	ClinicalStatus     concept
	VerificationStatus concept
	Type               string
	Category           []string
	Criticality        string
	Code               concept
	Patient            reference
	OnsetDateTime      string
	OnsetPeriod        period
	Reaction           []struct {
		Substance     concept
		Manifestation []concept
		Description   string
		Severity      string
	}
}

type medicationRequest struct {
	contains
	Status                    string
	Intent                    string
	DoNotPerform              bool
	StatusReason              concept
	MedicationCodeableConcept concept
	MedicationReference       reference
	Subject                   reference
	Encounter                 reference
	AuthoredOn                string
	Requester                 reference
	ReasonCode                []concept
	ReasonReference           []reference
	Note                      []annotation
	DosageInstruction         []dosage
	DispenseRequest           struct{ ValidityPeriod period }
	PriorPrescription         reference
}

type dosage struct {
	Text                     string
	AdditionalInstruction    []concept
	PatientInstruction       string
	Timing                   *timing
	AsNeededBoolean          *bool
	AsNeededCodeableConcept  *concept
	Site                     *concept
	Route                    *concept
	Method                   *concept
	DoseAndRate              []doseAndRate
	MaxDosePerPeriod         *ratio
	MaxDosePerAdministration *quantity
	MaxDosePerLifetime       *quantity
	// Before R4 the dose stood here, and some systems still write it so.
	DoseQuantity *quantity
	DoseRange    *valueRange
}

type doseAndRate struct {
	Type         concept
	DoseQuantity *quantity
	DoseRange    *valueRange
	RateQuantity *quantity
	RateRange    *valueRange
	RateRatio    *ratio
}

type timing struct {
	Event  []string
	Repeat *repeat
	Code   concept
}

type repeat struct {
	BoundsPeriod   *period
	BoundsDuration *quantity
	BoundsRange    *valueRange
	Count          json.Number
	CountMax       json.Number
	Duration       json.Number
	DurationMax    json.Number
	DurationUnit   string
	Frequency      json.Number
	FrequencyMax   json.Number
	Period         json.Number
	PeriodMax      json.Number
	PeriodUnit     string
	DayOfWeek      []string
	TimeOfDay      []string
	When           []string
	Offset         json.Number
}

type medicationResource struct {
	Code       concept
	Status     string
	Form       concept
	Ingredient []struct {
		ItemCodeableConcept concept
		Strength            *ratio
	}
}

type observation struct {
	contains
	Status            string
	Code              concept
	Subject           reference
	Focus             []reference
	Encounter         reference
	EffectiveDateTime string
	EffectivePeriod   period
	EffectiveInstant  string
	EffectiveTiming   timing
	Issued            string
	measured
	Note      []annotation
	HasMember []reference
	Component []struct {
		Code concept
		measured
	}
}

// measured is the value of an observation or of one of its components.
type measured struct {
	ValueQuantity        *quantity
	ValueInteger         *json.Number
	ValueString          *string
	ValueBoolean         *bool
	ValueCodeableConcept *concept
	ValueRange           *valueRange
	ValueRatio           *ratio
	DataAbsentReason     *concept
}

type encounter struct{ Period period }

type condition struct{ Code concept }

type practitioner struct{ Name []humanName }

type organization struct{ Name string }

// contains are the resources inside a resource, by their id.
type contains struct{ Contained []json.RawMessage }

// within finds a contained resource by a reference such as "#med".
func (c contains) within(ref string) (resource any, err error) {
	id, local := strings.CutPrefix(ref, "#")
	if !local || id == "" {
		return nil, nil
	}
	for _, raw := range c.Contained {
		_, has, resource, err := decodeResource(raw)
		if err != nil {
			return nil, fmt.Errorf("contained: %w", err)
		}
		if strings.TrimPrefix(has, "#") == id {
			return resource, nil
		}
	}
	return nil, nil
}

type annotation struct{ Text string }

type period struct{ Start, End string }

type coding struct{ System, Code, Display string }

type concept struct {
	Coding []coding
	Text   string
}

// name is what the concept is called: its text, a display, or a code.
func (c concept) name() string {
	if name := oneLine(c.Text); name != "" {
		return name
	}
	for _, coding := range c.Coding {
		if name := oneLine(coding.Display); name != "" {
			return name
		}
	}
	for _, coding := range c.Coding {
		if name := oneLine(coding.Code); name != "" {
			return name
		}
	}
	return ""
}

// code is the code in the system whose URI ends as given, or empty.
func (c concept) code(system string) string {
	for _, coding := range c.Coding {
		if strings.HasSuffix(coding.System, system) {
			return strings.TrimSpace(coding.Code)
		}
	}
	return ""
}

// first is the first code of any system.
func (c concept) first() string {
	for _, coding := range c.Coding {
		if code := strings.TrimSpace(coding.Code); code != "" {
			return code
		}
	}
	return ""
}

type identifier struct {
	Use, System, Value string
	Type               concept
}

type reference struct {
	Reference  string
	Display    string
	Identifier identifier
}

func (r reference) empty() bool { return r.Reference == "" && r.Identifier.Value == "" }

type humanName struct {
	Use, Text, Family string
	Given, Prefix     []string
	Period            period
}

// String is the name as it is spoken.
func (n humanName) String() string {
	if text := oneLine(n.Text); text != "" {
		return text
	}
	return oneLine(strings.Join(n.Prefix, " ") + " " + strings.Join(n.Given, " ") + " " + n.Family)
}

type quantity struct {
	Value      json.Number
	Comparator string
	Unit       string
	System     string
	Code       string
}

// String is the quantity as it was stated.
func (q quantity) String() string {
	unit := q.Unit
	if unit == "" {
		unit = q.Code
	}
	return oneLine(q.Comparator + q.Value.String() + " " + unit)
}

type valueRange struct{ Low, High *quantity }

// String is the range as it was stated.
func (r valueRange) String() string {
	switch {
	case r.Low == nil && r.High == nil:
		return ""
	case r.High == nil:
		return "from " + r.Low.String()
	case r.Low == nil:
		return "up to " + r.High.String()
	}
	return r.Low.String() + " to " + r.High.String()
}

type ratio struct{ Numerator, Denominator *quantity }

// String is the ratio as it was stated.
func (r ratio) String() string {
	switch {
	case r.Numerator == nil:
		return ""
	case r.Denominator == nil:
		return r.Numerator.String()
	}
	return r.Numerator.String() + " per " + r.Denominator.String()
}

// oneLine is s on one line, without control characters and double blanks.
func oneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	return strings.Join(strings.Fields(clean), " ")
}
