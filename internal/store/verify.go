package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Report is what a check found in a file.
type Report struct {
	// Path is the file that was checked.
	Path string
	// SchemaVersion is the version of its last migration.
	SchemaVersion string
	// Summed is true if the file was compared with a manifest.
	Summed bool
	// Bytes is its length.
	Bytes int64
}

// Verify checks a database or a copy of one: its sum where a manifest lies beside
// it, the structure of every page and index, that every row has its parent, and
// that it is a carehome database. It changes nothing. The error is ErrDamaged
// with what is wrong, or says why the file could not be checked.
//
// SQLite keeps no sums of its own: without a manifest, a changed bit inside a
// value is not seen here.
func Verify(ctx context.Context, path string) (Report, error) {
	path, err := resolve(path)
	if err != nil {
		return Report{Path: path}, err
	}
	report := Report{Path: path}
	if report.Bytes, err = size(path); err != nil {
		return report, err
	}
	if report.Bytes == 0 {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return report, fmt.Errorf("checking %s: %w", path, fs.ErrNotExist)
		}
		return report, fmt.Errorf("%w: %s is empty", ErrDamaged, path)
	}
	manifest, err := manifestOf(path)
	if err != nil {
		return report, err
	}
	if manifest != nil {
		length, hash, err := sum(path)
		if err != nil {
			return report, err
		}
		if length != manifest.Bytes || hash != manifest.SHA256 {
			return report, fmt.Errorf("%w: %s is not what its manifest describes", ErrDamaged, path)
		}
		report.Summed = true
	}
	// A copy is not written any more, and must not get a log beside it.
	report.SchemaVersion, err = inspect(ctx, path, manifest != nil)
	return report, err
}

// inspect checks the content of a database and returns its schema version.
func inspect(ctx context.Context, path string, immutable bool) (version string, err error) {
	db := dsn{path: path, mode: "ro", queryOnly: true, foreignKeys: true, immutable: immutable,
		synchronous: 1, busy: readerBusy, cache: smallCache}.open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	found, err := column(ctx, db, "PRAGMA integrity_check(10)")
	if err != nil {
		return "", fmt.Errorf("checking %s: %w", path, classify(err))
	}
	if len(found) != 1 || found[0] != "ok" {
		return "", fmt.Errorf("%w: %s: %s", ErrDamaged, path, strings.Join(found, "; "))
	}
	if err := checkForeignKeys(ctx, db); err != nil {
		return "", fmt.Errorf("checking %s: %w", path, classify(err))
	}
	applied, err := appliedMigrations(ctx, db)
	if err == nil && len(applied) == 0 {
		err = fmt.Errorf("%w: %s has no record of migrations", ErrForeign, path)
	}
	return last(applied), err
}
