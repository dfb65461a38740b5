// Package viewer says who is asking: the person or the program behind a
// request, its role, and the bounds that its role brings.
//
// It is a leaf below the schema, so that policies and hooks can ask it. It knows
// nothing of HTTP, tokens or tables.
package viewer
