package seed

import (
	"context"
	"slices"
	"time"

	"carehome/ent"
	"carehome/ent/wellness"
	"carehome/internal/scalar"
)

// groupSize is how many residents a carer checks before sitting down to enter
// them: what was seen is entered within the hour.
const groupSize = 6

// entry is a check to be entered.
type entry struct {
	row   *ent.WellnessCreate
	taken time.Time
}

// enterChecks enters the wellness checks of a day, group by group.
func (h *home) enterChecks(ctx context.Context, tx *ent.Client, day scalar.Date) error {
	for _, d := range h.residents {
		if !d.admitted.IsZero() {
			d.course.dawn()
		}
	}
	for _, round := range checkRounds() {
		group := 0
		for some := range slices.Chunk(h.residents, groupSize) {
			group++
			if err := h.enterGroup(ctx, tx, day, round, group, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// enterGroup makes a carer's way through a group of residents in one round, and
// enters what was seen.
func (h *home) enterGroup(ctx context.Context, tx *ent.Client, day scalar.Date, round round, group int, some []*dweller) error {
	start := h.at(day, round.starts).Add(time.Duration(group%9) * 7 * time.Minute)
	var entries []entry
	for i, d := range some {
		if d.admitted.IsZero() {
			continue
		}
		taken := start.Add(time.Duration(7*i+d.course.r.IntN(6)) * time.Minute)
		entries = append(entries, h.seen(tx, d, day, round.kind, taken)...)
	}
	if len(entries) == 0 {
		return nil
	}
	last := slices.MaxFunc(entries, func(a, b entry) int { return a.taken.Compare(b.taken) }).taken
	rows := make([]*ent.WellnessCreate, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	ctx = h.as(ctx, h.onDuty(day, round.starts, group), last.Add(4*time.Minute))
	if err := tx.Wellness.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	h.made.Wellness += len(rows)
	return nil
}

// seen lists the checks of d in a round: the ordinary one, the weighing on the
// resident's own day of the week, and what a fall or a dose when needed calls for.
func (h *home) seen(tx *ent.Client, d *dweller, day scalar.Date, kind roundKind, taken time.Time) []entry {
	var entries []entry
	row := func(t time.Time, is wellness.Kind) *ent.WellnessCreate {
		// A source of chance may be asked for checks that are never made: what
		// lies ahead of now, or while the resident is away, is left out.
		row := tx.Wellness.Create().SetResidentID(d.id).SetTakenAt(scalar.At(t)).SetKind(is)
		if d.present(t) && t.Before(h.now) {
			entries = append(entries, entry{row, t})
		}
		return row
	}
	ill := d.severity(taken)
	if kind == eveningRound && d.admitted.After(h.from) && scalar.DateIn(d.admitted, h.zone) == day {
		first := row(taken, wellness.KindAdmission)
		d.check(first, kind, taken)
		d.vitals(first, ill)
	} else if d.due(kind, ill) {
		d.check(row(taken, wellness.KindRoutine), kind, taken)
	}
	switch r := d.course.r; kind {
	case morningRound:
		if int(day.UTC().Weekday()) == 1+d.index%5 && odds(r, 92) {
			row(taken.Add(2*time.Minute), wellness.KindWeight).SetWeight(d.course.tenths(weight, ill, 36, 115))
		}
	case eveningRound:
		if odds(r, 0.5) {
			fallen := row(taken.Add(-time.Duration(20+r.IntN(20))*time.Minute), wellness.KindPostFall)
			d.vitals(fallen, ill)
			fallen.SetPainNrs(r.IntN(6)).SetNotes(pick(r, []string{
				"Slipped beside the bed, no wound seen. Nurse told.", "Found sitting on the bathroom floor, says the knees gave way. Nurse told.",
				"Tripped over the rug in the hall; a bruise on the left arm. Family told.", "Slid off the chair, helped up by two. No pain."}))
		}
		if d.course.stray[pain] > 1.3 && odds(r, 35) {
			row(taken.Add(2*time.Minute), wellness.KindPrnFollowUp).SetPainNrs(r.IntN(3)).
				SetNotes(pick(r, []string{"Pain eased an hour after paracetamol.", "Says the tablet helped.", "Resting, less pain than before."}))
		}
	}
	return entries
}
