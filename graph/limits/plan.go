package limits

import (
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

// Plans are those of a document's operations.
type Plans struct {
	// Introspects tells that the document asks for the schema.
	Introspects bool
	// Visits is how often a selection was looked at to make them.
	Visits     int
	steps      int
	operations map[*ast.OperationDefinition]*Plan
}

// Plan is what an operation asks for, without the values of its variables.
type Plan struct{ steps []*step }

// step is a field of an operation that counts, with all that is merged into it.
type step struct {
	kind kind
	// sizes are how long the list is that was asked for; one for each field.
	sizes []size
	steps []*step
}

// size is the argument that says how long a list is to be: a variable or a number,
// negative where it is left out.
type size struct {
	variable string
	number   int
}

// Weight is how many bytes of memory the plans take, about.
func (p *Plans) Weight() int {
	const each = 120
	return each * p.steps
}

// Of is the plan of an operation.
func (p *Plans) Of(operation *ast.OperationDefinition) *Plan { return p.operations[operation] }

// Plan checks a document that was parsed and not yet validated.
func (s *Schema) Plan(doc *ast.QueryDocument, l Limits) (*Plans, error) {
	seen, err := surveyDocument(doc, l)
	plans := &Plans{Introspects: seen.introspects, Visits: seen.visits, operations: map[*ast.OperationDefinition]*Plan{}}
	if err != nil {
		return plans, err
	}
	p := &planner{Schema: s, limits: l, fragments: seen.fragments}
	for _, operation := range doc.Operations {
		steps, names := p.merge([]part{{operation.SelectionSet, s.root(operation.Operation)}})
		if names > l.RootFields && p.err == nil {
			p.err = named("rootFields", problem.Limit("query", l.RootFields, names,
				"an operation may have at most %d fields at its root", l.RootFields))
		}
		plans.operations[operation] = &Plan{steps}
	}
	// One that no operation spreads is not valid, but it is validated.
	for _, fragment := range doc.Fragments {
		if !p.spread[fragment.Name] {
			p.merge([]part{{fragment.SelectionSet, s.schema.Types[fragment.TypeCondition]}})
		}
	}
	plans.Visits += p.visits
	plans.steps = p.steps
	return plans, p.err
}

func (s *Schema) root(operation ast.Operation) *ast.Definition {
	switch operation {
	case ast.Mutation:
		return s.schema.Mutation
	case ast.Subscription:
		return s.schema.Subscription
	default:
		return s.schema.Query
	}
}

// planner follows the fragments of a document.
type planner struct {
	*Schema
	limits    Limits
	fragments map[string]*ast.FragmentDefinition
	spread    map[string]bool
	visits    int
	steps     int
	err       error
}

// part is one of the selections that are merged into an object.
type part struct {
	set ast.SelectionSet
	of  *ast.Definition // nil where nobody knows the type
}

// merged are the fields that make one entry of an object.
type merged struct {
	count int
	kinds []*mergedKind
}

// mergedKind are those of one definition: an entry may be of several where an object
// may be of several types.
type mergedKind struct {
	definition *ast.FieldDefinition
	step       step
	parts      []part
}

// collection are the entries of one object.
type collection struct {
	entries map[string]*merged
	order   []*merged
	spread  map[string]bool
}

// merge makes the steps of the selections of one object. That a field may be skipped
// changes nothing: it may also not be.
func (p *planner) merge(parts []part) (steps []*step, names int) {
	c := collection{entries: map[string]*merged{}}
	for _, part := range parts {
		p.collect(&c, part)
	}
	if p.err != nil {
		return nil, len(c.order)
	}
	for _, entry := range c.order {
		for _, k := range entry.kinds {
			var below []*step
			if len(k.parts) > 0 {
				below, _ = p.merge(k.parts)
			}
			if k.step.kind == leaf {
				continue
			}
			p.steps++
			s := k.step
			if s.kind != schema {
				s.steps = below
			}
			steps = append(steps, &s)
		}
	}
	return steps, len(c.order)
}

func (p *planner) collect(c *collection, from part) {
	for _, selection := range from.set {
		if p.err != nil {
			return
		}
		if p.visits++; p.visits > p.limits.Fields {
			p.err = named("fields", problem.Limit("query", p.limits.Fields, p.visits,
				"the document may have at most %d fields, counting those of a fragment wherever it is spread", p.limits.Fields))
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			p.field(c, from.of, selection)
		case *ast.InlineFragment:
			of := from.of
			if selection.TypeCondition != "" {
				of = p.schema.Types[selection.TypeCondition]
			}
			p.collect(c, part{selection.SelectionSet, of})
		case *ast.FragmentSpread:
			fragment := p.fragments[selection.Name]
			if fragment == nil || c.spread[selection.Name] {
				continue
			}
			if c.spread == nil {
				c.spread = map[string]bool{}
			}
			if p.spread == nil {
				p.spread = map[string]bool{}
			}
			c.spread[selection.Name], p.spread[selection.Name] = true, true
			p.collect(c, part{fragment.SelectionSet, p.schema.Types[fragment.TypeCondition]})
		}
	}
}

func (p *planner) field(c *collection, of *ast.Definition, field *ast.Field) {
	entry := c.entries[field.Alias]
	if entry == nil {
		entry = &merged{}
		c.entries[field.Alias] = entry
		c.order = append(c.order, entry)
	}
	if entry.count++; entry.count > p.limits.Repeats {
		p.err = named("repeats", problem.Limit("query", p.limits.Repeats, entry.count,
			"the same field may be asked for at most %d times in one place", p.limits.Repeats))
		return
	}
	var definition *ast.FieldDefinition
	if of != nil {
		definition = of.Fields.ForName(field.Name)
	}
	var into *mergedKind
	for _, k := range entry.kinds {
		if k.definition == definition {
			into = k
		}
	}
	if into == nil {
		into = &mergedKind{definition: definition, step: step{kind: p.kinds[definition]}}
		if isIntrospection(field.Name) {
			into.step.kind = schema
		}
		entry.kinds = append(entry.kinds, into)
	}
	if into.step.kind == page || into.step.kind == list {
		into.step.sizes = append(into.step.sizes, sizeOf(into.step.kind, field.Arguments))
	}
	if len(field.SelectionSet) > 0 {
		below := part{set: field.SelectionSet}
		if definition != nil {
			below.of = p.schema.Types[definition.Type.Name()]
		}
		into.parts = append(into.parts, below)
	}
}
