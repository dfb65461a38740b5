package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

//go:embed examples/*.graphql
var exampleFiles embed.FS

// Example is one operation of the playground's menu.
type Example struct {
	// Name is the file's name without its extension: "010-residents". Examples
	// are in the order of their names.
	Name string `json:"name"`
	// Title is what the menu says, in plain words: the first line of the file.
	Title string `json:"title"`
	// Kind is query, mutation or subscription.
	Kind string `json:"kind"`
	// Query is the document as it is put into the editor, comments included.
	Query string `json:"query"`
	// Variables is a JSON object, or empty if the operation takes none.
	Variables string `json:"variables"`
}

// Examples returns the operations that are built in. An error means that a
// file does not keep the format, which is: a comment with the title, perhaps
// more comments, perhaps one `# variables: {…}` line, and one operation.
func Examples() ([]Example, error) {
	names, err := fs.Glob(exampleFiles, "examples/*.graphql")
	if err != nil {
		return nil, err
	}
	examples := make([]Example, 0, len(names))
	for _, name := range names { // Glob sorts them
		text, err := exampleFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "examples/"), ".graphql")
		example, err := parseExample(name, string(text))
		if err != nil {
			return nil, fmt.Errorf("example %s: %w", name, err)
		}
		examples = append(examples, example)
	}
	return examples, nil
}

func parseExample(name, text string) (Example, error) {
	e := Example{Name: name}
	var query strings.Builder
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "# variables:"); ok {
			if e.Variables != "" {
				return e, errors.New("variables are given twice")
			}
			object := map[string]any{}
			if err := json.Unmarshal([]byte(v), &object); err != nil {
				return e, fmt.Errorf("the variables are not a JSON object: %w", err)
			}
			var indented bytes.Buffer // of the text itself: the order of its keys stays
			if err := json.Indent(&indented, []byte(strings.TrimSpace(v)), "", "  "); err != nil {
				return e, err
			}
			e.Variables = indented.String()
			continue
		}
		query.WriteString(line)
	}
	e.Query = query.String()
	first, _, _ := strings.Cut(e.Query, "\n")
	title, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return e, errors.New("the first line is not a comment with the title")
	}
	e.Title = strings.TrimSpace(title)
	document, err := parser.ParseQuery(&ast.Source{Name: name, Input: e.Query})
	if err != nil {
		return e, err
	}
	if len(document.Operations) != 1 {
		return e, fmt.Errorf("%d operations, want one", len(document.Operations))
	}
	e.Kind = string(document.Operations[0].Operation)
	return e, nil
}
