package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"carehome/ent"
	"carehome/internal/nodeid"
)

// note adds lines, each in a write of its own where batch is 1.
func note(t *testing.T, s *Store, n, batch int) (all []Change) {
	t.Helper()
	for first := 0; first < n; first += batch {
		err := s.Write(asSystem(t.Context()), func(ctx context.Context, _ *ent.Client) error {
			lines := make([]Change, min(batch, n-first))
			for i := range lines {
				lines[i] = Change{What: "CREATED", Entity: nodeid.New(nodeid.Wellness, uint32(first+i+1)), Resident: nodeid.New(nodeid.Resident, 7)}
			}
			noted, err := NoteChanges(ctx, lines)
			all = append(all, noted...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestJournal(t *testing.T) {
	t.Parallel()
	o := homeOptions(t)
	s := mustOpen(t, o)
	if _, there, err := s.LastChange(t.Context()); err != nil || there {
		t.Fatalf("an empty journal has a last line: %v", err)
	}
	noted := note(t, s, 10, 3)
	check := func() {
		t.Helper()
		found, err := s.Changes(t.Context(), 1, 100, 100)
		if err != nil || fmt.Sprint(found) != fmt.Sprint(noted) {
			t.Fatalf("found %v, %v, want %v", found, err, noted)
		}
		for i, c := range found {
			if c.Number != int64(i+1) {
				t.Errorf("line %d has the number %d", i, c.Number)
			}
		}
		if last, there, err := s.LastChange(t.Context()); err != nil || !there || last != noted[len(noted)-1] {
			t.Errorf("the last is %v, %v", last, err)
		}
	}
	check()
	if some, err := s.Changes(t.Context(), 3, 8, 2); err != nil || len(some) != 2 || some[0] != noted[2] || some[1] != noted[3] {
		t.Errorf("found %v, %v", some, err)
	}
	// What was undone is not there, and its number is free.
	undone := errors.New("undone")
	err := s.Write(asSystem(t.Context()), func(ctx context.Context, _ *ent.Client) error {
		_, err := NoteChanges(ctx, []Change{{What: "CREATED"}})
		return errors.Join(err, undone)
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	check()
	mustClose(t, s)
	s = mustOpen(t, o)
	noted = append(noted, note(t, s, 2, 1)...)
	check()
	if _, err := NoteChanges(t.Context(), nil); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("outside a write: %v", err)
	}
	if _, err := Verify(t.Context(), o.Database); err != nil {
		t.Error(err)
	}
}

// The journal keeps its last lines, in bounds, also after many at once.
func TestJournalIsShortened(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, homeOptions(t))
	note(t, s, journalKept, journalKept)
	wantValue(t, s, "SELECT count(*) FROM changes", journalKept)
	note(t, s, journalPruned-1, journalPruned)
	wantValue(t, s, "SELECT count(*) FROM changes", journalKept+journalPruned-1)
	note(t, s, 1, 1)
	wantValue(t, s, "SELECT count(*) FROM changes", journalKept)
	wantValue(t, s, "SELECT max(number) - min(number) + 1 FROM changes", journalKept)
}

// A write that touches what the journal is about and notes nothing leaves a line
// that says so; no other does.
func TestJournalHasNoGaps(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, homeOptions(t))
	ctx := asSystem(t.Context())
	write := func(statement string) {
		t.Helper()
		err := s.write(ctx, func(ctx context.Context, t *tx) error { return t.Exec(ctx, statement, []any{}, nil) })
		if err != nil {
			t.Fatal(err)
		}
	}
	const activity = `INSERT INTO activities (created_at, updated_at, version, title, category, starts_at_local, duration_minutes, status, search_text)
		VALUES ('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1, 'Music', 'MUSIC', '2026-01-01 10:00:00', 60, 'PLANNED', 'music')`
	lines := func(want int64) {
		t.Helper()
		wantValue(t, s, "SELECT count(*) FROM changes WHERE what = 'UNNOTED'", want)
	}
	write(activity)
	lines(1)
	write("UPDATE activities SET title = 'Song'")
	lines(2)
	write(`INSERT INTO facilities (created_at, updated_at, version, name, time_zone) VALUES ('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1, 'Home', 'UTC')`)
	write("UPDATE activities SET title = 'Song' WHERE title = 'Nothing'")
	lines(2)
	write("DELETE FROM activities")
	lines(3)
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := NoteChanges(ctx, nil) // there is nothing to tell
		return errors.Join(err, t.Exec(ctx, activity, []any{}, nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	lines(3)
}
