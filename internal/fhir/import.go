package fhir

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"carehome/ent"
	"carehome/ent/allergy"
	"carehome/ent/medication"
	"carehome/ent/medicationingredient"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/wellness"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Importer writes bundles into a home.
type Importer struct {
	// Write runs a function in one transaction. It must keep revisions and hold
	// the rules between rows, as care.Guard makes it do.
	Write func(ctx context.Context, work func(ctx context.Context, tx *ent.Client) error) error
	// Zone is the home's.
	Zone *time.Location
	// Progress hears how many of a bundle's rows are done; it may be nil.
	Progress func(done, total int)
}

// Bundle reads a bundle and takes it in, wholly or, if it is broken, not at
// all. Name is what the report calls it.
func (i Importer) Bundle(ctx context.Context, name string, r io.Reader) (*Report, error) {
	bundle, err := Decode(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	record, report := Mapper{Zone: i.Zone, Now: scalar.Now(ctx)}.Map(bundle)
	report.Name = name
	if err := i.Import(ctx, record, report); err != nil {
		return nil, fmt.Errorf("importing %s: %w", name, err)
	}
	return report, nil
}

// Import writes what Map made of a bundle in one transaction, and adds what
// became of it to the report. Without a viewer in ctx the system writes.
func (i Importer) Import(ctx context.Context, record *Record, report *Report) error {
	if _, named := viewer.From(ctx); !named {
		ctx = viewer.With(ctx, viewer.System())
	}
	ctx = viewer.WithReason(ctx, "imported again, and the source had changed")
	var done *Report
	err := i.Write(ctx, func(ctx context.Context, tx *ent.Client) error {
		done = newReport() // afresh, should the transaction be run again
		asking, _ := viewer.From(ctx)
		w := &writer{
			tx: tx, who: asking.ID, report: done,
			progress: i.Progress, total: record.Rows(), medications: map[productKey]nodeid.ID{},
		}
		for _, r := range record.Residents {
			if err := w.resident(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	report.merge(done)
	return nil
}

// outcome is what became of a row.
type outcome struct {
	Tally
	no *refusal // why it is skipped
}

func taken() outcome              { return outcome{Tally: Tally{Taken: 1}} }
func updated() outcome            { return outcome{Tally: Tally{Updated: 1}} }
func unchanged() outcome          { return outcome{Tally: Tally{Unchanged: 1}} }
func skipped(no *refusal) outcome { return outcome{Tally{Skipped: 1}, no} }

// writer puts one record into one transaction.
type writer struct {
	tx     *ent.Client
	who    nodeid.ID // in whose name; zero for the system
	report *Report

	progress    func(done, total int)
	done, total int

	medications map[productKey]nodeid.ID // found or made on the way
}

type productKey struct{ system, code, name string }

// row counts what became of a row and of the resources that it is made of.
func (w *writer) row(typ string, o outcome, from ...*entry) {
	w.report.countRow(typ, o.Tally)
	for _, e := range from {
		if o.no != nil {
			w.report.skip(e, "", o.no.reason, o.no.detail)
		} else {
			w.report.count(e.typ, o.Tally)
		}
	}
	w.step(1)
}

func (w *writer) step(n int) {
	w.done += n
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
}

// save runs a create or an update, unless nothing is to change. A rule of the
// home that refuses the row is an outcome and no error: the rest of the bundle
// is taken.
func save(changed bool, here bool, done outcome, exec func() error) (outcome, error) {
	if !changed {
		return unchanged(), nil
	}
	if here {
		return skipped(refuse(ChangedHere, "it differs from the bundle, and stays as it is here")), nil
	}
	err := exec()
	if list, ok := problem.From(err); ok {
		return skipped(refuse(Refused, "%s %s", list[0].Field, list[0].Message)), nil
	}
	return done, err
}

// changedHere reports whether a person other than the one importing was the last
// to change a row.
func (w *writer) changedHere(by *nodeid.ID) bool { return by != nil && *by != w.who }

func (w *writer) resident(ctx context.Context, r *Resident) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id, no, err := w.person(ctx, r)
	if err != nil {
		return fmt.Errorf("resident %s: %w", r.ExternalID, err)
	}
	if no != nil {
		w.skipAll(r, no)
		return nil
	}
	for _, part := range []func(context.Context, nodeid.ID, *Resident) error{w.allergies, w.prescriptions, w.wellness} {
		if err := part(ctx, id, r); err != nil {
			return fmt.Errorf("resident %s: %w", r.ExternalID, err)
		}
	}
	return nil
}

// person finds or makes the resident and brings the row up to date.
func (w *writer) person(ctx context.Context, r *Resident) (nodeid.ID, *refusal, error) {
	row, err := w.tx.Resident.Query().Where(resident.ExternalID(r.ExternalID)).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return 0, nil, fmt.Errorf("looking it up: %w", err)
	}
	var o outcome
	switch {
	case row == nil && r.Person == nil:
		return 0, refuse(NoPatient, "the patient is neither in the bundle nor known here"), nil
	case row == nil:
		create := w.tx.Resident.Create().SetExternalID(r.ExternalID)
		fillResident(create.Mutation(), &ent.Resident{}, r)
		o, err = save(true, false, taken(), func() error {
			row, err = create.Save(ctx)
			return err
		})
	case r.Person != nil && anotherPerson(row, r.Person):
		return 0, refuse(Refused, "another resident has this id here"), nil
	default:
		update := row.Update()
		changed := fillResident(update.Mutation(), row, r)
		o, err = save(changed, w.changedHere(row.UpdatedByID), updated(), func() error { return update.Exec(ctx) })
	}
	if err != nil {
		return 0, nil, fmt.Errorf("saving: %w", err)
	}
	if row == nil {
		return 0, o.no, nil
	}
	var from []*entry
	if r.Person != nil {
		from = append(from, r.Person.from)
	}
	if r.heightFrom != nil {
		from = append(from, r.heightFrom)
	}
	if len(from) == 0 && o.Unchanged > 0 {
		w.step(1) // the bundle says nothing of the person
		return row.ID, nil, nil
	}
	w.row("Resident", o, from...)
	return row.ID, nil, nil
}

// anotherPerson reports whether the row is plainly somebody else, who got the
// same id from another system: records of two people must not run together.
func anotherPerson(row *ent.Resident, p *Person) bool {
	return row.BirthDate != p.BirthDate && scalar.Fold(row.FamilyName) != scalar.Fold(p.FamilyName) &&
		scalar.Fold(row.GivenName) != scalar.Fold(p.GivenName)
}

// skipAll counts all that a bundle says of a resident as skipped.
func (w *writer) skipAll(r *Resident, no *refusal) {
	o := skipped(no)
	w.row("Resident", o)
	if r.Person != nil {
		w.report.skip(r.Person.from, "", no.reason, no.detail)
	}
	if r.heightFrom != nil {
		w.report.skip(r.heightFrom, "", no.reason, no.detail)
	}
	for _, a := range r.Allergies {
		w.row("Allergy", o, a.from)
	}
	for _, p := range r.Prescriptions {
		w.row("Prescription", o, p.from)
		if p.product != nil {
			w.report.skip(p.product, "", no.reason, no.detail)
		}
	}
	for _, c := range r.Wellness {
		w.row("Wellness", o, c.from...)
	}
}

// lookUp reads the rows of the given source ids, a few hundred a query.
func lookUp[E any](ctx context.Context, ids []string, query func(ctx context.Context, ids []string) ([]E, error), key func(E) string) (map[string]E, error) {
	rows := make(map[string]E, len(ids))
	for chunk := range slices.Chunk(ids, 500) {
		found, err := query(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("looking up what was imported before: %w", err)
		}
		for _, row := range found {
			rows[key(row)] = row
		}
	}
	return rows, nil
}

func sources[T any](list []T, of func(T) string) []string {
	ids := make([]string, len(list))
	for i, t := range list {
		ids[i] = of(t)
	}
	return ids
}

// elsewhere refuses a row that belongs to another resident here: somebody has
// given the resident another external id since.
func elsewhere() *refusal { return refuse(ChangedHere, "it belongs to another resident here") }

func (w *writer) allergies(ctx context.Context, of nodeid.ID, r *Resident) error {
	rows, err := lookUp(ctx, sources(r.Allergies, func(a *Allergy) string { return a.SourceID }),
		func(ctx context.Context, ids []string) ([]*ent.Allergy, error) {
			return w.tx.Allergy.Query().Where(allergy.SourceIDIn(ids...)).All(ctx)
		}, func(a *ent.Allergy) string { return *a.SourceID })
	if err != nil {
		return err
	}
	for _, a := range r.Allergies {
		o, err := w.allergy(ctx, of, a, rows[a.SourceID])
		if err != nil {
			return fmt.Errorf("%s: %w", a.from, err)
		}
		w.row("Allergy", o, a.from)
	}
	return nil
}

func (w *writer) allergy(ctx context.Context, of nodeid.ID, a *Allergy, row *ent.Allergy) (outcome, error) {
	if row != nil && row.ResidentID != of {
		return skipped(elsewhere()), nil
	}
	if a.counts() {
		// One active allergy to a substance; it may have been recorded here.
		same := w.tx.Allergy.Query().Where(
			allergy.ResidentID(of), allergy.Substance(a.Substance), allergy.ClinicalStatusEQ(allergy.ClinicalStatusActive),
			allergy.VerificationNotIn(allergy.VerificationRefuted, allergy.VerificationEnteredInError))
		if row != nil {
			same.Where(allergy.IDNEQ(row.ID))
		}
		if there, err := same.Exist(ctx); err != nil {
			return outcome{}, fmt.Errorf("looking for the same allergy: %w", err)
		} else if there {
			return skipped(refuse(Duplicate, "the resident has an active allergy to it here")), nil
		}
	}
	if row == nil {
		create := w.tx.Allergy.Create().SetSourceID(a.SourceID).SetResidentID(of)
		fillAllergy(create.Mutation(), &ent.Allergy{}, a)
		return save(true, false, taken(), func() error { return create.Exec(ctx) })
	}
	update := row.Update()
	changed := fillAllergy(update.Mutation(), row, a)
	return save(changed, w.changedHere(row.UpdatedByID), updated(), func() error { return update.Exec(ctx) })
}

func (w *writer) prescriptions(ctx context.Context, of nodeid.ID, r *Resident) error {
	rows, err := lookUp(ctx, sources(r.Prescriptions, func(p *Prescription) string { return p.SourceID }),
		func(ctx context.Context, ids []string) ([]*ent.Prescription, error) {
			return w.tx.Prescription.Query().Where(prescription.SourceIDIn(ids...)).All(ctx)
		}, func(p *ent.Prescription) string { return *p.SourceID })
	if err != nil {
		return err
	}
	for _, p := range r.Prescriptions {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := w.prescription(ctx, of, p, rows[p.SourceID])
		if err != nil {
			return fmt.Errorf("%s: %w", p.from, err)
		}
		w.row("Prescription", o, p.from)
	}
	return nil
}

func (w *writer) prescription(ctx context.Context, of nodeid.ID, p *Prescription, row *ent.Prescription) (outcome, error) {
	product, err := w.medication(ctx, p)
	if err != nil {
		return outcome{}, err
	}
	if row == nil {
		create := w.tx.Prescription.Create().SetSourceID(p.SourceID).SetResidentID(of).SetMedicationID(product)
		fillPrescription(create.Mutation(), &ent.Prescription{}, p)
		if p.StartsAt == nil {
			create.SetStartsAt(scalar.Now(ctx)) // known from now on; the instructions say so
		}
		if prior, err := w.prior(ctx, of, p); err != nil {
			return outcome{}, err
		} else if prior != 0 {
			create.SetReplacesID(prior)
		}
		return save(true, false, taken(), func() error { return create.Exec(ctx) })
	}
	switch {
	case row.ResidentID != of:
		return skipped(elsewhere()), nil
	case row.MedicationID != product:
		return skipped(refuse(Refused, "the order is of another product than before; a changed product is a new order")), nil
	}
	update := row.Update()
	changed := fillPrescription(update.Mutation(), row, p)
	return save(changed, w.changedHere(row.UpdatedByID), updated(), func() error { return update.Exec(ctx) })
}

// prior is the order that p replaces, if it is known, of the same resident, and
// not replaced by another already.
func (w *writer) prior(ctx context.Context, of nodeid.ID, p *Prescription) (nodeid.ID, error) {
	if p.Replaces == "" {
		return 0, nil
	}
	id, err := w.tx.Prescription.Query().Where(
		prescription.SourceID(p.Replaces), prescription.ResidentID(of), prescription.Not(prescription.HasReplacedBy()),
	).OnlyID(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return 0, fmt.Errorf("looking up the order before it: %w", err)
	}
	return id, nil
}

// medication finds the product by its code, else by its folded name, or adds it
// to the catalogue. A product that is there already belongs to the home and is
// left as it is.
func (w *writer) medication(ctx context.Context, p *Prescription) (nodeid.ID, error) {
	m := p.Medication
	key := productKey{m.CodeSystem, m.Code, scalar.Fold(m.Name)}
	o := unchanged()
	id, known := w.medications[key]
	if !known {
		var err error
		if id, err = w.findMedication(ctx, m); err != nil {
			return 0, fmt.Errorf("looking up its medication: %w", err)
		}
		if id == 0 {
			if id, err = w.addMedication(ctx, m); err != nil {
				return 0, fmt.Errorf("adding its medication: %w", err)
			}
			o = taken()
		}
		w.medications[key] = id
		w.report.countRow("Medication", o.Tally)
	}
	if p.product != nil {
		w.report.count("Medication", o.Tally)
	}
	return id, nil
}

func (w *writer) findMedication(ctx context.Context, m Medication) (nodeid.ID, error) {
	if m.Code != "" {
		id, err := w.tx.Medication.Query().Where(medication.CodeSystem(m.CodeSystem), medication.Code(m.Code)).OnlyID(ctx)
		if err == nil || !ent.IsNotFound(err) {
			return id, err
		}
	}
	// name_key is name, strength and form; any strength and form of the name do.
	id, err := w.tx.Medication.Query().Where(medication.NameKeyHasPrefix(scalar.Fold(m.Name) + "|")).
		Order(medication.ByID()).FirstID(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return id, err
}

func (w *writer) addMedication(ctx context.Context, m Medication) (nodeid.ID, error) {
	create := w.tx.Medication.Create().SetName(m.Name).SetForm(medication.Form(m.Form)).
		SetUnit(medication.Unit(m.Unit)).SetStatus(medication.Status(m.Status))
	if m.Code != "" {
		create.SetCode(m.Code).SetCodeSystem(m.CodeSystem)
	}
	row, err := create.Save(ctx)
	if err != nil {
		return 0, err
	}
	for _, i := range m.Ingredients {
		err := w.tx.MedicationIngredient.Create().SetMedicationID(row.ID).SetSubstance(i.Substance).
			SetAmountPerUnit(i.Amount).SetAmountUnit(medicationingredient.AmountUnit(i.Unit)).Exec(ctx)
		if err != nil {
			return 0, err
		}
	}
	return row.ID, nil
}

func (w *writer) wellness(ctx context.Context, of nodeid.ID, r *Resident) error {
	rows, err := lookUp(ctx, sources(r.Wellness, func(c *Wellness) string { return c.SourceID }),
		func(ctx context.Context, ids []string) ([]*ent.Wellness, error) {
			return w.tx.Wellness.Query().Where(wellness.SourceIDIn(ids...)).All(ctx)
		}, func(c *ent.Wellness) string { return *c.SourceID })
	if err != nil {
		return err
	}
	for _, c := range r.Wellness {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := rows[c.SourceID]
		if row == nil && len(c.Values) == 0 {
			w.step(1) // void, and never taken
			continue
		}
		o, err := w.check(ctx, of, c, row)
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimPrefix(c.SourceID, r.ExternalID+"/"), err)
		}
		w.row("Wellness", o, c.from...)
	}
	return nil
}

func (w *writer) check(ctx context.Context, of nodeid.ID, c *Wellness, row *ent.Wellness) (outcome, error) {
	if row == nil {
		create := w.tx.Wellness.Create().SetSourceID(c.SourceID).SetResidentID(of)
		fillWellness(create.Mutation(), &ent.Wellness{}, c)
		return save(true, false, taken(), func() error { return create.Exec(ctx) })
	}
	if row.ResidentID != of {
		return skipped(elsewhere()), nil
	}
	update := row.Update()
	changed := fillWellness(update.Mutation(), row, c)
	return save(changed, w.changedHere(row.UpdatedByID), updated(), func() error { return update.Exec(ctx) })
}
