package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	entsql "entgo.io/ent/dialect/sql"
)

// The schema of these tests: a parent, a child that cascades, and a table in
// which the parent is rebuilt by the second migration the way ent's planner does.
const (
	firstMigration = `-- Create "resident" table
CREATE TABLE resident (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name text NOT NULL);
CREATE TABLE contact (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name text NOT NULL, resident_id integer NOT NULL,
  CONSTRAINT contact_resident FOREIGN KEY (resident_id) REFERENCES resident (id) ON DELETE CASCADE);
CREATE UNIQUE INDEX contact_name ON contact (name);
INSERT INTO sqlite_sequence (name, seq) VALUES ('resident', 4294967296);
`
	rebuildMigration = `PRAGMA foreign_keys = off;
CREATE TABLE new_resident (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name text NOT NULL, room text NOT NULL DEFAULT '');
INSERT INTO new_resident (id, name) SELECT id, name FROM resident;
DROP TABLE resident;
ALTER TABLE new_resident RENAME TO resident;
CREATE INDEX resident_room ON resident (room);
PRAGMA foreign_keys = on;
`
)

// migrations makes a folder of numbered files.
func migrations(files ...string) fs.FS {
	all := fstest.MapFS{}
	for i, text := range files {
		all[fmt.Sprintf("migrations/sqlite/%03d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

// options are those of a new home in a folder of the test's own.
func options(t testing.TB) Options {
	return Options{Database: filepath.Join(t.TempDir(), "home.db"), migrations: migrations(firstMigration)}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) && s.durable.failure() == nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// insert adds one resident.
func insert(ctx context.Context, s *Store, name string) error {
	return s.write(ctx, func(ctx context.Context, tx *tx) error {
		return tx.Exec(ctx, "INSERT INTO resident (name) VALUES (?)", []any{name}, nil)
	})
}

func mustInsert(t testing.TB, s *Store, name string) {
	t.Helper()
	if err := insert(context.Background(), s, name); err != nil {
		t.Fatalf("insert %s: %v", name, err)
	}
}

// value reads one number through the readers.
func value(ctx context.Context, s *Store, query string) (n int64, err error) {
	var rows entsql.Rows
	if err := (readDriver{s}).Query(ctx, query, []any{}, &rows); err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return 0, fmt.Errorf("no row: %w", rows.Err())
	}
	if err := rows.Scan(&n); err != nil {
		return 0, err
	}
	return n, rows.Close()
}

func wantValue(t testing.TB, s *Store, query string, want int64) {
	t.Helper()
	got, err := value(context.Background(), s, query)
	if err != nil || got != want {
		t.Errorf("%s = %d, %v; want %d", query, got, err, want)
	}
}

// peek opens a file beside the store, as another process would, and reads one
// number.
func peek(t testing.TB, path, query string) int64 {
	t.Helper()
	db := dsn{path: path, mode: "ro", queryOnly: true, foreignKeys: true, synchronous: 1, busy: readerBusy, cache: smallCache}.open(1)
	defer func() { _ = db.Close() }()
	var n sql.NullInt64
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s in %s: %v", query, path, err)
	}
	return n.Int64
}
