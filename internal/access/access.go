package access

import (
	"context"
	"fmt"
	"time"

	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Rule is a kind of rule that this package's table makes.
type Rule uint8

// The rules.
const (
	// Rows are which rows are seen.
	Rows Rule = 1 << iota
	// Fields are which fields of them are shown.
	Fields
	// Filters are which fields rows are filtered and ordered by.
	Filters
	// Acts are which changes are made.
	Acts
	// Cursors are whose cursors are taken.
	Cursors

	// EveryRule is all of them.
	EveryRule = Rows | Fields | Filters | Acts | Cursors
)

// Edge is an edge along which rows are read, named as the graph does.
type Edge struct {
	// From is the type of the rows that have the edge.
	From nodeid.Kind
	Name string
}

type liftedKey struct{}

// Lift returns a context in which the rules do not hold, for what the program
// must know or do itself to keep its own rules: how many places of an activity
// are taken, the version of a row before a change. The author stays the viewer.
// Nothing that is read below it may be shown to anybody.
func Lift(ctx context.Context, rules Rule) context.Context {
	return context.WithValue(ctx, liftedKey{}, rules)
}

func lifted(ctx context.Context, rule Rule) bool {
	rules, _ := ctx.Value(liftedKey{}).(Rule)
	return rules&rule != 0
}

// grant is what a viewer sees and does of a type.
func grant(who viewer.Viewer, kind nodeid.Kind) Grant {
	if who.IsSystem() {
		return Grant{Read: Everything, Rows: All, Acts: write}
	}
	g := Of(who.Role, kind)
	if who.Role == viewer.Reporting && who.SeesNames && g.Read != 0 {
		// Free text names people too.
		g.Read |= Personal | Notes
	}
	if who.BreakGlass && BreaksGlass(who.Role) {
		nurse := Of(viewer.Nurse, kind)
		g.Read, g.Rows = g.Read|nurse.Read, max(g.Rows, nurse.Rows)
	}
	if who.ReadOnly {
		g.Acts = 0
	}
	return g
}

// asking is who is asking, as they are at this moment: an emergency that has ended is
// none, however long ago the question was put.
func asking(ctx context.Context) (viewer.Viewer, bool) {
	who, ok := viewer.From(ctx)
	if who.BreakGlass && Over(ctx, who.BreakGlassUntil) {
		who.BreakGlass = false
	}
	return who, ok
}

// Over reports whether an emergency has ended that lasts until then, by the clock of
// ctx.
func Over(ctx context.Context, until time.Time) bool {
	return !until.IsZero() && !scalar.Now(ctx).Before(until)
}

// BreaksGlass reports whether a role reads what a nurse reads in an emergency:
// those at a resident's side.
func BreaksGlass(role viewer.Role) bool {
	return role == viewer.Carer || role == viewer.ActivityCoordinator
}

// RowsOf is which rows of a type the viewer of ctx sees, and who that is; no
// rows where nobody is asking.
func RowsOf(ctx context.Context, kind nodeid.Kind) (viewer.Viewer, Scope) {
	who, ok := asking(ctx)
	if !ok {
		return who, None
	}
	scope := grant(who, kind).Rows
	if scope != All && lifted(ctx, Rows) {
		scope = All
	}
	return who, scope
}

// Hidden are the classes of fields that the viewer of ctx is not shown of rows
// of a type.
func Hidden(ctx context.Context, kind nodeid.Kind) Classes {
	who, ok := asking(ctx)
	if !ok {
		return Everything
	}
	hidden := Everything &^ grant(who, kind).Read
	if hidden != 0 && lifted(ctx, Fields) {
		return 0
	}
	return hidden
}

// Unaskable are the classes of fields by which the viewer of ctx may neither
// filter nor order rows of a type, since that would tell them. Of a type without
// any row for the viewer everything may be asked: nothing is found.
func Unaskable(ctx context.Context, kind nodeid.Kind) Classes {
	who, ok := asking(ctx)
	if !ok {
		return Everything
	}
	g := grant(who, kind)
	hidden := Everything &^ g.Read
	if g.Read == 0 || hidden != 0 && lifted(ctx, Filters) {
		return 0
	}
	return hidden
}

// Unasked refuses a filter or an order by a field that the viewer is not shown,
// the same whatever the data.
func Unasked(field string) *problem.Problem {
	return problem.New(problem.Forbidden, field, "your role does not see this, and so cannot filter or order by it")
}

// Check refuses an act that the viewer of ctx may not do to any row of a type,
// before anything is known of the row.
func Check(ctx context.Context, kind nodeid.Kind, act Act) error {
	who, ok := asking(ctx)
	switch {
	case !ok:
		return Unknown()
	case grant(who, kind).Acts&act == act || lifted(ctx, Acts):
		return nil
	case who.ReadOnly:
		return problem.Forbiddenf("this key can only read")
	}
	return problem.Forbiddenf("your role does not include this")
}

// Unknown refuses who has not said who is asking.
func Unknown() *problem.Problem {
	return problem.New(problem.Unauthenticated, "", "say who you are: no data is shown to nobody")
}

// CursorScope tells viewers apart whose cursors are not to be exchanged.
func CursorScope(ctx context.Context) string {
	who, _ := asking(ctx)
	if lifted(ctx, Cursors) {
		return ""
	}
	return fmt.Sprintf("%d %s %t %t", who.ID, who.Role, who.SeesNames, who.BreakGlass)
}
