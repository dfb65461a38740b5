package live

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"carehome/internal/nodeid"
	"carehome/internal/store"
)

// What happened to a row.
type What string

// What may happen. A row that is VOIDED stays on record, ENTERED_IN_ERROR.
const (
	Created What = "CREATED"
	Updated What = "UPDATED"
	Voided  What = "VOIDED"
	Deleted What = "DELETED"
)

// Event is one change that is safe from a power cut.
type Event struct {
	ID   ID
	What What
	// Entity is the row that changed. Resident and Activity are whom and what it
	// belongs to; zero where there is none.
	Entity, Resident, Activity nodeid.ID
}

// ID is the place of an event in the journal. The zero ID is no event's.
type ID struct {
	number int64
	tag    uint32
}

// tagDigits is the length of a tag in hexadecimal.
const tagDigits = 8

// String is the form clients see, such as "1042-5f3a09c1".
func (id ID) String() string { return fmt.Sprintf("%d-%0*x", id.number, tagDigits, id.tag) }

// ParseID reads what String wrote, and nothing else.
func ParseID(text string) (ID, error) {
	number, tag, found := strings.Cut(text, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if found && err == nil && n > 0 {
		t, err := strconv.ParseUint(tag, 16, 32)
		if id := (ID{n, uint32(t)}); err == nil && id.String() == text {
			return id, nil
		}
	}
	return ID{}, fmt.Errorf("%.40q is not the id of an event; one looks like %q", text, "1042-5f3a09c1")
}

// MarshalGQL writes the ID as a JSON string.
func (id ID) MarshalGQL(w io.Writer) {
	// An io.Writer of gqlgen's is a buffer: it cannot fail.
	_, _ = io.WriteString(w, strconv.Quote(id.String()))
}

// UnmarshalGQL reads an ID from a GraphQL input value.
func (id *ID) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("the id of an event is a text such as %q", "1042-5f3a09c1")
	}
	parsed, err := ParseID(text)
	*id = parsed
	return err
}

// event is a line of the journal, told.
func event(c store.Change) Event {
	return Event{ID: ID{c.Number, c.Tag}, What: What(c.What), Entity: c.Entity, Resident: c.Resident, Activity: c.Activity}
}

// broken reports a line that stands for changes that were not noted one by one.
func (e Event) broken() bool { return e.What == store.Unnoted }
