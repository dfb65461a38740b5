package main

import (
	"slices"

	"entgo.io/ent/entc/gen"
)

// subject is how the rows of a type name the resident whom they are about, so that
// it can be told of whom something was read.
type subject struct {
	// Fact is set for a fact of care: whatever is read of it is clinical, but that it
	// is there and who wrote it when.
	Fact bool
	// Field has the id, and Add is the method of access.Seen that takes it. Column is
	// its constant, empty for the id of the row itself.
	Field, Add, Column string
}

// subjectOf is nil for a type that is about no resident.
func subjectOf(t *gen.Type) (*subject, error) {
	if kindOf(t) == 0 {
		return nil, nil
	}
	c, err := carehome(t.Annotations)
	if err != nil {
		return nil, err
	}
	if t.Name == "Resident" {
		return &subject{Field: t.ID.StructField(), Add: "Resident"}, nil
	}
	if content, err := contentOf(t); err != nil || content != nil {
		if err != nil {
			return nil, err
		}
		return &subject{Fact: true, Field: content.Row.StructField(), Add: "Fact", Column: content.Row.Constant()}, nil
	}
	for _, f := range t.Fields {
		if f.Name == "resident_id" && !f.Nillable {
			return &subject{Fact: c.Revised, Field: f.StructField(), Add: "Resident", Column: f.Constant()}, nil
		}
	}
	return nil, nil
}

// bookkeeping are the columns that tell of no care.
var bookkeeping = []string{"id", "created_at", "updated_at", "created_by_id", "updated_by_id", "version", "resident_id"}

// toldBy is the class that a field tells of the resident, as a Go expression; empty
// for none.
func toldBy(t *gen.Type, f *gen.Field) (string, error) {
	s, err := subjectOf(t)
	if err != nil || s == nil {
		return "", err
	}
	if s.Fact {
		if slices.Contains(bookkeeping, f.Name) {
			return "", nil
		}
		return "access.Clinical", nil
	}
	return classOf(f)
}

// toldByEdge is toldBy of an edge whose column is the row's own.
func toldByEdge(t *gen.Type, e *gen.Edge) (string, error) {
	if e.Field() == nil {
		return "", nil
	}
	return toldBy(t, e.Field())
}
