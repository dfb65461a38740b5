package seed

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"carehome/ent"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// order is a prescription as planned.
type order struct {
	id         nodeid.ID
	of         *dweller
	medicine   *medicine
	treatment  treatment
	indication string
	prescriber string
	// status is as entered; changes come later.
	status        prescription.Status
	entered       time.Time
	starts        time.Time
	ends, stopped time.Time
	reason        prescription.StopReason
	replaces      *order
	review        scalar.Date
	covert        bool
}

// change is what later becomes of an order.
type change struct {
	order  *order
	at     time.Time
	status prescription.Status
	// reason is of STOPPED alone; why is for the record.
	reason prescription.StopReason
	why    string
}

// sickness is an infection in the course of a resident.
type sickness struct {
	name       string
	begins     time.Time
	days, peak float64
}

// Bounds of what one resident takes.
const (
	fewestOrders  = 4
	mostLasting   = 7
	mostOfAllKept = 10
)

// prescribe plans what d takes: the lasting medicines, one given up, one
// changed, one being written, and a course for each infection.
func (h *home) prescribe(d *dweller) {
	r := h.chance(ofOrders, d.index)
	h.treatIllnesses(d, r)
	for _, t := range comforts() {
		if few := len(d.orders) < fewestOrders; few || t.medicine == "paracetamol" && odds(r, 70) && len(d.orders) < mostLasting {
			h.lasting(d, t, "", r)
		}
	}
	if d.status == resident.StatusPreAdmission {
		for _, o := range d.orders {
			o.status, o.starts = prescription.StatusDraft, h.at(h.today.AddDays(5), hm(600))
		}
	} else {
		h.infect(d, r)
		h.vary(d, r)
	}
	slices.SortStableFunc(d.orders, func(a, b *order) int { return cmp.Or(a.entered.Compare(b.entered), a.starts.Compare(b.starts)) })
	for _, o := range d.orders {
		h.on(o.entered).order = append(h.on(o.entered).order, o)
	}
	if d.status == resident.StatusDischarged || d.status == resident.StatusDeceased {
		h.end(d)
	}
}

func (h *home) treatIllnesses(d *dweller, r *rand.Rand) {
	for _, ill := range illnesses() {
		percent := ill.women
		if d.sex == resident.SexMale {
			percent = ill.men
		}
		if !odds(r, percent) || ill.trait&diabetes != 0 && d.has(diabetes) {
			continue
		}
		d.conditions |= ill.trait
		for _, s := range ill.steps {
			if give, first := odds(r, s.percent), r.IntN(len(s.options)); give && len(d.orders) < mostLasting {
				for i := range s.options {
					if h.lasting(d, s.options[(first+i)%len(s.options)], ill.name, r) {
						break
					}
				}
			}
		}
	}
	// Oxygen at home, with its own target of saturation, is for the lungs alone.
	d.onOxygen = d.has(lungDisease) && odds(r, 40)
	if d.has(lungDisease) || d.has(onInsulin) {
		d.interval = 12
	}
}

// suits reports whether d can be given the medicine beside the others.
func (h *home) suits(d *dweller, m *medicine) bool {
	return d.bears(m) && !slices.ContainsFunc(d.orders, func(o *order) bool { return !h.catalogue.apart(o.medicine, m) })
}

// lasting plans an order without an end, unless it does not suit.
func (h *home) lasting(d *dweller, t treatment, indication string, r *rand.Rand) bool {
	m := h.catalogue.get(t.medicine)
	if !h.suits(d, m) {
		return false
	}
	if t.unit == prescription.DoseUnitIu {
		t.dose = fmt.Sprint(8 + 2*r.IntN(9))
	}
	starts := h.at(h.opened.AddDays(-5-r.IntN(1100)), hm(600))
	if d.registered.After(h.from) {
		starts = d.registered // newcomers are prescribed anew
	}
	o := &order{of: d, medicine: m, treatment: t, indication: indication, prescriber: pick(r, prescribers()),
		status: prescription.StatusActive, entered: d.registered, starts: starts,
		review: h.today.AddDays(r.IntN(200) - 15)}
	if t.medicine == "quetiapine" && odds(r, 30) {
		o.covert = true
	}
	d.orders = append(d.orders, o)
	return true
}

// quiet is the last moment before which something may still change with d's
// medicines: it leaves a day before now or before the departure.
func (h *home) quiet(d *dweller) time.Time {
	end := h.now
	if !d.left.IsZero() {
		end = d.left
	}
	return end.Add(-24 * time.Hour)
}

// infect plans infections, one in about four months, and their courses.
func (h *home) infect(d *dweller, r *rand.Rand) {
	quiet := h.quiet(d)
	for at := d.admitted; ; {
		at = at.Add(time.Duration((12 + r.ExpFloat64()*100) * 24 * float64(time.Hour))).Truncate(time.Minute)
		s := sickness{begins: at, days: 6 + 4*r.Float64(), peak: 0.5 + 0.5*r.Float64()}
		what := pick(r, infections())
		if !at.Before(quiet) {
			return
		}
		s.name = what.name
		d.sicknesses = append(d.sicknesses, s)
		h.treat(d, what, at, quiet, r)
		at = at.Add(14 * 24 * time.Hour)
	}
}

// treat plans the antibiotic for an infection, from its second day on.
func (h *home) treat(d *dweller, what infection, begins, quiet time.Time, r *rand.Rand) {
	for _, t := range what.courses {
		m := h.catalogue.get(t.medicine)
		if !h.suits(d, m) {
			continue
		}
		day := scalar.DateIn(begins, h.zone).AddDays(1)
		o := &order{of: d, medicine: m, treatment: t, indication: what.name, prescriber: pick(r, prescribers()),
			status: prescription.StatusActive, entered: h.at(day, hm(1230)), starts: h.at(day, hm(1400))}
		o.ends = h.at(day.AddDays(t.lasts), hm(1400))
		if !o.entered.Before(quiet) {
			return
		}
		d.orders = append(d.orders, o)
		after := change{order: o, at: o.ends, status: prescription.StatusCompleted, why: "The course is over."}
		if odds(r, 15) && t.lasts > 3 {
			after = change{order: o, at: h.at(day.AddDays(3), hm(1100)), status: prescription.StatusStopped,
				reason: prescription.StopReasonSideEffect, why: "Diarrhoea since the second day."}
		}
		if after.at.Before(quiet) {
			h.later(after)
		}
		return
	}
}

// vary plans what makes a list of medicines look lived in, as far as there is room.
func (h *home) vary(d *dweller, r *rand.Rand) {
	quiet := h.quiet(d)
	day := func(back int) scalar.Date { return scalar.DateIn(quiet, h.zone).AddDays(-back) }
	room := func() bool { return len(d.orders) < mostOfAllKept }
	lasting := slices.DeleteFunc(slices.Clone(d.orders), func(o *order) bool { return !o.ends.IsZero() })

	if past := pick(r, former()); odds(r, 45) && room() && d.admitted.Equal(h.from) {
		if m := h.catalogue.get(past.medicine); h.suits(d, m) {
			begun := h.opened.AddDays(-200 - r.IntN(200))
			o := &order{of: d, medicine: m, treatment: past, prescriber: pick(r, prescribers()), entered: d.registered, starts: h.at(begun, hm(800))}
			if past.lasts > 0 {
				o.indication, o.status, o.ends = "After a hip operation", prescription.StatusCompleted, h.at(begun.AddDays(past.lasts), hm(800))
			} else {
				o.status, o.stopped = prescription.StatusStopped, h.at(begun.AddDays(10+r.IntN(120)), hm(1100))
				o.reason = pick(r, []prescription.StopReason{prescription.StopReasonSideEffect, prescription.StopReasonIneffective,
					prescription.StopReasonInteraction, prescription.StopReasonOther})
			}
			d.orders = append(d.orders, o)
		}
	}
	for _, o := range lasting {
		// Half a tablet more or less: a new order in the place of the old one.
		on := day(2 + r.IntN(20))
		at := h.at(on, hm(1130))
		// On a later day: all orders of one day are entered at once, and the new one
		// names the old.
		if m := o.medicine.key; (m == "bisoprolol" || m == "sertraline" || m == "furosemide" || m == "losartan") &&
			odds(r, 35) && room() && scalar.DateIn(o.entered, h.zone).Compare(on) < 0 && at.After(o.starts) {
			h.later(change{order: o, at: at, status: prescription.StatusStopped, reason: prescription.StopReasonDoseChanged, why: "The dose is changed."})
			next := *o
			next.treatment.dose = pick(r, []string{"0.5", "1.5", "2"})
			next.entered, next.starts, next.stopped, next.replaces = at, at, time.Time{}, o
			d.orders = append(d.orders, &next)
			break
		}
	}
	if o := lasting[len(lasting)-1]; odds(r, 14) && o.treatment.prn == nil {
		if at := h.at(day(r.IntN(3)), hm(1000)); at.After(o.entered) && at.Before(quiet) && !slices.ContainsFunc(d.orders, func(n *order) bool { return n.replaces == o }) {
			h.later(change{order: o, at: at, status: prescription.StatusOnHold, why: "Held until the blood test is back."})
		}
	}
	if t := pick(r, comforts()); d.status == resident.StatusActive && odds(r, 20) && room() {
		if m := h.catalogue.get(t.medicine); h.suits(d, m) {
			status := prescription.StatusDraft
			if odds(r, 20) {
				status = prescription.StatusCancelled
			}
			d.orders = append(d.orders, &order{of: d, medicine: m, treatment: t, prescriber: pick(r, prescribers()),
				status: status, entered: latest(quiet, d.registered), starts: h.at(h.today.AddDays(1), hm(600))})
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// later plans a change for its day.
func (h *home) later(c change) {
	if c.status == prescription.StatusStopped || c.status == prescription.StatusCompleted {
		c.order.stopped = c.at
	}
	h.on(c.at).change = append(h.on(c.at).change, c)
}

// end stops what is still in force when d leaves or dies.
func (h *home) end(d *dweller) {
	reason, why := prescription.StopReasonDischarged, "Left the home."
	if d.status == resident.StatusDeceased {
		reason, why = prescription.StopReasonDeceased, "Died."
	}
	for _, o := range d.orders {
		if o.status == prescription.StatusActive && o.stopped.IsZero() {
			h.later(change{order: o, at: d.left, status: prescription.StatusStopped, reason: reason, why: why})
		}
	}
}

// enterOrders enters the prescriptions of a day, at the time of the last of them.
func (h *home) enterOrders(ctx context.Context, tx *ent.Client, list []*order) error {
	if len(list) == 0 {
		return nil
	}
	last := slices.MaxFunc(list, func(a, b *order) int { return a.entered.Compare(b.entered) }).entered
	ctx = h.as(ctx, h.anyOf(viewer.Nurse, last.YearDay()), last)
	for some := range slices.Chunk(list, perInsert) {
		rows := make([]*ent.PrescriptionCreate, len(some))
		for i, o := range some {
			row, err := h.orderRow(tx, o)
			if err != nil {
				return fmt.Errorf("%s: %w", o.medicine.key, err)
			}
			rows[i] = row
		}
		made, err := tx.Prescription.CreateBulk(rows...).Save(ctx)
		if err != nil {
			return err
		}
		for i, o := range some {
			o.id = made[i].ID
		}
		h.made.Prescriptions += len(rows)
	}
	return nil
}

// orderRow is an order as first entered.
func (h *home) orderRow(tx *ent.Client, o *order) (*ent.PrescriptionCreate, error) {
	t := o.treatment
	dose, err := scalar.ParseDecimal(t.dose)
	if err != nil {
		return nil, fmt.Errorf("dose: %w", err)
	}
	unit := cmp.Or(t.unit, prescription.DoseUnit(o.medicine.unit))
	row := tx.Prescription.Create().SetResidentID(o.of.id).SetMedicationID(h.catalogue.ids[h.catalogue.byKey[o.medicine.key]]).
		SetStatus(o.status).SetDoseAmount(dose).SetDoseUnit(unit).SetRoute(t.route).SetStartsAt(scalar.At(o.starts)).
		SetPrescriberName(o.prescriber).SetNillableIndication(optional(o.indication)).SetNillableInstructions(optional(t.how))
	if t.most != "" {
		most, err := scalar.ParseDecimal(t.most)
		if err != nil {
			return nil, fmt.Errorf("upper dose: %w", err)
		}
		row.SetDoseAmountMax(most)
	}
	switch {
	case t.prn != nil:
		row.SetKind(prescription.KindPrn).SetPrnReason(t.prn.reason).SetPrnMinIntervalMinutes(t.prn.apartMinutes).
			SetPrnMaxDosesPer24h(t.prn.dosesADay)
		if t.prn.amountADay != "" {
			most, err := scalar.ParseDecimal(t.prn.amountADay)
			if err != nil {
				return nil, fmt.Errorf("amount a day: %w", err)
			}
			row.SetPrnMaxAmountPer24h(most)
		}
		if t.prn.followUpMinutes > 0 {
			row.SetPrnFollowUpMinutes(t.prn.followUpMinutes)
		}
	case t.everyMinutes > 0:
		row.SetScheduleKind(prescription.ScheduleKindInterval).SetIntervalMinutes(t.everyMinutes)
		if t.lasts > 0 {
			row.SetMaxDoses(t.lasts * minutesADay / t.everyMinutes)
		}
	case len(t.times) > 0:
		row.SetScheduleKind(prescription.ScheduleKindTimesOfDay).SetTimesOfDay(t.times)
		if len(t.days) > 0 {
			row.SetDaysOfWeek(t.days)
		}
		if t.everyDays > 0 {
			row.SetEveryNDays(t.everyDays)
		}
	default:
		row.SetKind(prescription.KindOneOff).SetScheduleKind(prescription.ScheduleKindOnce)
	}
	if o.medicine.traits&timeCritical != 0 {
		row.SetWindowBeforeMinutes(30).SetWindowAfterMinutes(30)
	}
	if t.food != "" {
		row.SetFoodRelation(t.food)
	}
	if t.taken != "" {
		row.SetSelfAdministered(t.taken)
	}
	if o.covert {
		row.SetIsCovert(true).SetCovertReviewOn(h.today.AddDays(30))
	}
	if !o.review.IsZero() {
		row.SetReviewOn(o.review)
	}
	if !o.ends.IsZero() {
		row.SetEndsAt(scalar.At(o.ends))
	}
	if o.status == prescription.StatusStopped {
		row.SetStoppedAt(scalar.At(o.stopped)).SetStopReason(o.reason)
	}
	if o.replaces != nil {
		row.SetReplacesID(o.replaces.id)
	}
	return row, nil
}

const minutesADay = 24 * 60

// enterChanges records what became of prescriptions on a day, each at its time.
func (h *home) enterChanges(ctx context.Context, tx *ent.Client, list []change) error {
	for _, c := range list {
		row := tx.Prescription.UpdateOneID(c.order.id).SetStatus(c.status)
		if c.status == prescription.StatusStopped {
			row.SetStoppedAt(scalar.At(c.at)).SetStopReason(c.reason)
		}
		ctx := viewer.WithReason(h.as(ctx, h.anyOf(viewer.Nurse, c.at.YearDay()), c.at), c.why)
		if err := row.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
