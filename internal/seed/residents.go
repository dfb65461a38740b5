package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"carehome/ent"
	"carehome/ent/allergy"
	"carehome/ent/resident"
	"carehome/ent/residentcontact"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// dweller is a resident as planned, and the daily course so far.
type dweller struct {
	id                       nodeid.ID
	index                    int
	given, family, preferred string
	sex                      resident.Sex
	born                     scalar.Date
	yearOnly                 bool
	language                 string
	height                   int
	resuscitation            resident.Resuscitation
	consent                  bool
	interval, target         int
	remark                   string
	contacts                 []contact
	allergies                []allergen
	conditions               condition
	onOxygen                 bool

	// status is how the resident stands with the home in the end.
	status resident.Status
	// registered is when the resident was entered; left is zero for who stays
	// and admitted for who has not come yet. Present from admitted until left.
	registered, admitted, left time.Time

	orders     []*order
	sicknesses []sickness
	course     course
}

// present reports whether the resident is in the home at t.
func (d *dweller) present(t time.Time) bool {
	return !d.admitted.IsZero() && !t.Before(d.admitted) && (d.left.IsZero() || t.Before(d.left))
}

func (d *dweller) has(c condition) bool { return d.conditions&c != 0 }

type contact struct {
	name         string
	relationship residentcontact.Relationship
	phone, email string
}

// allergen is what a resident does not bear: a substance, a class of drugs, or
// something that is no medicine.
type allergen struct {
	substance, class string
	display          string
	category         allergy.Category
	kind             allergy.Type
	criticality      allergy.Criticality
	reaction         string
}

// allergens lists what residents do not bear, those of medicines first.
func allergens() []allergen {
	const (
		medicine, food, around = allergy.CategoryMedication, allergy.CategoryFood, allergy.CategoryEnvironment
		immune, intolerance    = allergy.TypeAllergy, allergy.TypeIntolerance
		high, low, unknown     = allergy.CriticalityHigh, allergy.CriticalityLow, allergy.CriticalityUnableToAssess
	)
	return []allergen{
		{"", "penicillin", "Penicillin (rash and swelling)", medicine, immune, high, "Rash, swelling of the face"},
		{"amoxicillin", "", "Amoxicillin (rash)", medicine, immune, low, "Rash on the trunk"},
		{"", "nsaid", "Anti-inflammatory drugs (wheezing)", medicine, immune, high, "Wheezing"},
		{"acetylsalicylic-acid", "", "Aspirin (hives)", medicine, immune, high, "Hives"},
		{"codeine", "", "Codeine (vomiting)", medicine, intolerance, low, "Vomiting, drowsiness"},
		{"tramadol", "", "Tramadol (dizziness)", medicine, intolerance, low, "Dizziness, confusion"},
		{"enalapril", "", "Enalapril (cough)", medicine, intolerance, low, "Dry cough"},
		{"metformin", "", "Metformin (diarrhoea)", medicine, intolerance, low, "Diarrhoea"},
		{"", "sulfonamide", "Sulfonamides (rash)", medicine, immune, unknown, "Rash"},
		{"iodinated-contrast", "", "Iodinated contrast (hives)", medicine, immune, high, "Hives"},
		{"peanut", "", "Peanuts", food, immune, high, "Swelling of the lips"},
		{"shellfish", "", "Shellfish (hives)", food, immune, low, "Hives"},
		{"lactose", "", "Lactose (bloating)", food, intolerance, low, "Bloating, diarrhoea"},
		{"latex", "", "Latex gloves (itching)", around, immune, low, "Itching hands"},
		{"olive-pollen", "", "Olive pollen (hay fever)", around, immune, low, "Sneezing in spring"},
		{"influenza-vaccine", "", "Influenza vaccine (fever)", allergy.CategoryBiologic, immune, unknown, "Fever after the dose of 2019"},
	}
}

// bears reports whether the resident bears the medicine.
func (d *dweller) bears(m *medicine) bool {
	for _, a := range d.allergies {
		if a.class != "" && slices.Contains(m.classes, a.class) {
			return false
		}
		for _, i := range m.ingredients {
			if i.substance == a.substance {
				return false
			}
		}
	}
	return true
}

// newDweller makes up the n-th resident, counted from 0.
func (h *home) newDweller(n int) *dweller {
	r := h.chance(ofPerson, n)
	d := &dweller{index: n, sex: resident.SexFemale, resuscitation: resident.ResuscitationUnknown, interval: 24}
	if odds(r, 32) {
		d.sex = resident.SexMale
	}
	d.call(r)

	age := int(bound(about(r, 85.5, 6.5), 70, 100))
	d.born = scalar.DateOf(h.today.Year()-age, h.today.Month(), h.today.Day()).AddDays(-1 - r.IntN(364))
	if n%37 == 11 {
		d.born, d.yearOnly = scalar.DateOf(h.today.Year()-age, time.January, 1), true
	}
	d.height = int(about(r, 154, 6))
	if d.sex == resident.SexMale {
		d.height = int(about(r, 166, 6))
	}
	switch at := r.IntN(100); {
	case at < 45:
		d.resuscitation = resident.ResuscitationFull
	case at < 75:
		d.resuscitation = resident.ResuscitationDnar
	case at < 80:
		d.resuscitation = resident.ResuscitationComfortCare
	}
	d.consent = odds(r, 60)
	d.target = 60 + 20*r.IntN(7)
	if odds(r, 30) {
		d.remark = pick(r, remarks())
	}
	h.settle(d, r)
	if odds(r, 42) {
		d.allergies = append(d.allergies, pick(r, allergens()))
		if other := pick(r, allergens()); odds(r, 25) && other.display != d.allergies[0].display {
			d.allergies = append(d.allergies, other)
		}
	}
	d.contacts = d.kin(r)
	h.prescribe(d)
	d.course = newCourse(d, h.chance(ofCourse, n))
	return d
}

// call gives d a name.
func (d *dweller) call(r *rand.Rand) {
	at, all := r.IntN(100), origins()
	from := all[0]
	for _, from = range all {
		if at < from.share {
			break
		}
		at -= from.share
	}
	d.language = from.language
	given := from.women
	if d.sex == resident.SexMale {
		given = from.men
	}
	d.given, d.family = pick(r, given), pick(r, from.surnames)
	if from.twoSurnames {
		d.family += " " + pick(r, from.surnames)
	}
	if name, usual := nicknames()[d.given]; usual && odds(r, 60) {
		d.preferred = name
	}
}

// settle says when d came and went. Of twenty residents one is still expected,
// one came while records were kept, one is away, one has left and one has died.
func (h *home) settle(d *dweller, r *rand.Rand) {
	kept := h.now.Sub(h.from)
	after := func(share float64) time.Time {
		return h.from.Add(time.Duration(share * float64(kept))).Truncate(time.Minute)
	}
	d.status, d.registered, d.admitted = resident.StatusActive, h.from, h.from
	switch d.index % 20 {
	case 3:
		day := scalar.DateIn(after(0.1+0.5*r.Float64()), h.zone)
		if day == h.today {
			day = h.opened
		}
		d.admitted = h.at(day, hm(1100))
		d.registered = d.admitted
	case 6:
		d.status, d.admitted = resident.StatusPreAdmission, time.Time{}
		d.registered = after(0.9)
	case 9:
		d.status, d.left = resident.StatusOnLeave, h.now.Add(-time.Duration(6+r.IntN(54))*time.Hour).Truncate(time.Minute)
		if half := after(0.5); d.left.Before(half) {
			d.left = half
		}
	case 13:
		d.status, d.left = resident.StatusDischarged, after(0.45+0.45*r.Float64())
	case 17:
		d.status, d.left = resident.StatusDeceased, after(0.45+0.45*r.Float64())
	}
}

// kin makes up one to three people to call, the first of them first.
func (d *dweller) kin(r *rand.Rand) []contact {
	from := origins()[0]
	for _, o := range origins() {
		if o.language == d.language {
			from = o
		}
	}
	surnames := strings.Fields(d.family)
	relative := func(relationship residentcontact.Relationship) contact {
		names := slices.Concat(from.women, from.men)
		family := d.family
		switch {
		case relationship == residentcontact.RelationshipChild && from.twoSurnames && d.sex == resident.SexMale:
			family = surnames[0] + " " + pick(r, from.surnames)
		case relationship == residentcontact.RelationshipChild && from.twoSurnames:
			family = pick(r, from.surnames) + " " + surnames[0]
		case relationship == residentcontact.RelationshipFriend || relationship == residentcontact.RelationshipSpouse && from.twoSurnames:
			family = pick(r, from.surnames) + " " + pick(r, from.surnames)
		}
		c := contact{name: pick(r, names) + " " + family, relationship: relationship}
		// No Spanish number begins with 0.
		c.phone = fmt.Sprintf("+34 0%02d %03d %03d", r.IntN(100), r.IntN(1000), r.IntN(1000))
		if odds(r, 40) {
			local := strings.NewReplacer(" ", ".", "'", "").Replace(scalar.Fold(c.name))
			c.email = local + "@family.example"
		}
		return c
	}
	first := pick(r, []residentcontact.Relationship{residentcontact.RelationshipChild, residentcontact.RelationshipChild,
		residentcontact.RelationshipChild, residentcontact.RelationshipSpouse, residentcontact.RelationshipSibling})
	list := []contact{relative(first)}
	if odds(r, 60) {
		list = append(list, relative(pick(r, []residentcontact.Relationship{residentcontact.RelationshipChild,
			residentcontact.RelationshipSibling, residentcontact.RelationshipFriend, residentcontact.RelationshipGuardian})))
	}
	if odds(r, 45) {
		list = append(list, contact{name: pick(r, prescribers()), relationship: residentcontact.RelationshipGp,
			phone: fmt.Sprintf("+34 000 000 %03d", r.IntN(1000))})
	}
	return list
}

func remarks() []string {
	return []string{
		"Likes to sit by the window.", "Wears a hearing aid in the left ear.", "Prefers a shower in the evening.",
		"Walks with a frame.", "Was a schoolteacher and likes to be asked about it.", "Needs glasses for reading.",
		"Drinks little; offer water often.", "Loves boleros.", "Goes to Mass on Sundays.", "Afraid of the dark; leave a light on.",
		"Needs a wheelchair outside.", "Soft diet, cut up small.", "Likes to help lay the tables.", "Supports Atlético.",
	}
}

// perInsert bounds the rows of one statement: with up to 40 columns each, far
// below SQLite's 32766 variables; more of them are no faster.
const perInsert = 100

// enterResidents enters residents with their contacts and allergies, all at the
// time of the last of them.
func (h *home) enterResidents(ctx context.Context, tx *ent.Client, list []*dweller) error {
	if len(list) == 0 {
		return nil
	}
	latest := slices.MaxFunc(list, func(a, b *dweller) int { return a.registered.Compare(b.registered) }).registered
	ctx = h.as(ctx, h.anyOf(viewer.Manager, 0), latest)
	nurse := h.anyOf(viewer.Nurse, 0)
	for some := range slices.Chunk(list, perInsert) {
		rows := make([]*ent.ResidentCreate, len(some))
		for i, d := range some {
			rows[i] = d.row(tx, latest, nurse)
		}
		made, err := tx.Resident.CreateBulk(rows...).Save(ctx)
		if err != nil {
			return err
		}
		var contacts []*ent.ResidentContactCreate
		var allergies []*ent.AllergyCreate
		for i, d := range some {
			d.id = made[i].ID
			for n, c := range d.contacts {
				row := c.row(tx, d, n)
				if portal, _ := row.Mutation().IsFamilyPortal(); portal && !h.linked && d.status == resident.StatusActive {
					// The home's one relative with an account.
					relative := h.anyOf(viewer.Family, 0)
					row.SetName(relative.name).SetPortalUserID(relative.id)
					h.linked = true
				}
				contacts = append(contacts, row)
			}
			for n, a := range d.allergies {
				allergies = append(allergies, a.row(tx, d, n))
			}
		}
		for rows := range slices.Chunk(contacts, perInsert) {
			if err := tx.ResidentContact.CreateBulk(rows...).Exec(ctx); err != nil {
				return fmt.Errorf("contacts: %w", err)
			}
		}
		for rows := range slices.Chunk(allergies, perInsert) {
			if err := tx.Allergy.CreateBulk(rows...).Exec(ctx); err != nil {
				return fmt.Errorf("allergies: %w", err)
			}
		}
		h.made.Residents += len(rows)
		h.made.Contacts += len(contacts)
		h.made.Allergies += len(allergies)
	}
	return nil
}

// row is the resident as first entered: living here, or expected.
func (d *dweller) row(tx *ent.Client, at time.Time, nurse *person) *ent.ResidentCreate {
	row := tx.Resident.Create().SetGivenName(d.given).SetFamilyName(d.family).SetNillablePreferredName(optional(d.preferred)).
		SetBirthDate(d.born).SetSex(d.sex).SetExternalID(number(d.index + 1)).SetLanguage(d.language).
		SetStatus(resident.StatusActive).SetHeightCm(d.height).SetResuscitation(d.resuscitation).
		SetAllergyStatus(resident.AllergyStatusNoKnown).SetWellnessIntervalHours(d.interval).
		SetWeeklyActivityTargetMinutes(d.target).SetConsentFamilyAccess(d.consent).SetNillableNotes(optional(d.remark))
	if d.yearOnly {
		row.SetBirthDatePrecision(resident.BirthDatePrecisionYear)
	}
	if len(d.allergies) > 0 {
		row.SetAllergyStatus(resident.AllergyStatusHasAllergies)
	}
	if d.status == resident.StatusPreAdmission {
		row.SetStatus(resident.StatusPreAdmission)
		if len(d.allergies) == 0 {
			row.SetAllergyStatus(resident.AllergyStatusNotAsked)
		}
	}
	if d.onOxygen {
		row.SetSpo2Scale(resident.Spo2ScaleScale2).SetSpo2ScaleAuthorisedAt(scalar.At(at)).SetSpo2ScaleAuthorisedByID(nurse.id)
	}
	return row
}

func (c contact) row(tx *ent.Client, d *dweller, n int) *ent.ResidentContactCreate {
	return tx.ResidentContact.Create().SetResidentID(d.id).SetName(c.name).SetRelationship(c.relationship).
		SetPhone(c.phone).SetNillableEmail(optional(c.email)).SetIsPrimary(n == 0).
		SetIsFamilyPortal(n == 0 && d.consent && c.email != "")
}

func (a allergen) row(tx *ent.Client, d *dweller, n int) *ent.AllergyCreate {
	verification := allergy.VerificationConfirmed
	if (d.index+n)%3 == 0 {
		verification = allergy.VerificationUnconfirmed
	}
	row := tx.Allergy.Create().SetResidentID(d.id).SetNillableSubstance(optional(a.substance)).SetNillableDrugClass(optional(a.class)).
		SetDisplay(a.display).SetCategory(a.category).SetType(a.kind).SetCriticality(a.criticality).
		SetVerification(verification).SetReaction(a.reaction)
	if d.index%2 == 0 {
		row.SetOnsetOn(scalar.DateOf(d.born.Year()+40+d.index%30, time.Month(1+d.index%12), 1))
	}
	return row
}

// enterDepartures records who is away, has left or has died.
func (h *home) enterDepartures(ctx context.Context, tx *ent.Client, list []*dweller) error {
	for _, d := range list {
		row := tx.Resident.UpdateOneID(d.id).SetStatus(d.status)
		if d.status == resident.StatusDeceased {
			row.SetDeceasedAt(scalar.At(d.left))
		}
		if err := row.Exec(h.as(ctx, h.anyOf(viewer.Nurse, d.index), d.left)); err != nil {
			return err
		}
	}
	return nil
}

// optional is s, or nil where there is none.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
