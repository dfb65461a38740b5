package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
)

//go:embed migrations
var embedded embed.FS

// migration is one file of SQL: a change of the schema, applied whole or not at
// all.
type migration struct {
	version, name, checksum string
	statements              []string
	mayChange               map[string]bool // tables whose number of rows may change
}

// rowsDirective is how a file allows that a table gains or loses rows.
var rowsDirective = regexp.MustCompile(`(?m)^-- carehome:rows (\S+) may change$`)

// endsTransaction finds what would take a migration out of its transaction.
var endsTransaction = regexp.MustCompile(`(?i)^\s*(begin|commit|end|rollback|vacuum|attach|detach)\b`)

// loadMigrations reads sqlite/*.sql in the order of the names, VERSION_NAME.sql.
func loadMigrations(files fs.FS) ([]migration, error) {
	paths, err := fs.Glob(files, "migrations/sqlite/*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	slices.Sort(paths)
	all := make([]migration, 0, len(paths))
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, fmt.Errorf("reading a migration: %w", err)
		}
		scanner := migrate.Scanner{ScannerOptions: migrate.ScannerOptions{MatchBegin: true}} // triggers
		statements, err := scanner.Scan(string(text))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		sum := sha256.Sum256(text)
		version, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".sql"), "_")
		m := migration{version: version, name: name, checksum: hex.EncodeToString(sum[:]), mayChange: map[string]bool{}}
		for _, s := range statements {
			if endsTransaction.MatchString(s.Text) {
				return nil, fmt.Errorf("reading %s: %.40q: a migration runs in one transaction and must not end it", path, s.Text)
			}
			m.statements = append(m.statements, s.Text)
		}
		for _, found := range rowsDirective.FindAllStringSubmatch(string(text), -1) {
			m.mayChange[found[1]] = true
		}
		all = append(all, m)
	}
	return all, nil
}

// pending are the migrations that a database lacks which has had those applied.
func pending(all, applied []migration) ([]migration, error) {
	for i, had := range applied {
		switch {
		case i >= len(all) || had.version > all[len(all)-1].version:
			return nil, fmt.Errorf("%w: it has migration %s_%s; use the version of carehome that made it, or a newer one",
				ErrNewerSchema, had.version, had.name)
		case had.version != all[i].version || had.checksum != all[i].checksum:
			return nil, fmt.Errorf("%w: its migration %s_%s is not the one of this program; it was made by another build",
				ErrForeign, had.version, had.name)
		}
	}
	return all[len(applied):], nil
}

// appliedMigrations reads what a database has had: nothing if it is new.
func appliedMigrations(ctx context.Context, db querier) (all []migration, err error) {
	tables, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", classify(err))
	}
	switch {
	case len(tables) == 0:
		return nil, nil
	case !slices.Contains(tables, "schema_migration"):
		return nil, fmt.Errorf("%w: it holds the table %q and no record of migrations; choose another file", ErrForeign, tables[0])
	}
	rows, err := db.QueryContext(ctx, "SELECT version, name, checksum FROM schema_migration ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m migration
		if err := rows.Scan(&m.version, &m.name, &m.checksum); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, classify(rows.Err())
}

// migrate brings the file to the schema of this program and returns its version.
func (s *Store) migrate(ctx context.Context) (version string, err error) {
	all, err := loadMigrations(s.opts.migrations)
	if err != nil {
		return "", err
	}
	length, err := size(s.path)
	if err != nil {
		return "", err
	}
	if length > 0 {
		applied, err := s.appliedNow(ctx)
		if err != nil {
			return "", err
		}
		todo, err := pending(all, applied)
		if err != nil || len(todo) == 0 {
			return last(applied), err
		}
		if s.opts.ReadOnly || s.opts.NoMigrate {
			return "", fmt.Errorf("%w: from %q to %q; run carehome migrate", ErrPendingMigrations, last(applied), last(all))
		}
	} else if s.opts.ReadOnly || s.opts.NoMigrate {
		return "", fmt.Errorf("%w: %s is missing or empty", ErrPendingMigrations, s.path)
	}
	return s.migrateLocked(ctx, all)
}

// appliedNow looks without changing anything. But a database that the power was
// cut from while it was made has a rollback journal that must be undone first, for
// which SQLite wants to write.
func (s *Store) appliedNow(ctx context.Context) ([]migration, error) {
	d := s.readerDSN()
	d.cache = smallCache
	applied, err := appliedAt(ctx, d)
	if errors.Is(err, ErrReadOnly) && !s.opts.ReadOnly {
		d.mode, d.asItIs = "rw", true
		applied, err = appliedAt(ctx, d)
	}
	return applied, err
}

func appliedAt(ctx context.Context, d dsn) (applied []migration, err error) {
	db := d.open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	return appliedMigrations(ctx, db)
}

// migrateLocked migrates while nobody else migrates or serves.
func (s *Store) migrateLocked(ctx context.Context, all []migration) (version string, err error) {
	migrating, err := waitLock(ctx, s.path, migrateLock)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, migrating.release()) }()
	if s.opts.Role != ServerRole {
		// A server of the version before would go on with a schema that it does
		// not know.
		serving, err := tryLock(s.path, serverLock)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, serving.release()) }()
	}
	if err := makeFile(s.path); err != nil {
		return "", err
	}
	d := dsn{path: s.path, mode: "rw", synchronous: 2, foreignKeys: true, busy: readerBusy, cache: s.cacheShare()}
	db := d.open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", fmt.Errorf("migrating: %w", classify(err))
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// Asked again: whoever held the lock before may have migrated.
	applied, err := appliedMigrations(ctx, conn)
	if err != nil {
		return "", err
	}
	todo, err := pending(all, applied)
	if err != nil {
		return "", err
	}
	if len(todo) > 0 && len(applied) > 0 {
		copied, err := s.copyBefore(ctx, last(applied))
		if err != nil {
			return "", fmt.Errorf("copying the database before migrating it: %w", err)
		}
		s.opts.Log.Info("copied the database before migrating it", "copy", copied)
	}
	for _, m := range todo {
		if err := (migrator{conn: conn, clock: s.opts.Clock, step: s.opts.step}).apply(ctx, m); err != nil {
			return "", err
		}
		s.opts.Log.Info("migrated", "version", m.version, "name", m.name)
	}
	return last(all), syncDir(filepath.Dir(s.path))
}

func last(all []migration) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].version
}

// makeFile makes an empty database that only its owner may read; SQLite gives its
// log the same mode.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, private)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // left alone: closing it would drop the locks of SQLite
	case err != nil:
		return fmt.Errorf("making the database: %w", classify(err))
	}
	return f.Close()
}
