package access

import "strings"

// Classes is a set of classes of fields. Each field of the schema is of one.
type Classes uint8

// The classes.
const (
	// Open is what everybody sees who sees the row: identity, times, states.
	Open Classes = 1 << iota
	// Personal is by what a person is known or reached: names, numbers, addresses.
	Personal
	// Clinical is what is measured, found, prescribed or decided of a resident.
	Clinical
	// Notes is free text that staff write for staff.
	Notes
	// Admin is what running the home needs: accounts, their roles, origins of rows.
	Admin

	// Everything is all classes.
	Everything = Open | Personal | Clinical | Notes | Admin
)

// classNames are the names of the classes, in the order of their bits.
var classNames = [...]string{"open", "personal", "clinical", "notes", "admin"}

// ParseClass is the class of a name; false if there is none.
func ParseClass(name string) (Classes, bool) {
	for i, known := range classNames {
		if known == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Each lists the classes of the set one by one.
func (c Classes) Each() []Classes {
	var all []Classes
	for i := range classNames {
		if one := Classes(1) << i; c&one != 0 {
			all = append(all, one)
		}
	}
	return all
}

// Has reports whether the set has all of the classes.
func (c Classes) Has(all Classes) bool { return c&all == all }

// String names the classes, such as "open, clinical".
func (c Classes) String() string {
	var names []string
	for i, name := range classNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
