//go:build race

package leak

// sample is the share of the cells that is tried: one in so many. The race
// detector makes each ten times as slow.
const sample = 9
