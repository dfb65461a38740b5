package main

import (
	"fmt"
	"os"
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
		bindings, err := generateEnt()
		if err != nil {
			return fmt.Errorf("generating ent: %w", err)
		}
		return generateGraph(bindings)
	case len(args) == 1 && args[0] == "graph":
		bindings, err := readBindings()
		if err != nil {
			return fmt.Errorf("reading the schema: %w", err)
		}
		return generateGraph(bindings)
	}
	return fmt.Errorf("unknown arguments %q; see the package's documentation", args)
}
