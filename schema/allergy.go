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

// Allergy is an allergy or intolerance of a resident (FHIR AllergyIntolerance).
type Allergy struct{ ent.Schema }

// slug is how substances and drug classes are written.
const slug = `^[a-z0-9]+(-[a-z0-9]+)*$`

// Mixin gives what every table has.
func (Allergy) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.Allergy}, clinical{void: "verification"}, imported{}}
}

// Fields of an allergy.
func (Allergy) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("resident_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Whose allergy this is."),
		field.String("substance").Optional().Nillable().Validate(text(120)).Validate(shaped(slug, "amoxicillin")).
			Annotations(isClinical).Comment("Substance as a slug, such as \"amoxicillin\", matched with a medication's ingredients; substance or drugClass is needed."),
		field.String("drug_class").Optional().Nillable().Validate(text(120)).Validate(shaped(slug, "penicillin")).
			Annotations(isClinical).Comment("Class of drugs as a slug, such as \"penicillin\"; substance or drugClass is needed."),
		field.String("display").Validate(line(200)).Annotations(orderKey("DISPLAY")).
			Annotations(isClinical).Comment("What is shown, such as \"Penicillin (rash)\"."),
		choices(field.Enum("category"),
			"MEDICATION A medicine.", "FOOD A food.", "ENVIRONMENT Something around, such as pollen.", "BIOLOGIC A biological product, such as a vaccine.",
		).Annotations(isClinical).Comment("What sort of thing it is an allergy to."),
		choices(field.Enum("type"),
			"ALLERGY An immune reaction.", "INTOLERANCE Not an immune reaction.",
		).Default("ALLERGY").Annotations(isClinical).Comment("Allergy or intolerance."),
		choices(field.Enum("criticality"),
			"LOW Not likely to endanger life.", "HIGH May endanger life.", "UNABLE_TO_ASSESS Not known.",
		).Default("UNABLE_TO_ASSESS").Annotations(isClinical).Comment("How dangerous a reaction may be."),
		choices(field.Enum("verification"),
			"UNCONFIRMED Reported, not confirmed.", "CONFIRMED Confirmed.", "REFUTED Shown not to be so.",
			"ENTERED_IN_ERROR Should never have been recorded.",
		).Default("UNCONFIRMED").Annotations(isClinical).Comment("How sure it is."),
		choices(field.Enum("clinical_status"),
			"ACTIVE Present.", "INACTIVE Not present for now.", "RESOLVED Gone.",
		).Default("ACTIVE").Annotations(isClinical).Comment("Whether it is present."),
		field.String("reaction").Optional().Nillable().Validate(text(500)).
			Annotations(isClinical).Comment("What happens, such as \"hives\"; at most 500 characters."),
		date(field.Time("onset_on")).Optional().Nillable().
			Annotations(isClinical).Comment("When it was first seen."),
	}
}

// Edges of an allergy.
func (Allergy) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("resident", Resident.Type).Ref("allergies").Unique().Required().Immutable().Field("resident_id").
			Comment("Whose allergy this is."),
	}
}

// Indexes allow one active allergy per resident and substance.
func (Allergy) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("resident_id", "clinical_status"),
		index.Fields("resident_id", "substance").Unique().StorageKey("allergy_one_active").
			Annotations(entsql.IndexWhere("clinical_status = 'ACTIVE' AND verification NOT IN ('REFUTED', 'ENTERED_IN_ERROR')")),
		index.Fields("display"),
	}
}

// Annotations of the type.
func (Allergy) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("An allergy or intolerance of a resident (FHIR AllergyIntolerance).")}
}

func allergyRules(_ context.Context, v Values) []Violation {
	var f findings
	f.check(has(v, "substance") || has(v, "drug_class"), "substance", "must be given unless there is a drug class")
	return f
}
