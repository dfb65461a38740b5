package schema

import (
	"context"
	"errors"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// AuditEvent is one thing that somebody did. The store writes the events, in the
// transaction of what they tell of; nobody else does, and nobody changes them.
type AuditEvent struct{ ent.Schema }

// Fields of an event. There are neither times of making and changing nor a
// version, as an event is written once.
func (AuditEvent) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").GoType(nodeid.ID(0)).Immutable().Annotations(orderKey("ID")).
			Annotations(isOpen).Comment("Opaque identity, such as \"aud_17\". Its number is the event's place in the chain."),
		instant(field.Time("at")).Immutable().Annotations(orderKey("AT")).
			Annotations(isOpen).Comment("When, by the server's clock."),
		choices(field.Enum("action"),
			"CREATE A row was made.",
			"UPDATE A row was changed.",
			"DELETE A row was removed.",
			"CORRECT A clinical fact that was wrong was changed.",
			"VOID A clinical fact was marked as entered in error.",
			"BASELINE A row as it was when the chain began.",
			"MIGRATE A row as a new version of the program has made it.",
			"BREAK_GLASS Somebody began to read what their role hides, in an emergency.",
			"READ A resident's clinical data were read.",
			"START The server was started.",
			"STOP The server was stopped in order: all that was read until then is on record.",
			"GAP Something that was read is not on record here; reason says what is known of it.",
			"LOGIN Somebody said who they are and was let in.",
			"REFUSED Somebody said who they are and was not let in.",
		).Immutable().Annotations(isOpen).Comment("What was done."),
		field.Int64("actor_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Annotations(hidden).
			Annotations(isAdmin).Comment("Who did it; null for the program itself."),
		choices(field.Enum("role"),
			"ADMIN Runs the home's system and sees everything.",
			"MANAGER Leads the home.",
			"NURSE Gives and prescribes care.",
			"CARER Gives care.",
			"ACTIVITY_COORDINATOR Plans activities.",
			"REPORTING Reads what reports need.",
			"FAMILY Sees the residents linked to them, with consent.",
			"SYSADMIN Runs the machine; sees no clinical data.",
		).Optional().Nillable().Immutable().
			Annotations(isAdmin).Comment("The actor's role at that time; null for the program itself."),
		field.Int64("key_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Annotations(graphType("ID")).
			Annotations(isAdmin).Comment("The API key that the actor came with; null without one."),
		field.Int64("entity_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Annotations(graphType("ID")).
			Annotations(isAdmin).Comment("The row that was made, changed or removed; null for what was only read."),
		field.String("residents").GoType(nodeid.Residents{}).Optional().Immutable().Annotations(hidden).
			Annotations(isAdmin).Comment("Whom it is about."),
		field.Int("entity_version").Optional().Nillable().Immutable().Annotations(leftOut(fromWhere)).
			Annotations(isAdmin).Comment("The row's version after the change; null where there is none."),
		digest(field.Bytes("before")).Immutable().Optional().Nillable().
			Annotations(isAdmin).Comment("The digest of the row before the change; null for a new one."),
		digest(field.Bytes("after")).Immutable().Optional().Nillable().
			Annotations(isAdmin).Comment("The digest of the row after the change; null for one that was removed."),
		field.String("reason").Optional().Nillable().Immutable().
			Annotations(isNotes).Comment("Why, where it was said."),
		field.String("request_id").Optional().Nillable().Immutable().
			Annotations(isAdmin).Comment("The id of the request, as in the answer's headers and the log."),
		field.String("operation").Optional().Nillable().Immutable().
			Annotations(isAdmin).Comment("The mutation, the query's name, or the command, such as \"updateWellness\"."),
		digest(field.Bytes("previous")).Immutable().
			Annotations(isAdmin).Comment("The hash of the event before; zeros for the first."),
		digest(field.Bytes("hash")).Immutable().
			Annotations(isAdmin).Comment("The hash of this event, in which that of the one before stands: as carehome audit export writes both."),
	}
}

// Edges of an event.
func (AuditEvent) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("actor", StaffUser.Type).Unique().Field("actor_id").Immutable().
			Annotations(entsql.OnDelete(entsql.Restrict)).
			Comment("Who did it; null for the program itself."),
	}
}

// Indexes for the filters of lists. Most events are reads, which are of no row.
func (AuditEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("at"),
		index.Fields("actor_id").Annotations(entsql.IndexWhere("actor_id IS NOT NULL")),
		index.Fields("entity_id").Annotations(entsql.IndexWhere("entity_id IS NOT NULL")),
		index.Fields("action").Annotations(entsql.IndexWhere("action IN ('START', 'STOP')")),
	}
}

// Policy gives to each role what the table says.
func (AuditEvent) Policy() ent.Policy { return policy{nodeid.AuditEvent} }

// Hooks refuse every change.
func (AuditEvent) Hooks() []ent.Hook {
	return []ent.Hook{func(ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) {
			return nil, errors.New("events are written by the store alone")
		})
	}}
}

// Annotations of the type.
func (AuditEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{
		Carehome{Subjects: true},
		exposure{RelayConnection: true, MultiOrder: true, QueryField: &queryField{}},
		entsql.IncrementStart(int(nodeid.AuditEvent.Start())),
		entsql.WithComments(false),
		schema.Comment("One thing that somebody did: a change of a row, or the reading of a resident's clinical data. Events are never changed; each carries the hash of the one before."),
	}
}
