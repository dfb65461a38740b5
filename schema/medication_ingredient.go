package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
)

// MedicationIngredient is an active substance of a product.
type MedicationIngredient struct{ ent.Schema }

// Mixin gives what every table has.
func (MedicationIngredient) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.MedicationIngredient}}
}

// Fields of an ingredient.
func (MedicationIngredient) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("medication_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Which product it is in."),
		field.String("substance").Validate(text(120)).Validate(shaped(slug, "paracetamol")).
			Annotations(orderKey("SUBSTANCE")).
			Annotations(isOpen).Comment("Substance as a slug, such as \"paracetamol\"."),
		decimal(field.Int64("amount_per_unit")).Validate(decimalBetween("0.0001", "1000000", 4)).
			Annotations(isOpen).Comment("Amount in one unit of the product, above 0, in amountUnit."),
		choices(field.Enum("amount_unit"),
			"MG Milligram, UCUM mg.", "UG Microgram, UCUM ug.", "G Gram, UCUM g.", "IU International unit, UCUM [iU].", "ML Millilitre, UCUM mL.",
		).Annotations(isOpen).Comment("Unit of amountPerUnit."),
	}
}

// Edges of an ingredient.
func (MedicationIngredient) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("medication", Medication.Type).Ref("ingredients").Unique().Required().Immutable().Field("medication_id").
			Comment("Which product it is in."),
	}
}

// Indexes hold each substance once in a product.
func (MedicationIngredient) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("medication_id", "substance").Unique(),
		index.Fields("substance"),
	}
}

// Annotations of the type.
func (MedicationIngredient) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("An active substance of a product and its amount in one unit.")}
}
