package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// copied is a copy of the SQLite migrations that there are.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../store/migrations/sqlite")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func files(t *testing.T, dir string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestMigrationsLeadToTheSchema(t *testing.T) {
	dir := copied(t)
	before := files(t, dir)
	if before == 0 {
		t.Fatal("there are no migrations")
	}
	err := diff(context.Background(), dir, "missing")
	if after := files(t, dir); after != before {
		t.Fatal("the schema has what no migration makes: make migration NAME=...")
	}
	if !errors.Is(err, errUpToDate) {
		t.Fatal(err)
	}
}

func TestMissingMigrationIsWritten(t *testing.T) {
	dir := t.TempDir()
	if err := diff(context.Background(), dir, "core"); err != nil {
		t.Fatal(err)
	}
	if files(t, dir) != 1 {
		t.Error("no migration was written for an empty folder")
	}
}

func TestChangedMigrationIsRefused(t *testing.T) {
	dir := copied(t)
	file := filepath.Join(dir, "0001_core.sql")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(content, "\n-- changed\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := diff(context.Background(), dir, "next"); err == nil {
		t.Error("a changed migration was taken")
	}
}

func TestNamesAreChecked(t *testing.T) {
	for _, args := range [][]string{nil, {"Bad Name"}, {"../x"}, {"ok", "mysql"}, {"ok", "sqlite", "more"}} {
		if err := run(context.Background(), t.TempDir(), args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
