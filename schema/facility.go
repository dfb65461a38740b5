package schema

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Facility is a home: its name, its clocks, and the day's shape.
type Facility struct{ ent.Schema }

// Period is a part of the home's day. It may wrap midnight; then it belongs to
// the date on which it begins.
type Period struct {
	Code  string           `json:"code"`
	Label string           `json:"label"`
	From  scalar.LocalTime `json:"from"`
	To    scalar.LocalTime `json:"to"`
}

// minutes is the length of p, which is never zero: 08:00 to 08:00 is a day.
func (p Period) minutes() int {
	if n := int(p.To-p.From+minutesPerDay) % minutesPerDay; n > 0 {
		return n
	}
	return minutesPerDay
}

const minutesPerDay = 24 * 60

// Mixin gives what every table has.
func (Facility) Mixin() []ent.Mixin { return []ent.Mixin{record{kind: nodeid.Facility}} }

// Fields of a home. The default windows are those of homes that use Carerealm.
func (Facility) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Validate(line(120)).Annotations(orderKey("NAME")).
			Annotations(isOpen).Comment("Name of the home, such as \"Casa del Sol\"."),
		field.String("time_zone").Validate(zone).
			Annotations(isOpen).Comment("IANA time zone of the home's clocks, such as \"Europe/Madrid\"."),
		field.JSON("rounds", []Period{}).Optional().Annotations(graphType("[Period!]")).
			Annotations(isOpen).Comment("Medication rounds of the day; they may wrap midnight and do not overlap."),
		field.JSON("shifts", []Period{}).Optional().Annotations(graphType("[Period!]")).
			Annotations(isOpen).Comment("Shifts of the day; together they cover 24 hours without overlap."),
		field.Int("window_before_minutes").Default(30).Validate(between(0, 720)).
			Annotations(isOpen).Comment("Minutes before its time from which a dose may be given, 0 to 720."),
		field.Int("window_after_minutes").Default(120).Validate(between(0, 720)).
			Annotations(isOpen).Comment("Minutes after its time until which a dose may be given, 0 to 720."),
		field.Int("news2_window_minutes").StorageKey("news2_window_minutes").Default(30).Validate(between(5, 120)).
			Annotations(isOpen).Comment("Minutes within which vital signs count as one set for NEWS2, 5 to 120."),
	}
}

// Indexes for the orders of lists.
func (Facility) Indexes() []ent.Index { return []ent.Index{index.Fields("name")} }

// Annotations of the type.
func (Facility) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("A home: its name, its clocks and the shape of its day.")}
}

func zone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return fmt.Errorf("must be an IANA time zone such as %q", "Europe/Madrid")
	}
	return nil
}

func facilityRules(_ context.Context, v Values) []Violation {
	var f findings
	rounds, _ := get[[]Period](v, "rounds")
	f.check(periodsApart(rounds) == "", "rounds", periodsApart(rounds))
	shifts, _ := get[[]Period](v, "shifts")
	f.check(periodsApart(shifts) == "", "shifts", periodsApart(shifts))
	if len(shifts) > 0 && periodsApart(shifts) == "" {
		total := 0
		for _, shift := range shifts {
			total += shift.minutes()
		}
		f.check(total == minutesPerDay, "shifts", "must cover the 24 hours of the day")
	}
	return f
}

// periodsApart tells what is wrong with a list of periods, or nothing.
func periodsApart(periods []Period) string {
	codes := map[string]bool{}
	var taken [minutesPerDay]bool
	for _, p := range periods {
		if strings.TrimSpace(p.Code) == "" || strings.TrimSpace(p.Label) == "" || len(p.Code) > 40 || len(p.Label) > 120 {
			return "must each have a code of at most 40 and a label of at most 120 characters"
		}
		if codes[p.Code] {
			return fmt.Sprintf("must have different codes; %q stands twice", p.Code)
		}
		codes[p.Code] = true
		for i := range p.minutes() {
			minute := (int(p.From) + i) % minutesPerDay
			if taken[minute] {
				return fmt.Sprintf("must not overlap; %q overlaps another", p.Code)
			}
			taken[minute] = true
		}
	}
	return ""
}
