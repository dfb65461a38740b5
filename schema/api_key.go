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
	"carehome/internal/scalar"
)

// APIKey is a secret with which a program, or a person, asks in the name of a
// staff user. Never deleted, only revoked: what was done with it stays told.
type APIKey struct{ ent.Schema }

// Mixin gives what every table has.
func (APIKey) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.APIKey, unchanging: true, trace: "last_used_at"}}
}

// Fields of a key.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("staff_user_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("In whose name it asks."),
		field.String("name").Immutable().Validate(line(120)).Annotations(orderKey("NAME")).
			Annotations(isOpen).Comment("What it is for, such as \"Medication tablet, first floor\"; 1 to 120 characters."),
		field.String("prefix").Immutable().Unique().Annotations(readOnly).
			Annotations(isOpen).Comment("How the secret begins, to tell keys apart, such as \"carehome_k3v7qd2a\"."),
		field.Bytes("hash").Immutable().Sensitive().Annotations(hidden).
			Annotations(isOpen).Comment("SHA-256 of the secret, which is kept nowhere. The secret is 256 bits of chance, so that nobody can go through all."),
		choices(field.Enum("scope"),
			"FULL Whatever its staff user may do.",
			"READ_ONLY Only read what its staff user may read.",
		).Default("FULL").Immutable().Annotations(isOpen).Comment("What it may be used for."),
		instant(field.Time("expires_at")).Optional().Nillable().Immutable().
			Annotations(isOpen).Comment("From when on it is refused; null if it never expires."),
		instant(field.Time("last_used_at")).Optional().Nillable().Annotations(readOnly).
			Annotations(isOpen).Comment("When it was last used, to about a minute; null if never."),
		instant(field.Time("revoked_at")).Optional().Nillable().Annotations(readOnly).
			Annotations(isOpen).Comment("Since when it is revoked; null if it is not."),
	}
}

// Edges of a key.
func (APIKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("staff_user", StaffUser.Type).Ref("api_keys").Unique().Required().Immutable().Field("staff_user_id").
			Comment("In whose name it asks."),
	}
}

// Indexes for a person's keys and the orders of lists.
func (APIKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("staff_user_id"), index.Fields("name")}
}

// Annotations of the type.
func (APIKey) Annotations() []schema.Annotation {
	return []schema.Annotation{
		graphType("ApiKey"),
		exposure{MutationInputs: []inputShape{{IsCreate: true}}},
		entsql.Table("api_keys"),
		schema.Comment("A secret with which a program, or a person, asks in the name of a staff user; never deleted, only revoked."),
	}
}

func apiKeyRules(ctx context.Context, v Values) []Violation {
	var f findings
	expires, set := get[scalar.Time](v, "expires_at")
	f.check(!v.Creating() || !set || scalar.Now(ctx).Before(expires.Time), "expires_at", "must lie in the future")
	return f
}
