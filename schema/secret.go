package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Secret is something that the server keeps for itself, made by chance at its
// first start, so that it is the same after the next. No part of the graph.
type Secret struct{ ent.Schema }

// Fields of a secret.
func (Secret) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Annotations(hidden).
			Comment("What it is for."),
		field.Bytes("value").Immutable().Sensitive().Annotations(hidden).
			Comment("The secret."),
	}
}

// Policy keeps it from everybody.
func (Secret) Policy() ent.Policy { return systemOnly{} }

// Annotations of the type.
func (Secret) Annotations() []schema.Annotation {
	return []schema.Annotation{hidden, schema.Comment("Something that the server keeps for itself.")}
}
