package store

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkWrite is one acknowledged transaction of two inserts, by durability
// and number of writers. Besides the time it reports how many syncs a commit cost
// and the 99th percentile of the wait for an acknowledgement.
func BenchmarkWrite(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		for _, durability := range []Durability{GroupDurability, FullDurability, RelaxedDurability} {
			b.Run(fmt.Sprintf("writers=%d/%s", writers, durability), func(b *testing.B) {
				o := options(b)
				o.Durability = durability
				s := mustOpen(b, o)
				waits := make([][]time.Duration, writers)
				work := make(chan int)
				var group sync.WaitGroup
				for w := range writers {
					group.Go(func() {
						for i := range work {
							start := time.Now()
							err := s.write(context.Background(), func(ctx context.Context, tx *tx) error {
								if err := tx.Exec(ctx, "INSERT INTO resident (name) VALUES (?)", []any{"a name of usual length"}, nil); err != nil {
									return err
								}
								return tx.Exec(ctx, "INSERT INTO contact (name, resident_id) VALUES (?, last_insert_rowid())", []any{fmt.Sprint("contact ", i)}, nil)
							})
							if err != nil {
								b.Error(err)
							}
							waits[w] = append(waits[w], time.Since(start))
						}
					})
				}
				b.ResetTimer()
				for i := range b.N {
					work <- i
				}
				close(work)
				group.Wait()
				b.StopTimer()
				all := slices.Sorted(slices.Values(slices.Concat(waits...)))
				b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "max-ms")
				b.ReportMetric(float64(s.Stats().Syncs)/float64(b.N), "syncs/op")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			})
		}
	}
}

// BenchmarkSnapshot is what one view costs beside the read in it.
func BenchmarkSnapshot(b *testing.B) {
	s := mustOpen(b, options(b))
	mustInsert(b, s, "Ada")
	read := func(ctx context.Context) error {
		_, err := value(ctx, s, "SELECT count(*) FROM resident")
		return err
	}
	b.Run("with", func(b *testing.B) {
		for b.Loop() {
			if err := s.Snapshot(b.Context(), read); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			if err := read(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkBackup copies a database of 32 MiB.
func BenchmarkBackup(b *testing.B) {
	s := mustOpen(b, options(b))
	for i := range 32 {
		mustInsert(b, s, fmt.Sprintf("%d %01048576d", i, 0))
	}
	for b.Loop() {
		if _, err := s.Backup(b.Context(), filepath.Join(b.TempDir(), fmt.Sprint(time.Now().UnixNano()))); err != nil {
			b.Fatal(err)
		}
	}
}
