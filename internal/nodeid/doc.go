// Package nodeid is the identity of every row: a kind and a number in one
// int64, shown to clients as an opaque text such as "res_17".
//
// The kind sits in the high 32 bits, the number in the low 32, so an ID alone
// says which table it belongs to and no lookup is needed to resolve a node. It
// is a leaf: it knows the kinds and nothing about what they hold.
package nodeid
