package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Selection is what an operation asks of one object.
type Selection struct {
	op  *graphql.OperationContext
	set ast.SelectionSet
}

// Selected is what is asked of the field that ctx resolves; false outside of a
// GraphQL operation.
func Selected(ctx context.Context) (Selection, bool) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || !graphql.HasOperationContext(ctx) {
		return Selection{}, false
	}
	return Selection{op: graphql.GetOperationContext(ctx), set: fc.Field.Selections}, true
}

// Field is one asked field of an object, in all its fragments.
type Field struct {
	graphql.CollectedField
	op *graphql.OperationContext
}

// Fields are the fields asked of an object that is of the given types (its own
// and its interfaces); of any type, if none is given. Skipped fields are left
// out, fields of the same response name are one.
func (s Selection) Fields(types ...string) []Field {
	collected := graphql.CollectFields(s.op, s.set, types)
	fields := make([]Field, len(collected))
	for i, f := range collected {
		fields[i] = Field{f, s.op}
	}
	return fields
}

// Selection is what is asked of the field's value.
func (f Field) Selection() Selection { return Selection{op: f.op, set: f.Selections} }

// Under are the selections of the fields along a path of names. Each alias gives
// one of its own: what two aliases ask of the same object may differ.
func (s Selection) Under(path ...string) []Selection {
	if len(path) == 0 {
		return []Selection{s}
	}
	var found []Selection
	for _, f := range s.Fields() {
		if f.Name == path[0] {
			found = append(found, f.Selection().Under(path[1:]...)...)
		}
	}
	return found
}

// Args are the arguments of the field as they come from the operation.
func (f Field) Args() map[string]any { return f.ArgumentMap(f.op.Variables) }

// Paging reads the paging arguments of a connection field.
func (f Field) Paging() (Args, error) {
	var args Args
	raw := f.Args()
	err := errors.Join(
		scalarArg(raw, "first", &args.First, graphql.UnmarshalInt),
		scalarArg(raw, "last", &args.Last, graphql.UnmarshalInt),
		scalarArg(raw, "after", &args.After, unmarshalCursor),
		scalarArg(raw, "before", &args.Before, unmarshalCursor),
	)
	return args, err
}

func unmarshalCursor(raw any) (Cursor, error) {
	var c Cursor
	err := c.UnmarshalGQL(raw)
	return c, err
}

func scalarArg[V any](raw map[string]any, name string, into **V, read func(any) (V, error)) error {
	if raw[name] == nil {
		return nil
	}
	v, err := read(raw[name])
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	*into = &v
	return nil
}

// Input reads the input object argument of a field into what the executor would
// give its resolver; nil if it is not given.
func Input[T any](ctx context.Context, f Field, argument, typ string) (*T, error) {
	raw := f.Args()[argument]
	if raw == nil {
		return nil, nil
	}
	var v *T
	if err := graphql.UnmarshalNamedInputFromContext(ctx, typ, raw, &v); err != nil {
		return nil, fmt.Errorf("reading %s: %w", argument, err)
	}
	return v, nil
}

// Inputs reads an argument that is a list of input objects; as GraphQL has it, a
// single object stands for a list of one.
func Inputs[T any](ctx context.Context, f Field, argument, typ string) ([]*T, error) {
	raw := f.Args()[argument]
	if raw == nil {
		return nil, nil
	}
	list := graphql.CoerceList(raw)
	values := make([]*T, len(list))
	for i, item := range list {
		if err := graphql.UnmarshalNamedInputFromContext(ctx, typ, item, &values[i]); err != nil {
			return nil, fmt.Errorf("reading %s: %w", argument, err)
		}
	}
	return values, nil
}

// Wants says which parts of a connection are asked for.
type Wants struct {
	// Rows are wanted for edges and for pageInfo.
	Rows bool
	// Total is the count of all rows.
	Total bool
	// Previous and Next are whether rows lie outside of the page.
	Previous, Next bool
	// Nodes is what is asked of the rows; empty asks for nothing but the cursor.
	Nodes []Selection
	// Whole asks for whole rows: the caller is not a GraphQL operation.
	Whole bool
}

// Everything is what a caller wants that is not a GraphQL operation.
func Everything() Wants {
	return Wants{Rows: true, Total: true, Previous: true, Next: true, Whole: true}
}

// ConnectionWants reads them from the selection of a connection field.
func (s Selection) ConnectionWants() Wants {
	var w Wants
	for _, f := range s.Fields() {
		switch f.Name {
		case "totalCount":
			w.Total = true
		case "edges":
			w.Rows = true
			w.Nodes = append(w.Nodes, f.Selection().Under("node")...)
		case "pageInfo":
			for _, p := range f.Selection().Fields() {
				switch p.Name {
				case "hasPreviousPage":
					w.Rows, w.Previous = true, true
				case "hasNextPage":
					w.Rows, w.Next = true, true
				case "startCursor", "endCursor":
					w.Rows = true
				}
			}
		}
	}
	return w
}

// Wanted is what the field that ctx resolves, a connection, asks for.
func Wanted(ctx context.Context) Wants {
	if s, ok := Selected(ctx); ok {
		return s.ConnectionWants()
	}
	return Everything()
}
