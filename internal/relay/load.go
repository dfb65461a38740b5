package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"carehome/internal/nodeid"
)

// Statement hands the prepared SELECT of a query to run: filtered, with every
// policy applied, neither ordered nor limited.
type Statement func(ctx context.Context, run func(context.Context, *sql.Selector) error) error

// Source is where the rows of a page come from.
type Source[T any] struct {
	Driver dialect.Driver
	// Rows reads the rows between the cursors in order, at most limit.
	Rows func(ctx context.Context, limit int) ([]*T, error)
	// Filtered is the statement of all rows that the filter leaves.
	Filtered Statement
}

// Load reads one page.
func Load[T any](ctx context.Context, p *Pager[T], w Wants, from Source[T]) (*Page[T], error) {
	var (
		rows               []*T
		preceded, followed bool
		total              int
		err                error
	)
	if w.Rows {
		if rows, err = from.Rows(ctx, p.Limit()); err != nil {
			return nil, err
		}
	}
	previous, next := p.unknowns(w)
	exists := func(following bool) (found bool, err error) {
		err = from.Filtered(ctx, func(ctx context.Context, s *sql.Selector) error {
			p.outside(s, following)
			s.SelectExpr(sql.Raw("1")).Limit(1)
			found, err = one(ctx, from.Driver, s, func(*sql.Rows) error { return nil })
			return err
		})
		return found, err
	}
	if previous {
		if preceded, err = exists(false); err != nil {
			return nil, fmt.Errorf("looking before the page: %w", err)
		}
	}
	if next {
		if followed, err = exists(true); err != nil {
			return nil, fmt.Errorf("looking after the page: %w", err)
		}
	}
	if w.Total {
		err = from.Filtered(ctx, func(ctx context.Context, s *sql.Selector) error {
			// A query that came over an edge may meet a row more than once.
			if s.HasJoins() {
				s.Count(sql.Distinct(s.C("id")))
			} else {
				s.Count()
			}
			_, err := one(ctx, from.Driver, s, func(rows *sql.Rows) error { return rows.Scan(&total) })
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("counting: %w", err)
		}
	}
	return p.page(rows, preceded, followed, total), nil
}

// one runs a statement and scans its first row, if it has one.
func one(ctx context.Context, driver dialect.Driver, s *sql.Selector, scan func(*sql.Rows) error) (found bool, err error) {
	err = each(ctx, driver, s, func(rows *sql.Rows) error {
		found = true
		return scan(rows)
	})
	return found, err
}

// each runs a statement and scans each of its rows.
func each(ctx context.Context, driver dialect.Driver, s *sql.Selector, scan func(*sql.Rows) error) error {
	query, args := s.Query()
	if err := s.Err(); err != nil {
		return err
	}
	var rows sql.Rows
	if err := driver.Query(ctx, query, args, &rows); err != nil {
		return err
	}
	var err error
	for err == nil && rows.Next() {
		err = scan(&rows)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

// Link is how the rows of a child table belong to their parents: by a column of
// their own, or through a table in between.
type Link struct {
	// Table in between; empty for a column of the child's table.
	Table string
	// Parent is the column with the parent's id, in Table if there is one.
	Parent string
	// Child is the column of Table with the child's id.
	Child string
}

// parents is the list of parents in a statement: one argument, however many
// there are, so that the text of the statement stays the same.
const parents = "parent"

func parentID(dialectName string) string {
	return sql.Dialect(dialectName).Table(parents).C("value")
}

// fromParents writes the list of parents as a table with the column value.
func fromParents(b *sql.Builder, ids []nodeid.ID) {
	numbers := make([]string, len(ids))
	for i, id := range ids {
		numbers[i] = strconv.FormatInt(int64(id), 10)
	}
	list := strings.Join(numbers, ",")
	if b.Dialect() == dialect.Postgres {
		b.WriteString("unnest(CAST(").Arg("{" + list + "}").WriteString(" AS bigint[])) AS ").
			Ident(parents).WriteString("(").Ident("value").WriteString(")")
		return
	}
	b.WriteString("json_each(").Arg("[" + list + "]").WriteString(") AS ").Ident(parents)
}

// belonging keeps the rows of s, a statement over the child's table, that belong
// to the parent of the outer statement.
func (l Link) belonging(s *sql.Selector) {
	parent := parentID(s.Dialect())
	if l.Table == "" {
		s.Where(sql.ColumnsEQ(s.C(l.Parent), parent))
		return
	}
	between := sql.Dialect(s.Dialect()).Table(l.Table)
	s.Join(between).On(between.C(l.Child), s.C("id"))
	s.Where(sql.ColumnsEQ(between.C(l.Parent), parent))
}

// Children is where the pages of many parents come from.
type Children[P, C any] struct {
	Driver  dialect.Driver
	Parents []*P
	ID      func(*P) nodeid.ID
	Link    Link
	// Rows reads, for each parent, the rows between the cursors in order, at
	// most limit each.
	Rows func(ctx context.Context, limit int, assign func(*P, *C)) error
	// Filtered is the statement of all rows that the filter leaves, of any parent.
	Filtered Statement
}

// LoadNested reads the pages of all parents at once, each kind of statement
// once, and returns them in the order of the parents.
func LoadNested[P, C any](ctx context.Context, p *Pager[C], w Wants, from Children[P, C]) ([]*Page[C], error) {
	rows := make(map[*P][]*C, len(from.Parents))
	if w.Rows {
		err := from.Rows(ctx, p.Limit(), func(parent *P, row *C) { rows[parent] = append(rows[parent], row) })
		if err != nil {
			return nil, err
		}
	}
	ids := make([]nodeid.ID, len(from.Parents))
	for i, parent := range from.Parents {
		ids[i] = from.ID(parent)
	}
	count := func(limit int, narrow func(*sql.Selector)) (map[nodeid.ID]int, error) {
		counts := make(map[nodeid.ID]int, len(ids))
		err := from.Filtered(ctx, func(ctx context.Context, s *sql.Selector) error {
			narrow(s)
			return each(ctx, from.Driver, countEach(s, from.Link, ids, limit), func(rows *sql.Rows) error {
				var id, n int64
				err := rows.Scan(&id, &n)
				counts[nodeid.ID(id)] = int(n)
				return err
			})
		})
		return counts, err
	}
	var (
		preceded, followed, totals map[nodeid.ID]int
		err                        error
	)
	previous, next := p.unknowns(w)
	if previous {
		if preceded, err = count(1, func(s *sql.Selector) { p.outside(s, false) }); err != nil {
			return nil, fmt.Errorf("looking before the pages: %w", err)
		}
	}
	if next {
		if followed, err = count(1, func(s *sql.Selector) { p.outside(s, true) }); err != nil {
			return nil, fmt.Errorf("looking after the pages: %w", err)
		}
	}
	if w.Total {
		if totals, err = count(0, func(*sql.Selector) {}); err != nil {
			return nil, fmt.Errorf("counting: %w", err)
		}
	}
	pages := make([]*Page[C], len(from.Parents))
	for i, parent := range from.Parents {
		pages[i] = p.page(rows[parent], preceded[ids[i]] > 0, followed[ids[i]] > 0, totals[ids[i]])
	}
	return pages, nil
}

// countEach makes of s, a statement over the child's table, one that counts the
// rows of each parent, no further than limit if there is one.
func countEach(s *sql.Selector, link Link, ids []nodeid.ID, limit int) *sql.Selector {
	link.belonging(s)
	if limit > 0 {
		s.SelectExpr(sql.Raw("1")).Limit(limit)
		s = sql.Dialect(s.Dialect()).Select().From(s.As("found"))
	}
	s.Count()
	counted := sql.Dialect(s.Dialect()).Select(parentID(s.Dialect()))
	counted.AppendSelectExprAs(s, "n")
	return counted.FromExpr(sql.ExprFunc(func(b *sql.Builder) { fromParents(b, ids) }))
}
