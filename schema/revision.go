package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// Revision is a clinical fact as it was before a change: nothing is ever
// rewritten in silence. createdBy and createdAt say who changed it and when.
type Revision struct{ ent.Schema }

// Mixin gives what every table has.
func (Revision) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.Revision, unchanging: true}}
}

// Fields of a revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("entity_id").GoType(nodeid.ID(0)).Immutable().Annotations(graphType("ID")).
			Annotations(isOpen).Comment("Which row was changed."),
		field.Int("entity_version").Immutable().
			Annotations(isOpen).Comment("The version that the content was."),
		field.JSON("content", json.RawMessage{}).Immutable().Annotations(graphType("JSON")).
			Annotations(isOpen.contentOf("entity_id")).Comment("The row as it was before the change, as a JSON object."),
		field.String("reason").Optional().Nillable().Immutable().Validate(text(500)).
			Annotations(isNotes).Comment("Why it was changed."),
	}
}

// Indexes hold each version of a row once.
func (Revision) Indexes() []ent.Index {
	return []ent.Index{index.Fields("entity_id", "entity_version").Unique()}
}

// Annotations of the type.
func (Revision) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("A clinical fact as it was before a change; who changed it and when stand in createdBy and createdAt.")}
}
