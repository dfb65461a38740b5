package nodeid

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is the table an ID belongs to. Kinds are a fixed table: a value is never
// renumbered or reused, since stored rows and clients' bookmarks carry it.
type Kind int32

// The kinds. Room to Report are reserved for the acts of care.
const (
	Facility              Kind = 1
	StaffUser             Kind = 2
	Resident              Kind = 3
	ResidentContact       Kind = 4
	Allergy               Kind = 5
	Medication            Kind = 6
	MedicationIngredient  Kind = 7
	Prescription          Kind = 8
	Activity              Kind = 9
	ActivityException     Kind = 10
	ActivityParticipation Kind = 11
	Wellness              Kind = 12
	Revision              Kind = 13
	Room                  Kind = 14
	Stay                  Kind = 15
	Absence               Kind = 16
	HoldPeriod            Kind = 17
	Administration        Kind = 18
	StockMovement         Kind = 19
	AuditEvent            Kind = 20
	APIKey                Kind = 21
	SubstanceLimit        Kind = 22
)

// kindNames holds prefix and name by kind; an unused number has an empty row.
var kindNames = [...]struct{ prefix, name string }{
	Facility:              {"fac", "Facility"},
	StaffUser:             {"stf", "StaffUser"},
	Resident:              {"res", "Resident"},
	ResidentContact:       {"con", "ResidentContact"},
	Allergy:               {"alg", "Allergy"},
	Medication:            {"med", "Medication"},
	MedicationIngredient:  {"ing", "MedicationIngredient"},
	Prescription:          {"prx", "Prescription"},
	Activity:              {"act", "Activity"},
	ActivityException:     {"exc", "ActivityException"},
	ActivityParticipation: {"par", "ActivityParticipation"},
	Wellness:              {"wel", "Wellness"},
	Revision:              {"rev", "Revision"},
	Room:                  {"rom", "Room"},
	Stay:                  {"sty", "Stay"},
	Absence:               {"abs", "Absence"},
	HoldPeriod:            {"hld", "HoldPeriod"},
	Administration:        {"adm", "MedicationAdministration"},
	StockMovement:         {"stk", "StockMovement"},
	AuditEvent:            {"aud", "AuditEvent"},
	APIKey:                {"key", "ApiKey"},
	SubstanceLimit:        {"lim", "SubstanceLimit"},
}

// Kinds lists every kind in order.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindNames))
	for k := range kindNames {
		if kindNames[k].prefix != "" {
			kinds = append(kinds, Kind(k))
		}
	}
	return kinds
}

// Valid reports whether k is in the table.
func (k Kind) Valid() bool {
	return k > 0 && int(k) < len(kindNames) && kindNames[k].prefix != ""
}

// String is the GraphQL type's name, such as "Resident".
func (k Kind) String() string {
	if !k.Valid() {
		return "unknown"
	}
	return kindNames[k].name
}

// Prefix is the text before the underscore in an ID of this kind.
func (k Kind) Prefix() string {
	if !k.Valid() {
		return ""
	}
	return kindNames[k].prefix
}

// Start is where a table's identity starts: the first row is Start()+1.
func (k Kind) Start() int64 { return int64(k) << 32 }

// ID identifies one row of one kind. The zero ID identifies nothing.
type ID int64

// New makes the ID of a kind's n-th row.
func New(k Kind, n uint32) ID { return ID(k.Start() | int64(n)) }

// Kind is the table the ID belongs to; it is not Valid for a made-up number.
func (id ID) Kind() Kind { return Kind(id >> 32) }

// Number is the row's number within its kind.
func (id ID) Number() uint32 { return uint32(id) }

// String is the form clients see, such as "res_17".
func (id ID) String() string {
	return id.Kind().Prefix() + "_" + strconv.FormatUint(uint64(id.Number()), 10)
}

// Parse reads what String wrote. Only the canonical form is accepted (no
// leading zero or sign), so that one row has one ID text.
func Parse(text string) (ID, error) {
	prefix, number, found := strings.Cut(text, "_")
	if found {
		for _, k := range Kinds() {
			if kindNames[k].prefix != prefix {
				continue
			}
			n, err := strconv.ParseUint(number, 10, 32)
			if err != nil || n == 0 || strconv.FormatUint(n, 10) != number {
				break
			}
			return New(k, uint32(n)), nil
		}
	}
	return 0, fmt.Errorf("%.40q is not an id; an id looks like %q", text, "res_17")
}

// MarshalGQL writes the ID as a JSON string.
func (id ID) MarshalGQL(w io.Writer) {
	// An io.Writer of gqlgen's is a buffer: it cannot fail.
	_, _ = io.WriteString(w, strconv.Quote(id.String()))
}

// Nothing is the ID that no row has: what a text that is no ID reads as in a
// list of IDs, where what is unknown is a hole and not an error.
const Nothing ID = -1

// UnmarshalGQL reads an ID from a GraphQL input value. It takes its own type as
// well, since generated code passes values that were converted before. A text
// that is no ID is read as Nothing: the graph refuses it by Parse beforehand
// wherever that is an error.
func (id *ID) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case string:
		parsed, err := Parse(v)
		if err != nil {
			parsed = Nothing
		}
		*id = parsed
		return nil
	case ID:
		*id = v
		return nil
	case *ID:
		*id = *v
		return nil
	}
	return fmt.Errorf("an id is a text such as %q", "res_17")
}

// MarshalText writes the same text as String, for JSON outside GraphQL.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	*id = parsed
	return err
}
