package relay

import (
	"errors"
	"fmt"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"

	"carehome/internal/nodeid"
)

// Loading is set on the query of an edge just before ent's eager loader runs it.
// The loader then adds exactly one predicate to the query, the first after those
// it has: "belongs to one of these parents".
type Loading struct {
	Link Link
	// At is the place of the loader's predicate among those of the query.
	At int
}

// LimitPerParent turns the eager loader's statement, which would read the rows
// of all parents, into one that reads at most limit rows of each parent, in the
// query's order and through the index on it:
//
//	SQLite:      FROM parents CROSS JOIN child
//	             WHERE child.id IN (SELECT id FROM child WHERE <of this parent> ORDER BY … LIMIT n)
//	PostgreSQL:  FROM parents CROSS JOIN LATERAL
//	             (SELECT * FROM child WHERE <of this parent> ORDER BY … LIMIT n) AS child
//
// Neither reads more of a parent's rows than its share (through a table in
// between, it reads the parent's links). entgql's window function reads them all.
func LimitPerParent[P ~func(*sql.Selector)](spec *sqlgraph.QuerySpec, loading Loading, limit int, predicates []P) {
	fail := func(err error) {
		spec.Predicate = func(s *sql.Selector) { s.AddError(err) }
	}
	if loading.At >= len(predicates) {
		fail(errors.New("limiting rows per parent: the loader has not named the parents"))
		return
	}
	ids, err := parentsOf(predicates[loading.At])
	if err != nil {
		fail(fmt.Errorf("limiting rows per parent: %w", err))
		return
	}
	own := slices.Delete(slices.Clone(predicates), loading.At, loading.At+1)
	spec.Predicate = func(s *sql.Selector) {
		for _, p := range own {
			p(s)
		}
	}
	spec.Modifiers = append(slices.Clip(spec.Modifiers), func(s *sql.Selector) {
		perParent(s, loading.Link, ids, limit)
	})
}

// parentsOf reads the parents' ids out of the loader's predicate, by running it
// on a statement of its own.
func parentsOf[P ~func(*sql.Selector)](predicate P) ([]nodeid.ID, error) {
	probe := sql.Select().From(sql.Table("probe"))
	predicate(probe)
	_, args := probe.Query()
	ids := make([]nodeid.ID, 0, len(args))
	for _, arg := range args {
		id, ok := arg.(nodeid.ID)
		if !ok {
			return nil, fmt.Errorf("a parent is identified by %T", arg)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errors.New("the loader's predicate names no parent")
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func perParent(s *sql.Selector, link Link, ids []nodeid.ID, limit int) {
	if s.HasJoins() {
		s.AddError(errors.New("limiting rows per parent: the statement is ordered or filtered through a join"))
		return
	}
	var (
		table   = s.TableName()
		columns = s.SelectedColumns()
		id      = s.C("id")
		share   = s.Clone()
	)
	// The filter itself, which s gives up below: a copy of one loses the operator of
	// a comparison and the brackets of an OR.
	share.SetP(s.P())
	link.belonging(share)
	share.Limit(limit)
	if link.Table != "" {
		// Through a table in between the loader reads the parent from the first
		// column.
		s.Select(append([]string{parentID(s.Dialect())}, columns...)...)
	}
	if s.Dialect() == dialect.Postgres {
		share.Select(s.Table().C("*"))
		s.SetP(nil).FromExpr(sql.ExprFunc(func(b *sql.Builder) {
			fromParents(b, ids)
			b.WriteString(" CROSS JOIN LATERAL ")
			b.Wrap(func(b *sql.Builder) { b.Join(share) })
			b.WriteString(" AS ").Ident(table)
		}))
		return
	}
	share.Select(id)
	s.SetP(sql.In(id, share)).FromExpr(sql.ExprFunc(func(b *sql.Builder) {
		fromParents(b, ids)
		// CROSS keeps SQLite from turning the loops round.
		b.WriteString(" CROSS JOIN ").Ident(table)
	}))
}
