package fhir

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"carehome/internal/scalar"
)

// dosages reads the dosage instructions. An order of several is kept by what
// they agree on, each written out in the instructions.
func (o *order) dosages(list []dosage) {
	o.p.Kind = "SCHEDULED"
	switch len(list) {
	case 0:
	case 1:
		o.dosage(list[0])
	default:
		var agreed *Prescription
		for i, d := range list {
			one := &order{mapping: o.mapping, p: &Prescription{Kind: "SCHEDULED", StartsAt: o.p.StartsAt, from: o.p.from}}
			one.dosage(d)
			o.stated("Dosage "+strconv.Itoa(i+1), d.String())
			for _, line := range one.lines {
				o.line("%s", line)
			}
			if agreed = agree(agreed, one.p); i == len(list)-1 {
				o.p.Kind, o.p.DoseAmount, o.p.DoseAmountMax = agreed.Kind, agreed.DoseAmount, agreed.DoseAmountMax
				o.p.DoseUnit, o.p.Route, o.p.PRNReason = agreed.DoseUnit, agreed.Route, agreed.PRNReason
			}
		}
	}
}

// agree is what two dosages have in common of the dose; schedules are not put
// together.
func agree(a, b *Prescription) *Prescription {
	if a == nil {
		return b
	}
	same := func(x, y *scalar.Decimal) bool { return (x == nil) == (y == nil) && (x == nil || *x == *y) }
	if !same(a.DoseAmount, b.DoseAmount) || !same(a.DoseAmountMax, b.DoseAmountMax) || a.DoseUnit != b.DoseUnit {
		a.DoseAmount, a.DoseAmountMax, a.DoseUnit = nil, nil, ""
	}
	if a.Route != b.Route {
		a.Route = ""
	}
	if a.Kind != b.Kind || a.PRNReason != b.PRNReason {
		a.PRNReason = ""
	}
	if a.Kind != b.Kind {
		a.Kind = "SCHEDULED"
	}
	return a
}

func (o *order) dosage(d dosage) {
	p := o.p
	o.line("%s", d.Text)
	o.line("%s", d.PatientInstruction)
	for _, more := range d.AdditionalInstruction {
		o.line("%s", more.name())
	}
	if d.AsNeededCodeableConcept != nil {
		p.Kind, p.PRNReason = "PRN", o.fit(p.from, d.AsNeededCodeableConcept.name(), 200)
	}
	if d.AsNeededBoolean != nil && *d.AsNeededBoolean {
		p.Kind = "PRN"
	}
	o.dose(d)
	o.route(d)
	o.schedule(d.Timing)
	if d.MaxDosePerPeriod != nil && !o.ceiling(*d.MaxDosePerPeriod) {
		o.stated("Most in a period", d.MaxDosePerPeriod.String())
	}
	if d.MaxDosePerAdministration != nil {
		o.stated("Most at once", d.MaxDosePerAdministration.String())
	}
	if d.MaxDosePerLifetime != nil {
		o.stated("Most in a lifetime", d.MaxDosePerLifetime.String())
	}
	if d.Site != nil {
		o.stated("Site", d.Site.name())
	}
	if d.Method != nil {
		o.stated("Method", d.Method.name())
	}
}

// dose reads the ordered dose; one that was calculated or cannot be held in the
// fields is kept as text.
func (o *order) dose(d dosage) {
	list := slices.Clone(d.DoseAndRate)
	if len(list) == 0 && (d.DoseQuantity != nil || d.DoseRange != nil) {
		list = append(list, doseAndRate{DoseQuantity: d.DoseQuantity, DoseRange: d.DoseRange})
	}
	slices.SortStableFunc(list, func(a, b doseAndRate) int {
		return cmp.Compare(calculated(a), calculated(b))
	})
	for i, dose := range list {
		if i > 0 || !o.amount(dose) {
			o.stated("Dose", dose.String())
		}
		if dose.RateQuantity != nil || dose.RateRange != nil || dose.RateRatio != nil {
			// Given over time: the dose alone does not say how.
			o.p.DoseAmount, o.p.DoseAmountMax, o.p.DoseUnit = nil, nil, ""
			o.stated("Dose and rate", dose.String())
		}
	}
}

func calculated(d doseAndRate) int {
	if d.Type.code("dose-rate-type") == "calculated" {
		return 1
	}
	return 0
}

// amount puts a dose into the fields, if they can hold all of it.
func (o *order) amount(d doseAndRate) bool {
	low, high := d.DoseQuantity, (*quantity)(nil)
	if d.DoseRange != nil {
		low, high = d.DoseRange.Low, d.DoseRange.High
	}
	if low == nil && high == nil {
		return d.String() == ""
	}
	if low == nil || low.Comparator != "" || high != nil && high.Comparator != "" {
		return false
	}
	amount, ok := o.decimal("doseAmount", low.Value)
	if !ok {
		return false
	}
	unit, known := low.doseUnit()
	if !known {
		o.report.note(o.p.from, UnknownUnit, fmt.Sprintf("dose in %q", cmp.Or(low.Code, low.Unit)))
	}
	if high != nil {
		most, ok := o.decimal("doseAmountMax", high.Value)
		if upper, _ := high.doseUnit(); !ok || upper != unit || most < amount {
			return false
		}
		if most > amount {
			o.p.DoseAmountMax = &most
		}
	}
	o.p.DoseAmount, o.p.DoseUnit = &amount, unit
	return known
}

// decimal is a number above 0 as the home keeps doses.
func (o *order) decimal(field Measure, n json.Number) (scalar.Decimal, bool) {
	r, err := exact(n)
	if err != nil || r.Sign() <= 0 || r.Cmp(big.NewRat(1_000_000, 1)) > 0 {
		return 0, false
	}
	d, rounded, err := round(r, scalar.DecimalPlaces)
	if err != nil || d == 0 {
		return 0, false
	}
	o.report.kept(field, reading{rounded: rounded})
	return d, true
}

// String is the dose and rate as they were stated.
func (d doseAndRate) String() string {
	var parts []string
	if d.DoseQuantity != nil {
		parts = append(parts, d.DoseQuantity.String())
	}
	if d.DoseRange != nil {
		parts = append(parts, d.DoseRange.String())
	}
	rate := ""
	switch {
	case d.RateQuantity != nil:
		rate = d.RateQuantity.String()
	case d.RateRange != nil:
		rate = d.RateRange.String()
	case d.RateRatio != nil:
		rate = d.RateRatio.String()
	}
	if rate != "" {
		parts = append(parts, "at "+rate)
	}
	if kind := d.Type.name(); kind != "" && len(parts) > 0 {
		parts = append(parts, "("+strings.ToLower(kind)+")")
	}
	return strings.Join(parts, " ")
}

// String is the dosage as it was stated, for people.
func (d dosage) String() string {
	parts := []string{d.Text}
	for _, dose := range d.DoseAndRate {
		parts = append(parts, dose.String())
	}
	if d.Route != nil {
		parts = append(parts, d.Route.name())
	}
	parts = append(parts, d.Timing.String())
	switch {
	case d.AsNeededCodeableConcept != nil:
		parts = append(parts, "as needed for "+d.AsNeededCodeableConcept.name())
	case d.AsNeededBoolean != nil && *d.AsNeededBoolean:
		parts = append(parts, "as needed")
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return oneLine(s) == "" })
	return oneLine(strings.Join(parts, ", "))
}

// doseUnit is the unit of a dose, empty where it is none of the home's. Known
// tells that nothing was stated that would be lost.
func (q quantity) doseUnit() (unit string, known bool) {
	words := strings.TrimSpace(cmp.Or(q.Code, q.Unit))
	if q.System != "" && q.System != systemUCUM && q.Unit != "" {
		words = q.Unit
	}
	if words == "" || words == "1" {
		return "", true
	}
	switch words { // case tells these apart in UCUM
	case "[iU]", "[IU]":
		return "IU", true
	}
	switch strings.Trim(strings.ToLower(oneLine(words)), "{}") {
	case "mg", "milligram", "milligrams":
		return "MG", true
	case "ug", "mcg", "µg", "μg", "microgram", "micrograms":
		return "UG", true
	case "g", "gram", "grams":
		return "G", true
	case "ml", "milliliter", "milliliters", "millilitre", "millilitres":
		return "ML", true
	case "iu", "international unit", "international units":
		return "IU", true
	case "tbl", "tablet", "tablets", "tab", "tabs":
		return "TABLET", true
	case "cap", "caps", "capsule", "capsules":
		return "CAPSULE", true
	case "drop", "drops":
		return "DROP", true
	case "puff", "puffs":
		return "PUFF", true
	case "patch", "patches":
		return "PATCH", true
	case "sachet", "sachets":
		return "SACHET", true
	case "unit", "units", "piece", "pieces":
		return "UNIT", true
	}
	return "", false
}

func (o *order) route(d dosage) {
	if d.Route == nil {
		return
	}
	if o.p.Route = d.Route.route(); o.p.Route == "" {
		o.stated("Route", d.Route.name())
	}
}

// route is the home's route of a SNOMED CT code or of the words for it.
func (c concept) route() string {
	switch c.code("snomed.info/sct") {
	case "26643006":
		return "ORAL"
	case "37839007":
		return "SUBLINGUAL"
	case "6064005":
		return "TOPICAL"
	case "45890007":
		return "TRANSDERMAL"
	case "34206005":
		return "SUBCUTANEOUS"
	case "78421000":
		return "IM"
	case "47625008":
		return "IV"
	case "37161004":
		return "RECTAL"
	case "16857009":
		return "VAGINAL"
	case "54485002":
		return "OPHTHALMIC"
	case "10547007":
		return "OTIC"
	case "46713006":
		return "NASAL"
	case "127490009", "127492001": // gastrostomy, nasogastric
		return "ENTERAL_TUBE"
	}
	for _, words := range append([]string{c.Text}, displays(c)...) {
		if route := routeInWords(scalar.Fold(words)); route != "" {
			return route
		}
	}
	return ""
}

func displays(c concept) []string {
	var list []string
	for _, coding := range c.Coding {
		list = append(list, coding.Display, coding.Code)
	}
	return list
}

func routeInWords(words string) string {
	words = strings.TrimSuffix(words, " (qualifier value)")
	for _, tail := range []string{" route", " use"} {
		words = strings.TrimSuffix(words, tail)
	}
	switch words {
	case "oral", "by mouth", "po", "per os", "orally", "swallow, oral":
		return "ORAL"
	case "sublingual", "sl":
		return "SUBLINGUAL"
	case "topical", "cutaneous":
		return "TOPICAL"
	case "transdermal":
		return "TRANSDERMAL"
	case "inhalation", "inhaled", "by inhalation", "respiratory tract", "respiratory":
		return "INHALED"
	case "subcutaneous", "sc", "subcut":
		return "SUBCUTANEOUS"
	case "intramuscular", "im":
		return "IM"
	case "intravenous", "iv":
		return "IV"
	case "rectal", "per rectum", "pr":
		return "RECTAL"
	case "vaginal", "per vagina", "pv":
		return "VAGINAL"
	case "ophthalmic", "ocular":
		return "OPHTHALMIC"
	case "otic", "auricular":
		return "OTIC"
	case "nasal", "intranasal":
		return "NASAL"
	case "enteral", "nasogastric", "gastrostomy", "enteral tube", "peg":
		return "ENTERAL_TUBE"
	}
	return ""
}

// schedule puts a timing into the fields. Where they cannot hold all of it, the
// schedule stays open and the timing is kept as text.
func (o *order) schedule(t *timing) {
	p := o.p
	plan, complete := t.plan(o.Zone)
	p.MaxDoses, p.FoodRelation, p.EveryNDays, p.DaysOfWeek = plan.maxDoses, plan.food, plan.everyNDays, plan.days
	p.TimesPerDay = plan.timesPerDay
	p.StartsAt = cmp.Or(plan.startsAt, p.StartsAt)
	switch {
	case p.Kind == "PRN":
		// A PRN dose has no times; "every 6 hours as needed" is the least between.
		p.PRNMinIntervalMinutes = plan.intervalMinutes
		complete = complete && len(plan.times) == 0
	case complete:
		p.ScheduleKind, p.TimesOfDay, p.IntervalMinutes = plan.kind, plan.times, plan.intervalMinutes
	case plan.timesPerDay == nil && len(plan.times) > 0:
		n := len(plan.times)
		p.TimesPerDay = &n
	}
	if p.Kind != "PRN" && plan.once && (p.ScheduleKind == "" || p.ScheduleKind == "ONCE") {
		p.Kind = "ONE_OFF"
	}
	if !complete {
		o.stated("Timing", t.String())
	}
	if t != nil && t.Repeat != nil && complete {
		if r := t.Repeat; r.BoundsDuration != nil {
			o.stated("For", r.BoundsDuration.String())
		} else if r.BoundsRange != nil {
			o.stated("For", r.BoundsRange.String())
		}
	}
}

// ceiling reads the most of a PRN dose in 24 hours.
func (o *order) ceiling(r ratio) bool {
	p := o.p
	if p.Kind != "PRN" || r.Numerator == nil || r.Denominator == nil || r.Numerator.Comparator != "" {
		return false
	}
	hours := &repeat{Period: r.Denominator.Value, PeriodUnit: strings.TrimSpace(cmp.Or(r.Denominator.Code, r.Denominator.Unit))}
	if minutes, ok := hours.minutes(); !ok || minutes == nil || minutes.Cmp(big.NewRat(minutesPerDay, 1)) != 0 {
		return false
	}
	switch strings.ToLower(strings.Trim(cmp.Or(r.Numerator.Code, r.Numerator.Unit), "{}")) {
	case "dose", "doses", "administration", "administrations":
		n, ok := whole(r.Numerator.Value, 1, 48)
		if ok {
			p.PRNMaxDosesPer24h = &n
		}
		return ok
	}
	unit, known := r.Numerator.doseUnit()
	most, ok := o.decimal("prnMaxAmountPer24h", r.Numerator.Value)
	if !known || !ok || unit == "" || unit != p.DoseUnit || p.DoseAmount != nil && most < *p.DoseAmount {
		return false
	}
	p.PRNMaxAmountPer24h = &most
	return true
}
