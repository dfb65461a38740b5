package schema

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"

	"entgo.io/ent"
)

// DayOfWeek is a day of the week, as in FHIR's Timing.
type DayOfWeek string

// Feeling is what a resident shows or tells.
type Feeling string

// Frequency is how a series repeats.
type Frequency string

// ReviewItem is something that an imported prescription lacks.
type ReviewItem string

// The frequencies of a series.
const (
	Daily   Frequency = "DAILY"
	Weekly  Frequency = "WEEKLY"
	Monthly Frequency = "MONTHLY"
)

// What an imported prescription may lack.
const (
	ReviewDose        ReviewItem = "DOSE"
	ReviewUnit        ReviewItem = "UNIT"
	ReviewRoute       ReviewItem = "ROUTE"
	ReviewSchedule    ReviewItem = "SCHEDULE"
	ReviewPRNReason   ReviewItem = "PRN_REASON"
	ReviewPRNInterval ReviewItem = "PRN_INTERVAL"
)

// DaysOfWeek lists the days, Monday first.
func DaysOfWeek() []DayOfWeek {
	return []DayOfWeek{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
}

// Feelings lists every feeling.
func Feelings() []Feeling {
	return []Feeling{"HAPPY", "CALM", "SAD", "ANXIOUS", "ANGRY", "AFRAID", "LONELY", "APATHETIC", "CONFUSED"}
}

func (f Frequency) valid() bool { return slices.Contains(frequencies(), f) }

func frequencies() []Frequency { return []Frequency{Daily, Weekly, Monthly} }

func reviewItems() []ReviewItem {
	return []ReviewItem{ReviewDose, ReviewUnit, ReviewRoute, ReviewSchedule, ReviewPRNReason, ReviewPRNInterval}
}

func writeChoice[T ~string](w io.Writer, value T) {
	// gqlgen's writer is a buffer: it cannot fail.
	_, _ = io.WriteString(w, strconv.Quote(string(value)))
}

func readChoice[T ~string](into *T, v any, list []T) error {
	value, isText := v.(string)
	if typed, ok := v.(T); ok {
		value, isText = string(typed), true
	}
	if !isText || !slices.Contains(list, T(value)) {
		return fmt.Errorf("must be one of %v", list)
	}
	*into = T(value)
	return nil
}

// MarshalGQL writes the enum value.
func (d DayOfWeek) MarshalGQL(w io.Writer) { writeChoice(w, d) }

// UnmarshalGQL reads the enum value.
func (d *DayOfWeek) UnmarshalGQL(v any) error { return readChoice(d, v, DaysOfWeek()) }

// MarshalGQL writes the enum value.
func (f Feeling) MarshalGQL(w io.Writer) { writeChoice(w, f) }

// UnmarshalGQL reads the enum value.
func (f *Feeling) UnmarshalGQL(v any) error { return readChoice(f, v, Feelings()) }

// MarshalGQL writes the enum value.
func (f Frequency) MarshalGQL(w io.Writer) { writeChoice(w, f) }

// UnmarshalGQL reads the enum value.
func (f *Frequency) UnmarshalGQL(v any) error { return readChoice(f, v, frequencies()) }

// MarshalGQL writes the enum value.
func (r ReviewItem) MarshalGQL(w io.Writer) { writeChoice(w, r) }

// UnmarshalGQL reads the enum value.
func (r *ReviewItem) UnmarshalGQL(v any) error { return readChoice(r, v, reviewItems()) }

// distinct reports whether no value stands twice.
func distinct[T comparable](list []T) bool {
	seen := make(map[T]bool, len(list))
	for _, value := range list {
		if seen[value] {
			return false
		}
		seen[value] = true
	}
	return true
}

// isTrue is a bool column's value; null is false.
func isTrue(v Values, column string) bool {
	b, _ := get[bool](v, column)
	return b
}

// setChoice sets an enum column to a value, given any value of its generated
// type, which cannot be named here.
func setChoice(m ent.Mutation, column string, sample ent.Value, value string) error {
	typed := reflect.New(reflect.TypeOf(sample)).Elem()
	typed.SetString(value)
	if err := m.SetField(column, typed.Interface()); err != nil {
		return fmt.Errorf("setting %s: %w", column, err)
	}
	return nil
}

// mutationValues shows a mutation as the row that it will make.
type mutationValues struct {
	ctx context.Context
	m   ent.Mutation
}

// NewValues shows m as the row that it will make. Columns that an update leaves
// alone are read from the row before it.
func NewValues(ctx context.Context, m ent.Mutation) Values { return mutationValues{ctx, m} }

func (v mutationValues) Get(column string) (any, bool) {
	if value, set := v.m.Field(column); set {
		return present(value)
	}
	if v.m.FieldCleared(column) {
		return nil, false
	}
	return v.Old(column)
}

func (v mutationValues) Old(column string) (any, bool) {
	if !v.m.Op().Is(ent.OpUpdateOne) {
		return nil, false
	}
	value, err := v.m.OldField(v.ctx, column)
	if err != nil {
		return nil, false
	}
	return present(value)
}

func (v mutationValues) Creating() bool { return v.m.Op().Is(ent.OpCreate) }

// present tells a value from a nil pointer, list or map.
func present(value any) (any, bool) {
	if value == nil {
		return nil, false
	}
	switch r := reflect.ValueOf(value); r.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if r.IsNil() {
			return nil, false
		}
		if r.Kind() == reflect.Slice && r.Len() == 0 {
			return nil, false
		}
	}
	return value, true
}
