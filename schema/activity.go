package schema

import (
	"context"
	"slices"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Activity is something the home offers, once or in a series (iCalendar VEVENT).
type Activity struct{ ent.Schema }

// Recurrence says when a series repeats, by RFC 5545's RRULE.
type Recurrence struct {
	Frequency Frequency `json:"frequency"`
	Interval  int       `json:"interval"`
	// ByDay are the days of a WEEKLY series.
	ByDay []DayOfWeek `json:"byDay,omitempty"`
	// ByMonthDay are the days of a MONTHLY series, 1 to 31; a month without the
	// day is passed over.
	ByMonthDay []int `json:"byMonthDay,omitempty"`
	// Count and Until exclude each other (RFC 5545 erratum 4414).
	Count *int         `json:"count,omitempty"`
	Until *scalar.Date `json:"until,omitempty"`
}

// Mixin gives what every table has, and the folded title.
func (Activity) Mixin() []ent.Mixin {
	return []ent.Mixin{
		record{kind: nodeid.Activity},
		searchable{columns: []string{"title", "location"}, class: isOpen},
	}
}

// Fields of an activity.
func (Activity) Fields() []ent.Field {
	return []ent.Field{
		field.String("title").Validate(line(120)).Annotations(orderKey("TITLE")).
			Annotations(isOpen).Comment("Title, such as \"Music hour\"; 1 to 120 characters."),
		field.String("description").Optional().Nillable().Validate(text(2000)).
			Annotations(isOpen).Comment("What happens, at most 2000 characters."),
		field.String("location").Optional().Nillable().Validate(line(120)).
			Annotations(isOpen).Comment("Where, such as \"Garden\"."),
		choices(field.Enum("category"),
			"PHYSICAL Exercise.", "COGNITIVE Games of the mind.", "MUSIC Music.", "CREATIVE Arts and crafts.",
			"SOCIAL Company.", "OUTDOOR Out of doors.", "TRIP A trip.", "SPIRITUAL Faith and reflection.",
			"SENSORY For the senses.", "THERAPY Therapy.", "ONE_TO_ONE With one resident.", "OTHER Something else.",
		).Annotations(isOpen).Comment("What sort of activity it is."),
		wallTime(field.Time("starts_at_local")).Annotations(orderKey("STARTS_AT_LOCAL")).
			Annotations(isOpen).Comment("When it (first) starts on the home's clocks, such as \"2026-03-29T10:30\"."),
		field.Int("duration_minutes").Validate(between(5, 1440)).
			Annotations(isOpen).Comment("How long it takes, in minutes, 5 to 1440."),
		field.JSON("recurrence", &Recurrence{}).Optional().Annotations(graphType("Recurrence")).
			Annotations(isOpen).Comment("How it repeats; null for one occasion."),
		field.Int("capacity").Optional().Nillable().Validate(between(1, 500)).
			Annotations(isOpen).Comment("Places, 1 to 500; null for no limit."),
		choices(field.Enum("status"),
			"PLANNED Takes place.", "CANCELLED Does not take place.",
		).Default("PLANNED").Annotations(isOpen).Comment("Whether it takes place."),
	}
}

// Edges of an activity.
func (Activity) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("facilitators", StaffUser.Type).
			Annotations(entsql.OnDelete(entsql.Restrict)).
			Comment("Who leads it."),
		edge.To("exceptions", ActivityException.Type).Annotations(entsql.OnDelete(entsql.Cascade)).
			Comment("Occasions of the series that are moved or cancelled."),
		edge.To("participations", ActivityParticipation.Type).Annotations(connection, entsql.OnDelete(entsql.Restrict)).
			Comment("Who is invited and who came."),
	}
}

// Indexes for the orders and filters of lists.
func (Activity) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("starts_at_local"),
		index.Fields("category"),
		index.Fields("status"),
		index.Fields("title"),
	}
}

// Annotations of the type.
func (Activity) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("Something the home offers to its residents, once or in a series.")}
}

func activityRules(_ context.Context, v Values) []Violation {
	var f findings
	r, ok := get[Recurrence](v, "recurrence")
	if !ok {
		return nil
	}
	const field = "recurrence"
	f.check(r.Frequency.valid(), field, "must have a frequency of DAILY, WEEKLY or MONTHLY")
	f.check(r.Interval >= 1 && r.Interval <= 99, field, "must have an interval from 1 to 99")
	f.check(r.Count == nil || r.Until == nil, field, "must not have both a count and an until date")
	f.check(r.Count == nil || *r.Count >= 1 && *r.Count <= 1000, field, "must have a count from 1 to 1000")
	f.check(len(r.ByDay) == 0 || r.Frequency == Weekly, field, "may have byDay only when WEEKLY")
	f.check(distinct(r.ByDay), field, "must have different days in byDay")
	f.check(len(r.ByMonthDay) == 0 || r.Frequency == Monthly, field, "may have byMonthDay only when MONTHLY")
	f.check(distinct(r.ByMonthDay) && !slices.ContainsFunc(r.ByMonthDay, func(d int) bool { return d < 1 || d > 31 }),
		field, "must have different days from 1 to 31 in byMonthDay")
	if starts, ok := get[scalar.LocalDateTime](v, "starts_at_local"); ok && r.Until != nil {
		f.check(r.Until.Compare(starts.Date) >= 0, field, "must not end before the activity starts")
	}
	return f
}
