package schema

import (
	"cmp"

	"entgo.io/ent/schema"
)

// Carehome is what the generator must know beyond ent's and entgql's own
// annotations. It is read as JSON under its Name.
type Carehome struct {
	// Values describes each value of an enum field.
	Values map[string]string `json:"values,omitempty"`
	// Revised marks a clinical fact: its update input takes a reason, every
	// change keeps the version before as a Revision, and it is never removed.
	Revised bool `json:"revised,omitempty"`
	// Void names the column in which ENTERED_IN_ERROR stands for "deleted". Rows
	// so marked are left out of lists, counts and hasXWith filters unless the
	// filter itself names that column; node(id) and to-one edges still show them.
	Void string `json:"void,omitempty"`
	// SearchText marks a type with a folded search_text column: its filter gets
	// searchText, and the column itself stays out of the graph.
	SearchText bool `json:"searchText,omitempty"`
	// Class says which roles see a field; see class.go.
	Class string `json:"class,omitempty"`
	// ShownAs stands for a text that may not be null where its class is not seen.
	ShownAs string `json:"shownAs,omitempty"`
	// ContentOf names the column with the id of the row whose fields the content
	// of this one holds.
	ContentOf string `json:"contentOf,omitempty"`
	// Subjects marks the type of the events: its filter gets residentID, by the
	// list that the store keeps of which events are about whom.
	Subjects bool `json:"subjects,omitempty"`
}

// Name is the key of the annotation.
func (Carehome) Name() string { return "Carehome" }

// Merge lets a mixin and a schema each give their part.
func (c Carehome) Merge(other schema.Annotation) schema.Annotation {
	o, ok := other.(Carehome)
	if !ok {
		return c
	}
	if c.Values == nil {
		c.Values = o.Values
	}
	c.Revised = c.Revised || o.Revised
	c.SearchText = c.SearchText || o.SearchText
	c.Void = cmp.Or(c.Void, o.Void)
	c.Class = cmp.Or(c.Class, o.Class)
	c.ShownAs = cmp.Or(c.ShownAs, o.ShownAs)
	c.ContentOf = cmp.Or(c.ContentOf, o.ContentOf)
	c.Subjects = c.Subjects || o.Subjects
	return c
}

// enteredInError is FHIR's status of a record that should never have been made.
const enteredInError = "ENTERED_IN_ERROR"
