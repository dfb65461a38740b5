package fhir

import (
	"slices"
	"strings"

	"carehome/internal/scalar"
)

// allergy takes an allergy or intolerance in. A statement that none is known is
// kept as the resident's allergy status.
func (m *mapping) allergy(e *entry, a *allergyIntolerance) {
	what := e.label(a.Code)
	resident, no := m.subject(a.Patient, a.contains)
	if no != nil {
		m.report.skip(e, what, no.reason, no.detail)
		return
	}
	verification, clinical := a.VerificationStatus.first(), a.ClinicalStatus.first()
	if none, ofAll := a.noneKnown(); none {
		if ofAll && verification != "entered-in-error" && verification != "refuted" && (clinical == "" || clinical == "active") {
			m.noneKnown[resident] = true
		}
		m.report.skip(e, what, Stated, "it says that no allergy is known")
		return
	}
	display := a.Code.name()
	if display == "" && len(a.Reaction) > 0 {
		display = a.Reaction[0].Substance.name()
	}
	if display == "" {
		m.report.skip(e, what, Incomplete, "it does not say to what")
		return
	}
	row := &Allergy{
		SourceID: sourceID(resident, "AllergyIntolerance", e.id),
		Display:  m.fit(e, display, 200), Substance: substance(display),
		Type: "ALLERGY", Criticality: "UNABLE_TO_ASSESS", Verification: "UNCONFIRMED", ClinicalStatus: "ACTIVE",
		from: e,
	}
	if row.Substance == "" {
		// A name in a script that has no slug: its code stands for it.
		row.Substance = substance(a.Code.first())
	}
	if row.Substance == "" {
		row.Substance = digest([]byte(display))
	}
	row.Category = m.category(e, a)
	switch a.Type {
	case "allergy", "intolerance":
		row.Type = strings.ToUpper(a.Type)
	default:
		m.report.note(e, Assumed, "no type is stated; kept as ALLERGY")
	}
	switch a.Criticality {
	case "low", "high":
		row.Criticality = strings.ToUpper(a.Criticality)
	}
	switch verification {
	case "confirmed", "refuted":
		row.Verification = strings.ToUpper(verification)
	case "entered-in-error":
		row.Verification = "ENTERED_IN_ERROR"
	}
	switch clinical {
	case "inactive", "resolved":
		row.ClinicalStatus = strings.ToUpper(clinical)
	}
	row.Reaction = m.fit(e, a.reactions(), 500)
	row.OnsetOn = onset(a)
	if row.counts() && slices.ContainsFunc(resident.Allergies, func(other *Allergy) bool {
		return other.counts() && other.Substance == row.Substance
	}) {
		m.report.skip(e, what, Duplicate, "the resident has an active allergy to it already")
		return
	}
	resident.Allergies = append(resident.Allergies, row)
}

// noneKnown tells a statement of the absence of allergies, and whether it is
// about all of them.
func (a *allergyIntolerance) noneKnown() (none, ofAll bool) {
	switch a.Code.code("snomed.info/sct") {
	case "716186003":
		return true, true
	case "409137002", "429625007", "428607008": // of drugs, food, environment
		return true, false
	}
	switch scalar.Fold(a.Code.name()) {
	case "no known allergy", "no known allergies", "nka":
		return true, true
	case "no known drug allergy", "no known drug allergies", "nkda", "no known food allergy", "no known food allergies":
		return true, false
	}
	return false, false
}

// category is the first that is stated.
func (m *mapping) category(e *entry, a *allergyIntolerance) string {
	for _, c := range a.Category {
		switch c {
		case "food", "medication", "environment", "biologic":
			return strings.ToUpper(c)
		}
	}
	// Of the four, the one that is looked at when a medicine is given.
	m.report.note(e, Assumed, "no category is stated; kept as MEDICATION")
	return "MEDICATION"
}

// reactions tells what happened, on one line.
func (a *allergyIntolerance) reactions() string {
	var parts []string
	for _, r := range a.Reaction {
		var signs []string
		for _, sign := range r.Manifestation {
			signs = append(signs, sign.name())
		}
		part := strings.Join(signs, ", ")
		if part == "" {
			part = oneLine(r.Description)
		}
		if r.Severity != "" && part != "" {
			part += " (" + oneLine(r.Severity) + ")"
		}
		if part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// onset is the day on which it was first seen, where that is known to the day.
func onset(a *allergyIntolerance) *scalar.Date {
	for _, s := range []string{a.OnsetDateTime, a.OnsetPeriod.Start} {
		day, _, _ := strings.Cut(s, "T")
		if d, stated, err := partialDate(day); err == nil && stated == toDay {
			return &d
		}
	}
	return nil
}

// substance is the slug of what an allergy or an ingredient is called. The words
// that say no more than "allergy" and SNOMED's tags are left out, so that
// "Allergy to penicillin (finding)" matches the ingredient "penicillin".
func substance(name string) string {
	name = scalar.Fold(name)
	if open := strings.LastIndex(name, " ("); open > 0 && strings.HasSuffix(name, ")") {
		switch name[open+2 : len(name)-1] {
		case "substance", "organism", "finding", "disorder", "product", "medicinal product":
			name = name[:open]
		}
	}
	name = strings.TrimPrefix(name, "allergy to ")
	for _, tail := range []string{" allergy", " intolerance"} {
		name = strings.TrimSuffix(name, tail)
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.Join(words, "-")
	if len(slug) > 120 {
		slug = strings.TrimRight(slug[:120], "-")
	}
	return slug
}
