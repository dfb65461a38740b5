package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/reference"
	"carehome/internal/web"
)

// Where the documentation is written: of the API, and of who may do what.
const (
	referenceFolder = "docs/api"
	accessFile      = "docs/access.md"
)

// generateReference writes the documentation of the graph, and removes what is
// left of types that are no more.
func generateReference() error {
	names, err := filepath.Glob("graph/*.graphqls")
	if err != nil || len(names) == 0 {
		return errors.Join(errors.New("there is no schema"), err)
	}
	slices.Sort(names)
	var sources []*ast.Source
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading the schema: %w", err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return fmt.Errorf("reading the schema: %w", err)
	}
	examples, err := web.Examples()
	if err != nil {
		return fmt.Errorf("reading the examples: %w", err)
	}
	made, err := reference.New(schema, examples)
	if err != nil {
		return fmt.Errorf("making the documentation: %w", err)
	}
	if err := os.MkdirAll(referenceFolder, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(referenceFolder, "*.md"))
	if err != nil {
		return fmt.Errorf("looking for old files: %w", err)
	}
	files := made.Markdown()
	for _, path := range old {
		if files[filepath.Base(path)] == nil {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("removing an old file: %w", err)
			}
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(referenceFolder, name), content, 0o644); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	return nil
}
