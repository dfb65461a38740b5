package schema

import (
	"strings"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// StaffUser is a person who uses the system. Never deleted, only deactivated.
type StaffUser struct{ ent.Schema }

// Mixin gives what every table has.
func (StaffUser) Mixin() []ent.Mixin { return []ent.Mixin{record{kind: nodeid.StaffUser}} }

// Fields of a person.
func (StaffUser) Fields() []ent.Field {
	return []ent.Field{
		field.String("display_name").Validate(line(120)).Annotations(orderKey("DISPLAY_NAME")).
			Annotations(isPersonal.shownAs("Staff %d")).Comment("Name shown to others, such as \"Ana López\"."),
		field.String("email").Validate(text(254)).Validate(shaped(`^[^@\s]+@[^@\s]+$`, "ana@example.org")).
			Annotations(isAdmin.shownAs("staff-%d@hidden.invalid")).Comment("Address for signing in; one person each, whatever the case of its letters."),
		field.String("email_key").Unique().Annotations(hidden).
			Annotations(isAdmin).Comment("The address in lower case."),
		choices(field.Enum("role"),
			"ADMIN Runs the home's system and sees everything.",
			"MANAGER Leads the home.",
			"NURSE Gives and prescribes care.",
			"CARER Gives care.",
			"ACTIVITY_COORDINATOR Plans activities.",
			"REPORTING Reads what reports need.",
			"FAMILY Sees the residents linked to them, with consent.",
			"SYSADMIN Runs the machine; sees no clinical data.",
		).Annotations(isAdmin).Comment("What the person may see and do."),
		field.Bool("active").Default(true).
			Annotations(isAdmin).Comment("False once the person has left; people are never deleted."),
		field.Bool("sees_names").Default(false).
			Annotations(isAdmin).Comment("Whether a person of the role REPORTING sees names and contacts, which that role masks; of no effect for others."),
		instant(field.Time("emergency_until")).Optional().Nillable().Annotations(readOnly).
			Annotations(isPersonal).Comment("Until when the person reads what NURSE reads, or last did, as breakGlass has it; null if never."),
		field.String("subject").Optional().Nillable().Unique().Validate(line(255)).
			Annotations(isAdmin).Comment("Who the person is at the home's identity provider (the claim \"sub\" of its tokens); if null, a verified email address tells."),
	}
}

// Edges of a person.
func (StaffUser) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("activities", Activity.Type).Ref("facilitators").Annotations(connection, readOnly).
			Comment("Activities that the person leads."),
		edge.To("api_keys", APIKey.Type).Annotations(connection, readOnly, entsql.OnDelete(entsql.Restrict)).
			Comment("Keys that ask in the person's name."),
	}
}

// Indexes for the orders of lists.
func (StaffUser) Indexes() []ent.Index { return []ent.Index{index.Fields("display_name")} }

// Hooks keep the folded address.
func (StaffUser) Hooks() []ent.Hook {
	return []ent.Hook{derive("email_key", []string{"email"}, func(texts []string) any {
		return strings.ToLower(texts[0])
	})}
}

// Annotations of the type.
func (StaffUser) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("A person who uses the system: staff, a relative, or a reporting tool.")}
}
