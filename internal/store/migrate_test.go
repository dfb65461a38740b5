package store

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ariga.io/atlas/sql/migrate"
)

// oldHome is a database of the first migration with two residents, one of whom
// was the last of three, and three contacts.
func oldHome(t testing.TB) Options {
	t.Helper()
	o := options(t)
	s := mustOpen(t, o)
	err := s.write(context.Background(), func(ctx context.Context, tx *tx) error {
		for _, statement := range []string{
			"INSERT INTO resident (name) VALUES ('Ada'), ('Bea'), ('gone')",
			"INSERT INTO contact (name, resident_id) SELECT 'son of ' || name, id FROM resident",
			"INSERT INTO contact (name, resident_id) SELECT 'Eve', min(id) FROM resident",
			"DELETE FROM resident WHERE name = 'gone'",
		} {
			if err := tx.Exec(ctx, statement, []any{}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	return o
}

const (
	contacts  = "SELECT count(*) FROM contact"
	residents = "SELECT count(*) FROM resident"
	rooms     = "SELECT count(*) FROM pragma_table_info('resident') WHERE name = 'room'"
	versions  = "SELECT count(*) FROM schema_migration"
)

// Rebuilding a parent drops it; with foreign keys on, that deletes its children.
func TestRebuildingAParentKeepsItsChildren(t *testing.T) {
	t.Parallel()
	o := oldHome(t)
	o.migrations = migrations(firstMigration, rebuildMigration)
	s := mustOpen(t, o)
	wantValue(t, s, contacts, 3)
	wantValue(t, s, residents, 2)
	wantValue(t, s, rooms, 1)
	if got := s.SchemaVersion(); got != "002" {
		t.Errorf("schema version = %q; want 002", got)
	}
	// The number of the resident who is gone is not given to another.
	mustInsert(t, s, "Cid")
	wantValue(t, s, "SELECT id - 4294967296 FROM resident WHERE name = 'Cid'", 4)
	// Foreign keys are on again.
	err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.Exec(ctx, "INSERT INTO contact (name, resident_id) VALUES ('x', 1)", []any{}, nil)
	})
	if err == nil {
		t.Error("an orphan was accepted after the migration")
	}
}

// The same rebuild by a runner that trusts the PRAGMA inside the transaction, to
// show that the trap is real and that the test above would see it.
func TestTheTrapIsReal(t *testing.T) {
	t.Parallel()
	o := oldHome(t)
	db := dsn{path: o.Database, mode: "rw", foreignKeys: true, synchronous: 2, busy: readerBusy, cache: smallCache}.open(1)
	for _, statement := range []string{"BEGIN", rebuildMigration, "COMMIT"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := peek(t, o.Database, contacts); n != 0 {
		t.Errorf("%d contacts survived; the trap is gone, and the precautions with it?", n)
	}
}

func TestMigrationsThatWouldLoseSomethingAreUndone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql, says string
		want            error // nil: it is applied
		contacts        int64
	}{
		{"ErrRowsLost", "DELETE FROM contact WHERE name = 'Eve';", "contact would have 2 rows instead of 3", ErrMigration, 3},
		{"ErrRowsGained", "INSERT INTO contact (name, resident_id) SELECT 'x', resident_id FROM contact LIMIT 1;", "4 rows instead of 3", ErrMigration, 3},
		{"ErrTableLost", "DROP TABLE contact;", "contact with 3 rows would be gone", ErrMigration, 3},
		{"ErrOrphans", "UPDATE contact SET resident_id = 1 WHERE name = 'Eve';", "contact -> resident: 1", ErrDamaged, 3},
		{"ErrStatement", "CREATE TABLE more (id); INSERT INTO nowhere VALUES (1);", "statement 2", ErrMigration, 3},
		{"OKSaidSo", "-- carehome:rows contact may change\nDELETE FROM contact WHERE name = 'Eve';", "", nil, 2},
		{"OKNewTable", "CREATE TABLE note (id integer PRIMARY KEY); INSERT INTO note VALUES (1), (2);", "", nil, 3},
		{"OKTrigger", "CREATE TRIGGER keep BEFORE DELETE ON contact BEGIN SELECT RAISE(ABORT, 'no'); SELECT 1; END;", "", nil, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := oldHome(t)
			o.migrations = migrations(firstMigration, test.sql)
			s, err := Open(t.Context(), o)
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				mustClose(t, s)
			} else if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("open = %v; want %v saying %q", err, test.want, test.says)
			}
			if n := peek(t, o.Database, contacts); n != test.contacts {
				t.Errorf("%d contacts; want %d", n, test.contacts)
			}
			if test.want != nil {
				o.migrations = migrations(firstMigration)
				mustOpen(t, o) // the old program goes on
			}
		})
	}
}

// A process that is killed before any statement of a migration leaves the old
// schema with all its rows; one that lives to the end leaves the new one.
func TestKilledMigrationIsOldOrNew(t *testing.T) {
	t.Parallel()
	if os.Getenv("CAREHOME_TEST_KILL") != "" {
		t.Skip("SKIPPED: this is the process that is to be killed")
	}
	completed := false
	for at := 0; !completed && at < 50; at++ {
		o := oldHome(t)
		child := exec.Command(os.Args[0], "-test.run=^TestMigrateAndBeKilled$")
		child.Env = append(os.Environ(), "CAREHOME_TEST_KILL="+strconv.Itoa(at), "CAREHOME_TEST_DATABASE="+o.Database)
		out, err := child.CombinedOutput()
		var died *exec.ExitError
		switch {
		case err == nil:
			completed = true
		case !errors.As(err, &died) || died.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
			t.Fatalf("the child at %d: %v\n%s", at, err, out)
		}
		want := int64(0)
		if completed {
			want = 1
		}
		if n := peek(t, o.Database, rooms); n != want {
			t.Errorf("killed at %d: %d room columns; want %d", at, n, want)
		}
		if n := peek(t, o.Database, versions); n != 1+want {
			t.Errorf("killed at %d: %d migrations recorded; want %d", at, n, 1+want)
		}
		if n := peek(t, o.Database, contacts); n != 3 {
			t.Errorf("killed at %d: %d contacts; want 3", at, n)
		}
		o.migrations = migrations(firstMigration, rebuildMigration)
		s := mustOpen(t, o) // migrates the rest
		if drift, err := s.Drift(t.Context()); err != nil || len(drift) > 0 {
			t.Errorf("killed at %d: drift %v, %v", at, drift, err)
		}
		wantValue(t, s, contacts, 3)
		mustClose(t, s)
		if completed && at < 8 {
			t.Errorf("only %d kill points; want one for each statement", at)
		}
	}
	if !completed {
		t.Error("the migration never ended")
	}
}

// TestMigrateAndBeKilled is the child of the test above.
func TestMigrateAndBeKilled(t *testing.T) {
	at, err := strconv.Atoi(os.Getenv("CAREHOME_TEST_KILL"))
	if err != nil {
		t.Skip("SKIPPED: runs only as the child of TestKilledMigrationIsOldOrNew")
	}
	n := 0
	s, err := Open(t.Context(), Options{
		Database:   os.Getenv("CAREHOME_TEST_DATABASE"),
		migrations: migrations(firstMigration, rebuildMigration),
		step: func(string) error {
			if n++; n > at {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
}

func TestFailedStatementOfAMigrationIsOldOrNew(t *testing.T) {
	t.Parallel()
	broken := errors.New("on purpose")
	for at := range 12 {
		o := oldHome(t)
		o.migrations = migrations(firstMigration, rebuildMigration)
		n := 0
		o.step = func(string) error {
			if n++; n > at {
				return broken
			}
			return nil
		}
		s, err := Open(t.Context(), o)
		want := int64(1)
		if err != nil {
			want = 0
			if !errors.Is(err, broken) || !errors.Is(err, ErrMigration) {
				t.Errorf("open = %v", err)
			}
		} else {
			mustClose(t, s)
		}
		if n := peek(t, o.Database, rooms); n != want {
			t.Errorf("failed at %d: %d room columns; want %d", at, n, want)
		}
		if n := peek(t, o.Database, contacts); n != 3 {
			t.Errorf("failed at %d: %d contacts; want 3", at, n)
		}
	}
}

func TestMigratingCopiesFirst(t *testing.T) {
	t.Parallel()
	o := oldHome(t)
	o.BackupDir = filepath.Join(t.TempDir(), "copies")
	o.Clock = func() time.Time { return time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC) }
	o.migrations = migrations(firstMigration, rebuildMigration)
	mustClose(t, mustOpen(t, o))
	path := filepath.Join(o.BackupDir, "home-before-migration-from-001-20260301T083000.000Z.db")
	report, err := Verify(t.Context(), path)
	if err != nil || !report.Summed || report.SchemaVersion != "001" {
		t.Fatalf("verify = %+v, %v", report, err)
	}
	if n := peek(t, path, contacts); n != 3 {
		t.Errorf("%d contacts in the copy; want 3", n)
	}
	mustClose(t, mustOpen(t, o)) // nothing to migrate, nothing to copy
	if all, err := Backups(o.BackupDir); err != nil || len(all) != 1 {
		t.Errorf("copies = %v, %v; want 1", all, err)
	}
	fresh := options(t)
	fresh.migrations = o.migrations
	mustClose(t, mustOpen(t, fresh))
	if files, err := filepath.Glob(filepath.Dir(fresh.Database) + "/*before*"); err != nil || len(files) > 0 {
		t.Errorf("a new database was copied: %v, %v", files, err)
	}
}

func TestManyOpenersMigrateOnce(t *testing.T) {
	t.Parallel()
	o := options(t)
	all, err := loadMigrations(o.migrations)
	if err != nil {
		t.Fatal(err)
	}
	held, err := tryLock(mustResolve(t, o.Database), migrateLock)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		s, err := Open(context.Background(), o)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if n := peek(t, o.Database, versions); n != int64(len(all)) {
		t.Errorf("%d migrations recorded; want %d", n, len(all))
	}
}

func mustResolve(t *testing.T, path string) string {
	t.Helper()
	path, err := resolve(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDrift(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := mustOpen(t, o)
	if drift, err := s.Drift(t.Context()); err != nil || len(drift) > 0 {
		t.Fatalf("drift = %v, %v; want none", drift, err)
	}
	mustClose(t, s)
	db := dsn{path: o.Database, mode: "rw", foreignKeys: true, synchronous: 2, busy: readerBusy, cache: smallCache}.open(1)
	_, err := db.Exec("DROP INDEX contact_name; CREATE TABLE other (id); ALTER TABLE resident ADD COLUMN bed text")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	want := []string{"index contact_name is missing", "table resident is different", "table other is not ours"}
	drift, err := s.Drift(t.Context())
	if err != nil || !slices.Equal(drift, want) {
		t.Errorf("drift = %v, %v; want %v", drift, err, want)
	}
	if h := s.Health(t.Context()); len(h.Problems) != len(want) {
		t.Errorf("problems = %v", h.Problems)
	}
}

// What is embedded is what was read and frozen: the sums of every folder agree,
// and the files make the schema that they made before.
func TestMigrationsAreFrozen(t *testing.T) {
	t.Parallel()
	dir, err := migrate.NewLocalDir("migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.Validate(dir); err != nil {
		t.Errorf("atlas.sum: %v", err)
	}
	all, err := loadMigrations(embedded)
	if err != nil || len(all) == 0 {
		t.Fatalf("embedded migrations = %d, %v; want some", len(all), err)
	}
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.version] || m.name == "" || len(m.statements) == 0 {
			t.Errorf("migration %s_%s: twice, without a name, or empty", m.version, m.name)
		}
		seen[m.version] = true
	}
	schema, err := makeSchema(t.Context(), embedded)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for name := range maps.Keys(schema) {
		if strings.HasPrefix(name, "table ") {
			tables++
		}
	}
	if tables < 10 {
		t.Errorf("the migrations make %d tables", tables)
	}
}

func TestPendingMigrations(t *testing.T) {
	t.Parallel()
	m := func(versions ...string) (all []migration) {
		for _, v := range versions {
			all = append(all, migration{version: v, name: "x", checksum: "sum of " + v})
		}
		return all
	}
	tests := []struct {
		name         string
		all, applied []migration
		todo         int
		want         error
	}{
		{"OKNew", m("1", "2"), nil, 2, nil},
		{"OKOlder", m("1", "2"), m("1"), 1, nil},
		{"OKSame", m("1", "2"), m("1", "2"), 0, nil},
		{"ErrNewer", m("1"), m("1", "2"), 0, ErrNewerSchema},
		{"ErrNewerOnly", m("1"), m("2"), 0, ErrNewerSchema},
		{"ErrGap", m("1", "2", "3"), m("1", "3"), 0, ErrForeign},
		{"ErrNone", nil, m("1"), 0, ErrNewerSchema},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			todo, err := pending(test.all, test.applied)
			if !errors.Is(err, test.want) || len(todo) != test.todo {
				t.Errorf("pending = %d, %v; want %d, %v", len(todo), err, test.todo, test.want)
			}
		})
	}
}

func TestUnreadableMigrationIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"CREATE TABLE a (b); INSERT INTO a VALUES ('never closed", "CREATE TABLE a (b); commit;", "VACUUM;"} {
		o := options(t)
		o.migrations = migrations(text)
		if s, err := Open(t.Context(), o); err == nil {
			t.Errorf("open with %q = %v; want an error", text, s)
		}
	}
}
