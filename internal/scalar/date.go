package scalar

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"time"
)

const dateLayout = "2006-01-02"

// Date is a day of the calendar without a zone, such as a birth date. The zero
// Date is no day; make one with DateOf or ParseDate.
type Date struct {
	year       int16
	month, day int8
}

// DateOf makes a date; values outside the calendar are carried over, as by
// time.Date.
func DateOf(year int, month time.Month, day int) Date {
	return dateOfTime(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateIn is the day that t is in zone.
func DateIn(t time.Time, zone *time.Location) Date { return dateOfTime(t.In(zone)) }

// Today is the day of the clock of ctx in zone.
func Today(ctx context.Context, zone *time.Location) Date { return DateIn(Now(ctx).Time, zone) }

func dateOfTime(t time.Time) Date {
	y, m, d := t.Date()
	return Date{int16(y), int8(m), int8(d)}
}

// ParseDate reads 2006-01-02; a day that no calendar has is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil {
		return Date{}, fmt.Errorf("%.40q is not a date; a date looks like %q", s, "1939-05-17")
	}
	return dateOfTime(t), nil
}

// Year is the calendar year.
func (d Date) Year() int { return int(d.year) }

// Month is the month of the year.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day is the day of the month.
func (d Date) Day() int { return int(d.day) }

// IsZero reports whether d is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

// UTC is midnight of d in UTC: for arithmetic, not for showing to anybody.
func (d Date) UTC() time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, time.UTC)
}

// AddDays is the day n days later (earlier if negative).
func (d Date) AddDays(n int) Date { return dateOfTime(d.UTC().AddDate(0, 0, n)) }

// Compare orders two days.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.year, e.year), cmp.Compare(d.month, e.month), cmp.Compare(d.day, e.day))
}

// String is 2006-01-02.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

// Value stores the date as text.
func (d Date) Value() (driver.Value, error) { return d.String(), nil }

// Scan reads text (SQLite) or an instant at midnight (PostgreSQL).
func (d *Date) Scan(v any) error {
	if at, ok := v.(time.Time); ok {
		*d = dateOfTime(at)
		return nil
	}
	s, ok := text(v)
	if !ok {
		return cannotScan(v, "a date")
	}
	parsed, err := ParseDate(s)
	*d = parsed
	return err
}

// MarshalGQL writes 2006-01-02.
func (d Date) MarshalGQL(w io.Writer) { writeText(w, d.String()) }

// UnmarshalGQL reads 2006-01-02.
func (d *Date) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case Date:
		*d = v
		return nil
	case string:
		parsed, err := ParseDate(v)
		*d = parsed
		return err
	}
	return fmt.Errorf("a date is a text such as %q", "1939-05-17")
}

// MarshalText writes 2006-01-02.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2006-01-02.
func (d *Date) UnmarshalText(b []byte) error {
	parsed, err := ParseDate(string(b))
	*d = parsed
	return err
}

// LocalTime is a time of day on the wall, to the minute, such as 08:30.
type LocalTime int16

// ParseLocalTime reads HH:MM from 00:00 to 23:59.
func ParseLocalTime(s string) (LocalTime, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%.40q is not a time of day; one looks like %q", s, "08:30")
	}
	return LocalTime(t.Hour()*60 + t.Minute()), nil
}

// Hour is 0 to 23.
func (t LocalTime) Hour() int { return int(t) / 60 }

// Minute is 0 to 59.
func (t LocalTime) Minute() int { return int(t) % 60 }

// String is HH:MM.
func (t LocalTime) String() string { return fmt.Sprintf("%02d:%02d", t.Hour(), t.Minute()) }

// MarshalGQL writes HH:MM.
func (t LocalTime) MarshalGQL(w io.Writer) { writeText(w, t.String()) }

// UnmarshalGQL reads HH:MM.
func (t *LocalTime) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case LocalTime:
		*t = v
		return nil
	case string:
		parsed, err := ParseLocalTime(v)
		*t = parsed
		return err
	}
	return fmt.Errorf("a time of day is a text such as %q", "08:30")
}

// MarshalText writes HH:MM.
func (t LocalTime) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads HH:MM.
func (t *LocalTime) UnmarshalText(b []byte) error {
	parsed, err := ParseLocalTime(string(b))
	*t = parsed
	return err
}

// LocalDateTime is a date and a time on the wall of the home, without a zone,
// such as 2026-03-29T10:30. It sorts as text.
type LocalDateTime struct {
	Date Date
	Time LocalTime
}

// ParseLocalDateTime reads 2006-01-02T15:04.
func ParseLocalDateTime(s string) (LocalDateTime, error) {
	day, clock, found := strings.Cut(s, "T")
	date, dateErr := ParseDate(day)
	local, timeErr := ParseLocalTime(clock)
	if !found || dateErr != nil || timeErr != nil {
		return LocalDateTime{}, fmt.Errorf("%.40q is not a local date and time; one looks like %q", s, "2026-03-29T10:30")
	}
	return LocalDateTime{date, local}, nil
}

// In is the instant at which the clocks of zone show t, by RFC 5545 3.3.5: in an
// overlap the first of the two, in a gap as if by the offset before the gap
// (02:30 becomes 03:30), so that nothing planned ever vanishes. The offsets a
// day before and a day after are tried, since time.Date promises neither.
func (t LocalDateTime) In(zone *time.Location) time.Time {
	wall := t.Date.UTC().Add(time.Duration(t.Time) * time.Minute)
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first := wall.Add(-time.Duration(max(before, after)) * time.Second)
	for _, at := range []time.Time{first, wall.Add(-time.Duration(min(before, after)) * time.Second)} {
		if y, m, d := at.In(zone).Date(); at.In(zone).Hour() == t.Time.Hour() &&
			at.In(zone).Minute() == t.Time.Minute() && DateOf(y, m, d) == t.Date {
			return at
		}
	}
	return wall.Add(-time.Duration(before) * time.Second)
}

// String is 2006-01-02T15:04.
func (t LocalDateTime) String() string { return t.Date.String() + "T" + t.Time.String() }

// Value stores the text.
func (t LocalDateTime) Value() (driver.Value, error) { return t.String(), nil }

// Scan reads text (SQLite) or a zoneless timestamp (PostgreSQL).
func (t *LocalDateTime) Scan(v any) error {
	if at, ok := v.(time.Time); ok {
		*t = LocalDateTime{dateOfTime(at), LocalTime(at.Hour()*60 + at.Minute())}
		return nil
	}
	s, ok := text(v)
	if !ok {
		return cannotScan(v, "a local date and time")
	}
	parsed, err := ParseLocalDateTime(s)
	*t = parsed
	return err
}

// MarshalGQL writes 2006-01-02T15:04.
func (t LocalDateTime) MarshalGQL(w io.Writer) { writeText(w, t.String()) }

// UnmarshalGQL reads 2006-01-02T15:04.
func (t *LocalDateTime) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case LocalDateTime:
		*t = v
		return nil
	case string:
		parsed, err := ParseLocalDateTime(v)
		*t = parsed
		return err
	}
	return fmt.Errorf("a local date and time is a text such as %q", "2026-03-29T10:30")
}

// MarshalText writes 2006-01-02T15:04.
func (t LocalDateTime) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads 2006-01-02T15:04.
func (t *LocalDateTime) UnmarshalText(b []byte) error {
	parsed, err := ParseLocalDateTime(string(b))
	*t = parsed
	return err
}
