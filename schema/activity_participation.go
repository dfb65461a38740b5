package schema

import (
	"context"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// ActivityParticipation is a resident's part in one occasion of an activity.
type ActivityParticipation struct{ ent.Schema }

// Mixin gives what every table has.
func (ActivityParticipation) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.ActivityParticipation}, clinical{void: "status"}}
}

// Fields of a participation.
func (ActivityParticipation) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("activity_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("In what."),
		field.Int64("resident_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Who."),
		date(field.Time("occurrence_date")).Immutable().Annotations(orderKey("OCCURRENCE_DATE")).
			Annotations(isOpen).Comment("Local date of the occasion."),
		choices(field.Enum("status"),
			"INVITED Invited, no answer yet.", "CONFIRMED Will come.", "DECLINED Does not want to come.",
			"WAITLISTED Would come, no place yet.", "ATTENDED Came.", "NO_SHOW Said yes and did not come.",
			"CANCELLED The occasion was cancelled.", "ENTERED_IN_ERROR Should never have been recorded.",
		).Default("INVITED").Annotations(isOpen).Comment("Where the invitation stands."),
		field.Int("engagement").Optional().Nillable().Validate(between(1, 3)).
			Annotations(isClinical).Comment("How much the resident took part, 1 (little) to 3 (fully); null if not known."),
		field.Int("minutes").Optional().Nillable().Validate(between(0, 2880)).
			Annotations(isClinical).Comment("Minutes the resident stayed, 0 to twice the activity's duration; null if not known."),
		field.String("reason_declined").Optional().Nillable().Validate(line(200)).
			Annotations(isNotes).Comment("Why the resident did not want to come."),
		field.Int("mood_before").Optional().Nillable().Validate(between(1, 5)).
			Annotations(isClinical).Comment("Mood before, 1 (very low) to 5 (very good)."),
		field.Int("mood_after").Optional().Nillable().Validate(between(1, 5)).
			Annotations(isClinical).Comment("Mood after, 1 (very low) to 5 (very good)."),
		field.String("note").Optional().Nillable().Validate(text(1000)).
			Annotations(isNotes).Comment("Free text, at most 1000 characters."),
		field.Int64("recorded_by_id").GoType(nodeid.ID(0)).Optional().Nillable().Annotations(hidden).
			Annotations(isOpen).Comment("Who recorded it; null for the system."),
	}
}

// Edges of a participation.
func (ActivityParticipation) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("activity", Activity.Type).Ref("participations").Unique().Required().Immutable().Field("activity_id").
			Comment("In what."),
		edge.From("resident", Resident.Type).Ref("participations").Unique().Required().Immutable().Field("resident_id").
			Comment("Who."),
		edge.To("recorded_by", StaffUser.Type).Unique().Field("recorded_by_id").
			Annotations(entsql.OnDelete(entsql.Restrict), readOnly).
			Comment("Who recorded it; null for the system."),
	}
}

// Indexes allow one participation per occasion and resident.
func (ActivityParticipation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("activity_id", "occurrence_date", "resident_id").Unique().StorageKey("participation_one_per_occasion").
			Annotations(entsql.IndexWhere("status <> 'ENTERED_IN_ERROR'")),
		index.Fields("resident_id", "occurrence_date"),
		index.Fields("activity_id", "occurrence_date"),
		index.Fields("occurrence_date"),
	}
}

// Hooks name who recorded it.
func (ActivityParticipation) Hooks() []ent.Hook { return []ent.Hook{recorded("")} }

// Annotations of the type.
func (ActivityParticipation) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("A resident's part in one occasion of an activity.")}
}

func participationRules(_ context.Context, v Values) []Violation {
	var f findings
	status := choice(v, "status")
	f.check(status == "DECLINED" || !has(v, "reason_declined"), "reason_declined", "is only for DECLINED")
	came := status == "ATTENDED" || status == enteredInError
	f.check(came || !has(v, "minutes"), "minutes", "is only for ATTENDED")
	f.check(came || !has(v, "engagement"), "engagement", "is only for ATTENDED")
	return f
}
