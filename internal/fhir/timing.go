package fhir

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"carehome/internal/scalar"
)

// plan is a FHIR Timing in the home's terms. What a Timing leaves open is left
// open here: a frequency gets no times.
type plan struct {
	kind            string // of schedule, or empty
	times           []scalar.LocalTime
	timesPerDay     *int
	everyNDays      *int
	days            []string
	intervalMinutes *int
	maxDoses        *int
	once            bool
	startsAt        *scalar.Time // where the timing is one instant
	food            string
}

const minutesPerDay = 24 * 60

// plan reads a timing, and tells whether the plan says all of it but its bounds.
func (t *timing) plan(zone *time.Location) (plan, bool) {
	switch {
	case t == nil:
		return plan{}, true
	case t.Repeat != nil && len(t.Event) > 0:
		return plan{}, false
	case t.Repeat != nil:
		return t.Repeat.plan()
	case len(t.Event) == 1:
		at, precise, err := moment(t.Event[0], zone)
		if err != nil || precise < toDay {
			return plan{}, false
		}
		p := plan{once: true, startsAt: &at}
		if precise == toInstant {
			p.kind = "ONCE"
		}
		return p, precise == toInstant
	case len(t.Event) > 1:
		return plan{}, false
	case len(t.Code.Coding) > 0 || t.Code.Text != "":
		r := t.Code.abbreviation()
		if r == nil {
			return plan{}, false
		}
		p, _ := r.plan()
		return p, len(r.When) == 0
	}
	return plan{}, true
}

// abbreviation is the repeat that a code of HL7's GTSAbbreviation means.
func (c concept) abbreviation() *repeat {
	every := func(frequency, period json.Number, unit string, when ...string) *repeat {
		return &repeat{Frequency: frequency, Period: period, PeriodUnit: unit, When: when}
	}
	switch strings.ToUpper(cmp.Or(c.code("v3-GTSAbbreviation"), c.first(), c.name())) {
	case "QD":
		return every("1", "1", "d")
	case "BID":
		return every("2", "1", "d")
	case "TID":
		return every("3", "1", "d")
	case "QID":
		return every("4", "1", "d")
	case "QOD":
		return every("1", "2", "d")
	case "Q1H":
		return every("1", "1", "h")
	case "Q2H":
		return every("1", "2", "h")
	case "Q3H":
		return every("1", "3", "h")
	case "Q4H":
		return every("1", "4", "h")
	case "Q6H":
		return every("1", "6", "h")
	case "Q8H":
		return every("1", "8", "h")
	case "WK":
		return every("1", "1", "wk")
	case "AM":
		return every("1", "1", "d", "MORN")
	case "PM":
		return every("1", "1", "d", "AFT")
	case "BED":
		return every("1", "1", "d", "HS")
	}
	return nil
}

// plan reads a repeat. It is never complete where it rests on meals or sleep, or
// where a number is a range.
func (r *repeat) plan() (plan, bool) {
	var p plan
	p.food = r.food()
	if r.Count != "" {
		n, ok := whole(r.Count, 1, 1000)
		if !ok {
			return plan{food: p.food}, false
		}
		p.maxDoses, p.once = &n, n == 1
	}
	days, ok := r.days()
	if !ok {
		return p, false
	}
	times, ok := r.times()
	if !ok || len(times) > 0 && len(r.When) > 0 {
		return p, false
	}
	frequency := 0 // not stated
	if r.Frequency != "" {
		if frequency, ok = whole(r.Frequency, 1, 1000); !ok {
			return p, false
		}
	}
	if r.FrequencyMax != "" || r.PeriodMax != "" {
		return p, false
	}
	complete := r.CountMax == "" && r.Duration == "" && r.DurationMax == "" && r.Offset == "" && len(r.When) == 0
	if p.once && r.Frequency == "" && r.Period == "" && len(days)+len(times)+len(r.When) == 0 {
		return p, complete
	}
	minutes, ok := r.minutes()
	if !ok {
		return p, false
	}
	if frequency == 0 && len(r.When) > 0 {
		frequency = len(r.When)
		if minutes == nil {
			minutes = big.NewRat(minutesPerDay, 1) // at breakfast: at each
		}
	}
	bare := p
	switch elapsed := r.PeriodUnit == "h" || r.PeriodUnit == "min" || r.PeriodUnit == "s"; {
	case len(times) > 0:
		ok = p.atTimes(times, days, frequency, minutes)
	case elapsed && frequency <= 1 && minutes != nil:
		ok = p.interval(days, minutes)
	default:
		ok = p.frequency(frequency, days, minutes)
	}
	if !ok {
		return bare, false
	}
	return p, complete
}

// atTimes plans times of the day. Minutes is the period, or nil.
func (p *plan) atTimes(times []scalar.LocalTime, days []string, frequency int, minutes *big.Rat) bool {
	n, isDays := wholeDays(minutes)
	switch {
	case !isDays:
		return false
	case len(days) == 0 && n == 1 && (frequency == 0 || frequency == len(times)):
	case len(days) == 0 && n > 1 && len(times) == 1 && frequency <= 1:
		p.everyNDays = &n
	case len(days) > 0 && n == 1 && (frequency == 0 || frequency == len(times)):
	case len(days) > 0 && n == 7 && (frequency == 0 || frequency == len(times)*len(days)):
	default:
		return false
	}
	p.kind, p.times, p.days = "TIMES_OF_DAY", times, days
	return true
}

// frequency plans so many times a period of days, without times; 0 is not
// stated.
func (p *plan) frequency(times int, days []string, minutes *big.Rat) bool {
	if minutes == nil {
		// "Twice", but in what? Only the days, or nothing, may stand alone.
		p.days = days
		return times == 0
	}
	n, isDays := wholeDays(minutes)
	switch {
	case !isDays:
		return times <= 1 && p.interval(days, minutes)
	case n == 1:
	case len(days) == 0 && times <= 1:
		p.everyNDays = &n
	case n == 7 && (times == 0 || times == len(days)):
		times = 1
	default:
		return false
	}
	if times > 24 {
		return false
	}
	times = max(times, 1)
	p.timesPerDay, p.days = &times, days
	return true
}

// interval plans one dose each so many minutes of elapsed time.
func (p *plan) interval(days []string, minutes *big.Rat) bool {
	if len(days) > 0 || !minutes.IsInt() || minutes.Cmp(big.NewRat(30, 1)) < 0 || minutes.Cmp(big.NewRat(7*minutesPerDay, 1)) > 0 {
		return false
	}
	n := int(minutes.Num().Int64())
	p.kind, p.intervalMinutes = "INTERVAL", &n
	return true
}

// wholeDays is a period as a number of days, up to a year; none stated is each
// day.
func wholeDays(minutes *big.Rat) (int, bool) {
	if minutes == nil {
		return 1, true
	}
	days := new(big.Rat).Quo(minutes, big.NewRat(minutesPerDay, 1))
	if !days.IsInt() || !days.Num().IsInt64() || days.Sign() <= 0 || days.Num().Int64() > 365 {
		return 0, false
	}
	return int(days.Num().Int64()), true
}

// minutes is the period in minutes, nil where none is stated.
func (r *repeat) minutes() (*big.Rat, bool) {
	if r.Period == "" {
		return nil, r.PeriodUnit == "" || r.Frequency == ""
	}
	period, err := exact(r.Period)
	if err != nil || period.Sign() <= 0 {
		return nil, false
	}
	perUnit := big.NewRat(1, 1)
	switch r.PeriodUnit {
	case "s":
		perUnit = big.NewRat(1, 60)
	case "min":
	case "h":
		perUnit = big.NewRat(60, 1)
	case "d":
		perUnit = big.NewRat(minutesPerDay, 1)
	case "wk":
		perUnit = big.NewRat(7*minutesPerDay, 1)
	default: // months and years have no length of their own
		return nil, false
	}
	return perUnit.Mul(perUnit, period), true
}

func (r *repeat) days() ([]string, bool) {
	week := []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	var days []string
	for _, day := range week {
		if slices.ContainsFunc(r.DayOfWeek, func(s string) bool { return strings.EqualFold(s, day) }) {
			days = append(days, day)
		}
	}
	return days, len(days) == len(r.DayOfWeek)
}

// times are the times of day in order; seconds have no place in a round.
func (r *repeat) times() ([]scalar.LocalTime, bool) {
	var times []scalar.LocalTime
	for _, s := range r.TimeOfDay {
		minute := strings.TrimSpace(s)
		if len(minute) >= len("15:04:05") && strings.Trim(minute[len("15:04"):], ":0.") == "" {
			minute = minute[:len("15:04")]
		}
		t, err := scalar.ParseLocalTime(minute)
		if err != nil {
			return nil, false
		}
		times = append(times, t)
	}
	slices.Sort(times)
	times = slices.Compact(times)
	return times, len(times) == len(r.TimeOfDay) && len(times) <= 24
}

// food is how the doses go with meals.
func (r *repeat) food() string {
	relation := ""
	for _, when := range r.When {
		meal := ""
		switch when {
		case "AC", "ACM", "ACD", "ACV":
			meal = "BEFORE_FOOD"
		case "C", "CM", "CD", "CV":
			meal = "WITH_FOOD"
		case "PC", "PCM", "PCD", "PCV":
			meal = "AFTER_FOOD"
		}
		if relation != "" && relation != meal {
			return ""
		}
		relation = meal
	}
	return relation
}

// String is the timing as it was stated, for people.
func (t *timing) String() string {
	if t == nil {
		return ""
	}
	var parts []string
	part := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if name := t.Code.name(); name != "" {
		part("%s", name)
	}
	if len(t.Event) > 0 {
		part("on %s", strings.Join(t.Event, ", "))
	}
	if r := t.Repeat; r != nil {
		r.describe(part)
	}
	return oneLine(strings.Join(parts, "; "))
}

func (r *repeat) describe(part func(string, ...any)) {
	upTo := func(low, high json.Number) string {
		if high == "" || high == low {
			return low.String()
		}
		return low.String() + " to " + high.String()
	}
	if r.Frequency != "" || r.Period != "" {
		part("%s times per %s %s", upTo(cmp.Or(r.Frequency, "1"), r.FrequencyMax), upTo(cmp.Or(r.Period, "?"), r.PeriodMax), r.PeriodUnit)
	}
	if len(r.TimeOfDay) > 0 {
		part("at %s", strings.Join(r.TimeOfDay, ", "))
	}
	if len(r.DayOfWeek) > 0 {
		part("on %s", strings.Join(r.DayOfWeek, ", "))
	}
	if len(r.When) > 0 {
		part("when %s", strings.Join(r.When, ", "))
	}
	if r.Offset != "" {
		part("%s minutes from it", r.Offset)
	}
	if r.Count != "" {
		part("%s in all", upTo(r.Count, r.CountMax))
	}
	if r.Duration != "" {
		part("lasting %s %s", upTo(r.Duration, r.DurationMax), r.DurationUnit)
	}
	switch {
	case r.BoundsPeriod != nil:
		part("from %s to %s", cmp.Or(r.BoundsPeriod.Start, "?"), cmp.Or(r.BoundsPeriod.End, "?"))
	case r.BoundsDuration != nil:
		part("for %s", r.BoundsDuration)
	case r.BoundsRange != nil:
		part("for %s", r.BoundsRange)
	}
}
