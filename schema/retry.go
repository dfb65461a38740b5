package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// Retry is a mutation that carried an idempotencyKey, kept in its transaction for a
// day, so that whoever sends it again is told of the same row. No part of the graph.
type Retry struct{ ent.Schema }

// Fields of it.
func (Retry) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Annotations(hidden).
			Comment("Who asked, and the key: the same key of two people is two."),
		field.Bytes("request").Immutable().Annotations(hidden).
			Comment("SHA-256 of what was asked, without the key."),
		field.Int64("entity_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Comment("The row that it came to."),
		instant(field.Time("at")).Immutable().Annotations(hidden).
			Comment("When."),
	}
}

// Indexes for those that are old.
func (Retry) Indexes() []ent.Index { return []ent.Index{index.Fields("at")} }

// Policy keeps it from everybody.
func (Retry) Policy() ent.Policy { return systemOnly{} }

// Annotations of the type.
func (Retry) Annotations() []schema.Annotation {
	return []schema.Annotation{hidden, entsql.Table("retries"), schema.Comment("A mutation that carried an idempotencyKey.")}
}
