package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityparticipation"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
	"carehome/schema"
)

// offer is something on the programme of a home.
type offer struct {
	title, about, place string
	category            activity.Category
	// at is the time of day; lasts is in minutes; places 0 is no limit.
	at            int
	lasts, places int
	repeats       schema.Recurrence
	// again is after how many days a trip is made again; 0 is a series.
	again int
}

// offers lists the programme: series first, then trips.
func offers() []offer {
	weekly := func(days ...schema.DayOfWeek) schema.Recurrence {
		return schema.Recurrence{Frequency: schema.Weekly, Interval: 1, ByDay: days}
	}
	fortnightly := weekly("WED")
	fortnightly.Interval = 2
	sessions := 8
	course := weekly("FRI")
	course.Count = &sessions
	return []offer{
		{"Morning paper", "We read the newspaper aloud and talk about it.", "Library", activity.CategoryCognitive, 945, 30, 8,
			schema.Recurrence{Frequency: schema.Daily, Interval: 1}, 0},
		{"Chair gymnastics", "Gentle exercises, sitting.", "Activity room", activity.CategoryPhysical, 1030, 45, 16, weekly("MON", "WED", "FRI"), 0},
		{"Memory workshop", "Words, pictures and numbers.", "Library", activity.CategoryCognitive, 1115, 60, 12, weekly("TUE", "THU"), 0},
		{"Physiotherapy group", "Balance and walking with the physiotherapist.", "Gym", activity.CategoryTherapy, 1000, 40, 6, weekly("TUE", "THU"), 0},
		{"Music hour", "Songs of the fifties and sixties.", "Lounge", activity.CategoryMusic, 1700, 60, 0, weekly("TUE"), 0},
		{"Choir", "Everybody may sing.", "Lounge", activity.CategoryMusic, 1130, 60, 14, weekly("SAT"), 0},
		{"Painting", "Watercolours and crayons.", "Workshop", activity.CategoryCreative, 1630, 90, 10, weekly("THU"), 0},
		{"Bingo", "", "Dining room", activity.CategorySocial, 1700, 60, 20, weekly("WED", "SUN"), 0},
		{"Garden walk", "A turn round the garden, with wheelchairs too.", "Garden", activity.CategoryOutdoor, 1715, 40, 8, weekly("MON", "FRI"), 0},
		{"Mass", "", "Chapel", activity.CategorySpiritual, 1100, 45, 0, weekly("SUN"), 0},
		{"Cinema", "A film and popcorn.", "Lounge", activity.CategorySocial, 1730, 110, 18, weekly("SAT"), 0},
		{"Hand massage", "Warm oil and quiet music.", "Room 12", activity.CategorySensory, 1130, 40, 5, fortnightly, 0},
		{"Tablet computers for beginners", "Video calls with the family; eight sessions.", "Library", activity.CategoryCognitive, 1200, 45, 6, course, 0},
		{"Birthday tea", "For everybody born this month.", "Dining room", activity.CategorySocial, 1645, 75, 0,
			schema.Recurrence{Frequency: schema.Monthly, Interval: 1, ByMonthDay: []int{15}}, 0},
		{"Visit of the school choir", "", "Lounge", activity.CategoryMusic, 1600, 60, 0, schema.Recurrence{}, 45},
		{"Trip to the botanical garden", "With the adapted bus; packed lunch.", "Botanical garden", activity.CategoryTrip, 1030, 240, 8, schema.Recurrence{}, 60},
		{"Trip to the promenade", "A walk by the sea and an ice cream.", "Promenade", activity.CategoryTrip, 1100, 180, 8, schema.Recurrence{}, 75},
	}
}

// event is an activity as planned: an offer to one wing of the home.
type event struct {
	id    nodeid.ID
	index int
	offer
	first scalar.Date
	// guests are the residents of its wing.
	guests  []*dweller
	deviate map[scalar.Date]deviation
	// cancelled is a trip that does not take place.
	cancelled bool
}

// deviation is what is different with one occasion.
type deviation struct {
	cancelled bool
	place     string
	at        scalar.LocalTime
	moved     bool
}

// wingSize is for how many residents there is a programme of its own, and
// horizon for how many days ahead they are invited.
const (
	wingSize = 40
	horizon  = 14
)

// programme plans the activities of each wing and what becomes of single occasions.
func (h *home) programme() []*event {
	var list []*event
	add := func(o offer, first scalar.Date, guests []*dweller) {
		list = append(list, &event{index: len(list), offer: o, first: first, guests: guests, deviate: map[scalar.Date]deviation{}})
	}
	last := h.today.AddDays(horizon)
	for guests := range slices.Chunk(h.residents, wingSize) {
		for n, o := range offers() {
			if o.again == 0 {
				add(o, o.start(h.opened), guests)
				continue
			}
			for day := h.opened.AddDays(10 + (9*n)%o.again); day.Compare(last) <= 0; day = day.AddDays(o.again) {
				add(o, day, guests)
			}
		}
	}
	for _, e := range list {
		r := h.chance(ofEvent, e.index)
		e.cancelled = e.again > 0 && odds(r, 20)
		for day := h.opened; e.again == 0 && day.Compare(last) <= 0; day = day.AddDays(1) {
			if !e.takesPlace(day) || !odds(r, 4) {
				continue
			}
			switch at := r.IntN(4); at {
			case 0, 1:
				e.deviate[day] = deviation{cancelled: true}
			case 2:
				e.deviate[day] = deviation{place: "Dining room"}
			default:
				e.deviate[day] = deviation{moved: true, at: hm(e.at) + 30}
			}
		}
	}
	return list
}

// start is the first date of a series: four weeks before the records begin, or
// with them if it counts its sessions.
func (o offer) start(opened scalar.Date) scalar.Date {
	day := opened.AddDays(-28)
	if o.repeats.Count != nil {
		day = opened.AddDays(3)
	}
	for !o.matches(day) {
		day = day.AddDays(1)
	}
	return day
}

// matches reports whether the rule of a series names the day, whatever its
// interval.
func (o offer) matches(day scalar.Date) bool {
	switch o.repeats.Frequency {
	case schema.Weekly:
		return slices.Contains(o.repeats.ByDay, schema.DaysOfWeek()[(int(day.UTC().Weekday())+6)%7])
	case schema.Monthly:
		return slices.Contains(o.repeats.ByMonthDay, day.Day())
	}
	return true
}

// takesPlace reports whether the programme has an occasion on the day. Series
// with more than one day a week repeat every week, so that weeks can be counted
// from the first occasion.
func (e *event) takesPlace(day scalar.Date) bool {
	since := int(day.UTC().Sub(e.first.UTC()).Hours() / 24)
	if since < 0 || e.again > 0 {
		return since == 0
	}
	if e.repeats.Frequency == schema.Weekly && e.repeats.Interval > 1 && since/7%e.repeats.Interval != 0 {
		return false
	}
	if e.repeats.Count != nil && since/7 >= *e.repeats.Count {
		return false
	}
	return e.matches(day)
}

// leaders are those who lead an activity.
func (h *home) leaders(e *event) []*person {
	coordinator := h.anyOf(viewer.ActivityCoordinator, 0)
	switch e.index % 3 {
	case 1:
		return []*person{h.anyOf(viewer.Carer, e.index), coordinator}
	case 2:
		return []*person{h.anyOf(viewer.Carer, e.index)}
	}
	return []*person{coordinator}
}

// enterProgramme enters the activities.
func (h *home) enterProgramme(ctx context.Context, tx *ent.Client) error {
	for some := range slices.Chunk(h.events, perInsert) {
		rows := make([]*ent.ActivityCreate, len(some))
		for i, e := range some {
			rows[i] = tx.Activity.Create().SetTitle(e.title).SetNillableDescription(optional(e.about)).SetLocation(e.place).
				SetCategory(e.category).SetStartsAtLocal(scalar.LocalDateTime{Date: e.first, Time: hm(e.at)}).
				SetDurationMinutes(e.lasts)
			if e.again == 0 {
				rows[i].SetRecurrence(&e.repeats)
			}
			if e.places > 0 {
				rows[i].SetCapacity(e.places)
			}
			if e.cancelled {
				rows[i].SetStatus(activity.StatusCancelled)
			}
			for _, who := range h.leaders(e) {
				rows[i].AddFacilitatorIDs(who.id)
			}
		}
		made, err := tx.Activity.CreateBulk(rows...).Save(ctx)
		if err != nil {
			return err
		}
		for i, e := range some {
			e.id = made[i].ID
		}
		h.made.Activities += len(made)
	}
	return nil
}

// enterAttendance enters who came to the activities of a day; on the last day
// also who is invited in the time ahead.
func (h *home) enterAttendance(ctx context.Context, tx *ent.Client, day scalar.Date) error {
	until := day
	if day == h.today {
		until = day.AddDays(horizon)
	}
	for ; day.Compare(until) <= 0; day = day.AddDays(1) {
		for _, e := range h.events {
			if !e.takesPlace(day) {
				continue
			}
			if err := h.enterOccasion(ctx, tx, e, day); err != nil {
				return fmt.Errorf("%s on %s: %w", e.title, day, err)
			}
		}
	}
	return nil
}

// enterOccasion enters one occasion: what is different with it, and the part
// that each resident of the wing has in it.
func (h *home) enterOccasion(ctx context.Context, tx *ent.Client, e *event, day scalar.Date) error {
	deviation, deviates := e.deviate[day]
	if deviates {
		row := tx.ActivityException.Create().SetActivityID(e.id).SetOriginalDate(day).SetCancelled(deviation.cancelled).
			SetNillableNewLocation(optional(deviation.place))
		if deviation.moved {
			row.SetNewStartsAtLocal(scalar.LocalDateTime{Date: day, Time: deviation.at})
		}
		said := h.at(day.AddDays(-1), hm(1200))
		if said.Before(h.from) {
			said = h.from
		}
		if err := row.Exec(h.as(ctx, h.anyOf(viewer.ActivityCoordinator, 0), said)); err != nil {
			return fmt.Errorf("exception: %w", err)
		}
		h.made.Exceptions++
	}
	starts := h.at(day, hm(e.at))
	if deviation.moved {
		starts = h.at(day, deviation.at)
	}
	ends := starts.Add(time.Duration(e.lasts) * time.Minute)
	r := h.chance(ofOccasion, e.index<<16|(day.Year()*366+day.UTC().YearDay())&0xffff)
	var rows []*ent.ActivityParticipationCreate
	taken := 0
	for _, i := range r.Perm(len(e.guests)) {
		d := e.guests[i]
		row := tx.ActivityParticipation.Create().SetActivityID(e.id).SetResidentID(d.id).SetOccurrenceDate(day)
		keen := d.keenness(e.index)
		if !d.present(starts) || !odds(r, 12+55*keen) || d.id == 0 {
			continue
		}
		full := e.places > 0 && taken >= e.places
		switch {
		case deviation.cancelled || e.cancelled:
			row.SetStatus(activityparticipation.StatusCancelled)
		case ends.After(h.now):
			if d.invite(row, full, r) {
				taken++
			}
		case full:
			continue
		default:
			if d.attend(row, e, keen, starts, r) {
				taken++
			}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	leader := h.leaders(e)[0]
	for some := range slices.Chunk(rows, perInsert) {
		if err := tx.ActivityParticipation.CreateBulk(some...).Exec(h.as(ctx, leader, ends.Add(25*time.Minute))); err != nil {
			return err
		}
	}
	h.made.Participations += len(rows)
	return nil
}

// keenness is how much d likes an activity, from 0 to 1, always the same.
func (d *dweller) keenness(event int) float64 {
	return rand.New(rand.NewPCG(uint64(d.index), uint64(event))).Float64()
}

// invite sets what d answers to an invitation, and reports whether a place is taken.
func (d *dweller) invite(row *ent.ActivityParticipationCreate, full bool, r *rand.Rand) bool {
	switch at := r.IntN(100); {
	case at < 50:
		return false // invited, no answer yet
	case at < 60:
		row.SetStatus(activityparticipation.StatusDeclined).SetReasonDeclined(pick(r, excuses()))
		return false
	case full:
		row.SetStatus(activityparticipation.StatusWaitlisted)
		return false
	}
	row.SetStatus(activityparticipation.StatusConfirmed)
	return true
}

// attend sets whether and how d took part, and reports whether a place was taken.
func (d *dweller) attend(row *ent.ActivityParticipationCreate, e *event, keen float64, starts time.Time, r *rand.Rand) bool {
	ill := d.severity(starts)
	switch at := r.Float64() - 0.2*keen + 0.8*ill; {
	case at > 0.85 && ill > 0.2:
		row.SetStatus(activityparticipation.StatusDeclined).SetReasonDeclined("Not feeling well")
		return false
	case at > 0.68:
		row.SetStatus(activityparticipation.StatusDeclined)
		if odds(r, 70) {
			row.SetReasonDeclined(pick(r, excuses()))
		}
		return false
	case at > 0.63:
		row.SetStatus(activityparticipation.StatusNoShow)
		return false
	}
	before := bound(int(about(r, 3.6, 0.8)), 1, 5)
	row.SetStatus(activityparticipation.StatusAttended).SetMinutes(bound(e.lasts*(60+r.IntN(50))/100/5*5, 5, e.lasts)).
		SetEngagement(bound(1+int(1.2*keen+1.6*r.Float64()), 1, 3))
	if odds(r, 45) {
		row.SetMoodBefore(before).SetMoodAfter(bound(before+pick(r, []int{-1, 0, 0, 1, 1, 1}), 1, 5))
	}
	if odds(r, 8) {
		row.SetNote(pick(r, []string{"Sang along to every song.", "Needed some help to follow.", "Sat next to Carmen and laughed a lot.",
			"Left early, tired.", "Asked when the next one is.", "Watched, did not join in.", "Won and was very pleased."}))
	}
	return true
}

func excuses() []string {
	return []string{"Tired", "Expecting a visit", "Prefers to rest", "Not interested today", "Pain in the knees", "Wants to watch television", "Slept badly"}
}
