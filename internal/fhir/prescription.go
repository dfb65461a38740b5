package fhir

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// prescription takes an order in, whatever its status. What no field can hold
// stands in the instructions, and then the field stays empty, so that nobody
// gives a dose before a nurse has read them.
func (m *mapping) prescription(e *entry, r *medicationRequest) {
	what := e.label(r.MedicationCodeableConcept)
	if what == "" {
		what = oneLine(r.MedicationReference.Display)
	}
	resident, no := m.subject(r.Subject, r.contains)
	if no == nil && r.DoNotPerform {
		no = refuse(Prohibition, "it is an order not to give it")
	}
	var product Medication
	var from *entry
	if no == nil {
		product, from, no = m.product(e, r)
	}
	if no != nil {
		m.report.skip(e, what, no.reason, no.detail)
		return
	}
	p := &Prescription{SourceID: sourceID(resident, "MedicationRequest", e.id), Medication: product, from: e}
	o := &order{mapping: m, p: p}
	o.status(r)
	o.dosages(r.DosageInstruction)
	o.period(r)
	o.people(r)
	for _, note := range r.Note {
		o.line("%s", note.Text)
	}
	p.Instructions = m.fit(e, strings.Join(o.lines, "\n"), maxNotes)
	if len(o.asText) > 0 {
		m.report.note(e, AsText, strings.ToLower(strings.Join(o.asText, ", ")))
	}
	if p.DoseAmount == nil {
		m.report.note(e, NoDose, "")
	}
	if prior := m.index.find(r.PriorPrescription, "MedicationRequest"); prior != nil {
		p.Replaces = sourceID(resident, "MedicationRequest", prior.id)
	} else if id := idOfReference(r.PriorPrescription.Reference, "MedicationRequest"); id != "" {
		p.Replaces = sourceID(resident, "MedicationRequest", id)
	}
	if from != nil && !m.used[from] {
		m.used[from], p.product = true, from
	}
	resident.Prescriptions = append(resident.Prescriptions, p)
}

// order is a prescription being put together.
type order struct {
	*mapping
	p      *Prescription
	lines  []string // of the instructions
	asText []string // what of it stands there alone
}

// line adds a line to the instructions, once.
func (o *order) line(format string, args ...any) {
	if line := oneLine(fmt.Sprintf(format, args...)); line != "" && !slices.Contains(o.lines, line) {
		o.lines = append(o.lines, line)
	}
}

// stated keeps as text what no field can hold.
func (o *order) stated(what, text string) {
	if text = oneLine(text); text != "" {
		o.asText = append(o.asText, what)
		o.line("%s as stated: %s", what, text)
	}
}

// status puts the order's status into the home's. One that FHIR calls unknown,
// and a proposal or a plan that nobody has ordered yet, is a draft: no dose is
// due from it.
func (o *order) status(r *medicationRequest) {
	switch r.Status {
	case "active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft":
		o.p.Status = strings.ToUpper(strings.ReplaceAll(r.Status, "-", "_"))
	default:
		o.p.Status = "DRAFT"
		o.stated("Status", cmp.Or(r.Status, "none"))
	}
	switch r.Intent {
	case "proposal", "plan", "option":
		if o.p.Status == "ACTIVE" || o.p.Status == "ON_HOLD" {
			o.p.Status = "DRAFT"
		}
		o.stated("Intent", r.Intent)
	}
	why := r.StatusReason.name()
	if why == "" {
		return
	}
	if o.p.Status == "STOPPED" {
		switch r.StatusReason.code("medicationrequest-status-reason") {
		case "salg":
			o.p.StopReason = "ALLERGY"
		case "sddi":
			o.p.StopReason = "INTERACTION"
		case "sdupther":
			o.p.StopReason = "DUPLICATE"
		case "sintol":
			o.p.StopReason = "SIDE_EFFECT"
		default:
			o.p.StopReason = "OTHER"
		}
	}
	o.line("Reason of the status: %s", why)
}

// period says from when to when the order is in force: as its timing states,
// else from when it was written.
func (o *order) period(r *medicationRequest) {
	p := o.p
	var bounds period
	if len(r.DosageInstruction) == 1 {
		if t := r.DosageInstruction[0].Timing; t != nil && t.Repeat != nil && t.Repeat.BoundsPeriod != nil {
			bounds = *t.Repeat.BoundsPeriod
		}
	}
	starts := []string{bounds.Start, r.AuthoredOn, r.DispenseRequest.ValidityPeriod.Start}
	if e := o.index.find(r.Encounter, "Encounter"); e != nil {
		starts = append(starts, e.resource.(*encounter).Period.Start)
	}
	for _, s := range starts {
		if p.StartsAt != nil {
			break
		}
		if at, _, err := moment(s, o.Zone); s != "" && err == nil {
			p.StartsAt = &at
		}
	}
	if p.StartsAt == nil {
		o.stated("Start", "none")
	}
	if bounds.End == "" {
		return
	}
	at, err := end(bounds.End, o.Zone)
	if err != nil || p.StartsAt == nil || !at.After(p.StartsAt.Time) {
		o.stated("Period", cmp.Or(bounds.Start, "?")+" to "+bounds.End)
		return
	}
	p.EndsAt = &at
}

// people says who ordered it and what for.
func (o *order) people(r *medicationRequest) {
	p := o.p
	name := ""
	if e := o.index.find(r.Requester, "Practitioner"); e != nil {
		name = prescriber(e.resource)
	} else if e := o.index.find(r.Requester, "Organization"); e != nil {
		name = prescriber(e.resource)
	} else if inner, err := r.within(r.Requester.Reference); err == nil {
		name = prescriber(inner)
	}
	p.PrescriberName = o.fit(p.from, cmp.Or(name, oneLine(r.Requester.Display), "Not stated"), 120)
	var why []string
	for _, reason := range r.ReasonCode {
		why = append(why, reason.name())
	}
	for _, ref := range r.ReasonReference {
		reason := oneLine(ref.Display)
		if e := o.index.find(ref, "Condition"); e != nil {
			reason = e.resource.(*condition).Code.name()
		} else if inner, err := r.within(ref.Reference); err == nil {
			if c, ok := inner.(*condition); ok {
				reason = c.Code.name()
			}
		}
		why = append(why, reason)
	}
	why = slices.DeleteFunc(why, func(s string) bool { return s == "" })
	p.Indication = o.fit(p.from, strings.Join(slices.Compact(why), "; "), 500)
}

func prescriber(resource any) string {
	switch r := resource.(type) {
	case *practitioner:
		if len(r.Name) > 0 {
			return r.Name[0].String()
		}
	case *organization:
		return oneLine(r.Name)
	}
	return ""
}

// priorsFirst puts each order after the one that it replaces. In a circle, or
// where two replace the same, only the first does.
func priorsFirst(list []*Prescription) []*Prescription {
	bySource, replaced := map[string]*Prescription{}, map[string]bool{}
	for _, p := range list {
		bySource[p.SourceID] = p
	}
	var sorted []*Prescription
	state := map[*Prescription]int{} // 1 on the way, 2 done
	var visit func(p *Prescription)
	visit = func(p *Prescription) {
		state[p] = 1
		if prior := bySource[p.Replaces]; prior != nil {
			if state[prior] == 0 {
				visit(prior)
			}
			if state[prior] == 1 {
				p.Replaces = ""
			}
		}
		if replaced[p.Replaces] {
			p.Replaces = ""
		}
		replaced[p.Replaces] = p.Replaces != ""
		state[p] = 2
		sorted = append(sorted, p)
	}
	for _, p := range list {
		if state[p] == 0 {
			visit(p)
		}
	}
	return sorted
}
