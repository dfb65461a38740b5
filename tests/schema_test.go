package tests

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

// The schema as the server tells it, so that whatever the graph has grown by is
// tried without a word here.
type schema struct {
	types                         map[string]*typ
	query, mutation, subscription *typ
}

type typ struct {
	Kind, Name    string
	Fields        []*fieldDef
	InputFields   []*argDef
	EnumValues    []struct{ Name string }
	PossibleTypes []struct{ Name string }
	IsOneOf       bool
}

type fieldDef struct {
	Name string
	Args []*argDef
	Type *ref
}

type argDef struct {
	Name         string
	DefaultValue *string
	Type         *ref
}

// ref is a use of a type: NON_NULL and LIST wrap others.
type ref struct {
	Kind, Name string
	OfType     *ref
}

// named is the type inside all wrappers.
func (r *ref) named() string {
	for r.OfType != nil {
		r = r.OfType
	}
	return r.Name
}

func (r *ref) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

// required reports an argument or input field that must be given.
func (a *argDef) required() bool { return a.Type.Kind == "NON_NULL" && a.DefaultValue == nil }

func (f *fieldDef) arg(name string) *argDef {
	for _, a := range f.Args {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func (t *typ) field(name string) *fieldDef {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// leaf reports a type without fields.
func (t *typ) leaf() bool { return t.Kind == "SCALAR" || t.Kind == "ENUM" }

// abstract reports a type that stands for several.
func (t *typ) abstract() bool { return t.Kind == "INTERFACE" || t.Kind == "UNION" }

// is reports whether an object of the type may stand where of is asked for.
func (s *schema) is(object, of string) bool {
	if object == of || of == "" {
		return true
	}
	for _, possible := range s.types[of].PossibleTypes {
		if possible.Name == object {
			return true
		}
	}
	return false
}

const introspection = `{ __schema {
	queryType { name } mutationType { name } subscriptionType { name }
	types {
		kind name isOneOf
		fields(includeDeprecated: true) { name args { ...arg } type { ...ref } }
		inputFields { ...arg }
		enumValues(includeDeprecated: true) { name }
		possibleTypes { name }
	}
} }
fragment arg on __InputValue { name defaultValue type { ...ref } }
fragment ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

var introspected struct {
	sync.Mutex
	of map[string]*schema
}

// schemaOf asks the server for its schema, once.
func schemaOf(t *testing.T, url string) *schema {
	t.Helper()
	introspected.Lock()
	defer introspected.Unlock()
	if s := introspected.of[url]; s != nil {
		return s
	}
	var told struct {
		Data struct {
			Schema struct {
				QueryType, MutationType, SubscriptionType struct{ Name string }
				Types                                     []*typ
			} `json:"__schema"`
		}
	}
	got := ask(t, url, introspection, nil)
	if len(got.Errors) > 0 {
		t.Fatalf("asking for the schema: %s", got.raw)
	}
	if err := json.Unmarshal(got.raw, &told); err != nil {
		t.Fatal(err)
	}
	s := &schema{types: map[string]*typ{}}
	for _, one := range told.Data.Schema.Types {
		if strings.HasPrefix(one.Name, "__") {
			continue
		}
		s.types[one.Name] = one
	}
	s.query = s.types[told.Data.Schema.QueryType.Name]
	s.mutation = s.types[told.Data.Schema.MutationType.Name]
	s.subscription = s.types[told.Data.Schema.SubscriptionType.Name]
	if len(s.types) < 100 || s.query == nil || s.mutation == nil {
		t.Fatalf("the schema has %d types only", len(s.types))
	}
	if introspected.of == nil {
		introspected.of = map[string]*schema{}
	}
	introspected.of[url] = s
	return s
}
