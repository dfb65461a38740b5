package relay

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Pages are the pages that were loaded with a row, by the field of the
// operation that asks for them: two aliases of one field are two fields.
type Pages map[*ast.Field]any

// Keep keeps a page that was loaded for a field.
func Keep[T any](p *Pages, f Field, c *Page[T]) {
	if *p == nil {
		*p = make(Pages)
	}
	(*p)[f.Field] = c
}

// Kept is the page that was loaded for the field that ctx resolves.
func Kept[T any](ctx context.Context, p Pages) (*Page[T], bool) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil {
		return nil, false
	}
	c, ok := p[fc.Field.Field].(*Page[T])
	return c, ok
}
