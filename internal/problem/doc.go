// Package problem is the one shape of an error that a client may read: a code
// from a closed list, the field it is about, and a message in plain words.
//
// Whoever finds something wrong returns a *Problem or a List; everything else
// that reaches the presenter becomes INTERNAL and is logged. It is a leaf: it
// knows no entity, no GraphQL and no HTTP.
package problem
