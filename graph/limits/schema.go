package limits

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// kind is what a field counts as.
type kind int

const (
	// leaf is a value: it counts nothing.
	leaf kind = iota
	// through is an object that stands for no row, such as an edge's node, which the
	// edge has counted: what lies in it counts.
	through
	// object is one object.
	object
	// list is a list of objects without pages.
	list
	// page is a connection.
	page
	// edges are those of a connection.
	edges
	// act is a mutation.
	act
	// schema is introspection.
	schema
)

// What the kinds count besides what lies in them.
const (
	// actCost is what a change counts: it waits for the disk.
	actCost = 10
	// schemaCost is what a look at the schema counts.
	schemaCost = 1_000
	// listCost is how many objects a list is taken to have that has no pages.
	listCost = 10
)

// Schema knows what the fields of a schema count as.
type Schema struct {
	schema *ast.Schema
	kinds  map[*ast.FieldDefinition]kind
}

// NewSchema looks at each field of a schema.
func NewSchema(s *ast.Schema) *Schema {
	known := &Schema{schema: s, kinds: map[*ast.FieldDefinition]kind{}}
	for _, of := range s.Types {
		if strings.HasPrefix(of.Name, "__") || of.IsInputType() && !of.IsCompositeType() {
			continue
		}
		for _, field := range of.Fields {
			if k := kindOf(s, of, field); k != leaf {
				known.kinds[field] = k
			}
		}
	}
	return known
}

func kindOf(s *ast.Schema, of *ast.Definition, field *ast.FieldDefinition) kind {
	result := s.Types[field.Type.Name()]
	isPage := strings.HasSuffix(of.Name, "Connection")
	switch {
	case isIntrospection(field.Name):
		return schema
	case result == nil || !result.IsCompositeType():
		return leaf
	case of == s.Mutation:
		return act
	case isPage && field.Name == "edges":
		return edges
	case isPage && field.Name == "pageInfo", strings.HasSuffix(of.Name, "Edge") && field.Name == "node":
		return through
	case field.Type.Elem != nil:
		return list
	case strings.HasSuffix(result.Name, "Connection"):
		return page
	default:
		return object
	}
}
