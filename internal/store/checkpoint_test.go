package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/sync/errgroup"
)

// fill writes about n MiB.
func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		mustInsert(t, s, fmt.Sprint(i)+strings.Repeat("x", 1<<20))
	}
}

func TestLogIsEmptiedUnlessAnOldReaderHoldsIt(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Durability = RelaxedDurability // the log is what is looked at here
	s := mustOpen(t, o)
	err := s.Snapshot(t.Context(), func(ctx context.Context) error {
		if _, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil {
			return err
		}
		fill(t, s, 70)
		if err := s.checkpoint(t.Context()); err != nil {
			return err
		}
		if n := s.logBytes(); n <= truncateBytes {
			t.Errorf("the log has %d bytes; want more than %d while a reader needs it", n, truncateBytes)
		}
		if n, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil || n != 0 {
			t.Errorf("the old reader sees %d rows, %v; want 0", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.logBytes(); n != 0 {
		t.Errorf("the log has %d bytes after the reader's end; want 0", n)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", 70)
}

// begun makes all views that age.
func begun(s *Store, age time.Duration) {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	for id, one := range s.views.open {
		one.since = time.Now().Add(-age)
		s.views.open[id] = one
	}
}

// However long a reader may live, the log does not grow without bounds.
func TestAReaderThatKeepsALongLogIsCut(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Snapshot", "Rows"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Durability, o.ReadLife = RelaxedDurability, time.Hour
			s := mustOpen(t, o)
			mustInsert(t, s, "one")
			mustInsert(t, s, "two")
			grow := func() {
				begun(s, -time.Hour) // not to be cut while the log grows, however slowly
				for s.logBytes() <= cutBytes {
					fill(t, s, 1)
				}
				begun(s, 2*cutAge)
				if err := s.checkpoint(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if name == "Snapshot" {
				err = s.Snapshot(t.Context(), func(ctx context.Context) error {
					if n, err := value(ctx, s, residents); err != nil || n != 2 {
						t.Errorf("the reader sees %d, %v", n, err)
					}
					grow()
					_, err := value(ctx, s, residents)
					return err
				})
			} else {
				var rows entsql.Rows
				if err := (readDriver{s}).Query(t.Context(), "SELECT id FROM resident", []any{}, &rows); err != nil {
					t.Fatal(err)
				}
				rows.Next()
				grow()
				for rows.Next() {
					continue
				}
				err = rows.Err()
				_ = rows.Close() // the cut is in Err
			}
			if !errors.Is(err, ErrTimeout) || errors.Is(err, context.Canceled) {
				t.Errorf("the reader was told %v; want ErrTimeout", err)
			}
			// database/sql ends the view of a cut reader by itself, soon.
			for deadline := time.Now().Add(time.Minute); ; {
				if err := s.checkpoint(t.Context()); err != nil {
					t.Fatal(err)
				}
				n := s.logBytes()
				if n <= truncateBytes {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the log has %d bytes after the cut", n)
				}
			}
		})
	}
}

func TestLogStaysShortUnderWrites(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Durability = RelaxedDurability
	s := mustOpen(t, o)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for range 100 {
				if err := insert(context.Background(), s, strings.Repeat("x", 256<<10)); err != nil {
					return err
				}
				if n := s.logBytes(); n > 2*truncateBytes {
					return fmt.Errorf("the log has %d bytes", n)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func TestReplacedLogStopsTheStore(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	mustInsert(t, s, "Ada")
	if err := os.Rename(s.path+"-wal", s.path+"-wal.old"); err != nil {
		t.Fatal(err)
	}
	s.kick()
	if err := <-s.Fatal(); !errors.Is(err, ErrSync) {
		t.Errorf("fatal = %v; want ErrSync", err)
	}
	if err := insert(t.Context(), s, "Bea"); !errors.Is(err, ErrSync) {
		t.Errorf("write = %v; want ErrSync", err)
	}
	if err := errors.Join(os.Rename(s.path+"-wal.old", s.path+"-wal"), s.Close()); !errors.Is(err, ErrSync) {
		t.Errorf("close = %v; want ErrSync", err)
	}
	if err := s.release(); err != nil {
		t.Error(err)
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	mustInsert(t, s, "Ada")
	mustClose(t, s)
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(s.path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", suffix, err)
		}
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("a second close = %v; want ErrClosed", err)
	}
}

func TestHealthRemembersTroubleUntilAWriteSucceeds(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	if err := s.judge(fmt.Errorf("saving: %w", ErrStorageFull)); !errors.Is(err, ErrStorageFull) {
		t.Fatal(err)
	}
	if h := s.Health(t.Context()); h.Writable || !h.Full || len(h.Problems) != 1 {
		t.Errorf("health = %+v; want full", h)
	}
	if err := s.checkpoint(t.Context()); err != nil { // tries a write by itself
		t.Fatal(err)
	}
	if h := s.Health(t.Context()); !h.Writable || h.Full || len(h.Problems) != 0 {
		t.Errorf("health = %+v; want well", h)
	}
}
