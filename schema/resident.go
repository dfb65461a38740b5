package schema

import (
	"context"
	"errors"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"golang.org/x/text/language"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Resident is a person who lives, lived or will live in the home (FHIR Patient).
type Resident struct{ ent.Schema }

// Mixin gives what every table has, and the folded names.
func (Resident) Mixin() []ent.Mixin {
	return []ent.Mixin{
		record{kind: nodeid.Resident},
		searchable{columns: []string{"given_name", "family_name", "preferred_name", "external_id"}, class: isPersonal},
	}
}

// Fields of a resident.
func (Resident) Fields() []ent.Field {
	return []ent.Field{
		field.String("given_name").Validate(line(100)).Annotations(orderKey("GIVEN_NAME")).
			Annotations(isPersonal.shownAs("Resident")).Comment("Given name or names, such as \"María Dolores\"; 1 to 100 characters."),
		field.String("family_name").Validate(line(100)).Annotations(orderKey("FAMILY_NAME")).
			Annotations(isPersonal.shownAs("%d")).Comment("Family name or names, such as \"García Ruiz\"; 1 to 100 characters."),
		field.String("preferred_name").Optional().Nillable().Validate(line(100)).
			Annotations(isPersonal).Comment("What the resident likes to be called, such as \"Lola\"."),
		date(field.Time("birth_date")).Annotations(orderKey("BIRTH_DATE")).
			Annotations(isOpen).Comment("Date of birth, from 1900-01-01 to today."),
		choices(field.Enum("birth_date_precision"),
			"YEAR Only the year is known.",
			"MONTH The year and the month are known.",
			"DAY The day is known.",
		).Default("DAY").Annotations(isOpen).Comment("How much of the birth date is known."),
		choices(field.Enum("sex"),
			"FEMALE Female.", "MALE Male.", "OTHER Other.", "UNKNOWN Not known.",
		).Annotations(isOpen).Comment("Administrative sex, as in FHIR."),
		field.String("external_id").Optional().Nillable().Unique().
			Validate(text(64)).Validate(shaped(`^[A-Za-z0-9./-]+$`, "NHS-1234567")).
			Annotations(isPersonal).Comment("Number of the resident in another system; unique; letters, digits, dot, slash and hyphen, at most 64."),
		field.String("language").Optional().Nillable().Validate(bcp47).
			Annotations(isOpen).Comment("Language the resident speaks, as BCP 47, such as \"es-ES\"."),
		choices(field.Enum("status"),
			"PRE_ADMISSION Expected, not yet living in the home.",
			"ACTIVE Lives in the home.",
			"ON_LEAVE Lives in the home and is away for a while.",
			"DISCHARGED Has left the home.",
			"DECEASED Has died.",
		).Default("PRE_ADMISSION").Annotations(orderKey("STATUS")).
			Annotations(isOpen).Comment("Where the resident stands with the home."),
		instant(field.Time("deceased_at")).Optional().Nillable().
			Annotations(isOpen).Comment("When the resident died; not before birth nor in the future."),
		choices(field.Enum("spo2_scale"),
			"SCALE_1 The usual targets of oxygen saturation.",
			"SCALE_2 Target 88 to 92 %, for hypercapnic respiratory failure only.",
		).Default("SCALE_1").
			Annotations(isClinical).Comment("NEWS2 scale for oxygen saturation; SCALE_2 needs a clinician's authorisation (RCP 2017)."),
		instant(field.Time("spo2_scale_authorised_at")).Optional().Nillable().
			Annotations(isClinical).Comment("When a clinician authorised SCALE_2."),
		field.Int64("spo2_scale_authorised_by_id").GoType(nodeid.ID(0)).Optional().Nillable().Annotations(hidden).
			Annotations(isClinical).Comment("Who authorised SCALE_2."),
		field.Int("height_cm").Optional().Nillable().Validate(between(50, 250)).
			Annotations(isClinical).Comment("Body height in cm, 50 to 250 (LOINC 8302-2)."),
		choices(field.Enum("resuscitation"),
			"FULL To be resuscitated.",
			"DNAR Not to be resuscitated.",
			"COMFORT_CARE Comfort care only.",
			"UNKNOWN Not decided or not known.",
		).Default("UNKNOWN").Annotations(isClinical).Comment("What is to be done when the heart stops."),
		choices(field.Enum("allergy_status"),
			"NOT_ASKED Nobody has asked yet.",
			"NO_KNOWN Asked; none is known.",
			"HAS_ALLERGIES Has the allergies listed.",
		).Default("NOT_ASKED").Annotations(isClinical).Comment("Whether allergies are known; \"none known\" is not \"not asked\"."),
		field.Int("wellness_interval_hours").Default(24).Validate(between(1, 744)).
			Annotations(isClinical).Comment("Hours between wellness checks, 1 to 744."),
		field.Int("weekly_activity_target_minutes").Optional().Nillable().Default(100).Validate(between(0, 2000)).
			Annotations(isOpen).Comment("Minutes of activities wished for in a week, 0 to 2000."),
		field.Bool("consent_family_access").Default(false).
			Annotations(isOpen).Comment("Whether the resident lets linked relatives see state, wellness and activities."),
		field.String("notes").Optional().Nillable().Validate(text(4000)).
			Annotations(isNotes).Comment("Free text for the staff, at most 4000 characters."),
	}
}

// Edges of a resident.
func (Resident) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("contacts", ResidentContact.Type).Annotations(entsql.OnDelete(entsql.Cascade)).
			Comment("People to call."),
		edge.To("allergies", Allergy.Type).Annotations(entsql.OnDelete(entsql.Restrict)).
			Comment("Allergies and intolerances; those entered in error are left out."),
		edge.To("prescriptions", Prescription.Type).Annotations(connection, entsql.OnDelete(entsql.Restrict)).
			Comment("Prescriptions, of any status but ENTERED_IN_ERROR unless the filter names the status."),
		edge.To("wellness", Wellness.Type).Annotations(connection, entsql.OnDelete(entsql.Restrict)).
			Comment("Wellness checks; those entered in error are left out unless the filter names the status."),
		edge.To("participations", ActivityParticipation.Type).Annotations(connection, entsql.OnDelete(entsql.Restrict)).
			Comment("Invitations to and attendance at activities."),
		edge.To("spo2_scale_authorised_by", StaffUser.Type).Unique().Field("spo2_scale_authorised_by_id").
			Annotations(entsql.OnDelete(entsql.Restrict)).
			Comment("The clinician who authorised SCALE_2."),
	}
}

// Indexes for the orders and filters of lists.
func (Resident) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("family_name", "given_name"),
		index.Fields("given_name"),
		index.Fields("birth_date"),
		index.Fields("status", "family_name"),
	}
}

// Annotations of the type.
func (Resident) Annotations() []schema.Annotation {
	return []schema.Annotation{schema.Comment("A person who lives, lived or will live in the home (FHIR Patient).")}
}

func bcp47(tag string) error {
	if _, err := language.Parse(tag); err != nil {
		return errors.New("must be a BCP 47 language tag such as \"es-ES\"")
	}
	return nil
}

// clockSkew is how far ahead of the server's clock a device's may be.
const clockSkewMinutes = 5

// latestZone is the zone whose calendar is furthest ahead.
var latestZone = time.FixedZone("UTC+14", 14*60*60)

func residentRules(ctx context.Context, v Values) []Violation {
	var f findings
	now := scalar.Now(ctx)
	born, hasBirth := get[scalar.Date](v, "birth_date")
	if hasBirth {
		// East of Greenwich the home's today may be a day ahead of UTC's.
		f.check(born.Compare(scalar.DateOf(1900, 1, 1)) >= 0 && born.Compare(scalar.DateIn(now.Time, latestZone)) <= 0,
			"birth_date", "must be from 1900-01-01 to today")
	}
	died, hasDied := get[scalar.Time](v, "deceased_at")
	if hasDied {
		f.check(!died.After(now.Time), "deceased_at", "must not be in the future")
		f.check(!hasBirth || scalar.DateIn(died.Time, latestZone).Compare(born) >= 0, "deceased_at", "must not be before the birth date")
		f.check(choice(v, "status") == "DECEASED", "deceased_at", "is only for a resident who is DECEASED")
	}
	if choice(v, "spo2_scale") == "SCALE_2" {
		f.check(has(v, "spo2_scale_authorised_at"), "spo2_scale_authorised_at", "must be given with SCALE_2")
		f.check(has(v, "spo2_scale_authorised_by_id"), "spo2_scale_authorised_by_id", "must be given with SCALE_2")
	}
	if before := oldChoice(v, "status"); before == "DECEASED" {
		f.check(choice(v, "status") == "DECEASED", "status", "cannot change after DECEASED")
	}
	return f
}
