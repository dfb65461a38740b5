// Package graph is the API: the SDL by area, the resolvers, and the one place
// where errors are turned into what clients see.
//
// A resolver reads its input, calls ent or care, and returns. The package knows
// neither how data is stored nor how the server is configured; it gets what it
// needs as function values.
package graph
