package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

// A migration is plain SQL: it runs as it stands, and the identity of each table
// starts at its kind.
func TestMigrationIsPlainSQL(t *testing.T) {
	root := t.TempDir()
	if err := run(t.Context(), root, []string{"core"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "sqlite", "0001_core.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	// In memory every connection is a database of its own.
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatalf("the statements do not run as they stand: %v", err)
	}
	var start int64
	if err := db.QueryRow("SELECT seq FROM sqlite_sequence WHERE name = 'residents'").Scan(&start); err != nil || start != 3<<32 {
		t.Errorf("the identity of residents starts at %d, %v", start, err)
	}
}
