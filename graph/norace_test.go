//go:build !race

package graph_test

// raced is true under the race detector, where a crowd costs ten times as much.
const raced = false
