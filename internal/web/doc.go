// Package web serves the pages that are built into the binary: the playground,
// which is GraphiQL with a menu of example operations.
//
// The page is written in ui, bundled into dist by the program in bundle and
// embedded from there; the examples are the files of examples. Nothing is
// fetched from another host, by the page or while the server is built.
//
// It must not know the schema, ent or the store: it hands out files, and the
// page speaks to the API like every other client.
package web
