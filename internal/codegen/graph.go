package main

import (
	"fmt"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

// bindings are the Go types of the generated types of the graph, by name.
type bindings config.TypeMap

// bind gives a type its Go type.
func (b bindings) bind(name, goType string) {
	b[name] = config.TypeMapEntry{Model: config.StringList{goType}}
}

// rename says which Go field or method a field of a type is.
func (b bindings) rename(name, field, goField string) {
	b.field(name, field, config.TypeMapField{FieldName: goField})
}

// resolve says that a field of a type has a resolver of its own.
func (b bindings) resolve(name, field string) {
	b.field(name, field, config.TypeMapField{Resolver: true})
}

func (b bindings) field(name, field string, as config.TypeMapField) {
	entry := b[name]
	if entry.Fields == nil {
		entry.Fields = map[string]config.TypeMapField{}
	}
	entry.Fields[field] = as
	b[name] = entry
}

// generateGraph writes the executor of the graph.
func generateGraph(b bindings) error {
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return fmt.Errorf("reading gqlgen.yml: %w", err)
	}
	if cfg.Models == nil {
		cfg.Models = config.TypeMap{}
	}
	for name, entry := range b {
		if _, taken := cfg.Models[name]; !taken {
			cfg.Models[name] = entry
		}
	}
	if err := api.Generate(cfg); err != nil {
		return fmt.Errorf("generating the graph: %w", err)
	}
	return nil
}
