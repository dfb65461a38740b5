// Package bench measures carehome, as ratios of two things in one run: reads
// beside a hand-written server on the same file, the per-parent limit beside the
// window function, group durability beside full and relaxed. docs/benchmarks.md
// says how to run it and what each number means.
//
// Its tests are not timed: they hold the answers of both servers equal, and the
// SQL statements of the hot queries few and through their indexes.
package bench
