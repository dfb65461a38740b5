package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/entc/gen"
	"entgo.io/ent/schema/field"

	"carehome/internal/access"
	"carehome/internal/nodeid"
)

// checkAccess refuses a type that the table of internal/access does not know,
// and fields that it could not hold rules of.
func checkAccess(t *gen.Type) error {
	kind := nodeid.Kind(kindOf(t))
	if !slices.Contains(access.Kinds(), kind) {
		return errors.New("internal/access does not say which roles see and change it")
	}
	c, err := carehome(t.Annotations)
	if err != nil {
		return err
	}
	if c.Revised != slices.Contains(access.RevisedKinds(), kind) {
		return errors.New("internal/access does not agree whether it has revisions")
	}
	for _, f := range t.Fields {
		if _, err := classOf(f); err != nil {
			return err
		}
	}
	_, err = maskedFields(t)
	return err
}

// accessFields are the fields of a type that the page of access tells.
func accessFields(t *gen.Type) (list []access.Field, err error) {
	fields, err := graphFields(t)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		is, err := class(f)
		if err != nil {
			return nil, err
		}
		list = append(list, access.Field{Name: camel(f.Name), Class: is})
	}
	return list, nil
}

// classOf is the class of a field as a Go expression. The id is open.
func classOf(f *gen.Field) (string, error) {
	class, err := class(f)
	if err != nil {
		return "", err
	}
	name := class.String()
	return "access." + strings.ToUpper(name[:1]) + name[1:], nil
}

func class(f *gen.Field) (access.Classes, error) {
	c, err := carehome(f.Annotations)
	if err != nil {
		return 0, err
	}
	found, known := access.ParseClass(c.Class)
	if !known {
		return 0, fmt.Errorf("the field %s has no class; see schema/class.go", f.Name)
	}
	return found, nil
}

// masked is a field that some role does not see of the rows that it sees.
type masked struct {
	*gen.Field
	// Class is a Go expression.
	Class string
	// ShownAs is a Go expression of what stands for a text that may not be null;
	// empty where the value is taken away.
	ShownAs string
	// Optionally is set where the graph's field may be null and the column may not:
	// then it is read by a method.
	Optionally bool
}

// maskedFields are the masked fields of a type. One that is not in the graph has
// none.
func maskedFields(t *gen.Type) ([]masked, error) {
	if kindOf(t) == 0 {
		return nil, nil
	}
	shown, err := graphFields(t)
	if err != nil {
		return nil, err
	}
	var fields []masked
	for _, f := range t.Fields {
		of, err := class(f)
		if err != nil {
			return nil, err
		}
		if !access.Maskable(nodeid.Kind(kindOf(t)), of) {
			continue
		}
		name, err := classOf(f)
		if err != nil {
			return nil, err
		}
		c, err := carehome(f.Annotations)
		if err != nil {
			return nil, err
		}
		m := masked{Field: f, Class: name}
		inGraph := slices.Contains(shown, f)
		switch {
		case f.Nillable || f.Optional:
		case c.ShownAs != "" && f.Type.Type == field.TypeString:
			m.ShownAs = fmt.Sprintf("%q", c.ShownAs)
			if strings.Contains(c.ShownAs, "%d") {
				m.ShownAs = fmt.Sprintf("fmt.Sprintf(%q, row.ID.Number())", c.ShownAs)
			}
		case inGraph && f.Type.Type == field.TypeString:
			return nil, fmt.Errorf("the field %s may not be null, and nothing is said to be shown where it is not seen", f.Name)
		case inGraph:
			m.Optionally = true
		}
		for _, e := range t.Edges {
			if e.Field() != nil && e.Field().Name == f.Name && !e.Optional {
				return nil, fmt.Errorf("the edge %s may not be null, but its field %s is not always seen", e.Name, f.Name)
			}
		}
		fields = append(fields, m)
	}
	return fields, nil
}

// optionally are the masked fields that are read by a method.
func optionally(t *gen.Type) ([]masked, error) {
	fields, err := maskedFields(t)
	return slices.DeleteFunc(fields, func(m masked) bool { return !m.Optionally }), err
}

// maskOf reports whether rows of a type are masked for anybody: fields of theirs,
// or the content that they hold of others.
func maskOf(t *gen.Type) (bool, error) {
	fields, err := maskedFields(t)
	if err != nil || len(fields) > 0 {
		return len(fields) > 0, err
	}
	content, err := contentOf(t)
	return content != nil, err
}

// content is a field that holds the fields of another row.
type content struct{ Field, Row *gen.Field }

func contentOf(t *gen.Type) (*content, error) {
	for _, f := range t.Fields {
		c, err := carehome(f.Annotations)
		if err != nil {
			return nil, err
		}
		if c.ContentOf == "" {
			continue
		}
		for _, row := range t.Fields {
			if row.Name == c.ContentOf {
				return &content{f, row}, nil
			}
		}
		return nil, fmt.Errorf("%s is of the row of %s, which is no field", f.Name, c.ContentOf)
	}
	return nil, nil
}

// maskedEdge is an edge that some role does not see of the rows that it sees.
type maskedEdge struct {
	*gen.Edge
	Class string
}

// maskedEdges are the edges whose column is masked, by the name of the edge.
func maskedEdges(t *gen.Type) (map[string]maskedEdge, error) {
	fields, err := maskedFields(t)
	if err != nil {
		return nil, err
	}
	edges := map[string]maskedEdge{}
	for _, e := range t.Edges {
		for _, f := range fields {
			if e.Field() != nil && e.Field().Name == f.Name {
				edges[e.Name] = maskedEdge{e, f.Class}
			}
		}
	}
	return edges, nil
}

// question is something that a filter of a type may ask and some role may not.
type question struct {
	// Field is its name in the graph, Given the Go expression that it is given.
	Field, Class, Given string
}

// questions are those of a type's filter that need a look at who asks.
func questions(t *gen.Type) ([]question, error) {
	fields, err := maskedFields(t)
	if err != nil {
		return nil, err
	}
	filterable, err := whereFields(t)
	if err != nil {
		return nil, err
	}
	edges, err := maskedEdges(t)
	if err != nil {
		return nil, err
	}
	var all []question
	for _, f := range fields {
		if f.Name == "search_text" {
			all = append(all, question{"searchText", f.Class, "w.SearchText != nil"})
			continue
		}
		if !slices.Contains(filterable, f.Field) {
			continue
		}
		for _, op := range f.Ops() {
			given := "w." + whereName(f.Field, op)
			if !op.Niladic() {
				given += " != nil"
			}
			all = append(all, question{whereGQL(f.Field, op), f.Class, given})
		}
	}
	followed, err := whereEdges(t)
	if err != nil {
		return nil, err
	}
	for _, e := range followed {
		if m, ok := edges[e.Name]; ok {
			all = append(all,
				question{camel("has_" + e.Name), m.Class, "w.Has" + e.StructField() + " != nil"},
				question{camel("has_" + e.Name + "_with"), m.Class, "len(w.Has" + e.StructField() + "With) > 0"})
		}
	}
	return all, nil
}

// maskedKeys are the masked fields that a type can be ordered by.
func maskedKeys(t *gen.Type) ([]masked, error) {
	fields, err := maskedFields(t)
	if err != nil {
		return nil, err
	}
	keys, err := orderKeys(t)
	return slices.DeleteFunc(fields, func(m masked) bool {
		return !slices.ContainsFunc(keys, func(k orderKey) bool { return k.Field == m.Field })
	}), err
}
