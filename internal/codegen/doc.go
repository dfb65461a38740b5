// Command codegen writes everything that is generated: ent/ and
// graph/ent.graphqls from schema/, then graph/generated/ and the resolvers'
// frames from graph/*.graphqls, then docs/access.md and docs/api. It needs none of them to run.
//
//	go run ./internal/codegen                              all of it
//	go run ./internal/codegen graph                        the graph's executor and the docs alone
//	go run ./internal/codegen docs                         docs/api alone
//	go run ./internal/codegen/migration NAME               the next migration
//
// ent and entgql do what they do best: the builders, and the shape of the graph's
// types. In place of entgql's own Go code stand the templates in template/, thin
// glue around internal/relay:
//
//   - query.tmpl and page.tmpl: connections that keep the Relay laws, loaded for
//     all parents at once. query.LimitPerParent is read by ent's eager loader.
//     The loader adds one predicate to the child's query, "of these parents";
//     its place is noted just before, and relay puts an indexed form instead.
//   - where.tmpl: filters. A filter over an edge asks the far side's policy too
//     (the method seen), so rules of rows need to be written only as policies.
//   - node.tmpl: node and nodes, by the kind in the id.
//   - input.tmpl: inputs in which "left out" and "null" differ, and Save.
//   - validate.tmpl: every write of any part of the program, whether it comes
//     through an input or a builder, is checked whole by the mutation's Check, as
//     the innermost hook: required fields, the validators of columns, and the
//     rules that schema.Rules names for the type. All that is wrong is told at
//     once as a problem.List with the fields' names in the graph. ent's own
//     check, which stops at the first, runs after it and finds nothing.
//
// sdl.go finishes the SDL: inputs, descriptions, no generator directives; what
// these said is given to gqlgen as bindings instead.
package main
