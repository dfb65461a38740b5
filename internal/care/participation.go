package care

import (
	"context"

	"carehome/ent"
	"carehome/ent/activityparticipation"
	"carehome/internal/problem"
	"carehome/internal/scalar"
)

// checkParticipation holds a participation against its activity: attendance is
// recorded after the start, minutes fit the duration, and places are counted.
func checkParticipation(ctx context.Context, m *ent.ActivityParticipationMutation) (ent.Value, error) {
	now, err := participationAfter(ctx, m)
	if err != nil {
		return nil, err
	}
	activity, err := m.Client().Activity.Get(ctx, now.ActivityID)
	if err != nil {
		return nil, err
	}
	var list problem.List
	if now.Minutes != nil && *now.Minutes > 2*activity.DurationMinutes {
		list = append(list, problem.Invalidf("input.minutes",
			"must be at most %d, twice the duration of the activity", 2*activity.DurationMinutes))
	}
	if now.Status == activityparticipation.StatusAttended || now.Status == activityparticipation.StatusNoShow {
		zone, err := Zone(ctx, m.Client())
		if err != nil {
			return nil, err
		}
		start := scalar.LocalDateTime{Date: now.OccurrenceDate, Time: activity.StartsAtLocal.Time}.In(zone)
		if scalar.Now(ctx).Before(start) {
			list = append(list, problem.Conflictf("input.status", "cannot be %s before the activity has started", now.Status))
		}
	}
	if activity.Capacity != nil && takesPlace(now.Status) {
		others := m.Client().ActivityParticipation.Query().Where(
			activityparticipation.ActivityID(now.ActivityID),
			activityparticipation.OccurrenceDate(now.OccurrenceDate),
			activityparticipation.StatusIn(activityparticipation.StatusConfirmed, activityparticipation.StatusAttended),
		)
		if id, ok := m.ID(); ok && !m.Op().Is(ent.OpCreate) {
			others.Where(activityparticipation.IDNEQ(id))
		}
		taken, err := others.Count(ctx)
		if err != nil {
			return nil, err
		}
		if taken >= *activity.Capacity {
			list = append(list, problem.Conflictf("input.status", "all %d places are taken", *activity.Capacity))
		}
	}
	return nil, list.Err()
}

func takesPlace(s activityparticipation.Status) bool {
	return s == activityparticipation.StatusConfirmed || s == activityparticipation.StatusAttended
}

// participationAfter is the row as the mutation will make it, as far as the
// check needs it.
func participationAfter(ctx context.Context, m *ent.ActivityParticipationMutation) (*ent.ActivityParticipation, error) {
	row := &ent.ActivityParticipation{}
	if id, ok := m.ID(); ok && !m.Op().Is(ent.OpCreate) {
		before, err := m.Client().ActivityParticipation.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		row = before
	}
	if id, ok := m.ActivityID(); ok {
		row.ActivityID = id
	}
	if day, ok := m.OccurrenceDate(); ok {
		row.OccurrenceDate = day
	}
	if status, ok := m.Status(); ok {
		row.Status = status
	}
	if minutes, ok := m.Minutes(); ok {
		row.Minutes = &minutes
	} else if m.MinutesCleared() {
		row.Minutes = nil
	}
	return row, nil
}
