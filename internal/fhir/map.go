package fhir

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"carehome/internal/scalar"
)

// Mapper turns bundles into what the home keeps.
type Mapper struct {
	// Zone is the home's: a day without a time begins by its clocks.
	Zone *time.Location
	// Now is the instant of the import. What lies after it is not taken.
	Now scalar.Time
}

// Map says what a bundle means for the home, and what of it is left out.
func (mapper Mapper) Map(b *Bundle) (*Record, *Report) {
	m := &mapping{
		Mapper: mapper, bundle: b, index: newIndex(b), report: newReport(),
		byID: map[string]*Resident{}, refused: map[*entry]bool{},
		findings: map[string][]*finding{}, heights: map[*Resident][]*finding{},
		used: map[*entry]bool{}, noneKnown: map[*Resident]bool{},
	}
	m.all()
	return &m.record, m.report
}

// mapping is one bundle on its way.
type mapping struct {
	Mapper
	bundle *Bundle
	index  *index
	record Record
	report *Report

	byID    map[string]*Resident // by ExternalID
	refused map[*entry]bool      // patients that are not taken

	checks    []checkKey
	findings  map[string][]*finding // by check
	heights   map[*Resident][]*finding
	used      map[*entry]bool    // Medication resources that an order names
	noneKnown map[*Resident]bool // said to have no allergy
}

type checkKey struct {
	resident *Resident
	key      string
}

func (m *mapping) all() {
	seen := map[string]bool{}
	var rest []*entry
	for _, e := range m.bundle.entries {
		key := e.typ + "/" + e.id
		switch p, isPatient := e.resource.(*patient); {
		case e.typ == "":
			m.report.skip(e, "", NoValue, "the entry has no resource")
		case e.resource != nil && seen[key]:
			m.report.skip(e, "", Duplicate, "the bundle has this id already")
		case isPatient:
			m.patient(e, p)
		default:
			rest = append(rest, e)
		}
		seen[key] = true
	}
	for _, e := range rest {
		m.resource(e)
	}
	for _, e := range rest {
		if e.typ == "Medication" && !m.used[e] {
			m.report.skip(e, "", NotImported, "no order that was taken names it")
		}
	}
	for _, c := range m.checks {
		c.resident.Wellness = append(c.resident.Wellness, m.check(c.key)...)
	}
	for _, r := range m.record.Residents {
		m.finish(r)
	}
	m.record.Residents = slices.DeleteFunc(m.record.Residents, func(r *Resident) bool {
		return r.Person == nil && r.HeightCm == nil && r.AllergyStatus == "" && r.rows() == 1
	})
}

func (m *mapping) resource(e *entry) {
	switch r := e.resource.(type) {
	case *allergyIntolerance:
		m.allergy(e, r)
	case *medicationRequest:
		m.prescription(e, r)
	case *observation:
		m.observation(e, r)
	case *encounter, *condition, *practitioner, *organization:
		m.report.skip(e, "", NotImported, "read for times and names only")
	case *medicationResource: // counted once it is known whether an order names it
	default:
		m.report.skip(e, "", NotImported, "")
	}
}

// finish decides what follows from all of a resident's resources.
func (m *mapping) finish(r *Resident) {
	m.latestHeight(r)
	slices.SortStableFunc(r.Wellness, func(a, b *Wellness) int { return a.TakenAt.Compare(b.TakenAt.Time) })
	r.Prescriptions = priorsFirst(r.Prescriptions)
	if slices.ContainsFunc(r.Allergies, (*Allergy).counts) {
		r.AllergyStatus = "HAS_ALLERGIES"
	} else if m.noneKnown[r] {
		r.AllergyStatus = "NO_KNOWN"
	}
}

// label names an entry by its code in a report.
func (e *entry) label(c concept) string {
	code := c.first()
	if loinc := c.loinc(); len(loinc) > 0 {
		code = loinc[0]
	}
	if name := c.name(); name != code {
		code = oneLine(code + " " + name)
	}
	return shorten(code, 120)
}

// resident is the one with the external id, made on first use.
func (m *mapping) resident(id string) *Resident {
	if r := m.byID[id]; r != nil {
		return r
	}
	r := &Resident{ExternalID: id}
	m.byID[id] = r
	m.record.Residents = append(m.record.Residents, r)
	return r
}

// subject is the resident that a reference means. A contained patient is known
// by its identifiers alone.
func (m *mapping) subject(ref reference, in contains) (*Resident, *refusal) {
	if strings.HasPrefix(ref.Reference, "#") {
		inner, err := in.within(ref.Reference)
		if err != nil {
			return nil, refuse(NoPatient, "%v", err)
		}
		p, ok := inner.(*patient)
		if !ok || len(p.Identifier) == 0 {
			return nil, refuse(NoPatient, "the contained patient has no identifier")
		}
		for _, i := range p.Identifier {
			if e := m.index.find(reference{Identifier: i}, "Patient"); e != nil {
				return m.subject(reference{Reference: "Patient/" + e.id}, in)
			}
		}
		return m.resident(externalID(p.Identifier[0].Value)), nil
	}
	if e := m.index.find(ref, "Patient"); e != nil {
		if m.refused[e] {
			return nil, refuse(NoPatient, "the patient was skipped")
		}
		return m.resident(externalID(e.id)), nil
	}
	if id := idOfReference(strings.TrimSpace(ref.Reference), "Patient"); id != "" {
		return m.resident(externalID(id)), nil
	}
	if ref.Reference == "" && ref.Identifier.Value != "" {
		return m.resident(externalID(ref.Identifier.Value)), nil
	}
	if ref.empty() {
		return nil, refuse(NoPatient, "no patient is named")
	}
	return nil, refuse(NotThePatient, "its subject is no patient of the bundle")
}

var (
	externalIDShape = regexp.MustCompile(`^[A-Za-z0-9./-]{1,64}$`)
	resourceIDShape = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// externalID is a patient's id as the home keeps it: as it stands where it can
// be, else a digest of it.
func externalID(id string) string {
	if externalIDShape.MatchString(id) {
		return id
	}
	return "sha256-" + digest([]byte(id))
}

// sourceID is the identity of a row of a resident at the source. It begins with
// the patient's, so that two sources that number alike are not mixed up.
func sourceID(r *Resident, typ, id string) string {
	if typ != "Observation" && !resourceIDShape.MatchString(id) {
		id = "sha256-" + digest([]byte(id))
	}
	return r.ExternalID + "/" + typ + "/" + id
}

// patient takes the person in, or refuses one of whom too little is known.
func (m *mapping) patient(e *entry, p *patient) {
	person, no := m.person(e, p)
	if no != nil {
		m.refused[e] = true
		m.report.skip(e, "", no.reason, no.detail)
		return
	}
	m.resident(externalID(e.id)).Person = person
}

func (m *mapping) person(e *entry, p *patient) (*Person, *refusal) {
	if strings.TrimSpace(p.BirthDate) == "" {
		return nil, refuse(Incomplete, "no birth date is stated")
	}
	day, _, _ := strings.Cut(p.BirthDate, "T")
	born, stated, err := partialDate(day)
	switch {
	case err != nil:
		return nil, refuse(Incomplete, "birth date: %v", err)
	case born.Compare(scalar.DateOf(1900, 1, 1)) < 0 || born.Compare(scalar.DateIn(m.Now.Time, m.Zone)) > 0:
		return nil, refuse(OutOfRange, "birth date %s is not from 1900-01-01 to today", born)
	}
	person := &Person{
		BirthDate: born, Sex: "UNKNOWN", Status: "ACTIVE", from: e,
		BirthDatePrecision: map[precision]string{toYear: "YEAR", toMonth: "MONTH", toDay: "DAY"}[stated],
	}
	switch p.Gender {
	case "male", "female", "other":
		person.Sex = strings.ToUpper(p.Gender)
	}
	m.names(e, p, person)
	person.Language = m.language(e, p)
	switch {
	case p.DeceasedDateTime != "":
		person.Status = "DECEASED"
		at, precise, err := moment(p.DeceasedDateTime, m.Zone)
		if err != nil || precise < toDay || at.After(m.Now.Time) || scalar.DateIn(at.Time, m.Zone).Compare(born) < 0 {
			m.report.note(e, Assumed, fmt.Sprintf("the time of death %q is left empty", p.DeceasedDateTime))
		} else {
			person.DeceasedAt = &at
		}
	case p.DeceasedBoolean != nil && *p.DeceasedBoolean:
		person.Status = "DECEASED"
	case p.Active != nil && !*p.Active:
		person.Status = "DISCHARGED"
	}
	return person, nil
}

const (
	maxName  = 100
	maxNotes = 2000
)

// names picks the official name, else the one in use, and keeps it as it is
// written.
func (m *mapping) names(e *entry, p *patient, person *Person) {
	ranks := []string{"official", "usual", "", "temp", "anonymous", "nickname", "maiden", "old"}
	names := slices.Clone(p.Name)
	slices.SortStableFunc(names, func(a, b humanName) int {
		// A name whose time is over comes after all others.
		return cmp.Or(cmp.Compare(a.over(m), b.over(m)), cmp.Compare(slices.Index(ranks, a.Use), slices.Index(ranks, b.Use)))
	})
	var name humanName
	if len(names) > 0 {
		name = names[0]
	}
	given, family := oneLine(strings.Join(name.Given, " ")), oneLine(name.Family)
	if family == "" && given == "" {
		words := strings.Fields(oneLine(name.Text))
		if n := len(words); n > 0 {
			given, family = strings.Join(words[:n-1], " "), words[n-1]
			m.report.note(e, Assumed, "the last word of the name is taken for the family name")
		}
	}
	const unknown = "Unknown"
	if given == "" || family == "" {
		m.report.note(e, Assumed, "a missing part of the name is shown as "+unknown)
	}
	person.GivenName = m.fit(e, cmp.Or(given, unknown), maxName)
	person.FamilyName = m.fit(e, cmp.Or(family, unknown), maxName)
	for _, other := range p.Name {
		called := cmp.Or(oneLine(strings.Join(other.Given, " ")), oneLine(other.Text))
		if (other.Use == "usual" || other.Use == "nickname") && called != "" && called != given && person.PreferredName == "" {
			person.PreferredName = m.fit(e, called, maxName)
		}
	}
}

// over is 1 for a name that is no longer borne.
func (n humanName) over(m *mapping) int {
	if n.Period.End == "" {
		return 0
	}
	if at, err := end(n.Period.End, m.Zone); err == nil && !at.After(m.Now.Time) {
		return 1
	}
	return 0
}

func (m *mapping) language(e *entry, p *patient) string {
	if len(p.Communication) == 0 {
		return ""
	}
	spoken := p.Communication[0].Language
	for _, c := range p.Communication {
		if c.Preferred {
			spoken = c.Language
			break
		}
	}
	tag := cmp.Or(spoken.code("bcp:47"), spoken.first())
	if tag == "" {
		return ""
	}
	if _, err := language.Parse(tag); err != nil {
		m.report.note(e, Assumed, fmt.Sprintf("the language %.20q is no BCP 47 tag and left empty", tag))
		return ""
	}
	return tag
}

// fit is s of at most max characters; a cut is noted.
func (m *mapping) fit(e *entry, s string, max int) string {
	short := shorten(s, max)
	if short != s {
		m.report.note(e, Shortened, fmt.Sprintf("a text was longer than %d characters", max))
	}
	return short
}

// shorten is s of at most max characters, the last an ellipsis if it was cut.
func shorten(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	runes := []rune(s)
	return strings.TrimSpace(string(runes[:max-1])) + "…"
}
