// Package scalar holds the value types that the database, Go and the graph
// share: an instant in UTC, a date, a local time, a local date and time, and an
// exact decimal.
//
// Each has one text form, which is the same in SQL, JSON and GraphQL; instants
// and dates sort as text. It is a leaf: it knows no entity.
package scalar
