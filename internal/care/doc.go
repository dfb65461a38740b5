// Package care holds the home's rules: what one row says about another, what a
// change leaves behind, and the acts of care, one file each.
//
// It knows ent and nothing of GraphQL or HTTP. What concerns one row alone
// stands in the schema.
package care
