package schema

import (
	"context"
	"fmt"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/privacy"

	"carehome/internal/access"
	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// policy is that of every type: nothing to nobody, to each role the rows and the
// acts of the table in internal/access. As ent asks it before each statement, and
// the filters of the graph for what lies behind an edge, a row that is not seen is
// seen nowhere.
type policy struct{ kind nodeid.Kind }

// narrower is a query or a mutation of any type.
type narrower interface {
	WhereP(...func(*sql.Selector))
}

// nested is a query that may be loaded together with the parents of its rows.
type nested interface {
	Along() access.Edge
}

func (p policy) EvalQuery(ctx context.Context, q ent.Query) error { return p.narrow(ctx, q) }

func (p policy) EvalMutation(ctx context.Context, m ent.Mutation) error {
	if err := named(ctx); err != nil {
		return err
	}
	act := access.Update
	switch {
	case m.Op().Is(ent.OpCreate):
		return access.Check(ctx, p.kind, access.Create)
	case m.Op().Is(ent.OpDelete | ent.OpDeleteOne):
		act = access.Delete
	}
	if err := access.Check(ctx, p.kind, act); err != nil {
		return err
	}
	return p.narrow(ctx, m)
}

// narrow leaves the rows that the viewer sees. Who sees all pays nothing.
func (p policy) narrow(ctx context.Context, statement any) error {
	if err := named(ctx); err != nil {
		return err
	}
	who, scope := access.RowsOf(ctx, p.kind)
	var along access.Edge
	if q, ok := statement.(nested); ok {
		along = q.Along()
	}
	rule := rowRule(ctx, who, p.kind, scope, along)
	if rule == nil {
		return nil
	}
	n, ok := statement.(narrower)
	if !ok {
		return fmt.Errorf("the rows of a %T cannot be narrowed", statement)
	}
	n.WhereP(rule)
	return nil
}

func named(ctx context.Context) error {
	if _, ok := viewer.From(ctx); !ok {
		return privacy.Denyf("nobody is asking")
	}
	return nil
}

// rowRule is what a row of a kind must be for the viewer to see it; nil if it
// may be any. along is the edge along which it is read together with rows that the
// viewer sees; the zero value for none.
func rowRule(ctx context.Context, who viewer.Viewer, kind nodeid.Kind, scope access.Scope, along access.Edge) func(*sql.Selector) {
	switch {
	case scope == access.None:
		return func(s *sql.Selector) { s.Where(sql.False()) }
	case kind == nodeid.Revision:
		return revisionRule(ctx)
	case scope == access.All:
		return nil
	}
	l := links{who: who, settled: settled(ctx, along)}
	switch kind {
	case nodeid.Resident:
		return l.resident()
	case nodeid.ResidentContact:
		return l.contact
	case nodeid.Wellness, nodeid.ActivityParticipation:
		return l.fact
	case nodeid.Activity:
		return l.activity("id")
	case nodeid.ActivityException:
		return l.activity("activity_id")
	case nodeid.StaffUser:
		return l.person
	}
	// A type that hangs on nothing has nothing that a relative sees.
	return func(s *sql.Selector) { s.Where(sql.False()) }
}

// settling are the edges from a row of a relative's own to what must hang on the same
// resident or be of the same activity. That the viewer sees the one row settles for the
// other whose resident, or which activity, it must be of: both ask that by the same
// lists. Whatever else is asked of the other row still is.
var settling = map[access.Edge]bool{
	{From: nodeid.Resident, Name: "wellness"}:              true,
	{From: nodeid.Resident, Name: "participations"}:        true,
	{From: nodeid.Resident, Name: "contacts"}:              true,
	{From: nodeid.Wellness, Name: "resident"}:              true,
	{From: nodeid.ActivityParticipation, Name: "resident"}: true,
	{From: nodeid.ResidentContact, Name: "resident"}:       true,
	{From: nodeid.ActivityParticipation, Name: "activity"}: true,
	{From: nodeid.ActivityException, Name: "activity"}:     true,
	{From: nodeid.Activity, Name: "exceptions"}:            true,
}

// settled reports whether rows that are read along an edge need not be looked up in the
// viewer's lists again. The rows that they are read with must have been.
func settled(ctx context.Context, along access.Edge) bool {
	if !settling[along] {
		return false
	}
	_, scope := access.RowsOf(ctx, along.From)
	return scope == access.Linked
}

// links are the rules of who sees what hangs on the residents that they are a
// contact of. Each is a list of ids that an index answers, so that what is asked
// of one parent still goes through that parent's index.
type links struct {
	who viewer.Viewer
	// settled tells that the lists need not be asked.
	settled bool
}

// linked selects the residents that name the viewer as a family portal.
func (l links) linked(s *sql.Selector) *sql.Selector {
	t := sql.Dialect(s.Dialect()).Table("resident_contacts")
	return sql.Dialect(s.Dialect()).Select(t.C("resident_id")).From(t).Where(sql.And(
		sql.EQ(t.C("portal_user_id"), int64(l.who.ID)), sql.EQ(t.C("is_family_portal"), true),
	))
}

// residents selects those of them that consent.
func (l links) residents(s *sql.Selector) *sql.Selector {
	t := sql.Dialect(s.Dialect()).Table("residents")
	return sql.Dialect(s.Dialect()).Select(t.C("id")).From(t).Where(sql.And(
		sql.In(t.C("id"), l.linked(s)), sql.EQ(t.C("consent_family_access"), true),
	))
}

// activities selects what they are, or were, part of.
func (l links) activities(s *sql.Selector) *sql.Selector {
	t := sql.Dialect(s.Dialect()).Table("activity_participations")
	return sql.Dialect(s.Dialect()).Select(t.C("activity_id")).From(t).Where(sql.And(
		sql.In(t.C("resident_id"), l.residents(s)), sql.NEQ(t.C("status"), enteredInError),
	))
}

// activity keeps the rows whose column names one of them.
func (l links) activity(column string) func(*sql.Selector) {
	if l.settled {
		return nil
	}
	return func(s *sql.Selector) { s.Where(sql.In(s.C(column), l.activities(s))) }
}

func (l links) resident() func(*sql.Selector) {
	if l.settled {
		return nil
	}
	return func(s *sql.Selector) {
		s.Where(sql.And(sql.In(s.C("id"), l.linked(s)), sql.EQ(s.C("consent_family_access"), true)))
	}
}

// contact is the viewer's own entry, no other relative's.
func (l links) contact(s *sql.Selector) {
	l.ofResident(s, sql.And(sql.EQ(s.C("portal_user_id"), int64(l.who.ID)), sql.EQ(s.C("is_family_portal"), true)))
}

// fact is a fact of a resident's care. What was entered in error may be another
// resident's.
func (l links) fact(s *sql.Selector) {
	l.ofResident(s, sql.NEQ(s.C("status"), enteredInError))
}

// ofResident keeps the rows of their residents that are as is says: in one predicate,
// so that it can be negated as a whole.
func (l links) ofResident(s *sql.Selector, is *sql.Predicate) {
	if !l.settled {
		is = sql.And(sql.In(s.C("resident_id"), l.residents(s)), is)
	}
	s.Where(is)
}

// person is who cares, or the viewer: no other relative.
func (l links) person(s *sql.Selector) {
	s.Where(sql.Or(
		sql.EQ(s.C("id"), int64(l.who.ID)),
		sql.In(s.C("role"), string(viewer.Admin), string(viewer.Manager), string(viewer.Nurse),
			string(viewer.Carer), string(viewer.ActivityCoordinator)),
	))
}

// revisionRule keeps the revisions of rows that are seen: nil where the viewer
// sees every row of all types that have revisions.
func revisionRule(ctx context.Context) func(*sql.Selector) {
	var seen []nodeid.Kind
	for _, kind := range access.RevisedKinds() {
		// Who sees some rows of a type sees none of its revisions.
		if _, scope := access.RowsOf(ctx, kind); scope == access.All {
			seen = append(seen, kind)
		}
	}
	if len(seen) == len(access.RevisedKinds()) {
		return nil
	}
	return func(s *sql.Selector) {
		ranges := []*sql.Predicate{sql.False()}
		for _, kind := range seen {
			ranges = append(ranges, sql.And(sql.GT(s.C("entity_id"), kind.Start()), sql.LT(s.C("entity_id"), (kind+1).Start())))
		}
		s.Where(sql.Or(ranges...))
	}
}

// systemOnly is the policy of what nobody sees but the program.
type systemOnly struct{}

func (systemOnly) EvalQuery(ctx context.Context, _ ent.Query) error { return systemOnly{}.eval(ctx) }

func (systemOnly) EvalMutation(ctx context.Context, _ ent.Mutation) error {
	return systemOnly{}.eval(ctx)
}

func (systemOnly) eval(ctx context.Context) error {
	if who, ok := viewer.From(ctx); !ok || !who.IsSystem() {
		return privacy.Denyf("only the system asks for this")
	}
	return nil
}
