package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/mattn/go-sqlite3"
)

// readDriver is the database as ent's reading client sees it: on connections
// that cannot write, and in the snapshot or the write that the context is in.
type readDriver struct{ store *Store }

// Exec refuses: nothing that reads goes through it.
func (d readDriver) Exec(_ context.Context, query string, _, _ any) error {
	return fmt.Errorf("%w: %.60q", ErrWriteOutside, query)
}

// Query runs a read, for ent.
func (d readDriver) Query(ctx context.Context, query string, args, v any) error {
	s := d.store
	if !isRead(query) {
		return fmt.Errorf("%w: %.60q", ErrWriteOutside, query)
	}
	if t := txFrom(ctx, s); t != nil {
		return t.Query(ctx, query, args, v)
	}
	s.opts.Trace(ctx, query)
	if snap := snapshotFrom(ctx, s); snap != nil {
		err := snap.Query(ctx, query, args, v)
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err()
		}
		return refusal(err)
	}
	ctx, cancel := s.life(ctx)
	if err := (entsql.Conn{ExecQuerier: s.readers}).Query(ctx, query, args, v); err != nil {
		cancel(nil)
		return refusal(err)
	}
	rows := v.(*entsql.Rows)
	rows.ColumnScanner = &readRows{ColumnScanner: rows.ColumnScanner, ctx: ctx, cancel: cancel, end: s.views.start(cancel)}
	return nil
}

// Tx refuses: a transaction that changes something is Store.Write, one that reads
// is Store.Snapshot.
func (d readDriver) Tx(context.Context) (dialect.Tx, error) {
	return nil, fmt.Errorf("%w: a transaction", ErrWriteOutside)
}

// Close does nothing: Store.Close ends the connections.
func (d readDriver) Close() error { return nil }

// Dialect is SQLite's.
func (d readDriver) Dialect() string { return dialect.SQLite }

// refusal tells a change that was hidden in a read from other errors.
func refusal(err error) error {
	var driver sqlite3.Error
	if errors.As(err, &driver) && driver.ExtendedCode == sqlite3.ErrNoExtended(sqlite3.ErrReadonly) {
		return fmt.Errorf("%w: %w", ErrWriteOutside, err)
	}
	return classify(err)
}

// life limits how long a read may take. The limit's end and the cut that
// cancel(errCut) makes are told apart by their causes.
func (s *Store) life(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, end := context.WithTimeout(ctx, s.opts.ReadLife)
	ctx, cut := context.WithCancelCause(ctx)
	return ctx, func(cause error) { cut(cause); end() }
}

// errCut ends a read that keeps the log from shrinking.
var errCut = fmt.Errorf("%w: the read kept the log from being emptied", ErrTimeout)

// readRows ends the time limit of a read with its rows.
type readRows struct {
	entsql.ColumnScanner
	ctx    context.Context
	cancel context.CancelCauseFunc
	end    func()
}

// Close ends the rows.
func (r *readRows) Close() error {
	defer r.cancel(nil)
	defer r.end()
	return r.ColumnScanner.Close()
}

// Err tells a passed deadline in the store's own error.
func (r *readRows) Err() error {
	err := r.ColumnScanner.Err()
	if err != nil && errors.Is(context.Cause(r.ctx), errCut) {
		return errCut
	}
	return classify(err)
}

type snapshotKey struct{}

type snapshot struct {
	store *Store
	entsql.Conn
}

func snapshotFrom(ctx context.Context, s *Store) *snapshot {
	if snap, ok := ctx.Value(snapshotKey{}).(*snapshot); ok && snap.store == s {
		return snap
	}
	return nil
}

// Snapshot runs fn; whatever the reading client reads with the context that fn
// is given sees the data as of one moment, so that the levels of a nested answer
// agree. The view ends with fn, or after Options.ReadLife with ErrTimeout. With
// StrictReads it then waits until what was seen survives a power cut, so an
// answer must not leave before Snapshot returns.
//
// Inside a snapshot or a write it is that one. fn's error comes back as it is.
func (s *Store) Snapshot(ctx context.Context, fn func(context.Context) error) (err error) {
	if txFrom(ctx, s) != nil || snapshotFrom(ctx, s) != nil {
		return fn(ctx)
	}
	ctx, ended := s.opts.Watch(ctx, "read")
	defer func() { ended(err) }()
	if err := s.view(ctx, fn); err != nil {
		return err
	}
	if s.opts.Reads == RelaxedReads {
		return nil
	}
	return s.Barrier(ctx)
}

func (s *Store) view(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := s.life(ctx)
	defer cancel(nil) // ends the view too, should fn panic
	// The pool rolls back by itself when ctx ends, whatever fn does meanwhile.
	view, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("waiting for a reader: %w", classify(err))
	}
	defer s.views.start(cancel)()
	err = fn(context.WithValue(ctx, snapshotKey{}, &snapshot{s, entsql.Conn{ExecQuerier: view}}))
	if ended := view.Rollback(); ended != nil && err == nil {
		err = ended // the view was cut off before fn was done with it
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	if err != nil && errors.Is(context.Cause(ctx), errCut) {
		return errCut
	}
	return classify(err)
}

// Barrier waits until everything that a read may have seen by now is durable. It
// costs at most one sync, and nothing while nobody writes.
func (s *Store) Barrier(ctx context.Context) error {
	if s.writer == nil {
		return nil // whoever writes is another process
	}
	err := s.await(ctx, s.durable.visible())
	if err != nil {
		s.stop(err)
	}
	return err
}

// views knows since when each reader has been looking at the data, and how to end
// that.
type views struct {
	mu   sync.Mutex
	next uint64
	open map[uint64]view
}

type view struct {
	since  time.Time
	cancel context.CancelCauseFunc
}

// start notes a view and returns what ends it; that may be called twice.
func (v *views) start(cancel context.CancelCauseFunc) (end func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[uint64]view{}
	}
	id := v.next
	v.next++
	v.open[id] = view{time.Now(), cancel}
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.open, id)
	}
}

// oldest is the age of the oldest view, 0 if there is none.
func (v *views) oldest() (age time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.open {
		age = max(age, time.Since(one.since))
	}
	return age
}

// cut ends all views that are older than age, and counts them.
func (v *views) cut(age time.Duration) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.open {
		if time.Since(one.since) > age {
			one.cancel(errCut)
			n++
		}
	}
	return n
}
