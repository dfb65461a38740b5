package schema

import (
	"context"
	"strings"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Medication is a product of the home's catalogue (FHIR Medication).
type Medication struct{ ent.Schema }

// Mixin gives what every table has, and the folded names.
func (Medication) Mixin() []ent.Mixin {
	return []ent.Mixin{
		record{kind: nodeid.Medication},
		searchable{columns: []string{"name", "generic_name", "code"}, class: isOpen},
	}
}

// Fields of a product.
func (Medication) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Validate(line(200)).Annotations(orderKey("NAME")).
			Annotations(isOpen).Comment("Name of the product, such as \"Paracetamol 500 mg tablets\"; unique with strength and form."),
		field.String("name_key").Unique().Annotations(hidden).
			Annotations(isOpen).Comment("Name, strength and form without accents and case."),
		field.String("generic_name").Optional().Nillable().Validate(line(200)).
			Annotations(isOpen).Comment("International non-proprietary name, such as \"paracetamol\"."),
		field.String("code").Optional().Nillable().Validate(line(64)).
			Annotations(isOpen).Comment("Code of the product in codeSystem; both or none."),
		field.String("code_system").Optional().Nillable().Validate(line(120)).
			Annotations(isOpen).Comment("System of the code: ATC, SNOMED, RxNorm or CN (Spain), as a name or URI."),
		choices(field.Enum("form"),
			"TABLET Tablet.", "CAPSULE Capsule.", "ORAL_LIQUID Liquid to swallow.", "DROPS Drops.",
			"INJECTION Injection.", "PATCH Patch.", "INHALER Inhaler.", "CREAM Cream or ointment.",
			"SUPPOSITORY Suppository.", "SACHET Sachet.", "OTHER Another form.",
		).Annotations(isOpen).Comment("Form of the product."),
		choices(field.Enum("unit"), unitsCounted...).
			Annotations(isOpen).Comment("The unit that is counted when it is given."),
		field.String("strength_text").Optional().Nillable().Validate(line(60)).
			Annotations(isOpen).Comment("Strength as it is shown, such as \"500 mg\"."),
		field.Bool("is_controlled").Default(false).Annotations(orderKey("IS_CONTROLLED")).
			Annotations(isOpen).Comment("Whether it is a controlled drug."),
		field.Bool("requires_witness").Default(false).
			Annotations(isOpen).Comment("Whether a second person must witness each dose; true by default for a controlled drug."),
		field.Bool("is_time_critical").Default(false).
			Annotations(isOpen).Comment("Whether the window for giving it is narrow, as for Parkinson's drugs."),
		field.Bool("is_high_risk").Default(false).
			Annotations(isOpen).Comment("Whether errors are especially dangerous, as with anticoagulants and insulin."),
		field.JSON("drug_classes", []string{}).Optional().Annotations(graphType("[String!]")).
			Annotations(isOpen).Comment("Classes as lower-case slugs, such as \"penicillin\" or \"nsaid\"; matched with allergies."),
		field.Int("reorder_level_days").Default(7).Validate(between(0, 90)).
			Annotations(isOpen).Comment("Days of stock below which to order again, 0 to 90."),
		field.String("description").Optional().Nillable().Validate(text(4000)).
			Annotations(isOpen).Comment("Free text, at most 4000 characters."),
		field.Bool("available_online").Default(false).
			Annotations(isOpen).Comment("Whether it can be ordered online."),
		choices(field.Enum("status"),
			"ACTIVE Can be prescribed.",
			"INACTIVE Can no longer be prescribed; existing prescriptions go on.",
			"ENTERED_IN_ERROR Should never have been recorded.",
		).Default("ACTIVE").Annotations(isOpen).Comment("Whether it can be prescribed."),
	}
}

// unitsCounted are the units in which a product is counted.
var unitsCounted = []string{
	"TABLET Tablet, UCUM {tbl}.", "CAPSULE Capsule, UCUM {cap}.", "ML Millilitre, UCUM mL.", "DROP Drop, UCUM {drop}.",
	"PUFF Puff, UCUM {puff}.", "PATCH Patch, UCUM {patch}.", "SACHET Sachet, UCUM {sachet}.", "UNIT Unit or piece.", "G Gram, UCUM g.",
}

// Edges of a product.
func (Medication) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("ingredients", MedicationIngredient.Type).Annotations(entsql.OnDelete(entsql.Cascade)).
			Comment("Active substances and their amounts in one unit."),
		edge.To("prescriptions", Prescription.Type).Annotations(connection, entsql.OnDelete(entsql.Restrict)).
			Comment("Who is prescribed it; those entered in error are left out unless the filter names the status."),
	}
}

// Indexes for the orders and filters of lists.
func (Medication) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("name"),
		index.Fields("generic_name"),
		index.Fields("code_system", "code").Unique(),
		index.Fields("is_controlled"),
		index.Fields("status"),
	}
}

// Hooks keep the folded identity and the witness that a controlled drug needs.
func (Medication) Hooks() []ent.Hook {
	return []ent.Hook{
		derive("name_key", []string{"name", "strength_text", "form"}, func(texts []string) any {
			for i, t := range texts {
				texts[i] = scalar.Fold(t)
			}
			return strings.Join(texts, "|")
		}),
		witnessControlled,
	}
}

// witnessControlled asks for a witness where a new controlled drug says nothing.
func witnessControlled(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		controlled, _ := as[bool](m.Field("is_controlled"))
		// The default of the column is set before hooks run, so that "said
		// nothing" and "said false" look alike; a controlled drug is witnessed.
		if m.Op().Is(ent.OpCreate) && controlled {
			if err := m.SetField("requires_witness", true); err != nil {
				return nil, err
			}
		}
		return next.Mutate(ctx, m)
	})
}

// Annotations of the type.
func (Medication) Annotations() []schema.Annotation {
	return []schema.Annotation{
		schema.Comment("A product of the home's catalogue (FHIR Medication)."),
		Carehome{Void: "status"},
	}
}

func medicationRules(_ context.Context, v Values) []Violation {
	var f findings
	f.check(has(v, "code") == has(v, "code_system"), "code_system", "must be given with the code, and only with it")
	classes, _ := get[[]string](v, "drug_classes")
	for _, class := range classes {
		if err := shaped(slug, "penicillin")(class); err != nil || len(class) > 120 {
			f.check(false, "drug_classes", "must each be a lower-case slug such as \"penicillin\"")
			break
		}
	}
	return f
}
