// Package fhir takes other systems' records in: FHIR R4 bundles become the rows
// that the home keeps.
//
// It works in three steps. Decode reads a bundle and says where it is broken.
// Mapper.Map turns it into a Record, a plain value: what is meant is decided
// here, without a database, and what is left out is counted with its reason.
// Importer.Import writes a Record in one transaction and says what changed.
//
// What it keeps to:
//   - Nothing is invented. A dose, a time, a route that the source does not state
//     stays empty, and the order says what it lacks.
//   - Numbers are exact: they are read as text, converted by fractions and
//     rounded once, half away from zero, to the precision of the field.
//   - Nothing is lost in silence. Every resource is taken or counted as skipped.
//   - The same bundle twice changes nothing. What a person changed here since is
//     never overwritten by an import.
//
// The package knows the entities and the FHIR R4 forms of them; it knows nothing
// of GraphQL, HTTP, files or the command line.
package fhir
