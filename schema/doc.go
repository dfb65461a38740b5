// Package schema says what the home keeps: one entity a file, with its fields,
// units, ranges, edges, indexes, policy, rules and descriptions.
//
// Everything in ent/, the entity part of the graph and the migrations are made
// from it. A rule over one row lives here and nowhere else. The package must
// never import the generated code (a rebuild from nothing would be impossible),
// nor anything of HTTP, SQL dialects or GraphQL execution.
package schema
