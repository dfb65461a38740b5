package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// checkpointEvery is how often the log is copied into the database.
	checkpointEvery = time.Second
	// checkpointBytes of growth, about 1,000 pages, bring that forward.
	checkpointBytes = 4 << 20
	// truncateBytes is the length from which the log is emptied, for which the
	// writer must wait.
	truncateBytes = 64 << 20
	// cutBytes is the length from which the reads end that keep the log from being
	// emptied, unless they are younger than cutAge: else a single one could fill
	// the disk. A view of another process is not ours to end.
	cutBytes = 192 << 20
	cutAge   = 2 * time.Second
	// truncateWait is how long the checkpointer queues for the writer.
	truncateWait = 5 * time.Second
)

// checkpoints runs until ctx ends.
func (s *Store) checkpoints(ctx context.Context) {
	defer close(s.stopped)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.kicks:
		}
		err := s.checkpoint(ctx)
		switch {
		case err == nil:
		case errors.Is(err, ErrSync):
			s.stop(err)
			return
		case ctx.Err() == nil:
			s.opts.Log.Warn("checkpoint", "error", err)
		}
	}
}

// kick asks for a checkpoint soon.
func (s *Store) kick() {
	select {
	case s.kicks <- struct{}{}:
	default: // one is asked for already
	}
}

// watchLog asks for a checkpoint once the log has grown enough.
func (s *Store) watchLog() {
	if s.logBytes()-s.logged.Load() >= checkpointBytes {
		s.kick()
	}
}

// logBytes is the length of the log; 0 where this store does not write one.
func (s *Store) logBytes() int64 {
	if s.log == nil {
		return 0
	}
	info, err := s.log.Stat()
	if err != nil {
		return 0 // the next sync tells
	}
	return info.Size()
}

// checkpoint copies into the database what no reader needs from the log any more,
// beside the writes. A log that grew too long all the same is emptied while the
// writer waits, unless an old reader holds it: then that would wait in vain.
func (s *Store) checkpoint(ctx context.Context) error {
	if err := s.sameLog(); err != nil {
		return err
	}
	if s.trouble.Load() != nil {
		s.probe(ctx)
	}
	_, err := s.runCheckpoint(ctx, "PASSIVE")
	if err == nil && s.logBytes() > truncateBytes {
		if s.logBytes() > cutBytes {
			if n := s.views.cut(cutAge); n > 0 {
				s.opts.Log.Warn("reads were cut off, since the log could not be emptied", "reads", n)
			}
		}
		err = s.truncateLog(ctx)
	}
	s.logged.Store(s.logBytes())
	return err
}

// truncateLog holds the writer, so that nothing is added meanwhile.
func (s *Store) truncateLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, truncateWait)
	defer cancel()
	if err := s.writer.acquire(ctx); err != nil {
		return err
	}
	defer s.writer.release()
	s.end(ctx)
	done, err := s.runCheckpoint(ctx, "PASSIVE")
	if err != nil || !done {
		return err
	}
	_, err = s.runCheckpoint(ctx, "TRUNCATE")
	return err
}

// runCheckpoint reports whether the whole log is in the database now.
func (s *Store) runCheckpoint(ctx context.Context, mode string) (done bool, err error) {
	var busy, frames, copied int64
	// Without cancel: an interrupted checkpoint is sound, but its sync may have
	// failed unseen.
	row := s.checks.QueryRowContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint("+mode+")")
	if err := row.Scan(&busy, &frames, &copied); err != nil {
		return false, fmt.Errorf("checkpoint: %w", classify(err))
	}
	return busy == 0 && frames == copied, nil
}

// sameLog makes sure that the log we sync is the one that SQLite writes.
func (s *Store) sameLog() error {
	ours, err := s.log.Stat()
	if err != nil {
		return fmt.Errorf("%w: looking at the write-ahead log: %w", ErrSync, err)
	}
	named, err := os.Stat(s.path + "-wal")
	if err != nil || !os.SameFile(ours, named) {
		return fmt.Errorf("%w: the write-ahead log was removed or replaced", ErrSync)
	}
	return nil
}

// probe writes a page that changes nothing, to see whether the disk takes writes
// again: a server that is sent no requests while it is full would never learn.
func (s *Store) probe(ctx context.Context) {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.Exec(ctx, "PRAGMA user_version = 0", []any{}, nil)
	})
	if err != nil {
		s.opts.Log.Debug("writing is still not possible", "error", err)
		return
	}
	s.opts.Log.Info("writing is possible again")
}
