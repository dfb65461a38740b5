package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mattn/go-sqlite3"

	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// auditTable holds the chain of events. It is written here alone, by plain
// statements: each event in the transaction of the change that it tells of.
const auditTable = "audit_events"

// trail is the end of the chain, held by who holds the writer.
type trail struct {
	clock func() time.Time
	// head is the last event of the transaction that is open, or of those before it;
	// known is false before it was read, and after one that did not end well. seen is
	// as of when: another process that writes beside this one makes it another (see
	// BesideRole), but not while the transaction is open in which it was looked at.
	head   audit.Head
	known  bool
	seen   string
	looked bool
	// writing is set while the events of a transaction are written; meddled, once
	// anything else has changed the table.
	writing, meddled bool
}

// errMeddled refuses a transaction that changed events.
var errMeddled = errors.New("events are only ever added, and by the store alone")

// newTrail looks at the schema; nil if it has no events.
func newTrail(ctx context.Context, db querier, clock func() time.Time) (*trail, error) {
	there, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = "+literal(auditTable))
	if err != nil || len(there) == 0 {
		return nil, err
	}
	return &trail{clock: clock}, nil
}

// fresh is told of a new transaction.
func (t *trail) fresh() {
	if t != nil {
		t.looked = false
	}
}

// begin forgets what a write before has left.
func (t *trail) begin() {
	if t != nil {
		t.meddled = false
	}
}

// saw is told of each row of the table that is written.
func (t *trail) saw(op int) {
	if t != nil && (op != sqlite3.SQLITE_INSERT || !t.writing) {
		t.meddled = true
	}
}

// next is what the next event follows. One that was given out and is gone leaves
// its place empty, for Audit to see.
func (t *trail) next(ctx context.Context, db querier) (head audit.Head, err error) {
	head, err = lastEvent(ctx, db)
	if err != nil {
		return head, err
	}
	given, err := sequence(ctx, db)
	head.ID = max(head.ID, nodeid.ID(given))
	return head, err
}

// lastEvent is the end of the chain.
func lastEvent(ctx context.Context, db querier) (head audit.Head, err error) {
	head = audit.Empty()
	rows, err := db.QueryContext(ctx, "SELECT id, hash FROM audit_events ORDER BY id DESC LIMIT 1")
	if err != nil {
		return head, fmt.Errorf("reading the last event: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		var hash []byte
		err = rows.Scan(&head.ID, &hash)
		copy(head.Hash[:], hash)
	}
	return head, errors.Join(err, classify(rows.Err()))
}

// sequence is the last id of an event that was ever given out.
func sequence(ctx context.Context, db querier) (last int64, err error) {
	rows, err := db.QueryContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'")
	if err != nil {
		return 0, fmt.Errorf("reading the last event's number: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		err = rows.Scan(&last)
	}
	return last, errors.Join(err, classify(rows.Err()))
}

// keep writes the events of a transaction: one for each row that it changed, and
// those that were added to its record. It returns the new end of the chain and how
// many there were.
func (t *trail) keep(ctx context.Context, db session, changes []change, record *audit.Record) (head audit.Head, n int, err error) {
	if t.meddled {
		return head, 0, errMeddled
	}
	added := record.Added()
	if len(changes) == 0 && len(added) == 0 {
		return t.head, 0, nil
	}
	if !t.looked {
		seen, err := column(ctx, db, "PRAGMA data_version")
		if err != nil {
			return head, 0, fmt.Errorf("looking for events of others: %w", classify(err))
		}
		t.known = t.known && seen[0] == t.seen
		t.seen, t.looked = seen[0], true
	}
	head = t.head
	if !t.known {
		if head, err = t.next(ctx, db); err != nil {
			return head, 0, err
		}
	}
	t.writing = true
	defer func() {
		t.writing = false
		t.known = t.known && err == nil // somebody else may have added one: look again
	}()
	now, by := scalar.At(t.clock()).String(), audit.By(ctx)
	by.Reason = record.Reason()
	for i := range changes {
		event := by
		event.At = now
		changes[i].tell(&event, record)
		head = head.Append(&event)
		if err := insertEvent(ctx, db, &event); err != nil {
			return head, 0, err
		}
	}
	for i := range added {
		event := added[i] // the record keeps its own
		if event.At == "" {
			event.At = now
		}
		head = head.Append(&event)
		if err := insertEvent(ctx, db, &event); err != nil {
			return head, 0, err
		}
	}
	return head, len(changes) + len(added), nil
}

// settle notes the events of a write that is part of the transaction now.
func (t *trail) settle(head audit.Head) { t.head, t.known = head, true }

// lost is told of a transaction that was undone.
func (t *trail) lost() {
	if t != nil {
		t.known, t.looked = false, false
	}
}

const eventColumns = "id, at, action, actor_id, role, key_id, entity_id, residents, entity_version, before, after, reason, request_id, operation, previous, hash"

// insertEvent adds an event, and to the list of which events are about whom.
func insertEvent(ctx context.Context, db session, e *audit.Event) error {
	about, err := e.Residents.Value()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "INSERT INTO audit_events ("+eventColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(e.ID), e.At, string(e.Action), orNull(int64(e.Actor)), textOrNull(e.Role), orNull(int64(e.Key)), orNull(int64(e.Entity)),
		about, orNull(e.Version), digestOrNull(e.Before), digestOrNull(e.After), textOrNull(e.Reason),
		textOrNull(e.Request), textOrNull(e.Operation), e.Previous[:], e.Hash[:])
	switch {
	case err != nil:
	case len(e.Residents) == 1:
		_, err = db.ExecContext(ctx, "INSERT INTO audit_subjects (resident_id, event_id) VALUES (?, ?)", int64(e.Residents[0]), int64(e.ID))
	case len(e.Residents) > 1:
		_, err = db.ExecContext(ctx, "INSERT INTO audit_subjects (resident_id, event_id) SELECT ? + value, ? FROM json_each(?)",
			nodeid.Resident.Start(), int64(e.ID), about)
	}
	if err != nil {
		return fmt.Errorf("keeping an event: %w", err)
	}
	return nil
}

func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func digestOrNull(d *scalar.Digest) any {
	if d == nil {
		return nil
	}
	return d[:]
}

// change is what a transaction did to one row.
type change struct {
	id            nodeid.ID
	before, after *scalar.Digest // nil where there is no row
	// version and resident are those of the row after the change, 0 where there
	// are none.
	version  int64
	resident nodeid.ID
}

// tell fills in an event.
func (c *change) tell(e *audit.Event, record *audit.Record) {
	e.Entity, e.Version, e.Before, e.After = c.id, c.version, c.before, c.after
	if c.resident != 0 {
		e.Residents = nodeid.Residents{c.resident}
	}
	switch {
	case c.before == nil:
		e.Action = audit.Create
	case c.after == nil:
		e.Action = audit.Delete
	default:
		e.Action = audit.Update
	}
	e.Action = record.ActionOf(c.id, e.Action)
}

// redo brings the chain up to date after a migration: rows that have no event yet
// get one, and those that the migration has made into something else.
func (t *trail) redo(ctx context.Context, db session, changes []change, began bool) error {
	head, err := t.next(ctx, db)
	if err != nil {
		return err
	}
	now := scalar.At(t.clock()).String()
	for i := range changes {
		event := audit.Event{At: now, Operation: "migrate"}
		changes[i].tell(&event, &audit.Record{})
		event.Action = audit.Migrate
		if began {
			// What it was before is in no event.
			event.Action, event.Before = audit.Baseline, nil
		}
		head = head.Append(&event)
		if err := insertEvent(ctx, db, &event); err != nil {
			return err
		}
	}
	return nil
}

// Record keeps events that are about no change of a row, such as reads, and
// returns when they are durable. Unlike those of Write, they are not waited for by
// answers that may have seen them: there is one such event for nearly every answer.
func (s *Store) Record(ctx context.Context, events []audit.Event) error {
	add := func() error {
		return s.write(withoutWaiters(ctx), func(ctx context.Context, _ *tx) error {
			for i := range events {
				if err := audit.Add(ctx, events[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := add()
	if errors.Is(err, ErrUndone) { // due to another write
		err = add()
	}
	return err
}

type silentKey struct{}

// withoutWaiters marks a write that no answer need wait for.
func withoutWaiters(ctx context.Context) context.Context {
	return context.WithValue(ctx, silentKey{}, true)
}

func isSilent(ctx context.Context) bool { return ctx.Value(silentKey{}) != nil }
