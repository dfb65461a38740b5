package relay

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// defaultPage is how many rows a page has if neither first nor last is given.
const defaultPage = 50

// Args are the paging arguments of a connection.
type Args struct {
	After  *Cursor
	First  *int
	Before *Cursor
	Last   *int
}

// Pager is one connection's checked request: which stretch of the rows, in which
// order, is asked for.
type Pager[T any] struct {
	order         Order[T]
	sealer        Sealer
	after, before []any
	size          int
	// backward is set where the page is the last of its stretch.
	backward bool
}

// NewPager checks the arguments. Its errors are problems with the argument's
// name as field: INVALID, or LIMIT_EXCEEDED for more rows than the viewer of ctx
// may ask for.
func NewPager[T any](ctx context.Context, args Args, order Order[T]) (*Pager[T], error) {
	p := &Pager[T]{order: order, sealer: sealerOf(ctx), size: defaultPage}
	var wrong problem.List
	if args.First != nil && args.Last != nil {
		wrong = append(wrong, problem.Invalidf("last", "Give first or last, not both."))
	}
	who, _ := viewer.From(ctx)
	for _, size := range []struct {
		field string
		n     *int
	}{{"first", args.First}, {"last", args.Last}} {
		if size.n == nil {
			continue
		}
		p.size, p.backward = *size.n, size.field == "last"
		switch limit := who.PageLimit(); {
		case p.size < 0:
			wrong = append(wrong, problem.Invalidf(size.field, "%s must be 0 or more, is %d.", size.field, p.size))
		case p.size > limit:
			wrong = append(wrong, problem.Limit(size.field, limit, p.size, "%s may be at most %d, is %d.", size.field, limit, p.size))
		}
	}
	for _, c := range []struct {
		field  string
		cursor *Cursor
		values *[]any
	}{{"after", args.After, &p.after}, {"before", args.Before, &p.before}} {
		if c.cursor == nil {
			continue
		}
		values, err := order.open(p.sealer, c.field, *c.cursor)
		if found, ok := problem.From(err); ok {
			wrong = append(wrong, found...)
		} else if err != nil {
			return nil, err
		}
		*c.values = values
	}
	return p, wrong.Err()
}

// Columns are the columns that the pager must find in each row.
func (p *Pager[T]) Columns() []string { return p.order.Columns() }

// Seek keeps the rows between the cursors.
func (p *Pager[T]) Seek(s *sql.Selector) {
	if p.after != nil {
		s.Where(p.order.beyond(s, p.after, false, false))
	}
	if p.before != nil {
		s.Where(p.order.beyond(s, p.before, true, false))
	}
}

// Sort puts the rows in order, the wrong way round for a backward page.
func (p *Pager[T]) Sort(s *sql.Selector) { p.order.sort(s, p.backward) }

// Limit is how many rows to read: one more than the page has, to know whether
// there are more.
func (p *Pager[T]) Limit() int { return p.size + 1 }

// outside are the rows that a cursor cuts off: those up to after, or those from
// before on.
func (p *Pager[T]) outside(s *sql.Selector, following bool) {
	if following {
		s.Where(p.order.beyond(s, p.before, false, true))
	} else {
		s.Where(p.order.beyond(s, p.after, true, true))
	}
}

// unknowns says which sides of the page a cursor leaves open, so that whether
// rows lie there must be looked up.
func (p *Pager[T]) unknowns(w Wants) (previous, next bool) {
	return w.Previous && p.after != nil, w.Next && p.before != nil
}

// page makes the page of the rows that were read with Seek, Sort and Limit.
// preceded and followed tell whether cursors cut off rows.
func (p *Pager[T]) page(rows []*T, preceded, followed bool, total int) *Page[T] {
	page := &Page[T]{
		PageInfo:   &PageInfo{HasPreviousPage: preceded, HasNextPage: followed},
		TotalCount: total,
		pager:      p,
	}
	if len(rows) > p.size {
		rows = rows[:p.size]
		if p.backward {
			page.PageInfo.HasPreviousPage = true
		} else {
			page.PageInfo.HasNextPage = true
		}
	}
	if p.backward {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	if page.rows = rows; len(rows) > 0 {
		page.PageInfo.start = page.edge(rows[0]).Cursor
		page.PageInfo.end = page.edge(rows[len(rows)-1]).Cursor
	}
	return page
}

// Page is a page of the rows of T: what a connection shows.
type Page[T any] struct {
	PageInfo *PageInfo
	// TotalCount is how many rows the filter leaves, whatever the page; 0 if
	// that was not asked for.
	TotalCount int
	pager      *Pager[T]
	rows       []*T
}

// Nodes are the rows of the page.
func (p *Page[T]) Nodes() []*T { return p.rows }

func (p *Page[T]) edge(row *T) *Edge[T] { return &Edge[T]{Node: row, pager: p.pager} }

// Edges are the rows of a page as the edges of a connection's own type.
func Edges[T, E any](p *Page[T], edge func(Edge[T]) E) []*E {
	edges := make([]*E, len(p.rows))
	for i, row := range p.rows {
		e := edge(*p.edge(row))
		edges[i] = &e
	}
	return edges
}

// Edge is one row of a page.
type Edge[T any] struct {
	Node  *T
	pager *Pager[T]
}

// Cursor is the row's position.
func (e *Edge[T]) Cursor() (Cursor, error) { return e.pager.order.seal(e.pager.sealer, e.Node) }

// PageInfo says where a page lies among its rows.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	start, end      func() (Cursor, error)
}

// StartCursor is the position of the first row, nil on an empty page.
func (p *PageInfo) StartCursor() (*Cursor, error) { return optional(p.start) }

// EndCursor is the position of the last row, nil on an empty page.
func (p *PageInfo) EndCursor() (*Cursor, error) { return optional(p.end) }

func optional(cursor func() (Cursor, error)) (*Cursor, error) {
	if cursor == nil {
		return nil, nil
	}
	c, err := cursor()
	return &c, err
}
