package store

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"golang.org/x/sync/errgroup"
)

// disk is a sync that the test lets through or fails.
type disk struct {
	begun chan struct{}
	end   chan error
	calls atomic.Int64
	armed atomic.Bool
}

func newDisk() *disk { return &disk{begun: make(chan struct{}, 100), end: make(chan error)} }

func (d *disk) sync(f *os.File) error {
	if !d.armed.Load() {
		return syncFile(f)
	}
	d.calls.Add(1)
	d.begun <- struct{}{}
	return <-d.end
}

func TestNothingIsAcknowledgedBeforeItsSync(t *testing.T) {
	t.Parallel()
	o := options(t)
	d := newDisk()
	o.sync, o.batchAge = d.sync, time.Hour
	s := mustOpen(t, o)
	d.armed.Store(true)
	first := make(chan error, 1)
	go func() { first <- insert(context.Background(), s, "first") }()
	<-d.begun // the first is committed and its sync runs

	// The writer is free meanwhile: more do their part, but none is acknowledged.
	const more = 20
	rest := make(chan error, more)
	var ran atomic.Int64
	for range more {
		go func() {
			rest <- s.write(context.Background(), func(ctx context.Context, tx *tx) error {
				defer ran.Add(1)
				return tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('more')", []any{}, nil)
			})
		}()
	}
	for ran.Load() < more {
		runtime.Gosched()
	}
	if n := peek(t, s.path, "SELECT count(*) FROM resident"); n != 1 {
		t.Errorf("%d rows are shown; want 1: the others join what waits for the next sync", n)
	}
	select {
	case err := <-first:
		t.Fatalf("acknowledged before the sync: %v", err)
	case err := <-rest:
		t.Fatalf("acknowledged before the sync: %v", err)
	default:
	}
	d.end <- nil
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	<-d.begun // one more sync for all the others
	barrier := make(chan error, 1)
	go func() { barrier <- s.Barrier(context.Background()) }()
	select {
	case err := <-rest:
		t.Fatalf("acknowledged by a sync that began before the commit: %v", err)
	case err := <-barrier:
		t.Fatalf("the barrier let go before the sync: %v", err)
	default:
	}
	d.end <- nil
	for range more {
		if err := <-rest; err != nil {
			t.Fatal(err)
		}
	}
	if err := <-barrier; err != nil {
		t.Fatal(err)
	}
	if n := d.calls.Load(); n != 2 {
		t.Errorf("%d syncs; want 2", n)
	}
	if err := s.Barrier(t.Context()); err != nil || d.calls.Load() != 2 {
		t.Errorf("a barrier with nothing to wait for = %v, %d syncs", err, d.calls.Load())
	}
	d.armed.Store(false)
}

func TestRefusalWaitsForTheSyncOfWhatItSaw(t *testing.T) {
	t.Parallel()
	s, d, first := busyDisk(t)
	conflict := errors.New("there is one already")
	refused := make(chan error, 1)
	seen := make(chan struct{})
	go func() {
		refused <- s.write(context.Background(), func(ctx context.Context, tx *tx) error {
			defer close(seen)
			if n, err := value(ctx, s, "SELECT count(*) FROM resident"); err != nil || n == 0 {
				return err
			}
			return conflict
		})
	}()
	<-seen
	select {
	case err := <-refused:
		t.Fatalf("answered %v from a row that is not durable", err)
	default:
	}
	d.end <- nil
	if err := <-refused; !errors.Is(err, conflict) {
		t.Errorf("write = %v; want the conflict", err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n := d.calls.Load(); n != 1 {
		t.Errorf("%d syncs; want 1: a write that changes nothing needs none", n)
	}
	d.armed.Store(false)
}

func TestSnapshotIsStrictUnlessRelaxed(t *testing.T) {
	t.Parallel()
	for _, reads := range []Reads{StrictReads, RelaxedReads} {
		t.Run(string(reads), func(t *testing.T) {
			t.Parallel()
			o := options(t)
			d := newDisk()
			o.sync, o.Reads = d.sync, reads
			s := mustOpen(t, o)
			d.armed.Store(true)
			first := make(chan error, 1)
			go func() { first <- insert(context.Background(), s, "first") }()
			<-d.begun
			read := make(chan error, 1)
			counted := make(chan int64, 1)
			go func() {
				read <- s.Snapshot(context.Background(), func(ctx context.Context) error {
					n, err := value(ctx, s, "SELECT count(*) FROM resident")
					counted <- n
					return err
				})
			}()
			if n := <-counted; n != 1 {
				t.Errorf("saw %d rows; want 1", n)
			}
			if reads == RelaxedReads {
				if err := <-read; err != nil {
					t.Error(err)
				}
			} else {
				select {
				case err := <-read:
					t.Errorf("a strict read answered before the sync: %v", err)
				default:
				}
			}
			d.end <- nil
			if err := <-first; err != nil {
				t.Error(err)
			}
			if reads == StrictReads {
				if err := <-read; err != nil {
					t.Error(err)
				}
			}
			d.armed.Store(false)
		})
	}
}

func TestFailedSyncStopsTheStore(t *testing.T) {
	t.Parallel()
	o := options(t)
	d := newDisk()
	o.sync, o.batchAge = d.sync, time.Hour
	s := mustOpen(t, o)
	d.armed.Store(true)
	const writers = 10
	errs := make(chan error, writers)
	var ran atomic.Int64
	for range writers {
		go func() {
			errs <- s.write(context.Background(), func(ctx context.Context, tx *tx) error {
				defer ran.Add(1)
				return tx.Exec(ctx, "INSERT INTO resident (name) VALUES ('x')", []any{}, nil)
			})
		}()
	}
	<-d.begun
	for ran.Load() < writers {
		runtime.Gosched()
	}
	broken := errors.New("input/output error")
	d.end <- broken
	for range writers {
		if err := <-errs; !errors.Is(err, ErrSync) || !errors.Is(err, broken) {
			t.Errorf("write = %v; want ErrSync", err)
		}
	}
	if err := <-s.Fatal(); !errors.Is(err, ErrSync) {
		t.Errorf("fatal = %v; want ErrSync", err)
	}
	if err := insert(t.Context(), s, "later"); !errors.Is(err, ErrSync) {
		t.Errorf("a later write = %v; want ErrSync", err)
	}
	if h := s.Health(t.Context()); h.Writable || len(h.Problems) == 0 {
		t.Errorf("health = %+v; want a problem", h)
	}
	if n := d.calls.Load(); n != 1 {
		t.Errorf("%d syncs; a failed one must not be tried again", n)
	}
	if err := s.Close(); !errors.Is(err, ErrSync) {
		t.Errorf("close = %v; want ErrSync", err)
	}
	if err := s.release(); err != nil { // what the end of the process does
		t.Error(err)
	}
}

func TestOnlyGroupDurabilitySyncsItself(t *testing.T) {
	t.Parallel()
	for durability, want := range map[Durability]uint64{GroupDurability: 3, FullDurability: 0, RelaxedDurability: 0} {
		t.Run(string(durability), func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Durability = durability
			s := mustOpen(t, o)
			for range 3 {
				mustInsert(t, s, "x")
			}
			if err := s.Barrier(t.Context()); err != nil {
				t.Error(err)
			}
			if got := s.Stats().Syncs; got != want {
				t.Errorf("%d syncs of our own; want %d", got, want)
			}
		})
	}
}

// Every way to change a row must be noticed, or it would be acknowledged unsynced.
func TestEveryChangeIsSynced(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	for i, statement := range []string{
		"INSERT INTO resident (name) VALUES ('x')",
		"INSERT INTO resident (name) VALUES ('x') RETURNING id",
		"WITH n AS (SELECT 'x' AS name) INSERT INTO resident (name) SELECT name FROM n RETURNING id",
		" \n update resident set name = 'y' RETURNING id",
		"/* a remark */ DELETE FROM resident RETURNING id",
	} {
		before := s.Stats().Syncs
		err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
			var rows entsql.Rows
			return tx.Query(ctx, statement, []any{}, &rows)
		})
		if err != nil || s.Stats().Syncs != before+1 {
			t.Errorf("statement %d: %v, %d syncs", i, err, s.Stats().Syncs-before)
		}
	}
}

func TestDurableUnderLoad(t *testing.T) {
	t.Parallel()
	var committed, synced atomic.Uint64
	d := newDurable(os.Stdout, func(*os.File) error {
		covers := committed.Load()
		runtime.Gosched()
		synced.Store(max(synced.Load(), covers)) // syncs never overlap
		return nil
	}, time.Now)
	var group errgroup.Group
	slot := make(chan struct{}, 1)
	for range 32 {
		group.Go(func() error {
			for range 200 {
				slot <- struct{}{}
				ticket := d.issue(false)
				committed.Store(ticket)
				d.settle(ticket, true)
				<-slot
				if err := d.wait(ticket); err != nil {
					return err
				}
				if synced.Load() < ticket {
					return errors.New("acknowledged without a sync")
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
