package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func TestBackupUnderWritesIsAPrefix(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	dir := filepath.Join(t.TempDir(), "new", "copies")
	stop := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return nil
			default:
			}
			if err := insert(context.Background(), s, fmt.Sprint(i)); err != nil {
				return err
			}
		}
	})
	for range 3 {
		least, err := value(t.Context(), s, residents)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.Backup(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, m.File)
		report, err := Verify(t.Context(), path)
		if err != nil || !report.Summed || report.SchemaVersion != "001" || report.Bytes != m.Bytes {
			t.Errorf("verify = %+v, %v", report, err)
		}
		n := peek(t, path, residents)
		if highest := peek(t, path, "SELECT coalesce(max(CAST(name AS integer)), 0) FROM resident"); n < least || highest != n {
			t.Errorf("the copy has %d rows, the highest %d, after %d were acknowledged", n, highest, least)
		}
	}
	close(stop)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	all, err := Backups(dir)
	if err != nil || len(all) != 3 || !slices.IsSortedFunc(all, func(a, b Manifest) int { return b.CreatedAt.Compare(a.CreatedAt) }) {
		t.Errorf("backups = %v, %v; want 3, the newest first", all, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 6 {
		t.Errorf("files = %v, %v; want three copies and three manifests alone", left, err)
	}
	for _, path := range left {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != private {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
}

// copied makes a home of one resident, Ada, and a copy of it.
func copied(t *testing.T) (o Options, path string) {
	t.Helper()
	o = options(t)
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	dir := t.TempDir()
	m, err := s.Backup(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	return o, filepath.Join(dir, m.File)
}

func testRestore(t *testing.T, from, to string) error {
	t.Helper()
	known, err := loadMigrations(migrations(firstMigration))
	if err != nil {
		t.Fatal(err)
	}
	_, err = restore(t.Context(), from, to, known, time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC))
	return err
}

func TestRestore(t *testing.T) {
	t.Parallel()
	aside := func(path string) string { return path + ".replaced-20260301T083000.000Z" }
	tests := []struct {
		name    string
		before  func(t *testing.T, o *Options, from string)
		want    error // nil: Ada alone is there
		keepOld int64 // rows that the replaced file must have; -1 none
	}{
		{"OKNewPlace", func(t *testing.T, o *Options, _ string) { o.Database = filepath.Join(t.TempDir(), "new.db") }, nil, -1},
		{"OKOverAnother", func(t *testing.T, o *Options, _ string) {
			s := mustOpen(t, *o)
			mustInsert(t, s, "Bea")
			mustClose(t, s)
		}, nil, 2},
		{"OKAfterACrash", func(t *testing.T, o *Options, _ string) {
			// A log is left, which SQLite would play into the restored file.
			s := mustOpen(t, *o)
			mustInsert(t, s, "Bea")
			crash := *o
			crash.Database = filepath.Join(t.TempDir(), "crashed.db")
			for _, suffix := range []string{"", "-wal"} {
				if err := duplicate(s.path+suffix, crash.Database+suffix); err != nil {
					t.Fatal(err)
				}
			}
			*o = crash
		}, nil, 2},
		{"OKOverRubbish", func(t *testing.T, o *Options, _ string) {
			err := os.WriteFile(o.Database, []byte(strings.Repeat("rubbish", 1000)), private)
			if err = errors.Join(err, os.WriteFile(o.Database+"-wal", []byte("rubbish"), private)); err != nil {
				t.Fatal(err)
			}
		}, nil, -1},
		{"OKWithoutManifest", func(t *testing.T, _ *Options, from string) {
			if err := os.Remove(from + manifestSuffix); err != nil {
				t.Fatal(err)
			}
		}, nil, 1},
		{"ErrInUse", func(t *testing.T, o *Options, _ string) { mustOpen(t, *o) }, ErrInUse, -1},
		{"ErrInUseKeeper", func(t *testing.T, o *Options, _ string) {
			k := *o
			k.Role = KeeperRole
			mustOpen(t, k)
		}, ErrInUse, -1},
		{"ErrDamaged", func(t *testing.T, _ *Options, from string) { flip(t, from, 5000) }, ErrDamaged, -1},
		{"ErrDamagedManifest", func(t *testing.T, _ *Options, from string) { flip(t, from+manifestSuffix, 0) }, ErrDamaged, -1},
		{"ErrNotExist", func(t *testing.T, _ *Options, from string) {
			if err := os.Remove(from); err != nil {
				t.Fatal(err)
			}
		}, fs.ErrNotExist, -1},
		{"ErrItself", func(_ *testing.T, o *Options, from string) { o.Database = from }, ErrUnsupported, -1},
		{"ErrNotACopy", func(t *testing.T, _ *Options, from string) {
			if err := errors.Join(os.Remove(from+manifestSuffix), os.Remove(from)); err != nil {
				t.Fatal(err)
			}
			live := options(t)
			live.Database = from
			mustInsert(t, mustOpen(t, live), "Ada")
		}, ErrUnsupported, -1},
		{"ErrNewerSchema", func(t *testing.T, o *Options, from string) {
			if err := errors.Join(os.Remove(from+manifestSuffix), os.Remove(from)); err != nil {
				t.Fatal(err)
			}
			newer := options(t)
			newer.Database, newer.migrations = from, migrations(firstMigration, rebuildMigration)
			mustClose(t, mustOpen(t, newer))
		}, ErrNewerSchema, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o, from := copied(t)
			test.before(t, &o, from)
			was, _ := os.Stat(o.Database)
			err := testRestore(t, from, o.Database)
			if !errors.Is(err, test.want) {
				t.Fatalf("restore = %v; want %v", err, test.want)
			}
			if left, err := filepath.Glob(o.Database + ".restoring*"); err != nil || len(left) > 0 {
				t.Errorf("left = %v, %v", left, err)
			}
			if test.want != nil {
				if is, _ := os.Stat(o.Database); was != nil && !os.SameFile(was, is) {
					t.Error("the database was touched")
				}
				return
			}
			s := mustOpen(t, o)
			wantValue(t, s, residents, 1)
			wantValue(t, s, "SELECT count(*) FROM resident WHERE name = 'Ada'", 1)
			if test.keepOld >= 0 {
				if n := peek(t, aside(o.Database), residents); n != test.keepOld {
					t.Errorf("the replaced file has %d rows; want %d", n, test.keepOld)
				}
			}
		})
	}
}

// flip turns one bit of a file.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[at] ^= 0x10
	if err := os.WriteFile(path, content, private); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyFindsEveryFlippedBitOfACopy(t *testing.T) {
	t.Parallel()
	_, path := copied(t)
	length, err := size(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < int(length); at += 331 {
		flip(t, path, at)
		if _, err := Verify(t.Context(), path); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a bit flipped at %d: verify = %v; want ErrDamaged", at, err)
		}
		flip(t, path, at)
	}
	if _, err := Verify(t.Context(), path); err != nil {
		t.Errorf("verify of the sound copy = %v", err)
	}
}

func TestVerifyWithoutAManifest(t *testing.T) {
	t.Parallel()
	o, _ := copied(t)
	if report, err := Verify(t.Context(), o.Database); err != nil || report.Summed || report.SchemaVersion != "001" {
		t.Errorf("verify = %+v, %v", report, err)
	}
	live := mustOpen(t, o)
	mustInsert(t, live, "Bea")
	if _, err := Verify(t.Context(), o.Database); err != nil {
		t.Errorf("verify of a live database = %v", err)
	}
	mustInsert(t, live, "Cid")
	mustClose(t, live)
	db := dsn{path: o.Database, mode: "rw", synchronous: 2, busy: readerBusy, cache: smallCache}.open(1)
	_, err := db.Exec("INSERT INTO contact (name, resident_id) VALUES ('orphan', 5)")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), o.Database); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "contact -> resident") {
		t.Errorf("verify with an orphan = %v; want ErrDamaged", err)
	}
	for name, content := range map[string]string{"empty": "", "text": strings.Repeat("text ", 2000)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), private); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), path); !errors.Is(err, ErrDamaged) {
			t.Errorf("verify of %s = %v; want ErrDamaged", name, err)
		}
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(texts ...string) (all []Manifest) {
		for _, text := range texts {
			when, err := time.Parse("01-02T15", text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, Manifest{File: text, CreatedAt: when.AddDate(2026, 0, 0)})
		}
		return all
	}
	all := at("03-10T11", "03-10T05", "03-09T23", "03-09T01", "03-08T12", "03-07T12", "01-01T00")
	tests := []struct {
		name string
		rule Retention
		all  []Manifest
		want string
	}{
		{"LastAlone", Retention{Last: 2}, all, "03-09T23 03-09T01 03-08T12 03-07T12 01-01T00"},
		{"DaysAlone", Retention{Days: 3}, all, "03-10T05 03-09T01 03-07T12 01-01T00"},
		{"Both", Retention{Last: 3, Days: 4}, all, "03-09T01 01-01T00"},
		{"NewestIsKept", Retention{}, all, "03-10T05 03-09T23 03-09T01 03-08T12 03-07T12 01-01T00"},
		{"OldButAlone", Retention{Last: 1, Days: 1}, at("01-01T00"), ""},
		{"None", Retention{Last: 1}, nil, ""},
		{"AnyOrder", Retention{Last: 1}, at("03-08T12", "03-10T11", "03-09T01"), "03-09T01 03-08T12"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for _, m := range Expired(test.all, test.rule, now) {
				names = append(names, m.File)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("expired = %s; want %s", got, test.want)
			}
		})
	}
}
