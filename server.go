// Command carehome serves the records of a care home as one graph.
//
//	go run . --demo    a made-up home at http://127.0.0.1:5000
//	go run .           your own home, in carehome.db
//	go run . --help    everything else
package main

import (
	"os"

	"carehome/internal/app"
)

// The generators run in one order: ent's code and the graph's types of it, then
// the executor that uses both.
//go:generate go run ./internal/codegen

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version string

func main() {
	program := app.Program{Version: version, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(program.Main(os.Args[1:], os.Environ()))
}
