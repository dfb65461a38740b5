package care

import (
	"context"
	"strings"
	"time"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/access"
	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Emergency says why somebody must read what their role hides, and for how long.
type Emergency struct {
	Reason         string
	Minutes        int
	IdempotencyKey *string
}

// emergencyLimit is how many minutes an emergency lasts at the most.
const emergencyLimit = 60

// CheckEmergency refuses those who would read no more in an emergency than before.
func CheckEmergency(ctx context.Context) error {
	switch who, known := viewer.From(ctx); {
	case !known:
		return access.Unknown()
	case who.ReadOnly:
		return problem.Forbiddenf("this key can only read")
	case !access.BreaksGlass(who.Role):
		return problem.Forbiddenf("your role does not include this")
	}
	return nil
}

// BreakGlass lets the viewer read what NURSE reads, until the emergency ends by
// itself. FORBIDDEN to roles that would read no more than before.
func BreakGlass(ctx context.Context, tx *ent.Client, e Emergency) (nodeid.ID, error) {
	if err := CheckEmergency(ctx); err != nil {
		return 0, err
	}
	who, _ := viewer.From(ctx)
	var wrong problem.List
	if strings.TrimSpace(e.Reason) == "" {
		wrong = append(wrong, problem.Invalidf("input.reason", "must be given"))
	} else if n := len([]rune(e.Reason)); n > reasonLimit {
		wrong = append(wrong, problem.Invalidf("input.reason", "must have at most %d characters, has %d", reasonLimit, n))
	}
	if e.Minutes < 1 || e.Minutes > emergencyLimit {
		wrong = append(wrong, problem.Invalidf("input.minutes", "must be from %d to %d, is %d", 1, emergencyLimit, e.Minutes))
	}
	if err := wrong.Err(); err != nil {
		return 0, err
	}
	audit.Because(ctx, e.Reason)
	audit.Mark(ctx, who.ID, audit.BreakGlass)
	until := scalar.At(scalar.Now(ctx).Add(time.Duration(e.Minutes) * time.Minute))
	err := tx.StaffUser.UpdateOneID(who.ID).SetEmergencyUntil(until).Exec(access.Lift(ctx, access.EveryRule))
	return who.ID, err
}

// AsNow returns ctx with its viewer as in an emergency while there is one.
func AsNow(ctx context.Context, read *ent.Client) (context.Context, error) {
	who, ok := viewer.From(ctx)
	if !ok || who.IsSystem() || !access.BreaksGlass(who.Role) {
		return ctx, nil
	}
	var until time.Time
	row, err := read.StaffUser.Query().Where(staffuser.ID(who.ID), staffuser.EmergencyUntilGT(scalar.Now(ctx))).
		Only(access.Lift(ctx, access.EveryRule))
	switch {
	case err == nil:
		until = row.EmergencyUntil.Time
	case !ent.IsNotFound(err):
		return ctx, err
	}
	if until.Equal(who.BreakGlassUntil) {
		return ctx, nil
	}
	who.BreakGlass, who.BreakGlassUntil = !until.IsZero(), until
	return viewer.With(ctx, who), nil
}
