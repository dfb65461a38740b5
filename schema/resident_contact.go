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

// ResidentContact is somebody to call about a resident (FHIR RelatedPerson).
type ResidentContact struct{ ent.Schema }

// Mixin gives what every table has.
func (ResidentContact) Mixin() []ent.Mixin { return []ent.Mixin{record{kind: nodeid.ResidentContact}} }

// Fields of a contact.
func (ResidentContact) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("resident_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Whose contact this is."),
		field.String("name").Validate(line(120)).Annotations(orderKey("NAME")).
			Annotations(isPersonal.shownAs("Contact %d")).Comment("Name of the contact, 1 to 120 characters."),
		choices(field.Enum("relationship"),
			"SPOUSE Husband, wife or partner.", "CHILD Son or daughter.", "SIBLING Brother or sister.",
			"GUARDIAN Legal guardian.", "FRIEND Friend.", "GP General practitioner.",
			"PHARMACY Pharmacy.", "OTHER Somebody else.",
		).Annotations(isOpen).Comment("What the contact is to the resident."),
		field.String("phone").Optional().Nillable().Validate(shaped(`^\+?[0-9 ()-]{6,20}$`, "+34 600 123 456")).
			Annotations(isPersonal).Comment("Telephone number, such as \"+34 600 123 456\"; phone or email is needed."),
		field.String("email").Optional().Nillable().Validate(text(254)).Validate(shaped(`^[^@\s]+@[^@\s]+$`, "ana@example.org")).
			Annotations(isPersonal).Comment("Email address; phone or email is needed."),
		field.Bool("is_primary").Default(false).
			Annotations(isOpen).Comment("Whether this is the one to call first; one per resident."),
		field.Bool("is_family_portal").Default(false).
			Annotations(isOpen).Comment("Whether this person may sign in to see the resident, given consent."),
		field.Int64("portal_user_id").GoType(nodeid.ID(0)).Optional().Nillable().Annotations(hidden, isAdmin).
			Comment("Who this person is when signed in."),
	}
}

// Edges of a contact.
func (ResidentContact) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("resident", Resident.Type).Ref("contacts").Unique().Required().Immutable().Field("resident_id").
			Comment("Whose contact this is."),
		edge.To("portal_user", StaffUser.Type).Unique().Field("portal_user_id").
			Annotations(entsql.OnDelete(entsql.Restrict)).
			Comment("Who this person is when signed in, of the role FAMILY; sees the resident while isFamilyPortal is true and the resident consents."),
	}
}

// Indexes allow one primary contact per resident.
func (ResidentContact) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("resident_id"),
		index.Fields("resident_id", "is_primary").Unique().StorageKey("residentcontact_one_primary").
			Annotations(entsql.IndexWhere("is_primary")),
		index.Fields("portal_user_id"),
		index.Fields("name"),
	}
}

// Annotations of the type.
func (ResidentContact) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("Somebody to call about a resident (FHIR RelatedPerson).")}
}

func residentContactRules(_ context.Context, v Values) []Violation {
	var f findings
	f.check(has(v, "phone") || has(v, "email"), "phone", "must be given unless there is an email address")
	return f
}
