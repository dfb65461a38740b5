package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"

	"carehome/internal/audit"
)

// writer is the one connection that changes the file, and the queue for it. The
// queue is Go's, first come first served, since who waits inside SQLite hears no
// deadline.
type writer struct {
	db      *sql.DB
	conn    *sql.Conn // pinned for the life of the store
	slot    chan struct{}
	queue   atomic.Int64 // who waits or writes
	waiting atomic.Int64 // who waits to begin
	batch   *batch       // the transaction that is open between two who hold the slot
	alone   int          // how many transactions to come have one write each

	digests *digester // nil if the schema has none
	journal journal
	trail   *trail  // nil if the schema has no events
	touched touched // by the transaction that is open
}

// openWriter makes the connection, waiting for as long as patience where another
// process writes.
func openWriter(ctx context.Context, d dsn, clock func() time.Time, patience time.Duration) (*writer, error) {
	w := &writer{db: d.open(1), slot: make(chan struct{}, 1)}
	conn, err := w.db.Conn(ctx)
	if err == nil {
		w.conn = conn
		// The first transaction makes the log, and shows that the file can be
		// written: SQLite opens one that cannot without a word.
		waiting, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err = w.begin(waiting); err == nil {
			err = w.exec("ROLLBACK")
		}
	}
	if err == nil {
		w.digests, err = newDigester(ctx, conn)
	}
	if err == nil {
		w.journal, err = openJournal(ctx, conn)
	}
	if err == nil {
		w.trail, err = newTrail(ctx, conn, clock)
	}
	if err == nil && (w.digests != nil || w.journal.exists) {
		err = conn.Raw(func(c any) error {
			c.(*sqlite3.SQLiteConn).RegisterUpdateHook(func(op int, _, table string, id int64) {
				switch table {
				case digestTable:
				case auditTable:
					w.trail.saw(op)
				default:
					w.touched.add(table, id)
				}
			})
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(classify(err), w.close())
	}
	return w, nil
}

func (w *writer) close() error {
	var err error
	if w.conn != nil {
		err = w.conn.Close()
	}
	return errors.Join(err, w.db.Close())
}

// acquire waits for the writer until the end of ctx.
func (w *writer) acquire(ctx context.Context) error {
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	if ctx.Err() == nil {
		select {
		case w.slot <- struct{}{}:
			return nil
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("waiting for the writer: %w", classify(ctx.Err()))
}

func (w *writer) release() { <-w.slot }

// exec runs a statement of transaction control, which no context may interrupt.
func (w *writer) exec(query string) error {
	_, err := w.conn.ExecContext(context.Background(), query)
	return err
}

// inTransaction asks SQLite itself; the driver does not know of transactions
// that were rolled back underneath it.
func (w *writer) inTransaction() (inside bool, err error) {
	err = w.conn.Raw(func(c any) error {
		inside = !c.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	return inside, err
}

// begin starts a transaction. Another process may hold SQLite's own lock for a
// moment; that is waited out until the end of ctx.
func (w *writer) begin(ctx context.Context) error {
	for {
		err := w.exec("BEGIN IMMEDIATE")
		if !isBusy(err) {
			return classify(err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("another process is writing: %w", classify(ctx.Err()))
		}
	}
}

// rollback ends the transaction if SQLite has not done so already.
func (w *writer) rollback() error {
	inside, err := w.inTransaction()
	if err != nil || !inside {
		return err
	}
	return w.exec("ROLLBACK")
}

// write runs fn in a transaction, all or nothing, and returns nil only when that is
// committed and durable.
func (s *Store) write(ctx context.Context, fn func(context.Context, *tx) error) (err error) {
	if s.writer == nil {
		return ErrReadOnly
	}
	if txFrom(ctx, s) != nil {
		return ErrNested
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.active.Done()
	ctx, ended := s.opts.Watch(ctx, "write")
	defer func() { ended(err) }()
	seen, err := s.transact(ctx, fn)
	// Also a refusal tells of what it saw, so it waits for the sync like a write.
	if failure := s.await(ctx, seen); failure != nil {
		s.stop(failure)
		return errors.Join(failure, err)
	}
	s.followers.run(s.durable.done.Load(), s.opts.Log)
	s.watchLog()
	return s.judge(err)
}

// await returns once the ticket is durable; see durable.wait.
func (s *Store) await(ctx context.Context, ticket uint64) error {
	if s.durable.done.Load() >= ticket {
		return nil
	}
	_, ended := s.opts.Watch(ctx, "sync")
	err := s.durable.wait(ticket)
	ended(err)
	return err
}

// transact runs fn in a transaction and ends that, or waits until somebody else
// has. It returns the ticket that covers all that the transaction saw and did.
func (s *Store) transact(ctx context.Context, fn func(context.Context, *tx) error) (seen uint64, err error) {
	w := s.writer
	w.queue.Add(1)
	defer w.queue.Add(-1)
	waiting := ctx
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, s.opts.WriteTimeout)
		defer cancel()
	}
	_, granted := s.opts.Watch(waiting, "queue")
	err = w.acquire(waiting)
	granted(err)
	if err != nil {
		return 0, err
	}
	held := true
	defer func() {
		if held {
			w.release()
		}
	}()
	b, err := s.join(ctx, waiting, fn)
	if b == nil {
		return s.durable.visible(), err
	}
	if held = s.share(b); held {
		s.end(ctx)
	}
	if b.err != nil {
		return b.ticket, b.err // a refusal may be due to what does not hold now
	}
	return b.ticket, err
}

// tell keeps the digests and the events of what the transaction did. It returns
// the end that the chain will have, and how many events there are.
func (w *writer) tell(ctx context.Context, record *audit.Record) (head audit.Head, events int, err error) {
	if w.digests == nil {
		return head, 0, nil
	}
	changes, err := w.digests.keep(ctx, w.conn, w.touched, w.trail != nil)
	if err != nil || w.trail == nil {
		return head, 0, err
	}
	return w.trail.keep(ctx, w.conn, changes, record)
}

// call runs fn and turns its panic into an error.
func call(ctx context.Context, t *tx, fn func(context.Context, *tx) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return fn(ctx, t)
}

// judge gives a failed write the store's own error and remembers a disk that is
// full or read-only until the next write that succeeds.
func (s *Store) judge(err error) error {
	err = classify(err)
	switch {
	case errors.Is(err, ErrSync):
		s.stop(err)
	case errors.Is(err, ErrStorageFull):
		s.trouble.Store(&ErrStorageFull)
	case errors.Is(err, ErrReadOnly):
		s.trouble.Store(&ErrReadOnly)
	}
	return err
}

// followers are the functions given to AfterCommit, in the order of the commits.
type followers struct {
	mu      sync.Mutex // orders add
	waiting []follower
	running sync.Mutex // orders run
}

type follower struct {
	ticket uint64
	funcs  []func()
}

// add is called by the holder of the writer.
func (f *followers) add(ticket uint64, funcs []func()) {
	if len(funcs) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, follower{ticket, funcs})
}

// run calls all functions of commits up to the ticket; when it returns, they have
// been called, by this goroutine or another.
func (f *followers) run(durable uint64, log *slog.Logger) {
	f.running.Lock()
	defer f.running.Unlock()
	f.mu.Lock()
	n := 0
	for n < len(f.waiting) && f.waiting[n].ticket <= durable {
		n++
	}
	due := slices.Clone(f.waiting[:n])
	f.waiting = slices.Delete(f.waiting, 0, n)
	f.mu.Unlock()
	for _, one := range due {
		for _, run := range one.funcs {
			guard(run, log)
		}
	}
}

// guard keeps a panic from the writes whose functions come after it.
func guard(run func(), log *slog.Logger) {
	defer func() {
		if value := recover(); value != nil {
			log.Error("panic after a commit", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	run()
}
