package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carehome/ent"
	"carehome/ent/facility"
	"carehome/ent/staffuser"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/config"
	"carehome/internal/scalar"
	"carehome/internal/seed"
	"carehome/internal/store"
	"carehome/internal/viewer"
	"carehome/schema"
)

const (
	// homeName is what a home is called until somebody names it.
	homeName = "Care home"
	// adminEmail is the address of the administrator that every home begins with.
	adminEmail = "administrator@localhost"
)

// errNotDemo refuses to serve a home as a demo, and to mix the two.
var errNotDemo = errors.New("it holds a home that is not made up, and --demo must not be mixed with that: name another file with --database, or leave out --demo")

// ensureHome makes the facility and the administrator of a home that does not
// have them yet, and returns the administrator. A home opened for reading only
// must have them.
func ensureHome(ctx context.Context, st *store.Store, zone config.Zone) (viewer.Viewer, error) {
	ctx = audit.WithOperation(viewer.With(ctx, viewer.System()), "start")
	admin, err := findHome(ctx, st.Client())
	if !ent.IsNotFound(err) {
		return admin, err
	}
	err = st.Write(ctx, func(ctx context.Context, tx *ent.Client) (err error) {
		admin, err = makeHome(ctx, tx, string(zone))
		return err
	})
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("preparing an empty home: %w", err)
	}
	return admin, nil
}

// findHome returns the administrator; a NotFound error means that the
// administrator or the facility is missing.
func findHome(ctx context.Context, c *ent.Client) (viewer.Viewer, error) {
	if _, err := c.Facility.Query().Order(facility.ByID()).FirstID(ctx); err != nil {
		return viewer.Viewer{}, fmt.Errorf("looking for the home: %w", err)
	}
	// The first administrator, or the one every home begins with if a change has
	// left no other.
	admin, err := c.StaffUser.Query().
		Where(staffuser.Or(staffuser.RoleEQ(staffuser.RoleAdmin), staffuser.EmailKey(adminEmail))).
		Order(staffuser.ByID()).First(ctx)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("looking for the administrator: %w", err)
	}
	return viewer.Viewer{ID: admin.ID, Name: admin.DisplayName, Role: viewer.Admin}, nil
}

// makeHome makes what is missing of the facility and the administrator, whom it
// returns.
func makeHome(ctx context.Context, tx *ent.Client, zone string) (viewer.Viewer, error) {
	exists, err := tx.Facility.Query().Exist(ctx)
	if err == nil && !exists {
		err = tx.Facility.Create().SetName(homeName).SetTimeZone(zone).
			SetRounds([]schema.Period{
				period("MORNING", "Morning round", 7, 10), period("NOON", "Noon round", 12, 14),
				period("EVENING", "Evening round", 17, 20), period("NIGHT", "Night round", 21, 23),
			}).
			SetShifts([]schema.Period{
				period("DAY", "Day shift", 7, 15), period("LATE", "Late shift", 15, 23), period("NIGHT", "Night shift", 23, 7),
			}).Exec(ctx)
	}
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("making the home: %w", err)
	}
	admin, err := findHome(ctx, tx)
	if !ent.IsNotFound(err) {
		return admin, err
	}
	err = tx.StaffUser.Create().SetDisplayName("Administrator").SetEmail(adminEmail).
		SetRole(staffuser.RoleAdmin).Exec(ctx)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("making the administrator: %w", err)
	}
	return findHome(ctx, tx)
}

// period is a part of the day from one full hour to another.
func period(code, label string, from, to int) schema.Period {
	return schema.Period{Code: code, Label: label, From: scalar.LocalTime(from * 60), To: scalar.LocalTime(to * 60)}
}

// seedTime bounds the making of a home, which is one write; far beyond what the
// largest takes.
const seedTime = 24 * time.Hour

// fill makes a made-up home of an empty one, wholly or not at all: it is one
// transaction. A home in use is seed.ErrOccupied.
func (p Program) fill(ctx context.Context, st *store.Store, o seed.Options, shown *progress) (made seed.Summary, err error) {
	defer shown.end()
	ctx, cancel := context.WithTimeout(audit.WithOperation(viewer.With(ctx, viewer.System()), "seed"), seedTime)
	defer cancel()
	stopped := ctx // the context of a write outlives the signal to stop
	o.Now = p.Clock
	o.Progress = func(done, total int) { shown.step(stopped, done, total) }
	err = care.Guard(st.Write)(ctx, func(ctx context.Context, tx *ent.Client) error {
		o.Write = func(ctx context.Context, fn func(context.Context, *ent.Client) error) error {
			if err := stopped.Err(); err != nil {
				return fmt.Errorf("stopped before the end: %w", err)
			}
			return fn(ctx, tx)
		}
		made, err = seed.Home(ctx, o)
		return err
	})
	if err != nil {
		return seed.Summary{}, fmt.Errorf("making a home: %w", err)
	}
	return made, nil
}
