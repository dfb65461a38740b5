package schema

// The class of each field says which roles see it; internal/access has the table.
// A field without a class is refused by the generator.
var (
	isOpen     = Carehome{Class: "open"}
	isPersonal = Carehome{Class: "personal"}
	isClinical = Carehome{Class: "clinical"}
	isNotes    = Carehome{Class: "notes"}
	isAdmin    = Carehome{Class: "admin"}
)

// shownAs is what is shown instead of a text that may not be null to who does not
// see the class; %d is the number of the row.
func (c Carehome) shownAs(text string) Carehome {
	c.ShownAs = text
	return c
}

// contentOf says that the field is a JSON object of a row's fields by name, and
// which column names the row: its fields have the classes that they have there.
func (c Carehome) contentOf(column string) Carehome {
	c.ContentOf = column
	return c
}
