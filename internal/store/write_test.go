package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/sync/errgroup"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	ada := func(ctx context.Context, tx *tx) error {
		return tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('Ada')", []any{}, nil)
	}
	ours := errors.New("ours")
	tests := []struct {
		name string
		fn   func(context.Context, *Store, *tx) error
		want error // nil: the row is there
	}{
		{"OK", func(ctx context.Context, _ *Store, tx *tx) error { return ada(ctx, tx) }, nil},
		{"OKSeesItself", func(ctx context.Context, s *Store, tx *tx) error {
			if err := ada(ctx, tx); err != nil {
				return err
			}
			// The reading client, too, is inside the transaction.
			if n, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil || n != 1 {
				return fmt.Errorf("count = %d, %w", n, err)
			}
			return s.Snapshot(ctx, func(ctx context.Context) error {
				if n, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil || n != 1 {
					return fmt.Errorf("count in a snapshot = %d, %w", n, err)
				}
				return nil
			})
		}, nil},
		{"OKRowsLeftOpen", func(ctx context.Context, _ *Store, tx *tx) error {
			var rows entsql.Rows
			return errors.Join(ada(ctx, tx), tx.Query(ctx, "SELECT name FROM resident", []any{}, &rows))
		}, nil},
		{"ErrOfTheCaller", func(ctx context.Context, _ *Store, tx *tx) error { return errors.Join(ada(ctx, tx), ours) }, ours},
		{"ErrPanic", func(ctx context.Context, _ *Store, tx *tx) error { panic(errors.Join(ada(ctx, tx), ours)) }, ErrPanic},
		{"ErrSwallowed", func(ctx context.Context, _ *Store, tx *tx) error {
			_ = tx.Exec(ctx, "INSERT INTO nowhere VALUES (1)", []any{}, nil)
			return nil
		}, errAny},
		{"ErrTxDead", func(ctx context.Context, _ *Store, tx *tx) error {
			_ = tx.Exec(ctx, "INSERT INTO resident (name) VALUES (NULL)", []any{}, nil)
			return ada(ctx, tx)
		}, ErrTxDead},
		{"ErrTxDeadRolledBackBelow", func(ctx context.Context, _ *Store, tx *tx) error {
			return errors.Join(tx.Exec(ctx, "ROLLBACK", []any{}, nil))
		}, ErrTxDead},
		{"ErrNested", func(ctx context.Context, s *Store, tx *tx) error {
			return errors.Join(ada(ctx, tx), insert(ctx, s, "Bea"))
		}, ErrNested},
		{"ErrWriteOutsideThroughTheReader", func(ctx context.Context, s *Store, tx *tx) error {
			return errors.Join(ada(ctx, tx), readDriver{s}.Exec(ctx, "DELETE FROM resident", []any{}, nil))
		}, ErrWriteOutside},
		{"ErrOrphan", func(ctx context.Context, _ *Store, tx *tx) error {
			return errors.Join(ada(ctx, tx), tx.Exec(ctx, "INSERT INTO contact (name, resident_id) VALUES ('x', 99)", []any{}, nil))
		}, errAny},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, options(t))
			err := s.write(t.Context(), func(ctx context.Context, tx *tx) error { return test.fn(ctx, s, tx) })
			var rows int64
			switch {
			case test.want == nil && err != nil, errors.Is(test.want, errAny) && err == nil,
				test.want != nil && !errors.Is(test.want, errAny) && !errors.Is(err, test.want):
				t.Fatalf("write = %v; want %v", err, test.want)
			case test.want == nil:
				rows = 1
			}
			wantValue(t, s, "SELECT count(*) FROM resident", rows)
			mustInsert(t, s, "after") // the writer is in order again
			wantValue(t, s, "SELECT count(*) FROM resident", rows+1)
		})
	}
}

var errAny = errors.New("any error")

func TestGoroutineThatEndsInsideAWrite(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.write(context.Background(), func(ctx context.Context, tx *tx) error {
			if err := tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('Ada')", []any{}, nil); err != nil {
				t.Error(err)
			}
			runtime.Goexit() // as t.FailNow does
			return nil
		})
	})
	wg.Wait()
	mustInsert(t, s, "Bea")
	wantValue(t, s, "SELECT count(*) FROM resident", 1)
}

// A cancelled statement would roll the transaction back and let the next one
// commit alone; here a cancel at any point leaves all or nothing.
func TestCancelledWriteNeverHalfApplies(t *testing.T) {
	t.Parallel()
	const statements = 6
	for at := range statements + 1 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ran := 0
			o := options(t)
			o.Trace = func(context.Context, string) { // between the look at ctx and the statement
				if ran == at {
					cancel()
				}
				ran++
			}
			s := mustOpen(t, o)
			err := s.write(ctx, func(ctx context.Context, tx *tx) error {
				for i := range statements {
					var err error
					if i%2 == 0 {
						err = tx.Exec(ctx, "INSERT INTO resident (name) VALUES (?)", []any{fmt.Sprint(i)}, nil)
					} else {
						var rows entsql.Rows
						err = tx.Query(ctx, "INSERT INTO resident (name) VALUES (?) RETURNING id", []any{fmt.Sprint(i)}, &rows)
					}
					// The caller does not care, which is how half a change was kept.
					if begun := i <= at; begun != (err == nil) {
						t.Errorf("statement %d after a cancel at %d = %v", i, at, err)
					}
				}
				return nil
			})
			want := int64(0)
			if at == statements {
				want = statements
			}
			if cancelled := errors.Is(err, context.Canceled); cancelled != (want == 0) || (want > 0 && err != nil) {
				t.Errorf("write = %v", err)
			}
			ran = statements + 1 // the hook is done
			wantValue(t, s, "SELECT count(*) FROM resident", want)
		})
	}
}

func TestDeadlinePassesInTheQueue(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	inside, leave := make(chan struct{}), make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		return s.write(context.Background(), func(context.Context, *tx) error {
			close(inside)
			<-leave
			return nil
		})
	})
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := insert(ctx, s, "Ada"); !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write = %v; want ErrTimeout", err)
	}
	gone, leaveQueue := context.WithCancel(t.Context())
	leaveQueue()
	if err := insert(gone, s, "Ada"); !errors.Is(err, context.Canceled) {
		t.Errorf("write = %v; want Canceled", err)
	}
	if n := s.Stats().Queue; n != 1 {
		t.Errorf("queue = %d; want 1", n)
	}
	close(leave)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", 0)
}

func TestAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	other := s.writerDSN().open(1)
	defer func() { _ = other.Close() }()
	hold, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := insert(ctx, s, "Ada"); !errors.Is(err, ErrTimeout) {
		t.Errorf("write = %v; want ErrTimeout", err)
	}
	done := make(chan error)
	go func() { done <- insert(context.Background(), s, "Bea") }()
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("write after the other's end = %v", err)
	}
}

func TestManyWriters(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	const writers, each = 64, 20
	var group errgroup.Group
	for w := range writers {
		group.Go(func() error {
			for i := range each {
				if err := insert(context.Background(), s, fmt.Sprintf("%d.%d", w, i)); err != nil {
					return err
				}
				if n, err := value(context.Background(), s, fmt.Sprintf("SELECT count(*) FROM resident WHERE name = '%d.%d'", w, i)); err != nil || n != 1 {
					return fmt.Errorf("own row: %d, %w", n, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", writers*each)
	if stats := s.Stats(); stats.Commits != writers*each || stats.Syncs == 0 || stats.Syncs > writers*each {
		t.Errorf("stats = %+v", stats)
	}
}

func TestCloseWaitsForWrites(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := mustOpen(t, o)
	const writers = 50
	inside, leave := make(chan struct{}), make(chan struct{})
	errs := make(chan error, writers)
	go func() {
		errs <- s.write(context.Background(), func(ctx context.Context, tx *tx) error {
			close(inside)
			<-leave
			return tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('first')", []any{}, nil)
		})
	}()
	<-inside
	var queued sync.WaitGroup
	for range writers - 1 {
		queued.Go(func() { errs <- insert(context.Background(), s, "queued") })
	}
	for s.Stats().Queue < writers {
		runtime.Gosched()
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for s.enter() == nil { // until Close has shut the gate
		s.active.Done()
		runtime.Gosched()
	}
	for range 10_000 {
		select {
		case <-s.stopped:
			t.Fatal("closed what a write is using")
		default:
			runtime.Gosched()
		}
	}
	close(leave)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Errorf("a write under way at the close = %v", err)
		}
	}
	if err := insert(t.Context(), s, "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close = %v; want ErrClosed", err)
	}
	if n := peek(t, s.path, "SELECT count(*) FROM resident"); n != writers {
		t.Errorf("%d rows; want %d", n, writers)
	}
}

func TestAfterCommitRunsInOrderAndOnlyAfterTheSync(t *testing.T) {
	t.Parallel()
	o := options(t)
	var mu sync.Mutex
	var ran []int64
	s := mustOpen(t, o)
	var group errgroup.Group
	for range 16 {
		group.Go(func() error {
			return s.write(context.Background(), func(ctx context.Context, tx *tx) error {
				if err := tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('x')", []any{}, nil); err != nil {
					return err
				}
				id, err := value(ctx, s, "SELECT max(id) FROM resident")
				if err != nil {
					return err
				}
				ticket := s.durable.visible() + 1
				return errors.Join(
					AfterCommit(ctx, func() { panic("one that fails harms nobody") }),
					AfterCommit(ctx, func() {
						mu.Lock()
						defer mu.Unlock()
						ran = append(ran, id)
						if s.durable.done.Load() < ticket {
							t.Error("ran before its sync")
						}
					}))
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(ran) != 16 || !slices.IsSorted(ran) {
		t.Errorf("ran = %v; want 16 in the order of the commits", ran)
	}
	failed := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
		return errors.Join(AfterCommit(ctx, func() { t.Error("ran though the write failed") }), errAny)
	})
	if !errors.Is(failed, errAny) {
		t.Errorf("write = %v", failed)
	}
	if err := AfterCommit(t.Context(), func() {}); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("AfterCommit outside = %v; want ErrWriteOutside", err)
	}
}
