package schema

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Wellness is one check of a resident at one moment: any of its measures, or a
// note. It is a wide row, so that filters and aggregates stay simple.
type Wellness struct{ ent.Schema }

// Mixin gives what every table has.
func (Wellness) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.Wellness}, clinical{void: "status"}, imported{}}
}

// measures are the columns of which at least one must be given.
var measures = []string{
	"mood", "feelings", "energy", "sleep_minutes", "sleep_quality", "appetite", "fluid_intake_ml", "pain_nrs",
	"abbey_items", "respiratory_rate", "spo2", "on_oxygen", "systolic", "pulse", "temperature", "consciousness",
	"weight", "blood_glucose", "bristol_stool", "notes",
}

// Fields of a check. Ranges are what is physically possible; a value outside the
// usual is recorded and warned of elsewhere.
func (Wellness) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("resident_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Who was checked."),
		instant(field.Time("taken_at")).Annotations(orderKey("TAKEN_AT")).
			Annotations(isOpen).Comment("When the check was made; at most 5 minutes ahead of the server's clock."),
		choices(field.Enum("kind"),
			"ROUTINE An ordinary check.", "ADMISSION On admission.", "POST_FALL After a fall.",
			"PRN_FOLLOW_UP After a dose when needed.", "WEIGHT Weighing.", "ESCALATION Because of concern.",
		).Default("ROUTINE").Annotations(isOpen).Comment("Why the check was made."),
		field.Int("mood").Optional().Nillable().Validate(between(1, 5)).
			Annotations(isClinical).Comment("Mood, 1 (very low), 2 (low), 3 (neutral), 4 (good) or 5 (very good)."),
		field.JSON("feelings", []Feeling{}).Optional().Annotations(graphType("[Feeling!]")).
			Annotations(isClinical).Comment("Feelings shown or told."),
		field.Int("energy").Optional().Nillable().Validate(between(1, 10)).
			Annotations(isClinical).Comment("Energy, 1 (none) to 10 (full)."),
		field.Int("sleep_minutes").Optional().Nillable().Validate(between(0, 1440)).
			Annotations(isClinical).Comment("Sleep in the last night, in minutes, 0 to 1440."),
		field.Int("sleep_quality").Optional().Nillable().Validate(between(1, 5)).
			Annotations(isClinical).Comment("Quality of sleep, 1 (very bad) to 5 (very good)."),
		field.Int("appetite").Optional().Nillable().Validate(between(0, 100)).
			Annotations(isClinical).Comment("Share of the meal eaten, in %, 0 to 100."),
		field.Int("fluid_intake_ml").Optional().Nillable().Validate(between(0, 10000)).
			Annotations(isClinical).Comment("Fluid drunk, in mL, 0 to 10000."),
		field.Int("pain_nrs").Optional().Nillable().Validate(between(0, 10)).
			Annotations(isClinical).Comment("Pain on the numeric rating scale, 0 (none) to 10 (worst) (LOINC 72514-3)."),
		field.JSON("abbey_items", []int{}).Optional().Annotations(graphType("[Int!]")).
			Annotations(isClinical).Comment("The six items of the Abbey pain scale, 0 to 3 each."),
		field.Int("respiratory_rate").Optional().Nillable().Validate(between(1, 100)).
			Annotations(isClinical).Comment("Breaths per minute, 1 to 100 (LOINC 9279-1)."),
		field.Int("spo2").Optional().Nillable().Validate(between(1, 100)).
			Annotations(isClinical).Comment("Oxygen saturation, in %, 1 to 100 (LOINC 2708-6)."),
		field.Bool("on_oxygen").Optional().Nillable().
			Annotations(isClinical).Comment("Whether breathing supplemental oxygen."),
		decimal(field.Int64("oxygen_litres_per_min")).Optional().Nillable().Validate(decimalBetween("0", "60", 1)).
			Annotations(isClinical).Comment("Flow of oxygen, in L/min, 0 to 60; only with onOxygen (LOINC 3151-8)."),
		field.Int("systolic").Optional().Nillable().Validate(between(10, 350)).
			Annotations(isClinical).Comment("Systolic blood pressure, in mmHg, 10 to 350; with diastolic (LOINC 8480-6)."),
		field.Int("diastolic").Optional().Nillable().Validate(between(5, 250)).
			Annotations(isClinical).Comment("Diastolic blood pressure, in mmHg, 5 to 250; with systolic and below it (LOINC 8462-4)."),
		field.Int("pulse").Optional().Nillable().Validate(between(1, 350)).
			Annotations(isClinical).Comment("Heartbeats per minute, 1 to 350 (LOINC 8867-4)."),
		decimal(field.Int64("temperature")).Optional().Nillable().Validate(decimalBetween("25", "45", 1)).
			Annotations(isClinical).Comment("Body temperature, in °C, 25.0 to 45.0 (LOINC 8310-5)."),
		choices(field.Enum("consciousness"),
			"ALERT Awake and as usual.", "NEW_CONFUSION Newly confused.", "VOICE Responds to voice.",
			"PAIN Responds to pain.", "UNRESPONSIVE Does not respond.",
		).Optional().Nillable().Annotations(isClinical).Comment("Level of consciousness (ACVPU); a known, lasting confusion is ALERT."),
		decimal(field.Int64("weight")).Optional().Nillable().Validate(decimalBetween("15", "300", 1)).
			Annotations(isClinical).Comment("Body weight, in kg, 15.0 to 300.0 (LOINC 29463-7)."),
		decimal(field.Int64("blood_glucose")).Optional().Nillable().Validate(decimalBetween("0.5", "60", 1)).
			Annotations(isClinical).Comment("Capillary blood glucose, in mmol/L, 0.5 to 60.0 (LOINC 15074-8)."),
		field.Int("bristol_stool").Optional().Nillable().Validate(between(1, 7)).
			Annotations(isClinical).Comment("Bristol stool form, 1 to 7."),
		field.String("notes").Optional().Nillable().Validate(text(2000)).
			Annotations(isNotes).Comment("Free text, at most 2000 characters."),
		choices(field.Enum("status"),
			"FINAL As first recorded.", "CORRECTED Changed since; see its revisions.",
			"ENTERED_IN_ERROR Should never have been recorded.",
		).Default("FINAL").Annotations(readOnly).
			Annotations(isOpen).Comment("Whether the check was corrected or voided."),
		instant(field.Time("recorded_at")).Immutable().Annotations(readOnly).
			Annotations(isOpen).Comment("When the check was entered, by the server's clock."),
		field.Int64("recorded_by_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Who entered the check; null for the system."),
	}
}

// Edges of a check.
func (Wellness) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("resident", Resident.Type).Ref("wellness").Unique().Required().Immutable().Field("resident_id").
			Comment("Who was checked."),
		edge.To("recorded_by", StaffUser.Type).Unique().Field("recorded_by_id").Immutable().
			Annotations(entsql.OnDelete(entsql.Restrict), readOnly).
			Comment("Who entered the check; null for the system."),
	}
}

// Indexes for the orders and filters of lists.
func (Wellness) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("resident_id", "taken_at"),
		index.Fields("taken_at"),
		index.Fields("resident_id", "status", "taken_at"),
	}
}

// Hooks name who recorded the check and mark it when it is corrected.
func (Wellness) Hooks() []ent.Hook { return []ent.Hook{recorded("recorded_at"), markCorrected} }

// Annotations of the type.
func (Wellness) Annotations() []schema.Annotation {
	return []schema.Annotation{rootField("wellness"), schema.Comment("One check of a resident at one moment: any of its measures, or a note.")}
}

// recorded stamps who records a new row, and when if a column is named for it.
func recorded(at string) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if !m.Op().Is(ent.OpCreate) {
				return next.Mutate(ctx, m)
			}
			if who, ok := viewer.From(ctx); ok && who.ID != 0 {
				if err := m.SetField("recorded_by_id", who.ID); err != nil {
					return nil, fmt.Errorf("stamping recorded_by_id: %w", err)
				}
			}
			if at != "" {
				if err := m.SetField(at, scalar.Now(ctx)); err != nil {
					return nil, fmt.Errorf("stamping %s: %w", at, err)
				}
			}
			return next.Mutate(ctx, m)
		})
	}
}

// markCorrected turns FINAL into CORRECTED when a check is changed.
func markCorrected(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		if m.Op().Is(ent.OpUpdateOne) {
			if _, set := m.Field("status"); !set {
				before, err := m.OldField(ctx, "status")
				if err != nil {
					return nil, fmt.Errorf("reading the status: %w", err)
				}
				if choiceOf(before, true) == "FINAL" {
					if err := setChoice(m, "status", before, "CORRECTED"); err != nil {
						return nil, err
					}
				}
			}
		}
		return next.Mutate(ctx, m)
	})
}

func wellnessRules(ctx context.Context, v Values) []Violation {
	var f findings
	if taken, ok := get[scalar.Time](v, "taken_at"); ok {
		f.check(!taken.After(scalar.Now(ctx).Add(clockSkewMinutes*time.Minute)), "taken_at", "must not be in the future")
	}
	given := false
	for _, measure := range measures {
		given = given || has(v, measure)
	}
	if notes, ok := get[string](v, "notes"); ok && notes == "" && !given {
		given = false
	}
	f.check(given, "notes", "must be given where there is no measure")

	systolic, hasSystolic := get[int](v, "systolic")
	diastolic, hasDiastolic := get[int](v, "diastolic")
	f.check(hasSystolic || !hasDiastolic, "systolic", "must be given with diastolic")
	f.check(hasDiastolic || !hasSystolic, "diastolic", "must be given with systolic")
	f.check(!hasSystolic || !hasDiastolic || systolic > diastolic, "systolic", "must be above diastolic")
	f.check(!has(v, "oxygen_litres_per_min") || isTrue(v, "on_oxygen"), "oxygen_litres_per_min", "is only for a resident on oxygen")

	if items, ok := get[[]int](v, "abbey_items"); ok && len(items) > 0 {
		right := len(items) == 6
		for _, item := range items {
			right = right && item >= 0 && item <= 3
		}
		f.check(right, "abbey_items", "must be six numbers from 0 to 3")
	}
	feelings, _ := get[[]Feeling](v, "feelings")
	f.check(distinct(feelings), "feelings", "must be different feelings")
	return f
}
