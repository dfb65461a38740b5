// Package app puts the program together: it reads a judged command line and
// wires store, graph and HTTP for the command that was chosen.
//
// It decides nothing about care and nothing about rows; it is the only package
// that may know all others. Signals, the process and its exit code are handled
// in main.go alone, so that tests can run everything else.
package app
