package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	entsql "entgo.io/ent/dialect/sql"

	"carehome/internal/nodeid"
)

// Change is a line of the journal of changes: what happened to one row. Those who
// follow the records are told from it, also what happened while they were away.
type Change struct {
	// Number is the line's place. Numbers rise by one, in the order of the commits.
	Number int64
	// Tag is random. A database that was restored has other lines under the same
	// numbers, and tells them apart by it.
	Tag uint32
	// What happened, such as CREATED; Unnoted for a break.
	What string
	// Entity is the row. Resident and Activity are whom and what it belongs to;
	// zero where there is none.
	Entity, Resident, Activity nodeid.ID
}

// Unnoted is a Change that stands for any number of rows, none of them named.
const Unnoted = "UNNOTED"

const (
	journalTable = "changes"
	// journalKept is how many lines are kept, some 50 bytes each.
	journalKept = 100_000
	// journalPruned is after how many new lines old ones are removed.
	journalPruned = 1_000
	// journalChunk is how many lines go into one statement.
	journalChunk = 500
)

// Journalled reports whether the journal has the changes of a kind of row. A
// transaction that touches such rows and notes nothing itself, such as an import,
// leaves an Unnoted line, so that nobody takes silence for no change.
func Journalled(kind nodeid.Kind) bool {
	switch kind {
	case nodeid.Wellness, nodeid.Prescription, nodeid.Activity, nodeid.ActivityException, nodeid.ActivityParticipation:
		return true
	}
	return false
}

// journal is the end of the journal as the writer knows it.
type journal struct {
	exists bool // the schema has one
	last   int64
}

func openJournal(ctx context.Context, db querier) (j journal, err error) {
	there, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = "+literal(journalTable))
	if err != nil || len(there) == 0 {
		return journal{}, err
	}
	last, err := column(ctx, db, "SELECT coalesce(max(number), 0) FROM "+journalTable)
	if err != nil {
		return journal{}, fmt.Errorf("reading the journal: %w", classify(err))
	}
	_, err = fmt.Sscan(last[0], &j.last)
	j.exists = true
	return j, err
}

// NoteChanges adds lines to the journal in the write that ctx is in, and returns
// them with their numbers and tags. Without lines it says that there is nothing to
// tell of the write.
func NoteChanges(ctx context.Context, changes []Change) ([]Change, error) {
	t, ok := ctx.Value(txKey{}).(*tx)
	if !ok {
		return nil, fmt.Errorf("%w: NoteChanges has no write to be part of", ErrWriteOutside)
	}
	noted := make([]Change, len(changes))
	for i, c := range changes {
		c.Number, c.Tag = t.journal+int64(i)+1, rand.Uint32()
		noted[i] = c
	}
	for start := 0; start < len(noted); start += journalChunk {
		query, args := insertChanges(noted[start:min(start+journalChunk, len(noted))])
		if err := t.Exec(ctx, query, args, nil); err != nil {
			return nil, fmt.Errorf("noting changes: %w", err)
		}
	}
	before := t.journal
	t.journal += int64(len(noted))
	t.noted = true
	if before/journalPruned != t.journal/journalPruned {
		if err := t.Exec(ctx, pruneChanges, []any{t.journal - journalKept}, nil); err != nil {
			return nil, fmt.Errorf("shortening the journal: %w", err)
		}
	}
	return noted, nil
}

const pruneChanges = "DELETE FROM " + journalTable + " WHERE number <= ?"

func insertChanges(lines []Change) (query string, args []any) {
	const columns = 6
	args = make([]any, 0, len(lines)*columns)
	for _, c := range lines {
		args = append(args, c.Number, int64(c.Tag), c.What, int64(c.Entity), int64(c.Resident), int64(c.Activity))
	}
	const row = ", (?, ?, ?, ?, ?, ?)"
	return "INSERT INTO " + journalTable + " (number, tag, what, entity_id, resident_id, activity_id) VALUES " +
		strings.Repeat(row, len(lines))[len(", "):], args
}

// noteUnnoted adds the line of a transaction that has noted nothing itself, if it
// touched what the journal is about. It is the holder of the writer who calls it.
func (w *writer) noteUnnoted(ctx context.Context, t *tx) error {
	if t.noted || !w.journal.exists || !w.touched.journalled() {
		return nil
	}
	t.journal++
	query, args := insertChanges([]Change{{Number: t.journal, Tag: rand.Uint32(), What: Unnoted}})
	if _, err := w.conn.ExecContext(context.WithoutCancel(ctx), query, args...); err != nil {
		return fmt.Errorf("noting changes: %w", err)
	}
	return nil
}

// journalled reports whether the journal is about any of the rows.
func (t touched) journalled() bool {
	for _, ids := range t {
		for id := range ids {
			if Journalled(nodeid.ID(id).Kind()) {
				return true
			}
			break // all rows of a table are of one kind
		}
	}
	return false
}

// Changes are the lines of the journal from one number to another, both included,
// at most limit, in order. Lines that were removed since are not there.
func (s *Store) Changes(ctx context.Context, from, to int64, limit int) ([]Change, error) {
	return s.changes(ctx, "WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?", from, to, limit)
}

// LastChange is the journal's last line; false while it is empty.
func (s *Store) LastChange(ctx context.Context) (Change, bool, error) {
	last, err := s.changes(ctx, "ORDER BY number DESC LIMIT 1")
	if err != nil || len(last) == 0 {
		return Change{}, false, err
	}
	return last[0], true, nil
}

func (s *Store) changes(ctx context.Context, which string, args ...any) (found []Change, err error) {
	query := "SELECT number, tag, what, entity_id, resident_id, activity_id FROM " + journalTable + " " + which
	var rows entsql.Rows
	if err := (readDriver{s}).Query(ctx, query, args, &rows); err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Change
		var tag int64
		if err := rows.Scan(&c.Number, &tag, &c.What, (*int64)(&c.Entity), (*int64)(&c.Resident), (*int64)(&c.Activity)); err != nil {
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
		c.Tag = uint32(tag)
		found = append(found, c)
	}
	return found, classify(rows.Err())
}
