package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// createRecord makes the table that remembers what a database has had.
const createRecord = `CREATE TABLE IF NOT EXISTS schema_migration (
	version TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	applied_at TEXT NOT NULL,
	checksum TEXT NOT NULL
) WITHOUT ROWID`

// migrator applies migrations on one connection.
//
// Rebuilding a table means dropping it, and dropping a table deletes its rows
// first: with foreign keys on, those of every child that cascades go too, without
// an error. PRAGMA foreign_keys does nothing inside a transaction, so it is
// switched off before BEGIN, on this very connection; what the keys would have
// refused is looked for before COMMIT; and the rows are counted.
type migrator struct {
	conn  *sql.Conn
	clock func() time.Time
	// step, where a test set it, is called before each statement of the
	// transaction, the last being COMMIT; its error aborts.
	step func(statement string) error
}

// apply runs one migration whole or not at all.
func (m migrator) apply(ctx context.Context, mig migration) (err error) {
	ctx = context.WithoutCancel(ctx) // a cancelled statement would end the transaction early
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %s_%s: %w", ErrMigration, mig.version, mig.name, classify(err))
		}
	}()
	if err := m.foreignKeys(ctx, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.foreignKeys(ctx, true)) }()
	if err := m.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := m.inside(ctx, mig); err != nil {
		return errors.Join(err, m.exec(ctx, "ROLLBACK"))
	}
	return nil
}

// inside is everything between BEGIN and COMMIT, and COMMIT.
func (m migrator) inside(ctx context.Context, mig migration) error {
	rowsBefore, err := m.count(ctx)
	if err != nil {
		return err
	}
	lastIDs, err := m.sequences(ctx)
	if err != nil {
		return err
	}
	damaged, err := m.damaged(ctx)
	if err != nil {
		return err
	}
	events, err := newTrail(ctx, m.conn, m.clock)
	if err != nil {
		return err
	}
	hadEvents := events != nil
	for i, statement := range mig.statements {
		if err := m.run(ctx, statement); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	rowsAfter, err := m.count(ctx)
	if err != nil {
		return err
	}
	if err := compareRows(rowsBefore, rowsAfter, mig.mayChange); err != nil {
		return err
	}
	if err := m.keepSequences(ctx, lastIDs); err != nil {
		return err
	}
	if err := checkForeignKeys(ctx, m.conn); err != nil {
		return err
	}
	if err := m.keepDigests(ctx, damaged, hadEvents); err != nil {
		return err
	}
	if err := m.run(ctx, createRecord); err != nil {
		return err
	}
	if err := m.run(ctx, "INSERT INTO schema_migration (version, name, applied_at, checksum) VALUES (?, ?, ?, ?)",
		mig.version, mig.name, m.clock().UTC().Format(time.RFC3339), mig.checksum); err != nil {
		return err
	}
	return m.run(ctx, "COMMIT")
}

// damaged are the rows whose digests do not hold before the migration.
func (m migrator) damaged(ctx context.Context) (map[int64]string, error) {
	d, err := newDigester(ctx, m.conn)
	if err != nil || d == nil {
		return nil, err
	}
	found, _, err := d.damage(ctx, m.conn)
	return found, err
}

// keepDigests computes the digests anew, and adds to the chain what the migration
// has changed; where it has begun the chain, every row as it is.
func (m migrator) keepDigests(ctx context.Context, damaged map[int64]string, hadEvents bool) error {
	d, err := newDigester(ctx, m.conn)
	if err != nil || d == nil {
		return err
	}
	events, err := newTrail(ctx, m.conn, m.clock)
	if err != nil {
		return err
	}
	begins := events != nil && !hadEvents
	changes, err := d.redo(ctx, m.conn, damaged, begins)
	if err != nil || events == nil {
		return err
	}
	return events.redo(ctx, m.conn, changes, begins)
}

func (m migrator) run(ctx context.Context, statement string, args ...any) error {
	if m.step != nil {
		if err := m.step(statement); err != nil {
			return err
		}
	}
	return m.exec(ctx, statement, args...)
}

func (m migrator) exec(ctx context.Context, statement string, args ...any) error {
	_, err := m.conn.ExecContext(ctx, statement, args...)
	return err
}

// foreignKeys switches enforcement and makes sure that it was switched.
func (m migrator) foreignKeys(ctx context.Context, on bool) error {
	if err := m.exec(ctx, "PRAGMA foreign_keys = "+flag(on)); err != nil {
		return err
	}
	got, err := column(ctx, m.conn, "PRAGMA foreign_keys")
	if err == nil && !slices.Equal(got, []string{flag(on)}) {
		err = fmt.Errorf("%w: foreign keys could not be switched to %t", ErrRefused, on)
	}
	return err
}

// count counts the rows of every table.
func (m migrator) count(ctx context.Context) (map[string]int64, error) {
	tables, err := column(ctx, m.conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('schema_migration', '"+digestTable+"')")
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := m.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(table)).Scan(&n); err != nil {
			return nil, err
		}
		counts[table] = n
	}
	return counts, nil
}

// compareRows demands that no table lost or gained rows, or vanished, unless the
// migration says so. A new table may hold what it likes.
func compareRows(before, after map[string]int64, mayChange map[string]bool) error {
	var all []error
	for _, table := range slices.Sorted(maps.Keys(before)) {
		n, there := after[table]
		switch {
		case mayChange[table] || there && n == before[table]:
		case !there:
			all = append(all, fmt.Errorf("the table %s with %d rows would be gone", table, before[table]))
		default:
			all = append(all, fmt.Errorf("the table %s would have %d rows instead of %d", table, n, before[table]))
		}
	}
	return errors.Join(all...)
}

// sequences are the highest numbers that each table has given out.
func (m migrator) sequences(ctx context.Context) (map[string]int64, error) {
	kept, err := column(ctx, m.conn, "SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'")
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	highest := map[string]int64{}
	tables, err := column(ctx, m.conn, "SELECT name FROM sqlite_sequence")
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		var n int64
		if err := m.conn.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = ?", table).Scan(&n); err != nil {
			return nil, err
		}
		highest[table] = max(highest[table], n)
	}
	return highest, nil
}

// keepSequences sees that no number is ever given out again: a table that was
// rebuilt counts on from its highest row, which may be lower.
func (m migrator) keepSequences(ctx context.Context, before map[string]int64) error {
	after, err := m.sequences(ctx)
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(before)) {
		there, err := column(ctx, m.conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%' AND name = "+literal(table))
		if err != nil {
			return err
		}
		if len(there) == 0 || after[table] >= before[table] {
			continue
		}
		if err := m.run(ctx, "DELETE FROM sqlite_sequence WHERE name = ?", table); err != nil {
			return err
		}
		if err := m.run(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, before[table]); err != nil {
			return err
		}
	}
	return nil
}

// querier is a database or one of its connections.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// checkForeignKeys looks for rows whose parent is missing.
func checkForeignKeys(ctx context.Context, db querier) error {
	broken, err := column(ctx, db, "SELECT \"table\" || ' -> ' || parent || ': ' || count(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent")
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("%w: rows without their parent: %s", ErrDamaged, strings.Join(broken, ", "))
	}
	return nil
}

// column reads the first column of a query as text.
func column(ctx context.Context, db querier, query string) (values []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

// quote makes a name of SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal makes a text of SQL.
func literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }
