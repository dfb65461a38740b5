package main

import (
	"fmt"
	"os"

	"carehome/internal/access"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "codegen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 0:
		learned, err := generateEnt()
		if err != nil {
			return fmt.Errorf("generating ent: %w", err)
		}
		return generateRest(learned)
	case len(args) == 1 && args[0] == "graph":
		learned, err := readSchema()
		if err != nil {
			return fmt.Errorf("reading the schema: %w", err)
		}
		return generateRest(learned)
	case len(args) == 1 && args[0] == "docs":
		return generateReference()
	}
	return fmt.Errorf("unknown arguments %q; see the package's documentation", args)
}

// generateRest writes all but ent/.
func generateRest(learned *finisher) error {
	if err := generateGraph(learned.bindings); err != nil {
		return err
	}
	page := access.Page(learned.fields)
	if err := os.WriteFile(accessFile, []byte(page), 0o644); err != nil {
		return fmt.Errorf("writing the page of access: %w", err)
	}
	return generateReference()
}
