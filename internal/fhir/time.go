package fhir

import (
	"fmt"
	"strings"
	"time"

	"carehome/internal/scalar"
)

// precision is how much of a FHIR dateTime is stated.
type precision int

const (
	toYear precision = iota + 1
	toMonth
	toDay
	toInstant
)

// partialDate reads a FHIR date: a year, a month or a day. What is not stated is
// the first of its kind.
func partialDate(s string) (scalar.Date, precision, error) {
	s = strings.TrimSpace(s)
	full, stated := s, toDay
	switch len(s) {
	case len("2006"):
		full, stated = s+"-01-01", toYear
	case len("2006-01"):
		full, stated = s+"-01", toMonth
	}
	d, err := scalar.ParseDate(full)
	if err != nil {
		return scalar.Date{}, 0, fmt.Errorf("%.40q is not a FHIR date", s)
	}
	return d, stated, nil
}

// moment reads a FHIR dateTime or instant. A day is the instant at which it
// begins in zone; a time without an offset, which FHIR does not allow but some
// systems write, is one on the clocks of zone.
func moment(s string, zone *time.Location) (scalar.Time, precision, error) {
	s = strings.TrimSpace(s)
	clock := strings.IndexByte(s, 'T')
	if clock < 0 {
		d, stated, err := partialDate(s)
		return startOf(d, zone), stated, err
	}
	if at, err := scalar.ParseTime(s); err == nil {
		return at, toInstant, nil
	}
	if at, err := time.Parse("2006-01-02T15:04Z07:00", s); err == nil {
		return scalar.At(at), toInstant, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		wall, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		minute := scalar.LocalDateTime{Date: scalar.DateIn(wall, time.UTC), Time: scalar.LocalTime(wall.Hour()*60 + wall.Minute())}
		rest := time.Duration(wall.Second())*time.Second + time.Duration(wall.Nanosecond())
		return scalar.At(minute.In(zone).Add(rest)), toInstant, nil
	}
	return scalar.Time{}, 0, fmt.Errorf("%.40q is not a FHIR dateTime", s)
}

// startOf is the instant at which d begins in zone.
func startOf(d scalar.Date, zone *time.Location) scalar.Time {
	return scalar.At(scalar.LocalDateTime{Date: d}.In(zone))
}

// end reads the end of a FHIR period as an exclusive one: a period that ends on
// a day lasts until that day is over.
func end(s string, zone *time.Location) (scalar.Time, error) {
	at, stated, err := moment(s, zone)
	if err != nil || stated == toInstant {
		return at, err
	}
	d, _, err := partialDate(s)
	switch stated {
	case toYear:
		d = scalar.DateOf(d.Year()+1, time.January, 1)
	case toMonth:
		d = scalar.DateOf(d.Year(), d.Month()+1, 1)
	default:
		d = d.AddDays(1)
	}
	return startOf(d, zone), err
}
