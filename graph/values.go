package graph

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/graph/limits"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/relay"
	"carehome/internal/scalar"
)

// wrongValues reads every scalar of every argument of an operation before it runs,
// so that all values that cannot be read are told at once, each with its path. (The
// executor's own reading stops at the first, and other root fields may have run by
// then.)
//
// It also counts the filters and the lists: what is more than may be comes first.
func wrongValues(schema *ast.Schema, op *graphql.OperationContext, l limits.Limits) problem.List {
	r := valueReader{schema: schema, variables: op.Variables, limits: l, seen: map[string]bool{}}
	r.selections(op.Operation.SelectionSet)
	if r.conditions > l.Conditions {
		r.exceed(problem.Limit("", l.Conditions, r.conditions, "filters may have at most %d conditions", l.Conditions).With("name", "conditions"))
	}
	if r.farthest > l.Hops {
		r.exceed(problem.Limit("", l.Hops, r.farthest, "a filter may follow at most %d edges in a row", l.Hops).With("name", "hops"))
	}
	return append(r.exceeded, r.wrong...)
}

// valueReader collects the values that cannot be read.
type valueReader struct {
	schema    *ast.Schema
	variables map[string]any
	// seen are the fragments that were walked and the paths that were refused.
	seen  map[string]bool
	wrong problem.List
	// limits are how much the values may be, and exceeded what is more than that.
	limits   limits.Limits
	exceeded problem.List
	// conditions are those of all filters, hops the edges that lead to the filter that
	// is being read, and farthest the most of them.
	conditions, hops, farthest int
}

func (r *valueReader) exceed(p *problem.Problem) { r.exceeded = append(r.exceeded, p) }

// condition counts one member of a filter, or one filter in a list of them, and returns
// what ends it.
func (r *valueReader) condition(of *ast.Type, name string, typ *ast.Type) (end func()) {
	if !strings.HasSuffix(of.Name(), "WhereInput") {
		return func() {}
	}
	r.conditions++
	if name == "and" || name == "or" || name == "not" || !strings.HasSuffix(typ.Name(), "WhereInput") {
		return func() {}
	}
	r.hops++
	r.farthest = max(r.farthest, r.hops)
	return func() { r.hops-- }
}

// list counts the items of a list.
func (r *valueReader) list(path string, typ *ast.Type, items int) {
	if strings.HasSuffix(typ.Name(), "WhereInput") {
		r.conditions += items
	}
	if items > r.limits.Items && !r.seen[path+"[]"] {
		r.seen[path+"[]"] = true
		r.exceed(problem.Limit(path, r.limits.Items, items, "a list may have at most %d items", r.limits.Items).With("name", "items"))
	}
}

func (r *valueReader) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Name == "nodes" && s.ObjectDefinition.Name == "Query" {
				// What is no id is a hole in the answer, not an error.
				r.selections(s.SelectionSet)
				continue
			}
			for _, argument := range s.Arguments {
				if definition := s.Definition.Arguments.ForName(argument.Name); definition != nil {
					r.literal(argument.Name, definition.Type, argument.Value)
				}
			}
			r.selections(s.SelectionSet)
		case *ast.InlineFragment:
			r.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			if !r.seen["..."+s.Name] {
				r.seen["..."+s.Name] = true
				r.selections(s.Definition.SelectionSet)
			}
		}
	}
}

// literal reads a value that stands in the document.
func (r *valueReader) literal(path string, typ *ast.Type, value *ast.Value) {
	if (value.Kind == ast.ListValue || value.Kind == ast.ObjectValue) && r.isScalar(typ) {
		plain, err := value.Value(r.variables)
		if err != nil {
			plain = value.Raw
		}
		r.scalar(path, typ, plain)
		return
	}
	switch value.Kind {
	case ast.Variable:
		r.given(path, typ, r.variables[value.Raw])
	case ast.NullValue, ast.EnumValue:
	case ast.ListValue:
		r.list(path, typ, len(value.Children))
		for i, child := range value.Children {
			r.literal(item(path, i), element(typ), child.Value)
		}
	case ast.ObjectValue:
		for _, child := range value.Children {
			if field := r.inputField(typ, child.Name); field != nil {
				end := r.condition(typ, child.Name, field.Type)
				r.literal(path+"."+child.Name, field.Type, child.Value)
				end()
			}
		}
	default:
		plain, err := value.Value(r.variables)
		if err != nil {
			plain = value.Raw
		}
		r.scalar(path, typ, plain)
	}
}

// given reads a value that came as a variable.
func (r *valueReader) given(path string, typ *ast.Type, value any) {
	if value != nil && r.isScalar(typ) {
		r.scalar(path, typ, value)
		return
	}
	switch value := value.(type) {
	case nil:
	case []any:
		r.list(path, typ, len(value))
		for i, v := range value {
			r.given(item(path, i), element(typ), v)
		}
	case map[string]any:
		for name, v := range value {
			if field := r.inputField(typ, name); field != nil {
				end := r.condition(typ, name, field.Type)
				r.given(path+"."+name, field.Type, v)
				end()
			}
		}
	default:
		// A single value for a list has become a list of its own type.
		if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
			r.list(path, typ, list.Len())
			for i := range list.Len() {
				r.given(item(path, i), element(typ), list.Index(i).Interface())
			}
			return
		}
		r.scalar(path, typ, value)
	}
}

// isScalar reports a scalar itself, not a list of them.
func (r *valueReader) isScalar(typ *ast.Type) bool {
	definition := r.schema.Types[typ.NamedType]
	return typ.Elem == nil && definition != nil && definition.Kind == ast.Scalar
}

// scalar reads one value by the name of its type.
func (r *valueReader) scalar(path string, typ *ast.Type, value any) {
	var err error
	switch typ.Name() {
	case "ID":
		if text, isText := value.(string); isText {
			_, err = nodeid.Parse(text)
		} else {
			err = new(nodeid.ID).UnmarshalGQL(value)
		}
	case "Time":
		err = new(scalar.Time).UnmarshalGQL(value)
	case "Date":
		err = new(scalar.Date).UnmarshalGQL(value)
	case "LocalTime":
		err = new(scalar.LocalTime).UnmarshalGQL(value)
	case "LocalDateTime":
		err = new(scalar.LocalDateTime).UnmarshalGQL(value)
	case "Decimal":
		err = new(scalar.Decimal).UnmarshalGQL(value)
	case "EventID":
		err = new(live.ID).UnmarshalGQL(value)
	case "Cursor":
		err = new(relay.Cursor).UnmarshalGQL(value)
	case "Int":
		n, readErr := graphql.UnmarshalInt64(value)
		if readErr != nil || n < math.MinInt32 || n > math.MaxInt32 {
			err = errors.New("must be a whole number from -2147483648 to 2147483647")
		}
	}
	if err != nil && !r.seen[path] {
		r.seen[path] = true
		r.wrong = append(r.wrong, problem.New(problem.Invalid, path, "%s", err))
	}
}

func (r *valueReader) inputField(typ *ast.Type, name string) *ast.FieldDefinition {
	definition := r.schema.Types[typ.Name()]
	if definition == nil {
		return nil
	}
	return definition.Fields.ForName(name)
}

// element is the type of a list's items; a single value stands for a list of one.
func element(typ *ast.Type) *ast.Type {
	if typ.Elem != nil {
		return typ.Elem
	}
	return typ
}

func item(path string, i int) string { return path + "." + strconv.Itoa(i) }

// argumentOf is the path of an argument that a variable is given to, for errors
// about variables.
func argumentOf(set ast.SelectionSet, variable string) string {
	for _, selection := range set {
		field, ok := selection.(*ast.Field)
		if !ok {
			continue
		}
		for _, argument := range field.Arguments {
			if path := variableIn(argument.Name, argument.Value, variable); path != "" {
				return path
			}
		}
		if path := argumentOf(field.SelectionSet, variable); path != "" {
			return path
		}
	}
	return ""
}

// variableIn is the path at which a value has the variable, or nothing.
func variableIn(path string, value *ast.Value, variable string) string {
	if value.Kind == ast.Variable && value.Raw == variable {
		return path
	}
	for i, child := range value.Children {
		name := child.Name
		if value.Kind == ast.ListValue {
			name = strconv.Itoa(i)
		}
		if found := variableIn(path+"."+name, child.Value, variable); found != "" {
			return found
		}
	}
	return ""
}
