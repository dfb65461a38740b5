package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc/gen"

	"carehome/internal/nodeid"
)

// entered in error: the value of the void column that stands for "deleted".
const voidValue = "ENTERED_IN_ERROR"

var (
	camel  = gen.Funcs["camel"].(func(string) string)
	pascal = gen.Funcs["pascal"].(func(string) string)
	single = gen.Funcs["singular"].(func(string) string)
	plural = gen.Funcs["plural"].(func(string) string)
)

func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"classOf":      classOf,
		"contentOf":    contentOf,
		"createInput":  func(t *gen.Type) (*input, error) { return inputOf(t, true) },
		"graphEdges":   graphEdges,
		"graphFields":  graphFields,
		"graphTypes":   graphTypes,
		"implements":   implements,
		"inputName":    inputName,
		"isPaged":      isPaged,
		"kind":         kindOf,
		"linkOf":       linkOf,
		"mask":         maskOf,
		"maskedEdges":  maskedEdges,
		"maskedFields": maskedFields,
		"maskedKeys":   maskedKeys,
		"optionally":   optionally,
		"lowerFirst":   lowerFirst,
		"orderKeys":    orderKeys,
		"revised":      func(t *gen.Type) (bool, error) { c, err := carehome(t.Annotations); return c.Revised, err },
		"searchText":   func(t *gen.Type) (bool, error) { c, err := carehome(t.Annotations); return c.SearchText, err },
		"questions":    questions,
		"subject":      subjectOf,
		"subjects":     func(t *gen.Type) (bool, error) { c, err := carehome(t.Annotations); return c.Subjects, err },
		"pointedTo":    func(goType string) string { return strings.TrimPrefix(goType, "*") },
		"toldBy":       toldBy,
		"toldByEdge":   toldByEdge,
		"typeName":     typeName,
		"updateInput":  func(t *gen.Type) (*input, error) { return inputOf(t, false) },
		"void":         voidField,
		"voidConstant": voidConstant,
		"whereEdges":   whereEdges,
		"whereFields":  whereFields,
		"whereGQL":     whereGQL,
		"whereName":    whereName,
		"words":        words,
	}
}

// annotations is what package schema tells the generator beyond ent and entgql.
type annotations struct {
	Values     map[string]string `json:"values"`
	Revised    bool              `json:"revised"`
	Void       string            `json:"void"`
	SearchText bool              `json:"searchText"`
	Class      string            `json:"class"`
	ShownAs    string            `json:"shownAs"`
	ContentOf  string            `json:"contentOf"`
	Subjects   bool              `json:"subjects"`
}

func carehome(a gen.Annotations) (annotations, error) {
	var c annotations
	return c, decode(a["Carehome"], &c)
}

func graphAnnotation(a gen.Annotations) (entgql.Annotation, error) {
	var g entgql.Annotation
	return g, decode(a[g.Name()], &g)
}

func comment(a gen.Annotations) (string, error) {
	var c struct{ Text string }
	err := decode(a["Comment"], &c)
	return c.Text, err
}

func decode(annotation, into any) error {
	if annotation == nil {
		return nil
	}
	text, err := json.Marshal(annotation)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// graphTypes are the types of the graph. All are connections with filters and
// orders of several keys, so that no template need tell them apart.
func graphTypes(g *gen.Graph) ([]*gen.Type, error) {
	var types []*gen.Type
	for _, t := range g.Nodes {
		a, err := graphAnnotation(t.Annotations)
		if err != nil {
			return nil, err
		}
		if a.Skip.Is(entgql.SkipType) {
			continue
		}
		if !a.RelayConnection || !a.MultiOrder || a.Skip.Is(entgql.SkipWhereInput) {
			return nil, fmt.Errorf("%s must have entgql.RelayConnection, entgql.MultiOrder and a where input, or not be in the graph", t.Name)
		}
		if kindOf(t) == 0 {
			return nil, fmt.Errorf("%s has no kind in internal/nodeid", t.Name)
		}
		if err := checkAccess(t); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		types = append(types, t)
	}
	return types, nil
}

// kindOf is the kind of a type's ids, 0 if it has none.
func kindOf(t *gen.Type) int32 {
	name, err := typeName(t)
	if err != nil {
		return 0
	}
	for _, k := range nodeid.Kinds() {
		if k.String() == name {
			return int32(k)
		}
	}
	return 0
}

// typeName is a type's name in the graph.
func typeName(t *gen.Type) (string, error) {
	a, err := graphAnnotation(t.Annotations)
	if a.Type != "" {
		return a.Type, err
	}
	return t.Name, err
}

// implements lists a type and its interfaces.
func implements(t *gen.Type) ([]string, error) {
	a, err := graphAnnotation(t.Annotations)
	if err != nil {
		return nil, err
	}
	name, err := typeName(t)
	list := []string{name, "Node"}
	for _, i := range a.Implements {
		if !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list, err
}

// graphFields are the fields of a type that are shown in the graph.
func graphFields(t *gen.Type) ([]*gen.Field, error) {
	var fields []*gen.Field
	for _, f := range t.Fields {
		a, err := graphAnnotation(f.Annotations)
		if err != nil {
			return nil, err
		}
		if !a.Skip.Is(entgql.SkipType) && !f.Sensitive() {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

func skipped(e *gen.Edge, mode entgql.SkipMode) (bool, error) {
	own, err := graphAnnotation(e.Annotations)
	if err != nil {
		return false, err
	}
	far, err := graphAnnotation(e.Type.Annotations)
	return own.Skip.Is(mode) || far.Skip.Is(mode), err
}

func edgesWithout(t *gen.Type, mode entgql.SkipMode) ([]*gen.Edge, error) {
	var edges []*gen.Edge
	for _, e := range t.Edges {
		skip, err := skipped(e, mode)
		if err != nil {
			return nil, err
		}
		if !skip {
			edges = append(edges, e)
		}
	}
	return edges, nil
}

// graphEdges are the edges of a type that are shown in the graph.
func graphEdges(t *gen.Type) ([]*gen.Edge, error) { return edgesWithout(t, entgql.SkipType) }

// whereEdges are the edges that a filter may follow.
func whereEdges(t *gen.Type) ([]*gen.Edge, error) {
	return edgesWithout(t, entgql.SkipType|entgql.SkipWhereInput)
}

// isPaged reports whether an edge is a connection.
func isPaged(e *gen.Edge) (bool, error) {
	a, err := graphAnnotation(e.Annotations)
	return a.RelayConnection, err
}

// linkOf writes how the eager loader links an edge's rows to those of t.
func linkOf(t *gen.Type, e *gen.Edge) (string, error) {
	if !e.M2M() {
		return fmt.Sprintf("relay.Link{Parent: %s.%s}", t.Package(), e.ColumnConstant()), nil
	}
	if len(e.Rel.Columns) != 2 {
		return "", fmt.Errorf("%s.%s: a table in between must have two columns", t.Name, e.Name)
	}
	parent, child := 0, 1
	if e.IsInverse() {
		parent, child = 1, 0
	}
	return fmt.Sprintf("relay.Link{Table: %[1]s.%[2]s, Parent: %[1]s.%[3]s[%[4]d], Child: %[1]s.%[3]s[%[5]d]}",
		t.Package(), e.TableConstant(), e.PKConstant(), parent, child), nil
}

// orderKey is a field that a type can be ordered by.
type orderKey struct {
	GQL   string
	Field *gen.Field
}

// orderKeys are what a type can be ordered by, the id first.
func orderKeys(t *gen.Type) ([]orderKey, error) {
	var keys []orderKey
	for _, f := range append([]*gen.Field{t.ID}, t.Fields...) {
		a, err := graphAnnotation(f.Annotations)
		if err != nil {
			return nil, err
		}
		if a.OrderField == "" || a.Skip.Is(entgql.SkipOrderField) {
			continue
		}
		if f.Optional || f.Nillable {
			return nil, fmt.Errorf("%s.%s: an order key must never be null", t.Name, f.Name)
		}
		keys = append(keys, orderKey{a.OrderField, f})
	}
	if len(keys) == 0 || keys[0].GQL != "ID" {
		return nil, fmt.Errorf("%s: its id must have the order field ID", t.Name)
	}
	return keys, nil
}

// whereFields are the fields that a filter may ask for.
func whereFields(t *gen.Type) ([]*gen.Field, error) {
	var fields []*gen.Field
	for _, f := range append([]*gen.Field{t.ID}, t.Fields...) {
		a, err := graphAnnotation(f.Annotations)
		if err != nil {
			return nil, err
		}
		if !a.Skip.Is(entgql.SkipWhereInput) && !f.Sensitive() && f.Type.Comparable() {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// whereName is the Go name of a field of a filter, whereGQL its name in the graph.
func whereName(f *gen.Field, op gen.Op) string {
	if op == gen.EQ {
		return f.StructField()
	}
	return f.StructField() + op.Name()
}

func whereGQL(f *gen.Field, op gen.Op) string {
	if op == gen.EQ {
		return camel(f.Name)
	}
	return camel(f.Name + "_" + op.Name())
}

// voidField is the column that marks rows entered in error, nil if there is none.
func voidField(t *gen.Type) (*gen.Field, error) {
	c, err := carehome(t.Annotations)
	if err != nil || c.Void == "" {
		return nil, err
	}
	i := slices.IndexFunc(t.Fields, func(f *gen.Field) bool { return f.Name == c.Void })
	if i < 0 || !slices.Contains(t.Fields[i].EnumValues(), voidValue) {
		return nil, fmt.Errorf("%s: its void column %q is no enum with the value %s", t.Name, c.Void, voidValue)
	}
	return t.Fields[i], nil
}

func voidConstant(f *gen.Field) (string, error) {
	for _, e := range f.Enums {
		if e.Value == voidValue {
			return e.Name, nil
		}
	}
	return "", errors.New("no " + voidValue)
}

// input is a mutation's input for a type.
type input struct {
	Name   string
	Fields []*inputField
}

// inputField is one field of an input: a column, or an edge by id.
type inputField struct {
	// Go and Name are its names in Go and in the graph.
	Go, Name string
	Field    *gen.Field
	Edge     *gen.Edge
	// Required is set where it cannot be left out, List for many ids.
	Required, List bool
	// Type is the Go type.
	Type string
	// Setter is the function of package relay that applies it; empty to set it
	// as it stands. Set and Clear are the mutation's methods.
	Setter, Set, Clear string
}

// inputOf is the input that makes or changes a row of t; nil if it has none.
func inputOf(t *gen.Type, create bool) (*input, error) {
	a, err := graphAnnotation(t.Annotations)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(a.MutationInputs, func(m entgql.MutationConfig) bool { return m.IsCreate == create }) {
		return nil, nil
	}
	descriptor := entgql.MutationDescriptor{Type: t, IsCreate: create}
	in := &input{}
	if in.Name, err = descriptor.Input(); err != nil {
		return nil, err
	}
	fields, err := descriptor.InputFields()
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		in.Fields = append(in.Fields, fieldInput(f.Field, create))
	}
	edges, err := descriptor.InputEdges()
	if err != nil {
		return nil, err
	}
	for _, e := range edges {
		// What lies at the far end of a one-to-many edge has an input of its own.
		if e.Unique || e.M2M() {
			in.Fields = append(in.Fields, edgeInput(e, create))
		}
	}
	return in, nil
}

func fieldInput(f *gen.Field, create bool) *inputField {
	in := &inputField{
		Go: f.StructField(), Name: camel(f.Name), Field: f, Set: f.MutationSet(),
		Required: create && !f.Optional && !f.Default,
	}
	value := strings.TrimPrefix(f.Type.String(), "*")
	// A list is nil by itself, anything else needs a pointer.
	list, pointer := "", "*"
	if strings.HasPrefix(value, "[]") {
		list, pointer = "List", ""
	}
	switch {
	case in.Required:
		in.Type = f.Type.String()
	case f.Optional && !(create && f.Default):
		in.Type, in.Setter, in.Clear = omittable(pointer+value), "SetOrClear"+list, f.MutationClear()
	default:
		// The database fills in a default itself, so that a new row cannot be
		// without a value that has one.
		in.Type, in.Setter = omittable(pointer+value), "Set"+list
	}
	return in
}

func edgeInput(e *gen.Edge, create bool) *inputField {
	id := e.Type.ID.Type.String()
	if !e.Unique {
		return &inputField{
			Go: pascal(single(e.Name)) + "IDs", Name: camel(single(e.Name)) + "IDs", Edge: e, List: true,
			Type: omittable("[]" + id), Setter: "SetRefers", Set: e.MutationAdd(), Clear: e.MutationClear(),
		}
	}
	in := &inputField{
		Go: pascal(e.Name) + "ID", Name: camel(e.Name) + "ID", Edge: e, Set: e.MutationSet(),
		Type: omittable("*" + id), Required: create && !e.Optional,
	}
	switch {
	case in.Required:
		in.Type, in.Setter = id, "Refer"
	case e.Optional:
		in.Setter, in.Clear = "SetOrClearRefer", e.MutationClear()
	default:
		in.Setter = "SetRefer"
	}
	return in
}

func omittable(goType string) string { return "graphql.Omittable[" + goType + "]" }

// inputName is the name that inputs have for a column of t.
func inputName(t *gen.Type, f *gen.Field) string {
	for _, e := range t.Edges {
		if e.Field() == f || e.Field() != nil && e.Field().Name == f.Name {
			return camel(e.Name) + "ID"
		}
	}
	return camel(f.Name)
}

// words writes a type's name in words: "resident contacts".
func words(name string, many bool) string {
	// Wellness is a mass noun.
	if many && !strings.HasSuffix(name, "ness") {
		name = plural(name)
	}
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
