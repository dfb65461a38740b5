package store

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"carehome/internal/viewer"
)

// released unpacks a database that the schema of an earlier release has. Each is
// made by the binary of that release, which knows no later migration:
//
//	carehome seed --residents 3 --days 6 --seed 1 --database home.db
//	sqlite3 home.db "VACUUM INTO '0001_core.db'"; gzip -9n 0001_core.db
func released(t testing.TB, packed string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "home.db")
	in, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, unpacked)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReleasedSchemasAreUpgraded(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob("testdata/*.db.gz")
	if err != nil || len(all) == 0 {
		t.Fatalf("no databases of earlier releases: %v", err)
	}
	for _, packed := range all {
		version := strings.TrimSuffix(filepath.Base(packed), ".db.gz")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			path := released(t, packed)
			db := dsn{path: path, mode: "ro", queryOnly: true, foreignKeys: true, synchronous: 1, busy: readerBusy, cache: smallCache}.open(1)
			tables, err := column(t.Context(), db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema_migration', 'sqlite_sequence')")
			if err = errors.Join(err, db.Close()); err != nil || !slices.Contains(tables, "residents") {
				t.Fatalf("tables %q, %v", tables, err)
			}
			before := map[string]int64{}
			for _, table := range tables {
				before[table] = peek(t, path, "SELECT count(*) FROM "+quote(table))
			}
			s := mustOpen(t, Options{Database: path})
			if drift, err := s.Drift(t.Context()); err != nil || len(drift) > 0 {
				t.Errorf("drift %q, %v", drift, err)
			}
			for table, n := range before {
				wantValue(t, s, "SELECT count(*) FROM "+quote(table), n)
			}
			// Each new table has its identity's start there; no old one lost its own.
			wantValue(t, s, "SELECT count(*) FROM sqlite_sequence WHERE seq < 4294967296", 0)
			residents, err := s.Client().Resident.Query().WithWellness().All(viewer.With(t.Context(), viewer.System()))
			if err != nil || len(residents) != 3 || len(residents[0].Edges.Wellness) == 0 {
				t.Errorf("read %d residents, %v", len(residents), err)
			}
			if report, err := Verify(t.Context(), path); err != nil || report.SchemaVersion != s.SchemaVersion() {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
}
