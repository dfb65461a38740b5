package store

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/sync/errgroup"
)

func TestNothingIsWrittenOutsideWrite(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	reader := readDriver{s}
	var rows entsql.Rows
	for _, change := range []string{
		"INSERT INTO resident (name) VALUES ('Ada')",
		"INSERT INTO resident (name) VALUES ('Ada') RETURNING id",
		"WITH n AS (SELECT 'Ada' AS name) INSERT INTO resident (name) SELECT name FROM n RETURNING id",
		"\n\tdelete from resident",
		"PRAGMA query_only = 0",
		"VACUUM",
		"CREATE TABLE other (id)",
	} {
		if err := reader.Query(t.Context(), change, []any{}, &rows); !errors.Is(err, ErrWriteOutside) {
			t.Errorf("%s = %v; want ErrWriteOutside", change, err)
		}
		if err := reader.Exec(t.Context(), change, []any{}, nil); !errors.Is(err, ErrWriteOutside) {
			t.Errorf("%s by Exec = %v; want ErrWriteOutside", change, err)
		}
		err := s.Snapshot(t.Context(), func(ctx context.Context) error { return reader.Query(ctx, change, []any{}, &rows) })
		if !errors.Is(err, ErrWriteOutside) {
			t.Errorf("%s in a snapshot = %v; want ErrWriteOutside", change, err)
		}
	}
	if _, err := reader.Tx(t.Context()); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("Tx = %v; want ErrWriteOutside", err)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", 0)
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	mustInsert(t, s, "Ada")
	const count = "SELECT count(*) FROM resident"
	var late context.Context
	err := s.Snapshot(t.Context(), func(ctx context.Context) error {
		late = ctx
		before, err := value(ctx, s, count)
		if err != nil {
			return err
		}
		mustInsert(t, s, "Bea") // another request
		wantValue(t, s, count, 2)
		return s.Snapshot(ctx, func(ctx context.Context) error { // the same one
			after, err := value(ctx, s, count)
			if before != 1 || after != 1 {
				t.Errorf("saw %d, then %d; want 1 and 1", before, after)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := value(late, s, count); err == nil {
		t.Error("the snapshot could be read after its end")
	}
	ours := errors.New("ours")
	if err := s.Snapshot(t.Context(), func(context.Context) error { return ours }); !errors.Is(err, ours) {
		t.Errorf("snapshot = %v; want its function's error", err)
	}
	if n := s.Stats().BusyReaders; n != 0 {
		t.Errorf("%d readers still busy", n)
	}
}

func TestPanicInASnapshotFreesTheReader(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Readers = 1
	s := mustOpen(t, o)
	func() {
		defer func() { _ = recover() }()
		_ = s.Snapshot(t.Context(), func(ctx context.Context) error {
			_, _ = value(ctx, s, "SELECT count(*) FROM resident")
			panic("on purpose")
		})
	}()
	wantValue(t, s, "SELECT count(*) FROM resident", 0) // waits for the one reader
}

func TestReadersLiveNoLongerThanAllowed(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Readers, o.ReadLife = 1, 20*time.Millisecond
	s := mustOpen(t, o)
	err := s.Snapshot(t.Context(), func(ctx context.Context) error {
		if _, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil {
			return err
		}
		<-ctx.Done()
		_, err := value(ctx, s, "SELECT count(*) FROM resident")
		return err
	})
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("snapshot = %v; want ErrTimeout", err)
	}
	// One that takes no notice is told so at its end.
	err = s.Snapshot(t.Context(), func(ctx context.Context) error {
		if _, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil {
			return err
		}
		<-ctx.Done()
		for s.readers.Stats().InUse > 0 { // until the view was cut off
			runtime.Gosched()
		}
		return nil
	})
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("snapshot = %v; want ErrTimeout", err)
	}
	endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
	if _, err := value(t.Context(), s, endless); !errors.Is(err, ErrTimeout) {
		t.Errorf("an endless read = %v; want ErrTimeout", err)
	}
	held, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	busy, err := s.readers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := value(held, s, "SELECT 1"); !errors.Is(err, ErrTimeout) {
		t.Errorf("a read without a reader = %v; want ErrTimeout", err)
	}
	if err := s.Snapshot(held, func(context.Context) error { return nil }); !errors.Is(err, ErrTimeout) {
		t.Errorf("a snapshot without a reader = %v; want ErrTimeout", err)
	}
	if err := busy.Close(); err != nil {
		t.Error(err)
	}
	if age := s.Stats().OldestRead; age != 0 {
		t.Errorf("the oldest read is %v old though none is open", age)
	}
}

func TestReadersAndWritersNeverBlockEachOther(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	const writers, readers, each = 8, 24, 30
	var group errgroup.Group
	for range writers {
		group.Go(func() error {
			for range each {
				if err := insert(context.Background(), s, "x"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range readers {
		group.Go(func() error {
			last := int64(0)
			for range each {
				err := s.Snapshot(context.Background(), func(ctx context.Context) error {
					n, err := value(ctx, s, "SELECT count(*) FROM resident")
					if err == nil && n < last {
						t.Errorf("saw %d rows after %d", n, last)
					}
					last = n
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", writers*each)
}
