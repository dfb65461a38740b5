package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"carehome/internal/audit"
)

const (
	// batchWrites is how many writes share a transaction at most, and defaultBatchAge
	// how old it may be when one more joins, or while it waits for a sync: those who
	// are done wait for those who are not, and another process for both.
	batchWrites     = 64
	defaultBatchAge = 5 * time.Millisecond
	// aloneAfter is how many transactions after one that was lost have one write each:
	// what undid it may be one write that is tried again.
	aloneAfter = 64
)

// batch is a transaction of SQLite, and the writes that share it: those that
// queued for the writer at the same time, one after the other. All but the first
// work in a savepoint, so that each is undone by itself; none is told that it has
// succeeded before the commit that they share is durable. What a commit costs is so
// paid once: the pages that every write changes, such as the end of the chain of
// events, go into the log once for all.
//
// Whoever has done its part, while others wait to join or a sync is under way, lets
// them have the writer and queues for it again; it commits for everybody when its
// turn comes, unless somebody has done so before. So a batch that is open always has
// somebody who will end it.
type batch struct {
	began   time.Time
	writes  int
	changed uint64 // writes that changed something
	loud    bool   // one of them is of those that answers wait for
	after   []func()
	journal int64 // the journal's last line before the batch
	lost    error // why it can only be undone

	// ended is closed at the end; what follows is set before.
	ended  chan struct{}
	ticket uint64 // covers all that the batch saw and did
	err    error  // nothing of the batch holds
}

// join runs fn as part of the open batch, or as the first of a new one. It is
// called with the writer held. The batch is nil where nothing is left to end.
func (s *Store) join(ctx, waiting context.Context, fn func(context.Context, *tx) error) (b *batch, err error) {
	w := s.writer
	ctx, ended := s.opts.Watch(ctx, "transaction")
	defer func() { ended(err) }()
	if b = w.batch; b == nil {
		if err := s.durable.failure(); err != nil {
			return nil, err // nothing may be written after a failed sync
		}
		if err := w.begin(waiting); err != nil {
			return nil, err
		}
		b = &batch{began: time.Now(), journal: w.journal.last, ended: make(chan struct{})}
		w.trail.fresh()
	} else if err := w.exec("SAVEPOINT " + savepoint); err != nil {
		b.lose(err, nil)
		return b, err
	}
	done := false
	defer func() { // also on the way of a goroutine that ends inside fn
		switch {
		case done:
			w.batch = b
		case w.batch == nil:
			b = nil
			s.undo()
		default:
			if undone := w.undoOne(); undone != nil {
				b.lose(undone, err)
			}
		}
	}()
	if err := s.part(ctx, b, fn); err != nil {
		return b, err
	}
	if w.batch != nil {
		if err := w.exec("RELEASE " + savepoint); err != nil {
			b.lose(err, nil)
			return b, err
		}
	}
	done = true
	return b, nil
}

// savepoint is the name of the only savepoint that there ever is.
const savepoint = "one"

// part is the work of one write between the marks that it can be undone by.
func (s *Store) part(ctx context.Context, b *batch, fn func(context.Context, *tx) error) error {
	w := s.writer
	w.touched = touched{} // those of a write that was undone do not count
	w.trail.begin()
	t := &tx{
		store: s, ctx: ctx, conn: entsql.Conn{ExecQuerier: w.conn}, rows: map[*txRows]struct{}{},
		journal: w.journal.last,
	}
	record := &audit.Record{}
	defer func() { _ = t.end() }() // also where a goroutine ends inside fn
	err := call(audit.WithRecord(context.WithValue(ctx, txKey{}, t), record), t, fn)
	if ended := t.end(); err == nil {
		err = ended // fn took no notice of a failed statement or a passed deadline
	}
	if err != nil {
		return err
	}
	inside, err := w.inTransaction()
	if err == nil && !inside {
		err = fmt.Errorf("%w: SQLite rolled it back", ErrTxDead)
	}
	if err == nil {
		err = w.noteUnnoted(ctx, t)
	}
	if err != nil {
		return err
	}
	head, events, err := w.tell(context.WithoutCancel(ctx), record)
	if err != nil {
		return err
	}
	if events > 0 {
		w.trail.settle(head)
	}
	w.journal.last = t.journal
	b.writes++
	if t.changed || events > 0 {
		b.changed++
		b.loud = b.loud || !isSilent(ctx)
	}
	b.after = append(b.after, t.after...)
	return nil
}

// undoOne undoes the write that is in a savepoint. What it told the journal and
// the chain is undone with it.
func (w *writer) undoOne() error {
	inside, err := w.inTransaction()
	if err != nil {
		return err
	}
	if !inside {
		return fmt.Errorf("%w: SQLite rolled it back", ErrTxDead)
	}
	return w.exec("ROLLBACK TO " + savepoint + "; RELEASE " + savepoint)
}

// lose notes why nothing of the batch can be committed. Of the error of the write
// at fault the others are told no more than the state of the disk.
func (b *batch) lose(err, fault error) {
	if b.lost != nil {
		return
	}
	b.lost = err
	for _, state := range []error{ErrSync, ErrStorageFull, ErrReadOnly} {
		if errors.Is(classify(fault), state) {
			b.lost = fmt.Errorf("%w: %w", state, err)
		}
	}
}

// share leaves the batch to others as long as that costs nobody time: while some
// wait to join it, and while a sync is under way, since what is committed meanwhile
// waits for the next one. It is called with the writer held, and reports whether it
// is held again: then it is for the caller to end the batch.
func (s *Store) share(b *batch) (held bool) {
	w := s.writer
	if s.opts.Durability == FullDurability || w.alone > 0 {
		return true
	}
	for {
		left := s.opts.batchAge - time.Since(b.began)
		if b.lost != nil || b.writes >= batchWrites || left <= 0 {
			return true
		}
		syncing := s.durable.underWay()
		if syncing == nil {
			break
		}
		w.release()
		old := time.NewTimer(left)
		select {
		case <-b.ended:
		case <-syncing:
		case <-old.C:
		}
		old.Stop()
		if !w.retake(b) {
			return false
		}
	}
	if w.waiting.Load() == 0 {
		return true
	}
	w.release()
	return w.retake(b)
}

// retake waits for the writer, or for somebody else to end the batch. It reports
// whether the batch is still open, and the writer held.
func (w *writer) retake(b *batch) bool {
	select {
	case <-b.ended:
		return false
	case w.slot <- struct{}{}:
	}
	if w.batch == b {
		return true
	}
	w.release()
	return false
}

// end commits the batch that is open, if any. It is called with the writer held.
func (s *Store) end(ctx context.Context) {
	w := s.writer
	b := w.batch
	if b == nil {
		return
	}
	w.batch = nil
	done := false
	b.err = fmt.Errorf("%w: the commit did not return", ErrSync)
	defer func() {
		if !done { // a panic: what holds is not known
			s.stop(b.err)
		}
		close(b.ended)
	}()
	_, ended := s.opts.Watch(ctx, "commit")
	if b.err = s.commit(b); b.err != nil {
		s.undo()
		w.journal.last = b.journal
		w.trail.lost()
	}
	done = true
	ended(b.err)
	if b.err != nil {
		return
	}
	w.alone = max(w.alone-1, 0)
	if b.changed > 0 {
		s.commits.Add(b.changed)
		s.trouble.Store(nil)
	}
	s.followers.add(b.ticket, b.after)
}

func (s *Store) commit(b *batch) error {
	b.ticket = s.durable.visible()
	if b.lost != nil {
		s.writer.alone = aloneAfter
		return fmt.Errorf("%w: %w", ErrUndone, b.lost)
	}
	if err := s.durable.failure(); err != nil {
		return err
	}
	inside, err := s.writer.inTransaction()
	if err == nil && !inside {
		err = fmt.Errorf("%w: SQLite rolled it back", ErrTxDead)
	}
	if err != nil {
		return err
	}
	if b.changed > 0 {
		b.ticket = s.durable.issue(!b.loud)
		err = s.writer.exec("COMMIT")
		s.durable.settle(b.ticket, err == nil)
	} else {
		err = s.writer.exec("COMMIT")
	}
	if err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// undo ends the transaction without a trace.
func (s *Store) undo() {
	if err := s.writer.rollback(); err != nil {
		s.stop(fmt.Errorf("%w: rolling back: %w", ErrSync, err))
	}
}
