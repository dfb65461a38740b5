package viewer

import (
	"context"
	"time"

	"carehome/internal/nodeid"
)

// Role is what a viewer may do in the home, in general terms.
type Role string

// The roles, from the most to the least far-reaching over residents' data;
// SYSADMIN runs the machine and sees no clinical data.
const (
	Admin               Role = "ADMIN"
	Manager             Role = "MANAGER"
	Nurse               Role = "NURSE"
	Carer               Role = "CARER"
	ActivityCoordinator Role = "ACTIVITY_COORDINATOR"
	Reporting           Role = "REPORTING"
	Family              Role = "FAMILY"
	Sysadmin            Role = "SYSADMIN"
)

// Roles are all roles, in the order of the documentation.
func Roles() []Role {
	return []Role{Admin, Manager, Nurse, Carer, ActivityCoordinator, Reporting, Family, Sysadmin}
}

// Viewer is who is asking.
type Viewer struct {
	// ID is the staff user's row; zero for the system itself.
	ID nodeid.ID
	// Name is for logs and for the playground, never a decision.
	Name string
	Role Role
	// Key is the API key that the request came with; zero if it came without.
	Key nodeid.ID
	// SeesNames lets a REPORTING viewer read the names and contacts that its
	// role masks.
	SeesNames bool
	// ReadOnly is the scope of a key that may change nothing, whatever its role.
	ReadOnly bool
	// BreakGlass is set on one request in an emergency, with a reason on record:
	// the viewer reads what its role may not normally read.
	BreakGlass bool
	// BreakGlassUntil is when that ends, be it in the middle of an answer; zero for
	// the end of the request.
	BreakGlassUntil time.Time
	// system marks the program's own work: start-up, import, the demo home.
	system bool
}

// Rows one connection may return in one page; see the limits of the API.
const (
	pageLimit          = 200
	reportingPageLimit = 1000
)

// PageLimit is the most that `first` or `last` may ask for.
func (v Viewer) PageLimit() int {
	if v.Role == Reporting {
		return reportingPageLimit
	}
	return pageLimit
}

// IsSystem reports whether the program itself is asking.
func (v Viewer) IsSystem() bool { return v.system }

// System is the viewer of the program's own work. It has no staff row, so what
// it writes carries no author.
func System() Viewer { return Viewer{Name: "system", Role: Admin, system: true} }

type (
	viewerKey struct{}
	reasonKey struct{}
)

// With returns a context whose work is done in v's name.
func With(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// From returns who is asking, and false where nobody was named: then there is
// no data to be had.
func From(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(viewerKey{}).(Viewer)
	return v, ok
}

// WithReason carries why a clinical fact is being changed, for its revision.
func WithReason(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, reasonKey{}, reason)
}

// Reason is what WithReason carried, or empty.
func Reason(ctx context.Context) string {
	reason, _ := ctx.Value(reasonKey{}).(string)
	return reason
}
