package limits

import (
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

// survey looks once at each field that is written in a document.
type survey struct {
	fragments map[string]*ast.FragmentDefinition
	// depths are those of the fragments that were looked at, under way while negative.
	depths map[string]deep
	// visits counts the selections that were looked at.
	visits  int
	aliases int
	// circle is the spread that leads back into its own fragment.
	circle *ast.FragmentSpread
	// introspects tells that the document asks for the schema.
	introspects bool
}

// deep is how deep a selection goes, and how deep below __schema and __type.
type deep struct{ fields, schema int }

func (d deep) max(e deep) deep { return deep{max(d.fields, e.fields), max(d.schema, e.schema)} }

// surveyDocument checks what is written in a document, whatever it means: its depth, its
// aliases, and that no fragment contains itself. Its work grows with the document.
func surveyDocument(doc *ast.QueryDocument, l Limits) (*survey, error) {
	s := &survey{fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), depths: map[string]deep{}}
	for _, fragment := range doc.Fragments {
		if s.fragments[fragment.Name] == nil {
			s.fragments[fragment.Name] = fragment
		}
	}
	var depth deep
	for _, operation := range doc.Operations {
		depth = depth.max(s.set(operation.SelectionSet))
	}
	// One that no operation spreads is not valid, but it is validated. (One that was
	// spread was counted where it stands, which may be below the schema.)
	for _, fragment := range doc.Fragments {
		if _, known := s.depths[fragment.Name]; !known {
			depth = depth.max(s.fragment(fragment.Name, nil))
		}
	}
	switch {
	case s.circle != nil:
		return s, problem.Invalidf("query", "the fragment %s contains itself", s.circle.Name)
	case depth.fields > l.Depth:
		return s, named("depth", problem.Limit("query", l.Depth, depth.fields,
			"fields may lie at most %d deep in one another", l.Depth))
	case depth.schema > l.IntrospectionDepth:
		return s, named("introspectionDepth", problem.Limit("query", l.IntrospectionDepth, depth.schema,
			"fields of the schema may lie at most %d deep in one another", l.IntrospectionDepth))
	case s.aliases > l.Aliases:
		return s, named("aliases", problem.Limit("query", l.Aliases, s.aliases,
			"the document may have at most %d aliases", l.Aliases))
	}
	return s, nil
}

func (s *survey) set(set ast.SelectionSet) (depth deep) {
	for _, selection := range set {
		s.visits++
		switch selection := selection.(type) {
		case *ast.Field:
			depth = depth.max(s.field(selection))
		case *ast.InlineFragment:
			depth = depth.max(s.set(selection.SelectionSet))
		case *ast.FragmentSpread:
			depth = depth.max(s.fragment(selection.Name, selection))
		}
	}
	return depth
}

func (s *survey) field(field *ast.Field) deep {
	if field.Alias != field.Name {
		s.aliases++
	}
	below := s.set(field.SelectionSet)
	if isIntrospection(field.Name) {
		s.introspects = true
		return deep{fields: 1, schema: 1 + below.fields}
	}
	below.fields++
	return below
}

func (s *survey) fragment(name string, spread *ast.FragmentSpread) deep {
	depth, known := s.depths[name]
	fragment := s.fragments[name]
	switch {
	case known && depth.fields < 0:
		s.circle = spread
		return deep{}
	case known, fragment == nil:
		return depth
	}
	s.depths[name] = deep{fields: -1}
	depth = s.set(fragment.SelectionSet)
	s.depths[name] = depth
	return depth
}

func isIntrospection(field string) bool { return field == "__schema" || field == "__type" }
