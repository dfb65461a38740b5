package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/wellness"
	"carehome/internal/viewer"
)

// busyDisk opens a store whose first write is being synced until the disk's end is
// given; the writes that follow share a transaction.
func busyDisk(t *testing.T) (s *Store, d *disk, first chan error) {
	t.Helper()
	o := options(t)
	d = newDisk()
	o.sync, o.batchAge = d.sync, time.Hour
	s = mustOpen(t, o)
	d.armed.Store(true)
	t.Cleanup(func() { d.armed.Store(false) })
	first = make(chan error, 1)
	go func() { first <- insert(context.Background(), s, "first") }()
	<-d.begun
	return s, d, first
}

// member begins a write and returns once its function has ended.
func member(s *Store, fn func(context.Context, *tx) error) chan error {
	told, ended := make(chan error, 1), make(chan struct{})
	go func() {
		answer := errors.New("the goroutine has ended inside the write")
		defer func() { told <- answer }()
		answer = s.write(context.Background(), func(ctx context.Context, tx *tx) error {
			defer close(ended)
			return fn(ctx, tx)
		})
	}()
	<-ended
	return told
}

func named(name string) func(context.Context, *tx) error {
	return func(ctx context.Context, tx *tx) error {
		return tx.Exec(ctx, "INSERT INTO resident (name) VALUES (?)", []any{name}, nil)
	}
}

// Each of the writes that share a transaction is undone by itself.
func TestSharedTransaction(t *testing.T) {
	t.Parallel()
	s, d, first := busyDisk(t)
	var mu sync.Mutex
	var told []string
	refusal := errors.New("refused")
	good := func(name string) func(context.Context, *tx) error {
		return func(ctx context.Context, tx *tx) error {
			return errors.Join(named(name)(ctx, tx), AfterCommit(ctx, func() {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, name)
			}))
		}
	}
	bad := map[string]func(context.Context, *tx) error{
		"refused": func(ctx context.Context, tx *tx) error { return errors.Join(good("refused")(ctx, tx), refusal) },
		"panics":  func(ctx context.Context, tx *tx) error { panic(errors.Join(good("panics")(ctx, tx), refusal)) },
		"swallows": func(ctx context.Context, tx *tx) error {
			err := good("swallows")(ctx, tx)
			_ = tx.Exec(ctx, "INSERT INTO resident (name) VALUES (NULL)", []any{}, nil)
			return err
		},
		"leaves": func(ctx context.Context, tx *tx) error {
			if err := good("leaves")(ctx, tx); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		},
		"orphan": func(ctx context.Context, tx *tx) error {
			return errors.Join(good("orphan")(ctx, tx), tx.Exec(ctx, "INSERT INTO contact (name, resident_id) VALUES ('x', 99)", []any{}, nil))
		},
	}
	var fine, wrong []chan error
	for i, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range bad {
			if !yield(name) {
				return
			}
		}
	}) {
		fine = append(fine, member(s, good(fmt.Sprint("good ", i))))
		wrong = append(wrong, member(s, bad[name]))
	}
	if n := peek(t, s.path, "SELECT count(*) FROM resident"); n != 1 {
		t.Errorf("%d rows are shown before the commit; want 1", n)
	}
	d.end <- nil
	<-d.begun
	d.end <- nil
	for _, answer := range append(fine, first) {
		if err := <-answer; err != nil {
			t.Errorf("a good write beside bad ones = %v", err)
		}
	}
	for _, answer := range wrong {
		if err := <-answer; err == nil || errors.Is(err, ErrTxDead) {
			t.Errorf("a bad write = %v; want its own error", err)
		}
	}
	wantValue(t, s, "SELECT count(*) FROM resident", 1+int64(len(fine)))
	wantValue(t, s, "SELECT count(*) FROM resident WHERE name LIKE 'good %'", int64(len(fine)))
	wantValue(t, s, "SELECT count(*) FROM contact", 0)
	if len(told) != len(fine) || !slices.IsSorted(told) {
		t.Errorf("told after the commit: %q", told)
	}
	if stats := s.Stats(); stats.Commits != uint64(1+len(fine)) || d.calls.Load() != 2 || stats.Queue != 0 {
		t.Errorf("%d syncs, stats %+v", d.calls.Load(), stats)
	}
}

// What one write does to the whole transaction, nobody who shares it is told to have
// kept, nor why in the words of another; what was refused because of it neither.
func TestSharedTransactionThatIsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		loses func(context.Context, *tx) error
		want  error
	}{
		"RolledBack": {func(ctx context.Context, tx *tx) error {
			return tx.Exec(ctx, "ROLLBACK", []any{}, nil)
		}, ErrUndone},
		"RolledBackAndFull": {func(ctx context.Context, tx *tx) error {
			return errors.Join(tx.Exec(ctx, "ROLLBACK", []any{}, nil), fmt.Errorf("private: %w", ErrStorageFull))
		}, ErrStorageFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d, first := busyDisk(t)
			refusal := errors.New("there is one already")
			answers := []chan error{
				member(s, named("before")),
				member(s, func(context.Context, *tx) error { return refusal }),
				member(s, test.loses),
			}
			// The transaction has ended there; what they saw is being synced.
			d.end <- nil
			for _, answer := range answers {
				if err := <-answer; !errors.Is(err, test.want) || errors.Is(err, refusal) {
					t.Errorf("write = %v; want %v", err, test.want)
				}
			}
			if err := <-first; err != nil {
				t.Error(err)
			}
			d.armed.Store(false)
			// Nobody shares with the next ones, of which one may do it again.
			bad := make(chan error)
			go func() { bad <- s.write(context.Background(), test.loses) }()
			mustInsert(t, s, "after")
			if err := <-bad; err == nil || errors.Is(err, ErrUndone) {
				t.Errorf("again = %v; want its own error", err)
			}
			wantValue(t, s, "SELECT count(*) FROM resident", 2)
		})
	}
}

// A commit of which nobody knows how it ended ends the store; nobody is told that it
// holds.
func TestSharedCommitThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	o := options(t)
	d := newDisk()
	var broken atomic.Bool
	o.sync, o.batchAge = d.sync, time.Hour
	o.Watch = func(ctx context.Context, part string) (context.Context, func(error)) {
		if part == "commit" && broken.Load() {
			runtime.Goexit()
		}
		return ctx, func(error) {}
	}
	s := mustOpen(t, o)
	d.armed.Store(true)
	first := make(chan error, 1)
	go func() { first <- insert(context.Background(), s, "first") }()
	<-d.begun
	answers := []chan error{member(s, named("x")), member(s, named("x")), member(s, named("x"))}
	broken.Store(true)
	d.armed.Store(false)
	d.end <- nil
	for _, answer := range answers {
		if err := <-answer; err == nil {
			t.Error("a write is acknowledged whose commit did not return")
		}
	}
	if err := <-first; err != nil && !errors.Is(err, ErrSync) {
		t.Errorf("the write before = %v", err)
	}
	if err := <-s.Fatal(); !errors.Is(err, ErrSync) {
		t.Errorf("fatal = %v; want ErrSync", err)
	}
	if err := insert(t.Context(), s, "later"); !errors.Is(err, ErrSync) {
		t.Errorf("a later write = %v; want ErrSync", err)
	}
	if err := errors.Join(s.Close(), s.release()); !errors.Is(err, ErrSync) { // what the end of the process does
		t.Errorf("close = %v; want ErrSync", err)
	}
}

// A sync that takes long keeps neither other processes from writing, nor ever more
// writes in one transaction.
func TestSlowSyncKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	o := options(t)
	d := newDisk()
	o.sync = d.sync
	s := mustOpen(t, o)
	d.armed.Store(true)
	answers := make(chan error, 100)
	ask := func(n int) {
		for range n {
			go func() { answers <- insert(context.Background(), s, "x") }()
		}
	}
	ask(1)
	<-d.begun // and does not end
	ask(99)
	beside := o
	beside.Role, beside.sync = BesideRole, nil
	for range 3 {
		b, err := Open(t.Context(), beside)
		if err != nil {
			t.Fatal(err)
		}
		mustInsert(t, b, "beside")
		mustClose(t, b)
	}
	d.armed.Store(false)
	d.end <- nil
	for range 100 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	wantValue(t, s, "SELECT count(*) FROM resident", 103)
}

// Digests, events and journal are as if each write had had a transaction to itself.
func TestRecordOfSharedTransactions(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	o.Durability = GroupDurability
	s := mustOpen(t, o)
	system := viewer.With(t.Context(), viewer.System())
	check, err := s.Client().Wellness.Query().Order(wellness.ByID()).First(system)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Client().Wellness.Query().Count(system)
	if err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("refused")
	const writers, each = 16, 25
	var mu sync.Mutex
	var kept, refused, lost int
	var all sync.WaitGroup
	for w := range writers {
		random := rand.New(rand.NewPCG(7, uint64(w)))
		all.Go(func() {
			for range each {
				kind := random.IntN(20)
				err := s.write(system, func(ctx context.Context, tx *tx) error {
					client := ent.NewClient(ent.Driver(tx))
					row, err := client.Wellness.Create().SetResidentID(check.ResidentID).SetTakenAt(check.TakenAt).SetEnergy(5).Save(ctx)
					if err == nil && kind < 10 {
						_, err = NoteChanges(ctx, []Change{{What: "CREATED", Entity: row.ID, Resident: row.ResidentID}})
					}
					if err == nil {
						err = client.Wellness.UpdateOneID(check.ID).SetEnergy(1 + random.IntN(10)).Exec(ctx)
					}
					switch {
					case err != nil:
						return err
					case kind == 0:
						return tx.Exec(ctx, "ROLLBACK", []any{}, nil)
					case kind < 6:
						return refusal
					}
					return nil
				})
				mu.Lock()
				switch {
				case err == nil:
					kept++
				case errors.Is(err, refusal):
					refused++
				case errors.Is(err, ErrUndone), errors.Is(err, ErrTxDead):
					lost++
				default:
					t.Errorf("write = %v", err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	after, err := s.Client().Wellness.Query().Count(system)
	if err != nil || after-before != kept || kept == 0 || refused == 0 || lost == 0 {
		t.Errorf("%d rows more, %v; %d writes were kept, %d refused, %d lost", after-before, err, kept, refused, lost)
	}
	changes, err := s.Changes(system, 0, 1<<40, 10_000)
	if err != nil || len(changes) != kept {
		t.Errorf("%d lines of the journal, %v; want %d", len(changes), err, kept)
	}
	for i, c := range changes {
		if c.Number != int64(i)+1 {
			t.Fatalf("line %d has the number %d", i+1, c.Number)
		}
	}
	mustClose(t, s)
	wantSound(t, o.Database)
}
