package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
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
	// Rows is how many rows were compared with their digests.
	Rows int64
	// Damaged names the rows that are not what was written, at most 20 of them.
	Damaged []string
	// Aside is where Restore has put what was there before; empty if nothing was.
	Aside string
}

// maxNamed is how many damaged rows are named.
const maxNamed = 20

// Verify checks a database or a copy of one: its sum where a manifest lies beside
// it, the structure of every page and index, that every row has its parent and is
// what was written, and that it is a carehome database. It changes nothing. The
// error is ErrDamaged with what is wrong, or says why the file could not be
// checked.
func Verify(ctx context.Context, path string) (Report, error) {
	report, err := verify(ctx, path)
	if err == nil && len(report.Damaged) > 0 {
		err = fmt.Errorf("%w: %s: %s", ErrDamaged, report.Path, strings.Join(report.Damaged, "; "))
	}
	return report, err
}

// verify does not take damaged rows for an error: a copy that has some may be the
// best that there is.
func verify(ctx context.Context, path string) (Report, error) {
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
	if report.SchemaVersion, err = inspect(ctx, path, manifest != nil); err != nil {
		return report, err
	}
	report.Damaged, report.Rows, err = damagedRows(ctx, path, manifest != nil)
	return report, err
}

// damagedRows compares every row with its digest.
func damagedRows(ctx context.Context, path string, immutable bool) (named []string, checked int64, err error) {
	db := checkDSN(path, immutable).open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	d, err := newDigester(ctx, db)
	if err != nil || d == nil {
		return nil, 0, err
	}
	found, checked, err := d.damage(ctx, db)
	if err != nil {
		return nil, checked, err
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if len(named) == maxNamed {
			named = append(named, fmt.Sprintf("and %d more", len(found)-maxNamed))
			break
		}
		named = append(named, found[id])
	}
	return named, checked, nil
}

// checkDSN is a connection that looks at a file from end to end.
func checkDSN(path string, immutable bool) dsn {
	return dsn{path: path, mode: "ro", queryOnly: true, foreignKeys: true, immutable: immutable,
		synchronous: 1, busy: readerBusy, cache: smallCache}
}

// inspect checks the content of a database and returns its schema version.
func inspect(ctx context.Context, path string, immutable bool) (version string, err error) {
	db := checkDSN(path, immutable).open(1)
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
