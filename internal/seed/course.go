package seed

import (
	"math"
	"math/rand/v2"
	"time"

	"carehome/ent"
	"carehome/ent/wellness"
	"carehome/internal/scalar"
	"carehome/schema"
)

// course is how a resident fares from day to day. Each measure keeps to the
// resident's own level, strays from it slowly, and moves with infections.
type course struct {
	r     *rand.Rand
	level [measures]float64
	stray [measures]float64
	drift float64 // of the weight, in kg a week
}

// measure is one of those that are followed.
type measure int

const (
	systolic measure = iota
	diastolic
	pulse
	temperature
	saturation
	breaths
	mood
	energy
	sleep
	appetite
	pain
	weight
	glucose
	measures
)

// nature is how a measure behaves: its usual level and how much that differs
// between residents, how far it strays from day to day and within one, how
// slowly it comes back (0 to 1), and what a severe infection adds.
type nature struct {
	level, differs, strays, jitters, keeps, infection float64
}

func natures() [measures]nature {
	return [measures]nature{
		systolic:    {128, 10, 7, 4, 0.8, -12},
		diastolic:   {71, 6, 4, 3, 0.8, -6},
		pulse:       {74, 6, 4, 3, 0.7, 20},
		temperature: {36.4, 0.15, 0.12, 0.12, 0.5, 2},
		saturation:  {96, 0.8, 0.7, 0.5, 0.7, -3},
		breaths:     {16, 1, 0.8, 0.7, 0.7, 6},
		mood:        {3.7, 0.4, 0.55, 0.35, 0.85, -1.4},
		energy:      {6.2, 1, 0.9, 0.6, 0.85, -3},
		sleep:       {425, 35, 35, 30, 0.6, -80},
		appetite:    {80, 8, 8, 7, 0.75, -40},
		pain:        {1.3, 0.8, 0.9, 0.6, 0.8, 1.2},
		weight:      {0, 0, 0.35, 0.1, 0.9, -0.6},
		glucose:     {7.8, 0.8, 0.9, 0.7, 0.6, 2.2},
	}
}

// newCourse draws d's own levels.
func newCourse(d *dweller, r *rand.Rand) course {
	c := course{r: r}
	for m, n := range natures() {
		c.level[m] = about(r, n.level, n.differs)
		c.stray[m] = about(r, 0, n.strays)
	}
	metres := float64(d.height) / 100
	c.level[weight] = bound(about(r, 25, 3.5), 17.5, 36) * metres * metres
	c.drift = about(r, -0.02, 0.06)
	add := func(has condition, m measure, amount float64) {
		if d.has(has) {
			c.level[m] += amount
		}
	}
	add(hypertension, systolic, 9)
	add(hypertension, diastolic, 4)
	add(betaBlocked, pulse, -9)
	add(dementia, mood, -0.2)
	add(dementia, sleep, -35)
	add(depression, mood, -0.5)
	add(depression, energy, -0.8)
	add(chronicPain, pain, 1.6)
	add(lungDisease, saturation, -2)
	add(lungDisease, breaths, 2)
	add(onInsulin, glucose, 1.2)
	if d.has(dementia) {
		c.drift -= 0.04
	}
	if d.onOxygen {
		c.level[saturation] = 90
	}
	return c
}

// dawn lets a day pass.
func (c *course) dawn() {
	c.level[weight] = bound(c.level[weight]+c.drift/7, 38, 110)
	for m, n := range natures() {
		c.stray[m] = n.keeps*c.stray[m] + math.Sqrt(1-n.keeps*n.keeps)*about(c.r, 0, n.strays)
	}
}

// severity is how ill d is at t, from 0 to 1: it rises in a day and a half,
// stays for one, and fades.
func (d *dweller) severity(t time.Time) float64 {
	worst := 0.0
	for _, s := range d.sicknesses {
		days := t.Sub(s.begins).Hours() / 24
		if days < 0 || days > s.days {
			continue
		}
		course := 1.0
		switch {
		case days < 1.5:
			course = days / 1.5
		case days > 2.5:
			course = (s.days - days) / (s.days - 2.5)
		}
		worst = max(worst, s.peak*course)
	}
	return worst
}

// ails names the infection at t.
func (d *dweller) ails(t time.Time) string {
	for _, s := range d.sicknesses {
		if days := t.Sub(s.begins).Hours() / 24; days >= 0 && days <= s.days {
			return s.name
		}
	}
	return ""
}

// value is a measure at a moment of the given severity, as it is read off.
func (c *course) value(m measure, severity float64) float64 {
	n := natures()[m]
	return c.level[m] + c.stray[m] + severity*n.infection + about(c.r, 0, n.jitters)
}

// whole is a value rounded and kept from low to high.
func (c *course) whole(m measure, severity float64, low, high int) int {
	return bound(int(math.Round(c.value(m, severity))), low, high)
}

// tenths is a value with one decimal place, kept from low to high.
func (c *course) tenths(m measure, severity, low, high float64) scalar.Decimal {
	return scalar.Whole(int64(math.Round(bound(c.value(m, severity), low, high)*10))) / 10
}

// round is one of the times of day at which residents are checked.
type round struct {
	starts scalar.LocalTime
	kind   roundKind
}

type roundKind int

const (
	morningRound roundKind = iota
	eveningRound
	nightRound
)

func checkRounds() []round {
	return []round{{hm(745), morningRound}, {hm(1830), eveningRound}, {hm(2250), nightRound}}
}

// due reports whether d is checked in the round.
func (d *dweller) due(kind roundKind, severity float64) bool {
	c := &d.course
	switch kind {
	case morningRound:
		return odds(c.r, 93+100*severity)
	case eveningRound:
		if d.interval <= 12 {
			return odds(c.r, 92)
		}
		return odds(c.r, 32+140*severity)
	}
	return severity > 0.3 && odds(c.r, 60)
}

// check is a check of d in a round at t.
func (d *dweller) check(row *ent.WellnessCreate, kind roundKind, t time.Time) {
	c, ill := &d.course, d.severity(t)
	r := c.r
	row.SetMood(c.whole(mood, ill, 1, 5)).SetEnergy(c.whole(energy, ill, 1, 10))
	if ill > 0.4 {
		row.SetKind(wellness.KindEscalation)
	}
	d.checkPain(row, ill, 65)
	sets := 15.0
	switch kind {
	case morningRound:
		sets = 60
		row.SetSleepMinutes(5 * (c.whole(sleep, ill, 90, 660) / 5)).SetSleepQuality(bound(int(math.Round(c.value(sleep, ill)/100)), 1, 5))
		if odds(r, 75) {
			row.SetAppetite(5 * (c.whole(appetite, ill, 0, 100) / 5))
		}
		if d.has(diabetes) && odds(r, 70) || d.has(onInsulin) {
			row.SetBloodGlucose(c.tenths(glucose, ill, 3.2, 22))
		}
	case eveningRound:
		row.SetFeelings(d.feelings(ill)).SetFluidIntakeMl(50 * bound(int(about(r, 26-8*ill, 4)), 6, 45))
		if odds(r, 75) {
			row.SetAppetite(5 * (c.whole(appetite, ill, 0, 100) / 5))
		}
		if d.has(onInsulin) {
			row.SetBloodGlucose(c.tenths(glucose, ill, 3.2, 22))
		}
		if odds(r, 35) {
			row.SetBristolStool(bound(int(math.Round(about(r, 3.6, 1.1))), 1, 7))
		}
	}
	if odds(r, sets+200*ill) {
		d.vitals(row, ill)
	}
	if odds(r, 14+60*ill) {
		row.SetNotes(d.remarkOn(kind, t, ill))
	}
}

// vitals is one whole set of vital signs.
func (d *dweller) vitals(row *ent.WellnessCreate, ill float64) {
	c := &d.course
	upper := c.whole(systolic, ill, 84, 210)
	row.SetSystolic(upper).SetDiastolic(bound(c.whole(diastolic, ill, 40, 115), 40, upper-20)).
		SetPulse(c.whole(pulse, ill, 44, 150)).SetRespiratoryRate(c.whole(breaths, ill, 10, 34)).
		SetTemperature(c.tenths(temperature, ill, 35, 40)).SetSpo2(c.whole(saturation, ill, 80, 100)).SetOnOxygen(d.onOxygen)
	if d.onOxygen {
		row.SetOxygenLitresPerMin(scalar.Whole(3) / 2)
	}
	alertness := wellness.ConsciousnessAlert
	if ill > 0.5 && d.has(dementia) && odds(c.r, 40) {
		alertness = wellness.ConsciousnessNewConfusion
	}
	row.SetConsciousness(alertness)
}

// checkPain asks for the pain, or looks for its signs where it cannot be told.
func (d *dweller) checkPain(row *ent.WellnessCreate, ill, percent float64) {
	if !odds(d.course.r, percent) {
		return
	}
	score := d.course.whole(pain, ill, 0, 10)
	if !d.has(dementia) || d.index%2 == 0 {
		row.SetPainNrs(score)
		return
	}
	items := make([]int, 6)
	for left := score; left > 0; left-- {
		if i := d.course.r.IntN(6); items[i] < 3 {
			items[i]++
		}
	}
	row.SetAbbeyItems(items)
}

func (d *dweller) feelings(ill float64) []schema.Feeling {
	r := d.course.r
	low := []schema.Feeling{"SAD", "LONELY", "ANXIOUS", "APATHETIC"}
	if d.has(dementia) {
		low = append(low, "CONFUSED", "AFRAID", "ANGRY")
	}
	if d.course.value(mood, ill) < 3 {
		return []schema.Feeling{pick(r, low)}
	}
	if odds(r, 20) {
		return []schema.Feeling{"HAPPY", "CALM"}
	}
	return []schema.Feeling{pick(r, []schema.Feeling{"HAPPY", "CALM", "CALM"})}
}

// remarkOn is what a carer writes beside a check.
func (d *dweller) remarkOn(kind roundKind, t time.Time, ill float64) string {
	r := d.course.r
	switch low := d.course.value(mood, ill) < 2.6; {
	case ill > 0.25:
		return pick(r, map[string][]string{
			"Chest infection":         {"Coughing a lot, tired.", "Short of breath when walking to the bathroom.", "Stayed in bed, drank some broth.", "Cough is looser today."},
			"Urinary tract infection": {"Says it burns when passing water.", "Up many times in the night.", "More muddled than usual, offered fluids every hour.", "Urine dark; fluids offered."},
			"A cold":                  {"Runny nose, asked to rest.", "Hoarse and tired.", "Sneezing; stayed in the room for lunch."},
		}[d.ails(t)])
	case kind == nightRound:
		return pick(r, []string{"Asleep at each look.", "Awake, had a glass of milk.", "Called twice for the toilet."})
	case low:
		return pick(r, []string{"Quiet, did not want to come down.", "Cried a little, asked for the family.", "Misses home; we talked for a while.",
			"Sat alone all afternoon.", "Did not want to be washed today."})
	case kind == morningRound:
		return pick(r, []string{"Slept well, in good spirits.", "Up early and dressed without help.", "Ate all of breakfast.", "Woke twice, rested now.",
			"A little stiff this morning.", "Chatted about the news.", "Needed help with buttons.", "Walked to the dining room with the frame."})
	}
	return pick(r, []string{"Daughter visited after lunch.", "Enjoyed the music.", "Watched the football with the others.", "Ate well, asked for seconds.",
		"Went for a turn in the garden.", "Played cards until supper.", "Talked with a grandchild on the phone.", "Tired after the exercises.", "Helped to lay the tables."})
}
