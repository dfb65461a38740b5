package scalar

import (
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"time"
)

// timeLayout has a fixed width, so that stored instants sort as text.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is an instant in UTC at millisecond precision: RFC 3339 in the graph,
// fixed-width text in SQLite, timestamptz in PostgreSQL. Make one with At.
type Time struct{ time.Time }

// At is t in UTC, cut to the millisecond, so that both databases keep it whole.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// ParseTime reads RFC 3339 with any offset.
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
		return Time{}, fmt.Errorf("%.40q is not a time; a time looks like %q", s, "2026-03-29T08:30:00Z")
	}
	return At(t), nil
}

// String is the stored form, such as 2026-03-29T08:30:00.000Z.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// Value stores the instant as text.
func (t Time) Value() (driver.Value, error) { return t.String(), nil }

// Scan reads text (SQLite) or an instant (PostgreSQL).
func (t *Time) Scan(v any) error {
	if at, ok := v.(time.Time); ok {
		*t = At(at)
		return nil
	}
	s, ok := text(v)
	if !ok {
		return cannotScan(v, "a time")
	}
	parsed, err := time.Parse(timeLayout, s)
	if err != nil {
		return fmt.Errorf("reading a stored time: %w", err)
	}
	*t = Time{parsed}
	return nil
}

// MarshalGQL writes RFC 3339 in UTC with milliseconds.
func (t Time) MarshalGQL(w io.Writer) { writeText(w, t.String()) }

// UnmarshalGQL reads RFC 3339 with any offset.
func (t *Time) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case Time:
		*t = v
		return nil
	case string:
		parsed, err := ParseTime(v)
		*t = parsed
		return err
	}
	return fmt.Errorf("a time is a text such as %q", "2026-03-29T08:30:00Z")
}

// MarshalJSON writes the stored form.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(t.String())), nil }
