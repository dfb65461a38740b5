package schema

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Prescription is an order of a medication for a resident (FHIR
// MedicationRequest). Doses are derived from it, never stored.
type Prescription struct{ ent.Schema }

// Mixin gives what every table has.
func (Prescription) Mixin() []ent.Mixin {
	return []ent.Mixin{record{kind: nodeid.Prescription}, clinical{void: "status"}, imported{}}
}

// Fields of a prescription. Dose, unit, route and schedule may be null in an
// imported order; what a person activates here must have them.
func (Prescription) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("resident_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Who takes it."),
		field.Int64("medication_id").GoType(nodeid.ID(0)).Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("What is taken."),
		choices(field.Enum("status"),
			"DRAFT Being written; no dose is due.",
			"ACTIVE In force.",
			"ON_HOLD Paused; doses are not due.",
			"COMPLETED All its doses are over.",
			"STOPPED Ended before its time.",
			"CANCELLED Withdrawn before any dose.",
			"ENTERED_IN_ERROR Should never have been recorded.",
		).Default("DRAFT").Annotations(orderKey("STATUS")).
			Annotations(isOpen).Comment("State of the order, as in FHIR; COMPLETED, STOPPED, CANCELLED and ENTERED_IN_ERROR are final."),
		choices(field.Enum("kind"),
			"SCHEDULED At set times.", "PRN When needed.", "ONE_OFF Once.",
		).Default("SCHEDULED").Annotations(isClinical).Comment("Whether it is given at set times, when needed, or once."),
		decimal(field.Int64("dose_amount")).Optional().Nillable().Validate(decimalBetween("0.0001", "1000000", 4)).
			Annotations(isClinical).Comment("Amount of one dose in doseUnit, above 0, up to 4 decimal places."),
		choices(field.Enum("dose_unit"), append(slices.Clone(unitsCounted),
			"MG Milligram, UCUM mg.", "UG Microgram, UCUM ug.", "IU International unit, UCUM [iU].",
		)...).Optional().Nillable().Annotations(isClinical).Comment("Unit of doseAmount."),
		decimal(field.Int64("dose_amount_max")).Optional().Nillable().Validate(decimalBetween("0.0001", "1000000", 4)).
			Annotations(isClinical).Comment("Upper amount where a range is ordered, such as 2 in \"1-2 tablets\"; above doseAmount."),
		choices(field.Enum("route"),
			"ORAL By mouth.", "SUBLINGUAL Under the tongue.", "TOPICAL On the skin.", "TRANSDERMAL Through the skin.",
			"INHALED Breathed in.", "SUBCUTANEOUS Under the skin.", "IM Into a muscle.", "IV Into a vein.",
			"RECTAL By the rectum.", "VAGINAL By the vagina.", "OPHTHALMIC Into the eye.", "OTIC Into the ear.",
			"NASAL Into the nose.", "ENTERAL_TUBE By feeding tube.", "OTHER Another route.",
		).Optional().Nillable().Annotations(isClinical).Comment("How it is given."),
		choices(field.Enum("schedule_kind"),
			"TIMES_OF_DAY At times on the home's clocks.",
			"INTERVAL Every so many minutes of elapsed time.",
			"ONCE Once, at startsAt.",
		).Optional().Nillable().Annotations(isClinical).Comment("How its times are stated; needed unless PRN."),
		field.JSON("times_of_day", []scalar.LocalTime{}).Optional().Annotations(graphType("[LocalTime!]")).
			Annotations(isClinical).Comment("Times on the home's clocks, 1 to 24, in order and different, such as [\"08:00\", \"20:00\"]."),
		field.Int("times_per_day").Optional().Nillable().Validate(between(1, 24)).
			Annotations(isClinical).Comment("How often a day where an imported order states no times; times are never invented."),
		field.Int("every_n_days").Optional().Nillable().Validate(between(1, 365)).
			Annotations(isClinical).Comment("Every so many days counted from startsAt's local date, 1 to 365; 2 is every other day; null is every day."),
		field.JSON("days_of_week", []DayOfWeek{}).Optional().Annotations(graphType("[DayOfWeek!]")).
			Annotations(isClinical).Comment("Only on these days; not together with everyNDays above 1."),
		field.Int("interval_minutes").Optional().Nillable().Validate(between(30, 10080)).
			Annotations(isClinical).Comment("Minutes of elapsed time between doses, 30 to 10080, for INTERVAL only."),
		instant(field.Time("starts_at")).Annotations(orderKey("STARTS_AT")).
			Annotations(isClinical).Comment("From when it is in force."),
		instant(field.Time("ends_at")).Optional().Nillable().
			Annotations(isClinical).Comment("Until when it is in force, exclusive; after startsAt; null is open."),
		field.Int("max_doses").Optional().Nillable().Validate(between(1, 1000)).
			Annotations(isClinical).Comment("Number of doses after which it is complete, 1 to 1000; only doses given count."),
		field.String("prn_reason").Optional().Nillable().Validate(line(200)).
			Annotations(isClinical).Comment("What a PRN dose is for, such as \"pain\"; needed for PRN."),
		field.Int("prn_min_interval_minutes").Optional().Nillable().Validate(between(1, 10080)).
			Annotations(isClinical).Comment("Minutes of elapsed time between PRN doses at the least, 1 to 10080; needed for PRN."),
		field.Int("prn_max_doses_per_24h").StorageKey("prn_max_doses_per_24h").Optional().Nillable().Validate(between(1, 48)).
			Annotations(isClinical).Comment("PRN doses in any 24 hours at the most, 1 to 48."),
		decimal(field.Int64("prn_max_amount_per_24h")).StorageKey("prn_max_amount_per_24h").Optional().Nillable().Validate(decimalBetween("0.0001", "10000000", 4)).
			Annotations(isClinical).Comment("Amount in any 24 hours at the most, in doseUnit; at least doseAmount."),
		field.Int("prn_follow_up_minutes").Optional().Nillable().Validate(between(5, 1440)).
			Annotations(isClinical).Comment("Minutes after a PRN dose at which its effect is asked for, 5 to 1440."),
		field.Int("window_before_minutes").Optional().Nillable().Validate(between(0, 720)).
			Annotations(isClinical).Comment("Minutes before its time from which a dose may be given, instead of the home's."),
		field.Int("window_after_minutes").Optional().Nillable().Validate(between(0, 720)).
			Annotations(isClinical).Comment("Minutes after its time until which a dose may be given, instead of the home's."),
		field.String("indication").Optional().Nillable().Validate(text(500)).
			Annotations(isClinical).Comment("Why it is prescribed, at most 500 characters."),
		field.String("instructions").Optional().Nillable().Validate(text(2000)).
			Annotations(isClinical).Comment("What to mind when giving it, at most 2000 characters."),
		choices(field.Enum("food_relation"),
			"BEFORE_FOOD Before a meal.", "WITH_FOOD With a meal.", "AFTER_FOOD After a meal.",
			"EMPTY_STOMACH On an empty stomach.", "NONE Meals do not matter.",
		).Optional().Nillable().Annotations(isClinical).Comment("How it goes with meals."),
		field.String("prescriber_name").Validate(line(120)).
			Annotations(isPersonal.shownAs("Prescriber %d")).Comment("Who prescribed it, such as the GP's name."),
		field.Bool("is_covert").Default(false).
			Annotations(isClinical).Comment("Whether it is given without the resident knowing; needs covertReviewOn."),
		date(field.Time("covert_review_on")).Optional().Nillable().
			Annotations(isClinical).Comment("When covert giving must be reviewed."),
		choices(field.Enum("self_administered"),
			"STAFF Staff give it.", "SUPERVISED The resident takes it under eyes.", "SELF The resident takes it alone.",
		).Default("STAFF").Annotations(isClinical).Comment("Who gives it."),
		date(field.Time("review_on")).Optional().Nillable().
			Annotations(isClinical).Comment("When it must be reviewed."),
		instant(field.Time("stopped_at")).Optional().Nillable().
			Annotations(isClinical).Comment("When it was stopped; with stopReason, for STOPPED."),
		choices(field.Enum("stop_reason"),
			"COURSE_ENDED The course is over.", "SIDE_EFFECT A side effect.", "ALLERGY An allergy.",
			"INTERACTION An interaction.", "INEFFECTIVE It did not help.", "DUPLICATE It was prescribed twice.",
			"DISCHARGED The resident left.", "DECEASED The resident died.", "DOSE_CHANGED The dose was changed.",
			"OTHER Another reason.",
		).Optional().Nillable().Annotations(isClinical).Comment("Why it was stopped."),
		field.JSON("needs_review", []ReviewItem{}).Optional().Annotations(readOnly, graphType("[ReviewItem!]")).
			Annotations(isOpen).Comment("What an imported order lacks; until it is completed nobody can give a dose from it. Empty when complete."),
		field.Int64("replaces_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Unique().Annotations(hidden).
			Annotations(isOpen).Comment("The prescription that this one follows."),
	}
}

// Edges of a prescription.
func (Prescription) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("resident", Resident.Type).Ref("prescriptions").Unique().Required().Immutable().Field("resident_id").
			Comment("Who takes it."),
		edge.From("medication", Medication.Type).Ref("prescriptions").Unique().Required().Immutable().Field("medication_id").
			Comment("What is taken."),
		edge.To("replaced_by", Prescription.Type).Unique().
			Annotations(entsql.OnDelete(entsql.Restrict), readOnly).
			Comment("The prescription that follows this one.").
			From("replaces").Unique().Field("replaces_id").Immutable().
			Comment("The prescription that this one follows, of the same resident."),
	}
}

// Indexes for the orders and filters of lists.
func (Prescription) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("resident_id", "status"),
		index.Fields("resident_id", "starts_at"),
		index.Fields("medication_id", "status"),
		index.Fields("medication_id", "starts_at"),
		index.Fields("status"),
		index.Fields("kind"),
		index.Fields("starts_at", "ends_at"),
		index.Fields("review_on"),
	}
}

// Hooks keep needs_review true.
func (Prescription) Hooks() []ent.Hook { return []ent.Hook{reviewPrescription} }

// Annotations of the type.
func (Prescription) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("An order of a medication for a resident (FHIR MedicationRequest).")}
}

// gaps lists what an order lacks before a dose can be given from it, and the
// column where each is to be filled in.
func gaps(v Values) (items []ReviewItem, columns []string) {
	need := func(item ReviewItem, column string, there bool) {
		if !there {
			items, columns = append(items, item), append(columns, column)
		}
	}
	need(ReviewDose, "dose_amount", has(v, "dose_amount"))
	need(ReviewUnit, "dose_unit", has(v, "dose_unit"))
	need(ReviewRoute, "route", has(v, "route"))
	if choice(v, "kind") == "PRN" {
		need(ReviewPRNReason, "prn_reason", has(v, "prn_reason"))
		need(ReviewPRNInterval, "prn_min_interval_minutes", has(v, "prn_min_interval_minutes"))
		return items, columns
	}
	times, _ := get[[]scalar.LocalTime](v, "times_of_day")
	switch choice(v, "schedule_kind") {
	case "TIMES_OF_DAY":
		need(ReviewSchedule, "times_of_day", len(times) > 0)
	case "INTERVAL":
		need(ReviewSchedule, "interval_minutes", has(v, "interval_minutes"))
	case "ONCE":
	default:
		need(ReviewSchedule, "schedule_kind", false)
	}
	return items, columns
}

// reviewPrescription derives needs_review from what the order holds.
func reviewPrescription(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		items, _ := gaps(mutationValues{ctx, m})
		if items == nil {
			items = []ReviewItem{} // complete, which is not the same as unknown
		}
		if err := m.SetField("needs_review", items); err != nil {
			return nil, fmt.Errorf("deriving needs_review: %w", err)
		}
		return next.Mutate(ctx, m)
	})
}

func prescriptionRules(_ context.Context, v Values) []Violation {
	var f findings
	status, kind, schedule := choice(v, "status"), choice(v, "kind"), choice(v, "schedule_kind")
	f.before(v, "starts_at", "ends_at", "must be after startsAt")

	dose, hasDose := get[scalar.Decimal](v, "dose_amount")
	if most, ok := get[scalar.Decimal](v, "dose_amount_max"); ok {
		f.check(hasDose && most > dose, "dose_amount_max", "must be above doseAmount")
	}
	if most, ok := get[scalar.Decimal](v, "prn_max_amount_per_24h"); ok {
		f.check(!hasDose || most >= dose, "prn_max_amount_per_24h", "must be at least doseAmount")
	}

	times, _ := get[[]scalar.LocalTime](v, "times_of_day")
	f.check(len(times) <= 24, "times_of_day", "must have at most 24 times")
	f.check(slices.IsSorted(times) && len(slices.Compact(slices.Clone(times))) == len(times),
		"times_of_day", "must be in order and different")
	f.check(len(times) == 0 || schedule == "TIMES_OF_DAY", "times_of_day", "is only for scheduleKind TIMES_OF_DAY")
	f.check(!has(v, "interval_minutes") || schedule == "INTERVAL", "interval_minutes", "is only for scheduleKind INTERVAL")
	f.check(kind != "ONE_OFF" || schedule == "" || schedule == "ONCE", "schedule_kind", "must be ONCE for kind ONE_OFF")
	f.check(kind != "PRN" || schedule == "", "schedule_kind", "is not for kind PRN")

	days, _ := get[[]DayOfWeek](v, "days_of_week")
	f.check(distinct(days), "days_of_week", "must be different days")
	if n, ok := get[int](v, "every_n_days"); ok && n > 1 {
		f.check(len(days) == 0, "days_of_week", "must not be given with everyNDays above 1")
	}

	f.check(!isTrue(v, "is_covert") || has(v, "covert_review_on"),
		"covert_review_on", "must be given for a covert medication")
	stopped := status == "STOPPED"
	// Other systems do not always say when and why; nothing is invented.
	toldHere := stopped && !has(v, "source_id")
	f.check(!toldHere || has(v, "stopped_at"), "stopped_at", "must be given for STOPPED")
	f.check(!toldHere || has(v, "stop_reason"), "stop_reason", "must be given for STOPPED")
	f.check(stopped || status == enteredInError || !has(v, "stopped_at"), "stopped_at", "is only for STOPPED")
	f.check(stopped || status == enteredInError || !has(v, "stop_reason"), "stop_reason", "is only for STOPPED")

	// An imported order may lack what it lacks; what a person puts in force may not.
	activates := status == "ACTIVE" && (v.Creating() && !has(v, "source_id") || !v.Creating() && oldChoice(v, "status") != "ACTIVE")
	complete := status == "ACTIVE" && !v.Creating() && !has(v, "source_id")
	if activates || complete {
		_, columns := gaps(v)
		for _, column := range columns {
			f.check(false, column, "must be given before the prescription can be ACTIVE")
		}
	}
	return f
}

// prescriptionSteps are the changes of status that plain record keeping allows.
var prescriptionSteps = map[string][]string{
	"DRAFT":   {"ACTIVE", "CANCELLED"},
	"ACTIVE":  {"ON_HOLD", "STOPPED", "COMPLETED", "CANCELLED"},
	"ON_HOLD": {"ACTIVE", "STOPPED", "COMPLETED"},
}

func prescriptionTransition(_ context.Context, v Values) []Violation {
	from, to := oldChoice(v, "status"), choice(v, "status")
	if v.Creating() || from == to || from != enteredInError && to == enteredInError || slices.Contains(prescriptionSteps[from], to) {
		return nil
	}
	return []Violation{{Field: "status", Code: conflict, Message: fmt.Sprintf("cannot change from %s to %s", from, to)}}
}
