package seed

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/medication"
	"carehome/ent/medicationingredient"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// medicine is a product of the catalogue. It is known here by its key.
type medicine struct {
	key, name, generic, atc string
	form                    medication.Form
	unit                    medication.Unit
	strength                string
	ingredients             []ingredient
	classes                 []string
	traits                  trait
}

// ingredient is a substance and its amount in one unit of the product.
type ingredient struct {
	substance, amount string
	unit              medicationingredient.AmountUnit
}

// trait is a set of what is particular about a medicine.
type trait int

const (
	controlled trait = 1 << iota
	timeCritical
	highRisk
	soldOnline
	withdrawn
)

const (
	mg = medicationingredient.AmountUnitMg
	ug = medicationingredient.AmountUnitUg
	gr = medicationingredient.AmountUnitG
	iu = medicationingredient.AmountUnitIu
)

// holds lists one substance; and adds to the list.
type holds []ingredient

func of(substance, amount string, unit medicationingredient.AmountUnit) holds {
	return holds{{substance, amount, unit}}
}

func (h holds) and(substance, amount string, unit medicationingredient.AmountUnit) holds {
	return append(h, ingredient{substance, amount, unit})
}

func classes(list ...string) []string { return list }

// medicines lists the catalogue: products in use in homes for elders, each ATC
// code once. Amounts are those of one tablet, millilitre, puff, drop or patch.
func medicines() []medicine {
	const (
		tablet, tablets   = medication.UnitTablet, medication.FormTablet
		capsule, capsules = medication.UnitCapsule, medication.FormCapsule
		ml, liquid        = medication.UnitMl, medication.FormOralLiquid
		injection         = medication.FormInjection
		patch, patches    = medication.UnitPatch, medication.FormPatch
		puff, inhaler     = medication.UnitPuff, medication.FormInhaler
		sachet, sachets   = medication.UnitSachet, medication.FormSachet
		grams, cream      = medication.UnitG, medication.FormCream
		drop, drops       = medication.UnitDrop, medication.FormDrops
		piece             = medication.UnitUnit
	)
	return []medicine{
		// Pain and fever
		{"paracetamol", "Paracetamol 500 mg tablets", "paracetamol", "N02BE01", tablets, tablet, "500 mg",
			of("paracetamol", "500", mg), classes("analgesic"), soldOnline},
		{"paracetamol-codeine", "Paracetamol/codeine 500 mg/30 mg tablets", "codeine and paracetamol", "N02AJ06", tablets, tablet, "500 mg/30 mg",
			of("paracetamol", "500", mg).and("codeine", "30", mg), classes("analgesic", "opioid"), 0},
		{"tramadol", "Tramadol 50 mg capsules", "tramadol", "N02AX02", capsules, capsule, "50 mg",
			of("tramadol", "50", mg), classes("opioid"), controlled},
		{"morphine", "Morphine 2 mg/mL oral solution", "morphine", "N02AA01", liquid, ml, "2 mg/mL",
			of("morphine", "2", mg), classes("opioid"), controlled | highRisk},
		{"fentanyl", "Fentanyl 12 micrograms/hour patches", "fentanyl", "N02AB03", patches, patch, "12 micrograms/hour",
			of("fentanyl", "2.1", mg), classes("opioid"), controlled | highRisk},
		{"ibuprofen", "Ibuprofen 400 mg tablets", "ibuprofen", "M01AE01", tablets, tablet, "400 mg",
			of("ibuprofen", "400", mg), classes("nsaid"), soldOnline},
		{"diclofenac", "Diclofenac 1 % gel", "diclofenac", "M02AA15", cream, grams, "10 mg/g",
			of("diclofenac", "10", mg), classes("nsaid"), soldOnline},
		{"pregabalin", "Pregabalin 75 mg capsules", "pregabalin", "N02BF02", capsules, capsule, "75 mg",
			of("pregabalin", "75", mg), classes("gabapentinoid"), 0},
		// Stomach and bowels
		{"omeprazole", "Omeprazole 20 mg capsules", "omeprazole", "A02BC01", capsules, capsule, "20 mg",
			of("omeprazole", "20", mg), classes("proton-pump-inhibitor"), 0},
		{"pantoprazole", "Pantoprazole 20 mg tablets", "pantoprazole", "A02BC02", tablets, tablet, "20 mg",
			of("pantoprazole", "20", mg), classes("proton-pump-inhibitor"), 0},
		{"ranitidine", "Ranitidine 150 mg tablets", "ranitidine", "A02BA02", tablets, tablet, "150 mg",
			of("ranitidine", "150", mg), classes("h2-antagonist"), withdrawn},
		{"macrogol", "Macrogol 3350 sachets", "macrogol, combinations", "A06AD65", sachets, sachet, "13.125 g",
			of("macrogol-3350", "13.125", gr), classes("osmotic-laxative"), soldOnline},
		{"lactulose", "Lactulose 667 mg/mL oral solution", "lactulose", "A06AD11", liquid, ml, "667 mg/mL",
			of("lactulose", "667", mg), classes("osmotic-laxative"), soldOnline},
		{"bisacodyl", "Bisacodyl 10 mg suppositories", "bisacodyl", "A06AB02", medication.FormSuppository, piece, "10 mg",
			of("bisacodyl", "10", mg), classes("stimulant-laxative"), soldOnline},
		// Diabetes
		{"metformin", "Metformin 850 mg tablets", "metformin", "A10BA02", tablets, tablet, "850 mg",
			of("metformin", "850", mg), classes("biguanide"), 0},
		{"linagliptin", "Linagliptin 5 mg tablets", "linagliptin", "A10BH05", tablets, tablet, "5 mg",
			of("linagliptin", "5", mg), classes("dpp-4-inhibitor"), 0},
		{"insulin-glargine", "Insulin glargine 100 IU/mL pens", "insulin glargine", "A10AE04", injection, ml, "100 IU/mL",
			of("insulin-glargine", "100", iu), classes("insulin"), highRisk},
		// Heart and blood
		{"furosemide", "Furosemide 40 mg tablets", "furosemide", "C03CA01", tablets, tablet, "40 mg",
			of("furosemide", "40", mg), classes("loop-diuretic"), 0},
		{"spironolactone", "Spironolactone 25 mg tablets", "spironolactone", "C03DA01", tablets, tablet, "25 mg",
			of("spironolactone", "25", mg), classes("potassium-sparing-diuretic"), 0},
		{"bisoprolol", "Bisoprolol 2.5 mg tablets", "bisoprolol", "C07AB07", tablets, tablet, "2.5 mg",
			of("bisoprolol", "2.5", mg), classes("beta-blocker"), 0},
		{"enalapril", "Enalapril 5 mg tablets", "enalapril", "C09AA02", tablets, tablet, "5 mg",
			of("enalapril", "5", mg), classes("ace-inhibitor"), 0},
		{"losartan", "Losartan 50 mg tablets", "losartan", "C09CA01", tablets, tablet, "50 mg",
			of("losartan", "50", mg), classes("angiotensin-receptor-blocker"), 0},
		{"amlodipine", "Amlodipine 5 mg tablets", "amlodipine", "C08CA01", tablets, tablet, "5 mg",
			of("amlodipine", "5", mg), classes("calcium-channel-blocker"), 0},
		{"digoxin", "Digoxin 0.25 mg tablets", "digoxin", "C01AA05", tablets, tablet, "0.25 mg",
			of("digoxin", "250", ug), classes("cardiac-glycoside"), highRisk},
		{"glyceryl-trinitrate", "Glyceryl trinitrate 0.4 mg sublingual spray", "glyceryl trinitrate", "C01DA02", medication.FormOther, puff, "0.4 mg/puff",
			of("glyceryl-trinitrate", "0.4", mg), classes("nitrate"), 0},
		{"atorvastatin", "Atorvastatin 20 mg tablets", "atorvastatin", "C10AA05", tablets, tablet, "20 mg",
			of("atorvastatin", "20", mg), classes("statin"), 0},
		{"apixaban", "Apixaban 2.5 mg tablets", "apixaban", "B01AF02", tablets, tablet, "2.5 mg",
			of("apixaban", "2.5", mg), classes("anticoagulant"), highRisk},
		{"acenocoumarol", "Acenocoumarol 1 mg tablets", "acenocoumarol", "B01AA07", tablets, tablet, "1 mg",
			of("acenocoumarol", "1", mg), classes("anticoagulant", "vitamin-k-antagonist"), highRisk},
		{"warfarin", "Warfarin 1 mg tablets", "warfarin", "B01AA03", tablets, tablet, "1 mg",
			of("warfarin", "1", mg), classes("anticoagulant", "vitamin-k-antagonist"), highRisk},
		{"enoxaparin", "Enoxaparin 40 mg/0.4 mL prefilled syringes", "enoxaparin", "B01AB05", injection, piece, "40 mg/0.4 mL",
			of("enoxaparin", "40", mg), classes("anticoagulant", "heparin"), highRisk},
		{"aspirin", "Acetylsalicylic acid 100 mg tablets", "acetylsalicylic acid", "B01AC06", tablets, tablet, "100 mg",
			of("acetylsalicylic-acid", "100", mg), classes("antiplatelet", "salicylate"), 0},
		{"clopidogrel", "Clopidogrel 75 mg tablets", "clopidogrel", "B01AC04", tablets, tablet, "75 mg",
			of("clopidogrel", "75", mg), classes("antiplatelet"), 0},
		{"iron", "Ferrous sulfate 80 mg iron tablets", "ferrous sulfate", "B03AA07", tablets, tablet, "80 mg",
			of("iron", "80", mg), classes("iron"), soldOnline},
		{"cyanocobalamin", "Cyanocobalamin 1 mg/2 mL injection", "cyanocobalamin", "B03BA01", injection, ml, "0.5 mg/mL",
			of("cyanocobalamin", "500", ug), classes("vitamin"), 0},
		// Bones, thyroid, gout
		{"alendronate", "Alendronic acid 70 mg tablets", "alendronic acid", "M05BA04", tablets, tablet, "70 mg",
			of("alendronic-acid", "70", mg), classes("bisphosphonate"), 0},
		{"calcium-vitamin-d", "Calcium/colecalciferol 600 mg/400 IU chewable tablets", "calcium and colecalciferol", "A12AX", tablets, tablet, "600 mg/400 IU",
			of("calcium", "600", mg).and("colecalciferol", "400", iu), classes("calcium", "vitamin"), soldOnline},
		{"colecalciferol", "Colecalciferol 25,000 IU capsules", "colecalciferol", "A11CC05", capsules, capsule, "25,000 IU",
			of("colecalciferol", "25000", iu), classes("vitamin"), 0},
		{"levothyroxine", "Levothyroxine 50 micrograms tablets", "levothyroxine", "H03AA01", tablets, tablet, "50 micrograms",
			of("levothyroxine", "50", ug), classes("thyroid-hormone"), 0},
		{"allopurinol", "Allopurinol 100 mg tablets", "allopurinol", "M04AA01", tablets, tablet, "100 mg",
			of("allopurinol", "100", mg), classes("xanthine-oxidase-inhibitor"), 0},
		// Nerves and mind
		{"levodopa-carbidopa", "Levodopa/carbidopa 100 mg/25 mg tablets", "levodopa and carbidopa", "N04BA02", tablets, tablet, "100 mg/25 mg",
			of("levodopa", "100", mg).and("carbidopa", "25", mg), classes("antiparkinson"), timeCritical},
		{"levetiracetam", "Levetiracetam 500 mg tablets", "levetiracetam", "N03AX14", tablets, tablet, "500 mg",
			of("levetiracetam", "500", mg), classes("antiepileptic"), timeCritical},
		{"donepezil", "Donepezil 10 mg tablets", "donepezil", "N06DA02", tablets, tablet, "10 mg",
			of("donepezil", "10", mg), classes("cholinesterase-inhibitor"), 0},
		{"rivastigmine", "Rivastigmine 9.5 mg/24 hours patches", "rivastigmine", "N06DA03", patches, patch, "9.5 mg/24 hours",
			of("rivastigmine", "18", mg), classes("cholinesterase-inhibitor"), 0},
		{"memantine", "Memantine 20 mg tablets", "memantine", "N06DX01", tablets, tablet, "20 mg",
			of("memantine", "20", mg), classes("nmda-antagonist"), 0},
		{"sertraline", "Sertraline 50 mg tablets", "sertraline", "N06AB06", tablets, tablet, "50 mg",
			of("sertraline", "50", mg), classes("ssri"), 0},
		{"mirtazapine", "Mirtazapine 15 mg tablets", "mirtazapine", "N06AX11", tablets, tablet, "15 mg",
			of("mirtazapine", "15", mg), classes("antidepressant"), 0},
		{"trazodone", "Trazodone 100 mg tablets", "trazodone", "N06AX05", tablets, tablet, "100 mg",
			of("trazodone", "100", mg), classes("antidepressant"), 0},
		{"lorazepam", "Lorazepam 1 mg tablets", "lorazepam", "N05BA06", tablets, tablet, "1 mg",
			of("lorazepam", "1", mg), classes("benzodiazepine"), 0},
		{"quetiapine", "Quetiapine 25 mg tablets", "quetiapine", "N05AH04", tablets, tablet, "25 mg",
			of("quetiapine", "25", mg), classes("antipsychotic"), 0},
		// Lungs
		{"salbutamol", "Salbutamol 100 micrograms inhaler", "salbutamol", "R03AC02", inhaler, puff, "100 micrograms/puff",
			of("salbutamol", "100", ug), classes("beta-agonist"), 0},
		{"tiotropium", "Tiotropium 2.5 micrograms inhaler", "tiotropium bromide", "R03BB04", inhaler, puff, "2.5 micrograms/puff",
			of("tiotropium", "2.5", ug), classes("anticholinergic-inhaler"), 0},
		{"budesonide-formoterol", "Budesonide/formoterol 160/4.5 micrograms inhaler", "formoterol and budesonide", "R03AK07", inhaler, puff, "160/4.5 micrograms/puff",
			of("budesonide", "160", ug).and("formoterol", "4.5", ug), classes("inhaled-corticosteroid", "beta-agonist"), 0},
		// Infections
		{"amoxicillin", "Amoxicillin 500 mg capsules", "amoxicillin", "J01CA04", capsules, capsule, "500 mg",
			of("amoxicillin", "500", mg), classes("antibiotic", "penicillin"), 0},
		{"co-amoxiclav", "Amoxicillin/clavulanic acid 500 mg/125 mg tablets", "amoxicillin and beta-lactamase inhibitor", "J01CR02", tablets, tablet, "500 mg/125 mg",
			of("amoxicillin", "500", mg).and("clavulanic-acid", "125", mg), classes("antibiotic", "penicillin"), 0},
		{"doxycycline", "Doxycycline 100 mg tablets", "doxycycline", "J01AA02", tablets, tablet, "100 mg",
			of("doxycycline", "100", mg), classes("antibiotic", "tetracycline"), 0},
		{"fosfomycin", "Fosfomycin 3 g sachets", "fosfomycin", "J01XX01", sachets, sachet, "3 g",
			of("fosfomycin", "3", gr), classes("antibiotic"), 0},
		{"nitrofurantoin", "Nitrofurantoin 50 mg tablets", "nitrofurantoin", "J01XE01", tablets, tablet, "50 mg",
			of("nitrofurantoin", "50", mg), classes("antibiotic", "nitrofuran"), 0},
		// Others
		{"tamsulosin", "Tamsulosin 0.4 mg capsules", "tamsulosin", "G04CA02", capsules, capsule, "0.4 mg",
			of("tamsulosin", "0.4", mg), classes("alpha-blocker"), 0},
		{"latanoprost", "Latanoprost 50 micrograms/mL eye drops", "latanoprost", "S01EE01", drops, drop, "50 micrograms/mL",
			of("latanoprost", "1.5", ug), classes("prostaglandin-analogue"), 0},
		{"hydrocortisone", "Hydrocortisone 1 % cream", "hydrocortisone", "D07AA02", cream, grams, "10 mg/g",
			of("hydrocortisone", "10", mg), classes("topical-corticosteroid"), soldOnline},
	}
}

// rival lists what is not prescribed together, each a substance or a class of
// drugs. A substance is never prescribed twice anyway.
func rivals() [][2]string {
	return [][2]string{
		{"anticoagulant", "anticoagulant"}, {"anticoagulant", "antiplatelet"}, {"antiplatelet", "antiplatelet"},
		{"nsaid", "anticoagulant"}, {"nsaid", "antiplatelet"}, {"nsaid", "nsaid"}, {"ibuprofen", "loop-diuretic"},
		{"ace-inhibitor", "angiotensin-receptor-blocker"}, {"proton-pump-inhibitor", "proton-pump-inhibitor"},
		{"cholinesterase-inhibitor", "cholinesterase-inhibitor"}, {"cholinesterase-inhibitor", "quetiapine"},
		{"tramadol", "ssri"}, {"tramadol", "antidepressant"}, {"tramadol", "levetiracetam"},
		{"tramadol", "benzodiazepine"}, {"fentanyl", "benzodiazepine"}, {"codeine", "benzodiazepine"},
		{"osmotic-laxative", "osmotic-laxative"}, {"mirtazapine", "trazodone"}, {"alendronic-acid", "levothyroxine"},
		{"digoxin", "cholinesterase-inhibitor"}, {"clopidogrel", "omeprazole"}, {"doxycycline", "iron"},
		{"doxycycline", "calcium"}, {"doxycycline", "vitamin-k-antagonist"},
	}
}

// catalogue is the medicines by their keys, with their identities once entered.
type catalogue struct {
	list   []medicine
	byKey  map[string]int
	rivals map[[2]string]bool
	ids    []nodeid.ID
}

func newCatalogue() (*catalogue, error) {
	c := &catalogue{list: medicines(), byKey: map[string]int{}, rivals: map[[2]string]bool{}}
	for i, m := range c.list {
		c.byKey[m.key] = i
	}
	for _, pair := range rivals() {
		c.rivals[pair], c.rivals[[2]string{pair[1], pair[0]}] = true, true
	}
	for _, t := range c.treatments() {
		if _, known := c.byKey[t.medicine]; !known {
			return nil, fmt.Errorf("no medicine %q in the catalogue", t.medicine)
		}
	}
	return c, nil
}

func (c *catalogue) get(key string) *medicine { return &c.list[c.byKey[key]] }

// names are the substances and classes of a medicine.
func (m *medicine) names() []string {
	names := make([]string, 0, len(m.ingredients)+len(m.classes))
	for _, i := range m.ingredients {
		names = append(names, i.substance)
	}
	return append(names, m.classes...)
}

// apart reports whether two medicines go together: they share no substance and
// are no rivals.
func (c *catalogue) apart(one, other *medicine) bool {
	for _, i := range one.ingredients {
		for _, j := range other.ingredients {
			if i.substance == j.substance {
				return false
			}
		}
	}
	for _, a := range one.names() {
		for _, b := range other.names() {
			if c.rivals[[2]string{a, b}] {
				return false
			}
		}
	}
	return true
}

func (h *home) enterCatalogue(ctx context.Context, tx *ent.Client) error {
	rows := make([]*ent.MedicationCreate, len(h.catalogue.list))
	for i, m := range h.catalogue.list {
		status := medication.StatusActive
		if m.traits&withdrawn != 0 {
			status = medication.StatusInactive
		}
		rows[i] = tx.Medication.Create().SetName(m.name).SetGenericName(m.generic).SetCode(m.atc).SetCodeSystem("ATC").
			SetForm(m.form).SetUnit(m.unit).SetStrengthText(m.strength).SetDrugClasses(m.classes).SetStatus(status).
			SetIsControlled(m.traits&controlled != 0).SetIsTimeCritical(m.traits&timeCritical != 0).
			SetIsHighRisk(m.traits&highRisk != 0).SetAvailableOnline(m.traits&soldOnline != 0)
	}
	made, err := tx.Medication.CreateBulk(rows...).Save(ctx)
	if err != nil {
		return err
	}
	var parts []*ent.MedicationIngredientCreate
	for i, row := range made {
		h.catalogue.ids = append(h.catalogue.ids, row.ID)
		for _, in := range h.catalogue.list[i].ingredients {
			amount, err := scalar.ParseDecimal(in.amount)
			if err != nil {
				return fmt.Errorf("%s: %w", in.substance, err)
			}
			parts = append(parts, tx.MedicationIngredient.Create().SetMedicationID(row.ID).
				SetSubstance(in.substance).SetAmountPerUnit(amount).SetAmountUnit(in.unit))
		}
	}
	if err := tx.MedicationIngredient.CreateBulk(parts...).Exec(ctx); err != nil {
		return fmt.Errorf("ingredients: %w", err)
	}
	h.made.Medications, h.made.Ingredients = len(made), len(parts)
	return nil
}
