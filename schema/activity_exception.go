package schema

import (
	"context"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// ActivityException moves or cancels one occasion of a series (iCalendar EXDATE
// and RECURRENCE-ID).
type ActivityException struct{ ent.Schema }

// Mixin gives what every table has.
func (ActivityException) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.ActivityException}}
}

// Fields of an exception.
func (ActivityException) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("activity_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Which series it is of."),
		date(field.Time("original_date")).Immutable().Annotations(orderKey("ORIGINAL_DATE")).
			Annotations(isOpen).Comment("Local date on which the series had the occasion."),
		field.Bool("cancelled").Default(false).
			Annotations(isOpen).Comment("Whether the occasion does not take place; else at least one of the new values is given."),
		wallTime(field.Time("new_starts_at_local")).Optional().Nillable().
			Annotations(isOpen).Comment("When it starts instead, on the home's clocks."),
		field.Int("new_duration_minutes").Optional().Nillable().Validate(between(5, 1440)).
			Annotations(isOpen).Comment("How long it takes instead, in minutes, 5 to 1440."),
		field.String("new_location").Optional().Nillable().Validate(line(120)).
			Annotations(isOpen).Comment("Where it is instead."),
	}
}

// Edges of an exception.
func (ActivityException) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("activity", Activity.Type).Ref("exceptions").Unique().Required().Immutable().Field("activity_id").
			Comment("Which series it is of."),
	}
}

// Indexes allow one exception per occasion.
func (ActivityException) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("activity_id", "original_date").Unique(),
		index.Fields("original_date"),
	}
}

// Annotations of the type.
func (ActivityException) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("An occasion of a series that is moved or cancelled.")}
}

func activityExceptionRules(_ context.Context, v Values) []Violation {
	var f findings
	moved := has(v, "new_starts_at_local") || has(v, "new_duration_minutes") || has(v, "new_location")
	f.check(isTrue(v, "cancelled") != moved, "cancelled", "must be true, or a new start, duration or location given instead")
	return f
}
