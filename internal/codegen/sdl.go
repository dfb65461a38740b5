package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entgo.io/ent/entc/gen"
	"entgo.io/ent/schema/field"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"carehome/internal/access"
	"carehome/internal/nodeid"
)

// finisher turns entgql's SDL into that of our API.
type finisher struct {
	bindings bindings
	schema   *ast.Schema
	// fields are what the page of access tells.
	fields map[nodeid.Kind][]access.Field
	// inputs are the input types that are written by hand, extended the fields
	// that are added by hand to types.
	inputs   map[string]bool
	extended []*ast.Definition
}

func newFinisher() *finisher {
	return &finisher{bindings: bindings{}, fields: map[nodeid.Kind][]access.Field{}, inputs: map[string]bool{}}
}

// hook is entgql's last step before the SDL is written.
func (f *finisher) hook(g *gen.Graph, s *ast.Schema) error {
	f.schema = s
	if err := f.readHandwritten(); err != nil {
		return err
	}
	f.common()
	types, err := graphTypes(g)
	if err != nil {
		return err
	}
	for _, t := range types {
		if err := f.entity(t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if f.fields[nodeid.Kind(kindOf(t))], err = accessFields(t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	f.stripDirectives()
	return undescribed(s)
}

// readHandwritten reads what matters here of the SDL that is written by hand.
func (f *finisher) readHandwritten() error {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(sdlFile), "*.graphqls"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Clean(file) == filepath.Clean(sdlFile) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		doc, err := parser.ParseSchema(&ast.Source{Name: file, Input: string(text)})
		if err != nil {
			return err
		}
		for _, d := range doc.Definitions {
			f.inputs[d.Name] = f.inputs[d.Name] || d.Kind == ast.InputObject
		}
		f.extended = append(f.extended, doc.Extensions...)
	}
	return nil
}

// common finishes the types that all entities share.
func (f *finisher) common() {
	s := f.schema
	describe(s.Types["Query"], "What can be read.", map[string]string{
		"node":  "One row of any type by its id; NOT_FOUND if there is none.",
		"nodes": "Rows of any types by their ids, in the order of the ids, at most 200; null where there is none.",
	})
	s.Types["Query"].Fields.ForName("node").Arguments[0].Description = "The id, such as \"res_17\"."
	s.Types["Query"].Fields.ForName("nodes").Arguments[0].Description = "The ids, such as [\"res_17\", \"med_4\"]."
	describe(s.Types["Node"], "A row of any type, known by its id.", map[string]string{"id": "Opaque identity, such as \"res_17\"."})
	describe(s.Types["Cursor"], "The opaque position of a row in a list. It is good for the same orderBy that it came from.", nil)
	describe(s.Types["PageInfo"], "Where a page lies among the rows of its list.", map[string]string{
		"hasNextPage":     "Whether rows follow the page.",
		"hasPreviousPage": "Whether rows precede the page.",
		"startCursor":     "Position of the first row of the page, for before; null on an empty page.",
		"endCursor":       "Position of the last row of the page, for after; null on an empty page.",
	})
	direction := s.Types["OrderDirection"]
	describe(direction, "The direction of an order key.", nil)
	direction.EnumValues.ForName("ASC").Description = "From the smallest up, the earliest on, A to Z."
	direction.EnumValues.ForName("DESC").Description = "From the largest down, the latest back, Z to A."
	f.bindings.bind("Node", entPath+".Noder")
	f.bindings.bind("Cursor", relayPath+".Cursor")
	f.bindings.bind("PageInfo", relayPath+".PageInfo")
	f.bindings.bind("OrderDirection", relayPath+".OrderDirection")
}

func describe(d *ast.Definition, text string, fields map[string]string) {
	d.Description = text
	for name, text := range fields {
		d.Fields.ForName(name).Description = text
	}
}

// entity finishes everything of one entity.
func (f *finisher) entity(t *gen.Type) error {
	name, err := typeName(t)
	if err != nil {
		return err
	}
	def := f.schema.Types[name]
	if def.Description, err = comment(t.Annotations); err != nil {
		return err
	}
	def.Fields.ForName("id").Description = t.ID.Comment()
	f.bindings.bind(name, entPath+"."+t.Name)
	for _, extension := range f.extended {
		for _, field := range extension.Fields {
			if extension.Name == name {
				f.bindings.resolve(name, field.Name)
			}
		}
	}
	methods, err := optionally(t)
	if err != nil {
		return err
	}
	for _, m := range methods {
		field := def.Fields.ForName(camel(m.Name))
		field.Type.NonNull = false
		field.Description = m.Comment() + " Null where the viewer's role does not see it."
		f.bindings.rename(name, field.Name, "Shown"+m.StructField())
	}
	for _, step := range []func(*gen.Type, string) error{f.enums, f.connections, f.order, f.where, f.mutations} {
		if err := step(t, name); err != nil {
			return err
		}
	}
	return nil
}

// enums describes the enums of a type's fields.
func (f *finisher) enums(t *gen.Type, name string) error {
	fields, err := graphFields(t)
	if err != nil {
		return err
	}
	for _, field := range fields {
		if !field.IsEnum() {
			continue
		}
		def := f.schema.Types[f.schema.Types[name].Fields.ForName(camel(field.Name)).Type.Name()]
		def.Description = field.Comment()
		c, err := carehome(field.Annotations)
		if err != nil {
			return err
		}
		for _, v := range def.EnumValues {
			v.Description = c.Values[v.Name]
		}
		f.bindings.bind(def.Name, entPath+"/"+field.Type.Ident)
	}
	return nil
}

// connections finishes a type's connection, and the fields that lead to others'.
func (f *finisher) connections(t *gen.Type, name string) error {
	s, many := f.schema, words(name, true)
	connection, edge := s.Types[name+"Connection"], s.Types[name+"Edge"]
	describe(connection, fmt.Sprintf("A page of %s.", many), map[string]string{
		"edges":      "The rows of the page, in order.",
		"pageInfo":   "Where the page lies among all rows.",
		"totalCount": "How many rows the filter leaves, whatever the page.",
	})
	describe(edge, fmt.Sprintf("One of a page of %s.", many), map[string]string{
		"node":   "The row.",
		"cursor": "Its position, for after and before.",
	})
	connection.Fields.ForName("edges").Type = ast.NonNullListType(ast.NonNullNamedType(edge.Name, nil), nil)
	edge.Fields.ForName("node").Type = ast.NonNullNamedType(name, nil)
	f.bindings.bind(connection.Name, entPath+"."+connection.Name)
	f.bindings.bind(edge.Name, entPath+"."+edge.Name)

	for _, field := range s.Types["Query"].Fields {
		if field.Type.Name() == connection.Name {
			field.Description = fmt.Sprintf("The %s that the filter leaves%s.", many, withoutVoid(t))
			arguments(field)
		}
	}
	edges, err := graphEdges(t)
	if err != nil {
		return err
	}
	for _, e := range edges {
		field := s.Types[name].Fields.ForName(camel(e.Name))
		field.Description = e.Comment()
		if !e.Unique && field.Type.Elem != nil {
			field.Type = ast.NonNullListType(field.Type.Elem, nil)
		}
		arguments(field)
	}
	return nil
}

func withoutVoid(t *gen.Type) string {
	if void, err := voidField(t); err == nil && void != nil {
		return fmt.Sprintf("; those entered in error only if it names the %s", camel(void.Name))
	}
	return ""
}

// arguments describes the arguments of a connection field.
func arguments(field *ast.FieldDefinition) {
	texts := map[string]string{
		"after":   "Only rows after this position; a cursor from an answer with the same orderBy.",
		"first":   "How many rows from the start, 0 to 200 (1000 for reporting); 50 if neither first nor last is given. Not together with last.",
		"before":  "Only rows before this position; a cursor from an answer with the same orderBy.",
		"last":    "How many rows from the end, 0 to 200 (1000 for reporting). Not together with first.",
		"orderBy": "Order keys, the most significant first; the id is always the last one. By id if none is given.",
		"where":   "Only rows that this holds for.",
	}
	for _, a := range field.Arguments {
		a.Description = texts[a.Name]
	}
}

// order finishes the order input and its keys.
func (f *finisher) order(t *gen.Type, name string) error {
	many := words(name, true)
	keys, err := orderKeys(t)
	if err != nil {
		return err
	}
	def := f.schema.Types[name+"OrderField"]
	describe(def, fmt.Sprintf("What %s can be ordered by.", many), nil)
	for _, k := range keys {
		def.EnumValues.ForName(k.GQL).Description = k.Field.Comment()
	}
	in := f.schema.Types[name+"Order"]
	describe(in, fmt.Sprintf("One key of an order of %s.", many), map[string]string{
		"direction": "Which way the key runs.",
		"field":     "The key.",
	})
	f.bindings.bind(def.Name, entPath+"."+def.Name)
	f.bindings.bind(in.Name, entPath+"."+in.Name)
	return nil
}

// where describes a filter's fields.
func (f *finisher) where(t *gen.Type, name string) error {
	def := f.schema.Types[name+"WhereInput"]
	describe(def, fmt.Sprintf("A filter of %s: all that is given must hold.", words(name, true)), map[string]string{
		"not": "This must not hold.",
		"and": "All of these must hold.",
		"or":  "One of these must hold.",
	})
	fields, err := whereFields(t)
	if err != nil {
		return err
	}
	for _, field := range fields {
		for _, op := range field.Ops() {
			def.Fields.ForName(whereGQL(field, op)).Description = condition(field, op)
		}
	}
	c, err := carehome(t.Annotations)
	if err != nil {
		return err
	}
	if c.SearchText {
		def.Fields = append(def.Fields, &ast.FieldDefinition{
			Name: "searchText", Type: ast.NamedType("String", nil),
			Description: "Its names and titles contain each of these words, whatever accents and case: \"garcia\" finds \"García\".",
		})
	}
	if c.Subjects {
		def.Fields = append(def.Fields, &ast.FieldDefinition{
			Name: "residentID", Type: ast.NamedType("ID", nil),
			Description: "This resident is one of those whom it is about.",
		})
	}
	edges, err := whereEdges(t)
	if err != nil {
		return err
	}
	for _, e := range edges {
		label := sentence(e.Name)
		has, with := "Whether there are any "+lowerFirst(label)+".", label+": one of them is as all of these say."
		if e.Unique {
			has, with = "Whether there is one: "+lowerFirst(label)+".", label+" is as all of these say."
		}
		def.Fields.ForName(camel("has_" + e.Name)).Description = has
		def.Fields.ForName(camel("has_" + e.Name + "_with")).Description = with
	}
	f.bindings.bind(def.Name, entPath+"."+def.Name)
	return nil
}

// sentence writes a field's name as the start of a sentence: "Birth date".
func sentence(name string) string {
	if name == "id" {
		return "ID"
	}
	text := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// condition says what an operator of a filter asks for.
func condition(f *gen.Field, op gen.Op) string {
	texts := map[gen.Op]string{
		gen.EQ: "is this", gen.NEQ: "is not this", gen.In: "is one of these", gen.NotIn: "is none of these",
		gen.GT: "is above this", gen.GTE: "is at least this", gen.LT: "is below this", gen.LTE: "is at most this",
		gen.Contains: "contains this text", gen.HasPrefix: "begins with this text", gen.HasSuffix: "ends with this text",
		gen.EqualFold: "is this text, whatever the case of A to Z", gen.ContainsFold: "contains this text, whatever the case of A to Z",
		gen.IsNil: "is null", gen.NotNil: "is not null",
	}
	if f.Type.Type == field.TypeTime {
		texts[gen.GT], texts[gen.GTE] = "is after this", "is on or after this"
		texts[gen.LT], texts[gen.LTE] = "is before this", "is on or before this"
	}
	return sentence(f.Name) + " " + texts[op] + "."
}

// idempotencyKey describes the field of that name that every input has.
const idempotencyKey = "A text of your own, 1 to 200 characters, such as a UUID: whoever sends the same again with the same key within 24 hours " +
	"changes nothing more and is answered with the same row; with anything else CONFLICT."

// mutations writes a type's inputs anew: entgql's have booleans for clearing.
func (f *finisher) mutations(t *gen.Type, name string) error {
	for _, create := range []bool{true, false} {
		in, err := inputOf(t, create)
		if err != nil {
			return err
		}
		if in == nil {
			continue
		}
		def := f.schema.Types[in.Name]
		old := def.Fields
		def.Fields = nil
		def.Description = fmt.Sprintf("What a new %s is made of.", words(name, false))
		if !create {
			def.Description = fmt.Sprintf("What changes of the %s: a field that is left out stays as it is; null clears it, where it may be null.", words(name, false))
		}
		for _, field := range in.Fields {
			added := &ast.FieldDefinition{Name: field.Name}
			if field.Edge != nil {
				added.Type = ast.NamedType("ID", nil)
				added.Description = field.Edge.Comment()
				if field.List {
					added.Type = ast.ListType(ast.NonNullNamedType("ID", nil), nil)
					if !create {
						added.Description += " These take the place of all before."
					}
				}
			} else {
				added.Type = f.inputType(old.ForName(field.Name).Type)
				added.Description = field.Field.Comment()
				if create && field.Field.Default && !field.Field.DefaultFunc() {
					added.Description += fmt.Sprintf(" If left out: %v.", field.Field.DefaultValue())
				}
			}
			added.Type.NonNull = field.Required
			def.Fields = append(def.Fields, added)
		}
		if !create {
			def.Fields = append(def.Fields, &ast.FieldDefinition{
				Name: "expectedVersion", Type: ast.NamedType("Int", nil),
				Description: "The version that is to be changed; CONFLICT if the row has changed since.",
			})
			c, err := carehome(t.Annotations)
			if err != nil {
				return err
			}
			if c.Revised {
				def.Fields = append(def.Fields, &ast.FieldDefinition{
					Name: "reason", Type: ast.NamedType("String", nil),
					Description: "Why, at most 500 characters, such as \"typing error\"; kept with the version before.",
				})
			}
		}
		def.Fields = append(def.Fields, &ast.FieldDefinition{
			Name: "idempotencyKey", Type: ast.NamedType("String", nil), Description: idempotencyKey,
		})
		f.bindings.bind(in.Name, entPath+"."+in.Name)
	}
	return nil
}

// inputType is t with the input type of the same name in place of an object.
// entgql writes a list that a schema names as if it were a name, "[Period!]".
func (f *finisher) inputType(t *ast.Type) *ast.Type {
	name := t.NamedType
	if object := strings.Trim(name, "[]!"); f.inputs[object+"Input"] {
		name = strings.Replace(name, object, object+"Input", 1)
	}
	return &ast.Type{NamedType: name, Elem: t.Elem}
}

// stripDirectives turns what generator directives say into bindings and takes
// them out of the SDL.
func (f *finisher) stripDirectives() {
	for name := range f.schema.Directives {
		delete(f.schema.Directives, name)
	}
	generator := func(d *ast.Directive) bool { return d.Name == "goModel" || d.Name == "goField" }
	for _, def := range f.schema.Types {
		def.Directives = slices.DeleteFunc(def.Directives, generator)
		for _, field := range def.Fields {
			if d := field.Directives.ForName("goField"); d != nil {
				f.bindings.rename(def.Name, field.Name, d.Arguments.ForName("name").Value.Raw)
			}
			field.Directives = slices.DeleteFunc(field.Directives, generator)
		}
	}
}

// undescribed tells everything in the SDL that lacks a description.
func undescribed(s *ast.Schema) error {
	var missing []error
	want := func(text, format string, args ...any) {
		if text == "" {
			missing = append(missing, fmt.Errorf("no description: "+format, args...))
		}
	}
	names := make([]string, 0, len(s.Types))
	for name := range s.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		def := s.Types[name]
		want(def.Description, "%s", name)
		for _, v := range def.EnumValues {
			want(v.Description, "%s.%s", name, v.Name)
		}
		for _, field := range def.Fields {
			want(field.Description, "%s.%s", name, field.Name)
			for _, a := range field.Arguments {
				want(a.Description, "%s.%s(%s)", name, field.Name, a.Name)
			}
		}
	}
	return errors.Join(missing...)
}
