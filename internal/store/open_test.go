package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryConnectionHasItsPragmas(t *testing.T) {
	t.Parallel()
	for _, durability := range []Durability{GroupDurability, FullDurability, RelaxedDurability} {
		t.Run(string(durability), func(t *testing.T) {
			o := options(t)
			o.Durability, o.Readers, o.CacheBytes = durability, 3, 64<<20
			s := mustOpen(t, o)
			ask := func(c *sql.Conn, want map[string]string) {
				for name, value := range want {
					got, err := column(t.Context(), c, "PRAGMA "+name)
					if err != nil || !slices.Equal(got, []string{value}) {
						t.Errorf("%s = %v, %v; want %s", name, got, err, value)
					}
				}
			}
			sync := map[Durability]string{FullDurability: "2"}[durability]
			if sync == "" {
				sync = "1"
			}
			ask(s.writer.conn, map[string]string{"journal_mode": "wal", "synchronous": sync, "foreign_keys": "1",
				"busy_timeout": "100", "cache_size": "-16384", "query_only": "0", "wal_autocheckpoint": "0", "trusted_schema": "0"})
			ask(s.checks, map[string]string{"journal_mode": "wal", "synchronous": sync, "wal_autocheckpoint": "0"})
			for range o.Readers { // all at once, so that each is another connection
				c, err := s.readers.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				ask(c, map[string]string{"journal_mode": "wal", "foreign_keys": "1", "query_only": "1", "cache_size": "-16384", "busy_timeout": "5000"})
			}
		})
	}
}

func TestAConnectionThatAnswersDifferentlyIsRefused(t *testing.T) {
	t.Parallel()
	// A database in memory can have no write-ahead log, so one pragma fails.
	db := dsn{path: ":memory:", mode: "rw", foreignKeys: true, synchronous: 1, busy: readerBusy, cache: smallCache}.open(1)
	defer func() { _ = db.Close() }()
	if err := db.Ping(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "journal_mode") {
		t.Errorf("ping = %v; want ErrRefused for journal_mode", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(*testing.T, *Options)
		want error
	}{
		{"ErrUnsupportedPostgres", func(_ *testing.T, o *Options) { o.Database = "postgres://localhost/home" }, ErrUnsupported},
		{"ErrUnsupportedMemory", func(_ *testing.T, o *Options) { o.Database = ":memory:" }, ErrUnsupported},
		{"ErrUnsupportedNothing", func(_ *testing.T, o *Options) { o.Database = "" }, ErrUnsupported},
		{"ErrUnsupportedFolder", func(_ *testing.T, o *Options) { o.Database = filepath.Dir(o.Database) }, ErrUnsupported},
		{"ErrUnsupportedDurability", func(_ *testing.T, o *Options) { o.Durability = "some" }, ErrUnsupported},
		{"ErrNotExistFolder", func(_ *testing.T, o *Options) { o.Database += "/none/home.db" }, os.ErrNotExist},
		{"ErrPendingReadOnlyMissing", func(_ *testing.T, o *Options) { o.ReadOnly = true }, ErrPendingMigrations},
		{"ErrPendingNotAllowed", func(_ *testing.T, o *Options) { o.NoMigrate = true }, ErrPendingMigrations},
		{"ErrInUse", func(t *testing.T, o *Options) { mustOpen(t, *o) }, ErrInUse},
		{"ErrInUseThroughALink", func(t *testing.T, o *Options) {
			mustOpen(t, *o)
			link := filepath.Join(t.TempDir(), "link.db")
			if err := os.Symlink(o.Database, link); err != nil {
				t.Fatal(err)
			}
			o.Database = link
		}, ErrInUse},
		{"ErrForeignText", func(t *testing.T, o *Options) {
			if err := os.WriteFile(o.Database, []byte(strings.Repeat("not a database ", 400)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged},
		{"ErrForeignTables", func(t *testing.T, o *Options) {
			db := dsn{path: o.Database, mode: "rwc", foreignKeys: true, synchronous: 1, busy: readerBusy, cache: smallCache}.open(1)
			_, err := db.Exec("CREATE TABLE songs (id)")
			if err = errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}, ErrForeign},
		{"ErrNewerSchema", func(t *testing.T, o *Options) {
			newer := *o
			newer.migrations = migrations(firstMigration, rebuildMigration)
			mustClose(t, mustOpen(t, newer))
		}, ErrNewerSchema},
		{"ErrForeignMigration", func(t *testing.T, o *Options) {
			other := *o
			other.migrations = migrations(firstMigration + "-- another build\n")
			mustClose(t, mustOpen(t, other))
		}, ErrForeign},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			test.make(t, &o)
			s, err := Open(t.Context(), o)
			if s != nil || !errors.Is(err, test.want) {
				t.Fatalf("open = %v, %v; want %v", s, err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the refusal has more than one line: %q", err)
			}
		})
	}
}

func TestSecondServerLearnsWhoIsFirst(t *testing.T) {
	t.Parallel()
	o := options(t)
	first := mustOpen(t, o)
	_, err := Open(t.Context(), o)
	if want := fmt.Sprintf("process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the second server was told %q; want it to name %s", err, want)
	}
	mustClose(t, first)
	mustOpen(t, o)
}

func TestKeeperAndServerShareTheFile(t *testing.T) {
	t.Parallel()
	o := options(t)
	kept := o
	kept.Role = KeeperRole
	keeper := mustOpen(t, kept) // migrates
	server := mustOpen(t, o)
	mustInsert(t, server, "Ada")
	wantValue(t, keeper, "SELECT count(*) FROM resident", 1)
	if err := insert(t.Context(), keeper, "Bea"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a keeper's write = %v; want ErrReadOnly", err)
	}
	if _, err := Open(t.Context(), kept); !errors.Is(err, ErrInUse) {
		t.Errorf("a second keeper = %v; want ErrInUse", err)
	}
	mustClose(t, keeper)
	newer := kept
	newer.migrations = migrations(firstMigration, rebuildMigration)
	if _, err := Open(t.Context(), newer); !errors.Is(err, ErrInUse) {
		t.Errorf("migrating under a live server = %v; want ErrInUse", err)
	}
	mustClose(t, server)
	mustOpen(t, newer)
}

func TestReadOnlyServesAndNeverWrites(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	readOnly := o
	readOnly.ReadOnly = true
	reader := mustOpen(t, readOnly) // beside the server
	wantValue(t, reader, "SELECT count(*) FROM resident", 1)
	if err := insert(t.Context(), reader, "Bea"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("write = %v; want ErrReadOnly", err)
	}
	if h := reader.Health(t.Context()); h.Writable || !h.ReadOnly || len(h.Problems) > 0 {
		t.Errorf("health = %+v; want read-only without problems", h)
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	mustInsert(t, s, "Ada")
	for _, suffix := range []string{"", "-wal", "-shm", serverLock} {
		info, err := os.Stat(s.path + suffix)
		if err != nil || info.Mode().Perm() != private {
			t.Errorf("%q has mode %v, %v; want %v", suffix, info.Mode(), err, private)
		}
	}
}

func TestOldSQLiteIsRefused(t *testing.T) {
	t.Parallel()
	if err := checkSQLite("3.51.2", 3_051_002); !errors.Is(err, ErrRefused) {
		t.Errorf("3.51.2 = %v; want ErrRefused", err)
	}
	if err := checkSQLite("3.51.3", 3_051_003); err != nil {
		t.Errorf("3.51.3 = %v; want nil", err)
	}
}

func TestPathsWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Database = filepath.Join(filepath.Dir(o.Database), "Casa Ñandú 100% #1?.db")
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	if _, err := os.Stat(o.Database); err != nil {
		t.Error(err)
	}
	if _, err := s.Backup(context.Background(), t.TempDir()); err != nil {
		t.Error(err)
	}
}

// A power cut while SQLite writes with a rollback journal, as it does until the
// file has its write-ahead log, leaves one that must be undone before anything can
// be read. The power-cut tests found that a server did not start on it.
func TestOpenUndoesAJournalThatACutLeft(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	mustClose(t, s)
	db, err := sql.Open("sqlite3", o.Database+"?_journal_mode=DELETE&_cache_size=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	// More than the cache holds, so that the file itself is written, and the
	// journal before it.
	for i := range 200 {
		if _, err := tx.Exec("INSERT INTO resident (name) VALUES (?)", fmt.Sprint(i, strings.Repeat("x", 2000))); err != nil {
			t.Fatal(err)
		}
	}
	cut := filepath.Join(t.TempDir(), "home.db")
	for _, suffix := range []string{"", "-journal"} {
		content, err := os.ReadFile(o.Database + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cut+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	o.Database = cut
	wantValue(t, mustOpen(t, o), "SELECT count(*) FROM resident", 1)
}
