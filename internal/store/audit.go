package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// AuditReport is what a check of the chain of events found in a file.
type AuditReport struct {
	// Path is the file that was checked.
	Path string
	// Events is how many there are, Rows how many rows were compared with the last
	// event of each.
	Events, Rows int64
	// Head is the end of the chain.
	Head audit.Head
	// First is the first event at fault; zero if none is.
	First nodeid.ID
	// Problems names all that is wrong: events in the order of the chain, then rows.
	Problems []string
}

// Audit checks the chain of events of a database or a copy of one from its first
// event to its last, and that each row is what the last event of it says. It
// changes nothing and can be used beside a server. With a head it also asks that
// the chain goes through there: it is how the cutting off of its end is noticed.
// Where a manifest lies beside the file its head is asked for too.
//
// The error is ErrDamaged where the report has problems, or says why the file could
// not be checked.
func Audit(ctx context.Context, path string, heads ...scalar.Digest) (report AuditReport, err error) {
	err = onCopy(ctx, path, func(conn *sql.Conn, path string, manifest *Manifest) error {
		report.Path = path
		if manifest != nil && manifest.Audit != nil {
			heads = append(heads, manifest.Audit.Hash)
		}
		return report.check(ctx, conn, heads)
	})
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("%w: %s: %s", ErrDamaged, report.Path, report.Problems[0])
	}
	return report, err
}

// onCopy runs look on one view of a database or a copy.
func onCopy(ctx context.Context, path string, look func(conn *sql.Conn, path string, manifest *Manifest) error) (err error) {
	if path, err = resolve(path); err != nil {
		return err
	}
	length, err := size(path)
	if err == nil && length == 0 {
		err = fmt.Errorf("%w: %s is missing or empty", ErrDamaged, path)
	}
	if err != nil {
		return err
	}
	manifest, err := manifestOf(path)
	if err != nil {
		return err
	}
	db := checkDSN(path, manifest != nil).open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, classify(err))
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := appliedMigrations(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("reading %s: %w", path, classify(err))
	}
	defer func() {
		_, ended := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, ended)
	}()
	return look(conn, path, manifest)
}

// errNoEvents is a database from before there were events.
var errNoEvents = fmt.Errorf("%w: there are no events in it yet", ErrPendingMigrations)

func (r *AuditReport) check(ctx context.Context, conn *sql.Conn, heads []scalar.Digest) error {
	t, err := newTrail(ctx, conn, nil)
	if err != nil {
		return err
	}
	if t == nil {
		return errNoEvents
	}
	missing := map[scalar.Digest]struct{}{}
	for _, head := range heads {
		if head != (scalar.Digest{}) { // of a chain that had no events
			missing[head] = struct{}{}
		}
	}
	walk := audit.NewWalk()
	err = eachEvent(ctx, conn, 0, func(e *audit.Event, odd bool) error {
		walk.See(e, odd)
		delete(missing, e.Hash)
		return nil
	})
	if err != nil {
		return err
	}
	given, err := sequence(ctx, conn)
	if err != nil {
		return err
	}
	walk.End(nodeid.ID(given))
	r.Events, r.Head, r.First, r.Problems = walk.Events, walk.Head(), walk.First, walk.Problems
	for head := range missing {
		r.Problems = append(r.Problems, fmt.Sprintf("no event has the hash %s, at which the chain once ended: its end was cut off or written anew", head))
	}
	if err := r.subjects(ctx, conn); err != nil {
		return err
	}
	d, err := newDigester(ctx, conn)
	if err != nil {
		return err
	}
	return r.rows(ctx, conn, d)
}

// subjects compares the list of which events are about whom with the events.
func (r *AuditReport) subjects(ctx context.Context, conn *sql.Conn) error {
	for _, wrong := range []struct{ query, text string }{
		{`SELECT DISTINCT e.id FROM audit_events e, json_each(e.residents) r WHERE json_valid(e.residents)
			AND NOT EXISTS (SELECT 1 FROM audit_subjects s WHERE s.resident_id = r.value + %d AND s.event_id = e.id)`,
			"%s is not listed under every resident whom it is about"},
		{`SELECT DISTINCT s.event_id FROM audit_subjects s WHERE NOT EXISTS (SELECT 1 FROM audit_events e
			WHERE e.id = s.event_id AND e.residents GLOB '*[[,]' || (s.resident_id - %d) || '[],]*')`,
			"%s is listed under a resident whom it is not about"},
	} {
		found, err := column(ctx, conn, fmt.Sprintf(wrong.query, nodeid.Resident.Start()))
		if err != nil {
			return fmt.Errorf("comparing the residents of events: %w", classify(err))
		}
		for _, text := range found {
			var id int64
			if _, err := fmt.Sscan(text, &id); err != nil {
				id = 0
			}
			r.Problems = append(r.Problems, fmt.Sprintf(wrong.text, nodeid.ID(id)))
		}
	}
	return nil
}

// rows compares each row with its last event.
func (r *AuditReport) rows(ctx context.Context, conn *sql.Conn, d *digester) error {
	tables := slices.Sorted(maps.Keys(d.texts))
	for _, table := range tables {
		if err := r.rowsOf(ctx, conn, d, table); err != nil {
			return fmt.Errorf("comparing %s with its events: %w", table, classify(err))
		}
	}
	// SQLite takes the columns beside a maximum from the row that has it.
	lost := "SELECT entity_id FROM (SELECT entity_id, after, max(id) FROM audit_events WHERE entity_id IS NOT NULL GROUP BY entity_id) WHERE after IS NOT NULL"
	for _, table := range tables {
		lost += " EXCEPT SELECT id FROM " + quote(table)
	}
	gone, err := column(ctx, conn, lost+" ORDER BY 1")
	if err != nil {
		return fmt.Errorf("looking for lost rows: %w", classify(err))
	}
	for _, text := range gone {
		var id int64
		if _, err := fmt.Sscan(text, &id); err != nil {
			r.Problems = append(r.Problems, fmt.Sprintf("an event tells of the row %q, which cannot be", text))
			continue
		}
		r.Problems = append(r.Problems, fmt.Sprintf("%s is gone, and no event says that it was removed", nodeid.ID(id)))
	}
	return nil
}

func (r *AuditReport) rowsOf(ctx context.Context, conn *sql.Conn, d *digester, table string) (err error) {
	rows, err := conn.QueryContext(ctx, "SELECT t.id, "+d.texts[table]+", e.id, e.after FROM "+quote(table)+` t
		LEFT JOIN audit_events e ON e.id = (SELECT max(id) FROM audit_events WHERE entity_id = t.id) ORDER BY t.id`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		var text, after sql.RawBytes
		var event sql.NullInt64
		if err := rows.Scan(&id, &text, &event, &after); err != nil {
			return err
		}
		r.Rows++
		switch {
		case !event.Valid:
			r.Problems = append(r.Problems, fmt.Sprintf("%s (%s) is in no event: it was not made by this program", nodeid.ID(id), table))
		case after == nil:
			r.Problems = append(r.Problems, fmt.Sprintf("%s (%s) is there, though %s removed it", nodeid.ID(id), table, nodeid.ID(event.Int64)))
		case digest(table, text) != *digestOf(after):
			r.Problems = append(r.Problems, fmt.Sprintf("%s (%s) is not what %s, its last event, says", nodeid.ID(id), table, nodeid.ID(event.Int64)))
		}
	}
	return rows.Err()
}

// Events hands the events of a database or a copy of one to each, in the order of
// the chain, from one on; zero is the first. An event lasts until the next.
func Events(ctx context.Context, path string, from nodeid.ID, each func(*audit.Event) error) error {
	return onCopy(ctx, path, func(conn *sql.Conn, _ string, _ *Manifest) error {
		t, err := newTrail(ctx, conn, nil)
		if err != nil {
			return err
		}
		if t == nil {
			return errNoEvents
		}
		return eachEvent(ctx, conn, from, func(e *audit.Event, _ bool) error { return each(e) })
	})
}

// Holds reports whether the chain goes through where it once ended.
func (s *Store) Holds(ctx context.Context, head audit.Head) (bool, error) {
	found, err := column(ctx, s.readers, fmt.Sprintf("SELECT id FROM audit_events WHERE id = %d AND hash = x'%s'", int64(head.ID), head.Hash))
	if err != nil {
		return false, fmt.Errorf("looking for an event: %w", classify(err))
	}
	return len(found) == 1, nil
}

// StoppedInOrder reports whether the server that was started last has said that it
// stops: if not, what was read in its last moment may not be on record.
func (s *Store) StoppedInOrder(ctx context.Context) (bool, error) {
	const last = "coalesce((SELECT max(id) FROM audit_events WHERE action = '%s'), 0)"
	found, err := column(ctx, s.readers, "SELECT "+fmt.Sprintf(last, audit.Stop)+" >= "+fmt.Sprintf(last, audit.Start))
	if err != nil {
		return false, fmt.Errorf("looking for the last stop: %w", classify(err))
	}
	return found[0] == "1", nil
}

// eachEvent reads the chain; an event lasts until the next. It is odd where a column holds what the store
// never puts there.
func eachEvent(ctx context.Context, db querier, from nodeid.ID, each func(e *audit.Event, odd bool) error) (err error) {
	rows, err := db.QueryContext(ctx, "SELECT "+eventColumns+" FROM audit_events WHERE id >= ? ORDER BY id", int64(from))
	if err != nil {
		return fmt.Errorf("reading events: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var e audit.Event
	var r eventReader
	into := []any{
		r.id(&e.ID), r.text(&e.At), r.text((*string)(&e.Action)), r.id(&e.Actor), r.text(&e.Role), r.id(&e.Key), r.id(&e.Entity),
		r.residents(&e.Residents), r.number(&e.Version), r.digest(&e.Before), r.digest(&e.After), r.text(&e.Reason), r.text(&e.Request),
		r.text(&e.Operation), r.hash(&e.Previous), r.hash(&e.Hash),
	}
	for rows.Next() {
		e, r = audit.Event{}, eventReader{}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(&e, r.odd); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

// eventReader reads columns that may have been tampered with.
type eventReader struct{ odd bool }

// cell is a column's value handed to a function.
type cell func(any)

// Scan hands the value over.
func (c cell) Scan(v any) error { c(v); return nil }

func (r *eventReader) number(into *int64) cell {
	return func(v any) {
		n, ok := v.(int64)
		*into = n
		r.odd = r.odd || v != nil && (!ok || n == 0)
	}
}

func (r *eventReader) id(into *nodeid.ID) cell { return r.number((*int64)(into)) }

func (r *eventReader) residents(into *nodeid.Residents) cell {
	return func(v any) {
		_, isText := v.(string)
		r.odd = into.Scan(v) != nil || v != nil && !isText || r.odd
	}
}

func (r *eventReader) text(into *string) cell {
	return func(v any) {
		switch v := v.(type) {
		case nil:
		case string:
			*into = v
		case []byte:
			*into, r.odd = string(v), true
		default:
			r.odd = true
		}
		r.odd = r.odd || v != nil && *into == "" || !utf8.ValidString(*into)
	}
}

func (r *eventReader) digest(into **scalar.Digest) cell {
	return func(v any) {
		if v == nil {
			return
		}
		b, ok := v.([]byte)
		*into = digestOf(b)
		r.odd = r.odd || !ok || len(b) != len(*into)
	}
}

func (r *eventReader) hash(into *scalar.Digest) cell {
	return func(v any) {
		b, ok := v.([]byte)
		*into = *digestOf(b)
		r.odd = r.odd || !ok || len(b) != len(into)
	}
}
