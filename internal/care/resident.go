package care

import "carehome/internal/scalar"

// Age is the completed years of somebody born on born, on a day: calendar days
// are compared, so that 29 February counts from 1 March in other years. It is
// false before birth.
func Age(born, on scalar.Date) (years int, known bool) {
	if on.Compare(born) < 0 {
		return 0, false
	}
	years = on.Year() - born.Year()
	if on.Month() < born.Month() || on.Month() == born.Month() && on.Day() < born.Day() {
		years--
	}
	return years, true
}
