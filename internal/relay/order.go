package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"
)

// OrderDirection is the direction of one order key.
type OrderDirection string

// The directions.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

// MarshalGQL writes the direction as a GraphQL enum value.
func (d OrderDirection) MarshalGQL(w io.Writer) {
	_, _ = io.WriteString(w, strconv.Quote(string(d))) // gqlgen's buffer cannot fail
}

// UnmarshalGQL reads a GraphQL enum value.
func (d *OrderDirection) UnmarshalGQL(v any) error {
	text, _ := v.(string)
	*d = OrderDirection(text)
	if *d != Ascending && *d != Descending {
		return fmt.Errorf("%.40q is not a direction; it is ASC or DESC", text)
	}
	return nil
}

// Key is a column that rows of T can be ordered by. It must never be null: the
// comparisons that continue after a cursor are not null-safe.
type Key[T any] struct {
	// Name is the value of the order enum, such as FAMILY_NAME.
	Name   string
	column string
	value  func(*T) any
	parse  func(json.RawMessage) (any, error)
}

// NewKey makes a key of a column whose value in a row get returns.
func NewKey[T, V any](name, column string, get func(*T) V) Key[T] {
	return Key[T]{
		Name:   name,
		column: column,
		value:  func(row *T) any { return get(row) },
		parse: func(text json.RawMessage) (any, error) {
			var v *V
			if err := json.Unmarshal(text, &v); err != nil {
				return nil, err
			}
			if v == nil {
				return nil, errors.New("an order key is never null")
			}
			return *v, nil
		},
	}
}

// Term is a key in a direction.
type Term[T any] struct {
	key  Key[T]
	desc bool
}

// By is the term of a key in a direction.
func By[T any](key Key[T], d OrderDirection) Term[T] { return Term[T]{key, d == Descending} }

// Order is a total order of the rows of T: no two rows are equal in it.
type Order[T any] struct {
	typ   string
	terms []Term[T]
}

// NewOrder orders the rows of the named GraphQL type by the terms and at last by
// its id, in the direction of the last term. A key named twice counts once.
func NewOrder[T any](typ string, id Key[T], terms ...Term[T]) Order[T] {
	o := Order[T]{typ: typ}
	last := Term[T]{key: id}
	for _, t := range terms {
		seen := slices.ContainsFunc(o.terms, func(u Term[T]) bool { return u.key.column == t.key.column })
		if seen {
			continue
		}
		last.desc = t.desc
		if t.key.column == id.column {
			break // nothing is left to order after the id
		}
		o.terms = append(o.terms, t)
	}
	o.terms = append(o.terms, last)
	return o
}

// Columns are the columns of the order's keys.
func (o Order[T]) Columns() []string {
	columns := make([]string, len(o.terms))
	for i, t := range o.terms {
		columns[i] = t.key.column
	}
	return columns
}

// shape names type, keys and directions, so that a cursor is only taken by the
// order that it was made in.
func (o Order[T]) shape() string {
	var b strings.Builder
	b.WriteString(o.typ)
	for i, t := range o.terms {
		sign := " +"
		if t.desc {
			sign = " -"
		}
		if i == 0 {
			sign = ":" + sign[1:]
		}
		b.WriteString(sign + t.key.Name)
	}
	return b.String()
}

// sort orders the statement, or the other way round.
func (o Order[T]) sort(s *sql.Selector, reverse bool) {
	for _, t := range o.terms {
		if t.desc != reverse {
			s.OrderBy(sql.Desc(s.C(t.key.column)))
		} else {
			s.OrderBy(sql.Asc(s.C(t.key.column)))
		}
	}
}

// beyond keeps the rows that lie after the values in the order (before them, if
// reverse), together with the row of the values itself if inclusive.
//
// Where all keys point the same way one row comparison says it, which both
// databases answer from an index on the keys. Otherwise it is expanded key by
// key, led by a bound on the first key that an index can use.
func (o Order[T]) beyond(s *sql.Selector, values []any, reverse, inclusive bool) *sql.Predicate {
	columns := make([]string, len(o.terms))
	for i, t := range o.terms {
		columns[i] = s.C(t.key.column)
	}
	down := o.terms[0].desc != reverse
	if !slices.ContainsFunc(o.terms, func(t Term[T]) bool { return t.desc != o.terms[0].desc }) {
		return tuple(columns, comparison(down, inclusive), values)
	}
	var either []*sql.Predicate
	for i, t := range o.terms {
		var all []*sql.Predicate
		for j := range i {
			all = append(all, sql.EQ(columns[j], values[j]))
		}
		last := i == len(o.terms)-1
		all = append(all, tuple(columns[i:i+1], comparison(t.desc != reverse, inclusive && last), values[i:i+1]))
		either = append(either, sql.And(all...))
	}
	return sql.And(
		tuple(columns[:1], comparison(down, true), values[:1]),
		sql.Or(either...),
	)
}

func comparison(down, inclusive bool) string {
	switch {
	case down && inclusive:
		return " <= "
	case down:
		return " < "
	case inclusive:
		return " >= "
	}
	return " > "
}

// tuple compares columns and values as rows.
func tuple(columns []string, op string, values []any) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		if len(columns) == 1 {
			b.Ident(columns[0]).WriteString(op).Arg(values[0])
			return
		}
		b.Wrap(func(b *sql.Builder) { b.IdentComma(columns...) })
		b.WriteString(op)
		b.Wrap(func(b *sql.Builder) { b.Args(values...) })
	})
}
