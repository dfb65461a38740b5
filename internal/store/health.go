package store

import (
	"context"
	"errors"
	"os"
	"time"
)

// Health is the state of the store for a probe.
type Health struct {
	// Writable is false when read-only, and from a write that failed for lack of
	// room or permission until one that succeeds.
	Writable bool
	// ReadOnly is how the store was opened, not a fault.
	ReadOnly bool
	// Full is true while the disk has no room.
	Full bool
	// LastSync is when the log was last made durable; zero if never.
	LastSync time.Time
	// WALBytes is the length of the write-ahead log.
	WALBytes int64
	// SchemaVersion is that of the last migration.
	SchemaVersion string
	// Drift is where the schema differs from what the migrations make.
	Drift []string
	// Problems are what a probe should call degraded, in words for an operator;
	// none if all is well.
	Problems []string
}

// Health looks at the store. It reads the schema and touches no rows.
func (s *Store) Health(ctx context.Context) Health {
	h := Health{ReadOnly: s.writer == nil, WALBytes: s.logBytes(), SchemaVersion: s.schema}
	_, h.LastSync, _ = s.durable.figures()
	trouble := s.trouble.Load()
	failure := s.durable.failure()
	h.Writable = !h.ReadOnly && trouble == nil && failure == nil
	if trouble != nil {
		h.Full = errors.Is(*trouble, ErrStorageFull)
		h.Problems = append(h.Problems, (*trouble).Error())
	}
	if failure != nil {
		h.Problems = append(h.Problems, failure.Error())
	}
	drift, err := s.Drift(ctx)
	if err != nil {
		h.Problems = append(h.Problems, "the schema cannot be read: "+err.Error())
	}
	for _, d := range drift {
		h.Problems = append(h.Problems, "schema: "+d)
	}
	h.Drift = drift
	return h
}

// Stats are counters and gauges since the store was opened.
type Stats struct {
	// Queue is how many writes wait or run.
	Queue int64
	// Commits counts writes that changed something.
	Commits uint64
	// Syncs counts how often the log was synced for them.
	Syncs uint64
	// SyncP99 is the 99th percentile of the latest 1,024 syncs.
	SyncP99 time.Duration
	// WALBytes is the length of the write-ahead log, DatabaseBytes of the database.
	WALBytes, DatabaseBytes int64
	// Writable is Health's.
	Writable bool
	// OldestRead is the age of the oldest view that a reader holds.
	OldestRead time.Duration
	// Readers are the reading connections: open, and busy.
	Readers, BusyReaders int
	// ReaderWaits counts reads that had to wait for a connection, ReaderWait is how
	// long they did, all together.
	ReaderWaits int64
	ReaderWait  time.Duration
}

// Stats reads the counters.
func (s *Store) Stats() Stats {
	pool := s.readers.Stats()
	stats := Stats{
		Commits: s.commits.Load(), WALBytes: s.logBytes(), OldestRead: s.views.oldest(),
		Readers: pool.OpenConnections, BusyReaders: pool.InUse, ReaderWaits: pool.WaitCount,
		ReaderWait: pool.WaitDuration,
	}
	if info, err := os.Stat(s.path); err == nil {
		stats.DatabaseBytes = info.Size()
	}
	stats.Writable = s.writer != nil && s.trouble.Load() == nil && s.durable.failure() == nil
	if s.writer != nil {
		stats.Queue = s.writer.queue.Load()
	}
	stats.Syncs, _, stats.SyncP99 = s.durable.figures()
	return stats
}
