// Package relay pages through rows by the Relay specification, over any table.
//
// The generated code in ent is thin glue around it: ent knows the tables, relay
// knows cursors, orders, pages, and how to load the pages of many parents in one
// statement that goes through an index. It must not import ent, nor know any
// entity, rule or role beyond how many rows the viewer may ask for.
//
// A connection is answered from at most four kinds of statement: the rows, one
// more than asked for; whether a row precedes or follows, where a cursor leaves
// that open and it is asked for; and the count, where it is asked for. Nested
// connections need the same statements once for all parents.
package relay
