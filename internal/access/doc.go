// Package access says who may see and do what: one table of role by type, the
// classes of fields that a role sees of a type, and the acts that it includes.
// docs/access.md shows it.
//
// Everything that enforces a rule asks here: the policies of the schema for rows
// and acts, the generated code for fields, filters and orders, relay for cursors.
// It is a leaf beside viewer: it knows no table of the database, no GraphQL and
// no HTTP.
package access
