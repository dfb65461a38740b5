//go:build !race

package leak

// sample is the share of the cells that is tried: all.
const sample = 1
