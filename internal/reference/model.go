package reference

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"carehome/internal/web"
)

// Reference is what there is to tell.
type Reference struct {
	// Sections are the pages, in order; those without entries are left out.
	Sections []*Section
	// Examples are the example operations.
	Examples []*Example

	page map[string]string // of each type that has one
	// users are where each type is used: fields, arguments and input fields.
	users map[string][]place
	// examples are those that use a field: Type.field.
	examples map[string][]*Example
}

// Section is a page of entries.
type Section struct {
	// Slug is the name of the page in addresses and of its file.
	Slug, Title, Intro string
	Entries            []*Entry
}

// Entry is a type, or a field of a root type.
type Entry struct {
	// Name is also the anchor.
	Name string
	// Kind is query, mutation, subscription, object, interface, union, input, enum
	// or scalar.
	Kind        string
	Description string
	Deprecated  string // why
	// Type is what a field gives.
	Type    *ast.Type
	Members []*Member
	// Implements and Possible are names of types.
	Implements, Possible []string
	// Usage are the places where a type is used.
	Usage []place
	// Examples use a root field.
	Examples []*Example
	// Specified is the address of a scalar's specification.
	Specified string
	// OneOf is set for an input of which exactly one field is given.
	OneOf bool
}

// Member is a field, an argument, or a value of an enum.
type Member struct {
	Name, Description, Deprecated string
	Type                          *ast.Type
	Default                       string
	Args                          []*Member
	Examples                      []*Example
}

// Example is an example operation of the playground.
type Example struct{ *web.Example }

// place is a field or an input's field, as Type.field.
type place struct{ Type, Field string }

// New reads the schema. It fails for an example that is not valid.
func New(schema *ast.Schema, examples []web.Example) (*Reference, error) {
	r := &Reference{page: map[string]string{}, users: map[string][]place{}, examples: map[string][]*Example{}}
	for i := range examples {
		one := &Example{&examples[i]}
		r.Examples = append(r.Examples, one)
		if err := r.use(schema, one); err != nil {
			return nil, fmt.Errorf("example %s: %w", one.Name, err)
		}
	}
	var types []*ast.Definition
	for name, definition := range schema.Types {
		if !strings.HasPrefix(name, "__") {
			types = append(types, definition)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	roots := map[*ast.Definition]string{schema.Query: "queries", schema.Mutation: "mutations", schema.Subscription: "subscriptions"}
	for _, definition := range types {
		if roots[definition] == "" {
			r.page[definition.Name] = section(definition)
		}
		for _, field := range definition.Fields {
			r.note(field.Type, place{definition.Name, field.Name})
			for _, argument := range field.Arguments {
				r.note(argument.Type, place{definition.Name, field.Name})
			}
		}
	}
	all := sections()
	for _, s := range all {
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
			if root != nil && roots[root] == s.Slug {
				s.Entries = r.rootFields(root, strings.TrimSuffix(strings.Replace(s.Slug, "queries", "query", 1), "s"))
			}
		}
		for _, definition := range types {
			if r.page[definition.Name] == s.Slug && (!definition.BuiltIn || len(r.users[definition.Name]) > 0) {
				s.Entries = append(s.Entries, r.typeEntry(schema, definition))
			}
		}
		if len(s.Entries) > 0 {
			r.Sections = append(r.Sections, s)
		}
	}
	return r, nil
}

// sections are the pages before they are filled.
func sections() []*Section {
	return []*Section{
		{Slug: "queries", Title: "Queries", Intro: "What can be asked for. Several can stand in one request; all of it is read as of one moment."},
		{Slug: "mutations", Title: "Mutations", Intro: "What can be changed. Each is one transaction of its own, kept for good before its payload is read."},
		{Slug: "subscriptions", Title: "Subscriptions", Intro: "What can be followed, by server-sent events or a WebSocket."},
		{Slug: "objects", Title: "Objects", Intro: "What the home keeps, and what is told beside it."},
		{Slug: "connections", Title: "Connections", Intro: "Lists that can be paged through: a connection has edges, an edge has the row and its cursor."},
		{Slug: "payloads", Title: "Payloads", Intro: "What mutations answer."},
		{Slug: "inputs", Title: "Inputs", Intro: "What mutations take. A field that is left out and one that is null are not the same: null clears."},
		{Slug: "filters", Title: "Filters and orders", Intro: "What lists take as where and orderBy. All fields of a filter must hold at once."},
		{Slug: "enums", Title: "Enums", Intro: "Closed lists of values."},
		{Slug: "scalars", Title: "Scalars", Intro: "How single values are written."},
	}
}

// section is the page that a type is on.
func section(definition *ast.Definition) string {
	has := func(suffixes ...string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(definition.Name, s) })
	}
	switch definition.Kind {
	case ast.Enum:
		return "enums"
	case ast.Scalar:
		return "scalars"
	case ast.InputObject:
		if has("WhereInput", "Order") {
			return "filters"
		}
		return "inputs"
	case ast.Object:
		switch {
		case has("Connection", "Edge", "PageInfo"):
			return "connections"
		case has("Payload"):
			return "payloads"
		}
	}
	return "objects"
}

func (r *Reference) note(typ *ast.Type, where place) {
	name := typ.Name()
	if !slices.Contains(r.users[name], where) {
		r.users[name] = append(r.users[name], where)
	}
}

// use notes which fields an example asks for.
func (r *Reference) use(schema *ast.Schema, one *Example) error {
	document, err := parser.ParseQuery(&ast.Source{Name: one.Name, Input: one.Query})
	if err != nil {
		return err
	}
	if list := validator.ValidateWithRules(schema, document, nil); len(list) > 0 {
		return list
	}
	seen := map[string]bool{}
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				key := s.ObjectDefinition.Name + "." + s.Name
				if !seen[key] {
					seen[key] = true
					r.examples[key] = append(r.examples[key], one)
				}
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				if !seen["..."+s.Name] {
					seen["..."+s.Name] = true
					walk(s.Definition.SelectionSet)
				}
			}
		}
	}
	for _, operation := range document.Operations {
		walk(operation.SelectionSet)
	}
	return nil
}

func (r *Reference) rootFields(root *ast.Definition, kind string) (entries []*Entry) {
	for _, field := range visible(root.Fields) {
		entries = append(entries, &Entry{
			Name: field.Name, Kind: kind, Description: field.Description, Deprecated: deprecated(field.Directives),
			Type: field.Type, Members: arguments(field), Examples: r.examples[root.Name+"."+field.Name],
		})
	}
	slices.SortFunc(entries, func(a, b *Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

func (r *Reference) typeEntry(schema *ast.Schema, definition *ast.Definition) *Entry {
	e := &Entry{
		Name: definition.Name, Kind: strings.ToLower(strings.TrimSuffix(string(definition.Kind), "_OBJECT")),
		Description: definition.Description, Implements: definition.Interfaces,
		OneOf: definition.Directives.ForName("oneOf") != nil,
	}
	if !definition.BuiltIn || definition.Kind != ast.Scalar { // ID and String are everywhere
		e.Usage = r.users[definition.Name]
	}
	if definition.Kind == ast.Interface || definition.Kind == ast.Union {
		for _, possible := range schema.GetPossibleTypes(definition) {
			e.Possible = append(e.Possible, possible.Name)
		}
		slices.Sort(e.Possible)
	}
	if by := definition.Directives.ForName("specifiedBy"); by != nil {
		if address := by.Arguments.ForName("url"); address != nil {
			e.Specified = address.Value.Raw
		}
	}
	for _, field := range visible(definition.Fields) {
		m := &Member{
			Name: field.Name, Description: field.Description, Deprecated: deprecated(field.Directives),
			Type: field.Type, Args: arguments(field), Examples: r.examples[definition.Name+"."+field.Name],
		}
		if field.DefaultValue != nil {
			m.Default = field.DefaultValue.String()
		}
		e.Members = append(e.Members, m)
	}
	for _, value := range definition.EnumValues {
		e.Members = append(e.Members, &Member{Name: value.Name, Description: value.Description, Deprecated: deprecated(value.Directives)})
	}
	return e
}

func visible(fields ast.FieldList) ast.FieldList {
	return slices.DeleteFunc(slices.Clone(fields), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
}

func arguments(field *ast.FieldDefinition) (list []*Member) {
	for _, argument := range field.Arguments {
		m := &Member{Name: argument.Name, Description: argument.Description, Deprecated: deprecated(argument.Directives), Type: argument.Type}
		if argument.DefaultValue != nil {
			m.Default = argument.DefaultValue.String()
		}
		list = append(list, m)
	}
	return list
}

func deprecated(directives ast.DirectiveList) string {
	directive := directives.ForName("deprecated")
	if directive == nil {
		return ""
	}
	if reason := directive.Arguments.ForName("reason"); reason != nil {
		return reason.Value.Raw
	}
	return "No longer supported."
}

// where is the page and the anchor of a place.
func (r *Reference) where(p place) (page, anchor string) {
	for root, page := range map[string]string{"Query": "queries", "Mutation": "mutations", "Subscription": "subscriptions"} {
		if p.Type == root {
			return page, p.Field
		}
	}
	return r.page[p.Type], cmp.Or(map[bool]string{true: p.Type}[p.Field == ""], p.Type+"."+p.Field)
}
