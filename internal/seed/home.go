package seed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/internal/access"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Bounds of Options.
const (
	MaxResidents = 5000
	MaxDays      = 3650
)

// ErrOccupied refuses a database that already holds residents, medicines or
// activities: demo data never mixes with a real home's.
var ErrOccupied = errors.New("the database already holds a home")

// Options say which home to make. The same Residents, Days, Seed and instant of
// Now make the same home.
type Options struct {
	// Residents is how many, 1 to MaxResidents.
	Residents int
	// Days is for how many days before Now the home has kept records, 1 to MaxDays.
	Days int
	// Seed is where chance starts.
	Seed uint64
	// Now is the clock; it is read once.
	Now func() time.Time
	// Write runs fn in a transaction, once, and is called many times, one after
	// the other.
	Write func(ctx context.Context, fn func(ctx context.Context, tx *ent.Client) error) error
	// Progress, if given, is told of each of the total steps done, in order.
	Progress func(done, total int)
}

func (o Options) check() error {
	switch {
	case o.Residents < 1 || o.Residents > MaxResidents:
		return fmt.Errorf("a demo home has 1 to %d residents, not %d", MaxResidents, o.Residents)
	case o.Days < 1 || o.Days > MaxDays:
		return fmt.Errorf("a demo home has 1 to %d days, not %d", MaxDays, o.Days)
	case o.Now == nil || o.Write == nil:
		return errors.New("a demo home needs a clock and a way to write")
	}
	return nil
}

// Summary counts the rows made.
type Summary struct {
	Staff, Residents, Contacts, Allergies            int
	Medications, Ingredients, Prescriptions          int
	Activities, Exceptions, Participations, Wellness int
}

// Rows is the number of rows altogether.
func (s Summary) Rows() int {
	return s.Staff + s.Residents + s.Contacts + s.Allergies + s.Medications + s.Ingredients + s.Prescriptions +
		s.Activities + s.Exceptions + s.Participations + s.Wellness
}

// numberPrefix begins the external number of every demo resident. It is the mark
// of a demo home: it stays when the home is renamed or residents are added.
const numberPrefix = "DEMO-"

func number(n int) string { return fmt.Sprintf("%s%04d", numberPrefix, n) }

// Marked reports whether the database holds a demo home made by this package,
// whatever was done to it since. ctx must name a viewer.
func Marked(ctx context.Context, client *ent.Client) (bool, error) {
	marked, err := client.Resident.Query().Where(resident.ExternalID(number(1))).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for a demo home: %w", err)
	}
	return marked, nil
}

// Home makes a demo home. It updates the facility's row or makes it, keeps the
// staff that is there, and refuses with ErrOccupied a database in use.
//
// The home begins to keep its records Options.Days before now: who lives there
// and what they take is entered on that morning, everything later on its own
// day. Each row is stamped with the time at which it would have been entered.
func Home(ctx context.Context, o Options) (Summary, error) {
	if err := o.check(); err != nil {
		return Summary{}, err
	}
	h, err := plan(o)
	if err != nil {
		return Summary{}, fmt.Errorf("planning the demo home: %w", err)
	}
	ctx = viewer.With(ctx, viewer.System())

	total := o.Days + 2 // the house itself, and each day from the first to today
	done := 0
	step := func() {
		done++
		if o.Progress != nil {
			o.Progress(done, total)
		}
	}
	err = o.Write(ctx, func(ctx context.Context, tx *ent.Client) error { return h.house(ctx, tx) })
	if err != nil {
		return Summary{}, fmt.Errorf("making the demo home: %w", err)
	}
	step()
	// A transaction holds so many days that it stays short and yet few are needed.
	const rowsPerWrite = 6000
	days := max(1, rowsPerWrite/(3*o.Residents))
	for first := 0; first <= o.Days; first += days {
		err := o.Write(ctx, func(ctx context.Context, tx *ent.Client) error {
			for n := first; n < first+days && n <= o.Days; n++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := h.day(ctx, tx, h.opened.AddDays(n)); err != nil {
					return fmt.Errorf("%s: %w", h.opened.AddDays(n), err)
				}
				step()
			}
			return nil
		})
		if err != nil {
			return Summary{}, fmt.Errorf("making the demo home: %w", err)
		}
	}
	return h.made, nil
}

// home is a demo home in the making.
type home struct {
	Options
	zone *time.Location
	// now is the end of the records; from is their beginning, the morning of the
	// day opened.
	now, from     time.Time
	opened, today scalar.Date

	staff     []*person
	catalogue *catalogue
	residents []*dweller
	events    []*event
	days      map[scalar.Date]*agenda
	made      Summary
	// linked is set once a relative has an account.
	linked bool
}

// agenda is what is entered on one day besides checks and attendances.
type agenda struct {
	register []*dweller
	leave    []*dweller
	order    []*order
	change   []change
}

// on is the agenda of the day of t.
func (h *home) on(t time.Time) *agenda {
	day := scalar.DateIn(t, h.zone)
	if h.days[day] == nil {
		h.days[day] = &agenda{}
	}
	return h.days[day]
}

// plan makes up everything that does not need the database: a function of the
// options alone.
func plan(o Options) (*home, error) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil {
		return nil, fmt.Errorf("loading the time zone: %w", err)
	}
	h := &home{Options: o, zone: zone, now: o.Now(), days: map[scalar.Date]*agenda{}}
	h.today = scalar.DateIn(h.now, zone)
	h.opened = h.today.AddDays(-o.Days)
	h.from = h.at(h.opened, hm(700))
	if h.catalogue, err = newCatalogue(); err != nil {
		return nil, err
	}
	h.staff = staff()
	for n := range o.Residents {
		d := h.newDweller(n)
		h.residents = append(h.residents, d)
		h.on(d.registered).register = append(h.on(d.registered).register, d)
		if !d.left.IsZero() {
			h.on(d.left).leave = append(h.on(d.left).leave, d)
		}
	}
	h.events = h.programme()
	return h, nil
}

// house enters what a home has before its first day.
func (h *home) house(ctx context.Context, tx *ent.Client) error {
	if err := vacant(ctx, tx); err != nil {
		return err
	}
	if err := h.enterFacility(ctx, tx); err != nil {
		return fmt.Errorf("facility: %w", err)
	}
	if err := h.enterStaff(scalar.WithClock(ctx, func() time.Time { return h.from }), tx); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	if err := h.enterCatalogue(h.as(ctx, h.anyOf(viewer.Nurse, 0), h.from), tx); err != nil {
		return fmt.Errorf("medicines: %w", err)
	}
	if err := h.enterProgramme(h.as(ctx, h.anyOf(viewer.ActivityCoordinator, 0), h.from), tx); err != nil {
		return fmt.Errorf("activities: %w", err)
	}
	return nil
}

// vacant refuses a database in use.
func vacant(ctx context.Context, tx *ent.Client) error {
	for _, exist := range []func(context.Context) (bool, error){
		tx.Resident.Query().Exist, tx.Medication.Query().Exist, tx.Activity.Query().Exist,
	} {
		used, err := exist(ctx)
		if err != nil {
			return fmt.Errorf("looking whether the database is empty: %w", err)
		}
		if used {
			return ErrOccupied
		}
	}
	return nil
}

// day enters what happened on one day.
func (h *home) day(ctx context.Context, tx *ent.Client, day scalar.Date) error {
	if a := h.days[day]; a != nil {
		if err := h.enterResidents(ctx, tx, a.register); err != nil {
			return fmt.Errorf("residents: %w", err)
		}
		if err := h.enterOrders(ctx, tx, a.order); err != nil {
			return fmt.Errorf("prescriptions: %w", err)
		}
		if err := h.enterChanges(ctx, tx, a.change); err != nil {
			return fmt.Errorf("changed prescriptions: %w", err)
		}
		if err := h.enterDepartures(ctx, tx, a.leave); err != nil {
			return fmt.Errorf("departures: %w", err)
		}
	}
	if err := h.enterChecks(ctx, tx, day); err != nil {
		return fmt.Errorf("wellness: %w", err)
	}
	if err := h.enterAttendance(ctx, tx, day); err != nil {
		return fmt.Errorf("participations: %w", err)
	}
	return nil
}

// at is when the home's clocks show t on day.
func (h *home) at(day scalar.Date, t scalar.LocalTime) time.Time {
	return scalar.LocalDateTime{Date: day, Time: t}.In(h.zone)
}

// as is ctx for rows that who enters at the given instant, or now if that is
// still to come.
func (h *home) as(ctx context.Context, who *person, at time.Time) context.Context {
	if at.After(h.now) {
		at = h.now
	}
	ctx = scalar.WithClock(ctx, func() time.Time { return at })
	// It is the program that writes, whatever the person's role includes today.
	ctx = access.Lift(ctx, access.EveryRule)
	return viewer.With(ctx, viewer.Viewer{ID: who.id, Name: who.name, Role: who.role})
}

// hm is the time of day that the digits of n show: 730 is 07:30.
func hm(n int) scalar.LocalTime { return scalar.LocalTime(n/100*60 + n%100) }

// chance is a source of chance of its own for each thing it is asked for, so
// that one more throw for one resident changes nothing for another.
func (h *home) chance(what uint64, n int) *rand.Rand {
	return rand.New(rand.NewPCG(h.Seed, what<<48^uint64(n)))
}

// What chance is asked for.
const (
	ofPerson uint64 = iota + 1
	ofOrders
	ofCourse
	ofEvent
	ofOccasion
)

// odds is true in percent of cases.
func odds(r *rand.Rand, percent float64) bool { return r.Float64()*100 < percent }

// pick is one of list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// about is a number from the normal distribution.
func about(r *rand.Rand, mean, deviation float64) float64 { return mean + deviation*r.NormFloat64() }

// bound keeps x from low to high, both included.
func bound[T int | float64](x, low, high T) T { return min(max(x, low), high) }
