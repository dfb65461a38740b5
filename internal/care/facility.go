package care

import (
	"context"
	"fmt"
	"time"

	"carehome/ent"
	"carehome/ent/facility"
	"carehome/internal/problem"
)

// Zone is the time zone of the home's clocks; UTC while there is no home yet.
func Zone(ctx context.Context, client *ent.Client) (*time.Location, error) {
	home, err := client.Facility.Query().Order(facility.ByID()).First(ctx)
	if ent.IsNotFound(err) {
		return time.UTC, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the home's time zone: %w", err)
	}
	zone, err := time.LoadLocation(home.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("loading the home's time zone: %w", err)
	}
	return zone, nil
}

// checkFacility keeps the zone once there are local times: another zone would
// move every dose and activity of the past.
func checkFacility(ctx context.Context, m *ent.FacilityMutation) (ent.Value, error) {
	zone, set := m.TimeZone()
	if !set || !m.Op().Is(ent.OpUpdateOne) {
		return nil, nil
	}
	before, err := m.OldTimeZone(ctx)
	if err != nil || before == zone {
		return nil, err
	}
	for _, count := range []func(context.Context) (int, error){
		m.Client().Prescription.Query().Count, m.Client().Activity.Query().Count,
	} {
		if n, err := count(ctx); err != nil {
			return nil, err
		} else if n > 0 {
			return nil, problem.Conflictf("input.timeZone", "cannot change once there are prescriptions or activities: their past times would move")
		}
	}
	return nil, nil
}
