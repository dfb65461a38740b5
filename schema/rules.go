package schema

import (
	"context"
)

// Values is a row as it will be after a change.
type Values interface {
	// Get is the value that the column will have, and whether it will have one.
	Get(column string) (any, bool)
	// Old is the value before an update; a new row has none.
	Old(column string) (any, bool)
	// Creating reports whether the row is new.
	Creating() bool
}

// Codes of violations, from the API's closed list.
const (
	invalid  = "INVALID"
	conflict = "CONFLICT"
)

// Violation is one thing that a change would make wrong.
type Violation struct {
	// Field is the column at fault.
	Field string
	// Code is one of the API's error codes.
	Code string
	// Message tells a carer what to mend.
	Message string
}

// Rule finds what is wrong between the columns of one row. Ranges of a single
// column are its validators; what needs other rows is not a Rule.
type Rule func(ctx context.Context, v Values) []Violation

// Rules are those of the named type. They are checked on every write, whoever
// makes it.
func Rules(typ string) []Rule {
	switch typ {
	case "APIKey":
		return []Rule{apiKeyRules}
	case "Activity":
		return []Rule{activityRules}
	case "ActivityException":
		return []Rule{activityExceptionRules}
	case "ActivityParticipation":
		return []Rule{participationRules}
	case "Allergy":
		return []Rule{allergyRules}
	case "Facility":
		return []Rule{facilityRules}
	case "Medication":
		return []Rule{medicationRules}
	case "Prescription":
		return []Rule{prescriptionRules, prescriptionTransition}
	case "Resident":
		return []Rule{residentRules}
	case "ResidentContact":
		return []Rule{residentContactRules}
	case "Wellness":
		return []Rule{wellnessRules}
	}
	return nil
}

// get is a column's value as T, whether it is held by value or by reference.
func get[T any](v Values, column string) (T, bool) { return as[T](v.Get(column)) }

func as[T any](value any, ok bool) (T, bool) {
	var none T
	if !ok {
		return none, false
	}
	switch value := value.(type) {
	case T:
		return value, true
	case *T:
		if value != nil {
			return *value, true
		}
	}
	return none, false
}

// has reports whether the column will hold a value other than an empty list.
func has(v Values, column string) bool {
	value, ok := v.Get(column)
	if list, isList := value.(interface{ Len() int }); ok && isList {
		return list.Len() > 0
	}
	return ok
}

// choice is an enum column's value as text. Enum types are generated, so that
// only their text can be known here.
func choice(v Values, column string) string { return choiceOf(v.Get(column)) }

func oldChoice(v Values, column string) string { return choiceOf(v.Old(column)) }

func choiceOf(value any, ok bool) string {
	if s, isText := value.(interface{ String() string }); ok && isText {
		return s.String()
	}
	s, _ := value.(string)
	return s
}

// findings collects violations.
type findings []Violation

// check notes a violation of field unless ok.
func (f *findings) check(ok bool, field, message string) {
	if !ok {
		*f = append(*f, Violation{Field: field, Code: invalid, Message: message})
	}
}

// before notes a violation of the later column unless it lies after the earlier
// one, where both are given.
func (f *findings) before(v Values, earlier, later, message string) {
	from, hasFrom := get[interface{ String() string }](v, earlier)
	to, hasTo := get[interface{ String() string }](v, later)
	f.check(!hasFrom || !hasTo || from.String() < to.String(), later, message)
}
