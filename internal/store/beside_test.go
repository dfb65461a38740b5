package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"carehome/ent"
)

// addPerson adds a person as others do who write beside the server.
func addPerson(t *testing.T, s *Store, name string) {
	t.Helper()
	err := s.Write(asSystem(t.Context()), func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.Create().SetDisplayName(name).SetEmail(name + "@example.org").SetRole("CARER").Exec(ctx)
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// Two processes write at once: nothing is lost, each sees the other's rows, and
// the file is sound.
func TestBeside(t *testing.T) {
	t.Parallel()
	o := homeOptions(t)
	s := mustOpen(t, o)
	const each = 50
	var all sync.WaitGroup
	all.Go(func() {
		for i := range each {
			addPerson(t, s, fmt.Sprint("server", i))
		}
	})
	all.Go(func() {
		for round := range 5 {
			beside, err := Open(t.Context(), Options{Database: o.Database, Role: BesideRole})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range each / 5 {
				addPerson(t, beside, fmt.Sprint("beside", round, "x", i))
			}
			if n, err := beside.Client().StaffUser.Query().Count(asSystem(t.Context())); err != nil || n < (round+1)*each/5 {
				t.Errorf("it sees %d people, %v", n, err)
			}
			if err := beside.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	wantValue(t, s, "SELECT count(*) FROM staff_users", 2*each)
	if _, err := s.runCheckpoint(t.Context(), "TRUNCATE"); err != nil {
		t.Error(err)
	}
	addPerson(t, s, "last")
	mustClose(t, s)
	if report, err := Verify(t.Context(), o.Database); err != nil || len(report.Damaged) > 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	// One chain, of both.
	if report, err := Audit(t.Context(), o.Database); err != nil || len(report.Problems) > 0 || report.Events < 2*each+1 {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

func TestErrBeside(t *testing.T) {
	t.Parallel()
	o := homeOptions(t)
	beside := Options{Database: o.Database, Role: BesideRole}
	if _, err := Open(t.Context(), beside); !errors.Is(err, ErrPendingMigrations) {
		t.Errorf("a file that is not there: %v", err)
	}
	mustClose(t, mustOpen(t, o))
	s := mustOpen(t, beside)
	// It keeps a migration, a restore and its own like away.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, beside); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := tryLock(s.path, migrateLock); !errors.Is(err, ErrInUse) {
		t.Errorf("a migration: %v", err)
	}
	server := mustOpen(t, o) // but not the server
	addPerson(t, server, "ana")
	addPerson(t, s, "eva")
	mustClose(t, server)
	addPerson(t, s, "mar")
	mustClose(t, s)
	s = mustOpen(t, o)
	wantValue(t, s, "SELECT count(*) FROM staff_users", 3)
}
