package fhir

import (
	"cmp"
	"strings"

	"carehome/internal/scalar"
)

// product is what an order is of: a coded name, or a Medication that is
// contained, in the bundle, or only named. From is the entry of the Medication.
func (m *mapping) product(e *entry, r *medicationRequest) (product Medication, from *entry, no *refusal) {
	code := r.MedicationCodeableConcept
	var of *medicationResource
	if ref := r.MedicationReference; !ref.empty() || ref.Display != "" {
		inner, err := r.within(ref.Reference)
		if err != nil {
			return Medication{}, nil, refuse(Incomplete, "%v", err)
		}
		of, _ = inner.(*medicationResource)
		if found := m.index.find(ref, "Medication"); of == nil && found != nil {
			of, from = found.resource.(*medicationResource), found
		}
		if of != nil {
			code = of.Code
		}
		if code.name() == "" {
			code.Text = ref.Display
		}
	}
	name := code.name()
	if name == "" {
		return Medication{}, nil, refuse(Incomplete, "it does not say of what")
	}
	product = Medication{Name: m.fit(e, name, 200), Status: "ACTIVE"}
	for _, c := range code.Coding {
		id, system := strings.TrimSpace(c.Code), strings.TrimSpace(c.System)
		if id != "" && system != "" && len(id) <= 64 && len(system) <= 120 && oneLine(id) == id && oneLine(system) == system {
			product.Code, product.CodeSystem = id, system
			break
		}
	}
	if of != nil {
		product.Form = formInWords(of.Form.name())
		switch of.Status {
		case "inactive":
			product.Status = "INACTIVE"
		case "entered-in-error":
			product.Status = "ENTERED_IN_ERROR"
		}
	}
	product.Form = cmp.Or(product.Form, formInWords(name), "OTHER")
	product.Unit = unitOfForm(product.Form)
	if of != nil {
		product.Ingredients = of.ingredients(product.Unit)
	}
	return product, from, nil
}

// formInWords is the form that a product's name or form says, if it says one.
// In RxNorm's names the form comes last: "Acetaminophen 325 MG Oral Tablet".
func formInWords(words string) string {
	padded := " " + strings.Join(strings.FieldsFunc(scalar.Fold(words), func(r rune) bool {
		return strings.ContainsRune(" ,;()[]/-", r)
	}), " ") + " "
	for _, form := range []struct {
		is    string
		words []string
	}{
		{"PATCH", []string{"patch", "patches"}},
		{"INHALER", []string{"inhaler", "inhalation", "inhalant"}},
		{"SUPPOSITORY", []string{"suppository", "suppositories"}},
		{"DROPS", []string{"drops", "eye drops", "ophthalmic solution", "otic solution"}},
		{"INJECTION", []string{"injection", "injectable", "prefilled syringe", "auto injector", "pen injector", "cartridge"}},
		{"CREAM", []string{"cream", "ointment", "topical gel"}},
		{"CAPSULE", []string{"capsule", "capsules"}},
		{"TABLET", []string{"tablet", "tablets"}},
		{"ORAL_LIQUID", []string{"oral solution", "oral suspension", "syrup", "elixir"}},
		{"SACHET", []string{"sachet", "sachets"}},
	} {
		for _, word := range form.words {
			if strings.Contains(padded, " "+word+" ") {
				return form.is
			}
		}
	}
	return ""
}

// unitOfForm is the unit in which a form is counted.
func unitOfForm(form string) string {
	switch form {
	case "TABLET", "CAPSULE", "PATCH", "SACHET":
		return form
	case "ORAL_LIQUID":
		return "ML"
	case "DROPS":
		return "DROP"
	case "INHALER":
		return "PUFF"
	case "CREAM":
		return "G"
	}
	return "UNIT"
}

// ingredients are the active substances whose amount in one of the product's
// units is stated.
func (r *medicationResource) ingredients(unit string) []Ingredient {
	var list []Ingredient
	seen := map[string]bool{}
	for _, i := range r.Ingredient {
		slug := substance(i.ItemCodeableConcept.name())
		if slug == "" || seen[slug] || i.Strength == nil || i.Strength.Numerator == nil {
			continue
		}
		amount, err := exact(i.Strength.Numerator.Value)
		if err != nil || amount.Sign() <= 0 {
			continue
		}
		if per := i.Strength.Denominator; per != nil && per.Value != "" {
			n, err := exact(per.Value)
			if of, known := per.doseUnit(); err != nil || n.Sign() <= 0 || !known || of != "" && of != unit {
				continue
			}
			amount.Quo(amount, n)
		}
		d, _, err := round(amount, scalar.DecimalPlaces)
		in, _ := i.Strength.Numerator.doseUnit()
		switch in {
		case "MG", "UG", "G", "IU", "ML":
			if err == nil && d > 0 && d <= scalar.Whole(1_000_000) {
				list = append(list, Ingredient{slug, d, in})
				seen[slug] = true
			}
		}
	}
	return list
}
