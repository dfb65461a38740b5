package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Restore puts the copy from in the place of the database to, after verifying
// it. Rows of the copy that are not what was written do not stop it, since that
// may be the best copy there is: they are in Report.Damaged. What was there before stays beside it as NAME.replaced-TIME. A live server
// or keeper refuses it (ErrInUse), as does a copy from a newer program
// (ErrNewerSchema). Until the last step, one rename, the old database is in place;
// from then on the new one.
func Restore(ctx context.Context, from, to string) (report Report, err error) {
	all, err := loadMigrations(embedded)
	if err != nil {
		return Report{}, err
	}
	return restore(ctx, from, to, all, time.Now())
}

func restore(ctx context.Context, from, to string, known []migration, now time.Time) (report Report, err error) {
	if report, err = verify(ctx, from); err != nil {
		return report, err
	}
	if report.SchemaVersion > last(known) {
		return report, fmt.Errorf("%w: the copy has migration %s", ErrNewerSchema, report.SchemaVersion)
	}
	path, err := resolve(to)
	if err != nil {
		return report, err
	}
	if path == report.Path {
		return report, fmt.Errorf("%w: a file cannot be restored from itself", ErrUnsupported)
	}
	if log, err := size(report.Path + "-wal"); err != nil || log > 0 {
		return report, errors.Join(fmt.Errorf("%w: %s is a database in use, not a finished copy; make a backup of it", ErrUnsupported, from), err)
	}
	for _, suffix := range []string{serverLock, keeperLock, migrateLock} {
		held, err := tryLock(path, suffix)
		if err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, held.release()) }()
	}
	part := path + ".restoring"
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(part))
		}
	}()
	if err := duplicate(report.Path, part); err != nil {
		return report, fmt.Errorf("copying the backup: %w", classify(err))
	}
	if manifest, err := manifestOf(report.Path); err != nil {
		return report, err
	} else if manifest != nil {
		if _, hash, err := sum(part); err != nil || hash != manifest.SHA256 {
			return report, errors.Join(fmt.Errorf("%w: the backup changed while it was copied", ErrDamaged), err)
		}
	}
	aside := path + ".replaced-" + now.UTC().Format(copyTime)
	there, err := setAside(ctx, path, aside)
	if err != nil {
		return report, fmt.Errorf("setting the old database aside: %w", classify(err))
	}
	if there {
		report.Aside = aside
	}
	if err := os.Rename(part, path); err != nil {
		return report, fmt.Errorf("putting the backup in place: %w", err)
	}
	return report, syncDir(filepath.Dir(path))
}

// setAside gives the old database, if there is one, a second name and sees that no
// log of it is left: SQLite would play that log into the new database.
func setAside(ctx context.Context, path, aside string) (there bool, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, removeAll(path+"-wal", path+"-shm")
	}
	if err := emptyLog(ctx, path); err != nil {
		// Too damaged to be opened, which may be why somebody restores: the log
		// is kept beside it as it is.
		if err := os.Rename(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
	}
	if err := os.Link(path, aside); err != nil {
		if err := duplicate(path, aside); err != nil { // no links on this file system
			return true, err
		}
	}
	return true, errors.Join(removeAll(path+"-wal", path+"-shm"), syncDir(filepath.Dir(path)))
}

// emptyLog moves the log into the database, if that can be opened at all.
func emptyLog(ctx context.Context, path string) (err error) {
	if length, err := size(path + "-wal"); err != nil || length == 0 {
		return err
	}
	db := dsn{path: path, mode: "rw", foreignKeys: true, synchronous: 2, busy: readerBusy, cache: smallCache}.open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	result, err := column(ctx, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err == nil && (len(result) != 1 || result[0] != "0") {
		err = fmt.Errorf("%w: the log of %s is still being read", ErrInUse, path)
	}
	return err
}

// duplicate copies a file that is not open as a database, and makes the copy
// durable.
func duplicate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, private)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
