// Package model holds the graph's types that are not entities: the payloads of
// mutations. It is committed, since gqlgen refuses to start without it.
package model
