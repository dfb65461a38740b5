package access

import (
	"slices"

	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// Act is something that is done to rows of a type.
type Act uint8

// The acts. To delete a clinical fact is to mark it ENTERED_IN_ERROR.
const (
	Create Act = 1 << iota
	Update
	Delete

	write = Create | Update | Delete
)

// Scope is which rows of a type a role sees, of those that there are.
type Scope uint8

// The scopes.
const (
	// None is no row at all: lists are empty, ids are those of nothing.
	None Scope = iota
	// Linked is what hangs on the residents that the viewer is linked to, with
	// their consent; of people, those who care for them.
	Linked
	// All is every row.
	All
)

// Grant is what a role sees and does of a type.
type Grant struct {
	// Read are the classes of fields that it sees; none where it sees no row.
	Read Classes
	Rows Scope
	Acts Act
}

func sees(c Classes) Grant { return Grant{Read: c, Rows: All} }

// linked narrows a grant to the viewer's own residents.
func linked(c Classes) Grant { return Grant{Read: c, Rows: Linked} }

func (g Grant) may(acts Act) Grant {
	g.Acts = acts
	return g
}

// grants of each role, of one type. A role that is not named sees nothing.
type grants map[viewer.Role]Grant

// table is the whole of it. Whoever changes rows of a type sees every row and
// every field of it: then no answer to a change, such as "there is one like it
// already", tells anything that a read would hide. The tests hold that.
func table() map[nodeid.Kind]grants {
	const names = Open | Personal
	const care = Open | Clinical
	return map[nodeid.Kind]grants{
		nodeid.Facility: {
			viewer.Admin:               sees(Everything).may(Create | Update),
			viewer.Manager:             sees(Everything).may(Create | Update),
			viewer.Nurse:               sees(Everything),
			viewer.Carer:               sees(Everything),
			viewer.ActivityCoordinator: sees(Everything),
			viewer.Reporting:           sees(Everything),
			viewer.Family:              sees(Everything),
			viewer.Sysadmin:            sees(Everything),
		},
		// Whose account may be made and changed by whom is narrower: see Grants.
		nodeid.StaffUser: {
			viewer.Admin:               sees(Everything).may(Create | Update),
			viewer.Manager:             sees(Everything).may(Create | Update),
			viewer.Nurse:               sees(Everything),
			viewer.Carer:               sees(names),
			viewer.ActivityCoordinator: sees(names),
			viewer.Reporting:           sees(Open),
			viewer.Family:              linked(names),
			viewer.Sysadmin:            sees(Everything).may(Create | Update),
		},
		// A key is revoked, not deleted.
		nodeid.APIKey: {
			viewer.Admin:    sees(Everything).may(Create | Update),
			viewer.Sysadmin: sees(Everything).may(Create | Update),
		},
		// Events are written by the system alone.
		nodeid.AuditEvent: {
			viewer.Admin:   sees(Everything),
			viewer.Manager: sees(Everything),
		},
		nodeid.Resident: {
			viewer.Admin:   sees(Everything).may(write),
			viewer.Manager: sees(Everything).may(write),
			viewer.Nurse:   sees(Everything).may(Create | Update),
			viewer.Carer:   sees(Everything),
			// Who goes out with residents must know allergies and what to do in an
			// emergency.
			viewer.ActivityCoordinator: sees(names | Clinical),
			viewer.Reporting:           sees(care),
			viewer.Family:              linked(names),
		},
		nodeid.ResidentContact: {
			viewer.Admin:     sees(Everything).may(write),
			viewer.Manager:   sees(Everything).may(write),
			viewer.Nurse:     sees(Everything).may(write),
			viewer.Carer:     sees(Everything),
			viewer.Reporting: sees(Open),
			viewer.Family:    linked(names),
		},
		nodeid.Allergy: {
			viewer.Admin:               sees(Everything).may(write),
			viewer.Manager:             sees(Everything).may(write),
			viewer.Nurse:               sees(Everything).may(write),
			viewer.Carer:               sees(Everything),
			viewer.ActivityCoordinator: sees(care),
			viewer.Reporting:           sees(care),
		},
		nodeid.Medication: {
			viewer.Admin:     sees(Everything).may(write),
			viewer.Manager:   sees(Everything).may(write),
			viewer.Nurse:     sees(Everything).may(Create | Update),
			viewer.Carer:     sees(Everything),
			viewer.Reporting: sees(Everything),
		},
		nodeid.MedicationIngredient: {
			viewer.Admin:     sees(Everything).may(write),
			viewer.Manager:   sees(Everything).may(write),
			viewer.Nurse:     sees(Everything).may(write),
			viewer.Carer:     sees(Everything),
			viewer.Reporting: sees(Everything),
		},
		nodeid.Prescription: {
			viewer.Admin:     sees(Everything).may(write),
			viewer.Manager:   sees(Everything).may(write),
			viewer.Nurse:     sees(Everything).may(write),
			viewer.Carer:     sees(Everything),
			viewer.Reporting: sees(care),
		},
		nodeid.Wellness: {
			viewer.Admin:     sees(Everything).may(write),
			viewer.Manager:   sees(Everything).may(write),
			viewer.Nurse:     sees(Everything).may(write),
			viewer.Carer:     sees(Everything).may(write),
			viewer.Reporting: sees(care),
			viewer.Family:    linked(care),
		},
		nodeid.Activity: {
			viewer.Admin:               sees(Everything).may(write),
			viewer.Manager:             sees(Everything).may(write),
			viewer.Nurse:               sees(Everything),
			viewer.Carer:               sees(Everything),
			viewer.ActivityCoordinator: sees(Everything).may(write),
			viewer.Reporting:           sees(Open),
			viewer.Family:              linked(Open),
		},
		nodeid.ActivityException: {
			viewer.Admin:               sees(Everything).may(write),
			viewer.Manager:             sees(Everything).may(write),
			viewer.Nurse:               sees(Everything),
			viewer.Carer:               sees(Everything),
			viewer.ActivityCoordinator: sees(Everything).may(write),
			viewer.Reporting:           sees(Open),
			viewer.Family:              linked(Open),
		},
		nodeid.ActivityParticipation: {
			viewer.Admin:               sees(Everything).may(write),
			viewer.Manager:             sees(Everything).may(write),
			viewer.Nurse:               sees(Everything).may(write),
			viewer.Carer:               sees(Everything).may(write),
			viewer.ActivityCoordinator: sees(Everything).may(write),
			viewer.Reporting:           sees(care),
			viewer.Family:              linked(care),
		},
		// A revision is seen by whoever sees the row that it is of, and holds of it
		// what they see.
		nodeid.Revision: {
			viewer.Admin:               sees(Everything),
			viewer.Manager:             sees(Everything),
			viewer.Nurse:               sees(Everything),
			viewer.Carer:               sees(Everything),
			viewer.ActivityCoordinator: sees(care),
			viewer.Reporting:           sees(care),
		},
	}
}

var revised = []nodeid.Kind{nodeid.Allergy, nodeid.Prescription, nodeid.ActivityParticipation, nodeid.Wellness}

// RevisedKinds are the types whose changes are kept as revisions.
func RevisedKinds() []nodeid.Kind { return revised }

// compiled is the table by kind and role.
var compiled = table()

// Kinds are the types of the table, in the order of their kinds.
func Kinds() []nodeid.Kind {
	kinds := make([]nodeid.Kind, 0, len(compiled))
	for kind := range compiled {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Of is what a role sees and does of a type.
func Of(role viewer.Role, kind nodeid.Kind) Grant { return compiled[kind][role] }

// Maskable reports whether some role sees rows of a kind without their fields of
// a class.
func Maskable(kind nodeid.Kind, class Classes) bool {
	for _, g := range compiled[kind] {
		if g.Rows != None && !g.Read.Has(class) {
			return true
		}
	}
	return false
}

// Grants reports whether a viewer of one role may make and change accounts and
// keys of another. Nobody reaches further through an account than by itself: a
// manager makes no administrator, and who runs the machine, and so sees nothing
// clinical, makes no account that would.
func Grants(by, of viewer.Role) bool {
	switch by {
	case viewer.Admin:
		return true
	case viewer.Manager:
		return of != viewer.Admin && of != viewer.Sysadmin
	case viewer.Sysadmin:
		return of == viewer.Sysadmin
	}
	return false
}
