package graph_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/ent/migrate"
	"carehome/ent/privacy"
	"carehome/graph"
	"carehome/internal/store"
)

// named are the types of the SDL that are ours to describe.
func named() []*ast.Definition {
	var types []*ast.Definition
	for name, definition := range graph.Schema().Types {
		if !strings.HasPrefix(name, "__") && !definition.BuiltIn {
			types = append(types, definition)
		}
	}
	return types
}

func TestEverythingIsDescribed(t *testing.T) {
	count := 0
	check := func(where, description string) {
		count++
		if strings.TrimSpace(description) == "" {
			t.Errorf("%s has no description", where)
		}
	}
	for _, definition := range named() {
		check(definition.Name, definition.Description)
		for _, field := range definition.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			check(definition.Name+"."+field.Name, field.Description)
			for _, argument := range field.Arguments {
				check(definition.Name+"."+field.Name+"("+argument.Name+")", argument.Description)
			}
		}
		for _, value := range definition.EnumValues {
			check(definition.Name+"."+value.Name, value.Description)
		}
	}
	if count < 1000 {
		t.Errorf("looked at %d descriptions only", count)
	}
}

func TestNoGeneratorDirectiveShows(t *testing.T) {
	var names []string
	for name := range graph.Schema().Directives {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"defer", "deprecated", "include", "oneOf", "skip", "specifiedBy"}; !slices.Equal(names, want) {
		t.Errorf("directives are %v, want %v", names, want)
	}
}

func TestOrderKeysAreRequiredAndIndexed(t *testing.T) {
	tables := map[string]*schema.Table{}
	for _, table := range migrate.Tables {
		tables[strings.ReplaceAll(table.Name, "_", "")] = table
	}
	checked := 0
	for _, definition := range named() {
		entity, isOrder := strings.CutSuffix(definition.Name, "OrderField")
		if !isOrder || definition.Kind != ast.Enum {
			continue
		}
		table := tableOf(tables, strings.ToLower(entity))
		if table == nil {
			t.Errorf("no table for %s", entity)
			continue
		}
		for _, value := range definition.EnumValues {
			checked++
			column := strings.ToLower(value.Name)
			if column == "id" {
				continue
			}
			i := slices.IndexFunc(table.Columns, func(c *schema.Column) bool { return c.Name == column })
			if i < 0 {
				t.Errorf("%s.%s is no column", table.Name, column)
				continue
			}
			if table.Columns[i].Nullable {
				t.Errorf("%s can be ordered by %s, which may be null", table.Name, column)
			}
			if !slices.ContainsFunc(table.Indexes, func(index *schema.Index) bool { return index.Columns[0].Name == column }) {
				t.Errorf("%s can be ordered by %s, which no index leads with", table.Name, column)
			}
		}
	}
	if checked < 40 {
		t.Errorf("checked %d order keys only", checked)
	}
}

// tableOf finds the table of an entity, whose name is its plural.
func tableOf(tables map[string]*schema.Table, entity string) *schema.Table {
	for _, plural := range []string{entity, entity + "s", entity + "es", strings.TrimSuffix(entity, "y") + "ies"} {
		if table := tables[plural]; table != nil {
			return table
		}
	}
	return nil
}

func TestNothingClinicalCascades(t *testing.T) {
	allowed := map[string]string{
		"resident_contacts": "residents", "medication_ingredients": "medications", "activity_exceptions": "activities",
		// The join of activities and who leads them holds no fact of its own.
		"activity_facilitators": "",
	}
	keys := 0
	for _, table := range migrate.Tables {
		for _, key := range table.ForeignKeys {
			keys++
			parent, known := allowed[table.Name]
			if key.OnDelete == schema.Cascade && (!known || parent != "" && parent != key.RefTable.Name) {
				t.Errorf("%s cascades from %s", table.Name, key.RefTable.Name)
			}
			if key.OnDelete == schema.SetNull {
				t.Errorf("%s forgets its %s", table.Name, key.RefTable.Name)
			}
		}
	}
	if keys < 20 {
		t.Errorf("looked at %d foreign keys only", keys)
	}
}

func TestNobodySeesNothing(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	client := reflect.ValueOf(st.Client()).Elem()
	types := 0
	for i := range client.NumField() {
		query := client.Field(i).MethodByName("Query")
		if !client.Type().Field(i).IsExported() || !query.IsValid() {
			continue
		}
		types++
		count := query.Call(nil)[0].MethodByName("Count").Call([]reflect.Value{reflect.ValueOf(ctx)})
		if err, _ := count[1].Interface().(error); !errors.Is(err, privacy.Deny) {
			t.Errorf("%s answers nobody: %v", client.Type().Field(i).Name, err)
		}
	}
	if types < 13 {
		t.Errorf("tried %d types only", types)
	}
}

// TestMutationsCanBeSentAgain: every mutation takes an idempotencyKey in its input,
// and one that changes a row the version that it expects.
func TestMutationsCanBeSentAgain(t *testing.T) {
	s := graph.Schema()
	for _, field := range s.Mutation.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		input := field.Arguments.ForName("input")
		if input == nil {
			t.Errorf("%s has no input", field.Name)
			continue
		}
		fields := s.Types[input.Type.Name()].Fields
		if fields.ForName("idempotencyKey") == nil {
			t.Errorf("%s takes no idempotencyKey", field.Name)
		}
		if field.Arguments.ForName("id") != nil && fields.ForName("expectedVersion") == nil {
			t.Errorf("%s takes no expectedVersion", field.Name)
		}
	}
}
