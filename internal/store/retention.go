package store

import (
	"slices"
	"time"
)

// Retention is which copies are kept: the Last newest, and the newest of each of
// the last Days days (in UTC) that has any. The newest copy is always kept.
type Retention struct {
	Last int
	Days int
}

// Expired are the copies that the rule does not keep at the time now, the newest
// first. It removes nothing.
func Expired(all []Manifest, rule Retention, now time.Time) []Manifest {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Manifest) int { return b.CreatedAt.Compare(a.CreatedAt) })
	oldest := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-rule.Days)
	seen := map[string]bool{}
	var expired []Manifest
	for i, m := range sorted {
		day := m.CreatedAt.UTC().Format(time.DateOnly)
		ofDay := rule.Days > 0 && !seen[day] && !m.CreatedAt.Before(oldest)
		seen[day] = true
		if i >= max(rule.Last, 1) && !ofDay {
			expired = append(expired, m)
		}
	}
	return expired
}
