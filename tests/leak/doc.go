// Package leak tries to make the graph tell a viewer what the viewer may not know.
//
// Its tests are a matrix, made from the schema of the graph: every role, every
// type, every path by which something could come out. An oracle that reads the
// database file by itself, and knows the rules in its own words, says what each
// answer may hold. Every text of the database is marked, so that one that comes
// out where it may not is found whatever it was asked for.
package leak
