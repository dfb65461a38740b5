package seed

import (
	"slices"

	"carehome/ent/prescription"
	"carehome/internal/scalar"
	"carehome/schema"
)

// treatment is a way of giving a medicine.
type treatment struct {
	medicine string
	// dose and most are in unit, or in the medicine's own if that is empty.
	dose, most   string
	unit         prescription.DoseUnit
	route        prescription.Route
	times        []scalar.LocalTime
	days         []schema.DayOfWeek
	everyDays    int
	everyMinutes int
	// lasts is the length of a course in days; 0 has no end.
	lasts int
	food  prescription.FoodRelation
	how   string
	taken prescription.SelfAdministered
	prn   *whenNeeded
}

// whenNeeded bounds a medicine given when needed.
type whenNeeded struct {
	reason                  string
	apartMinutes, dosesADay int
	amountADay              string
	followUpMinutes         int
}

// oral is a dose by mouth every day at the given times, such as 800 and 2000.
func oral(medicine, dose string, times ...int) treatment {
	t := treatment{medicine: medicine, dose: dose, route: prescription.RouteOral}
	for _, n := range times {
		t.times = append(t.times, hm(n))
	}
	return t
}

// needed is a dose by mouth when needed, at the most so many doses a day and so
// many minutes apart.
func needed(medicine, dose, reason string, dosesADay, apartMinutes int) treatment {
	return treatment{medicine: medicine, dose: dose, route: prescription.RouteOral,
		prn: &whenNeeded{reason: reason, apartMinutes: apartMinutes, dosesADay: dosesADay, followUpMinutes: 60}}
}

func (t treatment) by(r prescription.Route) treatment          { t.route = r; return t }
func (t treatment) in(u prescription.DoseUnit) treatment       { t.unit = u; return t }
func (t treatment) on(days ...schema.DayOfWeek) treatment      { t.days = days; return t }
func (t treatment) every(days int) treatment                   { t.everyDays = days; return t }
func (t treatment) meal(f prescription.FoodRelation) treatment { t.food = f; return t }
func (t treatment) note(how string) treatment                  { t.how = how; return t }
func (t treatment) course(days int) treatment                  { t.lasts = days; return t }

func (t treatment) self(s prescription.SelfAdministered) treatment { t.taken = s; return t }

// upTo gives a range of doses and the most in a day.
func (t treatment) upTo(most, amountADay string) treatment {
	prn := *t.prn
	prn.amountADay = amountADay
	t.most, t.prn = most, &prn
	return t
}

// hourly gives a dose every so many hours instead of at set times.
func (t treatment) hourly(hours int) treatment { t.everyMinutes = 60 * hours; return t }

// illness is a lasting condition: how often it is met, and what is given for it.
type illness struct {
	// name is the indication; trait is what it means for the daily course.
	name  string
	trait condition
	// women and men are the percentages of residents who have it.
	women, men float64
	steps      []step
}

// step gives one of the options, in percent of those who have the condition.
type step struct {
	percent float64
	options []treatment
}

func often(percent float64, options ...treatment) step { return step{percent, options} }

// condition is a set of lasting conditions that show in the daily course.
type condition int

const (
	hypertension condition = 1 << iota
	diabetes
	dementia
	depression
	lungDisease
	chronicPain
	betaBlocked
	onInsulin
)

// illnesses lists the conditions in the order in which they are treated; what
// would be too many medicines for one resident is left out at the end.
func illnesses() []illness {
	const (
		withFood, afterFood = prescription.FoodRelationWithFood, prescription.FoodRelationAfterFood
		beforeFood, fasting = prescription.FoodRelationBeforeFood, prescription.FoodRelationEmptyStomach
	)
	return []illness{
		{"Parkinson's disease", 0, 7, 10, []step{
			often(100, oral("levodopa-carbidopa", "1", 730, 1130, 1530, 1930).note("Give on time; a late dose brings the symptoms back."))}},
		{"Epilepsy", 0, 4, 5, []step{
			often(100, oral("levetiracetam", "1", 800, 2000).note("Never leave out a dose."))}},
		{"Atrial fibrillation", 0, 18, 22, []step{
			often(95,
				oral("apixaban", "1", 800, 2000),
				oral("acenocoumarol", "2", 1800).note("Dose by the INR; see the card of the anticoagulation clinic."),
				oral("apixaban", "1", 800, 2000),
				oral("warfarin", "3", 1800).note("Dose by the INR; see the card of the anticoagulation clinic.")),
			often(20, oral("digoxin", "0.5", 900).note("Take the pulse first; do not give below 60 and call the nurse."))}},
		{"Heart failure", betaBlocked, 20, 22, []step{
			often(100, oral("furosemide", "1", 800).note("Weigh every week.")),
			often(85, oral("bisoprolol", "1", 900)),
			often(80, oral("enalapril", "1", 900, 2100), oral("losartan", "1", 900)),
			often(30, oral("spironolactone", "1", 900))}},
		{"Type 2 diabetes", diabetes, 22, 26, []step{
			often(80, oral("metformin", "1", 800, 2000).meal(withFood)),
			often(30, oral("linagliptin", "1", 900))}},
		{"Type 2 diabetes on insulin", diabetes | onInsulin, 6, 7, []step{
			often(100, treatment{medicine: "insulin-glargine", dose: "14", unit: prescription.DoseUnitIu, route: prescription.RouteSubcutaneous,
				times: []scalar.LocalTime{hm(2200)}, how: "Measure the glucose before; change the place of injection."})}},
		{"Severe pain", chronicPain, 10, 6, []step{
			often(100,
				treatment{medicine: "fentanyl", dose: "1", route: prescription.RouteTransdermal, times: []scalar.LocalTime{hm(1000)}, everyDays: 3,
					how: "Take off the old patch, use another place, write the date on it."},
				oral("tramadol", "1", 800, 1400, 2000),
				oral("paracetamol-codeine", "1", 800, 1400, 2000)),
			often(50, needed("morphine", "2.5", "Breakthrough pain", 6, 240).upTo("5", "30").in(prescription.DoseUnitMl))}},
		{"Dementia", dementia, 44, 36, []step{
			often(55, oral("donepezil", "1", 2100),
				treatment{medicine: "rivastigmine", dose: "1", route: prescription.RouteTransdermal, times: []scalar.LocalTime{hm(1000)}, everyDays: 1,
					how: "Take off the old patch and use another place."},
				oral("memantine", "1", 900)),
			often(18, oral("quetiapine", "1", 2100).note("For distress that nothing else eases; review often."))}},
		{"Hypertension", hypertension, 62, 58, []step{
			often(70, oral("enalapril", "1", 900), oral("losartan", "1", 900), oral("amlodipine", "1", 900)),
			often(25, oral("amlodipine", "1", 900))}},
		{"Chronic obstructive pulmonary disease", lungDisease, 8, 20, []step{
			often(80, treatment{medicine: "tiotropium", dose: "2", route: prescription.RouteInhaled, times: []scalar.LocalTime{hm(900)}}),
			often(50, treatment{medicine: "budesonide-formoterol", dose: "2", route: prescription.RouteInhaled, times: []scalar.LocalTime{hm(900), hm(2100)},
				how: "Rinse the mouth afterwards."}),
			often(80, needed("salbutamol", "2", "Shortness of breath", 8, 240).by(prescription.RouteInhaled).self(prescription.SelfAdministeredSupervised))}},
		{"Coronary heart disease", 0, 14, 24, []step{
			often(95, oral("aspirin", "1", 1300).meal(afterFood), oral("clopidogrel", "1", 1300)),
			often(70, oral("atorvastatin", "1", 2100)),
			often(40, needed("glyceryl-trinitrate", "1", "Chest pain", 3, 5).by(prescription.RouteSublingual))}},
		{"Depression", depression, 34, 24, []step{
			often(90, oral("sertraline", "1", 900), oral("mirtazapine", "1", 2200), oral("sertraline", "1", 900))}},
		{"Hypothyroidism", 0, 18, 6, []step{
			often(100, oral("levothyroxine", "1", 730).meal(fasting).note("Half an hour before breakfast."))}},
		{"Osteoporosis", 0, 34, 8, []step{
			often(70, oral("alendronate", "1", 700).on("MON").meal(fasting).
				note("With a full glass of water, sitting or standing; upright for 30 minutes afterwards.")),
			often(75, oral("calcium-vitamin-d", "1", 1300).meal(withFood).note("To be chewed."))}},
		{"Osteoarthritis", chronicPain, 48, 34, []step{
			often(60, oral("paracetamol", "2", 800, 1600, 2200)),
			often(25, treatment{medicine: "diclofenac", dose: "2", route: prescription.RouteTopical, times: []scalar.LocalTime{hm(900), hm(2100)},
				how: "On the knees; not on broken skin."})}},
		{"Stomach protection", 0, 52, 52, []step{
			often(100, oral("omeprazole", "1", 730).meal(beforeFood), oral("omeprazole", "1", 730).meal(beforeFood),
				oral("pantoprazole", "1", 730).meal(beforeFood))}},
		{"Insomnia", 0, 32, 22, []step{
			often(85, oral("lorazepam", "1", 2200), oral("trazodone", "0.5", 2200), oral("lorazepam", "0.5", 2200))}},
		{"Constipation", 0, 46, 38, []step{
			often(80, oral("macrogol", "1", 900).note("In half a glass of water."), oral("lactulose", "15", 900).in(prescription.DoseUnitMl)),
			often(20, needed("bisacodyl", "1", "No bowel movement for three days", 1, 1440).by(prescription.RouteRectal))}},
		{"Benign prostatic hyperplasia", 0, 0, 38, []step{
			often(90, oral("tamsulosin", "1", 930).meal(afterFood))}},
		{"Vitamin D deficiency", 0, 30, 26, []step{
			often(100, oral("colecalciferol", "1", 1300).every(30))}},
		{"Iron deficiency anaemia", 0, 12, 9, []step{
			often(100, oral("iron", "1", 1200).meal(fasting))}},
		{"Vitamin B12 deficiency", 0, 8, 8, []step{
			often(100, treatment{medicine: "cyanocobalamin", dose: "2", route: prescription.RouteIm, times: []scalar.LocalTime{hm(1000)}, everyDays: 28})}},
		{"Neuropathic pain", chronicPain, 9, 8, []step{
			often(90, oral("pregabalin", "1", 900, 2100))}},
		{"Gout", 0, 3, 9, []step{
			often(100, oral("allopurinol", "1", 1300).meal(afterFood))}},
		{"Glaucoma", 0, 9, 9, []step{
			often(100, treatment{medicine: "latanoprost", dose: "1", route: prescription.RouteOphthalmic, times: []scalar.LocalTime{hm(2130)}, how: "One drop in each eye."})}},
	}
}

// comforts are given to almost everybody, and where there would be too few
// medicines.
func comforts() []treatment {
	return []treatment{
		needed("paracetamol", "1", "Pain or fever", 4, 360).upTo("2", "6"),
		oral("colecalciferol", "1", 1300).every(30),
		needed("macrogol", "1", "Constipation", 2, 480),
		oral("omeprazole", "1", 730).meal(prescription.FoodRelationBeforeFood),
		treatment{medicine: "hydrocortisone", dose: "1", route: prescription.RouteTopical,
			prn: &whenNeeded{reason: "Itching skin", apartMinutes: 480, dosesADay: 2}},
		oral("calcium-vitamin-d", "1", 1300).meal(prescription.FoodRelationWithFood),
		oral("trazodone", "0.5", 2200),
	}
}

// former are what was once tried and given up, with the reason.
func former() []treatment {
	return []treatment{
		oral("ibuprofen", "1", 800, 2000).meal(prescription.FoodRelationWithFood),
		oral("tramadol", "1", 900, 2100), oral("quetiapine", "1", 2100), oral("mirtazapine", "1", 2200), oral("iron", "1", 1200),
		oral("amlodipine", "1", 900), oral("atorvastatin", "1", 2100),
		treatment{medicine: "enoxaparin", dose: "1", route: prescription.RouteSubcutaneous, times: []scalar.LocalTime{hm(2000)}, lasts: 28},
	}
}

// infection is one of those that come and go: how it is called, and the courses
// that are given for it, the first that suits.
type infection struct {
	name    string
	courses []treatment
}

func infections() []infection {
	chest := []treatment{
		oral("amoxicillin", "1").hourly(8).course(7),
		oral("doxycycline", "1", 1100).course(7).note("With plenty of water, upright."),
		oral("co-amoxiclav", "1", 800, 1600, 2300).course(7).meal(prescription.FoodRelationWithFood),
	}
	urine := []treatment{
		treatment{medicine: "fosfomycin", dose: "1", route: prescription.RouteOral, lasts: 1, how: "In water, two hours after the evening meal."},
		oral("nitrofurantoin", "1", 800, 1400, 2000).course(7).meal(prescription.FoodRelationWithFood),
		oral("co-amoxiclav", "1", 800, 1600, 2300).course(7).meal(prescription.FoodRelationWithFood),
	}
	return []infection{{"Chest infection", chest}, {"Urinary tract infection", urine}, {"A cold", nil}}
}

// treatments are all that are ever given, for checking the tables.
func (c *catalogue) treatments() []treatment {
	all := slices.Concat(comforts(), former())
	for _, i := range illnesses() {
		for _, s := range i.steps {
			all = append(all, s.options...)
		}
	}
	for _, i := range infections() {
		all = append(all, i.courses...)
	}
	return all
}
